"""Tickets and the intake: requests that wait for the writer, taken fairly over tenants (decision 13).

The intake is deficit round robin with a cost of one a request, and turns as long as a tenant's weight says. While
several tenants ask, what one commit takes is bounded (`pace.py`). Thread-safe; nothing here runs a request.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias, final

from procession.base.failure import Busy
from procession.hosts.embedded.batches import RunBatch
from procession.hosts.embedded.neighbours import Neighbour, Neighbours
from procession.hosts.embedded.pace import Pace
from procession.runtime.requests import AnyRequest
from procession.services.copies import InstallCopy
from procession.services.deploy import InstallCompiled

InHouse: TypeAlias = AnyRequest | InstallCompiled | InstallCopy | RunBatch
"""What may be asked inside of this process; only the former can be sent to another one."""

QUANTUM: Final = 16
"""Requests of one tenant of weight 1 that are taken before the next tenant's."""
MIXED_S: Final = 5.0
"""How long commits stay small after requests of several tenants came: the next quiet one meets none that is full."""
WAITING_MAX: Final = 100_000
"""More requests than this are refused: the caller is told instead of the memory filling up."""


WAITING_TENANT_MAX: Final = 50_000
"""The same for the requests of one tenant, so that it leaves room for others."""


@final
class Ticket:
    """A request on its way, and what became of it. `inbox` is the number of its inbox row, 0 for none; `timer` is
    (tenant number, key) of the timer row that made it."""

    __slots__ = ("done", "error", "inbox", "queued_s", "request", "result", "source", "timer", "wake")

    def __init__(self, request: InHouse, inbox: int = 0, timer: tuple[int, int] | None = None) -> None:
        self.request = request
        self.inbox = inbox
        self.source: tuple[str, int] | None = None
        self.timer = timer
        self.wake: threading.Event | None = None
        """Set when the caller sleeps until the ticket is done, or until it is his turn to carry out requests."""
        self.queued_s = 0.0
        """When it was put into the intake, by the intake's clock."""
        self.done = False
        self.result: object = None
        self.error: Exception | None = None

    def finish(self) -> None:
        """The ticket is done: whoever sleeps for it is woken."""
        # In this order: a caller stores `wake` first and looks at `done` then, so one of the two sees the other.
        self.done = True
        if self.wake is not None:
            self.wake.set()

    def outcome(self) -> object:
        """The result, or raises what went wrong."""
        assert self.done, "the request was not carried out"
        if self.error is not None:
            raise self.error
        return self.result


