"""Events (BPMN 2.0.2, 10.5): their place in the process, and what triggers them or what they throw."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, TypeAlias

from msgspec.structs import replace

from procession.base.diagnostics import Span
from procession.compile.expressions import Site
from procession.compile.lower.lowering import Lowering, Place
from procession.compile.lower.parts import job_of, worked
from procession.compile.messages import correlated
from procession.compile.resolve import ScopeView
from procession.compile.time_syntax import duration_problem, problem_of
from procession.ir.kinds import Kind, TimerKind
from procession.ir.program import (
    NONE,
    CancelTrigger,
    CompensateTrigger,
    ConditionalTrigger,
    Correlation,
    ErrorTrigger,
    EscalationTrigger,
    LinkTrigger,
    MessageTrigger,
    Node,
    SignalTrigger,
    TerminateTrigger,
    Text,
    TimerTrigger,
    Trigger,
)
from procession.model.bpmn import Activity, Message, Process
from procession.model.events import Event, EventDefinition
from procession.model.extension import PublishMessage

Build: TypeAlias = Callable[[Lowering, Event, EventDefinition], Trigger]

EVENTS: Final[dict[str, Kind]] = {
    "startEvent": Kind.START_EVENT,
    "intermediateCatchEvent": Kind.INTERMEDIATE_CATCH_EVENT,
    "intermediateThrowEvent": Kind.INTERMEDIATE_THROW_EVENT,
    "boundaryEvent": Kind.BOUNDARY_EVENT,
    "endEvent": Kind.END_EVENT,
}
THROWS: Final = frozenset({"intermediateThrowEvent", "endEvent"})
_TIMERS: Final[dict[str, TimerKind]] = {
    "timeDate": TimerKind.DATE,
    "timeDuration": TimerKind.DURATION,
    "timeCycle": TimerKind.CYCLE,
}
_UNPUBLISHED: Final = PublishMessage()


def event(low: Lowering, drawn: Event, place: Place) -> Node | None:
    """The event's node, None for a kind or definition that is not executed."""
    kind = EVENTS.get(drawn.kind)
    if kind is None:
        return None
    node = worked(low, drawn, place, kind)
    if drawn.kind == "boundaryEvent":
        node = replace(node, interrupting=drawn.cancel_activity)
    elif drawn.kind == "startEvent" and place.view.is_event_sub_process:
        node = replace(node, interrupting=drawn.is_interrupting)
    if not drawn.definitions:
        return node
    definition, *others = drawn.definitions
    if others:
        return replace(node, parallel=drawn.parallel_multiple)
    if definition.kind not in TRIGGERS:
        return None
    if definition.kind == "messageEventDefinition" and drawn.kind in THROWS:
        job = job_of(low, drawn)
        if job is not None:
            return replace(node, job=job)
    return replace(node, trigger=_trigger(low, drawn, definition, place.view))


def parts(low: Lowering, drawn: Event, event: Node, place: Place) -> list[Node]:
    """A node for each definition of an event that has several (10.5.6); `place` is that of the first."""
    return [
        Node(
            place.index + number,
            drawn.id,
            Kind.TRIGGER,
            definition.kind,
            drawn.name,
            place.scope,
            trigger=_trigger(low, drawn, definition, place.view),
            interrupting=event.interrupting,
            attached=event.index,
            line=definition.span.line,
            column=definition.span.column,
        )
        for number, definition in enumerate(drawn.definitions)
        if definition.kind in TRIGGERS
    ]


def thrown_by(low: Lowering, drawn: Activity, definition: EventDefinition, place: Place) -> Node:
    """The node of an event that a multi-instance activity throws (10.3.9)."""
    event = Event(kind="intermediateThrowEvent", id=drawn.id, definitions=(definition,), span=drawn.span)
    trigger = TRIGGERS[definition.kind](low, event, definition)
    return Node(place.index, drawn.id, Kind.TRIGGER, definition.kind, drawn.name, place.scope, trigger=trigger)


