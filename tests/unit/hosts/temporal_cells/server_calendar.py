"""When a server fires a schedule: its algorithm (service/worker/scheduler, 1.29 to 1.32), written anew from its source.

It keeps what is peculiar there: dates are Go's, which in an hour that is left out are an hour beside; an hour that
comes twice is gone through twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from temporalio.client import ScheduleCalendarSpec, ScheduleRange, ScheduleSpec

LAST_YEAR: Final = 2100
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def firings(spec: ScheduleSpec, after: int) -> Iterator[int]:
    """Unix seconds at which a schedule fires after a time, in order."""
    if spec.start_at is not None:
        after = max(after, int(spec.start_at.timestamp()) - 1)
    zone = ZoneInfo(spec.time_zone_name or "UTC")
    while True:
        found = [each for calendar in spec.calendars if (each := _next_of_calendar(calendar, zone, after)) is not None]
        for interval in spec.intervals:
            every = int(interval.every.total_seconds())
            phase = int(interval.offset.total_seconds()) if interval.offset is not None else 0
            found.append(((after - phase) // every + 1) * every + phase)
        if not found:
            return
        after = min(found)
        yield after


def _next_of_calendar(calendar: ScheduleCalendarSpec, zone: ZoneInfo, after: int) -> int | None:
    now = datetime.fromtimestamp(after, zone)
    year, month, day, hour, minute, second = now.timetuple()[:6]
    again = 3600 if datetime.fromtimestamp(after - 3600, zone).hour == hour else 0
    years, months, days, weekdays, hours, minutes, seconds = _sets(calendar)
    second += 1
    while True:
        if second >= 60:
            minute, second = minute + 1, 0
        if minute >= 60:
            before = _date(zone, year, month, day, hour)
            hour, minute = hour + 1, 0
            if not again and _date(zone, year, month, day, hour) - before > 3600:
                hour -= 1
                again = 3600
            else:
                again = 0
        if hour >= 24:
            day, hour = day + 1, 0
        if day > _days_in(year, month):
            month, day = month + 1, 1
        if month > 12:
            year, month = year + 1, 1
        if year > LAST_YEAR:
            return None
        if years and year not in years:
            year, month, day, hour, minute, second, again = year + 1, 1, 1, 0, 0, 0, 0
        elif month not in months:
            month, day, hour, minute, second, again = month + 1, 1, 0, 0, 0, 0
        elif day not in days or _weekday(zone, _date(zone, year, month, day, hour, minute, second)) not in weekdays:
            day, hour, minute, second, again = day + 1, 0, 0, 0, 0
        elif hour not in hours:
            hour, minute, second, again = hour + 1, 0, 0, 0
        elif minute not in minutes:
            minute, second = minute + 1, 0
        elif second not in seconds:
            second += 1
        else:
            found = _date(zone, year, month, day, hour, minute, second)
            if datetime.fromtimestamp(found, zone).hour == hour:
                return found + again
            hour, minute, second = hour + 1, 0, 0


def _date(zone: ZoneInfo, year: int, month: int, day: int, *time: int) -> int:
    """Go's `time.Date`: hours and days may run over; a local time that does not exist is moved by the wrong offset."""
    hour, minute, second = (*time, 0, 0)[:3]
    local = datetime(year, month, 1, tzinfo=UTC) + timedelta(days=day - 1, hours=hour, minutes=minute, seconds=second)
    seconds = (local - _EPOCH) // timedelta(seconds=1)
    return seconds - _offset(zone, seconds - _offset(zone, seconds))


def _offset(zone: ZoneInfo, at: int) -> int:
    offset = datetime.fromtimestamp(at, zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def _weekday(zone: ZoneInfo, at: int) -> int:
    return (datetime.fromtimestamp(at, zone).weekday() + 1) % 7


def _days_in(year: int, month: int) -> int:
    after = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    return (after - timedelta(days=1)).day if month <= 12 else 31


def _sets(calendar: ScheduleCalendarSpec) -> list[set[int]]:
    fields: list[Sequence[ScheduleRange]] = [
        calendar.year,
        calendar.month,
        calendar.day_of_month,
        calendar.day_of_week,
        calendar.hour,
        calendar.minute,
        calendar.second,
    ]
    return [{n for each in field for n in range(each.start, each.end + 1, each.step)} for field in fields]
