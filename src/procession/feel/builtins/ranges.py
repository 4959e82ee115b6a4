"""Range built-ins (DMN 1.5, 10.3.4.7): the relations of Allen between points and ranges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from procession.feel import nodes as n
from procession.feel import ops
from procession.feel.builtins.table import Rows, declare
from procession.feel.builtins.temporal_fns import date, date_time, duration, time
from procession.feel.errors import DomainError, FeelSyntaxError
from procession.feel.lexer import Names
from procession.feel.parser import parse_expression
from procession.feel.values import Range, kind_of, shown

_LITERAL_CALLS: Final[dict[str, Callable[[object], object]]] = {
    "date": date,
    "time": time,
    "date and time": date_time,
    "duration": duration,
}


def parse_range(text: str) -> Range:
    """`range(from)`: a range whose ends are literals of one kind."""
    try:
        node = parse_expression(text, (), Names(["date and time"]))
    except FeelSyntaxError as error:
        raise DomainError(f"{text[:40]!r} is no range: {error.message}") from None
    if not isinstance(node, n.RangeNode) or node.form:
        raise DomainError(f"{text[:40]!r} is no range")
    low, high = _literal(node.low), _literal(node.high)
    order = None if low is None or high is None else ops.compare(low, high)
    if order is None or order > 0 or kind_of(low) != kind_of(high):
        raise DomainError(f"there is no range from {shown(low)} to {shown(high)}")
    return Range(low, high, node.low_included, node.high_included)


def _literal(node: n.Node) -> object:
    if isinstance(node, n.Literal):
        return node.value
    if isinstance(node, n.Call) and isinstance(node.callee, n.Name) and len(node.arguments) == 1:
        make, argument = _LITERAL_CALLS.get(node.callee.name), node.arguments[0]
        if make is not None and isinstance(argument, n.Literal) and isinstance(argument.value, str):
            return make(argument.value)
    raise DomainError("the ends of a range in a text must be literals")


def _order(a: object, b: object) -> int:
    order = ops.compare(a, b)
    if order is None:
        raise DomainError(f"{shown(a)} and {shown(b)} have no order", "type")
    return order


def _as_range(value: object) -> Range:
    return value if isinstance(value, Range) else Range(value, value)


def _need_range(value: object) -> Range:
    if not isinstance(value, Range):
        raise DomainError(f"a range is needed, not {shown(value)}", "type")
    return value


def before(a: object, b: object) -> bool:
    """`before`: a ends before b starts."""
    first, second = _as_range(a), _as_range(b)
    order = _order(first.end, second.start)
    return order < 0 or (order == 0 and not (first.end_included and second.start_included))


def meets(a: object, b: object) -> bool:
    """`meets`: a ends where b starts, and both hold that point."""
    first, second = _need_range(a), _need_range(b)
    return first.end_included and second.start_included and _order(first.end, second.start) == 0


def overlaps(a: object, b: object) -> bool:
    """`overlaps`: they have a point in common."""
    return not before(_need_range(a), _need_range(b)) and not before(b, a)


def overlaps_before(a: object, b: object) -> bool:
    """`overlaps before`: they overlap, a starts first and does not end last."""
    first, second = _need_range(a), _need_range(b)
    return overlaps(a, b) and _starts(first, second) < 0 and _ends(first, second) <= 0


def finishes(a: object, b: object) -> bool:
    """`finishes`: a point that is b's end; a range that ends with b and lies in it."""
    whole = _need_range(b)
    if not isinstance(a, Range):
        return whole.end_included and _order(a, whole.end) == 0
    return _ends(a, whole) == 0 and _starts(a, whole) >= 0


def starts(a: object, b: object) -> bool:
    """`starts`: a point that is b's start; a range that starts with b and lies in it."""
    whole = _need_range(b)
    if not isinstance(a, Range):
        return whole.start_included and _order(a, whole.start) == 0
    return _starts(a, whole) == 0 and _ends(a, whole) <= 0


def includes(a: object, b: object) -> bool:
    """`includes`: every point of b is in a."""
    whole = _need_range(a)
    if not isinstance(b, Range):
        verdict = ops.contains(whole, b)
        if verdict is None:
            raise DomainError(f"{shown(b)} cannot be compared with the ends of the range", "type")
        return verdict
    return _starts(whole, b) <= 0 and _ends(whole, b) >= 0


def coincides(a: object, b: object) -> bool:
    """`coincides`: the same point, or the same range."""
    if isinstance(a, Range) != isinstance(b, Range):
        raise DomainError("two points or two ranges are needed", "type")
    if isinstance(a, Range) and isinstance(b, Range):
        return _starts(a, b) == 0 and _ends(a, b) == 0
    return _order(a, b) == 0


def _starts(a: Range, b: Range) -> int:
    """-1 if a starts before b, 0 together, 1 after; an open start lies behind a closed one."""
    return _order(a.start, b.start) or (not a.start_included) - (not b.start_included)


def _ends(a: Range, b: Range) -> int:
    return _order(a.end, b.end) or a.end_included - b.end_included


def _swapped(relation: Callable[[object, object], bool]) -> Callable[[object, object], bool]:
    return lambda a, b: relation(b, a)


_POINTS: Final = ("point1: any, point2: any", "point: any, range: any", "range: any, point: any",
                  "range1: any, range2: any")  # fmt: skip
_ROWS: Final[dict[str, tuple[Callable[[object, object], bool], tuple[int, ...]]]] = {
    "before": (before, (0, 1, 2, 3)),
    "after": (_swapped(before), (0, 1, 2, 3)),
    "meets": (meets, (3,)),
    "met by": (_swapped(meets), (3,)),
    "overlaps": (overlaps, (3,)),
    "overlaps before": (overlaps_before, (3,)),
    "overlaps after": (_swapped(overlaps_before), (3,)),
    "finishes": (finishes, (1, 3)),
    "finished by": (_swapped(finishes), (2, 3)),
    "includes": (includes, (2, 3)),
    "during": (_swapped(includes), (1, 3)),
    "starts": (starts, (1, 3)),
    "started by": (_swapped(starts), (2, 3)),
    "coincides": (coincides, (0, 3)),
}
_TABLE: Final[Rows] = {name: [(_POINTS[index], call) for index in forms] for name, (call, forms) in _ROWS.items()}
RANGES: Final = declare({**_TABLE, "range": [("from: string", parse_range)]})
