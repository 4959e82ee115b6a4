"""Interruptions that wait for canceling listeners, in any order of what may happen meanwhile.

The rig holds the facts, the snapshot and the open commands against the state after every step.
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from core_rig import Build, Rig
from procession.core import events as e
from procession.core import facts as f
from procession.core.state import Status
from procession.ir.kinds import Kind, ListenerEvent, TimerKind
from procession.ir.program import (
    ErrorTrigger,
    JobSpec,
    Listener,
    Program,
    TaskSpec,
    TerminateTrigger,
    Text,
    TimerTrigger,
)

NOTE = Listener(ListenerEvent.CANCELING, JobSpec(Text("note")))
CHECK = Listener(ListenerEvent.COMPLETING, JobSpec(Text("check")))


def timer(hours: int) -> TimerTrigger:
    return TimerTrigger(TimerKind.DURATION, Text(f"PT{hours}H"))


def boundary(b: Build, host: int, id: str, scope: int, trigger: TimerTrigger | ErrorTrigger) -> None:
    event = b.node(Kind.BOUNDARY_EVENT, id, scope, trigger=trigger, attached=host)
    b.catch(host, event)
    b.line(event, b.node(Kind.END_EVENT, f"{id}_end", scope))


def model() -> Program:
    """Two scopes around two user tasks and a job, with a boundary event each, and an event sub-process."""
    b = Build()
    outer = b.node(Kind.SUB_PROCESS, "outer")
    inner = b.node(Kind.SUB_PROCESS, "inner", outer)
    fork = b.node(Kind.PARALLEL_GATEWAY, "fork", inner)
    first = b.node(Kind.USER_TASK, "first", inner, task=TaskSpec(), listeners=(NOTE, CHECK, NOTE))
    second = b.node(Kind.USER_TASK, "second", inner, task=TaskSpec(), listeners=(NOTE,))
    work = b.node(Kind.JOB_TASK, "work", inner, job=JobSpec(Text("work")))
    stop = b.node(Kind.END_EVENT, "stop", inner, trigger=TerminateTrigger())
    b.line(b.start(inner, "s2"), fork, first)
    b.line(fork, second)
    b.line(fork, work, stop)
    boundary(b, first, "soon", inner, timer(1))
    b.line(b.start(outer, "s1"), inner, b.node(Kind.END_EVENT, "e1", outer))
    boundary(b, inner, "later", outer, timer(2))
    boundary(b, inner, "bad", outer, ErrorTrigger(Text("")))
    handler = b.node(Kind.EVENT_SUB_PROCESS, "handler", outer)
    started = b.node(Kind.START_EVENT, "caught", handler, trigger=timer(3))
    b.nodes[handler]["starts"] = [started]
    b.line(started, b.node(Kind.END_EVENT, "handled", handler))
    b.catch(outer, started)
    b.line(b.start(), outer, b.node(Kind.END_EVENT, "end"))
    boundary(b, outer, "last", 0, timer(4))
    return b.program()


def fire(rig: Rig) -> None:
    due = min(rig.state.timers.values(), key=lambda each: each.due, default=None)
    if due is not None:
        rig.at = max(rig.at, due.due)
        rig.send(e.FireTimer(due.key))


def complete(rig: Rig) -> None:
    job = next((each for each in rig.state.jobs.values() if not each.held), None)
    if job is not None:
        rig.send(e.CompleteJob(job.key))


def exhaust(rig: Rig) -> None:
    job = next((each for each in reversed(rig.state.jobs.values()) if not each.held), None)
    if job is not None:
        rig.send(e.ExhaustJob(job.key, 1, "down"))


def throw(rig: Rig) -> None:
    job = next((each for each in reversed(rig.state.jobs.values()) if not each.held), None)
    if job is not None:
        rig.send(e.ThrowJobError(job.key, "BAD"))


def resolve(rig: Rig) -> None:
    for key in list(rig.state.incidents)[:1]:
        rig.send(e.ResolveIncident(key))


def do_task(rig: Rig) -> None:
    task = next((each for each in rig.state.elements.values() if each.is_open_task), None)
    if task is not None:
        rig.send(e.CompleteTask(task.key))


def cancel(rig: Rig) -> None:
    rig.send(e.Cancel())


ACTIONS: tuple[Callable[[Rig], None], ...] = (fire, complete, exhaust, throw, resolve, do_task, cancel)


@given(script=st.lists(st.sampled_from(ACTIONS), max_size=25))
@settings(max_examples=80)
def test_an_interrupted_instance_always_comes_to_its_end(script: list[Callable[[Rig], None]]) -> None:
    rig = Rig(model())
    rig.start()
    for act in script:
        if rig.state.status is Status.ACTIVE:
            act(rig)
    if rig.state.status is Status.ACTIVE and cancel not in script:
        cancel(rig)
    for _ in range(20):
        if rig.state.status is Status.ACTIVE:
            resolve(rig)
            complete(rig)
    assert rig.state.status is not Status.ACTIVE
    entered = {each.element for each in rig.facts if isinstance(each, f.ElementEntered | f.ItemEntered)}
    over = [each.element for each in rig.facts if isinstance(each, f.ElementCompleted | f.ElementTerminated)]
    assert len(over) == len(set(over)) == len(entered) + 1


def test_each_canceling_listener_runs_once_whatever_interrupts_meanwhile() -> None:
    rig = Rig(model())
    rig.start()
    for _ in range(4):
        fire(rig)
    assert not rig.state.timers
    for _ in range(3):
        complete(rig)
    assert rig.state.status is Status.COMPLETED
    notes = [each for each in rig.facts if isinstance(each, f.JobCreated) and each.type == "note"]
    assert len(notes) == 3
    assert "last_end" in rig.path()
    assert not {"soon_end", "later_end", "handled"} & set(rig.path())
