"""What both who compare histories and who catch up with them need for the SDK's Replayer. No replay is begun here."""

from __future__ import annotations

from typing import Final, cast

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig

_ANSWERS: Final = frozenset(
    {
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED,
    }
)
"""Events that a task's answers made, which do not say so."""
_RUNTIME: Final[list[Runtime]] = []


def committed(history: WorkflowHistory) -> WorkflowHistory:
    """A history up to the commands of its last completed task: what is behind them was decided by nobody yet.

    The SDK's Replayer would wait for ever for a task that a history does not have.
    """
    end = completed = 0
    for index, event in enumerate(history.events):
        if event.HasField("workflow_task_completed_event_attributes"):
            end, completed = index + 1, event.event_id
        elif completed and index == end and (event.event_type in _ANSWERS or _task_of(event) == completed):
            end = index + 1
    return WorkflowHistory(history.workflow_id, history.events[:end])


def _task_of(event: HistoryEvent) -> int:
    """The task whose command made an event, 0 for what happened by itself."""
    name = event.WhichOneof("attributes")
    if name is None:
        return 0
    return cast("int", getattr(getattr(event, name), "workflow_task_completed_event_id", 0))


def quiet_runtime() -> Runtime:
    """The SDK's machinery without its own log and metrics: what is replayed is no work of this process."""
    if not _RUNTIME:
        _RUNTIME.append(Runtime(telemetry=TelemetryConfig(logging=LoggingConfig("off"))))
    return _RUNTIME[0]
