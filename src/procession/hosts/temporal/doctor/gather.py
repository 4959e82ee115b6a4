"""Gathering the facts: a handful of calls to a cluster, and the store. Nothing is changed, and nothing judged.

What a server does not have, or a worker does not answer, is a fact as well: it is noted, and no error. Only a cluster
that cannot be asked at all is one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any, Final, TypeVar, cast

import msgspec
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    DescribeWorkerDeploymentRequest,
    DescribeWorkflowExecutionRequest,
    DescribeWorkflowExecutionResponse,
    GetSystemInfoRequest,
    GetWorkflowExecutionHistoryReverseRequest,
    ListWorkersRequest,
)
from temporalio.client import Client, WorkflowQueryFailedError, WorkflowQueryRejectedError
from temporalio.exceptions import TemporalError
from temporalio.service import RPCError, RPCStatusCode

from procession.base.failure import NotFound, ProcessionError
from procession.hosts.temporal.cluster import explained
from procession.hosts.temporal.doctor import protocol as wire
from procession.hosts.temporal.doctor.book import book_of, home_of
from procession.hosts.temporal.doctor.facts import Answer, Book, Event, Facts, Place, Queue, QueueKind, Seen, Timer
from procession.hosts.temporal.doctor.signs_of_books import behind
from procession.hosts.temporal.ids import workflow_id
from procession.hosts.temporal.payloads import TOKENS
from procession.runtime.ports import Store

QUERY_S: Final = 3.0
"""How long a worker has for an answer: one that is there needs a few ms."""
CALL_S: Final = 10.0
EVENTS: Final = 50
"""Events of the history that are read, from its end."""
PAGES_MAX: Final = 20
"""Further pages, while an activity is pending whose beginning was not seen."""
WORKERS_MAX: Final = 200
LOOKS: Final = 4
LOOK_S: Final = 0.5
"""A book that is behind is looked at again so often, after such pauses: reports need a moment."""
METADATA: Final = "__temporal_workflow_metadata"

_T = TypeVar("_T")
_KINDS: Final[dict[QueueKind, TaskQueueType.ValueType]] = {
    "workflow": TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    "activity": TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
}
_CALL: Final = timedelta(seconds=CALL_S)


async def gather(client: Client, store: Store | None, tenant: str, instance: int) -> Facts:
    """All that is known of an instance. Raises `NotFound` for one that the store does not have, `StoreError` when the
    cluster cannot be asked."""
    home = home_of(store, tenant, instance) if store is not None else instance
    place = Place(
        address=client.service_client.config.target_host,
        namespace=client.namespace,
        tenant=tenant,
        instance=str(instance),
        workflow=workflow_id(tenant, home),
        db=store.name if store is not None else "",
    )
    try:
        facts = await _execution(client, place)
    except RPCError as error:
        raise explained(error) from error
    if facts.execution is not None:
        facts = await _around(client, facts)
    if store is not None:
        facts = await _with_book(client, facts, store)
    return msgspec.structs.replace(facts, at=now_ms())


def now_ms() -> int:
    """Unix ms."""
    return time.time_ns() // 1_000_000


async def _execution(client: Client, place: Place) -> Facts:
    """What the service must be able to tell: its version, the workflow, and the end of its history."""
    service = client.workflow_service
    info = await service.get_system_info(GetSystemInfoRequest(), timeout=_CALL)
    facts = Facts(at=now_ms(), server=info.server_version, place=place)
    asked = WorkflowExecution(workflow_id=place.workflow)
    try:
        described = await service.describe_workflow_execution(
            DescribeWorkflowExecutionRequest(namespace=client.namespace, execution=asked), timeout=_CALL
        )
    except RPCError as error:
        # Without its namespace nothing is known of the workflow.
        if error.status is RPCStatusCode.NOT_FOUND and "namespace" not in error.message.lower():
            return facts
        raise
    facts = msgspec.structs.replace(
        facts,
        execution=wire.execution_of(described),
        task=wire.task_of(described),
        activities=[wire.activity_of(each) for each in described.pending_activities],
        nexus=[wire.nexus_of(each) for each in described.pending_nexus_operations],
    )
    return await _history(client, facts, described)


async def _history(client: Client, facts: Facts, described: DescribeWorkflowExecutionResponse) -> Facts:
    """The last events, and what was said when the pending activities were scheduled."""
    open_ = {each.id for each in facts.activities}
    scheduled: dict[str, wire.Scheduled] = {}
    events: list[Event] = []
    timers: list[Timer] = []
    token = b""
    for page in range(1 + PAGES_MAX):
        answer = await client.workflow_service.get_workflow_execution_history_reverse(
            GetWorkflowExecutionHistoryReverseRequest(
                namespace=client.namespace,
                execution=described.workflow_execution_info.execution,
                maximum_page_size=EVENTS,
                next_page_token=token,
            ),
            timeout=_CALL,
        )
        found = list(answer.history.events)
        if not page:
            events = [wire.event_of(each) for each in found]
            timers = wire.timers_of(found)
        scheduled |= wire.scheduled_of(found)
        token = answer.next_page_token
        if not token or open_ <= scheduled.keys():
            break
    activities = [wire.with_scheduled(each, scheduled.get(each.id)) for each in facts.activities]
    return msgspec.structs.replace(facts, events=events, timers=timers, activities=activities)


async def _around(client: Client, facts: Facts) -> Facts:
    """What is said of the workflow by others: its task queues, workers, deployment, and itself when it is asked."""
    execution = facts.execution
    assert execution is not None
    missing: list[str] = list(facts.unavailable)

    async def optional(name: str, call: Callable[[], Awaitable[_T]], otherwise: _T) -> _T:
        try:
            return await call()
        except RPCError as error:
            missing.append(f"{name}: not available on this server ({error.status.name}: {wire.cut(error.message)})")
            return otherwise

    wanted: dict[tuple[str, QueueKind], None] = {(execution.queue, "workflow"): None}
    for each in facts.activities:
        wanted[each.queue or execution.queue, "activity"] = None
    queues = [
        await optional(f"task queue {name!r}", partial(_queue, client, name, kind), None) for name, kind in wanted
    ]
    workers: list[Seen] = await optional("heartbeats of workers", lambda: _workers(client), [])
    deployment = ""
    if execution.version:
        name = execution.version.partition(":")[0]
        deployment = await optional(f"worker deployment {name!r}", lambda: _deployment(client, name), "")
    if facts.server and facts.server < "1.30" and not execution.reported:
        missing.append("reported problems of workflows: not available on this server (from 1.30 on)")
    answers, tokens = await _asked(client, facts) if execution.status in {"RUNNING", "PAUSED"} else ([], None)
    return msgspec.structs.replace(
        facts,
        queues=[each for each in queues if each is not None],
        workers=workers,
        deployment=deployment,
        answers=answers,
        tokens=tokens,
        unavailable=missing,
    )


async def _queue(client: Client, name: str, kind: QueueKind) -> Queue | None:
    answer = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=name),
            task_queue_type=_KINDS[kind],
            report_stats=True,
            report_config=True,
        ),
        timeout=_CALL,
    )
    return wire.queue_of(name, kind, answer)


async def _workers(client: Client) -> list[Seen]:
    request = ListWorkersRequest(namespace=client.namespace, page_size=WORKERS_MAX)
    answer = await client.workflow_service.list_workers(request, timeout=_CALL)
    return [wire.seen_of(each.worker_heartbeat) for each in answer.workers_info]


async def _deployment(client: Client, name: str) -> str:
    """Where new work of a deployment goes, in words."""
    answer = await client.workflow_service.describe_worker_deployment(
        DescribeWorkerDeploymentRequest(namespace=client.namespace, deployment_name=name), timeout=_CALL
    )
    routing = answer.worker_deployment_info.routing_config
    current = routing.current_deployment_version.build_id or "none"
    ramping = routing.ramping_deployment_version.build_id
    return f"current {current}" + (
        f", ramping {ramping} at {routing.ramping_version_percentage:g} %" if ramping else ""
    )


async def _asked(client: Client, facts: Facts) -> tuple[list[Answer], dict[str, int] | None]:
    """The workflow's own answers; each needs a worker that can replay it."""
    (tokens, told), (metadata, _) = await asyncio.gather(
        _query(client, facts.place, TOKENS, dict[str, dict[str, int]]),
        _query(client, facts.place, METADATA, WorkflowMetadata),
    )
    if isinstance(told, dict):
        mine = cast("dict[str, dict[str, int]]", told).get(facts.place.instance, {})
        return [tokens, metadata], mine
    return [tokens, metadata], None


