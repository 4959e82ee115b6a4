"""The pumps of a process: one a shard, and which shards are this process's to pump (docs/design/0013).

A store with one shard has one pump, and all of this steps aside. With several, processes share them: each takes what is
free up to its fair share, lets surplus go when another process appears, and takes over what a dead one held. A wrong
guess costs time only: the epoch fences whoever lost a shard.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, final

from procession.base.failure import StoreError
from procession.hosts.embedded.bell import Bell
from procession.hosts.embedded.commons import StoreClock
from procession.hosts.embedded.ownership import SHARED_LEASE_MS, gone, owner_name, wall_ms
from procession.hosts.embedded.pump import Pump
from procession.hosts.embedded.telling import Teller
from procession.hosts.embedded.tickets import InHouse, Ticket
from procession.runtime.courier import Courier, Wake
from procession.runtime.elsewhere import Placement
from procession.runtime.ports import Store
from procession.runtime.rows import LeaseRow, ProcessRow
from procession.runtime.tenants import shard_of_name
from procession.services.tenancy.limits import Limits

LOOK_S: Final = 1.0
"""How often it is looked which shards are free, and whose lease runs out."""
ALIVE_MS: Final = 10_000
"""Who has not said for so long that he is there, is not."""
SAY_S: Final = 3.0
"""How often a process says that it is there."""
ASIDE_MS: Final = 3_000
"""How long a process leaves a shard that it let go to the others."""

_LOG: Final = logging.getLogger("procession")


@final
class Pumps:
    """All shards of a store, as this process sees them. Thread-safe."""

    def __init__(self, pumps: Sequence[Pump], owner: str = "") -> None:
        """`owner` is the name under which they hold their shards, where there are several."""
        self.all: Final = tuple(pumps)
        self.many: Final = len(pumps) > 1
        self.together: Final = pumps[0].courier is not None
        """Whether all shards are this process's, and those of other processes, too (docs/design/0018)."""
        self.store: Final = pumps[0].store
        self.clock: Final = pumps[0].clock
        self.placement: Final = pumps[0].placement
        self.bell: Final = pumps[0].bell
        self._owner = owner
        self._watch_lock = threading.Lock()
        self._next_look = 0.0
        self._next_say = 0.0
        self._others = 0
        self._teller = Teller(self.store) if self.many else None
        if self._teller is not None:
            self.bell.listeners.append(self._teller.tell)

    @property
    def first(self) -> Pump:
        """The pump of the first shard; the only one, where there is one."""
        return self.all[0]

    @property
    def owned(self) -> bool:
        """Whether any shard is this process's."""
        return any(pump.shard is not None for pump in self.all)

    @property
    def asked_ms(self) -> int:
        """When (Unix ms of the machine) another process asked for something last."""
        return max(pump.asked_ms for pump in self.all)

    def of(self, tenant: str) -> Pump:
        """The pump of a tenant's shard."""
        return self.all[shard_of_name(tenant, len(self.all))]

    def wake(self) -> None:
        """Lets somebody take turns, where several processes own all shards together."""
        courier = self.first.courier
        if courier is not None:
            courier.send([Wake(pump.number, 0) for pump in self.all])

    def set_clock(self) -> None:
        """Sets the clock by that of the store, where several processes go by it."""
        if isinstance(self.clock, StoreClock):
            self.clock.set()

    def usable(self) -> None:
        """See `Pump.usable`."""
        self.first.usable()

    def call(self, request: InHouse, timeout_s: float = 30.0) -> object:
        """Carries out one request; gives its result or raises what went wrong."""
        return self.of(request.tenant).call(request, timeout_s)

    def call_all(self, requests: Sequence[InHouse]) -> list[object]:
        """Carries out requests; gives their results, or raises the first that went wrong."""
        tickets = [Ticket(request) for request in requests]
        self.submit(tickets)
        return [ticket.outcome() for ticket in tickets]

    def submit(self, tickets: Sequence[Ticket], timeout_s: float = 30.0) -> None:
        """Carries out requests; those of one shard share commits. Every ticket is done afterwards."""
        if not self.many:
            self.first.submit(tickets, timeout_s)
            return
        of_pump: dict[int, list[Ticket]] = {}
        for ticket in tickets:
            of_pump.setdefault(shard_of_name(ticket.request.tenant, len(self.all)), []).append(ticket)
        lost: StoreError | None = None
        for number, own in of_pump.items():
            try:
                self.all[number].submit(own, timeout_s)
            except StoreError as error:
                lost = lost or error
        if lost is not None:
            raise lost

    def turn(self) -> bool:
        """One round of what is due without a caller, in all shards of this process. True if there was any."""
        if not self.many:
            return self.first.turn()
        self.usable()
        if not self.together and self.store.changed():
            _look_into_inboxes(self.all)
        busy = False
        for pump in self.all:
            if pump.shard is not None or self.together:
                busy = pump.turn() or busy
        return busy

    def look(self) -> None:
        """This process put something into an inbox, which the store does not tell it."""
        self.asked(-1)

    def asked(self, shard: int) -> None:
        """Another process asked a shard for something (-1: any)."""
        _look_into_inboxes(self.all if shard < 0 else self.all[shard : shard + 1])
        self.bell.stir()

    def next_due(self) -> int | None:
        """When (Unix ms) a timer, a back-off or a message's end is next in a shard of this process."""
        times = [due for due in (pump.next_due() for pump in self.all) if due is not None]
        return min(times, default=None)

    def limit(self, limits: Limits) -> None:
        """Quotas of tenants whose own limits do not say any, while their shards are in this process."""
        for pump in self.all:
            with pump.lock:
                pump.limits = limits
                if pump.shard is not None:
                    pump.shard.quotas.complete(limits)

    def keep(self) -> None:
        """Keeps what is ours, and takes what should be: renews leases, takes free shards, lets surplus go."""
        if not self.many or self.together:
            self.first.keep()
            return
        self.usable()
        if time.monotonic() < self._next_look or not self._watch_lock.acquire(blocking=False):
            return
        try:
            self._next_look = time.monotonic() + LOOK_S
            rows = self.store.read("shards", (), LeaseRow)
            self._say()
            self._renew(rows)
            self._take(rows)
        finally:
            self._watch_lock.release()

    def _say(self) -> None:
        """Says that this process is there, and looks who else is."""
        if time.monotonic() < self._next_say:
            return
        self._next_say = time.monotonic() + SAY_S
        now = wall_ms()
        self.store.write("process_alive", [(self._owner, now)])
        live = self.store.read("processes", (now - ALIVE_MS,), ProcessRow)
        self._others = sum(each.name != self._owner and not gone(each.name) for each in live)
        if self._teller is not None:
            self._teller.heard = self._others > 0

    def _renew(self, rows: Sequence[LeaseRow]) -> None:
        now = wall_ms()
        renewed = now + SHARED_LEASE_MS
        due = False
        for row in rows:
            pump = self.all[row.shard]
            shard = pump.shard
            if shard is None:
                continue
            if row.owner != self._owner or row.epoch != shard.epoch:
                pump.lost()
            elif row.expires - now < SHARED_LEASE_MS // 2:
                due = True
        if due:
            self.store.renew(self._owner, renewed)
            for pump in self.all:
                shard = pump.shard
                if shard is not None:
                    shard.expires = max(shard.expires, renewed)

    def _take(self, rows: Sequence[LeaseRow]) -> None:
        fair = -(-len(self.all) // (1 + self._others))
        now = wall_ms()
        mine = sum(pump.shard is not None for pump in self.all)
        for row in rows:
            pump = self.all[row.shard]
            if pump.shard is not None or pump.aside:
                continue
            dead = bool(row.owner) and (row.expires <= now or gone(row.owner))
            # Whoever sees first that somebody died goes on in his place; who has too much lets it go later.
            if dead or (not row.owner and mine < fair):
                mine += pump.own() is not None
        for pump in self.all:
            if mine > fair and pump.shard is not None:
                pump.let_go(ASIDE_MS)
                mine -= 1

    def release(self) -> None:
        """Gives all shards to whoever wants them, and takes none any more."""
        if self._teller is not None:
            self._teller.close()
        for pump in self.all:
            pump.release()
        if self.many and not self.together:
            with suppress(StoreError):
                self.store.write("process_gone", [(self._owner, wall_ms() - ALIVE_MS)])


def _look_into_inboxes(pumps: Sequence[Pump]) -> None:
    for pump in pumps:
        shard = pump.shard
        if shard is not None:
            shard.inbox_waiting = True


def open_pumps(
    store: Store,
    *,
    clock: Callable[[], int],
    zone: str,
    takeover: bool = False,
    placement: Placement | None = None,
    courier: Courier | None = None,
) -> Pumps:
    """The pumps of all shards of a store, which take what is this process's; `takeover` fences whoever has any. With a
    `courier` all shards are this process's, and those of all others that have it."""
    owner = owner_name()
    bell = Bell()
    shards = [row.shard for row in store.read("shards", (), LeaseRow)]
    many = len(shards) > 1
    pumps = [
        Pump(
            store,
            clock=clock,
            zone=zone,
            takeover=takeover,
            placement=placement,
            number=number,
            bell=bell,
            owner=owner,
            shared=many and courier is None,
            courier=courier,
        )
        for number in shards
    ]
    found = Pumps(pumps, owner)
    store.listen(found.asked, bell.heard)
    if many and courier is None:
        found.keep()
    return found
