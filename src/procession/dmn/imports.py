"""Documents that are given together: which imports which (DMN 1.5, 6.3.3), and compiling each after its imports.

An import names a namespace; the document of it must be among the given ones, once. What must not live here: reading
documents, how they are kept, and what an import means inside of a document (`compiler.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, final

import msgspec

from procession.base.diagnostics import Diagnostic
from procession.dmn.compiler import compile_decisions
from procession.dmn.decisions import CompiledDecisions
from procession.feel import Dialect
from procession.model.dmn import Decisions, Import

IMPORTS_MAX: Final = 100
"""Most documents that one document imports, those that its imports import included."""


@final
class Compiled(msgspec.Struct, frozen=True):
    """One of the documents: its decisions (None if something is an error), what was found, and what it needs.

    `closure` are the positions of the documents that it imports, directly or not, imports first; itself comes last. It
    follows from the documents' contents alone: neither their names nor the order in which they are given matter.
    """

    decisions: CompiledDecisions | None
    found: list[Diagnostic]
    closure: tuple[int, ...]


def compile_together(
    documents: Sequence[Decisions],
    *,
    imports: Iterable[CompiledDecisions] = (),
    dialect: Dialect | None = None,
) -> list[Compiled]:
    """Compiles documents that may import each other, and those in `imports`. The result is in the order given.

    A document whose import is wrong is not compiled, nor is one that imports it.
    """
    arranged = _Arranged(documents)
    given = list(imports)
    tolerated: dict[int, CompiledDecisions] = {}
    result = [Compiled(None, arranged.found[at], (at,)) for at in range(len(documents))]
    for at in arranged.order:
        needed = [*given, *[tolerated[each] for each in arranged.direct[at]]]
        # With its errors, so that who imports it is told of its own alone.
        compiled, found = compile_decisions(documents[at], imports=needed, dialect=dialect, tolerant=True)
        assert compiled is not None
        tolerated[at] = compiled
        refused = any(each.severity == "error" for each in found)
        result[at] = Compiled(None if refused else compiled, found, arranged.closures[at])
    return result


@final
class _Arranged:
    """The order of compiling, without what cannot be compiled; by position the direct imports and the closures."""

    __slots__ = ("_blocked", "_documents", "_wanted", "closures", "direct", "found", "order")

    def __init__(self, documents: Sequence[Decisions]) -> None:
        self._documents = documents
        self.found: list[list[Diagnostic]] = [[] for _ in documents]
        self._blocked: set[int] = set()
        self._wanted = self._resolved()
        self.direct = [list(dict.fromkeys(target for _, target in wanted)) for wanted in self._wanted]
        self.order: list[int] = []
        self.closures: dict[int, tuple[int, ...]] = {}
        self._walk()

    def _resolved(self) -> list[list[tuple[Import, int]]]:
        """Of each document its imports with the positions of what they mean. What is not there the compiler tells."""
        # One document given twice is one: its content decides.
        by_namespace: dict[str, dict[str, int]] = {}
        for at, document in enumerate(self._documents):
            by_namespace.setdefault(document.namespace, {}).setdefault(document.digest, at)
        return [self._imports_of(at, by_namespace) for at in range(len(self._documents))]

    def _imports_of(self, at: int, by_namespace: Mapping[str, Mapping[str, int]]) -> list[tuple[Import, int]]:
        wanted: list[tuple[Import, int]] = []
        for each in self._documents[at].imports:
            candidates = list(by_namespace.get(each.namespace, {}).values())
            if len(candidates) > 1:
                files = ", ".join([self._file(candidate) for candidate in candidates[:5]])
                text = f"the import {each.name!r} of {each.namespace[:80]!r} may mean several documents: {files}"
                self.report("dmn-import", (at, each), text, "give one of them, or give each a namespace of its own")
            elif candidates:
                wanted.append((each, candidates[0]))
        return wanted

    def _walk(self) -> None:
        """Imports before who imports them, without recursion: documents may import each other in a long row."""
        done: set[int] = set()
        path: dict[int, int] = {}
        """The documents under way, each with the number of its imports that were looked at."""
        for start in range(len(self._documents)):
            if start not in done:
                path[start] = 0
            while path:
                at, next = path.popitem()
                wanted = self._wanted[at]
                if next == len(wanted):
                    done.add(at)
                    self._finish(at)
                    continue
                path[at] = next + 1
                each, target = wanted[next]
                if target in path:
                    self._refuse_circle(at, each, list(path)[list(path).index(target) :])
                elif target not in done:
                    path[target] = 0

    def _finish(self, at: int) -> None:
        """All imports of a document are known."""
        if not self._blocked.isdisjoint(self.direct[at]):
            self._blocked.add(at)
        if at in self._blocked:
            return
        closure: dict[int, None] = {}
        for target in self.direct[at]:
            closure.update(dict.fromkeys(self.closures[target]))
        if len(closure) > IMPORTS_MAX:
            text = f"it imports {len(closure)} documents, those of its imports included; the limit is {IMPORTS_MAX}"
            first = self._documents[at].imports[0]
            self.report("dmn-import", (at, first), text, "put what belongs together into one document")
            return
        self.closures[at] = (*closure, at)
        self.order.append(at)

    def _refuse_circle(self, at: int, each: Import, circle: Sequence[int]) -> None:
        self._blocked.update(circle)
        way = " imports ".join([self._file(position) for position in (*circle[:5], circle[0])])
        text = f"the import {each.name!r} of {each.namespace[:80]!r} closes a circle: {way}"
        self.report("dmn-import", (at, each), text, "remove one of the imports, or put the documents into one")

    def report(self, rule: str, at: tuple[int, Import], message: str, remedy: str) -> None:
        """Refuses a document because of an import."""
        position, each = at
        self._blocked.add(position)
        found = Diagnostic(rule=rule, message=message, element=each.name, span=each.span, remedy=remedy)
        self.found[position].append(found)

    def _file(self, at: int) -> str:
        document = self._documents[at]
        return document.span.file or document.name or document.id
