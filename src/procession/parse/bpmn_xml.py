"""`parse_bpmn`: a BPMN 2.0.2 document from its bytes. Here are the root elements; what they contain has own
files.
"""

from __future__ import annotations

import hashlib
from typing import Final, get_args

from procession.base.diagnostics import Diagnostic
from procession.model.bpmn import (
    Collaboration,
    CorrelationKey,
    Definitions,
    Error,
    Escalation,
    GlobalTask,
    GlobalTaskKind,
    Import,
    Interface,
    Message,
    MessageFlow,
    Operation,
    Participant,
    Process,
    Resource,
    Signal,
)
from procession.model.xml import XmlElement, local_name
from procession.parse.bpmn_data import (
    correlation_property,
    correlation_subscription,
    data_store,
    io_specification,
    item_definition,
    properties,
)
from procession.parse.bpmn_nodes import artifacts, associations, event_definition, parse_scope, resource_roles
from procession.parse.diagram_xml import BPMNDI, parse_diagram
from procession.parse.dialects.zeebe import MODELER, ZEEBE, extension
from procession.parse.grammar import BPMN, EVENT_DEFINITIONS
from procession.parse.index import check, is_executable
from procession.parse.reading import (
    Parts,
    Reading,
    attribute,
    documentation,
    first,
    flag,
    parts_of,
    reference,
    references,
    text_of,
)
from procession.parse.xml import read_xml

_GLOBAL_TASK: Final[dict[str, GlobalTaskKind]] = {kind: kind for kind in get_args(GlobalTaskKind)}


def parse_bpmn(data: bytes, file: str) -> tuple[Definitions | None, list[Diagnostic]]:
    """The document and all that is wrong with it, or None when it cannot be read at all. Never raises for bad
    input.

    `file` is the name that spans and diagnostics show. A fault inside a process with `isExecutable` is an
    error, in a drawing a warning.
    """
    root, refusals = read_xml(data, file)
    if root is None:
        return None, refusals
    reading = Reading(file)
    if root.namespace != BPMN or root.name != "definitions":
        reading.report("namespace", root, *_not_bpmn(root), "error")
        return None, reading.findings()
    check(reading, root)
    definitions = _definitions(reading, root, hashlib.sha256(data).hexdigest())
    return definitions, reading.findings()


def _not_bpmn(root: XmlElement) -> tuple[str, str]:
    """What the document is instead, and the remedy."""
    if "/DMN/" in root.namespace:
        return "this is a DMN document, not BPMN", "deploy it as a decision: name the file *.dmn"
    if root.name == "definitions":
        place = f"the namespace {root.namespace!r}" if root.namespace else "no namespace"
        return f"<definitions> is in {place}", f'declare xmlns="{BPMN}", or export as BPMN 2.0 XML'
    return f"the root element is <{root.name}>, not BPMN <definitions>", "export the model as BPMN 2.0 XML"


