"""Sequence flows (8.4.13): what they connect, where conditions may stand, which flow is the default."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from procession.compile.check.standard import grammar
from procession.compile.check.standard.document import Document, child, flag, identity
from procession.compile.check.standard.rule import Rule
from procession.model.xml import XmlElement

_ENDS: Final = ("sourceRef", "targetRef")
_FLOW: Final = "sequenceFlow"
_NODES: Final = " ".join(grammar.FLOW_NODES)
_DECIDING: Final = frozenset({"exclusiveGateway", "inclusiveGateway", "complexGateway"})
DEFAULTS: Final = " ".join((*grammar.ACTIVITIES, "exclusiveGateway", "inclusiveGateway", "complexGateway"))


def _ends(document: Document, flow: XmlElement) -> Iterator[str]:
    for name in _ENDS:
        end = document.named(flow, name)
        if end is not None and end.name not in grammar.FLOW_NODES:
            yield f"{name} is a {end.name}; a sequence flow connects events, activities and gateways"


def _crosses(document: Document, flow: XmlElement) -> Iterator[str]:
    own = document.scope(flow)
    for name in _ENDS:
        end = document.named(flow, name)
        if end is not None and end.name in grammar.FLOW_NODES and document.scope(end) is not own:
            what = "pool" if document.process(end) is not document.process(flow) else "sub-process"
            yield f"{name} {identity(end)!r} is in another {what} than the flow"


def _event_sub_process(document: Document, flow: XmlElement) -> Iterator[str]:
    for name in _ENDS:
        end = document.named(flow, name)
        if end is not None and end.name in grammar.SUB_PROCESSES and flag(end, "triggeredByEvent"):
            yield f"{name} is the event sub-process {identity(end)!r}, which starts by its event alone"


def _listed(document: Document, node: XmlElement) -> Iterator[str]:
    for tag, end, flows in (
        ("incoming", "targetRef", document.flows_in(node)),
        ("outgoing", "sourceRef", document.flows_out(node)),
    ):
        for flow in document.listed(node, tag):
            if flow.name == _FLOW and document.named(flow, end) is not node:
                yield f"{identity(flow)!r} is listed as {tag}, but its {end} is another element"
        for flow in flows:
            if not document.lists(node, tag, flow):
                yield f"the flow {identity(flow)!r} is not listed as {tag}"


def _immediate(document: Document, flow: XmlElement) -> Iterator[str]:
    if not flag(flow, "isImmediate", True) and document.runs(flow):
        yield 'the flow of an executable process says isImmediate="false"'


def _only_conditional(document: Document, flow: XmlElement) -> Iterator[str]:
    source = document.named(flow, "sourceRef")
    if source is None or child(flow, "conditionExpression") is None:
        return
    is_activity = source.name in grammar.ACTIVITIES or source.name in grammar.CHOREOGRAPHY_ACTIVITIES
    if is_activity and len(document.flows_out(source)) < 2:
        yield f"the flow is conditional, and the only one that leaves {identity(source)!r}"


def _condition(document: Document, flow: XmlElement) -> Iterator[str]:
    source = document.named(flow, "sourceRef")
    if source is None or child(flow, "conditionExpression") is None:
        return
    is_gateway = source.name in grammar.GATEWAYS and source.name not in _DECIDING
    if is_gateway or source.name in grammar.EVENTS:
        yield f"the flow has a condition, but the {source.name} {identity(source)!r} decides nothing"


def _default(document: Document, node: XmlElement) -> Iterator[str]:
    flow = document.named(node, "default")
    if flow is None:
        return
    if flow.name == _FLOW and document.named(flow, "sourceRef") is not node:
        yield f"the default flow {identity(flow)!r} leaves another element"


def _default_condition(document: Document, node: XmlElement) -> Iterator[str]:
    flow = document.named(node, "default")
    if flow is not None and flow.name == _FLOW and child(flow, "conditionExpression") is not None:
        yield f"the default flow {identity(flow)!r} has a condition"


RULES: Final = (
    Rule(
        "sequence-flow-nodes",
        "8.4.13",
        _FLOW,
        "a sequence flow begins or ends at what is no event, activity or gateway",
        "connect flow nodes; use an association for artifacts",
        _ends,
    ),
    Rule(
        "sequence-flow-boundary",
        "8.4.13",
        _FLOW,
        "a sequence flow crosses the border of a sub-process or a pool",
        "end the flow in its sub-process; use a message flow between pools",
        _crosses,
    ),
    Rule(
        "event-sub-process-flows",
        "10.3.5",
        _FLOW,
        "a sequence flow leads to or from an event sub-process",
        "remove the flow",
        _event_sub_process,
    ),
    Rule(
        "sequence-flow-listed",
        "8.4.13",
        _NODES,
        "a node lists a flow as its own that has other ends, or leaves out one",
        "let incoming and outgoing name the flows of the node",
        _listed,
    ),
    Rule(
        "sequence-flow-immediate",
        "8.4.13",
        _FLOW,
        "a flow of an executable process is not immediate",
        "remove isImmediate",
        _immediate,
    ),
    Rule(
        "sequence-flow-conditional-alone",
        "8.4.13",
        _FLOW,
        "a conditional flow is the only flow that leaves an activity",
        "draw another flow, or remove the condition",
        _only_conditional,
    ),
    Rule(
        "sequence-flow-condition-source",
        "8.4.13",
        _FLOW,
        "a flow has a condition and leaves an event, a parallel or an event-based gateway",
        "remove the condition",
        _condition,
    ),
    Rule(
        "default-flow-source",
        "8.4.13",
        DEFAULTS,
        "the default flow leaves another element",
        "choose one of the flows that leave it",
        _default,
    ),
    Rule(
        "default-flow-condition",
        "8.4.13",
        DEFAULTS,
        "the default flow has a condition",
        "remove the condition",
        _default_condition,
    ),
)
