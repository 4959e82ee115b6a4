"""Schedules of a cluster: what one is found to be, in the words of `wanted`, and making it what is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from temporalio.api.common.v1 import Payload
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleDescription,
    ScheduleState,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCStatusCode

from procession.hosts.temporal.cells.cell import Cell, StartTimer
from procession.hosts.temporal.cells.cluster import CALL, Cluster
from procession.hosts.temporal.cells.schedules import TimerSchedule
from procession.hosts.temporal.cells.tenants import place
from procession.hosts.temporal.cells.things import Value
from procession.hosts.temporal.cells.wanted import MARK, plain, seconds_text, single, spec_text, timer_schedule

UNREADABLE: Final = "what this program cannot read: it was written with a codec"
_PREFIX: Final = "procession/"


async def made_by(cluster: Cluster, namespace: str, cell: str) -> set[str]:
    """The schedules of a namespace that this cell's file made, and not those of hosts for processes deployed there."""

    async def listed() -> set[str]:
        found: set[str] = set()
        async for each in await cluster.of(namespace).list_schedules(rpc_timeout=CALL):
            if each.id.startswith(_PREFIX) and await each.memo_value(MARK, None) == cell:
                found.add(each.id)
        return found

    return await cluster.do(f"listing schedules of {namespace}", listed)


async def described(cluster: Cluster, namespace: str, name: str) -> dict[str, Value] | None:
    """The fields of a schedule, None if there is none."""
    client = cluster.of(namespace)
    found = await cluster.ask(
        f"describing schedule {name} of {namespace}",
        lambda: client.get_schedule_handle(name).describe(rpc_timeout=CALL),
        RPCStatusCode.NOT_FOUND,
    )
    return None if isinstance(found, RPCStatusCode) else await _fields(client, found)


async def create(cluster: Cluster, cell: Cell, namespace: str, timer: StartTimer) -> None:
    """Makes a schedule; one that is there already stays, and the next comparison says how it differs."""
    made = timer_schedule(cell, timer)
    client = cluster.of(namespace)

    async def create() -> None:
        try:
            await client.create_schedule(
                made.id, _schedule(cell, timer, made), memo={MARK: cell.cell}, rpc_timeout=CALL
            )
        except ScheduleAlreadyRunningError:
            return

    await cluster.do(f"creating schedule {made.id} of {namespace}", create)


async def update(cluster: Cluster, cell: Cell, namespace: str, timer: StartTimer) -> None:
    """Makes a schedule what is wanted. How often it may fire yet is kept, unless its timer is another."""
    made = timer_schedule(cell, timer)
    client = cluster.of(namespace)

    async def updated(given: ScheduleUpdateInput) -> ScheduleUpdate:
        before = given.description.schedule.state
        wanted = _schedule(cell, timer, made)
        same = (await _fields(client, given.description))["timer"] == timer.timer
        if same and before.limited_actions and wanted.state.limited_actions:
            wanted.state.remaining_actions = before.remaining_actions
        if timer.paused is None:
            wanted.state.paused = before.paused
            wanted.state.note = before.note
        return ScheduleUpdate(wanted)

    await cluster.do(
        f"changing schedule {made.id} of {namespace}",
        lambda: client.get_schedule_handle(made.id).update(updated, rpc_timeout=CALL),
    )


async def remove(cluster: Cluster, namespace: str, name: str) -> None:
    """Deletes a schedule, if it is there."""
    await cluster.ask(
        f"deleting schedule {name} of {namespace}",
        lambda: cluster.of(namespace).get_schedule_handle(name).delete(rpc_timeout=CALL),
        RPCStatusCode.NOT_FOUND,
    )


def _schedule(cell: Cell, timer: StartTimer, made: TimerSchedule) -> Schedule:
    placed = place(cell, timer.tenant)
    action = ScheduleActionStartWorkflow(
        timer.process,
        args=[] if timer.input is None else [plain(timer.input)],
        # The server adds the time of the firing, so that each has an id of its own.
        id=made.id,
        task_queue=placed.workflow_task_queue,
        static_summary=timer.timer,
        priority=placed.priority,
    )
    state = ScheduleState(
        paused=bool(timer.paused), limited_actions=made.firings is not None, remaining_actions=made.firings or 0
    )
    return Schedule(action=action, spec=made.spec, policy=made.policy, state=state)


async def _fields(client: Client, found: ScheduleDescription) -> dict[str, Value]:
    schedule = found.schedule
    fields: dict[str, Value] = {
        "when": spec_text(schedule.spec),
        "overlap": schedule.policy.overlap.name,
        "catch_up": seconds_text(schedule.policy.catchup_window),
        "limited": schedule.state.limited_actions,
        "paused": schedule.state.paused,
        "cell": cast("Value", await found.memo_value(MARK, None)),
    }
    action = schedule.action
    if isinstance(action, ScheduleActionStartWorkflow):
        weight = action.priority.fairness_weight
        fields |= {
            "workflow": action.workflow,
            "task_queue": action.task_queue,
            "input": await _decoded(client, cast("Sequence[Payload]", action.args)),
            "timer": await _decoded(client, [cast("Payload", action.static_summary)] if action.static_summary else []),
            "priority": action.priority.priority_key,
            "fairness_key": action.priority.fairness_key,
            "fairness_weight": single(weight) if weight is not None else None,
        }
    return fields


async def _decoded(client: Client, payloads: Sequence[Payload]) -> Value:
    """The first of some payloads, None if there is none."""
    if not payloads:
        return None
    try:
        return cast("Value", (await client.data_converter.decode(payloads[:1]))[0])
    except (RuntimeError, ValueError, KeyError):
        return UNREADABLE
