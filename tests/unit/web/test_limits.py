"""The buckets by which requests of a tenant are counted."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from procession.services.access import TooMany
from procession.services.tenancy.limits import NONE, Limits, completed
from procession.web import limits
from procession.web.limits import BUCKETS_MAX, FRESH_S, Limiter, Rate, RatesOfTenants, SameForAll


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Kept:
    """Rates by tenant, and how often they were asked for."""

    def __init__(self, **rates: Rate) -> None:
        self.rates = rates
        self.asked: list[str] = []

    async def rate(self, tenant: str) -> Rate | None:
        """The rate of a tenant."""
        self.asked.append(tenant)
        return self.rates.get(tenant)


def taken(limiter: Limiter, tenant: str, times: int) -> int:
    """How many of so many requests at once are let in."""

    async def run() -> int:
        found = 0
        for _ in range(times):
            try:
                await limiter.take(tenant)
                found += 1
            except TooMany:
                continue
        return found

    return asyncio.run(run())


REFILLS: Final = [(0.0, 0), (0.09, 0), (0.1, 1), (0.25, 2), (1.0, 5), (1_000.0, 5)]


@pytest.mark.parametrize(("seconds", "more"), REFILLS)
def test_a_bucket_holds_its_burst_and_is_filled_by_its_rate(seconds: float, more: int) -> None:
    clock = Clock()
    limiter = Limiter(SameForAll(10, burst=5), clock)
    assert taken(limiter, "a", 100) == 5
    clock.now = min(seconds, FRESH_S)
    assert taken(limiter, "a", 100) == more
    assert taken(limiter, "b", 100) == 5


def test_without_a_rate_everybody_is_let_in() -> None:
    limiter = Limiter(SameForAll(0), Clock())
    assert taken(limiter, "a", 1_000) == 1_000
    assert asyncio.run(limiter.take("a")) == {}


def test_a_rate_is_asked_for_once_in_a_while_and_a_new_one_gives_nothing_back() -> None:
    clock, kept = Clock(), Kept(a=Rate(0.01, 5))
    limiter = Limiter(kept, clock)
    assert taken(limiter, "a", 10) == 5
    kept.rates["a"] = Rate(0.01, 50)
    clock.now = FRESH_S
    assert taken(limiter, "a", 10) == 0
    assert kept.asked == ["a"]
    clock.now = FRESH_S + 0.1
    assert taken(limiter, "a", 10) == 0
    assert kept.asked == ["a", "a"]
    del kept.rates["a"]
    clock.now = 3 * FRESH_S
    assert taken(limiter, "a", 10) == 10


def test_tenants_that_are_idle_cost_nothing_and_who_is_busy_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BUCKETS_MAX", 10)
    limiter = Limiter(SameForAll(0.001, burst=3), Clock())
    assert len(limiter) == 0

    async def run() -> None:
        await limiter.take("busy")
        for number in range(100):
            await limiter.take(f"t{number}")
            if number in {5, 10}:
                await limiter.take("busy")

    asyncio.run(run())
    assert len(limiter) == 10
    assert BUCKETS_MAX == 10_000


def test_the_rate_of_a_tenant_is_that_of_its_limits_and_the_settings_fill_what_they_leave_open() -> None:
    own = {"a": Limits(requests_per_second=3), "b": Limits()}

    async def limits_of(tenant: str) -> Limits:
        return completed(own[tenant], Limits(requests_per_second=5, active_instances=7))

    rates = RatesOfTenants(limits_of, 5, burst=20)
    assert asyncio.run(rates.rate("a")) == Rate(3, 3)
    assert asyncio.run(rates.rate("b")) == Rate(5, 20)

    async def no_limits(tenant: str) -> Limits:
        return completed(own["b"], NONE)

    assert asyncio.run(RatesOfTenants(no_limits, 0).rate("b")) is None
