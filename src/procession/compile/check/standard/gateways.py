"""Gateways (8.4.9, 10.6): the number of their flows, and what an event-based one waits for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from procession.compile.check.standard import grammar
from procession.compile.check.standard.document import Document, child, children, flag, identity
from procession.compile.check.standard.rule import Rule
from procession.model.xml import XmlElement

_GATEWAYS: Final = " ".join(grammar.GATEWAYS)
_EVENT_BASED: Final = "eventBasedGateway"
_WAITS: Final = frozenset({"message", "timer", "conditional", "signal"})
_DIRECTIONS: Final[dict[str, tuple[int, int, int, int]]] = {
    "Converging": (2, 0, 0, 1),
    "Diverging": (0, 1, 2, 0),
    "Mixed": (2, 0, 2, 0),
}
"""Direction -> least and most incoming flows, least and most outgoing ones; 0 as the most is no bound."""


def _direction(document: Document, gateway: XmlElement) -> Iterator[str]:
    direction = gateway.attributes.get("gatewayDirection", "Unspecified")
    bounds = _DIRECTIONS.get(direction)
    if bounds is None:
        return
    least_in, most_in, least_out, most_out = bounds
    incoming, outgoing = len(document.flows_in(gateway)), len(document.flows_out(gateway))
    for count, least, most, what in (
        (incoming, least_in, most_in, "incoming"),
        (outgoing, least_out, most_out, "outgoing"),
    ):
        if count < least:
            yield f"the gateway is {direction}, but has {count} {what} flows, not several"
        elif most and count > most:
            yield f"the gateway is {direction}, but has {count} {what} flows, not one"


def _one_in_one_out(document: Document, gateway: XmlElement) -> Iterator[str]:
    incoming, outgoing = len(document.flows_in(gateway)), len(document.flows_out(gateway))
    if incoming < 2 and outgoing < 2:
        yield f"the gateway has {incoming} incoming and {outgoing} outgoing flows: it neither merges nor splits"


def _activation(document: Document, gateway: XmlElement) -> Iterator[str]:
    merges = len(document.flows_in(gateway)) > 1
    if merges and document.runs(gateway) and child(gateway, "activationCondition") is None:
        yield "the complex gateway merges flows, but says not when it is activated"


def _targets(document: Document, gateway: XmlElement) -> list[XmlElement]:
    found = [document.named(flow, "targetRef") for flow in document.flows_out(gateway)]
    return list(dict.fromkeys([each for each in found if each is not None]))


def _few(document: Document, gateway: XmlElement) -> Iterator[str]:
    if len(document.flows_out(gateway)) < 2:
        yield f"the event-based gateway has {len(document.flows_out(gateway))} outgoing flows; it needs two"


def _target(document: Document, gateway: XmlElement) -> Iterator[str]:
    for target in _targets(document, gateway):
        if target.name == "receiveTask":
            continue
        if target.name != "intermediateCatchEvent":
            yield f"the gateway leads to {identity(target)!r}, a {target.name}"
        elif not document.definitions(target) or not _WAITS.issuperset(document.triggers(target)):
            kinds = ", ".join(document.triggers(target)) or "no"
            yield f"the gateway leads to {identity(target)!r}, an event with the trigger {kinds}"


def _mixed(document: Document, gateway: XmlElement) -> Iterator[str]:
    targets = _targets(document, gateway)
    receives = any(each.name == "receiveTask" for each in targets)
    if receives and any("message" in document.triggers(each) for each in targets):
        yield "the gateway leads to a receive task and to a message event"


def _boundary(document: Document, gateway: XmlElement) -> Iterator[str]:
    for target in _targets(document, gateway):
        for event in document.attached.get(target, ()) if target.name == "receiveTask" else ():
            yield f"the receive task {identity(target)!r} has the boundary event {identity(event)!r}"


def _others(document: Document, gateway: XmlElement) -> Iterator[str]:
    for target in _targets(document, gateway):
        if len(document.flows_in(target)) > 1:
            yield f"another flow than the gateway's leads to {identity(target)!r} too"


def _instantiating(document: Document, gateway: XmlElement) -> Iterator[str]:
    if flag(gateway, "instantiate") and document.flows_in(gateway):
        yield "the gateway starts the process, but a flow leads to it"


def _parallel(document: Document, gateway: XmlElement) -> Iterator[str]:
    if gateway.attributes.get("eventGatewayType") == "Parallel" and not flag(gateway, "instantiate"):
        yield "the gateway is Parallel, but does not start the process"


def _start_nested(document: Document, gateway: XmlElement) -> Iterator[str]:
    scope = document.scope(gateway)
    if flag(gateway, "instantiate") and scope is not None and scope.name in grammar.SUB_PROCESSES:
        yield "the gateway starts a process, but stands in a sub-process"


def _start_correlated(document: Document, gateway: XmlElement) -> Iterator[str]:
    if not flag(gateway, "instantiate") or gateway.attributes.get("eventGatewayType") != "Parallel":
        return
    for target in _targets(document, gateway):
        if children(target, *grammar.EVENT_DEFINITIONS) and "message" not in document.triggers(target):
            yield f"{identity(target)!r} is no message, so nothing tells to which instance it belongs"


RULES: Final = (
    Rule(
        "gateway-direction",
        "8.4.9",
        _GATEWAYS,
        "the flows of a gateway do not fit its gatewayDirection",
        "correct the direction, or the flows",
        _direction,
    ),
    Rule(
        "gateway-merges-or-splits",
        "10.6.1",
        _GATEWAYS,
        "a gateway has neither several incoming nor several outgoing flows",
        "remove the gateway, or draw the flows",
        _one_in_one_out,
    ),
    Rule(
        "complex-gateway-activation",
        "10.6.5",
        "complexGateway",
        "a complex gateway that merges has no activationCondition",
        "write the condition",
        _activation,
    ),
    Rule(
        "event-gateway-outgoing",
        "10.6.6",
        _EVENT_BASED,
        "an event-based gateway has fewer than two outgoing flows",
        "let it wait for several events",
        _few,
    ),
    Rule(
        "event-gateway-target",
        "10.6.6",
        _EVENT_BASED,
        "an event-based gateway leads to what is no receive task and no message, timer, signal or conditional event",
        "let it lead to events that are waited for",
        _target,
    ),
    Rule(
        "event-gateway-messages",
        "10.6.6",
        _EVENT_BASED,
        "an event-based gateway leads to message events and to receive tasks",
        "use one of them",
        _mixed,
    ),
    Rule(
        "event-gateway-receive-task",
        "10.6.6",
        _EVENT_BASED,
        "a receive task behind an event-based gateway has a boundary event",
        "remove the boundary event",
        _boundary,
    ),
    Rule(
        "event-gateway-target-incoming",
        "10.6.6",
        _EVENT_BASED,
        "another flow leads to the target of an event-based gateway",
        "let only the gateway lead to it",
        _others,
    ),
    Rule(
        "event-gateway-instantiate",
        "10.6.6",
        _EVENT_BASED,
        "a flow leads to an event-based gateway that starts the process",
        'remove the flow, or write instantiate="false"',
        _instantiating,
    ),
    Rule(
        "event-gateway-parallel",
        "10.6.6",
        _EVENT_BASED,
        "a parallel event-based gateway does not start the process",
        'write instantiate="true", or make it Exclusive',
        _parallel,
    ),
    Rule(
        "event-gateway-start-scope",
        "10.6.6",
        _EVENT_BASED,
        "an event-based gateway in a sub-process starts a process",
        'write instantiate="false"',
        _start_nested,
    ),
    Rule(
        "event-gateway-start-messages",
        "10.6.6",
        _EVENT_BASED,
        "a parallel event-based gateway that starts a process leads to what is no message",
        "wait for messages, which are correlated",
        _start_correlated,
    ),
)
