"""The grammar of BPMN 2.0.2 as tables: what each element holds, in which order and how often, and its attributes.

It says what the XML schemas of the standard say (clause 15); how a document is held against it is `validity.py`.
The content of an element is written as its parts in order: `?` once or not at all, `*` any number, `+` at least one,
`{m,n}` from m to n, and exactly one without a mark; `a|b` is one of these, `@group` any element of a group.
"""

from __future__ import annotations

from typing import Final, TypeAlias, final

import msgspec

BPMN: Final = "http://www.omg.org/spec/BPMN/20100524/MODEL"
BPMNDI: Final = "http://www.omg.org/spec/BPMN/20100524/DI"

Kind: TypeAlias = "str | tuple[str, ...]"
"""The type of a value: a name of `validity.VALUES`, or the words that it can be."""


@final
class Part(msgspec.Struct, frozen=True, gc=False):
    """A part of a content: the elements that it can be, and how often there is one (`most` 0: any number)."""

    names: frozenset[str]
    least: int
    most: int
    text: str
    """As it is told: the element, or the elements one of which is meant."""


@final
class Shape(msgspec.Struct, frozen=True, gc=False):
    """What an element is made of. `is_mixed`: text beside the elements; `is_open`: any content at all."""

    parts: tuple[Part, ...]
    attributes: dict[str, Kind]
    required: frozenset[str]
    is_mixed: bool = False
    is_open: bool = False


TASKS: Final = tuple("task manualTask userTask serviceTask sendTask receiveTask scriptTask businessRuleTask".split())
SUB_PROCESSES: Final = ("subProcess", "transaction", "adHocSubProcess")
ACTIVITIES: Final = (*TASKS, *SUB_PROCESSES, "callActivity")
GATEWAYS: Final = ("exclusiveGateway", "parallelGateway", "inclusiveGateway", "eventBasedGateway", "complexGateway")
CATCH_EVENTS: Final = ("startEvent", "intermediateCatchEvent", "boundaryEvent")
THROW_EVENTS: Final = ("intermediateThrowEvent", "endEvent", "implicitThrowEvent")
EVENTS: Final = CATCH_EVENTS + THROW_EVENTS
CHOREOGRAPHY_ACTIVITIES: Final = ("choreographyTask", "subChoreography", "callChoreography")
FLOW_NODES: Final = ACTIVITIES + GATEWAYS + EVENTS + CHOREOGRAPHY_ACTIVITIES
EVENT_DEFINITIONS: Final = tuple(
    f"{name}EventDefinition"
    for name in "message timer error escalation signal conditional compensate cancel link terminate".split()
)
GLOBAL_TASKS: Final = ("globalTask", "globalUserTask", "globalManualTask", "globalScriptTask", "globalBusinessRuleTask")
COLLABORATIONS: Final = ("collaboration", "choreography", "globalConversation", "globalChoreographyTask")
CONVERSATION_NODES: Final = ("conversation", "subConversation", "callConversation")
ARTIFACTS: Final = ("association", "group", "textAnnotation")
ROLES: Final = ("resourceRole", "performer", "humanPerformer", "potentialOwner")
LOOPS: Final = ("standardLoopCharacteristics", "multiInstanceLoopCharacteristics")

GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "flowElement": (*FLOW_NODES, "sequenceFlow", "dataObject", "dataObjectReference", "dataStoreReference"),
    "artifact": ARTIFACTS,
    "eventDefinition": EVENT_DEFINITIONS,
    "resourceRole": ROLES,
    "loopCharacteristics": LOOPS,
    "conversationNode": CONVERSATION_NODES,
    "expression": ("expression", "formalExpression"),
    "rootElement": (
        *COLLABORATIONS, *GLOBAL_TASKS, *EVENT_DEFINITIONS,
        *"process message signal error escalation itemDefinition dataStore interface resource category".split(),
        *"correlationProperty endPoint partnerEntity partnerRole".split(),
    ),
}  # fmt: skip
"""Elements that stand for each other: the substitution groups of the schema."""

