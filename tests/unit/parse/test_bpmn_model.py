"""BPMN documents become the model: every family, with spans, whatever the prefixes."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.base.diagnostics import Diagnostic, Span
from procession.model.bpmn import Activity, Definitions, FlowNode, Gateway, MultiInstance, StandardLoop
from procession.model.diagram import Bounds, Point
from procession.model.events import Event
from procession.model.extension import Expression
from procession.parse import parse_bpmn

MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"
XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


def read(body: str, root: str = "", process: str = 'isExecutable="true"') -> Definitions:
    """The model of a process `p` with this body; there must be nothing to report."""
    definitions, diagnostics = document(f'<process id="p" {process}>{body}</process>{root}')
    assert diagnostics == []
    return definitions


def document(content: str) -> tuple[Definitions, list[Diagnostic]]:
    text = f'<definitions xmlns="{MODEL}" {XSI} id="d" targetNamespace="urn:t" xmlns:t="urn:t">{content}</definitions>'
    definitions, diagnostics = parse_bpmn(text.encode(), "test.bpmn")
    assert definitions is not None
    return definitions, diagnostics


def nodes(definitions: Definitions) -> dict[str, FlowNode]:
    return {node.id: node for node in definitions.processes[0].scope.nodes}


def activity(body: str, root: str = "") -> Activity:
    node = read(body, root).processes[0].scope.nodes[0]
    assert isinstance(node, Activity)
    return node


def event(body: str, root: str = "") -> Event:
    node = read(body, root).processes[0].scope.nodes[-1]
    assert isinstance(node, Event)
    return node


@pytest.mark.parametrize("prefix", ["", "bpmn", "bpmn2", "semantic", "x"])
def test_any_prefix_is_accepted(prefix: str) -> None:
    dot = f"{prefix}:" if prefix else ""
    declaration = f"xmlns:{prefix}" if prefix else "xmlns"
    text = (
        f'<{dot}definitions {declaration}="{MODEL}"><{dot}process id="p" isExecutable="1">'
        f'<{dot}startEvent id="s"/></{dot}process></{dot}definitions>'
    )
    definitions, diagnostics = parse_bpmn(text.encode(), "f")
    assert not diagnostics
    assert definitions is not None
    assert definitions.processes[0].is_executable
    assert [node.id for node in definitions.processes[0].scope.nodes] == ["s"]


def test_a_document_keeps_its_head() -> None:
    text = (
        f'<definitions xmlns="{MODEL}" xmlns:modeler="http://camunda.org/schema/modeler/1.0" id="d" name="n" '
        'targetNamespace="urn:t" expressionLanguage="feel" typeLanguage="xsd" exporter="e" exporterVersion="1" '
        'modeler:executionPlatform="Camunda Cloud" modeler:executionPlatformVersion="8.9.0">'
        '<import namespace="urn:x" location="x.xsd" importType="xsd"/></definitions>'
    )
    definitions, _ = parse_bpmn(text.encode(), "f.bpmn")
    assert definitions is not None
    assert (definitions.id, definitions.name, definitions.target_namespace) == ("d", "n", "urn:t")
    assert (definitions.expression_language, definitions.exporter) == ("feel", "e")
    assert (definitions.execution_platform, definitions.execution_platform_version) == ("Camunda Cloud", "8.9.0")
    assert [(i.namespace, i.location) for i in definitions.imports] == [("urn:x", "x.xsd")]
    assert definitions.digest == hashlib.sha256(text.encode()).hexdigest()
    assert (definitions.source, definitions.span) == ("f.bpmn", Span("f.bpmn", 1, 1))
    assert not definitions.uses_zeebe


@pytest.mark.parametrize(
    "kind", "task manualTask userTask serviceTask sendTask receiveTask scriptTask businessRuleTask callActivity".split()
)
def test_every_task_is_an_activity_of_its_kind(kind: str) -> None:
    node = activity(f'\n  <{kind} id="a" name="Do it" startQuantity="2" isForCompensation="true"/>')
    assert (node.kind, node.id, node.name, node.start_quantity) == (kind, "a", "Do it", "2")
    assert node.is_for_compensation
    assert node.scope is None
    assert node.span == Span("test.bpmn", 2, 3)


def test_attributes_of_single_kinds_are_kept() -> None:
    root = '<message id="m" name="paid"/><interface id="i"><operation id="o" name="x"/></interface>'
    node = activity('<receiveTask id="a" messageRef="t:m" operationRef="o" instantiate="true"/>', root)
    assert (node.message_ref, node.operation_ref, node.instantiate) == ("m", "o", True)
    script = activity('<scriptTask id="a" scriptFormat="python"><script>  x = 1\n</script></scriptTask>')
    assert (script.script_format, script.script) == ("python", "  x = 1\n")
    assert activity('<scriptTask id="a"/>').script is None
    assert activity('<callActivity id="a" calledElement="t:other"/>').called_element == "other"


def test_sub_processes_hold_a_scope() -> None:
    node = activity(
        '<adHocSubProcess id="a" ordering="Sequential" cancelRemainingInstances="false"><task id="b"/>'
        '<subProcess id="c" triggeredByEvent="true"><startEvent id="d" isInterrupting="false"/></subProcess>'
        "<completionCondition>done</completionCondition></adHocSubProcess>"
    )
    assert (node.kind, node.ordering, node.cancel_remaining_instances) == ("adHocSubProcess", "Sequential", False)
    assert node.completion_condition is not None
    assert node.completion_condition.text == "done"
    assert node.scope is not None
    inner = node.scope.nodes[1]
    assert isinstance(inner, Activity)
    assert inner.triggered_by_event
    assert inner.scope is not None
    start = inner.scope.nodes[0]
    assert isinstance(start, Event)
    assert not start.is_interrupting


def test_flows_give_incoming_and_outgoing_in_the_order_that_the_node_lists() -> None:
    definitions = read(
        '<exclusiveGateway id="g" default="f3"><outgoing>f2</outgoing><outgoing>t:f1</outgoing></exclusiveGateway>'
        '<task id="a"/><sequenceFlow id="f1" sourceRef="g" targetRef="a">'
        '<conditionExpression xsi:type="tFormalExpression" language="feel"> =x &gt; 1 </conditionExpression>'
        '</sequenceFlow><sequenceFlow id="f2" sourceRef="g" targetRef="t:a" isImmediate="true"/>'
        '<sequenceFlow id="f3" sourceRef="g" targetRef="a"/>'
    )
    gateway, task = nodes(definitions)["g"], nodes(definitions)["a"]
    assert isinstance(gateway, Gateway)
    assert gateway.outgoing == ("f2", "f1", "f3")
    assert gateway.default == "f3"
    assert task.incoming == ("f1", "f2", "f3")
    flow = definitions.processes[0].scope.flows[0]
    assert flow.condition is not None
    assert (flow.condition.text, flow.condition.language, flow.condition.formal) == ("=x > 1", "feel", True)
    assert definitions.processes[0].scope.flows[1].is_immediate


def test_gateways_keep_what_belongs_to_their_kind() -> None:
    definitions = read(
        '<complexGateway id="c" gatewayDirection="Converging"><activationCondition>n &gt; 1</activationCondition>'
        '</complexGateway><eventBasedGateway id="e" instantiate="true" eventGatewayType="Parallel"/>'
        '<parallelGateway id="p1"/><inclusiveGateway id="i"/>'
    )
    complex_, based = nodes(definitions)["c"], nodes(definitions)["e"]
    assert isinstance(complex_, Gateway)
    assert complex_.activation_condition is not None
    assert (complex_.activation_condition.text, complex_.direction) == ("n > 1", "Converging")
    assert isinstance(based, Gateway)
    assert (based.instantiate, based.event_type) == (True, "Parallel")


ROOTS = (
    '<message id="m" name="Msg"/><error id="e" name="E" errorCode="42"/><signal id="s" name="Sig"/>'
    '<escalation id="x" escalationCode="=code"/>'
)


@pytest.mark.parametrize(
    ("xml", "kind", "ref"),
    [
        ('<messageEventDefinition messageRef="t:m"/>', "messageEventDefinition", "m"),
        ('<errorEventDefinition errorRef="e"/>', "errorEventDefinition", "e"),
        ('<escalationEventDefinition escalationRef="x"/>', "escalationEventDefinition", "x"),
        ('<signalEventDefinition signalRef="s"/>', "signalEventDefinition", "s"),
        ('<compensateEventDefinition activityRef="a" waitForCompletion="false"/>', "compensateEventDefinition", "a"),
        ("<cancelEventDefinition/>", "cancelEventDefinition", ""),
        ("<terminateEventDefinition/>", "terminateEventDefinition", ""),
    ],
)
def test_event_definitions_name_what_they_are_about(xml: str, kind: str, ref: str) -> None:
    node = event(f'<task id="a"/><endEvent id="n">{xml}</endEvent>', ROOTS)
    assert [(d.kind, d.ref) for d in node.definitions] == [(kind, ref)]


def test_root_elements_keep_name_and_code() -> None:
    definitions = read("", ROOTS)
    assert [(m.id, m.name) for m in definitions.messages] == [("m", "Msg")]
    assert [(e.id, e.code) for e in definitions.errors] == [("e", "42")]
    assert [(e.id, e.code) for e in definitions.escalations] == [("x", "=code")]
    assert [(s.id, s.name) for s in definitions.signals] == [("s", "Sig")]
    assert read("", '<error id="e"/>').errors[0].code is None


@pytest.mark.parametrize("timer", ["timeDate", "timeDuration", "timeCycle"])
def test_a_timer_says_which_time_it_has(timer: str) -> None:
    node = event(
        f'<intermediateCatchEvent id="n"><timerEventDefinition><{timer} language="feel">\n =x \n</{timer}>'
        "</timerEventDefinition></intermediateCatchEvent>"
    )
    definition = node.definitions[0]
    assert definition.timer == timer
    assert definition.expression is not None
    assert (definition.expression.text, definition.expression.language) == ("=x", "feel")


def test_links_and_conditions_are_kept() -> None:
    link = event(
        '<intermediateThrowEvent id="n"><linkEventDefinition id="l" name="A"><target>t:k</target>'
        "</linkEventDefinition></intermediateThrowEvent>"
    ).definitions[0]
    assert (link.link_name, link.link_target) == ("A", "k")
    condition = event(
        '<startEvent id="n"><conditionalEventDefinition><condition>=x</condition>'
        "</conditionalEventDefinition></startEvent>"
    ).definitions[0]
    assert condition.expression == Expression(
        text="=x", span=condition.expression.span if condition.expression else Span()
    )


def test_boundary_events_know_their_host_and_multiple_definitions_keep_their_order() -> None:
    node = event(
        '<task id="a"/><boundaryEvent id="n" attachedToRef="t:a" cancelActivity="false" parallelMultiple="true">'
        '<signalEventDefinition id="d1" signalRef="s"/><messageEventDefinition id="d2" messageRef="m"/>'
        "<eventDefinitionRef>t:shared</eventDefinitionRef></boundaryEvent>",
        ROOTS + '<timerEventDefinition id="shared"><timeDuration>PT1S</timeDuration></timerEventDefinition>',
    )
    assert (node.attached_to, node.cancel_activity, node.parallel_multiple) == ("a", False, True)
    assert [d.id for d in node.definitions] == ["d1", "d2", "shared"]
    assert node.definition_refs == ("shared",)


def test_standard_loops_are_kept() -> None:
    loop = activity(
        '<task id="a"><standardLoopCharacteristics testBefore="true" loopMaximum="3">'
        "<loopCondition>x &lt; 3</loopCondition></standardLoopCharacteristics></task>"
    ).loop
    assert isinstance(loop, StandardLoop)
    assert (loop.test_before, loop.maximum) == (True, "3")
    assert loop.condition is not None
    assert loop.condition.text == "x < 3"


def test_multi_instances_are_kept_whole() -> None:
    loop = activity(
        '<task id="a"><ioSpecification><dataInput id="di"/><inputSet><dataInputRefs>di</dataInputRefs></inputSet>'
        "<outputSet/></ioSpecification>"
        '<multiInstanceLoopCharacteristics isSequential="true" behavior="Complex" noneBehaviorEventRef="sd">'
        "<loopCardinality>3</loopCardinality><loopDataInputRef>di</loopDataInputRef>"
        '<inputDataItem id="x1" name="item"/><outputDataItem id="x2"/>'
        "<complexBehaviorDefinition><condition>true</condition>"
        '<event><signalEventDefinition signalRef="s"/></event></complexBehaviorDefinition>'
        "<completionCondition>=done</completionCondition></multiInstanceLoopCharacteristics></task>",
        ROOTS + '<signalEventDefinition id="sd" signalRef="s"/>',
    ).loop
    assert isinstance(loop, MultiInstance)
    assert (loop.is_sequential, loop.behavior, loop.none_event_ref) == (True, "Complex", "sd")
    assert loop.cardinality is not None
    assert (loop.cardinality.text, loop.data_input_ref) == ("3", "di")
    assert (loop.input_item, loop.output_item, loop.input_item_id) == ("item", "x2", "x1")
    thrown = loop.complex_behaviors[0].event
    assert thrown is not None
    assert (thrown.kind, thrown.definitions[0].ref) == ("implicitThrowEvent", "s")


def test_data_is_kept() -> None:
    definitions = read(
        '<property id="pr" name="total" itemSubjectRef="t:it"/><dataObject id="o" name="Order" isCollection="true"/>'
        '<dataObjectReference id="or" dataObjectRef="o"><dataState name="new"/></dataObjectReference>'
        '<dataStoreReference id="sr" dataStoreRef="ds"/>'
        '<task id="a"><ioSpecification><dataInput id="di" name="in"/><dataOutput id="do"/>'
        "<inputSet><dataInputRefs>di</dataInputRefs></inputSet><outputSet><dataOutputRefs>do</dataOutputRefs>"
        "</outputSet></ioSpecification><property id='tp' name='local'/>"
        "<dataInputAssociation id='ia'><sourceRef>or</sourceRef><targetRef>di</targetRef>"
        "<transformation>=x</transformation><assignment><from>a</from><to>b</to></assignment></dataInputAssociation>"
        "<dataOutputAssociation><sourceRef>do</sourceRef><targetRef>or</targetRef></dataOutputAssociation></task>",
        '<itemDefinition id="it" structureRef="xsd:string"/><dataStore id="ds" name="DB" isUnlimited="false"/>',
    )
    process = definitions.processes[0]
    assert [(p.name, p.item_ref) for p in process.properties] == [("total", "it")]
    assert [(o.name, o.is_collection) for o in process.scope.data_objects] == [("Order", True)]
    assert [(r.data_object_ref, r.state) for r in process.scope.data_object_references] == [("o", "new")]
    assert definitions.item_definitions[0].structure_ref == "xsd:string"
    assert not definitions.data_stores[0].is_unlimited
    task = process.scope.nodes[0]
    assert isinstance(task, Activity)
    assert task.io is not None
    assert (task.io.inputs[0].name, task.io.output_sets[0].items) == ("in", ("do",))
    association = task.data_inputs[0]
    assert (association.source_refs, association.target_ref) == (("or",), "di")
    assert association.assignments[0].target.text == "b"
    assert task.properties[0].name == "local"


def test_correlation_collaboration_and_lanes_are_kept() -> None:
    definitions, diagnostics = document(
        '<message id="m"/><correlationProperty id="cp" name="key">'
        '<correlationPropertyRetrievalExpression messageRef="m">'
        "<messagePath>=id</messagePath></correlationPropertyRetrievalExpression></correlationProperty>"
        '<collaboration id="c"><participant id="pa" name="Us" processRef="p"><participantMultiplicity maximum="2"/>'
        '</participant><participant id="pb"/><messageFlow id="mf" sourceRef="pb" targetRef="a" messageRef="m"/>'
        '<correlationKey id="ck"><correlationPropertyRef>cp</correlationPropertyRef></correlationKey></collaboration>'
        '<process id="p"><laneSet id="ls"><lane id="l1"><flowNodeRef>a</flowNodeRef><childLaneSet>'
        '<lane id="l2"/></childLaneSet></lane></laneSet><task id="a"><performer id="pf"><resourceRef>r</resourceRef>'
        "</performer><potentialOwner><resourceAssignmentExpression><formalExpression>=who</formalExpression>"
        "</resourceAssignmentExpression></potentialOwner></task>"
        '<correlationSubscription id="cs" correlationKeyRef="ck">'
        '<correlationPropertyBinding correlationPropertyRef="cp">'
        "<dataPath>=order</dataPath></correlationPropertyBinding></correlationSubscription>"
        '<textAnnotation id="ta"><text>Hi</text></textAnnotation>'
        '<association id="as" sourceRef="a" targetRef="ta" associationDirection="One"/></process>'
        '<resource id="r" name="Clerks"/>'
    )
    assert diagnostics == []
    collaboration, process = definitions.collaborations[0], definitions.processes[0]
    assert [(p.id, p.process_ref, p.maximum) for p in collaboration.participants] == [("pa", "p", "2"), ("pb", "", "")]
    assert [(f.source, f.target, f.message_ref) for f in collaboration.message_flows] == [("pb", "a", "m")]
    assert collaboration.correlation_keys[0].property_refs == ("cp",)
    path = definitions.correlation_properties[0].retrievals[0].path
    assert path is not None
    assert path.text == "=id"
    assert process.correlation_subscriptions[0].bindings[0].property_ref == "cp"
    lane = process.scope.lane_sets[0].lanes[0]
    assert (lane.node_refs, [inner.id for inner in lane.lanes]) == (("a",), ["l2"])
    task = process.scope.nodes[0]
    assert isinstance(task, Activity)
    assert [(r.kind, r.resource_ref) for r in task.resources] == [("performer", "r"), ("potentialOwner", "")]
    assert task.resources[1].assignment is not None
    assert (process.scope.artifacts[0].text, process.scope.associations[0].direction) == ("Hi", "One")


def test_global_tasks_are_kept() -> None:
    task = read("", '<globalScriptTask id="g" scriptLanguage="x"><script>y</script></globalScriptTask>').global_tasks[0]
    assert (task.kind, task.script_format, task.script) == ("globalScriptTask", "x", "y")


def test_the_drawing_is_kept() -> None:
    di = (
        '<di:BPMNDiagram xmlns:di="http://www.omg.org/spec/BPMN/20100524/DI" '
        'xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" xmlns:dd="http://www.omg.org/spec/DD/20100524/DI" '
        'xmlns:bioc="http://bpmn.io/schema/bpmn/biocolor/1.0" id="dg">'
        '<di:BPMNPlane bpmnElement="p"><di:BPMNShape id="s1" bpmnElement="a" isExpanded="true" bioc:stroke="#f00">'
        '<dc:Bounds x="1.5" y="-2" width="100" height="80"/><di:BPMNLabel><dc:Bounds x="1" y="2" width="3" height="4"/>'
        '</di:BPMNLabel></di:BPMNShape><di:BPMNEdge id="e1" bpmnElement="f"><dd:waypoint x="1" y="2"/>'
        '<dd:waypoint x="3" y="4"/></di:BPMNEdge></di:BPMNPlane></di:BPMNDiagram>'
    )
    diagram = read('<task id="a"/>', di).diagrams[0]
    shape, edge = diagram.shapes[0], diagram.edges[0]
    assert (diagram.element, shape.element, shape.bounds) == ("p", "a", Bounds(1.5, -2, 100, 80))
    assert (shape.is_expanded, shape.is_horizontal, shape.stroke) == (True, None, "#f00")
    assert shape.label == Bounds(1, 2, 3, 4)
    assert edge.waypoints == (Point(1, 2), Point(3, 4))
    _, diagnostics = document(f'<process id="p" isExecutable="true"/>{di.replace("-2", "NaN")}')
    assert [(d.rule, d.severity) for d in diagnostics] == [("diagram", "warning")]


@given(st.lists(st.sampled_from(["task", "startEvent", "parallelGateway"]), max_size=20))
def test_every_flow_is_listed_at_both_of_its_ends(kinds: list[str]) -> None:
    body = "".join(f'<{kind} id="n{i}"/>' for i, kind in enumerate(kinds))
    flows = [(i, j) for i in range(len(kinds)) for j in range(0, len(kinds), 3)]
    body += "".join(f'<sequenceFlow id="f{i}_{j}" sourceRef="n{i}" targetRef="n{j}"/>' for i, j in flows)
    scope = read(body).processes[0].scope
    listed = {(node.id, flow) for node in scope.nodes for flow in node.outgoing}
    arriving = {(node.id, flow) for node in scope.nodes for flow in node.incoming}
    assert listed == {(flow.source, flow.id) for flow in scope.flows}
    assert arriving == {(flow.target, flow.id) for flow in scope.flows}
