"""Every way to change an instance, at every position that a token can be in.

The rig holds the facts, the snapshot and the open commands against the state after every step, so a row here says that
nothing is left over and nothing is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import pytest
from msgspec.structs import replace

from core_rig import Build, Rig, link
from procession.core import events as e
from procession.core import snapshot
from procession.core.instructions import Activate, Move, SetLocal, TakeToken, Terminate
from procession.core.mapping import default_plan
from procession.core.plans import MigrationChoice, MigrationPlan
from procession.core.state import Status
from procession.ir.kinds import Kind, ListenerEvent, TimerKind
from procession.ir.program import (
    Call,
    ConditionalTrigger,
    Data,
    DataSet,
    JobSpec,
    Listener,
    Loop,
    MessageTrigger,
    Program,
    Repeat,
    SignalTrigger,
    TaskSpec,
    Text,
    TimerTrigger,
    Transfer,
)

WORK: Final = JobSpec(Text("work"))
HOUR: Final = TimerTrigger(TimerKind.DURATION, Text("PT1H"))
NEWS: Final = MessageTrigger(Text("news"))
Place: TypeAlias = Callable[[Build], int]


def task(b: Build) -> int:
    return b.node(Kind.JOB_TASK, "here", job=WORK)


def listened(b: Build) -> int:
    """A start listener's job is open; the task itself has not begun."""
    listeners = (Listener(ListenerEvent.START, JobSpec(Text("listen"))),)
    node = b.node(Kind.JOB_TASK, "here", job=WORK, listeners=listeners)
    return bounded(b, node)


def bounded(b: Build, node: int) -> int:
    event = b.node(Kind.BOUNDARY_EVENT, "late", trigger=HOUR, attached=node, interrupting=False)
    b.catch(node, event)
    b.line(event, b.node(Kind.END_EVENT, "late_end"))
    return node


def guarded(b: Build) -> int:
    return bounded(b, b.node(Kind.JOB_TASK, "here", job=WORK))


def person(b: Build) -> int:
    return b.node(Kind.USER_TASK, "here", task=TaskSpec(Text("ada")))


def message(b: Build) -> int:
    node = b.node(Kind.RECEIVE_TASK, "here", trigger=NEWS)
    b.catch(node, node)
    return node


def timer(b: Build) -> int:
    node = b.node(Kind.INTERMEDIATE_CATCH_EVENT, "here", trigger=HOUR)
    b.catch(node, node)
    return node


def signal(b: Build) -> int:
    node = b.node(Kind.INTERMEDIATE_CATCH_EVENT, "here", trigger=SignalTrigger(Text("go")))
    b.catch(node, node)
    return node


def choice(b: Build) -> int:
    gateway = b.node(Kind.EVENT_BASED_GATEWAY, "here")
    for id, trigger in (("first", HOUR), ("second", NEWS)):
        event = b.node(Kind.INTERMEDIATE_CATCH_EVENT, id, trigger=trigger)
        b.catch(gateway, event)
        b.line(gateway, event, b.node(Kind.END_EVENT, f"{id}_end"))
    return gateway


def sub_process(b: Build) -> int:
    scope = b.node(Kind.SUB_PROCESS, "here")
    inner = b.node(Kind.JOB_TASK, "inner", scope, job=WORK)
    b.line(b.start(scope, "inner_start"), inner, b.node(Kind.END_EVENT, "inner_end", scope))
    return scope


def handler(b: Build) -> int:
    """A sub-process with an event sub-process in it, and a boundary event at it."""
    scope = sub_process(b)
    inside = b.node(Kind.EVENT_SUB_PROCESS, "handler", scope)
    event = b.node(Kind.START_EVENT, "handler_start", inside, trigger=NEWS)
    b.line(event, b.node(Kind.JOB_TASK, "handled", inside, job=WORK), b.node(Kind.END_EVENT, "handled_end", inside))
    b.catch(scope, event)
    return bounded(b, scope)


def repeated(sequential: bool) -> Place:
    def place(b: Build) -> int:
        body = b.node(
            Kind.MULTI_INSTANCE, "here", loop=Loop(sequential, b.expr("[1, 2, 3]"), "item", "out", b.expr("item"))
        )
        b.nodes[body]["inner"] = b.node(Kind.JOB_TASK, "here", body, job=WORK)
        return body

    return place


def called(b: Build) -> int:
    return b.node(Kind.CALL_ACTIVITY, "here", call=Call(Text("child")))


