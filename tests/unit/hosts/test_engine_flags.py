"""Behaviour flags in two phases: a store is switched, instances keep what they were started with (decision 18)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

import drawn as d
from host_rig import FakeClock, opened
from procession import Engine
from procession.base.failure import Conflict, ProcessionError, StoreError
from procession.core import flags
from procession.runtime import codec


def flags_of(engine: Engine, instance: int) -> int:
    return engine.reader().views.load("<default>", instance).state.flags


def test_a_flag_that_this_version_does_not_know_cannot_be_switched_on() -> None:
    with opened() as engine, pytest.raises(Conflict, match="knows no behaviour flags"):
        engine.switch(7)


def test_a_switched_flag_is_recorded_by_what_starts_from_then_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(flags.KNOWN, 3, "a behaviour of a test")
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
        next_release.setitem(flags.KNOWN, 3, "a behaviour of the next release")
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
    monkeypatch.setitem(flags.KNOWN, 3, "a behaviour of the next release")
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
        next_release.setitem(flags.KNOWN, 3, "a behaviour of the next release")
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
    monkeypatch.setitem(flags.KNOWN, 3, "a behaviour of the next release")
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