_BASE: Final = "documentation* extensionElements?"
_FLOW_ELEMENT: Final = f"{_BASE} auditing? monitoring? categoryValueRef*"
_NODE: Final = f"{_FLOW_ELEMENT} incoming* outgoing*"
_ACTIVITY: Final = (
    f"{_NODE} ioSpecification? property* dataInputAssociation* dataOutputAssociation* @resourceRole*"
    " @loopCharacteristics?"
)
_EVENT: Final = f"{_NODE} property*"
_CATCH: Final = f"{_EVENT} dataOutput* dataOutputAssociation* outputSet? @eventDefinition* eventDefinitionRef*"
_THROW: Final = f"{_EVENT} dataInput* dataInputAssociation* inputSet? @eventDefinition* eventDefinitionRef*"
_CALLABLE: Final = f"{_BASE} supportedInterfaceRef* ioSpecification? ioBinding*"
_GLOBAL_TASK: Final = f"{_CALLABLE} @resourceRole*"
_COLLABORATION: Final = (
    f"{_BASE} participant* messageFlow* @artifact* @conversationNode* conversationAssociation*"
    " participantAssociation* messageFlowAssociation* correlationKey* choreographyRef* conversationLink*"
)
_CHOREOGRAPHY_ACTIVITY: Final = f"{_NODE} participantRef{{2,}} correlationKey*"
_CONVERSATION: Final = f"{_BASE} participantRef* messageFlowRef* correlationKey*"
_SUB_PROCESS: Final = f"{_ACTIVITY} laneSet* @flowElement* @artifact*"
_ASSOCIATION: Final = f"{_BASE} sourceRef* targetRef transformation? assignment*"
_ITEM: Final = f"{_BASE} dataState?"
_ROLE: Final = f"{_BASE} resourceRef? resourceParameterBinding* resourceAssignmentExpression?"

