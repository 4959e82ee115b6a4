"""The five temporal types of FEEL (DMN 1.5, 10.3.2.3.4 to 10.3.2.3.8) and their calendar.

Python's datetime ends at year 9999 and at microseconds; these go to year ±999,999,999 and to nanoseconds, and keep
the name of a zone. Texts are read and written in `temporal_text`, operators live in `temporal_ops`.
"""

from __future__ import annotations

import datetime as _dt
from functools import lru_cache
from typing import Final, TypeAlias, final
from zoneinfo import ZoneInfo

import msgspec

NS: Final = 1_000_000_000
"""Nanoseconds in a second."""
DAY_S: Final = 86_400
DAY_NS: Final = DAY_S * NS
YEAR_MAX: Final = 999_999_999
_UNIX_DAY: Final = 719_468
"""Days from 0000-03-01, where the day count below starts, to 1970-01-01."""
_CYCLE_S: Final = 146_097 * DAY_S
_ZONE_YEARS: Final = (2, 9998)
"""The years in which zoneinfo is asked; outside, the nearest one stands in."""


@final
class Date(msgspec.Struct, frozen=True, gc=False):
    """A day of the proleptic Gregorian calendar."""

    year: int
    month: int
    day: int


@final
class Time(msgspec.Struct, frozen=True, gc=False):
    """A time of the day in nanoseconds since midnight, local, with an offset in seconds, or with a zone's name."""

    ns: int
    offset: int | None = None
    zone: str | None = None


@final
class DateTime(msgspec.Struct, frozen=True):
    """A date and a time; the time carries the offset or zone."""

    date: Date
    time: Time


@final
class YearsMonthsDuration(msgspec.Struct, frozen=True, gc=False):
    """A duration in months."""

    months: int


@final
class DaysTimeDuration(msgspec.Struct, frozen=True, gc=False):
    """A duration in nanoseconds."""

    ns: int


Temporal: TypeAlias = Date | Time | DateTime | YearsMonthsDuration | DaysTimeDuration


def days_of(date: Date) -> int:
    """Days since 1970-01-01; any year."""
    year = date.year - (date.month <= 2)
    era = year // 400
    of_era = year - era * 400
    of_year = (153 * (date.month + (-3 if date.month > 2 else 9)) + 2) // 5 + date.day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - _UNIX_DAY


def date_of_days(days: int) -> Date | None:
    """The date so many days after 1970-01-01; None outside of the supported years."""
    days += _UNIX_DAY
    era = days // 146_097
    of_era = days - era * 146_097
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * of_year + 2) // 153
    month = shifted + (3 if shifted < 10 else -9)
    result = Date(year + era * 400 + (month <= 2), month, of_year - (153 * shifted + 2) // 5 + 1)
    return result if abs(result.year) <= YEAR_MAX else None


def is_leap(year: int) -> bool:
    """Whether the year has a 29 February."""
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def month_days(year: int, month: int) -> int:
    """The number of days in a month."""
    if month == 2:
        return 29 if is_leap(year) else 28
    return 30 if month in {4, 6, 9, 11} else 31


def make_date(year: int, month: int, day: int) -> Date | None:
    """The date, or None if there is no such day."""
    if abs(year) > YEAR_MAX or not 1 <= month <= 12 or not 1 <= day <= month_days(year, month):
        return None
    return Date(year, month, day)


def add_months(date: Date, months: int) -> Date | None:
    """The date some months later, on the month's last day if it has no such day (10.3.2.3.9)."""
    total = date.year * 12 + date.month - 1 + months
    year, month = total // 12, total % 12 + 1
    if abs(year) > YEAR_MAX:
        return None
    return Date(year, month, min(date.day, month_days(year, month)))


def weekday(date: Date) -> int:
    """1 for Monday to 7 for Sunday."""
    return (days_of(date) + 3) % 7 + 1


@lru_cache(maxsize=512)
def zone_named(name: str) -> ZoneInfo | None:
    """The zone of the tz database, or None. A name is looked up as a name only, never as a path."""
    if name.startswith((".", "/")) or ".." in name or not _is_zone_text(name):
        return None
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return None


def _is_zone_text(name: str) -> bool:
    return (
        0 < len(name) <= 64
        and name.isascii()
        and name.replace("/", "").replace("_", "").replace("-", "").replace("+", "").isalnum()
    )


def offset_of(value: DateTime) -> int | None:
    """The offset from UTC in seconds that holds at this date and time; None for a local one."""
    time = value.time
    if time.zone is None:
        return time.offset
    return zone_offset(time.zone, value.date, time.ns // NS)


def time_offset_of(time: Time) -> int | None:
    """A time's offset in seconds; that of a zone is its standard one on 1 January 1970, since a time has no date."""
    if time.zone is None:
        return time.offset
    return zone_offset(time.zone, Date(1970, 1, 1), time.ns // NS)


def zone_offset(name: str, date: Date, second: int) -> int:
    """The offset in seconds of a zone at a local date and second of the day; 0 for a zone that does not exist."""
    zone = zone_named(name)
    if zone is None:
        return 0
    low, high = _ZONE_YEARS
    year = date.year
    if not low <= year <= high:
        # Same leap-year shape, so that 29 February exists in the year that stands in.
        year = low + (year - low) % 400 if year < low else high - 400 + (year - (high - 400)) % 400
    minute, sec = divmod(second, 60)
    local = _dt.datetime(year, date.month, date.day, minute // 60, minute % 60, sec, tzinfo=zone)
    offset = local.utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def instant_ns(value: DateTime) -> int:
    """Nanoseconds since the epoch in UTC; a local value is taken as it stands."""
    return days_of(value.date) * DAY_NS + value.time.ns - (offset_of(value) or 0) * NS


def local_ns(value: DateTime) -> int:
    """Nanoseconds since the epoch on the value's own clock."""
    return days_of(value.date) * DAY_NS + value.time.ns


def from_local_ns(total: int, offset: int | None, zone: str | None) -> DateTime | None:
    """The date and time at so many nanoseconds after the epoch on its own clock."""
    days, ns = divmod(total, DAY_NS)
    date = date_of_days(days)
    return None if date is None else DateTime(date, Time(ns, offset, zone))


def at_instant(instant: int, zone: str) -> DateTime | None:
    """The date and time in a zone at so many nanoseconds after the epoch in UTC."""
    info = zone_named(zone)
    low, high = -62_135_596_800 + DAY_S, 253_402_300_799 - DAY_S
    seconds = instant // NS
    if info is None:
        return from_local_ns(instant, 0, None)
    if not low <= seconds <= high:
        # The calendar repeats after 400 years, so a year of the same shape stands in (as in `zone_offset`).
        base = low if seconds < low else high - _CYCLE_S
        seconds = base + (seconds - base) % _CYCLE_S
    moment = _dt.datetime.fromtimestamp(seconds, tz=_dt.UTC).astimezone(info)
    offset = moment.utcoffset()
    return from_local_ns(instant + (int(offset.total_seconds()) if offset else 0) * NS, None, zone)


def is_zoned(time: Time) -> bool:
    """Whether the time has an offset or a zone."""
    return time.offset is not None or time.zone is not None
