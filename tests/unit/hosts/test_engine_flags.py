"""Behaviour flags in two phases: a store is switched, instances keep what they were started with (decision 18)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

import drawn as d
from flag_rig import know
from host_rig import FakeClock, opened
from procession import Engine, Flags
from procession.base.failure import Conflict, NotFound, ProcessionError, StoreError
from procession.core import flags
from procession.ir.kinds import Kind
from procession.runtime import codec
from procession.services.audit import AuditEntry, AuditViews, Which
from procession.services.backend import Who
from procession.store.sqlite import SQLiteStore


def flags_of(engine: Engine, instance: int, tenant: str = "<default>") -> int:
    return engine.reader().views.load(tenant, instance).state.flags


def test_a_flag_that_this_version_does_not_know_cannot_be_switched_on() -> None:
    with opened() as engine, pytest.raises(Conflict, match="knows no behaviour flags"):
        engine.switch(7)


def test_a_switched_flag_is_recorded_by_what_starts_from_then_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    know(monkeypatch, 3, "a behaviour of a test")
    with opened(tmp_path / "e.db") as engine:
        engine.deploy(d.one_task())
        before = engine.start("p").key
        engine.switch(3)
        after = engine.start("p").key
    with opened(tmp_path / "e.db") as engine:
        later = engine.start("p").key
        engine.switch()
        last = engine.start("p").key
        assert [flags_of(engine, key) for key in (before, after, later, last)] == [0, 8, 8, 0]


def timed() -> tuple[str, bytes]:
    drawn = d.process(
        "p",
        "a -> t, t -> m, m -> b",
        a=d.start(),
        t=d.catch(d.on_timer("duration", "PT1S")),
        m=d.catch(d.on_message("news")),
        b=d.end(),
    )
    return "p.bpmn", d.document(drawn, roots=d.message("news", "news", "&quot;all&quot;"))


def test_after_a_rollback_what_is_ahead_stays_where_it_is_and_everything_else_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeClock()
    with monkeypatch.context() as next_release:
        know(next_release, 3, "a behaviour of the next release")
        with opened(tmp_path / "e.db", clock) as engine:
            engine.deploy(timed(), d.one_task("q"))
            engine.switch(3)
            ahead, job_ahead = engine.start("p"), engine.start("q").jobs[0].key
    with opened(tmp_path / "e.db", clock) as engine:
        here, beside = engine.start("p"), engine.start("q")
        done: list[int] = []
        engine.worker("work")(lambda job: done.append(job.instance))
        clock.pass_by(2)
        engine.run_until_idle()
        assert flags_of(engine, here.key) == 0
        assert here.tokens == {"m": 1}
        assert done == [beside.key]
        with pytest.raises(StoreError, match="newer version"):
            flags_of(engine, ahead.key)
        with pytest.raises(ProcessionError, match=r"stays where it was.*newer version"):
            engine.complete_job(job_ahead)
        assert "newer version" in engine.instance(ahead.key).info.failure
    know(monkeypatch, 3, "a behaviour of the next release")
    clock.pass_by(61)
    with opened(tmp_path / "e.db", clock) as engine:
        engine.run_until_idle()
        assert engine.instance(ahead.key).tokens == {"m": 1}
        engine.complete_job(job_ahead)
        engine.publish("news", "all")
        engine.publish("news", "all")
        assert engine.counts() == {"completed": 4}
        assert engine.faults() == []


def test_what_an_instance_that_is_ahead_should_get_is_kept_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message, and the result of a called process, reach it when a build that can read it is back."""
    waiting = d.process("p", "a -> m, m -> b", a=d.start(), m=d.catch(d.on_message("news")), b=d.end())
    caller = d.process("c", "a -> x, x -> b", "c_", a=d.start(), x=d.call("child"), b=d.end())
    child = d.process("child", "a -> w, w -> b", "d_", a=d.start(), w=d.service("work"), b=d.end())
    model = d.document(waiting, caller, child, roots=d.message("news", "news", "&quot;all&quot;"))
    clock = FakeClock()
    with monkeypatch.context() as next_release, opened(tmp_path / "e.db", clock) as engine:
        know(next_release, 3, "a behaviour of the next release")
        engine.deploy(("p.bpmn", model))
        engine.switch(3)
        ahead = [engine.start("p").key, engine.start("c").key]
        called = engine.instance(ahead[1]).children[0]
    make_readable(tmp_path / "e.db", called.key)
    with opened(tmp_path / "e.db", clock) as engine:
        assert engine.publish("news", "all", {"x": 1})
        engine.complete_job(engine.instance(called.key).jobs[0].key, {"done": True})
        engine.run_until_idle()
        assert engine.instance(called.key).state == "completed"
        assert [engine.instance(key).state for key in ahead] == ["active", "active"]
        assert len([each for each in engine.faults() if each.request]) == 2
        assert len(engine.jobs()) == 0
    know(monkeypatch, 3, "a behaviour of the next release")
    with opened(tmp_path / "e.db", clock) as engine:
        engine.run_until_idle()
        assert [engine.instance(key).state for key in ahead] == ["completed", "completed"]
        assert [engine.instance(key).variables for key in ahead] == [{"x": 1}, {"done": True}]
        assert engine.faults() == []