def _trigger(low: Lowering, drawn: Event, definition: EventDefinition, view: ScopeView) -> Trigger:
    trigger = TRIGGERS[definition.kind](low, drawn, definition)
    if drawn.kind == "startEvent" and isinstance(view.owner, Process):
        return _of_process_start(low, drawn, trigger)
    return trigger


def message_catch(low: Lowering, drawn: Event | Activity, ref: str) -> MessageTrigger:
    """The message that an element waits for, and the key by which it is found."""
    message = low.resolved.message(drawn, ref)
    if message is None:
        return MessageTrigger(Text())
    name = low.expressions.value(message.name, Site(drawn.id, "message name", message.span))
    key = _subscription_key(low, drawn, message)
    return MessageTrigger(name, key, correlation=_correlation(low, drawn, message) if key == NONE else None)


def message_throw(low: Lowering, drawn: Event | Activity, ref: str) -> MessageTrigger:
    """The message that an element publishes. Without a key of its own it has that of the receivers."""
    message = low.resolved.message(drawn, ref)
    if message is None:
        return MessageTrigger(Text())
    published = drawn.extension.publish_message or _UNPUBLISHED
    ttl = published.time_to_live
    if ttl and not ttl.startswith("=") and (problem := duration_problem(ttl)):
        at = Site(drawn.id, "time to live", published.span)
        low.findings.report("timer", at, problem, "give an ISO 8601 duration, or an expression after =")

    def source(text: str, attribute: str) -> int:
        return low.expressions.source(text, Site(drawn.id, attribute, published.span))

    key = source(published.correlation_key, "correlation key")
    key = key if key != NONE else _subscription_key(low, drawn, message)
    return MessageTrigger(
        low.expressions.value(message.name, Site(drawn.id, "message name", message.span)),
        key,
        source(published.message_id, "message id"),
        source(ttl, "time to live"),
        _correlation(low, drawn, message) if key == NONE else None,
    )


def _subscription_key(low: Lowering, drawn: Event | Activity, message: Message) -> int:
    subscription = message.extension.subscription
    if subscription is None:
        return NONE
    at = Site(drawn.id, "correlation key", subscription.span)
    return low.expressions.source(subscription.correlation_key, at)


def _correlation(low: Lowering, drawn: Event | Activity, message: Message) -> Correlation | None:
    """The key of the message's conversation, where the document has one (8.4.2)."""
    resolved = low.resolved
    found = correlated(resolved.definitions, resolved.process, message.id)
    if found is None:
        return None
    read = {(each.id, path.message_ref): path.path for each in found.properties for path in each.retrievals}
    bound = {each.property_ref: each.path for each in found.subscription.bindings} if found.subscription else {}
    expressions = low.expressions
    retrieved = [
        expressions.formal(
            read[each.id, message.id], Site(drawn.id, f"messagePath of {each.name or each.id}", each.span)
        )
        for each in found.properties
    ]
    expected = [
        expressions.formal(bound.get(each.id), Site(drawn.id, f"dataPath of {each.name or each.id}", each.span))
        for each in (found.properties if found.subscription is not None else ())
    ]
    return Correlation(found.key.id, tuple(retrieved), tuple(expected), found.is_contextual)


def _message(low: Lowering, drawn: Event, definition: EventDefinition) -> Trigger:
    build = message_throw if drawn.kind in THROWS else message_catch
    return build(low, drawn, definition.ref)


def _signal(low: Lowering, drawn: Event, definition: EventDefinition) -> Trigger:
    signal = low.resolved.signals.get(definition.ref)
    if signal is None:
        return SignalTrigger(Text())
    return SignalTrigger(low.expressions.value(signal.name, Site(drawn.id, "signal name", signal.span)))


def _timer(low: Lowering, drawn: Event, definition: EventDefinition) -> Trigger:
    kind = _TIMERS.get(definition.timer, TimerKind.DURATION)
    expression = definition.expression
    value = Text()
    if expression is not None and expression.text:
        at = Site(drawn.id, definition.timer, expression.span)
        value = low.expressions.timer(expression, at, partial(problem_of, kind))
    return TimerTrigger(kind, value, definition.catch_up == "all")


