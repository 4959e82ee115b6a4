"""The last pass: references between nodes become indexes, and what joins and waits need is worked out.

It runs only on a process without errors, so everything that a node refers to is there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias, final

import msgspec
from msgspec.structs import replace

from procession.compile.expressions import Expressions
from procession.compile.lower.process import Lowered
from procession.compile.resolve import Resolved, ScopeView, handlers_of, is_implicit_start, is_link, link_name
from procession.ir.kinds import Kind
from procession.ir.program import (
    DMN_SEMANTICS,
    FEEL_SEMANTICS,
    IR_VERSION,
    NONE,
    CompensateTrigger,
    LinkTrigger,
    Node,
    NoneTrigger,
    Program,
    Ref,
)
from procession.model.bpmn import FlowNode
from procession.model.events import Event

WAITING_ITSELF: Final = frozenset({Kind.INTERMEDIATE_CATCH_EVENT, Kind.RECEIVE_TASK})
_LATE_JOINS: Final = frozenset({Kind.INCLUSIVE_GATEWAY, Kind.COMPLEX_GATEWAY})
SCOPES: Final = frozenset(
    {Kind.PROCESS, Kind.SUB_PROCESS, Kind.EVENT_SUB_PROCESS, Kind.TRANSACTION, Kind.AD_HOC_ACTIVATION}
)
"""What starts its content itself."""
HANDLING: Final = (SCOPES - {Kind.AD_HOC_ACTIVATION}) | {Kind.AD_HOC_SUB_PROCESS}
"""What event sub-processes can be in."""

Changes: TypeAlias = dict[str, object]


@final
class _Linking(msgspec.Struct, frozen=True):
    """What linking a node looks at: the process, its nodes, and the catching links by scope and name."""

    resolved: Resolved
    lowered: Lowered
    links: dict[tuple[str, str], Ref]


def link(resolved: Resolved, lowered: Lowered, expressions: Expressions) -> Program:
    """The program of a process whose checks passed."""
    linking = _Linking(resolved, lowered, _links(lowered))
    nodes = [_linked(linking, node) for node in lowered.nodes]
    process = resolved.process
    triggered = [ref for node in nodes if node.scope == 0 for ref in _triggers_of_start(nodes, lowered, node)]
    return Program(
        ir_version=IR_VERSION,
        process_id=process.id,
        name=process.name,
        version_tag=process.version_tag,
        profile=resolved.profile,
        feel=FEEL_SEMANTICS,
        dmn=DMN_SEMANTICS,
        source_digest=resolved.definitions.digest,
        nodes=tuple(nodes),
        flows=tuple(lowered.flows),
        expressions=tuple(expressions.table),
        triggered_starts=tuple(triggered),
    )


def _triggers_of_start(nodes: list[Node], lowered: Lowered, node: Node) -> tuple[Ref, ...]:
    """The nodes whose trigger starts the process, of a start event or an instantiating element (10.5.2, 10.6.6)."""
    if node.kind is Kind.START_EVENT:
        return node.parts or (() if isinstance(node.trigger, NoneTrigger) else (node.index,))
    if not node.instantiate:
        return ()
    if node.kind is Kind.RECEIVE_TASK:
        return (node.index,)
    targets = [nodes[lowered.flows[flow].target] for flow in node.outgoing]
    return tuple([ref for target in targets for ref in target.parts or (target.index,)])


def _linked(linking: _Linking, node: Node) -> Node:
    lowered = linking.lowered
    drawn = lowered.drawn[node.index]
    view = lowered.views[node.index]
    changes: Changes = {}
    if drawn is not None and lowered.outer[drawn.id] == node.index:
        numbers = lowered.numbers
        incoming = tuple([numbers[flow.id] for flow in view.incoming.get(drawn.id, ())])
        outgoing = tuple([numbers[flow.id] for flow in view.outgoing.get(drawn.id, ())])
        changes |= {"incoming": incoming, "outgoing": outgoing}
        if not isinstance(drawn, Event) and drawn.default:
            changes["default"] = numbers[drawn.default]
        if isinstance(drawn, Event) and drawn.attached_to:
            changes["attached"] = lowered.outer[drawn.attached_to]
        if node.kind in _LATE_JOINS and len(incoming) > 1:
            changes["reach"] = _reach(linking, view, drawn)
    catches = _catches(linking, node, drawn, view)
    if catches:
        changes["catches"] = catches
    if node.kind in SCOPES:
        changes["starts"] = _starts(linking, node)
    if isinstance(drawn, Event) and isinstance(node.trigger, CompensateTrigger):
        changes["trigger"] = _compensation(linking, drawn, view, node.trigger)
    if isinstance(drawn, Event) and is_link(drawn, "intermediateThrowEvent"):
        changes["trigger"] = LinkTrigger(linking.links[view.owner.id, link_name(drawn)])
    return replace(node, **changes) if changes else node


# --- what is subscribed -----------------------------------------------------------------------------------------------


def _catches(linking: _Linking, node: Node, drawn: FlowNode | None, view: ScopeView) -> tuple[Ref, ...]:
    lowered = linking.lowered
    found: list[Ref] = []
    if node.kind in WAITING_ITSELF and not isinstance(node.trigger, LinkTrigger):
        found.append(node.index)
    if node.kind is Kind.TRIGGER:
        return ()
    if drawn is not None and node.index == lowered.outer[drawn.id]:
        found += [lowered.outer[event.id] for event in view.boundary.get(drawn.id, ())]
    if node.kind in HANDLING:
        inside = linking.resolved.views[node.id]
        handlers = [linking.resolved.views[each.id] for each in inside.event_sub_processes]
        found += [lowered.outer[start.id] for handler in handlers for start in handler.starts]
    if node.kind is Kind.EVENT_BASED_GATEWAY and drawn is not None:
        found += [lowered.outer[flow.target] for flow in view.outgoing.get(drawn.id, ())]
    # An event with several definitions waits for each of them.
    return tuple([ref for each in found for ref in lowered.nodes[each].parts or (each,)])


# --- what starts ------------------------------------------------------------------------------------------------------


def _starts(linking: _Linking, node: Node) -> tuple[Ref, ...]:
    """The start event; without any, all that no flow leads to (BPMN 2.0.2, 13.2 and 13.3.4)."""
    lowered = linking.lowered
    view = linking.resolved.views[node.id]
    if node.kind is Kind.EVENT_SUB_PROCESS:
        return tuple([lowered.outer[start.id] for start in view.starts])
    if view.starts:
        return tuple([lowered.outer[start.id] for start in view.starts if not start.definitions])
    return tuple([lowered.outer[each.id] for each in view.scope.nodes if is_implicit_start(each, view)])


# --- links ------------------------------------------------------------------------------------------------------------


def _links(lowered: Lowered) -> dict[tuple[str, str], Ref]:
    found: dict[tuple[str, str], Ref] = {}
    for node, drawn, view in zip(lowered.nodes, lowered.drawn, lowered.views, strict=True):
        if isinstance(drawn, Event) and is_link(drawn, "intermediateCatchEvent"):
            found[view.owner.id, link_name(drawn)] = node.index
    return found


# --- compensation -----------------------------------------------------------------------------------------------------


def _compensation(linking: _Linking, drawn: Event, view: ScopeView, trigger: CompensateTrigger) -> CompensateTrigger:
    """The activity that a throw names, and the handler that an association ties to a boundary event."""
    lowered = linking.lowered
    if drawn.kind == "boundaryEvent":
        handler = next((lowered.outer[each.id] for each in handlers_of(linking.resolved, view, drawn)), NONE)
        return replace(trigger, handler=handler)
    ref = drawn.definitions[0].ref
    return replace(trigger, activity=lowered.inner.get(ref, NONE)) if ref else trigger


# --- inclusive joins --------------------------------------------------------------------------------------------------


def _reach(linking: _Linking, view: ScopeView, join: FlowNode) -> tuple[tuple[Ref, ...], ...]:
    """Per incoming flow of a join: the nodes from which a token can still come over that flow (13.4.3)."""
    before = _before(view)
    outer = linking.lowered.outer
    result: list[tuple[Ref, ...]] = []
    for flow in view.incoming[join.id]:
        seen = {flow.source} - {join.id}
        waiting = list(seen)
        while waiting:
            for source in before(waiting.pop()):
                if source != join.id and source not in seen:
                    seen.add(source)
                    waiting.append(source)
        result.append(tuple(sorted(outer[id] for id in seen)))
    return tuple(result)


def _before(view: ScopeView) -> Callable[[str], list[str]]:
    """From which nodes a token gets to a node: over flows, out of an activity by its boundary event, over links."""
    throws: dict[str, list[str]] = {}
    for node in view.scope.nodes:
        if isinstance(node, Event) and is_link(node, "intermediateThrowEvent"):
            throws.setdefault(link_name(node), []).append(node.id)

    def before(id: str) -> list[str]:
        found = [flow.source for flow in view.incoming.get(id, ())]
        node = view.nodes[id]
        if isinstance(node, Event):
            if node.attached_to:
                found.append(node.attached_to)
            elif is_link(node, "intermediateCatchEvent"):
                found += throws.get(link_name(node), [])
        return found

    return before
