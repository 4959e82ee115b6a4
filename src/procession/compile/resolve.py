"""The first pass: which scopes a process has, what flows connect in each, and what references name.

It finds and indexes; it judges nothing. What does not exist is simply not in the tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import msgspec

from procession.base.diagnostics import Severity
from procession.compile.items import Item, items_of
from procession.compile.messages import Ends, ends_of, message_of
from procession.compile.profiles import SEVERITIES, Line, Profile
from procession.compile.scripting import Scripting
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
    items: dict[str, Item]
    """The data elements of the process by id."""
    has_data: bool
    """Whether data elements are executed: in documents made for Camunda 8 they are drawings beside the mappings."""
    ends: Ends
    lanes: dict[str, tuple[str, ...]]
    """The names of the lanes around a flow node, the outermost first."""

    def moves_data(self, node: Activity | Event) -> bool:
        """Whether the data associations of an element are executed: mappings beside them come first."""
        return self.has_data and not (node.extension.inputs or node.extension.outputs)

    def message(self, node: Activity | Event, ref: str) -> Message | None:
        """The message that an element means by `ref`, or by its message flows; None when nothing says."""
        return message_of(self.messages, self.ends, node, ref)

    scripts: Mapping[str, str]
    """The script formats that the host has a worker for, and the type of its jobs."""
    scripting: Scripting | None
    """Who can read scripts; None where nobody can."""

    def severity(self, line: Line) -> Severity | None:
        """What a rule that depends on the profile is in this document; None where it does not hold."""
        return SEVERITIES[line][self.profile]


def resolve(
    definitions: Definitions, process: Process, scripts: Mapping[str, str], scripting: Scripting | None = None
) -> Resolved:
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
        items=items_of(definitions, process, [(view.owner.id, view.scope) for view in scopes]),
        has_data=definitions.execution_platform != "Camunda Cloud",
        ends=ends_of(definitions),
        lanes=_lanes(scopes),
        scripts=scripts,
        scripting=scripting,
    )


def _lanes(scopes: list[ScopeView]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for view in scopes:
        # A sub-process stands in the lanes of its parent, and so does what it contains.
        around = found.get(view.owner.id, ())
        found.update(dict.fromkeys(view.nodes, around))
        waiting = [(lane, around) for lanes in reversed(view.scope.lane_sets) for lane in reversed(lanes.lanes)]
        while waiting:
            lane, outer = waiting.pop()
            names = (*outer, lane.name or lane.id)
            found.update((ref, names) for ref in lane.node_refs if len(names) > len(found.get(ref, ())))
            waiting += [(inner, names) for inner in reversed(lane.lanes)]
    return found


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
