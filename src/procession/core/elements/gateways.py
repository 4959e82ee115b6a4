"""Gateways (BPMN 2.0.2, 13.4). They never wait; joins count where flows are taken (tokens.py)."""

from __future__ import annotations

from procession.base.failure import Failure
from procession.core.context import Context
from procession.core.operations import COMPLETE, LEAVE
from procession.core.state import ElementInstance
from procession.ir.kinds import Kind
from procession.ir.program import NONE, Node, Ref


def gateway_enter(cx: Context, node: Node, element: ElementInstance) -> None:
    """Entered and left in one step; by now a join has its tokens."""
    cx.agenda.append((COMPLETE if node.listeners else LEAVE, element.key))


def outgoing(cx: Context, node: Node, element: ElementInstance) -> tuple[Ref, ...]:
    """The flows that a leaving element takes. Raises `Failure("no-flow")` when a choice has no answer."""
    if node.kind is Kind.EXCLUSIVE_GATEWAY:
        return (_first_true(cx, node, element),) if node.outgoing else ()
    if node.kind is Kind.INCLUSIVE_GATEWAY:
        return _all_true(cx, node, element) if len(node.outgoing) > 1 or _conditional(cx, node) else node.outgoing
    if node.kind is Kind.PARALLEL_GATEWAY or not _conditional(cx, node):
        return node.outgoing
    return _all_true(cx, node, element)


def _first_true(cx: Context, node: Node, element: ElementInstance) -> Ref:
    flows = cx.linked.flows
    for ref in node.outgoing:
        if ref == node.default:
            continue
        flow = flows[ref]
        if flow.condition == NONE or cx.truth(flow.condition, element, f"condition of {flow.id}"):
            return ref
    if node.default == NONE:
        raise Failure("no-flow", f"no condition of gateway {node.id} is true and it has no default flow")
    return node.default


def _all_true(cx: Context, node: Node, element: ElementInstance) -> tuple[Ref, ...]:
    flows = cx.linked.flows
    taken = [
        ref
        for ref in node.outgoing
        if ref != node.default
        and (flows[ref].condition == NONE or cx.truth(flows[ref].condition, element, f"condition of {flows[ref].id}"))
    ]
    if taken:
        return tuple(taken)
    if node.default == NONE:
        raise Failure("no-flow", f"no condition after {node.id} is true and it has no default flow")
    return (node.default,)


def _conditional(cx: Context, node: Node) -> bool:
    return node.index in cx.linked.conditional
