"""pyzeebe, as it comes from PyPI, against a gateway in a process of its own: client, workers, routers, streams.

Annotations are not put off here: pyzeebe knows the parameter that wants the job by its annotation.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pyzeebe import Job, JobController, ZeebeClient, ZeebeTaskRouter, ZeebeWorker, create_insecure_channel
from pyzeebe.errors import (
    BusinessError,
    DecisionNotFoundError,
    JobNotFoundError,
    MessageAlreadyExistsError,
    ProcessDefinitionHasNoStartEventError,
    ProcessDefinitionNotFoundError,
    ProcessInstanceNotFoundError,
    ProcessInvalidError,
    ProcessTimeoutError,
)

from procession.hosts.embedded.engine import Engine
from procession.web.zeebe import gateway_pb2 as pb
from zeebe_rig import chain, gateway_of, gateway_process, job, model
from zeebe_rig import client_of as rpc_of

WAIT_MS = 20_000
"""How long a test waits for an end: longer than any machine needs."""

GETTING_STARTED = """import asyncio

from pyzeebe import ZeebeWorker, create_insecure_channel

channel = create_insecure_channel()
worker = ZeebeWorker(channel)


@worker.task(task_type="my_task")
async def my_task(x: int):
    return {"y": x + 1}


loop = asyncio.get_event_loop()
loop.run_until_complete(worker.work())
"""
"""The first worker of pyzeebe's documentation: its address comes from the environment."""
loop = asyncio.get_event_loop()

ERRORS = """<process id="card" isExecutable="true"><startEvent id="s"/>
 <serviceTask id="pay"><extensionElements><zeebe:taskDefinition type="pay"/></extensionElements></serviceTask>
 <boundaryEvent id="bad" attachedToRef="pay"><errorEventDefinition errorRef="error"/></boundaryEvent>
 <endEvent id="paid"/><endEvent id="refused"/>
 <sequenceFlow id="f1" sourceRef="s" targetRef="pay"/><sequenceFlow id="f2" sourceRef="pay" targetRef="paid"/>
 <sequenceFlow id="f3" sourceRef="bad" targetRef="refused"/></process>"""
CATCHING = (
    '<intermediateCatchEvent id="wait"><messageEventDefinition messageRef="m"/></intermediateCatchEvent>',
    '<message id="m" name="paid"><extensionElements><zeebe:subscription correlationKey="=order"/></extensionElements>'
    "</message>",
)
TABLE = """<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="prices" name="Prices" namespace="t">
 <decision id="price" name="Price"><decisionTable id="table">
  <input id="i" label="Kind"><inputExpression id="ie" typeRef="string"><text>kind</text></inputExpression></input>
  <output id="o" name="price" typeRef="number"/>
  <rule id="r1"><inputEntry id="e1"><text>"book"</text></inputEntry>
   <outputEntry id="x1"><text>12.5</text></outputEntry></rule>
  <rule id="r2"><inputEntry id="e2"><text>"pen"</text></inputEntry>
   <outputEntry id="x2"><text>2</text></outputEntry></rule>
 </decisionTable></decision></definitions>"""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """One gateway for the file: its processes have different names."""
    with gateway_process(tmp_path_factory.mktemp("zeebe") / "store.db") as port:
        yield port


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@asynccontextmanager
async def client_of(port: int) -> AsyncIterator[ZeebeClient]:
    channel = create_insecure_channel(f"127.0.0.1:{port}")
    try:
        yield ZeebeClient(channel)
    finally:
        await channel.close()


@asynccontextmanager
async def working(port: int, *routers: ZeebeTaskRouter, **options: Any) -> AsyncIterator[ZeebeWorker]:
    """A worker with these routers, as long as the block lasts."""
    channel = create_insecure_channel(f"127.0.0.1:{port}")
    worker = ZeebeWorker(channel, name="test", request_timeout=1_000, **options)
    worker.include_router(*routers)
    task = asyncio.create_task(worker.work())
    try:
        yield worker
    finally:
        await worker.stop()
        await task
        await channel.close()


async def deploy(client: ZeebeClient, folder: Path, name: str, data: bytes) -> Any:
    file = folder / name
    file.write_bytes(data)
    return await client.deploy_resource(file)


