"""Events (BPMN 2.0.2, 10.5 and 13.5): starts, waits, throws and ends; receive tasks and event-based gateways wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias, cast

from procession.base.failure import Failure
from procession.base.values import Json
from procession.core import facts as f
from procession.core.catches import checked_key, correlation_key, open_all, plan
from procession.core.commands import Broadcast, Publish
from procession.core.compensation import enclosing_transaction, throw_compensation
from procession.core.context import Context
from procession.core.conversations import begin, key_text, sent_key
from procession.core.data import content_of
from procession.core.delivery import signal_within
from procession.core.errors import escalate, throw
from procession.core.interrupt import interrupt_inside
from procession.core.jobs import create, plan_job
from procession.core.operations import BROADCAST, CANCEL_TRANSACTION, COMPLETE, ENTER, THROW_PART
from procession.core.state import ElementInstance
from procession.core.timers import duration_ms
from procession.core.tokens import close_waits
from procession.core.variables import receive, visible
from procession.ir.kinds import Kind
from procession.ir.program import (
    ALTERED_IR,
    NONE,
    CancelTrigger,
    CompensateTrigger,
    ErrorTrigger,
    EscalationTrigger,
    LinkTrigger,
    MessageTrigger,
    Node,
    SignalTrigger,
    TerminateTrigger,
)

_TTL_DEFAULT_MS: Final = 3_600_000
"""How long a message thrown without a time to live is buffered: an hour, as for one published by a client."""


def pass_enter(cx: Context, node: Node, element: ElementInstance) -> None:
    """Start and boundary events: what triggers them has happened."""
    if element.held is not None:
        passed(cx, element)
    else:
        cx.agenda.append((COMPLETE, element.key))


def wait_enter(cx: Context, node: Node, element: ElementInstance) -> None:
    """Receive tasks, catch events and event-based gateways wait for what they subscribed.

    A catching link has nothing to wait for: its throw put the token there. Behind an event-based gateway the trigger
    has happened already.
    """
    if element.held is not None:
        passed(cx, element)
    elif not node.catches:
        cx.agenda.append((COMPLETE, element.key))
    else:
        open_all(cx, plan(cx, element, node))


def passed(cx: Context, element: ElementInstance) -> None:
    """An event whose listeners ran takes what it received, and completes."""
    held = cast("tuple[str, dict[str, Json]]", element.held)
    cx.write(f.TransitionHeld(element.key, None))
    receive(cx, element, held[1])
    cx.agenda.append((COMPLETE, element.key))


def throw_enter(cx: Context, node: Node, element: ElementInstance) -> None:
    """Throwing and end events: a job when the model gives one, else the row of the trigger."""
    if node.job is not None:
        create(cx, plan_job(cx, element, node.job))
        return
    if node.parts:
        cx.agenda.append((THROW_PART, element.key, 0))
        return
    behaviour = THROW.get(type(node.trigger))
    if behaviour is None:
        cx.agenda.append((COMPLETE, element.key))
    else:
        behaviour(cx, node, element)


def throw_part(cx: Context, element_key: int, index: int) -> None:
    """Throws one definition of an event that has several; the next one is an operation of its own (10.5.6)."""
    element = cx.state.elements.get(element_key)
    if element is None:
        return
    parts = cx.nodes[element.node].parts
    part = cx.nodes[parts[index]]
    THROW[type(part.trigger)](cx, part, element)
    if index + 1 < len(parts) and cx.agenda and cx.agenda[-1] == (COMPLETE, element_key):
        cx.agenda.pop()
        cx.agenda.append((THROW_PART, element_key, index + 1))


def broadcast(cx: Context, element_key: int, node_index: int) -> None:
    """Throws a signal, once nothing else in the instance can move: a branch beside it may be about to wait for it."""
    element = cx.state.elements.get(element_key)
    if element is None:
        return
    node = cx.nodes[node_index]
    name, variables = _signalled(cx, node, element)
    cx.write(f.SignalBroadcast(element.key, name, variables))
    cx.send(Broadcast(name, variables, cx.state.instance))
    signal_within(cx, name, variables)
    if element_key not in cx.state.elements:
        return
    if node.kind is not Kind.TRIGGER:
        cx.agenda.append((COMPLETE, element_key))
    elif node.attached != NONE:
        parts = cx.nodes[node.attached].parts
        following = parts.index(node_index) + 1
        cx.agenda.append((THROW_PART, element_key, following) if following < len(parts) else (COMPLETE, element_key))


def _message(cx: Context, node: Node, element: ElementInstance) -> None:
    trigger = node.trigger
    assert isinstance(trigger, MessageTrigger)
    name = cx.text(trigger.name, element, "message name")
    message_id = "" if trigger.message_id == NONE else key_text(cx.evaluate(trigger.message_id, element)) or ""
    ttl = _TTL_DEFAULT_MS
    if trigger.ttl != NONE:
        value = cx.evaluate(trigger.ttl, element)
        if not isinstance(value, str):
            raise Failure("timer", "the time to live of the message must be an ISO 8601 duration")
        ttl = duration_ms(value)
    # With inputs of its own these are the message's content, else all that the event sees.
    variables = content_of(element, cx.node_of(element), visible(element))
    key, joined = "" if trigger.key == NONE else correlation_key(cx, trigger.key, element), None
    if trigger.correlation is not None:
        key, joined = sent_key(cx, trigger.correlation, variables)
        checked_key(key, trigger.correlation.key)
    if joined is not None:
        begin(cx, joined)
    message = cx.new_key()
    cx.write(f.MessagePublished(element.key, message, name, key, ttl, message_id, variables))
    cx.send(Publish(message, name, key, ttl, message_id, variables))
    cx.agenda.append((COMPLETE, element.key))


def _signal(cx: Context, node: Node, element: ElementInstance) -> None:
    if cx.linked.program.ir_version >= ALTERED_IR:
        cx.later.append((BROADCAST, element.key, node.index))
        return
    name, variables = _signalled(cx, node, element)
    cx.write(f.SignalBroadcast(element.key, name, variables))
    cx.send(Broadcast(name, variables))
    cx.agenda.append((COMPLETE, element.key))


def _signalled(cx: Context, node: Node, element: ElementInstance) -> tuple[str, dict[str, Json]]:
    trigger = node.trigger
    assert isinstance(trigger, SignalTrigger)
    name = cx.text(trigger.name, element, "signal name")
    return name, content_of(element, cx.node_of(element), {})


def _error(cx: Context, node: Node, element: ElementInstance) -> None:
    trigger = node.trigger
    assert isinstance(trigger, ErrorTrigger)
    throw(
        cx,
        element.key,
        cx.text(trigger.code, element, "error code"),
        "",
        content_of(element, cx.node_of(element), dict(element.variables or {})),
    )


def _escalation(cx: Context, node: Node, element: ElementInstance) -> None:
    trigger = node.trigger
    assert isinstance(trigger, EscalationTrigger)
    code = cx.text(trigger.code, element, "escalation code")
    content = content_of(element, cx.node_of(element), dict(element.variables or {}))
    if escalate(cx, element, code, content):
        cx.agenda.append((COMPLETE, element.key))


def _link(cx: Context, node: Node, element: ElementInstance) -> None:
    """A throwing link goes on at the catching one of its name, in the same scope."""
    trigger = node.trigger
    assert isinstance(trigger, LinkTrigger)
    scope = element.scope
    assert scope is not None
    close_waits(cx, element)
    cx.write(f.ElementCompleted(element.key))
    cx.agenda.appendleft((ENTER, scope.key, trigger.target, 0))


def _terminate(cx: Context, node: Node, element: ElementInstance) -> None:
    """A terminate end event ends all else in its scope, and with it the scope."""
    scope = element.scope
    assert scope is not None
    close_waits(cx, element)
    cx.write(f.ElementCompleted(element.key))
    interrupt_inside(cx, scope, (COMPLETE, scope.key))


def _cancel(cx: Context, node: Node, element: ElementInstance) -> None:
    """A cancel end event ends all else in its transaction; inside one that is being undone already it is plain."""
    transaction = enclosing_transaction(cx, element)
    if transaction is None:
        cx.agenda.append((COMPLETE, element.key))
        return
    close_waits(cx, element)
    cx.write(f.ElementCompleted(element.key))
    interrupt_inside(cx, transaction, (CANCEL_TRANSACTION, transaction.key))


Throw: TypeAlias = Callable[[Context, Node, ElementInstance], None]

THROW: Final[dict[type[Any], Throw]] = {
    MessageTrigger: _message,
    SignalTrigger: _signal,
    ErrorTrigger: _error,
    EscalationTrigger: _escalation,
    LinkTrigger: _link,
    TerminateTrigger: _terminate,
    CompensateTrigger: throw_compensation,
    CancelTrigger: _cancel,
}
