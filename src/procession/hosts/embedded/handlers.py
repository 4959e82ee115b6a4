"""What each request means: find whom it is for, check it, step them, answer. One row a request.

A handler raises a `ProcessionError` before its first row or not at all. Consequences for other instances go to
`shard.following`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, cast

import msgspec

from procession.base.failure import Conflict, NotFound, Outdated, ProcessionError
from procession.core import correlation, flags
from procession.core import events as e
from procession.core.correlation import StartOpen
from procession.core.instantiate import needs_more
from procession.core.state import Status
from procession.core.timers import next_due
from procession.hosts.embedded import (
    asked,
    batches,
    changing,
    elsewhere,
    handover,
    job_handlers,
    moving,
    reverting,
)
from procession.hosts.embedded.door import DURATION_MS_MAX
from procession.hosts.embedded.erasing import forget_tenant
from procession.hosts.embedded.retention import forget
from procession.hosts.embedded.shard import Shard
from procession.hosts.embedded.starting import accepted, evaluate_conditions, start_instance, start_refused
from procession.hosts.embedded.switches import HOW, switchable
from procession.ir.program import Node, TimerTrigger
from procession.runtime import codec
from procession.runtime import requests as q
from procession.runtime.rows import (
    SIGNAL_START,
    DefinitionRow,
    ExpiredRow,
    IncidentRow,
    TaskRow,
    TimerRow,
)
from procession.runtime.tenants import PLATFORM
from procession.services.copies import InstallCopy, install_copy
from procession.services.deploy import Deployment, Desk, InstallCompiled, compile_resources, install

SWEEP_MAX: Final = 1_000
ATTRIBUTES: Final = 7
"""The cell of a task's row."""


def _start_process(shard: Shard, request: q.StartProcess) -> int:
    tenant = shard.catalog.tenant(request.tenant)
    if request.key and shard.residents.get(tenant, request.key) is not None:
        return request.key
    definition = _definition(shard, tenant, request)
    refused = start_refused(shard, tenant, definition)
    if refused is not None:
        if request.message:
            shard.following.extend(shard.postbox.start_made(tenant, request, definition.process_id, 0))
        raise refused
    key = request.key or shard.keys.take(shard.at)
    start = e.Start(
        instance=key,
        tenant=request.tenant,
        program=definition.program,
        version=definition.version,
        variables=request.variables,
        start_node=request.node,
        business_key=request.business_key,
        message=request.message,
        zone=shard.zone,
        tz_release=shard.tz_release,
        seed=key,
        flags=shard.switches.of(tenant),
        timer=request.timer,
        skipped=request.skipped,
        begin=request.begin,
        source=key if request.begin else 0,
    )
    shard.direct = request.direct
    try:
        resident = start_instance(shard, tenant, definition, start, trace=request.trace)
    except ProcessionError:
        shard.direct = False
        if request.message:
            shard.following.extend(shard.postbox.start_made(tenant, request, definition.process_id, 0))
        raise
    shard.direct = False
    if request.message:
        shard.following.extend(shard.postbox.start_made(tenant, request, definition.process_id, key))
        if resident.state.status is not Status.ACTIVE:
            # It ended in the step that started it, before its key was taken.
            shard.following.extend(shard.postbox.ended(tenant, key))
    return key


def _definition(shard: Shard, tenant: int, request: q.StartProcess) -> DefinitionRow:
    if request.definition:
        return shard.catalog.definition(tenant, request.definition)
    if request.version:
        return shard.catalog.version(tenant, request.process_id, request.version)
    return shard.catalog.latest(tenant, request.process_id)


def _start_called(shard: Shard, request: q.StartCalled) -> int:
    tenant = shard.catalog.tenant(request.tenant)
    if shard.residents.get(tenant, request.key) is not None:
        return request.key
    linked = shard.catalog.linked(tenant, request.program)
    definition = shard.catalog.version(tenant, linked.program.process_id, request.version)
    start = e.Start(
        instance=request.key,
        tenant=request.tenant,
        program=request.program,
        version=request.version,
        variables=request.variables,
        business_key=request.business_key,
        parent_instance=request.parent_instance,
        parent_element=request.parent_element,
        root_instance=request.root_instance,
        zone=shard.zone,
        tz_release=shard.tz_release,
        seed=request.key,
        depth=request.depth,
        flags=shard.switches.of(tenant) if request.flags is None else request.flags,
    )
    start_instance(shard, tenant, definition, start)
    return request.key


def _deliver(shard: Shard, request: q.Deliver) -> None:
    tenant = shard.catalog.tenant(request.tenant)
    event = request.event
    if isinstance(event, e.FireTimer) and not request.instance:
        _fire_start(shard, tenant, request.tenant, event.timer)
        return
    resident = shard.residents.get(tenant, request.instance)
    if resident is None:
        if request.tolerant:
            return
        raise NotFound(f"no instance {request.instance}")
    outcome = shard.advance(resident, event)
    if not request.tolerant:
        accepted(outcome)


