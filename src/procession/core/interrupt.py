"""Interruption: ending element instances from outside, as one transition (BPMN 2.0.2, 13.3.4, 13.5).

No expression is evaluated here, so nothing can fail half-way. The walk is iterative: depth costs no stack.
"""

from __future__ import annotations

from typing import Final

from procession.base.values import Json
from procession.core import facts as f
from procession.core.commands import CancelChild, Finish, TellParent
from procession.core.context import Context
from procession.core.events import ChildTerminated
from procession.core.operations import ACTIVATE, COMPLETE, ENTER, SPAWN
from procession.core.state import ElementInstance
from procession.core.tokens import begin, close_wait, close_waits, next_of
from procession.core.variables import receive
from procession.ir.kinds import Kind
from procession.ir.program import Node

_INTO_SCOPE: Final = (ENTER, SPAWN)


def terminate(cx: Context, top: ElementInstance) -> None:
    """Terminates an element instance and all inside it, children before parents."""
    order: list[ElementInstance] = []
    stack = [top]
    while stack:
        element = stack.pop()
        order.append(element)
        if element.children:
            stack.extend(element.children.values())
    for element in reversed(order):
        close_waits(cx, element)
        if element.child:
            cx.send(CancelChild(element.child))
        cx.write(f.ElementTerminated(element.key))


def terminate_children(cx: Context, scope: ElementInstance) -> None:
    """Terminates all inside a scope and drops its tokens; the scope itself goes on."""
    for child in list((scope.children or {}).values()):
        terminate(cx, child)
    # What this step still wanted to let into the scope was part of what is interrupted.
    stale = [op for op in cx.agenda if op[0] in _INTO_SCOPE and op[1] == scope.key]
    for op in stale:
        cx.agenda.remove(op)
    if scope.tokens or scope.arrived:
        cx.write(f.ScopeInterrupted(scope.key))


def cancel(cx: Context, reason: str) -> None:
    """Cancels the whole instance."""
    state = cx.state
    root = state.root
    assert root is not None
    variables = dict(root.variables or {})
    terminate(cx, root)
    cx.write(f.InstanceTerminated(reason))
    cx.agenda.clear()
    cx.send(Finish("terminated", variables))
    if state.parent_instance:
        gone = ChildTerminated(state.parent_element, state.instance)
        cx.send(TellParent(state.parent_instance, gone))


def catch(cx: Context, element: ElementInstance, node: Node, variables: dict[str, Json]) -> None:
    """`node`'s trigger happened to `element`, which subscribed it: the row of its kind decides what follows."""
    if node.kind is Kind.BOUNDARY_EVENT:
        _boundary(cx, element, node, variables)
    elif node.kind is Kind.START_EVENT:
        _event_sub_process(cx, element, node, variables)
    elif cx.nodes[element.node].kind is Kind.EVENT_BASED_GATEWAY:
        _event_gateway(cx, element, node, variables)
    else:
        receive(cx, element, variables)
        cx.agenda.append((COMPLETE, element.key))


def _boundary(cx: Context, host: ElementInstance, node: Node, variables: dict[str, Json]) -> None:
    scope = host.scope
    assert scope is not None
    if node.interrupting:
        terminate(cx, host)
    pass_event(cx, scope.key, node, variables, token=False)


def _event_sub_process(cx: Context, scope: ElementInstance, node: Node, variables: dict[str, Json]) -> None:
    sub_process = cx.nodes[node.scope]
    if node.interrupting:
        _close_event_sub_processes(cx, scope)
        terminate_children(cx, scope)
    key = cx.new_key()
    cx.write(f.ElementEntered(key, sub_process.index, scope.key, False))
    following = next_of(sub_process)
    if following == ACTIVATE and not sub_process.catches:
        pass_event(cx, key, node, variables, token=False)
        return
    # What it subscribes and maps may fail, so that is an operation of its own; the event waits for it.
    cx.write(f.TransitionHeld(key, ["event", node.index, variables]))
    cx.agenda.append((following, key))


def _close_event_sub_processes(cx: Context, scope: ElementInstance) -> None:
    """An interrupted scope starts no further event sub-process; its boundary events stay."""
    state = cx.state
    for wait in list(scope.waits or ()):
        timer, subscription = state.timers.get(wait), state.subscriptions.get(wait)
        waiting = timer or subscription
        if waiting is not None and cx.nodes[waiting.node].kind is Kind.START_EVENT:
            close_wait(cx, wait)
            cx.write(f.WaitClosed(wait))


def _event_gateway(cx: Context, gateway: ElementInstance, node: Node, variables: dict[str, Json]) -> None:
    scope = gateway.scope
    assert scope is not None
    chosen = next(flow for flow in cx.nodes[gateway.node].outgoing if cx.linked.flows[flow].target == node.index)
    close_waits(cx, gateway)
    cx.write(f.ElementCompleted(gateway.key))
    cx.write(f.FlowTaken(chosen, scope.key))
    pass_event(cx, scope.key, node, variables, token=True)


def pass_event(cx: Context, scope: int, node: Node, variables: dict[str, Json], *, token: bool) -> None:
    """An event whose trigger happened already: entered, given its variables, and completed next."""
    event = begin(cx, scope, node, token)
    cx.agenda.pop()
    receive(cx, event, variables)
    cx.agenda.append((COMPLETE, event.key))
