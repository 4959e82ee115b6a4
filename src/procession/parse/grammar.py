"""The grammar of BPMN 2.0.2 as tables: which element may hold which, and what each reference must name.

An element that its parent's row does not list is unknown there: it is kept as `Unknown`, and not read
further. Data only.
"""

from __future__ import annotations

from typing import Final, final

import msgspec

BPMN: Final = "http://www.omg.org/spec/BPMN/20100524/MODEL"

GATEWAYS: Final = frozenset(
    "exclusiveGateway parallelGateway inclusiveGateway eventBasedGateway complexGateway".split()
)
SUB_PROCESSES: Final = frozenset("subProcess transaction adHocSubProcess".split())
TASKS: Final = frozenset(
    "task manualTask userTask serviceTask sendTask receiveTask scriptTask businessRuleTask".split()
)
ACTIVITIES: Final = TASKS | SUB_PROCESSES | {"callActivity"}
CATCH_EVENTS: Final = frozenset("startEvent intermediateCatchEvent boundaryEvent".split())
THROW_EVENTS: Final = frozenset("intermediateThrowEvent endEvent implicitThrowEvent".split())
NODES: Final = ACTIVITIES | GATEWAYS | CATCH_EVENTS | THROW_EVENTS
EVENT_DEFINITIONS: Final = frozenset(
    "messageEventDefinition timerEventDefinition errorEventDefinition escalationEventDefinition "
    "signalEventDefinition conditionalEventDefinition compensateEventDefinition cancelEventDefinition "
    "linkEventDefinition terminateEventDefinition".split()
)
GLOBAL_TASKS: Final = frozenset(
    "globalTask globalUserTask globalManualTask globalScriptTask globalBusinessRuleTask".split()
)
SCOPES: Final = SUB_PROCESSES | {"process"}
NEEDS_ID: Final = NODES | {
    "process",
    "sequenceFlow",
    "message",
    "signal",
    "error",
    "escalation",
    "dataObject",
    "dataObjectReference",
    "dataStore",
    "dataStoreReference",
    "participant",
}

_BASE: Final = frozenset({"documentation", "extensionElements"})
_FLOW_ELEMENT: Final = _BASE | {"auditing", "monitoring", "categoryValueRef"}
_NODE: Final = _FLOW_ELEMENT | {"incoming", "outgoing"}
_ROLES: Final = frozenset("resourceRole performer humanPerformer potentialOwner".split())
_ACTIVITY: Final = (
    _NODE
    | _ROLES
    | frozenset(
        "ioSpecification property dataInputAssociation dataOutputAssociation standardLoopCharacteristics "
        "multiInstanceLoopCharacteristics".split()
    )
)
_ARTIFACTS: Final = frozenset("association group textAnnotation".split())
_IN_SCOPE: Final = (
    NODES | _ARTIFACTS | frozenset("sequenceFlow dataObject dataObjectReference dataStoreReference laneSet".split())
)
_EVENT: Final = _NODE | EVENT_DEFINITIONS | {"eventDefinitionRef", "property"}
_CATCH: Final = _EVENT | {"dataOutput", "dataOutputAssociation", "outputSet"}
_THROW: Final = _EVENT | {"dataInput", "dataInputAssociation", "inputSet"}
_CALLABLE: Final = _BASE | _ROLES | {"supportedInterfaceRef", "ioSpecification", "ioBinding"}
_ROLE: Final = _BASE | {"resourceRef", "resourceParameterBinding", "resourceAssignmentExpression"}
_ASSOCIATION: Final = _BASE | {"sourceRef", "targetRef", "transformation", "assignment"}
_ITEM: Final = _BASE | {"dataState"}

