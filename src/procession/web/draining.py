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
        self._drained: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def drain(self) -> None:
        """Ends what only waits; what was asked is carried out. Idempotent."""
        if not self._drained.done():
            self._drained.set_result(None)

    async def ask(self, request: Plain, who: Who) -> object:
        """See `Backend.ask`."""
        return await self._backend.ask(request, who)

    async def ask_all(self, requests: Sequence[Plain], who: Who) -> list[object]:
        """See `Backend.ask_all`."""
        return await self._backend.ask_all(requests, who)

    async def read(self, tenant: str, question: Callable[[Reader], _T]) -> _T:
        """See `Backend.read`."""
        return await self._backend.read(tenant, question)

    async def write(self, statement: str, rows: Sequence[Cells]) -> None:
        """See `Backend.write`."""
        await self._backend.write(statement, rows)

    async def news(self, tenant: str, after: int) -> AsyncIterator[News]:
        """See `Backend.news`. It ends when the process is about to: go on from the last number, elsewhere."""
        feed = aiter(self._backend.news(tenant, after))
        while True:
            following = asyncio.ensure_future(anext(feed, None))
            try:
                await self._either(following)
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
            await self._either(moving)
        finally:
            if not moving.done():
                moving.cancel()
        if self._drained.done():
            raise StoreError("this server is about to end: ask again, another one answers")
        return await moving

    async def _either(self, waiting: asyncio.Future[Any]) -> None:
        await asyncio.wait((waiting, self._drained), return_when=asyncio.FIRST_COMPLETED)