def _error(low: Lowering, drawn: Event, definition: EventDefinition) -> Trigger:
    error = low.resolved.errors.get(definition.ref)
    if error is None or error.code is None:
        return ErrorTrigger(Text())
    return ErrorTrigger(_code(low, drawn, error.code, ("error-reference", error.span)))


def _escalation(low: Lowering, drawn: Event, definition: EventDefinition) -> Trigger:
    escalation = low.resolved.escalations.get(definition.ref)
    if escalation is None or escalation.code is None:
        return EscalationTrigger(Text())
    return EscalationTrigger(_code(low, drawn, escalation.code, ("escalation-reference", escalation.span)))


def _code(low: Lowering, drawn: Event, code: str, fault: tuple[str, Span]) -> Text:
    """A thrown code may be computed; what is caught must be known when the process is deployed."""
    rule, span = fault
    text = low.expressions.value(code, Site(drawn.id, "code", span))
    if text.expression == NONE or drawn.kind in THROWS:
        return text
    constant = low.expressions.constant(text.expression)
    if constant is None:
        message = f"the code {code!r} is an expression, but what an event catches cannot depend on variables"
        low.findings.report(rule, drawn, message, "write the code as plain text")
    return Text(constant or "")


def _conditional(low: Lowering, drawn: Event, definition: EventDefinition) -> Trigger:
    """The condition, and the variables that it reads, or those that the model says it depends on."""
    at = Site(drawn.id, "condition", definition.span)
    condition = low.expressions.formal(definition.expression, at)
    given = definition.extension.conditional_filter or drawn.extension.conditional_filter
    if given is not None and given.variable_names.strip():
        names = frozenset([name.strip() for name in given.variable_names.split(",") if name.strip()])
    else:
        names = low.expressions.variables(condition)
    return ConditionalTrigger(condition, tuple(sorted(names)))


def _link(low: Lowering, drawn: Event, definition: EventDefinition) -> Trigger:
    return LinkTrigger()


def _terminate(low: Lowering, drawn: Event, definition: EventDefinition) -> Trigger:
    return TerminateTrigger()


def _compensate(low: Lowering, drawn: Event, definition: EventDefinition) -> Trigger:
    """Linking fills in which activity it is about, and which handles it."""
    return CompensateTrigger(wait=definition.wait_for_completion)


def _cancel(low: Lowering, drawn: Event, definition: EventDefinition) -> Trigger:
    return CancelTrigger()


def _of_process_start(low: Lowering, drawn: Event, trigger: Trigger) -> Trigger:
    """A process's start event waits before there are variables: its name is constant, and it has no key."""
    if isinstance(trigger, MessageTrigger):
        name = _constant_name(low, drawn, trigger.name, "message-reference")
        return MessageTrigger(name, correlation=trigger.correlation)
    if isinstance(trigger, SignalTrigger):
        return SignalTrigger(_constant_name(low, drawn, trigger.name, "signal-reference"))
    return trigger


def _constant_name(low: Lowering, drawn: Event, name: Text, rule: str) -> Text:
    if name.expression == NONE:
        return name
    constant = low.expressions.constant(name.expression)
    if constant is None:
        message = "the name is an expression, but no variables exist before the process starts"
        low.findings.report(rule, drawn, message, "write the name as plain text")
    return Text(constant or "")


TRIGGERS: Final[dict[str, Build]] = {
    "messageEventDefinition": _message,
    "signalEventDefinition": _signal,
    "timerEventDefinition": _timer,
    "errorEventDefinition": _error,
    "escalationEventDefinition": _escalation,
    "linkEventDefinition": _link,
    "terminateEventDefinition": _terminate,
    "compensateEventDefinition": _compensate,
    "cancelEventDefinition": _cancel,
    "conditionalEventDefinition": _conditional,
}
