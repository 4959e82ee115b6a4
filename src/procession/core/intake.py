"""What each event means to an instance. Nothing is evaluated here; what may fail goes onto the agenda."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from procession.base.failure import Failure
from procession.base.values import Json
from procession.core import errors, migration, modification, suspension
from procession.core import events as e
from procession.core import facts as f
from procession.core import operations as op
from procession.core.catches import repeat
from procession.core.commands import (
    ClearTimer,
    CloseIncident,
    CloseJob,
    HoldJob,
    OpenIncident,
    TellParent,
)
from procession.core.context import Context, Rejected
from procession.core.delivery import correlate, look_for_conversation, takes_signal
from procession.core.elements.ad_hoc import admit_choice, choosable, decided
from procession.core.elements.table import RESOLVED
from procession.core.interrupt import cancel, catch, event_of, happens_again
from procession.core.jobs import command_of, reissue
from procession.core.state import READS_STORES, ElementInstance, Job, Stage, Subscription, Timer
from procession.core.task_listeners import admit, listener_done, request
from procession.core.timers import date_time_ms
from procession.core.tokens import next_of, take
from procession.core.variables import merge, receive
from procession.ir.kinds import Kind, ListenerEvent
from procession.ir.program import ALTERED_IR, NONE, ErrorTrigger, Node


def _start(cx: Context, event: e.Start) -> None:
    program = cx.linked.program
    contents = modification.beginnings(cx.nodes, event.begin)
    if event.start_node == NONE and not program.nodes[0].starts and not contents:
        raise Rejected("conflict", f"process {program.process_id} has no start event without a trigger")
    # A start event with output mappings lets only their targets into the process.
    mapped = event.start_node != NONE and _maps_content(event_of(cx, program.nodes[event.start_node]))
    root = cx.new_key()
    cx.write(
        f.InstanceStarted(
            event.instance,
            root,
            event.tenant,
            event.program,
            event.version,
            event.start_node,
            event.business_key,
            event.parent_instance,
            event.parent_element,
            event.root_instance or event.instance,
            event.zone,
            event.tz_release,
            event.seed,
            event.epoch,
            event.depth,
            event.flags,
            event.message,
            {} if mapped else event.variables,
        )
    )
    if mapped:
        cx.write(f.TransitionHeld(root, ["event", event.start_node, event.variables]))
    if event.skipped:
        cx.write(f.TimerSkipped(event.timer, event.skipped))
    if contents:
        cx.write(f.InstanceRestarted(event.source, event.epoch, [each.element for each in event.begin]))
        cx.write(f.TransitionHeld(root, [op.MODIFIED, contents]))
    cx.agenda.append((next_of(cx.nodes[0]), root))
    if event.start_node != NONE:
        look_for_conversation(cx, cx.nodes[event.start_node], event.variables)


def _maps_content(start: Node) -> bool:
    """Whether what started the process reaches it by the outputs of its start event alone."""
    return bool(start.outputs) or (start.data is not None and bool(start.data.outputs))


def _job(cx: Context, key: int) -> Job:
    job = cx.state.jobs.get(key)
    if job is None:
        raise Rejected("not-found", f"job {key} is not open: it was completed, or its element has ended")
    return job


def _complete_job(cx: Context, event: e.CompleteJob) -> None:
    job = _job(cx, event.job)
    element = cx.state.elements[job.element]
    node = cx.node_of(element)
    kind = None if job.listener < 0 else node.listeners[job.listener].event
    if event.denied:
        admit(element, kind)
    choice = event.choice
    chosen: list[Json] = []
    if choice is not None or element.extras is not None:
        if kind is None and element.activations is not None:
            choice = choice or _NOTHING
        if choice is not None:
            chosen = admit_choice(cx, node, kind, choice)
    _close_job_incidents(cx, element, job)
    cx.send(CloseJob(job.key))
    if kind is not None and kind >= ListenerEvent.CREATING:
        listener_done(cx, element, job, event)
        return
    cx.write(f.JobCompleted(job.key))
    if kind is None:
        receive(cx, element, event.variables)
        if choice is None:
            cx.agenda.append((op.COMPLETE, element.key))
        else:
            decided(cx, element, choice, chosen)
    elif kind is ListenerEvent.START:
        for name, value in event.variables.items():
            cx.write(f.VariableSet(element.key, name, value))
        cx.agenda.append((op.START_LISTENER, element.key, job.listener))
    else:
        merge(cx, element.scope or element, event.variables)
        cx.agenda.append((op.END_LISTENER, element.key, job.listener))


_NOTHING: Final = e.Choice()
"""What the job of an ad-hoc sub-process chose when its answer says nothing of it."""


def _exhaust_job(cx: Context, event: e.ExhaustJob) -> None:
    job = _job(cx, event.job)
    if job.held:
        raise Rejected("conflict", f"job {job.key} is out of retries already")
    cx.write(f.JobExhausted(job.key, event.attempts, event.error))
    cx.send(HoldJob(job.key))
    incident = cx.new_key()
    element = cx.state.elements[job.element]
    cx.write(f.IncidentRaised(incident, element.key, "job-no-retries", event.error, [], job.key))
    cx.send(OpenIncident(incident, element.key, element.node, "job-no-retries", event.error, job.key))


def _throw_job_error(cx: Context, event: e.ThrowJobError) -> None:
    job = _job(cx, event.job)
    element = cx.state.elements[job.element]
    _close_job_incidents(cx, element, job)
    cx.send(CloseJob(job.key))
    cx.write(f.JobThrew(job.key, event.code, event.message))
    cx.agenda.append((op.THROW, element.key, event.code, event.message, event.variables, job.listener))


def _close_job_incidents(cx: Context, element: ElementInstance, job: Job) -> None:
    """An exhausted job may still be finished by a worker that was slow: its incident vanishes with it."""
    for wait in list(element.waits or ()):
        incident = cx.state.incidents.get(wait)
        if incident is not None and incident.job == job.key:
            cx.write(f.IncidentResolved(wait))
            cx.send(CloseIncident(wait))


def _fire_timer(cx: Context, event: e.FireTimer) -> None:
    timer = cx.state.timers.get(event.timer)
    if timer is None:
        raise Rejected("not-found", f"timer {event.timer} is not open")
    if cx.at < timer.due:
        raise Rejected("early", f"timer {event.timer} is due at {timer.due}, not at {cx.at}")
    element = cx.state.elements[timer.element]
    cx.write(f.TimerFired(timer.key))
    cx.send(ClearTimer(timer.key))
    node = cx.nodes[timer.node]
    if timer.cycle and timer.left and _goes_on(cx, element, timer):
        repeat(cx, element, timer)
        if node.kind is Kind.INTERMEDIATE_CATCH_EVENT and _has_timer(cx, element):
            # Our superset: a cycle on a catch event passes a token each time it fires.
            assert element.scope is not None
            take(cx, element.scope, node.outgoing)
            return
    catch(cx, element, node, {})


def _goes_on(cx: Context, element: ElementInstance, timer: Timer) -> bool:
    node = cx.nodes[timer.node]
    if cx.node_of(element).kind is Kind.EVENT_BASED_GATEWAY:
        return False
    return node.kind is Kind.INTERMEDIATE_CATCH_EVENT or happens_again(cx, node)


def _has_timer(cx: Context, element: ElementInstance) -> bool:
    return any(wait in cx.state.timers for wait in element.waits or ())


def _subscription(cx: Context, key: int) -> Subscription:
    found = cx.state.subscriptions.get(key)
    if found is None:
        raise Rejected("not-found", f"subscription {key} is not open")
    return found


def _offer_message(cx: Context, event: e.OfferMessage) -> None:
    correlate(cx, _subscription(cx, event.subscription), event.message, event.variables)


def _receive_signal(cx: Context, event: e.ReceiveSignal) -> None:
    subscription = _subscription(cx, event.subscription)
    if cx.linked.program.ir_version >= ALTERED_IR and not takes_signal(cx, subscription):
        raise Rejected(
            "not-found", f"the signal of subscription {event.subscription} is taken by another one beside it"
        )
    correlate(cx, subscription, 0, event.variables)


def _complete_task(cx: Context, event: e.CompleteTask) -> None:
    request(cx, event.element, "completing", event.variables)


def _assign_task(cx: Context, event: e.AssignTask) -> None:
    request(cx, event.element, "assigning", {"assignee": event.assignee or None})


def _update_task(cx: Context, event: e.UpdateTask) -> None:
    for name, value in event.changes.items():
        fits, what = CHANGEABLE.get(name, (None, ""))
        if fits is None:
            raise Rejected(
                "conflict", f"a user task has no attribute {name!r} to change; there are {', '.join(CHANGEABLE)}"
            )
        if value is not None and not fits(value):
            raise Rejected("conflict", f"the {name} of a user task must be {what}, not {value!r:.80}")
    request(cx, event.element, "updating", event.changes)


def _is_names(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _is_moment(value: Json) -> bool:
    try:
        return isinstance(value, str) and bool(date_time_ms(value, "UTC") + 1)
    except Failure:
        return False


def _is_priority(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 100


CHANGEABLE: Final[dict[str, tuple[Callable[[Json], bool], str]]] = {
    "candidate_groups": (_is_names, "a list of names"),
    "candidate_users": (_is_names, "a list of names"),
    "due": (_is_moment, "an ISO 8601 date-time"),
    "follow_up": (_is_moment, "an ISO 8601 date-time"),
    "priority": (_is_priority, "a whole number from 0 to 100"),
}
"""Attributes of a user task that may be changed, and the values they take; null takes one away."""


def _resolved(cx: Context, event: e.Resolved) -> None:
    element = cx.element(event.element)
    if event.error:
        cx.agenda.append((op.FAIL, element.key, "definition", event.error))
        return
    cx.write(f.DefinitionResolved(element.key, event.hash, event.version))
    RESOLVED[cx.node_of(element).kind](cx, element)


def _child(cx: Context, element_key: int, child: int) -> ElementInstance:
    element = cx.element(element_key)
    if element.child != child:
        raise Rejected("not-found", f"element instance {element_key} did not call instance {child}")
    return element


def _child_completed(cx: Context, event: e.ChildCompleted) -> None:
    element = _child(cx, event.element, event.child)
    node = cx.node_of(element)
    assert node.call is not None
    if node.call.all_child_variables or node.outputs:
        receive(cx, element, event.variables)
    cx.write(f.ChildStarted(element.key, 0))
    cx.agenda.append((op.COMPLETE, element.key))


def _child_terminated(cx: Context, event: e.ChildTerminated) -> None:
    element = _child(cx, event.element, event.child)
    cx.write(f.ChildStarted(element.key, 0))
    message = f"the called process {event.child} was cancelled; resolving calls it anew"
    cx.agenda.append((op.FAIL, element.key, "called-process-cancelled", message))


def _child_threw(cx: Context, event: e.ChildThrew) -> None:
    element = _child(cx, event.element, event.child)
    handler = errors.find(cx, element, ErrorTrigger, event.code)
    if handler is not None:
        cx.write(f.ErrorThrown(element.key, event.code, event.message, handler[1].index))
        catch(cx, *handler, event.variables)
        return
    cx.write(f.ErrorThrown(element.key, event.code, event.message))
    state = cx.state
    if state.parent_instance:
        outward = e.ChildThrew(
            state.parent_element,
            state.instance,
            event.code,
            event.message,
            event.variables,
            event.origin,
            event.thrower,
        )
        cx.send(TellParent(state.parent_instance, outward))
    else:
        cx.send(TellParent(event.origin, e.ErrorUnhandled(event.thrower, event.code, event.message)))


def _error_unhandled(cx: Context, event: e.ErrorUnhandled) -> None:
    element = cx.element(event.element)
    held = element.held
    if not isinstance(held, list) or held[0] != "threw":
        raise Rejected("conflict", "the element does not wait for its error to be handled")
    listener, before = (held[4], held[5]) if len(held) > 5 else (NONE, None)
    cx.write(f.TransitionHeld(element.key, before))
    failure: Failure = errors.unhandled(event.code, event.message)
    cx.agenda.append((op.FAIL, element.key, failure.code, failure.message, listener))


def _child_escalated(cx: Context, event: e.ChildEscalated) -> None:
    element = _child(cx, event.element, event.child)
    errors.escalate(cx, element, event.code, event.variables)


def _set_variables(cx: Context, event: e.SetVariables) -> None:
    root = cx.state.root
    assert root is not None
    element = cx.element(event.element) if event.element else root
    if not event.local:
        merge(cx, element, event.variables)
        return
    for name, value in event.variables.items():
        cx.write(f.VariableSet(element.key, name, value))


def _resolve_incident(cx: Context, event: e.ResolveIncident) -> None:
    incident = cx.state.incidents.get(event.incident)
    if incident is None:
        raise Rejected("not-found", f"incident {event.incident} is not open")
    if event.retries < 1:
        raise Rejected("conflict", f"a job cannot be retried {event.retries} times")
    cx.write(f.IncidentResolved(incident.key))
    cx.send(CloseIncident(incident.key))
    if incident.job:
        cx.write(f.JobRetried(incident.job, event.retries))
        cx.send(command_of(cx.nodes, cx.state, cx.state.jobs[incident.job]))
    else:
        cx.agenda.append(_again(cx, incident.element, incident.operation))


_LISTENER_AT: Final[dict[Json, int]] = {op.FAIL: 4, op.THROW: 5}
"""Where the operation says which listener's job threw."""
_LISTENER_OPERATIONS: Final = {ListenerEvent.START: op.START_LISTENER, ListenerEvent.END: op.END_LISTENER}


