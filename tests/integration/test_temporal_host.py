"""An engine whose instances are workflows, by its public door, on a real server with its own clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from temporalio.client import Client

from procession import BpmnError, Engine, Job, NotFound, Temporal
from procession.hosts.temporal.ids import workflow_id
from procession.testing.temporal import DevServer

AROUND: Final = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="x">
  <message id="m" name="go"><extensionElements><zeebe:subscription correlationKey="=k"/></extensionElements></message>
  <error id="err" errorCode="BROKE"/>
  {0}</definitions>"""
JOB: Final = """<process id="p" isExecutable="true"><startEvent id="s"/>
  <sequenceFlow id="f1" sourceRef="s" targetRef="t"/>
  <serviceTask id="t" name="Do it">
  <extensionElements><zeebe:taskDefinition type="work" retries="2"/></extensionElements></serviceTask>
  <sequenceFlow id="f2" sourceRef="t" targetRef="e"/><endEvent id="e"/>
  <boundaryEvent id="b" attachedToRef="t"><errorEventDefinition errorRef="err"/></boundaryEvent>
  <sequenceFlow id="f3" sourceRef="b" targetRef="c"/><endEvent id="c"/></process>"""
TIMER: Final = """<process id="p" isExecutable="true"><startEvent id="s"/>
  <sequenceFlow id="f1" sourceRef="s" targetRef="w"/>
  <intermediateCatchEvent id="w"><timerEventDefinition><timeDuration>PT0.2S</timeDuration></timerEventDefinition>
  </intermediateCatchEvent><sequenceFlow id="f2" sourceRef="w" targetRef="e"/><endEvent id="e"/></process>"""
MESSAGE: Final = """<process id="p" isExecutable="true"><startEvent id="s"/>
  <sequenceFlow id="f1" sourceRef="s" targetRef="w"/>
  <intermediateCatchEvent id="w"><messageEventDefinition messageRef="m"/></intermediateCatchEvent>
  <sequenceFlow id="f2" sourceRef="w" targetRef="u"/>
  <userTask id="u"><extensionElements><zeebe:userTask/></extensionElements></userTask>
  <sequenceFlow id="f3" sourceRef="u" targetRef="e"/><endEvent id="e"/></process>"""

MODES: Final = {"activity": {}, "external": {"external": ["work"]}, "local": {"local": ["work"]}}
"""How a job is done."""
Open = Callable[..., Engine]


@pytest.fixture
def opened(temporal_server: DevServer, tmp_path: Path) -> Any:
    """Engines on one file, whose instances are workflows in a task queue of this test's own."""
    made: list[Engine] = []
    queue = f"t-{time.time_ns()}"

    def engine(model: str, **settings: Any) -> Engine:
        host = Temporal(temporal_server.address, namespace=temporal_server.namespace, queue=queue, **settings)
        found = Engine(tmp_path / "e.db", host=host)
        made.append(found)
        if model:
            found.deploy(("p.bpmn", AROUND.format(model).encode()))
        found.serve(2)
        return found

    yield engine
    for each in made:
        each.close()


@pytest.mark.parametrize(
    "mode", [{}, {"external": ["work"]}, {"local": ["work"]}], ids=["activity", "external", "local"]
)
def test_a_job_is_done_tried_again_and_gives_up_into_an_incident(opened: Open, mode: dict[str, Any]) -> None:
    engine = opened(JOB, **mode)
    seen: list[tuple[int, str]] = []
    good = False

    @engine.worker("work", backoff=[0.05])
    def work(job: Job, x: int = 0) -> dict[str, int]:
        seen.append((job.attempt, job.idempotency_key))
        if not good:
            raise RuntimeError("not yet")
        return {"x": x + 1}

    instance = engine.start("p", {"x": 1})
    assert engine.wait_until(lambda: bool(instance.incidents), 30)
    assert [attempt for attempt, _ in seen] == [1, 2]
    assert "not yet" in instance.incidents[0].message
    good = True
    instance.resolve_incident()
    assert instance.wait(30) == "completed"
    assert instance.variables == {"x": 2}
    assert len({key for _, key in seen}) == 1