CHILDREN: Final[dict[str, frozenset[str]]] = {
    "definitions": _BASE
    | EVENT_DEFINITIONS
    | GLOBAL_TASKS
    | frozenset(
        "import process collaboration message signal error escalation itemDefinition dataStore interface "
        "resource correlationProperty category".split()
    ),
    "process": _CALLABLE | _IN_SCOPE | {"auditing", "monitoring", "property", "correlationSubscription", "supports"},
    **dict.fromkeys(TASKS | {"callActivity"}, _ACTIVITY),
    "userTask": _ACTIVITY | {"rendering"},
    "scriptTask": _ACTIVITY | {"script"},
    **dict.fromkeys(SUB_PROCESSES, _ACTIVITY | _IN_SCOPE),
    "adHocSubProcess": _ACTIVITY | _IN_SCOPE | {"completionCondition"},
    **dict.fromkeys(GATEWAYS, _NODE),
    "complexGateway": _NODE | {"activationCondition"},
    **dict.fromkeys(CATCH_EVENTS, _CATCH),
    **dict.fromkeys(THROW_EVENTS | {"event"}, _THROW),
    **dict.fromkeys(EVENT_DEFINITIONS, _BASE),
    "messageEventDefinition": _BASE | {"operationRef"},
    "timerEventDefinition": _BASE | {"timeDate", "timeDuration", "timeCycle"},
    "conditionalEventDefinition": _BASE | {"condition"},
    "linkEventDefinition": _BASE | {"source", "target"},
    "standardLoopCharacteristics": _BASE | {"loopCondition"},
    "multiInstanceLoopCharacteristics": _BASE
    | frozenset(
        "loopCardinality loopDataInputRef loopDataOutputRef inputDataItem outputDataItem "
        "complexBehaviorDefinition completionCondition".split()
    ),
    "complexBehaviorDefinition": _BASE | {"condition", "event"},
    "sequenceFlow": _FLOW_ELEMENT | {"conditionExpression"},
    "laneSet": _BASE | {"lane"},
    "childLaneSet": _BASE | {"lane"},
    "lane": _BASE | {"partitionElement", "flowNodeRef", "childLaneSet"},
    "dataObject": _FLOW_ELEMENT | {"dataState"},
    "dataObjectReference": _FLOW_ELEMENT | {"dataState"},
    "dataStoreReference": _FLOW_ELEMENT | {"dataState"},
    **dict.fromkeys(("dataStore", "property", "dataInput", "dataOutput", "inputDataItem", "outputDataItem"), _ITEM),
    "ioSpecification": _BASE | {"dataInput", "dataOutput", "inputSet", "outputSet"},
    "inputSet": _BASE | {"dataInputRefs", "optionalInputRefs", "whileExecutingInputRefs", "outputSetRefs"},
    "outputSet": _BASE | {"dataOutputRefs", "optionalOutputRefs", "whileExecutingOutputRefs", "inputSetRefs"},
    "dataInputAssociation": _ASSOCIATION,
    "dataOutputAssociation": _ASSOCIATION,
    "assignment": _BASE | {"from", "to"},
    **dict.fromkeys(_ROLES, _ROLE),
    "resourceParameterBinding": _BASE | {"expression", "formalExpression"},
    "resourceAssignmentExpression": _BASE | {"expression", "formalExpression"},
    "resource": _BASE | {"resourceParameter"},
    "textAnnotation": _BASE | {"text"},
    "interface": _BASE | {"operation"},
    "operation": _BASE | {"inMessageRef", "outMessageRef", "errorRef"},
    **dict.fromkeys(GLOBAL_TASKS, _CALLABLE | {"script", "rendering"}),
    "collaboration": _BASE | _ARTIFACTS | {"participant", "messageFlow", "correlationKey"},
    "participant": _BASE | {"interfaceRef", "endPointRef", "participantMultiplicity"},
    "correlationKey": _BASE | {"correlationPropertyRef"},
    "correlationProperty": _BASE | {"correlationPropertyRetrievalExpression"},
    "correlationPropertyRetrievalExpression": _BASE | {"messagePath"},
    "correlationSubscription": _BASE | {"correlationPropertyBinding"},
    "correlationPropertyBinding": _BASE | {"dataPath"},
    "category": _BASE | {"categoryValue"},
}
"""Children by parent. A parent without a row may hold `_BASE`, or is text."""
LEAF: Final = _BASE
OPAQUE: Final = frozenset({"documentation", "extensionElements", "script", "text", "rendering"})
"""Elements whose content is free: it is text, or of other namespaces."""


@final
class Reference(msgspec.Struct, frozen=True, gc=False):
    """What a reference must name: tags (empty for any element), the rule broken else, and whether it matters
    to a run.
    """

    targets: frozenset[str]
    rule: str = "dangling-reference"
    is_hard: bool = True


_ANY: Final = Reference(frozenset(), is_hard=False)
_NODE_REF: Final = Reference(NODES)
_FLOW_REF: Final = Reference(frozenset({"sequenceFlow"}))
_MESSAGE: Final = Reference(frozenset({"message"}), "message-reference")
_ERROR: Final = Reference(frozenset({"error"}), "error-reference")
_OPERATION: Final = Reference(frozenset({"operation"}))
_ITEM_REF: Final = Reference(frozenset({"itemDefinition"}), is_hard=False)
_DEFINITION: Final = Reference(EVENT_DEFINITIONS)
_LOOP_DATA: Final = Reference(
    frozenset("dataInput dataOutput property dataObject dataObjectReference dataStoreReference".split())
)