def test_the_worker_of_the_getting_started_page_runs_as_it_is(port: int, folder: Path) -> None:
    program = folder / "worker.py"
    program.write_text(GETTING_STARTED, encoding="utf-8")

    async def told() -> None:
        async with client_of(port) as client:
            await deploy(client, folder, "started.bpmn", chain("started", job("my_task")))
            result = await client.run_process_with_result("started", {"x": 41}, timeout=WAIT_MS)
            assert result.variables == {"x": 41, "y": 42}
            assert (result.bpmn_process_id, result.version, result.tenant_id) == ("started", 1, "<default>")

    environment = {**os.environ, "ZEEBE_ADDRESS": f"127.0.0.1:{port}", "PYTHONWARNINGS": "ignore"}
    with subprocess.Popen([sys.executable, str(program)], env=environment) as worker:
        try:
            asyncio.run(told())
        finally:
            worker.terminate()


def test_the_client_says_what_the_documentation_promises(port: int, folder: Path) -> None:
    async def told() -> None:
        async with client_of(port) as client:
            topology = await client.topology()
            assert (topology.cluster_size, topology.brokers[0].partitions[0].health.name) == (1, "HEALTHY")
            assert (await client.healthcheck()).status == 1

            deployed = await deploy(client, folder, "waits.bpmn", chain("waits", job("never")))
            assert deployed.deployments[0].bpmn_process_id == "waits"
            assert deployed.deployments[0].resource_name == "waits.bpmn"
            started = await client.run_process("waits", variables={"x": 0})
            assert started.process_definition_key == deployed.deployments[0].process_definition_key
            await client.cancel_process_instance(started.process_instance_key)
            with pytest.raises(ProcessInstanceNotFoundError):
                await client.cancel_process_instance(started.process_instance_key)
            with pytest.raises(ProcessTimeoutError):
                await client.run_process_with_result("waits", timeout=50)

    asyncio.run(told())


def test_errors_of_the_client_are_those_of_zeebe(port: int, folder: Path) -> None:
    async def told() -> None:
        async with client_of(port) as client:
            with pytest.raises(ProcessDefinitionNotFoundError):
                await client.run_process("nobody-knows")
            with pytest.raises(ProcessInvalidError):
                await deploy(client, folder, "bad.bpmn", b"<definitions/>")
            with pytest.raises(DecisionNotFoundError):
                await client.evaluate_decision(None, "nobody-knows")
            body = '<startEvent id="s"><messageEventDefinition messageRef="m"/></startEvent>'
            roots = '<message id="m" name="begin"/>'
            await deploy(client, folder, "told.bpmn", model("told", body, roots))
            with pytest.raises(ProcessDefinitionHasNoStartEventError):
                await client.run_process("told")
            with pytest.raises(JobNotFoundError):
                await client.zeebe_adapter.complete_job(1, {})

    asyncio.run(told())


def test_a_router_with_every_kind_of_task_works(port: int, folder: Path) -> None:
    router: Any = ZeebeTaskRouter()
    seen: list[Job] = []

    async def note(job: Job) -> Job:
        seen.append(job)
        return job

    @router.task(task_type="plain", before=[note], after=[note])
    def plain(x: int) -> dict[str, int]:
        return {"a": x + 1}

    @router.task(task_type="single", single_value=True, variable_name="b")
    async def single(a: int) -> int:
        return a * 2

    @router.task(task_type="whole", variables_to_fetch=["b"])
    async def whole(b: int, job: Job) -> dict[str, Any]:
        return {"fetched": {"b": b} | dict(job.variables), **job.custom_headers}

    headers = '<zeebe:taskHeaders><zeebe:header key="colour" value="red"/></zeebe:taskHeaders>'

    async def told() -> None:
        async with client_of(port) as client, working(port, router):
            tasks = (job("plain"), job("single"), job("whole", headers=headers))
            await deploy(client, folder, "kinds.bpmn", chain("kinds", *tasks))
            result = await client.run_process_with_result("kinds", {"x": 1}, timeout=WAIT_MS)
            assert result.variables == {"x": 1, "a": 2, "b": 4, "fetched": {"b": 4}, "colour": "red"}
            some = await client.run_process_with_result(
                "kinds", {"x": 2}, timeout=WAIT_MS, variables_to_fetch=["b", "c"]
            )
            assert some.variables == {"b": 6}
        assert [each.type for each in seen[:2]] == ["plain", "plain"]
        assert (seen[0].bpmn_process_id, seen[0].process_definition_version) == ("kinds", 1)
        assert (seen[0].element_id, seen[0].worker, seen[0].tenant_id) == ("plain", "test", "<default>")

    asyncio.run(told())


