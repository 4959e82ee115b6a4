"""The oracle's functions and properties of temporal values and ranges (DMN 1.5, table 65, 10.3.4.8, table 78)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from math import trunc
from typing import Final

from feel_oracle.operators import inside, order
from feel_oracle.values import (
    NS,
    Clock,
    Day,
    Impl,
    Interval,
    Moment,
    Months,
    Nanos,
    Nothing,
    Row,
    Value,
    in_cycle,
    need,
    of_fraction,
    offset,
    ordinal,
    read_day,
    read_duration,
    read_moment,
    read_time,
    real_day,
)

# -- dates and times


def _day(value: Day | Moment) -> Day:
    return value if isinstance(value, Day) else value.day


def _date(value: Value) -> Value:
    return need(read_day(value)) if isinstance(value, str) else _day(value)  # type: ignore[arg-type]


def _date_of(*parts: Decimal) -> Value:
    if any(part != trunc(part) for part in parts):
        raise Nothing
    return need(real_day(*map(trunc, parts)))


def _time(value: Value) -> Value:
    match value:
        case str():
            return need(read_time(value))
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
        return need(read_moment(value))
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
                ranges.append(Interval(value, value, True, True, ""))
            else:
                ranges.append(value)
        if not isinstance(a, Interval) and not isinstance(b, Interval) and "2" not in points:
            raise Nothing
        return rule(*ranges)

    return impl


def _cmp(a: Value, b: Value) -> int:
    return int(need(order(a, b)))


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
    return need(inside(point, range_))


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
ROWS: Final[dict[str, list[Row]]] = {
    **{name: [(_TWO, impl)] for name, impl in _RELATIONS.items()},
    "date": [(f"from: string|{_DAYS}", _date), ("year: number, month: number, day: number", _date_of)],
    "time": [
        (f"from: string|time|{_DAYS}", _time),
        ("hour: number, minute: number, second: number, offset?: days and time duration|null", _time_of),
    ],
    "date and time": [
        (f"from: string|{_DAYS}", _moment),
        (f"date: {_DAYS}, time: time", lambda day, clock: Moment(_day(day), clock)),
    ],
    "duration": [
        (
            "from: string|years and months duration|days and time duration",
            lambda value: need(read_duration(value)) if isinstance(value, str) else value,
        )
    ],
    "years and months duration": [(f"from: {_DAYS}, to: {_DAYS}", _months_between)],
    "day of year": [(f"date: {_DAYS}", _of_calendar(lambda date: Decimal(date.timetuple().tm_yday)))],
    "day of week": [(f"date: {_DAYS}", _of_calendar(lambda date: _NAMES[date.weekday()]))],
    "month of year": [(f"date: {_DAYS}", _of_calendar(lambda date: _MONTH_NAMES[date.month - 1]))],
    "week of year": [(f"date: {_DAYS}", _of_calendar(lambda date: Decimal(date.isocalendar().week)))],
}
