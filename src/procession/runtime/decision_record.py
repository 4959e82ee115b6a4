"""What a decision's trail leaves in the history: plain JSON of a bounded size (`DecisionEvaluated`,
`DecisionFailed`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, final

from procession.base.values import Json, encode

if TYPE_CHECKING:
    from procession.dmn import Evaluation

VALUE_BYTES_MAX: Final = 2_048
"""Largest value of a decision that its record repeats, in bytes; the inputs are in the history once already."""
RECORD_BYTES_MAX: Final = 65_536
"""Largest record of one called decision, in bytes; decisions beyond it are counted and left out."""
TABLES_MAX: Final = 20
"""Most evaluations of tables that the record of a decision lists; a loop may ask one thousands of times."""
RULES_MAX: Final = 100
"""Most rules that the record of a table lists."""


def recorded(trail: Iterable[object]) -> tuple[list[Json], int]:
    """The decisions of a trail as the fact keeps them, and how many were left out because of their size."""
    from procession.dmn.audit import evaluations

    found: list[Json] = []
    left = RECORD_BYTES_MAX
    told = evaluations(trail)
    # The decision that was called has its result last: it is the one that is kept in any case.
    for each in reversed(told):
        record: list[Json] = _Record().of(each)
        size = len(encode(record))
        if size > left and found:
            break
        if size > left:
            omitted: list[Json] = ["inputs", "tables"]
            record = [each.id, each.name, {}, record[3], [], omitted]
        left -= len(encode(record))
        found.append(record)
    return found[::-1], len(told) - len(found)


def failed_in(trail: Iterable[object]) -> str:
    """The id of the decision in which one failed: the innermost without a result, or where an assertion did not hold.

    '' if none was begun. If all have results, it is that of the last that fails: it is no variable.
    """
    from procession.dmn.audit import evaluations

    told = evaluations(trail)
    return next((each.id for each in told if not (each.done and each.held)), told[-1].id if told else "")


@final
class _Record:
    """One decision; notes what it omits."""

    __slots__ = ("_omitted",)

    def __init__(self) -> None:
        self._omitted: list[Json] = []

    def of(self, each: Evaluation) -> list[Json]:
        inputs: dict[str, Json] = {name: self._kept(f"input {name}", value) for name, value in each.inputs.items()}
        output = self._kept("output", each.output)
        tables: list[Json] = []
        for table in each.tables[:TABLES_MAX]:
            given: list[Json] = [[text, self._kept(f"input {text}", value)] for text, value in table.inputs]
            rules: list[Json] = [[rule.number, rule.id] for rule in table.rules[:RULES_MAX]]
            tables.append([table.owner, table.hit_policy, given, rules])
            self._cut(f"rules of {table.owner}", len(table.rules) - RULES_MAX)
        self._cut("tables", len(each.tables) - TABLES_MAX)
        return [each.id, each.name, inputs, output, tables, self._omitted]

    def _kept(self, name: str, value: object) -> Json:
        from procession import feel

        try:
            plain = feel.to_json(value)
            size = len(encode(plain))
        except feel.BudgetExceeded:
            size, plain = VALUE_BYTES_MAX + 1, None
        if size <= VALUE_BYTES_MAX:
            return plain
        self._omitted.append(name[:80])
        return None

    def _cut(self, name: str, count: int) -> None:
        if count > 0:
            self._omitted.append(f"{count} {name}"[:80])
