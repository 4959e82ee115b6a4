"""Elements that end without completing: nothing that should come after them ever does."""

from __future__ import annotations

from typing import Final

from procession.compile.check.references import THROWS
from procession.model.bpmn import FlowNode
from procession.model.events import Event


def ends_otherwise(node: FlowNode) -> bool:
    """Whether an element ends without completing: it throws, jumps, ends its scope, or its events go on for it."""
    if isinstance(node, Event):
        kinds = {definition.kind for definition in node.definitions}
        return node.kind in THROWS and not kinds.isdisjoint(_WITHOUT_AN_END)
    return node.kind == "eventBasedGateway"


_WITHOUT_AN_END: Final = frozenset(
    {"errorEventDefinition", "linkEventDefinition", "terminateEventDefinition", "cancelEventDefinition"}
)