def _again(cx: Context, key: int, operation: tuple[Json, ...]) -> tuple[Json, ...]:
    """What a resolve does: the failed operation, or for one that only reports, the operation behind it."""
    if operation[0] in {op.FAIL, op.THROW}:
        node = cx.nodes[cx.state.elements[key].node]
        listener = operation[_LISTENER_AT[operation[0]]] if len(operation) > _LISTENER_AT[operation[0]] else NONE
        if isinstance(listener, int) and listener != NONE:
            event = node.listeners[listener].event
            return (_LISTENER_OPERATIONS.get(event, op.TASK_LISTENER), key, listener - 1)
        if node.kind in {Kind.CALL_ACTIVITY, Kind.DECISION_TASK}:
            return (op.CALL, key)
        if node.kind is Kind.AD_HOC_SUB_PROCESS:
            return (op.GO_ON, key)
        return (op.REJOB, key) if node.job is not None else (op.ACTIVATE, key)
    return operation


def _trigger(cx: Context, event: e.TriggerActivity) -> None:
    element = cx.element(event.element) if event.element else _ad_hoc_of(cx, event.activities)
    node = cx.node_of(element)
    if not _is_choosing(element):
        raise Rejected("conflict", f"{node.id} is no ad-hoc sub-process in which an activity could begin now")
    known = choosable(cx, node)
    unknown = [name for name in event.activities if name not in known]
    if unknown or not event.activities:
        what = f"cannot activate {', '.join(unknown)}" if unknown else "is told to activate nothing"
        raise Rejected("not-found", f"{node.id} {what}; it has {', '.join(known)}")
    cx.write(f.ActivitiesChosen(element.key, [[[known[name]], event.variables] for name in event.activities]))
    cx.agenda.append((op.ACTIVATE_CHOSEN, element.key))


