"""The first pass: which scopes a process has, what flows connect in each, and what references name.

It finds and indexes; it judges nothing. What does not exist is simply not in the tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import msgspec

from procession.base.diagnostics import Severity
from procession.compile.profiles import SEVERITIES, Line, Profile
from procession.model.bpmn import (
    Activity,
    Definitions,
    Error,
    Escalation,
    FlowNode,
    Gateway,
    GlobalTask,
    Message,
    Process,
    Scope,
    SequenceFlow,
    Signal,
)
from procession.model.events import Event, EventDefinition


@final
class ScopeView(msgspec.Struct, frozen=True, kw_only=True):
    """One scope: the process, or a sub-process of any depth. `parent` is None for the process.

    `incoming` and `outgoing` hold each node's flows in the order in which the flows are declared: that order
    is the one in which conditions are tried. `boundary` holds the boundary events by the activity's id.
    """

    owner: Process | Activity
    parent: ScopeView | None
    scope: Scope
    nodes: dict[str, FlowNode]
    flows: dict[str, SequenceFlow]
    incoming: dict[str, list[SequenceFlow]]
    outgoing: dict[str, list[SequenceFlow]]
    boundary: dict[str, list[Event]]
    starts: tuple[Event, ...]
    event_sub_processes: tuple[Activity, ...]

    @property
    def is_event_sub_process(self) -> bool:
        return isinstance(self.owner, Activity) and self.owner.triggered_by_event


@final
class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """A process with all that its references can name. `scopes[0]` is the process's own scope."""

    definitions: Definitions
    process: Process
    profile: Profile
    scopes: tuple[ScopeView, ...]
    views: dict[str, ScopeView]
    """The scopes by their owner's id."""
    messages: dict[str, Message]
    signals: dict[str, Signal]
    errors: dict[str, Error]
    escalations: dict[str, Escalation]
    global_tasks: dict[str, GlobalTask]
    scripts: Mapping[str, str]
    """The script formats that the host has a worker for, and the type of its jobs."""

    def severity(self, line: Line) -> Severity | None:
        """What a rule that depends on the profile is in this document; None where it does not hold."""
        return SEVERITIES[line][self.profile]


def resolve(definitions: Definitions, process: Process, scripts: Mapping[str, str]) -> Resolved:
    """The scopes of a process, outer ones first, and the tables of what may be referred to."""
    scopes: list[ScopeView] = []
    waiting: list[tuple[Process | Activity, Scope, ScopeView | None]] = [(process, process.scope, None)]
    while waiting:
        owner, scope, parent = waiting.pop()
        view = _view(owner, scope, parent)
        scopes.append(view)
        inner = [
            (node, node.scope, view) for node in scope.nodes if isinstance(node, Activity) and node.scope is not None
        ]
        waiting += reversed(inner)
    return Resolved(
        definitions=definitions,
        process=process,
        profile=profile_of(definitions),
        scopes=tuple(scopes),
        views={view.owner.id: view for view in scopes},
        messages={message.id: message for message in definitions.messages},
        signals={signal.id: signal for signal in definitions.signals},
        errors={error.id: error for error in definitions.errors},
        escalations={escalation.id: escalation for escalation in definitions.escalations},
        global_tasks={task.id: task for task in definitions.global_tasks},
        scripts=scripts,
    )


def profile_of(definitions: Definitions) -> Profile:
    """`zeebe` where the document says so by namespace or platform, else `standard` (docs/design, §5)."""
    is_zeebe = definitions.uses_zeebe or definitions.execution_platform == "Camunda Cloud"
    return "zeebe" if is_zeebe else "standard"


def is_implicit_start(node: FlowNode, view: ScopeView) -> bool:
    """Whether a node without incoming flows begins when its scope does, in a scope without start events."""
    if node.id in view.incoming or is_instantiating(node):
        return False
    if isinstance(node, Gateway):
        return True
    if isinstance(node, Activity):
        return not node.triggered_by_event and not node.is_for_compensation
    if node.kind in {"boundaryEvent", "startEvent"}:
        return False
    return not is_link(node, "intermediateCatchEvent")


def handlers_of(resolved: Resolved, view: ScopeView, event: Event) -> list[Activity]:
    """The activities of the scope that associations tie to a compensation boundary event, whichever way they point."""
    drawn = [each for collaboration in resolved.definitions.collaborations for each in collaboration.associations]
    found: list[Activity] = []
    for each in (*view.scope.associations, *drawn):
        if event.id in {each.source, each.target}:
            node = view.nodes.get(each.target if each.source == event.id else each.source)
            if isinstance(node, Activity) and node.is_for_compensation and node not in found:
                found.append(node)
    return found


def definitions_named(resolved: Resolved, ref: str) -> list[EventDefinition]:
    """The event definition of an id: one of the document, or one that an event of the process holds."""
    own = (
        definition
        for view in resolved.scopes
        for node in view.scope.nodes
        if isinstance(node, Event)
        for definition in node.definitions
    )
    return [each for each in (*resolved.definitions.event_definitions, *own) if ref and each.id == ref][:1]


def is_instantiating(node: FlowNode) -> bool:
    """Whether what a receive task or an event-based gateway waits for starts the process (10.3.3, 10.6.6)."""
    return isinstance(node, Activity | Gateway) and node.instantiate


def is_link(event: Event, kind: str) -> bool:
    """Whether an event is a link of that kind."""
    return event.kind == kind and any(each.kind == "linkEventDefinition" for each in event.definitions)


def link_name(event: Event) -> str:
    """The name that pairs links: the definition's, else the one drawn beside the event."""
    return event.definitions[0].link_name.strip() or event.name.strip()


def _view(owner: Process | Activity, scope: Scope, parent: ScopeView | None) -> ScopeView:
    incoming: dict[str, list[SequenceFlow]] = {}
    outgoing: dict[str, list[SequenceFlow]] = {}
    for flow in scope.flows:
        outgoing.setdefault(flow.source, []).append(flow)
        incoming.setdefault(flow.target, []).append(flow)
    boundary: dict[str, list[Event]] = {}
    starts: list[Event] = []
    handlers: list[Activity] = []
    for node in scope.nodes:
        if isinstance(node, Event):
            if node.kind == "boundaryEvent":
                boundary.setdefault(node.attached_to, []).append(node)
            elif node.kind == "startEvent":
                starts.append(node)
        elif isinstance(node, Activity) and node.triggered_by_event:
            handlers.append(node)
    return ScopeView(
        owner=owner,
        parent=parent,
        scope=scope,
        nodes={node.id: node for node in scope.nodes},
        flows={flow.id: flow for flow in scope.flows},
        incoming=incoming,
        outgoing=outgoing,
        boundary=boundary,
        starts=tuple(starts),
        event_sub_processes=tuple(handlers),
    )
