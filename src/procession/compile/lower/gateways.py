"""Gateways (BPMN 2.0.2, 10.6). What a join waits for is found when the program is linked."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from procession.compile.expressions import Site
from procession.compile.lower.lowering import Lowering, Place
from procession.compile.lower.parts import worked
from procession.ir.kinds import Kind
from procession.ir.program import Node
from procession.model.bpmn import Gateway

GATEWAYS: Final[dict[str, Kind]] = {
    "exclusiveGateway": Kind.EXCLUSIVE_GATEWAY,
    "parallelGateway": Kind.PARALLEL_GATEWAY,
    "inclusiveGateway": Kind.INCLUSIVE_GATEWAY,
    "eventBasedGateway": Kind.EVENT_BASED_GATEWAY,
    "complexGateway": Kind.COMPLEX_GATEWAY,
}


def gateway(low: Lowering, drawn: Gateway, place: Place) -> Node | None:
    """The gateway's node, None for a kind that is not executed."""
    kind = GATEWAYS.get(drawn.kind)
    if kind is None:
        return None
    at = Site(drawn.id, "activation condition", drawn.span)
    return replace(
        worked(low, drawn, place, kind),
        activation=low.expressions.formal(drawn.activation_condition, at),
        instantiate=drawn.instantiate,
        parallel=drawn.instantiate and drawn.event_type == "Parallel",
    )
