"""Multi-instance characteristics (BPMN 2.0.2, 10.3.9): the body node around an activity."""

from __future__ import annotations

from msgspec.structs import replace

from procession.compile.expressions import Site
from procession.compile.lower.parts import Lowering, Place, output_variable, plain
from procession.ir.kinds import Kind
from procession.ir.program import Loop, Node
from procession.model.bpmn import Activity, MultiInstance
from procession.model.extension import LoopCollection


def body(low: Lowering, drawn: Activity, loop: MultiInstance, place: Place) -> Node:
    """The body. The activity itself is the next node."""
    node = plain(drawn, place, Kind.MULTI_INSTANCE)
    return replace(node, loop=_loop(low, drawn, loop), inner=place.index + 1)


def _loop(low: Lowering, drawn: Activity, loop: MultiInstance) -> Loop:
    collection = loop.extension.loop or LoopCollection()

    def at(attribute: str) -> Site:
        return Site(drawn.id, attribute, collection.span if collection.span.line else loop.span)

    expressions = low.expressions
    return Loop(
        sequential=loop.is_sequential,
        items=expressions.source(collection.input_collection, at("input collection")),
        item_name=collection.input_element.strip(),
        output_name=collection.output_collection.strip(),
        output=expressions.source(collection.output_element, at("output element")),
        completion=expressions.formal(loop.completion_condition, at("completion condition")),
        cardinality=expressions.count(loop.cardinality, at("loop cardinality")),
        output_local=output_variable(collection.output_element),
    )
