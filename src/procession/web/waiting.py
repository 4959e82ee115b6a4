"""Waiting for the end of an instance, without asking again and again."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import Final, TypeVar

from procession.base.failure import BadValue
from procession.services.reading import Reader
from procession.services.views import InstanceView
from procession.web.site import Site

_T = TypeVar("_T")

_PREFERRED: Final = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?(\d{1,6})\"?\s*(?:$|[,;])", re.ASCII)
_SHARE: Final = 0.1
"""Between two looks passes at least this share of the time waited so far: what happens elsewhere costs little."""
_PAUSE_S_MAX: Final = 0.1


def wait_ms(site: Site, asked: int | None, prefer: str | None) -> int | None:
    """How long to wait: the parameter, else RFC 7240's `Prefer: wait=` (s); None for not at all. Raises `BadValue`."""
    preferred = _PREFERRED.search(prefer or "")
    if asked is None:
        # A preference that is too large is one that is not met; that is no error.
        return min(int(preferred[1]) * 1000, site.bounds.wait_ms_max) if preferred is not None else None
    if asked > site.bounds.wait_ms_max:
        raise BadValue(f"wait_ms is {asked}; the limit is {site.bounds.wait_ms_max}")
    return asked


async def until_ended(
    site: Site, tenant: str, instance: int, ms: int, then: Callable[[Reader], _T]
) -> tuple[InstanceView, _T]:
    """The instance after its end, or as it is after so many ms, and what `then` reads of it at that moment."""
    begun = time.monotonic()

    def whole(reader: Reader) -> tuple[InstanceView, _T]:
        return reader.instance(tenant, instance), then(reader)

    def look(reader: Reader) -> tuple[InstanceView, _T] | None:
        # One row tells whether it is worth reading the rest.
        found = reader.instance(tenant, instance)
        return (found, then(reader)) if found.ended is not None else None

    seen = await site.backend.moved(tenant, 0, 0)
    while True:
        runs = site.backend.runs(tenant, instance)
        found = None if runs else await site.backend.read(tenant, look)
        passed = time.monotonic() - begun
        left = ms / 1000 - passed
        if found is not None:
            return found
        if left <= 0:
            return await site.backend.read(tenant, whole)
        seen = await site.backend.moved(tenant, seen, left)
        if not runs:
            await asyncio.sleep(min(passed * _SHARE, _PAUSE_S_MAX, left))
