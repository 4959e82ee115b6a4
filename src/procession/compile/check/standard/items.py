"""What an element holds: its item, and when two items are the same (8.4.10, 10.4.1)."""

from __future__ import annotations

from procession.compile.check.standard.document import Document
from procession.model.xml import XmlElement

_ITEMS = ("itemSubjectRef", "itemRef", "structureRef")


def item_of(document: Document, element: XmlElement) -> XmlElement | None:
    """The item definition of an element, a message, a signal, an error or an escalation; that of a data object for a
    reference to it.
    """
    if element.name in {"dataObjectReference", "dataStoreReference"} and "itemSubjectRef" not in element.attributes:
        name = "dataObjectRef" if element.name == "dataObjectReference" else "dataStoreRef"
        target = document.named(element, name)
        return item_of(document, target) if target is not None and target is not element else None
    for name in _ITEMS:
        item = document.named(element, name)
        if item is not None and item.name == "itemDefinition":
            return item
    return None


def is_other_message(document: Document, element: XmlElement, operation: XmlElement | None) -> bool:
    """Whether the message of a task or an event is none of those of its operation."""
    message = document.named(element, "messageRef")
    if message is None or operation is None or operation.name != "operation":
        return False
    known = document.listed(operation, "inMessageRef") + document.listed(operation, "outMessageRef")
    return bool(known) and message not in known


def are_equal(one: XmlElement | None, other: XmlElement | None) -> bool:
    """Whether two items are the same, or of the same structure and kind; none is like none."""
    if one is None or other is None:
        return one is other
    if one is other:
        return True
    names = (("structureRef", ""), ("isCollection", "false"), ("itemKind", "Information"))
    return bool(one.attributes.get("structureRef")) and all(
        one.attributes.get(name, default) == other.attributes.get(name, default) for name, default in names
    )
