"""The shard: everything that one writer holds in memory, and the one way to step an instance.

Guarded by the pump's lock. `begin` and `settle` enclose a commit; what is added in between is its batch. What must
not live here: what a request means (handlers.py), what a command means (carry.py), and when to commit (writer.py).
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final, TypeAlias, final

import msgspec

from procession.base.keys import KeySource
from procession.core.commands import AnyCommand
from procession.core.events import AnyEvent, Continue
from procession.core.linked import Linked
from procession.core.outcome import Outcome
from procession.core.snapshot import dump
from procession.core.state import Status
from procession.core.step import step
from procession.hosts.embedded.alarms import Alarms
from procession.hosts.embedded.board import Board, Offer
from procession.hosts.embedded.books import Books
from procession.hosts.embedded.key_blocks import BLOCKS, KeyBlocks
from procession.hosts.embedded.ownership import LEASE_MS, wall_ms
from procession.hosts.embedded.pacing import Pace
from procession.hosts.embedded.postbox import Postbox
from procession.hosts.embedded.quotas import Quotas
from procession.hosts.embedded.residents import Resident, Residents
from procession.hosts.embedded.switches import Switches
from procession.hosts.embedded.weights import Weights
from procession.runtime import codec, requests
from procession.runtime.courier import Courier, Parcel, Wake
from procession.runtime.elsewhere import OUTGOING, Begin, Outgoing, Placement
from procession.runtime.ports import Batch, Fence, Store
from procession.runtime.requests import AnyRequest, BroadcastSignal, Deliver
from procession.runtime.rows import FailureRow, KeyRow, OutboxRow, RecordRow, ShardRow
from procession.runtime.tenants import PLATFORM, span_of
from procession.services.catalog import Catalog
from procession.services.routes import KIND as ROUTES
from procession.services.routes import Compiled, read_routes

SNAPSHOT_BYTES_MIN: Final = 4_096
"""Facts below this are replayed faster than a snapshot is worth."""
TURNS_MAX: Final = 16
"""Times in a row that one commit continues an instance that yielded."""

DIRECT_MS: Final = 10_000
"""How long a caller has to take the start of an instance to another host himself, before the outbox does."""
_LOG: Final = logging.getLogger("procession")

Carry: TypeAlias = Mapping[type[Any], "Callable[[Shard, Resident, Any], None]"]


Dispatch: TypeAlias = Callable[["Shard", Resident, Offer, int], "Parcel | None"]
Elsewhere: TypeAlias = Callable[["Shard", Resident, AnyEvent], Outcome]


@final
class Shard:
    """One shard in the hands of this process, under `epoch`."""

    def __init__(
        self, store: Store, *, number: int = 0, epoch: int, last_key: int, clock: Callable[[], int], zone: str
    ) -> None:
        self.store = store
        self.number: Final = number
        self.span: Final = span_of(number)
        """Its tenants, by number."""
        self.epoch = epoch
        self.zone = zone
        self.tz_release = _tz_release()
        self.clock = clock
        self.keys = KeySource(self.number, last_key if last_key < BLOCKS else 0)
        self.catalog = Catalog(store, self.span)
        self.residents = Residents(store, self.catalog)
        self.postbox = Postbox(store, self.span)
        self.board = Board(store, epoch, self.span)
        self.books = Books(store, self.number)
        self.quotas = Quotas(store)
        self.weights = Weights()
        self.weights.read(store, self.span, self.catalog.names)
        self.board.weights = self.weights
        self.alarms = Alarms(store, self.span, self.weights)
        self.inbox_waiting = True
        """Whether this process itself put rows into the inbox."""
        self.commits = 0
        self.lease_ms = LEASE_MS
        self.expires = 0
        """When (Unix ms of the machine) our lease ends, as the last commit said."""
        self.failed = self._read_failed()
        self.suspended = self._read_suspended()
        """(tenant, definition) of which nothing may be started; definition 0: the tenant is being deleted."""
        self.batches = self._read_batches()
        """Tenant -> its batches that run."""
        self.pace = Pace()
        self.parked: dict[tuple[int, int], set[int]] = {}
        self.routes = self._read_routes()
        """Where instances start; None where nothing was said of it."""
        self.switches = Switches(store, self.span)
        """The behaviour flags that instances start with."""
        self._large: dict[tuple[int, int], Resident] = {}
        self.carry: Carry = {}
        self.unheard: dict[tuple[int, int], list[BroadcastSignal]] = {}
        """Signals since the start of instances that another host runs, until what they wait for is known."""
        self.elsewhere: Elsewhere = _nowhere
        """What an event means to an instance on another host."""
        self.placement: Placement | None = None
        """The host that runs other instances of this store."""
        self.courier: Courier | None = None
        """Who takes jobs to workers in other processes."""
        self.turn = -1
        """How many commits the shard had, where other processes commit in it, too."""
        self.parcels: list[Parcel | Wake] = []
        """What is committed, and not yet with the courier."""
        self.inbox_posted = False
        """Whether there is a row in the inbox that nobody else knows of."""
        self.dispatch: Dispatch = _undispatched
        """What a job on its way to a worker is."""
        self._warned = False
        self._blocks = KeyBlocks(store, self.number)
        self.begin()

    def begin(self) -> None:
        """A commit begins, empty, at the clock's time."""
        self.at = self.clock()
        self.batch = Batch()
        self.following: deque[AnyRequest] = deque()
        """What steps mean for other instances."""
        self.for_board: list[Offer | int] = []
        """In order: jobs to offer, and keys of jobs to take off the board."""
        self.for_wakes: list[tuple[int, Offer]] = []
        """Jobs that wait until a time (Unix ms) after a failed attempt."""
        self.for_timers: set[int] = set()
        """When timers are due that were set (Unix ms)."""
        self.for_nodes: list[tuple[int, int]] = []
        """Jobs on offer that belong to another node now."""
        self.heard: set[tuple[int, int, int]] = set()
        """(tenant, batch, instance) of what batches are told by this commit."""
        self.finished: list[tuple[int, int]] = []
        """(tenant, instance) of what ends with this commit."""
        self.step_key = 0
        """The first key of the step under way: what is older was there before."""
        self.deployed = False
        self.direct = False
        """Whether the caller himself takes what is sent to another host."""
        self.sending = False
        """Whether this commit has something for another host."""
        self.current: tuple[int, int] | None = None
        """(tenant, instance) of the step under way."""
        self.postbox.begin(self.batch, self.catalog.names, self.at)

    def is_suspended(self, tenant: int, definition: int) -> bool:
        """Whether nothing may be started of a definition."""
        return (tenant, definition) in self.suspended or (tenant, 0) in self.suspended

    def post(self, request: AnyRequest) -> None:
        """Stores a request in the inbox with this commit."""
        number = self.keys.take(self.at)
        row = (request.tenant, self.number, f"i:{number}", number, self.at, requests.encode(request))
        self.batch["inbox"].insert(number, row)
        self.inbox_waiting = True
        self.inbox_posted = True

    def carrier(self, type: str) -> Courier | None:
        """Who takes jobs of a type to their workers; None for those that workers ask for."""
        return self.courier if self.courier is not None and self.courier.carries(type) else None

    def mark_elsewhere(self) -> None:
        """Notes with this commit that instances of this shard may be on another host."""
        if not self.residents.elsewhere:
            self.residents.elsewhere = True
            self.batch["meta"].replace(("elsewhere",), ("elsewhere", 1))

    def lease(self, offer: Offer, due: int) -> None:
        """Leases a job to whoever it is taken to, at a time (Unix ms); its row says when it will count as lost. One
        that is leased already is sent again under the same lease: should both arrive, the first one counts."""
        assert self.courier is not None
        if not offer.token:
            offer.token = self.keys.take(self.at)
            offer.attempt += 1
        offer.deadline = due + self.courier.lost_ms
        row = (offer.deadline, offer.token, self.courier.host, offer.attempt, offer.tenant, offer.key)
        self.batch["job"].change("job_leased", row)

    def advance(self, resident: Resident, event: AnyEvent, target: Linked | None = None) -> Outcome:
        """Steps an instance by an event, and by what has to come before anything else for it.

        `target` is the program that a migration goes to."""
        if resident.host:
            return self.elsewhere(self, resident, event)
        state = resident.state
        self.current = (resident.tenant, state.instance)
        if self.failed and self.failed.pop(state.instance, None) is not None:
            self.batch["failure"].delete(state.instance, (resident.tenant, state.instance))
        queue = resident.queue
        if state.agenda and type(event) is not Continue:
            while state.agenda:
                self._step(resident, Continue())
                if queue and type(queue[0]) is Continue:
                    queue.popleft()
        outcome = self._step(resident, event, target)
        # An instance that yielded takes the answers to what it asked when it has gone on to its end.
        while queue and (not state.agenda or type(queue[0]) is Continue):
            self._step(resident, queue.popleft())
        if state.agenda:
            self.post(Deliver(state.tenant, state.instance, Continue(), True))
        resident.turns = 0
        return outcome

    def _step(self, resident: Resident, event: AnyEvent, target: Linked | None = None) -> Outcome:
        state = resident.state
        away = state.last_key >= BLOCKS
        key = self._blocks.behind(state.last_key, self.at, self.batch) if away else self.keys.peek(self.at)
        if target is None:
            outcome = step(resident.linked, state, event, self.at, key)
        else:
            outcome = step(resident.linked, state, event, self.at, key, target=target)
        if target is not None and not outcome.rejected:
            # What the commands of this step name are nodes of the program that it went over to.
            resident.linked = target
        facts = outcome.facts
        if facts:
            (self._blocks if away else self.keys).advance(outcome.last_key)
            self.record(resident, codec.encode_facts(facts))
        self.step_key = key
        for command in outcome.commands:
            self._carry(resident, command)
        return outcome

    def record(self, resident: Resident, data: bytes) -> None:
        """Stores the facts of the step that the state is behind."""
        state = resident.state
        row = (resident.tenant, state.instance, state.seq, state.at, data)
        stamp = self.residents.stamp
        if resident.written == stamp or state.seq == 1:
            self.batch.first.append(row)
        else:
            self.batch.next.append(row)
        resident.written = stamp
        if self.quotas.stored:
            self.quotas.wrote(resident.tenant, len(data))
        if self.books.feeding:
            self.books.stepped(resident.tenant, state.instance, state.seq)
        size = resident.bytes_facts = resident.bytes_facts + len(data)
        self.residents.charge(resident, len(data))
        if size > SNAPSHOT_BYTES_MIN and size > resident.bytes_snapshot:
            self._large[resident.tenant, state.instance] = resident

    def send(self, resident: Resident, what: Outgoing, *, home: int = 0, due: int = 0) -> int:
        """Stores what has to reach an instance on another host with this commit; gives the number of its row. `due` is
        in Unix ms."""
        number = self.keys.take(self.at)
        if not isinstance(what, Begin):
            what = msgspec.structs.replace(what, number=number)
        due = wall_ms() + DIRECT_MS if self.direct else due
        row = (resident.tenant, number, home or resident.home, due, codec.encode_json(what))
        self.batch["outbox"].insert((resident.tenant, number), row)
        self.sending = True
        return number

    def _wake_sender(self) -> None:
        if self.placement is not None:
            self.placement.wake()
        else:
            self.nobody_sends()

    def nobody_sends(self) -> None:
        """Says once that something waits for instances on another host, and that this engine does not have it."""
        if not self._warned:
            self._warned = True
            _LOG.warning(
                "%s: something waits for instances on another host, and this engine was opened without that host: it "
                "does not send it. It is kept until an engine with the host opens the store",
                self.store.name,
            )

    def sent(self, tenant: int, number: int) -> Outgoing | None:
        """What a row of the outbox says; None if it is gone."""
        rows = self.store.read("outbox_row", (tenant, number), OutboxRow)
        return codec.read(OUTGOING, rows[0].body) if rows else None

    def take_blocks(self, blocks: int) -> tuple[int, int]:
        """Keys that no other instance has: the first, and the one behind the last. A block has 4,096."""
        return self._blocks.take(blocks, self.at, self.batch)

    def _carry(self, resident: Resident, command: AnyCommand) -> None:
        self.carry[type(command)](self, resident, command)

    def go_on(self, resident: Resident) -> None:
        """An instance yielded: it continues at once, but not for ever in one commit."""
        resident.turns += 1
        if resident.turns <= TURNS_MAX:
            resident.queue.appendleft(Continue())

    def commit(self) -> None:
        """Makes the batch durable. Raises `Fenced` or `StoreError`."""
        self.postbox.write()
        self.books.write(self.batch, self.keys, self.at)
        self._snapshots()
        # What writes nothing was still answered from memory: that is worth something only while the shard is ours.
        if not self.batch and self._ours():
            return
        self.heartbeat()

    def _ours(self) -> bool:
        row = self.store.read("shard_read", (self.number,), ShardRow)[0]
        return row.epoch == self.epoch and wall_ms() < self.expires

    def heartbeat(self) -> None:
        """Commits the batch even if it is empty: the shard stays ours."""
        last = self.keys.peek(0) - 1
        expires = wall_ms() + self.lease_ms
        self.store.commit(Fence(self.number, self.epoch, last, expires, self.turn), self.batch)
        self.turn += self.turn >= 0
        self.expires = expires
        self.commits += 1

    def _snapshots(self) -> None:
        for place, resident in self._large.items():
            if resident.state.status is not Status.ACTIVE:
                continue
            data = dump(resident.state)
            row = (*place, resident.state.seq, codec.wrap(data))
            self.batch["snapshot"].replace(place, row)
            resident.bytes_snapshot = len(data)
            resident.bytes_facts = 0
        self._large.clear()

    def settle(self) -> None:
        """The commit is durable: jobs go on the board, what ended leaves the memory."""
        board = self.board
        for each in self.for_board:
            if isinstance(each, int):
                board.close(each)
            elif self.carrier(each.type) is not None:
                self._dispatch(each, self.at)
            else:
                board.add(each)
        for due, offer in self.for_wakes:
            if self.carrier(offer.type) is None:
                board.later(offer, due)
            elif offer.token:
                self._dispatch(offer, due)
        self.parcels += [Wake(self.number, due) for due in self.for_timers]
        for job, node in self.for_nodes:
            moved = board.offers.get(job)
            if moved is not None:
                moved.node = node
        for tenant, key in self.finished:
            self.residents.drop(tenant, key)
        self.postbox.settle()
        if self.sending:
            self._wake_sender()
        if self.deployed:
            self.postbox.starts_changed()
        self.residents.settle()

    def _dispatch(self, offer: Offer, due: int) -> None:
        resident = self.residents.working(offer.tenant, offer.instance)
        parcel = self.dispatch(self, resident, offer, due) if resident is not None else None
        if parcel is not None:
            self.parcels.append(parcel)

    def behind(self, row: ShardRow) -> None:
        """Others committed since this process did: nothing in memory counts but what never changes."""
        self.keys.advance(row.last_key)
        self.turn = row.turn
        self.forget()

    def undo(self) -> None:
        """The commit failed: nothing that it touched can be trusted."""
        self.residents.drop_touched()
        self.residents.look_elsewhere()
        self.postbox.forget()
        self.catalog.forget()
        self.books.forget()
        self._large.clear()
        self.failed = self._read_failed()
        self.suspended = self._read_suspended()
        self.batches = self._read_batches()
        self.parked = {}
        self.routes = self._read_routes()
        self.switches = Switches(self.store, self.span)
        self._blocks.forget()
        self.quotas.forget()
        self.weights.read(self.store, self.span, self.catalog.names)
        self.alarms = Alarms(self.store, self.span, self.weights)
        self.inbox_waiting = True

    def _read_failed(self) -> dict[int, str]:
        return {row.instance: row.text for row in self.store.read("failures", self.span, FailureRow)}

    def _read_suspended(self) -> set[tuple[int, int]]:
        return {(row.tenant, row.key) for row in self.store.read("suspended_definitions", self.span, KeyRow)}

    def next_batch(self) -> tuple[str, int] | None:
        """(tenant, batch) whose turn it is: tenants take turns, and so do the batches of each."""
        if not self.batches:
            return None
        tenant = next(iter(self.batches))
        keys = self.batches.pop(tenant)
        key = next(iter(keys))
        del keys[key]
        keys[key] = None
        self.batches[tenant] = keys
        return self.catalog.names[tenant], key

    def batch_over(self, tenant: int, key: int) -> None:
        """A batch has no next portion."""
        keys = self.batches.get(tenant, {})
        keys.pop(key, None)
        if not keys:
            self.batches.pop(tenant, None)

    def _read_batches(self) -> dict[int, dict[int, None]]:
        found: dict[int, dict[int, None]] = {}
        for row in self.store.read("batches_running", self.span, KeyRow):
            found.setdefault(row.tenant, {})[row.key] = None
        return found

    def _read_routes(self) -> Compiled | None:
        platform = self.catalog.tenants.get(PLATFORM)
        rows = self.store.read("record", (platform, ROUTES, ROUTES), RecordRow) if platform is not None else []
        return Compiled(read_routes(codec.decode_json(rows[0].body))) if rows else None

    def forget(self) -> None:
        """Trusts nothing in memory any more: somebody else owned the shard."""
        self.undo()
        self.residents.clear()
        self.board = self.board.emptied()


def _nowhere(shard: Shard, resident: Resident, event: AnyEvent) -> Outcome:
    raise AssertionError("nobody takes events to another host")


def _undispatched(shard: Shard, resident: Resident, offer: Offer, due: int) -> Parcel | None:
    raise AssertionError("nobody takes jobs to workers")


def _tz_release() -> str:
    release: object = getattr(import_module("tzdata"), "IANA_VERSION", "")
    return str(release)
