"""Several shards in one store, shared by engines: each tenant has one writer, and whoever dies is followed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import pytest

from procession import Temporal
from procession.base.failure import NotFound, StoreError
from procession.hosts.embedded import ownership, pumps
from procession.hosts.embedded.engine import Engine
from procession.runtime.rows import LeaseRow
from procession.runtime.tenants import shard_of_name, shard_of_number
from procession.store.sqlite import SQLiteStore
from web_rig import XML

SHARDS: Final = 4
TENANTS: Final = [f"t{number}" for number in range(24)]


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A store of several shards."""
    path = tmp_path / "shared.db"
    SQLiteStore(path, shards=SHARDS).close()
    return path


def deployed(engine: Engine) -> Engine:
    for tenant in TENANTS:
        engine.deploy(("p.bpmn", XML.encode()), tenant=tenant)
    return engine


def owned(engine: Engine) -> set[int]:
    return {pump.number for pump in engine.pumps.all if pump.shard is not None}


def settled(one: Engine, other: Engine) -> None:
    """Both look until each has its share."""
    for _ in range(4):
        for engine in (one, other):
            engine.pumps._next_look = engine.pumps._next_say = 0.0
            for pump in engine.pumps.all:
                pump._aside_ms = 0 if len(owned(engine)) < SHARDS // 2 else pump._aside_ms
            engine.pumps.keep()


def test_a_lone_engine_takes_all_shards_and_each_tenant_is_in_its_own(shared: Path) -> None:
    with deployed(Engine(shared)) as engine:
        assert owned(engine) == set(range(SHARDS))
        keys = {tenant: engine.start("p", tenant=tenant).key for tenant in TENANTS}
        for tenant, key in keys.items():
            shard = shard_of_name(tenant, SHARDS)
            assert key >> 53 == shard
            number = engine.reader().views.tenant(tenant)
            assert number is not None
            assert shard_of_number(number) == shard
        assert len({key >> 53 for key in keys.values()}) == SHARDS


def test_workers_do_the_jobs_of_every_shard(shared: Path) -> None:
    with deployed(Engine(shared)) as engine:
        done: list[str] = []

        @engine.worker("work")
        def work() -> None:
            done.append("once")

        for tenant in TENANTS:
            engine.start("p", tenant=tenant)
        assert engine.run_until_idle()
        assert len(done) == len(TENANTS)
        assert all(engine.counts(tenant=tenant) == {"completed": 1} for tenant in TENANTS)


def test_two_engines_share_the_shards_and_ask_each_other(shared: Path) -> None:
    with deployed(Engine(shared)) as one, Engine(shared, call_timeout=20) as other:
        settled(one, other)
        assert owned(one) | owned(other) == set(range(SHARDS))
        assert not owned(one) & owned(other)
        assert len(owned(one)) == len(owned(other)) == SHARDS // 2
        one.serve(threads=0)
        other.serve(threads=0)
        keys = {tenant: (one, other)[number % 2].start("p", tenant=tenant).key for number, tenant in enumerate(TENANTS)}
        for tenant, key in keys.items():
            assert one.instance(key, tenant=tenant).state == "active"
            assert other.jobs(tenant=tenant)[0].instance == key


def test_what_an_engine_held_is_taken_over_when_it_is_gone(shared: Path) -> None:
    one = deployed(Engine(shared))
    with Engine(shared) as other:
        settled(one, other)
        one.close()
        settled(other, other)
        assert owned(other) == set(range(SHARDS))
        assert all(other.start("p", tenant=tenant).state == "active" for tenant in TENANTS)


def test_an_engine_that_lost_a_shard_asks_its_new_owner(shared: Path) -> None:
    with deployed(Engine(shared)) as one, Engine(shared, takeover=True, call_timeout=20) as other:
        other.serve(threads=0)
        assert all(one.start("p", tenant=tenant).state == "active" for tenant in TENANTS)
        assert owned(one) | owned(other) == set(range(SHARDS))
        assert not owned(one) & owned(other)


def test_leases_of_all_shards_are_renewed_in_one_statement(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Engine(shared) as engine:
        before = {row.shard: row.expires for row in engine.store.read("shards", (), LeaseRow)}
        later = max(before.values()) - ownership.SHARED_LEASE_MS // 4
        monkeypatch.setattr(pumps, "wall_ms", lambda: later)
        engine.pumps._next_look = 0.0
        engine.pumps.keep()
        after = {row.shard: row.expires for row in engine.store.read("shards", (), LeaseRow)}
        assert all(after[shard] == later + ownership.SHARED_LEASE_MS for shard in before)


def test_a_foreign_tenant_is_not_found_in_any_shard(shared: Path) -> None:
    with deployed(Engine(shared)) as engine:
        key = engine.start("p", tenant="t0").key
        for tenant in TENANTS[1:]:
            with pytest.raises(NotFound):
                engine.instance(key, tenant=tenant)


def test_another_host_is_refused_a_store_of_several_shards(shared: Path) -> None:
    with pytest.raises(StoreError, match="one shard"):
        Engine(shared, host=Temporal("127.0.0.1:1"))


def test_a_backend_asks_every_shard(shared: Path) -> None:
    from procession.hosts.embedded.backend import EngineBackend
    from procession.runtime.requests import StartProcess
    from procession.services.backend import Who

    async def asked(engine: Engine) -> list[object]:
        backend = EngineBackend(engine)
        try:
            requests = [StartProcess(tenant, "p", {}) for tenant in TENANTS]
            return await backend.ask_all(requests, Who("user:test"))
        finally:
            await backend.close()

    with deployed(Engine(shared)) as engine:
        found = asyncio.run(asked(engine))
        assert all(isinstance(each, int) for each in found)
