"""User task transitions and their listeners: completing, assigning and updating run jobs first, which may deny them."""

from __future__ import annotations

from typing import Final, cast

from procession.base.values import Json
from procession.core import facts as f
from procession.core import operations as op
from procession.core.commands import ChangeTask
from procession.core.context import Context, Rejected
from procession.core.events import CompleteJob
from procession.core.jobs import create, next_listener, plan_job
from procession.core.state import ElementInstance, Job
from procession.core.variables import receive
from procession.ir.kinds import Kind, ListenerEvent

_EVENTS: Final = {
    "creating": ListenerEvent.CREATING,
    "assigning": ListenerEvent.ASSIGNING,
    "updating": ListenerEvent.UPDATING,
    "completing": ListenerEvent.COMPLETING,
}


DENIABLE: Final = frozenset({ListenerEvent.ASSIGNING, ListenerEvent.UPDATING, ListenerEvent.COMPLETING})
"""What a listener can deny. The creation of a task cannot be denied: nobody asked for it."""


def request(cx: Context, key: int, transition: str, payload: dict[str, Json]) -> None:
    """Somebody asks for a transition of a user task: done at once, or held while its listeners run."""
    element = cx.element(key)
    node = cx.node_of(element)
    if node.kind is not Kind.USER_TASK or element.attributes is None:
        raise Rejected("not-found", f"element instance {key} is no open user task")
    if element.held is not None:
        raise Rejected("conflict", f"user task {key} is busy with another transition")
    if next_listener(node, _EVENTS[transition]) is None:
        carry_out(cx, element, transition, payload)
        return
    cx.write(f.TransitionHeld(key, [transition, payload]))
    cx.agenda.append((op.TASK_LISTENER, key, -1))


def next_task_listener(cx: Context, key: int, after: int) -> None:
    """The next listener's job of the held transition, or the transition itself behind the last."""
    element = cx.state.elements.get(key)
    if element is None or not isinstance(element.held, list):
        return
    transition = cast("str", element.held[0])
    found = next_listener(cx.node_of(element), _EVENTS[transition], after)
    if found is not None:
        create(cx, plan_job(cx, element, found[1].job, found[0]))
        return
    if transition == "creating":
        cx.agenda.append((op.OPEN_TASK, key))
        return
    payload = cast("dict[str, Json]", element.held[1])
    cx.write(f.TransitionHeld(key, None))
    carry_out(cx, element, transition, payload)


def refuse_denial(kind: ListenerEvent | None) -> None:
    """Only what somebody asks for can be denied: a user task's assignment, update or completion."""
    if kind not in DENIABLE:
        text = "only a task listener can deny, and only that a task is assigned, updated or completed"
        raise Rejected("conflict", text)


def listener_done(cx: Context, element: ElementInstance, job: Job, event: CompleteJob) -> None:
    """A task listener's job ended: denied, or the next one."""
    if event.denied:
        cx.write(f.JobDenied(job.key, event.reason))
        cx.write(f.TransitionHeld(element.key, None))
        return
    cx.write(f.JobCompleted(job.key))
    for name, value in event.variables.items():
        cx.write(f.VariableSet(element.key, name, value))
    cx.agenda.append((op.TASK_LISTENER, element.key, job.listener))


def carry_out(cx: Context, element: ElementInstance, transition: str, payload: dict[str, Json]) -> None:
    """The transition itself."""
    if transition == "completing":
        receive(cx, element, payload)
        cx.agenda.append((op.COMPLETE, element.key))
        return
    cx.write(f.TaskChanged(element.key, payload))
    cx.send(ChangeTask(element.key, payload))
