"""Timer expressions (BPMN 2.0.2, 10.5.5): ISO 8601 dates, durations and repeating intervals, and cron.

Pure calendar arithmetic on Unix milliseconds. Local times and cron are read in the instance's recorded zone.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from procession.base.failure import Failure
from procession.core.cron import CRON_MACROS, Cron, parse_cron
from procession.ir.kinds import TimerKind

UNBOUNDED: Final = -1
SKIPPED_MAX: Final = 1_000
"""Skipped times of a cron expression are counted one by one; more than these are "as many, or more"."""
TEXT_MAX: Final = 256
"""Longest text of a timer, in characters: what is read from it must not cost more than reading."""
MONTHS_MAX: Final = 10_000 * 12
"""Longest duration, in months, and the same in ms: beyond it there are no dates."""
MS_MAX: Final = 10_000 * 366 * 86_400_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_DURATION: Final = re.compile(
    r"(-)?P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$"
)
_REPEAT: Final = re.compile(r"R(-?\d*)/")
_ZONED: Final = re.compile(r"(.*?)(?:\[(.+)\]|@(.+))$")


def first_due(kind: TimerKind, value: str, at: int, zone: str) -> tuple[int, str, int] | None:
    """(due in Unix ms, cycle text or "", firings left after this one) of a timer that starts at `at`.

    None for a cycle of no repetitions. A date in the past is due at once. Raises `Failure("timer")`.
    """
    text = _bounded(value).strip()
    if kind is TimerKind.DATE:
        return max(at, date_time_ms(text, zone)), "", 0
    if kind is TimerKind.DURATION:
        return max(at, add(at, parse_duration(text), zone)), "", 0
    return _first_of_cycle(text, at, zone)


def next_due(cycle: str, scheduled: int, now: int, zone: str, catch_up: bool = False) -> tuple[int, int]:
    """(next due, firings skipped) of a cycle that was due at `scheduled` and fires now.

    The next time is computed from the scheduled one, so a late firing does not drift. What lay in a downtime is
    skipped, unless `catch_up` (decision 15); of cron at most `SKIPPED_MAX` are counted.
    """
    cron = _cron_or_none(cycle)
    if cron is not None:
        return _cron_next_due(cron, scheduled, now, zone=zone, catch_up=catch_up)
    months, ms = parse_duration(cycle.rsplit("/", 1)[1])
    due = add(scheduled, (months, ms), zone)
    if catch_up or due > now:
        return due, 0
    if months == 0:
        skipped = (now - due) // ms + 1
        return due + skipped * ms, skipped
    skipped = 0
    while due <= now:
        due = add(due, (months, ms), zone)
        skipped += 1
    return due, skipped


def _cron_next_due(cron: Cron, scheduled: int, now: int, *, zone: str, catch_up: bool) -> tuple[int, int]:
    due = _cron_next(cron, scheduled, zone)
    if catch_up:
        return due, 0
    skipped = 0
    while due <= now:
        skipped += 1
        if skipped == SKIPPED_MAX:
            return _cron_next(cron, now, zone), skipped
        due = _cron_next(cron, due, zone)
    return due, skipped


def date_time_ms(text: str, zone: str) -> int:
    """Unix ms of an ISO 8601 date or date-time, with an offset, `Z`, `[Zone]`, `@Zone`, or local to `zone`."""
    match = _ZONED.match(_bounded(text))
    named = (match.group(2) or match.group(3)) if match else None
    bare = match.group(1) if match else text
    try:
        moment = datetime.fromisoformat(bare)
        if moment.tzinfo is None or named:
            moment = moment.replace(tzinfo=_zone(named or zone)) if moment.tzinfo is None else moment
        return (moment - _EPOCH) // _MS
    except (ValueError, OverflowError):
        raise Failure("timer", f"{text!r} is no ISO 8601 date-time such as 2026-01-31T09:00:00Z") from None


def _bounded(text: str) -> str:
    if len(text) > TEXT_MAX:
        raise Failure("timer", f"{text[:40]!r}... has {len(text)} characters; a timer has at most {TEXT_MAX}")
    return text


@lru_cache(maxsize=4096)
def parse_duration(text: str) -> tuple[int, int]:
    """(months, milliseconds) of an ISO 8601 duration. Raises `Failure("timer")`."""
    match = _DURATION.match(_bounded(text).strip())
    if match is None or text.strip().endswith(("P", "T")):
        raise Failure("timer", f"{text!r} is no ISO 8601 duration such as P1DT2H30M")
    sign, years, months, weeks, days, hours, minutes, seconds = match.groups()
    whole = ((int(weeks or 0) * 7 + int(days or 0)) * 24 + int(hours or 0)) * 60 + int(minutes or 0)
    ms = whole * 60_000 + round(float(seconds or 0) * 1000)
    total_months = int(years or 0) * 12 + int(months or 0)
    if total_months > MONTHS_MAX or ms > MS_MAX:
        raise Failure("timer", f"the duration {text!r} is longer than 10000 years")
    return (-total_months, -ms) if sign else (total_months, ms)


def duration_ms(text: str) -> int:
    """A duration in ms; a month counts 30 days. For back-off and time to live, not for calendars."""
    months, ms = parse_duration(text)
    return months * 30 * 86_400_000 + ms


def add(at: int, duration: tuple[int, int], zone: str) -> int:
    """`at` plus (months, ms); months are counted on the zone's calendar and clamp to the month's end."""
    months, ms = duration
    if months == 0:
        return at + ms
    local = datetime.fromtimestamp(at // 1000, _zone(zone))
    count = local.year * 12 + local.month - 1 + months
    try:
        day = min(local.day, _month_days(count // 12, count % 12 + 1))
        moved = local.replace(year=count // 12, month=count % 12 + 1, day=day)
        return (moved - _EPOCH) // _MS + at % 1000 + ms
    except (ValueError, OverflowError):
        raise Failure("timer", "the date is outside the years 1 to 9999") from None


def _first_of_cycle(text: str, at: int, zone: str) -> tuple[int, str, int] | None:
    cron = _cron_or_none(text)
    if cron is not None:
        return _cron_next(cron, at, zone), text, UNBOUNDED
    match = _REPEAT.match(text)
    if match is None:
        raise Failure("timer", f"{text!r} is neither R[n]/[start/]duration nor cron")
    if len(match.group(1)) > 9:
        raise Failure("timer", f"{text!r} repeats too often to count; write R/ for without end")
    count = int(match.group(1)) if match.group(1) not in {"", "-"} else UNBOUNDED
    if count == 0:
        return None
    left = UNBOUNDED if count < 0 else count - 1
    parts = text[match.end() :].split("/")
    duration = parse_duration(parts[-1])
    if duration[0] < 0 or duration[1] < 0 or duration == (0, 0):
        raise Failure("timer", f"the interval of {text!r} must be longer than nothing")
    if len(parts) == 1:
        return add(at, duration, zone), text, left
    if len(parts) == 2:
        return max(date_time_ms(parts[0], zone), at), text, left
    raise Failure("timer", f"{text!r} is not of the form R[n]/[start/]duration")


def _cron_or_none(text: str) -> Cron | None:
    if text.startswith("@") or len(text.split()) in {5, 6}:
        return parse_cron(CRON_MACROS.get(text, text))
    return None


def _cron_next(cron: Cron, after: int, zone: str) -> int:
    info = _zone(zone)
    local = datetime.fromtimestamp(after // 1000, info)
    found = cron.after(local.replace(tzinfo=None))
    if found is None:
        raise Failure("timer", "the cron expression never comes due")
    due = (found.replace(tzinfo=info) - _EPOCH) // _MS
    while due <= after:  # a repeated hour at the end of summer time
        found = cron.after(found)
        if found is None:
            raise Failure("timer", "the cron expression never comes due")
        due = (found.replace(tzinfo=info) - _EPOCH) // _MS
    return due


def is_zone(name: str) -> bool:
    """Whether the time zone data has a zone of this name."""
    try:
        _zone(name)
    except Failure:
        return False
    return True


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Failure("timer", f"{name!r} is no known time zone") from None


def _month_days(year: int, month: int) -> int:
    if month == 12:
        return 31
    return (date(year, month + 1, 1) - date(year, month, 1)).days