CONTENT: Final[dict[str, str]] = {
    "definitions": "import* extension* @rootElement* BPMNDiagram* relationship*",
    "extension": "documentation*",
    "relationship": f"{_BASE} source+ target+",
    "process": (
        f"{_CALLABLE} auditing? monitoring? property* laneSet* @flowElement* @artifact* @resourceRole*"
        " correlationSubscription* supports*"
    ),
    **dict.fromkeys((*TASKS, "callActivity"), _ACTIVITY),
    "userTask": f"{_ACTIVITY} rendering*",
    "scriptTask": f"{_ACTIVITY} script?",
    **dict.fromkeys(SUB_PROCESSES, _SUB_PROCESS),
    "adHocSubProcess": f"{_SUB_PROCESS} completionCondition?",
    **dict.fromkeys(GATEWAYS, _NODE),
    "complexGateway": f"{_NODE} activationCondition?",
    **dict.fromkeys(CATCH_EVENTS, _CATCH),
    **dict.fromkeys((*THROW_EVENTS, "event"), _THROW),
    "messageEventDefinition": f"{_BASE} operationRef?",
    "timerEventDefinition": f"{_BASE} timeDate|timeDuration|timeCycle?",
    "conditionalEventDefinition": f"{_BASE} condition",
    "linkEventDefinition": f"{_BASE} source* target?",
    "standardLoopCharacteristics": f"{_BASE} loopCondition?",
    "multiInstanceLoopCharacteristics": (
        f"{_BASE} loopCardinality? loopDataInputRef? loopDataOutputRef? inputDataItem? outputDataItem?"
        " complexBehaviorDefinition* completionCondition?"
    ),
    "complexBehaviorDefinition": f"{_BASE} condition event?",
    "sequenceFlow": f"{_FLOW_ELEMENT} conditionExpression?",
    "laneSet": f"{_BASE} lane*",
    "childLaneSet": f"{_BASE} lane*",
    "lane": f"{_BASE} partitionElement? flowNodeRef* childLaneSet?",
    "dataObject": f"{_FLOW_ELEMENT} dataState?",
    "dataObjectReference": f"{_FLOW_ELEMENT} dataState?",
    "dataStoreReference": f"{_FLOW_ELEMENT} dataState?",
    **dict.fromkeys(("dataStore", "property", "dataInput", "dataOutput", "inputDataItem", "outputDataItem"), _ITEM),
    "ioSpecification": f"{_BASE} dataInput* dataOutput* inputSet+ outputSet+",
    "inputSet": f"{_BASE} dataInputRefs* optionalInputRefs* whileExecutingInputRefs* outputSetRefs*",
    "outputSet": f"{_BASE} dataOutputRefs* optionalOutputRefs* whileExecutingOutputRefs* inputSetRefs*",
    "dataInputAssociation": _ASSOCIATION,
    "dataOutputAssociation": _ASSOCIATION,
    "assignment": f"{_BASE} from to",
    **dict.fromkeys(ROLES, _ROLE),
    "resourceParameterBinding": f"{_BASE} @expression",
    "resourceAssignmentExpression": f"{_BASE} @expression",
    "resource": f"{_BASE} resourceParameter*",
    "textAnnotation": f"{_BASE} text?",
    "interface": f"{_BASE} operation+",
    "operation": f"{_BASE} inMessageRef outMessageRef? errorRef*",
    **dict.fromkeys(GLOBAL_TASKS, _GLOBAL_TASK),
    "globalUserTask": f"{_GLOBAL_TASK} rendering*",
    "globalScriptTask": f"{_GLOBAL_TASK} script?",
    "collaboration": _COLLABORATION,
    "globalConversation": _COLLABORATION,
    "choreography": f"{_COLLABORATION} @flowElement*",
    "globalChoreographyTask": f"{_COLLABORATION} @flowElement*",
    "choreographyTask": f"{_CHOREOGRAPHY_ACTIVITY} messageFlowRef{{1,2}}",
    "subChoreography": f"{_CHOREOGRAPHY_ACTIVITY} @flowElement* @artifact*",
    "callChoreography": f"{_CHOREOGRAPHY_ACTIVITY} participantAssociation*",
    "conversation": _CONVERSATION,
    "subConversation": f"{_CONVERSATION} @conversationNode*",
    "callConversation": f"{_CONVERSATION} participantAssociation*",
    "participant": f"{_BASE} interfaceRef* endPointRef* participantMultiplicity?",
    "participantAssociation": f"{_BASE} innerParticipantRef outerParticipantRef",
    "partnerEntity": f"{_BASE} participantRef*",
    "partnerRole": f"{_BASE} participantRef*",
    "correlationKey": f"{_BASE} correlationPropertyRef*",
    "correlationProperty": f"{_BASE} correlationPropertyRetrievalExpression+",
    "correlationPropertyRetrievalExpression": f"{_BASE} messagePath",
    "correlationSubscription": f"{_BASE} correlationPropertyBinding*",
    "correlationPropertyBinding": f"{_BASE} dataPath",
    "category": f"{_BASE} categoryValue*",
    "import": "",
}
"""Element -> its content; an element without a row holds documentation and extensions only."""

OPEN: Final = frozenset({"documentation", "extensionElements", "text", "script"})
"""Elements that may hold anything."""
EXPRESSIONS: Final = frozenset(
    "completionCondition activationCondition from to timeDate timeDuration timeCycle condition loopCardinality "
    "loopCondition conditionExpression expression".split()
)
"""Elements that hold an expression, which `xsi:type` makes a formal one."""
FORMAL: Final = frozenset({"transformation", "messagePath", "dataPath", "formalExpression"})
"""Elements that hold a formal expression always; so does the `condition` of a `complexBehaviorDefinition`."""

