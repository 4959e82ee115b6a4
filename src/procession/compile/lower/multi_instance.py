"""Loop characteristics (BPMN 2.0.2, 10.3.9): the body node around an activity that is done several times."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from procession.compile.expressions import Site
from procession.compile.lower.data import collected_in, collection_of
from procession.compile.lower.events import thrown_by
from procession.compile.lower.lowering import Lowering, Place
from procession.compile.lower.parts import output_variable, plain
from procession.compile.lower.scripts import around
from procession.compile.resolve import definitions_named
from procession.ir.kinds import Kind
from procession.ir.program import Loop, Node, Repeat, Thrown
from procession.model.bpmn import Activity, MultiInstance, StandardLoop
from procession.model.events import EventDefinition
from procession.model.extension import Expression, LoopCollection


def body(low: Lowering, drawn: Activity, loop: MultiInstance, place: Place) -> Node:
    """The body. The activity itself is the next node."""
    node = plain(drawn, place, Kind.MULTI_INSTANCE)
    scripts = around(low, drawn, loop.extension.scripts)
    return replace(node, loop=_loop(low, drawn, loop), inner=place.index + 1, listeners=scripts)


def standard(low: Lowering, drawn: Activity, loop: StandardLoop, place: Place) -> Node:
    """The body of a standard loop."""
    maximum = loop.maximum.strip()
    repeat = Repeat(
        low.expressions.formal(loop.condition, Site(drawn.id, "loop condition", loop.span)),
        loop.test_before,
        int(maximum) if maximum.isdecimal() else -1,
    )
    return replace(plain(drawn, place, Kind.LOOP), loop=Loop(sequential=True), repeat=repeat, inner=place.index + 1)


def thrown_events(
    low: Lowering, drawn: Activity, loop: MultiInstance, place: Place
) -> tuple[list[Node], tuple[Thrown, ...]]:
    """The events that a body throws when an instance completes: nodes from `place` on, and when (table 10.31)."""
    found: list[tuple[EventDefinition, Expression | None, bool]] = []
    refs = {"None": (loop.none_event_ref, False), "One": (loop.one_event_ref, True)}
    if loop.behavior in refs:
        ref, first = refs[loop.behavior]
        found += [(each, None, first) for each in definitions_named(low.resolved, ref)]
    elif loop.behavior == "Complex":
        found += [
            (definition, each.condition, False)
            for each in loop.complex_behaviors
            if each.event is not None
            for definition in each.event.definitions
        ]
    nodes: list[Node] = []
    events: list[Thrown] = []
    for definition, condition, first in found:
        if definition.kind not in THROWABLE:
            continue
        at = Place(place.index + len(nodes), place.scope, place.view)
        nodes.append(thrown_by(low, drawn, definition, at))
        ref_ = low.expressions.formal(condition, Site(drawn.id, "condition of a complex behaviour", loop.span))
        events.append(Thrown(at.index, ref_, first))
    return nodes, tuple(events)


THROWABLE: Final = frozenset(f"{name}EventDefinition" for name in ("message", "signal", "escalation", "error"))
"""What a multi-instance activity may throw of its own accord."""


def _loop(low: Lowering, drawn: Activity, loop: MultiInstance) -> Loop:
    collection = loop.extension.loop or LoopCollection()

    def at(attribute: str) -> Site:
        return Site(drawn.id, attribute, collection.span if collection.span.line else loop.span)

    expressions = low.expressions
    items = expressions.source(collection.input_collection, at("input collection"))
    output = expressions.source(collection.output_element, at("output element"))
    local = output_variable(collection.output_element)
    if loop.extension.loop is None and low.resolved.has_data:
        if loop.data_input_ref:
            items = collection_of(low, drawn, loop.data_input_ref)
        if loop.data_output_ref and loop.output_item:
            output = expressions.source(f"=`{loop.output_item}`", at("output data item"))
            name = collected_in(low, drawn, loop.data_output_ref)
            local = loop.output_item
            collection = LoopCollection(output_collection=name)
        collection = replace(collection, input_element=loop.input_item)
    return Loop(
        sequential=loop.is_sequential,
        items=items,
        item_name=collection.input_element.strip(),
        output_name=collection.output_collection.strip(),
        output=output,
        completion=expressions.formal(loop.completion_condition, at("completion condition")),
        cardinality=expressions.count(loop.cardinality, at("loop cardinality")),
        output_local=local,
    )
