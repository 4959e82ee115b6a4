"""Decisions as a library of their own: `load` reads a DMN document, a `Model` decides and explains.

The only file of this room that meets the reader of XML and a file on disk; the engine brings its documents itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal, final, overload

import msgspec

from procession.base.diagnostics import Diagnostic, Refused
from procession.dmn.audit import Evaluation, evaluations
from procession.dmn.decisions import CompiledDecisions, DecisionInfo, ServiceInfo
from procession.dmn.errors import DecisionError
from procession.dmn.imports import compile_together
from procession.feel import MISSING, BudgetExceeded, Dialect, Function, Note, Runtime
from procession.feel.library import from_python
from procession.model.dmn import Decisions


@final
class Explanation(msgspec.Struct, frozen=True):
    """A result with what led to it: each decision evaluated, requirements first, and why parts of them are null.

    `error` is set where there is no result: a violated hit policy, a spent budget. Then `value` is None.
    """

    value: object
    evaluations: tuple[Evaluation, ...]
    diagnostics: tuple[Note, ...]
    error: str = ""


@final
class Model:
    """The decisions of a document (DMN 1.1 to 1.5), ready to decide. Immutable; threads may share it.

    `decisions` and `services` are by id; `functions` are the parameters of the business knowledge models by name;
    `diagnostics` are the warnings that the document got.
    """

    __slots__ = ("_functions", "compiled", "decisions", "diagnostics", "functions", "services")

    def __init__(self, compiled: CompiledDecisions, diagnostics: Iterable[Diagnostic]) -> None:
        self.compiled = compiled
        self.diagnostics = tuple(diagnostics)
        self.decisions: Mapping[str, DecisionInfo] = compiled.decisions
        self.services: Mapping[str, ServiceInfo] = compiled.services
        own = f"{compiled.namespace}#"
        functions = {
            key.removeprefix(own): function
            for key, function in compiled.graph.functions.items()
            if key.startswith(own) and key.removeprefix(own) not in compiled.services
        }
        self._functions = {**{each.name: each for each in functions.values()}, **functions}
        self.functions = MappingProxyType({each.name: each.parameters for each in functions.values()})

    @overload
    def evaluate(
        self,
        name: str,
        inputs: Mapping[str, object] | None = None,
        *,
        explain: Literal[False] = False,
        runtime: Runtime | None = None,
    ) -> object: ...

    @overload
    def evaluate(
        self,
        name: str,
        inputs: Mapping[str, object] | None = None,
        *,
        explain: Literal[True],
        runtime: Runtime | None = None,
    ) -> Explanation: ...

    def evaluate(
        self,
        name: str,
        inputs: Mapping[str, object] | None = None,
        *,
        explain: bool = False,
        runtime: Runtime | None = None,
    ) -> object:
        """The FEEL value of a decision, decision service or business knowledge model, by id, else by name.

        `inputs` are values of Python as `feel.evaluate` takes them: input data by name, or a function's parameters.
        With `explain` an `Explanation`, which also tells of a failure. Without it raises `DecisionError` for an unknown
        name or a violated hit policy, `BudgetExceeded` for a spent budget; always `BadValue` for an input, and
        `DecisionError` for a name that the document does not have. What has the wrong type is null (10.3.2.13).
        """
        rt = runtime or Runtime()
        given = from_python(inputs or {})
        if not explain:
            return self._decide(name, given, rt)
        if not self._knows(name):
            raise self._unknown(name)
        rt.trail = []
        value, error = None, ""
        try:
            value = self._decide(name, given, rt)
        except (DecisionError, BudgetExceeded) as failed:
            error = str(failed)
        return Explanation(value, evaluations(rt.trail), tuple(rt.notes), error)

    @property
    def names(self) -> list[str]:
        """What can be evaluated: decisions, then services, then functions; by name, by id where there is none."""
        decisions = [info.name or info.id for info in self.decisions.values()]
        return [*decisions, *(info.name or info.id for info in self.services.values()), *self.functions]

    def _decide(self, name: str, given: dict[str, object], rt: Runtime) -> object:
        if not self._knows(name):
            raise self._unknown(name)
        function = self._functions.get(name)
        if function is not None and not self._decides(name):
            return self._call(function, given, rt)
        return self.compiled.evaluate(name, lambda each: given.get(each, MISSING), rt)

    def _call(self, function: Function, given: dict[str, object], rt: Runtime) -> object:
        return function.call([given.get(parameter) for parameter in function.parameters], rt, 0)

    def _decides(self, name: str) -> bool:
        if name in self.decisions or name in self.services:
            return True
        return name in {info.name for info in self.decisions.values()} | {info.name for info in self.services.values()}

    def _knows(self, name: str) -> bool:
        return name in self._functions or self._decides(name)

    def _unknown(self, name: str) -> DecisionError:
        listed = ", ".join(self.names[:20]) or "nothing"
        where = self.compiled.name or self.compiled.id
        return DecisionError("unknown-decision", f"there is no decision {name[:80]!r} in {where!r}; it has: {listed}")


def load(
    source: str | Path | bytes,
    *,
    imports: Iterable[Model | str | Path | bytes] = (),
    dialect: Dialect | None = None,
) -> Model:
    """The decisions of a file, or of a document's bytes. `imports` are the models that it imports.

    They may be files and bytes as well, in any order, which may import each other and the models among them.
    `dialect` None is decided by the exporter of each document. Raises `Refused` with every finding (file, line, column,
    rule, remedy) for a document that cannot be executed, `OSError` for a file that cannot be read.
    """
    from procession.parse import parse_dmn

    given = list(imports)
    documents: list[Decisions] = []
    read: list[list[Diagnostic]] = []
    for each in (*[each for each in given if not isinstance(each, Model)], source):
        data = each if isinstance(each, bytes) else Path(each).read_bytes()
        document, found = parse_dmn(data, "" if isinstance(each, bytes) else str(each))
        if document is None:
            raise Refused(found)
        documents.append(document)
        read.append(found)
    models = [each.compiled for each in given if isinstance(each, Model)]
    together = compile_together(documents, imports=models, dialect=dialect)
    told = [[*found, *each.found] for found, each in zip(read, together, strict=True)]
    compiled = together[-1].decisions
    wrong = [found for found in told if any(each.severity == "error" for each in found)]
    if wrong or compiled is None:
        raise Refused([each for found in wrong for each in found])
    return Model(compiled, told[-1])
