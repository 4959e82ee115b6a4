"""Quotas that the writer keeps: exact, whoever asks, after a restart and after a commit that failed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import drawn as d
from host_rig import FakeClock, FaultyStore, opened, shard_of
from procession import Engine
from procession.base.failure import BadValue, Conflict, QuotaExceeded, StoreError
from procession.runtime import requests as q
from procession.runtime.ports import Batch
from procession.services.tenancy.limits import KIND
from procession.services.tenancy.usage import STORAGE, USAGE
from procession.store.sqlite import SQLiteStore

T = "acme"
CALLS = d.document(
    d.process("p", "a -> c, c -> b", a=d.start(), c=d.call("q"), b=d.end()),
    d.process("q", "a -> t, t -> b", "q_", a=d.start(), t=d.user(), b=d.end()),
)


def asked(request: q.Plain) -> q.Asked:
    return q.Asked(T, request, "user:ada")


def limited(engine: Engine, **limits: int) -> None:
    engine.pump.call(asked(q.PutRecord(T, KIND, KIND, dict(limits))))


def tenant(path: Path | None = None, /, **limits: int) -> Engine:
    engine = Engine(path or ":memory:", clock=FakeClock())
    engine.deploy(d.one_task(), tenant=T)
    limited(engine, **limits)
    return engine


def test_no_more_instances_are_active_than_the_quota_says_and_an_end_makes_room(tmp_path: Path) -> None:
    with tenant(tmp_path / "e.db", active_instances=3) as engine:
        engine.start_many("p", [{}] * 3, tenant=T)
        with pytest.raises(QuotaExceeded, match="active_instances is 3"):
            engine.start("p", tenant=T)
    with opened(tmp_path / "e.db") as engine:
        with pytest.raises(Conflict, match="active_instances is 3"):
            engine.start("p", tenant=T)
        engine.complete_job(engine.jobs(tenant=T)[0].key, tenant=T)
        engine.start("p", tenant=T)
        with pytest.raises(QuotaExceeded):
            engine.start("p", tenant=T)
        limited(engine, active_instances=4)
        engine.start("p", tenant=T)
        engine.pump.call(asked(q.DeleteRecord(T, KIND, KIND)))
        engine.start_many("p", [{}] * 5, tenant=T)
        assert engine.counts(tenant=T)["active"] == 9


@given(st.lists(st.sampled_from(["start", "start", "end", "fail", "reopen"]), max_size=15))
def test_the_count_is_exact_whatever_happens(steps: Sequence[str]) -> None:
    store = FaultyStore(SQLiteStore(":memory:"))
    with Engine(store=store, clock=FakeClock()) as engine:
        engine.deploy(d.one_task(), tenant=T)
        limited(engine, active_instances=4)
        open_: list[int] = []

        def broken(batch: Batch) -> None:
            raise StoreError("the disk is full")

        for step in steps:
            if step == "start":
                try:
                    open_.append(engine.start("p", tenant=T).key)
                except QuotaExceeded:
                    assert len(open_) == 4
            elif step == "end" and open_:
                engine.instance(open_.pop(), tenant=T).cancel()
            elif step == "fail":
                store.before = broken
                with pytest.raises((StoreError, QuotaExceeded)):
                    engine.start("p", tenant=T)
                store.before = None
            elif step == "reopen":
                shard_of(engine).forget()
            assert len(open_) <= 4
            assert engine.counts(tenant=T).get("active", 0) == len(open_)


def test_a_called_process_is_counted_and_never_refused() -> None:
    with Engine(clock=FakeClock()) as engine:
        engine.deploy(("p.bpmn", CALLS), tenant=T)
        limited(engine, active_instances=2)
        engine.start("p", tenant=T)
        assert engine.counts(tenant=T) == {"active": 2}
        with pytest.raises(QuotaExceeded):
            engine.start("p", tenant=T)
        limited(engine, active_instances=3)
        engine.start("p", tenant=T)
        assert engine.counts(tenant=T) == {"active": 4}


@pytest.mark.parametrize(
    ("limits", "request_", "named"),
    [
        ({"payload_bytes": 20}, q.StartProcess(T, "p", {"x": "y" * 30}), "payload_bytes is 20"),
        ({"definitions": 1}, q.DeployResources(T, [d.one_task()]), "definitions is 1"),
        ({"storage_bytes": 1}, q.PublishMessage(T, "m", "", {}), "storage_bytes is 1"),
    ],
)
def test_what_is_too_much_is_refused_with_the_name_of_the_quota(
    limits: dict[str, int], request_: q.Plain, named: str
) -> None:
    with tenant(**limits) as engine:
        if "storage_bytes" in limits:
            engine.pump.call(asked(q.PutRecord(T, USAGE, STORAGE, {"bytes": 1})))
        with pytest.raises(QuotaExceeded, match=named):
            engine.pump.call(asked(request_))
        assert engine.start("p", tenant=T).state == "active"


@pytest.mark.parametrize(("kind", "quota"), [("webhook", "webhooks"), ("key", "keys")])
def test_records_are_counted_also_those_of_the_same_commit(kind: str, quota: str) -> None:
    with tenant(**{quota: 2}) as engine:
        engine.pump.call(asked(q.PutRecord(T, kind, "a", {})))
        engine.pump.call(asked(q.PutRecord(T, kind, "a", {"again": True})))
        with pytest.raises(QuotaExceeded, match=f"{quota} is 2"):
            engine.pump.call_all([asked(q.PutRecord(T, kind, id, {})) for id in "bc"])
        engine.pump.call(asked(q.DeleteRecord(T, kind, "a")))
        engine.pump.call(asked(q.PutRecord(T, kind, "d", {})))


def test_what_a_tenant_writes_counts_for_its_storage_until_it_is_measured_again() -> None:
    with tenant(storage_bytes=2_000) as engine:
        start = asked(q.StartProcess(T, "p", {"x": "y" * 1_000}))
        engine.pump.call(start)
        engine.pump.call(start)
        with pytest.raises(QuotaExceeded, match="storage_bytes"):
            engine.pump.call(start)
        engine.pump.call(asked(q.PutRecord(T, USAGE, STORAGE, {"bytes": 0})))
        engine.pump.call(asked(q.StartProcess(T, "p", {})))


@pytest.mark.parametrize("body", [{"weight": 0}, {"weight": 101}, {"instances": 3}, {"keys": -1}, [], "x"])
def test_limits_that_are_none_are_refused(body: Any) -> None:
    with tenant() as engine, pytest.raises(BadValue, match="no limits"):
        engine.pump.call(asked(q.PutRecord(T, KIND, KIND, body)))


def test_a_tenant_without_limits_is_not_counted() -> None:
    with Engine(clock=FakeClock()) as engine:
        engine.deploy(d.one_task(), tenant=T)
        engine.start_many("p", [{}] * 10, tenant=T)
        quotas = shard_of(engine).quotas
        assert (quotas._active, quotas.stored) == ({}, {})