@pytest.mark.parametrize(
    "mode", [{}, {"external": ["work"]}, {"local": ["work"]}], ids=["activity", "external", "local"]
)
def test_an_error_of_a_worker_is_caught_by_the_model(opened: Open, mode: dict[str, Any]) -> None:
    engine = opened(JOB, **mode)

    @engine.worker("work")
    async def work() -> None:
        raise BpmnError("BROKE", "so it goes", {"why": "age"})

    instance = engine.start("p")
    assert instance.wait(30) == "completed"
    assert instance.variables == {"why": "age"}


def test_a_timer_is_one_of_the_cluster(opened: Open) -> None:
    assert opened(TIMER).start("p").wait(30) == "completed"


def test_a_message_sent_right_after_the_start_finds_its_instance(opened: Open) -> None:
    engine = opened(MESSAGE)
    instance = engine.start("p", {"k": "a"})
    engine.publish("go", "a", {"got": 1})
    assert engine.wait_until(lambda: bool(instance.tasks), 30)
    assert instance.variables == {"k": "a", "got": 1}
    task = instance.tasks[0].key
    instance.complete_task("u", {"done": True})
    with pytest.raises(NotFound, match=r"not open|has ended"):
        engine.complete_task(task)
    assert instance.wait(30) == "completed"


def test_an_instance_goes_on_under_another_engine(opened: Open) -> None:
    first = opened(MESSAGE)
    key = first.start("p", {"k": "b"}).key
    first.close()
    second = opened("")
    second.publish("go", "b")
    instance = second.instance(key)
    assert second.wait_until(lambda: bool(instance.tasks), 30)
    assert second.play.screen(key).element_id == "u"
    instance.cancel("enough")
    assert instance.wait(30) == "terminated"
    assert second.play.screen(key).state == "terminated"


def test_what_cannot_be_asked_is_refused_and_leaves_no_event(opened: Open, temporal_server: DevServer) -> None:
    engine = opened(MESSAGE)
    instance = engine.start("p", {"k": "c"})
    before = asyncio.run(_events(temporal_server, instance.key))
    with pytest.raises(NotFound, match="not open"):
        engine.complete_task(instance.key)
    with pytest.raises(NotFound):
        instance.set_variables({"x": 1}, element=instance.key + 1)
    assert asyncio.run(_events(temporal_server, instance.key)) - before <= 5


def test_cancelling_the_workflow_cancels_the_instance(opened: Open, temporal_server: DevServer) -> None:
    engine = opened(MESSAGE)
    instance = engine.start("p", {"k": "d"})
    asyncio.run(_cancel(temporal_server, instance.key))
    assert instance.wait(30) == "terminated"


def test_a_start_that_cannot_be_is_refused_before_there_is_a_workflow(opened: Open) -> None:
    engine = opened(JOB)
    with pytest.raises(NotFound):
        engine.start("nobody")


def test_play_starts_and_answers_in_one_call(opened: Open) -> None:
    model = MESSAGE.replace('targetRef="w"/>', 'targetRef="u"/>', 1).replace(
        '<sequenceFlow id="f2" sourceRef="w" targetRef="u"/>', ""
    )
    at = model.index("<intermediateCatchEvent")
    model = model[:at] + model[model.index("<userTask") :]
    engine = opened(model)
    screen = engine.play.start("p", {"a": 1})
    assert (screen.state, screen.element_id, screen.variables) == ("task", "u", {"a": 1})
    engine.complete_task(screen.task, {"b": 2})
    assert engine.play.screen(screen.instance).state == "completed"


async def _client(server: DevServer) -> Client:
    return await Client.connect(server.address, namespace=server.namespace)


async def _events(server: DevServer, key: int) -> int:
    handle = (await _client(server)).get_workflow_handle(workflow_id("<default>", key))
    return len((await handle.fetch_history()).events)


async def _cancel(server: DevServer, key: int) -> None:
    await (await _client(server)).get_workflow_handle(workflow_id("<default>", key)).cancel()