def failed(b: Build) -> int:
    """An incident instead of a job: the type of its job is no text."""
    return b.node(Kind.JOB_TASK, "here", job=JobSpec(Text(expression=b.expr("missing"))))


def condition(b: Build) -> int:
    node = b.node(Kind.INTERMEDIATE_CATCH_EVENT, "here", trigger=ConditionalTrigger(b.expr("y == 1"), ("y",)))
    b.catch(node, node)
    return node


def several(parallel: bool) -> Place:
    """An event with two definitions, of which one is enough, or both are needed."""

    def place(b: Build) -> int:
        event = b.node(Kind.INTERMEDIATE_CATCH_EVENT, "here", parallel=parallel)
        for trigger in (HOUR, SignalTrigger(Text("go"))):
            part = b.node(Kind.TRIGGER, "here", trigger=trigger, attached=event)
            b.nodes[event].setdefault("parts", []).append(part)
            b.catch(event, part)
        return event

    return place


def looped(b: Build) -> int:
    body = b.node(Kind.LOOP, "here", loop=Loop(True), repeat=Repeat(maximum=3))
    b.nodes[body]["inner"] = b.node(Kind.JOB_TASK, "here", body, job=WORK)
    return bounded(b, body)


def without_data(b: Build) -> int:
    lacking = Data((), (Transfer(b.expr("a"), ("x",), ("a",)),), (), (DataSet(("x",)),))
    return bounded(b, b.node(Kind.JOB_TASK, "here", job=WORK, data=lacking))


def reading(b: Build) -> int:
    taken = Transfer(b.expr("stock"), ("x",))
    return b.node(Kind.JOB_TASK, "here", job=WORK, data=Data(("x",), (taken,), reads=(("stock", "stock"),)))


POSITIONS: Final[dict[str, Place]] = {
    "task": task,
    "listened": listened,
    "guarded": guarded,
    "person": person,
    "message": message,
    "timer": timer,
    "signal": signal,
    "choice": choice,
    "sub_process": sub_process,
    "handler": handler,
    "parallel": repeated(False),
    "sequential": repeated(True),
    "called": called,
    "failed": failed,
    "condition": condition,
    "any_of_several": several(False),
    "all_of_several": several(True),
    "looped": looped,
    "without_data": without_data,
    "reading": reading,
}
"""Where the token is: each makes the node `here`, which a token enters from the start and does not leave by itself."""


def model(place: Place, *, shifted: bool = False) -> Program:
    """start -> here -> after -> end. `shifted` has other numbers for the same."""
    b = Build()
    if shifted:
        b.line(b.node(Kind.TASK, "unused"), b.node(Kind.END_EVENT, "unused_end"))
    start = b.start()
    if shifted:
        b.expr("1")
    after = b.node(Kind.JOB_TASK, "after", job=WORK)
    b.line(start, place(b), after, b.node(Kind.END_EVENT, "end"))
    return b.program()


def at(position: str) -> Rig:
    rig = Rig(model(POSITIONS[position]))
    rig.start({"x": 1})
    assert not rig.ended()
    return rig


def done(rig: Rig) -> None:
    """From `after` it comes to its end, and leaves nothing open."""
    assert set(rig.jobs()) == {"after"}
    rig.complete("after")
    assert rig.ended()
    assert not rig.open


def tried(rig: Rig, *instructions: Any) -> None:
    outcome = rig.send(e.Modify(instructions))
    assert not outcome.rejected, outcome.reason


everywhere: Final = pytest.mark.parametrize("position", POSITIONS)


@everywhere
def test_what_is_terminated_takes_all_with_it_and_ends_the_instance(position: str) -> None:
    rig = at(position)
    tried(rig, Terminate("here"))
    assert rig.ended(Status.TERMINATED)
    assert not rig.open


@everywhere
def test_what_is_moved_goes_on_elsewhere(position: str) -> None:
    rig = at(position)
    tried(rig, Move("here", "after", variables={"own": 1}), SetLocal({"x": 2}))
    assert rig.variables == {"x": 2}
    done(rig)


@everywhere
def test_what_is_begun_beside_it_disturbs_nothing(position: str) -> None:
    rig = at(position)
    before = {kind: rig.waits(kind) for kind in ("timers", "subscriptions", "incidents")}
    tried(rig, Activate("after"))
    assert {kind: rig.waits(kind) for kind in before} == before
    rig.complete("after")
    assert not rig.ended()
    tried(rig, Terminate("here"))
    assert rig.ended(Status.TERMINATED)


