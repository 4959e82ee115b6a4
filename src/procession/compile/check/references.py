"""What events and message tasks refer to: messages and their keys, signals, codes, times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from procession.compile.findings import Findings
from procession.compile.messages import correlated
from procession.compile.resolve import Resolved, ScopeView
from procession.model.bpmn import Activity, Error, Escalation, Gateway, Process
from procession.model.events import Event, EventDefinition

Check: TypeAlias = Callable[[Resolved, ScopeView, Event, EventDefinition, Findings], None]

THROWS: Final = frozenset({"intermediateThrowEvent", "endEvent", "implicitThrowEvent"})
_CATCH_UP: Final = frozenset({"", "once", "all"})


def check_scope(resolved: Resolved, view: ScopeView, findings: Findings) -> None:
    """Every event, send and receive task of a scope."""
    for node in view.scope.nodes:
        if isinstance(node, Event):
            for definition in node.definitions:
                check = CHECKS.get(definition.kind)
                if check is not None:
                    check(resolved, view, node, definition, findings)
        elif isinstance(node, Activity):
            if node.kind == "receiveTask":
                _caught((resolved, view), node, node.message_ref, findings)
            elif node.kind == "sendTask":
                _thrown(resolved, node, node.message_ref, findings)


def _message(
    resolved: Resolved, view: ScopeView, event: Event, definition: EventDefinition, findings: Findings
) -> None:
    if event.kind in THROWS:
        _thrown(resolved, event, definition.ref, findings)
    elif event.kind == "startEvent" and isinstance(view.owner, Process):
        _named(resolved, event, definition.ref, findings)
    else:
        _caught((resolved, view), event, definition.ref, findings)


def _named(resolved: Resolved, node: Event | Activity, ref: str, findings: Findings) -> bool:
    message = resolved.message(node, ref)
    if message is None:
        text = f"the {node.kind} names no message" if not ref else f"there is no message {ref!r}"
        findings.report("message-reference", node, text, "choose a message")
    elif not message.name.strip():
        text = f"the message {message.id!r} has no name"
        findings.report("message-reference", node, text, "name it", span=message.span)
    else:
        return True
    return False


def _caught(where: tuple[Resolved, ScopeView], node: Event | Activity, ref: str, findings: Findings) -> None:
    resolved, view = where
    message = resolved.message(node, ref)
    if not _named(resolved, node, ref, findings) or message is None:
        return
    subscription = message.extension.subscription
    if subscription is None:
        if resolved.ends.flows.get(node.id) or correlated(resolved.definitions, resolved.process, message.id):
            return
        if _starts(view, node):
            return  # like that of a start event: nothing waits before the message
        severity = resolved.severity("message without a correlation key")
        text = f"the message {message.name!r} has no correlation key"
        remedy = "give the message a zeebe:subscription with a correlationKey"
        findings.report("subscription", node, text, remedy, severity=severity)
    elif not subscription.correlation_key.strip():
        text = f"the correlation key of the message {message.name!r} is empty"
        findings.report("subscription", node, text, "write an expression after =", span=subscription.span)


def _starts(view: ScopeView, node: Event | Activity) -> bool:
    """Whether the message that an element waits for always starts the process."""
    if isinstance(node, Activity) and node.instantiate:
        return True
    sources = [view.nodes[flow.source] for flow in view.incoming.get(node.id, ()) if flow.source in view.nodes]
    return any(isinstance(each, Gateway) and each.instantiate and each.event_type == "Exclusive" for each in sources)


def _thrown(resolved: Resolved, node: Event | Activity, ref: str, findings: Findings) -> None:
    extension = node.extension
    if extension.task_definition is not None:
        if extension.publish_message is not None:
            text = "the element has a job and publishes a message; it can do one of them"
            findings.report("implementation", node, text, "remove zeebe:taskDefinition or zeebe:publishMessage")
    elif resolved.message(node, ref) is not None or ref or extension.publish_message is not None:
        _named(resolved, node, ref, findings)
    else:
        text = f"the {node.kind} says neither which message it sends nor which worker does it"
        findings.report("implementation", node, text, "choose a message, or give it a zeebe:taskDefinition")


def _signal(resolved: Resolved, view: ScopeView, event: Event, definition: EventDefinition, findings: Findings) -> None:
    signal = resolved.signals.get(definition.ref)
    if signal is None:
        findings.report("signal-reference", event, f"the {event.kind} names no signal", "choose a signal")
    elif not signal.name.strip():
        text = f"the signal {signal.id!r} has no name"
        findings.report("signal-reference", event, text, "name it", span=signal.span)


def _error(resolved: Resolved, view: ScopeView, event: Event, definition: EventDefinition, findings: Findings) -> None:
    _code(event, ("error", definition.ref), resolved.errors.get(definition.ref), findings)


def _escalation(
    resolved: Resolved, view: ScopeView, event: Event, definition: EventDefinition, findings: Findings
) -> None:
    _code(event, ("escalation", definition.ref), resolved.escalations.get(definition.ref), findings)


def _code(event: Event, named: tuple[str, str], found: Error | Escalation | None, findings: Findings) -> None:
    """What is thrown has a code; a catch without a reference catches all (10.5.4)."""
    what, ref = named
    rule = f"{what}-reference"
    if found is None:
        if ref or event.kind in THROWS:
            text = f"there is no {what} {ref!r}" if ref else f"the {event.kind} names no {what}"
            findings.report(rule, event, text, f"choose an {what}")
    elif not (found.code or "").strip():
        remedy = "give it a code" if event.kind in THROWS else f"give it a code, or name no {what} to catch all"
        findings.report(rule, event, f"the {what} {found.id!r} has no code", remedy, span=found.span)


def _timer(resolved: Resolved, view: ScopeView, event: Event, definition: EventDefinition, findings: Findings) -> None:
    if definition.expression is None or not definition.expression.text:
        findings.report("timer", event, "the timer has no time", "give it a date, a duration or a cycle")
    if definition.catch_up not in _CATCH_UP:
        text = f"catchUp is {definition.catch_up!r}"
        findings.report("timer", event, text, 'write "all", or "once"', span=definition.span)
    if definition.timer != "timeCycle":
        return
    repeats = event.kind == "boundaryEvent" and not event.cancel_activity
    if event.kind == "startEvent":
        repeats = not view.is_event_sub_process or not event.is_interrupting
    if not repeats and event.kind != "intermediateCatchEvent":
        text = "a cycle on an interrupting event comes once at most"
        severity = resolved.severity("cycle of an event that comes once")
        findings.report("timer", event, text, "use a duration, or make the event non-interrupting", severity=severity)


CHECKS: Final[dict[str, Check]] = {
    "messageEventDefinition": _message,
    "signalEventDefinition": _signal,
    "errorEventDefinition": _error,
    "escalationEventDefinition": _escalation,
    "timerEventDefinition": _timer,
}