IDREF_TEXTS: Final = frozenset(
    "flowNodeRef sourceRef targetRef dataInputRefs optionalInputRefs whileExecutingInputRefs outputSetRefs "
    "dataOutputRefs optionalOutputRefs whileExecutingOutputRefs inputSetRefs".split()
)
QNAME_TEXTS: Final = frozenset(
    "categoryValueRef incoming outgoing supportedInterfaceRef eventDefinitionRef participantRef messageFlowRef "
    "choreographyRef correlationPropertyRef source target loopDataInputRef loopDataOutputRef operationRef "
    "inMessageRef outMessageRef errorRef interfaceRef endPointRef innerParticipantRef outerParticipantRef "
    "resourceRef supports".split()
)
"""Elements whose text is a reference."""

_NAMED: Final[dict[str, Kind]] = {"id": "ID", "name": "string"}
_ID: Final[dict[str, Kind]] = {"id": "ID"}
_ACTIVITY_ATTRIBUTES: Final[dict[str, Kind]] = {
    **_NAMED, "isForCompensation": "boolean", "startQuantity": "integer", "completionQuantity": "integer",
    "default": "IDREF",
}  # fmt: skip
_SUB_PROCESS_ATTRIBUTES: Final[dict[str, Kind]] = {**_ACTIVITY_ATTRIBUTES, "triggeredByEvent": "boolean"}
_DOES: Final[dict[str, Kind]] = {**_ACTIVITY_ATTRIBUTES, "implementation": "implementation"}
_DIRECTIONS: Final = ("Unspecified", "Converging", "Diverging", "Mixed")
_GATEWAY: Final[dict[str, Kind]] = {**_NAMED, "gatewayDirection": _DIRECTIONS}
_DECIDING: Final[dict[str, Kind]] = {**_GATEWAY, "default": "IDREF"}
_GLOBAL_DOES: Final[dict[str, Kind]] = {**_NAMED, "implementation": "implementation"}
_CATCH_ATTRIBUTES: Final[dict[str, Kind]] = {**_NAMED, "parallelMultiple": "boolean"}
_ITEM_ATTRIBUTES: Final[dict[str, Kind]] = {**_NAMED, "itemSubjectRef": "QName"}
_COLLECTION: Final[dict[str, Kind]] = {**_ITEM_ATTRIBUTES, "isCollection": "boolean"}
_COLLABORATION_ATTRIBUTES: Final[dict[str, Kind]] = {**_NAMED, "isClosed": "boolean"}
_CHOREOGRAPHY_ATTRIBUTES: Final[dict[str, Kind]] = {
    **_NAMED, "initiatingParticipantRef": "QName",
    "loopType": ("None", "Standard", "MultiInstanceSequential", "MultiInstanceParallel"),
}  # fmt: skip
_ENDS: Final[dict[str, Kind]] = {"sourceRef": "QName", "targetRef": "QName"}
_PAYLOAD: Final[dict[str, Kind]] = {**_NAMED, "structureRef": "QName"}

