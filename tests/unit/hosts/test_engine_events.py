"""Messages, signals and timers through the engine: who gets what, once, and when."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import drawn as d
from host_rig import FakeClock, check_stored, opened, shard_of
from procession import Engine, Instance
from procession.base.failure import Conflict
from procession.core.facts import TimerSkipped
from procession.core.timers import date_time_ms
from procession.parse.dialects.zeebe import PROCESSION


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def engine(tmp_path: Path, clock: FakeClock) -> Iterator[Engine]:
    with opened(tmp_path / "e.db", clock) as opened_engine:
        yield opened_engine


def waiting(id: str = "p") -> str:
    return d.process(id, "a -> m, m -> b", id, a=d.start(), m=d.catch(d.on_message("m1")), b=d.end())


def by_message(id: str = "p") -> str:
    return d.process(id, "a -> w, w -> b", a=d.start(d.on_message("m1")), w=d.service("work"), b=d.end())


GO = d.message("m1", "go", "key")


def test_a_message_goes_to_the_instance_with_its_key(engine: Engine) -> None:
    engine.deploy(("p.bpmn", d.document(waiting(), roots=GO)))
    one, two = engine.start_many("p", [{"key": "1"}, {"key": "2"}])
    engine.publish("go", "2", {"got": True})
    assert (one.state, two.state) == ("active", "completed")
    assert two.variables == {"key": "2", "got": True}
    engine.publish("go", "2")
    engine.publish("stop", "1")
    assert one.state == "active"


def test_a_buffered_message_waits_for_its_instance_in_order_until_its_time_is_over(
    engine: Engine, clock: FakeClock
) -> None:
    engine.deploy(("p.bpmn", d.document(waiting(), roots=GO)))
    engine.publish("go", "k", {"n": 1}, ttl=60)
    engine.publish("go", "k", {"n": 2}, ttl="PT2M")
    engine.publish("go", "k", {"n": 3}, ttl="PT3M")
    assert engine.start("p", {"key": "k"}).variables["n"] == 1
    clock.pass_by(121)
    engine.run_until_idle()
    assert engine.start("p", {"key": "k"}).variables["n"] == 3
    assert engine.start("p", {"key": "k"}).state == "active"


def test_a_buffered_message_outlives_the_engine(tmp_path: Path, clock: FakeClock) -> None:
    with opened(tmp_path / "e.db", clock) as engine:
        engine.deploy(("p.bpmn", d.document(waiting(), roots=GO)))
        engine.publish("go", "k", {"n": 1}, ttl=60, message_id="x")
    with opened(tmp_path / "e.db", clock) as engine:
        with pytest.raises(Conflict, match="'x'"):
            engine.publish("go", "k", ttl=60, message_id="x")
        assert engine.start("p", {"key": "k"}).state == "completed"
        assert engine.start("p", {"key": "k"}).state == "active"


def test_a_message_goes_once_to_each_process(engine: Engine) -> None:
    engine.deploy(("p.bpmn", d.document(waiting("p"), waiting("q"), roots=GO)))
    instances = engine.start_many("p", [{"key": "k"}] * 2) + engine.start_many("q", [{"key": "k"}] * 2)
    engine.publish("go", "k")
    assert [each.state for each in instances] == ["completed", "active"] * 2


def test_a_message_goes_once_to_all_versions_of_a_process(engine: Engine) -> None:
    engine.deploy(("p.bpmn", d.document(waiting(), roots=GO)))
    old = engine.start("p", {"key": "k"})
    engine.deploy(("p.bpmn", d.document(waiting(), roots=GO) + b"\n"))
    new = engine.start("p", {"key": "k"})
    engine.publish("go", "k", ttl=60)
    assert (old.state, new.state) == ("completed", "active")


def test_a_message_starts_the_latest_version_alone(engine: Engine) -> None:
    engine.deploy(("p.bpmn", d.document(by_message(), roots=d.message("m1", "go"))))
    engine.deploy(("p.bpmn", d.document(by_message(), roots=d.message("m1", "go")) + b"\n"))
    engine.publish("go", "", {"a": 1})
    assert [(each.info.version, each.variables) for each in engine.instances()] == [(2, {"a": 1})]


def test_a_start_by_message_is_held_back_while_one_of_the_same_key_lives(tmp_path: Path) -> None:
    clock = FakeClock()
    with opened(tmp_path / "e.db", clock) as engine:
        engine.deploy(("p.bpmn", d.document(by_message(), roots=d.message("m1", "go"))))
        for n in range(3):
            engine.publish("go", "k", {"n": n}, ttl=600)
        engine.publish("go", "other", {"n": 9})
        assert [each.variables["n"] for each in engine.instances()] == [0, 9]
    with opened(tmp_path / "e.db", clock) as engine:
        engine.complete_job(engine.instances()[0].jobs[0].key)
        assert sorted(str(each.variables["n"]) for each in engine.instances()) == ["0", "1", "9"]
        engine.instances()[-1].cancel()
        assert len(engine.instances()) == 4
        assert engine.counts() == {"active": 2, "completed": 1, "terminated": 1}


def test_starts_by_a_message_without_a_key_are_never_held_back(engine: Engine) -> None:
    engine.deploy(("p.bpmn", d.document(by_message(), roots=d.message("m1", "go"))))
    engine.publish("go")
    engine.publish("go")
    assert len(engine.instances()) == 2


def test_an_evicted_instance_still_gets_its_message(engine: Engine) -> None:
    engine.deploy(("p.bpmn", d.document(waiting(), roots=GO)))
    instance = engine.start("p", {"key": "k"})
    shard_of(engine).residents.clear()
    engine.publish("go", "k")
    assert instance.state == "completed"


def test_a_signal_goes_to_all_who_wait_and_starts_who_starts_by_it(engine: Engine) -> None:
    catching = d.process("p", "a -> m, m -> b", a=d.start(), m=d.catch(d.on_signal("s1")), b=d.end())
    starting = d.process("q", "a -> b", "q_", a=d.start(d.on_signal("s1")), b=d.end())
    engine.deploy(("p.bpmn", d.document(catching, starting, roots=d.signal("s1", "alarm"))))
    instances = engine.start_many("p", [{}, {}])
    assert engine.broadcast("alarm", {"loud": True}) == 3
    assert [each.state for each in instances] == ["completed", "completed"]
    assert [each.variables for each in engine.instances(process_id="q")] == [{"loud": True}]
    assert engine.broadcast("alarm") == 1


def test_a_signal_that_an_instance_throws_reaches_the_others(engine: Engine) -> None:
    catching = d.process("p", "a -> m, m -> b", a=d.start(), m=d.catch(d.on_signal("s1")), b=d.end())
    throwing = d.process("q", "a -> t, t -> b", "q_", a=d.start(), t=d.throw(d.on_signal("s1")), b=d.end())
    engine.deploy(("p.bpmn", d.document(catching, throwing, roots=d.signal("s1", "alarm"))))
    instance = engine.start("p")
    engine.start("q")
    assert instance.state == "completed"


def test_a_timer_fires_when_it_is_due_and_never_early(engine: Engine, clock: FakeClock) -> None:
    timed = d.process("p", "a -> t, t -> b", a=d.start(), t=d.catch(d.on_timer("duration", "PT10M")), b=d.end())
    engine.deploy(("p.bpmn", d.document(timed)))
    instance = engine.start("p")
    clock.pass_by(599.999)
    engine.run_until_idle()
    assert instance.state == "active"
    clock.pass_by(0.001)
    engine.run_until_idle()
    assert instance.state == "completed"


def test_a_timer_survives_the_engine(tmp_path: Path, clock: FakeClock) -> None:
    timed = d.process("p", "a -> t, t -> b", a=d.start(), t=d.catch(d.on_timer("duration", "PT10M")), b=d.end())
    with opened(tmp_path / "e.db", clock) as engine:
        engine.deploy(("p.bpmn", d.document(timed)))
        key = engine.start("p").key
    clock.pass_by(10_000)
    with opened(tmp_path / "e.db", clock) as engine:
        engine.run_until_idle()
        assert engine.instance(key).state == "completed"


def test_a_timer_of_an_element_that_ended_never_fires(engine: Engine, clock: FakeClock) -> None:
    timed = d.process(
        "p",
        "a -> w, w -> b, late -> c",
        a=d.start(),
        w=d.service("work"),
        b=d.end(),
        late=d.boundary("w", d.on_timer("duration", "PT1M")),
        c=d.end(),
    )
    engine.deploy(("p.bpmn", d.document(timed)))
    one, two = engine.start_many("p", [{}, {}])
    engine.complete_job(one.jobs[0].key)
    clock.pass_by(60)
    engine.run_until_idle()
    ends = [[e.element_id for e in each.history if e.kind == "done"][-2] for each in (one, two)]
    assert ends == ["b", "c"]
    assert engine.jobs() == []


def test_a_start_timer_starts_instances_until_a_new_version_comes(engine: Engine, clock: FakeClock) -> None:
    def timed(cycle: str) -> tuple[str, bytes]:
        drawn = d.process("p", "a -> b", a=d.start(d.on_timer("cycle", cycle)), b=d.end())
        return "p.bpmn", d.document(drawn)

    engine.deploy(timed("R3/PT1H"))
    for _ in range(5):
        clock.pass_by(3_600)
        engine.run_until_idle()
    assert len(engine.instances()) == 3
    engine.deploy(timed("R/PT1H"))
    clock.pass_by(3_600)
    engine.run_until_idle()
    engine.deploy(timed("R/PT2H"))
    clock.pass_by(3_600)
    engine.run_until_idle()
    assert len(engine.instances()) == 4
    # What lay in a downtime is caught up once and the rest is skipped.
    clock.pass_by(100 * 3_600)
    engine.run_until_idle()
    assert len(engine.instances()) == 5


def skips(instance: Instance) -> list[int]:
    return [entry.fact.skipped for entry in instance.history if isinstance(entry.fact, TimerSkipped)]


@pytest.mark.parametrize(
    ("cycle", "expected"),
    [
        ("R3/PT1H", [[2]]),
        ("R9/PT1H", [[5], []]),
        ("R/PT1H", [[5], []]),
        ("0 0 * * * *", [[5], []]),
        ("R3/PT1H!", [[], [], []]),
    ],
    ids=["all in the downtime", "bounded", "unbounded", "cron", "catching up"],
)
def test_what_a_start_timer_skips_is_a_fact_of_the_instance_that_it_starts(
    engine: Engine, clock: FakeClock, cycle: str, expected: list[list[int]]
) -> None:
    timer = d.on_timer("cycle", cycle.rstrip("!"))
    if cycle.endswith("!"):
        catching_up = 'xmlns:procession="NAMESPACE" procession:catchUp="all" id='.replace("NAMESPACE", PROCESSION)
        timer = timer.replace("id=", catching_up, 1)
    drawn = d.process("p", "a -> b", a=d.start(timer), b=d.end())
    engine.deploy(("p.bpmn", d.document(drawn)))
    clock.pass_by(6 * 3_600 + 60)
    engine.run_until_idle()
    clock.pass_by(3_600)
    engine.run_until_idle()
    assert [skips(each) for each in engine.instances()] == expected


def test_a_start_timer_at_a_date_starts_once(engine: Engine, clock: FakeClock) -> None:
    drawn = d.process("p", "a -> b", a=d.start(d.on_timer("date", "2026-01-02T00:00:00Z")), b=d.end())
    engine.deploy(("p.bpmn", d.document(drawn)))
    clock.at = date_time_ms("2026-01-02T00:00:00Z", "UTC") - 1
    engine.run_until_idle()
    assert engine.instances() == []
    clock.pass_by(1_000)
    engine.run_until_idle()
    engine.run_until_idle()
    assert len(engine.instances()) == 1


def test_many_timers_at_one_moment_all_fire(engine: Engine, clock: FakeClock) -> None:
    timed = d.process("p", "a -> t, t -> b", a=d.start(), t=d.catch(d.on_timer("duration", "PT1S")), b=d.end())
    engine.deploy(("p.bpmn", d.document(timed)))
    engine.start_many("p", [{}] * 600)
    check_stored(engine)
    clock.pass_by(1)
    engine.run_until_idle()
    assert engine.counts() == {"completed": 600}
