"""Arithmetic, order and properties of temporal values (DMN 1.5, 10.3.2.3 and tables 55 to 65), as tables by type.

A function gives None where the operation has no value, such as a local minus a zoned date and time.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal
from typing import Any, Final

from procession.feel.numbers import CONTEXT, Number, decimal_of, divide
from procession.feel.temporal import (
    DAY_NS,
    NS,
    Date,
    DateTime,
    DaysTimeDuration,
    Time,
    YearsMonthsDuration,
    add_months,
    at_instant,
    date_of_days,
    days_of,
    from_local_ns,
    instant_ns,
    is_zoned,
    local_ns,
    offset_of,
    time_offset_of,
    weekday,
)
from procession.feel.temporal_text import seconds_decimal

_Operation = Callable[[Any, Any], object]


def same_clock(a: Time, b: Time) -> bool:
    """Whether both are local, or both have an offset or zone; otherwise they cannot be compared."""
    return is_zoned(a) == is_zoned(b)


def time_ns(value: Time) -> int:
    """A time's nanoseconds since midnight in UTC, or on its own clock if it is local."""
    return value.ns - (time_offset_of(value) or 0) * NS


def _date_plus_months(date: Date, duration: YearsMonthsDuration) -> Date | None:
    return add_months(date, duration.months)


def _moment_plus_months(moment: DateTime, duration: YearsMonthsDuration) -> DateTime | None:
    date = add_months(moment.date, duration.months)
    return None if date is None else DateTime(date, moment.time)


