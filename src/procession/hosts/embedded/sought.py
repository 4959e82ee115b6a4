"""What of a user task's attributes it is searched by: cells of its row, and its candidates. Data in, data out."""

from __future__ import annotations

from typing import Final

from procession.base.failure import Failure
from procession.base.values import Json
from procession.core.timers import date_time_ms
from procession.runtime.rows import HELD

PRIORITY: Final = 50
"""That of a task which names none, as in Zeebe."""
KINDS: Final = (("candidate_users", 0), ("candidate_groups", 1))
"""Attribute -> the kind of candidate."""
_NOTHING: Final = (PRIORITY, HELD, HELD)


def sought(attributes: dict[str, Json], zone: str) -> tuple[int, int, int]:
    """(priority, due, follow-up) of a task, the times in Unix ms, `HELD` for none."""
    if not attributes:
        return _NOTHING
    priority = attributes.get("priority")
    return (
        priority if isinstance(priority, int) else PRIORITY,
        _moment(attributes.get("due"), zone),
        _moment(attributes.get("follow_up"), zone),
    )


def candidates_of(attributes: dict[str, Json]) -> list[tuple[int, str]]:
    """(kind, name) of each candidate; none: the task is for everybody."""
    found: list[tuple[int, str]] = []
    if attributes:
        for attribute, kind in KINDS:
            names = attributes.get(attribute)
            if isinstance(names, list):
                found += [(kind, name) for name in names if isinstance(name, str)]
    return found


def _moment(text: Json, zone: str) -> int:
    if not isinstance(text, str):
        return HELD
    try:
        return date_time_ms(text, zone)
    except Failure:
        # What an engine of another version took for a date-time; a search does without it.
        return HELD
