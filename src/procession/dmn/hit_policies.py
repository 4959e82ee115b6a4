"""Hit policies (DMN 1.5, 8.2.8): what a decision table gives for the rules that match, in the table `HIT_POLICIES`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, final

import msgspec

from procession.dmn.errors import DecisionError
from procession.dmn.rule_index import Row
from procession.dmn.scope import Evaluate, within
from procession.feel import Lookup, Range, Runtime, compile_expression
from procession.feel.ops import contains, same_item
from procession.feel.values import is_context, shown
from procession.model.dmn import Aggregation, HitPolicy


@final
class Column(msgspec.Struct, frozen=True):
    """An output column. `priority` lists its values, the highest first; empty where none are given."""

    name: str
    priority: tuple[object, ...] = ()


@final
class Hits:
    """The rules of one evaluation that match, in their order, and how their outputs are read. Read once."""

    __slots__ = ("_columns", "_lookup", "_rt", "aggregation", "matches")

    def __init__(
        self,
        matches: Iterable[Row],
        columns: tuple[Column, ...],
        aggregation: Aggregation,
        lookup: Lookup,
        rt: Runtime,
    ) -> None:
        self.matches = matches
        self.aggregation: Aggregation = aggregation
        self._columns = columns
        self._lookup = lookup
        self._rt = rt

    def result(self, outputs: tuple[Evaluate, ...]) -> object:
        """A rule's result: the value of the one output, or a context of all."""
        if len(outputs) == 1:
            return outputs[0](self._lookup, self._rt)
        return {
            column.name: output(self._lookup, self._rt) for column, output in zip(self._columns, outputs, strict=False)
        }

    def results(self) -> list[object]:
        """The results of all rules that match, in the order of the rules."""
        return [self.result(row.outputs) for row in self.matches]

    def by_priority(self) -> list[object]:
        """The results of all rules that match, those of higher priority first; equal ones as the rules stand."""
        return sorted(self.results(), key=self._rank)

    def fallback(self, default: Evaluate | None) -> object:
        """What the table gives if no rule matches."""
        return None if default is None else default(self._lookup, self._rt)

    def reduced(self, values: list[object]) -> object:
        """The values of a COLLECT table, aggregated."""
        if not self.aggregation:
            return values
        function = compile_expression(AGGREGATIONS[self.aggregation], dialect="feel").function
        return function(within({"values": values}), self._rt)

    def _rank(self, result: object) -> tuple[int, ...]:
        parts = result.values() if is_context(result) and len(self._columns) > 1 else [result]
        return tuple([place_of(column, part) for column, part in zip(self._columns, parts, strict=False)])


AGGREGATIONS: Final = {
    "SUM": "sum(values)",
    "COUNT": "count(values)",
    "MIN": "min(values)",
    "MAX": "max(values)",
}
"""The aggregations of COLLECT, as FEEL of the values of all rules that match."""


def _unique(hits: Hits, default: Evaluate | None) -> object:
    found = list(hits.matches)
    if len(found) > 1:
        rules = ", ".join(row.id for row in found[:10])
        raise DecisionError("unique", f"the hit policy UNIQUE allows one rule to match, but these do: {rules}")
    return hits.result(found[0].outputs) if found else hits.fallback(default)


def _any(hits: Hits, default: Evaluate | None) -> object:
    found = [(row.id, hits.result(row.outputs)) for row in hits.matches]
    if not found:
        return hits.fallback(default)
    first, result = found[0]
    for id, other in found[1:]:
        if not same_item(result, other):
            text = f"{first} gives {shown(result)} and {id} gives {shown(other)}"
            raise DecisionError("any", f"the hit policy ANY wants equal results, but {text}")
    return result


def _first(hits: Hits, default: Evaluate | None) -> object:
    for row in hits.matches:
        return hits.result(row.outputs)
    return hits.fallback(default)


def _priority(hits: Hits, default: Evaluate | None) -> object:
    ordered = hits.by_priority()
    return ordered[0] if ordered else hits.fallback(default)


def _rule_order(hits: Hits, default: Evaluate | None) -> object:
    return hits.results() or hits.fallback(default)


def _output_order(hits: Hits, default: Evaluate | None) -> object:
    return hits.by_priority() or hits.fallback(default)


def _collect(hits: Hits, default: Evaluate | None) -> object:
    values = hits.results()
    # No rule is a count of 0, though there is nothing to add up or to compare.
    if values or (hits.aggregation == "COUNT" and default is None):
        return hits.reduced(values)
    return hits.fallback(default)


def place_of(column: Column, value: object) -> int:
    """How far down a value stands in its column's list; what is not in it comes last."""
    for index, listed in enumerate(column.priority):
        if same_item(value, listed) or (isinstance(listed, Range) and contains(listed, value) is True):
            return index
    return len(column.priority)


HIT_POLICIES: Final[dict[HitPolicy, Callable[[Hits, Evaluate | None], object]]] = {
    "UNIQUE": _unique,
    "ANY": _any,
    "FIRST": _first,
    "PRIORITY": _priority,
    "RULE ORDER": _rule_order,
    "OUTPUT ORDER": _output_order,
    "COLLECT": _collect,
}
"""(the hits, the default or None) -> the table's result."""
ONE_RESULT: Final = frozenset({"UNIQUE", "ANY", "FIRST", "PRIORITY"})
"""The policies for which the result of the only rule that matches is that of the table."""
