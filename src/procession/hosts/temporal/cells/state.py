"""What a cluster holds of the things that a cell's file wants, and of what such a file once made. Reads only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Final, TypeAlias, final

from temporalio.api.enums.v1 import IndexedValueType, NamespaceState, TaskQueueType
from temporalio.api.namespace.v1 import NamespaceInfo
from temporalio.api.nexus.v1 import Endpoint
from temporalio.api.operatorservice.v1 import ListNexusEndpointsRequest, ListSearchAttributesRequest
from temporalio.api.taskqueue.v1 import RateLimitConfig, TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    DescribeNamespaceResponse,
    DescribeTaskQueueRequest,
    GetClusterInfoRequest,
    ListNamespacesRequest,
)
from temporalio.service import RPCStatusCode

from procession.hosts.temporal.cells import deployments, schedule_state
from procession.hosts.temporal.cells.cell import Cell, Scalar
from procession.hosts.temporal.cells.cluster import CALL, Cluster
from procession.hosts.temporal.cells.things import Found, Key, Thing, Value
from procession.hosts.temporal.cells.wanted import MARK, hours_text, single

PAGE: Final = 100
"""Rows that one call lists."""
SQL_ROOM: Final = {"Keyword": 10, "Text": 3, "KeywordList": 3, "Int": 3, "Double": 3, "Bool": 3, "Datetime": 3}
"""Search attributes of each type that a namespace may have where visibility is in SQL: columns made beforehand."""
_SEARCH_ENGINES: Final = ("elasticsearch", "opensearch")
_WEIGHTS_SINCE: Final = (1, 30)
_TYPES: Final = {
    value: name.removeprefix("INDEXED_VALUE_TYPE_").title().replace("_", "").replace("Keywordlist", "KeywordList")
    for name, value in IndexedValueType.items()
}
_QUEUE_TYPES: Final = (
    ("activity", TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY),
    ("workflow", TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW),
)
SHOWN: Final[dict[str, Callable[[NamespaceInfo], Scalar | None]]] = {
    "frontend.WorkerHeartbeatsEnabled": lambda info: info.capabilities.worker_heartbeats,
    "frontend.WorkflowPauseEnabled": lambda info: info.capabilities.workflow_pause,
    "activity.enableStandalone": lambda info: info.capabilities.standalone_activities,
    "nexusoperation.enableStandalone": lambda info: info.capabilities.standalone_nexus_operation,
    "history.enableWorkflowTaskCompletionPagination": (
        lambda info: info.capabilities.workflow_task_completion_pagination
    ),
    "limit.blobSize.error": lambda info: info.limits.blob_size_limit_error or None,
    "limit.memoSize.error": lambda info: info.limits.memo_size_limit_error or None,
}
"""Values of the dynamic config that describing a namespace shows. A feature that a server is too old for is off there;
a limit that it does not show (None) is not compared."""


@final
class _Reading:
    """What was found up to now."""

    __slots__ = ("cell", "cluster", "held", "namespaces", "refused", "removable", "sql", "things", "wanted")

    def __init__(self, cluster: Cluster, cell: Cell, wanted: list[Thing], sql: bool) -> None:
        self.cluster = cluster
        self.cell = cell
        self.wanted = wanted
        self.sql = sql
        self.things: dict[Key, Thing] = {}
        self.namespaces: dict[str, NamespaceInfo] = {}
        self.refused: dict[str, str] = {}
        self.removable: set[Key] = set()
        self.held: dict[Key, str] = {}

    def add(self, thing: Thing, *, removable: bool = False) -> None:
        self.things[thing.key] = thing
        if removable:
            self.removable.add(thing.key)

    def inside(self, thing: Thing) -> bool:
        """Whether the namespace of a thing is there."""
        return thing.namespace in self.namespaces


async def read(cluster: Cluster, cell: Cell, wanted: Iterable[Thing]) -> Found:
    """What the cluster holds. Raises `CellError` if it does not answer, or does not allow it."""
    info = await cluster.do(
        "asking the cluster what it is",
        lambda: cluster.client.workflow_service.get_cluster_info(GetClusterInfoRequest(), timeout=CALL),
    )
    sql = not any(each in info.visibility_store for each in _SEARCH_ENGINES)
    reading = _Reading(cluster, cell, list(wanted), sql)
    reading.refused = _refused(info.server_version)
    for name in cell.namespaces:
        await _namespace(reading, name)
    await _other_namespaces(reading)
    await _endpoints(reading)
    for namespace in reading.namespaces:
        await _search_attributes(reading, namespace)
        await _schedules(reading, namespace)
    for thing in reading.wanted:
        if thing.kind in _EACH and reading.inside(thing):
            await _EACH[thing.kind](reading, thing)
    return Found(
        server=info.server_version,
        things=reading.things,
        refused=reading.refused,
        limits=SQL_ROOM if sql else {},
        removable=frozenset(reading.removable),
        held=reading.held,
    )


def _refused(server: str) -> dict[str, str]:
    """What a server of this version cannot hold."""
    version = tuple(int(part) for part in server.split(".")[:2] if part.isdecimal())
    if not version or version >= _WEIGHTS_SINCE:
        return {}
    told = f"server {server} keeps no fairness weights of queues, 1.30 does; weights of tenants work without"
    return {f"task queue.{type_}.fairness_weights.": told for type_, _ in _QUEUE_TYPES}


async def _namespace(reading: _Reading, name: str) -> None:
    service = reading.cluster.client.workflow_service
    found = await reading.cluster.ask(
        f"describing namespace {name}",
        lambda: service.describe_namespace(DescribeNamespaceRequest(namespace=name), timeout=CALL),
        RPCStatusCode.NOT_FOUND,
        may_miss=True,
    )
    if isinstance(found, RPCStatusCode) or found.namespace_info.state == NamespaceState.NAMESPACE_STATE_DELETED:
        return
    reading.namespaces[name] = found.namespace_info
    reading.add(_described(found))
    for key, shown in SHOWN.items():
        value = shown(found.namespace_info)
        if value is not None:
            reading.add(Thing("dynamic config", name, key, {"value": value}))


def _described(found: DescribeNamespaceResponse) -> Thing:
    fields: dict[str, Value] = {
        "retention": hours_text(found.config.workflow_execution_retention_ttl.seconds),
        "global": found.is_global_namespace,
        "cell": found.namespace_info.data.get(MARK),
        "description": found.namespace_info.description,
    }
    return Thing("namespace", "", found.namespace_info.name, fields)


async def _other_namespaces(reading: _Reading) -> None:
    """Namespaces that carry the cell's mark, and the file does not name."""
    cluster = reading.cluster
    service = cluster.client.workflow_service
    pages = await cluster.pages(
        "listing namespaces",
        lambda page: service.list_namespaces(ListNamespacesRequest(page_size=PAGE, next_page_token=page), timeout=CALL),
    )
    for found in pages:
        for each in found.namespaces:
            info = each.namespace_info
            there = info.state != NamespaceState.NAMESPACE_STATE_DELETED
            if there and info.data.get(MARK) == reading.cell.cell and info.name not in reading.cell.namespaces:
                thing = _described(each)
                reading.add(thing, removable=True)
                count = await cluster.do(
                    f"counting workflows of {info.name}",
                    partial(cluster.of(info.name).count_workflows, rpc_timeout=CALL),
                )
                if count.count:
                    reading.held[thing.key] = f"it holds {count.count} workflows: delete it by hand"