@everywhere
def test_another_one_of_it_begins_like_the_first(position: str) -> None:
    rig, twice = at(position), at(position)
    tried(twice, Activate("here"))
    for kind in ("jobs", "timers", "subscriptions", "incidents"):
        assert twice.waits(kind) == rig.waits(kind) + rig.waits(kind), kind
    tried(twice, Move("here", "after"))
    twice.complete("after")
    done(twice)


@everywhere
def test_a_suspension_takes_everything_off_and_a_resume_puts_it_back(position: str) -> None:
    rig = at(position)
    before, dumped = dict(rig.open), snapshot.dump(rig.state)
    assert not rig.send(e.Suspend()).rejected
    assert {kind for kind, _ in rig.open} <= {"task", "incident"}
    assert not rig.send(e.Resume()).rejected
    assert rig.open == before
    rig.state.seq -= 2
    assert snapshot.dump(rig.state) == dumped


@everywhere
def test_a_suspended_instance_is_moved_without_anything_coming_on_offer(position: str) -> None:
    rig = at(position)
    rig.send(e.Suspend())
    tried(rig, Move("here", "after"))
    assert not rig.open
    rig.send(e.Resume())
    done(rig)


@everywhere
def test_a_restart_ends_all_and_begins_under_the_next_epoch(position: str) -> None:
    rig = at(position)
    outcome = rig.send(e.Restart((Activate("after"),), {"y": 2}))
    assert not outcome.rejected, outcome.reason
    assert rig.state.epoch == 1
    assert rig.variables == {"x": 1, "y": 2}
    done(rig)


@everywhere
@pytest.mark.parametrize(
    "chosen", [MigrationChoice(), MigrationChoice("new", "new", "new", "new")], ids=["kept", "anew"]
)
def test_a_migration_to_the_same_with_other_numbers_changes_nothing_that_it_waits_for(
    position: str, chosen: MigrationChoice
) -> None:
    rig = at(position)
    before = {kind: rig.waits(kind) for kind in ("jobs", "timers", "subscriptions", "incidents")}
    target = link(model(POSITIONS[position], shifted=True), hash="shifted")
    plan = default_plan(rig.linked.program, target.program)
    choices = {each: chosen for each in plan.elements}
    outcome = rig.migrate(target, MigrationPlan(elements=plan.elements, choices=choices))
    assert not outcome.rejected, outcome.reason
    assert rig.state.program == "shifted"
    assert {kind: rig.waits(kind) for kind in before} == before
    tried(rig, Move("here", "after"))
    done(rig)


@everywhere
def test_a_plan_without_it_is_refused(position: str) -> None:
    rig = at(position)
    target = link(model(POSITIONS[position], shifted=True), hash="shifted")
    plan = default_plan(rig.linked.program, target.program)
    elements = {one: other for one, other in plan.elements.items() if one != "here"}
    outcome = rig.migrate(target, MigrationPlan(elements=elements))
    assert outcome.rejected == "conflict"
    assert "'here'" in outcome.reason


@everywhere
def test_a_plan_that_goes_to_another_kind_is_refused(position: str) -> None:
    rig = at(position)
    target = link(model(POSITIONS[position], shifted=True), hash="shifted")
    outcome = rig.migrate(target, MigrationPlan(elements={"here": "end"}))
    assert "'here' is" in outcome.reason


# --- what a token that waits at a join needs, and what is held back ---------------------------------------------------


def joined(kind: Kind, *, branches: int = 2, shifted: bool = False) -> Program:
    """A fork into jobs `j0`, `j1` …, a join of them, and `after`."""
    b = Build()
    if shifted:
        b.line(b.node(Kind.TASK, "unused"), b.node(Kind.END_EVENT, "unused_end"))
    fork, join = b.node(kind, "fork"), b.node(kind, "join")
    b.line(b.start(), fork)
    jobs = [b.node(Kind.JOB_TASK, f"j{n}", job=WORK) for n in range(branches)]
    for job in jobs:
        b.line(fork, job, join)
    if kind is Kind.INCLUSIVE_GATEWAY:
        b.nodes[join]["reach"] = tuple((fork, job) for job in jobs)
    b.line(join, b.node(Kind.JOB_TASK, "after", job=WORK), b.node(Kind.END_EVENT, "end"))
    # Flows have the same ids where they lead from and to the same elements.
    b.flows = [replace(f, id=f"{b.nodes[f.source]['id']}_{b.nodes[f.target]['id']}") for f in b.flows]
    return b.program()