def _definitions(reading: Reading, root: XmlElement, digest: str) -> Definitions:
    parts = parts_of(root)
    reading.severity = "error" if any(is_executable(e) for e in parts.get("process", ())) else "warning"
    reading.uses_zeebe = root.prefixes.declares(ZEEBE)
    events = [event_definition(reading, child) for child in root.children if _is_event_definition(child)]
    reading.event_definitions = {event.id: event for event in events if event.id}
    foreign = [child for child in parts.get("", ()) if child.namespace == BPMNDI]
    if "" in parts:
        parts[""] = [child for child in parts[""] if child.namespace != BPMNDI]
    return Definitions(
        id=attribute(root, "id"),
        name=attribute(root, "name"),
        target_namespace=attribute(root, "targetNamespace"),
        expression_language=attribute(root, "expressionLanguage"),
        type_language=attribute(root, "typeLanguage"),
        exporter=attribute(root, "exporter"),
        exporter_version=attribute(root, "exporterVersion"),
        execution_platform=attribute(root, f"{MODELER} executionPlatform"),
        execution_platform_version=attribute(root, f"{MODELER} executionPlatformVersion"),
        imports=tuple([_import(reading, child) for child in parts.get("import", ())]),
        messages=tuple([_message(reading, child) for child in parts.get("message", ())]),
        signals=tuple([_signal(reading, child) for child in parts.get("signal", ())]),
        errors=tuple([_error(reading, child) for child in parts.get("error", ())]),
        escalations=tuple([_escalation(reading, child) for child in parts.get("escalation", ())]),
        item_definitions=tuple([item_definition(reading, child) for child in parts.get("itemDefinition", ())]),
        data_stores=tuple([data_store(reading, child) for child in parts.get("dataStore", ())]),
        interfaces=tuple([_interface(reading, child) for child in parts.get("interface", ())]),
        resources=tuple([_resource(reading, child) for child in parts.get("resource", ())]),
        correlation_properties=tuple(
            [correlation_property(reading, child) for child in parts.get("correlationProperty", ())]
        ),
        event_definitions=tuple(events),
        global_tasks=tuple([_global_task(reading, e) for e in root.children if e.name in _GLOBAL_TASK]),
        processes=tuple([_process(reading, child) for child in parts.get("process", ())]),
        collaborations=tuple([_collaboration(reading, child) for child in parts.get("collaboration", ())]),
        diagrams=tuple([parse_diagram(reading, child) for child in foreign if child.name == "BPMNDiagram"]),
        unknown=tuple(reading.unknown.get(None, ())),
        extension=extension(reading, root, parts),
        uses_zeebe=reading.uses_zeebe,
        source=reading.file,
        digest=digest,
        span=reading.span(root),
    )


def _is_event_definition(element: XmlElement) -> bool:
    return element.name in EVENT_DEFINITIONS and element.namespace == BPMN


def _process(reading: Reading, element: XmlElement) -> Process:
    parts = parts_of(element)
    outside = reading.severity
    reading.severity = "error" if is_executable(element) else "warning"
    own = extension(reading, element, parts)
    process = Process(
        id=attribute(element, "id"),
        name=attribute(element, "name"),
        is_executable=flag(reading, element, "isExecutable", False),
        is_closed=flag(reading, element, "isClosed", False),
        process_type=attribute(element, "processType") or "None",
        version_tag=own.version_tag,
        scope=parse_scope(reading, element, parts),
        properties=properties(reading, parts),
        io=io_specification(reading, parts),
        resources=resource_roles(reading, parts),
        correlation_subscriptions=tuple(
            [correlation_subscription(reading, child) for child in parts.get("correlationSubscription", ())]
        ),
        supported_interfaces=references(parts, "supportedInterfaceRef"),
        unknown=tuple(reading.unknown.get(element, ())),
        documentation=documentation(parts),
        extension=own,
        span=reading.span(element),
    )
    reading.severity = outside
    return process


def _global_task(reading: Reading, element: XmlElement) -> GlobalTask:
    parts = parts_of(element)
    script = first(parts, "script")
    return GlobalTask(
        kind=_GLOBAL_TASK[element.name],
        id=attribute(element, "id"),
        name=attribute(element, "name"),
        script=script.text if script is not None else None,
        script_format=attribute(element, "scriptLanguage") or attribute(element, "scriptFormat"),
        implementation=attribute(element, "implementation"),
        io=io_specification(reading, parts),
        resources=resource_roles(reading, parts),
        extension=extension(reading, element, parts),
        span=reading.span(element),
    )


def _message(reading: Reading, element: XmlElement) -> Message:
    return Message(
        id=attribute(element, "id"),
        name=attribute(element, "name"),
        item_ref=reference(element, "itemRef"),
        extension=extension(reading, element, parts_of(element)),
        span=reading.span(element),
    )


def _signal(reading: Reading, element: XmlElement) -> Signal:
    return Signal(
        id=attribute(element, "id"),
        name=attribute(element, "name"),
        structure_ref=reference(element, "structureRef"),
        extension=extension(reading, element, parts_of(element)),
        span=reading.span(element),
    )


