"""Timer start events as Temporal schedules, where a schedule has exactly the same due times. Pure.

A cluster's schedules count in whole seconds and read calendars in one zone. Their calendars and ours part only where
a zone's clock changes: in and before an hour that comes twice a schedule fires twice, or late, and in one that is left
out not at all. So what comes due there, now or in any year to come, cannot be said with a schedule, and is refused with
the reason.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Final, final
from urllib.parse import quote

import msgspec
from temporalio.client import (
    ScheduleCalendarSpec,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
)

from procession.base.failure import Failure
from procession.core.cron import CRON_MACROS, Cron, parse_cron
from procession.core.timers import first_due, next_due, parse_duration
from procession.hosts.temporal.cells.clock_changes import LAST_YEAR, clock_changes, zone_info
from procession.ir.kinds import TimerKind

CATCH_UP_MS_MIN: Final = 10_000
"""Shortest window for catching up that a server takes, in ms."""
CATCH_UP_MS_MAX: Final = 365 * 86_400_000
"""What a server takes if nothing is said, in ms."""
_GAPS_MAX: Final = 64
"""So many firings of a calendar are looked at for the longest time between two."""
_MONTHS_OF: Final = {31: (1, 3, 5, 7, 8, 10, 12), 30: (4, 6, 9, 11), 29: (2,), 28: (2,)}
"""The months that have so many days."""
_WEEK: Final = frozenset(range(7))
_YEARS_OF: Final = {
    29: [ScheduleRange(2000, 2096, 4)],
    28: [*(ScheduleRange(2000 + rest, 2096 + rest, 4) for rest in (1, 2, 3)), ScheduleRange(2100)],
}
"""The years whose February has so many days, as far as servers have calendars; months of other lengths are of each."""


@final
class TimerSchedule(msgspec.Struct, frozen=True):
    """When a schedule fires, and what of missed times. `firings` is None for one without end."""

    id: str
    spec: ScheduleSpec
    policy: SchedulePolicy
    firings: int | None


@final
class Inexact(msgspec.Struct, frozen=True):
    """There is no schedule with the same due times; `reason` says why, and what to do."""

    reason: str


def schedule_id(tenant: str, process: str, node: str) -> str:
    """`procession/{tenant}/{process}/{node}`, the same for the same start event; a `/` in a name is escaped."""
    return "/".join(("procession", *(quote(each, safe="<>") for each in (tenant, process, node))))


def first_firing(timer: str, at: int, zone: str) -> tuple[int, str]:
    """(first due in Unix ms, cycle or "" for once) of a timer's text for a start event that is deployed at `at`.

    `at` loses its fraction of a second, which no schedule has. Raises `Failure("timer")`.
    """
    kind = TimerKind.CYCLE if timer.startswith(("R", "@")) or len(timer.split()) > 1 else TimerKind.DATE
    if timer.startswith("P"):
        kind = TimerKind.DURATION
    found = first_due(kind, timer, at - at % 1000, zone)
    if found is None:
        raise Failure("timer", f"{timer!r} repeats no time")
    return found[0], found[1]


def schedule_for(
    cycle: str, first: int, zone: str, *, tenant: str, process: str, node: str, catch_up: bool = False
) -> TimerSchedule | Inexact:
    """The schedule of a timer start event whose first due time is `first` (Unix ms).

    `cycle` is an ISO 8601 repeating interval, cron, or "" for a timer that fires once; `zone` an IANA name. After a
    downtime the last missed time is fired late, or each with `catch_up`. Raises `Failure("timer")` for a wrong text.
    """
    if first % 1000:
        return Inexact("it begins within a second; a schedule counts whole seconds: begin at a whole one")
    found = _spec(cycle, first, zone)
    if isinstance(found, Inexact):
        return found
    spec, firings = found
    window = CATCH_UP_MS_MAX if catch_up or not cycle else _longest_gap_ms(cycle, first, zone)
    window = min(max(window, CATCH_UP_MS_MIN), CATCH_UP_MS_MAX)
    return TimerSchedule(
        id=schedule_id(tenant, process, node),
        spec=spec,
        # Each firing begins an instance of its own, whatever became of the one before.
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.ALLOW_ALL, catchup_window=timedelta(milliseconds=window)),
        firings=firings,
    )


def _spec(cycle: str, first: int, zone: str) -> tuple[ScheduleSpec, int | None] | Inexact:
    """(when, how many times or None)."""
    start = datetime.fromtimestamp(first // 1000, UTC)
    if start.year > LAST_YEAR:
        return Inexact(f"it begins in {start.year}; schedules end with the year {LAST_YEAR}")
    if not cycle:
        return ScheduleSpec(calendars=[_moment(start)], start_at=start), 1
    if not cycle.startswith("R"):
        cron = parse_cron(CRON_MACROS.get(cycle, cycle))
        return _of_calendar(cron, start, zone, ())
    count = re.match(r"R(-?\d*)/", cycle)
    times = int(count[1]) if count and count[1] not in {"", "-"} else -1
    firings = times if times > 0 else None
    months, ms = parse_duration(cycle.rsplit("/", 1)[1])
    if not months:
        if ms % 1000:
            return Inexact(f"its interval of {ms} ms is not of whole seconds, as a schedule's are")
        every = timedelta(milliseconds=ms)
        offset = timedelta(seconds=first // 1000 % (ms // 1000))
        return ScheduleSpec(intervals=[ScheduleIntervalSpec(every, offset)], start_at=start), firings
    if ms:
        return Inexact("its interval mixes months or years with shorter units; write cron, or one of them")
    found = _of_months(months, start, zone)
    return found if isinstance(found, Inexact) else (found[0], firings)


def _of_months(months: int, start: datetime, zone: str) -> tuple[ScheduleSpec, int | None] | Inexact:
    local = start.astimezone(zone_info(zone))
    if local.day > 28:
        return Inexact(f"it falls on day {local.day}, which some months do not have, and moves: begin on day 1 to 28")
    if max(months, 12) % min(months, 12):
        return Inexact(f"every {months} months are other months each year: 1, 2, 3, 4, 6 or whole years are not")
    in_year = sorted({(local.month - 1 + step) % 12 + 1 for step in range(0, 12, min(months, 12))})
    text = f"{local.second} {local.minute} {local.hour} {local.day} {','.join(map(str, in_year))} *"
    years = [ScheduleRange(local.year, LAST_YEAR, months // 12)] if months > 12 else ()
    return _of_calendar(parse_cron(text), start, zone, years)


def _of_calendar(
    cron: Cron, start: datetime, zone: str, years: Sequence[ScheduleRange]
) -> tuple[ScheduleSpec, int | None] | Inexact:
    found = _at_clock_change(cron, start, zone)
    if found is not None:
        return Inexact(
            f"it comes due where the clock of {zone} changes ({found:%Y-%m-%d %H:%M}), and schedules fire there at"
            " other times: choose another hour, an interval as R/PT1H, or the zone UTC"
        )
    calendars = _calendars(cron, years)
    return ScheduleSpec(calendars=calendars, start_at=start, time_zone_name=zone), None


def _at_clock_change(cron: Cron, start: datetime, zone: str) -> datetime | None:
    """The first local time that the cron matches in an hour that comes twice or never, from `start` on."""
    any_weekday = all(set(_days_by_week(cron, length)) <= {_WEEK} for length in _MONTHS_OF)
    for change in clock_changes(zone):
        if change.at < start.timestamp():
            continue
        # Where midnight is left out, a server may take the day for the one before; it matters to days of the week.
        if change.skips_midnight and not any_weekday:
            return change.begin
        hour = change.begin
        while hour < change.end:
            if (
                hour.month in cron.months
                and hour.hour in cron.hours
                and hour.day in cron.days_of(hour.year, hour.month)
            ):
                return hour.replace(minute=cron.minutes[0], second=cron.seconds[0])
            hour += timedelta(hours=1)
    return None


def _calendars(cron: Cron, years: Sequence[ScheduleRange]) -> list[ScheduleCalendarSpec]:
    """Calendars that match the same local times, of all years or of these.

    What days match depends on nothing but the length of the month and the weekday of its first; so `L`, `W` and `#`
    become days together with days of the week, for months of each length where they differ.
    """
    shapes = {length: _days_by_week(cron, length) for length in _MONTHS_OF}
    longest = shapes[31]
    if all(shape == _cut(longest, length) for length, shape in shapes.items()):
        return _of_shape(cron, longest, cron.months, years)
    found: list[ScheduleCalendarSpec] = []
    for length, shape in shapes.items():
        months = [month for month in cron.months if month in _MONTHS_OF[length]]
        if months:
            found += _of_shape(cron, shape, months, _YEARS_OF.get(length, ()))
    return found


def _of_shape(
    cron: Cron, shape: dict[frozenset[int], list[int]], months: list[int], years: Sequence[ScheduleRange]
) -> list[ScheduleCalendarSpec]:
    return [
        ScheduleCalendarSpec(
            second=_ranges(cron.seconds),
            minute=_ranges(cron.minutes),
            hour=_ranges(cron.hours),
            day_of_month=_ranges(days),
            month=_ranges(months),
            year=years,
            day_of_week=_ranges(sorted(weekdays)),
        )
        for weekdays, days in sorted(shape.items(), key=lambda item: item[1])
    ]


def _days_by_week(cron: Cron, length: int) -> dict[frozenset[int], list[int]]:
    """Of a month with so many days: the weekdays (Sunday 0) on which a day matches, and the days alike in that."""
    found: dict[int, set[int]] = {}
    for year, month in _REPRESENTATIVES[length]:
        first = (date(year, month, 1).weekday() + 1) % 7
        for day in cron.days_of(year, month):
            found.setdefault(day, set()).add((first + day - 1) % 7)
    shape: dict[frozenset[int], list[int]] = {}
    for day in sorted(found):
        shape.setdefault(frozenset(found[day]), []).append(day)
    return shape


def _cut(shape: dict[frozenset[int], list[int]], length: int) -> dict[frozenset[int], list[int]]:
    shorter = {weekdays: [day for day in days if day <= length] for weekdays, days in shape.items()}
    return {weekdays: days for weekdays, days in shorter.items() if days}


def _moment(at: datetime) -> ScheduleCalendarSpec:
    """A calendar that matches one second of UTC."""
    return ScheduleCalendarSpec(
        second=[ScheduleRange(at.second)],
        minute=[ScheduleRange(at.minute)],
        hour=[ScheduleRange(at.hour)],
        day_of_month=[ScheduleRange(at.day)],
        month=[ScheduleRange(at.month)],
        year=[ScheduleRange(at.year)],
    )


def _ranges(numbers: list[int]) -> list[ScheduleRange]:
    """Sorted numbers as ranges: one with a step where all have the same distance, else runs."""
    steps = {after - before for before, after in pairwise(numbers)}
    if len(numbers) > 2 and len(steps) == 1:
        return [ScheduleRange(numbers[0], numbers[-1], steps.pop())]
    found: list[ScheduleRange] = []
    for number in numbers:
        if found and found[-1].end + 1 == number:
            found[-1] = ScheduleRange(found[-1].start, number)
        else:
            found.append(ScheduleRange(number))
    return found


def _longest_gap_ms(cycle: str, first: int, zone: str) -> int:
    """The longest time between two firings: with that as the window, of missed ones at least the last is caught up."""
    longest = 0
    due = first
    for _ in range(_GAPS_MAX):
        if longest >= CATCH_UP_MS_MAX:
            break
        after, _ = next_due(cycle, due, due, zone)
        longest = max(longest, after - due)
        due = after
    return longest


def _last_of_february(year: int) -> int:
    return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28


def _representatives() -> dict[int, list[tuple[int, int]]]:
    """By length: a month of each weekday on which such a month can begin."""
    found: dict[int, dict[int, tuple[int, int]]] = {length: {} for length in _MONTHS_OF}
    for year in range(2000, 2028):
        for length, months in _MONTHS_OF.items():
            for month in months:
                if month != 2 or _last_of_february(year) == length:
                    found[length].setdefault(date(year, month, 1).weekday(), (year, month))
    return {length: list(months.values()) for length, months in found.items()}


_REPRESENTATIVES: Final = _representatives()
