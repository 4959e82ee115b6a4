"""Search attributes on a real server: workflows are listed by process, state and incident, if the cluster has them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client, WorkflowExecutionDescription
from temporalio.common import SearchAttributeKey

from fault_models import document, process, service, user
from procession import Engine, Instance, Temporal
from procession.hosts.temporal.cells.cell import IMPLIED, OPTIONAL
from procession.hosts.temporal.ids import workflow_id
from procession.hosts.temporal.payloads import TRAMPOLINE
from procession.testing.temporal import DevServer
from temporal_worker_rig import until

_CALL: Final = (
    '<bpmn:callActivity id="call"><bpmn:extensionElements><zeebe:calledElement processId="desk"/>'
    "</bpmn:extensionElements></bpmn:callActivity>"
)
MODELS: Final = (
    ("job.bpmn", document(process("job", service("work")))),
    ("desk.bpmn", document(process("desk", user("approve")))),
    ("both.bpmn", document(process("both", service("work"), user("approve")))),
    ("caller.bpmn", document(process("caller", _CALL))),
)
Open = Callable[..., Engine]


@pytest.fixture(params=["temporal_server", "temporal_floor"])
def namespace(request: pytest.FixtureRequest) -> DevServer:
    """A namespace with all attributes, on the newest server and on the oldest."""
    server: DevServer = request.getfixturevalue(request.param)
    name = f"{server.namespace}-searched"
    asyncio.run(server.create_namespace(name, {**IMPLIED, **OPTIONAL}))
    return server.in_namespace(name)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    made: list[Engine] = []

    def engine(server: DevServer, **settings: Any) -> Engine:
        host = Temporal(server.address, namespace=server.namespace, queue=f"t-{time.time_ns()}", **settings)
        found = Engine(tmp_path / f"{len(made)}.db", host=host)
        made.append(found)
        found.deploy(*MODELS)
        found.serve(2)
        return found

    yield engine
    for each in made:
        each.close()


def listed(server: DevServer, query: str) -> set[str]:
    async def ids() -> set[str]:
        return {each.id async for each in (await server.connect()).list_workflows(query)}

    return asyncio.run(ids())


def described(server: DevServer, instance: int) -> WorkflowExecutionDescription:
    async def description() -> WorkflowExecutionDescription:
        return await (await server.connect()).get_workflow_handle(workflow_id("<default>", instance)).describe()

    return asyncio.run(description())


def attributes(server: DevServer, instance: int) -> Mapping[str, object]:
    """Those of ours."""
    found = described(server, instance).typed_search_attributes
    return {key.name: list(value) if isinstance(value, (list, tuple)) else value for key, value in found
            if key.name.startswith("Bpmn")}  # fmt: skip


def upserts(server: DevServer, instance: int) -> int:
    async def history() -> int:
        handle = (await server.connect()).get_workflow_handle(workflow_id("<default>", instance))
        events = (await handle.fetch_history()).events
        return sum(each.event_type == EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES for each in events)

    return asyncio.run(history())


# Without a cache every task replays the ones before: what it upserts must be the same then.
@pytest.mark.parametrize("cached", [1_000, 0])
def test_workflows_are_listed_by_process_state_and_incident(namespace: DevServer, opened: Open, cached: int) -> None:
    engine = opened(namespace, search=True, cached=cached)
    good = False

    @engine.worker("work", backoff=[0.01])
    def work() -> None:
        if not good:
            raise RuntimeError("the secret number is 12")

    broken = engine.start("job", business_key="K-1")
    waiting = engine.start("desk")
    mine = workflow_id("<default>", broken.key)
    until(lambda: listed(namespace, "BpmnIncident = 'job-no-retries'") == {mine}, "the incident is found")
    assert listed(namespace, "BpmnProcess = 'job' AND BpmnState = 'active'") == {mine}
    everything = "BpmnTenant = '<default>' AND BpmnVersion = '1' AND BpmnState IN ('active', 'completed')"
    until(lambda: len(listed(namespace, everything)) == 2, "both are found")
    assert attributes(namespace, broken.key) == {
        "BpmnProcess": "job",
        "BpmnVersion": "1",
        "BpmnTenant": "<default>",
        "BpmnState": "active",
        "BpmnIncident": ["job-no-retries"],
    }
    good = True
    broken.resolve_incident()
    assert broken.wait(30) == "completed"
    until(lambda: listed(namespace, "BpmnState = 'completed'") == {mine}, "its end is found")
    assert "BpmnIncident" not in attributes(namespace, broken.key)
    assert upserts(namespace, broken.key) in {2, 3}, "one when it is raised, one or two when it is resolved and the end"
    waiting.cancel("enough")
    assert waiting.wait(30) == "terminated"
    until(lambda: attributes(namespace, waiting.key)["BpmnState"] == "terminated", "its end is told")
    assert upserts(namespace, waiting.key) == 1


def test_the_next_run_has_the_attributes_and_goes_on_from_them(namespace: DevServer, opened: Open) -> None:
    engine = opened(namespace, search=True)
    good = False

    @engine.worker("work", backoff=[0.01])
    def work() -> None:
        if not good:
            raise RuntimeError("not yet")

    instance = engine.start("both")
    until(lambda: bool(instance.incidents), "there is an incident")
    first = described(namespace, instance.key)
    asyncio.run(_signal(namespace, instance.key))
    until(lambda: described(namespace, instance.key).run_id != first.run_id, "there is a second run")
    told = attributes(namespace, instance.key)
    assert (told["BpmnProcess"], told["BpmnState"], told["BpmnIncident"]) == ("both", "active", ["job-no-retries"])
    assert upserts(namespace, instance.key) == 0
    good = True
    instance.resolve_incident()
    until(lambda: bool(instance.tasks), "it went on")
    until(lambda: "BpmnIncident" not in attributes(namespace, instance.key), "it is over")
    instance.complete_task("approve")
    assert instance.wait(30) == "completed"
    assert attributes(namespace, instance.key)["BpmnState"] == "completed"


async def _signal(server: DevServer, instance: int) -> None:
    await (await server.connect()).get_workflow_handle(workflow_id("<default>", instance)).signal(TRAMPOLINE)


def test_what_is_called_is_found_by_itself(namespace: DevServer, opened: Open) -> None:
    engine = opened(namespace, search=["BpmnProcess", "BpmnBusinessKey"], calls=True)
    caller = engine.start("caller", business_key="K-7")
    until(lambda: len(listed(namespace, "BpmnProcess = 'desk'")) == 1, "the called process is found")
    assert attributes(namespace, caller.key) == {"BpmnProcess": "caller", "BpmnBusinessKey": "K-7"}
    assert upserts(namespace, caller.key) == 0


def test_play_starts_with_attributes(namespace: DevServer, opened: Open) -> None:
    engine = opened(namespace, search=True)
    screen = engine.play.start("desk")
    assert attributes(namespace, screen.instance)["BpmnProcess"] == "desk"
    engine.complete_task(screen.task)
    assert Instance(engine, "<default>", screen.instance).wait(30) == "completed"


def test_none_are_set_unless_the_host_is_told(namespace: DevServer, opened: Open) -> None:
    engine = opened(namespace)
    instance = engine.start("desk", business_key="K-1")
    until(lambda: bool(instance.tasks), "it waits")
    instance.complete_task("approve")
    assert instance.wait(30) == "completed"
    assert attributes(namespace, instance.key) == {}
    assert upserts(namespace, instance.key) == 0


def test_a_start_waits_until_the_namespace_has_the_attributes(
    temporal_server: DevServer, opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    engine = opened(temporal_server, search=True)
    instance = engine.start("desk")
    until(lambda: "no mapping defined for search attribute Bpmn" in caplog.text, "it is said what is missing")
    asyncio.run(_add(temporal_server))
    until(lambda: bool(instance.tasks), "it starts")


async def _add(server: DevServer) -> None:
    client: Client = await server.connect()
    types = {name: SearchAttributeKey.for_keyword(name).indexed_value_type for name in IMPLIED}
    types["BpmnIncident"] = SearchAttributeKey.for_keyword_list("BpmnIncident").indexed_value_type
    request = AddSearchAttributesRequest(namespace=server.namespace)
    for name, type_ in types.items():
        request.search_attributes[name] = type_.value  # type: ignore[assignment]
    await client.operator_service.add_search_attributes(request)
