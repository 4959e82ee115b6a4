"""Neighbours: who takes how much of a writer, and how long whose requests wait. Bounded: the busiest have names.

Guarded by whoever counts. What must not live here: what is done about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, final

import msgspec

NAMED_MAX: Final = 100
"""Tenants that are told apart; the counts of the others are added up."""
OTHERS: Final = "<others>"


@final
class Neighbour(msgspec.Struct, frozen=True, gc=False):
    """What one tenant took since the process began. `share` is its part of all `requests`; times in seconds."""

    tenant: str
    requests: int
    share: float
    waited_s: float
    waited_max_s: float


@final
class Neighbours:
    """Counts by tenant, in this process. What was counted for a tenant before it was named stays with the others."""

    __slots__ = ("_counts", "_max", "_others", "_total")

    def __init__(self, named_max: int = NAMED_MAX) -> None:
        self._max = named_max
        self._total = 0
        self._counts: dict[str, list[float]] = {}
        self._others: list[float] = [0, 0.0, 0.0]

    def took(self, tenant: str, requests: int, waited_s: float, waited_max_s: float) -> None:
        """A commit takes so many requests of a tenant, which waited so long in all, and at most."""
        self._total += requests
        counts = self._counts.get(tenant)
        if counts is None:
            if len(self._counts) >= 2 * self._max:
                self._fold()
            counts = self._counts[tenant] = [0, 0.0, 0.0]
        _add(counts, requests, waited_s, waited_max_s)

    def snapshot(self) -> list[Neighbour]:
        """The busiest first, then the others together if there are any."""
        ranked = sorted(self._counts.items(), key=_requests, reverse=True)
        others = list(self._others)
        for _, counts in ranked[self._max :]:
            _add(others, *counts)
        found = [self._neighbour(tenant, counts) for tenant, counts in ranked[: self._max]]
        return [*found, self._neighbour(OTHERS, others)] if others[0] else found

    def _fold(self) -> None:
        ranked = sorted(self._counts.items(), key=_requests, reverse=True)
        for tenant, counts in ranked[self._max :]:
            _add(self._others, *counts)
            del self._counts[tenant]

    def _neighbour(self, tenant: str, counts: list[float]) -> Neighbour:
        requests, waited_s, waited_max_s = counts
        share = requests / self._total if self._total else 0.0
        return Neighbour(tenant, int(requests), round(share, 4), round(waited_s, 6), round(waited_max_s, 6))


def together(parts: Iterable[Sequence[Neighbour]]) -> list[Neighbour]:
    """What several places counted: shares are of all of it, and the busiest come first."""
    found = [each for part in parts for each in part]
    total = sum(each.requests for each in found)
    shared = [msgspec.structs.replace(each, share=round(each.requests / total, 4)) for each in found]
    return sorted(shared, key=lambda each: each.requests, reverse=True)


def _add(counts: list[float], requests: float, waited_s: float, waited_max_s: float) -> None:
    counts[0] += requests
    counts[1] += waited_s
    counts[2] = max(counts[2], waited_max_s)


def _requests(item: tuple[str, list[float]]) -> float:
    return item[1][0]
