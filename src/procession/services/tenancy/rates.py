"""Rates of tenants at the door of a process: token buckets, and a backend that asks them first.

Each process counts for itself: with three processes behind a balancer a tenant has up to three times its rate. What a
tenant may have in all is the writer's business (`Limits`). A tenant that does not ask has no bucket.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, TypeVar, cast, final

from procession.base.failure import BadValue, QuotaExceeded
from procession.runtime import requests as q
from procession.runtime.ports import Cells
from procession.runtime.requests import Plain
from procession.services.backend import Backend, News, Who
from procession.services.reading import Reader
from procession.services.tenancy.limits import KIND, NONE, Limits, completed, limits_of

_T = TypeVar("_T")

LIVES_S: Final = 5.0
"""How long the limits of a tenant are used before they are read again."""
KEPT_MAX: Final = 10_000
BURST_S: Final = 1.0
"""What a tenant did not use in so many seconds it may use at once."""
RATES: Final[dict[type[Plain], str]] = {q.StartProcess: "starts_per_second", q.ActivateJobs: "jobs_per_second"}
"""Request -> the rate that counts it. Asking for jobs counts as many as were given."""


@final
class Buckets:
    """Token buckets by (tenant, rate). Belongs to one event loop. `clock` gives seconds."""

    __slots__ = ("_buckets", "_clock", "_kept_max")

    def __init__(self, clock: Callable[[], float] = time.monotonic, kept_max: int = KEPT_MAX) -> None:
        self._clock = clock
        self._kept_max = kept_max
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()
        """(tokens, when that was so). One that is not there is full."""

    def __len__(self) -> int:
        return len(self._buckets)

    def left(self, tenant: str, rate: str, per_second: int) -> float:
        """How many tokens there are; below 1 nothing may be asked."""
        now = self._clock()
        tokens, then = self._buckets.get((tenant, rate), (per_second * BURST_S, now))
        return min(per_second * BURST_S, tokens + (now - then) * per_second)

    def take(self, tenant: str, rate: str, per_second: int, count: int = 1) -> None:
        """Takes tokens, more than there are if it must be: then the tenant waits longer for the next ones."""
        place = (tenant, rate)
        self._buckets[place] = (self.left(tenant, rate, per_second) - count, self._clock())
        self._buckets.move_to_end(place)
        while len(self._buckets) > self._kept_max:
            self._buckets.popitem(last=False)

    def admit(self, tenant: str, rate: str, per_second: int) -> None:
        """Raises `QuotaExceeded`, which says when to ask again, while there is no token."""
        left = self.left(tenant, rate, per_second)
        if left < 1 - 1e-9:
            wait = (1 - left) / per_second
            raise QuotaExceeded(f"this tenant's quota {rate} is {per_second}; ask again in {wait:.3f} s", wait)


@final
class LimitedBackend:
    """A `services.backend.Backend` before another one, which holds tenants to their rates."""

    __slots__ = ("_buckets", "_clock", "_defaults", "_inner", "_limits")

    def __init__(self, inner: Backend, clock: Callable[[], float] = time.monotonic, *, defaults: Limits = NONE) -> None:
        """`defaults` are the quotas of tenants whose own limits do not say any."""
        self._inner = inner
        self._defaults = defaults
        self._clock = clock
        self._buckets = Buckets(clock)
        self._limits: OrderedDict[str, tuple[float, Limits]] = OrderedDict()

    async def limits(self, tenant: str) -> Limits:
        """What a tenant may have, as of a few seconds ago."""
        now = self._clock()
        known = self._limits.get(tenant)
        if known is not None and now - known[0] < LIVES_S:
            return known[1]
        try:
            found = await self._inner.read(tenant, lambda reader: limits_in(reader, tenant))
        except BadValue:
            # Of a newer version: what it does not know it cannot keep.
            found = NONE
        limits = completed(found, self._defaults)
        self._limits[tenant] = (now, limits)
        self._limits.move_to_end(tenant)
        while len(self._limits) > KEPT_MAX:
            self._limits.popitem(last=False)
        return limits

    async def ask(self, request: Plain, who: Who) -> object:
        """See `Backend.ask`. Raises `QuotaExceeded` for one too many."""
        rate, per_second = await self._rate(request)
        if not per_second:
            return await self._inner.ask(request, who)
        self._buckets.admit(request.tenant, rate, per_second)
        if not isinstance(request, q.ActivateJobs):
            self._buckets.take(request.tenant, rate, per_second)
            return await self._inner.ask(request, who)
        found = await self._inner.ask(request, who)
        self._buckets.take(request.tenant, rate, per_second, _count(found))
        return found

    async def ask_all(self, requests: Sequence[Plain], who: Who) -> list[object]:
        """See `Backend.ask_all`. In the place of a result stands the `QuotaExceeded` of one too many."""
        refused: dict[int, QuotaExceeded] = {}
        for place, request in enumerate(requests):
            rate, per_second = await self._rate(request)
            if not per_second:
                continue
            try:
                self._buckets.admit(request.tenant, rate, per_second)
                self._buckets.take(request.tenant, rate, per_second)
            except QuotaExceeded as error:
                refused[place] = error
        asked = [request for place, request in enumerate(requests) if place not in refused]
        answers = iter(await self._inner.ask_all(asked, who))
        return [refused[place] if place in refused else next(answers) for place in range(len(requests))]

    async def _rate(self, request: Plain) -> tuple[str, int]:
        """The rate that counts a request, and how much of it the tenant has a second; 0 for as much as it wants."""
        rate = RATES.get(type(request), "")
        return rate, getattr(await self.limits(request.tenant), rate) if rate else 0

    async def read(self, tenant: str, question: Callable[[Reader], _T]) -> _T:
        """See `Backend.read`."""
        return await self._inner.read(tenant, question)

    async def write(self, tenant: str, statement: str, rows: Sequence[Cells]) -> None:
        """See `Backend.write`."""
        await self._inner.write(tenant, statement, rows)

    def news(self, tenant: str, after: int) -> AsyncIterator[News]:
        """See `Backend.news`."""
        return self._inner.news(tenant, after)

    async def moved(self, tenant: str, seen: int, seconds: float) -> int:
        """See `Backend.moved`."""
        return await self._inner.moved(tenant, seen, seconds)

    def awaited(self, tenant: str, types: Sequence[str]) -> dict[str, int]:
        """See `Backend.awaited`."""
        return self._inner.awaited(tenant, types)

    def runs(self, tenant: str, instance: int) -> bool:
        """See `Backend.runs`."""
        return self._inner.runs(tenant, instance)


def _count(found: object) -> int:
    return len(cast("list[object]", found)) if isinstance(found, list) else 0


def limits_in(reader: Reader, tenant: str) -> Limits:
    """What a tenant may have, as it is stored."""
    record = reader.records.find(tenant, KIND, KIND)
    return limits_of(record.body) if record is not None else NONE
