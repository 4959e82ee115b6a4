"""How a process, a sub-process or a choreography begins and ends, and what must be connected in it (10.5.2, 10.5.3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from procession.compile.check.standard import grammar
from procession.compile.check.standard.document import Document, children, flag, identity
from procession.compile.check.standard.rule import Rule
from procession.model.xml import XmlElement

_SCOPES: Final = "process subProcess transaction choreography subChoreography globalChoreographyTask"
_SUB: Final = " ".join(grammar.SUB_PROCESSES)
_NODES: Final = " ".join(each for each in grammar.FLOW_NODES if each in grammar.GATEWAYS or each not in grammar.EVENTS)
_AD_HOC: Final = "adHocSubProcess"
_NEVER_AD_HOC: Final = frozenset(
    {"startEvent", "endEvent", *grammar.CHOREOGRAPHY_ACTIVITIES, *grammar.CONVERSATION_NODES}
)
_START_TRIGGERS: Final = frozenset({"message", "timer", "conditional", "signal"})
EVENT_SUB_PROCESS_TRIGGERS: Final = _START_TRIGGERS | {"escalation", "error", "compensate"}
"""What an event sub-process can start with (10.5.2)."""


def is_event_sub_process(scope: XmlElement | None) -> bool:
    """Whether a scope starts by its own event."""
    return scope is not None and scope.name in grammar.SUB_PROCESSES and flag(scope, "triggeredByEvent")


def _begins(node: XmlElement) -> bool:
    """Whether a node other than a start event begins a process."""
    return node.name in {"receiveTask", "eventBasedGateway"} and flag(node, "instantiate")


def _is_apart(node: XmlElement) -> bool:
    """Whether no flow leads to or from a node by its nature."""
    return flag(node, "isForCompensation") or is_event_sub_process(node)


def _end_without_start(document: Document, scope: XmlElement) -> Iterator[str]:
    ends = document.ends.get(scope)
    if ends and scope not in document.starts and not any(_begins(each) for each in document.nodes(scope)):
        yield f"the {scope.name} has the end event {identity(ends[0])!r}, but nothing starts it"


def _start_without_end(document: Document, scope: XmlElement) -> Iterator[str]:
    starts = document.starts.get(scope)
    if starts and scope not in document.ends:
        yield f"the {scope.name} has the start event {identity(starts[0])!r}, but no end event"


def _no_incoming(document: Document, node: XmlElement) -> Iterator[str]:
    scope = document.scope(node)
    if scope is None or scope.name == _AD_HOC or document.flows_in(node) or _is_apart(node) or _begins(node):
        return
    if scope in document.starts:
        yield f"no sequence flow leads to this {node.name}, though its {scope.name} has a start event"


def _no_outgoing(document: Document, node: XmlElement) -> Iterator[str]:
    scope = document.scope(node)
    if scope is None or scope.name == _AD_HOC or document.flows_out(node) or _is_apart(node):
        return
    if scope in document.ends:
        yield f"no sequence flow leaves this {node.name}, though its {scope.name} has an end event"


def _loose(document: Document, event: XmlElement) -> Iterator[str]:
    scope = document.scope(event)
    is_link = "link" in document.triggers(event)
    if scope is None or scope.name == _AD_HOC:
        return
    if not document.flows_in(event) and not (is_link and event.name == "intermediateCatchEvent"):
        yield "no sequence flow leads to the event"
    if not document.flows_out(event) and not (is_link and event.name == "intermediateThrowEvent"):
        yield "no sequence flow leaves the event"


def _loose_boundary(document: Document, event: XmlElement) -> Iterator[str]:
    if not document.flows_out(event) and "compensate" not in document.triggers(event):
        yield "no sequence flow leaves the boundary event"


# --- start events (10.5.2) --------------------------------------------------------------------------------------------


def _start_incoming(document: Document, event: XmlElement) -> Iterator[str]:
    for flow in document.flows_in(event):
        yield f"the flow {identity(flow)!r} leads to the start event"


def _start_outgoing(document: Document, event: XmlElement) -> Iterator[str]:
    if not document.flows_out(event):
        yield "no sequence flow leaves the start event"


def _start_of_process(document: Document, event: XmlElement) -> Iterator[str]:
    scope = document.scope(event)
    if scope is None or scope.name != "process":
        return
    for trigger in document.triggers(event):
        if trigger not in _START_TRIGGERS:
            yield f"the start event of a process has the trigger {trigger}"


def _start_of_sub_process(document: Document, event: XmlElement) -> Iterator[str]:
    scope = document.scope(event)
    if scope is None or scope.name not in grammar.SUB_PROCESSES or is_event_sub_process(scope):
        return
    for trigger in document.triggers(event):
        yield f"the start event of a sub-process has the trigger {trigger}"
    if children(event, "eventDefinitionRef") and not document.triggers(event):
        yield "the start event of a sub-process refers to an event definition"


def _start_of_event_sub_process(document: Document, event: XmlElement) -> Iterator[str]:
    if not is_event_sub_process(document.scope(event)):
        return
    triggers = document.triggers(event)
    if not triggers:
        yield "the start event of an event sub-process has no trigger"
    for trigger in triggers:
        if trigger not in EVENT_SUB_PROCESS_TRIGGERS:
            yield f"the start event of an event sub-process has the trigger {trigger}"


def _must_interrupt(document: Document, event: XmlElement) -> Iterator[str]:
    if flag(event, "isInterrupting", True) or not is_event_sub_process(document.scope(event)):
        return
    for trigger in document.triggers(event):
        if trigger in {"error", "compensate"}:
            yield f"the trigger {trigger} cannot leave its sub-process running"


def _one_start(document: Document, scope: XmlElement) -> Iterator[str]:
    count = len(document.starts.get(scope, ()))
    if is_event_sub_process(scope) and count != 1:
        yield f"the event sub-process has {count} start events; it must have one"


def _has_boundary(document: Document, scope: XmlElement) -> Iterator[str]:
    if is_event_sub_process(scope):
        for event in document.attached.get(scope, ()):
            yield f"the boundary event {identity(event)!r} is attached to an event sub-process"


# --- end events (10.5.3) ----------------------------------------------------------------------------------------------


def _end_outgoing(document: Document, event: XmlElement) -> Iterator[str]:
    for flow in document.flows_out(event):
        yield f"the flow {identity(flow)!r} leaves the end event"


def _end_incoming(document: Document, event: XmlElement) -> Iterator[str]:
    if not document.flows_in(event):
        yield "no sequence flow leads to the end event"


# --- ad-hoc sub-processes (10.3.5) ------------------------------------------------------------------------------------


def _ad_hoc_empty(document: Document, scope: XmlElement) -> Iterator[str]:
    if not any(each.name in grammar.ACTIVITIES for each in document.nodes(scope)):
        yield "the ad-hoc sub-process holds no activity"


def _ad_hoc_content(document: Document, scope: XmlElement) -> Iterator[str]:
    for each in children(scope, *sorted(_NEVER_AD_HOC)):
        yield f"the ad-hoc sub-process holds the {each.name} {identity(each)!r}"


RULES: Final = (
    Rule(
        "start-event-missing",
        "10.5.3",
        _SCOPES,
        "there is an end event, but no start event in the same process or sub-process",
        "draw a start event, or remove the end event",
        _end_without_start,
    ),
    Rule(
        "end-event-missing",
        "10.5.2",
        _SCOPES,
        "there is a start event, but no end event in the same process or sub-process",
        "draw an end event, or remove the start event",
        _start_without_end,
    ),
    Rule(
        "flow-node-incoming",
        "10.5.2",
        _NODES,
        "no sequence flow leads to a node, though there is a start event",
        "lead a sequence flow to it",
        _no_incoming,
    ),
    Rule(
        "flow-node-outgoing",
        "10.5.3",
        _NODES,
        "no sequence flow leaves a node, though there is an end event",
        "lead a sequence flow from it to an end",
        _no_outgoing,
    ),
    Rule(
        "intermediate-event-flows",
        "10.5.4",
        "intermediateCatchEvent intermediateThrowEvent",
        "no sequence flow leads to an intermediate event, or none leaves it",
        "connect it on both sides, but for links",
        _loose,
    ),
    Rule(
        "boundary-event-outgoing",
        "10.5.4",
        "boundaryEvent",
        "no sequence flow leaves a boundary event other than one for compensation",
        "say what happens after the event",
        _loose_boundary,
    ),
    Rule(
        "start-event-incoming",
        "10.5.2",
        "startEvent",
        "a sequence flow leads to a start event",
        "remove the flow",
        _start_incoming,
    ),
    Rule(
        "start-event-outgoing",
        "10.5.2",
        "startEvent",
        "no sequence flow leaves a start event",
        "draw what happens first",
        _start_outgoing,
    ),
    Rule(
        "start-event-trigger",
        "10.5.2",
        "startEvent",
        "a process starts by another trigger than message, timer, condition or signal",
        "choose one of these triggers, or none",
        _start_of_process,
    ),
    Rule(
        "sub-process-start-event",
        "10.5.2",
        "startEvent",
        "the start event of a sub-process has a trigger",
        "remove the trigger, or make it an event sub-process",
        _start_of_sub_process,
    ),
    Rule(
        "event-sub-process-trigger",
        "10.5.2",
        "startEvent",
        "the start event of an event sub-process has no trigger, or one that cannot start it",
        "give it a message, timer, escalation, error, compensation, conditional or signal trigger",
        _start_of_event_sub_process,
    ),
    Rule(
        "event-sub-process-interrupts",
        "10.5.2",
        "startEvent",
        "an event sub-process for an error or a compensation does not interrupt",
        "remove isInterrupting",
        _must_interrupt,
    ),
    Rule(
        "event-sub-process-start-event",
        "10.3.5",
        _SUB,
        "an event sub-process has no start event, or several",
        "give it exactly one",
        _one_start,
    ),
    Rule(
        "event-sub-process-boundary",
        "10.3.5",
        _SUB,
        "a boundary event is attached to an event sub-process",
        "remove it",
        _has_boundary,
    ),
    Rule(
        "end-event-outgoing",
        "10.5.3",
        "endEvent",
        "a sequence flow leaves an end event",
        "remove the flow",
        _end_outgoing,
    ),
    Rule(
        "end-event-incoming",
        "10.5.3",
        "endEvent",
        "no sequence flow leads to an end event",
        "draw what leads to the end",
        _end_incoming,
    ),
    Rule(
        "ad-hoc-activity",
        "10.3.5",
        _AD_HOC,
        "an ad-hoc sub-process holds no activity",
        "put activities into it",
        _ad_hoc_empty,
    ),
    Rule(
        "ad-hoc-content",
        "10.3.5",
        _AD_HOC,
        "an ad-hoc sub-process holds a start event, an end event or a choreography activity",
        "remove it",
        _ad_hoc_content,
    ),
)
