"""What a subscription's message or signal does to the element that waits for it."""

from __future__ import annotations

from procession.base.values import Json
from procession.core import facts as f
from procession.core.commands import Consume, Unsubscribe
from procession.core.context import Context
from procession.core.interrupt import catch, happens_again
from procession.core.operations import JOIN
from procession.core.state import Subscription
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
    subscriptions = cx.state.subscriptions
    waiting = [each.key for each in subscriptions.values() if each.signal and each.name == name]
    for key in waiting:
        # The one before may have ended the element that waited.
        found = subscriptions.get(key)
        if found is not None:
            correlate(cx, found, 0, variables)