async def _search_attributes(reading: _Reading, namespace: str) -> None:
    operator = reading.cluster.client.operator_service
    found = await reading.cluster.do(
        f"listing search attributes of {namespace}",
        lambda: operator.list_search_attributes(ListSearchAttributesRequest(namespace=namespace), timeout=CALL),
    )
    for name, type_ in found.custom_attributes.items():
        # In a search engine's index attributes are of all namespaces: another may need what this one does not.
        reading.add(Thing("search attribute", namespace, name, {"type": _TYPES[type_]}), removable=reading.sql)


async def _endpoints(reading: _Reading) -> None:
    for each in await endpoints(reading.cluster):
        target = each.spec.target
        inside = f"{target.worker.task_queue} in {target.worker.namespace}"
        made_by = mark_of(each)
        fields: dict[str, Value] = {"target": target.external.url or inside, "cell": made_by}
        thing = Thing("nexus endpoint", "", each.spec.name, fields)
        reading.add(thing, removable=made_by == reading.cell.cell)


async def endpoints(cluster: Cluster) -> list[Endpoint]:
    """All Nexus endpoints of a cluster."""
    operator = cluster.client.operator_service
    pages = await cluster.pages(
        "listing Nexus endpoints",
        lambda page: operator.list_nexus_endpoints(
            ListNexusEndpointsRequest(page_size=PAGE, next_page_token=page), timeout=CALL
        ),
    )
    return [each for page in pages for each in page.endpoints]


