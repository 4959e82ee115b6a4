"""The kind of values of a table's columns and the tests that limit them, from typeRefs and item definitions.

Only as much as static analysis needs: structures and lists have no kind here. Checking values is `item_types.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

from procession.dmn.item_types import BUILT_IN
from procession.dmn.segments import Entry, entry_of
from procession.feel import Dialect
from procession.model.dmn import Decisions, InputClause, ItemDefinition, OutputClause, UnaryTests

_UNKNOWN: Final = frozenset({"Any", "context", "list", "function", "range"})


@final
class ValueTypes:
    """The types of one document."""

    __slots__ = ("_definitions", "dialect")

    def __init__(self, document: Decisions, dialect: Dialect) -> None:
        self.dialect: Dialect = dialect
        self._definitions = {each.name: each for each in document.item_definitions}

    def of_input(self, clause: InputClause) -> tuple[str, list[Callable[[object], bool]]]:
        """The kind of an input's values, '' if that is not known, and what each must pass."""
        return self._named(clause.expression.type_ref)[0], [entry.matches for entry in self.entries_of(clause)]

    def of_output(self, clause: OutputClause) -> tuple[str, list[Callable[[object], bool]]]:
        """As `of_input`, of an output."""
        kind, entries = self._named(clause.type_ref)
        return kind, [entry.matches for entry in (*entries, *self._entries(clause.values))]

    def entries_of(self, clause: InputClause) -> list[Entry]:
        """The input values of a column, and the allowed values of its type, as entries."""
        return [*self._named(clause.expression.type_ref)[1], *self._entries(clause.values)]

    def _named(self, name: str) -> tuple[str, list[Entry]]:
        """The kind and the limits of a type, through the types that it is made of."""
        limits: list[Entry] = []
        passed: set[str] = set()
        while name in self._definitions and name not in passed:
            passed.add(name)
            definition = self._definitions[name]
            if _is_structure(definition):
                return "", []
            limits += [*self._entries(definition.allowed_values), *self._entries(definition.type_constraint)]
            name = definition.type_ref
        kind = BUILT_IN.get(name, "")
        return ("" if kind in _UNKNOWN else kind), limits

    def _entries(self, tests: UnaryTests | None) -> list[Entry]:
        return [entry_of(tests.text, self.dialect)] if tests is not None and tests.text.strip() else []


def _is_structure(definition: ItemDefinition) -> bool:
    return definition.is_collection or bool(definition.components) or definition.function is not None
