"""Listeners through the public door: headers, retries, denials, and the stages that a history names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from host_rig import FakeClock, opened
from procession import Denied, Engine, Instance
from procession.base.failure import Conflict, NotFound
from unit.compile.snippets import document, path

LISTENER: Final = (
    '<zeebe:{0}Listener eventType="{1}" type="{1}" retries="2"><zeebe:taskHeaders><zeebe:header key="why" value="{1}"/>'
    "</zeebe:taskHeaders></zeebe:{0}Listener>"
)


def listeners(sort: str, *events: str) -> str:
    return f"<zeebe:{sort}Listeners>{''.join(LISTENER.format(sort, each) for each in events)}</zeebe:{sort}Listeners>"


EXTENSIONS: Final = (
    "<extensionElements><zeebe:userTask/>"
    + listeners("execution", "start", "end")
    + listeners("task", "creating", "updating", "completing", "canceling")
    + "</extensionElements>"
)
HOUR: Final = "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>"
MODEL: Final = document(
    f'<startEvent id="s"/><userTask id="x">{EXTENSIONS}</userTask><endEvent id="e"/>'
    f'<boundaryEvent id="late" attachedToRef="x">{HOUR}</boundaryEvent>' + path("s", "x", "e")
)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def engine(tmp_path: Path, clock: FakeClock) -> Iterator[Engine]:
    with opened(tmp_path / "e.db", clock) as opened_engine:
        opened_engine.deploy(("f.bpmn", MODEL.encode()))
        yield opened_engine


def answered(engine: Engine, *types: str) -> None:
    for each in types:
        (job,) = engine.activate_jobs(each)
        engine.complete_job(job)


def open_task(engine: Engine) -> Instance:
    instance = engine.start("p")
    answered(engine, "start", "creating")
    return instance


def test_a_listeners_job_has_its_own_headers_and_retries(engine: Engine) -> None:
    instance = engine.start("p")
    (job,) = engine.activate_jobs("start")
    assert (job.headers, job.retries, job.element_id) == ({"why": "start"}, 2, "x")
    assert engine.fail_job(job, "not now", backoff=0) == 1
    (again,) = engine.activate_jobs("start")
    assert again.idempotency_key == job.idempotency_key
    assert engine.fail_job(again, "not ever") == 0
    (incident,) = instance.incidents
    assert (incident.element_id, incident.code) == ("x", "job-no-retries")
    instance.resolve_incident()
    answered(engine, "start")
    (creating,) = engine.activate_jobs("creating")
    assert creating.headers == {"why": "creating"}
    assert creating.idempotency_key != job.idempotency_key


def test_a_denied_completion_leaves_the_task_as_it_was(engine: Engine) -> None:
    instance = open_task(engine)
    instance.complete_task("x", {"n": 1})
    (job,) = engine.activate_jobs("completing")
    engine.deny_job(job, "not by you")
    assert (instance.state, [task.element_id for task in instance.tasks]) == ("active", ["x"])
    assert "n" not in instance.variables
    assert [getattr(entry.fact, "reason", "") for entry in instance.history if entry.kind == "job-denied"] == [
        "not by you"
    ]
    instance.complete_task("x", {"n": 2})
    answered(engine, "completing", "end")
    assert (instance.state, instance.variables) == ("completed", {"n": 2})


def test_a_worker_denies_by_raising(engine: Engine) -> None:
    allowed: list[bool] = [False, True]

    @engine.worker("completing")
    def check() -> None:
        if not allowed.pop(0):
            raise Denied("four eyes, please")

    instance = open_task(engine)
    instance.complete_task("x")
    engine.run_until_idle()
    assert [task.element_id for task in instance.tasks] == ["x"]
    instance.complete_task("x")
    engine.run_until_idle()
    answered(engine, "end")
    assert (instance.state, allowed) == ("completed", [])


def test_a_worker_that_denies_what_it_cannot_has_failed(engine: Engine, clock: FakeClock) -> None:
    @engine.worker("start", backoff=[1])
    def never() -> None:
        raise Denied("no")

    instance = engine.start("p")
    for _ in range(3):
        engine.run_until_idle()
        clock.pass_by(2)
    (incident,) = instance.incidents
    assert (incident.code, incident.message) == ("job-no-retries", "only a task listener can deny something")


def test_what_cannot_be_denied_is_not(engine: Engine) -> None:
    instance = engine.start("p")
    for each in ("start", "creating"):
        (job,) = engine.activate_jobs(each)
        with pytest.raises(Conflict, match="deny"):
            engine.deny_job(job)
        engine.complete_job(job)
    instance.cancel()
    (job,) = engine.activate_jobs("canceling")
    with pytest.raises(Conflict, match="cannot deny canceling"):
        engine.deny_job(job)
    engine.complete_job(job)
    assert instance.state == "terminated"


def test_a_task_that_is_being_cancelled_is_no_longer_open(engine: Engine) -> None:
    instance = open_task(engine)
    (task,) = instance.tasks
    instance.cancel("no longer needed")
    assert instance.tasks == []
    with pytest.raises(NotFound):
        engine.complete_task(task.key)
    assert instance.state == "active"
    answered(engine, "canceling")
    assert instance.state == "terminated"


def test_a_completed_task_is_not_completed_again_while_its_end_listeners_run(engine: Engine) -> None:
    instance = open_task(engine)
    (task,) = instance.tasks
    engine.complete_task(task.key)
    answered(engine, "completing")
    assert instance.tasks == []
    with pytest.raises(NotFound):
        engine.complete_task(task.key)
    answered(engine, "end")
    assert instance.state == "completed"


def test_the_history_of_an_element_names_its_stages(engine: Engine, clock: FakeClock) -> None:
    done, late = open_task(engine), open_task(engine)
    done.complete_task("x")
    answered(engine, "completing", "end")
    clock.pass_by(3600)
    engine.run_until_idle()
    answered(engine, "canceling")
    stages = {"enter", "completing", "done", "terminating", "killed"}

    def told(instance: Instance) -> list[str]:
        return [entry.kind for entry in instance.history if entry.element_id == "x" and entry.kind in stages]

    assert told(done) == ["enter", "completing", "done"]
    assert told(late) == ["enter", "terminating", "killed"]
    assert [entry.element_id for entry in done.history if entry.kind == "flow"] == ["s-x", "x-e"]
    assert late.state == "completed"