def _fire_start(shard: Shard, tenant: int, tenant_name: str, key: int) -> None:
    """A start timer is due: an instance starts, and a cycle is set anew (never drifting, decision 15)."""
    rows = shard.store.read("timer", (tenant, key), TimerRow)
    if not rows:
        raise NotFound(f"timer {key} is not open")
    row = rows[0]
    if shard.at < row.due:
        raise Conflict(f"timer {key} is due at {row.due}, not at {shard.at}")
    definition = shard.catalog.definition(tenant, row.element)
    node = shard.catalog.linked(tenant, definition.program).nodes[row.node]
    skipped = 0
    if row.cycle and row.remaining:
        skipped = _set_anew(shard, tenant, row, node)
    else:
        shard.batch["timer"].delete(key, (tenant, key))
    shard.following.append(
        q.StartProcess(
            tenant_name,
            definition.process_id,
            {},
            definition=definition.key,
            node=row.node,
            timer=key,
            skipped=skipped,
        )
    )


def _set_anew(shard: Shard, tenant: int, row: TimerRow, node: Node) -> int:
    """The next firing of a start timer's cycle, if there is one; gives how many lay in a downtime and are skipped."""
    catch_up = isinstance(node.trigger, TimerTrigger) and node.trigger.catch_up
    due, skipped = next_due(row.cycle, row.due, shard.at, shard.zone, catch_up)
    left = row.remaining if row.remaining < 0 else row.remaining - 1 - skipped
    timers = shard.batch["timer"]
    if row.remaining >= 0 and left < 0:
        timers.delete(row.key, (tenant, row.key))
        return row.remaining
    timers.replace(row.key, (tenant, row.key, due, 0, row.element, row.node, row.cycle, left))
    shard.alarms.set(tenant, due)
    return skipped


def _deliver_offer(shard: Shard, request: q.DeliverOffer) -> None:
    tenant = shard.catalog.tenant(request.tenant)
    resident = shard.residents.get(tenant, request.instance)
    if resident is not None:
        event = e.OfferMessage(request.subscription, request.message, request.variables)
        if resident.host:
            elsewhere.deliver(shard, resident, event, request.name, request.correlation)
            return
        if not shard.advance(resident, event).rejected:
            return
    following = shard.postbox.refused(tenant, request.subscription, request.name, request.correlation, request.message)
    shard.following.extend(following)


def _publish(shard: Shard, request: q.PublishMessage) -> int:
    tenant = shard.catalog.tenant(request.tenant)
    if not request.name:
        raise Conflict("a message needs a name")
    if not 0 <= request.ttl <= DURATION_MS_MAX:
        raise Conflict(f"a message cannot be buffered for {request.ttl} ms")
    key = request.key or shard.keys.take(shard.at)
    address = (tenant, request.name, request.correlation)
    message = correlation.Published(key, request.message_id, shard.at + request.ttl, request.variables)
    following = shard.postbox.published(address, message)
    if following is None:
        raise Conflict(f"a message {request.name!r} with the id {request.message_id!r} is buffered already")
    shard.following.extend(following)
    return key


def _broadcast(shard: Shard, request: q.BroadcastSignal) -> int:
    tenant = shard.catalog.tenant(request.tenant)
    waiting = [each for each in shard.postbox.signals(tenant, request.name) if each.instance != request.origin]
    served = {each.process_id for each in waiting} | elsewhere.unheard(shard, tenant, request)
    starts = [
        each
        for each in shard.postbox.starts(tenant, request.name, SIGNAL_START)
        if each.process_id not in served or not _is_shared(shard, tenant, each)
    ]
    made: list[q.AnyRequest] = []
    for subscription in waiting:
        event = e.ReceiveSignal(subscription.key, request.variables)
        made.append(q.Deliver(request.tenant, subscription.instance, event, True))
    for start in starts:
        definition, node = start.definition, start.node
        made.append(
            q.StartProcess(request.tenant, start.process_id, request.variables, definition=definition, node=node)
        )
    # Before what was thrown later by the same step: the second of two signals finds what the first one started.
    shard.following.extendleft(reversed(made))
    return len(made)


def _is_shared(shard: Shard, tenant: int, start: StartOpen) -> bool:
    """Whether a start event needs more than one signal: then the instance that waits for this one takes it."""
    linked = shard.catalog.linked(tenant, shard.catalog.definition(tenant, start.definition).program)
    return needs_more(linked, linked.nodes[start.node])


def _deploy(shard: Shard, request: q.DeployResources) -> Deployment:
    modules = shard.catalog.modules(shard.catalog.tenants.get(request.tenant))
    return _install(shard, InstallCompiled(request.tenant, compile_resources(request.resources, modules), request.name))


def _install(shard: Shard, request: InstallCompiled) -> Deployment:
    deployment = install(_desk(shard), request.tenant, request.compiled, request.name)
    shard.deployed = True
    shard.alarms.look(shard.catalog.tenant(request.tenant))
    return deployment


def _install_copy(shard: Shard, request: InstallCopy) -> None:
    install_copy(_desk(shard), request)
    shard.deployed = True


