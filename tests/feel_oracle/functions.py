"""The oracle's built-in functions (DMN 1.5, 10.3.4) and properties, each as the specification's table has it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from functools import cmp_to_key
from math import ceil, floor, isqrt, trunc
from typing import Any, Final, TypeAlias

from feel_oracle.operators import arithmetic, equal, inside, order
from feel_oracle.values import (
    NS,
    NUMBERS,
    WIDE,
    Clock,
    Day,
    Fn,
    Interval,
    Moment,
    Months,
    Nanos,
    Nothing,
    Value,
    in_cycle,
    kind,
    number,
    of_fraction,
    offset,
    ordinal,
    read_day,
    read_duration,
    read_moment,
    read_time,
    real_day,
    tidy,
    write,
)

Impl: TypeAlias = Callable[..., Value]
Row: TypeAlias = tuple[str, Impl]


def call(name: str, arguments: list[Value], names: tuple[str, ...] = ()) -> Value:
    """A built-in: the first signature whose number of parameters and types fit, else the first whose number fits."""
    rows = [(_signature(text), impl) for text, impl in FUNCTIONS[name]]
    if names:
        ordered = [(_by_name(signature, arguments, names), (signature, impl)) for signature, impl in rows]
        fitting = [(given, row) for given, row in ordered if given is not None]
        if not fitting:
            return None
        arguments, row = fitting[0]
        rows = [row]
    rows = [row for row in rows if _fits(row[0], len(arguments))]
    exact = [
        row for row in rows if all(_is(a, kinds) for a, (_, kinds, _) in zip(arguments, _spread(row[0]), strict=False))
    ]
    if not rows:
        return None
    signature, impl = (exact or rows)[0]
    try:
        values = [_argument(a, kinds) for a, (_, kinds, _) in zip(arguments, _spread(signature), strict=False)]
        return impl(*values)
    except Nothing:
        return None


_Parameter: TypeAlias = tuple[str, tuple[str, ...], str]


def _signature(text: str) -> list[_Parameter]:
    """`name: kind|kind`, with `?` for what may be left out and `*` or `+` for a repeated last one."""
    found: list[_Parameter] = []
    for part in filter(None, text.split(", ")):
        label, _, kinds = part.partition(": ")
        mark = label[-1] if label[-1] in "?*+" else ""
        found.append((label.rstrip("?*+"), tuple(kinds.split("|")), mark))
    return found


def _by_name(signature: list[_Parameter], arguments: list[Value], names: tuple[str, ...]) -> list[Value] | None:
    given = dict(zip(names, arguments, strict=True))
    known = [name for name, _, _ in signature]
    if len(given) < len(names) or not set(names) <= set(known):
        return None
    if any(name not in given and not mark for name, _, mark in signature):
        return None
    return [given[name] for name in known if name in given]


def _fits(signature: list[_Parameter], count: int) -> bool:
    least = sum(1 for _, _, mark in signature if mark in {"", "+"})
    most = 10**9 if signature and signature[-1][2] in {"*", "+"} else len(signature)
    return least <= count <= most


def _spread(signature: list[_Parameter]) -> list[_Parameter]:
    return signature + signature[-1:] * 50 if signature and signature[-1][2] in {"*", "+"} else signature


def _is(value: Value, kinds: tuple[str, ...]) -> bool:
    return kinds == ("any",) or kind(value) in kinds


def _argument(value: Value, kinds: tuple[str, ...]) -> Value:
    """An argument after the conversions between an item and a list of one (10.3.2.9.4)."""
    if _is(value, kinds):
        return value
    if isinstance(value, list) and len(value) == 1 and _is(value[0], kinds) and value[0] is not None:
        return value[0]
    if value is not None and "list" in kinds:
        return [value]
    raise Nothing


def _need(value: Value) -> Any:
    if value is None:
        raise Nothing
    return value


# -- numbers


def _rounded(mode: Callable[[Fraction], int]) -> Impl:
    def impl(value: Decimal, scale: Decimal = Decimal(0)) -> Value:
        places = trunc(scale)
        if not -6111 <= places <= 6176:
            raise Nothing
        if Fraction(value) * Fraction(10) ** places % 1 == 0:
            return value
        result = mode(Fraction(value) * Fraction(10) ** places)
        if result and len(str(abs(result))) > 34:
            raise Nothing
        return _need(of_fraction(Fraction(result) / Fraction(10) ** places))

    return impl


def _half(up: bool) -> Callable[[Fraction], int]:
    def mode(value: Fraction) -> int:
        whole, rest = divmod(abs(value), 1)
        away = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and up)
        return (whole + away) * (1 if value > 0 else -1)

    return mode


def _away(value: Fraction) -> int:
    return ceil(value) if value > 0 else floor(value)


def _modulo(a: Decimal, b: Decimal) -> Value:
    if b == 0:
        raise Nothing
    first, second = Fraction(a), Fraction(b)
    return of_fraction(first - second * floor(first / second))


def _sqrt(value: Decimal) -> Value:
    if value < 0:
        raise Nothing
    scale = Fraction(10) ** (2 * (60 - value.adjusted() // 2))
    return of_fraction(Fraction(isqrt(floor(Fraction(value) * scale))) / Fraction(10) ** (60 - value.adjusted() // 2))


def _absolute(value: Value) -> Value:
    match value:
        case Decimal():
            return NUMBERS.abs(value)
        case Months():
            return Months(abs(value.months))
        case Nanos():
            return Nanos(abs(value.ns))
    raise Nothing


def _number(text: str) -> Value:
    if not re.fullmatch(r"-?([0-9]+(\.[0-9]+)?|\.[0-9]+)([eE][+-]?[0-9]+)?", text):
        raise Nothing
    return _need(number(Decimal(text)))


# -- lists


def _items(arguments: tuple[Value, ...]) -> list[Any]:
    return arguments[0] if len(arguments) == 1 and isinstance(arguments[0], list) else list(arguments)


def _of_numbers(impl: Callable[[list[Decimal]], Value]) -> Impl:
    def checked(*arguments: Value) -> Value:
        items = _items(arguments)
        if not all(isinstance(item, Decimal) for item in items):
            raise Nothing
        return impl(items)

    return checked


def _sum(*arguments: Value) -> Value:
    items = _items(arguments)
    if not items or not isinstance(items[0], Decimal | Months | Nanos):
        raise Nothing
    if len({type(item) for item in items}) > 1:
        raise Nothing
    total = items[0]
    for item in items[1:]:
        total = arithmetic("+", total, item)
    return total


def _mean(items: list[Decimal]) -> Value:
    return arithmetic("/", _sum(items), Decimal(len(items))) if items else None


def _product(items: list[Decimal]) -> Value:
    result: Value = Decimal(1)
    for item in items:
        result = arithmetic("*", result, item)
    return tidy(result) if items and isinstance(result, Decimal) else None


def _median(items: list[Decimal]) -> Value:
    items = sorted(items)
    half = len(items) // 2
    if len(items) % 2:
        return items[half]
    return _mean(items[half - 1 : half + 1])


def _deviation(items: list[Decimal]) -> Value:
    if len(items) < 2:
        raise Nothing
    exact = [Fraction(item) for item in items]
    mean = sum(exact, Fraction(0)) / len(exact)
    variance = sum(((item - mean) ** 2 for item in exact), Fraction(0)) / (len(exact) - 1)
    wide = WIDE.sqrt(WIDE.divide(Decimal(variance.numerator), Decimal(variance.denominator)))
    return tidy(wide)


def _mode(items: list[Decimal]) -> Value:
    counts = {item: items.count(item) for item in items}
    return sorted(item for item, count in counts.items() if count == max(counts.values()))


def _extreme(sign: int) -> Impl:
    def impl(*arguments: Value) -> Value:
        items = _items(arguments)
        best = items[0] if items else None
        for item in items:
            if _need(order(item, best)) == sign:
                best = item
        return best

    return impl


def _truths(decisive: bool) -> Impl:
    def impl(*arguments: Value) -> Value:
        items = _items(arguments)
        if any(item is decisive for item in items):
            return decisive
        return not decisive if all(item is not decisive and isinstance(item, bool) for item in items) else None

    return impl


def _place(items: list[Value], place: Decimal) -> int:
    index = trunc(place)
    if not 1 <= abs(index) <= len(items):
        raise Nothing
    return index - 1 if index > 0 else index + len(items)


def _sublist(items: list[Value], start: Decimal, *length: Decimal) -> Value:
    rest = items[_place(items, start) :]
    if not length:
        return rest
    if not 1 <= trunc(length[0]) <= len(rest):
        raise Nothing
    return rest[: trunc(length[0])]


def _insert(items: list[Value], place: Decimal, new: Value) -> Value:
    at = _place(items, place)
    return [*items[:at], new, *items[at:]]


def _remove(items: list[Value], place: Decimal) -> Value:
    at = _place(items, place)
    return [item for index, item in enumerate(items) if index != at]


def _replace(items: list[Value], where: Value, new: Value) -> Value:
    if isinstance(where, Decimal):
        at = _place(items, where)
        return [new if index == at else item for index, item in enumerate(items)]
    if not isinstance(where, Fn) or len(where.parameters) != 2:
        raise Nothing
    verdicts = [where.call([item, new]) for item in items]
    if not all(isinstance(verdict, bool) for verdict in verdicts):
        raise Nothing
    return [new if verdict else item for item, verdict in zip(items, verdicts, strict=True)]


def _places(items: list[Value], match: Value) -> Value:
    return [Decimal(place) for place, item in enumerate(items, 1) if equal(item, match) is True]


def _concatenate(*lists: list[Value]) -> list[Value]:
    return [item for part in lists for item in part]


def _distinct(items: list[Value]) -> list[Value]:
    kept: list[Value] = []
    for item in items:
        if not any(equal(item, other) is True for other in kept):
            kept.append(item)
    return kept


def _flatten(items: list[Value]) -> list[Value]:
    return [inner for item in items for inner in (_flatten(item) if isinstance(item, list) else [item])]


def _sort(items: list[Value], precedes: Fn | None = None) -> Value:
    def before(a: Value, b: Value) -> int:
        if precedes is None:
            return int(_need(order(a, b)))
        return -1 if precedes.call([a, b]) is True else 1 if precedes.call([b, a]) is True else 0

    return sorted(items, key=cmp_to_key(before))


# -- strings


def _substring(text: str, start: Decimal, *length: Decimal) -> Value:
    place = trunc(start)
    if not 1 <= abs(place) <= len(text) or (length and trunc(length[0]) < 1):
        raise Nothing
    rest = text[place - 1 :] if place > 0 else text[place:]
    return rest[: trunc(length[0])] if length else rest


def _before_match(text: str, match: str) -> Value:
    return text[: text.index(match)] if match in text else ""


def _after_match(text: str, match: str) -> Value:
    return text[text.index(match) + len(match) :] if match in text else ""


def _join(items: list[Value], delimiter: str | None = None) -> Value:
    if not all(isinstance(item, str) or item is None for item in items):
        raise Nothing
    return (delimiter or "").join(item for item in items if isinstance(item, str))


# -- contexts


def _put(context: dict[str, Value], key: Value, value: Value) -> Value:
    keys = key if isinstance(key, list) else [key]
    if not keys or not isinstance(keys[0], str):
        raise Nothing
    if len(keys) > 1:
        inner = context.get(keys[0])
        if inner is not None and not isinstance(inner, dict):
            raise Nothing
        value = _put(inner or {}, keys[1:], value)
    return {**context, keys[0]: value}


def _merge(contexts: list[Any]) -> Value:
    if not all(isinstance(context, dict) for context in contexts):
        raise Nothing
    return {key: value for context in contexts for key, value in context.items()}


def _from_entries(entries: list[Any]) -> Value:
    for entry in entries:
        if not isinstance(entry, dict) or "value" not in entry or not isinstance(entry.get("key"), str):
            raise Nothing
    if len({entry["key"] for entry in entries}) < len(entries):
        raise Nothing
    return {entry["key"]: entry["value"] for entry in entries}


def _identical(*values: Value) -> bool:
    a, b = (*values, None, None)[:2]
    if kind(a) != kind(b):
        return False
    return a == b if isinstance(a, Clock | Moment) else equal(a, b) is True


# -- dates and times


def _day(value: Day | Moment) -> Day:
    return value if isinstance(value, Day) else value.day


def _date(value: Value) -> Value:
    return _need(read_day(value)) if isinstance(value, str) else _day(value)  # type: ignore[arg-type]


def _date_of(*parts: Decimal) -> Value:
    if any(part != trunc(part) for part in parts):
        raise Nothing
    return _need(real_day(*map(trunc, parts)))  # type: ignore[arg-type]


def _time(value: Value) -> Value:
    match value:
        case str():
            return _need(read_time(value))
        case Moment():
            return value.clock
        case Day():
            return Clock(0, 0, None)
    return value


def _time_of(hour: Decimal, minute: Decimal, second: Decimal, east: Nanos | None = None) -> Value:
    if hour != trunc(hour) or minute != trunc(minute) or not 0 <= hour < 24:
        raise Nothing
    if not 0 <= minute < 60 or not 0 <= second < 60:
        raise Nothing
    seconds = None if east is None else trunc(Fraction(east.ns, NS))
    if seconds is not None and abs(seconds) > 18 * 3600:
        raise Nothing
    return Clock(trunc(((Fraction(hour) * 60 + Fraction(minute)) * 60 + Fraction(second)) * NS), seconds, None)


def _moment(value: Value) -> Value:
    if isinstance(value, str):
        return _need(read_moment(value))
    return Moment(value, Clock(0, None, None)) if isinstance(value, Day) else value


def _months_between(a: Day | Moment, b: Day | Moment) -> Value:
    first, last = _day(a), _day(b)
    sign = 1
    if ordinal(last) < ordinal(first):
        first, last, sign = last, first, -1
    months = (last.year - first.year) * 12 + last.month - first.month
    return Months(sign * (months - (last.day < first.day)))


def _of_calendar(pick: Callable[[dt.date], Value]) -> Impl:
    return lambda value: pick(in_cycle(_day(value)))


def _truncated(value: int, unit: int, limit: int) -> Decimal:
    parts = abs(value) // unit % limit
    return Decimal(-parts if value < 0 else parts)


def property_of(value: Value, name: str) -> Value:
    """A property of a range or a temporal value (table 65)."""
    match value:
        case Interval():
            rows: dict[str, Value] = {"start": value.start, "end": value.end, "start included": value.start_included,
                                      "end included": value.end_included}  # fmt: skip
        case Day():
            rows = _day_rows(value)
        case Clock():
            rows = _clock_rows(value, offset(value))
        case Moment():
            rows = {**_day_rows(value.day), **_clock_rows(value.clock, offset(value.clock, value.day))}
        case Months():
            rows = {"years": _truncated(value.months, 12, 10**40), "months": _truncated(value.months, 1, 12)}
        case Nanos():
            rest = Fraction(abs(value.ns) % (60 * NS), NS)
            rows = {"days": _truncated(value.ns, 86_400 * NS, 10**40), "hours": _truncated(value.ns, 3600 * NS, 24),
                    "minutes": _truncated(value.ns, 60 * NS, 60),
                    "seconds": of_fraction(rest if value.ns >= 0 else -rest)}  # fmt: skip
        case _:
            rows = {}
    return rows.get(name)


def _day_rows(day: Day) -> dict[str, Value]:
    return {"year": Decimal(day.year), "month": Decimal(day.month), "day": Decimal(day.day),
            "weekday": Decimal(in_cycle(day).isoweekday())}  # fmt: skip


def _clock_rows(clock: Clock, east: int | None) -> dict[str, Value]:
    return {"hour": _truncated(clock.ns, 3600 * NS, 24), "minute": _truncated(clock.ns, 60 * NS, 60),
            "second": of_fraction(Fraction(clock.ns % (60 * NS), NS)),
            "time offset": None if east is None else Nanos(east * NS), "timezone": clock.zone}  # fmt: skip


# -- ranges (table 78)


def _relation(rule: Callable[[Interval, Interval], bool], *, points: str = "") -> Impl:
    """A relation of two ranges; a point where the relation takes one is the range of that point alone."""

    def impl(a: Value, b: Value) -> Value:
        ranges: list[Interval] = []
        for side, value in (("a", a), ("b", b)):
            if not isinstance(value, Interval):
                if side not in points or order(value, value) is None:
                    raise Nothing
                value = Interval(value, value, True, True, "")
            ranges.append(value)
        if not isinstance(a, Interval) and not isinstance(b, Interval) and "2" not in points:
            raise Nothing
        return rule(*ranges)

    return impl


def _cmp(a: Value, b: Value) -> int:
    return int(_need(order(a, b)))


def _before(a: Interval, b: Interval) -> bool:
    return _cmp(a.end, b.start) < 0 or (_cmp(a.end, b.start) == 0 and not (a.end_included and b.start_included))


def _meets(a: Interval, b: Interval) -> bool:
    return a.end_included and b.start_included and _cmp(a.end, b.start) == 0


def _overlaps(a: Interval, b: Interval) -> bool:
    return not _before(a, b) and not _before(b, a)


def _start_first(a: Interval, b: Interval) -> int:
    """How a's start lies to b's: an open start is behind a closed one at the same point."""
    return _cmp(a.start, b.start) or int(b.start_included) - int(a.start_included)


def _end_first(a: Interval, b: Interval) -> int:
    return _cmp(a.end, b.end) or int(a.end_included) - int(b.end_included)


def _swap(rule: Callable[[Interval, Interval], bool]) -> Callable[[Interval, Interval], bool]:
    return lambda a, b: rule(b, a)


def _overlaps_before(a: Interval, b: Interval) -> bool:
    return _overlaps(a, b) and _start_first(a, b) < 0 and _end_first(a, b) <= 0


def _finishes(a: Interval, b: Interval) -> bool:
    return _end_first(a, b) == 0 and _start_first(a, b) >= 0


def _starts(a: Interval, b: Interval) -> bool:
    return _start_first(a, b) == 0 and _end_first(a, b) <= 0


def _point_at(end: str) -> Impl:
    """`finishes` and `starts` of a point: it is that end of the range, which must be closed."""
    return lambda point, range_: getattr(range_, f"{end}_included") and _cmp(point, getattr(range_, end)) == 0


def _either(point: Impl, ranges: Impl, *, first: bool) -> Impl:
    def impl(a: Value, b: Value) -> Value:
        one, other = (a, b) if first else (b, a)
        if not isinstance(other, Interval):
            raise Nothing
        return ranges(a, b) if isinstance(one, Interval) else point(one, other)

    return impl


def _includes_point(point: Value, range_: Interval) -> Value:
    return _need(inside(point, range_))


def _includes(a: Interval, b: Interval) -> bool:
    return _start_first(a, b) <= 0 and _end_first(a, b) >= 0


def _coincides(a: Value, b: Value) -> Value:
    if isinstance(a, Interval) and isinstance(b, Interval):
        return _start_first(a, b) == 0 and _end_first(a, b) == 0
    if isinstance(a, Interval) or isinstance(b, Interval):
        raise Nothing
    return _cmp(a, b) == 0


_TWO: Final = "a: any, b: any"
_RELATIONS: Final[dict[str, Impl]] = {
    "before": _relation(_before, points="ab2"), "after": _relation(_swap(_before), points="ab2"),
    "meets": _relation(_meets), "met by": _relation(_swap(_meets)), "overlaps": _relation(_overlaps),
    "overlaps before": _relation(_overlaps_before), "overlaps after": _relation(_swap(_overlaps_before)),
    "finishes": _either(_point_at("end"), _relation(_finishes), first=True),
    "finished by": _either(_point_at("end"), _relation(_swap(_finishes)), first=False),
    "starts": _either(_point_at("start"), _relation(_starts), first=True),
    "started by": _either(_point_at("start"), _relation(_swap(_starts)), first=False),
    "includes": _either(_includes_point, _relation(_includes), first=False),
    "during": _either(_includes_point, _relation(_swap(_includes)), first=True),
    "coincides": _coincides,
}  # fmt: skip
_DAYS: Final = "date|date and time"
_NAMES: Final = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_MONTH_NAMES: Final = ("January February March April May June July August September October November December").split()
_AGGREGATES: Final[dict[str, Impl]] = {
    "min": _extreme(-1), "max": _extreme(1), "sum": _sum, "mean": _of_numbers(_mean), "product": _of_numbers(_product),
    "median": _of_numbers(lambda items: _median(items) if items else None), "stddev": _of_numbers(_deviation),
    "mode": _of_numbers(lambda items: _mode(items) if items else []), "all": _truths(False), "any": _truths(True),
}  # fmt: skip
_ROUNDINGS: Final[dict[str, Callable[[Fraction], int]]] = {
    "decimal": round, "round up": _away, "round down": trunc, "round half up": _half(True),
    "round half down": _half(False),
}  # fmt: skip
FUNCTIONS: Final[dict[str, list[Row]]] = {
    **{name: [("list: list", impl), ("item+: any", impl)] for name, impl in _AGGREGATES.items()},
    **{name: [(_TWO, impl)] for name, impl in _RELATIONS.items()},
    **{name: [("n: number, scale: number", _rounded(mode))] for name, mode in _ROUNDINGS.items()},
    "floor": [("n: number, scale?: number", _rounded(floor))],
    "ceiling": [("n: number, scale?: number", _rounded(ceil))],
    "abs": [("n: number|years and months duration|days and time duration", _absolute)],
    "modulo": [("dividend: number, divisor: number", _modulo)], "sqrt": [("number: number", _sqrt)],
    "odd": [("number: number", lambda value: Fraction(value) % 2 == 1)],
    "even": [("number: number", lambda value: Fraction(value) % 2 == 0)],
    "number": [("from: string", _number)],
    "string": [("from: any", lambda value: None if value is None else write(value))],
    "not": [("negand: any", lambda value: not value if isinstance(value, bool) else None)],
    "is": [("value1?: any, value2?: any", _identical)],
    "count": [("list: list", lambda items: Decimal(len(items)))],
    "list contains": [("list: list, element: any", lambda items, value: any(equal(item, value) is True for item in items))],
    "sublist": [("list: list, start position: number, length?: number", _sublist)],
    "append": [("list: list, item*: any", lambda items, *more: [*items, *more])],
    "concatenate": [("list*: list", _concatenate)], "union": [("list*: list", lambda *lists: _distinct(_concatenate(*lists)))],
    "insert before": [("list: list, position: number, newItem: any", _insert)],
    "remove": [("list: list, position: number", _remove)], "reverse": [("list: list", lambda items: items[::-1])],
    "list replace": [("list: list, position: number, newItem: any", _replace), ("list: list, match: function, newItem: any", _replace)],
    "index of": [("list: list, match: any", _places)], "distinct values": [("list: list", _distinct)],
    "flatten": [("list: list", _flatten)], "sort": [("list: list, precedes?: function", _sort)],
    "string length": [("string: string", lambda text: Decimal(len(text)))],
    "upper case": [("string: string", str.upper)], "lower case": [("string: string", str.lower)],
    "substring": [("string: string, start position: number, length?: number", _substring)],
    "substring before": [("string: string, match: string", lambda text, match: _before_match(text, match))],
    "substring after": [("string: string, match: string", _after_match)],
    "contains": [("string: string, match: string", lambda text, match: match in text)],
    "starts with": [("string: string, match: string", str.startswith)], "ends with": [("string: string, match: string", str.endswith)],
    "string join": [("list: list, delimiter?: string|null", _join)],
    "get value": [("m: context, key: string", lambda context, key: context.get(key))],
    "get entries": [("m: context", lambda context: [{"key": key, "value": value} for key, value in context.items()])],
    "context": [("entries: list", _from_entries)], "context merge": [("contexts: list", _merge)],
    "context put": [("context: context, key: string, value: any", _put), ("context: context, keys: list, value: any", _put)],
    "date": [(f"from: string|{_DAYS}", _date), ("year: number, month: number, day: number", _date_of)],
    "time": [(f"from: string|time|{_DAYS}", _time),
             ("hour: number, minute: number, second: number, offset?: days and time duration|null", _time_of)],
    "date and time": [(f"from: string|{_DAYS}", _moment), (f"date: {_DAYS}, time: time", lambda day, clock: Moment(_day(day), clock))],
    "duration": [("from: string|years and months duration|days and time duration",
                  lambda value: _need(read_duration(value)) if isinstance(value, str) else value)],
    "years and months duration": [(f"from: {_DAYS}, to: {_DAYS}", _months_between)],
    "day of year": [(f"date: {_DAYS}", _of_calendar(lambda date: Decimal(date.timetuple().tm_yday)))],
    "day of week": [(f"date: {_DAYS}", _of_calendar(lambda date: _NAMES[date.weekday()]))],
    "month of year": [(f"date: {_DAYS}", _of_calendar(lambda date: _MONTH_NAMES[date.month - 1]))],
    "week of year": [(f"date: {_DAYS}", _of_calendar(lambda date: Decimal(date.isocalendar().week)))],
}  # fmt: skip
