"""The silos of a server: engines of tenants that have a store of their own, and what looks after them.

What must not live here: which tenant lives where (services.tenancy.placement).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Final, NamedTuple, final

from procession import Engine
from procession.base.failure import ProcessionError
from procession.cli.looks import Look, Looks
from procession.cli.stores import engine_on, open_sealed, threads_of
from procession.hosts.embedded.backend import EngineBackend
from procession.hosts.embedded.counters import Counters, Figures
from procession.hosts.embedded.neighbours import Neighbour, together
from procession.runtime.ports import Store
from procession.services.backend import Backend
from procession.services.tenancy.deleting import Keys
from procession.services.tenancy.directory import page_of
from procession.services.tenancy.limits import Limits
from procession.services.tenancy.placement import Backends, Silo
from procession.web.settings import Settings

LOOK_S: Final = 30.0
"""How often it is looked which silos are idle."""
VISIT_S: Final = 3_600.0
"""How often each silo is opened though nobody asks: another process, in which its timers were, may be gone."""
READERS: Final = 4
"""Threads that read lists of tenants: a store that hangs must not hold up those of the process."""

_LOG: Final = logging.getLogger("procession.serve")


class Opened(NamedTuple):
    """A silo that is open."""

    engine: Engine
    backend: EngineBackend
    keys: Keys | None


@final
class Silos:
    """Those of one process. Belongs to its event loop."""

    def __init__(
        self,
        pooled: EngineBackend,
        keys: Keys | None,
        settings: Settings,
        quotas: Limits,
        counted: Callable[[Engine], Counters],
    ) -> None:
        """`keys` are those of the pool. `quotas` are of tenants whose own limits do not say any. `counted` makes what
        counts an engine that was opened."""
        self._pooled = pooled
        self._keys = keys
        self._settings = settings
        self._quotas = quotas
        self._counted = counted
        self._looks = Looks()
        self._readers = ThreadPoolExecutor(READERS, "procession-silos")
        self._open: dict[str, Opened] = {}
        self._places = {
            name: Silo(of.store, of.password, of.master_keys, of.tenant_keys) for name, of in settings.tenants.items()
        }
        self.backends: Final = Backends(pooled, self._places, self._opened, busy=self._busy)

    async def keys_of(self, tenant: str) -> Keys | None:
        """The keys that a tenant's values are sealed with; None where they are not."""
        name = self.backends.silo(tenant)
        if not name:
            return self._keys
        async with self.backends.of(tenant):
            return self._open[name].keys

    def neighbours(self) -> list[Neighbour]:
        """Who takes how much of this process, silos included; the busiest first."""
        backends = [self._pooled, *(each.backend for each in list(self._open.values()))]
        return together(backend.neighbours() for backend in backends)

    def stores(self) -> Iterator[Store]:
        """The stores of silos that are open."""
        for each in list(self._open.values()):
            yield each.engine.store

    async def names(self, silo: str, behind: str, limit: int) -> list[str]:
        """Names of tenants in the store of a silo, which is opened for it."""
        async with self.backends.of(silo):
            store = self._open[silo].engine.store
            return await asyncio.get_running_loop().run_in_executor(self._readers, page_of, store, behind, limit)

    async def troubles(self) -> dict[str, str]:
        """Why stores of silos cannot be used: of those that are open, and of those that could not be opened."""
        looks = await asyncio.to_thread(self._look)
        failed = dict.fromkeys(self.backends.failed, "its store could not be opened; the log says why")
        return dict(sorted((failed | {name: look.trouble for name, look in looks.items() if look.trouble}).items()))

    def figures(self, pool: Figures) -> Figures:
        """Figures of the pool, and with them how open silos are: lags of whoever is latest, what waits anywhere.

        Shards of silos are counted apart, for those of the pool have a number that they must have."""
        looks = self._look()
        found = {name: dict(values) for name, values in pool.items()}
        gauges = [look.gauges for look in looks.values() if look.gauges is not None]
        for each in gauges:
            found["due_lag"][""] = max(found["due_lag"][""], each.due_lag)
            found["inbox_waiting"][""] += each.inbox_waiting
            found["inbox_lag"][""] = max(found["inbox_lag"][""], each.inbox_lag)
        failing = {*self.backends.failed, *(name for name, look in looks.items() if look.trouble)}
        found["silos_open"] = {"": len(looks)}
        found["silos_failing"] = {"": len(failing)}
        found["silo_shards_owned"] = {"": sum(each.shards_owned for each in gauges)}
        return found

    def _look(self) -> Mapping[str, Look]:
        opened = {name: (each.engine, self._places[name].store) for name, each in list(self._open.items())}
        looks = self._looks.at(opened) if opened else {}
        # What was closed meanwhile could not answer, and had not to.
        return {name: look for name, look in looks.items() if name in self._open}

    async def each(self, do: Callable[[Engine], Awaitable[None]]) -> None:
        """Does something with the engine of every silo, which is opened for it."""
        for name in self._places:
            try:
                async with self.backends.of(name):
                    await do(self._open[name].engine)
            except ProcessionError as error:
                _LOG.warning("the store of %s cannot be used: %s", name, error)

    async def keep(self, visited: Callable[[], Awaitable[None]]) -> None:
        """Opens every silo now and then, for what waits in it, and closes those that are idle. Goes on for ever.

        `visited` is asked whenever all were opened."""
        visit = time.monotonic()
        while True:
            if time.monotonic() >= visit:
                visit = time.monotonic() + VISIT_S
                await self.each(_nothing)
                await visited()
            await asyncio.sleep(LOOK_S)
            await self.backends.close_idle()

    async def stop(self) -> None:
        """Ends what engines of silos do, after the jobs under way."""
        await asyncio.gather(*(asyncio.to_thread(each.engine.stop) for each in self._open.values()))

    async def close(self) -> None:
        """Closes every silo, and opens none any more."""
        await self.backends.close()
        self._readers.shutdown(wait=False)
        self._looks.close()

    def _busy(self, name: str) -> bool:
        return self._open[name].engine.pumps.next_due() is not None

    @asynccontextmanager
    async def _opened(self, name: str, silo: Silo) -> AsyncGenerator[Backend]:
        try:
            engine, keys = await asyncio.to_thread(self._engine, silo)
        except ProcessionError as error:
            _LOG.warning("the store of %s cannot be opened: %s", name, error)
            raise
        counters = self._counted(engine)
        try:
            backend = EngineBackend(engine)
            try:
                self._open[name] = Opened(engine, backend, keys)
                engine.serve(threads=threads_of(self._settings, engine))
                yield backend
            finally:
                del self._open[name]
                await backend.close()
        finally:
            counters.close()
            await asyncio.to_thread(engine.close)

    def _engine(self, silo: Silo) -> tuple[Engine, Keys | None]:
        of = self._settings
        own = bool(silo.master_keys)
        store, keys = open_sealed(
            silo.store,
            silo.password,
            shards=of.store.shards,
            master_keys=silo.master_keys or of.encryption.master_keys,
            master_key="" if own else of.encryption.master_key,
            tenant_keys=silo.tenant_keys,
        )
        return engine_on(store, of, self._quotas), keys


async def _nothing(_: Engine) -> None:
    """That it was opened is all."""
