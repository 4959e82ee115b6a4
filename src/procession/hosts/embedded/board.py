"""The board: jobs on offer, by type and tenant, and the leases under which they are worked on.

A cache of the job rows that are due: new jobs come to it after their commit, the rest is read when a type runs empty.
Guarded by the pump's lock. What must not live here: variables, workers, and what a result means.
"""

from __future__ import annotations

from collections import OrderedDict
from copy import copy
from heapq import heappop, heappush
from itertools import islice
from typing import Final, final

from procession.hosts.embedded.weights import Weights
from procession.runtime.ports import Store
from procession.runtime.rows import HELD, DueRow, IntRow, JobRow
from procession.runtime.tenants import Span

READY_MAX: Final = 4_096
"""Jobs of one type and tenant held in memory; the rest stays in the store."""
PAGE: Final = 256


@final
class Offer:
    """A job on the board. `token` is 0 while nobody works on it, `deadline` (Unix ms) when its lease ends."""

    __slots__ = (
        "attempt",
        "backoff",
        "deadline",
        "element",
        "idempotency_key",
        "instance",
        "key",
        "listener",
        "node",
        "priority",
        "retries",
        "tenant",
        "token",
        "type",
    )

    def __init__(self, tenant: int, key: int, type: str, instance: int, element: int) -> None:
        self.tenant = tenant
        self.key = key
        self.type = type
        self.instance = instance
        self.element = element
        self.node = 0
        self.retries = 0
        self.attempt = 0
        self.priority = 0
        self.listener = -1
        self.idempotency_key = ""
        self.backoff: tuple[int, ...] | None = None
        """None: not known here, ask the program."""
        self.token = 0
        self.deadline = 0

    def unleased(self) -> Offer:
        """The same job as it was before its lease, for the time when that is durable."""
        offer = copy(self)
        offer.token = 0
        offer.deadline = 0
        offer.attempt = max(0, self.attempt - 1)
        return offer

    def __lt__(self, other: Offer) -> bool:
        """A job that was taken off and offered anew is in its queue twice; which comes first does not matter."""
        return False


@final
class _Queue:
    """The ready jobs of one type and tenant. `cursor` is where reading goes on; `more` whether it is worth it.

    A queue without jobs is not kept: a tenant that has nothing to do costs nothing here.
    """

    __slots__ = ("cursor", "heap", "more")

    def __init__(self) -> None:
        self.heap: list[tuple[int, int, Offer]] = []
        self.cursor: tuple[int, int] = (-1, 0)
        self.more = False


