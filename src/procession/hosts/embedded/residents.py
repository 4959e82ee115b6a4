"""Residents: instances in memory, a cache that the store's sequence numbers validate (DESIGN 4a.5)."""

from __future__ import annotations

from collections import deque
from typing import Final, final

from procession.core.events import AnyEvent
from procession.core.linked import Linked
from procession.core.state import State, Status
from procession.runtime.ports import Store
from procession.runtime.replay import load_instance
from procession.services.catalog import Catalog

RESIDENTS_MAX: Final = 20_000
"""Instances kept between commits."""


@final
class Resident:
    """An instance in memory. `queue` are events that come before all others; `stamp` the commit that used it last.

    `bytes_facts` counts since the last snapshot, whose size is `bytes_snapshot` (0: there is none).
    """

    __slots__ = (
        "bytes_facts",
        "bytes_snapshot",
        "linked",
        "queue",
        "stamp",
        "state",
        "subscriptions",
        "tenant",
        "turns",
        "written",
    )

    def __init__(self, tenant: int, linked: Linked, state: State) -> None:
        self.tenant = tenant
        self.linked = linked
        self.state = state
        self.queue: deque[AnyEvent] = deque()
        self.subscriptions: dict[int, tuple[bool, str, str]] = {
            s.key: (s.signal, s.name, s.correlation_key) for s in state.subscriptions.values()
        }
        """(signal, name, correlation key) of what is open: needed when it is closed, and the state has it no more."""
        self.bytes_facts = 0
        self.bytes_snapshot = 0
        self.stamp = 0
        self.turns = 0
        self.written = 0
        """The commit that wrote this instance's facts last: its later facts need no check against the store."""


@final
class Residents:
    """All of one shard. Guarded by the pump's lock."""

    __slots__ = ("_by_key", "_catalog", "_limit", "_store", "stamp")

    def __init__(self, store: Store, catalog: Catalog, limit: int = RESIDENTS_MAX) -> None:
        self._store = store
        self._catalog = catalog
        self._limit = limit
        self._by_key: dict[int, Resident] = {}
        self.stamp = 1

    def __len__(self) -> int:
        return len(self._by_key)

    def items(self) -> list[tuple[int, Resident]]:
        """Everything in memory, by key."""
        return list(self._by_key.items())

    def get(self, tenant: int, key: int) -> Resident | None:
        """The instance, loaded if it must be; None if this tenant has no such instance."""
        found = self._by_key.get(key)
        if found is not None:
            found.stamp = self.stamp
            return found if found.tenant == tenant else None
        loaded = load_instance(self._store, tenant, key, lambda hash: self._catalog.linked(tenant, hash))
        if loaded is None:
            return None
        found = Resident(tenant, loaded.linked, loaded.state)
        found.bytes_facts = loaded.bytes_facts
        found.bytes_snapshot = loaded.bytes_snapshot
        found.stamp = self.stamp
        if loaded.state.status is Status.ACTIVE:
            self._by_key[key] = found
        return found

    def add(self, key: int, tenant: int, linked: Linked) -> Resident:
        """A new instance, before its first event."""
        resident = self._by_key[key] = Resident(tenant, linked, State())
        resident.stamp = self.stamp
        return resident

    def drop(self, key: int) -> None:
        """Forgets an instance: it ended, or its memory can no longer be trusted."""
        self._by_key.pop(key, None)

    def drop_touched(self) -> None:
        """Forgets every instance of the commit that failed."""
        self._by_key = {key: r for key, r in self._by_key.items() if r.stamp != self.stamp}

    def clear(self) -> None:
        """Forgets all: somebody else may own the shard."""
        self._by_key.clear()

    def settle(self) -> None:
        """A commit is over: instances beyond the limit go, those first that were not used lately."""
        residents = self._by_key
        for _ in range(2 * max(0, len(residents) - self._limit)):
            if len(residents) <= self._limit:
                break
            key = next(iter(residents))
            resident = residents.pop(key)
            if resident.stamp == self.stamp:
                residents[key] = resident
        self.stamp += 1