def _error(reading: Reading, element: XmlElement) -> Error:
    return Error(
        id=attribute(element, "id"),
        name=attribute(element, "name"),
        code=element.attributes.get("errorCode"),
        structure_ref=reference(element, "structureRef"),
        extension=extension(reading, element, parts_of(element)),
        span=reading.span(element),
    )


def _escalation(reading: Reading, element: XmlElement) -> Escalation:
    return Escalation(
        id=attribute(element, "id"),
        name=attribute(element, "name"),
        code=element.attributes.get("escalationCode"),
        structure_ref=reference(element, "structureRef"),
        extension=extension(reading, element, parts_of(element)),
        span=reading.span(element),
    )


def _import(reading: Reading, element: XmlElement) -> Import:
    return Import(
        namespace=attribute(element, "namespace"),
        location=attribute(element, "location"),
        import_type=attribute(element, "importType"),
        span=reading.span(element),
    )


def _interface(reading: Reading, element: XmlElement) -> Interface:
    return Interface(
        id=attribute(element, "id"),
        name=attribute(element, "name"),
        implementation_ref=attribute(element, "implementationRef"),
        operations=tuple([_operation(reading, child) for child in parts_of(element).get("operation", ())]),
        span=reading.span(element),
    )


def _operation(reading: Reading, element: XmlElement) -> Operation:
    parts = parts_of(element)
    return Operation(
        id=attribute(element, "id"),
        name=attribute(element, "name"),
        in_message_ref=local_name(text_of(parts, "inMessageRef")),
        out_message_ref=local_name(text_of(parts, "outMessageRef")),
        error_refs=references(parts, "errorRef"),
        implementation_ref=attribute(element, "implementationRef"),
        span=reading.span(element),
    )


def _resource(reading: Reading, element: XmlElement) -> Resource:
    return Resource(id=attribute(element, "id"), name=attribute(element, "name"), span=reading.span(element))


def _collaboration(reading: Reading, element: XmlElement) -> Collaboration:
    parts = parts_of(element)
    return Collaboration(
        id=attribute(element, "id"),
        name=attribute(element, "name"),
        is_closed=flag(reading, element, "isClosed", False),
        participants=tuple([_participant(reading, child) for child in parts.get("participant", ())]),
        message_flows=tuple([_message_flow(reading, child) for child in parts.get("messageFlow", ())]),
        correlation_keys=tuple([_correlation_key(reading, child) for child in parts.get("correlationKey", ())]),
        artifacts=artifacts(reading, parts),
        associations=associations(reading, parts),
        documentation=documentation(parts),
        extension=extension(reading, element, parts),
        span=reading.span(element),
    )


def _participant(reading: Reading, element: XmlElement) -> Participant:
    parts = parts_of(element)
    many = first(parts, "participantMultiplicity")
    return Participant(
        id=attribute(element, "id"),
        name=attribute(element, "name"),
        process_ref=reference(element, "processRef"),
        minimum=attribute(many, "minimum") if many is not None else "",
        maximum=attribute(many, "maximum") if many is not None else "",
        extension=extension(reading, element, parts),
        span=reading.span(element),
    )


def _message_flow(reading: Reading, element: XmlElement) -> MessageFlow:
    return MessageFlow(
        id=attribute(element, "id"),
        name=attribute(element, "name"),
        source=reference(element, "sourceRef"),
        target=reference(element, "targetRef"),
        message_ref=reference(element, "messageRef"),
        span=reading.span(element),
    )


def _correlation_key(reading: Reading, element: XmlElement) -> CorrelationKey:
    parts: Parts = parts_of(element)
    return CorrelationKey(
        id=attribute(element, "id"),
        name=attribute(element, "name"),
        property_refs=references(parts, "correlationPropertyRef"),
        span=reading.span(element),
    )
