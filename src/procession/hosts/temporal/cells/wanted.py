"""What a cell's file asks for, as things. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Final, cast

from temporalio.client import ScheduleCalendarSpec, ScheduleRange, ScheduleSpec

from procession.base.failure import Failure
from procession.base.values import Json, encode
from procession.core.timers import date_time_ms, duration_ms
from procession.hosts.temporal.cells.cell import (
    IMPLIED,
    BadCell,
    Cell,
    Deployment,
    Namespace,
    NexusEndpoint,
    StartTimer,
    TaskQueue,
)
from procession.hosts.temporal.cells.schedules import Inexact, TimerSchedule, first_firing, schedule_for, schedule_id
from procession.hosts.temporal.cells.tenants import fairness_key, place
from procession.hosts.temporal.cells.things import Thing, Value

MARK: Final = "procession.cell"
"""Under this name a namespace and a schedule say which cell's file made them; an endpoint does in its description."""


BEGINNING: Final = "2026-01-01T00:00:00Z"
"""From when on a timer is read that has no `first_due`: the same for every reading of the file."""


def wanted(cell: Cell) -> list[Thing]:
    """Every thing that the file asks for. Raises `BadCell` for a timer that no schedule can follow."""
    return list(_things(cell))


def timer_schedule(cell: Cell, timer: StartTimer) -> TimerSchedule:
    """The schedule of a timer start event of the file. Raises `BadCell` where there is none with the same times."""
    name = f"the schedule {schedule_id(timer.tenant, timer.process, timer.node)}"
    try:
        # Times of the file do not depend on when it is read: what has no beginning of its own is given one.
        at = date_time_ms(timer.first_due or BEGINNING, timer.zone)
        first, cycle = first_firing(timer.timer, at, timer.zone)
        relative = timer.timer.startswith("P") or (cycle.startswith("R") and cycle.count("/") == 1)
        if relative and timer.first_due is None:
            raise BadCell(f"{name}: {timer.timer!r} has no beginning: give `first_due: 2027-01-01T00:00:00Z`")
        made = schedule_for(
            cycle,
            at if relative else first,
            timer.zone,
            tenant=timer.tenant,
            process=timer.process,
            node=timer.node,
            catch_up=timer.catch_up,
        )
    except Failure as failure:
        raise BadCell(f"{name}: {failure.message}") from None
    if isinstance(made, Inexact):
        raise BadCell(f"{name}: {made.reason}")
    return made


def spec_text(spec: ScheduleSpec) -> str:
    """When a schedule fires, in a line: the same text for the same times, however it was written."""
    parts = [f"every {seconds_text(interval.every)}" for interval in spec.intervals]
    parts += [f"after {seconds_text(interval.offset)}" for interval in spec.intervals if interval.offset]
    parts += sorted(map(_calendar_text, spec.calendars))
    parts += [f"cron {text}" for text in spec.cron_expressions]
    parts += [f"but not {text}" for text in sorted(map(_calendar_text, spec.skip))]
    parts += [f"from {spec.start_at:%Y-%m-%dT%H:%M:%SZ}"] if spec.start_at is not None else []
    parts += [f"until {spec.end_at:%Y-%m-%dT%H:%M:%SZ}"] if spec.end_at is not None else []
    parts += [f"jitter {seconds_text(spec.jitter)}"] if spec.jitter else []
    return ", ".join(parts) + (f" in {spec.time_zone_name}" if spec.time_zone_name else "")


def _things(cell: Cell) -> Iterator[Thing]:
    for name, namespace in cell.namespaces.items():
        yield Thing("namespace", "", name, _namespace(cell, namespace))
        for attribute, type_ in {**IMPLIED, **namespace.search_attributes}.items():
            yield Thing("search attribute", name, attribute, {"type": type_})
        for queue, limits in namespace.task_queues.items():
            yield Thing("task queue", name, queue, _task_queue(limits))
        for timer in namespace.schedules:
            yield _schedule(cell, name, timer)
        for deployment, versions in namespace.deployments.items():
            yield Thing("deployment", name, deployment, _deployment(versions))
        for key, value in namespace.dynamic_config.items():
            yield Thing("dynamic config", name, key, {"value": value})
    for name, endpoint in cell.nexus_endpoints.items():
        yield Thing("nexus endpoint", "", name, {"target": target_text(endpoint), "cell": cell.cell})
    for key, value in cell.dynamic_config.items():
        for name, namespace in cell.namespaces.items():
            if key not in namespace.dynamic_config:
                yield Thing("dynamic config", name, key, {"value": value})


