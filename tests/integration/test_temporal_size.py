"""Large instances on a real server: many items at once, and many messages to one instance."""

from __future__ import annotations

from typing import Final

import pytest
from temporalio.client import WorkflowHistory

from procession import Engine
from procession.hosts.temporal import jobs
from procession.hosts.temporal.cluster import Loop, connect
from procession.hosts.temporal.ids import workflow_id
from procession.hosts.temporal.jobs import FLIGHT_MAX
from procession.hosts.temporal.payloads import AT_ONCE, Budget
from procession.runtime.rows import IntRow
from procession.testing.temporal import DevServer
from temporal_rig import Engines

AROUND: Final = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="x">
  <message id="m" name="tick"><extensionElements><zeebe:subscription correlationKey="=k"/></extensionElements></message>
  <process id="p" isExecutable="true"><startEvent id="s"/>{0}<endEvent id="e"/></process></definitions>"""
ITEMS: Final = """<sequenceFlow id="f1" sourceRef="s" targetRef="t"/>
  <serviceTask id="t"><extensionElements><zeebe:taskDefinition type="work"/></extensionElements>
  <multiInstanceLoopCharacteristics><extensionElements><zeebe:loopCharacteristics
    inputCollection="=for i in 1..count return i" inputElement="item" outputCollection="out" outputElement="=twice"/>
  </extensionElements></multiInstanceLoopCharacteristics></serviceTask>
  <sequenceFlow id="f2" sourceRef="t" targetRef="e"/>"""
MESSAGES: Final = """<sequenceFlow id="f1" sourceRef="s" targetRef="t"/>
  <userTask id="t"><extensionElements><zeebe:userTask/></extensionElements></userTask>
  <boundaryEvent id="b" attachedToRef="t" cancelActivity="false"><messageEventDefinition messageRef="m"/>
  </boundaryEvent><sequenceFlow id="f3" sourceRef="b" targetRef="e2"/><endEvent id="e2"/>
  <sequenceFlow id="f2" sourceRef="t" targetRef="e"/>"""
PORTION: Final = 1_000
"""Messages that are published at once."""


def model(body: str) -> tuple[str, bytes]:
    """The process `p` of these elements."""
    return "p.bpmn", AROUND.format(body).encode()


def _runs(server: DevServer, instance: int) -> int:
    """How many runs the workflow of an instance had."""

    async def count() -> int:
        client = await connect(server.address, server.namespace)
        found = 0
        run: str | None = None
        while True:
            handle = client.get_workflow_handle(workflow_id("<default>", instance), run_id=run)
            history: WorkflowHistory = await handle.fetch_history()
            found += 1
            run = history.events[0].workflow_execution_started_event_attributes.continued_execution_run_id
            if not run:
                return found

    loop = Loop()
    try:
        return loop.run(count())
    finally:
        loop.close()


def _items(engine: Engine, count: int, seconds: float) -> int:
    @engine.worker("work")
    async def work(item: int) -> dict[str, int]:
        return {"twice": 2 * item}

    instance = engine.start("p", {"count": count})
    assert instance.wait(seconds) == "completed"
    assert instance.variables["out"] == [2 * item for item in range(1, count + 1)]
    return instance.key


def test_a_large_snapshot_is_carried_from_run_to_run(temporal_engines: Engines, temporal_server: DevServer) -> None:
    engine = temporal_engines(model(ITEMS), budget=Budget(events=600))
    # However they come in: 1,000 may be in flight, and the task that takes in what ended of them begins 100 more
    # before the run knows that its budget is spent. Some are left for the next run even where all these end at once.
    key = _items(engine, FLIGHT_MAX + 3 * AT_ONCE, 120)
    assert _runs(temporal_server, key) > 1


def test_a_run_leaves_the_cache_while_some_of_its_items_wait(
    temporal_engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "FLIGHT_MAX", 3)
    engine = temporal_engines(model(ITEMS), cached=0)
    _items(engine, 20, 60)


@pytest.mark.large
def test_ten_thousand_items(temporal_engines: Engines, temporal_server: DevServer) -> None:
    engine = temporal_engines(model(ITEMS))
    key = _items(engine, 10_000, 600)
    # Without a codec a payload is 2 MiB at most, and what 9,000 items still wait for is more than that.
    assert _runs(temporal_server, key) > 5


@pytest.mark.large
def test_a_hundred_thousand_messages_to_one_instance(temporal_engines: Engines, temporal_server: DevServer) -> None:
    count = 100_000
    engine = temporal_engines(model(MESSAGES))
    instance = engine.start("p", {"k": "a"})
    for _ in range(0, count, PORTION):
        engine.publish_many([("tick", "a")] * PORTION, ttl=3_600)
    assert engine.wait_until(lambda: instance.tokens == {"t": 1} and _taken(engine, instance.key) >= count, 600)
    instance.complete_task("t")
    assert instance.wait(60) == "completed"
    assert _taken(engine, instance.key) == count + 2
    assert _runs(temporal_server, instance.key) > 5


def _taken(engine: Engine, instance: int) -> int:
    rows = engine.store.read("fact_last", (0, instance), IntRow)
    return rows[0].value or 0 if rows else 0
