"""Jobs that are cancelled and issued anew: under other keys, of whatever they are the job.

The rig holds the facts, the snapshot and the open commands against the state after every step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from core_rig import Build, Rig
from procession.core import commands as c
from procession.core import events as e
from procession.core import facts as f
from procession.core.jobs import REISSUED_MAX
from procession.ir.kinds import Kind, ListenerEvent
from procession.ir.program import AdHoc, JobSpec, Listener, Loop, Program, TaskSpec, Text

WORK: Final = JobSpec(Text("work"), retries=Text("3"))


def listening(event: ListenerEvent) -> tuple[Listener, ...]:
    return (Listener(event, JobSpec(Text("heard"))),)


def of(kind: Kind, **attributes: Any) -> Program:
    b = Build()
    b.line(b.start(), b.node(kind, "a", **attributes), b.node(Kind.END_EVENT, "end"))
    return b.program()


def ad_hoc() -> Program:
    b = Build()
    room = b.node(Kind.AD_HOC_SUB_PROCESS, "a", ad_hoc=AdHoc(), job=WORK)
    within = b.nodes[room]["inner"] = b.node(Kind.AD_HOC_ACTIVATION, "a", room)
    b.nodes[within]["starts"] = [b.node(Kind.JOB_TASK, "inside", within, job=WORK)]
    b.line(b.start(), room, b.node(Kind.END_EVENT, "end"))
    return b.program()


def many(count: int, **attributes: Any) -> Program:
    b = Build()
    body = b.node(
        Kind.MULTI_INSTANCE,
        "items",
        loop=Loop(sequential=False, items=b.expr(str(list(range(count)))), item_name="item"),
    )
    b.nodes[body]["inner"] = b.node(Kind.JOB_TASK, "a", body, job=WORK, **attributes)
    b.line(b.start(), body, b.node(Kind.END_EVENT, "end"))
    return b.program()


def complete(rig: Rig) -> None:
    rig.send(e.CompleteJob(next(iter(rig.state.jobs))))


def finish_task(rig: Rig) -> None:
    [task] = [each.key for each in rig.state.elements.values() if each.is_open_task]
    rig.send(e.CompleteTask(task, {"said": "yes"}))


def choose(rig: Rig) -> None:
    rig.send(e.CompleteJob(next(iter(rig.state.jobs)), choice=e.Choice(done=True)))


CASES: Final[dict[str, tuple[Program, tuple[Callable[[Rig], None], ...], int, tuple[Callable[[Rig], None], ...]]]] = {
    "a job": (of(Kind.JOB_TASK, job=WORK), (), 1, (complete,)),
    "a start listener": (
        of(Kind.JOB_TASK, job=WORK, listeners=listening(ListenerEvent.START)), (), 1, (complete, complete),
    ),
    "behind a start listener": (
        of(Kind.JOB_TASK, job=WORK, listeners=listening(ListenerEvent.START)), (complete,), 1, (complete,),
    ),
    "an end listener": (
        of(Kind.JOB_TASK, job=WORK, listeners=listening(ListenerEvent.END)), (complete,), 1, (complete,),
    ),
    "a task listener": (
        of(Kind.USER_TASK, task=TaskSpec(), listeners=listening(ListenerEvent.COMPLETING)),
        (finish_task,), 1, (complete,),
    ),
    "before a task": (
        of(Kind.USER_TASK, task=TaskSpec(), listeners=listening(ListenerEvent.CREATING)),
        (), 1, (complete, finish_task),
    ),
    "an ad-hoc sub-process": (ad_hoc(), (), 1, (choose,)),
    "items": (many(3), (), 3, (complete, complete, complete)),
}  # fmt: skip
"""What is open: the process, what happens before, how many jobs are open then, and what ends it."""


@pytest.mark.parametrize("suspended", [False, True], ids=["active", "suspended"])
@pytest.mark.parametrize("what", CASES)
def test_what_is_open_is_cancelled_and_issued_anew_under_the_next_number(what: str, suspended: bool) -> None:
    program, before, count, after = CASES[what]
    rig = Rig(program)
    rig.start()
    for happens in before:
        happens(rig)
    if suspended:
        rig.send(e.Suspend())
    old = {each.key: each for each in rig.state.jobs.values()}
    used = keys_of(rig)
    assert len(old) == count
    outcome = rig.send(e.ReissueJobs())
    assert [type(each) for each in outcome.facts] == [f.JobReissued] * count
    closed = [each.job for each in outcome.commands if isinstance(each, c.CloseJob)]
    made = [each for each in outcome.commands if isinstance(each, c.CreateJob)]
    assert closed == list(old)
    assert [each.job for each in made] == list(rig.state.jobs)
    assert not used & {each.idempotency_key for each in made}
    for earlier, later in zip(old.values(), rig.state.jobs.values(), strict=True):
        same = ("element", "type", "retries", "listener", "priority", "held")
        assert [getattr(later, name) for name in same] == [getattr(earlier, name) for name in same]
        assert later.group == earlier.group + 1
        assert rig.send(e.CompleteJob(earlier.key)).rejected == ("suspended" if suspended else "not-found")
    if suspended:
        rig.send(e.Resume())
    for happens in after:
        happens(rig)
    assert rig.ended()
    assert len(keys_of(rig)) == sum(isinstance(each, f.JobCreated | f.JobReissued) for each in rig.facts)


def keys_of(rig: Rig) -> set[str]:
    return {each.idempotency_key for each in rig.sent if isinstance(each, c.CreateJob)}


def test_listeners_behind_it_go_on_with_the_numbers() -> None:
    rig = Rig(of(Kind.JOB_TASK, job=WORK, listeners=listening(ListenerEvent.END)))
    rig.start()
    rig.send(e.ReissueJobs())
    rig.send(e.ReissueJobs())
    complete(rig)
    assert [each.group for each in rig.facts if isinstance(each, f.JobCreated | f.JobReissued)] == [0, 1, 2, 3]


def test_an_error_that_nobody_catches_brings_back_the_new_key_and_never_the_old_one() -> None:
    rig = Rig(of(Kind.JOB_TASK, job=WORK))
    rig.start()
    rig.send(e.ReissueJobs())
    [job] = rig.state.jobs.values()
    key = f"7:{job.element}:0:1"
    rig.send(e.ThrowJobError(job.key, "BAD"))
    rig.send(e.ResolveIncident(next(iter(rig.state.incidents))))
    assert [each.idempotency_key for each in rig.sent if isinstance(each, c.CreateJob)][-2:] == [key, key]


def test_some_of_them_by_name() -> None:
    rig = Rig(many(3))
    rig.start()
    first, second, third = rig.state.jobs
    rig.send(e.ReissueJobs((third, first, third)))
    assert next(iter(rig.state.jobs)) == second
    assert [each.job for each in rig.facts if isinstance(each, f.JobReissued)] == [third, first]


def test_one_without_retries_stays_as_it_is() -> None:
    rig = Rig(many(2))
    rig.start()
    held, other = rig.state.jobs
    rig.send(e.ExhaustJob(held, 3, "down"))
    assert rig.send(e.ReissueJobs((held,))).rejected == "conflict"
    assert rig.send(e.ReissueJobs((other, 5))).rejected == "not-found"
    rig.send(e.ReissueJobs())
    assert next(iter(rig.state.jobs)) == held
    assert other not in rig.state.jobs
    rig.send(e.ExhaustJob(list(rig.state.jobs)[1], 3, "down"))
    assert rig.send(e.ReissueJobs()).rejected == "not-found"


def test_so_many_at_once_and_no_more() -> None:
    rig = Rig(many(REISSUED_MAX + 1), restore=False)
    rig.start()
    assert "name them" in rig.send(e.ReissueJobs()).reason
    assert len(rig.send(e.ReissueJobs(tuple(list(rig.state.jobs)[:REISSUED_MAX]))).facts) == REISSUED_MAX
