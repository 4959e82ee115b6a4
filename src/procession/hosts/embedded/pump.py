"""The pump: whoever has its lock carries out what waits, commits once, and lets the answers out (docs/design/0001).

There is no writer thread. Callers queue their requests and take the lock; the first one serves all that queued during
the last commit. Where another process owns the shard, requests go through the store's inbox instead. What must not
live here: workers, threads, and the public API.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final, final

from procession.base.failure import Conflict, StoreError, Unreadable
from procession.core.events import FireTimer
from procession.hosts.embedded import elsewhere
from procession.hosts.embedded.batches import PAUSED, PORTION, RunBatch
from procession.hosts.embedded.bell import Bell
from procession.hosts.embedded.carry import CARRY
from procession.hosts.embedded.commons import FOR_EVER_MS, Commons, dispatched, relay
from procession.hosts.embedded.incoming import waiting, was_taken
from procession.hosts.embedded.mailbox import Mailbox
from procession.hosts.embedded.ownership import (
    LEASE_MS,
    SHARED_LEASE_MS,
    Ownership,
    acquire,
    closed,
    owner_name,
    wall_ms,
)
from procession.hosts.embedded.sending import send
from procession.hosts.embedded.shard import Shard
from procession.hosts.embedded.tickets import InHouse, Intake, Ticket
from procession.hosts.embedded.turnstile import Turnstile
from procession.hosts.embedded.writer import Unsettled, run
from procession.runtime import codec, requests
from procession.runtime.courier import Courier
from procession.runtime.elsewhere import Placement
from procession.runtime.ports import Fenced, Store
from procession.runtime.requests import AnyRequest, Deliver, SteerBatch, SweepMessages
from procession.runtime.rows import InboxRow, ShardRow, SizeRow
from procession.services.tenancy.limits import NONE

BATCH_MAX: Final = 256
"""Requests of one commit."""
SWEEP_EVERY_MS: Final = 1_000
KEPT_ANSWERS_MS: Final = 600_000
"""How long an answer stays in the inbox for a process that may still ask for it."""
KEPT_SOURCES_MS: Final = 7 * 86_400_000
KEPT_KEYS_MS: Final = 86_400_000
"""How long an idempotency key is known."""
KEPT_FEED_MS: Final = 7 * 86_400_000
"""How far back who follows what happens can go."""
TIDYING_EVERY_MS: Final = 300_000
WAKE_S: Final = 1.0
"""Longest time that a caller sleeps before he looks himself: who should have woken him may have been interrupted."""

_LOG: Final = logging.getLogger("procession")


@final
class Pump:
    """One store's shard as this process sees it: its owner, or a client of its owner."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], int],
        zone: str,
        takeover: bool = False,
        placement: Placement | None = None,
        number: int = 0,
        bell: Bell | None = None,
        owner: str = "",
        shared: bool = False,
        courier: Courier | None = None,
    ) -> None:
        """`number` is the shard's; the pumps of one process share its `bell` and its name as an `owner`. Where shards
        are `shared` among processes none is taken at once, and a lease is short. All that have the same `courier` own
        the shard together."""
        self.store = store
        self.clock = clock
        self._intake = Intake()
        self.lock = Turnstile(self._intake)
        self.bell = bell or Bell()
        self.number = number
        self.shard: Shard | None = None
        self.zone = zone
        self.courier = courier
        self._owner = courier.host if courier is not None else owner or owner_name()
        self.mailbox = Mailbox(store, number)
        self.rival_checked_ms = 0
        self._lease_ms = FOR_EVER_MS if courier is not None else SHARED_LEASE_MS if shared else LEASE_MS
        self._aside_ms = 0
        self._shared = shared
        self.feeding, self.limits = False, NONE
        """Whether commits write down what they stored; quotas of tenants whose own limits do not say any."""
        self._next_sweep = 0
        self._next_tidying = 0
        self._inbox_turn = ""
        """The tenant whose requests were taken from the inbox last."""
        self._careful: set[int] = set()
        """Batches that met a fault of the engine: their instances are treated one in a commit."""
        self._process = os.getpid()
        self._closed = False
        self.placement = placement
        self.asked_ms = 0
        """When (Unix ms of the machine) another process asked for something last."""
        if courier is not None:
            self.lock.door = Commons(courier, store.gate(number), lambda: self.shard, self.lost)
        if takeover or not shared:
            with self.lock:
                self.own(force=takeover)

    def own(self, *, force: bool = False) -> Shard | None:
        """The shard, if this process owns it or can take it now; `force` fences whoever has it."""
        self.usable()
        if self.shard is not None:
            return self.shard
        with self.lock:
            self.usable()
            if self.shard is None:
                if self.aside and not force:
                    return None
                joins = self.courier is not None
                taken = acquire(self.store, self.number, self._owner, force=force, lease_ms=self._lease_ms, joins=joins)
                if taken is None:
                    return None
                try:
                    self.shard = self._taken_over(taken)
                except BaseException:
                    # Nobody else should have to wait for the end of a lease that is of no use here.
                    if not joins:
                        with suppress(StoreError):
                            self.store.release(self.number, taken.epoch)
                    raise
            return self.shard

    @property
    def aside(self) -> bool:
        """Whether the shard was let go a moment ago, and is left to others."""
        return wall_ms() < self._aside_ms

    def feed(self) -> None:
        """From now on commits write down what they stored, for who follows it."""
        self.feeding = True
        with self.lock:
            if self.shard is not None:
                self.shard.books.feeding = True

    def let_go(self, aside_ms: int) -> None:
        """Gives the shard to another process, and leaves it alone for a time."""
        with self.lock:
            shard, self.shard = self.shard, None
            if shard is not None:
                self._aside_ms = wall_ms() + aside_ms
                self.store.release(self.number, shard.epoch)

    def lost(self) -> None:
        """Somebody else owns the shard, as the store says."""
        with self.lock:
            self.shard = None

    @property
    def forked(self) -> bool:
        """Whether this is a copy of the engine's process: its locks and its file are the original's."""
        return self._process != os.getpid()

    def usable(self) -> None:
        """Raises `Conflict` when the engine is closed, or this process a fork of the one that opened it."""
        if self.forked:
            raise Conflict(
                f"this engine was opened by process {self._process}, of which this one is a fork: "
                "open an engine of its own after the fork"
            )
        if self._closed:
            raise Conflict("the engine is closed: open another one")

    def _taken_over(self, taken: Ownership) -> Shard | None:
        shard = Shard(
            self.store,
            number=self.number,
            epoch=taken.epoch,
            last_key=taken.last_key,
            clock=self.clock,
            zone=self.zone,
        )
        shard.books.feeding = self.feeding
        shard.quotas.complete(self.limits)
        shard.lease_ms = self._lease_ms
        shard.carry = CARRY
        shard.elsewhere = elsewhere.send
        shard.placement = self.placement
        shard.courier = self.courier
        if self.courier is not None:
            shard.turn, shard.dispatch = taken.turn, dispatched
        self._intake.weights = shard.weights.by_name
        # What a fault stopped under another version of the engine may go through now.
        shard.batch["inbox"].change("inbox_retry", (shard.number,))
        elsewhere.claim(shard)
        if self.placement is None and self.store.read("outbox_size", (), SizeRow)[0].count:
            shard.nobody_sends()
        return shard if self._beat(shard) else None

    def release(self) -> None:
        """Gives the shard to whoever wants it, and takes it no more."""
        with self.lock:
            self._closed = True
            self.shard = None
            closed(self._owner)
            try:
                row = self.store.read("shard_read", (self.number,), ShardRow)[0]
                if row.owner == self._owner and self.courier is None:
                    self.store.release(self.number, row.epoch)
            except StoreError as error:
                _LOG.warning("the store keeps the name of this engine until its lease ends: %s", error)

    def call(self, request: InHouse, timeout_s: float = 30.0) -> object:
        """Carries out one request; gives its result or raises what went wrong."""
        ticket = Ticket(request)
        self.submit([ticket], timeout_s)
        return ticket.outcome()

    def call_all(self, requests: Sequence[InHouse]) -> list[object]:
        """Carries out requests that share commits; gives their results, or raises the first that went wrong."""
        tickets = [Ticket(request) for request in requests]
        self.submit(tickets)
        return [ticket.outcome() for ticket in tickets]

    def submit(self, tickets: Sequence[Ticket], timeout_s: float = 30.0) -> None:
        """Carries out requests; every ticket is done afterwards and what it answers is durable."""
        if self.own() is None:
            send(self, tickets, timeout_s)
            return
        if not tickets:
            return
        self._intake.put(tickets)
        if self._lead(tickets, timeout_s):
            return
        wake = threading.Event()
        for ticket in tickets:
            ticket.wake = wake
        last = tickets[-1]
        # Somebody else is writing. He may carry these out too, or wake this thread to do it when he is done.
        while not last.done and not self._lead(tickets, timeout_s):
            wake.wait(WAKE_S)
            if not last.done:
                wake.clear()

    def _lead(self, tickets: Sequence[Ticket], timeout_s: float) -> bool:
        """Carries out what waits until these tickets are done; False if somebody else is doing that."""
        if not self.lock.try_enter():
            return False
        try:
            last = tickets[-1]
            while not last.done:
                self.carry_out(self._intake.take(BATCH_MAX), timeout_s)
        except BaseException:
            self._intake.withdraw(tickets)
            raise
        finally:
            self.lock.leave()
        return True

    def carry_out(self, tickets: Sequence[Ticket], timeout_s: float = 30.0) -> None:
        """Runs one batch with the lock held. When the shard is lost, callers' requests go to its new owner.

        Whatever happens, nobody is left waiting, and what is durable is not told as an error: each ticket says what
        became of its own request. Only interruptions of the thread are raised.
        """
        try:
            self._carry_out(tickets, timeout_s)
        except Exception as error:
            _abandon(tickets, error)
        except BaseException as error:
            _abandon(tickets, error)
            raise

    def _carry_out(self, tickets: Sequence[Ticket], timeout_s: float) -> None:
        shard = self.own()
        if shard is not None:
            try:
                run(shard, tickets)
            except Fenced:
                self.shard = None
            except Unsettled:
                self._distrust(shard)
                raise StoreError(f"{self.store.name}: it cannot be read just now; nothing was stored") from None
            except BaseException:
                self._distrust(shard)
                raise
            else:
                self.bell.ring(self.number, frozenset(ticket.request.tenant for ticket in tickets))
                return
        mine = [ticket for ticket in tickets if not ticket.done and not ticket.inbox and ticket.timer is None]
        if self.own() is not None:
            self._carry_out(mine, timeout_s)
        else:
            send(self, mine, timeout_s)

    def _distrust(self, shard: Shard) -> None:
        """Interrupted in the middle: what is in memory is half of something, and is read anew."""
        try:
            shard.forget()
        except BaseException:
            # It cannot be read now. The next request takes the shard again, from nothing, under a new epoch.
            self.shard = None

    def turn(self) -> bool:
        """One round of what is due without a caller: inbox, timers, messages, leases. True if there was any."""
        self.usable()
        with self.lock:
            shard = self.own()
            if shard is None:
                return False
            now = self.clock()
            busy = self._inbox(shard)
            busy = self._timers(shard, now) or busy
            busy = self._portion(shard) or busy
            expiry = shard.postbox.next_expiry
            if expiry is not None and expiry <= now and self._next_sweep <= now:
                self._sweep(shard, now)
            busy = shard.board.wake(now) or busy
            # Who waits for jobs is woken by commits, and these became ready without one.
            woken = shard.board.woken()
        if woken:
            self.bell.ring(self.number, frozenset(shard.catalog.names[tenant] for tenant in woken))
        return busy

    def relay(self, limit: int) -> int:
        """Gives the courier again what nobody answered for too long; how many jobs, at most `limit`."""
        self.usable()
        with self.lock:
            shard = self.own()
            if shard is None or self.courier is None:
                return 0
            try:
                return relay(shard, self.courier, self.clock(), limit)
            except Fenced:
                self.shard = None
                return 0

    def keep(self) -> None:
        """Renews the lease when half of it is over."""
        self.usable()
        shard = self.shard
        if shard is None or shard.expires - wall_ms() >= self._lease_ms // 2:
            return
        with self.lock:
            if self.shard is not None and self.shard.expires - wall_ms() < self._lease_ms // 2:
                self.shard.begin()
                self._beat(self.shard)

    @property
    def weights(self) -> Mapping[str, int]:
        """Tenant -> the weight of its turns, where it is another than 1 and this process owns the shard."""
        return self._intake.weights

    def next_due(self) -> int | None:
        """When (Unix ms) a timer, a back-off or a message's end is next, as far as is known."""
        shard = self.shard
        if shard is None:
            return None
        expiry = shard.postbox.next_expiry
        if expiry is not None:
            expiry = max(expiry, self._next_sweep)
        times = (shard.alarms.next_due(), shard.board.next_due(), expiry)
        return min((time for time in times if time is not None), default=None)

    def _beat(self, shard: Shard) -> bool:
        """Commits that the shard is still ours; False if it is not any more."""
        if shard.at >= self._next_tidying:
            self._next_tidying = shard.at + TIDYING_EVERY_MS
            shard.batch["inbox"].change("inbox_sweep", (shard.number, shard.at - KEPT_ANSWERS_MS))
            shard.batch["source"].change("source_sweep", (shard.at - KEPT_SOURCES_MS,))
            shard.batch["answered"].change("answered_sweep", (shard.at - KEPT_KEYS_MS,))
            shard.batch["feed"].change("feed_sweep", (shard.at - KEPT_FEED_MS,))
        try:
            shard.heartbeat()
            shard.settle()
        except Fenced:
            self.shard = None
            return False
        return True

    def _inbox(self, shard: Shard) -> bool:
        # Where there are several pumps, who turns all of them has asked the store.
        if not shard.inbox_waiting and self.courier is None and (self._shared or not self.store.changed()):
            return False
        # Before it is read: who puts something in meanwhile, says so again.
        shard.inbox_waiting = False
        try:
            tickets, more = self._waiting(shard)
        except BaseException:
            # The store tells of a change once, and the rows are still to be looked for.
            shard.inbox_waiting = True
            raise
        if more:
            shard.inbox_waiting = True
        if tickets:
            self.asked_ms = wall_ms()
            self._unasked(tickets)
        return bool(tickets)

    def _waiting(self, shard: Shard) -> tuple[list[Ticket], bool]:
        """What the inbox has for one batch, and whether it has more."""
        rows, more, self._inbox_turn = waiting(shard, self._inbox_turn, BATCH_MAX)
        tickets: list[Ticket] = []
        for row in rows:
            if was_taken(shard, row):
                shard.begin()
                shard.batch["inbox"].delete(row.number, (row.number,))
                self._beat(shard)
                continue
            if (request := self._readable(shard, row)) is None:
                continue
            tickets.append(Ticket(request, row.number))
            tickets[-1].source = (row.source, row.source_number)
        return tickets, more

    def _readable(self, shard: Shard, row: InboxRow) -> AnyRequest | None:
        """The request of a row. One that is damaged, or of a newer version, is kept for an owner that can read it."""
        try:
            return requests.decode(row.body)
        except Unreadable as error:
            _LOG.error("request %s of the inbox is put aside: %s", row.number, error)
            shard.begin()
            answer = codec.encode_json({"error": f"the request cannot be read: {error}"})
            shard.batch["inbox"].change("inbox_fail", (answer, row.number))
            self._beat(shard)
            return None

    def _timers(self, shard: Shard, now: int) -> bool:
        due = shard.alarms.next_due()
        if due is None or due > now:
            return False
        rows = shard.alarms.take(now, BATCH_MAX)
        tickets = [
            Ticket(
                Deliver(shard.catalog.names[row.tenant], row.instance, FireTimer(row.key)),
                timer=(row.tenant, row.key),
            )
            for row in rows
        ]
        if tickets:
            self._unasked(tickets)
        shard.alarms.taken()
        return bool(tickets)

    def _portion(self, shard: Shard) -> bool:
        """A portion of a batch operation. A fault of the engine costs the instance that met it, not the batch."""
        place = shard.next_batch()
        if place is None:
            return False
        tenant, key = place
        limit = 1 if key in self._careful else PORTION
        ticket = Ticket(RunBatch(tenant, key, limit))
        self._unasked([ticket])
        if ticket.error is None:
            return True
        if limit > 1:
            # Whose fault it is shows when they come one by one.
            self._careful.add(key)
            return True
        self._careful.discard(key)
        skipped = Ticket(RunBatch(tenant, key, 1, str(ticket.error)))
        self._unasked([skipped])
        if skipped.error is not None:
            # Not even leaving it out went well: nobody is served by trying that for ever.
            self.carry_out([Ticket(SteerBatch(tenant, key, PAUSED))])
        return True

    def _unasked(self, tickets: Sequence[Ticket]) -> None:
        """Carries out what nobody waits for: an unusable store is told to whoever runs the engine."""
        self.carry_out(tickets)
        for ticket in tickets:
            if isinstance(ticket.error, StoreError) and not isinstance(ticket.error, Unreadable):
                raise ticket.error

    def _sweep(self, shard: Shard, now: int) -> None:
        self._next_sweep = now + SWEEP_EVERY_MS
        tenant = next(iter(shard.catalog.tenants))
        self.carry_out([Ticket(SweepMessages(tenant))])
        shard.postbox.swept()


_INTERRUPTED: Final = "the thread that did this was interrupted; look whether it was stored before you repeat it"


def _abandon(tickets: Sequence[Ticket], error: BaseException) -> None:
    """The lock's holder was interrupted: those who wait for him must not wait for ever."""
    for ticket in tickets:
        if not ticket.done:
            ticket.error = error if isinstance(error, Exception) else StoreError(_INTERRUPTED)
            ticket.finish()