def test_a_business_error_is_caught_by_the_process_and_a_failure_is_tried_again(port: int, folder: Path) -> None:
    router: Any = ZeebeTaskRouter()
    attempts: list[int] = []

    @router.task(task_type="pay")
    async def pay(card: str) -> dict[str, bool]:
        if card == "stolen":
            raise BusinessError("invalid-credit-card")
        return {"paid": True}

    async def on_error(exception: Exception, job: Job, job_controller: JobController) -> None:
        attempts.append(job.retries)
        await job_controller.set_failure_status(f"failed: {exception}", variables={"last": str(exception)})

    @router.task(task_type="shaky", exception_handler=on_error)
    async def shaky(last: str = "") -> dict[str, str]:
        if not last:
            raise ValueError("once")
        return {"told": last}

    roots = '<error id="error" errorCode="invalid-credit-card"/>'
    card = model("unused", "", roots).decode().partition(roots)
    document = f"{card[0]}{roots}{ERRORS}</definitions>".encode()

    async def told() -> None:
        async with client_of(port) as client, working(port, router):
            await deploy(client, folder, "card.bpmn", document)
            good = await client.run_process_with_result("card", {"card": "mine"}, timeout=WAIT_MS)
            bad = await client.run_process_with_result("card", {"card": "stolen"}, timeout=WAIT_MS)
            assert good.variables == {"card": "mine", "paid": True}
            assert bad.variables == {"card": "stolen"}
            await deploy(client, folder, "shaky.bpmn", chain("tries", job("shaky")))
            result = await client.run_process_with_result("tries", timeout=WAIT_MS)
            assert result.variables == {"told": "once"}
            assert attempts == [3]

    asyncio.run(told())


def test_messages_and_signals_find_who_waits_for_them(port: int, folder: Path) -> None:
    signal = '<intermediateCatchEvent id="hear"><signalEventDefinition signalRef="g"/></intermediateCatchEvent>'

    async def told() -> None:
        async with client_of(port) as client:
            await deploy(client, folder, "orders.bpmn", chain("orders", CATCHING[0], roots=CATCHING[1]))
            waiting = asyncio.create_task(client.run_process_with_result("orders", {"order": "o-1"}, timeout=WAIT_MS))
            await client.publish_message("paid", "o-1", {"amount": 5}, message_id="first")
            assert (await waiting).variables == {"order": "o-1", "amount": 5}

            await client.publish_message("paid", "o-2", message_id="second")
            with pytest.raises(MessageAlreadyExistsError):
                await client.publish_message("paid", "o-2", message_id="second")

            body = chain("hears", signal, job("after"), roots='<signal id="g" name="go"/>')
            await deploy(client, folder, "hears.bpmn", body)
            started = await client.run_process("hears")
            await client.broadcast_signal("go", {"heard": 1})
            router: Any = ZeebeTaskRouter()
            gone_on: asyncio.Queue[int] = asyncio.Queue()

            @router.task(task_type="after")
            async def after(job: Job) -> dict[str, Any]:
                gone_on.put_nowait(job.process_instance_key)
                return {}

            async with working(port, router), asyncio.timeout(WAIT_MS / 1000):
                assert await gone_on.get() == started.process_instance_key

    asyncio.run(told())


def test_a_decision_tells_its_output_its_rules_and_its_inputs(port: int, folder: Path) -> None:
    async def told() -> None:
        async with client_of(port) as client:
            deployed = await deploy(client, folder, "prices.dmn", TABLE.encode())
            decision, graph = deployed.deployments
            assert (decision.dmn_decision_id, decision.dmn_decision_name) == ("price", "Price")
            assert (graph.dmn_decision_requirements_id, graph.resource_name) == ("prices", "prices.dmn")
            by_id = await client.evaluate_decision(None, "price", {"kind": "book"})
            assert by_id.decision_output == 12.5
            assert by_id.decision_key == decision.decision_key
            found = by_id.evaluated_decisions[0]
            assert (found.decision_type, found.matched_rules[0].rule_id) == ("DECISION_TABLE", "r1")
            assert found.matched_rules[0].evaluated_outputs[0].output_value == 12.5
            assert (found.evaluated_inputs[0].input_name, found.evaluated_inputs[0].input_value) == ("Kind", "book")
            by_key = await client.evaluate_decision(decision.decision_key, None, {"kind": "pen"})
            assert by_key.decision_output == 2

    asyncio.run(told())


