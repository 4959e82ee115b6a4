"""Endings: who waits for the end of which instance. One look at the news of a tenant serves all who wait there."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from typing import Final, final

from procession.base.failure import ProcessionError
from procession.services.backend import Backend
from procession.services.views import InstanceView

LOOK_S: Final = 1.0
"""Longest time after which an instance is looked at again: its owner may be a process that writes no news."""

_LOG: Final = logging.getLogger("procession.web.zeebe")


@final
class Endings:
    """Those of one server. Belongs to one event loop."""

    __slots__ = ("_backend", "_closed", "_followers", "_waiting")

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._closed = False
        self._waiting: dict[str, defaultdict[int, set[asyncio.Event]]] = {}
        self._followers: dict[str, asyncio.Task[None]] = {}

    async def wait(self, tenant: str, instance: int, seconds: float) -> InstanceView | None:
        """The instance when it has ended; None if that takes longer, or nobody waits here any more."""
        clock = asyncio.get_running_loop().time
        until = clock() + seconds
        happened = asyncio.Event()
        waiting = self._waiting.setdefault(tenant, defaultdict(set))
        waiting[instance].add(happened)
        try:
            while True:
                self._follow(tenant, instance)
                happened.clear()
                # Looked at after the news are followed: what ended before is seen here, what ends later is told.
                found = await self._backend.read(tenant, lambda reader: reader.instance(tenant, instance))
                if found.state in {"completed", "terminated"}:
                    return found
                left = until - clock()
                if left <= 0 or self._closed:
                    return None
                try:
                    await asyncio.wait_for(happened.wait(), min(left, LOOK_S))
                except TimeoutError:
                    continue
        finally:
            self._leave(tenant, instance, happened)

    def close(self) -> None:
        """Follows nothing any more; those who wait are told so."""
        self._closed = True
        for waiting in self._waiting.values():
            for happened in [each for events in waiting.values() for each in events]:
                happened.set()
        for follower in self._followers.values():
            follower.cancel()
        self._followers.clear()

    def _leave(self, tenant: str, instance: int, happened: asyncio.Event) -> None:
        waiting = self._waiting[tenant]
        waiting[instance].discard(happened)
        if not waiting[instance]:
            del waiting[instance]
        if not waiting:
            del self._waiting[tenant]
            follower = self._followers.pop(tenant, None)
            if follower is not None:
                follower.cancel()

    def _follow(self, tenant: str, after: int) -> None:
        follower = self._followers.get(tenant)
        if not self._closed and (follower is None or follower.done()):
            # The news of an instance have higher numbers than its key.
            self._followers[tenant] = asyncio.create_task(self._tell(tenant, after))

    async def _tell(self, tenant: str, after: int) -> None:
        try:
            async for news in self._backend.news(tenant, after):
                waiting = self._waiting.get(tenant)
                if waiting is not None and news.instance in waiting:
                    for happened in waiting[news.instance]:
                        happened.set()
        except ProcessionError as error:
            _LOG.warning("the news of a tenant cannot be followed: %s", error)
