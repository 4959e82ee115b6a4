"""A backend whose streams end, and whose waits are given up, when the process is about to end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, TypeVar, final

from procession.base.failure import StoreError
from procession.runtime.ports import Cells
from procession.runtime.requests import Plain
from procession.services.backend import Backend, News, Who
from procession.services.reading import Reader

_T = TypeVar("_T")


@final
class DrainingBackend:
    """See `services.backend.Backend`. Belongs to one event loop."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._loop = asyncio.get_running_loop()
        self._drained: asyncio.Future[None] = self._loop.create_future()
        self._given_up: asyncio.Future[None] = self._loop.create_future()

    def drain(self, seconds: float) -> None:
        """Ends streams now, and what still waits for something after `seconds`; what was asked is carried out.

        Who waits may have started what he waits for, so he has that time. Idempotent."""
        if not self._drained.done():
            self._drained.set_result(None)
            self._loop.call_later(seconds, _end, self._given_up)

    async def ask(self, request: Plain, who: Who) -> object:
        """See `Backend.ask`."""
        return await self._backend.ask(request, who)

    async def ask_all(self, requests: Sequence[Plain], who: Who) -> list[object]:
        """See `Backend.ask_all`."""
        return await self._backend.ask_all(requests, who)

    async def read(self, tenant: str, question: Callable[[Reader], _T]) -> _T:
        """See `Backend.read`."""
        return await self._backend.read(tenant, question)

    async def write(self, tenant: str, statement: str, rows: Sequence[Cells]) -> None:
        """See `Backend.write`."""
        await self._backend.write(tenant, statement, rows)

    async def news(self, tenant: str, after: int) -> AsyncIterator[News]:
        """See `Backend.news`. It ends when the process is about to: go on from the last number, elsewhere."""
        feed = aiter(self._backend.news(tenant, after))
        while True:
            following = asyncio.ensure_future(anext(feed, None))
            try:
                await _either(following, self._drained)
            finally:
                if not following.done():
                    following.cancel()
            if following.cancelled() or not following.done():
                return
            news = following.result()
            if news is None:
                return
            yield news

    async def moved(self, tenant: str, seen: int, seconds: float) -> int:
        """See `Backend.moved`. Raises `StoreError` when the process is about to end: who waits asks another one."""
        moving = asyncio.ensure_future(self._backend.moved(tenant, seen, seconds))
        try:
            await _either(moving, self._given_up)
        finally:
            if not moving.done():
                moving.cancel()
        if self._given_up.done():
            raise StoreError("this server is about to end: ask again, another one answers")
        return await moving

    def awaited(self, tenant: str, types: Sequence[str]) -> dict[str, int]:
        """See `Backend.awaited`."""
        return self._backend.awaited(tenant, types)

    def runs(self, tenant: str, instance: int) -> bool:
        """See `Backend.runs`."""
        return self._backend.runs(tenant, instance)


async def _either(waiting: asyncio.Future[Any], end: asyncio.Future[None]) -> None:
    await asyncio.wait((waiting, end), return_when=asyncio.FIRST_COMPLETED)


def _end(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
