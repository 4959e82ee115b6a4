"""What this version executes: the rule `element-type`. What is not in these tables is refused, never skipped."""

from __future__ import annotations

import re
from typing import Final

from procession.compile.findings import Findings
from procession.compile.resolve import Resolved, ScopeView
from procession.model.bpmn import Activity, Gateway, Process
from procession.model.events import Event, EventDefinition

RULE: Final = "element-type"

_LATER: Final = "is not executed in this version"
REFUSED: Final[dict[str, tuple[str, str]]] = {
    "implicitThrowEvent": ("an implicit throw event", "draw an intermediate throw event"),
}
"""Elements that the standard has and this version does not execute: what they are, and the remedy."""

DEFINITIONS: Final[dict[str, str]] = {
    "messageEventDefinition": "message",
    "timerEventDefinition": "timer",
    "errorEventDefinition": "error",
    "escalationEventDefinition": "escalation",
    "signalEventDefinition": "signal",
    "conditionalEventDefinition": "conditional",
    "compensateEventDefinition": "compensation",
    "cancelEventDefinition": "cancel",
    "linkEventDefinition": "link",
    "terminateEventDefinition": "terminate",
}
EXECUTED: Final[dict[str, frozenset[str]]] = {
    "start event of a process": frozenset({"message", "timer", "signal", "conditional"}),
    "start event of an event sub-process": frozenset(
        {"message", "timer", "signal", "error", "escalation", "conditional", "compensation"}
    ),
    "start event of a sub-process": frozenset(),
    "intermediateCatchEvent": frozenset({"message", "timer", "signal", "link", "conditional"}),
    "intermediateThrowEvent": frozenset({"message", "signal", "escalation", "link", "compensation"}),
    "boundaryEvent": frozenset(
        {"message", "timer", "signal", "error", "escalation", "conditional", "compensation", "cancel"}
    ),
    "endEvent": frozenset({"message", "signal", "error", "escalation", "terminate", "compensation", "cancel"}),
}
"""What events of each position may be about (BPMN 2.0.2, table 10.93)."""
_UNSPECIFIED: Final = frozenset({"##unspecified", "##WebService"})
"""What the standard takes an implementation for where none is said."""
_COUNT: Final = re.compile(r"[1-9]\d{0,3}", re.ASCII)
_ALONE: Final = frozenset({"link", "terminate", "cancel", "compensation"})
_ENDING: Final = frozenset({"error", "escalation"})
"""What happens once and is gone: nothing can be waited for beside it."""
_NEEDS_DEFINITION: Final = frozenset({"intermediateCatchEvent", "boundaryEvent"})


def check_process(resolved: Resolved, findings: Findings) -> None:
    """What a process has beside its flow elements."""
    process = resolved.process
    for unknown in process.unknown:
        at = unknown if unknown.id else process
        text = f"<{unknown.tag}> {_LATER}" + (f" (in {unknown.owner!r})" if unknown.owner else "")
        findings.report(RULE, at, text, "remove it", span=unknown.span)
    _ids(resolved, findings)


def _ids(resolved: Resolved, findings: Findings) -> None:
    """Nodes are found by their ids, so no two elements of a process may share one."""
    seen: dict[str, tuple[str, int]] = {resolved.process.id: ("process", resolved.process.span.line)}
    for view in resolved.scopes:
        for node in view.scope.nodes:
            if node.id in seen:
                kind, line = seen[node.id]
                text = f"the id {node.id!r} is already that of the {kind} in line {line}"
                findings.report("duplicate-id", node, text, "give each element an id of its own")
            seen[node.id] = (node.kind, node.span.line)
        for flow in view.scope.flows:
            if flow.id in seen:
                kind, line = seen[flow.id]
                text = f"the id {flow.id!r} is already that of the {kind} in line {line}"
                findings.report("duplicate-id", flow, text, "give each element an id of its own")
            seen[flow.id] = ("sequenceFlow", flow.span.line)


def check_scope(resolved: Resolved, view: ScopeView, findings: Findings) -> None:
    """Every element of a scope."""
    for node in view.scope.nodes:
        if node.kind in REFUSED:
            what, remedy = REFUSED[node.kind]
            findings.report(RULE, node, f"{what} {_LATER}", remedy)
        elif isinstance(node, Activity):
            _activity(view, node, findings)
        elif isinstance(node, Event):
            _event(view, node, findings)
        else:
            _gateway(view, node, findings)


