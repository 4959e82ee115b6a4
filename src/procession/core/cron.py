"""Cron expressions of five fields, or six with seconds first; `?`, names, `L`, `W` and `#` as Camunda 8 takes them."""

from __future__ import annotations

import calendar
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, final

from procession.base.failure import Failure

CRON_MACROS: Final = {
    "@yearly": "0 0 0 1 1 *",
    "@annually": "0 0 0 1 1 *",
    "@monthly": "0 0 0 1 * *",
    "@weekly": "0 0 0 * * 0",
    "@daily": "0 0 0 * * *",
    "@midnight": "0 0 0 * * *",
    "@hourly": "0 0 * * * *",
}
_MONTHS: Final = {n: i for i, n in enumerate("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(), 1)}
_DAYS: Final = {n: i for i, n in enumerate("SUN MON TUE WED THU FRI SAT".split())}
_YEARS_AHEAD: Final = 40
"""A pattern such as 29 February on a Monday comes at least once in so many years; past that it never comes."""


@final
class Cron:
    """A parsed cron expression. Days of the week count from Sunday 0; `seconds` to `months` are sorted."""

    __slots__ = ("_days", "_weekdays", "hours", "minutes", "months", "seconds")

    def __init__(self, fields: list[str]) -> None:
        self.seconds = _numbers(fields[0], 0, 59, {})
        self.minutes = _numbers(fields[1], 0, 59, {})
        self.hours = _numbers(fields[2], 0, 23, {})
        self._days = _entries(fields[3])
        self.months = _numbers(fields[4], 1, 12, _MONTHS)
        self._weekdays = _entries(fields[5])
        for entry in self._days:
            _day_of_month(entry, 2024, 1)
        for entry in self._weekdays:
            _day_of_week(entry, 2024, 1)

    def after(self, moment: datetime) -> datetime | None:
        """The first matching local time after `moment`, None if there is none within decades."""
        at = moment.replace(microsecond=0) + timedelta(seconds=1)
        last_year = at.year + _YEARS_AHEAD
        while at.year <= last_year and at.year < 9999:
            if at.month not in self.months:
                at = _next_month(at)
                continue
            if at.day not in self.days_of(at.year, at.month):
                at = at.replace(hour=0, minute=0, second=0) + timedelta(days=1)
                continue
            found = self._time_on(at)
            if found is not None:
                return found
            at = at.replace(hour=0, minute=0, second=0) + timedelta(days=1)
        return None

    def _time_on(self, at: datetime) -> datetime | None:
        for hour in self.hours:
            if hour < at.hour:
                continue
            for minute in self.minutes:
                if hour == at.hour and minute < at.minute:
                    continue
                for second in self.seconds:
                    if (hour, minute, second) >= (at.hour, at.minute, at.second):
                        return at.replace(hour=hour, minute=minute, second=second)
        return None

    def days_of(self, year: int, month: int) -> frozenset[int]:
        """The days of a month that match; the field of the months is not asked."""
        by_date = {day for entry in self._days for day in _day_of_month(entry, year, month)}
        by_week = {day for entry in self._weekdays for day in _day_of_week(entry, year, month)}
        return frozenset(by_date & by_week)


@lru_cache(maxsize=1024)
def parse_cron(text: str) -> Cron:
    """A cron expression. Raises `Failure("timer")` that names the field."""
    fields = text.upper().split()
    if len(fields) == 5:
        fields.insert(0, "0")
    if len(fields) != 6:
        raise Failure("timer", f"{text!r} has {len(fields)} cron fields instead of 5 or 6")
    try:
        return Cron(fields)
    except (ValueError, KeyError) as error:
        raise Failure("timer", f"{text!r} is no cron expression: {error}") from None


def _entries(field: str) -> tuple[str, ...]:
    return ("*",) if field in {"*", "?"} else tuple(field.split(","))


def _numbers(field: str, low: int, high: int, names: dict[str, int]) -> list[int]:
    found: set[int] = set()
    for entry in _entries(field):
        found.update(_range(entry, low, high, names))
    return sorted(found)


def _range(entry: str, low: int, high: int, names: dict[str, int]) -> range:
    body, _, step = entry.partition("/")
    stride = int(step) if step else 1
    if body in {"*", "?"}:
        first, last = low, high
    elif "-" in body:
        left, right = body.split("-", 1)
        first, last = _number(left, names), _number(right, names)
    else:
        first = _number(body, names)
        last = high if step else first
    if not (low <= first <= high and low <= last <= high and first <= last and stride > 0):
        raise ValueError(f"{entry!r} is outside {low}-{high}")
    return range(first, last + 1, stride)


def _number(text: str, names: dict[str, int]) -> int:
    return names[text] if text in names else int(text)


def _day_of_month(entry: str, year: int, month: int) -> frozenset[int]:
    last = calendar.monthrange(year, month)[1]
    if entry == "L":
        return frozenset({last})
    if entry == "LW":
        return frozenset({_nearest_weekday(year, month, last)})
    if entry.startswith("L-"):
        return frozenset({max(1, last - int(entry[2:]))})
    if entry.endswith("W"):
        return frozenset({_nearest_weekday(year, month, min(int(entry[:-1]), last))})
    return frozenset(day for day in _range(entry, 1, 31, {}) if day <= last)


def _day_of_week(entry: str, year: int, month: int) -> frozenset[int]:
    first, last = calendar.monthrange(year, month)
    first_sunday_based = (first + 1) % 7
    if "#" in entry:
        weekday, nth = entry.split("#", 1)
        days = _weekday_dates(_number(weekday, _DAYS) % 7, first_sunday_based, last)
        return frozenset(days[int(nth) - 1 : int(nth)])
    if entry.endswith("L") and entry != "L":
        return frozenset(_weekday_dates(_number(entry[:-1], _DAYS) % 7, first_sunday_based, last)[-1:])
    weekdays = {6} if entry == "L" else {day % 7 for day in _range(entry, 0, 7, _DAYS)}
    return frozenset(day for day in range(1, last + 1) if (first_sunday_based + day - 1) % 7 in weekdays)


def _weekday_dates(weekday: int, first: int, last: int) -> list[int]:
    return [day for day in range(1, last + 1) if (first + day - 1) % 7 == weekday]


def _nearest_weekday(year: int, month: int, day: int) -> int:
    last = calendar.monthrange(year, month)[1]
    weekday = calendar.weekday(year, month, day)
    if weekday == 5:
        return day - 1 if day > 1 else day + 2
    if weekday == 6:
        return day + 1 if day < last else day - 2
    return day


def _next_month(at: datetime) -> datetime:
    return at.replace(year=at.year + at.month // 12, month=at.month % 12 + 1, day=1, hour=0, minute=0, second=0)
