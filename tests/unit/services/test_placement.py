"""Silos and rates: which store a tenant lives in, and how fast it may ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import drawn as d
from procession import Engine
from procession.base.failure import Conflict, NotFound, ProcessionError, QuotaExceeded
from procession.runtime import requests as q
from procession.services.backend import Backend, Who
from procession.services.tenancy.limits import KIND
from procession.services.tenancy.placement import Backends, Silo
from procession.services.tenancy.rates import LIVES_S, Buckets, LimitedBackend
from procession.services.tenancy.usage import measure
from tenancy_rig import ADA, CANARY, backend_of, bytes_in, furnish


class Seconds:
    """A clock that stands still unless somebody moves it."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def opened(name: str, silo: Silo) -> AsyncIterator[Backend]:
    """A silo on a file."""
    with Engine(silo.store) as engine:
        async with backend_of(engine) as backend:
            yield backend


async def count(backend: Backend, tenant: str) -> int:
    return len(await backend.read(tenant, lambda reader: reader.views.instances(tenant)))


def deploy(tenant: str) -> q.DeployResources:
    return q.DeployResources(tenant, [d.one_task()])


def start(tenant: str) -> q.StartProcess:
    return q.StartProcess(tenant, "p", {"who": CANARY})


def test_a_tenant_with_a_silo_lives_in_a_store_of_its_own_and_so_do_its_environments(tmp_path: Path) -> None:
    (tmp_path / "pool").mkdir()
    (tmp_path / "silo").mkdir()
    silos = {"acme": Silo(str(tmp_path / "silo" / "e.db"))}
    clock = Seconds()

    async def run(pool: Engine) -> None:
        async with backend_of(pool) as pooled:
            backends = Backends(pooled, silos, opened, idle_s=10, clock=clock)
            assert [backends.silo(each) for each in ("acme", "acme:test", "acmes", "bolt")] == ["acme", "acme", "", ""]
            assert list(backends.open_silos) == []
            for tenant in ("acme", "acme:test"):
                await backends.ask(deploy(tenant), ADA)
            assert await backends.ask(q.AddTenant("bolt"), ADA) == 1
            found = await backends.ask_all([start("acme"), start("bolt"), start("acme:test")], ADA)
            assert [isinstance(each, NotFound) for each in found] == [False, True, False]
            assert [await count(backends, each) for each in ("acme", "acme:test", "bolt")] == [1, 1, 0]
            await backends.close_idle()
            assert list(backends.open_silos) == ["acme"]
            clock.now += 10
            async with backends.of("acme"):
                await backends.close_idle()
                assert list(backends.open_silos) == ["acme"], "somebody uses it"
            clock.now += 10
            await backends.close_idle()
            assert list(backends.open_silos) == []
            assert await count(backends, "acme") == 1, "it is opened again when somebody asks"
            await backends.close()

    with Engine(tmp_path / "pool" / "e.db") as pool:
        asyncio.run(run(pool))
    assert CANARY.encode() in bytes_in(tmp_path / "silo")
    assert CANARY.encode() not in bytes_in(tmp_path / "pool")


def test_a_silo_that_cannot_be_opened_is_the_trouble_of_its_tenant_alone(tmp_path: Path) -> None:
    async def run(pool: Engine) -> None:
        async with backend_of(pool) as pooled:
            backends = Backends(pooled, {"acme": Silo(str(tmp_path / "no" / "folder.db"))}, opened)
            with pytest.raises(ProcessionError):
                await backends.ask(deploy("acme"), ADA)
            await backends.ask(deploy("bolt"), ADA)
            await backends.close()

    with Engine() as pool:
        asyncio.run(run(pool))


def test_a_bucket_lets_a_rate_through_and_says_when_to_ask_again() -> None:
    clock = Seconds()
    buckets = Buckets(clock, kept_max=2)
    for _ in range(10):
        buckets.admit("a", "starts_per_second", 10)
        buckets.take("a", "starts_per_second", 10)
    with pytest.raises(QuotaExceeded, match="starts_per_second is 10") as caught:
        buckets.admit("a", "starts_per_second", 10)
    assert caught.value.retry_after_s == pytest.approx(0.1)
    clock.now += 0.1
    buckets.admit("a", "starts_per_second", 10)
    for tenant in "bcd":
        buckets.take(tenant, "starts_per_second", 10)
    assert len(buckets) == 2


def test_a_backend_holds_tenants_to_their_rates_and_learns_of_new_ones() -> None:
    clock = Seconds()

    async def run(engine: Engine) -> None:
        async with backend_of(engine) as inner:
            backend = LimitedBackend(inner, clock)
            await backend.ask(start("a"), ADA)
            limits = q.PutRecord("a", KIND, KIND, {"starts_per_second": 2, "jobs_per_second": 2})
            await backend.ask(limits, ADA)
            clock.now += LIVES_S
            found = await backend.ask_all([start("a"), start("b"), start("a"), start("a")], ADA)
            assert [isinstance(each, QuotaExceeded) for each in found] == [False, False, False, True]
            with pytest.raises(Conflict, match="ask again in"):
                await backend.ask(start("a"), ADA)
            clock.now += 1
            await backend.ask(start("a"), ADA)
            jobs = q.ActivateJobs("a", "work", 10, "w", 60_000)
            given = await backend.ask(jobs, ADA)
            assert isinstance(given, list)
            assert len(given) == 4
            with pytest.raises(QuotaExceeded, match="jobs_per_second"):
                await backend.ask(jobs, ADA)

    with Engine() as engine:
        for tenant in "ab":
            engine.deploy(d.one_task(), tenant=tenant)
        asyncio.run(run(engine))


def test_what_a_tenant_stores_is_measured_and_its_quota_goes_by_it() -> None:
    async def run(engine: Engine) -> None:
        async with backend_of(engine) as backend:
            usage = await measure(backend, "acme", Who("service:test"))
            assert usage.bytes == sum(usage.bytes_by_table.values()) > 1_000
            assert (usage.active_instances, usage.definitions) == (4, 2)
            limits = q.PutRecord("acme", KIND, KIND, {"storage_bytes": usage.bytes})
            await backend.ask(limits, ADA)
            with pytest.raises(QuotaExceeded, match="storage_bytes"):
                await backend.ask(q.PublishMessage("acme", "m", "", {}), ADA)
            with pytest.raises(NotFound):
                await measure(backend, "nobody")

    with Engine() as engine:
        furnish(engine, "acme")
        asyncio.run(run(engine))
