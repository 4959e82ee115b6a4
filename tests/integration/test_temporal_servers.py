"""The Temporal servers of the tests: both start, work, die and come back."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from temporalio.api.workflowservice.v1 import PauseWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

import temporal_rig
from procession.testing.temporal import DevServer, Kind, ServerFailed, dev_server, find_server
from procession.testing.temporal.binaries import KINDS, SERVER_VERSIONS
from temporal_rig import Servers
from temporal_workflows import QUEUE, Greeting, Waiting, eventually, worker


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest) -> DevServer:
    """Either server, in a namespace of the test's own."""
    fixture: DevServer = request.getfixturevalue({"cli": "temporal_floor", "server": "temporal_server"}[request.param])
    return fixture


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_is_of_the_version_that_its_kind_promises(kind: Kind, temporal_servers: Servers) -> None:
    assert asyncio.run(temporal_servers(kind).version()) == SERVER_VERSIONS[kind]


def test_a_workflow_and_its_activity_run(server: DevServer) -> None:
    async def scene() -> str:
        client = await server.connect()
        async with worker(client):
            return await client.execute_workflow(Greeting.run, "you", id="w", task_queue=QUEUE)

    assert asyncio.run(scene()) == "hello you"


def test_a_test_has_its_namespace_for_itself(server: DevServer) -> None:
    async def scene() -> None:
        client = await server.connect()
        await client.start_workflow(Waiting.run, id="w", task_queue=QUEUE)
        with pytest.raises(RPCError) as raised:
            await (await server.connect("default")).get_workflow_handle("w").describe()
        assert raised.value.status == RPCStatusCode.NOT_FOUND

    asyncio.run(scene())


def test_a_namespace_has_search_attributes_of_its_own(server: DevServer) -> None:
    customer = SearchAttributeKey.for_keyword("Customer")

    async def scene() -> None:
        name = f"{server.namespace}-attributes"
        await server.create_namespace(name, {"Customer": "Keyword", "Since": "Datetime", "Tags": "KeywordList"})
        client = await server.connect(name)
        attributes = TypedSearchAttributes([SearchAttributePair(customer, "c1")])
        await client.start_workflow(Waiting.run, id="found", task_queue=QUEUE, search_attributes=attributes)
        # Visibility follows the start; it does not come with it.
        await eventually(lambda: _finds(client, "Customer = 'c1'", "found"))

    asyncio.run(scene())


@pytest.mark.parametrize(("kind", "killed"), [("cli", True), ("server", True), ("server", False)])
def test_a_server_with_a_file_comes_back_with_its_workflows(kind: Kind, killed: bool, tmp_path: Path) -> None:
    temporal_rig.need(kind)

    async def scene() -> None:
        async with dev_server(kind, namespaces=["orders"], db_filename=tmp_path / "temporal.db") as own:
            address, pid = own.address, own.pid
            await (await own.connect()).start_workflow(Waiting.run, id="w", task_queue=QUEUE)
            if killed:
                own.kill()
            await own.restart()
            assert own.address == address
            assert own.pid != pid
            client = await own.connect()
            assert client.namespace == "orders"
            async with worker(client):
                await client.get_workflow_handle("w").signal("note", "end")
                got = await client.get_workflow_handle("w", result_type=list[tuple[str, datetime]]).result()
                assert [word for word, _ in got] == ["end"]

    asyncio.run(scene())


@pytest.mark.parametrize("kind", KINDS)
def test_the_sdk_starts_either_program_by_itself(kind: Kind) -> None:
    temporal_rig.need(kind)
    program = str(find_server(kind, build=False))

    async def scene() -> str:
        async with await WorkflowEnvironment.start_local(
            namespace="n",
            search_attributes=[SearchAttributeKey.for_int("Amount")],
            dev_server_existing_path=program,
            dev_server_log_level="never",
            dev_server_extra_args=["--dynamic-config-value", "limit.memoSizeLimit.error=5000"],
        ) as environment, worker(environment.client):  # fmt: skip
            return await environment.client.execute_workflow(Greeting.run, "sdk", id="w", task_queue=QUEUE)

    assert asyncio.run(scene()) == "hello sdk"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_our_server_ends_well_when_it_is_asked_to(number: signal.Signals) -> None:
    temporal_rig.need("server")
    server = dev_server("server")
    asyncio.run(server.start())
    process = server._process
    assert process
    process.send_signal(number)
    assert process.wait(20) == 0
    asyncio.run(server.stop())


def test_a_server_does_not_outlive_the_process_that_started_it(tmp_path: Path) -> None:
    temporal_rig.need("server")
    code = (
        "import asyncio\n"
        "from procession.testing.temporal import dev_server\n"
        "async def main():\n"
        "    async with dev_server('server') as server:\n"
        "        print(server.pid, flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=os.environ | {"TMPDIR": str(tmp_path)}
    ) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        parent.kill()

    async def gone() -> bool:
        return not _runs(pid)

    asyncio.run(eventually(gone))


def test_a_server_elsewhere_is_left_as_it_is(temporal_server: DevServer) -> None:
    async def scene() -> None:
        async with dev_server(address=temporal_server.address, namespaces=[temporal_server.namespace]) as elsewhere:
            assert elsewhere.pid is None
            with pytest.raises(ServerFailed, match="not started here"):
                await elsewhere.restart()
        assert await temporal_server.version()

    asyncio.run(scene())


def test_where_nobody_answers_the_message_names_the_address() -> None:
    with pytest.raises(ServerFailed, match=r"no Temporal server answers at 127\.0\.0\.1:1: .*is the address right"):
        asyncio.run(dev_server(address="127.0.0.1:1", patience_s=0.1).start())


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_cannot_start_shows_its_log(kind: Kind, tmp_path: Path) -> None:
    temporal_rig.need(kind)
    with pytest.raises(ServerFailed, match=r"ended with 1; its log is .*\.log:\n.*database") as raised:
        asyncio.run(dev_server(kind, db_filename=tmp_path / "no-such-folder" / "temporal.db").start())
    Path(str(raised.value).split("its log is ")[1].split(":\n")[0]).unlink()


def test_what_the_newer_server_can_do_is_switched_on(temporal_server: DevServer, temporal_floor: DevServer) -> None:
    async def pause(server: DevServer) -> RPCStatusCode | None:
        client = await server.connect()
        await client.start_workflow(Waiting.run, id="w", task_queue=QUEUE)
        request = PauseWorkflowExecutionRequest(namespace=client.namespace, workflow_id="w", request_id="r")
        try:
            await client.workflow_service.pause_workflow_execution(request)
        except RPCError as error:
            return error.status
        return None

    assert asyncio.run(pause(temporal_server)) is None
    assert asyncio.run(pause(temporal_floor)) == RPCStatusCode.UNIMPLEMENTED


async def _finds(client: Client, query: str, workflow_id: str) -> bool:
    return [each.id async for each in client.list_workflows(query)] == [workflow_id]


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # Killed, and not yet reaped by whoever inherited it.
    state = Path(f"/proc/{pid}/stat")
    return not (state.is_file() and state.read_text().rpartition(")")[2].split()[0] == "Z")
