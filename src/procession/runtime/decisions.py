"""Decision documents as a host uses them: read and compiled once, decided by the hash of their bytes.

The rooms `parse` and `dmn` do not know each other; they meet here. What must not live here: versions and rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, cast

from procession.base.diagnostics import Diagnostic, Refused
from procession.base.failure import Failure
from procession.base.values import Json, checked_all
from procession.core.linked import Decide, Decided, Environment, Lookup
from procession.runtime.decision_record import recorded
from procession.runtime.link import refuse_failed_assertions

if TYPE_CHECKING:
    from procession.dmn import CompiledDecisions

DOCUMENTS_MAX: Final = 256
"""Compiled documents that one host keeps; the one compiled first goes first."""


def read_decisions(data: bytes, file: str) -> tuple[CompiledDecisions | None, list[Diagnostic]]:
    """The decisions of a DMN document and all that is wrong with it; None if something is an error.

    `decisions` of the result tells what the document defines, `digest` is the SHA-256 of `data`.
    """
    from procession.dmn import compile_decisions
    from procession.parse import parse_dmn

    document, found = parse_dmn(data, file)
    if document is None:
        return None, found
    compiled, more = compile_decisions(document)
    refused = any(diagnostic.severity == "error" for diagnostic in found)
    return (None if refused else compiled), [*found, *more]


def load_decisions(data: bytes, file: str = "") -> CompiledDecisions:
    """The decisions of a DMN document. Raises `Refused` with every finding."""
    compiled, found = read_decisions(data, file)
    if compiled is None:
        raise Refused(found)
    return compiled


def decide(data: bytes, decision: str, variables: Mapping[str, object] | None = None) -> Json:
    """The result of one decision of a DMN document, for trying it out.

    Raises `Refused` for the document, `BadValue` for the variables, `DecisionError` for the decision.
    """
    from procession import feel

    values = checked_all(variables)
    return feel.to_json(load_decisions(data).evaluate(decision, lambda name: values.get(name, feel.MISSING)))


def decide_by_hash(load: Callable[[str], bytes]) -> Decide:
    """What a linked program calls for decisions. `load` gives the document of a hash; each is compiled once.

    The result raises `Failure("decision", …)` where the decision has no result.
    """
    compiled: dict[str, CompiledDecisions] = {}

    def found(hash: str) -> CompiledDecisions:
        known = compiled.get(hash)
        if known is None:
            if len(compiled) >= DOCUMENTS_MAX:
                del compiled[next(iter(compiled))]
            known = compiled[hash] = load_decisions(load(hash))
        return known

    def evaluate(hash: str, decision: str, lookup: Lookup, environment: Environment) -> Decided:
        from procession import feel
        from procession.dmn import DecisionError

        known = len(environment.notes)
        rt = cast("feel.Runtime", environment)
        rt.trail = []
        try:
            value = feel.to_json(found(hash).evaluate(decision, lookup, rt))
            refuse_failed_assertions(environment, known, repr(decision), "decision")
            return Decided(value, *recorded(rt.trail))
        except (DecisionError, feel.BudgetExceeded, Refused) as error:
            raise Failure("decision", f"{decision!r}: {error}") from None
        finally:
            rt.trail = None

    return evaluate
