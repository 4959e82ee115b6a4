"""The codec on a real server: histories hold nothing readable, whatever fails is repaired, and who may see is shown."""

from __future__ import annotations

import asyncio
import base64
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import jwt
import msgspec
import pytest
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionExecutionStartWorkflow,
    ScheduleActionStartWorkflow,
    ScheduleSpec,
    WorkflowFailureError,
    WorkflowHandle,
)
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

import codec_rig as rig
import codec_workflows as flows
import needs
from codec_cluster import (
    BRIEF,
    CUSTOMER_CLASS,
    LARGE,
    ORDER,
    SECRET,
    Deployment,
    Server,
    encodings,
    failed_tasks,
    finishes_after,
    nothing_readable,
    until,
)
from procession.hosts.temporal.codec.payloads import CLAIM, SEALED
from procession.testing.ports import free_port
from procession.testing.temporal import find_server
from s3_rig import S3Server, wait_for_port


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A dev server for this file."""
    program = str(find_server("cli", build=False) or "")
    if not program:
        needs.require("temporal", "put Temporal's command line on the PATH, or name it in PROCESSION_TEMPORAL")
    assert program is not None
    started = asyncio.run(
        WorkflowEnvironment.start_local(dev_server_existing_path=program, search_attributes=[CUSTOMER_CLASS])
    )
    yield Server(started.client.service_client.config.target_host, started.client.namespace, program)
    asyncio.run(started.shutdown())


@pytest.fixture
def acme(server: Server, tmp_path: Path) -> Deployment:
    return Deployment(server, tmp_path)


# --- what the server sees ---------------------------------------------------------------------------------------------


def test_a_history_holds_nothing_readable_and_its_workflow_works(acme: Deployment) -> None:
    async def drive() -> None:
        client = await acme.client()
        async with acme.worker(client):
            handle = await client.start_workflow(
                flows.Order.run,
                LARGE,
                id=acme.id(),
                task_queue=acme.queue,
                memo={"customer": SECRET},
                static_summary=f"Order of {SECRET}",
                search_attributes=TypedSearchAttributes([SearchAttributePair(CUSTOMER_CLASS, "gold")]),
            )
            await handle.signal(flows.Order.note, SECRET)
            assert await handle.execute_update(flows.Order.amend, SECRET) == f"amended: {SECRET}"
            assert await handle.query(flows.Order.noted, SECRET[:4]) == [SECRET, SECRET]
            await handle.signal(flows.Order.close)
            assert await handle.result() == {"result": {"checked": LARGE}, "notes": [SECRET, SECRET]}
            described = await handle.describe()
            assert await described.memo() == {"customer": SECRET}
            assert await described.static_summary() == f"Order of {SECRET}"
        # The input, the activity's input and its result, the workflow's result.
        assert (await nothing_readable(handle))[CLAIM] == 4
        assert encodings(described.raw_description).keys() == {SEALED}
        # Search attributes are for the server to read, so nothing secret may be put there.
        assert b"gold" in described.raw_description.SerializeToString()
        history = await handle.fetch_history()
        blobs = [path for path in acme.blobs.rglob("*") if path.is_file()]
        assert len(blobs) >= 4
        assert {path.relative_to(acme.blobs).parts[0] for path in blobs} == {acme.tenant}
        assert not [path for path in blobs if SECRET.encode() in path.read_bytes()]
        assert max(event.ByteSize() for event in history.events) < 10_000
        await Replayer(
            workflows=[flows.Order],
            data_converter=client.data_converter,
            workflow_runner=UnsandboxedWorkflowRunner(),
            namespace=acme.server.namespace,
        ).replay_workflow(history)

    asyncio.run(drive())


def test_children_failures_and_new_runs_pass_the_codec(acme: Deployment) -> None:
    async def drive() -> None:
        client = await acme.client()
        async with acme.worker(client):
            handle = await client.start_workflow(
                flows.Parent.run,
                args=[ORDER, acme.id(2), True],
                id=acme.id(1),
                task_queue=acme.queue,
                task_timeout=BRIEF,
            )
            assert await handle.result() == [f"Refused: refused: {ORDER}", f"child: {ORDER} to {SECRET}"]
            child = client.get_workflow_handle(acme.id(2))
            with pytest.raises(WorkflowFailureError) as raised:
                await child.result()
        assert isinstance(raised.value.cause, ApplicationError)
        assert raised.value.cause.message == f"child: {ORDER} to {SECRET}"
        assert list(raised.value.cause.details) == [ORDER]
        for each in (handle, child, client.get_workflow_handle(acme.id(1), run_id=handle.first_execution_run_id)):
            await nothing_readable(each)
            assert await failed_tasks(each) == []

    asyncio.run(drive())


def test_the_runs_of_a_schedule_open_what_it_was_made_with(acme: Deployment) -> None:
    async def drive() -> None:
        client = await acme.client()
        action = ScheduleActionStartWorkflow(flows.Order.run, ORDER, id=acme.id("nightly"), task_queue=acme.queue)
        async with acme.worker(client):
            schedule = await client.create_schedule(acme.tenant, Schedule(action=action, spec=ScheduleSpec()))
            await schedule.trigger()

            async def started() -> bool:
                return bool((await schedule.describe()).info.recent_actions)

            await until(started, "a run of the schedule")
            run = (await schedule.describe()).info.recent_actions[0].action
            assert isinstance(run, ScheduleActionExecutionStartWorkflow)
            handle = client.get_workflow_handle(run.workflow_id)
            await handle.signal(flows.Order.close)
            assert (await handle.result())["result"] == {"checked": ORDER}
            await schedule.delete()

    asyncio.run(drive())


# --- what fails is repaired -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (lambda acme: acme.write_keys(None), "has no key 'k1'"),
        (lambda acme: acme.write_keys(rig.secret("k1"), "other"), "has no key 'k1'"),
        (lambda acme: acme.write_keys(rig.secret("another")), "does not open with key 'k1'"),
    ],
    ids=["the key is gone", "the tenant is gone", "another key under the id"],
)
def test_a_worker_with_the_wrong_keys_leaves_the_workflow_open(
    acme: Deployment, broken: Callable[[Deployment], None], told: str
) -> None:
    async def drive() -> None:
        handle = await (await acme.client()).start_workflow(
            flows.Order.run, ORDER, id=acme.id(), task_queue=acme.queue, task_timeout=BRIEF
        )
        broken(acme)
        async with acme.worker():
            # The same worker goes on: it sees by itself that the keys are back.
            await finishes_after(acme, handle, lambda: acme.write_keys(rig.secret("k1")), ORDER, told)

    asyncio.run(drive())


def test_a_key_is_rotated_under_running_workflows(acme: Deployment) -> None:
    async def drive() -> None:
        acme.write_keys(None)
        handle = await (await acme.client()).start_workflow(
            flows.Order.run, ORDER, id=acme.id(), task_queue=acme.queue, task_timeout=BRIEF
        )
        async with acme.worker():
            acme.write_keys(rig.secret("k1"))
            client = await acme.client()
            again = client.get_workflow_handle(acme.id())
            await again.signal(flows.Order.note, "new key")
            await again.signal(flows.Order.close)
            assert await again.result() == {"result": {"checked": ORDER}, "notes": ["new key"]}
            history = json.dumps((await handle.fetch_history()).to_json_dict())
        assert "azA=" in history  # k0
        assert "azE=" in history  # k1

    asyncio.run(drive())


def test_a_blob_store_that_is_down_stops_nothing_for_good(acme: Deployment) -> None:
    away = acme.blobs.with_name("away")

    async def drive() -> None:
        handle = await (await acme.client()).start_workflow(
            flows.Order.run, LARGE, id=acme.id(), task_queue=acme.queue, task_timeout=BRIEF
        )
        acme.blobs.rename(away)
        async with acme.worker():
            await finishes_after(acme, handle, lambda: void(away.rename(acme.blobs)), LARGE, "not there")

    asyncio.run(drive())


def test_a_blob_that_was_spoiled_is_told_of_and_can_be_put_back(acme: Deployment) -> None:
    async def drive() -> None:
        handle = await (await acme.client()).start_workflow(
            flows.Order.run, LARGE, id=acme.id(), task_queue=acme.queue, task_timeout=BRIEF
        )
        [blob] = [path for path in acme.blobs.rglob("*") if path.is_file()]
        kept = blob.read_bytes()
        blob.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
        async with acme.worker():
            await finishes_after(acme, handle, lambda: void(blob.write_bytes(kept)), LARGE, "it was altered")

    asyncio.run(drive())


def test_a_heartbeat_that_does_not_open_does_not_end_its_activity(acme: Deployment) -> None:
    """The SDK itself would: it gives an activity up whose heartbeat cannot be decoded."""
    away = acme.blobs.with_name("away")

    async def drive() -> None:
        client = await acme.client()
        async with acme.worker(client):
            handle = await client.start_workflow(flows.Resumed.run, ORDER, id=acme.id(), task_queue=acme.queue)

            async def attempts(number: int) -> bool:
                activities = (await handle.describe()).raw_description.pending_activities
                return bool(activities) and activities[0].attempt >= number

            # Its first attempt has stored the heartbeat and is over.
            await until(lambda: attempts(2), "a second attempt")
            acme.blobs.rename(away)
            await until(lambda: attempts(4), "attempts that fail")
            away.rename(acme.blobs)
            async with asyncio.timeout(20):
                assert await handle.result()

    asyncio.run(drive())


def test_what_came_in_unsealed_waits_until_it_is_allowed(acme: Deployment) -> None:
    async def drive() -> None:
        careless = await Client.connect(acme.server.address, namespace=acme.server.namespace)
        handle = await careless.start_workflow(
            flows.Order.run, ORDER, id=acme.id(), task_queue=acme.queue, task_timeout=BRIEF
        )

        async def refused() -> bool:
            return any("not encrypted" in text for text in await failed_tasks(handle))

        async with acme.worker():
            await until(refused, "a refusal of what is not encrypted")
        acme.config = msgspec.structs.replace(acme.config, accept_plain=True)
        async with acme.worker():
            again: WorkflowHandle[Any, Any] = (await acme.client()).get_workflow_handle(acme.id())
            await again.signal(flows.Order.close)
            assert (await again.result())["result"] == {"checked": ORDER}

    asyncio.run(drive())


def test_an_s3_store_holds_the_claims_and_may_go_and_come(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "tests")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "tests")
    (tmp_path / "s3").mkdir()

    async def drive(s3: S3Server) -> None:
        acme = Deployment(server, tmp_path, blob_url=s3.url)
        handle = await (await acme.client()).start_workflow(
            flows.Order.run, LARGE, id=acme.id(), task_queue=acme.queue, task_timeout=BRIEF
        )
        assert s3.objects
        assert not [path for path in s3.objects if SECRET.encode() in path.read_bytes()]
        s3.stop()
        async with acme.worker():
            await finishes_after(acme, handle, s3.start, LARGE, f"fetching {acme.tenant}")

    with S3Server(tmp_path / "s3") as s3:
        asyncio.run(drive(s3))


# --- who may see ------------------------------------------------------------------------------------------------------

TOKEN_SECRET: Final = "a secret of the tests that is long enough"
_COMMAND: Final = "import typer; from procession.cli.commands.codec_server import codec_server; typer.run(codec_server)"


@contextmanager
def codec_server(acme: Deployment, folder: Path) -> Iterator[str]:
    """The address of a codec server in a process of its own."""
    secret, config, port = folder / "secret", folder / "server.json", free_port()
    secret.write_text(TOKEN_SECRET)
    secret.chmod(0o600)
    codec = {"key_file": str(acme.keys), "blob_url": acme.config.blob_url, "claim_over_bytes": 20_000}
    config.write_text(json.dumps({"codec": codec, "tokens": {"secret_file": str(secret)}}))
    arguments = [sys.executable, "-c", _COMMAND, "--config", str(config), "--port", str(port)]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(arguments, stderr=log)
    try:
        wait_for_port(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        # Uvicorn ends well, and then by the signal that it was sent.
        assert process.wait(20) in {0, -signal.SIGTERM}, (folder / "server.log").read_text()


def bearer(*tenants: str) -> str:
    """A header that grants tenants in every namespace."""
    claims = {"sub": "ada", "exp": time.time() + 600, "tenants": list(tenants), "namespaces": "*"}
    return f"Bearer {jwt.encode(claims, TOKEN_SECRET, algorithm='HS256')}"


def temporal(server: Server, *arguments: str) -> str:
    """What Temporal's command line prints."""
    where = ["--address", server.address, "--namespace", server.namespace]
    done = subprocess.run([server.program, *arguments, *where], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def values(history: str) -> list[Any]:
    """What can be read of the payloads of a history in JSON."""

    def read(part: Any) -> Iterator[Any]:
        if isinstance(part, dict) and part.get("metadata", {}).get("encoding") == "anNvbi9wbGFpbg==":  # json/plain
            yield json.loads(base64.b64decode(part["data"]))
        elif isinstance(part, dict | list):
            for each in part.values() if isinstance(part, dict) else part:
                yield from read(each)

    return list(read(json.loads(history)))


def test_the_command_line_shows_payloads_to_who_is_granted_the_tenant(acme: Deployment, tmp_path: Path) -> None:
    started = asyncio.run(_started(acme))
    show = ["workflow", "show", "--workflow-id", started, "--output", "json"]
    with codec_server(acme, tmp_path) as endpoint:
        asked = [*show, "--codec-endpoint", endpoint, "--codec-auth"]
        granted = values(temporal(acme.server, *asked, bearer(acme.tenant)))
        denied = values(temporal(acme.server, *asked, bearer("globex")))
    # What was large is fetched from the blob store as well: the command line cannot ask for it later.
    assert [value for value in granted if value == LARGE] == [LARGE, LARGE]
    assert SECRET in granted
    assert denied == values(temporal(acme.server, *show)) == []
    log = (tmp_path / "server.log").read_text()
    assert "subject='ada'" in log
    assert "denied=" in log
    assert SECRET not in log


def test_the_command_line_sends_what_a_worker_opens(acme: Deployment, tmp_path: Path) -> None:
    async def drive(endpoint: str) -> None:
        codec = ["--codec-endpoint", endpoint, "--codec-auth", bearer(acme.tenant)]
        codec += ["--codec-header", f"X-Workflow-Id={acme.id()}"]
        start = ["workflow", "start", "--type", "Order", "--task-queue", acme.queue, "--workflow-id", acme.id()]
        signal = ["workflow", "signal", "--name", "note", "--workflow-id", acme.id()]
        await asyncio.to_thread(temporal, acme.server, *start, "--input", json.dumps(ORDER), *codec)
        await asyncio.to_thread(temporal, acme.server, *signal, "--input", f'"{SECRET}"', *codec)
        client = await acme.client()
        async with acme.worker(client):
            handle: WorkflowHandle[Any, Any] = client.get_workflow_handle(acme.id())
            await handle.signal(flows.Order.close)
            assert await handle.result() == {"result": {"checked": ORDER}, "notes": [SECRET]}
            await nothing_readable(handle)

    with codec_server(acme, tmp_path) as endpoint:
        asyncio.run(drive(endpoint))


async def _started(acme: Deployment) -> str:
    client = await acme.client()
    async with acme.worker(client):
        handle = await client.start_workflow(
            flows.Order.run, LARGE, id=acme.id(), task_queue=acme.queue, task_timeout=BRIEF
        )
        await handle.signal(flows.Order.note, SECRET)
        await handle.signal(flows.Order.close)
        await handle.result()
    return handle.id


def void(_: object) -> None:
    """Nothing: a lambda of a statement."""
