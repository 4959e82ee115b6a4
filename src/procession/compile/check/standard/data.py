"""Data: objects, inputs and outputs, their sets, and what associations may connect (10.4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from procession.compile.check.standard import grammar
from procession.compile.check.standard.document import Document, child, children, identity, trigger_of
from procession.compile.check.standard.items import are_equal, item_of
from procession.compile.check.standard.rule import Rule
from procession.model.xml import XmlElement

_ASSOCIATIONS: Final = "dataInputAssociation dataOutputAssociation"
_SPEC: Final = "ioSpecification"
_SETS: Final = "inputSet outputSet"
_SUB: Final = " ".join(grammar.SUB_PROCESSES)
_EVENTS: Final = " ".join(grammar.EVENTS)
_PAYLOADS: Final[dict[str, str]] = {
    "message": "messageRef",
    "signal": "signalRef",
    "error": "errorRef",
    "escalation": "escalationRef",
}
"""Trigger -> the attribute that names what carries its item."""
_SIDES: Final[dict[str, tuple[str, str]]] = {
    "dataInput": ("inputSet", "dataInputRefs"),
    "dataOutput": ("outputSet", "dataOutputRefs"),
}
_REFERENCES: Final[dict[str, tuple[str, str]]] = {
    "inputSet": ("dataInput", "Input"),
    "outputSet": ("dataOutput", "Output"),
}


# --- data objects (10.4.1) --------------------------------------------------------------------------------------------


def _object_state(document: Document, element: XmlElement) -> Iterator[str]:
    if child(element, "dataState") is not None:
        yield "the data object has a state; only a reference to it has one"


def _reference_item(document: Document, reference: XmlElement) -> Iterator[str]:
    if reference.attributes.get("itemSubjectRef"):
        yield "the reference names an item; only the data object does"


def _reference_empty(document: Document, reference: XmlElement) -> Iterator[str]:
    if not reference.attributes.get("dataObjectRef"):
        yield "the reference names no data object"


def _reference_scope(document: Document, reference: XmlElement) -> Iterator[str]:
    target = document.named(reference, "dataObjectRef")
    if target is not None and target.name == "dataObject" and not _is_around(document, reference, target):
        yield f"the data object {identity(target)!r} belongs to a process or sub-process around which this is not"


def _is_around(document: Document, element: XmlElement, data: XmlElement) -> bool:
    """Whether what holds some data is around an element."""
    scope = document.parent(data)
    at = document.parent(element)
    while at is not scope and at is not document.root:
        at = document.parent(at)
    return at is scope


def _reference_name(document: Document, reference: XmlElement) -> Iterator[str]:
    state, target = child(reference, "dataState"), document.named(reference, "dataObjectRef")
    if state is None or target is None or target.name != "dataObject":
        return
    name, called = target.attributes.get("name", ""), state.attributes.get("name", "")
    if name and called and _spaceless(reference.attributes.get("name", "")) != _spaceless(f"{name}[{called}]"):
        yield f"the reference is called {reference.attributes.get('name', '')!r}, not '{name} [{called}]'"


def _spaceless(text: str) -> str:
    return "".join(text.split())


# --- inputs, outputs and their sets -----------------------------------------------------------------------------------


def _sub_process_data(document: Document, scope: XmlElement) -> Iterator[str]:
    if child(scope, _SPEC) is not None and child(scope, "multiInstanceLoopCharacteristics") is None:
        yield f"the {scope.name} has inputs or outputs of its own"


def _in_a_set(document: Document, spec: XmlElement) -> Iterator[str]:
    for tag, (set_tag, refs) in _SIDES.items():
        sets = children(spec, set_tag)
        named = {each for one in sets for each in document.listed(one, refs)}
        for data in children(spec, tag):
            if data not in named and (sets or spec.name == _SPEC):
                yield f"the {tag} {identity(data)!r} is in no {set_tag}"


def _subset(document: Document, data_set: XmlElement) -> Iterator[str]:
    side = _REFERENCES[data_set.name][1]
    for tag in (f"optional{side}Refs", f"whileExecuting{side}Refs"):
        for data in document.listed(data_set, tag):
            if not document.lists(data_set, f"data{side}Refs", data):
                yield f"{tag} names {identity(data)!r}, which is not among the data{side}Refs"


def _own_data(document: Document, data_set: XmlElement) -> Iterator[str]:
    tag, side = _REFERENCES[data_set.name]
    owner = document.parent(data_set)
    for data in document.listed(data_set, f"data{side}Refs"):
        if data.name == tag and document.parent(data) is not owner:
            yield f"{identity(data)!r} is data of another element"


def _mutual(document: Document, data_set: XmlElement) -> Iterator[str]:
    there, back = (
        ("outputSetRefs", "inputSetRefs") if data_set.name == "inputSet" else ("inputSetRefs", "outputSetRefs")
    )
    for other in document.listed(data_set, there):
        if other.name in _REFERENCES and not document.lists(other, back, data_set):
            yield f"{there} names {identity(other)!r}, which does not name this set in its {back}"


# --- associations -----------------------------------------------------------------------------------------------------


def _sources(document: Document, association: XmlElement) -> list[XmlElement]:
    return document.listed(association, "sourceRef")


def _targets(document: Document, association: XmlElement) -> list[XmlElement]:
    return document.listed(association, "targetRef")


def _owner(document: Document, data: XmlElement) -> XmlElement:
    """The element whose input or output this is."""
    at = document.parent(data)
    return document.parent(at) if at.name == _SPEC else at


def _input_target(document: Document, association: XmlElement) -> Iterator[str]:
    activity = document.parent(association)
    for data in _targets(document, association):
        if data.name == "dataInput" and _owner(document, data).name in {"process", *grammar.GLOBAL_TASKS}:
            yield f"the target is {identity(data)!r}, an input of the whole process"
        elif data.name not in {"dataInput", "property", "inputDataItem"}:
            yield f"the target is {identity(data)!r}, a {data.name}, and no input of the {activity.name}"
        elif data.name == "dataInput" and _owner(document, data) is not activity:
            yield f"the target is {identity(data)!r}, an input of another element"


def _output_source(document: Document, association: XmlElement) -> Iterator[str]:
    activity = document.parent(association)
    for data in _sources(document, association):
        if data.name not in {"dataOutput", "property", "outputDataItem"}:
            yield f"the source is {identity(data)!r}, a {data.name}, and no output of the {activity.name}"
        elif data.name == "dataOutput" and _owner(document, data) is not activity:
            yield f"the source is {identity(data)!r}, an output of another element"


def _process_input(document: Document, association: XmlElement) -> Iterator[str]:
    for data in _targets(document, association):
        if data.name == "dataInput":
            yield f"the target is the input {identity(data)!r}; only what is around gives it its value"


def _process_output(document: Document, association: XmlElement) -> Iterator[str]:
    for data in _sources(document, association):
        if data.name == "dataOutput":
            yield f"the source is the output {identity(data)!r}; only what is around takes its value"


def _accessible(document: Document, association: XmlElement) -> Iterator[str]:
    for data in (*_sources(document, association), *_targets(document, association)):
        if data.name not in {"dataObject", "dataObjectReference", "dataStoreReference", "property"}:
            continue
        if not _is_around(document, association, data):
            yield f"{identity(data)!r} belongs to a process or sub-process around which this is not"


def _same_item(document: Document, association: XmlElement) -> Iterator[str]:
    if child(association, "transformation") is not None:
        return
    for target in _targets(document, association):
        item = item_of(document, target)
        for source in _sources(document, association):
            other = item_of(document, source)
            if item is not None and other is not None and not are_equal(other, item):
                yield f"the items of {identity(source)!r} and {identity(target)!r} differ, and nothing transforms them"


def _several_sources(document: Document, association: XmlElement) -> Iterator[str]:
    few = len(children(association, "sourceRef")) < 2
    if not few and child(association, "transformation") is None and not children(association, "assignment"):
        yield "there are several sources, and nothing makes one value of them"


def _no_source(document: Document, association: XmlElement) -> Iterator[str]:
    says = children(association, "sourceRef", "transformation", "assignment")
    if not says:
        yield "the association has no source"


# --- the data of events (10.4.1) --------------------------------------------------------------------------------------


def _event_count(document: Document, event: XmlElement) -> Iterator[str]:
    definitions = document.definitions(event)
    data = children(event, "dataInput", "dataOutput")
    if definitions and data and len(data) != len(definitions):
        yield f"the event has {len(definitions)} definitions and {len(data)} inputs or outputs; each needs one"


def _event_item(document: Document, event: XmlElement) -> Iterator[str]:
    data = children(event, "dataInput", "dataOutput")
    for one, definition in zip(data, document.definitions(event), strict=False):
        payload = document.named(definition, _PAYLOADS.get(trigger_of(definition), "-"))
        item, wanted = item_of(document, one), item_of(document, payload) if payload is not None else None
        if payload is not None and item is not None and wanted is not None and not are_equal(item, wanted):
            yield f"the item of {identity(one)!r} is not that of the {payload.name} {identity(payload)!r}"


RULES: Final = (
    Rule(
        "data-object-state",
        "10.4.1",
        "dataObject",
        "a data object has a state",
        "give the state to a reference of it",
        _object_state,
    ),
    Rule(
        "data-object-reference-item",
        "10.4.1",
        "dataObjectReference",
        "a reference to a data object names an item",
        "let the data object name it",
        _reference_item,
    ),
    Rule(
        "data-object-reference-target",
        "10.4.1",
        "dataObjectReference",
        "a reference names no data object",
        "give dataObjectRef",
        _reference_empty,
    ),
    Rule(
        "data-object-reference-scope",
        "10.4.1",
        "dataObjectReference",
        "a reference names a data object of another process or sub-process",
        "refer to one of the scopes around",
        _reference_scope,
    ),
    Rule(
        "data-object-reference-name",
        "10.4.1",
        "dataObjectReference",
        "a reference to a data object in a state is not called by object and state",
        "call it: object [state]",
        _reference_name,
    ),
    Rule(
        "sub-process-data",
        "10.4.1",
        _SUB,
        "an embedded sub-process has inputs or outputs",
        "use the data of the process, or a call activity",
        _sub_process_data,
    ),
    Rule(
        "data-in-set", "10.4.1", f"{_SPEC} {_EVENTS}", "an input or output is in no set", "name it in a set", _in_a_set
    ),
    Rule(
        "data-set-subset",
        "10.4.1",
        _SETS,
        "optional data, or data used while executing, is not in its set",
        "name it among the data of the set too",
        _subset,
    ),
    Rule(
        "data-set-own", "10.4.1", _SETS, "a set names data of another element", "name own inputs and outputs", _own_data
    ),
    Rule(
        "data-set-mutual",
        "10.4.1",
        _SETS,
        "an input set and an output set do not name each other",
        "let both name each other",
        _mutual,
    ),
    Rule(
        "data-input-association-target",
        "10.4.2",
        "dataInputAssociation",
        "data flows into what is no input of its activity or event",
        "let the target be an own input",
        _input_target,
    ),
    Rule(
        "data-output-association-source",
        "10.4.2",
        "dataOutputAssociation",
        "data flows out of what is no output of its activity or event",
        "let the source be an own output",
        _output_source,
    ),
    Rule(
        "data-input-of-process",
        "10.4.1",
        "dataOutputAssociation",
        "data flows into an input of the process from inside",
        "let it flow to a data object or an output",
        _process_input,
    ),
    Rule(
        "data-output-of-process",
        "10.4.1",
        "dataInputAssociation",
        "data flows out of an output of the process to the inside",
        "let it flow from a data object or an input",
        _process_output,
    ),
    Rule(
        "data-association-scope",
        "10.4.2",
        _ASSOCIATIONS,
        "data flows from or to what is in another process or sub-process",
        "use data of the scopes around",
        _accessible,
    ),
    Rule(
        "data-association-item",
        "10.4.2",
        _ASSOCIATIONS,
        "source and target of data hold different items, and there is no transformation",
        "let both hold the same item, or transform it",
        _same_item,
    ),
    Rule(
        "data-association-sources",
        "10.4.2",
        _ASSOCIATIONS,
        "data has several sources, and there is no transformation",
        "write the transformation",
        _several_sources,
    ),
    Rule(
        "data-association-source-missing",
        "10.4.2",
        _ASSOCIATIONS,
        "data flows from nowhere",
        "name the source",
        _no_source,
    ),
    Rule(
        "event-data-count",
        "10.4.1",
        _EVENTS,
        "an event has another number of inputs or outputs than of definitions",
        "give one to each definition, in their order",
        _event_count,
    ),
    Rule(
        "event-data-item",
        "10.4.1",
        _EVENTS,
        "the data of an event is not the item of its message, signal, error or escalation",
        "name the same item",
        _event_item,
    ),
)
