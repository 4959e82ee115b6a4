"""Making a cluster what a cell's file wants: reads, plans, changes, and reads again until nothing is left to do.

Nothing is remembered between runs: who is killed half-way is continued by whoever applies the file next.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from itertools import groupby
from typing import Final, TypeAlias, cast, final

import msgspec
from google.protobuf.duration_pb2 import Duration
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import IndexedValueType, TaskQueueType
from temporalio.api.namespace.v1 import NamespaceConfig, UpdateNamespaceInfo
from temporalio.api.nexus.v1 import EndpointSpec, EndpointTarget
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    CreateNexusEndpointRequest,
    DeleteNamespaceRequest,
    DeleteNexusEndpointRequest,
    RemoveSearchAttributesRequest,
    UpdateNexusEndpointRequest,
)
from temporalio.api.taskqueue.v1 import RateLimit
from temporalio.api.workflowservice.v1 import (
    RegisterNamespaceRequest,
    UpdateNamespaceRequest,
    UpdateTaskQueueConfigRequest,
)
from temporalio.service import RPCStatusCode

from procession.core.timers import duration_ms
from procession.hosts.temporal.cells import deployments, schedule_state
from procession.hosts.temporal.cells.cell import Cell, CellError, StartTimer
from procession.hosts.temporal.cells.cluster import CALL, Cluster
from procession.hosts.temporal.cells.plan import Change, plan
from procession.hosts.temporal.cells.schedules import schedule_id
from procession.hosts.temporal.cells.state import endpoints, read
from procession.hosts.temporal.cells.things import Kind, Value
from procession.hosts.temporal.cells.wanted import MARK, wanted


@final
class Applied(msgspec.Struct, frozen=True):
    """What was changed, in order, and what is left to be done by hand."""

    done: list[Change]
    left: list[Change]


class _Work(msgspec.Struct, frozen=True):
    """What every change needs to be made."""

    cluster: Cluster
    cell: Cell
    force: bool


async def apply(
    cluster: Cluster,
    cell: Cell,
    *,
    prune: bool = False,
    force: bool = False,
    told: Callable[[Change], None] = lambda change: None,
) -> Applied:
    """Makes the cluster what the cell wants; `told` hears of each change when it is made.

    Ends when the cluster shows every change, so that a plan made then is empty but for what is by hand. Raises
    `CellError` if a change fails, or is not seen within the cluster's patience; what was made before stays.
    """
    work = _Work(cluster, cell, force)
    things = wanted(cell)
    done: list[Change] = []
    while True:
        changes = plan(things, await read(cluster, cell, things), prune=prune, force=force)
        able = [change for change in changes if not change.by_hand]
        if not able:
            return Applied(done, changes)
        fresh = [change for change in able if change not in done]
        # What is made already and not seen yet is waited for, not made again.
        if not fresh and not await cluster.waited():
            raise CellError(f"made, but the cluster does not show it after {cluster.patience_s:g} s: {able[0]}")
        for _, group in groupby(fresh, _together):
            made = list(group)
            await _DO[made[0].kind](work, made)
            for change in made:
                done.append(change)
                told(change)
            cluster.be_patient()


def _together(change: Change) -> tuple[str, ...]:
    """Changes with the same key are made by one call; attributes of a namespace all at once."""
    if change.kind == "search attribute":
        return change.kind, change.namespace, change.action
    return (*change.key, "remove" if change.action == "remove" and not change.field else "change")


async def _namespace(work: _Work, changes: list[Change]) -> None:
    name = changes[0].name
    if changes[0].action == "remove":
        operator = work.cluster.client.operator_service
        request = DeleteNamespaceRequest(namespace=name)
        await work.cluster.ask(
            f"deleting namespace {name}",
            lambda: operator.delete_namespace(request, timeout=CALL),
            RPCStatusCode.NOT_FOUND,
            may_miss=True,
        )
        return
    namespace = work.cell.namespaces[name]
    service = work.cluster.client.workflow_service
    retention = Duration(seconds=duration_ms(namespace.retention) // 1000)
    if changes[0].action == "create":
        new = RegisterNamespaceRequest(
            namespace=name,
            description=namespace.description or "",
            workflow_execution_retention_period=retention,
            is_global_namespace=namespace.is_global,
            data={MARK: work.cell.cell},
        )
        await work.cluster.ask(
            f"creating namespace {name}",
            lambda: service.register_namespace(new, timeout=CALL),
            RPCStatusCode.ALREADY_EXISTS,
        )
        return
    update = UpdateNamespaceRequest(
        namespace=name,
        update_info=UpdateNamespaceInfo(description=namespace.description or "", data={MARK: work.cell.cell}),
        config=NamespaceConfig(workflow_execution_retention_ttl=retention),
    )
    await work.cluster.do(f"changing namespace {name}", lambda: service.update_namespace(update, timeout=CALL))


async def _search_attributes(work: _Work, changes: list[Change]) -> None:
    namespace = changes[0].namespace
    operator = work.cluster.client.operator_service
    gone = [change.name for change in changes if change.action != "create"]
    if gone:
        old = RemoveSearchAttributesRequest(namespace=namespace, search_attributes=gone)
        await work.cluster.ask(
            f"removing search attributes of {namespace}",
            lambda: operator.remove_search_attributes(old, timeout=CALL),
            RPCStatusCode.NOT_FOUND,
        )
    types = {change.name: _type_of(change) for change in changes if change.action != "remove"}
    if types:
        new = AddSearchAttributesRequest(namespace=namespace, search_attributes=types)
        await work.cluster.ask(
            f"adding search attributes to {namespace}",
            lambda: operator.add_search_attributes(new, timeout=CALL),
            RPCStatusCode.ALREADY_EXISTS,
        )


def _type_of(change: Change) -> IndexedValueType.ValueType:
    type_ = change.after if change.field else _fields(change)["type"]
    name = "KEYWORD_LIST" if type_ == "KeywordList" else str(type_).upper()
    return IndexedValueType.Value(f"INDEXED_VALUE_TYPE_{name}")


def _fields(change: Change) -> dict[str, Value]:
    """The fields of a thing that is made."""
    return cast("dict[str, Value]", change.after)


async def _task_queue(work: _Work, changes: list[Change]) -> None:
    """One call for each type of queue: what is set, and what is unset."""
    values: dict[str, Value] = {}
    for change in changes:
        values |= _fields(change) if not change.field else {change.field: change.after}
    _, namespace, name = changes[0].key
    for type_, number in (
        ("activity", TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY),
        ("workflow", TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW),
    ):
        mine = {key.removeprefix(f"{type_}."): value for key, value in values.items() if key.startswith(f"{type_}.")}
        if mine:
            request = _queue_request(mine, work.cell)
            request.namespace, request.task_queue, request.task_queue_type = namespace, name, number
            await work.cluster.do(
                f"changing task queue {name} of {namespace}",
                partial(work.cluster.client.workflow_service.update_task_queue_config, request, timeout=CALL),
                # Who is killed while a queue is changed leaves a server (1.29 and 1.32) that refuses the next changes
                # of it with this status, until it has read anew what it holds.
                doubtful=(RPCStatusCode.INVALID_ARGUMENT,),
            )


def _queue_request(values: dict[str, Value], cell: Cell) -> UpdateTaskQueueConfigRequest:
    weights = {key.removeprefix("fairness_weights."): value for key, value in values.items() if key.count(".")}
    request = UpdateTaskQueueConfigRequest(
        identity=f"procession cell {cell.cell}",
        set_fairness_weight_overrides={
            key: cast("float", value) for key, value in weights.items() if value is not None
        },
        unset_fairness_weight_overrides=[key for key, value in weights.items() if value is None],
    )
    if "rps" in values:
        request.update_queue_rate_limit.CopyFrom(_rate(values["rps"], cell))
    if "fairness_key_rps" in values:
        request.update_fairness_key_rate_limit_default.CopyFrom(_rate(values["fairness_key_rps"], cell))
    return request


def _rate(value: Value, cell: Cell) -> UpdateTaskQueueConfigRequest.RateLimitUpdate:
    """A limit, or its end: an update without one."""
    update = UpdateTaskQueueConfigRequest.RateLimitUpdate(reason=f"procession cell {cell.cell}")
    if value is not None:
        update.rate_limit.CopyFrom(RateLimit(requests_per_second=cast("float", value)))
    return update


async def _endpoint(work: _Work, changes: list[Change]) -> None:
    name = changes[0].name
    operator = work.cluster.client.operator_service
    there = next((each for each in await endpoints(work.cluster) if each.spec.name == name), None)
    if changes[0].action == "remove":
        if there is not None:
            old = DeleteNexusEndpointRequest(id=there.id, version=there.version)
            await work.cluster.ask(
                f"deleting Nexus endpoint {name}",
                lambda: operator.delete_nexus_endpoint(old, timeout=CALL),
                RPCStatusCode.NOT_FOUND,
            )
        return
    spec = _endpoint_spec(work.cell, name)
    if there is None:
        new = CreateNexusEndpointRequest(spec=spec)
        await work.cluster.ask(
            f"creating Nexus endpoint {name}",
            lambda: operator.create_nexus_endpoint(new, timeout=CALL),
            RPCStatusCode.ALREADY_EXISTS,
        )
    else:
        update = UpdateNexusEndpointRequest(id=there.id, version=there.version, spec=spec)
        await work.cluster.do(
            f"changing Nexus endpoint {name}", lambda: operator.update_nexus_endpoint(update, timeout=CALL)
        )


def _endpoint_spec(cell: Cell, name: str) -> EndpointSpec:
    wanted = cell.nexus_endpoints[name]
    if wanted.url is not None:
        target = EndpointTarget(external=EndpointTarget.External(url=wanted.url))
    else:
        worker = EndpointTarget.Worker(namespace=wanted.namespace or "", task_queue=wanted.task_queue or "")
        target = EndpointTarget(worker=worker)
    description = Payload(metadata={"encoding": b"json/plain"}, data=msgspec.json.encode(f"{MARK}: {cell.cell}"))
    return EndpointSpec(name=name, target=target, description=description)


async def _schedule(work: _Work, changes: list[Change]) -> None:
    _, namespace, name = changes[0].key
    if changes[0].action == "remove":
        await schedule_state.remove(work.cluster, namespace, name)
        return
    timer = next(each for each in work.cell.namespaces[namespace].schedules if _id(each) == name)
    make = schedule_state.create if changes[0].action == "create" else schedule_state.update
    await make(work.cluster, work.cell, namespace, timer)


def _id(timer: StartTimer) -> str:
    return schedule_id(timer.tenant, timer.process, timer.node)


async def _deployment(work: _Work, changes: list[Change]) -> None:
    """First the current version, which ends the ramp of the same build; then the ramp."""
    _, namespace, name = changes[0].key
    wanted = work.cell.namespaces[namespace].deployments[name]
    there = await deployments.described(work.cluster, namespace, name)
    before = there if isinstance(there, deployments.Versions) else deployments.Versions()
    if wanted.current is not None and wanted.current != before.current:
        await deployments.set_current(work.cluster, namespace, name, wanted.current, force=work.force)
    ramping = wanted.ramping
    if ramping is not None:
        await deployments.set_ramping(
            work.cluster, namespace, name, ramping.build_id, ramping.percent, force=work.force
        )
    elif before.ramping and before.ramping != wanted.current:
        await deployments.set_ramping(work.cluster, namespace, name, "", 0, force=work.force)


_Doer: TypeAlias = Callable[[_Work, list[Change]], Awaitable[None]]
_DO: Final[dict[Kind, _Doer]] = {
    "namespace": _namespace,
    "search attribute": _search_attributes,
    "task queue": _task_queue,
    "nexus endpoint": _endpoint,
    "schedule": _schedule,
    "deployment": _deployment,
}
"""How changes of a kind are made. `dynamic config` is not here: its changes are by hand."""
