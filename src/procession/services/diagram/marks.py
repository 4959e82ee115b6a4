"""What a picture shows beyond the model: where tokens are, how often an element was left, where it is stuck."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, final

import msgspec


@final
class Marks(msgspec.Struct, frozen=True, kw_only=True):
    """Counts by element id. `taken` are the sequence flows that a token took; the rest are flow nodes.

    `notes` are lines of text about an element (an incident's message), shown where the picture has room.
    """

    active: Mapping[str, int] = {}
    completed: Mapping[str, int] = {}
    incidents: Mapping[str, int] = {}
    taken: Mapping[str, int] = {}
    notes: Mapping[str, tuple[str, ...]] = {}

    def __bool__(self) -> bool:
        return bool(self.active or self.completed or self.incidents or self.taken)


NO_MARKS: Final = Marks()


def counted(marks: Marks, element: str) -> str:
    """The counts of an element as words, for people who cannot see colours: `2 active, 5 completed`."""
    parts = (
        (marks.active, "active"),
        (marks.completed, "completed"),
        (marks.incidents, "with an incident"),
    )
    return ", ".join(f"{counts[element]} {word}" for counts, word in parts if counts.get(element))


def totals(marks: Marks) -> tuple[int, int, int]:
    """Active, completed, incidents: the sums."""
    return sum(marks.active.values()), sum(marks.completed.values()), sum(marks.incidents.values())
