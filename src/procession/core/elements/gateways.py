"""Gateways (BPMN 2.0.2, 13.4). They never wait; joins count where flows are taken (tokens.py)."""

from __future__ import annotations

from typing import cast

from procession.base.failure import Failure
from procession.base.values import Json
from procession.core.context import Context
from procession.core.operations import COMPLETE, LEAVE
from procession.core.state import ElementInstance
from procession.ir.kinds import Kind
from procession.ir.program import ALTERED_IR, NONE, Node, Ref


def gateway_enter(cx: Context, node: Node, element: ElementInstance) -> None:
    """Entered and left in one step; by now a join has its tokens."""
    cx.agenda.append((COMPLETE if node.listeners else LEAVE, element.key))


def outgoing(cx: Context, node: Node, element: ElementInstance) -> tuple[Ref, ...]:
    """The flows that a leaving element takes. Raises `Failure("no-flow")` when a choice has no answer."""
    if node.kind is Kind.EXCLUSIVE_GATEWAY:
        return (_first_true(cx, node, element),) if node.outgoing else ()
    if node.kind is Kind.INCLUSIVE_GATEWAY:
        return _all_true(cx, node, element) if len(node.outgoing) > 1 or _conditional(cx, node) else node.outgoing
    if node.kind is Kind.COMPLEX_GATEWAY:
        return _of_complex(cx, node, element)
    if node.kind is Kind.PARALLEL_GATEWAY or not _conditional(cx, node):
        return node.outgoing
    return _all_true(cx, node, element)


def _of_complex(cx: Context, node: Node, element: ElementInstance) -> tuple[Ref, ...]:
    """At its activation a complex gateway decides like an inclusive one. At its reset only flows whose conditions are
    true are taken, and it may be none (13.4.5)."""
    held = cast("tuple[str, dict[str, Json]] | None", element.held)
    what: dict[str, Json] = held[1] if held is not None else {"activationCount": 1, "waitingForStart": True}
    if what["waitingForStart"] is True:
        return _all_true(cx, node, element, what)
    flows = cx.linked.flows
    return tuple(
        [
            ref
            for ref in node.outgoing
            if (condition := flows[ref].condition) != NONE
            and cx.truth(condition, element, f"condition of {flows[ref].id}", what)
        ]
    )


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


def _all_true(
    cx: Context, node: Node, element: ElementInstance, overlay: dict[str, Json] | None = None
) -> tuple[Ref, ...]:
    flows = cx.linked.flows
    taken = [
        ref
        for ref in node.outgoing
        if ref != node.default
        and (
            (condition := flows[ref].condition) == NONE
            or cx.truth(condition, element, f"condition of {flows[ref].id}", overlay)
        )
    ]
    is_altered = cx.linked.program.ir_version >= ALTERED_IR
    if is_altered and node.default != NONE and not any(flows[ref].condition != NONE for ref in taken):
        # The default flow stands for all conditions being false; what has no condition is taken beside it (13.2).
        taken.append(node.default)
    if taken or not node.outgoing:
        return tuple(taken)
    if node.default == NONE:
        raise Failure("no-flow", f"no condition after {node.id} is true and it has no default flow")
    return (node.default,)


def _conditional(cx: Context, node: Node) -> bool:
    return node.index in cx.linked.conditional
