"""pyzeebe, as it comes from PyPI, against gateways of two processes that share the shards of one PostgreSQL database.

Whichever gateway is asked, the tenant may live in a shard of the other process. Annotations are not put off here:
pyzeebe knows the parameter that wants the job by its annotation.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple, final

import grpc.aio
import pytest
from pyzeebe import ZeebeClient, ZeebeTaskRouter, ZeebeWorker, create_insecure_channel
from pyzeebe.errors import (
    MessageAlreadyExistsError,
    ProcessDefinitionNotFoundError,
    ProcessInstanceNotFoundError,
    UnknownGrpcStatusCodeError,
)

import postgres_rig
from process_rig import until
from procession.runtime.rows import LeaseRow
from procession.runtime.tenants import DEFAULT_TENANT, shard_of_name
from procession.store.postgres.store import PostgresStore
from procession.web.zeebe import gateway_pb2 as pb
from zeebe_rig import Rpc, chain, gateway_process, job
from zeebe_rig import client_of as rpc_of

SHARDS: Final = 4
TENANTS: Final = (
    DEFAULT_TENANT,
    *(
        next(name for name in map("tenant-{}".format, count()) if shard_of_name(name, SHARDS) == shard)
        for shard in range(1, SHARDS)
    ),
)
"""One in each shard."""
WAIT_MS: Final = 30_000
"""How long a test waits for an end: longer than any machine needs."""
MESSAGE: Final = (
    '<intermediateCatchEvent id="wait"><messageEventDefinition messageRef="m"/></intermediateCatchEvent>',
    '<message id="m" name="paid"><extensionElements><zeebe:subscription correlationKey="=order"/></extensionElements>'
    "</message>",
)
SIGNAL: Final = (
    '<intermediateCatchEvent id="hear"><signalEventDefinition signalRef="g"/></intermediateCatchEvent>',
    '<signal id="g" name="go"/>',
)


class Gateways(NamedTuple):
    """The ports of two gateways, and the database behind both."""

    url: str
    one: int
    other: int


@pytest.fixture(scope="module")
def gateways() -> Iterator[Gateways]:
    """Two for the file, each with shards of its own: processes of its tests have different names."""
    url = postgres_rig.server().database(migrated=False)
    store = PostgresStore(url, shards=SHARDS)
    try:
        with gateway_process(url) as one, gateway_process(url) as other:
            until(lambda: _shared(store), "both processes have shards", 30)
            yield Gateways(url, one, other)
    finally:
        store.close()


def _shared(store: PostgresStore) -> bool:
    owners = [row.owner for row in store.read("shards", (), LeaseRow) if row.owner]
    return len(owners) == SHARDS and len(set(owners)) == 2


@final
class Tenant:
    """Both ways to ask one gateway for one tenant: pyzeebe, and our own messages for what pyzeebe cannot ask."""

    def __init__(self, name: str, client: ZeebeClient, rpc: Rpc, folder: Path) -> None:
        self.name = name
        self.client = client
        self.rpc = rpc
        self.named = (("procession-tenant", name),)
        self._folder = folder

    async def deploy(self, process: str, *tasks: str, roots: str = "") -> Any:
        """Deploys a process that does these one after another."""
        # Several tenants deploy at a time: each has files of its own.
        folder = self._folder / str(TENANTS.index(self.name))
        folder.mkdir(exist_ok=True)
        file = folder / f"{process}.bpmn"
        file.write_bytes(chain(process, *tasks, roots=roots))
        return await self.client.deploy_resource(file, tenant_id=self.name)

    def result(self, process: str, variables: dict[str, Any] | None = None) -> asyncio.Task[Any]:
        """Starts with a result, which comes when the task is done."""
        asked = self.client.run_process_with_result(process, variables, timeout=WAIT_MS, tenant_id=self.name)
        return asyncio.create_task(asked)

    async def job(self, type: str) -> pb.ActivatedJob:
        """The only job of this type, polled for."""
        (found,) = await self.rpc.jobs(type, requestTimeout=WAIT_MS, tenantIds=[self.name])
        return found

    async def complete(self, job: pb.ActivatedJob, variables: str = "") -> None:
        """Completes a job."""
        request = pb.CompleteJobRequest(jobKey=job.key, variables=variables)
        await self.rpc.ask("CompleteJob", request, pb.CompleteJobResponse, metadata=self.named)


@asynccontextmanager
async def asking(port: int, name: str, folder: Path) -> AsyncIterator[Tenant]:
    channel = create_insecure_channel(f"127.0.0.1:{port}")
    try:
        async with rpc_of(port) as rpc:
            yield Tenant(name, ZeebeClient(channel), rpc, folder)
    finally:
        await channel.close()


@asynccontextmanager
async def working(port: int, router: ZeebeTaskRouter, *, stream: bool) -> AsyncIterator[None]:
    """A worker of all tenants, as long as the block lasts."""
    channel = create_insecure_channel(f"127.0.0.1:{port}")
    worker = ZeebeWorker(channel, request_timeout=1_000, stream_enabled=stream, tenant_ids=list(TENANTS))
    worker.include_router(router)
    task = asyncio.create_task(worker.work())
    try:
        yield
    finally:
        await worker.stop()
        await task
        await channel.close()


def routed(type: str) -> ZeebeTaskRouter:
    """A task that adds one to x, as y."""
    router: Any = ZeebeTaskRouter()

    @router.task(task_type=type)
    async def add(x: int) -> dict[str, int]:
        return {"y": x + 1}

    found: ZeebeTaskRouter = router
    return found


@pytest.mark.parametrize("stream", [False, True], ids=["activate", "stream"])
def test_a_worker_of_either_process_completes_what_the_other_starts(
    gateways: Gateways, tmp_path: Path, *, stream: bool
) -> None:
    process = f"works-{stream}".lower()

    async def told(name: str) -> None:
        async with asking(gateways.one, name, tmp_path) as tenant:
            deployed = await tenant.deploy(process, job("task", process))
            assert deployed.deployments[0].tenant_id == name
            started = await tenant.client.run_process(process, {"x": 0}, tenant_id=name)
            assert (started.version, started.tenant_id) == (1, name)
            found = await asyncio.gather(*(tenant.result(process, {"x": x}) for x in range(5)))
            assert [each.variables for each in found] == [{"x": x, "y": x + 1} for x in range(5)]
            assert {each.process_definition_key for each in found} == {started.process_definition_key}

    async def all_told() -> None:
        async with working(gateways.other, routed(process), stream=stream):
            await asyncio.gather(*map(told, TENANTS))

    asyncio.run(all_told())


def test_what_is_deployed_for_one_tenant_is_nothing_to_another(gateways: Gateways, tmp_path: Path) -> None:
    async def told() -> None:
        async with asking(gateways.one, TENANTS[1], tmp_path) as tenant:
            first = await tenant.deploy("walls", job("task", "walls"))
            assert (await tenant.deploy("walls", job("task", "walls"))).deployments == first.deployments
            for other in (TENANTS[0], *TENANTS[2:]):
                with pytest.raises(ProcessDefinitionNotFoundError):
                    await tenant.client.run_process("walls", tenant_id=other)

    asyncio.run(told())


@pytest.mark.parametrize("name", TENANTS)
def test_messages_and_signals_find_who_waits_for_them(gateways: Gateways, tmp_path: Path, name: str) -> None:
    async def told() -> None:
        async with asking(gateways.one, name, tmp_path) as one, asking(gateways.other, name, tmp_path) as other:
            await one.deploy("orders", MESSAGE[0], roots=MESSAGE[1])
            waiting = one.result("orders", {"order": "o-1"})
            await other.client.publish_message("paid", "o-1", {"amount": 5}, tenant_id=name, message_id="first")
            assert (await waiting).variables == {"order": "o-1", "amount": 5}
            await one.client.publish_message("paid", "o-2", tenant_id=name, message_id="second")
            with pytest.raises(MessageAlreadyExistsError):
                await other.client.publish_message("paid", "o-2", tenant_id=name, message_id="second")

            # The job stands before the signal: once it is completed, the signal is waited for.
            await other.deploy("hears", job("before-signal"), SIGNAL[0], roots=SIGNAL[1])
            waiting = one.result("hears")
            await other.complete(await other.job("before-signal"))
            await one.client.broadcast_signal("go", {"heard": 1}, tenant_id=name)
            assert (await waiting).variables == {"heard": 1}

    asyncio.run(told())


@pytest.mark.parametrize("name", TENANTS)
def test_an_incident_is_resolved_over_the_other_gateway(gateways: Gateways, tmp_path: Path, name: str) -> None:
    async def told() -> None:
        async with asking(gateways.one, name, tmp_path) as one, asking(gateways.other, name, tmp_path) as other:
            await one.deploy("fails", job("task", "fails"))
            waiting = one.result("fails", {"x": 1})
            held = await one.job("fails")
            fail = pb.FailJobRequest(jobKey=held.key, retries=0, errorMessage="broken", variables='{"why": "so"}')
            await one.rpc.ask("FailJob", fail, pb.FailJobResponse, metadata=one.named)
            incident = incident_of(gateways.url, held.processInstanceKey)
            more = pb.UpdateJobRetriesRequest(jobKey=held.key, retries=4)
            await other.rpc.ask("UpdateJobRetries", more, pb.UpdateJobRetriesResponse, metadata=other.named)
            request = pb.ResolveIncidentRequest(incidentKey=incident)
            await other.rpc.ask("ResolveIncident", request, pb.ResolveIncidentResponse, metadata=other.named)
            again = await other.job("fails")
            assert (again.key, again.retries, again.variables) == (held.key, 4, '{"x":1,"why":"so"}')
            await other.complete(again, '{"y": 2}')
            assert (await waiting).variables == {"x": 1, "y": 2}
            code, _ = await one.rpc.refused("ResolveIncident", request, metadata=one.named)
            assert code is grpc.StatusCode.NOT_FOUND

    asyncio.run(told())


def incident_of(url: str, instance: int) -> int:
    """The key of the only incident of an instance."""
    found = f"SELECT key FROM procession_incident WHERE instance = {instance}"
    ((key,),) = postgres_rig.server().execute(found, database=url.rpartition("/")[2])
    return int(key)


@pytest.mark.parametrize("name", TENANTS)
def test_an_instance_is_modified_and_cancelled_over_the_other_gateway(
    gateways: Gateways, tmp_path: Path, name: str
) -> None:
    async def told() -> None:
        async with asking(gateways.one, name, tmp_path) as one, asking(gateways.other, name, tmp_path) as other:
            await one.deploy("moves", job("moves-a"), job("moves-b"))
            waiting = one.result("moves", {"x": 1})
            held = await one.job("moves-a")
            local = pb.SetVariablesRequest(elementInstanceKey=held.elementInstanceKey, variables='{"z": 3}')
            await other.rpc.ask("SetVariables", local, pb.SetVariablesResponse, metadata=other.named)
            kind = pb.ModifyProcessInstanceRequest
            request = kind(
                processInstanceKey=held.processInstanceKey,
                activateInstructions=[
                    kind.ActivateInstruction(elementId="moves-b", ancestorElementInstanceKey=held.processInstanceKey)
                ],
                terminateInstructions=[kind.TerminateInstruction(elementInstanceKey=held.elementInstanceKey)],
            )
            await other.rpc.ask(
                "ModifyProcessInstance", request, pb.ModifyProcessInstanceResponse, metadata=other.named
            )
            await one.complete(await one.job("moves-b"), '{"y": 2}')
            assert (await waiting).variables == {"x": 1, "z": 3, "y": 2}

            started = await one.client.run_process("moves", tenant_id=name)
            waiting = one.result("moves", {"x": 2})
            cancel = pb.CancelProcessInstanceRequest(processInstanceKey=started.process_instance_key)
            await other.rpc.ask("CancelProcessInstance", cancel, pb.CancelProcessInstanceResponse, metadata=other.named)
            if name == DEFAULT_TENANT:
                with pytest.raises(ProcessInstanceNotFoundError):
                    await one.client.cancel_process_instance(started.process_instance_key)
            code, _ = await one.rpc.refused("CancelProcessInstance", cancel, metadata=one.named)
            assert code is grpc.StatusCode.NOT_FOUND
            # The other one goes on: its job is the only one there is.
            left = await other.job("moves-a")
            assert left.processInstanceKey != started.process_instance_key
            cancel = pb.CancelProcessInstanceRequest(processInstanceKey=left.processInstanceKey)
            await one.rpc.ask("CancelProcessInstance", cancel, pb.CancelProcessInstanceResponse, metadata=one.named)
            with pytest.raises(UnknownGrpcStatusCodeError, match="terminated"):
                await waiting

    asyncio.run(told())