def _activity(view: ScopeView, node: Activity, findings: Findings) -> None:
    for name, quantity in (
        ("startQuantity", node.start_quantity),
        ("completionQuantity", node.completion_quantity),
    ):
        if quantity.strip() and not _COUNT.fullmatch(quantity.strip()):
            text = f"{name} {quantity!r} is no whole number from 1"
            findings.report("token-quantity", node, text, f'remove it, or write {name}="1"')
    if node.instantiate:
        _instantiating(view, node, findings)
    for name, given in (("operationRef", node.operation_ref), ("implementation", node.implementation)):
        if given and given not in _UNSPECIFIED:
            text = f"{name} {given!r} has no effect: the type of the job says which worker does it"
            findings.report(RULE, node, text, severity="info")


def _gateway(view: ScopeView, node: Gateway, findings: Findings) -> None:
    if node.kind != "eventBasedGateway":
        return
    if node.instantiate:
        _instantiating(view, node, findings)
    elif node.event_type == "Parallel":
        text = "an event-based gateway of type Parallel must instantiate the process (10.6.6)"
        findings.report("event-based-gateway-target", node, text, "use a parallel gateway before the catching events")


def _instantiating(view: ScopeView, node: Activity | Gateway, findings: Findings) -> None:
    """What starts a process has no incoming flow, and no scope around it but the process (10.3.3, 10.6.6)."""
    if node.id in view.incoming:
        text = f"a sequence flow leads to this {node.kind}, which starts the process"
        findings.report("start-event", node, text, "remove the flow, or the attribute `instantiate`")
    if not isinstance(view.owner, Process):
        text = f"this {node.kind} cannot start a process: it is inside a sub-process"
        findings.report("start-event", node, text, "remove the attribute `instantiate`")
    if isinstance(node, Activity) and node.loop is not None:
        findings.report("start-event", node, "what starts a process has no loop", "remove one of the two")


def _event(view: ScopeView, node: Event, findings: Findings) -> None:
    count = len(node.definitions)
    if count > 1:
        _several(view, node, findings)
    elif count == 1:
        if node.definitions[0].operation_ref:
            text = "operationRef has no effect: the message says what is sent"
            findings.report(RULE, node, text, severity="info")
        _definition(view, node, node.definitions[0], findings)
    elif node.kind in _NEEDS_DEFINITION:
        text = f"the {node.kind} says nothing to wait for"
        findings.report(RULE, node, text, "give it an event definition: message, timer, signal, ...")


def _several(view: ScopeView, node: Event, findings: Findings) -> None:
    """An event with several definitions (10.5.6): which of them it may have, and who carries them out."""
    for definition in node.definitions:
        name = DEFINITIONS[definition.kind]
        if name in _ALONE or (node.parallel_multiple and name in _ENDING):
            text = f"a {name} event has no definition beside it"
            findings.report("multiple-event", node, text, "draw one event for each of them", span=definition.span)
        else:
            _definition(view, node, definition, findings)
    if node.extension.task_definition is not None:
        text = "a job cannot throw several definitions"
        findings.report("multiple-event", node, text, "remove zeebe:taskDefinition, or draw one event for each")


def _definition(view: ScopeView, node: Event, definition: EventDefinition, findings: Findings) -> None:
    position = position_of(view, node)
    name = DEFINITIONS[definition.kind]
    if name in EXECUTED[position]:
        return
    allowed = ", ".join(sorted(EXECUTED[position])) or "none"
    rule = "start-event" if node.kind == "startEvent" else RULE
    text = f"BPMN has no {name} event in this place ({position})"
    findings.report(rule, node, text, f"possible are: {allowed}")


def position_of(view: ScopeView, node: Event) -> str:
    """The row of an event in the tables above."""
    if node.kind != "startEvent":
        return node.kind
    if isinstance(view.owner, Process):
        return "start event of a process"
    return "start event of an event sub-process" if view.is_event_sub_process else "start event of a sub-process"
