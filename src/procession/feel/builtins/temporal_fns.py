"""Temporal built-ins (DMN 1.5, 10.3.4.1 conversions, 10.3.4.8, 10.3.4.11). The clock is the runtime's, never ours."""

from __future__ import annotations

from typing import Final

from procession.feel.builtins.table import declare
from procession.feel.errors import DomainError
from procession.feel.numbers import CONTEXT, Number, decimal_of, whole
from procession.feel.runtime import Runtime
from procession.feel.temporal import (
    NS,
    Date,
    DateTime,
    DaysTimeDuration,
    Time,
    YearsMonthsDuration,
    at_instant,
    days_of,
    from_local_ns,
    make_date,
    month_days,
    weekday,
)
from procession.feel.temporal_ops import months_between
from procession.feel.temporal_text import OFFSET_MAX_S, parse_date, parse_date_time, parse_duration, parse_time
from procession.feel.values import string

DAY_NAMES: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_UTC: Final = frozenset({"UTC", "Etc/UTC", "Z"})
MONTH_NAMES: Final = ("January", "February", "March", "April", "May", "June", "July", "August", "September",
                      "October", "November", "December")  # fmt: skip


def date(value: object) -> Date:
    """`date(from)`."""
    if isinstance(value, Date):
        return value
    if isinstance(value, DateTime):
        return value.date
    result = parse_date(str(value))
    if result is None:
        raise DomainError(f"{string(value, quoted=True)[:40]} is no date")
    return result


def date_of_parts(year: Number, month: Number, day: Number) -> Date:
    """`date(year, month, day)`."""
    parts = [whole(part) for part in (year, month, day)]
    result = None if None in parts else make_date(*(part or 0 for part in parts))
    if result is None:
        raise DomainError("there is no such day")
    return result


def time(value: object) -> Time:
    """`time(from)`; a date is midnight in UTC."""
    if isinstance(value, Time):
        return value
    if isinstance(value, DateTime):
        return value.time
    if isinstance(value, Date):
        return Time(0, 0)
    result = parse_time(str(value))
    if result is None:
        raise DomainError(f"{string(value, quoted=True)[:40]} is no time")
    return result


def time_of_parts(hour: Number, minute: Number, second: Number, offset: DaysTimeDuration | None = None) -> Time:
    """`time(hour, minute, second, offset)`; the seconds may have a fraction."""
    whole_hour, whole_minute = whole(hour), whole(minute)
    if whole_hour is None or whole_minute is None or not 0 <= whole_hour <= 23 or not 0 <= whole_minute <= 59:
        raise DomainError("there is no such time")
    if not 0 <= second < 60:
        raise DomainError("there is no such second")
    ns = (whole_hour * 60 + whole_minute) * 60 * NS + int(CONTEXT.scaleb(decimal_of(second), 9))
    if offset is None:
        return Time(ns)
    seconds = abs(offset.ns) // NS
    if seconds > OFFSET_MAX_S:
        raise DomainError("the offset is larger than 18 hours")
    return Time(ns, -seconds if offset.ns < 0 else seconds)


def date_time(value: object) -> DateTime:
    """`date and time(from)`."""
    if isinstance(value, DateTime):
        return value
    if isinstance(value, Date):
        return DateTime(value, Time(0))
    result = parse_date_time(str(value))
    if result is None:
        raise DomainError(f"{string(value, quoted=True)[:40]} is no date and time")
    return result


def date_time_of_parts(day: Date | DateTime, clock: Time) -> DateTime:
    """`date and time(date, time)`."""
    return DateTime(day.date if isinstance(day, DateTime) else day, clock)


def duration(value: object) -> YearsMonthsDuration | DaysTimeDuration:
    """`duration(from)`."""
    if isinstance(value, YearsMonthsDuration | DaysTimeDuration):
        return value
    result = parse_duration(str(value))
    if result is None:
        raise DomainError(f"{string(value, quoted=True)[:40]} is no duration")
    return result


def years_and_months(start: Date | DateTime, end: Date | DateTime) -> YearsMonthsDuration:
    """`years and months duration(from, to)`: whole months between two days."""
    return YearsMonthsDuration(months_between(_day(start), _day(end)))


def now(rt: Runtime) -> DateTime:
    """`now()`: the runtime's clock in its zone."""
    instant = rt.now_ms * 1_000_000
    result = from_local_ns(instant, 0, None) if rt.zone in _UTC else at_instant(instant, rt.zone)
    if result is None:
        raise DomainError("the clock is out of range")
    return result


def today(rt: Runtime) -> Date:
    """`today()`: the runtime's day in its zone."""
    return now(rt).date


def day_of_year(value: Date | DateTime) -> int:
    """`day of year`: 1 to 366."""
    day = _day(value)
    return days_of(day) - days_of(Date(day.year, 1, 1)) + 1


def day_of_week(value: Date | DateTime) -> str:
    """`day of week`: its English name."""
    return DAY_NAMES[weekday(_day(value)) - 1]


def month_of_year(value: Date | DateTime) -> str:
    """`month of year`: its English name."""
    return MONTH_NAMES[_day(value).month - 1]


def week_of_year(value: Date | DateTime) -> int:
    """`week of year`: the ISO week."""
    day = _day(value)
    # The week belongs to the year that holds its Thursday.
    thursday = days_of(day) - weekday(day) + 4
    for year in (day.year + 1, day.year, day.year - 1):
        first = days_of(Date(year, 1, 1))
        if thursday >= first:
            return (thursday - first) // 7 + 1
    raise DomainError("the date is out of range")


def last_day_of_month(value: Date | DateTime) -> Date:
    """`last day of month` (Camunda)."""
    day = _day(value)
    return Date(day.year, day.month, month_days(day.year, day.month))


def _day(value: Date | DateTime) -> Date:
    return value.date if isinstance(value, DateTime) else value


_DAYS: Final = "date|date and time"
TEMPORAL: Final = declare({
    "date": [(f"from: string|{_DAYS}", date), ("year: number, month: number, day: number", date_of_parts)],
    "time": [
        ("from: string|time|date and time|date", time),
        ("hour: number, minute: number, second: number, offset?: days and time duration|null", time_of_parts),
    ],
    "date and time": [
        ("from: string|date|date and time", date_time), (f"date: {_DAYS}, time: time", date_time_of_parts),
    ],
    "duration": [("from: string|years and months duration|days and time duration", duration)],
    "years and months duration": [(f"from: {_DAYS}, to: {_DAYS}", years_and_months)],
    "now": [("", now)],
    "today": [("", today)],
    "day of year": [(f"date: {_DAYS}", day_of_year)],
    "day of week": [(f"date: {_DAYS}", day_of_week)],
    "month of year": [(f"date: {_DAYS}", month_of_year)],
    "week of year": [(f"date: {_DAYS}", week_of_year)],
}, frozenset({"now", "today"}))  # fmt: skip
