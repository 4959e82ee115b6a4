"""A deployment of the codec on a real server of Temporal, for tests: its keys, blobs, workers and histories."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.common import SearchAttributeKey
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

import codec_rig as rig
import codec_workflows as flows
from procession.hosts.temporal.codec import CodecConfig, data_converter
from procession.hosts.temporal.codec.payloads import CLAIM, SEALED

CUSTOMER_CLASS: Final = SearchAttributeKey.for_keyword("CustomerClass")
SECRET: Final = "4711-Lovelace"
ORDER: Final[dict[str, Any]] = {"amount": 12, "customer": SECRET}
LARGE: Final[dict[str, Any]] = {"customer": SECRET, "scan": flows.SCAN}

BRIEF: Final = timedelta(seconds=2)
"""After this time a task that a worker cannot do is tried again; the server's own ten seconds are long for a test."""


class Server(NamedTuple):
    """A server of Temporal and the command line that belongs to it."""

    address: str
    namespace: str
    program: str


class Deployment:
    """What clients and workers share: a file of keys, a place for blobs, a tenant of its own."""

    def __init__(self, server: Server, folder: Path, **config: Any) -> None:
        self.server = server
        self.tenant = f"acme-{uuid.uuid4().hex[:8]}"
        self.queue = f"codec-{uuid.uuid4().hex[:8]}"
        self.blobs = folder / "blobs"
        self.blobs.mkdir()
        self.keys = folder / "keys.toml"
        self.write_keys(rig.secret("k1"))
        settings: dict[str, Any] = {"claim_over_bytes": 20_000, "blob_url": self.blobs.as_uri()}
        self.config = CodecConfig(key_file=str(self.keys), **(settings | config))

    def write_keys(self, k1: str | None, tenant: str | None = None) -> None:
        """The file of keys, with another key k1, or without it."""
        keys = f'k0 = "{rig.secret("k0")}"' + (f', k1 = "{k1}"' if k1 else "")
        draft = self.keys.with_suffix(".draft")
        active = "k1" if k1 else "k0"
        draft.write_text(f'[tenants.{tenant or self.tenant}]\nactive = "{active}"\nkeys = {{ {keys} }}\n')
        draft.chmod(0o600)
        draft.replace(self.keys)

    def id(self, number: int | str = 1) -> str:
        """The id of a workflow of the tenant."""
        return f"{self.tenant}/{number}"

    async def client(self) -> Client:
        """A client with the keys that are in the file now."""
        return await Client.connect(
            self.server.address, namespace=self.server.namespace, data_converter=data_converter(self.config)
        )

    @asynccontextmanager
    async def worker(self, client: Client | None = None) -> AsyncIterator[Worker]:
        """A worker, with the keys that are in the file now."""
        async with Worker(
            client or await self.client(),
            task_queue=self.queue,
            workflows=[flows.Order, flows.Parent, flows.Child, flows.Resumed],
            activities=[flows.check, flows.refuse, flows.resume],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ) as worker:
            yield worker


async def until(question: Callable[[], Awaitable[bool]], what: str, seconds: float = 30) -> None:
    """Returns when a question is answered with yes."""
    deadline = time.monotonic() + seconds
    while not await question():
        assert time.monotonic() < deadline, f"not after {seconds} s: {what}"
        await asyncio.sleep(0.05)


def encodings(message: Message) -> Counter[bytes]:
    """How the payloads anywhere in a message are encoded. Search attributes are left out: no codec sees them."""
    if isinstance(message, Payload):
        return Counter([message.metadata["encoding"]])
    found: Counter[bytes] = Counter()
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.name in {"SearchAttributes", "SearchAttributesEntry"}:
            continue
        of_map = field.message_type.GetOptions().map_entry
        many = list(value.values()) if of_map else value if field.is_repeated else [value]
        for each in many:
            found += encodings(each) if isinstance(each, Message) else Counter()
    return found


async def nothing_readable(handle: WorkflowHandle[Any, Any]) -> Counter[bytes]:
    """Asserts that a history holds sealed payloads and claims alone, and gives how many of each."""
    found: Counter[bytes] = Counter()
    for event in (await handle.fetch_history()).events:
        assert SECRET.encode() not in event.SerializeToString()
        if event.HasField("marker_recorded_event_attributes"):
            # The SDK's own notes about a local activity: names, times, numbers. What it gave is sealed.
            event.marker_recorded_event_attributes.details.pop("data", None)
        found += encodings(event)
    assert found.keys() <= {SEALED, CLAIM}
    assert found
    return found


async def failed_tasks(handle: WorkflowHandle[Any, Any]) -> list[str]:
    """Why tasks of the workflow failed, as the server was told."""
    history = await handle.fetch_history()
    failed = EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
    return [
        event.workflow_task_failed_event_attributes.failure.message
        for event in history.events
        if event.event_type == failed
    ]


async def finishes_after(
    acme: Deployment, handle: WorkflowHandle[Any, Any], repair: Callable[[], None], order: dict[str, Any], told: str
) -> None:
    """A task fails with `told`, the workflow stays open, and after the repair it ends as if nothing had been."""

    async def failed() -> bool:
        return any(told in text for text in await failed_tasks(handle))

    await until(failed, f"a failed task that says {told!r}")
    assert (await handle.describe()).status == WorkflowExecutionStatus.RUNNING
    repair()
    client = await acme.client()
    again: WorkflowHandle[Any, Any] = client.get_workflow_handle(handle.id)
    await again.signal(flows.Order.close)
    async with asyncio.timeout(40):
        assert await again.result() == {"result": {"checked": order}, "notes": []}
