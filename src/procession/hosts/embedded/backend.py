"""The engine behind a server: requests of an event loop, carried out in batches by threads that wait for the store.

All that is asked of a shard while one batch of it is committed is the next batch. What must not live here: who may ask,
and HTTP.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeAlias, TypeVar, cast, final

from procession.base.failure import Conflict, ProcessionError
from procession.hosts.embedded.backend_elsewhere import Elsewhere
from procession.hosts.embedded.bell import Rung
from procession.hosts.embedded.door import admitted
from procession.hosts.embedded.engine import Engine
from procession.hosts.embedded.moves import Moves
from procession.hosts.embedded.neighbours import Neighbour, together
from procession.hosts.embedded.ownership import wall_ms
from procession.hosts.embedded.pump import Pump
from procession.hosts.embedded.shard import Shard
from procession.hosts.embedded.tickets import Intake, Ticket
from procession.runtime import codec
from procession.runtime.ports import Cells, Tenants
from procession.runtime.requests import Asked, DeployResources, Plain
from procession.runtime.rows import FeedRow
from procession.services.backend import News, Who
from procession.services.deploy import InstallCompiled
from procession.services.reading import Reader

_T = TypeVar("_T")

_Waiting: TypeAlias = "tuple[Ticket, asyncio.Future[object]]"

BATCH_MAX: Final = 256
READERS: Final = 4
"""Threads that read."""
SEEN_MAX: Final = 64
"""Readers of tenants that a thread keeps."""
FEED_PAGE: Final = 100
LOOK_S: Final = 1.0
"""Longest time after which a feed is looked at again: another process may own the shard."""
LOOK_MAX_S: Final = 5.0
"""The same where nothing came for a while: who follows a quiet tenant costs the store next to nothing."""


@final
class EngineBackend:
    """See `services.backend.Backend`. Belongs to one event loop."""

    def __init__(self, engine: Engine) -> None:
        """The engine serves (`Engine.serve`) or is turned by its owner; it outlives this."""
        self._pumps = engine.pumps
        self._store = engine.store
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self._askers: dict[int, _Asker] = {}
        self._readers = ThreadPoolExecutor(READERS, "procession-reader")
        self._local = threading.local()
        self._moves = Moves()
        self._rung = Rung()
        hosting = engine.hosting
        self._elsewhere = Elsewhere(hosting, engine.store, self._put) if hosting.is_shared else None
        for pump in self._pumps.all:
            pump.feed()
        self._pumps.bell.followers.append(self._tell)

    async def close(self) -> None:
        """Answers what was asked, and ends. Idempotent."""
        if self._closed:
            return
        self._closed = True
        if self._elsewhere is not None:
            await asyncio.to_thread(self._elsewhere.close)
        for asker in self._askers.values():
            await asyncio.to_thread(asker.close)
        self._pumps.bell.followers.remove(self._tell)
        self._readers.shutdown(wait=True)

    async def ask(self, request: Plain, who: Who) -> object:
        """See `Backend.ask`."""
        if isinstance(request, DeployResources) and self._pumps.of(request.tenant).shard is not None:
            # Compiled here and not by the writer: nobody has to wait for it.
            tenant, given = request.tenant, request.resources
            compiled = await self.read(tenant, lambda reader: reader.compiled(tenant, given))
            request = cast("Plain", InstallCompiled(request.tenant, compiled, request.name))
        if self._elsewhere is not None:
            return await self._elsewhere.ask(request, who)
        return await self._put(request, who)

    async def ask_all(self, requests: Sequence[Plain], who: Who) -> list[object]:
        """See `Backend.ask_all`."""
        ask = self._elsewhere.ask if self._elsewhere is not None else self._put
        found = await asyncio.gather(*(ask(request, who) for request in requests), return_exceptions=True)
        for each in found:
            if isinstance(each, BaseException) and not isinstance(each, ProcessionError):
                raise each
        return found

    async def read(self, tenant: str, question: Callable[[Reader], _T]) -> _T:
        """See `Backend.read`."""
        return await asyncio.wrap_future(self._readers.submit(self._answer, tenant, question))

    async def write(self, tenant: str, statement: str, rows: Sequence[Cells]) -> None:
        """See `Backend.write`."""
        await self._loop.run_in_executor(self._readers, self._store.write, statement, rows)

    async def news(self, tenant: str, after: int) -> AsyncIterator[News]:
        """See `Backend.news`."""
        seen = 0
        last: int = after
        pause = LOOK_S
        while not self._closed:
            seen = await self.moved(tenant, seen, pause)
            begun = last
            while True:
                page = await self._page(tenant, last)
                for row in page:
                    last = row.number
                    for instance, *steps in cast("list[tuple[int, int, int]]", codec.decode_json(row.body)):
                        yield News(row.number, row.at, instance, *steps)
                if len(page) < FEED_PAGE:
                    break
            pause = LOOK_S if last > begun else min(LOOK_MAX_S, 2 * pause)

    async def moved(self, tenant: str, seen: int, seconds: float) -> int:
        """See `Backend.moved`."""
        return await self._moves.wait(self._pumps.of(tenant).number, tenant, seen, seconds)

    def awaited(self, tenant: str, types: Sequence[str]) -> dict[str, int]:
        """See `Backend.awaited`."""
        shard, number = self._shard(tenant)
        if shard is None:
            return {}
        now = self._pumps.clock()
        found = {type: shard.board.ready(type, number, now) for type in types}
        return {type: count for type, count in found.items() if count is not None}

    def runs(self, tenant: str, instance: int) -> bool:
        """See `Backend.runs`."""
        shard, number = self._shard(tenant)
        return shard is not None and shard.residents.active(number, instance)

    def _shard(self, tenant: str) -> tuple[Shard | None, int]:
        """The shard of a tenant, while it is certain that no other process writes it, and the tenant's number."""
        shard = self._pumps.of(tenant).shard
        number = shard.catalog.tenants.get(tenant) if shard is not None else None
        if shard is None or number is None or wall_ms() >= shard.expires:
            return None, 0
        return shard, number

    def neighbours(self) -> list[Neighbour]:
        """Who asked how much of this process since it began, and how long it waited; the busiest first."""
        return together(asker.neighbours() for asker in list(self._askers.values()))

    async def _page(self, tenant: str, after: int) -> list[FeedRow]:
        return await self._loop.run_in_executor(self._readers, self._feed, tenant, after)

    def _put(self, request: Plain, who: Who) -> asyncio.Future[object]:
        if self._closed:
            raise Conflict("the server is closing: ask again, it may be another process then")
        asked = admitted(Asked(request.tenant, request, who.subject, who.origin, who.key, who.digest))
        pump = self._pumps.of(request.tenant)
        asker = self._askers.get(pump.number)
        if asker is None:
            asker = self._askers[pump.number] = _Asker(pump, self._loop)
        return asker.put(asked)

    # --- in other threads

    def _answer(self, tenant: str, question: Callable[[Reader], _T]) -> _T:
        self._pumps.usable()
        return question(self._reader(tenant))

    def _reader(self, tenant: str) -> Reader:
        """This thread's reader of a tenant."""
        known: dict[str, Reader] | None = getattr(self._local, "readers", None)
        if known is None:
            known = self._local.readers = {}
        found = known.pop(tenant, None) or Reader(self._store.seen_by(tenant))
        known[tenant] = found
        if len(known) > SEEN_MAX:
            del known[next(iter(known))]
        return found

    def _feed(self, tenant: str, after: int) -> list[FeedRow]:
        number = self._reader(tenant).views.tenant(tenant)
        if number is None:
            return []
        return self._store.seen_by(tenant).read("feed", (number, after, FEED_PAGE), FeedRow)

    def _tell(self, shard: int, tenants: Tenants) -> None:
        # Many commits may come before the loop has a moment: it is told once.
        if self._rung.add(shard, tenants) and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._moves.tell(self._rung.take())


