"""Silos: which backend a tenant lives on. Pooled unless the settings say another store, with keys of its own.

A silo is opened when somebody asks for its tenant, and closed when nobody did for a while and nothing waits in it. An
environment lives where its parent does, unless it has an entry of its own. What must not live here: how a store is
opened.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Final, TypeAlias, TypeVar, final

import msgspec

from procession.base.failure import Conflict
from procession.runtime.ports import Cells
from procession.runtime.requests import Plain
from procession.services.backend import Backend, News, Who
from procession.services.reading import Reader
from procession.services.tenancy.environments import parent_of

_T = TypeVar("_T")

IDLE_S: Final = 600.0


@final
class Silo(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Where a tenant lives that has a store of its own: `[tenants.acme]` of the settings."""

    store: str
    """The path of a file, or the URL of a database."""
    password: str = ""
    """The password of a database."""
    master_keys: str = ""
    """A file of master keys that are its own; "" for those of the server, if it has any."""
    tenant_keys: str = ""
    """A folder for its wrapped keys; "" for in the store."""


Open: TypeAlias = Callable[[str, Silo], AbstractAsyncContextManager[Backend]]
"""Opens the store of a silo by its name, and an engine on it."""


@final
class _Opened:
    __slots__ = ("backend", "stack", "used_s", "users")

    def __init__(self, backend: Backend, stack: AsyncExitStack, used_s: float) -> None:
        self.backend = backend
        self.stack = stack
        self.used_s = used_s
        self.users = 0


@final
class Backends:
    """A `services.backend.Backend` that asks, for each tenant, the one where it lives. Belongs to one event loop."""

    def __init__(
        self,
        pooled: Backend,
        silos: Mapping[str, Silo],
        open: Open,
        *,
        busy: Callable[[str], bool] = lambda name: False,
        idle_s: float = IDLE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`busy` says of an open silo that something waits in it: then it stays open. `clock` gives seconds. The pooled
        backend stays the caller's to close."""
        self._pooled = pooled
        self._silos = dict(silos)
        self._open = open
        self._busy = busy
        self._idle_s = idle_s
        self._clock = clock
        self._opened: dict[str, _Opened] = {}
        self._moving: dict[str, asyncio.Task[None]] = {}
        """What opens or closes a silo: it goes on also when who wanted it has gone away."""
        self._failed: dict[str, None] = {}
        self._closed = False

    def silo(self, tenant: str) -> str:
        """The name of the silo of a tenant, "" for the pool."""
        if tenant in self._silos:
            return tenant
        parent = parent_of(tenant)
        return parent if parent in self._silos else ""

    @property
    def open_silos(self) -> tuple[str, ...]:
        """The silos that are open now."""
        return tuple(self._opened)

    @property
    def failed(self) -> tuple[str, ...]:
        """The silos that could not be opened when somebody wanted them last."""
        return tuple(self._failed)

    async def close_idle(self) -> None:
        """Closes silos that nobody asked for lately: for a task that comes by now and then."""
        now = self._clock()
        for name, opened in list(self._opened.items()):
            if not opened.users and now - opened.used_s >= self._idle_s and not self._busy(name):
                await self._close_one(name)

    async def close(self) -> None:
        """Closes every silo, and opens none any more."""
        self._closed = True
        await asyncio.gather(*self._moving.values(), return_exceptions=True)
        await asyncio.gather(*(self._close_one(name) for name in list(self._opened)))

    async def ask(self, request: Plain, who: Who) -> object:
        """See `Backend.ask`."""
        async with self.of(request.tenant) as backend:
            return await backend.ask(request, who)

    async def ask_all(self, requests: Sequence[Plain], who: Who) -> list[object]:
        """See `Backend.ask_all`. Those of one store share commits."""
        places: dict[str, list[int]] = {}
        for place, request in enumerate(requests):
            places.setdefault(self.silo(request.tenant), []).append(place)
        answers: list[object] = [None] * len(requests)
        for numbers in places.values():
            async with self.of(requests[numbers[0]].tenant) as backend:
                found = await backend.ask_all([requests[number] for number in numbers], who)
            for number, answer in zip(numbers, found, strict=True):
                answers[number] = answer
        return answers

    async def read(self, tenant: str, question: Callable[[Reader], _T]) -> _T:
        """See `Backend.read`."""
        async with self.of(tenant) as backend:
            return await backend.read(tenant, question)

    async def write(self, tenant: str, statement: str, rows: Sequence[Cells]) -> None:
        """See `Backend.write`."""
        async with self.of(tenant) as backend:
            await backend.write(tenant, statement, rows)

    async def news(self, tenant: str, after: int) -> AsyncIterator[News]:
        """See `Backend.news`."""
        async with self.of(tenant) as backend:
            async for news in backend.news(tenant, after):
                yield news

    async def moved(self, tenant: str, seen: int, seconds: float) -> int:
        """See `Backend.moved`."""
        async with self.of(tenant) as backend:
            return await backend.moved(tenant, seen, seconds)

    def awaited(self, tenant: str, types: Sequence[str]) -> dict[str, int]:
        """See `Backend.awaited`."""
        backend = self._there(tenant)
        return backend.awaited(tenant, types) if backend is not None else {}

    def runs(self, tenant: str, instance: int) -> bool:
        """See `Backend.runs`."""
        backend = self._there(tenant)
        return backend is not None and backend.runs(tenant, instance)

    def _there(self, tenant: str) -> Backend | None:
        """The backend of a tenant, unless it is one that is not open."""
        name = self.silo(tenant)
        opened = self._opened.get(name)
        return self._pooled if not name else opened.backend if opened is not None else None

    def of(self, tenant: str) -> AbstractAsyncContextManager[Backend]:
        """The backend of one tenant, open as long as the block lasts."""
        return _Use(self, self.silo(tenant))

    async def begin(self, name: str) -> Backend:
        """A backend that stays open until `end`; "" for the pool."""
        if not name:
            return self._pooled
        while name not in self._opened:
            if self._closed:
                raise Conflict("the server is closing: ask again, it may be another process then")
            moving = self._moving.get(name) or self._move(name, self._open_one(name))
            await asyncio.wait({moving})
            moving.result()
        opened = self._opened[name]
        opened.users += 1
        return opened.backend

    def end(self, name: str) -> None:
        """What was begun is over."""
        opened = self._opened.get(name)
        if opened is not None:
            opened.users -= 1
            opened.used_s = self._clock()

    def _move(self, name: str, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = self._moving[name] = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(lambda _: self._moving.pop(name))
        return task

    async def _open_one(self, name: str) -> None:
        stack = AsyncExitStack()
        try:
            backend = await stack.enter_async_context(self._open(name, self._silos[name]))
        except Exception:
            self._failed[name] = None
            raise
        self._failed.pop(name, None)
        self._opened[name] = _Opened(backend, stack, self._clock())

    async def _close_one(self, name: str) -> None:
        opened = self._opened.pop(name, None)
        if opened is not None:
            # Who wants it meanwhile waits, and opens it again.
            await self._move(name, opened.stack.aclose())


@final
class _Use:
    """The backend of a silo for as long as it is asked something."""

    __slots__ = ("_backends", "_name")

    def __init__(self, backends: Backends, name: str) -> None:
        self._backends = backends
        self._name = name

    async def __aenter__(self) -> Backend:
        return await self._backends.begin(self._name)

    async def __aexit__(self, *error: object) -> None:
        self._backends.end(self._name)
