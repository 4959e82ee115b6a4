"""What every reference must lead to: an element that is there, of a kind that can be meant (all clauses' tables)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from procession.compile.check.standard import grammar
from procession.compile.check.standard.document import Document, children, identity
from procession.compile.check.standard.rule import Rule
from procession.compile.check.standard.validity import SHAPES
from procession.model.xml import XmlElement

ITEM_AWARE: Final = (
    "dataObject", "dataObjectReference", "dataStoreReference", "dataStore", "dataInput", "dataOutput", "property",
    "inputDataItem", "outputDataItem",
)  # fmt: skip
"""Elements that hold an item (10.4.1)."""
_ANY: Final[tuple[str, ...]] = ()
_ITEM: Final = ("itemDefinition",)
_MESSAGE: Final = ("message",)
_PARTICIPANT: Final = ("participant",)
_DEFINITION: Final = grammar.EVENT_DEFINITIONS

ATTRIBUTES: Final[dict[str, tuple[str, ...]]] = {
    "default": ("sequenceFlow",),
    "sourceRef": _ANY,
    "targetRef": _ANY,
    "operationRef": ("operation",),
    "messageRef": _MESSAGE,
    "calledElement": ("process", *grammar.GLOBAL_TASKS),
    "attachedToRef": (*grammar.ACTIVITIES, *grammar.CHOREOGRAPHY_ACTIVITIES),
    "errorRef": ("error",),
    "escalationRef": ("escalation",),
    "signalRef": ("signal",),
    "activityRef": grammar.ACTIVITIES,
    "itemSubjectRef": _ITEM,
    "itemRef": _ITEM,
    "structureRef": _ITEM,
    "evaluatesToTypeRef": _ITEM,
    "oneBehaviorEventRef": _DEFINITION,
    "noneBehaviorEventRef": _DEFINITION,
    "partitionElementRef": _ANY,
    "dataObjectRef": ("dataObject",),
    "dataStoreRef": ("dataStore",),
    "categoryValueRef": ("categoryValue",),
    "processRef": ("process",),
    "definitionalCollaborationRef": grammar.COLLABORATIONS,
    "calledCollaborationRef": ("collaboration", "globalConversation"),
    "calledChoreographyRef": ("choreography", "globalChoreographyTask"),
    "initiatingParticipantRef": _PARTICIPANT,
    "innerMessageFlowRef": ("messageFlow",),
    "outerMessageFlowRef": ("messageFlow",),
    "innerConversationNodeRef": grammar.CONVERSATION_NODES,
    "outerConversationNodeRef": grammar.CONVERSATION_NODES,
    "correlationKeyRef": ("correlationKey",),
    "correlationPropertyRef": ("correlationProperty",),
    "parameterRef": ("resourceParameter",),
    "inputDataRef": ("dataInput", "inputSet"),
    "outputDataRef": ("dataOutput", "outputSet"),
}
"""Attribute -> the elements that it can mean; none: any element."""

TEXTS: Final[dict[str, tuple[str, ...]]] = {
    "incoming": ("sequenceFlow",),
    "outgoing": ("sequenceFlow",),
    "categoryValueRef": ("categoryValue",),
    "supportedInterfaceRef": ("interface",),
    "interfaceRef": ("interface",),
    "eventDefinitionRef": _DEFINITION,
    "participantRef": _PARTICIPANT,
    "innerParticipantRef": _PARTICIPANT,
    "outerParticipantRef": _PARTICIPANT,
    "messageFlowRef": ("messageFlow",),
    "choreographyRef": ("choreography", "globalChoreographyTask"),
    "correlationPropertyRef": ("correlationProperty",),
    "loopDataInputRef": ITEM_AWARE,
    "loopDataOutputRef": ITEM_AWARE,
    "operationRef": ("operation",),
    "inMessageRef": _MESSAGE,
    "outMessageRef": _MESSAGE,
    "errorRef": ("error",),
    "endPointRef": ("endPoint",),
    "resourceRef": ("resource",),
    "supports": ("process",),
    "flowNodeRef": grammar.FLOW_NODES,
    "dataInputRefs": ("dataInput",),
    "optionalInputRefs": ("dataInput",),
    "whileExecutingInputRefs": ("dataInput",),
    "outputSetRefs": ("outputSet",),
    "dataOutputRefs": ("dataOutput",),
    "optionalOutputRefs": ("dataOutput",),
    "whileExecutingOutputRefs": ("dataOutput",),
    "inputSetRefs": ("inputSet",),
    "sourceRef": ITEM_AWARE,
    "targetRef": ITEM_AWARE,
    "source": ("linkEventDefinition",),
    "target": ("linkEventDefinition",),
}
"""Element -> what its text can mean."""
_TYPES: Final = frozenset({"itemDefinition", "relationship"})
"""Elements whose references lead out of BPMN: to the types of a schema, to anything."""
_OUTSIDE: Final = frozenset({"evaluatesToTypeRef"})
"""References that may also name a type of a schema, by a prefix."""


def _uses(element: XmlElement) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """The references of an element: how each is called, what it says, what it can mean."""
    if element.name in _TYPES:
        return
    attributes = SHAPES.get(element.name)
    for name, value in element.attributes.items():
        if name in ATTRIBUTES and (attributes is None or name in attributes.attributes):
            yield name, value.strip(), ATTRIBUTES[name]
    for child in children(element, *TEXTS):
        yield f"<{child.name}>", child.text.strip(), TEXTS[child.name]


def _leads_nowhere(document: Document, element: XmlElement) -> Iterator[str]:
    for name, value, _ in _uses(element):
        if document.find(element, value) is None and not _is_elsewhere(document, element, name, value):
            yield f"{name} of this {element.name} refers to {value[:60]!r}, which is not there"


def _is_elsewhere(document: Document, element: XmlElement, name: str, value: str) -> bool:
    """Whether a reference leads into a document that is imported but not known here."""
    prefix, colon, _ = value.partition(":")
    namespace = element.prefixes.namespace(prefix) if colon else None
    if namespace is None:
        return False
    return name in _OUTSIDE or (namespace in document.imported and namespace not in document.imports)


def _wrong_kind(document: Document, element: XmlElement) -> Iterator[str]:
    for name, value, wanted in _uses(element):
        target = document.find(element, value)
        if target is not None and wanted and target.name not in wanted:
            yield f"{name} of this {element.name} refers to {value[:60]!r}, which is a {target.name}"


def _namespace(document: Document, element: XmlElement) -> Iterator[str]:
    known = {document.target_namespace, *document.imported}
    for name, value, _ in _uses(element):
        prefix, colon, _local = value.partition(":")
        if not colon or name in _OUTSIDE:
            continue
        namespace = element.prefixes.namespace(prefix)
        if namespace is not None and namespace not in known:
            yield f"{name} of this {element.name} is of the namespace {namespace!r}, which is not imported"


def _definition_at_the_top(document: Document, event: XmlElement) -> Iterator[str]:
    for definition in document.listed(event, "eventDefinitionRef"):
        if definition.name in _DEFINITION and document.parent(definition).name != "definitions":
            yield f"the event refers to the definition {identity(definition)!r} of another event"


def _drawn(document: Document, root: XmlElement) -> Iterator[str]:
    waiting = [each for each in root.children if each.namespace == grammar.BPMNDI]
    while waiting:
        shape = waiting.pop()
        value = shape.attributes.get("bpmnElement", "").strip()
        is_drawn = shape.namespace != grammar.BPMNDI or not value or document.find(shape, value) is not None
        if not is_drawn and not _is_elsewhere(document, shape, "bpmnElement", value):
            yield f"line {shape.line}: a {shape.name} draws {value[:60]!r}, which is not there"
        waiting.extend(shape.children)


RULES: Final = (
    Rule("reference-target", "8.3.1", "*", "a reference leads to nothing", "correct it, or remove it", _leads_nowhere),
    Rule(
        "reference-kind",
        "8.3.1",
        "*",
        "a reference leads to an element of another kind than its own",
        "refer to an element of the right kind",
        _wrong_kind,
    ),
    Rule(
        "reference-namespace",
        "15.3",
        "*",
        "the prefix of a reference is neither that of this document nor of an import",
        "correct the prefix, or import the document",
        _namespace,
    ),
    Rule(
        "event-definition-reusable",
        "10.5.1",
        " ".join(grammar.EVENTS),
        "an event refers to a definition that is not at the top of the document",
        "move the definition to the top, or give the event its own",
        _definition_at_the_top,
    ),
    Rule(
        "diagram-element",
        "12.2",
        "definitions",
        "a shape or an edge of the diagram draws what is not there",
        "remove it, or name what it draws",
        _drawn,
    ),
)
