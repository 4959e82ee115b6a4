"""One connection to a cluster, used from threads that know no event loop: a loop of its own in a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar, final

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.errordetails.v1 import NamespaceNotFoundFailure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, GetWorkflowExecutionHistoryReverseRequest
from temporalio.client import Client
from temporalio.converter import DataConverter
from temporalio.service import RPCError, RPCStatusCode

from procession.base.failure import NotFound, StoreError
from procession.hosts.temporal.cells.cell import Cell
from procession.hosts.temporal.cells.cluster import credentials
from procession.hosts.temporal.codec import CodecConfig, data_converter
from procession.hosts.temporal.codec.files import parsed, public_bytes
from procession.hosts.temporal.ids import tenant_of
from procession.hosts.temporal.payloads import ProcessionPayloadConverter
from procession.hosts.temporal.tracing import interceptors

CALL_S: Final = 30.0
PAGE: Final = 8
"""Events of a history that are read at once, from its end."""

_T = TypeVar("_T")

_OVER: Final = {
    EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED: True,
    EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED: False,
    EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT: False,
}


@final
class Loop:
    """An event loop in a thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="procession-temporal", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, _T], timeout: float = CALL_S) -> _T:
        """Runs a coroutine there and waits for it."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout)

    def begin(self, work: Coroutine[Any, Any, object]) -> None:
        """Runs a coroutine there; nobody waits for it."""
        asyncio.run_coroutine_threadsafe(work, self.loop)

    def close(self) -> None:
        """Ends the loop."""
        if self._thread.is_alive():
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(timeout=5)
            self.loop.close()


DATA_CONVERTER: Final = DataConverter(payload_converter_class=ProcessionPayloadConverter)
"""How values become payloads, without a codec."""


def converter_of(codec: CodecConfig | None) -> DataConverter:
    """How values become payloads, sealed as a codec says."""
    if codec is None:
        return DATA_CONVERTER
    return data_converter(codec, payload_converter_class=ProcessionPayloadConverter)


def codec_of(file: str) -> CodecConfig | None:
    """The codec that a file describes, TOML or JSON; None for no file. Raises `CodecError`."""
    return parsed(Path(file), public_bytes(Path(file)), CodecConfig) if file else None


class NoNamespace(StoreError):
    """The namespace is not there."""


async def connect(
    address: str,
    namespace: str = "default",
    converter: DataConverter | None = None,
    *,
    identity: str | None = None,
    cell: Cell | None = None,
) -> Client:
    """A client of the cluster, which shows `identity` for who polls, with the TLS and the API key of a `cell`.

    Raises `StoreError` when it cannot be reached, `CellError` when a variable is not set that the cell names.
    """
    key, tls = credentials(cell) if cell is not None else (None, None)
    try:
        return await Client.connect(
            address,
            namespace=namespace,
            api_key=key,
            tls=tls,
            data_converter=converter or DATA_CONVERTER,
            interceptors=interceptors(),
            identity=identity,
        )
    except RuntimeError as error:
        raise StoreError(f"Temporal at {address} cannot be reached: {error}") from error


async def check_namespace(client: Client) -> None:
    """Raises `StoreError` when the client's namespace is not there, or not for this client."""
    try:
        await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    except RPCError as error:
        raise explained(error) from error


def is_gone(error: RPCError) -> bool:
    """Whether there is no such workflow; a namespace that is not there says nothing of what was in it."""
    return error.status is RPCStatusCode.NOT_FOUND and not _namespaces(error)


def explained(error: RPCError) -> StoreError:
    """An error of the service as one of ours, which the caller may try again."""
    for name in _namespaces(error):
        return NoNamespace(f"Temporal has no namespace {name!r}: make it, with `procession temporal apply` for a cell")
    return StoreError(f"Temporal answers {error.status.name}: {error.message}")


def _namespaces(error: RPCError) -> list[str]:
    """The namespace that an error says is not there."""
    found: list[str] = []
    for each in error.grpc_status.details:
        missing = NamespaceNotFoundFailure()
        if each.Unpack(missing):
            found.append(missing.namespace)
    return found


@final
class Histories:
    """Reads of histories; see `reporter.Histories`."""

    def __init__(self, client: Client, loop: Loop, of: Callable[[str], Client] | None = None) -> None:
        """`of` gives the client of a tenant, where not all are in the namespace of `client`."""
        self._client = client
        self._loop = loop
        self._of = of

    def committed(self, workflow: str, run: str, tasks: set[int]) -> dict[int, bool]:
        """See `reporter.Histories`."""
        client = self._client if self._of is None else self._of(tenant_of(workflow))
        return self._loop.run(committed(client, workflow, run, tasks))


async def committed(client: Client, workflow: str, run: str, tasks: set[int]) -> dict[int, bool]:
    """See `reporter.Histories`. The event behind the one that started a task says what became of it."""
    found: dict[int, bool] = {}
    wanted = {task + 1 for task in tasks}
    token = b""
    while wanted:
        events, token = await events_before(client, workflow, run, PAGE, token)
        for event in events:
            if event.event_id in wanted:
                wanted.discard(event.event_id)
                # Anything else there: the task was not in the history yet when it ran, and something came before it.
                found[event.event_id - 1] = _OVER.get(event.event_type, False)
        lowest = events[-1].event_id if events else 0
        # What is above the newest event has not happened yet.
        wanted = {each for each in wanted if each < lowest}
        if not token:
            break
    return found


async def events_before(
    client: Client, workflow: str, run: str, size: int, token: bytes
) -> tuple[Sequence[HistoryEvent], bytes]:
    """A page of a history, the newest event first, and the token of the next page, b"" behind the last one.

    The first page has the token b""; the run "" is the newest. Raises `NotFound` for a run that is not there,
    `StoreError` when Temporal does not answer.
    """
    request = GetWorkflowExecutionHistoryReverseRequest(
        namespace=client.namespace,
        execution=WorkflowExecution(workflow_id=workflow, run_id=run),
        maximum_page_size=size,
        next_page_token=token,
    )
    try:
        answer = await client.workflow_service.get_workflow_execution_history_reverse(request, retry=True)
    except RPCError as error:
        if is_gone(error):
            raise NotFound(f"no run {run} of {workflow}") from error
        raise explained(error) from error
    return answer.history.events, answer.next_page_token