def make_readable(path: Path, instance: int) -> None:
    """Takes the flag from one stored instance, as if it had started before the switch."""
    with closing(sqlite3.connect(path)) as connection:
        where = "WHERE instance = ? AND seq = 1"
        ((data,),) = connection.execute(f"SELECT data FROM procession_fact {where}", (instance,)).fetchall()
        first, *rest = codec.decode_facts(data)
        plain = codec.encode_facts([msgspec.structs.replace(first, flags=0), *rest])
        connection.execute(f"UPDATE procession_fact SET data = ? {where}", (plain, instance))
        connection.commit()


# --- tenants


@pytest.mark.parametrize(
    ("cell", "tenant", "expected"),
    [
        ((), {}, {"<default>": 0, "acme": 0, "beta": 0}),
        ((3,), {}, {"<default>": 8, "acme": 8, "beta": 8}),
        ((), {"acme": "on"}, {"<default>": 0, "acme": 8, "beta": 0}),
        ((3,), {"acme": "off"}, {"<default>": 8, "acme": 0, "beta": 8}),
        ((3,), {"acme": "off", "beta": "on"}, {"<default>": 8, "acme": 0, "beta": 8}),
    ],
)
def test_a_tenant_may_be_ahead_of_its_cell_or_held_back(
    cell: tuple[int, ...],
    tenant: dict[str, str],
    expected: dict[str, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    know(monkeypatch, 3)

    def started(engine: Engine) -> dict[str, int]:
        return {name: flags_of(engine, engine.start("p", tenant=name).key, name) for name in expected}

    with opened(tmp_path / "e.db") as engine:
        for name in expected:
            engine.deploy(d.one_task(), tenant=name)
        switch = Flags(engine)
        for number in cell:
            switch.on(number)
        for name, how in tenant.items():
            {"on": switch.on, "off": switch.off}[how](3, tenant=name)
        assert started(engine) == expected
    with opened(tmp_path / "e.db") as engine:
        assert started(engine) == expected
        switch = Flags(engine)
        for name in tenant:
            switch.follow(3, tenant=name)
        assert set(started(engine).values()) == {8 if cell else 0}
        switch.off(3)
        assert set(started(engine).values()) == {0}


def test_a_called_process_has_the_flags_of_its_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    """On every host: the switch came between the start of one and of the other."""
    know(monkeypatch, 3)
    caller = d.process("c", "a -> w, w -> x, x -> b", "c_", a=d.start(), w=d.service("first"), x=d.call("p"), b=d.end())
    with opened() as engine:
        engine.deploy(d.one_task(), ("c.bpmn", d.document(caller)))
        old = engine.start("c")
        Flags(engine).on(3)
        new = engine.start("c")
        for each in (old, new):
            engine.complete_job(each.jobs[0].key)
        engine.run_until_idle()
        assert [flags_of(engine, each.children[0].key) for each in (old, new)] == [0, 8]


def test_switches_are_listed_with_what_they_change_and_stand_in_the_audit_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    know(monkeypatch, 3, "a fork takes its flows backwards", name="forks")
    with opened(tmp_path / "e.db") as engine:
        engine.deploy(d.one_task(), tenant="acme")
        switch = Flags(engine, Who("user:ada"))
        switch.on(3, tenant="acme")
        switch.on(3)
        switch.off(3)
        [found] = switch.list()
        assert (found.number, found.name, found.cell) == (3, "forks", False)
        assert (found.ahead, found.back) == (["acme"], [])
        said = [each.said for name in ("acme", "<platform>") for each in logged(engine, name)]
        assert [(each.who, each.what, each.on) for each in said if each.what == "SwitchFlag"] == [
            ("user:ada", "SwitchFlag", {"number": 3, "how": "on"}),
            ("user:ada", "SwitchFlag", {"number": 3, "how": "on"}),
            ("user:ada", "SwitchFlag", {"number": 3, "how": "off"}),
        ]
        monkeypatch.delitem(flags.KNOWN, 3)
        assert [(each.number, each.known, each.ahead) for each in switch.list()] == [(3, False, ["acme"])]
        assert flags_of(engine, engine.start("p", tenant="acme").key, "acme") == 0


def logged(engine: Engine, tenant: str) -> list[AuditEntry]:
    reader = engine.reader()
    return AuditViews(engine.store, reader.views).listed(tenant, Which()).entries


@pytest.mark.parametrize(
    ("number", "how", "tenant", "error", "text"),
    [
        (7, "on", "", Conflict, "knows no behaviour flag 7"),
        (7, "off", "acme", Conflict, "knows no behaviour flag 7"),
        (3, "on", "nobody", NotFound, "no tenant 'nobody'"),
        (4, "off", "", Conflict, "assumed since 10.0"),
        (4, "off", "acme", Conflict, "assumed since 10.0"),
    ],
)
def test_what_cannot_be_switched_is_refused(
    number: int, how: str, tenant: str, error: type[Exception], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    know(monkeypatch, 3)
    know(monkeypatch, 4, assumed="10.0")
    with opened() as engine:
        engine.deploy(d.one_task(), tenant="acme")
        switch = Flags(engine)
        with pytest.raises(error, match=text):
            {"on": switch.on, "off": switch.off}[how](number, tenant=tenant)


def test_in_a_store_of_several_shards_every_shard_hears_of_the_switch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    know(monkeypatch, 3)
    SQLiteStore(tmp_path / "e.db", shards=3).close()
    with opened(tmp_path / "e.db") as engine:
        names = [f"tenant-{number}" for number in range(8)]
        for name in names:
            engine.deploy(d.one_task(), tenant=name)
        Flags(engine).on(3)
        Flags(engine).off(3, tenant=names[0])
        assert [flags_of(engine, engine.start("p", tenant=name).key, name) for name in names] == [0, *[8] * 7]


# --- a release that has no code of the old behaviour any more


def test_a_flag_that_is_assumed_is_on_and_what_was_started_without_it_is_refused_where_it_matters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeClock()
    with opened(tmp_path / "e.db", clock) as engine:
        engine.deploy(timed(), d.one_task("q"))
        affected, other = engine.start("p"), engine.start("q")
    know(monkeypatch, 3, affects=flags.kinds(Kind.INTERMEDIATE_CATCH_EVENT), name="catches", assumed="10.0")
    clock.pass_by(61)
    with opened(tmp_path / "e.db", clock) as engine:
        engine.run_until_idle()
        assert "without behaviour flag 3 (catches), and from 10.0 on" in engine.instance(affected.key).info.failure
        engine.complete_job(engine.instance(other.key).jobs[0].key)
        assert engine.instance(other.key).state == "completed"
        later = engine.start("p")
        assert flags_of(engine, later.key) == 8
        assert later.state == "active"
