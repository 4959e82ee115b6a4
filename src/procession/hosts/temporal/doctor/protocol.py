"""From the service's messages to facts. The only module of the doctor that knows how protos look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.common.v1 import Payload
from temporalio.api.deployment.v1 import WorkerDeploymentVersion
from temporalio.api.enums.v1 import (
    EventType,
    PendingActivityState,
    PendingNexusOperationState,
    PendingWorkflowTaskState,
    TimeoutType,
    VersioningBehavior,
    WorkflowExecutionStatus,
    WorkflowTaskFailedCause,
)
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.worker.v1 import WorkerHeartbeat
from temporalio.api.workflow.v1 import PendingActivityInfo, PendingNexusOperationInfo
from temporalio.api.workflowservice.v1 import DescribeTaskQueueResponse, DescribeWorkflowExecutionResponse

from procession.base.decoding import known
from procession.hosts.temporal.doctor.facts import (
    Activity,
    Event,
    Execution,
    Nexus,
    Pause,
    Poller,
    Queue,
    QueueKind,
    Seen,
    Task,
    Timer,
)

TEXT_MAX: Final = 400
"""Characters of a text that are kept: a stack trace or a payload is not what a person reads here."""
REPORTED: Final = "TemporalReportedProblems"


class Scheduled(NamedTuple):
    """What an activity was scheduled with."""

    queue: str
    start_to_close: int
    heartbeat: int


def cut(text: str) -> str:
    """A text as it is shown."""
    line = " ".join(text.split())
    return line if len(line) <= TEXT_MAX else f"{line[: TEXT_MAX - 1]}…"


def execution_of(described: DescribeWorkflowExecutionResponse) -> Execution:
    """The workflow."""
    info, config, extended = (
        described.workflow_execution_info,
        described.execution_config,
        described.workflow_extended_info,
    )
    versioning = info.versioning_info
    paused = extended.pause_info
    return Execution(
        run=info.execution.run_id,
        type=info.type.name,
        status=_name(WorkflowExecutionStatus, info.status, "WORKFLOW_EXECUTION_STATUS_"),
        queue=config.task_queue.name or info.task_queue,
        started=_ms(info.start_time),
        closed=_ms(info.close_time) if info.HasField("close_time") else 0,
        events=info.history_length,
        bytes=info.history_size_bytes,
        task_timeout=_duration(config.default_workflow_task_timeout),
        paused=Pause(at=_ms(paused.paused_time), by=paused.identity, reason=paused.reason)
        if extended.HasField("pause_info")
        else None,
        version=_version(versioning.deployment_version),
        pinned=versioning.behavior == VersioningBehavior.VERSIONING_BEHAVIOR_PINNED,
        target=_version(versioning.version_transition.deployment_version),
        reported=_keywords(info.search_attributes.indexed_fields.get(REPORTED)),
        children=len(described.pending_children),
    )


def task_of(described: DescribeWorkflowExecutionResponse) -> Task | None:
    """The pending workflow task."""
    if not described.HasField("pending_workflow_task"):
        return None
    task = described.pending_workflow_task
    started = task.state == PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_STARTED
    return Task(
        state="started" if started else "scheduled",
        scheduled=_ms(task.scheduled_time),
        first=_ms(task.original_scheduled_time),
        started=_ms(task.started_time) if task.HasField("started_time") else 0,
        attempt=task.attempt,
    )


def activity_of(info: PendingActivityInfo) -> Activity:
    """A pending activity. Servers from 1.30 on also say with which options; for the others it is in the history."""
    options = info.activity_options
    pause = info.pause_info
    by = pause.manual.identity if pause.HasField("manual") else pause.rule.rule_id
    why = pause.manual.reason if pause.HasField("manual") else pause.rule.reason
    return Activity(
        id=info.activity_id,
        type=info.activity_type.name,
        state=_name(PendingActivityState, info.state, "PENDING_ACTIVITY_STATE_"),
        queue=options.task_queue.name,
        attempt=info.attempt,
        attempts_max=info.maximum_attempts,
        scheduled=_ms(info.scheduled_time),
        started=_ms(info.last_started_time),
        heartbeat=_ms(info.last_heartbeat_time),
        heartbeat_timeout=_duration(options.heartbeat_timeout),
        start_to_close=_duration(options.start_to_close_timeout),
        next=_ms(info.next_attempt_schedule_time) if info.HasField("next_attempt_schedule_time") else 0,
        failure=failure_of(info.last_failure) if info.HasField("last_failure") else "",
        failure_type=_type(info.last_failure),
        worker=info.last_worker_identity,
        paused=Pause(at=_ms(pause.pause_time), by=by, reason=why) if info.paused else None,
    )


def with_scheduled(activity: Activity, scheduled: Scheduled | None) -> Activity:
    """With what the history says it was scheduled with, where the service did not."""
    if scheduled is None:
        return activity
    return msgspec.structs.replace(
        activity,
        queue=activity.queue or scheduled.queue,
        start_to_close=activity.start_to_close or scheduled.start_to_close,
        heartbeat_timeout=activity.heartbeat_timeout or scheduled.heartbeat,
    )


def scheduled_of(events: Sequence[HistoryEvent]) -> dict[str, Scheduled]:
    """What activities were scheduled with, by their ids."""
    found: dict[str, Scheduled] = {}
    for event in events:
        if event.HasField("activity_task_scheduled_event_attributes"):
            said = event.activity_task_scheduled_event_attributes
            found[said.activity_id] = Scheduled(
                said.task_queue.name, _duration(said.start_to_close_timeout), _duration(said.heartbeat_timeout)
            )
    return found


def nexus_of(info: PendingNexusOperationInfo) -> Nexus:
    """A pending Nexus operation."""
    return Nexus(
        endpoint=info.endpoint,
        operation=f"{info.service}.{info.operation}",
        state=_name(PendingNexusOperationState, info.state, "PENDING_NEXUS_OPERATION_STATE_"),
        attempt=info.attempt,
        failure=failure_of(info.last_attempt_failure) if info.HasField("last_attempt_failure") else "",
        blocked=cut(info.blocked_reason),
    )


def queue_of(name: str, kind: QueueKind, answer: DescribeTaskQueueResponse) -> Queue:
    """A task queue."""
    stats = answer.stats
    return Queue(
        name=name,
        kind=kind,
        pollers=[
            Poller(identity=each.identity, seen=_ms(each.last_access_time), version=_polls_for(each))
            for each in answer.pollers
        ],
        backlog=stats.approximate_backlog_count,
        age=_duration(stats.approximate_backlog_age),
        added=round(stats.tasks_add_rate, 3),
        dispatched=round(stats.tasks_dispatch_rate, 3),
        limited=stats.rate_limiting_active,
    )


def seen_of(heartbeat: WorkerHeartbeat) -> Seen:
    """A worker."""
    return Seen(
        identity=heartbeat.worker_identity,
        queue=heartbeat.task_queue,
        at=_ms(heartbeat.heartbeat_time),
        pause=_duration(heartbeat.elapsed_since_last_heartbeat),
    )


def event_of(event: HistoryEvent) -> Event:
    """An event of the history."""
    kind = _name(EventType, event.event_type, "EVENT_TYPE_")
    cause, text = _said(event)
    return Event(id=event.event_id, at=_ms(event.event_time), type=kind, cause=cause, text=cut(text))


def timers_of(events: Sequence[HistoryEvent]) -> list[Timer]:
    """The timers among events that neither fired nor were cancelled in them; `events` are the newest first."""
    over: set[str] = set()
    found: list[Timer] = []
    for event in events:
        if event.HasField("timer_fired_event_attributes"):
            over.add(event.timer_fired_event_attributes.timer_id)
        elif event.HasField("timer_canceled_event_attributes"):
            over.add(event.timer_canceled_event_attributes.timer_id)
        elif event.HasField("timer_started_event_attributes"):
            said = event.timer_started_event_attributes
            if said.timer_id not in over:
                due = _ms(event.event_time) + _duration(said.start_to_fire_timeout)
                summary = event.user_metadata.summary
                found.append(Timer(id=said.timer_id, due=due, summary=_text(summary)))
    return found[::-1]


def failure_of(failure: Failure) -> str:
    """What a failure says, with its causes. A sealed message stays sealed."""
    said: list[str] = []
    while True:
        if failure.message and failure.message not in said:
            said.append(failure.message)
        if not failure.HasField("cause"):
            return cut(": ".join(said))
        failure = failure.cause


def _said(event: HistoryEvent) -> tuple[str, str]:
    """The cause of an event, an enum's name, and what else it says."""
    if event.HasField("workflow_task_failed_event_attributes"):
        failed = event.workflow_task_failed_event_attributes
        cause = _name(WorkflowTaskFailedCause, failed.cause, "WORKFLOW_TASK_FAILED_CAUSE_")
        kind = _type(failed.failure)
        return cause, f"{kind}: {failure_of(failed.failure)}" if kind else failure_of(failed.failure)
    if event.HasField("workflow_task_timed_out_event_attributes"):
        return _name(TimeoutType, event.workflow_task_timed_out_event_attributes.timeout_type, "TIMEOUT_TYPE_"), ""
    if event.HasField("activity_task_failed_event_attributes"):
        return "", failure_of(event.activity_task_failed_event_attributes.failure)
    if event.HasField("workflow_execution_failed_event_attributes"):
        return "", failure_of(event.workflow_execution_failed_event_attributes.failure)
    if event.HasField("workflow_execution_terminated_event_attributes"):
        ended = event.workflow_execution_terminated_event_attributes
        return "", f"by {ended.identity}: {ended.reason}"
    if event.HasField("activity_task_scheduled_event_attributes"):
        return "", event.activity_task_scheduled_event_attributes.activity_type.name
    if event.HasField("workflow_execution_signaled_event_attributes"):
        return "", event.workflow_execution_signaled_event_attributes.signal_name
    if event.HasField("workflow_task_completed_event_attributes"):
        return "", event.workflow_task_completed_event_attributes.identity
    return "", ""


