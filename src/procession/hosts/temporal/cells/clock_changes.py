"""When the clock of a time zone changes: the local hours that come twice, and those that are left out. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, final
from zoneinfo import ZoneInfo

import msgspec

from procession.base.failure import Failure

FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2100
"""The last year of calendars that a server has."""
_DAY: Final = 86_400


@final
class ClockChange(msgspec.Struct, frozen=True):
    """One change. `at` is in Unix seconds; `begin` and `end` bound the local times concerned, in whole hours, with the
    hour before one that comes twice."""

    at: int
    begin: datetime
    end: datetime
    skips_midnight: bool


@lru_cache(maxsize=64)
def clock_changes(zone: str) -> tuple[ClockChange, ...]:
    """The changes of a zone from `FIRST_YEAR` to `LAST_YEAR`, as the time zone data foresees them.

    Raises `Failure("timer")` for an unknown zone.
    """
    info = zone_info(zone)
    found: list[ClockChange] = []
    last = int(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp())
    day = int(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp())
    while day < last:
        if _offset(info, day) != _offset(info, day + _DAY):
            found.append(_change(info, day, day + _DAY))
        day += _DAY
    return tuple(found)


def zone_info(zone: str) -> ZoneInfo:
    """The zone of an IANA name. Raises `Failure("timer")`."""
    try:
        return ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise Failure("timer", f"{zone!r} is no known time zone") from None


def _change(info: ZoneInfo, before: int, after: int) -> ClockChange:
    """The change between two times with different offsets."""
    old, new = _offset(info, before), _offset(info, after)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (middle, after) if _offset(info, middle) == old else (before, middle)
    low, high = after + min(old, new), after + max(old, new)
    begin, end = _local(low), _local(high)
    # A server searches hour by hour: one that is concerned in part is concerned. Of an hour that comes twice it takes
    # the second for the first in zones east of Greenwich, and then goes twice through the hour before.
    rounded = begin.replace(minute=0, second=0), end.replace(minute=0, second=0)
    end = rounded[1] + timedelta(hours=1) if end != rounded[1] else end
    midnight = begin.replace(hour=0, minute=0, second=0)
    skips = new > old and (begin == midnight or end > midnight + timedelta(days=1))
    first = rounded[0] if new > old else rounded[0] - timedelta(hours=1)
    return ClockChange(at=after, begin=first, end=end, skips_midnight=skips)


def _offset(info: ZoneInfo, at: int) -> int:
    offset = datetime.fromtimestamp(at, info).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def _local(seconds: int) -> datetime:
    """What a clock shows, without its zone."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
