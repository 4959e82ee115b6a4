"""What each command of the core means here: rows of the commit, jobs for the board, requests for other instances."""

from __future__ import annotations

from typing import Final, cast

from procession.base.failure import NotFound
from procession.base.keys import made_at_ms
from procession.base.values import Json
from procession.core import commands as c
from procession.core.correlation import Open
from procession.core.events import AnyEvent, Cancel, Resolved, StoresAnswered
from procession.core.jobs import command_of
from procession.hosts.embedded.board import Offer, offer_of
from procession.hosts.embedded.residents import Resident
from procession.hosts.embedded.shard import Carry, Shard
from procession.hosts.embedded.sought import candidates_of, sought
from procession.hosts.embedded.starting import suspended
from procession.ir.kinds import Binding, Kind
from procession.ir.program import Node
from procession.runtime import codec
from procession.runtime.requests import BroadcastSignal, Deliver, PublishMessage, StartCalled
from procession.runtime.rows import HELD, BlobRow, JobRow

WINDOW: Final = 500
"""Messages on their way at once to a subscription that stays open, of an instance on another host."""
STATES: Final = {"completed": 1, "terminated": 2}


def _create_job(shard: Shard, r: Resident, job: c.CreateJob) -> None:
    tenant = r.tenant
    instance = r.state.instance
    offer = Offer(tenant, job.job, job.type, instance, job.element)
    offer.node = job.node
    offer.retries = job.retries
    offer.priority = job.priority
    offer.listener = job.listener
    offer.idempotency_key = job.idempotency_key
    offer.backoff = job.backoff
    courier = shard.carrier(job.type)
    if courier is not None:
        # No other job has its key, so that is a good name for its first lease.
        offer.token, offer.attempt, offer.deadline = job.job, 1, shard.at + courier.lost_ms
    row = (
        tenant,
        job.job,
        instance,
        job.element,
        job.node,
        job.type,
        job.retries,
        offer.attempt,
        offer.deadline,
        job.priority,
        job.listener,
        job.idempotency_key,
        offer.token,
        courier.host if courier is not None else "",
        "",
    )
    if job.job < shard.step_key:
        shard.batch["job"].replace(job.job, row)
    else:
        shard.batch["job"].insert(job.job, row)
    shard.for_board.append(offer)


def _close_job(shard: Shard, r: Resident, job: c.CloseJob) -> None:
    shard.batch["job"].delete(job.job, (r.tenant, job.job))
    shard.for_board.append(job.job)


def _hold_job(shard: Shard, r: Resident, job: c.HoldJob) -> None:
    # Its row was written by the request that exhausted it.
    shard.for_board.append(job.job)


def _set_timer(shard: Shard, r: Resident, timer: c.SetTimer) -> None:
    row = (r.tenant, timer.timer, timer.due, r.state.instance, timer.element, timer.node, "", 0)
    if timer.timer < shard.step_key:
        shard.batch["timer"].replace(timer.timer, row)
    else:
        shard.batch["timer"].insert(timer.timer, row)
    shard.alarms.set(r.tenant, timer.due)
    if shard.courier is not None and timer.due - shard.at <= shard.courier.horizon_ms:
        shard.for_timers.add(timer.due)


def _clear_timer(shard: Shard, r: Resident, timer: c.ClearTimer) -> None:
    shard.batch["timer"].delete(timer.timer, (r.tenant, timer.timer))


def _subscribe(shard: Shard, r: Resident, command: c.Subscribe) -> None:
    window = WINDOW if r.host and stays_open(r.linked.nodes[command.node]) else 1
    subscription = Open(command.subscription, r.state.instance, r.linked.program.process_id, window)
    r.subscriptions[command.subscription] = (command.signal, command.name, command.key)
    if command.subscription < shard.step_key:
        # Open again after a suspension or a migration: its row may be there, or may go later in this commit.
        shard.batch["subscription"].stored.add(command.subscription)
    if command.signal:
        shard.postbox.signal_opened(r.tenant, subscription, command.name)
    else:
        shard.following.extend(shard.postbox.subscribed(r.tenant, subscription, command.name, command.key))


def stays_open(node: Node) -> bool:
    """Whether a subscription of this node takes more than one message: it interrupts nothing."""
    return node.kind in {Kind.BOUNDARY_EVENT, Kind.START_EVENT} and not node.interrupting


def _unsubscribe(shard: Shard, r: Resident, command: c.Unsubscribe) -> None:
    signal, name, key = r.subscriptions.pop(command.subscription)
    if signal:
        shard.postbox.signal_closed(r.tenant, command.subscription, name)
    else:
        following = shard.postbox.unsubscribed(r.tenant, command.subscription, name, key, command.consumed)
        shard.following.extend(following)


