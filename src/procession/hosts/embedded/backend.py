"""The engine behind a server: requests of an event loop, carried out in batches by a thread that waits for the store.

All that is asked while one batch is committed is the next batch. What must not live here: who may ask, and HTTP.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar, cast, final

from procession.base.failure import Conflict, ProcessionError
from procession.hosts.embedded.door import admitted
from procession.hosts.embedded.pump import Pump
from procession.hosts.embedded.tickets import Ticket
from procession.runtime import codec
from procession.runtime.ports import Cells, Store
from procession.runtime.requests import Asked, Plain
from procession.runtime.rows import FeedRow
from procession.services.backend import News, Who
from procession.services.reading import Reader

_T = TypeVar("_T")

BATCH_MAX: Final = 256
READERS: Final = 4
"""Threads that read."""
FEED_PAGE: Final = 100
LOOK_S: Final = 1.0
"""Longest time after which a feed is looked at again: another process may own the shard."""


@final
class EngineBackend:
    """See `services.backend.Backend`. Belongs to one event loop."""

    def __init__(self, pump: Pump, store: Store) -> None:
        self._pump = pump
        self._store = store
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[Ticket, asyncio.Future[object]]] = deque()
        self._asked = threading.Event()
        self._closed = False
        self._readers = ThreadPoolExecutor(READERS, "procession-reader")
        self._local = threading.local()
        self._moved = asyncio.Event()
        self._told = False
        self._seen = 1
        pump.listeners.append(self._tell)
        if pump.shard is not None:
            pump.shard.books.feeding = True
        self._thread = threading.Thread(target=self._carry_out, name="procession-asker", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Answers what was asked, and ends. Idempotent."""
        self._closed = True
        self._asked.set()
        await asyncio.to_thread(self._thread.join)
        self._pump.listeners.remove(self._tell)
        self._readers.shutdown(wait=True)

    async def ask(self, request: Plain, who: Who) -> object:
        """See `Backend.ask`."""
        return await self._put(_asked(request, who))

    async def ask_all(self, requests: Sequence[Plain], who: Who) -> list[object]:
        """See `Backend.ask_all`."""
        asked = [self._put(_asked(request, who)) for request in requests]
        found = await asyncio.gather(*asked, return_exceptions=True)
        for each in found:
            if isinstance(each, BaseException) and not isinstance(each, ProcessionError):
                raise each
        return found

    async def read(self, tenant: str, question: Callable[[Reader], _T]) -> _T:
        """See `Backend.read`."""
        return await self._loop.run_in_executor(self._readers, lambda: self._answer(tenant, question))

    async def write(self, statement: str, rows: Sequence[Cells]) -> None:
        """See `Backend.write`."""
        await self._loop.run_in_executor(self._readers, self._store.write, statement, rows)

    async def news(self, tenant: str, after: int) -> AsyncIterator[News]:
        """See `Backend.news`."""
        seen = 0
        while not self._closed:
            seen = await self.moved(tenant, seen, LOOK_S)
            while True:
                page = await self._loop.run_in_executor(self._readers, self._feed, tenant, after)
                for row in page:
                    after = row.number
                    for instance, first, last in cast("list[tuple[int, int, int]]", codec.decode_json(row.body)):
                        yield News(row.number, row.at, instance, first, last)
                if len(page) < FEED_PAGE:
                    break

    async def moved(self, tenant: str, seen: int, seconds: float) -> int:
        """See `Backend.moved`."""
        if seen != self._seen:
            return self._seen
        try:
            await asyncio.wait_for(self._moved.wait(), seconds)
        except TimeoutError:
            return self._seen
        return self._seen

    # --- in other threads

    def _put(self, request: Asked) -> asyncio.Future[object]:
        if self._closed:
            raise Conflict("the server is closing: ask again, it may be another process then")
        future: asyncio.Future[object] = self._loop.create_future()
        self._waiting.append((Ticket(admitted(request)), future))
        self._asked.set()
        return future

    def _carry_out(self) -> None:
        while True:
            self._asked.wait()
            self._asked.clear()
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH_MAX))]
                self._submit(batch)
            if self._closed and not self._waiting:
                return

    def _submit(self, batch: list[tuple[Ticket, asyncio.Future[object]]]) -> None:
        try:
            self._pump.submit([ticket for ticket, _ in batch])
        except ProcessionError as error:
            for ticket, _ in batch:
                if not ticket.done:
                    ticket.error = error
                    ticket.finish()
        except BaseException as error:
            self._loop.call_soon_threadsafe(_failed, batch, error)
            raise
        self._loop.call_soon_threadsafe(_told, batch)

    def _answer(self, tenant: str, question: Callable[[Reader], _T]) -> _T:
        self._pump.usable()
        reader: tuple[str, Reader] | None = getattr(self._local, "reader", None)
        if reader is None or reader[0] != tenant:
            reader = self._local.reader = (tenant, Reader(self._store.seen_by(tenant)))
        return question(reader[1])

    def _feed(self, tenant: str, after: int) -> list[FeedRow]:
        number = self._answer(tenant, lambda reader: reader.views.tenant(tenant))
        if number is None:
            return []
        return self._store.seen_by(tenant).read("feed", (number, after, FEED_PAGE), FeedRow)

    def _tell(self) -> None:
        if not self._told and not self._loop.is_closed():
            self._told = True
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._told = False
        self._seen += 1
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()


def _asked(request: Plain, who: Who) -> Asked:
    return Asked(request.tenant, request, who.subject, who.origin, who.key, who.digest)


def _told(batch: list[tuple[Ticket, asyncio.Future[object]]]) -> None:
    for ticket, future in batch:
        if future.done():
            continue  # whoever asked has gone away
        if ticket.error is not None:
            future.set_exception(ticket.error)
        else:
            future.set_result(ticket.result)


def _failed(batch: list[tuple[Ticket, asyncio.Future[object]]], error: BaseException) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error if isinstance(error, Exception) else RuntimeError(repr(error)))