def _is_choosing(element: ElementInstance) -> bool:
    activations = element.activations
    return activations is not None and not activations.closed and element.stage is Stage.ACTIVE


def _ad_hoc_of(cx: Context, activities: list[str]) -> ElementInstance:
    """The one active ad-hoc sub-process that has all of these."""
    choosing = [each for each in cx.state.elements.values() if _is_choosing(each)]
    found = [each for each in choosing if choosable(cx, cx.node_of(each)).keys() >= set(activities)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(activities)
    if found:
        raise Rejected("conflict", f"{len(found)} active ad-hoc sub-processes have {names}: say which, by its key")
    raise Rejected("not-found", f"no ad-hoc sub-process is active that could activate {names}")


def _cancel(cx: Context, event: e.Cancel) -> None:
    cancel(cx, event.reason)


def _stores_answered(cx: Context, event: e.StoresAnswered) -> None:
    element = cx.element(event.element)
    data = cx.node_of(element).data
    if data is None or element.held != [READS_STORES]:
        raise Rejected("conflict", f"element instance {element.key} did not ask for data stores")
    cx.write(f.StoresRead(element.key, {name: event.values.get(store) for name, store in data.reads}))
    cx.agenda.append((op.PREPARE, element.key))


def _continue(cx: Context, event: e.Continue) -> None:
    state = cx.state
    if not state.agenda:
        raise Rejected("conflict", "the instance did not yield")
    cx.agenda.extend(state.agenda)
    cx.write(f.Resumed())


Handle: TypeAlias = Callable[[Context, Any], None]

EVENTS: Final[dict[type[Any], Handle]] = {
    e.Start: _start,
    e.CompleteJob: _complete_job,
    e.ExhaustJob: _exhaust_job,
    e.ThrowJobError: _throw_job_error,
    e.FireTimer: _fire_timer,
    e.OfferMessage: _offer_message,
    e.ReceiveSignal: _receive_signal,
    e.CompleteTask: _complete_task,
    e.AssignTask: _assign_task,
    e.UpdateTask: _update_task,
    e.Resolved: _resolved,
    e.ChildCompleted: _child_completed,
    e.ChildTerminated: _child_terminated,
    e.ChildThrew: _child_threw,
    e.ErrorUnhandled: _error_unhandled,
    e.ChildEscalated: _child_escalated,
    e.SetVariables: _set_variables,
    e.ResolveIncident: _resolve_incident,
    e.TriggerActivity: _trigger,
    e.Cancel: _cancel,
    e.Continue: _continue,
    e.Modify: modification.modify,
    e.Restart: modification.restart,
    e.Suspend: suspension.suspend,
    e.Resume: suspension.resume,
    e.Migrate: migration.migrate,
    e.ReissueJobs: reissue,
    e.StoresAnswered: _stores_answered,
}