def test_a_worker_that_streams_gets_its_jobs(port: int, folder: Path) -> None:
    router: Any = ZeebeTaskRouter()

    @router.task(task_type="streamed")
    async def streamed(x: int) -> dict[str, int]:
        return {"y": x}

    async def told() -> None:
        async with client_of(port) as client:
            await deploy(client, folder, "streams.bpmn", chain("streams", job("streamed")))
            async with working(port, router, stream_enabled=True):
                results = await asyncio.gather(
                    *(client.run_process_with_result("streams", {"x": x}, timeout=WAIT_MS) for x in range(20))
                )
            assert [each.variables["y"] for each in results] == list(range(20))

    asyncio.run(told())


def test_a_worker_for_several_tenants_completes_the_jobs_of_each(port: int, folder: Path) -> None:
    router: Any = ZeebeTaskRouter()

    @router.task(task_type="shared")
    async def shared(job: Job) -> dict[str, Any]:
        return {"tenant": job.tenant_id}

    async def told() -> None:
        async with client_of(port) as client:
            file = folder / "shared.bpmn"
            file.write_bytes(chain("walls", job("shared")))
            for tenant in ("one", "two"):
                await client.deploy_resource(file, tenant_id=tenant)
            async with working(port, router, tenant_ids=["one", "two"]):
                for tenant in ("one", "two"):
                    result = await client.run_process_with_result("walls", timeout=WAIT_MS, tenant_id=tenant)
                    assert (result.tenant_id, result.variables) == (tenant, {"tenant": tenant})
            with pytest.raises(ProcessDefinitionNotFoundError):
                await client.run_process("walls")

    asyncio.run(told())


def test_a_worker_goes_on_with_its_job_when_the_gateway_was_killed(tmp_path: Path) -> None:
    async def before(port: int) -> pb.ActivatedJob:
        async with rpc_of(port) as rpc:
            await rpc.deploy(("p.bpmn", chain("p", job("a"), job("b"))))
            await rpc.start("p", '{"x": 1}')
            return (await rpc.jobs("a"))[0]

    async def after(port: int, held: pb.ActivatedJob) -> None:
        async with rpc_of(port) as rpc:
            complete = pb.CompleteJobRequest(jobKey=held.key, variables='{"y": 2}', jobLeaseToken=held.jobLeaseToken)
            await rpc.ask("CompleteJob", complete, pb.CompleteJobResponse)
            (found,) = await rpc.jobs("b", requestTimeout=WAIT_MS)
            assert (found.processInstanceKey, found.variables) == (held.processInstanceKey, '{"x":1,"y":2}')

    with gateway_process(tmp_path / "store.db", killed=True) as port:
        held = asyncio.run(before(port))
    with gateway_process(tmp_path / "store.db", port) as again:
        asyncio.run(after(again, held))


def test_a_gateway_of_a_process_that_does_not_own_the_store_serves_the_same(tmp_path: Path) -> None:
    async def told() -> None:
        with Engine(tmp_path / "store.db") as engine:
            assert not engine.owner
            async with gateway_of(engine) as (_, serving), rpc_of(serving.port) as rpc:
                deployed = await rpc.deploy(("p.bpmn", chain("p", job("a"))))
                assert deployed.deployments[0].process.resourceName == "p.bpmn"
                start = pb.CreateProcessInstanceRequest(bpmnProcessId="p", variables='{"x": 1.50}')
                request = pb.CreateProcessInstanceWithResultRequest(request=start, requestTimeout=WAIT_MS)
                answer = pb.CreateProcessInstanceWithResultResponse
                waiting = asyncio.ensure_future(rpc.ask("CreateProcessInstanceWithResult", request, answer))
                (first,) = await rpc.jobs("a", requestTimeout=WAIT_MS)
                fail = pb.FailJobRequest(jobKey=first.key, retries=1, variables='{"y": 2}')
                await rpc.ask("FailJob", fail, pb.FailJobResponse)
                (again,) = await rpc.jobs("a", requestTimeout=WAIT_MS)
                assert (again.key, again.retries, again.variables) == (first.key, 1, '{"x":1.50,"y":2}')
                key = again.elementInstanceKey
                local = pb.SetVariablesRequest(elementInstanceKey=key, variables='{"z": 3}')
                await rpc.ask("SetVariables", local, pb.SetVariablesResponse)
                await rpc.ask("CompleteJob", pb.CompleteJobRequest(jobKey=again.key), pb.CompleteJobResponse)
                assert (await waiting).variables == '{"x":1.50,"z":3}'

    with gateway_process(tmp_path / "store.db"):
        asyncio.run(told())