async def _query(client: Client, place: Place, name: str, kind: Any) -> tuple[Answer, object]:
    handle = client.get_workflow_handle(place.workflow)
    ask = cast("Callable[..., Awaitable[object]]", handle.query)  # pyright: ignore[reportUnknownMemberType]
    try:
        # The SDK would try again for ten seconds.
        async with asyncio.timeout(QUERY_S):
            told = await ask(name, result_type=kind, rpc_timeout=timedelta(seconds=QUERY_S))
    except TimeoutError:
        return Answer(name=name, error=f"no worker answered in {QUERY_S:g} s"), None
    except (WorkflowQueryFailedError, WorkflowQueryRejectedError) as error:
        return Answer(name=name, error=f"refused: {wire.cut(str(error))}"), None
    except RPCError as error:
        return Answer(name=name, error=f"{error.status.name}: {wire.cut(error.message)}"), None
    except (TemporalError, ProcessionError, ValueError) as error:  # an SDK does not know every status of a server
        return Answer(name=name, error=f"unreadable: {wire.cut(str(error))}"), None
    if isinstance(told, WorkflowMetadata):
        return Answer(name=name, value=wire.cut(told.current_details)), told
    return Answer(name=name, value=wire.cut(msgspec.json.encode(told).decode())), told


async def _with_book(client: Client, facts: Facts, store: Store) -> Facts:
    """With what the store has. It is behind for a moment after each step, so both are asked until they agree."""
    place = facts.place
    for look in range(LOOKS):
        book: Book | None = None
        try:
            book = await asyncio.to_thread(book_of, store, place.tenant, int(place.instance))
        except NotFound:
            return facts
        facts = msgspec.structs.replace(facts, book=book)
        if not behind(facts) or look == LOOKS - 1:
            break
        await asyncio.sleep(LOOK_S)
        if facts.tokens is not None:
            answer, told = await _query(client, place, TOKENS, dict[str, dict[str, int]])
            if not isinstance(told, dict):
                facts = msgspec.structs.replace(facts, tokens=None, answers=[answer, *facts.answers[1:]])
                continue
            mine = cast("dict[str, dict[str, int]]", told).get(place.instance, {})
            facts = msgspec.structs.replace(facts, tokens=mine)
        described = await _execution(client, place)
        facts = msgspec.structs.replace(
            facts,
            execution=described.execution,
            task=described.task,
            activities=described.activities,
            events=described.events,
            timers=described.timers,
        )
    return facts
