"""Which rules of a table match, without testing each: the cells of a column as bit masks by the value of its input.

What a value passes is not reckoned here but tried: each cell that consists of literals runs once for each of its own
literals and once between them, and a value finds by dictionary or bisection where it stands among all of them. So an
index cannot mean anything else than the tests do. A cell of another form, or one that a value makes write a note (a
string compared with a number), is run at every evaluation, in the order and with the notes of `one_by_one`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Context, Decimal
from typing import Any, Final, TypeAlias, final

import msgspec

from procession.dmn.scope import Evaluate, nothing, tested
from procession.dmn.segments import LINES, Line
from procession.feel import Date, DateTime, DaysTimeDuration, Lookup, Runtime, YearsMonthsDuration
from procession.feel import nodes as n
from procession.feel.temporal_text import parse_date, parse_date_time, parse_duration

BLOCK_RULES: Final = 2_048
"""Rules of one index; a larger table has several, so that its masks grow with the rules and not with their square."""
POINTS_MAX: Final = 16_384
"""Different literals of a column's block; beyond them its cells are run one by one."""
_WIDE: Final = Context(prec=20_000)
"""What lies between two numbers of 34 digits must not be rounded onto one of them."""


@final
class Row(msgspec.Struct, frozen=True, gc=False):
    """A rule: the tests that not everything passes, by input column, and the expressions of its outputs."""

    id: str
    number: int
    tests: tuple[tuple[int, Evaluate], ...]
    outputs: tuple[Evaluate, ...]


Literals: TypeAlias = frozenset[tuple[bool, object]]
"""Each with whether it is a boolean: for Python, true is 1."""
Cells: TypeAlias = Mapping[Evaluate, Literals | None]
"""The literals of which tests consist; None, or no entry, for a test that does more."""
Mask: TypeAlias = tuple[int, int]
"""(the rules that a value may pass, those of them that have to be run to know)."""
Search: TypeAlias = Callable[[Sequence[object], Lookup, Runtime], Iterable[Row]]
"""(input values, scope, runtime) -> the rules that match in their order: a tuple, or found as they are asked for."""
MakeSearch: TypeAlias = Callable[..., Search]
"""`indexed` or `one_by_one`."""


def literals_of(node: n.Node) -> Literals | None:
    """The literals of an input entry that consists of nothing else; None for one that does more."""
    if not isinstance(node, n.UnaryTests):
        return None
    found: list[object] = []
    for test in node.tests:
        operand = test.operand
        parts: tuple[n.Node, ...] = (operand,)
        if isinstance(operand, n.RangeNode) and not operand.form and not test.operator:
            parts = (operand.low, operand.high)
        for part in parts:
            value = _literal(part)
            if value is _NONE:
                return None
            found.append(value)
    return frozenset((type(literal) is bool, literal) for literal in found)


_NONE: Final = object()
_LITERAL: Final = frozenset({int, Decimal, str, bool, type(None)})
_LINES: Final[dict[type, Line]] = {
    Date: LINES["date"],
    DateTime: LINES["date and time"],
    YearsMonthsDuration: LINES["years and months duration"],
    DaysTimeDuration: LINES["days and time duration"],
}
"""The kinds whose values have a place in an order, by which they are found. Python does not order them itself.
Times are not among them: they are equal by the second and ordered by the nanosecond."""
_READ: Final[dict[str, Callable[[str], object]]] = {
    "date": parse_date,
    "date and time": parse_date_time,
    "duration": parse_duration,
}
"""The functions that models write for `@"…"`; the code generator folds them too."""


def _literal(node: n.Node) -> object:
    """The value of a literal, of one with a sign before it, of `date("…")` and the like; `_NONE` for all else."""
    match node:
        case n.Literal(value=value) if type(value) in _LITERAL:
            return value
        case n.Literal(value=value):
            line = _LINES.get(type(value))
            return value if line is not None and line.has(value) else _NONE
        case n.Negation(operand=n.Literal(value=int() | Decimal() as number)) if type(number) is not bool:
            return _WIDE.minus(Decimal(number))
        case n.Call(callee=n.Name(name=name), arguments=(n.Literal(value=str() as text),), names=()) if name in _READ:
            value = _READ[name](text)
            line = _LINES.get(type(value))
            return value if line is not None and line.has(value) else _NONE
        case _:
            return _NONE