JOINS: Final = (Kind.PARALLEL_GATEWAY, Kind.INCLUSIVE_GATEWAY)


@pytest.mark.parametrize("kind", JOINS)
def test_a_token_at_a_join_goes_over_with_its_flow(kind: Kind) -> None:
    rig = Rig(joined(kind))
    rig.start()
    rig.complete("j0")
    target = link(joined(kind, shifted=True), hash="shifted")
    plan = default_plan(rig.linked.program, target.program)
    refused = rig.migrate(target, MigrationPlan(elements=plan.elements))
    assert "a token waits at 'join' on the flow 'j0_join'" in refused.reason
    assert not rig.migrate(target, plan).rejected
    rig.complete("j1")
    done(rig)


def test_a_join_that_needs_fewer_tokens_at_the_target_goes_on_at_once() -> None:
    rig = Rig(joined(Kind.PARALLEL_GATEWAY, branches=3))
    rig.start()
    rig.complete("j0")
    rig.complete("j1")
    tried(rig, Move("j2", "after"))
    target = link(joined(Kind.PARALLEL_GATEWAY), hash="fewer")
    assert not rig.migrate(target, default_plan(rig.linked.program, target.program)).rejected
    rig.complete("after")
    done(rig)


@pytest.mark.parametrize("kind", JOINS)
def test_the_last_token_of_a_join_that_is_taken_ends_the_instance(kind: Kind) -> None:
    rig = Rig(joined(kind))
    rig.start()
    rig.complete("j0")
    tried(rig, Terminate("j1"), TakeToken("j0_join"))
    assert rig.ended(Status.TERMINATED)


def test_an_inclusive_join_goes_on_when_what_held_it_back_is_terminated() -> None:
    rig = Rig(joined(Kind.INCLUSIVE_GATEWAY))
    rig.start()
    rig.complete("j0")
    tried(rig, Terminate("j1"))
    done(rig)


HELD_BACK: Final[dict[str, Callable[[Rig], e.AnyEvent]]] = {
    "task": lambda rig: e.CompleteJob(rig.jobs()["here"]),
    "listened": lambda rig: e.ExhaustJob(rig.jobs()["here"], 1, "no"),
    "guarded": lambda rig: e.ThrowJobError(rig.jobs()["here"], "E"),
    "person": lambda rig: e.CompleteTask(max(rig.state.elements)),
    "message": lambda rig: e.OfferMessage(next(iter(rig.state.subscriptions)), 1),
    "signal": lambda rig: e.ReceiveSignal(next(iter(rig.state.subscriptions))),
    "timer": lambda rig: e.FireTimer(next(iter(rig.state.timers))),
}


@pytest.mark.parametrize("position", HELD_BACK)
def test_what_comes_from_outside_is_held_back_while_it_is_suspended(position: str) -> None:
    rig = at(position)
    rig.send(e.Suspend())
    rig.at += 3_600_000
    assert rig.send(HELD_BACK[position](rig)).rejected == "suspended"
    rig.send(e.Resume())
    assert not rig.send(HELD_BACK[position](rig)).rejected


def test_what_a_called_process_reports_is_taken_in_while_it_is_suspended() -> None:
    rig = at("called")
    element = max(rig.state.elements)
    rig.send(e.Resolved(element, "child", 1))
    rig.send(e.Suspend())
    child = rig.state.elements[element].child
    assert not rig.send(e.ChildCompleted(element, child, {"y": 2})).rejected
    assert not rig.open
    rig.send(e.Resume())
    done(rig)


def test_a_user_task_with_canceling_listeners_is_moved_once_they_ran() -> None:
    b = Build()
    listeners = (Listener(ListenerEvent.CANCELING, JobSpec(Text("note"))),)
    after = b.node(Kind.JOB_TASK, "after", job=WORK)
    b.line(b.start(), b.node(Kind.USER_TASK, "here", task=TaskSpec(), listeners=listeners), after)
    b.line(after, b.node(Kind.END_EVENT, "end"))
    for ending in (e.Modify((Terminate("here"),)), e.Modify((Move("here", "after"),)), e.Restart((Activate("after"),))):
        rig = Rig(b.program())
        rig.start()
        assert not rig.send(ending).rejected
        again = rig.send(e.Modify((Terminate("here"),)))
        assert "is being ended already" in again.reason
        rig.send(e.CompleteJob(rig.jobs()["here"]))
        if isinstance(ending, e.Modify) and isinstance(ending.instructions[0], Terminate):
            assert rig.ended(Status.TERMINATED)
        else:
            done(rig)
