"""What decisions did: the entries of a runtime's trail while they run, and the `Evaluation`s told from them.

Data, and one function that reads it. A trail is left only where `Runtime.trail` is a list; None is the
fast way.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, final

import msgspec

from procession.feel import MISSING


@final
class Table(msgspec.Struct, frozen=True):
    """A decision table as it was drawn: whose it is, its inputs' labels, and the annotations of each of its rules."""

    owner: str
    id: str
    hit_policy: str
    inputs: tuple[str, ...]
    annotations: tuple[tuple[str, ...], ...]


@final
class Entered(msgspec.Struct, frozen=True):
    """A decision begins, with what it requires."""

    id: str
    name: str
    inputs: dict[str, object]


@final
class Asked(msgspec.Struct, frozen=True):
    """A table is asked with the values of its inputs."""

    table: Table
    values: tuple[object, ...]


@final
class Hit(msgspec.Struct, frozen=True):
    """A rule of the table asked last matches. `number` counts from 1."""

    table: Table
    number: int
    rule: str


@final
class Left(msgspec.Struct, frozen=True):
    """The decision entered last has its result. `held` is False if an assertion in it did not hold."""

    value: object
    held: bool = True


@final
class MatchedRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that matched. `number` counts from 1; `id` is the drawing's, or `rule N`."""

    number: int
    id: str
    annotations: tuple[str, ...] = ()


@final
class TableEvaluation(msgspec.Struct, frozen=True, kw_only=True):
    """One evaluation of a decision table. `owner` is the id of the decision or function that it belongs to.

    Of the hit policy FIRST only the first rule that matches is looked for.
    """

    owner: str
    hit_policy: str
    inputs: tuple[tuple[str, object], ...]
    rules: tuple[MatchedRule, ...]


@final
class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """A decision that was evaluated: its requirements' values by name, its tables, its output as FEEL values.

    `done` is False for one that ended in an error; its output is None. `held` is False for one in which an assertion
    did not hold, be it in a decision that it asked.
    """

    id: str
    name: str
    inputs: dict[str, object]
    output: object = None
    tables: tuple[TableEvaluation, ...] = ()
    done: bool = True
    held: bool = True


@final
class _Open:
    """A decision that was entered and not left, or what is outside of all decisions."""

    __slots__ = ("entered", "tables")

    def __init__(self, entered: Entered) -> None:
        self.entered = entered
        self.tables: list[tuple[Asked, list[MatchedRule]]] = []

    def closed(self, output: object, held: bool = True) -> Evaluation:
        tables = [
            TableEvaluation(
                owner=asked.table.owner,
                hit_policy=asked.table.hit_policy,
                inputs=tuple(zip(asked.table.inputs, asked.values, strict=True)),
                rules=tuple(rules),
            )
            for asked, rules in self.tables
        ]
        return Evaluation(
            id=self.entered.id,
            name=self.entered.name,
            inputs=self.entered.inputs,
            output=None if output is MISSING else output,
            tables=tuple(tables),
            done=output is not MISSING,
            held=held,
        )


def evaluations(trail: Iterable[object]) -> tuple[Evaluation, ...]:
    """The decisions of a trail in the order in which they had their results; those that failed come last.

    Tables outside of any decision, those of a function that was called by itself, stand in one with the id ''.
    """
    outside = _Open(_NOBODY)
    open_ = [outside]
    found: list[Evaluation] = []
    for entry in trail:
        match entry:
            case Entered():
                open_.append(_Open(entry))
            case Asked():
                open_[-1].tables.append((entry, []))
            case Hit(table=table, number=number, rule=rule):
                annotations = table.annotations[number - 1]
                _rules_of(open_[-1], table).append(MatchedRule(number=number, id=rule, annotations=annotations))
            case Left(value=value, held=held):
                found.append(open_.pop().closed(value, held))
            case _:
                continue
    found += [each.closed(MISSING) for each in reversed(open_[1:])]
    return (*found, outside.closed(None)) if outside.tables else tuple(found)


def _rules_of(decision: _Open, table: Table) -> list[MatchedRule]:
    """The rules of the latest evaluation of a table: an output may have asked another one meanwhile."""
    return next(rules for asked, rules in reversed(decision.tables) if asked.table is table)


_NOBODY: Final = Entered("", "", {})
