"""Every element and attribute of BPMN 2.0.2 (Semantic.xsd): executed, refused, said to be without effect, or drawn.

A row that is executed is used by a model of a scenario, which runs; what is refused or said is shown by a snippet.
Names and ids are left out; so are the elements of diagrams.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from procession.base.diagnostics import Diagnostic
from procession.compile import compile_definitions
from procession.parse import grammar
from unit.compile.snippets import MODEL, ROOTS, definitions_of, document, flow

ROOT: Final = Path(__file__).resolve().parents[3]

EXECUTED: Final[dict[str, str]] = {
    "definitions": "expressionLanguage",
    "process": "isExecutable",
    "sequenceFlow": "sourceRef targetRef",
    "conditionExpression": "",
    "startEvent": "isInterrupting parallelMultiple",
    "endEvent": "",
    "intermediateCatchEvent": "parallelMultiple",
    "intermediateThrowEvent": "",
    "boundaryEvent": "attachedToRef cancelActivity parallelMultiple",
    "messageEventDefinition": "messageRef",
    "timerEventDefinition": "",
    "timeDate": "",
    "timeDuration": "",
    "timeCycle": "",
    "errorEventDefinition": "errorRef",
    "escalationEventDefinition": "escalationRef",
    "signalEventDefinition": "signalRef",
    "linkEventDefinition": "name",
    "terminateEventDefinition": "",
    "compensateEventDefinition": "activityRef waitForCompletion",
    "cancelEventDefinition": "",
    "eventDefinitionRef": "",
    "message": "name",
    "signal": "name",
    "error": "errorCode",
    "escalation": "escalationCode",
    "conditionalEventDefinition": "",
    "condition": "",
    "task": "default startQuantity completionQuantity",
    "manualTask": "",
    "userTask": "",
    "serviceTask": "isForCompensation",
    "sendTask": "messageRef",
    "receiveTask": "messageRef instantiate",
    "scriptTask": "",
    "businessRuleTask": "",
    "callActivity": "calledElement",
    "subProcess": "triggeredByEvent isForCompensation",
    "transaction": "",
    "adHocSubProcess": "ordering cancelRemainingInstances",
    "standardLoopCharacteristics": "testBefore loopMaximum",
    "loopCondition": "",
    "multiInstanceLoopCharacteristics": "isSequential behavior noneBehaviorEventRef oneBehaviorEventRef",
    "complexBehaviorDefinition": "",
    "event": "",
    "loopCardinality": "",
    "completionCondition": "",
    "exclusiveGateway": "default",
    "parallelGateway": "",
    "inclusiveGateway": "default",
    "eventBasedGateway": "instantiate eventGatewayType",
    "complexGateway": "default",
    "activationCondition": "",
    "extensionElements": "",
    "association": "sourceRef targetRef",
    "formalExpression": "language",
    "dataObject": "name",
    "dataObjectReference": "dataObjectRef name",
    "dataStore": "name",
    "dataStoreReference": "dataStoreRef",
    "property": "name",
    "ioSpecification": "",
    "dataInput": "name",
    "dataOutput": "name",
    "inputSet": "",
    "dataInputRefs": "",
    "optionalInputRefs": "",
    "outputSet": "",
    "dataOutputRefs": "",
    "dataInputAssociation": "",
    "dataOutputAssociation": "",
    "sourceRef": "",
    "targetRef": "",
    "transformation": "",
    "assignment": "",
    "from": "",
    "to": "",
    "loopDataInputRef": "",
    "loopDataOutputRef": "",
    "inputDataItem": "name",
    "outputDataItem": "name",
    "correlationKey": "",
    "correlationProperty": "",
    "correlationPropertyRef": "",
    "correlationPropertyRetrievalExpression": "messageRef",
    "messagePath": "",
    "correlationSubscription": "correlationKeyRef",
    "correlationPropertyBinding": "correlationPropertyRef",
    "dataPath": "",
    "collaboration": "",
    "participant": "processRef",
    "messageFlow": "sourceRef targetRef messageRef",
    "globalTask": "",
    "globalUserTask": "",
    "globalManualTask": "",
    "globalScriptTask": "",
    "globalBusinessRuleTask": "",
    "laneSet": "",
    "lane": "name",
    "childLaneSet": "",
    "flowNodeRef": "",
    "resource": "name",
    "resourceRole": "",
    "performer": "",
    "humanPerformer": "",
    "potentialOwner": "",
    "resourceRef": "",
    "resourceAssignmentExpression": "",
}
"""Element -> the attributes of it that have an effect."""

START: Final = '<startEvent id="s"/>'
LOOP: Final = (
    "<multiInstanceLoopCharacteristics {}><loopCardinality>2</loopCardinality>{}</multiInstanceLoopCharacteristics>"
)
EVENT: Final = '<signalEventDefinition id="thrown" signalRef="sig"/>'


def after(body: str) -> str:
    return f"{START}{body}{flow('s', 'x')}"


def throwing(definition: str) -> str:
    return after(f'<intermediateThrowEvent id="x">{definition}</intermediateThrowEvent>')


def catching(definition: str, attributes: str = "") -> str:
    return after(f'<intermediateCatchEvent id="x" {attributes}>{definition}</intermediateCatchEvent>')


def looped(attributes: str = "", inner: str = "") -> str:
    return after(f'<task id="x">{LOOP.format(attributes, inner)}</task>')


def scripted(attributes: str, script: str = "") -> str:
    return after(f'<scriptTask id="x" {attributes}>{script}</scriptTask>')


REFUSED: Final[dict[tuple[str, str], str]] = {
    ("transaction", "method"): after('<transaction id="x" method="##Store"/>'),
    ("implicitThrowEvent", ""): after('<implicitThrowEvent id="x"/>'),
    ("script", ""): scripted('scriptFormat="groovy"', "<script>1</script>"),
    ("scriptTask", "scriptFormat"): scripted('scriptFormat="groovy"', "<script>1</script>"),
    **{
        (tag, ""): after('<task id="x"/>') + f'<{tag} id="y"/>'
        for tag in ("choreographyTask", "subChoreography", "callChoreography")
    },
}

SET: Final = (
    '<task id="x"><ioSpecification><dataInput id="i"/><dataOutput id="o"/><inputSet><dataInputRefs>i</dataInputRefs>'
    "<whileExecutingInputRefs>i</whileExecutingInputRefs></inputSet><outputSet><dataOutputRefs>o</dataOutputRefs>"
    "<whileExecutingOutputRefs>o</whileExecutingOutputRefs></outputSet></ioSpecification></task>"
)
OWNED: Final = (
    '<userTask id="x"><performer><resourceRef>r</resourceRef><resourceParameterBinding><formalExpression>=a'
    "</formalExpression></resourceParameterBinding></performer></userTask>"
)
SAID: Final[dict[tuple[str, str], str]] = {
    ("sequenceFlow", "isImmediate"): after('<task id="x"/>').replace(
        'targetRef="x"', 'targetRef="x" isImmediate="false"'
    ),
    ("dataState", ""): after('<task id="x"/>')
    + '<dataObject id="d"/><dataObjectReference id="r" dataObjectRef="d"><dataState name="new"/></dataObjectReference>',
    ("whileExecutingInputRefs", ""): after(SET),
    ("whileExecutingOutputRefs", ""): after(SET),
    ("resourceParameterBinding", ""): after(OWNED),
    ("participantMultiplicity", ""): after('<task id="x"/>'),
    **{
        (tag, "implementation"): after(
            f'<{tag} id="x" implementation="http://example.org/it"><extensionElements>'
            f'<zeebe:taskDefinition type="t"/></extensionElements></{tag}>'
        )
        for tag in ("serviceTask", "sendTask", "businessRuleTask")
    },
    ("userTask", "implementation"): after('<userTask id="x" implementation="##Java"/>'),
    ("receiveTask", "implementation"): after('<receiveTask id="x" messageRef="m" implementation="##Java"/>'),
    ("receiveTask", "operationRef"): after('<receiveTask id="x" messageRef="m" operationRef="op"/>'),
    **{
        (tag, "operationRef"): after(
            f'<{tag} id="x" operationRef="op"><extensionElements>'
            f'<zeebe:taskDefinition type="t"/></extensionElements></{tag}>'
        )
        for tag in ("serviceTask", "sendTask")
    },
    ("operationRef", ""): throwing(
        '<messageEventDefinition messageRef="m"><operationRef>op</operationRef></messageEventDefinition>'
    ),
    **{(tag, ""): after('<task id="x"/>') for tag in ("choreography", "globalChoreographyTask", "globalConversation")},
    **{(tag, ""): after('<task id="x"/>') for tag in ("partnerEntity", "partnerRole", "endPoint", "relationship")},
    ("extension", ""): after('<task id="x"/>'),
    **{(tag, ""): after('<task id="x"/>') for tag in ("conversation", "subConversation", "callConversation")},
}
"""Diagnostics that stop nothing: a warning, or a word."""
SAYING: Final = frozenset({"element-type", "data", "sequence-flow-immediate", "user-task-definition"})
AROUND: Final[dict[str, str]] = {
    **{tag: f'<{tag} id="root"/>' for tag in ("choreography", "globalChoreographyTask", "globalConversation")},
    **{tag: f'<{tag} id="root"/>' for tag in ("partnerEntity", "partnerRole", "endPoint", "relationship", "extension")},
    **{
        tag: f'<collaboration id="co"><participant id="pool" processRef="p"/><{tag} id="root"/></collaboration>'
        for tag in ("conversation", "subConversation", "callConversation")
    },
    "participantMultiplicity": '<collaboration id="co"><participant id="pool" processRef="p">'
    '<participantMultiplicity minimum="2"/></participant></collaboration>',
    "resourceParameterBinding": '<resource id="r" name="r"/>',
    "event-definition": '<signalEventDefinition id="def" signalRef="sig"/>',
    "interface": '<interface id="if" name="if"><operation id="op" name="op"/></interface>',
}

DRAWN: Final = frozenset(
    "documentation incoming outgoing textAnnotation text group category "
    "categoryValue categoryValueRef partitionElement auditing monitoring "
    "interfaceRef endPointRef interface operation inMessageRef outMessageRef errorRef import itemDefinition "
    "resourceParameter outputSetRefs optionalOutputRefs inputSetRefs "
    "supportedInterfaceRef ioBinding supports rendering source target expression "
    "conversationLink conversationAssociation participantAssociation messageFlowAssociation".split()
)
"""Elements that say nothing about how a process runs, and parts of elements that are judged as a whole."""
DRAWN_ATTRIBUTES: Final[dict[str, str]] = {
    "definitions": "targetNamespace typeLanguage exporter exporterVersion",
    "process": "processType isClosed definitionalCollaborationRef",
    "message": "itemRef",
    "signal": "structureRef",
    "error": "structureRef",
    "escalation": "structureRef",
    "exclusiveGateway": "gatewayDirection",
    "formalExpression": "evaluatesToTypeRef",
    "multiInstanceLoopCharacteristics": "loopDataInputRef loopDataOutputRef",
    "dataObject": "itemSubjectRef isCollection",
    "dataStore": "itemSubjectRef capacity isUnlimited",
    "dataInput": "itemSubjectRef isCollection",
    "dataOutput": "itemSubjectRef isCollection",
    "property": "itemSubjectRef",
    "inputDataItem": "itemSubjectRef",
    "outputDataItem": "itemSubjectRef",
    "correlationProperty": "type",
    "participant": "partnerEntityRef partnerRoleRef interfaceRef endPointRef",
}
"""Types are not checked: values are JSON. A direction follows from the flows. The rest tells people something."""


@cache
def used() -> frozenset[tuple[str, str]]:
    """(tag, "") and (tag, attribute) of all models of scenarios. `conditionExpression` and the like are formal ones."""
    found: set[tuple[str, str]] = set()
    for folder in ("tests/scenarios", "examples"):
        for path in (ROOT / folder).rglob("*.bpmn"):
            if "refused" not in path.parts:
                for element in ET.parse(path).iter():
                    namespace, _, tag = element.tag.rpartition("}")
                    if namespace != f"{{{MODEL}":
                        continue
                    found |= {(tag, ""), *((tag, name) for name in element.attrib)}
    # A formal expression stands under the name of its part: conditionExpression, completionCondition, timeDate, ...
    found |= {("formalExpression", name) for name in ("", "language") if ("conditionExpression", name) in found}
    return frozenset(found)


def diagnosed(tag: str, body: str) -> tuple[int, list[Diagnostic]]:
    more = "".join(AROUND[name] for name in (tag, "event-definition", "interface") if name in AROUND)
    programs, diagnostics = compile_definitions(definitions_of(document(body, roots=ROOTS + more)))
    return len(programs), diagnostics


@pytest.mark.parametrize("tag", EXECUTED)
def test_what_is_executed_is_used_by_a_scenario(tag: str) -> None:
    missing = [name for name in ("", *EXECUTED[tag].split()) if (tag, name) not in used()]
    assert not missing


@pytest.mark.parametrize(("tag", "name"), REFUSED, ids="-".join)
def test_what_is_not_executed_is_refused_where_it_stands(tag: str, name: str) -> None:
    programs, diagnostics = diagnosed(tag, REFUSED[tag, name])
    errors = [each for each in diagnostics if each.severity == "error"]
    assert programs == 0
    assert errors
    assert all(each.element and each.rule and each.remedy for each in errors), errors
    assert all(each.span.file and each.span.line and each.span.column for each in errors), errors


@pytest.mark.parametrize(("tag", "name"), SAID, ids="-".join)
def test_what_has_no_effect_is_said(tag: str, name: str) -> None:
    programs, diagnostics = diagnosed(tag, SAID[tag, name])
    assert programs == 1, diagnostics
    found = [each for each in diagnostics if each.severity != "error" and each.rule in SAYING]
    assert found, diagnostics
    assert all(each.span.line and each.element for each in found), found


def test_no_element_and_no_reference_of_the_grammar_is_left_out() -> None:
    rows = {tag for tag, _ in (*REFUSED, *SAID)} | EXECUTED.keys() | DRAWN
    known = set(grammar.CHILDREN) | {child for children in grammar.CHILDREN.values() for child in children}
    assert sorted(known - rows) == []
    attributes = {(tag, name) for tag, names in EXECUTED.items() for name in names.split()}
    attributes |= {(tag, name) for tag, names in DRAWN_ATTRIBUTES.items() for name in names.split()}
    attributes |= {*REFUSED, *SAID}
    references = {(tag, name) for tag, names in grammar.ATTRIBUTE_REFERENCES.items() for name in names}
    # An activity's default is that of any activity; a part of an element that is refused or drawn is judged with it.
    whole = DRAWN | {tag for tag, name in (*REFUSED, *SAID) if not name}
    left = [
        (tag, name)
        for tag, name in sorted(references - attributes)
        if tag not in whole and not (name == "default" and tag in grammar.ACTIVITIES)
    ]
    assert left == []


def test_no_row_stands_twice() -> None:
    elements = [*EXECUTED, *DRAWN, *(tag for tag, name in (*REFUSED, *SAID) if not name)]
    assert len(elements) == len(set(elements)), [each for each in elements if elements.count(each) > 1]
