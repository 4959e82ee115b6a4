"""Tokens: how an element is begun and left, and when a scope is empty (BPMN 2.0.2, 13.2). Joins are in `joins`."""

from __future__ import annotations

from procession.core import facts as f
from procession.core.commands import (
    ClearTimer,
    CloseIncident,
    CloseJob,
    CloseTask,
    Finish,
    TellParent,
    Unsubscribe,
)
from procession.core.context import Context
from procession.core.events import ChildCompleted
from procession.core.operations import ACTIVATE, COMPENSATE, COMPLETE, ENTER, GO_ON, PREPARE
from procession.core.state import ElementInstance, Stage
from procession.ir.kinds import Kind, ListenerEvent
from procession.ir.program import Node, Ref


def begin(cx: Context, scope_key: int, node: Node, token: bool) -> ElementInstance:
    """Makes the element instance and puts its next operation on the agenda."""
    key = cx.new_key()
    cx.write(f.ElementEntered(key, node.index, scope_key, token))
    cx.agenda.append((next_of(node), key))
    return cx.state.elements[key]


def next_of(node: Node) -> int:
    """What follows entering: nodes with input mappings or start listeners are prepared first."""
    if node.inputs or node.data is not None:
        return PREPARE
    if node.listeners and any(listener.event is ListenerEvent.START for listener in node.listeners):
        return PREPARE
    return ACTIVATE


def leave(cx: Context, element: ElementInstance, flows: tuple[Ref, ...]) -> None:
    """Ends an element instance and takes flows. Without any, the scope may be empty and complete."""
    scope = element.scope
    assert scope is not None
    end(cx, element)
    if flows:
        quantity = cx.nodes[element.node].completion_quantity
        take(cx, scope, flows if quantity == 1 else flows * quantity)
    else:
        complete_if_empty(cx, scope)


def end(cx: Context, element: ElementInstance) -> None:
    """Ends an element instance; what follows from that is its caller's business."""
    close_waits(cx, element)
    if element.node in cx.linked.compensable:
        keep(cx, element)
    cx.write(f.ElementCompleted(element.key))


def keep(cx: Context, element: ElementInstance) -> None:
    """A compensable element that is about to end is kept by its scope, if anything in it could be undone."""
    linked = cx.linked
    if element.completions or element.node in linked.handlers or element.node in linked.undo_starts:
        cx.write(f.CompletionKept(element.key))


def take(cx: Context, scope: ElementInstance, flows: tuple[Ref, ...]) -> None:
    """Puts a token on each flow."""
    table = cx.linked.flows
    for flow in flows:
        cx.write(f.FlowTaken(flow, scope.key))
        cx.agenda.append((ENTER, scope.key, table[flow].target, 1))


def complete_if_empty(cx: Context, scope: ElementInstance) -> None:
    """A scope without children and tokens is done (BPMN 2.0.2, 13.3.4)."""
    if not scope.children and scope.tokens == 0 and scope.loop is None:
        if scope.stage >= Stage.COMPENSATING:
            cx.agenda.append((COMPENSATE, scope.key))
        elif scope.extras is not None and scope.activations is not None:
            cx.agenda.append((GO_ON, scope.key))
        else:
            cx.agenda.append((COMPLETE, scope.key))


def close_waits(cx: Context, element: ElementInstance) -> None:
    """Tells the host to close all that an ending element waits for; the ending fact itself drops it from the state."""
    if element.is_open_task and cx.nodes[element.node].kind is Kind.USER_TASK:
        cx.send(CloseTask(element.key))
    if element.waits:
        for wait in element.waits:
            close_wait(cx, wait)


def close_wait(cx: Context, wait: int) -> None:
    """The host's command for one wait that is over."""
    state = cx.state
    if wait in state.jobs:
        cx.send(CloseJob(wait))
    elif wait in state.timers:
        cx.send(ClearTimer(wait))
    elif wait in state.subscriptions:
        cx.send(Unsubscribe(wait))
    elif wait in state.incidents:
        cx.send(CloseIncident(wait))


def finish(cx: Context, root: ElementInstance) -> None:
    """The process is done."""
    close_waits(cx, root)
    variables = dict(root.variables or {})
    cx.write(f.ElementCompleted(root.key))
    cx.write(f.InstanceCompleted())
    state = cx.state
    cx.send(Finish("completed", variables))
    if state.parent_instance:
        done = ChildCompleted(state.parent_element, state.instance, variables)
        cx.send(TellParent(state.parent_instance, done))
