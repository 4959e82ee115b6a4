"""Joins (BPMN 2.0.2, 13.4): a token that arrives goes on, waits for others, or waits until nothing else can move.

Parallel gateways and start quantities count; complex gateways ask their condition; inclusive gateways, and complex ones
that wait for their reset, are asked again when the agenda is empty, for only then is it known where all tokens are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from procession.base.values import Json
from procession.core import facts as f
from procession.core.context import Context
from procession.core.operations import ASK_GATEWAY
from procession.core.state import ElementInstance
from procession.core.tokens import begin, complete_if_empty
from procession.ir.kinds import Kind
from procession.ir.program import NONE, Node, Ref

Arrive: TypeAlias = Callable[[Context, ElementInstance, Node], None]


def enter(cx: Context, scope_key: int, node_index: Ref, token: int) -> None:
    """A token arrives at a node. At a join it waits until the join's rule is met."""
    scope = cx.state.elements.get(scope_key)
    if scope is None:
        return
    node = cx.nodes[node_index]
    if token:
        if node.start_quantity > 1:
            _quantity(cx, scope, node)
            return
        if len(node.incoming) > 1:
            arrive = ARRIVE.get(node.kind)
            if arrive is not None:
                arrive(cx, scope, node)
                return
    begin(cx, scope_key, node, bool(token))


def _quantity(cx: Context, scope: ElementInstance, node: Node) -> None:
    """An activity begins once its start quantity of tokens has come, over whatever flows (10.3.1)."""
    arrived = scope.arrived or {}
    tokens = [flow for flow in node.incoming for _ in range(arrived.get(flow, 0))]
    if len(tokens) >= node.start_quantity:
        cx.write(f.TokensMerged(scope.key, node.index, tuple(tokens[: node.start_quantity])))
        begin(cx, scope.key, node, False)


def _parallel(cx: Context, scope: ElementInstance, node: Node) -> None:
    arrived = scope.arrived or {}
    if all(flow in arrived for flow in node.incoming):
        cx.write(f.TokensMerged(scope.key, node.index, node.incoming))
        begin(cx, scope.key, node, False)


def _inclusive(cx: Context, scope: ElementInstance, node: Node) -> None:
    """Decided when nothing else can move."""


def _complex(cx: Context, scope: ElementInstance, node: Node) -> None:
    """A complex gateway that waits for its start asks its condition at each token (13.4.5)."""
    if node.activation == NONE or node.index in (scope.gates or {}):
        return
    arrived = scope.arrived or {}
    taken = tuple([flow for flow in node.incoming if flow in arrived])
    tokens = sum(arrived[flow] for flow in taken)
    what: dict[str, Json] = {"activationCount": tokens, "waitingForStart": True}
    if taken and cx.truth(node.activation, scope, f"activation condition of {node.id}", what):
        cx.write(f.GatewayActivated(scope.key, node.index, taken))
        _begin_complex(cx, scope, node, what)


def _begin_complex(cx: Context, scope: ElementInstance, node: Node, what: dict[str, Json]) -> None:
    element = begin(cx, scope.key, node, False)
    # The conditions of the outgoing flows may ask for it.
    cx.write(f.TransitionHeld(element.key, ["gateway", what]))


ARRIVE: Final[dict[Kind, Arrive]] = {
    Kind.PARALLEL_GATEWAY: _parallel,
    Kind.INCLUSIVE_GATEWAY: _inclusive,
    Kind.COMPLEX_GATEWAY: _complex,
}
"""What a token at a node with several incoming flows means; other nodes begin with each token."""


def fire_waiting(cx: Context) -> bool:
    """Lets one join go on that waited for all else to stand still, if one can."""
    for scope_key, node_index in cx.state.joins:
        scope = cx.state.elements[scope_key]
        node = cx.nodes[node_index]
        arrived = scope.arrived or {}
        had = (scope.gates or {}).get(node_index)
        if had is not None:
            if _fire_reset(cx, scope, node, had):
                return True
            continue
        if node.kind is Kind.COMPLEX_GATEWAY and node.activation != NONE:
            continue  # its condition was asked when the token came
        taken = tuple(flow for flow in node.incoming if flow in arrived)
        if taken and _nothing_else_arrives(cx, scope, node, taken):
            cx.write(f.TokensMerged(scope_key, node_index, taken))
            begin(cx, scope_key, node, False)
            return True
    return False


def _fire_reset(cx: Context, scope: ElementInstance, node: Node, had: tuple[Ref, ...]) -> bool:
    """A complex gateway is reset when each flow it had no token of has one, or cannot get one any more (13.4.5)."""
    arrived = scope.arrived or {}
    late = tuple([flow for flow in node.incoming if flow not in had and flow in arrived])
    if not _nothing_else_arrives(cx, scope, node, tuple(dict.fromkeys((*had, *late)))):
        return False
    cx.write(f.GatewayReset(scope.key, node.index, late))
    if any(cx.linked.flows[flow].condition != NONE for flow in node.outgoing):
        _begin_complex(cx, scope, node, {"activationCount": len(late), "waitingForStart": False})
    else:
        # A flow without a condition belongs to the activation: the tokens that come later end here.
        complete_if_empty(cx, scope)
    # Tokens that came while the gateway waited for its reset may be enough for its next start.
    if any(flow in (scope.arrived or {}) for flow in node.incoming):
        cx.agenda.append((ASK_GATEWAY, scope.key, node.index))
    return True


def ask_gateway(cx: Context, scope_key: int, node_index: Ref) -> None:
    """The activation condition of a complex gateway, after its reset."""
    scope = cx.state.elements.get(scope_key)
    if scope is not None:
        _complex(cx, scope, cx.nodes[node_index])


def _nothing_else_arrives(cx: Context, scope: ElementInstance, node: Node, taken: tuple[Ref, ...]) -> bool:
    """BPMN 2.0.2, 13.4.3: a token that reaches a flow without a token holds the join back, unless it also reaches
    a flow that has one. Without the exception two joins in one loop would wait for each other for ever.
    """
    open_reach: set[int] = set()
    taken_reach: set[int] = set()
    for flow, reach in zip(node.incoming, node.reach, strict=True):
        (taken_reach if flow in taken else open_reach).update(reach)
    holding = open_reach - taken_reach
    if not holding:
        return True
    if any(child.node in holding for child in (scope.children or {}).values()):
        return False
    flows = cx.linked.flows
    arrived = scope.arrived or {}
    return not any(flows[flow].target in holding and flows[flow].target != node.index for flow in arrived)
