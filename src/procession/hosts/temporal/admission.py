"""What an update may ask: checked before it is accepted, so that what cannot be leaves no event in the history.

Only what no event under way can make true is refused here; the step itself decides the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from procession.core import events as e
from procession.core.events import AnyEvent
from procession.core.state import State
from procession.core.suspension import HELD_BACK

Refused: TypeAlias = "tuple[str, str]"
"""(code as in `core.outcome`, reason)"""


def refused(state: State | None, instance: int, event: AnyEvent) -> Refused | None:
    """Why an event cannot be taken; None where it may be."""
    if state is None:
        return "not-found", f"instance {instance} has ended, or never was here"
    if state.suspended and isinstance(event, HELD_BACK):
        return "suspended", f"instance {state.instance} is suspended; resume it first"
    check = CHECKS.get(type(event))
    return check(state, event) if check is not None else None


def _task(state: State, event: e.CompleteTask | e.AssignTask | e.UpdateTask) -> Refused | None:
    element = state.elements.get(event.element)
    if element is not None and element.is_open_task:
        return None
    return "not-found", f"user task {event.element} is not open: it was completed, or its element has ended"


def _job(state: State, event: e.CompleteJob | e.ThrowJobError | e.ExhaustJob) -> Refused | None:
    if event.job in state.jobs:
        return None
    return "not-found", f"job {event.job} is not open: it was completed, or its element has ended"


def _incident(state: State, event: e.ResolveIncident) -> Refused | None:
    return None if event.incident in state.incidents else ("not-found", f"incident {event.incident} is not open")


CHECKS: Final[Mapping[type[Any], Callable[[State, Any], Refused | None]]] = {
    e.CompleteTask: _task,
    e.AssignTask: _task,
    e.UpdateTask: _task,
    e.CompleteJob: _job,
    e.ThrowJobError: _job,
    e.ExhaustJob: _job,
    e.ResolveIncident: _incident,
}
"""What must be open for an event."""
