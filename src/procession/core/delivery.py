"""What a subscription's message or signal does to the element that waits for it."""

from __future__ import annotations

from typing import Final

from procession.base.values import Json
from procession.core import facts as f
from procession.core.commands import Consume, Unsubscribe
from procession.core.context import Context
from procession.core.interrupt import catch, event_of, happens_again
from procession.core.operations import JOIN
from procession.core.state import Subscription
from procession.ir.kinds import Kind
from procession.ir.program import MessageTrigger, Node


def correlate(cx: Context, subscription: Subscription, message: int, variables: dict[str, Json]) -> None:
    """The element takes the message, or the signal (`message` 0)."""
    key = subscription.key
    element = cx.state.elements[subscription.element]
    node = cx.nodes[subscription.node]
    cx.write(f.MessageCorrelated(key, message))
    if happens_again(cx, node):
        cx.send(Consume(key, message))
    else:
        cx.write(f.WaitClosed(key))
        cx.send(Unsubscribe(key, message))
    catch(cx, element, node, variables)
    look_for_conversation(cx, node, variables)


def look_for_conversation(cx: Context, node: Node, variables: dict[str, Json]) -> None:
    """A message may be the first of its conversation; that is seen before anything that follows waits for another."""
    root = cx.state.root
    assert root is not None
    if isinstance(node.trigger, MessageTrigger) and node.trigger.correlation is not None:
        cx.agenda.appendleft((JOIN, root.key, node.index, variables))


def signal_within(cx: Context, name: str, variables: dict[str, Json]) -> None:
    """A signal reaches what waits for it in the instance that throws it at once (10.5.4): who waits now, and before
    the scope that throws it can end. What waits elsewhere gets it from the host."""
    if cx.state.suspended:
        return
    subscriptions = cx.state.subscriptions
    waiting = [
        each.key for each in subscriptions.values() if each.signal and each.name == name and takes_signal(cx, each)
    ]
    for key in waiting:
        # The one before may have ended the element that waited.
        found = subscriptions.get(key)
        if found is not None:
            correlate(cx, found, 0, variables)


def takes_signal(cx: Context, subscription: Subscription) -> bool:
    """Whether a subscription gets a signal for which its element may have others.

    What interrupts an element comes alone, and an event sub-process before a boundary event: beyond the boundary the
    signal goes on only when the event sub-process throws it again (13.5.4).
    """
    state = cx.state
    waits = state.elements[subscription.element].waits or {}
    beside = [
        found for wait in waits if (found := state.subscriptions.get(wait)) is not None and _alike(found, subscription)
    ]
    events = [(each.key, event_of(cx, cx.nodes[each.node])) for each in beside]
    interrupting = [
        (key, event) for key, event in events if event.kind in _HANDLERS and event.interrupting and not event.parallel
    ]
    inside = [key for key, event in interrupting if event.kind is Kind.START_EVENT]
    first = inside or [key for key, _ in interrupting]
    return not first or first[0] == subscription.key


_HANDLERS: Final = frozenset({Kind.START_EVENT, Kind.BOUNDARY_EVENT})


def _alike(one: Subscription, other: Subscription) -> bool:
    return one.signal and one.name == other.name
