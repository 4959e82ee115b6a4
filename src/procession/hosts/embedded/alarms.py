"""Alarms: which tenant's timers are due, and whose turn it is (decision 13).

Of each tenant that has timers only the next due time is in memory; the rows stay in the store. A tenant with a million
timers due at once takes its turns like every other. Guarded by the pump's lock. What firing means lives elsewhere.
"""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from typing import final

from procession.hosts.embedded.weights import Weights
from procession.runtime.ports import Store
from procession.runtime.rows import DueRow, IntRow, TimerRow
from procession.runtime.tenants import Span


@final
class Alarms:
    """The timers of one shard. Times are Unix ms."""

    __slots__ = ("_due", "_heap", "_ring", "_served", "_store", "_weights")

    def __init__(self, store: Store, span: Span, weights: Weights | None = None) -> None:
        self._store = store
        self._weights = weights or Weights()
        self._due: dict[int, int] = {}
        """Tenant -> when its next timer is due, for those who wait in the heap."""
        self._heap: list[tuple[int, int]] = []
        self._ring: deque[int] = deque()
        """Tenants that have timers due, in the order of their turns."""
        self._served: list[int] = []
        for row in store.read("timer_tenants", span, DueRow):
            self.set(row.tenant, row.due)

    def set(self, tenant: int, due: int) -> None:
        """A tenant has a timer that is due then."""
        known = self._due.get(tenant)
        if known is None or due < known:
            self._due[tenant] = due
            heappush(self._heap, (due, tenant))

    def look(self, tenant: int) -> None:
        """A tenant's timers may have changed in any way."""
        self.set(tenant, 0)

    def next_due(self) -> int | None:
        """When the next timer may be due; None for never."""
        return 0 if self._ring or self._served else self._first()

    def take(self, now: int, limit: int) -> list[TimerRow]:
        """Timers that are due, at most `limit`, of each tenant its share. `taken` follows after their commit."""
        heap, ring = self._heap, self._ring
        while (due := self._first()) is not None and due <= now:
            tenant = heappop(heap)[1]
            del self._due[tenant]
            ring.append(tenant)
        found: list[TimerRow] = []
        if not ring:
            return found
        shares = self._weights.shares(ring, limit)
        for _ in range(len(ring)):
            left = limit - len(found)
            if not left:
                break
            tenant = ring[0]
            asked = min(shares[tenant], left)
            rows = self._store.read("timers_due", (tenant, now, asked), TimerRow)
            found += rows
            ring.popleft()
            if len(rows) == asked:
                ring.append(tenant)
            else:
                self._served.append(tenant)
        return found

    def taken(self) -> None:
        """What was taken is carried out and committed: those who have nothing due any more wait for their next."""
        while self._served:
            tenant = self._served[-1]
            for row in self._store.read("timer_next", (tenant,), IntRow):
                if row.value is not None:
                    self.set(tenant, row.value)
            self._served.pop()

    def _first(self) -> int | None:
        heap = self._heap
        while heap and self._due.get(heap[0][1]) != heap[0][0]:
            heappop(heap)
        return heap[0][0] if heap else None
