"""How many requests a tenant may make: a token bucket for each that is busy, in this process alone.

A tenant that asks nothing has no bucket. What must not live here: who asks, and where a tenant's rate is kept.
"""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable
from typing import Final, Protocol, final

import msgspec

from procession.services.access import TooMany
from procession.services.tenancy.limits import Limits

BUCKETS_MAX: Final = 10_000
"""Buckets of one process; the one that was asked longest ago goes first."""
FRESH_S: Final = 5.0
"""How long a tenant's rate is believed before it is asked for again."""


@final
class Rate(msgspec.Struct, frozen=True):
    """Requests per second, and how many of them may come at once."""

    per_second: float
    burst: int


class Rates(Protocol):
    """Tells the rate of a tenant."""

    async def rate(self, tenant: str) -> Rate | None:
        """The rate of a tenant; None for no bound."""
        ...


@final
class SameForAll:
    """The rate of a server's settings, for every tenant."""

    def __init__(self, per_second: float, burst: int = 0) -> None:
        """`per_second` 0 is no bound; `burst` 0 are the requests of one second."""
        self._rate = Rate(per_second, burst or max(1, math.ceil(per_second))) if per_second else None

    async def rate(self, tenant: str) -> Rate | None:
        """See `Rates.rate`."""
        return self._rate


@final
class RatesOfTenants:
    """The rate that a tenant's limits say, which may be that of the server's settings."""

    def __init__(self, limits: Callable[[str], Awaitable[Limits]], per_second: int, burst: int = 0) -> None:
        """`burst` belongs to the settings' `per_second`; 0, and with other rates, it is the requests of one second."""
        self._limits = limits
        self._usual = (per_second, burst)

    async def rate(self, tenant: str) -> Rate | None:
        """See `Rates.rate`."""
        per_second = (await self._limits(tenant)).requests_per_second
        usual, burst = self._usual
        return Rate(per_second, (burst if per_second == usual else 0) or per_second) if per_second else None


@final
class _Bucket:
    __slots__ = ("at", "known", "left", "rate")

    def __init__(self, rate: Rate | None, now: float) -> None:
        self.rate = rate
        self.left = float(rate.burst) if rate is not None else 0.0
        self.at = self.known = now


@final
class Limiter:
    """The buckets of one process. Belongs to one event loop."""

    __slots__ = ("_buckets", "_clock", "_rates")

    def __init__(self, rates: Rates, clock: Callable[[], float] = time.monotonic) -> None:
        self._rates = rates
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def __len__(self) -> int:
        return len(self._buckets)

    async def take(self, tenant: str) -> dict[str, str]:
        """Counts a request; gives the headers that tell what is left. Raises `TooMany`."""
        bucket = self._buckets.pop(tenant, None)
        now = self._clock()
        if bucket is None or now - bucket.known > FRESH_S:
            bucket = _renewed(bucket, await self._rates.rate(tenant), now)
        while len(self._buckets) >= BUCKETS_MAX:
            del self._buckets[next(iter(self._buckets))]
        # At the end again, so that the first is the one that was asked longest ago.
        self._buckets[tenant] = bucket
        rate = bucket.rate
        if rate is None:
            return {}
        bucket.left = min(rate.burst, bucket.left + (now - bucket.at) * rate.per_second)
        bucket.at = now
        if bucket.left < 1:
            seconds = math.ceil((1 - bucket.left) / rate.per_second)
            raise TooMany(f"the tenant's limit of {rate.per_second:g} requests a second is reached", seconds)
        bucket.left -= 1
        return _headers(rate, bucket.left)

    def told(self, tenant: str) -> dict[str, str]:
        """The headers of a tenant that has just been refused."""
        bucket = self._buckets.get(tenant)
        return _headers(bucket.rate, bucket.left) if bucket is not None and bucket.rate is not None else {}


def _renewed(old: _Bucket | None, rate: Rate | None, now: float) -> _Bucket:
    fresh = _Bucket(rate, now)
    if old is not None and old.rate is not None and rate is not None:
        fresh.left, fresh.at = min(old.left, float(rate.burst)), old.at
    return fresh


def _headers(rate: Rate, left: float) -> dict[str, str]:
    """draft-ietf-httpapi-ratelimit-headers: what is left (`r`), and in how many seconds all is there again (`t`)."""
    window = math.ceil(rate.burst / rate.per_second)
    again = math.ceil((rate.burst - left) / rate.per_second)
    return {
        "RateLimit-Policy": f'"tenant";q={rate.burst};w={window}',
        "RateLimit": f'"tenant";r={int(left)};t={again}',
    }
