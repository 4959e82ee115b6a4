"""Instances under way are changed through the engine: what it answers, what it stores, what it shows afterwards."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import drawn as d
from host_rig import DAY_ONE, FakeClock, check_stored, opened
from procession import Activate, BadValue, Conflict, Engine, Filter, Instance, MigrationChoice, MigrationPlan, NotFound
from procession.core.plans import Proposal
from store_audit import audit

MESSAGE = d.message("m", "news", "k")


def version(*names: str, timer: str = "PT1H", prefix: str = "") -> tuple[str, bytes]:
    """One version of `p`: tasks in a row, the first with a timer at it, and a user task beside them."""
    flows = ["begin -> fork", f"fork -> {names[0]}", "fork -> look", "look -> join", f"{names[-1]} -> join"]
    flows += [f"{one} -> {other}" for one, other in pairwise(names)]
    flows += ["join -> done", "late -> missed"]
    tasks: dict[str, str] = {name: d.service(f"do-{name}") for name in names}
    text = d.process(
        "p",
        ", ".join(flows),
        begin=d.start(),
        fork=d.parallel(),
        look=d.user(),
        join=d.parallel(),
        done=d.end(),
        late=d.boundary(names[0], d.on_timer("duration", timer), interrupting=False),
        missed=d.end(),
        **tasks,
    )
    return f"p-{prefix}{'-'.join(names)}.bpmn", d.document(text, roots=MESSAGE)


def stands_still(instance: Instance) -> bool:
    return instance.info.suspended


@pytest.fixture
def engine(tmp_path: Path) -> Any:
    with opened(tmp_path / "e.db") as engine:
        yield engine
        check_stored(engine)
    audit(tmp_path / "e.db")


def test_a_modification_is_in_the_history_and_survives_the_engine(tmp_path: Path) -> None:
    clock = FakeClock()
    with opened(tmp_path / "e.db", clock) as engine:
        engine.deploy(version("a", "b"))
        instance = engine.start("p")
        engine.changes.modify(
            instance.key, activate=[Activate("b", variables={"n": 1})], terminate=["a"], variables={"x": 2}
        )
        assert instance.tokens == {"b": 1, "look": 1}
        assert instance.variables_at("b") == {"n": 1, "x": 2}
    with opened(tmp_path / "e.db", clock) as engine:
        instance = engine.instance(instance.key)
        [fact] = [entry.fact for entry in instance.history if entry.kind == "modified"]
        assert [each[:2] for each in fact.instructions] == [["activate", "b"], ["terminate", "a"], ["set", {"x": 2}]]  # type: ignore[union-attr,index]
        [job] = instance.jobs
        engine.complete_job(job.key)
        instance.complete_task("look")
        assert instance.tokens == {}
        engine.changes.modify(instance.key, put=["p_4"]) if instance.state == "active" else None
    audit(tmp_path / "e.db")


def test_an_element_instance_is_ended_by_its_key_and_the_scope_variables_are_refused_for_what_is_no_value(
    engine: Engine,
) -> None:
    engine.deploy(version("a"))
    instance = engine.start("p")
    [job] = instance.jobs
    engine.changes.modify(instance.key, terminate=[job.element])
    assert instance.tokens == {"look": 1}
    with pytest.raises(NotFound, match="not active"):
        engine.changes.modify(instance.key, terminate=[job.element])
    with pytest.raises(ValueError, match="JSON cannot hold"):
        engine.changes.modify(instance.key, activate=[Activate("a", variables={"x": {1, 2}})])  # type: ignore[dict-item]


def test_a_suspended_instance_gives_out_no_jobs_and_takes_no_results(engine: Engine) -> None:
    engine.deploy(version("a"))
    instance = engine.start("p")
    [leased] = engine.activate_jobs("do-a")
    engine.fail_job(leased, "once", retries=2, backoff=0)
    [leased] = engine.activate_jobs("do-a")
    engine.changes.suspend(instance.key, "audit")
    assert stands_still(instance)
    assert engine.activate_jobs("do-a") == []
    [task] = instance.tasks
    for refused in (
        lambda: engine.complete_job(leased),
        lambda: engine.fail_job(leased, "again"),
        lambda: engine.throw_job_error(leased, "E"),
        lambda: instance.complete_task("look"),
        lambda: engine.assign_task(task.key, "ada"),
        lambda: engine.changes.suspend(instance.key),
    ):
        with pytest.raises(Conflict, match="suspended"):
            refused()
    instance.set_variables({"x": 1})
    engine.changes.modify(instance.key, activate=["a"])
    assert engine.activate_jobs("do-a") == []
    engine.changes.resume(instance.key)
    assert not stands_still(instance)
    again = engine.activate_jobs("do-a", 5)
    assert sorted(job.attempt for job in again) == [1, 3]
    assert {job.retries for job in again} == {2, 3}
    with pytest.raises(Conflict, match="not suspended"):
        engine.changes.resume(instance.key)


def test_a_suspension_survives_the_engine_and_ends_with_the_instance(tmp_path: Path) -> None:
    clock = FakeClock()
    with opened(tmp_path / "e.db", clock) as engine:
        engine.deploy(version("a"))
        instance = engine.start("p")
        engine.changes.suspend(instance.key)
    clock.pass_by(7200)
    with opened(tmp_path / "e.db", clock) as engine:
        instance = engine.instance(instance.key)
        engine.run_until_idle()
        assert stands_still(instance)
        assert [entry.kind for entry in instance.history if entry.kind == "timer-fired"] == []
        instance.cancel()
        assert not stands_still(instance)
    audit(tmp_path / "e.db")


def test_a_suspension_and_a_resume_may_share_a_commit(engine: Engine) -> None:
    engine.deploy(version("a"))
    instance = engine.start("p")
    from procession.core import events as e
    from procession.runtime.requests import Deliver

    for events in ((e.Suspend(), e.Resume()), (e.Suspend(), e.Resume(), e.Suspend()), (e.Resume(), e.Suspend())):
        engine._call_all([Deliver("<default>", instance.key, event) for event in events])
        check_stored(engine)
    engine.changes.resume(instance.key)
    [job] = engine.activate_jobs("do-a")
    engine.complete_job(job)


def test_what_a_suspended_instance_began_is_on_offer_if_the_resume_is_in_the_same_commit(tmp_path: Path) -> None:
    from procession.core import events as e
    from procession.core.instructions import Activate as Begin
    from procession.runtime.requests import Deliver

    clock = FakeClock()
    with opened(tmp_path / "e.db", clock) as engine:
        engine.deploy(version("a"))
        instance = engine.start("p")
        engine.changes.suspend(instance.key)
        begin = e.Modify((Begin("a"),))
        engine._call_all([Deliver("<default>", instance.key, event) for event in (begin, e.Resume())])
        check_stored(engine)
    with opened(tmp_path / "e.db", clock) as engine:
        assert len(engine.activate_jobs("do-a", 5)) == 2


def test_nothing_is_started_of_a_suspended_process_and_a_call_of_it_waits(tmp_path: Path) -> None:
    clock = FakeClock()
    child = d.process("child", "a -> b", "c_", a=d.start(), b=d.end())
    parent = d.process("parent", "a -> w, w -> c, c -> b", a=d.start(), w=d.user(), c=d.call("child"), b=d.end())
    with opened(tmp_path / "e.db", clock) as engine:
        engine.deploy(("p.bpmn", d.document(parent, child)))
        assert engine.changes.suspend_process("child") == 1
        assert engine.changes.suspend_process("child") == 0
        with pytest.raises(Conflict, match="'child' version 1 is suspended"):
            engine.start("child")
    with opened(tmp_path / "e.db", clock) as engine:
        assert [(each.process_id, each.suspended) for each in engine.definitions()] == [
            ("child", True),
            ("parent", False),
        ]
        caller = engine.start("parent")
        caller.complete_task("w")
        assert [(i.element_id, i.message) for i in caller.incidents] == [
            ("c", "process 'child' version 1 is suspended")
        ]
        assert engine.changes.resume_process("child", 1) == 1
        caller.resolve_incident()
        assert caller.state == "completed"
        with pytest.raises(NotFound):
            engine.changes.suspend_process("child", 7)


def test_a_plan_maps_what_both_versions_have_and_proposes_what_may_have_been_renamed(engine: Engine) -> None:
    engine.deploy(version("a", "b"))
    engine.deploy(version("a", "c"))
    plan = engine.changes.migration_plan("p", 1)
    assert (plan.from_version, plan.to_process, plan.to_version) == (1, "p", 2)
    assert plan.elements == {each: each for each in ("begin", "fork", "look", "join", "done", "late", "missed", "a")}
    assert plan.proposals == (Proposal("b", "c", "the same elements before it, the same elements behind it"),)
    with pytest.raises(NotFound):
        engine.changes.migration_plan("p", 1, 9)


def test_a_plan_to_the_latest_version_is_one_to_what_was_deployed_since_the_last_plan(engine: Engine) -> None:
    engine.deploy(version("a", "b"))
    engine.deploy(version("a", "c"))
    assert engine.changes.migration_plan("p", 1).to_version == 2
    instance = engine.start("p", version=1)
    engine.deploy(version("a", "d"))
    plan = engine.changes.migration_plan("p", 1)
    assert plan.to_version == 3
    assert engine.changes.migrate(instance.key, plan) == 3


def test_the_dry_run_is_what_the_migration_does(engine: Engine) -> None:
    engine.deploy(version("a", "b"))
    instance = engine.start("p")
    engine.deploy(version("a", "c", timer="PT3H"))
    plan = engine.changes.migration_plan("p", 1)
    seen = engine.changes.migration_actions(instance.key, plan)
    assert [(each.element_id, each.what, each.node) for each in seen] == [
        ("p", "move", ""),
        ("a", "move", ""),
        ("a", "keep-job", ""),
        ("a", "keep-timer", "late"),
        ("look", "move", ""),
        ("look", "keep-task", ""),
    ]
    assert engine.changes.migrate(instance.key, plan) == 2
    assert instance.info.version == 2
    engine.complete_job(instance.jobs[0].key)
    assert [job.element_id for job in instance.jobs] == ["c"]
    assert {"migrated"} <= {entry.kind for entry in instance.history}
    for again in (engine.changes.migration_actions, engine.changes.migrate):
        with pytest.raises(Conflict, match="version"):
            again(instance.key, plan)


def test_what_a_plan_would_strand_is_refused_and_named(engine: Engine) -> None:
    engine.deploy(version("a", "b"))
    instance = engine.start("p")
    engine.complete_job(instance.jobs[0].key)
    instance.complete_task("look")
    engine.deploy(version("a", "c"))
    plan = engine.changes.migration_plan("p", 1)
    text = r"'b' \(element instance \d+\): it has no target"
    for refused in (engine.changes.migration_actions, engine.changes.migrate):
        with pytest.raises(Conflict, match=text):
            refused(instance.key, plan)
    assert (instance.info.version, instance.tokens) == (1, {"b": 1})
    check_stored(engine)


def test_a_job_that_a_worker_has_is_kept_and_its_result_goes_on_in_the_new_version(engine: Engine) -> None:
    engine.deploy(version("a", "b"))
    instance = engine.start("p")
    [job] = engine.activate_jobs("do-a")
    engine.deploy(version("x", "b"))
    plan = engine.changes.migration_plan("p", 1)
    elements = {**plan.elements, "a": "x", "late": "late"}
    engine.changes.migrate(instance.key, MigrationPlan(to_process="p", elements=elements))
    [shown] = instance.jobs
    assert (shown.key, shown.element_id) == (job.key, "x")
    engine.complete_job(job)
    assert instance.tokens == {"b": 1, "look": 1}


def test_a_job_out_of_retries_keeps_its_incident_or_is_made_anew(engine: Engine) -> None:
    engine.deploy(version("a", "b"))
    instances = [engine.start("p"), engine.start("p")]
    for job in engine.activate_jobs("do-a", 2):
        engine.fail_job(job, "no", retries=0)
    engine.deploy(version("x", "b"))
    elements = {**engine.changes.migration_plan("p", 1).elements, "a": "x", "late": "late"}
    kept, anew = instances
    engine.changes.migrate(kept.key, MigrationPlan(to_process="p", elements=elements))
    assert [(i.element_id, i.message) for i in kept.incidents] == [("x", "no")]
    kept.resolve_incident()
    plan = MigrationPlan(to_process="p", elements=elements, choices={"a": MigrationChoice(job="new")})
    engine.changes.migrate(anew.key, plan)
    assert anew.state == "active"
    types = {job.type: job for job in (*kept.jobs, *anew.jobs)}
    assert set(types) == {"do-a", "do-x"}
    assert types["do-x"].idempotency_key.endswith(":1")


def test_a_timer_keeps_its_time_or_is_computed_anew(tmp_path: Path) -> None:
    clock = FakeClock()
    with opened(tmp_path / "e.db", clock) as engine:
        engine.deploy(version("a"))
        kept, anew = engine.start("p"), engine.start("p")
        engine.deploy(version("a", timer="PT3H", prefix="2"))
        clock.pass_by(1800)
        plan = engine.changes.migration_plan("p", 1)
        engine.changes.migrate(kept.key, plan)
        engine.changes.migrate(
            anew.key, MigrationPlan(elements=plan.elements, choices={"a": MigrationChoice(timer="new")})
        )
        due = [timer.due - DAY_ONE for key in (kept.key, anew.key) for timer in _timers(engine, key)]
        assert due == [3_600_000, 1_800_000 + 3 * 3_600_000]
    audit(tmp_path / "e.db")


def _timers(engine: Engine, key: int) -> list[Any]:
    return list(engine.reader().views.load("<default>", key).state.timers.values())


def test_a_history_over_two_versions_is_shown_step_by_step(engine: Engine) -> None:
    from procession.services.progress import progress_of

    engine.deploy(version("a", "b"))
    instance = engine.start("p")
    before = len({entry.seq for entry in instance.history})
    engine.deploy(version("z", "a", "b"))
    plan = engine.changes.migration_plan("p", 1)
    elements = {**plan.elements, "late": "late"}
    elements.pop("late")
    engine.changes.migrate(instance.key, MigrationPlan(to_process="p", elements=elements))
    engine.complete_job(instance.jobs[0].key)
    ids = [entry.element_id for entry in instance.history if entry.kind in ("enter", "done")]
    assert ids == ["begin", "begin", "fork", "fork", "a", "look", "a", "b"]
    assert instance.as_of(before).tokens == {"a": 1, "look": 1}
    assert instance.as_of(before + 2).tokens == {"b": 1, "look": 1}
    marks = progress_of(engine.reader().views, "<default>", instance.key).marks
    assert marks.completed == {"begin": 1, "fork": 1, "a": 1}
    assert marks.active == {"b": 1, "look": 1}


def test_a_migration_is_replayed_behind_a_snapshot_and_before_one(tmp_path: Path) -> None:
    clock = FakeClock()
    with opened(tmp_path / "e.db", clock) as engine:
        engine.deploy(version("a", "b"))
        instance = engine.start("p", {"x": "y" * 6_000})
        engine.deploy(version("a", "c"))
        engine.changes.migrate(instance.key, engine.changes.migration_plan("p", 1))
        instance.set_variables({"x": "z" * 20_000})
    with opened(tmp_path / "e.db", clock) as engine:
        instance = engine.instance(instance.key)
        engine.complete_job(instance.jobs[0].key)
        assert instance.tokens == {"c": 1, "look": 1}
        check_stored(engine)
    audit(tmp_path / "e.db")


def test_a_migration_to_another_process_moves_what_it_waits_for(tmp_path: Path) -> None:
    clock = FakeClock()

    def waits(id: str) -> tuple[str, bytes]:
        drawn = d.process(id, "a -> w, w -> b", id[0], a=d.start(), w=d.catch(d.on_message("m")), b=d.end())
        return f"{id}.bpmn", d.document(drawn, roots=MESSAGE)

    with opened(tmp_path / "e.db", clock) as engine:
        engine.deploy(waits("one"), waits("two"))
        first, second = engine.start("one", {"k": "1"}), engine.start("one", {"k": "1"})
        elements = {f"o{each}": f"t{each}" for each in "awb"}
        engine.changes.migrate(second.key, MigrationPlan(to_process="two", elements=elements))
        # Each process takes a message once, and they are two now.
        engine.publish("news", "1")
        assert [first.state, second.state] == ["completed", "completed"]
        assert second.info.process_id == "two"
    audit(tmp_path / "e.db")


def test_a_restart_is_a_new_instance_of_an_ended_one_or_the_same_anew(engine: Engine) -> None:
    engine.deploy(version("a", "b"))
    instance = engine.start("p", {"x": 1}, business_key="B-1")
    instance.cancel()
    again = engine.changes.restart(instance.key, ["b", "look"], {"y": 2})
    assert again.key != instance.key
    assert (again.variables, again.tokens) == ({"x": 1, "y": 2}, {"b": 1, "look": 1})
    assert again.info.business_key == "B-1"
    [fact] = [entry.fact for entry in again.history if entry.kind == "restarted"]
    assert (fact.source, fact.epoch) == (instance.key, 0)  # type: ignore[union-attr]
    same = engine.changes.restart(again.key, [Activate("b", variables={"own": 1})], in_place=True)
    assert same == again
    assert same.tokens == {"b": 1}
    [job] = same.jobs
    assert job.idempotency_key.split(":")[2] == "1"
    with pytest.raises(Conflict, match="at least one element"):
        engine.changes.restart(again.key, [])
    with pytest.raises(NotFound):
        engine.changes.restart(4711, ["b"])
    with pytest.raises(NotFound, match="has ended"):
        engine.changes.restart(instance.key, ["b"], in_place=True)


def test_a_restart_can_take_another_version(engine: Engine) -> None:
    engine.deploy(version("a"))
    instance = engine.start("p")
    engine.deploy(version("c"))
    again = engine.changes.restart(instance.key, ["c"], version=2)
    assert (again.info.version, again.tokens) == (2, {"c": 1})
    with pytest.raises(NotFound, match="no element 'a'"):
        engine.changes.restart(instance.key, ["a"], version=2)


BAD = "a\ud800"


def test_texts_that_no_store_can_hold_are_refused_at_the_door(engine: Engine) -> None:
    engine.deploy(version("a"))
    key = engine.start("p").key
    changes = engine.changes
    asked: list[Callable[[], object]] = [
        lambda: changes.modify(key, activate=[BAD]),
        lambda: changes.modify(key, move={"a": BAD}),
        lambda: changes.migrate(key, MigrationPlan(elements={BAD: "a"})),
        lambda: changes.migrate(key, MigrationPlan(flows={"a": BAD})),
        lambda: changes.migrate(key, MigrationPlan(choices={BAD: MigrationChoice()})),
        lambda: changes.restart(key, [BAD]),
        lambda: changes.suspend(key, BAD),
        lambda: changes.suspend_process(BAD),
        lambda: changes.cancel_each(Filter(element=BAD)),
        lambda: changes.cancel_each(Filter(), BAD),
        lambda: changes.modify_each(Filter(), take=[BAD]),
        lambda: changes.migrate_each(Filter(), MigrationPlan(elements={"a": BAD})),
        lambda: changes.migrate(key, MigrationPlan(choices={"a": MigrationChoice(job="odd")})),  # type: ignore[arg-type]
        lambda: changes.migrate(key, {}),  # type: ignore[arg-type]
        lambda: changes.migration_actions(key, MigrationPlan(to_version="2")),  # type: ignore[arg-type]
        lambda: changes.cancel_each(Filter(state="odd")),  # type: ignore[arg-type]
        lambda: changes.cancel_each(None),  # type: ignore[arg-type]
        lambda: changes.modify(key, activate=[1]),  # type: ignore[list-item]
        lambda: changes.modify(key, move={"a": 1}),  # type: ignore[dict-item]
        lambda: changes.modify(key, terminate=[1.5]),  # type: ignore[list-item]
    ]
    for each in asked:
        with pytest.raises(BadValue):
            each()
    assert changes.batches() == []


def test_batches_are_forgotten_with_the_instances_of_their_time(tmp_path: Path) -> None:
    clock = FakeClock()
    with opened(tmp_path / "e.db", clock) as engine:
        engine.deploy(version("a"))
        engine.start("p")
        key = engine.changes.modify_each(Filter(), terminate=["nowhere"])
        engine.run_until_idle()
        assert len(engine.changes.batch_errors(key)) == 1
        clock.pass_by(7200)
        engine.forget("PT1H")
        assert len(engine.changes.batches()) == 1
        engine.forget("PT1H", "PT1H")
        assert engine.changes.batches() == []
    audit(tmp_path / "e.db")


def test_messages_that_would_start_a_suspended_process_wait_for_its_resume(tmp_path: Path) -> None:
    clock = FakeClock()
    drawn = d.process("p", "a -> w, w -> b", a=d.start(d.on_message("m")), w=d.user(), b=d.end())
    with opened(tmp_path / "e.db", clock) as engine:
        engine.deploy(("p.bpmn", d.document(drawn, roots=d.message("m", "news"))))
        engine.changes.suspend_process("p")
        for key in ("1", "2", "2", ""):
            engine.publish("news", key, {"from": key}, ttl=600)
        engine.publish("news", "3", ttl=1)
        assert engine.instances() == []
    with opened(tmp_path / "e.db", clock) as engine:
        clock.pass_by(60)
        engine.run_until_idle()
        engine.changes.resume_process("p")
        # Of one key, one instance lives at a time.
        assert [each.variables["from"] for each in engine.instances()] == ["1", "2", ""]
        engine.instances()[1].complete_task("w")
        assert len(engine.instances(state="active")) == 3
        engine.changes.suspend(engine.instances()[0].key)
        assert [each.key for each in engine.instances(state="suspended")] == [engine.instances()[0].key]
    audit(tmp_path / "e.db")
