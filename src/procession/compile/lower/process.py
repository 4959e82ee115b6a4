"""A whole process to nodes and flows: every scope in the order of the document, each element by its family's row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

import msgspec
from msgspec.structs import replace

from procession.compile.expressions import Site
from procession.compile.lower.activities import ACTIVITIES
from procession.compile.lower.data import data_of_process, with_data
from procession.compile.lower.events import event, parts
from procession.compile.lower.gateways import gateway
from procession.compile.lower.lowering import Lowering, Place
from procession.compile.lower.multi_instance import body, standard, thrown_events
from procession.compile.lower.parts import EXECUTION_EVENTS, listeners, plain
from procession.compile.resolve import ScopeView
from procession.ir.kinds import Kind
from procession.ir.program import NONE, Flow, Node, Ref
from procession.model.bpmn import Activity, FlowNode, Gateway, MultiInstance
from procession.model.events import Event


@final
class Lowered(msgspec.Struct, kw_only=True):
    """Nodes and flows before they are linked. `outer` is the node that flows lead to, by id: the body of a
    multi-instance activity; `inner` is the activity itself. `drawn` runs beside `nodes`."""

    nodes: list[Node]
    drawn: list[FlowNode | None]
    views: list[ScopeView]
    flows: list[Flow]
    outer: dict[str, Ref]
    inner: dict[str, Ref]
    numbers: dict[str, Ref]
    """The flows by id."""


def lower_process(low: Lowering) -> Lowered:
    """All nodes of a process. Elements without a row have been refused by the checks and are left out."""
    process = low.resolved.process
    span = process.span
    root = Node(
        0,
        process.id,
        Kind.PROCESS,
        "process",
        process.name,
        listeners=listeners(low, process.id, process.extension.execution_listeners, EXECUTION_EVENTS),
        line=span.line,
        column=span.column,
        data=data_of_process(low, process),
    )
    view = low.resolved.scopes[0]
    lowered = Lowered(
        nodes=[root],
        drawn=[None],
        views=[view],
        flows=[],
        outer={process.id: 0},
        inner={process.id: 0},
        numbers={},
    )
    order: list[ScopeView] = [view]
    waiting: list[tuple[Iterator[FlowNode], Ref, ScopeView]] = [(iter(view.scope.nodes), 0, view)]
    while waiting:
        elements, scope, view = waiting[-1]
        drawn = next(elements, None)
        if drawn is None:
            waiting.pop()
            continue
        ref = _append(low, lowered, drawn, (scope, view))
        if isinstance(drawn, Activity) and drawn.scope is not None and ref != NONE:
            inside = low.resolved.views[drawn.id]
            order.append(inside)
            # What is in an ad-hoc sub-process is in one of its activations.
            within = lowered.nodes[ref].inner if lowered.nodes[ref].kind is Kind.AD_HOC_SUB_PROCESS else ref
            waiting.append((iter(drawn.scope.nodes), within, inside))
    for view in order:
        _append_flows(low, lowered, view)
    return lowered


def _append(low: Lowering, lowered: Lowered, drawn: FlowNode, where: tuple[Ref, ScopeView]) -> Ref:
    """Adds an element's nodes; the index of the element itself, or NONE."""
    scope, view = where
    if lowered.nodes[scope].kind is Kind.AD_HOC_ACTIVATION and isinstance(drawn, Activity) and drawn.triggered_by_event:
        scope = lowered.nodes[scope].scope
    outer = len(lowered.nodes)
    nodes = _nodes(low, drawn, Place(outer, scope, view))
    for node in nodes:
        lowered.nodes.append(node)
        lowered.drawn.append(drawn)
        lowered.views.append(view)
    if not nodes:
        return NONE
    inner = outer + (1 if isinstance(drawn, Activity) and drawn.loop is not None else 0)
    lowered.outer[drawn.id] = outer
    lowered.inner[drawn.id] = inner
    return inner


def _nodes(low: Lowering, drawn: FlowNode, place: Place) -> list[Node]:
    """The nodes of an element: a loop's body before the activity, the parts of an event behind it."""
    outer = place.index
    following = Place(outer + 1, place.scope, place.view)
    if isinstance(drawn, Activity):
        found = _activity(low, drawn, place)
        if found:
            start, completion = _quantity(drawn.start_quantity), _quantity(drawn.completion_quantity)
            found[0] = replace(found[0], start_quantity=start, completion_quantity=completion)
        return found
    node = _node(low, drawn, place)
    if node is None:
        return []
    if not isinstance(drawn, Event) or len(drawn.definitions) < 2:
        return [node]
    hidden = parts(low, drawn, node, following)
    return [replace(node, parts=tuple([each.index for each in hidden])), *hidden]


def _activity(low: Lowering, drawn: Activity, place: Place) -> list[Node]:
    loop = drawn.loop
    if loop is None:
        return _itself(low, drawn, place)
    own = _itself(low, drawn, Place(place.index + 1, place.index, place.view))
    if not own:
        return []
    if not isinstance(loop, MultiInstance):
        return [standard(low, drawn, loop, place), *own]
    behind = Place(place.index + 1 + len(own), place.scope, place.view)
    hidden, thrown = thrown_events(low, drawn, loop, behind)
    return [replace(body(low, drawn, loop, place), thrown=thrown), *own, *hidden]


def _itself(low: Lowering, drawn: Activity, place: Place) -> list[Node]:
    """The activity; behind an ad-hoc sub-process stands its activation, the scope of what is in it."""
    node = _node(low, drawn, place)
    if node is None:
        return []
    if node.kind is not Kind.AD_HOC_SUB_PROCESS:
        return [node]
    return [node, plain(drawn, Place(node.inner, node.index, place.view), Kind.AD_HOC_ACTIVATION)]


def _quantity(text: str) -> int:
    """A number of tokens; what is no such number was refused."""
    return int(text) if text.strip().isdecimal() else 1


def _node(low: Lowering, drawn: FlowNode, place: Place) -> Node | None:
    if isinstance(drawn, Gateway):
        return gateway(low, drawn, place)
    if isinstance(drawn, Activity):
        lower = ACTIVITIES.get(drawn.kind)
        node = None if lower is None else lower(low, drawn, place)
    else:
        node = event(low, drawn, place)
    return None if node is None else with_data(low, drawn, node)


def _append_flows(low: Lowering, lowered: Lowered, view: ScopeView) -> None:
    for drawn in view.scope.flows:
        source, target = lowered.outer.get(drawn.source), lowered.outer.get(drawn.target)
        if source is None or target is None:
            continue
        condition = NONE
        if drawn.condition is not None:
            at = Site(drawn.id, "condition", drawn.condition.span)
            condition = low.expressions.formal(drawn.condition, at)
        lowered.numbers[drawn.id] = len(lowered.flows)
        lowered.flows.append(Flow(len(lowered.flows), drawn.id, source, target, condition))