def _desk(shard: Shard) -> Desk:
    return Desk(shard.catalog, shard.batch, lambda: shard.keys.take(shard.at), at=shard.at, zone=shard.zone)


def _task_event(shard: Shard, request: q.TaskEvent) -> None:
    tenant = shard.catalog.tenant(request.tenant)
    rows = shard.store.read("task", (tenant, request.task), TaskRow)
    if not rows:
        raise NotFound(f"user task {request.task} is not open: it was completed, or its element has ended")
    if request.version:
        # Somebody else may have changed it in this very commit.
        written = shard.batch["task"].new.get(request.task)
        attributes = written[ATTRIBUTES] if written is not None else rows[0].attributes
        if codec.version_of(cast("bytes", attributes)) != request.version:
            raise Outdated(f"user task {request.task} was changed meanwhile: read it, then decide again")
    _deliver(shard, q.Deliver(request.tenant, rows[0].instance, request.event))


def _resolve(shard: Shard, request: q.Resolve) -> None:
    tenant = shard.catalog.tenant(request.tenant)
    rows = shard.store.read("incident", (tenant, request.incident), IncidentRow)
    if not rows:
        raise NotFound(f"incident {request.incident} is not open")
    event = e.ResolveIncident(request.incident, request.retries)
    _deliver(shard, q.Deliver(request.tenant, rows[0].instance, event))


def _sweep_messages(shard: Shard, request: q.SweepMessages) -> int:
    rows = shard.store.read("messages_expired", (*shard.span, shard.at, SWEEP_MAX), ExpiredRow)
    shard.postbox.expired((row.tenant, row.name, row.correlation) for row in rows)
    return len(rows)


def _switch_flags(shard: Shard, request: q.SwitchFlags) -> None:
    wanted = flags.bits(request.numbers)
    foreign = flags.unknown(wanted)
    if foreign:
        raise Conflict(f"this version knows no behaviour flags {foreign:#x}; it knows {sorted(flags.KNOWN)}")
    _switch_cell(shard, wanted)


def _switch_flag(shard: Shard, request: q.SwitchFlag) -> None:
    tenant, number, how = shard.catalog.tenant(request.tenant), request.number, request.how
    switchable(number, how)
    if request.tenant == PLATFORM:
        bit = 1 << number
        _switch_cell(shard, shard.switches.cell | bit if how == "on" else shard.switches.cell & ~bit)
        return
    state = HOW.get(how)
    shard.switches.set(tenant, number, state)
    rows = shard.batch["flag"]
    if state is None:
        rows.delete((tenant, number), (tenant, number))
    else:
        rows.replace((tenant, number), (tenant, number, state))


def _switch_cell(shard: Shard, wanted: int) -> None:
    shard.switches.cell = wanted
    shard.batch["meta"].replace(("flags",), ("flags", wanted))


def _plain(shard: Shard, request: msgspec.Struct) -> object:
    return HANDLERS[type(request)](shard, request)


Handle: TypeAlias = Callable[[Shard, Any], object]

HANDLERS: Final[Mapping[type[msgspec.Struct], Handle]] = {
    q.StartProcess: _start_process,
    q.StartCalled: _start_called,
    q.Deliver: _deliver,
    q.DeliverOffer: _deliver_offer,
    q.PublishMessage: _publish,
    q.BroadcastSignal: _broadcast,
    q.EvaluateConditions: evaluate_conditions,
    q.DeployResources: _deploy,
    InstallCompiled: _install,
    InstallCopy: _install_copy,
    q.ActivateJobs: job_handlers.activate_jobs,
    q.FinishJob: job_handlers.finish_job,
    q.FailJob: job_handlers.fail_job,
    q.ThrowJob: job_handlers.throw_job,
    q.ExtendJob: job_handlers.extend_job,
    q.UpdateJob: job_handlers.update_job,
    q.ReturnJob: job_handlers.return_job,
    q.TaskEvent: _task_event,
    q.Resolve: _resolve,
    q.SweepMessages: _sweep_messages,
    q.SwitchFlags: _switch_flags,
    q.SwitchFlag: _switch_flag,
    q.HandOver: handover.hand_over,
    q.TakeBack: handover.take_back,
    q.MoveOn: moving.move_on,
    q.RevertBatch: reverting.revert_batch,
    q.Forget: forget,
    q.MigrateInstance: changing.migrate_instance,
    q.RestartInstance: changing.restart_instance,
    q.SuspendDefinition: changing.suspend_definition,
    q.StartBatch: batches.start_batch,
    q.SteerBatch: batches.steer_batch,
    batches.RunBatch: batches.run_batch,
    q.Report: elsewhere.report,
    q.Arrived: elsewhere.arrived,
    q.TakeKeys: elsewhere.take_keys,
    q.AddTenant: asked.add_tenant,
    q.CarriedOut: lambda shard, request: request.result,
    q.PutRecord: asked.put_record,
    q.DeleteRecord: asked.delete_record,
    q.ForgetTenant: forget_tenant,
    q.Asked: lambda shard, request: asked.carry_out(shard, request, _plain),
}
