"""Which message an element sends or waits for, and by which key messages correlate as the standard has it (8.4.2, 9.4).

An element that names no message has that of its message flow: the one that the flow names, else the one that its other
end names, else one with the name of the receiving element. So two pools that are joined by a flow alone understand
each other. What must not live here: lowering, and what is reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias, final

import msgspec

from procession.model.bpmn import (
    Activity,
    Collaboration,
    CorrelationKey,
    Definitions,
    Message,
    MessageFlow,
    Process,
    Scope,
)
from procession.model.data import CorrelationProperty, CorrelationSubscription
from procession.model.events import Event

Node: TypeAlias = "Activity | Event"


@final
class Ends(msgspec.Struct, frozen=True, gc=False):
    """The message flows of a document by the element at either end, and the message that each element names itself.

    Only flows between elements of executable processes are here: with any other partner a name must be agreed on.
    """

    flows: dict[str, tuple[MessageFlow, ...]]
    named: dict[str, str]


@final
class Correlated(msgspec.Struct, frozen=True, gc=False):
    """The correlation key of a message for one process: its properties, and the subscription by context, if any.

    `is_contextual`: some process of the document knows the values before any message came.
    """

    key: CorrelationKey
    properties: tuple[CorrelationProperty, ...]
    subscription: CorrelationSubscription | None
    is_contextual: bool


def ends_of(definitions: Definitions) -> Ends:
    """The message flows and messages of a document."""
    flows = [flow for collaboration in definitions.collaborations for flow in collaboration.message_flows]
    if not flows:
        return Ends({}, {})
    named: dict[str, str] = {}
    for process in definitions.processes:
        if process.is_executable:
            named.update(_named(process.scope))
    found: dict[str, list[MessageFlow]] = {}
    for flow in flows:
        if flow.source in named and flow.target in named:
            found.setdefault(flow.source, []).append(flow)
            found.setdefault(flow.target, []).append(flow)
    return Ends({id: tuple(each) for id, each in found.items()}, named)


def message_of(messages: dict[str, Message], ends: Ends, node: Node, ref: str) -> Message | None:
    """The message that an element means by `ref`, or by its message flows; None when nothing says."""
    if ref:
        return messages.get(ref)
    for flow in ends.flows.get(node.id, ()):
        other = flow.target if flow.source == node.id else flow.source
        found = messages.get(flow.message_ref) or messages.get(ends.named[other])
        if found is not None:
            return found
        return Message(id=flow.target, name=flow.target, span=flow.span)
    return None


def correlated(definitions: Definitions, process: Process, message: str) -> Correlated | None:
    """By which key the messages of id `message` correlate in a process; None where the standard's way is not used.

    Sender and receiver must choose the same: first a key that a process subscribes to, else the first that can be read
    out of the message.
    """
    keys = [
        (key, each)
        for each in definitions.collaborations
        for key in each.correlation_keys
        if _is_of(process, each, key)
    ]
    subscribed = {
        subscription.key_ref for each in definitions.processes for subscription in each.correlation_subscriptions
    }
    for key, _ in sorted(keys, key=lambda pair: pair[0].id not in subscribed):
        properties = _retrievable(definitions, key, message)
        if properties:
            mine = [each for each in process.correlation_subscriptions if each.key_ref == key.id]
            return Correlated(key, properties, mine[0] if mine else None, key.id in subscribed)
    return None


def _is_of(process: Process, collaboration: Collaboration, key: CorrelationKey) -> bool:
    """Whether a process takes part in the conversation of a key."""
    return any(participant.process_ref == process.id for participant in collaboration.participants) or any(
        subscription.key_ref == key.id for subscription in process.correlation_subscriptions
    )


def _retrievable(definitions: Definitions, key: CorrelationKey, message: str) -> tuple[CorrelationProperty, ...]:
    """The properties of a key, if all of them can be read out of a message."""
    known = {each.id: each for each in definitions.correlation_properties}
    found = [known[ref] for ref in key.property_refs if ref in known]
    if len(found) < len(key.property_refs):
        return ()
    readable = all(any(each.message_ref == message for each in prop.retrievals) for prop in found)
    return tuple(found) if readable else ()


def _named(scope: Scope) -> Iterator[tuple[str, str]]:
    """The elements of a scope, and of those inside it, that send or receive, with the message that they name."""
    waiting: list[Iterable[object]] = [scope.nodes]
    while waiting:
        for node in waiting.pop():
            if isinstance(node, Event):
                for definition in node.definitions:
                    if definition.kind == "messageEventDefinition":
                        yield node.id, definition.ref
            elif isinstance(node, Activity):
                if node.kind in {"sendTask", "receiveTask"}:
                    yield node.id, node.message_ref
                if node.scope is not None:
                    waiting.append(node.scope.nodes)
