"""Retention: what of journeys is over is deleted. Asked now and then, for one tenant at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from procession.base.failure import ProcessionError
from procession.runtime import requests as q
from procession.services.backend import Backend, Who
from procession.services.journeys.kept import EXPIRING, expires_in
from procession.services.reading import Reader

PAGE: Final = 500
WHO: Final = Who("service:journeys")
_Page: TypeAlias = "tuple[list[q.Plain], str | None]"
"""What is to be deleted, and where to go on."""


async def sweep(backend: Backend, tenant: str, now: int) -> int:
    """Deletes documents of journeys whose time is over (Unix ms); gives how many."""
    count = 0
    for kind in EXPIRING:
        after: str | None = ""
        while after is not None:
            over, after = await backend.read(tenant, _page(tenant, kind, after, now))
            found = await backend.ask_all(over, WHO) if over else []
            # One that is gone already, or that was written meanwhile, is not this one's any more.
            count += sum(not isinstance(each, ProcessionError) for each in found)
    return count


def _page(tenant: str, kind: str, after: str, now: int) -> Callable[[Reader], _Page]:
    def asked(reader: Reader) -> _Page:
        rows = reader.records.listed(tenant, kind, after, PAGE)
        over: list[q.Plain] = [
            q.DeleteRecord(tenant, kind, row.id, row.version) for row in rows if 0 < expires_in(row.body) <= now
        ]
        return over, rows[-1].id if len(rows) == PAGE else None

    return asked
