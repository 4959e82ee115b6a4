"""Correlation as the standard has it (BPMN 2.0.2, 8.4.2): keys that are read out of messages or out of the process.

By context, a process says what values it expects. By key, the first message of a conversation sets them: it correlates
by its name alone, and whoever sends or receives it has joined the conversation. How a message with a name and a key
finds its subscription is not said here (`core.correlation`).
"""

from __future__ import annotations

from typing import cast

from procession.base.failure import Failure
from procession.base.values import Json, encode
from procession.core import facts as f
from procession.core.commands import Subscribe, Unsubscribe
from procession.core.context import Context
from procession.core.state import ElementInstance
from procession.ir.program import Correlation, MessageTrigger, Ref


def expected_key(cx: Context, correlation: Correlation, element: ElementInstance, *, is_next: bool) -> str:
    """The key of the messages that an element waits for: frozen when its subscription opens, like any other.

    Without a conversation it is "", and changed when there is one. Raises `Failure("correlation-key")` where a value is
    missing, or the element waits for nothing else (`is_next`) and the first message cannot come to it.
    """
    if correlation.expected:
        text = _text([cx.evaluate(ref, element) for ref in correlation.expected])
        if text is None:
            raise Failure("correlation-key", f"a value of the correlation key {correlation.key} is missing")
        return text
    known = cx.state.conversations.get(correlation.key)
    if known is None and correlation.contextual and is_next:
        reason = f"no message has set the correlation key {correlation.key}, and there is no correlationSubscription"
        raise Failure("correlation-key", reason)
    return known or ""


def sent_key(
    cx: Context, correlation: Correlation, content: dict[str, Json]
) -> tuple[str, f.ConversationJoined | None]:
    """The key under which a message is sent, and the fact that it is the first of its conversation, if so."""
    text = retrieved_key(cx, correlation, content)
    if text is None:
        raise Failure("correlation-key", f"the message holds no value for the correlation key {correlation.key}")
    if correlation.expected or correlation.key in cx.state.conversations:
        return text, None
    return (text if correlation.contextual else ""), f.ConversationJoined(correlation.key, text)


def begin(cx: Context, joined: f.ConversationJoined) -> None:
    """A conversation begins: what waited for its messages before there was a key waits for those with the key."""
    cx.write(joined)
    for waiting in list(cx.state.subscriptions.values()):
        trigger = cx.nodes[waiting.node].trigger
        correlation = trigger.correlation if isinstance(trigger, MessageTrigger) else None
        if correlation is None or correlation.key != joined.key or correlation.expected:
            continue
        cx.write(f.WaitClosed(waiting.key))
        cx.send(Unsubscribe(waiting.key))
        opened = f.SubscriptionOpened(cx.new_key(), waiting.element, waiting.node, waiting.name, joined.value)
        cx.write(opened)
        cx.send(Subscribe(opened.subscription, opened.element, opened.node, opened.name, opened.key))


def join(cx: Context, root: int, node: Ref, content: Json) -> None:
    """A received message: the first of its conversation sets the values of its key."""
    trigger = cx.nodes[node].trigger
    correlation = trigger.correlation if isinstance(trigger, MessageTrigger) else None
    if correlation is None or correlation.expected or correlation.key in cx.state.conversations:
        return
    text = retrieved_key(cx, correlation, cast("dict[str, Json]", content))
    if text is not None:
        begin(cx, f.ConversationJoined(correlation.key, text))


def retrieved_key(cx: Context, correlation: Correlation, content: dict[str, Json]) -> str | None:
    """The key that a message holds; None when one of its values is missing."""
    return _text([cx.evaluate_over(ref, content) for ref in correlation.retrieved])


def key_text(value: Json) -> str | None:
    """A value as correlation key, None if it cannot be one."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool | list | dict):
        return None
    return str(value)


def _text(values: list[Json]) -> str | None:
    """One value is the key as it would be written by hand; several are a JSON array of them."""
    texts: list[Json] = [key_text(value) for value in values]
    if None in texts:
        return None
    return cast("str", texts[0]) if len(texts) == 1 else encode(texts).decode()
