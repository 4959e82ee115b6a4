"""Compensation and transactions (BPMN 2.0.2, 10.3.6, 10.5.5 and 10.7): who undoes what, and who may cancel."""

from __future__ import annotations

from typing import Final

from procession.compile.findings import Findings
from procession.compile.resolve import Resolved, ScopeView, handlers_of
from procession.model.bpmn import Activity, FlowNode, Process
from procession.model.events import Event

RULE: Final = "compensation"
TRANSACTION: Final = "transaction"

_BY_COMPENSATION: Final = frozenset({"", "##compensate"})


def check_scope(resolved: Resolved, view: ScopeView, findings: Findings) -> None:
    """Every compensation and cancel event, handler and transaction of a scope."""
    _borders(resolved, view, findings)
    handled = {
        handler.id
        for events in view.boundary.values()
        for event in events
        if _is(event, "compensateEventDefinition")
        for handler in handlers_of(resolved, view, event)
    }
    for node in view.scope.nodes:
        if isinstance(node, Activity):
            if node.is_for_compensation and not node.triggered_by_event:
                _handler(view, node, node.id in handled, findings)
            if node.kind == "transaction":
                _transaction(view, node, findings)
        elif isinstance(node, Event):
            _event(resolved, view, node, findings)


def _is(node: FlowNode, kind: str) -> bool:
    return isinstance(node, Event) and any(each.kind == kind for each in node.definitions)


def _borders(resolved: Resolved, view: ScopeView, findings: Findings) -> None:
    for host, events in view.boundary.items():
        undoing = [event for event in events if _is(event, "compensateEventDefinition")]
        for event in undoing[1:]:
            text = f"{undoing[0].id!r} says already how {host!r} is undone"
            findings.report(RULE, event, text, "keep one compensation boundary event")
        for event in undoing:
            handlers = handlers_of(resolved, view, event)
            if len(handlers) != 1:
                text = f"the compensation boundary event is tied to {len(handlers) or 'no'} compensation activities"
                remedy = 'draw an association to one activity with isForCompensation="true" in the same scope'
                weight = "error" if handlers else resolved.severity("compensation event without an activity")
                findings.report(RULE, event, text, remedy, severity=weight)
            if event.id in view.outgoing:
                text = "a sequence flow leaves a compensation boundary event, which passes no token"
                findings.report(RULE, event, text, "draw an association to the compensation activity")
        node = view.nodes.get(host)
        if not isinstance(node, Activity) or node.kind != "transaction":
            for event in events:
                if _is(event, "cancelEventDefinition"):
                    text = f"the event waits for the cancelling of {host!r}, which is no transaction"
                    findings.report(TRANSACTION, event, text, "make it a transaction, or use an error event")


def _handler(view: ScopeView, node: Activity, is_tied: bool, findings: Findings) -> None:
    if node.id in view.incoming or node.id in view.outgoing:
        text = "a sequence flow leads to or from an activity that is for compensation only"
        findings.report(RULE, node, text, 'remove the flow, or isForCompensation="true"')
    elif not is_tied:
        text = "no compensation boundary event is tied to this activity, so it never happens"
        findings.report(RULE, node, text, "draw an association from a boundary event, or remove it", severity="warning")


def _transaction(view: ScopeView, node: Activity, findings: Findings) -> None:
    if node.method.strip().lower() not in _BY_COMPENSATION:
        text = f"the transaction method {node.method!r} is not executed: a transaction is undone by compensation"
        findings.report(TRANSACTION, node, text, 'remove it, or write method="##Compensate"')
    borders = [event for event in view.boundary.get(node.id, ()) if _is(event, "cancelEventDefinition")]
    for event in borders[1:]:
        text = f"{borders[0].id!r} waits already for the cancelling of {node.id!r}"
        findings.report(TRANSACTION, event, text, "keep one cancel boundary event")


def _event(resolved: Resolved, view: ScopeView, event: Event, findings: Findings) -> None:
    if _is(event, "cancelEventDefinition") and event.kind == "endEvent":
        _cancel(view, event, findings)
    for definition in event.definitions:
        if definition.kind != "compensateEventDefinition":
            continue
        if event.kind == "startEvent":
            _undoes_process(view, event, findings)
        elif event.kind != "boundaryEvent" and definition.ref:
            _named(resolved, view, event, definition.ref, findings)


def _cancel(view: ScopeView, event: Event, findings: Findings) -> None:
    inside: ScopeView | None = view
    while inside is not None and not (isinstance(inside.owner, Activity) and inside.owner.kind == "transaction"):
        inside = inside.parent
    if inside is None:
        text = "a cancel end event stands outside of a transaction"
        findings.report(TRANSACTION, event, text, "put it into a transaction, or use an error or terminate end event")
        return
    assert inside.parent is not None
    owner = inside.owner
    if not any(_is(each, "cancelEventDefinition") for each in inside.parent.boundary.get(owner.id, ())):
        text = f"nothing follows when {owner.id!r} is cancelled: it has no cancel boundary event"
        findings.report(TRANSACTION, event, text, "attach a cancel boundary event to it", severity="warning")


def _undoes_process(view: ScopeView, event: Event, findings: Findings) -> None:
    """Only what has completed is undone, and nothing is left that could undo a process that has."""
    if view.parent is not None and isinstance(view.parent.owner, Process) and view.is_event_sub_process:
        text = "a process that has completed is not undone, so this event sub-process never happens"
        findings.report(RULE, event, text, "put it into the sub-process that it undoes", severity="warning")


def _named(resolved: Resolved, view: ScopeView, event: Event, ref: str, findings: Findings) -> None:
    """A throw sees the activities of its own scope and, from an event sub-process, those of the scope around it."""
    around: ScopeView | None = view
    is_visible = True
    while around is not None and ref not in around.nodes:
        is_visible = is_visible and around.is_event_sub_process
        around = around.parent
    if around is None or not isinstance(around.nodes[ref], Activity):
        text = f"there is no activity {ref!r} in this scope or one around it"
        findings.report(RULE, event, text, "name an activity of the same scope")
        return
    if not is_visible:
        text = f"{ref!r} stands in a scope around that of the event, where the standard does not look for it"
        findings.report(RULE, event, text, "throw in the scope of the activity", severity="warning")
    activity = around.nodes[ref]
    undone = any(_is(each, "compensateEventDefinition") for each in around.boundary.get(ref, ()))
    if not undone and isinstance(activity, Activity) and activity.scope is None:
        text = f"nothing says how {ref!r} is undone"
        findings.report(RULE, event, text, "attach a compensation boundary event to it", severity="warning")
