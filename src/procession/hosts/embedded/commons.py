"""Commons: a shard that several processes own together, taking turns (docs/design/0018).

Whoever is in has read all that others committed, and nobody else is in; what it made for workers leaves with it. All of
it rests on the fence of each commit (`Fence.turn`): a gate that did not close costs a commit, never a state.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final, final

from procession.core.variables import visible
from procession.hosts.embedded.board import Offer, offer_of
from procession.hosts.embedded.job_handlers import described
from procession.hosts.embedded.ownership import wall_ms
from procession.hosts.embedded.residents import Resident
from procession.hosts.embedded.shard import Shard
from procession.runtime.courier import Courier, Parcel, Wake
from procession.runtime.ports import Gate, Store
from procession.runtime.rows import IntRow, JobRow, JobTypeRow, ShardRow

FOR_EVER_MS: Final = 10 * 365 * 86_400_000
"""The lease of who owns a shard together with others: it ends when somebody takes it over."""

DIFFERENCE_MS: Final = 500
"""Clocks that differ by less are taken for the same."""

_LOG: Final = logging.getLogger("procession")


@final
class Commons:
    """One shard's turns, as this process takes them. A door of `Turnstile`."""

    __slots__ = ("_courier", "_gate", "_lost", "_shard")

    def __init__(
        self, courier: Courier, gate: Gate, shard: Callable[[], Shard | None], lost: Callable[[], object]
    ) -> None:
        """`shard` is what this process has of the shard, and `lost` is told that somebody else took it."""
        self._courier = courier
        self._gate = gate
        self._shard = shard
        self._lost = lost

    def entered(self) -> None:
        """It is this process's turn: what it knows is brought up to date. Raises `StoreError`."""
        self._gate.enter()
        try:
            shard = self._shard()
            if shard is not None:
                row = _row(shard.store, shard.number)
                if row.owner != self._courier.host or row.epoch != shard.epoch:
                    self._lost()
                elif row.turn != shard.turn:
                    shard.behind(row)
        except BaseException:
            self._gate.leave()
            raise

    def leaving(self) -> list[Parcel | Wake]:
        """The turn is over; gives what it made for workers."""
        shard = self._shard()
        parcels: list[Parcel | Wake] = []
        if shard is not None and shard.parcels:
            parcels, shard.parcels = shard.parcels, []
        if shard is not None and (shard.inbox_posted or shard.batches):
            # Rows that this process wrote for itself, or a batch operation: somebody has to go on with it.
            shard.inbox_posted = False
            parcels.append(Wake(shard.number, 0))
        self._gate.leave()
        return parcels

    def send(self, parcels: Sequence[Parcel | Wake]) -> None:
        """Hands them to the courier."""
        if parcels:
            self._courier.send(parcels)


@final
class StoreClock:
    """The clock of the store's machine, in Unix ms: processes on machines whose clocks differ agree on what is due."""

    __slots__ = ("_offset", "_store")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._offset = 0
        self.set()

    def __call__(self) -> int:
        return wall_ms() + self._offset

    def set(self) -> None:
        """Asks the store anew. A difference that asking alone makes is none."""
        before = wall_ms()
        there = self._store.read("store_now", (), IntRow)[0].value or 0
        offset = there - (before + wall_ms()) // 2
        if abs(offset - self._offset) > DIFFERENCE_MS:
            if abs(offset) > DIFFERENCE_MS:
                _LOG.warning("this machine's clock is %s ms off that of %s, which counts", -offset, self._store.name)
            self._offset = offset if abs(offset) > DIFFERENCE_MS else 0


def _row(store: Store, number: int) -> ShardRow:
    return store.read("shard_read", (number,), ShardRow)[0]


def dispatched(shard: Shard, resident: Resident, offer: Offer, due: int) -> Parcel | None:
    """A job on its way to a worker; None where its element is gone."""
    element = resident.state.elements.get(offer.element)
    if element is None:
        return None
    tenant = shard.catalog.names[offer.tenant]
    own = dict(element.variables) if element.variables else None
    return Parcel(tenant, offer.tenant, described(offer, resident, visible(element)), due, own)


def _overdue(shard: Shard, courier: Courier, now: int, limit: int) -> list[JobRow]:
    found: list[JobRow] = []
    for each in shard.store.read("job_types", shard.span, JobTypeRow):
        if each.due <= now and len(found) < limit and courier.carries(each.type):
            args = (each.tenant, each.type, now, -1, 0, limit - len(found))
            found += shard.store.read("jobs_ready", args, JobRow)
    return found


def relay(shard: Shard, courier: Courier, now: int, limit: int) -> int:
    """Sends again what nobody answered for too long, and what is due that was never sent; how many. One commit."""
    shard.begin()
    sent = 0
    for row in _overdue(shard, courier, now, limit):
        resident = shard.residents.working(row.tenant, row.instance)
        job = resident.state.jobs.get(row.key) if resident is not None else None
        if resident is None or job is None or job.held or resident.state.suspended:
            continue
        offer = offer_of(row)
        offer.token = row.token
        shard.lease(offer, now)
        shard.for_board.append(offer)
        sent += 1
    if sent:
        _LOG.info("shard %s: %s jobs are sent again, or for the first time", shard.number, sent)
        shard.heartbeat()
        shard.settle()
    return sent