def _consume(shard: Shard, r: Resident, command: c.Consume) -> None:
    signal, name, key = r.subscriptions[command.subscription]
    if not signal:
        following = shard.postbox.consumed(r.tenant, command.subscription, name, key, command.message)
        shard.following.extend(following)


def _publish(shard: Shard, r: Resident, command: c.Publish) -> None:
    shard.following.append(
        PublishMessage(
            r.state.tenant,
            command.name,
            command.key,
            command.variables,
            command.ttl,
            command.message_id,
            command.message,
        )
    )


def _broadcast(shard: Shard, r: Resident, command: c.Broadcast) -> None:
    shard.following.append(BroadcastSignal(r.state.tenant, command.name, command.variables, command.origin))


def _open_task(shard: Shard, r: Resident, task: c.OpenTask) -> None:
    _write_task(shard, r, task.element, task.node, task.attributes)


def _change_task(shard: Shard, r: Resident, task: c.ChangeTask) -> None:
    element = r.state.elements.get(task.element)
    if element is not None and element.attributes is not None:
        _write_task(shard, r, task.element, element.node, element.attributes)


def _write_task(shard: Shard, r: Resident, key: int, node: int, attributes: dict[str, Json]) -> None:
    assignee = attributes.get("assignee")
    open_to = candidates_of(attributes)
    # Changing a task does not make it younger; a virtual clock may stand before the first key.
    created = min(r.state.at, made_at_ms(key))
    row = (
        r.tenant,
        key,
        r.state.instance,
        node,
        r.linked.nodes[node].id,
        created,
        assignee if isinstance(assignee, str) else "",
        codec.encode_json(attributes),
        r.linked.program.process_id,
        *sought(attributes, r.state.zone),
        0 if open_to else 1,
    )
    tasks = shard.batch["task"]
    if key < shard.step_key or key in tasks.new:
        _drop_candidates(shard, r, key)
    if key < shard.step_key:
        tasks.replace(key, row)
    else:
        tasks.insert(key, row)
    if open_to:
        r.for_all = 0
        candidates = shard.batch["task_candidate"]
        for kind, name in open_to:
            candidates.insert((r.tenant, kind, name, key), (r.tenant, kind, name, key))
    else:
        r.for_all = key


def _drop_candidates(shard: Shard, r: Resident, key: int) -> None:
    """Whoever a task was open to: those that are stored, and those that this commit has written so far."""
    if r.for_all == key:
        return
    tasks = shard.batch["task"]
    written = tasks.new.get(key)
    if written is not None:
        new = shard.batch["task_candidate"].new
        for kind, name in candidates_of(codec.decode_variables(cast("bytes", written[7]))):
            new.pop((r.tenant, kind, name, key), None)
    if key < shard.step_key:
        tasks.change("task_candidates_clear", (r.tenant, key))


def _close_task(shard: Shard, r: Resident, task: c.CloseTask) -> None:
    _drop_candidates(shard, r, task.element)
    shard.batch["task"].delete(task.element, (r.tenant, task.element))


def _resolve(shard: Shard, r: Resident, command: c.Resolve) -> None:
    r.queue.append(_resolved(shard, r, command))


def _resolved(shard: Shard, r: Resident, command: c.Resolve) -> Resolved:
    catalog = shard.catalog
    binding = Binding(command.binding)
    try:
        deployment = 0
        if binding is Binding.DEPLOYMENT:
            own = catalog.version(r.tenant, r.linked.program.process_id, r.state.version)
            deployment = own.deployment
        if command.what == "decision":
            decision = catalog.decision(r.tenant, command.id, binding, command.version_tag, deployment)
            return Resolved(command.element, decision.hash, decision.version)
        process = catalog.bound(r.tenant, command.id, binding, command.version_tag, deployment)
        if shard.is_suspended(r.tenant, process.key):
            return Resolved(command.element, "", 0, suspended(process))
        return Resolved(command.element, process.program, process.version)
    except NotFound as missing:
        return Resolved(command.element, "", 0, str(missing))


def _start_child(shard: Shard, r: Resident, command: c.StartChild) -> None:
    state = r.state
    shard.following.append(
        StartCalled(
            state.tenant,
            command.child,
            command.program,
            command.version,
            command.variables,
            command.business_key,
            state.instance,
            command.element,
            state.root_instance,
            command.depth,
            state.flags,
        )
    )


def _cancel_child(shard: Shard, r: Resident, command: c.CancelChild) -> None:
    event = Cancel("its call activity ended")
    shard.following.append(Deliver(r.state.tenant, command.child, event, True))


def _tell_parent(shard: Shard, r: Resident, command: c.TellParent) -> None:
    event = cast("AnyEvent", command.event)
    shard.following.append(Deliver(r.state.tenant, command.instance, event, True))


def _park_job(shard: Shard, r: Resident, command: c.ParkJob) -> None:
    shard.batch["job"].change("job_due", (HELD, r.tenant, command.job))
    shard.for_board.append(command.job)


