"""Residents: instances in memory, a cache that the store's sequence numbers validate (decision 5)."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Final, final

from procession.base.failure import Unreadable
from procession.core.events import AnyEvent
from procession.core.linked import Linked
from procession.core.state import State, Status
from procession.runtime.ports import Store
from procession.runtime.replay import Loaded, load_instance
from procession.runtime.rows import InstanceRow, IntRow
from procession.services.catalog import Catalog

RESIDENTS_MAX: Final = 20_000
"""Instances kept between commits."""
BYTES_MAX: Final = 256 * 1024 * 1024
"""What instances in memory may have read or written since they were loaded: a bound on what they hold."""


@final
class Stranded(Exception):
    """An instance that cannot be read. It stays where it is, visible, and nobody else has to wait for it."""

    def __init__(self, tenant: int, instance: int, text: str) -> None:
        super().__init__(text)
        self.tenant = tenant
        self.instance = instance


@final
class Resident:
    """An instance in memory. `queue` are events that come before all others; `stamp` the commit that used it last.

    `bytes_facts` counts since the last snapshot, whose size is `bytes_snapshot` (0: there is none).
    """

    __slots__ = (
        "bytes",
        "bytes_facts",
        "bytes_snapshot",
        "for_all",
        "handed",
        "home",
        "host",
        "key",
        "linked",
        "queue",
        "stamp",
        "state",
        "subscriptions",
        "tenant",
        "trace",
        "turns",
        "written",
    )

    def __init__(self, tenant: int, linked: Linked, state: State, key: int) -> None:
        self.tenant = tenant
        self.key = key
        self.host = ""
        """The host that runs it, "" for this one; then `state` is what it reported."""
        self.home = 0
        """The instance in whose workflow it lives there."""
        self.handed = 0
        """The number of the row of the outbox that handed it over last."""
        self.trace = ""
        """The trace in which it is started there, as a `traceparent`."""
        self.linked = linked
        self.state = state
        self.queue: deque[AnyEvent] = deque()
        self.subscriptions: dict[int, tuple[bool, str, str]] = {
            s.key: (s.signal, s.name, s.correlation_key) for s in state.subscriptions.values()
        }
        """(signal, name, correlation key) of what is open: needed when it is closed, and the state has it no more."""
        self.bytes = 0
        self.bytes_facts = 0
        self.bytes_snapshot = 0
        self.stamp = 0
        self.turns = 0
        self.for_all = 0
        """The task that was written last, if it has no candidates: none have to be deleted with it."""
        self.written = 0
        """The commit that wrote this instance's facts last: its later facts need no check against the store."""


@final
class Residents:
    """All of one shard. Guarded by the pump's lock."""

    __slots__ = ("_by_key", "_bytes", "_catalog", "_limit", "_store", "elsewhere", "stamp")

    def __init__(self, store: Store, catalog: Catalog, limit: int = RESIDENTS_MAX) -> None:
        self._store = store
        self._catalog = catalog
        self._limit = limit
        # Ordered: a plain dict steps over everything that was ever taken from its front to find the first.
        self._by_key: OrderedDict[tuple[int, int], Resident] = OrderedDict()
        """By tenant and key: a key of one tenant must mean nothing to another, whoever made it up."""
        self._bytes = 0
        self.stamp = 1
        self.elsewhere = False
        """Whether there is, or may be, any instance that another host runs."""
        self.look_elsewhere()

    def __len__(self) -> int:
        return len(self._by_key)

    def items(self) -> list[tuple[int, Resident]]:
        """Everything in memory, by key."""
        return [(key, resident) for (_, key), resident in self._by_key.items()]

    def get(self, tenant: int, key: int) -> Resident | None:
        """The instance, loaded if it must be; None if this tenant has no such instance. Raises `Stranded`."""
        found = self._by_key.get((tenant, key))
        if found is not None:
            found.stamp = self.stamp
            return found
        try:
            loaded = load_instance(self._store, tenant, key, lambda hash: self._catalog.linked(tenant, hash))
        except Unreadable as error:
            raise Stranded(tenant, key, str(error)) from error
        row = next(iter(self._store.read("instance", (tenant, key), InstanceRow)), None) if self.elsewhere else None
        if loaded is None and (row is None or not row.host):
            return None
        if loaded is None:
            # Started elsewhere, and not a word from it yet.
            assert row is not None
            program = self._catalog.definition(tenant, row.definition).program
            loaded = Loaded(State(), self._catalog.linked(tenant, program), 0, 0)
        found = Resident(tenant, loaded.linked, loaded.state, key)
        found.bytes_facts = loaded.bytes_facts
        found.bytes_snapshot = loaded.bytes_snapshot
        found.stamp = self.stamp
        if row is not None:
            found.host, found.home, found.handed = row.host, row.home, row.handed
        if loaded.state.status is Status.ACTIVE:
            self._by_key[tenant, key] = found
            self.charge(found, loaded.bytes_facts + loaded.bytes_snapshot)
        return found

    def active(self, tenant: int, key: int) -> bool:
        """Whether an instance is in memory, and active. Takes no lock."""
        found = self._by_key.get((tenant, key))
        return found is not None and found.state.status is Status.ACTIVE

    def working(self, tenant: int, key: int) -> Resident | None:
        """`get` for whoever looks for work: None for an instance that cannot be read, too."""
        try:
            return self.get(tenant, key)
        except Stranded:
            return None

    def add(self, key: int, tenant: int, linked: Linked) -> Resident:
        """A new instance, before its first event."""
        resident = self._by_key[tenant, key] = Resident(tenant, linked, State(), key)
        resident.stamp = self.stamp
        return resident

    def drop(self, tenant: int, key: int) -> None:
        """Forgets an instance: it ended, or its memory can no longer be trusted."""
        gone = self._by_key.pop((tenant, key), None)
        if gone is not None:
            self._bytes -= gone.bytes

    def look_elsewhere(self) -> None:
        """Whether any instance of the store may be on another host: what others committed counts, and what this one
        could not commit does not."""
        self.elsewhere = bool(self._store.read("instances_elsewhere", (), IntRow))

    def drop_touched(self) -> None:
        """Forgets every instance of the commit that failed."""
        for place in [place for place, r in self._by_key.items() if r.stamp == self.stamp]:
            self.drop(*place)

    def clear(self) -> None:
        """Forgets all: somebody else may own the shard."""
        self._by_key.clear()
        self._bytes = 0

    def charge(self, resident: Resident, size: int) -> None:
        """Counts what an instance read or wrote."""
        resident.bytes += size
        self._bytes += size

    def settle(self) -> None:
        """A commit is over: instances beyond the limit go, those first that were not used lately."""
        residents = self._by_key
        # Second chance: whoever this commit used goes to the end of the line, once.
        for _ in range(len(residents) if self._over() else 0):
            place, resident = residents.popitem(last=False)
            if resident.stamp == self.stamp:
                residents[place] = resident
            else:
                self._bytes -= resident.bytes
            if not self._over():
                break
        self.stamp += 1

    def _over(self) -> bool:
        return len(self._by_key) > self._limit or self._bytes > BYTES_MAX
