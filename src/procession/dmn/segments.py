"""An input column cut into segments: parts of its values on each of which every entry decides alike.

A segment is known by one value of it, its witness. Whether an entry matches is asked of the compiled entry itself, so
what is said of a table is what the table does. Entries that are not made of constants are not cut: `constants` is None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final, final

import msgspec

from procession.dmn.scope import nothing, tested
from procession.feel import Date, DateTime, DaysTimeDuration, Dialect, FeelSyntaxError, Range, Runtime, Time
from procession.feel import YearsMonthsDuration as MonthsDuration
from procession.feel import nodes as n
from procession.feel.compiler import compile_expression, compile_unary_tests
from procession.feel.temporal import DAY_NS, date_of_days, days_of
from procession.feel.values import is_list, kind_of

_ORDER: Final = frozenset({"<", "<=", ">", ">="})
_COMPARISONS: Final = _ORDER | {"=", "!="}


@final
class Constants(msgspec.Struct):
    """The constants of an entry: all of them, those that it is equal to, and whether it asks for an order."""

    values: list[object] = []
    equals: list[object] = []
    ordered: bool = False


@final
class Entry(msgspec.Struct, frozen=True):
    """An input entry: its text, its constants or None where it is not made of constants, and itself as a function."""

    text: str
    constants: Constants | None
    matches: Callable[[object], bool]


@final
class _Opaque(Exception):
    """A part of an entry that is no constant."""


def entry_of(text: str, dialect: Dialect) -> Entry:
    """An input entry; one that is no FEEL matches everything, for the compiler has refused it already."""
    if text.strip() in {"", "-"}:
        return Entry(text, Constants(), lambda value: True)
    try:
        compiled = compile_unary_tests(text, dialect=dialect)
    except FeelSyntaxError:
        return Entry(text, None, lambda value: True)
    found = _constants(text, compiled.node, dialect)
    function = compiled.function
    return Entry(text, found, lambda value: function(tested(value, nothing), Runtime()) is True)


def _constants(text: str, node: n.Node, dialect: Dialect) -> Constants | None:
    found = Constants()
    try:
        _tests(_Texts(text, dialect), node, found)
    except _Opaque:
        return None
    return found


def constant_of(text: str, dialect: Dialect) -> tuple[bool, object]:
    """Whether an expression is constant, and its value."""
    try:
        compiled = compile_expression(text, dialect=dialect)
    except FeelSyntaxError:
        return False, None
    return (True, compiled.function(nothing, Runtime())) if compiled.constant else (False, None)


@final
class _Texts:
    """Reads constants out of parts of a text."""

    __slots__ = ("_dialect", "_text")

    def __init__(self, text: str, dialect: Dialect) -> None:
        self._text = text
        self._dialect: Dialect = dialect

    def constant(self, node: n.Node) -> object:
        if isinstance(node, n.Literal):
            return node.value
        is_constant, value = constant_of(self._text[node.start : node.end], self._dialect)
        if not is_constant:
            raise _Opaque
        return value


def _tests(texts: _Texts, node: n.Node, found: Constants) -> None:
    tests = node.tests if isinstance(node, n.UnaryTests) else ()
    for test in tests:
        _test(texts, test, found)


def _test(texts: _Texts, test: n.Test, found: Constants) -> None:
    operand = test.operand
    if test.operator:
        _add(found, texts.constant(operand), test.operator)
    elif isinstance(operand, n.RangeNode | n.ListNode | n.Literal | n.Negation):
        _add(found, texts.constant(operand), "=")
    elif isinstance(operand, n.Call) and not _asks(operand):
        value = texts.constant(operand)
        if type(value) is bool:
            raise _Opaque
        _add(found, value, "=")
    else:
        _condition(texts, operand, found)


def _asks(node: n.Call) -> bool:
    return isinstance(node.callee, n.Name) and node.callee.name == "not"


def _condition(texts: _Texts, node: n.Node, found: Constants) -> None:
    """A condition on `?` alone: comparisons with constants, joined by `and`, `or` and `not`."""
    match node:
        case n.Logic():
            for operand in node.operands:
                _condition(texts, operand, found)
        case n.Binary() if node.operator in _COMPARISONS and _is_input(node.left):
            _add(found, texts.constant(node.right), node.operator)
        case n.Binary() if node.operator in _COMPARISONS and _is_input(node.right):
            _add(found, texts.constant(node.left), node.operator)
        case n.Between() if _is_input(node.operand):
            for each in (node.low, node.high):
                _add(found, texts.constant(each), "<=")
        case n.In() if _is_input(node.operand):
            for test in node.tests:
                _test(texts, test, found)
        case n.Call() if _asks(node) and len(node.arguments) == 1:
            _condition(texts, node.arguments[0], found)
        case _:
            raise _Opaque


def _is_input(node: n.Node) -> bool:
    return isinstance(node, n.Name) and node.name == "?"


def _add(found: Constants, value: object, operator: str) -> None:
    if isinstance(value, Range):
        found.ordered = True
        found.values += [end for end in (value.start, value.end) if end is not None]
    elif is_list(value):
        for each in value:
            _add(found, each, operator)
    else:
        found.ordered = found.ordered or operator in _ORDER
        found.values.append(value)
        if operator == "=":
            found.equals.append(value)


# --- from constants to segments


def witnesses(kind: str, constants: Iterable[object], *, ordered: bool) -> list[object] | None:
    """One value of each segment of a kind of values, in order; None for a kind that is not cut, such as lists.

    Null is a segment of its own where a constant is null.
    """
    values = list(constants)
    nulls: list[object] = [None] if any(value is None for value in values) else []
    if kind == "boolean":
        return [False, True, *nulls]
    own = [value for value in values if value is not None and kind_of(value) == kind]
    if kind == "string" and not ordered:
        return [*sorted({str(value) for value in own}), _other(own), *nulls]
    line = LINES.get(kind)
    if line is None or not all(map(line.has, own)):
        return None
    points = sorted({line.place(value) for value in own})
    if not points:
        return [line.value(line.zero), *nulls]
    places = [line.before(points[0])]
    for low, high in pairwise(points):
        places += [low, line.between(low, high)]
    places += [points[-1], line.after(points[-1])]
    return [*(line.value(place) for place in places if place is not None), *nulls]


@final
class Line(msgspec.Struct, frozen=True):
    """An ordered kind of values: their places in the order, and the places before, between and after others.

    The three give None where no value lies there: days are next to each other, numbers never are.
    """

    place: Callable[[Any], Any]
    value: Callable[[Any], object]
    zero: Any
    before: Callable[[Any], Any]
    between: Callable[[Any, Any], Any]
    after: Callable[[Any], Any]
    has: Callable[[Any], bool] = lambda value: True


def _whole(place: Callable[[Any], int], value: Callable[[int], object], *, low: int, high: int) -> Line:
    """A kind whose values can be counted, from `low` to `high`."""
    return Line(
        place,
        value,
        max(low, 0),
        lambda at: at - 1 if at > low else None,
        lambda a, b: a + 1 if a + 1 < b else None,
        lambda at: at + 1 if at < high else None,
    )


def _number_between(low: Decimal, high: Decimal) -> Decimal | None:
    """A whole number if there is one, else the middle; None where 34 digits have no number between."""
    whole = Decimal(int(low) + (1 if low >= 0 or low == int(low) else 0))
    middle = whole if low < whole < high else (low + high) / 2
    return middle if low < middle < high else None


def _text_between(low: str, high: str) -> str | None:
    return next((text for text in (f"{low}a", f"{low}0", f"{low} ", f"{low}\0") if low < text < high), None)


def _other(values: Sequence[object]) -> str:
    name = "another"
    while name in values:
        name += "'"
    return name


def _is_local(value: Time) -> bool:
    return value.offset is None and value.zone is None


def _is_local_moment(value: DateTime) -> bool:
    return _is_local(value.time)


def _moment(at: int) -> object:
    date = date_of_days(at // DAY_NS)
    assert date is not None
    return DateTime(date, Time(at % DAY_NS))


_FAR: Final = 10**26
_DAYS: Final = 360_000_000_000
LINES: Final[dict[str, Line]] = {
    "number": Line(
        Decimal,
        lambda at: int(at) if at == int(at) else at,
        Decimal(0),
        lambda at: at - 1 if at - 1 < at else None,
        _number_between,
        lambda at: at + 1 if at + 1 > at else None,
        lambda value: abs(Decimal(value)) < Decimal(10) ** 33,
    ),
    "string": Line(str, str, "", lambda at: "" if at else None, _text_between, lambda at: f"{at}a"),
    "date": _whole(days_of, lambda at: date_of_days(at) or Date(1970, 1, 1), low=-_DAYS, high=_DAYS),
    "time": msgspec.structs.replace(
        _whole(lambda value: value.ns, Time, low=0, high=DAY_NS - 1),
        has=_is_local,
    ),
    "date and time": msgspec.structs.replace(
        _whole(
            lambda value: days_of(value.date) * DAY_NS + value.time.ns,
            _moment,
            low=-_DAYS * DAY_NS,
            high=_DAYS * DAY_NS,
        ),
        has=_is_local_moment,
    ),
    "years and months duration": _whole(lambda value: value.months, MonthsDuration, low=-_FAR, high=_FAR),
    "days and time duration": _whole(lambda value: value.ns, DaysTimeDuration, low=-_FAR, high=_FAR),
}
"""The ordered kinds. Times with an offset or a zone have no one order with local ones, so they are not cut."""
