"""Task listeners that say no: the user task stays as it was; whoever has nothing to deny cannot."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import drawn as d
from host_rig import FakeClock, check_stored
from procession import Conflict, Denied, Engine, Instance, Job
from procession.core.facts import JobDenied

LISTENER = '<zeebe:taskListeners><zeebe:taskListener eventType="{event}" type="listen"/></zeebe:taskListeners>'
TASK = (
    f'<bpmn:userTask id="@"><bpmn:extensionElements><zeebe:userTask/>{LISTENER}</bpmn:extensionElements>'
    "~</bpmn:userTask>"
)


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(clock=FakeClock()) as opened:
        yield opened


def started(engine: Engine, event: str) -> Instance:
    drawn = d.process("p", "a -> t, t -> e", a=d.start(), t=TASK.format(event=event), e=d.end())
    engine.deploy(("p.bpmn", d.document(drawn)))
    return engine.start("p")


def test_a_denied_completion_leaves_the_task_open(engine: Engine) -> None:
    @engine.worker("listen")
    def listen(job: Job) -> None:
        if "signed" not in instance.variables:
            raise Denied("not signed yet")

    instance = started(engine, "completing")
    instance.complete_task("t", {"approved": True})
    engine.run_until_idle()
    assert (instance.state, len(instance.tasks), instance.variables) == ("active", 1, {})
    reasons = [entry.fact.reason for entry in instance.history if isinstance(entry.fact, JobDenied)]
    assert reasons == ["not signed yet"]
    instance.set_variables({"signed": True})
    instance.complete_task("t", {"approved": True})
    engine.run_until_idle()
    assert (instance.state, instance.variables) == ("completed", {"signed": True, "approved": True})
    check_stored(engine)


def test_a_denied_assignment_changes_nobody(engine: Engine) -> None:
    instance = started(engine, "assigning")
    (task,) = instance.tasks
    engine.assign_task(task.key, "ada")
    (job,) = engine.activate_jobs("listen")
    engine.deny_job(job, "she is away")
    assert instance.tasks[0].assignee == ""
    engine.assign_task(task.key, "grace")
    engine.complete_job(engine.activate_jobs("listen")[0])
    assert instance.tasks[0].assignee == "grace"


def test_the_creation_of_a_task_and_other_jobs_cannot_be_denied(engine: Engine) -> None:
    creating = started(engine, "creating")
    engine.deploy(d.one_task("q"))
    working = engine.start("q")
    for instance, text in ((creating, "cannot deny creating"), (working, "only a task listener can deny")):
        with pytest.raises(Conflict, match=text):
            engine.deny_job(instance.jobs[0].key)
        assert len(instance.jobs) == 1


def test_a_worker_that_denies_where_it_cannot_has_failed(engine: Engine) -> None:
    @engine.worker("work", backoff=[0])
    def work() -> None:
        raise Denied("no")

    engine.deploy(d.one_task())
    instance = engine.start("p")
    engine.run_until_idle()
    assert instance.incidents[0].message == "only a task listener can deny something"
