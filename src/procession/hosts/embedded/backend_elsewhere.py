"""Requests of a server for instances that another host runs: asked there, then written down here as if here.

The other host's effect and this store's word of it are two: a repeated key is looked up before, and what was done is
written down after. What must not live here: how a request gets there (`routing.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, TypeAlias, cast, final
from weakref import WeakValueDictionary

import msgspec

from procession.base.failure import Conflict, NotFound, ProcessionError
from procession.hosts.embedded.asked import again, told_of
from procession.hosts.embedded.hosting import Hosting
from procession.hosts.embedded.routing import EVENTS, HERE
from procession.runtime.ports import Store
from procession.runtime.requests import CarriedOut, Plain, StartProcess
from procession.runtime.rows import AnsweredRow
from procession.services.backend import Who
from procession.services.catalog import Catalog

THREADS: Final = 16
"""Requests that wait for the other host at the same time."""
_NOT_YET: Final = object()
Put: TypeAlias = "Callable[[Plain, Who], asyncio.Future[object]]"


@final
class Elsewhere:
    """Of one event loop, for an engine that has another host."""

    def __init__(self, hosting: Hosting, store: Store, put: Put) -> None:
        """`put` carries a request out here."""
        self._hosting = hosting
        self._store = store
        self._put = put
        self._threads = ThreadPoolExecutor(THREADS, "procession-elsewhere")
        self._turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def ask(self, request: Plain, who: Who) -> object:
        """Carries out a request, wherever its instance is."""
        if isinstance(request, StartProcess):
            return await self._start(request, who)
        if type(request) not in EVENTS:
            return await self._put(request, who)
        if not who.key:
            return await self._routed(request, who)
        # What comes twice at the same time waits, and is answered as the first.
        turn = self._turns.setdefault((request.tenant, who.key), asyncio.Lock())
        async with turn:
            known = await self._run(self._answered, request.tenant, who)
            if known is not _NOT_YET:
                return known
            try:
                return await self._routed(request, who)
            except (NotFound, Conflict):
                # Another process may have carried it out meanwhile.
                known = await self._run(self._answered, request.tenant, who)
                if known is _NOT_YET:
                    raise
                return known

    async def _routed(self, request: Plain, who: Who) -> object:
        result = await self._run(self._hosting.route, request)
        return await self._put(request if result is HERE else _told(request, result), who)

    def close(self) -> None:
        """Ends when all that was asked is answered."""
        self._threads.shutdown(wait=True)

    async def _start(self, request: StartProcess, who: Who) -> object:
        key = await self._put(request, who)
        # Whoever goes on finds it waiting for them, as they would here; who plays it, its first screen. Where the other
        # host is not reached it is started all the same, and goes on when it is.
        with suppress(ProcessionError):
            await self._run(self._hosting.begun, request, cast("int", key))
        return key

    async def _run(self, call: Callable[..., object], *given: object) -> object:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *given)

    def _answered(self, tenant: str, who: Who) -> object:
        number = Catalog(self._store, None).number(tenant)
        places = msgspec.json.encode([(number, who.key)]).decode()
        rows = self._store.read("answered", (places,), AnsweredRow) if number is not None else []
        return again(who.key, who.digest, rows[0]) if rows else _NOT_YET


def _told(request: Plain, result: object) -> CarriedOut:
    return CarriedOut(request.tenant, type(request).__name__, told_of(request), cast("int | None", result))