def _type(failure: Failure) -> str:
    return failure.application_failure_info.type if failure.HasField("application_failure_info") else ""


def _polls_for(poller: Any) -> str:
    options = poller.deployment_options
    return f"{options.deployment_name}:{options.build_id}" if options.build_id else ""


def _version(version: WorkerDeploymentVersion) -> str:
    return f"{version.deployment_name}:{version.build_id}" if version.build_id else ""


def _text(payload: Payload) -> str:
    try:
        return str(msgspec.json.decode(payload.data)) if payload.data else ""
    except msgspec.DecodeError:
        return ""


def _keywords(payload: Payload | None) -> list[str]:
    """The values of a search attribute: one text, or a list of them."""
    try:
        return msgspec.json.decode(payload.data, type=known(list[str])) if payload is not None and payload.data else []
    except msgspec.DecodeError:
        return []


def _name(enum: Any, number: int, prefix: str) -> str:
    """The name of an enum's value; a number that this SDK does not know stays one."""
    try:
        name: str = enum.Name(number)
    except ValueError:
        return str(number)
    return name.removeprefix(prefix)


def _ms(at: Timestamp) -> int:
    return at.seconds * 1_000 + at.nanos // 1_000_000 if at.seconds else 0


def _duration(length: Duration) -> int:
    return length.seconds * 1_000 + length.nanos // 1_000_000