def _date_plus_time(date: Date, duration: DaysTimeDuration) -> Date | None:
    return date_of_days((days_of(date) * DAY_NS + duration.ns) // DAY_NS)


def _moment_plus_time(moment: DateTime, duration: DaysTimeDuration) -> DateTime | None:
    time = moment.time
    if time.zone is not None:
        # On the time line, not on the clock: an hour later is an hour later when summer time begins, too.
        return at_instant(instant_ns(moment) + duration.ns, time.zone)
    return from_local_ns(local_ns(moment) + duration.ns, time.offset, time.zone)


def _time_plus(time: Time, duration: DaysTimeDuration) -> Time:
    return Time((time.ns + duration.ns) % DAY_NS, time.offset, time.zone)


def _time_minus_time(a: Time, b: Time) -> DaysTimeDuration | None:
    return DaysTimeDuration(time_ns(a) - time_ns(b)) if same_clock(a, b) else None


def _moment_minus_moment(a: DateTime, b: DateTime) -> DaysTimeDuration | None:
    return DaysTimeDuration(instant_ns(a) - instant_ns(b)) if same_clock(a.time, b.time) else None


def _utc(date: Date) -> DateTime:
    return DateTime(date, Time(0, 0))


def _minus(operation: _Operation) -> _Operation:
    def negated(a: Any, b: Any) -> object:
        return operation(a, _negated(b))

    return negated


def _negated(value: YearsMonthsDuration | DaysTimeDuration) -> YearsMonthsDuration | DaysTimeDuration:
    return YearsMonthsDuration(-value.months) if isinstance(value, YearsMonthsDuration) else DaysTimeDuration(-value.ns)


def _swapped(operation: _Operation) -> _Operation:
    def swapped(a: Any, b: Any) -> object:
        return operation(b, a)

    return swapped


_PLUS: Final[dict[tuple[type, type], _Operation]] = {
    (Date, YearsMonthsDuration): _date_plus_months,
    (DateTime, YearsMonthsDuration): _moment_plus_months,
    (Date, DaysTimeDuration): _date_plus_time,
    (DateTime, DaysTimeDuration): _moment_plus_time,
    (Time, DaysTimeDuration): _time_plus,
    (YearsMonthsDuration, YearsMonthsDuration): lambda a, b: YearsMonthsDuration(a.months + b.months),
    (DaysTimeDuration, DaysTimeDuration): lambda a, b: DaysTimeDuration(a.ns + b.ns),
}
ADD: Final[dict[tuple[type, type], _Operation]] = {
    **_PLUS,
    **{(b, a): _swapped(operation) for (a, b), operation in _PLUS.items() if a is not b},
}
SUBTRACT: Final[dict[tuple[type, type], _Operation]] = {
    **{types: _minus(operation) for types, operation in _PLUS.items()},
    (Date, Date): lambda a, b: DaysTimeDuration((days_of(a) - days_of(b)) * DAY_NS),
    (Date, DateTime): lambda a, b: _moment_minus_moment(_utc(a), b),
    (DateTime, Date): lambda a, b: _moment_minus_moment(a, _utc(b)),
    (DateTime, DateTime): _moment_minus_moment,
    (Time, Time): _time_minus_time,
}


def scale(value: object, factor: Number) -> object:
    """A duration times a number; months are cut to whole ones."""
    if isinstance(value, YearsMonthsDuration):
        return _months(CONTEXT.multiply(decimal_of(value.months), decimal_of(factor)))
    if isinstance(value, DaysTimeDuration):
        return _nanoseconds(CONTEXT.multiply(decimal_of(value.ns), decimal_of(factor)))
    return None


def divide_duration(value: object, divisor: object) -> object:
    """A duration divided by a number, or by a duration of its own kind, which gives a number."""
    if type(divisor) is int or isinstance(divisor, Decimal):
        if divisor == 0:
            return None
        if isinstance(value, YearsMonthsDuration):
            return _months(CONTEXT.divide(decimal_of(value.months), decimal_of(divisor)))
        if isinstance(value, DaysTimeDuration):
            return _nanoseconds(CONTEXT.divide(decimal_of(value.ns), decimal_of(divisor)))
    if isinstance(value, YearsMonthsDuration) and isinstance(divisor, YearsMonthsDuration):
        return divide(value.months, divisor.months)
    if isinstance(value, DaysTimeDuration) and isinstance(divisor, DaysTimeDuration):
        return divide(value.ns, divisor.ns)
    return None


def negate_duration(value: object) -> YearsMonthsDuration | DaysTimeDuration | None:
    """-duration; None for anything else."""
    return _negated(value) if isinstance(value, YearsMonthsDuration | DaysTimeDuration) else None


_DURATION_MAX: Final = Decimal(10) ** 30


def _months(value: Decimal) -> YearsMonthsDuration | None:
    if not value.is_finite() or abs(value) > _DURATION_MAX:
        return None
    return YearsMonthsDuration(int(value.to_integral_value(ROUND_DOWN)))


def _nanoseconds(value: Decimal) -> DaysTimeDuration | None:
    if not value.is_finite() or abs(value) > _DURATION_MAX:
        return None
    return DaysTimeDuration(int(value.to_integral_value(ROUND_DOWN)))


def order_key(value: object) -> int | None:
    """The place of a temporal value among those of its type and clock; None for any other value."""
    match value:
        case Date():
            return days_of(value)
        case Time():
            return time_ns(value)
        case DateTime():
            return instant_ns(value)
        case YearsMonthsDuration():
            return value.months
        case DaysTimeDuration():
            return value.ns
        case _:
            return None


def comparable(a: object, b: object) -> bool:
    """Whether two temporal values of one type are on one clock."""
    if isinstance(a, Time) and isinstance(b, Time):
        return same_clock(a, b)
    if isinstance(a, DateTime) and isinstance(b, DateTime):
        return same_clock(a.time, b.time)
    return True


def equal(a: object, b: object) -> bool:
    """Whether two temporal values of one type are the same point or length of time.

    Times are compared in whole seconds, as the conformance suite has it (0068-equality).
    """
    if not comparable(a, b):
        return False
    if isinstance(a, Time) and isinstance(b, Time):
        return time_ns(a) // NS == time_ns(b) // NS
    return order_key(a) == order_key(b)


def _time_part(pick: Callable[[Time], object]) -> Callable[[Any], object]:
    return lambda value: pick(value.time if isinstance(value, DateTime) else value)


def _date_part(pick: Callable[[Any], object]) -> Callable[[Any], object]:
    return lambda value: pick(value.date)


def _offset(value: Time | DateTime) -> DaysTimeDuration | None:
    offset = offset_of(value) if isinstance(value, DateTime) else time_offset_of(value)
    return None if offset is None else DaysTimeDuration(offset * NS)


def _part(ns: int, unit: int, limit: int) -> int:
    amount = abs(ns) // (unit * NS)
    amount = amount % limit if limit else amount
    return -amount if ns < 0 else amount


_DATE_PROPERTIES: Final[dict[str, Callable[[Any], object]]] = {
    "year": lambda value: value.year,
    "month": lambda value: value.month,
    "day": lambda value: value.day,
    "weekday": weekday,
}
_TIME_PROPERTIES: Final[dict[str, Callable[[Any], object]]] = {
    "hour": _time_part(lambda time: time.ns // (3600 * NS)),
    "minute": _time_part(lambda time: time.ns // (60 * NS) % 60),
    "second": _time_part(lambda time: seconds_decimal(time.ns % (60 * NS))),
    "time offset": _offset,
    "timezone": _time_part(lambda time: time.zone),
}


def _months_part(months: int, *, years: bool) -> int:
    amount = abs(months) // 12 if years else abs(months) % 12
    return -amount if months < 0 else amount


PROPERTIES: Final[dict[type, dict[str, Callable[[Any], object]]]] = {
    Date: _DATE_PROPERTIES,
    Time: _TIME_PROPERTIES,
    DateTime: {
        **{name: _date_part(pick) for name, pick in _DATE_PROPERTIES.items()},
        **_TIME_PROPERTIES,
    },
    YearsMonthsDuration: {
        "years": lambda value: _months_part(value.months, years=True),
        "months": lambda value: _months_part(value.months, years=False),
    },
    DaysTimeDuration: {
        "days": lambda value: _part(value.ns, 86_400, 0),
        "hours": lambda value: _part(value.ns, 3600, 24),
        "minutes": lambda value: _part(value.ns, 60, 60),
        "seconds": lambda value: seconds_decimal(value.ns - _whole_minutes(value.ns)),
    },
}


def _whole_minutes(ns: int) -> int:
    minutes = abs(ns) // (60 * NS) * 60 * NS
    return -minutes if ns < 0 else minutes


def months_between(start: Date, end: Date) -> int:
    """Whole months from one date to another, negative if it lies before."""
    if days_of(end) < days_of(start):
        return -months_between(end, start)
    months = (end.year - start.year) * 12 + end.month - start.month
    return months - 1 if end.day < start.day else months
