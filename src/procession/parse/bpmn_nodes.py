"""Readers of what a process or sub-process contains: activities, gateways, events, flows, lanes and
artifacts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias, get_args

from procession.model.bpmn import (
    Activity,
    ActivityKind,
    Artifact,
    ArtifactKind,
    Association,
    ComplexBehavior,
    FlowNode,
    Gateway,
    GatewayKind,
    Lane,
    LaneSet,
    MultiInstance,
    ResourceRole,
    ResourceRoleKind,
    Scope,
    SequenceFlow,
    StandardLoop,
)
from procession.model.events import Event, EventDefinition, EventDefinitionKind, EventKind, TimerKind
from procession.model.extension import Expression
from procession.model.xml import XmlElement, local_name
from procession.parse.bpmn_data import (
    data_associations,
    data_items,
    data_object,
    data_object_reference,
    data_store_reference,
    io_specification,
    properties,
)
from procession.parse.dialects.zeebe import CATCH_UP, RESULT_VARIABLE, SCRIPT_ENGINE, extension
from procession.parse.grammar import SUB_PROCESSES
from procession.parse.reading import (
    Parts,
    Reading,
    attribute,
    documentation,
    expression,
    first,
    flag,
    optional_flag,
    parts_of,
    reference,
    references,
    text_of,
    word,
)

Ends: TypeAlias = "tuple[dict[str, list[str]], dict[str, list[str]]]"
"""Of one scope: the flows that enter, and those that leave, by node id, in the order of the document."""

_ACTIVITY: Final[dict[str, ActivityKind]] = {kind: kind for kind in get_args(ActivityKind)}
_GATEWAY: Final[dict[str, GatewayKind]] = {kind: kind for kind in get_args(GatewayKind)}
_EVENT: Final[dict[str, EventKind]] = {kind: kind for kind in get_args(EventKind)}
_DEFINITION: Final[dict[str, EventDefinitionKind]] = {kind: kind for kind in get_args(EventDefinitionKind)}
_ROLE: Final[dict[str, ResourceRoleKind]] = {kind: kind for kind in get_args(ResourceRoleKind)}
_ARTIFACT: Final[dict[str, ArtifactKind]] = {kind: kind for kind in get_args(ArtifactKind)}
_TIMER: Final[tuple[TimerKind, ...]] = ("timeDate", "timeDuration", "timeCycle")
_REF: Final[dict[str, str]] = {
    "messageEventDefinition": "messageRef",
    "errorEventDefinition": "errorRef",
    "escalationEventDefinition": "escalationRef",
    "signalEventDefinition": "signalRef",
    "compensateEventDefinition": "activityRef",
}


def parse_scope(reading: Reading, parent: XmlElement, parts: Parts) -> Scope:
    """Everything inside a process or sub-process, in the order of the document."""
    flows = tuple([_sequence_flow(reading, child) for child in parts.get("sequenceFlow", ())])
    ends = _ends(flows)
    nodes: list[FlowNode] = []
    for child in parent.children:
        handler = NODES.get(child.name)
        if handler is not None and child.namespace == parent.namespace:
            nodes.append(handler(reading, child, ends))
    return Scope(
        nodes=tuple(nodes),
        flows=flows,
        data_objects=tuple([data_object(reading, child) for child in parts.get("dataObject", ())]),
        data_object_references=tuple(
            [data_object_reference(reading, child) for child in parts.get("dataObjectReference", ())]
        ),
        data_store_references=tuple(
            [data_store_reference(reading, child) for child in parts.get("dataStoreReference", ())]
        ),
        associations=associations(reading, parts),
        artifacts=artifacts(reading, parts),
        lane_sets=tuple([_lane_set(reading, child) for child in parts.get("laneSet", ())]),
    )


def _sequence_flow(reading: Reading, element: XmlElement) -> SequenceFlow:
    parts = parts_of(element)
    return SequenceFlow(
        id=attribute(element, "id"),
        name=attribute(element, "name"),
        source=reference(element, "sourceRef"),
        target=reference(element, "targetRef"),
        condition=expression(reading, first(parts, "conditionExpression")),
        is_immediate=optional_flag(reading, element, "isImmediate"),
        documentation=documentation(parts),
        extension=extension(reading, element, parts),
        span=reading.span(element),
    )


def _ends(flows: tuple[SequenceFlow, ...]) -> Ends:
    incoming: dict[str, list[str]] = {}
    outgoing: dict[str, list[str]] = {}
    for flow in flows:
        incoming.setdefault(flow.target, []).append(flow.id)
        outgoing.setdefault(flow.source, []).append(flow.id)
    return incoming, outgoing


def _in_listed_order(actual: list[str] | None, listed: tuple[str, ...]) -> tuple[str, ...]:
    """The flows that really end at a node; where the node lists them, in its order, because conditions are
    tried so.
    """
    if actual is None:
        return ()
    if len(actual) == 1:
        return tuple(actual)
    known = dict.fromkeys(actual)
    return tuple(dict.fromkeys([id for id in listed if id in known] + actual))


def _activity(reading: Reading, element: XmlElement, ends: Ends) -> Activity:
    parts = parts_of(element)
    id = attribute(element, "id")
    kind = _ACTIVITY[element.name]
    script = first(parts, "script")
    return Activity(
        kind=kind,
        id=id,
        name=attribute(element, "name"),
        incoming=_in_listed_order(ends[0].get(id), references(parts, "incoming")),
        outgoing=_in_listed_order(ends[1].get(id), references(parts, "outgoing")),
        default=reference(element, "default"),
        loop=_loop(reading, parts),
        is_for_compensation=flag(reading, element, "isForCompensation", False),
        start_quantity=attribute(element, "startQuantity"),
        completion_quantity=attribute(element, "completionQuantity"),
        script=script.text if script is not None else None,
        script_format=attribute(element, "scriptFormat"),
        script_engine=element.attributes.get(SCRIPT_ENGINE, ""),
        result_variable=element.attributes.get(RESULT_VARIABLE, ""),
        implementation=attribute(element, "implementation"),
        message_ref=reference(element, "messageRef"),
        operation_ref=reference(element, "operationRef"),
        instantiate=flag(reading, element, "instantiate", False),
        called_element=reference(element, "calledElement"),
        scope=parse_scope(reading, element, parts) if kind in SUB_PROCESSES else None,
        triggered_by_event=flag(reading, element, "triggeredByEvent", False),
        method=attribute(element, "method"),
        ordering=word(reading, element, "ordering", ("Parallel", "Sequential")),
        cancel_remaining_instances=flag(reading, element, "cancelRemainingInstances", True),
        completion_condition=expression(reading, first(parts, "completionCondition")),
        io=io_specification(reading, parts),
        data_inputs=data_associations(reading, parts, "dataInputAssociation"),
        data_outputs=data_associations(reading, parts, "dataOutputAssociation"),
        properties=properties(reading, parts),
        resources=resource_roles(reading, parts),
        documentation=documentation(parts),
        extension=extension(reading, element, parts),
        span=reading.span(element),
    )


def _loop(reading: Reading, parts: Parts) -> StandardLoop | MultiInstance | None:
    standard = first(parts, "standardLoopCharacteristics")
    multiple = first(parts, "multiInstanceLoopCharacteristics")
    if standard is not None and multiple is not None:
        text = "an activity is either repeated by a standard loop or a multi-instance"
        reading.report("loop-characteristics", standard, text, "remove one of the two")
    if multiple is not None:
        return _multi_instance(reading, multiple)
    return _standard_loop(reading, standard) if standard is not None else None


def _standard_loop(reading: Reading, element: XmlElement) -> StandardLoop:
    parts = parts_of(element)
    return StandardLoop(
        test_before=flag(reading, element, "testBefore", False),
        maximum=attribute(element, "loopMaximum"),
        condition=expression(reading, first(parts, "loopCondition")),
        extension=extension(reading, element, parts),
        span=reading.span(element),
    )


def _multi_instance(reading: Reading, element: XmlElement) -> MultiInstance:
    parts = parts_of(element)
    item_in, item_out = first(parts, "inputDataItem"), first(parts, "outputDataItem")
    return MultiInstance(
        is_sequential=flag(reading, element, "isSequential", False),
        behavior=word(reading, element, "behavior", ("All", "None", "One", "Complex")),
        cardinality=expression(reading, first(parts, "loopCardinality")),
        completion_condition=expression(reading, first(parts, "completionCondition")),
        data_input_ref=local_name(text_of(parts, "loopDataInputRef")),
        data_output_ref=local_name(text_of(parts, "loopDataOutputRef")),
        input_item=_item_name(item_in),
        output_item=_item_name(item_out),
        input_item_id=attribute(item_in, "id") if item_in is not None else "",
        output_item_id=attribute(item_out, "id") if item_out is not None else "",
        none_event_ref=reference(element, "noneBehaviorEventRef"),
        one_event_ref=reference(element, "oneBehaviorEventRef"),
        complex_behaviors=tuple(
            [_complex_behavior(reading, child) for child in parts.get("complexBehaviorDefinition", ())]
        ),
        extension=extension(reading, element, parts),
        span=reading.span(element),
    )


def _item_name(element: XmlElement | None) -> str:
    return "" if element is None else attribute(element, "name") or attribute(element, "id")


def _complex_behavior(reading: Reading, element: XmlElement) -> ComplexBehavior:
    parts = parts_of(element)
    event = first(parts, "event")
    return ComplexBehavior(
        condition=expression(reading, first(parts, "condition")),
        event=_event(reading, event, ({}, {})) if event is not None else None,
        span=reading.span(element),
    )


def resource_roles(reading: Reading, parts: Parts) -> tuple[ResourceRole, ...]:
    """All roles among the children, of the four kinds."""
    return tuple([_resource_role(reading, child) for tag in _ROLE if tag in parts for child in parts[tag]])


def _resource_role(reading: Reading, element: XmlElement) -> ResourceRole:
    parts = parts_of(element)
    assignment = first(parts, "resourceAssignmentExpression")
    parameters: list[tuple[str, Expression]] = []
    for binding in parts.get("resourceParameterBinding", ()):
        value = _inner_expression(reading, binding)
        if value is not None:
            parameters.append((reference(binding, "parameterRef"), value))
    return ResourceRole(
        kind=_ROLE[element.name],
        id=attribute(element, "id"),
        name=attribute(element, "name"),
        resource_ref=local_name(text_of(parts, "resourceRef")),
        assignment=_inner_expression(reading, assignment) if assignment is not None else None,
        parameters=tuple(parameters),
        span=reading.span(element),
    )


def _inner_expression(reading: Reading, element: XmlElement) -> Expression | None:
    parts = parts_of(element)
    return expression(reading, first(parts, "formalExpression") or first(parts, "expression"))


def _gateway(reading: Reading, element: XmlElement, ends: Ends) -> Gateway:
    parts = parts_of(element)
    id = attribute(element, "id")
    return Gateway(
        kind=_GATEWAY[element.name],
        id=id,
        name=attribute(element, "name"),
        direction=attribute(element, "gatewayDirection"),
        incoming=_in_listed_order(ends[0].get(id), references(parts, "incoming")),
        outgoing=_in_listed_order(ends[1].get(id), references(parts, "outgoing")),
        default=reference(element, "default"),
        activation_condition=expression(reading, first(parts, "activationCondition")),
        instantiate=flag(reading, element, "instantiate", False),
        event_type=word(reading, element, "eventGatewayType", ("Exclusive", "Parallel")),
        documentation=documentation(parts),
        extension=extension(reading, element, parts),
        span=reading.span(element),
    )


def _event(reading: Reading, element: XmlElement, ends: Ends) -> Event:
    parts = parts_of(element)
    id = attribute(element, "id")
    refs = references(parts, "eventDefinitionRef")
    own = [event_definition(reading, child) for child in element.children if _is_definition(element, child)]
    named = [reading.event_definitions[ref] for ref in refs if ref in reading.event_definitions]
    return Event(
        # `event` is the tag of the event that a complex multi-instance behaviour throws.
        kind=_EVENT.get(element.name, "implicitThrowEvent"),
        id=id,
        name=attribute(element, "name"),
        incoming=_in_listed_order(ends[0].get(id), references(parts, "incoming")),
        outgoing=_in_listed_order(ends[1].get(id), references(parts, "outgoing")),
        definitions=tuple(own + named),
        definition_refs=refs,
        parallel_multiple=flag(reading, element, "parallelMultiple", False),
        is_interrupting=flag(reading, element, "isInterrupting", True),
        attached_to=reference(element, "attachedToRef"),
        cancel_activity=flag(reading, element, "cancelActivity", True),
        data=data_associations(reading, parts, "dataOutputAssociation")
        + data_associations(reading, parts, "dataInputAssociation"),
        items=data_items(reading, parts, "dataOutput") + data_items(reading, parts, "dataInput"),
        properties=properties(reading, parts),
        documentation=documentation(parts),
        extension=extension(reading, element, parts),
        span=reading.span(element),
    )


def _is_definition(event: XmlElement, child: XmlElement) -> bool:
    return child.name in _DEFINITION and child.namespace == event.namespace


def event_definition(reading: Reading, element: XmlElement) -> EventDefinition:
    """An event definition, inside an event or on its own."""
    parts = parts_of(element)
    kind = _DEFINITION[element.name]
    timer, time = _time(reading, element, parts) if kind == "timerEventDefinition" else ("", None)
    return EventDefinition(
        kind=kind,
        id=attribute(element, "id"),
        ref=reference(element, _REF[kind]) if kind in _REF else "",
        operation_ref=local_name(text_of(parts, "operationRef")),
        timer=timer,
        expression=time or expression(reading, first(parts, "condition")),
        catch_up=element.attributes.get(CATCH_UP, ""),
        wait_for_completion=flag(reading, element, "waitForCompletion", True),
        link_name=attribute(element, "name") if kind == "linkEventDefinition" else "",
        link_sources=references(parts, "source"),
        link_target=local_name(text_of(parts, "target")),
        extension=extension(reading, element, parts),
        span=reading.span(element),
    )


def _time(reading: Reading, element: XmlElement, parts: Parts) -> tuple[TimerKind, Expression | None]:
    given: list[TimerKind] = [tag for tag in _TIMER if tag in parts]
    if len(given) > 1:
        text = f"a timer has {' and '.join(given)}; which one holds is not defined"
        reading.report("timer", element, text, "keep one of them")
    if not given:
        return "", None
    return given[0], expression(reading, first(parts, given[0]))


def associations(reading: Reading, parts: Parts) -> tuple[Association, ...]:
    """The associations among the children of a scope or collaboration."""
    return tuple(
        [
            Association(
                id=attribute(element, "id"),
                source=reference(element, "sourceRef"),
                target=reference(element, "targetRef"),
                direction=attribute(element, "associationDirection") or "None",
                span=reading.span(element),
            )
            for element in parts.get("association", ())
        ]
    )


def artifacts(reading: Reading, parts: Parts) -> tuple[Artifact, ...]:
    """The notes and groups among the children of a scope or collaboration."""
    return tuple(
        [
            Artifact(
                kind=_ARTIFACT[tag],
                id=attribute(element, "id"),
                text=text_of(parts_of(element), "text") or reference(element, "categoryValueRef"),
                span=reading.span(element),
            )
            for tag in _ARTIFACT
            for element in parts.get(tag, ())
        ]
    )


def _lane_set(reading: Reading, element: XmlElement) -> LaneSet:
    return LaneSet(
        id=attribute(element, "id"),
        name=attribute(element, "name"),
        lanes=tuple([_lane(reading, child) for child in parts_of(element).get("lane", ())]),
        span=reading.span(element),
    )


def _lane(reading: Reading, element: XmlElement) -> Lane:
    parts = parts_of(element)
    inner = first(parts, "childLaneSet")
    return Lane(
        id=attribute(element, "id"),
        name=attribute(element, "name"),
        node_refs=references(parts, "flowNodeRef"),
        lanes=_lane_set(reading, inner).lanes if inner is not None else (),
        extension=extension(reading, element, parts),
        span=reading.span(element),
    )


NODES: Final[dict[str, Callable[[Reading, XmlElement, Ends], FlowNode]]] = {
    **dict.fromkeys(_ACTIVITY, _activity),
    **dict.fromkeys(_GATEWAY, _gateway),
    **dict.fromkeys(_EVENT, _event),
}
"""The reader of each flow node, by tag."""
