"""Moves: for which tenant something may have happened, for those in an event loop who wait for that.

A tenant costs nothing until something happens for it, and then an entry in a bounded table: what fell out of it counts
as having happened.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, final

from procession.runtime.ports import Tenants

TENANTS_MAX: Final = 10_000


@final
class Moves:
    """One event loop's."""

    __slots__ = ("_any", "_floor", "_last", "_now", "_waiting")

    def __init__(self) -> None:
        self._now = 1
        """Rises with everything that is told."""
        self._last: OrderedDict[str, int] = OrderedDict()
        """Tenant -> when something happened for it last."""
        self._floor = 0
        """When something may have happened last for a tenant that is not in there."""
        self._any: dict[int, int] = {}
        """Shard -> when something happened in it, nobody knows for whom."""
        self._waiting: dict[str, dict[asyncio.Future[None], None]] = {}

    async def wait(self, shard: int, tenant: str, seen: int, seconds: float) -> int:
        """Until something may have happened for a tenant since `seen`, at most so long; gives what is seen now."""
        if not seen or seconds <= 0 or self._moved(shard, tenant) > seen:
            return self._now
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant, {})[waiting] = None
        try:
            await asyncio.wait((waiting,), timeout=seconds)
        finally:
            of_tenant = self._waiting.get(tenant, {})
            of_tenant.pop(waiting, None)
            if not of_tenant:
                self._waiting.pop(tenant, None)
        return self._now

    def tell(self, moved: Mapping[int, Tenants]) -> None:
        """Something may have happened, by shard."""
        self._now += 1
        for shard, tenants in moved.items():
            if tenants is None:
                self._any[shard] = self._now
                for each in list(self._waiting):  # who waits finds out whether it was for him
                    self._wake(each)
                continue
            for tenant in tenants:
                self._last[tenant] = self._now
                self._last.move_to_end(tenant)
                self._wake(tenant)
        while len(self._last) > TENANTS_MAX:
            self._floor = max(self._floor, self._last.popitem(last=False)[1])

    def _wake(self, tenant: str) -> None:
        for waiting in self._waiting.pop(tenant, ()):
            if not waiting.done():
                waiting.set_result(None)

    def _moved(self, shard: int, tenant: str) -> int:
        return max(self._last.get(tenant, self._floor), self._any.get(shard, 0))