ATTRIBUTES: Final[dict[str, dict[str, Kind]]] = {
    "definitions": {
        **_NAMED, "targetNamespace": "anyURI", "expressionLanguage": "anyURI", "typeLanguage": "anyURI",
        "exporter": "string", "exporterVersion": "string",
    },
    "import": {"namespace": "anyURI", "location": "string", "importType": "anyURI"},
    "extension": {"definition": "QName", "mustUnderstand": "boolean"},
    "relationship": {**_ID, "type": "string", "direction": ("None", "Forward", "Backward", "Both")},
    "documentation": {**_ID, "textFormat": "string"},
    "extensionElements": {},
    "text": {},
    "script": {},
    "process": {
        **_NAMED, "processType": ("None", "Public", "Private"), "isClosed": "boolean", "isExecutable": "boolean",
        "definitionalCollaborationRef": "QName",
    },
    **dict.fromkeys(ACTIVITIES, _ACTIVITY_ATTRIBUTES),
    **dict.fromkeys(("userTask", "businessRuleTask"), _DOES),
    "serviceTask": {**_DOES, "operationRef": "QName"},
    "sendTask": {**_DOES, "operationRef": "QName", "messageRef": "QName"},
    "receiveTask": {**_DOES, "operationRef": "QName", "messageRef": "QName", "instantiate": "boolean"},
    "scriptTask": {**_ACTIVITY_ATTRIBUTES, "scriptFormat": "string"},
    "callActivity": {**_ACTIVITY_ATTRIBUTES, "calledElement": "QName"},
    "subProcess": _SUB_PROCESS_ATTRIBUTES,
    "transaction": {**_SUB_PROCESS_ATTRIBUTES, "method": "method"},
    "adHocSubProcess": {
        **_SUB_PROCESS_ATTRIBUTES, "cancelRemainingInstances": "boolean", "ordering": ("Parallel", "Sequential"),
    },
    "parallelGateway": _GATEWAY,
    **dict.fromkeys(("exclusiveGateway", "inclusiveGateway", "complexGateway"), _DECIDING),
    "eventBasedGateway": {**_GATEWAY, "instantiate": "boolean", "eventGatewayType": ("Exclusive", "Parallel")},
    "startEvent": {**_CATCH_ATTRIBUTES, "isInterrupting": "boolean"},
    "intermediateCatchEvent": _CATCH_ATTRIBUTES,
    "boundaryEvent": {**_CATCH_ATTRIBUTES, "cancelActivity": "boolean", "attachedToRef": "QName"},
    **dict.fromkeys((*THROW_EVENTS, "event"), _NAMED),
    "messageEventDefinition": {**_ID, "messageRef": "QName"},
    "errorEventDefinition": {**_ID, "errorRef": "QName"},
    "escalationEventDefinition": {**_ID, "escalationRef": "QName"},
    "signalEventDefinition": {**_ID, "signalRef": "QName"},
    "compensateEventDefinition": {**_ID, "waitForCompletion": "boolean", "activityRef": "QName"},
    "linkEventDefinition": _NAMED,
    "standardLoopCharacteristics": {**_ID, "testBefore": "boolean", "loopMaximum": "integer"},
    "multiInstanceLoopCharacteristics": {
        **_ID, "isSequential": "boolean", "behavior": ("None", "One", "All", "Complex"),
        "oneBehaviorEventRef": "QName", "noneBehaviorEventRef": "QName",
    },
    "sequenceFlow": {**_NAMED, "sourceRef": "IDREF", "targetRef": "IDREF", "isImmediate": "boolean"},
    "laneSet": _NAMED,
    "childLaneSet": _NAMED,
    "lane": {**_NAMED, "partitionElementRef": "QName"},
    "dataObject": _COLLECTION,
    "dataObjectReference": {**_ITEM_ATTRIBUTES, "dataObjectRef": "IDREF"},
    "dataStoreReference": {**_ITEM_ATTRIBUTES, "dataStoreRef": "QName"},
    "dataStore": {**_ITEM_ATTRIBUTES, "capacity": "integer", "isUnlimited": "boolean"},
    "property": _ITEM_ATTRIBUTES,
    **dict.fromkeys(("dataInput", "dataOutput", "inputDataItem", "outputDataItem"), _COLLECTION),
    "dataState": _NAMED,
    "inputSet": _NAMED,
    "outputSet": _NAMED,
    "ioBinding": {**_ID, "operationRef": "QName", "inputDataRef": "IDREF", "outputDataRef": "IDREF"},
    **dict.fromkeys(ROLES, _NAMED),
    "resource": _NAMED,
    "resourceParameter": {**_NAMED, "type": "QName", "isRequired": "boolean"},
    "resourceParameterBinding": {**_ID, "parameterRef": "QName"},
    "association": {**_ID, **_ENDS, "associationDirection": ("None", "One", "Both")},
    "group": {**_ID, "categoryValueRef": "QName"},
    "textAnnotation": {**_ID, "textFormat": "string"},
    "category": _NAMED,
    "categoryValue": {**_ID, "value": "string"},
    "itemDefinition": {
        **_ID, "structureRef": "QName", "isCollection": "boolean", "itemKind": ("Information", "Physical"),
    },
    "message": {**_NAMED, "itemRef": "QName"},
    "signal": _PAYLOAD,
    "error": {**_PAYLOAD, "errorCode": "string"},
    "escalation": {**_PAYLOAD, "escalationCode": "string"},
    "interface": {**_NAMED, "implementationRef": "QName"},
    "operation": {**_NAMED, "implementationRef": "QName"},
    **dict.fromkeys(("globalTask", "globalManualTask"), _NAMED),
    **dict.fromkeys(("globalUserTask", "globalBusinessRuleTask"), _GLOBAL_DOES),
    "globalScriptTask": {**_NAMED, "scriptLanguage": "anyURI"},
    **dict.fromkeys(COLLABORATIONS, _COLLABORATION_ATTRIBUTES),
    "globalChoreographyTask": {**_COLLABORATION_ATTRIBUTES, "initiatingParticipantRef": "QName"},
    **dict.fromkeys(CHOREOGRAPHY_ACTIVITIES, _CHOREOGRAPHY_ATTRIBUTES),
    "callChoreography": {**_CHOREOGRAPHY_ATTRIBUTES, "calledChoreographyRef": "QName"},
    "conversation": _NAMED,
    "subConversation": _NAMED,
    "callConversation": {**_NAMED, "calledCollaborationRef": "QName"},
    "conversationLink": {**_NAMED, **_ENDS},
    "conversationAssociation": {**_ID, "innerConversationNodeRef": "QName", "outerConversationNodeRef": "QName"},
    "messageFlow": {**_NAMED, **_ENDS, "messageRef": "QName"},
    "messageFlowAssociation": {**_ID, "innerMessageFlowRef": "QName", "outerMessageFlowRef": "QName"},
    "participant": {**_NAMED, "processRef": "QName"},
    "participantMultiplicity": {**_ID, "minimum": "int", "maximum": "int"},
    "partnerEntity": _NAMED,
    "partnerRole": _NAMED,
    "correlationKey": _NAMED,
    "correlationProperty": {**_NAMED, "type": "QName"},
    "correlationPropertyRetrievalExpression": {**_ID, "messageRef": "QName"},
    "correlationSubscription": {**_ID, "correlationKeyRef": "QName"},
    "correlationPropertyBinding": {**_ID, "correlationPropertyRef": "QName"},
}  # fmt: skip
"""Element -> its attributes and their types; an element without a row has an id only."""

