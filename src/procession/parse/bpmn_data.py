"""Readers of data and correlation: items, io specifications, associations, properties, data objects and
stores.
"""

from __future__ import annotations

from procession.model.data import (
    CorrelationBinding,
    CorrelationProperty,
    CorrelationRetrieval,
    CorrelationSubscription,
    DataAssignment,
    DataAssociation,
    DataItem,
    DataObject,
    DataObjectReference,
    DataSet,
    DataStore,
    DataStoreReference,
    IoSpecification,
    ItemDefinition,
    Property,
)
from procession.model.extension import Expression
from procession.model.xml import XmlElement
from procession.parse.dialects.zeebe import extension
from procession.parse.reading import (
    Parts,
    Reading,
    attribute,
    expression,
    first,
    flag,
    parts_of,
    reference,
    references,
    text_of,
)


def properties(reading: Reading, parts: Parts) -> tuple[Property, ...]:
    found = parts.get("property")
    return tuple([_property(reading, child) for child in found]) if found else ()


def _property(reading: Reading, element: XmlElement) -> Property:
    return Property(
        id=attribute(element, "id"),
        name=attribute(element, "name"),
        item_ref=reference(element, "itemSubjectRef"),
        extension=extension(reading, element, parts_of(element)),
        span=reading.span(element),
    )


def data_object(reading: Reading, element: XmlElement) -> DataObject:
    return DataObject(
        id=attribute(element, "id"),
        name=attribute(element, "name"),
        item_ref=reference(element, "itemSubjectRef"),
        is_collection=flag(reading, element, "isCollection", False),
        extension=extension(reading, element, parts_of(element)),
        span=reading.span(element),
    )


def data_object_reference(reading: Reading, element: XmlElement) -> DataObjectReference:
    parts = parts_of(element)
    return DataObjectReference(
        id=attribute(element, "id"),
        name=attribute(element, "name"),
        data_object_ref=reference(element, "dataObjectRef"),
        state=_state(parts),
        extension=extension(reading, element, parts),
        span=reading.span(element),
    )


def data_store_reference(reading: Reading, element: XmlElement) -> DataStoreReference:
    parts = parts_of(element)
    return DataStoreReference(
        id=attribute(element, "id"),
        name=attribute(element, "name"),
        data_store_ref=reference(element, "dataStoreRef"),
        state=_state(parts),
        extension=extension(reading, element, parts),
        span=reading.span(element),
    )


def _state(parts: Parts) -> str:
    state = first(parts, "dataState")
    return attribute(state, "name") if state is not None else ""


def data_store(reading: Reading, element: XmlElement) -> DataStore:
    return DataStore(
        id=attribute(element, "id"),
        name=attribute(element, "name"),
        item_ref=reference(element, "itemSubjectRef"),
        capacity=attribute(element, "capacity"),
        is_unlimited=flag(reading, element, "isUnlimited", True),
        span=reading.span(element),
    )


def item_definition(reading: Reading, element: XmlElement) -> ItemDefinition:
    return ItemDefinition(
        id=attribute(element, "id"),
        structure_ref=attribute(element, "structureRef"),
        is_collection=flag(reading, element, "isCollection", False),
        item_kind=attribute(element, "itemKind") or "Information",
        span=reading.span(element),
    )


def data_items(reading: Reading, parts: Parts, name: str) -> tuple[DataItem, ...]:
    """The data inputs or outputs among the children."""
    found = parts.get(name)
    return tuple([_data_item(reading, child) for child in found]) if found else ()


def _data_item(reading: Reading, element: XmlElement) -> DataItem:
    return DataItem(
        id=attribute(element, "id"),
        name=attribute(element, "name"),
        item_ref=reference(element, "itemSubjectRef"),
        is_collection=flag(reading, element, "isCollection", False),
        span=reading.span(element),
    )


def io_specification(reading: Reading, parts: Parts) -> IoSpecification | None:
    element = first(parts, "ioSpecification")
    if element is None:
        return None
    inner = parts_of(element)
    return IoSpecification(
        inputs=data_items(reading, inner, "dataInput"),
        outputs=data_items(reading, inner, "dataOutput"),
        input_sets=tuple([_data_set(reading, child, "Input") for child in inner.get("inputSet", ())]),
        output_sets=tuple([_data_set(reading, child, "Output") for child in inner.get("outputSet", ())]),
        span=reading.span(element),
    )


def _data_set(reading: Reading, element: XmlElement, side: str) -> DataSet:
    parts = parts_of(element)
    other = "outputSetRefs" if side == "Input" else "inputSetRefs"
    return DataSet(
        id=attribute(element, "id"),
        name=attribute(element, "name"),
        items=references(parts, f"data{side}Refs"),
        optional=references(parts, f"optional{side}Refs"),
        while_executing=references(parts, f"whileExecuting{side}Refs"),
        others=references(parts, other),
        span=reading.span(element),
    )


def data_associations(reading: Reading, parts: Parts, name: str) -> tuple[DataAssociation, ...]:
    """The associations among the children whose tag is `name`."""
    found = parts.get(name)
    return tuple([_data_association(reading, child) for child in found]) if found else ()


def _data_association(reading: Reading, element: XmlElement) -> DataAssociation:
    parts = parts_of(element)
    targets = references(parts, "targetRef")
    return DataAssociation(
        id=attribute(element, "id"),
        source_refs=references(parts, "sourceRef"),
        target_ref=targets[0] if targets else "",
        transformation=expression(reading, first(parts, "transformation")),
        assignments=tuple([_assignment(reading, child) for child in parts.get("assignment", ())]),
        span=reading.span(element),
    )


def _assignment(reading: Reading, element: XmlElement) -> DataAssignment:
    parts = parts_of(element)
    missing = Expression(text="", span=reading.span(element))
    return DataAssignment(
        source=expression(reading, first(parts, "from")) or missing,
        target=expression(reading, first(parts, "to")) or missing,
        span=reading.span(element),
    )


def correlation_property(reading: Reading, element: XmlElement) -> CorrelationProperty:
    found = parts_of(element).get("correlationPropertyRetrievalExpression", ())
    return CorrelationProperty(
        id=attribute(element, "id"),
        name=attribute(element, "name"),
        type_ref=attribute(element, "type"),
        retrievals=tuple([_retrieval(reading, child) for child in found]),
        span=reading.span(element),
    )


def _retrieval(reading: Reading, element: XmlElement) -> CorrelationRetrieval:
    return CorrelationRetrieval(
        message_ref=reference(element, "messageRef"),
        path=expression(reading, first(parts_of(element), "messagePath")),
        span=reading.span(element),
    )


def correlation_subscription(reading: Reading, element: XmlElement) -> CorrelationSubscription:
    parts = parts_of(element)
    found = parts.get("correlationPropertyBinding", ())
    return CorrelationSubscription(
        id=attribute(element, "id"),
        key_ref=reference(element, "correlationKeyRef") or text_of(parts, "correlationKeyRef"),
        bindings=tuple([_binding(reading, child) for child in found]),
        span=reading.span(element),
    )


def _binding(reading: Reading, element: XmlElement) -> CorrelationBinding:
    return CorrelationBinding(
        property_ref=reference(element, "correlationPropertyRef"),
        path=expression(reading, first(parts_of(element), "dataPath")),
        span=reading.span(element),
    )