def _release_job(shard: Shard, r: Resident, command: c.ReleaseJob) -> None:
    rows = shard.store.read("job", (r.tenant, command.job), JobRow)
    if not rows:
        # Made in this very commit, so nobody has tried it yet.
        _create_job(shard, r, command_of(r.linked.nodes, r.state, r.state.jobs[command.job]))
        # What parked it runs behind the insert, so it is put on offer behind that.
        if shard.carrier(r.state.jobs[command.job].type) is None:
            shard.batch["job"].change("job_due", (0, r.tenant, command.job))
        return
    shard.batch["job"].change("job_due", (0, r.tenant, command.job))
    offer = offer_of(rows[0])
    if shard.carrier(offer.type) is not None:
        shard.lease(offer, shard.at)
    shard.for_board.append(offer)


def _move_job(shard: Shard, r: Resident, command: c.MoveJob) -> None:
    shard.batch["job"].change("job_moved", (command.node, r.tenant, command.job))
    shard.for_nodes.append((command.job, command.node))


def _move_incident(shard: Shard, r: Resident, command: c.MoveIncident) -> None:
    change = (r.linked.nodes[command.node].id, r.tenant, command.incident)
    shard.batch["incident"].change("incident_moved", change)


def _standstill(shard: Shard, r: Resident, command: c.Standstill) -> None:
    place = (r.tenant, r.state.instance)
    if command.on:
        shard.batch["suspended"].replace(place, place)
    else:
        shard.batch["suspended"].delete(place, place)


def _open_incident(shard: Shard, r: Resident, command: c.OpenIncident) -> None:
    row = (
        r.tenant,
        command.incident,
        r.state.instance,
        command.element,
        r.linked.nodes[command.node].id,
        command.code,
        command.message,
        command.job,
        r.state.at,
    )
    shard.batch["incident"].insert(command.incident, row)


def _close_incident(shard: Shard, r: Resident, command: c.CloseIncident) -> None:
    shard.batch["incident"].delete(command.incident, (r.tenant, command.incident))


def _read_stores(shard: Shard, r: Resident, command: c.ReadStores) -> None:
    values = {name: _store_value(shard, r.tenant, name) for name in command.stores}
    r.queue.append(StoresAnswered(command.element, values))


def _store_value(shard: Shard, tenant: int, name: str) -> Json:
    """What a data store holds, with what this commit has written so far."""
    written = shard.batch["data_store"].new.get((tenant, name))
    if written is not None:
        return codec.decode_json(cast("bytes", written[3]))
    rows = shard.store.read("data_store", (tenant, name), BlobRow)
    return codec.decode_json(rows[0].value) if rows else None


def _write_store(shard: Shard, r: Resident, command: c.WriteStore) -> None:
    row = (r.tenant, command.store, r.state.at, codec.encode_json(command.value))
    shard.batch["data_store"].replace((r.tenant, command.store), row)


def _go_on(shard: Shard, r: Resident, command: c.GoOn) -> None:
    shard.go_on(r)


def _finish(shard: Shard, r: Resident, command: c.Finish) -> None:
    state = r.state
    key = state.instance
    row = (STATES[command.state], state.at, r.tenant, key)
    shard.batch["instance"].change("instance_end", row)
    shard.finished.append((r.tenant, key))
    shard.quotas.ended(r.tenant)
    if state.suspended:
        shard.batch["suspended"].delete((r.tenant, key), (r.tenant, key))
    if r.bytes_snapshot:
        shard.batch["snapshot"].delete((r.tenant, key), (r.tenant, key))
    if state.message:
        shard.following.extend(shard.postbox.ended(r.tenant, key))


CARRY: Final[Carry] = {
    c.CreateJob: _create_job,
    c.CloseJob: _close_job,
    c.HoldJob: _hold_job,
    c.SetTimer: _set_timer,
    c.ClearTimer: _clear_timer,
    c.Subscribe: _subscribe,
    c.Unsubscribe: _unsubscribe,
    c.Consume: _consume,
    c.Publish: _publish,
    c.Broadcast: _broadcast,
    c.OpenTask: _open_task,
    c.ChangeTask: _change_task,
    c.CloseTask: _close_task,
    c.Resolve: _resolve,
    c.StartChild: _start_child,
    c.CancelChild: _cancel_child,
    c.TellParent: _tell_parent,
    c.OpenIncident: _open_incident,
    c.CloseIncident: _close_incident,
    c.ReadStores: _read_stores,
    c.WriteStore: _write_store,
    c.GoOn: _go_on,
    c.Finish: _finish,
    c.ParkJob: _park_job,
    c.ReleaseJob: _release_job,
    c.MoveJob: _move_job,
    c.MoveIncident: _move_incident,
    c.Standstill: _standstill,
}
