"""Who uses how much: the largest shares among very many tenants, in bounded memory.

Space-saving counters: a tenant that is not among those that are kept takes the place of the smallest, with its count,
so no large one is ever missed. All counts halve now and then, so a share is of the last minutes.
"""

from __future__ import annotations

import threading
import time
from typing import Final, final

KEPT: Final = 256
HALF_S: Final = 60.0


@final
class Shares:
    """Of one thing. Thread-safe."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._counts: dict[str, float] = {}
        self._total = 0.0
        self._halved = time.monotonic()
        self._lock = threading.Lock()

    def add(self, tenant: str, count: float = 1) -> None:
        """A tenant used so much."""
        with self._lock:
            counts = self._counts
            self._total += count
            if tenant in counts or len(counts) < self._kept:
                counts[tenant] = counts.get(tenant, 0.0) + count
                return
            smallest = min(counts, key=counts.__getitem__)
            counts[tenant] = counts.pop(smallest) + count

    def top(self, number: int) -> list[tuple[str, float]]:
        """The largest (tenant, share of all, 0 to 1)."""
        with self._lock:
            self._age()
            total = self._total
            if total < 0.5:
                return []
            largest = sorted(self._counts.items(), key=lambda each: -each[1])[:number]
        return [(tenant, min(1.0, count / total)) for tenant, count in largest]

    def _age(self) -> None:
        halves = int((time.monotonic() - self._halved) / HALF_S)
        if halves:
            self._halved += halves * HALF_S
            factor = 0.5 ** min(halves, 64)
            self._total *= factor
            self._counts = {tenant: count * factor for tenant, count in self._counts.items() if count * factor > 0.01}
