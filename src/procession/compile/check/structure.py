"""How elements are put together: starts and ends, flows, gateways, boundary events, links."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from procession.base.diagnostics import Severity
from procession.compile.check.support import DEFINITIONS
from procession.compile.findings import Findings
from procession.compile.resolve import Resolved, ScopeView, is_implicit_start, is_instantiating, is_link, link_name
from procession.model.bpmn import Activity, FlowNode, Gateway, MultiInstance, Process, SequenceFlow
from procession.model.events import Event

ScopeRule = Callable[[Resolved, ScopeView, Findings], None]

SPLITS: Final = frozenset({"exclusiveGateway", "inclusiveGateway"})
UNCONDITIONAL: Final = frozenset({"parallelGateway", "eventBasedGateway"})
ESCALATING: Final = frozenset({"subProcess", "transaction", "adHocSubProcess", "callActivity"})
GATEWAY_EVENTS: Final = frozenset({"message", "timer", "signal", "conditional"})
_ALWAYS_INTERRUPTING: Final = frozenset({"error", "compensation", "cancel"})


def starts(resolved: Resolved, view: ScopeView, findings: Findings) -> None:
    """A scope has at most one none start event; an event sub-process exactly one start, with a trigger."""
    owner = view.owner
    if view.is_event_sub_process:
        if len(view.starts) != 1:
            text = f"an event sub-process has exactly one start event, this one has {len(view.starts)}"
            findings.report("start-event", owner, text, "draw one event sub-process for each event")
        for start in view.starts:
            if not start.definitions:
                text = "the start event of an event sub-process says nothing to react to"
                findings.report("start-event", start, text, "give it an event definition")
        return
    none = [start for start in view.starts if not start.definitions]
    for start in none[1:]:
        text = f"the scope has already the none start event {none[0].id!r}"
        findings.report("start-event", start, text, "keep one; several beginnings need triggers")
    if view.starts:
        _unstarted(view, findings)
    elif isinstance(owner, Activity) and owner.kind == "adHocSubProcess":
        return  # check/ad_hoc.py
    elif not any(is_implicit_start(node, view) or is_instantiating(node) for node in view.scope.nodes):
        what = "process" if isinstance(owner, Process) else "sub-process"
        text = f"nothing in this {what} can start"
        severity: Severity = "error" if isinstance(owner, Process) or view.scope.nodes else "warning"
        findings.report("start-event", owner, text, "draw a start event", severity=severity)


def _unstarted(view: ScopeView, findings: Findings) -> None:
    for node in view.scope.nodes:
        if is_implicit_start(node, view):
            text = f"no sequence flow leads to this {node.kind}, so it never happens"
            findings.report("no-disconnected", node, text, "connect it, or remove it", severity="warning")


def ends(resolved: Resolved, view: ScopeView, findings: Findings) -> None:
    """No flow leads to a start or boundary event, an event sub-process or a catching link; none leaves an end."""
    for node in view.scope.nodes:
        if node.id in view.incoming and (why := _no_incoming(node)) is not None:
            findings.report(why[0], node, f"a sequence flow leads to {why[1]}", "remove the flow")
        if node.id in view.outgoing and (why := _no_outgoing(node)) is not None:
            findings.report(why[0], node, f"a sequence flow leaves {why[1]}", "remove the flow")


def _no_incoming(node: FlowNode) -> tuple[str, str] | None:
    if isinstance(node, Activity):
        return ("event-sub-process", "an event sub-process") if node.triggered_by_event else None
    if not isinstance(node, Event):
        return None
    if node.kind == "startEvent":
        return "start-event", "a start event"
    if node.kind == "boundaryEvent":
        return "boundary-event", "a boundary event"
    return ("link-event", "a catching link") if is_link(node, "intermediateCatchEvent") else None


def _no_outgoing(node: FlowNode) -> tuple[str, str] | None:
    if isinstance(node, Activity):
        return ("event-sub-process", "an event sub-process") if node.triggered_by_event else None
    if not isinstance(node, Event):
        return None
    if node.kind == "endEvent":
        return "end-event", "an end event"
    return ("link-event", "a throwing link") if is_link(node, "intermediateThrowEvent") else None


def flows(resolved: Resolved, view: ScopeView, findings: Findings) -> None:
    """Where conditions stand, and where they must (8.4.13, 10.6.2, 10.6.3)."""
    for flow in view.scope.flows:
        for end, id in (("source", flow.source), ("target", flow.target)):
            if id not in view.nodes:
                text = f"the {end} {id!r} of the flow is no element of this scope"
                findings.report("dangling-reference", flow, text, "connect both of its ends")
        if flow.is_immediate is False:
            # An executable process must not say so (8.4.13); exporters that write the attribute mean nothing by it.
            text = 'isImmediate="false" has no effect: only what is drawn happens between two elements'
            findings.report("sequence-flow-immediate", flow, text, "remove the attribute", severity="warning")
    for node in view.scope.nodes:
        outgoing = view.outgoing.get(node.id, ())
        default = "" if isinstance(node, Event) else node.default
        for flow in outgoing:
            if flow.condition is not None:
                _condition(resolved, node, flow, findings)
            elif len(outgoing) > 1 and node.kind in SPLITS and flow.id != default:
                text = f"the flow leaves {node.id!r}, which decides, but has no condition"
                remedy = "give it a condition, or make it the default flow"
                findings.report("sequence-flow-condition", flow, text, remedy)
        if default and default not in (flow.id for flow in outgoing):
            text = f"the default flow {default!r} does not leave this element"
            findings.report("default-flow", node, text, "choose one of its outgoing flows")
        elif default and node.kind in UNCONDITIONAL:
            text = f"a {node.kind} has no default flow"
            findings.report("sequence-flow-condition", node, text, "remove the attribute `default`")


def _condition(resolved: Resolved, node: FlowNode, flow: SequenceFlow, findings: Findings) -> None:
    assert flow.condition is not None
    rule, span = "sequence-flow-condition", flow.condition.span
    if not flow.condition.text:
        findings.report(rule, flow, "the condition is empty", "write it, or remove the element", span=span)
    if node.kind in UNCONDITIONAL or isinstance(node, Event):
        text = f"the flow has a condition, but leaves the {node.kind} {node.id!r}, which does not decide"
        findings.report(rule, flow, text, "put an exclusive or inclusive gateway there", span=span)
    elif node.default == flow.id:
        text = "the default flow has a condition, which is not evaluated"
        severity = resolved.severity("condition of a default flow")
        findings.report(rule, flow, text, "remove the condition", span=span, severity=severity)


def event_gateways(resolved: Resolved, view: ScopeView, findings: Findings) -> None:
    """An event-based gateway leads to two or more events that it alone leads to (10.6.6)."""
    rule = "event-based-gateway-target"
    for gateway in view.scope.nodes:
        if not isinstance(gateway, Gateway) or gateway.kind != "eventBasedGateway":
            continue
        outgoing = view.outgoing.get(gateway.id, ())
        if len(outgoing) < 2:
            text = f"an event-based gateway chooses among events, this one has {len(outgoing)}"
            findings.report(rule, gateway, text, "draw at least two")
        targets = [view.nodes[flow.target] for flow in outgoing if flow.target in view.nodes]
        for target in targets:
            if problem := _target_problem(view, target):
                remedy = "lead to intermediate message, timer or signal catch events, or receive tasks"
                findings.report(rule, target, problem, remedy)
        _same_trigger([t for t in targets if isinstance(t, Event)], (resolved, findings), rule)


def _target_problem(view: ScopeView, target: FlowNode) -> str:
    if isinstance(target, Activity) and target.kind == "receiveTask":
        if target.id in view.boundary or target.loop is not None:
            return "a receive task behind an event-based gateway has no boundary events and no loop"
    elif not isinstance(target, Event) or target.kind != "intermediateCatchEvent":
        return f"an event-based gateway leads to this {target.kind}"
    elif not GATEWAY_EVENTS.issuperset(DEFINITIONS[each.kind] for each in target.definitions):
        return "an event-based gateway leads to this event"
    if len(view.incoming[target.id]) > 1:
        return "another sequence flow leads to this element behind an event-based gateway"
    return ""


def boundary_events(resolved: Resolved, view: ScopeView, findings: Findings) -> None:
    """What may stand on the border of which activity (10.5.4, table 10.90)."""
    for host, events in view.boundary.items():
        node = view.nodes.get(host)
        for event in events:
            name = DEFINITIONS[event.definitions[0].kind] if event.definitions else ""
            if not isinstance(node, Activity) or node.triggered_by_event:
                text = f"the event is attached to {host!r}, which is no activity that it could interrupt"
                findings.report("boundary-event", event, text, "attach it to a task, sub-process or call activity")
            elif name == "escalation" and node.kind not in ESCALATING and not _throws(node):
                text = f"no escalation is thrown inside a {node.kind}"
                severity = resolved.severity("escalation at the border of a task")
                findings.report(
                    "escalation-boundary-event-attached-to-ref",
                    event,
                    text,
                    "attach it to a sub-process or call activity",
                    severity=severity,
                )
            if name in _ALWAYS_INTERRUPTING and not event.cancel_activity:
                text = f"a boundary event for {name} always interrupts"
                findings.report("boundary-event", event, text, 'remove cancelActivity="false"')
        _same_trigger(events, (resolved, findings), "boundary-event")


def _throws(node: Activity) -> bool:
    """Whether an activity throws events of its own accord: a multi-instance by its behaviour (10.3.9)."""
    return isinstance(node.loop, MultiInstance) and node.loop.behavior != "All"


def event_sub_processes(resolved: Resolved, view: ScopeView, findings: Findings) -> None:
    """Event sub-processes of one scope react to different things; errors interrupt (10.3.5)."""
    reacting: list[Event] = []
    for handler in view.event_sub_processes:
        if handler.id not in resolved.views:
            continue
        if handler.loop is not None:
            text = "an event sub-process has no loop"
            findings.report("event-sub-process", handler, text, "put an activity with the loop inside it")
        found = resolved.views[handler.id].starts
        reacting += found
        for start in found:
            if start.is_interrupting:
                continue
            for definition in start.definitions:
                name = DEFINITIONS[definition.kind]
                if name in _ALWAYS_INTERRUPTING:
                    text = f"a start event for {name} always interrupts"
                    findings.report("event-sub-process", start, text, 'remove isInterrupting="false"')
    _same_trigger(reacting, (resolved, findings), "event-sub-process")
    if isinstance(view.owner, Process):
        _same_trigger(view.starts, (resolved, findings), "start-event")


def _same_trigger(events: Iterable[Event], to: tuple[Resolved, Findings], rule: str) -> None:
    """Two events of one place that wait for the same: which of them would catch it is not defined."""
    resolved, findings = to
    seen: dict[tuple[str, str], str] = {}
    for event in events:
        for definition in event.definitions:
            name = DEFINITIONS[definition.kind]
            key = _caught(resolved, name, definition.ref)
            if key is None:
                continue
            other = seen.setdefault((name, key), event.id)
            if other != event.id:
                what = f"the {name} {key!r}" if key else f"every {name}"
                text = f"{other!r} waits for {what} in the same place"
                findings.report(rule, event, text, "keep one of the two")


def _caught(resolved: Resolved, name: str, ref: str) -> str | None:
    """The name or code that an event waits for, '' for any; None where the rule does not apply."""
    if name == "message":
        message = resolved.messages.get(ref)
        return message.name or None if message else None
    if name == "signal":
        signal = resolved.signals.get(ref)
        return signal.name or None if signal else None
    if name == "error":
        return (resolved.errors[ref].code or "") if ref in resolved.errors else ""
    if name == "escalation":
        return (resolved.escalations[ref].code or "") if ref in resolved.escalations else ""
    return None


def links(resolved: Resolved, view: ScopeView, findings: Findings) -> None:
    """Links are pairs by name, in one scope: any number throw, one catches (10.5.4)."""
    events = [node for node in view.scope.nodes if isinstance(node, Event)]
    throws = [event for event in events if is_link(event, "intermediateThrowEvent")]
    catches: dict[str, Event] = {}
    for event in events:
        if not is_link(event, "intermediateCatchEvent"):
            continue
        name = link_name(event)
        if name in catches:
            text = f"the link {name!r} is already caught by {catches[name].id!r}"
            findings.report("link-event", event, text, "one link is caught once")
        catches.setdefault(name, event)
    for event in (*throws, *catches.values()):
        if not link_name(event):
            findings.report("link-event", event, "the link has no name", "name the link")
    thrown = {link_name(event) for event in throws}
    for event in throws:
        if link_name(event) not in catches:
            text = f"no event in this scope catches the link {link_name(event)!r}"
            findings.report("link-event", event, text, "draw a catching link of that name")
    for name, event in catches.items():
        if name not in thrown:
            text = f"no event in this scope throws the link {name!r}"
            findings.report("link-event", event, text, "draw a throwing link of that name", severity="warning")


RULES: Final[tuple[ScopeRule, ...]] = (
    starts,
    ends,
    flows,
    event_gateways,
    boundary_events,
    event_sub_processes,
    links,
)
