"""Jobs as who waits for them sees them: whether there are any, and which leases still hold. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, final

import msgspec

from procession.runtime.ports import Reads
from procession.runtime.rows import HELD, AwaitedRow, JobRow
from procession.services.views import Views

COUNTED_MAX: Final = 1_024
"""Ready jobs of a type are counted up to this."""


@final
class Awaited(msgspec.Struct, frozen=True, gc=False):
    """Jobs of a type: how many may be leased now, and when (Unix ms) the next one may, None for not known."""

    ready: int
    due: int | None


@final
class JobViews:
    """Reading the jobs of one store."""

    __slots__ = ("_store", "_views")

    def __init__(self, store: Reads, views: Views) -> None:
        self._store = store
        self._views = views

    def awaited(self, tenant: str, types: Iterable[str], now: int) -> dict[str, Awaited]:
        """What there is of each type at `now` (Unix ms)."""
        number = self._views.tenant(tenant)
        if number is None:
            return {type: Awaited(0, None) for type in types}
        found: dict[str, Awaited] = {}
        for type in types:
            rows = self._store.read("jobs_awaited", (number, type, now, COUNTED_MAX, number, type, now), AwaitedRow)
            due = rows[0].due
            found[type] = Awaited(rows[0].ready, None if due is None or due >= HELD else due)
        return found

    def leases(self, tenant: str, leases: Sequence[tuple[int, int]]) -> dict[int, int]:
        """Of leases (job, token) those that hold: job -> when (Unix ms) it ends."""
        number = self._views.tenant(tenant)
        if number is None:
            return {}
        found: dict[int, int] = {}
        for key, token in leases:
            for row in self._store.read("job", (number, key), JobRow):
                if row.token == token:
                    found[key] = row.due
        return found