def one_by_one(rows: Sequence[Row], cells: Cells, *, first: bool) -> Search:
    """The search that tests every rule: what the index must be equal to."""
    del cells, first

    def search(values: Sequence[object], lookup: Lookup, rt: Runtime) -> Iterator[Row]:
        scopes = [tested(value, lookup) for value in values]
        for row in rows:
            if _passes(row, scopes, rt):
                yield row

    return search


def indexed(rows: Sequence[Row], cells: Cells, *, first: bool) -> Search:
    """The search by the index of each block of rules. With `first` nobody asks for more than one."""
    starts = range(0, len(rows), BLOCK_RULES)
    blocks = [_Block(rows[start : start + BLOCK_RULES], cells, first=first) for start in starts]
    if len(blocks) == 1:
        return blocks[0].search

    def search(values: Sequence[object], lookup: Lookup, rt: Runtime) -> Iterator[Row]:
        for block in blocks:
            yield from block.search(values, lookup, rt)

    return search


def _passes(row: Row, scopes: Sequence[Lookup], rt: Runtime) -> bool:
    return all(test(scopes[column], rt) is True for column, test in row.tests)


@final
class _Block:
    """Some rules, and an index for each column that one of them tests."""

    __slots__ = ("_all", "_columns", "_first", "_rows")

    def __init__(self, rows: Sequence[Row], cells: Cells, *, first: bool) -> None:
        self._rows = tuple(rows)
        self._first = first
        self._all = (1 << len(rows)) - 1
        tests: dict[int, list[tuple[int, Evaluate]]] = {}
        for place, row in enumerate(rows):
            for column, test in row.tests:
                tests.setdefault(column, []).append((place, test))
        columns = [(column, _Column(tests[column], self._all, cells)) for column in sorted(tests)]
        self._columns = tuple([(column, index, index.tables) for column, index in columns])

    def search(self, values: Sequence[object], lookup: Lookup, rt: Runtime) -> Iterable[Row]:
        """The rules of this block that match."""
        alive = self._all
        unsure = 0
        for column, index, tables in self._columns:
            value = values[column]
            table = tables.get(value.__class__)
            if table is None:
                passing, untold = index.find(value)
            else:
                points, bounds, gaps = table
                passing, untold = points.get(value) or gaps[bisect_right(bounds, value)]
            if untold:
                # A cell is run if all cells to its left pass, whether those to its right do or not: it may note.
                unsure |= alive & untold
            alive &= passing
        if unsure:
            return self._run(alive | unsure, unsure, (values, lookup, rt))
        if self._first:
            alive &= -alive
        if not alive & (alive - 1):
            return (self._rows[alive.bit_length() - 1],) if alive else ()
        return self._listed(alive)

    def _listed(self, bits: int) -> Iterator[Row]:
        while bits:
            low = bits & -bits
            yield self._rows[low.bit_length() - 1]
            bits ^= low

    def _run(self, bits: int, unsure: int, given: tuple[Sequence[object], Lookup, Runtime]) -> Iterator[Row]:
        values, lookup, rt = given
        scopes = [tested(value, lookup) for value in values]
        while bits:
            low = bits & -bits
            row = self._rows[low.bit_length() - 1]
            if not low & unsure or _passes(row, scopes, rt):
                yield row
            bits ^= low


_Table: TypeAlias = tuple[dict[object, Mask], list[Any], list[Mask]]
"""The masks of the values of one kind: by literal; the literals in their order; what is before, between and after."""