@final
class Board:
    """The jobs of one shard."""

    __slots__ = (
        "_freed",
        "_leases",
        "_looked",
        "_queues",
        "_span",
        "_store",
        "_token",
        "_wakes",
        "_woken",
        "offers",
        "weights",
    )

    def __init__(self, store: Store, epoch: int, span: Span) -> None:
        self._store = store
        self._span = span
        self.weights = Weights()
        self.offers: dict[int, Offer] = {}
        self._queues: dict[str, OrderedDict[int, _Queue]] = {}
        self._leases: list[tuple[int, int, int]] = []
        self._wakes: list[tuple[int, str, int]] = []
        self._woken: dict[tuple[str, int], int] = {}
        # Tokens of an earlier owner of the shard must never match.
        self._token = epoch << 32
        self._looked: dict[str, None] = {}
        self._freed: set[int] = set()

    def emptied(self) -> Board:
        """A board that knows nothing, and whose tokens match none that this one gave."""
        board = Board(self._store, 0, self._span)
        board._token = self._token
        board.weights = self.weights
        return board

    def look(self, type: str, now: int) -> None:
        """Makes a type known, so that its stored jobs are looked for, of those tenants that have any."""
        if type in self._looked:
            return
        for row in self._store.read("job_tenants", (*self._span, type), DueRow):
            if row.due <= now:
                self._queue(type, row.tenant).more = True
            elif row.due < HELD:
                self._wake_at(row.due, type, row.tenant)
        self._looked[type] = None

    def add(self, offer: Offer) -> None:
        """A job that became ready. It is left to the store when too many wait already."""
        queue = self._queue(offer.type, offer.tenant)
        if len(queue.heap) >= READY_MAX:
            queue.more = True
            return
        self.offers[offer.key] = offer
        heappush(queue.heap, (-offer.priority, offer.key, offer))

    def ready(self, type: str, tenant: int, now: int) -> int | None:
        """About how many jobs of a type are ready for a tenant; None where only the store knows. Takes no lock."""
        woken = self._woken.get((type, tenant), now + 1)
        lease = next(iter(self._leases), None)
        if type not in self._looked or woken <= now or (lease is not None and lease[0] <= now):
            return None
        queues = self._queues.get(type)
        queue = queues.get(tenant) if queues is not None else None
        if queue is None:
            return 0
        ready = len(queue.heap)
        return ready if not queue.more else ready + PAGE if ready else None

    def close(self, key: int) -> None:
        """A job is over. Whoever works on it will be told when he reports."""
        self.offers.pop(key, None)

    def later(self, offer: Offer, due: int) -> None:
        """A job waits until `due` (Unix ms; HELD for ever). Its row says so too."""
        self.offers.pop(offer.key, None)
        if due < HELD:
            self._wake_at(due, offer.type, offer.tenant)

    def take(self, type: str, limit: int, now: int, timeout: int, *, only: int | None = None) -> list[Offer]:
        """Leases up to `limit` ready jobs for `timeout` ms, in turns over the tenants by weight, or of one `only`."""
        self.wake(now)
        queues = self._queues.get(type)
        if not queues:
            return []
        taken: list[Offer] = []
        try:
            self._take_in_turns(queues, type, limit, now=now, only=only, taken=taken)
        except BaseException:
            # The store could not be read: what was taken until then is offered anew.
            for offer in taken:
                heappush(self._queue(type, offer.tenant).heap, (-offer.priority, offer.key, offer))
            raise
        deadline = now + timeout
        for offer in taken:
            self._token += 1
            offer.token = self._token
            offer.deadline = deadline
            offer.attempt += 1
            heappush(self._leases, (deadline, offer.key, offer.token))
        return taken

    def _take_in_turns(
        self, queues: OrderedDict[int, _Queue], type: str, limit: int, *, now: int, only: int | None, taken: list[Offer]
    ) -> None:
        waiting = list(islice(queues, limit)) if only is None else [only] if only in queues else []
        while waiting and len(taken) < limit:
            going_on: list[int] = []
            shares = self.weights.shares(waiting, limit - len(taken))
            for tenant in waiting:
                asked = min(shares[tenant], limit - len(taken))
                if not asked:
                    break
                queue = queues[tenant]
                self._take_some(queue, type, tenant, now=now, taken=taken, upto=len(taken) + asked)
                if queue.heap or queue.more:
                    # Behind the others: the next call begins with those who had no turn in this one.
                    queues.move_to_end(tenant)
                    going_on.append(tenant)
                else:
                    del queues[tenant]
            waiting = going_on

    def _take_some(self, queue: _Queue, type: str, tenant: int, *, now: int, taken: list[Offer], upto: int) -> None:
        while len(taken) < upto:
            if not queue.heap and not (queue.more and self._refill(queue, type, tenant, now)):
                return
            _, key, offer = heappop(queue.heap)
            # A job may have been closed, or taken under another entry, since it was queued.
            if self.offers.get(key) is offer and not offer.token:
                taken.append(offer)
        if queue.more and not queue.heap:
            # Read on now: until then only the store would know whether there are any.
            self._refill(queue, type, tenant, now)

    def put_back(self, offer: Offer) -> None:
        """A lease is given up without an attempt."""
        if self.offers.get(offer.key) is offer:
            offer.token = 0
            offer.attempt -= 1
            heappush(self._queue(offer.type, offer.tenant).heap, (-offer.priority, offer.key, offer))

    def extend(self, offer: Offer, deadline: int) -> None:
        """A lease ends later, or earlier."""
        offer.deadline = deadline
        if self.offers.get(offer.key) is offer:
            heappush(self._leases, (deadline, offer.key, offer.token))

    def wake(self, now: int) -> bool:
        """Offers the jobs anew whose lease or back-off is over; whether there were any."""
        found = self._expire(now)
        wakes = self._wakes
        while wakes and wakes[0][0] <= now:
            due, type, tenant = heappop(wakes)
            if self._woken.get((type, tenant)) != due:
                continue  # an earlier one came in between, and the store was asked for the next
            del self._woken[type, tenant]
            queue = self._queue(type, tenant)
            queue.more = True
            queue.cursor = (-1, 0)
            self._freed.add(tenant)
            found = True
        return found

    def woken(self) -> set[int]:
        """The tenants for whom a lease or a back-off was found to be over since this was asked last."""
        found, self._freed = self._freed, set()
        return found

    def _expire(self, now: int) -> bool:
        found = False
        leases = self._leases
        while leases and leases[0][0] <= now:
            _, key, token = heappop(leases)
            offer = self.offers.get(key)
            if offer is not None and offer.token == token and offer.deadline <= now:
                offer.token = 0
                heappush(self._queue(offer.type, offer.tenant).heap, (-offer.priority, offer.key, offer))
                self._freed.add(offer.tenant)
                found = True
        return found

    def next_due(self) -> int | None:
        """When (Unix ms) a back-off or a lease ends next, as far as the board knows."""
        leases = self._leases
        while leases and self._stale(*leases[0]):
            heappop(leases)
        times = [heap[0][0] for heap in (leases, self._wakes) if heap]
        return min(times) if times else None

    def _wake_at(self, due: int, type: str, tenant: int) -> None:
        """One time for each type and tenant is enough, however many jobs are in back-off: then the rows are read."""
        known = self._woken.get((type, tenant))
        if known is None or due < known:
            self._woken[type, tenant] = due
            heappush(self._wakes, (due, type, tenant))

    def _queue(self, type: str, tenant: int) -> _Queue:
        queues = self._queues.get(type)
        if queues is None:
            queues = self._queues[type] = OrderedDict()
        queue = queues.get(tenant)
        if queue is None:
            queue = queues[tenant] = _Queue()
        return queue

    def _stale(self, deadline: int, key: int, token: int) -> bool:
        offer = self.offers.get(key)
        return offer is None or offer.token != token or offer.deadline != deadline

    def _refill(self, queue: _Queue, type: str, tenant: int, now: int) -> bool:
        """Reads on in the store; True if it found any."""
        found = False
        while not found and queue.more:
            args = (tenant, type, now, *queue.cursor, PAGE)
            rows = self._store.read("jobs_ready", args, JobRow)
            for row in rows:
                if row.key not in self.offers:
                    offer = offer_of(row)
                    self.offers[row.key] = offer
                    heappush(queue.heap, (-offer.priority, offer.key, offer))
                    found = True
            if len(rows) == PAGE:
                queue.cursor = (rows[-1].due, rows[-1].key)
                continue
            # Read before anything is taken for done: should it fail, the next look begins anew.
            following = self._store.read("job_next_due", (tenant, type, now), IntRow)
            queue.more = False
            queue.cursor = (-1, 0)
            for later in following:
                if later.value is not None and later.value < HELD:
                    self._wake_at(later.value, type, tenant)
        return found


def offer_of(row: JobRow) -> Offer:
    """The offer that a row stands for."""
    offer = Offer(row.tenant, row.key, row.type, row.instance, row.element)
    offer.node = row.node
    offer.retries = row.retries
    offer.attempt = row.attempt
    offer.priority = row.priority
    offer.listener = row.listener
    offer.idempotency_key = row.idempotency_key
    return offer
