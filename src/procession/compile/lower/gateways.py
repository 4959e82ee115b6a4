"""Gateways (BPMN 2.0.2, 10.6). What a join waits for is found when the program is linked."""

from __future__ import annotations

from typing import Final

from procession.compile.lower.parts import Lowering, Place, worked
from procession.ir.kinds import Kind
from procession.ir.program import Node
from procession.model.bpmn import Gateway

GATEWAYS: Final[dict[str, Kind]] = {
    "exclusiveGateway": Kind.EXCLUSIVE_GATEWAY,
    "parallelGateway": Kind.PARALLEL_GATEWAY,
    "inclusiveGateway": Kind.INCLUSIVE_GATEWAY,
    "eventBasedGateway": Kind.EVENT_BASED_GATEWAY,
}


def gateway(low: Lowering, drawn: Gateway, place: Place) -> Node | None:
    """The gateway's node, None for a kind that is not executed."""
    kind = GATEWAYS.get(drawn.kind)
    return None if kind is None else worked(low, drawn, place, kind)
