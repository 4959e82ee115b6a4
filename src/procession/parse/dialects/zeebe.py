"""Extensions of the namespaces `zeebe` (notes of its public schema) and `procession`, and what is left of
others.

A table says which element becomes which struct, and which attribute which field. Elements and attributes that
no table knows are kept as foreign; attributes of a known element that would be lost are reported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from procession.model import extension as model
from procession.model.extension import NO_EXTENSION, Extension, ForeignAttribute, ForeignElement
from procession.model.xml import XmlElement
from procession.parse.reading import Parts, Reading, attribute, flag, optional_flag

ZEEBE: Final = "http://camunda.org/schema/zeebe/1.0"
MODELER: Final = "http://camunda.org/schema/modeler/1.0"
"""What the modelers of that platform write about themselves."""
PROCESSION: Final = "http://procession.dev/schema/1.0"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"

# Each row: the field of Extension, the struct, and the struct's field by attribute.
STRUCTS: Final[dict[tuple[str, str], tuple[str, Callable[..., object], dict[str, str]]]] = {
    (ZEEBE, "taskDefinition"): (
        "task_definition",
        model.TaskDefinition,
        {"type": "type", "retries": "retries"},
    ),
    (ZEEBE, "loopCharacteristics"): (
        "loop",
        model.LoopCollection,
        {
            "inputCollection": "input_collection",
            "inputElement": "input_element",
            "outputCollection": "output_collection",
            "outputElement": "output_element",
        },
    ),
    (ZEEBE, "calledDecision"): (
        "called_decision",
        model.CalledDecision,
        {
            "decisionId": "decision_id",
            "resultVariable": "result_variable",
            "bindingType": "binding_type",
            "versionTag": "version_tag",
        },
    ),
    (ZEEBE, "script"): (
        "script",
        model.ScriptExpression,
        {"expression": "expression", "resultVariable": "result_variable"},
    ),
    (ZEEBE, "subscription"): ("subscription", model.Subscription, {"correlationKey": "correlation_key"}),
    (ZEEBE, "publishMessage"): (
        "publish_message",
        model.PublishMessage,
        {"correlationKey": "correlation_key", "messageId": "message_id", "timeToLive": "time_to_live"},
    ),
    (ZEEBE, "assignmentDefinition"): (
        "assignment",
        model.Assignment,
        {"assignee": "assignee", "candidateGroups": "candidate_groups", "candidateUsers": "candidate_users"},
    ),
    (ZEEBE, "taskSchedule"): (
        "schedule",
        model.Schedule,
        {"dueDate": "due_date", "followUpDate": "follow_up_date"},
    ),
    (ZEEBE, "formDefinition"): (
        "form",
        model.Form,
        {
            "formId": "form_id",
            "formKey": "form_key",
            "externalReference": "external_reference",
            "bindingType": "binding_type",
            "versionTag": "version_tag",
        },
    ),
    (ZEEBE, "adHoc"): (
        "ad_hoc",
        model.AdHoc,
        {
            "activeElementsCollection": "active_elements_collection",
            "outputCollection": "output_collection",
            "outputElement": "output_element",
        },
    ),
    (ZEEBE, "conditionalFilter"): (
        "conditional_filter",
        model.ConditionalFilter,
        {"variableNames": "variable_names", "variableEvents": "variable_events"},
    ),
    (PROCESSION, "retry"): ("retry", model.Retry, {"cycle": "cycle", "backoff": "backoff"}),
}

# Each row: the field of Extension and the attribute that is its whole value.
VALUES: Final[dict[tuple[str, str], tuple[str, str]]] = {
    (ZEEBE, "versionTag"): ("version_tag", "value"),
    (ZEEBE, "priorityDefinition"): ("priority", "priority"),
    (ZEEBE, "jobPriorityDefinition"): ("job_priority", "priority"),
}

# Each row: by tag of the wrapped element, the field of Extension, the struct and its fields.
LISTS: Final[dict[tuple[str, str], dict[str, tuple[str, Callable[..., object], dict[str, str]]]]] = {
    (ZEEBE, "taskHeaders"): {"header": ("headers", model.Header, {"key": "key", "value": "value"})},
    (ZEEBE, "ioMapping"): {
        "input": ("inputs", model.Mapping, {"source": "source", "target": "target"}),
        "output": ("outputs", model.Mapping, {"source": "source", "target": "target"}),
    },
    (ZEEBE, "properties"): {"property": ("properties", model.Property, {"name": "name", "value": "value"})},
    (ZEEBE, "linkedResources"): {
        "linkedResource": (
            "linked_resources",
            model.LinkedResource,
            {
                "resourceId": "resource_id",
                "resourceType": "resource_type",
                "linkName": "link_name",
                "bindingType": "binding_type",
                "versionTag": "version_tag",
            },
        )
    },
}

LISTENERS: Final = {
    (ZEEBE, "executionListeners"): ("execution_listeners", "executionListener"),
    (ZEEBE, "taskListeners"): ("task_listeners", "taskListener"),
}
LISTENER_FIELDS: Final = {"eventType": "event_type", "type": "type", "retries": "retries"}
SCRIPT_FIELDS: Final = {"when": "when", "target": "target", "format": "format", "engine": "engine"}
CALLED_FIELDS: Final = {
    "processId": "process_id",
    "bindingType": "binding_type",
    "versionTag": "version_tag",
    "businessId": "business_id",
}
CALLED_FLAGS: Final = frozenset({"propagateAllChildVariables", "propagateAllParentVariables"})
CATCH_UP: Final = f"{PROCESSION} catchUp"
RESULT_VARIABLE: Final = f"{PROCESSION} resultVariable"
SCRIPT_ENGINE: Final = f"{PROCESSION} engine"
ATTRIBUTES: Final = {CATCH_UP: "timerEventDefinition", RESULT_VARIABLE: "scriptTask", SCRIPT_ENGINE: "scriptTask"}
"""Attributes of ours on elements of the standard: what each stands on."""
_TEMPLATE: Final = f"{ZEEBE} modelerTemplate"
_PRESENTATION: Final = frozenset({"id", f"{ZEEBE} modelerTemplateVersion", f"{ZEEBE} modelerTemplateIcon"})


def extension(reading: Reading, element: XmlElement, parts: Parts) -> Extension:
    """All extensions of an element: its `extensionElements`, children and attributes of other namespaces."""
    found = parts.get("extensionElements", ())
    children = [child for holder in found for child in holder.children]
    children += parts.get("", ())
    attributes = [name for name in element.attributes if " " in name]
    if not children and not attributes:
        return NO_EXTENSION
    fields: dict[str, Any] = {}
    for child in children:
        _read(reading, child, fields)
    for name in attributes:
        _read_attribute(element, name, fields)
    return Extension(**_frozen(fields)) if fields else NO_EXTENSION


def _frozen(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: tuple(cast("list[object]", value)) if isinstance(value, list) else value for name, value in fields.items()
    }


def _read(reading: Reading, element: XmlElement, fields: dict[str, Any]) -> None:
    key = (element.namespace, element.name)
    if key in LISTS:
        _lists(reading, element, LISTS[key], fields)
    elif key in LISTENERS:
        field, tag = LISTENERS[key]
        _each(reading, element, {tag: field}, fields)
    elif key in STRUCTS:
        field, struct, names = STRUCTS[key]
        _single(reading, element, fields, field, _struct(reading, element, struct, names))
    elif key in VALUES:
        field, name = VALUES[key]
        _unknown_attributes(reading, element, {name: name})
        _single(reading, element, fields, field, attribute(element, name))
    elif key == (ZEEBE, "calledElement"):
        _single(reading, element, fields, "called_element", _called_element(reading, element))
    elif key == (ZEEBE, "userTask"):
        _single(reading, element, fields, "user_task", True)
    elif key == (ZEEBE, "userTaskForm"):
        form = model.UserTaskForm(id=attribute(element, "id"), body=element.text.strip(), span=reading.span(element))
        _append(fields, "user_task_forms", form)
    elif key == (PROCESSION, "script"):
        _append(fields, "scripts", _script(reading, element))
    else:
        _append(fields, "foreign", foreign(reading, element))
    reading.uses_zeebe = reading.uses_zeebe or element.namespace == ZEEBE


def _read_attribute(element: XmlElement, name: str, fields: dict[str, Any]) -> None:
    namespace, _, local = name.rpartition(" ")
    if name == _TEMPLATE:
        fields["template"] = element.attributes[name]
    elif namespace != XSI and name not in _PRESENTATION and ATTRIBUTES.get(name) != element.name:
        value = ForeignAttribute(namespace=namespace, name=local, value=element.attributes[name])
        _append(fields, "foreign_attributes", value)


def _lists(
    reading: Reading,
    holder: XmlElement,
    rows: dict[str, tuple[str, Callable[..., object], dict[str, str]]],
    fields: dict[str, Any],
) -> None:
    _unknown_attributes(reading, holder, {})
    for child in holder.children:
        row = rows.get(child.name) if child.namespace == holder.namespace else None
        if row is None:
            _append(fields, "foreign", foreign(reading, child))
        else:
            _append(fields, row[0], _struct(reading, child, row[1], row[2]))


def _each(reading: Reading, holder: XmlElement, tags: dict[str, str], fields: dict[str, Any]) -> None:
    for child in holder.children:
        field = tags.get(child.name) if child.namespace == holder.namespace else None
        if field is None:
            _append(fields, "foreign", foreign(reading, child))
        else:
            _append(fields, field, _listener(reading, child, fields))


def _listener(reading: Reading, element: XmlElement, fields: dict[str, Any]) -> model.Listener:
    inner: dict[str, Any] = {}
    for child in element.children:
        _read(reading, child, inner)
    for other in inner.pop("foreign", ()):
        _append(fields, "foreign", other)
    _unknown_attributes(reading, element, LISTENER_FIELDS)
    return model.Listener(
        event_type=attribute(element, "eventType"),
        type=attribute(element, "type"),
        retries=attribute(element, "retries"),
        headers=tuple(inner.get("headers", ())),
        span=reading.span(element),
    )


def _struct(reading: Reading, element: XmlElement, struct: Callable[..., object], names: dict[str, str]) -> object:
    attributes = element.attributes
    if not attributes.keys() <= names.keys():
        _unknown_attributes(reading, element, names)
    values = {field: attributes.get(name, "") for name, field in names.items()}
    return struct(span=reading.span(element), **values)


def _script(reading: Reading, element: XmlElement) -> model.ScriptMapping:
    _unknown_attributes(reading, element, SCRIPT_FIELDS)
    values = {field: attribute(element, name) for name, field in SCRIPT_FIELDS.items()}
    return model.ScriptMapping(body=element.text, span=reading.span(element), **values)


def _called_element(reading: Reading, element: XmlElement) -> model.CalledElement:
    _unknown_attributes(reading, element, CALLED_FIELDS | dict.fromkeys(CALLED_FLAGS, ""))
    return model.CalledElement(
        process_id=attribute(element, "processId"),
        binding_type=attribute(element, "bindingType"),
        version_tag=attribute(element, "versionTag"),
        business_id=attribute(element, "businessId"),
        propagate_all_child_variables=optional_flag(reading, element, "propagateAllChildVariables"),
        propagate_all_parent_variables=flag(reading, element, "propagateAllParentVariables", True),
        span=reading.span(element),
    )


def _unknown_attributes(reading: Reading, element: XmlElement, names: dict[str, str]) -> None:
    for name in element.attributes:
        if name not in names and name not in _PRESENTATION:
            text = f"attribute {name!r} of {element.name} has no meaning here and has no effect"
            reading.report("extension-attribute", element, text, "remove it", "warning")


def _single(reading: Reading, element: XmlElement, fields: dict[str, Any], field: str, value: object) -> None:
    if field in fields:
        text = f"{element.name} is given twice; which one holds is not defined"
        reading.report("duplicate-extension", element, text, "keep one")
    fields[field] = value


def _append(fields: dict[str, Any], field: str, value: object) -> None:
    # Lists while reading, because a tuple would be copied for each of many children.
    fields.setdefault(field, []).append(value)


def foreign(reading: Reading, element: XmlElement) -> ForeignElement:
    """An element that no table knows, whole."""
    return ForeignElement(
        namespace=element.namespace,
        name=element.name,
        attributes=tuple(
            [
                ForeignAttribute(namespace=name.rpartition(" ")[0], name=name.rpartition(" ")[2], value=value)
                for name, value in element.attributes.items()
            ]
        ),
        text=element.text.strip(),
        children=tuple([foreign(reading, child) for child in element.children]),
        span=reading.span(element),
    )