def target_text(endpoint: NexusEndpoint) -> str:
    """Where calls go, in a line."""
    return endpoint.url if endpoint.url is not None else f"{endpoint.task_queue} in {endpoint.namespace}"


def _namespace(cell: Cell, namespace: Namespace) -> dict[str, Value]:
    fields: dict[str, Value] = {
        "retention": hours_text(duration_ms(namespace.retention) // 1000),
        "global": namespace.is_global,
        "cell": cell.cell,
    }
    if namespace.description is not None:
        fields["description"] = namespace.description
    return fields


def _task_queue(limits: TaskQueue) -> dict[str, Value]:
    fields: dict[str, Value] = {}
    if limits.rps is not None:
        fields["activity.rps"] = single(limits.rps)
    if limits.fairness_key_rps is not None:
        fields["activity.fairness_key_rps"] = single(limits.fairness_key_rps)
    for tenant, weight in limits.fairness_weights.items():
        for type_ in ("activity", "workflow"):
            fields[f"{type_}.fairness_weights.{fairness_key(tenant)}"] = single(weight)
    return fields


def _schedule(cell: Cell, namespace: str, timer: StartTimer) -> Thing:
    made = timer_schedule(cell, timer)
    placed = place(cell, timer.tenant)
    fields: dict[str, Value] = {
        "timer": timer.timer,
        "when": spec_text(made.spec),
        "workflow": timer.process,
        "task_queue": placed.workflow_task_queue,
        "input": plain(timer.input),
        "priority": placed.priority.priority_key,
        "fairness_key": placed.priority.fairness_key,
        "fairness_weight": single(placed.priority.fairness_weight or 1),
        "overlap": made.policy.overlap.name,
        "catch_up": seconds_text(made.policy.catchup_window),
        "limited": made.firings is not None,
    }
    if timer.paused is not None:
        fields["paused"] = timer.paused
    return Thing("schedule", namespace, made.id, fields)


def _deployment(versions: Deployment) -> dict[str, Value]:
    fields: dict[str, Value] = {} if versions.current is None else {"current": versions.current}
    ramping = versions.ramping
    fields["ramping"] = None if ramping is None else ramping_text(ramping.build_id, ramping.percent)
    return fields


def seconds_text(time: timedelta | None) -> str | None:
    """`5400 s`; a part of a second does not count."""
    return f"{int(time.total_seconds())} s" if time is not None else None


def hours_text(seconds: float) -> str:
    """`168 h`."""
    return f"{seconds / 3600:g} h"


def plain(value: Json) -> Json:
    """A value as it comes back from a server: numbers of JSON are no decimals there."""
    return cast("Json", json.loads(encode(value)))


def single(number: float) -> float:
    """A number as it comes back from a server, which keeps such numbers in 32 bits."""
    return float(f"{number:.6g}")


def ramping_text(build_id: str, percent: float) -> str:
    """`2.1 at 10 %`."""
    return f"{build_id} at {percent:g} %"


def _calendar_text(calendar: ScheduleCalendarSpec) -> str:
    """As cron with seconds first and the year last."""
    fields = (
        calendar.second,
        calendar.minute,
        calendar.hour,
        calendar.day_of_month,
        calendar.month,
        calendar.day_of_week,
        calendar.year,
    )
    return " ".join(",".join(map(_range_text, each)) or "*" for each in fields)


def _range_text(numbers: ScheduleRange) -> str:
    step = f"/{numbers.step}" if numbers.step > 1 else ""
    return f"{numbers.start}-{numbers.end}{step}" if numbers.end > numbers.start else f"{numbers.start}"