REQUIRED: Final[dict[str, frozenset[str]]] = {
    "definitions": frozenset({"targetNamespace"}),
    "import": frozenset({"namespace", "location", "importType"}),
    "relationship": frozenset({"type"}),
    "sequenceFlow": frozenset(_ENDS),
    "association": frozenset(_ENDS),
    "messageFlow": frozenset(_ENDS),
    "conversationLink": frozenset(_ENDS),
    "boundaryEvent": frozenset({"attachedToRef"}),
    "linkEventDefinition": frozenset({"name"}),
    "interface": frozenset({"name"}),
    "operation": frozenset({"name"}),
    "resource": frozenset({"name"}),
    "resourceParameterBinding": frozenset({"parameterRef"}),
    "ioBinding": frozenset({"operationRef", "inputDataRef", "outputDataRef"}),
    **dict.fromkeys(CHOREOGRAPHY_ACTIVITIES, frozenset({"initiatingParticipantRef"})),
    "conversationAssociation": frozenset({"innerConversationNodeRef", "outerConversationNodeRef"}),
    "messageFlowAssociation": frozenset({"innerMessageFlowRef", "outerMessageFlowRef"}),
    "correlationPropertyRetrievalExpression": frozenset({"messageRef"}),
    "correlationSubscription": frozenset({"correlationKeyRef"}),
    "correlationPropertyBinding": frozenset({"correlationPropertyRef"}),
}
"""Element -> the attributes that it must have."""

EXPRESSION: Final[dict[str, Kind]] = {"id": "ID"}
FORMAL_EXPRESSION: Final[dict[str, Kind]] = {"id": "ID", "language": "anyURI", "evaluatesToTypeRef": "QName"}