@final
class _Column:
    """The cells of one column. The tables are made when a value of their kind comes for the first time."""

    __slots__ = ("_cells", "_lines", "_open", "_tests", "_unknown", "tables")

    def __init__(self, tests: list[tuple[int, Evaluate]], everything: int, cells: Cells) -> None:
        self._tests = tests
        self._cells = cells
        self._unknown: Mask = (everything, sum(1 << place for place, _ in tests))
        self._open = everything & ~self._unknown[1]
        # Two threads may both make a table; they store the same.
        self.tables: dict[type, _Table] = {}
        self._lines: dict[type, _Table] = {}

    def find(self, value: object) -> Mask:
        """The mask of a value of which there is no table yet, or whose table is by its place in an order."""
        kind = type(value)
        if kind in _LITERAL:
            points, bounds, gaps = self.tables[kind] = self._made(kind)
            return points.get(value) or gaps[bisect_right(bounds, value)]
        line = _LINES.get(kind)
        if line is None or not line.has(value):
            return self._unknown
        table = self._lines.get(kind)
        if table is None:
            table = self._lines[kind] = self._made(kind)
        points, bounds, gaps = table
        at = line.place(value)
        return points.get(at) or gaps[bisect_right(bounds, at)]

    def _made(self, kind: type) -> _Table:
        if kind is bool or kind is type(None):
            return {value: self._masks(value) for value in ((True, False) if kind is bool else (None,))}, [], []
        line = _LINES.get(kind)
        kinds = frozenset({kind}) if kind is str or line is not None else frozenset({int, Decimal})
        passing = self._open
        untold = 0
        changes: dict[Any, list[tuple[int, _Outcomes]]] = {}
        for place, test in self._tests:
            literals = self._cells.get(test)
            bit = 1 << place
            if literals is None or (
                line is not None and any(type(each) in _LINES.keys() - kinds for _, each in literals)
            ):
                # Dates and times are compared with each other in ways of their own.
                passing |= bit
                untold |= bit
                continue
            own = {literal for _, literal in literals if type(literal) in kinds}
            points: list[Any] = sorted(own) if line is None else sorted(map(line.place, own))
            tried = _tried(points, kind) if line is None else _along(line, points)
            outcomes = [_outcome(test, value) for value in tried]
            passing |= bit if outcomes[0][0] else 0
            untold |= bit if outcomes[0][1] else 0
            for number, point in enumerate(points):
                changes.setdefault(point, []).append((bit, (outcomes[2 * number + 1], outcomes[2 * number + 2])))
        if len(changes) > POINTS_MAX:
            return {}, [], [self._unknown]
        return _swept((passing, untold), changes)

    def _masks(self, value: object) -> Mask:
        passing = self._open
        untold = 0
        for place, test in self._tests:
            passes, notes = _outcome(test, value) if self._cells.get(test) is not None else (True, True)
            passing |= (1 << place) if passes else 0
            untold |= (1 << place) if notes else 0
        return passing, untold


_Outcome: TypeAlias = tuple[bool, bool]
"""(whether a value may pass a test, whether the test must be run to know)."""
_Outcomes: TypeAlias = tuple[_Outcome, _Outcome]
"""At a point, and after it."""


def _outcome(test: Evaluate, value: object) -> _Outcome:
    rt = Runtime()
    left = rt.left
    passes = test(tested(value, nothing), rt) is True
    noisy = bool(rt.notes) or rt.left != left
    return passes or noisy, noisy


def _tried(points: Sequence[Any], kind: type) -> Iterable[object]:
    """One value of each stretch: before the first point, each point, what is between it and the next."""
    if kind is str:
        yield ""
        for point in points:
            yield point
            # The next of all strings. If it is the next point, there is nothing between them.
            yield point + "\0"
        return
    yield _WIDE.subtract(points[0], 1) if points else 0
    for number, point in enumerate(points):
        yield point
        after = points[number + 1] if number + 1 < len(points) else _WIDE.add(point, 2)
        yield _WIDE.multiply(_WIDE.add(point, after), Decimal("0.5"))


def _along(line: Line, points: Sequence[Any]) -> Iterable[object]:
    """As `_tried`, by places. Where no value lies between two points, what is said of it is never asked for."""
    before = line.before(points[0]) if points else line.zero
    yield line.value(points[0] if before is None else before)
    for number, point in enumerate(points):
        yield line.value(point)
        following = points[number + 1] if number + 1 < len(points) else None
        after = line.after(point) if following is None else line.between(point, following)
        yield line.value(point if after is None else after)


def _swept(mask: Mask, changes: dict[Any, list[tuple[int, _Outcomes]]]) -> _Table:
    """The table of all stretches, from the lowest to the highest."""
    points: dict[object, Mask] = {}
    bounds = sorted(changes)
    gaps = [mask]
    for bound in bounds:
        points[bound] = _changed(mask, [(bit, at) for bit, (at, _) in changes[bound]])
        mask = _changed(mask, [(bit, after) for bit, (_, after) in changes[bound]])
        gaps.append(mask)
    return points, bounds, gaps


def _changed(mask: Mask, outcomes: Iterable[tuple[int, _Outcome]]) -> Mask:
    passing, untold = mask
    for bit, (passes, notes) in outcomes:
        passing = passing | bit if passes else passing & ~bit
        untold = untold | bit if notes else untold & ~bit
    return passing, untold