@final
class _Asker:
    """The thread that asks one shard."""

    def __init__(self, pump: Pump, loop: asyncio.AbstractEventLoop) -> None:
        self._pump = pump
        self._loop = loop
        # Tenants take turns here already: what was submitted is a commit, whoever comes in between.
        self._intake = Intake(counted=True)
        self._futures: dict[int, asyncio.Future[object]] = {}
        self._asked = threading.Event()
        self._closed = False
        name = f"procession-asker-{pump.number}"
        self._thread = threading.Thread(target=self._carry_out, name=name, daemon=True)
        self._thread.start()

    def put(self, request: Asked) -> asyncio.Future[object]:
        """Queues a request. The loop's thread alone calls it. Raises `Busy` when too much waits already."""
        future: asyncio.Future[object] = self._loop.create_future()
        ticket = Ticket(request)
        self._futures[id(ticket)] = future
        try:
            self._intake.put([ticket])
        except BaseException:
            del self._futures[id(ticket)]
            raise
        self._asked.set()
        return future

    def neighbours(self) -> list[Neighbour]:
        """See `EngineBackend.neighbours`."""
        return self._intake.neighbours()

    def close(self) -> None:
        """Ends when everything is answered."""
        self._closed = True
        self._asked.set()
        self._thread.join()

    def _carry_out(self) -> None:
        while not (self._closed and not self._intake):
            self._asked.wait()
            self._asked.clear()
            while self._intake:
                self._intake.weights = self._pump.weights
                self._batch([(ticket, self._futures.pop(id(ticket))) for ticket in self._intake.take(BATCH_MAX)])

    def _batch(self, batch: list[_Waiting]) -> None:
        tickets = [ticket for ticket, _ in batch]
        try:
            self._pump.submit(tickets)
        except Exception as error:  # whatever it was, nobody may be left waiting
            for ticket in tickets:
                if not ticket.done:
                    ticket.error = error
                    ticket.finish()
        self._loop.call_soon_threadsafe(_answered, batch)


def _answered(batch: list[_Waiting]) -> None:
    for ticket, future in batch:
        if future.done():
            continue  # whoever asked has gone away
        if ticket.error is not None:
            future.set_exception(ticket.error)
        else:
            future.set_result(ticket.result)