def mark_of(endpoint: Endpoint) -> str | None:
    """The cell whose file made an endpoint, as its description says; None for any other."""
    text = endpoint.spec.description.data.decode(errors="replace").strip('"')
    return text.removeprefix(f"{MARK}: ") if text.startswith(f"{MARK}: ") else None


async def _schedules(reading: _Reading, namespace: str) -> None:
    wanted = {thing.name for thing in reading.wanted if thing.key[:2] == ("schedule", namespace)}
    for name in await schedule_state.made_by(reading.cluster, namespace, reading.cell.cell) | wanted:
        fields = await schedule_state.described(reading.cluster, namespace, name)
        if fields is not None:
            reading.add(Thing("schedule", namespace, name, fields), removable=fields["cell"] == reading.cell.cell)


async def _task_queue(reading: _Reading, thing: Thing) -> None:
    service = reading.cluster.client.workflow_service
    fields: dict[str, Value] = {}
    for type_, number in _QUEUE_TYPES:
        request = DescribeTaskQueueRequest(
            namespace=thing.namespace,
            task_queue=TaskQueue(name=thing.name),
            task_queue_type=number,
            report_config=True,
        )
        found = await reading.cluster.do(
            f"describing task queue {thing.name} of {thing.namespace}",
            partial(service.describe_task_queue, request, timeout=CALL),
        )
        fields[f"{type_}.rps"] = _rate(found.config.queue_rate_limit)
        fields[f"{type_}.fairness_key_rps"] = _rate(found.config.fairness_keys_rate_limit_default)
        for key, weight in found.config.fairness_weight_overrides.items():
            fields[f"{type_}.fairness_weights.{key}"] = single(weight)
    reading.add(Thing("task queue", thing.namespace, thing.name, fields))


def _rate(limit: RateLimitConfig) -> float | None:
    return single(limit.rate_limit.requests_per_second) if limit.HasField("rate_limit") else None


async def _deployment(reading: _Reading, thing: Thing) -> None:
    found = await deployments.described(reading.cluster, thing.namespace, thing.name)
    if found is RPCStatusCode.UNIMPLEMENTED:
        reading.refused["deployment"] = "this server has no worker deployments, 1.29.1 has; or they are switched off"
    elif isinstance(found, deployments.Versions):
        fields: dict[str, Value] = {
            "current": found.current or None,
            "ramping": found.ramping_text,
            "builds": list(found.builds),
        }
        reading.add(Thing("deployment", thing.namespace, thing.name, fields))


_Reader: TypeAlias = Callable[[_Reading, Thing], Awaitable[None]]
_EACH: Final[dict[str, _Reader]] = {"task queue": _task_queue, "deployment": _deployment}
"""Things that can be asked for only one by one."""