ATTRIBUTE_REFERENCES: Final[dict[str, dict[str, Reference]]] = {
    "sequenceFlow": {"sourceRef": _NODE_REF, "targetRef": _NODE_REF},
    **{tag: {"default": _FLOW_REF} for tag in ACTIVITIES},
    **{tag: {"default": _FLOW_REF} for tag in ("exclusiveGateway", "inclusiveGateway", "complexGateway")},
    **{
        tag: {"default": _FLOW_REF, "messageRef": _MESSAGE, "operationRef": _OPERATION}
        for tag in ("sendTask", "receiveTask")
    },
    "serviceTask": {"default": _FLOW_REF, "operationRef": _OPERATION},
    "boundaryEvent": {"attachedToRef": Reference(ACTIVITIES)},
    "messageEventDefinition": {"messageRef": _MESSAGE},
    "errorEventDefinition": {"errorRef": _ERROR},
    "escalationEventDefinition": {"escalationRef": Reference(frozenset({"escalation"}), "escalation-reference")},
    "signalEventDefinition": {"signalRef": Reference(frozenset({"signal"}), "signal-reference")},
    "compensateEventDefinition": {"activityRef": Reference(ACTIVITIES)},
    "multiInstanceLoopCharacteristics": {
        "noneBehaviorEventRef": _DEFINITION,
        "oneBehaviorEventRef": _DEFINITION,
    },
    "dataObjectReference": {"dataObjectRef": Reference(frozenset({"dataObject"}))},
    "dataStoreReference": {"dataStoreRef": Reference(frozenset({"dataStore"}), is_hard=False)},
    "association": {"sourceRef": _ANY, "targetRef": _ANY},
    "message": {"itemRef": _ITEM_REF},
    **{tag: {"structureRef": _ITEM_REF} for tag in ("signal", "error", "escalation")},
    **{
        tag: {"itemSubjectRef": _ITEM_REF} for tag in ("property", "dataObject", "dataStore", "dataInput", "dataOutput")
    },
    "participant": {"processRef": Reference(frozenset({"process"}), is_hard=False)},
    "messageFlow": {
        "sourceRef": Reference(NODES | {"participant"}, is_hard=False),
        "targetRef": Reference(NODES | {"participant"}, is_hard=False),
        "messageRef": _MESSAGE,
    },
    "correlationPropertyRetrievalExpression": {"messageRef": _MESSAGE},
    "correlationSubscription": {"correlationKeyRef": Reference(frozenset({"correlationKey"}))},
    "correlationPropertyBinding": {"correlationPropertyRef": Reference(frozenset({"correlationProperty"}))},
}
"""References in attributes: tag, then attribute."""

TEXT_REFERENCES: Final[dict[str, Reference]] = {
    "incoming": _FLOW_REF,
    "outgoing": _FLOW_REF,
    "eventDefinitionRef": _DEFINITION,
    "flowNodeRef": _ANY,
    # An interface documents a service; what a run sends or throws is named by the tasks and events.
    "inMessageRef": Reference(_MESSAGE.targets, _MESSAGE.rule, is_hard=False),
    "outMessageRef": Reference(_MESSAGE.targets, _MESSAGE.rule, is_hard=False),
    "errorRef": Reference(_ERROR.targets, _ERROR.rule, is_hard=False),
    "operationRef": _OPERATION,
    "loopDataInputRef": _LOOP_DATA,
    "loopDataOutputRef": _LOOP_DATA,
    "sourceRef": Reference(frozenset()),
    "targetRef": Reference(frozenset()),
    "resourceRef": Reference(frozenset({"resource"}), is_hard=False),
    "correlationPropertyRef": Reference(frozenset({"correlationProperty"})),
    "dataInputRefs": _ANY,
    "optionalInputRefs": _ANY,
    "whileExecutingInputRefs": _ANY,
    "outputSetRefs": _ANY,
    "dataOutputRefs": _ANY,
    "optionalOutputRefs": _ANY,
    "whileExecutingOutputRefs": _ANY,
    "inputSetRefs": _ANY,
    "supportedInterfaceRef": _ANY,
    "interfaceRef": _ANY,
}
"""References as the text of an element: its tag."""
