"""Keeping tenants to what they may store: what each has is measured now and then, and added up in between.

What the writer stores it counts itself (`Quotas`); documents do not pass it. What must not live here: whose task it is.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeAlias, final

from procession.base.failure import NotFound, QuotaExceeded
from procession.services.backend import Backend
from procession.services.tenancy.limits import Limits
from procession.services.tenancy.usage import measure, measured_in

FRESH_MS: Final = 240_000
"""What was measured since then, by whichever process, is not measured again."""
KEPT_MAX: Final = 10_000

LimitsOf: TypeAlias = Callable[[str], Awaitable[Limits]]


@final
class Storage:
    """What tenants store, as one process knows it. Belongs to one event loop."""

    def __init__(self, backend: Backend, limits: LimitsOf) -> None:
        self._backend = backend
        self._limits = limits
        self._added: dict[str, tuple[int, int]] = {}
        """Tenant -> when was measured what this was added to (Unix ms), and bytes of documents since."""

    async def admit(self, tenant: str, size: int) -> None:
        """Raises `QuotaExceeded` when a document of `size` bytes is too much."""
        most = (await self._limits(tenant)).storage_bytes
        if not most:
            return
        measured = await self._measured(tenant)
        if measured is None:
            try:
                await measure(self._backend, tenant)
            except NotFound:
                return  # it has nothing yet
            measured = await self._measured(tenant)
        at, stored = measured or (0, 0)
        if stored + self._since(tenant, at) + size > most:
            raise QuotaExceeded(f"this tenant's quota storage_bytes is {most}")

    async def stored(self, tenant: str, size: int) -> None:
        """A document was stored."""
        if not (await self._limits(tenant)).storage_bytes:
            return
        measured = await self._measured(tenant)
        at = measured[0] if measured is not None else 0
        if len(self._added) >= KEPT_MAX:
            self._added.clear()
        self._added[tenant] = (at, self._since(tenant, at) + size)

    async def measure(self, tenants: Iterable[str]) -> int:
        """Measures those of them that have a quota, unless somebody just did; how many that were."""
        count = 0
        for tenant in tenants:
            if not (await self._limits(tenant)).storage_bytes:
                continue
            measured = await self._measured(tenant)
            if measured is None or time.time_ns() // 1_000_000 - measured[0] >= FRESH_MS:
                await measure(self._backend, tenant)
                count += 1
        return count

    def _since(self, tenant: str, at: int) -> int:
        known, size = self._added.get(tenant, (at, 0))
        return size if known == at else 0

    async def _measured(self, tenant: str) -> tuple[int, int] | None:
        return await self._backend.read(tenant, lambda reader: measured_in(reader, tenant))
