"""An engine whose instances are workflows, by its public door, on a real server with its own clock."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Any, Final

import pytest
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client

from procession import BpmnError, Conflict, Engine, Job, NotFound
from procession.hosts.temporal.ids import workflow_id
from procession.testing.temporal import DevServer
from temporal_rig import Engines

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
def opened(temporal_engines: Engines) -> Open:
    """Engines on one file, of one of the models above, or of none that is new."""

    def engine(model: str, **settings: Any) -> Engine:
        documents = [("p.bpmn", AROUND.format(model).encode())] if model else []
        return temporal_engines(*documents, **settings)

    return engine


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


SCRIPT: Final = """<process id="p" isExecutable="true"><startEvent id="s"/>
  <sequenceFlow id="f1" sourceRef="s" targetRef="t"/>
  <scriptTask id="t" scriptFormat="javascript"><script><![CDATA[
    if (input.n < 0) throw new BpmnError("BROKE");
    if (input.n > 9) null.foo;
    ({y: input.n + 1, drawn: Math.random()})
  ]]></script></scriptTask>
  <sequenceFlow id="f2" sourceRef="t" targetRef="e"/><endEvent id="e"/>
  <boundaryEvent id="b" attachedToRef="t"><errorEventDefinition errorRef="err"/></boundaryEvent>
  <sequenceFlow id="f3" sourceRef="b" targetRef="c"/><endEvent id="c"/></process>"""


def test_scripts_are_activities_of_the_engine(opened: Open) -> None:
    """Nobody registered anything: an engine asks for scripts when a process that has some comes up."""
    engine = opened(SCRIPT)
    done, caught, failed = (engine.start("p", {"n": n}) for n in (1, -1, 10))
    assert engine.wait_until(lambda: done.state == caught.state == "completed" and bool(failed.incidents), 30)
    assert done.variables["y"] == 2
    drawn: Any = done.variables["drawn"]
    assert 0 <= drawn < 1
    assert "c" in [each.element_id for each in caught.history if each.element_id]
    [incident] = failed.incidents
    assert incident.message.startswith("TypeError: cannot read property 'foo' of null")


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


def test_a_job_that_is_an_activity_fails_for_good_by_hand_and_not_for_a_while(opened: Open) -> None:
    engine = opened(JOB)
    instance = engine.start("p")
    assert engine.wait_until(lambda: bool(instance.jobs), 30)
    [job] = instance.jobs
    for retries in (1, None):
        with pytest.raises(Conflict, match="is an activity"):
            engine.fail_job(job.key, "no", retries=retries)
    assert engine.fail_job(job.key, "the carrier is on strike", retries=0) == 0
    [incident] = instance.incidents
    assert (incident.code, incident.message) == ("job-no-retries", "the carrier is on strike")
    with pytest.raises(Conflict, match="out of retries"):
        engine.fail_job(job.key, "no", retries=0)
    engine.worker("work")(lambda: {"done": True})
    instance.resolve_incident()
    assert instance.wait(30) == "completed"
    assert instance.variables == {"done": True}


def test_a_job_that_is_left_to_the_engine_fails_as_it_does_there(opened: Open) -> None:
    engine = opened(JOB, external=["work"])
    instance = engine.start("p")

    assert engine.fail_job(_taken(engine), "no", backoff=0.05) == 1
    assert engine.fail_job(_taken(engine), "not again", retries=0) == 0
    assert engine.wait_until(lambda: bool(instance.incidents), 30)
    assert instance.incidents[0].message == "not again"
    assert engine.activate_jobs("work") == []
    instance.resolve_incident()
    engine.complete_job(_taken(engine))
    assert instance.wait(30) == "completed"


def test_an_activity_that_is_cancelled_leaves_nothing_unseen(opened: Open, caplog: pytest.LogCaptureFixture) -> None:
    engine = opened(JOB)
    instance = engine.start("p")
    engine.changes.suspend(instance.key)
    engine.changes.resume(instance.key)
    # A worker that forgets the instance has nothing to complain of: while it is in its memory, it would.
    gc.collect()
    engine.worker("work")(lambda: {})
    assert instance.wait(30) == "completed"
    gc.collect()
    assert "never retrieved" not in caplog.text


def test_an_instance_of_which_no_worker_has_told_yet_has_taken_no_step(opened: Open) -> None:
    engine = opened(JOB, work=False)
    instance = engine.start("p", {"x": 1})
    assert (instance.state, instance.tokens, instance.variables, instance.history) == ("active", {}, {}, [])
    assert (instance.jobs, instance.tasks, instance.warnings) == ([], [], [])
    with pytest.raises(NotFound, match="no step 1"):
        instance.as_of(1)
    with pytest.raises(NotFound, match="no instance"):
        _ = engine.instance(instance.key + 1).tokens


def test_an_engine_without_the_host_keeps_what_is_for_it_and_says_so(
    opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    first = opened(MESSAGE, work=False)
    instance = first.start("p", {"k": "a"})
    first.close()
    without = opened("", hosted=False)
    assert without.owner
    without.instance(instance.key).cancel("enough")
    without.publish("go", "a")
    assert [each.name for each in caplog.records if "without that host" in each.message] == ["procession"]
    assert without.instance(instance.key).info.state == "active"
    assert without.instance(instance.key).history == []
    without.close()
    caplog.clear()
    # Whoever owns it next is told again, for it still waits.
    opened("", hosted=False).close()
    assert "without that host" in caplog.text
    assert opened("").instance(instance.key).wait(30) == "terminated"


def test_jobs_that_were_reported_to_an_engine_without_the_host_are_offered_by_one_that_has_it(opened: Open) -> None:
    first = opened(JOB, work=False, external=["work"])
    key = first.start("p").key
    first.close()
    without = opened("", hosted=False)
    working = opened("", external=["work"])
    assert without.owner
    assert not working.owner
    assert without.wait_until(lambda: bool(without.instance(key).jobs), 30)
    # It cannot know whether the job is an activity, so it gives it to nobody.
    assert without.activate_jobs("work") == []
    without.close()
    working.complete_job(_taken(working))
    assert working.instance(key).wait(30) == "completed"


def test_an_engine_without_the_host_leaves_time_to_the_cluster(opened: Open, caplog: pytest.LogCaptureFixture) -> None:
    first = opened(TIMER, work=False)
    key = first.start("p").key
    first.close()
    without = opened("", hosted=False)
    opened("")
    assert without.owner
    assert without.instance(key).wait(30) == "completed"
    assert [each.kind for each in without.instance(key).history].count("timer-fired") == 1
    # It would have had to send that a timer is due.
    assert "without that host" not in caplog.text


def test_what_another_process_asks_for_is_tried_on_what_is_known(opened: Open) -> None:
    """It has no host, as the command line, so its requests go through the inbox of the engine that owns the store."""
    owner = opened(MESSAGE)
    instance = owner.start("p", {"k": "a"})
    assert owner.wait_until(lambda: bool(instance.tokens), 30)
    other = opened("", hosted=False)
    assert not other.owner
    with pytest.raises(NotFound, match="nowhere"):
        other.changes.modify(instance.key, activate=["nowhere"])
    other.changes.suspend(instance.key)
    assert owner.wait_until(lambda: instance.info.suspended, 30)
    with pytest.raises(Conflict, match="suspended"):
        other.changes.suspend(instance.key)
    other.changes.resume(instance.key)
    assert owner.wait_until(lambda: not instance.info.suspended, 30)
    other.publish("go", "a")
    assert owner.wait_until(lambda: bool(instance.tasks), 30)
    other.complete_task(instance.tasks[0].key)
    assert instance.wait(30) == "completed"


def _taken(engine: Engine) -> Job:
    """A job as soon as one is offered."""
    found: list[Job] = []

    def looked() -> bool:
        found.extend(engine.activate_jobs("work", 1))
        return bool(found)

    assert engine.wait_until(looked, 30)
    return found[0]


def test_the_details_of_a_workflow_say_where_its_tokens_are_and_no_values(
    opened: Open, temporal_server: DevServer
) -> None:
    engine = opened(JOB)
    engine.worker("work")(_broken)
    instance = engine.start("p", {"secret": "x"})
    assert engine.wait_until(lambda: bool(instance.incidents), 30)
    before = asyncio.run(_events(temporal_server, instance.key))
    assert asyncio.run(_details(temporal_server, instance.key)) == "- `t` `Do it` **incident**"
    assert asyncio.run(_events(temporal_server, instance.key)) == before


def test_details_of_many_tokens_are_their_number(opened: Open, temporal_server: DevServer) -> None:
    loop = """<multiInstanceLoopCharacteristics><extensionElements>
      <zeebe:loopCharacteristics inputCollection="=for i in 1..60 return i"/></extensionElements>
      </multiInstanceLoopCharacteristics>"""
    engine = opened(MESSAGE.replace("</userTask>", f"{loop}</userTask>"))
    instance = engine.start("p", {"k": "a"})
    assert asyncio.run(_details(temporal_server, instance.key)) == "- `w`"
    engine.publish("go", "a")
    assert engine.wait_until(lambda: len(instance.tasks) == 60, 30)
    assert asyncio.run(_details(temporal_server, instance.key)) == "61 active elements, 1 instances"


def _broken() -> None:
    raise RuntimeError("secret")


async def _details(server: DevServer, key: int) -> str:
    handle = (await _client(server)).get_workflow_handle(workflow_id("<default>", key))
    found: WorkflowMetadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    return found.current_details
