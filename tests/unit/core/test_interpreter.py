"""The interpreter by itself: each test is a small program and what its facts must say."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from core_rig import Build, Rig
from procession.core import commands as c
from procession.core import events as e
from procession.core.state import Status
from procession.ir.kinds import Kind, TimerKind
from procession.ir.program import (
    ErrorTrigger,
    JobSpec,
    Loop,
    Mapping,
    MessageTrigger,
    Script,
    TerminateTrigger,
    Text,
    TimerTrigger,
)

JOB = JobSpec(Text("work"))


def line_of_jobs(n: int) -> Build:
    b = Build()
    last = b.start()
    for i in range(1, n + 1):
        task = b.node(Kind.JOB_TASK, f"t{i}", job=JOB)
        b.flow(last, task)
        last = task
    b.flow(last, b.node(Kind.END_EVENT, "end"))
    return b


def test_a_straight_process_runs_to_its_end() -> None:
    rig = Rig(line_of_jobs(3).program())
    rig.start({"x": 1})
    for i in (1, 2, 3):
        assert list(rig.jobs()) == [f"t{i}"]
        rig.complete(f"t{i}", **{f"r{i}": i})
    assert rig.ended()
    assert rig.path() == ["start", "t1", "t2", "t3", "end"]
    assert rig.variables == {"x": 1, "r1": 1, "r2": 2, "r3": 3}


def test_a_job_completed_twice_is_not_found_and_changes_nothing() -> None:
    rig = Rig(line_of_jobs(2).program())
    rig.start()
    job = rig.jobs()["t1"]
    rig.complete("t1")
    before = len(rig.facts)
    assert rig.send(e.CompleteJob(job)).rejected == "not-found"
    assert len(rig.facts) == before


def test_a_long_straight_process_costs_no_stack() -> None:
    b = Build()
    last = b.start()
    for i in range(5_000):
        task = b.node(Kind.TASK, f"t{i}")
        b.flow(last, task)
        last = task
    b.flow(last, b.node(Kind.END_EVENT, "end"))
    rig = Rig(b.program())
    rig.start()
    assert rig.ended()
    assert rig.fact_names().count("Yielded") >= 5


def fork(join_kind: Kind, conditions: list[str | None]) -> Build:
    b = Build()
    split = b.node(join_kind, "split")
    b.flow(b.start(), split)
    join = b.node(join_kind, "join")
    reach = []
    for i, condition in enumerate(conditions):
        task = b.node(Kind.JOB_TASK, f"t{i}", job=JOB)
        b.flow(split, task, condition)
        b.flow(task, join)
        reach.append((split, task))
    b.nodes[join]["reach"] = reach
    b.flow(join, b.node(Kind.END_EVENT, "end"))
    return b


def test_a_parallel_join_waits_for_every_branch() -> None:
    rig = Rig(fork(Kind.PARALLEL_GATEWAY, [None, None, None]).program())
    rig.start()
    rig.complete("t1")
    rig.complete("t0")
    assert not rig.ended()
    rig.complete("t2")
    assert rig.ended()
    assert Counter(rig.path())["join"] == 1


@pytest.mark.parametrize(("a", "expected"), [(1, {"t0"}), (2, {"t0", "t1"}), (3, {"t0", "t1", "t2"})])
def test_an_inclusive_join_waits_for_the_branches_that_were_taken(a: int, expected: set[str]) -> None:
    rig = Rig(fork(Kind.INCLUSIVE_GATEWAY, ["a > 0", "a > 1", "a > 2"]).program())
    rig.start({"a": a})
    assert set(rig.jobs()) == expected
    for name in sorted(expected):
        assert not rig.ended()
        rig.complete(name)
    assert rig.ended()


def test_an_exclusive_gateway_without_an_answer_is_an_incident_that_a_resolve_repeats() -> None:
    b = Build()
    split = b.node(Kind.EXCLUSIVE_GATEWAY, "split")
    b.flow(b.start(), split)
    b.flow(split, b.node(Kind.END_EVENT, "big"), "a > 5")
    b.flow(split, b.node(Kind.END_EVENT, "small"), "a < 3")
    rig = Rig(b.program())
    rig.start({"a": 4})
    (incident,) = rig.state.incidents.values()
    assert incident.code == "no-flow"
    rig.send(e.SetVariables(0, {"a": 9}))
    rig.send(e.ResolveIncident(incident.key))
    assert rig.ended()
    assert rig.path()[-1] == "big"


def test_a_condition_that_is_no_boolean_is_an_incident() -> None:
    b = Build()
    split = b.node(Kind.EXCLUSIVE_GATEWAY, "split")
    b.flow(b.start(), split)
    b.flow(split, b.node(Kind.END_EVENT, "end"), "a")
    b.flow(split, b.node(Kind.END_EVENT, "other"), default=True)
    rig = Rig(b.program())
    rig.start({"a": "yes"})
    assert [i.code for i in rig.state.incidents.values()] == ["condition"]


def boundary(trigger: Any, interrupting: bool) -> Build:
    b = Build()
    task = b.node(Kind.JOB_TASK, "task", job=JOB)
    b.line(b.start(), task, b.node(Kind.END_EVENT, "end"))
    event = b.node(Kind.BOUNDARY_EVENT, "late", trigger=trigger, interrupting=interrupting, attached=task)
    b.flow(event, b.node(Kind.END_EVENT, "end2"))
    b.catch(task, event)
    return b


HOUR = TimerTrigger(TimerKind.DURATION, Text("PT1H"))


def test_an_interrupting_timer_ends_its_activity() -> None:
    rig = Rig(boundary(HOUR, True).program())
    rig.start()
    (timer,) = rig.state.timers
    assert rig.send(e.FireTimer(timer)).rejected == "early"
    rig.at += 3_600_000
    rig.send(e.FireTimer(timer))
    assert rig.ended()
    assert rig.path() == ["start", "late", "end2"]
    assert any(isinstance(x, c.CloseJob) for x in rig.sent)


def test_a_cancelled_timer_never_fires() -> None:
    rig = Rig(boundary(HOUR, True).program())
    rig.start()
    (timer,) = rig.state.timers
    rig.complete("task")
    rig.at += 3_600_000
    assert rig.send(e.FireTimer(timer)).rejected == "not-found"


def test_a_non_interrupting_cycle_fires_as_often_as_it_says_and_skips_a_downtime() -> None:
    cycle = TimerTrigger(TimerKind.CYCLE, Text("R5/PT1H"))
    rig = Rig(boundary(cycle, False).program())
    rig.start()
    rig.at += 3_600_000
    rig.send(e.FireTimer(next(iter(rig.state.timers))))
    (timer,) = rig.state.timers.values()
    assert timer.due == 1_000 + 2 * 3_600_000
    rig.at += 3 * 3_600_000
    rig.send(e.FireTimer(timer.key))
    (timer,) = rig.state.timers.values()
    assert timer.due == 1_000 + 5 * 3_600_000
    assert timer.left == 0
    rig.at = timer.due
    rig.send(e.FireTimer(timer.key))
    assert not rig.state.timers
    assert rig.path().count("late") == 3
    rig.complete("task")
    assert rig.ended()


def test_a_message_is_taken_once_and_its_key_is_frozen() -> None:
    b = Build()
    key = b.expr("order")
    catch = b.node(Kind.INTERMEDIATE_CATCH_EVENT, "paid", trigger=MessageTrigger(Text("paid"), key))
    b.catch(catch, catch)
    b.line(b.start(), catch, b.node(Kind.END_EVENT, "end"))
    rig = Rig(b.program())
    rig.start({"order": "A-1"})
    (sub,) = rig.state.subscriptions.values()
    assert (sub.name, sub.correlation_key) == ("paid", "A-1")
    rig.send(e.SetVariables(0, {"order": "B-2"}))
    assert rig.state.subscriptions[sub.key].correlation_key == "A-1"
    rig.send(e.OfferMessage(sub.key, 5, {"sum": 3}))
    assert rig.ended()
    assert rig.variables == {"order": "B-2", "sum": 3}
    assert rig.send(e.OfferMessage(sub.key, 6)).rejected == "not-found"


def test_a_terminate_end_ends_what_the_same_step_still_wanted() -> None:
    b = Build()
    split = b.node(Kind.PARALLEL_GATEWAY, "split")
    b.flow(b.start(), split)
    b.flow(split, b.node(Kind.JOB_TASK, "work", job=JOB))
    b.flow(split, b.node(Kind.END_EVENT, "stop", trigger=TerminateTrigger()))
    b.flow(split, b.node(Kind.JOB_TASK, "never", job=JOB))
    rig = Rig(b.program())
    rig.start()
    assert rig.ended()
    assert not rig.state.elements


def test_an_error_of_a_worker_goes_to_the_nearest_handler_and_exact_codes_win() -> None:
    b = boundary(ErrorTrigger(Text("")), True)
    task = 1
    exact = b.node(Kind.BOUNDARY_EVENT, "exact", trigger=ErrorTrigger(Text("E1")), attached=task)
    b.flow(exact, b.node(Kind.END_EVENT, "end3"))
    b.catch(task, exact)
    for code, expected in (("E1", "end3"), ("E2", "end2")):
        rig = Rig(b.program())
        rig.start()
        rig.send(e.ThrowJobError(rig.jobs()["task"], code, "no", {"why": 1}))
        assert rig.path()[-1] == expected
        assert rig.variables == {"why": 1}


def test_an_uncaught_error_is_an_incident_and_a_resolve_offers_the_job_under_the_same_idempotency_key() -> None:
    rig = Rig(line_of_jobs(1).program())
    rig.start()
    rig.send(e.ThrowJobError(rig.jobs()["t1"], "E1"))
    (incident,) = rig.state.incidents.values()
    assert incident.code == "unhandled-error"
    rig.send(e.ResolveIncident(incident.key))
    keys = [x.idempotency_key for x in rig.sent if isinstance(x, c.CreateJob)]
    assert len(keys) == 2
    assert len(set(keys)) == 1
    rig.complete("t1")
    assert rig.ended()


def test_an_exhausted_job_is_held_until_its_incident_is_resolved() -> None:
    rig = Rig(line_of_jobs(1).program())
    rig.start()
    job = rig.jobs()["t1"]
    rig.send(e.ExhaustJob(job, 3, "boom"))
    (incident,) = rig.state.incidents.values()
    rig.send(e.ResolveIncident(incident.key, 2))
    assert rig.state.jobs[job].retries == 2
    rig.complete("t1")
    assert rig.ended()


def loop(sequential: bool) -> Build:
    b = Build()
    spec = Loop(sequential, b.expr("items"), "item", "outs", b.expr("r"))
    body = b.node(Kind.MULTI_INSTANCE, "each", loop=spec)
    inner = b.node(Kind.JOB_TASK, "each", body, job=JOB, inputs=[Mapping(b.expr("item"), ("r",))])
    b.nodes[body]["inner"] = inner
    b.line(b.start(), body, b.node(Kind.END_EVENT, "end"))
    return b


def finish_all(rig: Rig) -> int:
    done = 0
    while rig.state.jobs:
        job = list(rig.state.jobs)[-1]
        element = rig.state.elements[rig.state.jobs[job].element]
        item: Any = (element.variables or {})["item"]
        rig.send(e.CompleteJob(job, {"r": item * 10}))
        done += 1
    return done


@pytest.mark.parametrize("sequential", [True, False])
def test_multi_instance_collects_outputs_at_the_index_of_their_item(sequential: bool) -> None:
    rig = Rig(loop(sequential).program())
    rig.start({"items": [1, 2, 3]})
    assert len(rig.state.jobs) == (1 if sequential else 3)
    assert finish_all(rig) == 3
    assert rig.ended()
    assert rig.variables["outs"] == [10, 20, 30]


def test_an_empty_collection_completes_with_an_empty_output() -> None:
    rig = Rig(loop(False).program())
    rig.start({"items": []})
    assert rig.ended()
    assert rig.variables["outs"] == []


def test_a_completion_condition_ends_the_rest() -> None:
    b = loop(False)
    b.nodes[1]["loop"] = Loop(False, 0, "item", "outs", 1, b.expr("numberOfCompletedInstances >= 2"))
    rig = Rig(b.program())
    rig.start({"items": [1, 2, 3, 4]})
    assert finish_all(rig) == 2
    assert rig.ended()
    assert rig.variables["outs"] == [None, None, 30, 40]


def test_what_is_no_list_is_an_incident() -> None:
    rig = Rig(loop(False).program())
    rig.start({"items": 5})
    assert [i.code for i in rig.state.incidents.values()] == ["loop"]


def test_an_endless_loop_becomes_an_incident() -> None:
    b = Build()
    a, z = b.node(Kind.TASK, "a"), b.node(Kind.TASK, "z")
    b.line(b.start(), a, z, a)
    rig = Rig(b.program(), restore=False)
    outcome = rig.start()
    for _ in range(200):
        if not any(isinstance(x, c.GoOn) for x in outcome.commands):
            break
        outcome = rig.send(e.Continue()) if rig.state.agenda else outcome
        if not rig.state.agenda:
            break
    assert [i.code for i in rig.state.incidents.values()] == ["endless-loop"]


def test_cancelling_closes_everything() -> None:
    rig = Rig(boundary(HOUR, True).program())
    rig.start()
    rig.send(e.Cancel("why not"))
    assert rig.ended(Status.TERMINATED)
    assert not rig.open


def test_a_script_result_goes_to_the_nearest_scope_that_defines_it() -> None:
    b = Build()
    sub = b.node(Kind.SUB_PROCESS, "sub", inputs=[Mapping(b.expr("0"), ("local",))])
    s2 = b.start(sub, "s2")
    one = b.node(Kind.SCRIPT_TASK, "one", sub, script=Script(b.expr("5"), "local"))
    two = b.node(Kind.SCRIPT_TASK, "two", sub, script=Script(b.expr("local + 1"), "out"))
    b.line(s2, one, two, b.node(Kind.END_EVENT, "e2", sub))
    b.line(b.start(), sub, b.node(Kind.END_EVENT, "end"))
    rig = Rig(b.program())
    rig.start()
    assert rig.ended()
    assert rig.variables == {"out": 6}


def test_output_mappings_let_only_mapped_targets_leave_and_extend_contexts() -> None:
    b = line_of_jobs(1)
    b.nodes[2]["outputs"] = [Mapping(b.expr("a"), ("order", "a")), Mapping(b.expr("order"), ("copy",))]
    rig = Rig(b.program())
    rig.start({"order": {"b": 2}})
    rig.complete("t1", a=1, secret=9)
    assert rig.variables == {"order": {"b": 2, "a": 1}, "copy": {"b": 2, "a": 1}}
