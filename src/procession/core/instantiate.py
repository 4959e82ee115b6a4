"""How the event that started an instance enters it (BPMN 2.0.2, 10.5.2, 10.6.6, 13.2): by a start event, one of its
definitions, a receive task, or what stands behind an event-based gateway.
"""

from __future__ import annotations

from procession.base.values import Json
from procession.core import facts as f
from procession.core.context import Context
from procession.core.interrupt import event_of, pass_event
from procession.core.linked import Linked
from procession.core.operations import AWAIT
from procession.core.state import ElementInstance
from procession.core.tokens import begin, take
from procession.ir.kinds import Kind
from procession.ir.program import Node


def begin_by_event(cx: Context, root: ElementInstance, trigger: Node, received: dict[str, Json]) -> None:
    """The process begins at the node whose trigger happened. What must happen too is waited for."""
    event = event_of(cx, trigger)
    if event.kind is Kind.START_EVENT:
        if event.parallel:
            _part_of_start(cx, root, trigger, received)
        elif received or event.outputs:
            pass_event(cx, root.key, event, received, token=False)
        else:
            cx.enter(root.key, event.index)
        return
    gateway = _gateway_before(cx, event)
    if gateway is None:
        pass_event(cx, root.key, event, received, token=False)
        return
    element = begin(cx, root.key, gateway, False)
    cx.agenda.pop()
    chosen = next(flow for flow in gateway.outgoing if cx.linked.flows[flow].target == event.index)
    cx.write(f.ElementCompleted(element.key))
    if gateway.parallel:
        # The others are waited for, each behind its own flow; the process ends once all of them happened.
        take(cx, root, tuple([flow for flow in gateway.outgoing if flow != chosen]))
    cx.write(f.FlowTaken(chosen, root.key))
    pass_event(cx, root.key, event, received, token=True)


def needs_more(linked: Linked, trigger: Node) -> bool:
    """Whether what starts a process by this node must be followed by something else that it needs as well."""
    event = linked.nodes[trigger.attached] if trigger.kind is Kind.TRIGGER else trigger
    if event.kind is Kind.START_EVENT:
        return event.parallel
    sources = (linked.nodes[linked.flows[flow].source] for flow in event.incoming)
    return any(each.instantiate and each.parallel for each in sources)


def _part_of_start(cx: Context, root: ElementInstance, trigger: Node, received: dict[str, Json]) -> None:
    """A parallel multiple start event: the first of its definitions makes the instance, which waits for the others."""
    event = cx.nodes[trigger.attached]
    element = begin(cx, root.key, event, False)
    cx.agenda.pop()
    cx.write(f.TriggerHappened(element.key, trigger.index, received))
    cx.agenda.append((AWAIT, element.key))


def _gateway_before(cx: Context, event: Node) -> Node | None:
    for flow in event.incoming:
        source = cx.nodes[cx.linked.flows[flow].source]
        if source.kind is Kind.EVENT_BASED_GATEWAY and source.instantiate:
            return source
    return None
