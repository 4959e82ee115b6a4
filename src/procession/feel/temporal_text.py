"""Temporal values as text (DMN 1.5, 10.3.4.1; XML Schema part 2). Reading gives None for a bad text, never raises."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from procession.feel.numbers import CONTEXT
from procession.feel.temporal import (
    DAY_NS,
    NS,
    Date,
    DateTime,
    DaysTimeDuration,
    Temporal,
    Time,
    YearsMonthsDuration,
    date_of_days,
    days_of,
    make_date,
    zone_named,
)

_DATE: Final = re.compile(r"(-?)([1-9][0-9]{4,8}|[0-9]{4})-([0-9]{2})-([0-9]{2})")
_TIME: Final = re.compile(
    r"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,18}))?"
    r"(?:(Z|z)|([+-])([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?|@([A-Za-z0-9_+/-]{1,64}))?"
)
_MONTHS: Final = re.compile(r"(-?)P(?:([0-9]{1,12})Y)?(?:([0-9]{1,12})M)?")
_DAYS: Final = re.compile(
    r"(-?)P(?:([0-9]{1,18})D)?(?:(T)(?:([0-9]{1,18})H)?(?:([0-9]{1,18})M)?(?:([0-9]{1,18})(?:\.([0-9]{0,18}))?S)?)?"
)
OFFSET_MAX_S: Final = 18 * 3600
_TEXT_MAX: Final = 128


def parse_date(text: str) -> Date | None:
    """`YYYY-MM-DD`, years to nine digits, with a sign for years before 1."""
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    year = int(match[2])
    return make_date(-year if match[1] else year, int(match[3]), int(match[4]))


def parse_time(text: str) -> Time | None:
    """`hh:mm:ss` with a fraction and `Z`, an offset, or `@` and a zone's name. `24:00:00` is midnight."""
    found = _time(text)
    return None if found is None else Time(found[0] % DAY_NS, found[1], found[2])


def parse_date_time(text: str) -> DateTime | None:
    """A date, `T` and a time; a date alone is its midnight. `24:00:00` is the next day."""
    date_text, separator, time_text = text.partition("T")
    date = parse_date(date_text)
    if date is None:
        return None
    if not separator:
        return DateTime(date, Time(0))
    found = _time(time_text)
    if found is None:
        return None
    ns, offset, zone = found
    if ns == DAY_NS:
        following = date_of_days(days_of(date) + 1)
        return None if following is None else DateTime(following, Time(0, offset, zone))
    return DateTime(date, Time(ns, offset, zone))


def parse_duration(text: str) -> YearsMonthsDuration | DaysTimeDuration | None:
    """An ISO duration of years and months, or of days and time; a mix of both has no value in FEEL."""
    match = _MONTHS.fullmatch(text)
    if match is not None:
        if match[2] is None and match[3] is None:
            return None
        months = int(match[2] or 0) * 12 + int(match[3] or 0)
        return YearsMonthsDuration(-months if match[1] else months)
    match = _DAYS.fullmatch(text)
    if match is None or text.endswith(("P", "T")):
        return None
    seconds = int(match[2] or 0) * 86_400 + int(match[4] or 0) * 3600 + int(match[5] or 0) * 60 + int(match[6] or 0)
    ns = seconds * NS + _fraction(match[7])
    return DaysTimeDuration(-ns if match[1] else ns)


def parse_temporal(text: str) -> Temporal | None:
    """What an `@"…"` literal stands for: the first of date, date and time, time and duration that fits."""
    if len(text) > _TEXT_MAX:
        return None
    moment = parse_date_time(text) if "T" in text else None
    return moment or parse_date(text) or parse_time(text) or parse_duration(text)


def temporal_text(value: Temporal) -> str:
    """The value as `string()` writes it, which is also how it reads back."""
    match value:
        case Date():
            return _date_text(value)
        case Time():
            return _time_text(value)
        case DateTime():
            return f"{_date_text(value.date)}T{_time_text(value.time)}"
        case YearsMonthsDuration():
            return _months_text(value.months)
        case DaysTimeDuration():
            return _days_text(value.ns)


def _time(text: str) -> tuple[int, int | None, str | None] | None:
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    hour, minute, second = int(match[1]), int(match[2]), int(match[3])
    ns = (hour * 3600 + minute * 60 + second) * NS + _fraction(match[4])
    if minute > 59 or second > 59 or ns > DAY_NS:
        return None
    if match[10] is not None:
        return None if zone_named(match[10]) is None else (ns, None, match[10])
    if match[5]:
        return ns, 0, None
    if match[6] is None:
        return ns, None, None
    if int(match[8]) > 59 or int(match[9] or 0) > 59:
        return None
    offset = int(match[7]) * 3600 + int(match[8]) * 60 + int(match[9] or 0)
    if offset > OFFSET_MAX_S:
        return None
    return ns, -offset if match[6] == "-" else offset, None


def _fraction(digits: str | None) -> int:
    return int(digits[:9].ljust(9, "0")) if digits else 0


def _date_text(date: Date) -> str:
    sign = "-" if date.year < 0 else ""
    return f"{sign}{abs(date.year):04d}-{date.month:02d}-{date.day:02d}"


def _time_text(time: Time) -> str:
    seconds, ns = divmod(time.ns, NS)
    minutes, second = divmod(seconds, 60)
    fraction = f".{ns:09d}".rstrip("0") if ns else ""
    text = f"{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}{fraction}"
    if time.zone is not None:
        return f"{text}@{time.zone}"
    return text if time.offset is None else text + offset_text(time.offset)


def offset_text(offset: int) -> str:
    """`Z`, or the offset as `+hh:mm` and seconds if there are any."""
    if offset == 0:
        return "Z"
    sign = "-" if offset < 0 else "+"
    minutes, second = divmod(abs(offset), 60)
    tail = f":{second:02d}" if second else ""
    return f"{sign}{minutes // 60:02d}:{minutes % 60:02d}{tail}"


def _months_text(months: int) -> str:
    sign = "-" if months < 0 else ""
    years, rest = divmod(abs(months), 12)
    if not years:
        return f"{sign}P{rest}M"
    return f"{sign}P{years}Y{rest}M" if rest else f"{sign}P{years}Y"


def _days_text(ns: int) -> str:
    sign = "-" if ns < 0 else ""
    days, rest = divmod(abs(ns), DAY_NS)
    hours, rest = divmod(rest, 3600 * NS)
    minutes, rest = divmod(rest, 60 * NS)
    seconds, fraction = divmod(rest, NS)
    tail = f".{fraction:09d}".rstrip("0") if fraction else ""
    second_text = f"{seconds}{tail}S" if seconds or tail else ""
    time = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "") + second_text
    if not days and not time:
        return "PT0S"
    return f"{sign}P{f'{days}D' if days else ''}{f'T{time}' if time else ''}"


def seconds_decimal(ns: int) -> int | Decimal:
    """Nanoseconds as seconds: an int, or a Decimal if there is a fraction."""
    seconds, fraction = divmod(abs(ns), NS)
    value = seconds if not fraction else CONTEXT.add(seconds, Decimal(f"0.{fraction:09d}".rstrip("0")))
    return -value if ns < 0 else value