@final
class Intake:
    """The queue before the writer."""

    __slots__ = (
        "_clock",
        "_count",
        "_last",
        "_left",
        "_lock",
        "_mixed_s",
        "_neighbours",
        "_pace",
        "_queues",
        "_taken",
        "_turn",
        "weights",
    )

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, counted: bool = False) -> None:
        """`clock` gives seconds. Where it is `counted` who took how much, `neighbours` tells it."""
        self._clock = clock
        self._lock = threading.Lock()
        self._queues: OrderedDict[str, deque[Ticket]] = OrderedDict()
        self._count = 0
        self.weights: Mapping[str, int] = {}
        """Tenant -> the weight of its turns, where it is another than 1. Looked up with every turn."""
        self._turn = ""
        """Whose turn it is: who is first in line, if the last commit ended in the middle of it."""
        self._left = 0
        """How many more requests it has."""
        self._last = ""
        """Who put something last."""
        self._mixed_s = clock() - MIXED_S
        """When somebody else than before put something last."""
        self._pace = Pace()
        self._taken: tuple[int, float] | None = None
        """How many were taken last and when, if others were left: whoever carries them out comes back at once."""
        self._neighbours = Neighbours() if counted else None

    def __len__(self) -> int:
        return self._count

    def put(self, tickets: Sequence[Ticket]) -> None:
        """Queues tickets. Raises `Busy` when too much waits already."""
        with self._lock:
            if self._count >= WAITING_MAX:
                raise Busy(f"{self._count} requests wait already; try again when some are done")
            queues = self._queues
            now = self._clock()
            for tenant in dict.fromkeys(ticket.request.tenant for ticket in tickets):
                if tenant != self._last:
                    self._mixed_s = now if self._last else self._mixed_s
                    self._last = tenant
                if len(queues.get(tenant, ())) >= WAITING_TENANT_MAX:
                    raise Busy(f"{WAITING_TENANT_MAX} requests of this tenant wait already; try again later")
            for ticket in tickets:
                tenant = ticket.request.tenant
                queue = queues.get(tenant)
                if queue is None:
                    queue = queues[tenant] = deque()
                ticket.queued_s = now
                queue.append(ticket)
                self._count += 1

    def promote(self) -> None:
        """Wakes one caller whose request waits, so that he carries it out, and what waits beside it."""
        with self._lock:
            for queue in self._queues.values():
                if queue and queue[0].wake is not None:
                    queue[0].wake.set()
                    return

    def withdraw(self, tickets: Sequence[Ticket]) -> None:
        """Takes back what was not begun: its caller is gone, and must not be told one thing while another happens."""
        gone = set(map(id, tickets))
        with self._lock:
            for tenant, queue in list(self._queues.items()):
                left = deque(ticket for ticket in queue if id(ticket) not in gone)
                self._count -= len(queue) - len(left)
                if left:
                    self._queues[tenant] = left
                else:
                    del self._queues[tenant]

    def take(self, limit: int) -> list[Ticket]:
        """The next requests, at most `limit`. A tenant whose turn is over goes behind the others."""
        taken: list[Ticket] = []
        with self._lock:
            queues = self._queues
            now = self._clock()
            most, round_of = self._bounds(limit, now)
            while queues and len(taken) < most:
                tenant, queue = next(iter(queues.items()))
                if self._turn != tenant or not self._left:
                    self._turn, self._left = tenant, self._quantum(tenant, round_of)
                room = most - len(taken)
                count = min(len(queue), room, self._left) if len(queues) > 1 else min(len(queue), room)
                if self._neighbours is not None:
                    # The first waited longest and the last shortest; what lies between is not worth a look at each.
                    first, last = now - queue[0].queued_s, now - queue[count - 1].queued_s
                    self._neighbours.took(tenant, count, (first + last) / 2 * count, first)
                taken += [queue.popleft() for _ in range(count)]
                self._left = max(0, self._left - count)
                if not queue:
                    del queues[tenant]
                    self._left = 0
                elif not self._left:
                    queues.move_to_end(tenant)
            self._count -= len(taken)
            self._taken = (len(taken), now) if queues else None
        return taken

    def neighbours(self) -> list[Neighbour]:
        """Who took how much since the process began, and how long it waited; the busiest first."""
        if self._neighbours is None:
            return []
        with self._lock:
            return self._neighbours.snapshot()

    def _bounds(self, limit: int, now: float) -> tuple[int, int]:
        """How many requests the next commit may take, and how many make one round over the tenants (0: no bound)."""
        if self._taken is not None:
            self._pace.note(self._taken[0], now - self._taken[1])
        if now - self._mixed_s >= MIXED_S:
            return limit, 0
        cap = self._pace.cap(limit)
        # Whoever waits has at least one: more tenants than this would wait for the next commit, and not for each other.
        # A round is one of whole commits: turns that a smaller one cuts short would always be the same tenant's.
        return min(limit, max(self._pace.next(cap), len(self._queues))), cap

    def _quantum(self, tenant: str, round_of: int) -> int:
        weight = self.weights.get(tenant, 1)
        if not round_of:
            return QUANTUM * weight
        weights = self.weights
        total = sum(weights.get(each, 1) for each in self._queues) if weights else len(self._queues)
        # Whole multiples of the weight: rounding would give the light ones more or less than their share.
        return weight * min(QUANTUM, max(1, round_of // total))
