"""Tickets and the intake: requests that wait for the writer, taken fairly over tenants (decision 13).

The intake is deficit round robin with a cost of one a request. Thread-safe; nothing here runs a request.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import Final, TypeAlias, final

from procession.base.failure import Busy
from procession.hosts.embedded.batches import RunBatch
from procession.runtime.requests import AnyRequest
from procession.services.deploy import InstallCompiled

InHouse: TypeAlias = AnyRequest | InstallCompiled | RunBatch
"""What may be asked inside of this process; only the former can be sent to another one."""

QUANTUM: Final = 16
"""Requests of one tenant that are taken before the next tenant's."""
WAITING_MAX: Final = 100_000
"""More requests than this are refused: the caller is told instead of the memory filling up."""


WAITING_TENANT_MAX: Final = 50_000
"""The same for the requests of one tenant, so that it leaves room for others."""


@final
class Ticket:
    """A request on its way, and what became of it. `inbox` is the number of its inbox row, 0 for none; `timer` is
    (tenant number, key) of the timer row that made it."""

    __slots__ = ("done", "error", "inbox", "request", "result", "source", "timer", "wake")

    def __init__(self, request: InHouse, inbox: int = 0, timer: tuple[int, int] | None = None) -> None:
        self.request = request
        self.inbox = inbox
        self.source: tuple[str, int] | None = None
        self.timer = timer
        self.wake: threading.Event | None = None
        """Set when the caller sleeps until the ticket is done, or until it is his turn to carry out requests."""
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

    __slots__ = ("_count", "_lock", "_queues")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queues: dict[str, deque[Ticket]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def put(self, tickets: Sequence[Ticket]) -> None:
        """Queues tickets. Raises `Busy` when too much waits already."""
        with self._lock:
            if self._count >= WAITING_MAX:
                raise Busy(f"{self._count} requests wait already; try again when some are done")
            queues = self._queues
            for tenant in dict.fromkeys(ticket.request.tenant for ticket in tickets):
                if len(queues.get(tenant, ())) >= WAITING_TENANT_MAX:
                    raise Busy(f"{WAITING_TENANT_MAX} requests of this tenant wait already; try again later")
            for ticket in tickets:
                tenant = ticket.request.tenant
                queue = queues.get(tenant)
                if queue is None:
                    queue = queues[tenant] = deque()
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
            while queues and len(taken) < limit:
                tenant = next(iter(queues))
                queue = queues.pop(tenant)
                quantum = limit - len(taken) if not queues else min(QUANTUM, limit - len(taken))
                while queue and quantum:
                    taken.append(queue.popleft())
                    quantum -= 1
                if queue:
                    queues[tenant] = queue
            self._count -= len(taken)
        return taken
