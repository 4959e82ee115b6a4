"""Scopes, event sub-processes, errors, calls and user tasks, on the interpreter alone."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from core_rig import Build, Rig
from procession.core import commands as c
from procession.core import events as e
from procession.ir.kinds import Kind, ListenerEvent, TimerKind
from procession.ir.program import (
    Call,
    ErrorTrigger,
    EscalationTrigger,
    JobSpec,
    LinkTrigger,
    Listener,
    Mapping,
    MessageTrigger,
    SignalTrigger,
    TaskSpec,
    Text,
    TimerTrigger,
)

JOB = JobSpec(Text("work"))


def with_handler(trigger: Any, interrupting: bool, inside: Any = None) -> Build:
    """A process of one task in a sub-process with an event sub-process; `inside` ends the sub-process."""
    b = Build()
    sub = b.node(Kind.SUB_PROCESS, "sub")
    task = b.node(Kind.JOB_TASK, "task", sub, job=JOB)
    end = b.node(Kind.END_EVENT, "inner_end", sub, **({"trigger": inside} if inside else {}))
    b.line(b.start(sub, "s2"), task, end)
    handler = b.node(Kind.EVENT_SUB_PROCESS, "handler", sub)
    started = b.node(Kind.START_EVENT, "caught", handler, trigger=trigger, interrupting=interrupting)
    b.nodes[handler]["starts"] = [started]
    b.line(started, b.node(Kind.JOB_TASK, "handle", handler, job=JOB), b.node(Kind.END_EVENT, "handled", handler))
    b.catch(sub, started)
    b.line(b.start(), sub, b.node(Kind.END_EVENT, "end"))
    return b


def fire(rig: Rig) -> None:
    (timer,) = rig.state.timers.values()
    rig.at = timer.due
    rig.send(e.FireTimer(timer.key))


HOUR = TimerTrigger(TimerKind.DURATION, Text("PT1H"))


def test_an_interrupting_event_sub_process_replaces_the_content() -> None:
    rig = Rig(with_handler(HOUR, True).program())
    rig.start()
    fire(rig)
    assert rig.waits("jobs") == Counter(["handle"])
    rig.complete("handle")
    assert rig.ended()
    assert rig.path() == ["start", "s2", "caught", "handled", "handler", "sub", "end"] or "task" not in rig.path()


def test_a_non_interrupting_event_sub_process_runs_beside_the_content() -> None:
    rig = Rig(with_handler(HOUR, False).program())
    rig.start()
    fire(rig)
    assert rig.waits("jobs") == Counter(["task", "handle"])
    rig.complete("task")
    assert not rig.ended()
    rig.complete("handle")
    assert rig.ended()


@pytest.mark.parametrize(("code", "caught"), [("E", True), ("other", False)])
def test_an_error_end_event_is_caught_by_code(code: str, caught: bool) -> None:
    rig = Rig(with_handler(ErrorTrigger(Text("E")), True, ErrorTrigger(Text(code))).program())
    rig.start()
    rig.complete("task")
    assert rig.waits("jobs") == (Counter(["handle"]) if caught else Counter())
    assert rig.waits("incidents") == (Counter() if caught else Counter(["inner_end"]))


def test_an_error_inside_its_handler_is_not_caught_by_it_again() -> None:
    rig = Rig(with_handler(ErrorTrigger(Text("E")), True).program())
    rig.start()
    rig.send(e.ThrowJobError(rig.jobs()["task"], "E"))
    rig.send(e.ThrowJobError(rig.jobs()["handle"], "E"))
    assert rig.waits("incidents") == Counter(["handle"])


def test_an_escalation_does_not_stop_its_thrower_unless_the_handler_interrupts() -> None:
    for interrupting in (False, True):
        rig = Rig(with_handler(EscalationTrigger(Text("")), interrupting, EscalationTrigger(Text("X"))).program())
        rig.start()
        rig.complete("task")
        assert rig.waits("jobs") == Counter(["handle"])
        rig.complete("handle")
        assert rig.ended()
        assert ("inner_end" in rig.path()) is not interrupting


def test_an_uncaught_escalation_is_no_failure() -> None:
    b = Build()
    b.line(b.start(), b.node(Kind.END_EVENT, "end", trigger=EscalationTrigger(Text("X"))))
    rig = Rig(b.program())
    rig.start()
    assert rig.ended()


def test_the_first_event_wins_at_an_event_based_gateway() -> None:
    b = Build()
    gateway = b.node(Kind.EVENT_BASED_GATEWAY, "race")
    b.line(b.start(), gateway)
    message = b.node(Kind.INTERMEDIATE_CATCH_EVENT, "paid", trigger=MessageTrigger(Text("paid")))
    timer = b.node(Kind.INTERMEDIATE_CATCH_EVENT, "late", trigger=HOUR)
    for caught in (message, timer):
        b.flow(gateway, caught)
        b.flow(caught, b.node(Kind.END_EVENT, f"end_{caught}"))
        b.catch(gateway, caught)
    program = b.program()
    rig = Rig(program)
    rig.start()
    fire(rig)
    assert rig.path() == ["start", "race", "late", f"end_{timer}"]
    rig = Rig(program)
    rig.start()
    (sub,) = rig.state.subscriptions
    rig.send(e.OfferMessage(sub, 3, {"sum": 1}))
    assert rig.path() == ["start", "race", "paid", f"end_{message}"]
    assert rig.variables == {"sum": 1}


def test_a_link_goes_on_at_its_target() -> None:
    b = Build()
    target = b.node(Kind.INTERMEDIATE_CATCH_EVENT, "to", trigger=LinkTrigger())
    throw = b.node(Kind.INTERMEDIATE_THROW_EVENT, "from", trigger=LinkTrigger(target))
    b.line(b.start(), throw)
    b.line(target, b.node(Kind.END_EVENT, "end"))
    rig = Rig(b.program())
    rig.start()
    assert rig.path() == ["start", "from", "to", "end"]
    assert rig.ended()


def test_a_thrown_signal_is_broadcast_and_a_caught_one_goes_on() -> None:
    b = Build()
    catch = b.node(Kind.INTERMEDIATE_CATCH_EVENT, "caught", trigger=SignalTrigger(Text("stop")))
    b.catch(catch, catch)
    throw = b.node(Kind.INTERMEDIATE_THROW_EVENT, "thrown", trigger=SignalTrigger(Text("go")))
    b.line(b.start(), throw, catch, b.node(Kind.END_EVENT, "end"))
    rig = Rig(b.program())
    rig.start()
    assert [x.name for x in rig.sent if isinstance(x, c.Broadcast)] == ["go"]
    (sub,) = rig.state.subscriptions.values()
    assert sub.signal
    rig.send(e.ReceiveSignal(sub.key, {"x": 1}))
    assert rig.ended()


def test_a_thrown_message_carries_its_mapped_variables() -> None:
    b = Build()
    trigger = MessageTrigger(Text("paid"), b.expr("order"))
    throw = b.node(Kind.INTERMEDIATE_THROW_EVENT, "tell", trigger=trigger, inputs=[Mapping(b.expr("total"), ("sum",))])
    b.line(b.start(), throw, b.node(Kind.END_EVENT, "end"))
    rig = Rig(b.program())
    rig.start({"order": "A", "total": 5})
    (published,) = [x for x in rig.sent if isinstance(x, c.Publish)]
    assert (published.name, published.key, published.variables) == ("paid", "A", {"sum": 5})


def call(**spec: Any) -> Build:
    b = Build()
    task = b.node(Kind.CALL_ACTIVITY, "call", call=Call(Text("child"), **spec))
    error = b.node(Kind.BOUNDARY_EVENT, "failed", trigger=ErrorTrigger(Text("E")), attached=task)
    b.catch(task, error)
    b.line(b.start(), task, b.node(Kind.END_EVENT, "end"))
    b.line(error, b.node(Kind.END_EVENT, "end2"))
    return b


def started_child(rig: Rig, variables: dict[str, Any] | None = None) -> tuple[int, int]:
    rig.start(variables)
    (ask,) = [x for x in rig.sent if isinstance(x, c.Resolve)]
    rig.send(e.Resolved(ask.element, "h", 4))
    (child,) = [x for x in rig.sent if isinstance(x, c.StartChild)]
    return child.element, child.child


def test_a_call_activity_passes_variables_to_and_fro() -> None:
    rig = Rig(call().program())
    element, child = started_child(rig, {"a": 1})
    (start,) = [x for x in rig.sent if isinstance(x, c.StartChild)]
    assert (start.variables, start.program, start.version) == ({"a": 1}, "h", 4)
    rig.send(e.ChildCompleted(element, child, {"b": 2}))
    assert rig.ended()
    assert rig.variables == {"a": 1, "b": 2}


def test_a_called_process_that_nobody_knows_is_an_incident_that_asks_again() -> None:
    rig = Rig(call().program())
    rig.start()
    (ask,) = [x for x in rig.sent if isinstance(x, c.Resolve)]
    rig.send(e.Resolved(ask.element, "", error="no process child"))
    (incident,) = rig.state.incidents.values()
    rig.send(e.ResolveIncident(incident.key))
    assert len([x for x in rig.sent if isinstance(x, c.Resolve)]) == 2


def test_an_error_of_a_called_process_is_caught_at_the_call_and_the_child_is_cancelled() -> None:
    rig = Rig(call().program())
    element, child = started_child(rig)
    rig.send(e.ChildThrew(element, child, "E", "bad", {"why": 1}, child, 99))
    assert rig.path()[-1] == "end2"
    assert [x.child for x in rig.sent if isinstance(x, c.CancelChild)] == [child]


def test_an_error_that_no_caller_handles_goes_back_to_its_thrower() -> None:
    rig = Rig(call().program())
    element, child = started_child(rig)
    rig.send(e.ChildThrew(element, child, "other", "bad", {}, 55, 99))
    (told,) = [x for x in rig.sent if isinstance(x, c.TellParent)]
    assert told.instance == 55
    assert isinstance(told.event, e.ErrorUnhandled)


def test_a_child_asks_its_caller_about_an_error_and_waits_for_the_answer() -> None:
    b = Build()
    b.line(b.start(), b.node(Kind.END_EVENT, "end", trigger=ErrorTrigger(Text("E"))))
    rig = Rig(b.program())
    rig.start(parent_instance=3, parent_element=4)
    (told,) = [x for x in rig.sent if isinstance(x, c.TellParent)]
    assert isinstance(told.event, e.ChildThrew)
    assert not rig.ended()
    rig.send(e.ErrorUnhandled(told.event.thrower, "E"))
    assert [i.code for i in rig.state.incidents.values()] == ["unhandled-error"]


def user(**more: Any) -> Build:
    b = Build()
    b.line(b.start(), b.node(Kind.USER_TASK, "approve", **more), b.node(Kind.END_EVENT, "end"))
    return b


def task_key(rig: Rig) -> int:
    (key,) = [k for kind, k in rig.open if kind == "task"]
    return key


def test_a_user_task_waits_for_its_person() -> None:
    b = user(task=TaskSpec(assignee=Text("ann"), candidate_groups=Text("a, b"), priority=Text("7")))
    rig = Rig(b.program())
    rig.start()
    key = task_key(rig)
    assert rig.state.elements[key].attributes == {"assignee": "ann", "candidate_groups": ["a", "b"], "priority": 7}
    rig.send(e.AssignTask(key, "bob"))
    assert rig.state.elements[key].attributes["assignee"] == "bob"  # type: ignore[index]
    rig.send(e.CompleteTask(key, {"ok": True}))
    assert rig.variables == {"ok": True}
    assert rig.send(e.CompleteTask(key)).rejected == "not-found"


def listener(event: ListenerEvent, name: str) -> Listener:
    return Listener(event, JobSpec(Text(name)))


def test_task_listeners_run_before_their_transition_and_may_deny_it() -> None:
    rig = Rig(user(listeners=[listener(ListenerEvent.COMPLETING, "check")]).program())
    rig.start()
    key = task_key(rig)
    rig.send(e.CompleteTask(key, {"ok": 1}))
    assert rig.send(e.CompleteTask(key)).rejected == "conflict"
    (job,) = rig.state.jobs
    rig.send(e.CompleteJob(job, {}, True, "no"))
    assert not rig.ended()
    rig.send(e.CompleteTask(key, {"ok": 2}))
    (job,) = rig.state.jobs
    rig.send(e.CompleteJob(job))
    assert rig.variables == {"ok": 2}


def test_listeners_of_creating_and_assigning_run_before_the_task_is_shown_and_assigned() -> None:
    listeners = [listener(ListenerEvent.CREATING, "c"), listener(ListenerEvent.ASSIGNING, "a")]
    rig = Rig(user(listeners=listeners, task=TaskSpec(assignee=Text("ann"))).program())
    rig.start()
    assert not [k for k in rig.open if k[0] == "task"]
    rig.send(e.CompleteJob(next(iter(rig.state.jobs))))
    key = task_key(rig)
    assert "assignee" not in (rig.state.elements[key].attributes or {})
    rig.send(e.CompleteJob(next(iter(rig.state.jobs))))
    assert rig.state.elements[key].attributes == {"assignee": "ann"}


def test_execution_listeners_run_around_an_element_in_order() -> None:
    listeners = [
        listener(ListenerEvent.START, "one"),
        listener(ListenerEvent.START, "two"),
        listener(ListenerEvent.END, "three"),
    ]
    b = Build()
    b.line(b.start(), b.node(Kind.JOB_TASK, "task", job=JOB, listeners=listeners), b.node(Kind.END_EVENT, "end"))
    rig = Rig(b.program())
    rig.start()
    seen = []
    while rig.state.jobs:
        (job,) = rig.state.jobs.values()
        seen.append(job.type)
        rig.send(e.CompleteJob(job.key))
    assert seen == ["one", "two", "work", "three"]
    assert rig.ended()
    keys = [x.idempotency_key for x in rig.sent if isinstance(x, c.CreateJob)]
    assert len(set(keys)) == 4


def test_a_cycle_on_a_catch_event_passes_a_token_each_time() -> None:
    b = Build()
    tick = b.node(Kind.INTERMEDIATE_CATCH_EVENT, "tick", trigger=TimerTrigger(TimerKind.CYCLE, Text("R3/PT1H")))
    b.catch(tick, tick)
    b.line(b.start(), tick, b.node(Kind.TASK, "each"), b.node(Kind.END_EVENT, "end"))
    rig = Rig(b.program())
    rig.start()
    for _ in range(3):
        assert not rig.ended()
        fire(rig)
    assert rig.ended()
    assert rig.path().count("each") == 3
