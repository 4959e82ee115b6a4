"""The engines of a scenario: what runs it, one after another on one store.

What must not live here: the clock, scenarios, and what befalls an engine (mishaps.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol, final

from procession.base.failure import Conflict, NotFound
from procession.hosts.embedded.pump import Pump
from procession.hosts.embedded.tickets import InHouse
from procession.runtime.ports import Store
from procession.runtime.rows import JobRow

UNTOLD: Final = object()
"""The result of a request that was carried out by an engine that ended before it could tell."""


class Engines(Protocol):
    """One engine at a time; `pump` is the present one, `store` the stored truth."""

    pump: Pump
    store: Store

    def take_tenant(self, known: int) -> str:
        """The tenant of a scenario on a store that has so many already."""
        ...

    def renew(self) -> None:
        """Leaves the engine and opens another one."""
        ...

    def call(self, request: InHouse) -> object:
        """The result of one request, or `UNTOLD`; raises what the engine answers."""
        ...

    def turn(self) -> bool:
        """One round of what goes on by itself; whether there may be more of it."""
        ...

    def moved(self, by: int) -> None:
        """The clock was moved by so many ms."""
        ...

    def next_timer(self) -> int | None:
        """When (Unix ms) the next timer is due of which the store does not know."""
        ...

    def close(self) -> None:
        """Lets everything go."""
        ...


def tenant_of(known: int) -> str:
    """The tenant of the first scenario on a store is the usual one, and each further one has its own."""
    return f"scenario-{known}" if known else "<default>"


def open_job(pump: Pump, store: Store, tenant: int, job: int) -> JobRow:
    """The row of a job that may be answered now, where a host's own worker does that. Raises `NotFound` and `Conflict`
    as an engine whose clients do."""
    rows = store.read("job", (tenant, job), JobRow)
    if not rows:
        raise NotFound(f"job {job} is not open: it was completed, or its element has ended")
    instance = rows[0].instance
    resident = pump.shard.residents.get(tenant, instance) if pump.shard is not None else None
    if resident is not None and resident.state.suspended:
        raise Conflict(f"instance {instance} is suspended; its job {job} is given out again when it is resumed")
    return rows[0]


@final
class Calm:
    """Engines that nothing befalls."""

    def __init__(self, store: Store, clock: Callable[[], int], zone: str) -> None:
        self.store = store
        self._clock = clock
        self._zone = zone
        self.pump = self._opened()

    def _opened(self) -> Pump:
        return Pump(self.store, clock=self._clock, zone=self._zone)

    def take_tenant(self, known: int) -> str:
        """See `Engines.take_tenant`."""
        return tenant_of(known)

    def renew(self) -> None:
        """See `Engines.renew`."""
        self.pump.release()
        self.pump = self._opened()

    def call(self, request: InHouse) -> object:
        """See `Engines.call`."""
        return self.pump.call(request)

    def turn(self) -> bool:
        """See `Engines.turn`."""
        return self.pump.turn()

    def moved(self, by: int) -> None:
        """See `Engines.moved`: whoever asks the clock sees it."""

    def next_timer(self) -> int | None:
        """See `Engines.next_timer`."""
        return None

    def close(self) -> None:
        """See `Engines.close`."""
        self.pump.release()
        self.store.close()
