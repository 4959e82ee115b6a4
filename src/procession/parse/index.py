"""The first pass over a BPMN tree: ids, unknown elements, references and the ends of sequence flows.

It reads no meaning; it reports what would make the second pass, or a reader of the model, name things that
are not there. A fault inside an executable process is an error, elsewhere a warning.
"""

from __future__ import annotations

from typing import final

import msgspec

from procession.base.diagnostics import Severity
from procession.model.bpmn import Unknown
from procession.model.xml import XmlElement, local_name
from procession.parse.grammar import (
    ATTRIBUTE_REFERENCES,
    BPMN,
    CHILDREN,
    LEAF,
    NEEDS_ID,
    OPAQUE,
    SCOPES,
    TEXT_REFERENCES,
    Reference,
)
from procession.parse.reading import Reading, attribute


@final
class Place(msgspec.Struct, frozen=True, gc=False):
    """Where an element stands: the process and scope around it (None outside), and the element with an id."""

    process: XmlElement | None
    scope: XmlElement | None
    owner: XmlElement


@final
class Index:
    """What the pass knows: the element and the place of each id, and the references met on the way."""

    __slots__ = ("boundaries", "elements", "flows", "imported", "is_runnable", "places", "references")

    def __init__(self, root: XmlElement) -> None:
        self.elements: dict[str, XmlElement] = {}
        self.places: dict[str, Place] = {}
        self.references: list[tuple[XmlElement, str, str, Reference, Place]] = []
        self.flows: list[tuple[XmlElement, Place]] = []
        self.boundaries: list[tuple[XmlElement, Place]] = []
        self.is_runnable = any(is_executable(child) for child in root.children)
        self.imported = {attribute(child, "namespace") for child in root.children if child.name == "import"}


def is_executable(element: XmlElement) -> bool:
    """Whether this is a process that is meant to run."""
    return element.name == "process" and attribute(element, "isExecutable").strip() in {"true", "1"}


def check(reading: Reading, root: XmlElement) -> None:
    """Runs the pass; findings and unknown elements are added to `reading`."""
    index = Index(root)
    _walk(reading, index, root)
    for element, name, value, wanted, place in index.references:
        _check_reference(reading, index, (element, name, value, wanted), place)
    for element, place in index.flows:
        _check_flow(reading, index, element, place)
    for element, place in index.boundaries:
        if not attribute(element, "attachedToRef"):
            text = "the boundary event is attached to nothing"
            remedy = "attach it to an activity"
            reading.report("dangling-reference", element, text, remedy, _severity(index, element, place))


def _walk(reading: Reading, index: Index, root: XmlElement) -> None:
    # By a stack, because siblings and depth are the document's choice.
    waiting = [(root, Place(None, None, root))]
    while waiting:
        parent, place = waiting.pop()
        allowed = CHILDREN.get(parent.name, LEAF)
        inner: list[tuple[XmlElement, Place]] = []
        for element in parent.children:
            if element.namespace != BPMN:
                continue
            name = element.name
            wanted = TEXT_REFERENCES.get(name)
            if wanted is not None and name in allowed:
                index.references.append((parent, name, element.text, wanted, place))
                continue
            if "id" in element.attributes or name in NEEDS_ID:
                _register(reading, index, element, place)
            if name not in allowed:
                _keep_unknown(reading, element, place)
                continue
            if name in OPAQUE:
                continue
            _note(index, element, place)
            if element.children:
                inner.append((element, _place_inside(element, place)))
        inner.reverse()
        waiting += inner


def _place_inside(element: XmlElement, place: Place) -> Place:
    if element.name == "process":
        return Place(element, element, element)
    if element.name in SCOPES:
        return Place(place.process, element, element)
    return Place(place.process, place.scope, element if "id" in element.attributes else place.owner)


def _register(reading: Reading, index: Index, element: XmlElement, place: Place) -> None:
    id = attribute(element, "id")
    if not id:
        text = f"a {element.name} has no id, so nothing can refer to it"
        reading.report("missing-id", element, text, "give it an id", _severity(index, element, place))
    elif id in index.elements:
        other = index.elements[id]
        text = f"the id {id!r} is already that of the {other.name} in line {other.line}"
        worse = max(_severity(index, element, place), _severity(index, other, index.places[id]), key=_rank)
        reading.report("duplicate-id", element, text, "give each element an id of its own", worse)
    else:
        index.elements[id] = element
        index.places[id] = place


def _keep_unknown(reading: Reading, element: XmlElement, place: Place) -> None:
    unknown = Unknown(
        tag=element.name,
        id=attribute(element, "id"),
        owner=attribute(place.owner, "id"),
        span=reading.span(element),
    )
    reading.unknown.setdefault(place.process, []).append(unknown)
    if element.name == "extension" and attribute(element, "mustUnderstand").strip() in {"true", "1"}:
        text = f"the document demands that {attribute(element, 'definition')!r} is understood; it is not"
        reading.report("must-understand", element, text, 'remove it or write mustUnderstand="false"', "error")


def _note(index: Index, element: XmlElement, place: Place) -> None:
    attributes = element.attributes
    for name, wanted in ATTRIBUTE_REFERENCES.get(element.name, {}).items():
        value = attributes.get(name)
        if value:
            index.references.append((element, name, value, wanted, place))
    if element.name == "sequenceFlow":
        index.flows.append((element, place))
    elif element.name == "boundaryEvent":
        index.boundaries.append((element, place))


def _check_reference(reading: Reading, index: Index, use: tuple[XmlElement, str, str, Reference], place: Place) -> None:
    element, name, value, wanted = use
    target = index.elements.get(local_name(value))
    if target is None:
        if not _is_elsewhere(index, element, value):
            text = f"{name} of {element.name} names {value.strip()[:80]!r}, which is not in this document"
            severity = _severity(index, element, place) if wanted.is_hard else "warning"
            reading.report(wanted.rule, element, text, "correct the reference or remove it", severity)
    elif wanted.targets and target.name not in wanted.targets:
        text = f"{name} of {element.name} names {value.strip()[:80]!r}, which is a {target.name}"
        remedy = "it must be one of: " + ", ".join(sorted(wanted.targets))
        severity = _severity(index, element, place) if wanted.is_hard else "warning"
        reading.report(wanted.rule, element, text, remedy, severity)
    elif name in _LOCAL:
        _LOCAL[name](reading, index, element, target, place)


def _is_elsewhere(index: Index, element: XmlElement, value: str) -> bool:
    """Whether a QName's prefix says that the element is in a document that this one imports."""
    prefix, colon, _ = value.strip().partition(":")
    return bool(colon) and element.prefixes.namespace(prefix) in index.imported


def _check_listed(reading: Reading, index: Index, node: XmlElement, flow: XmlElement, name: str) -> None:
    end = "sourceRef" if name == "outgoing" else "targetRef"
    if local_name(attribute(flow, end)) != attribute(node, "id"):
        text = f"{node.name} lists {attribute(flow, 'id')!r} as {name}, but the flow's {end} is another"
        reading.report("sequence-flow-ends", node, text, "remove the line: the flow's own ends count", "warning")


def _check_outgoing(reading: Reading, index: Index, node: XmlElement, flow: XmlElement, _place: Place) -> None:
    _check_listed(reading, index, node, flow, "outgoing")


def _check_incoming(reading: Reading, index: Index, node: XmlElement, flow: XmlElement, _place: Place) -> None:
    _check_listed(reading, index, node, flow, "incoming")


def _check_default(reading: Reading, index: Index, node: XmlElement, flow: XmlElement, place: Place) -> None:
    if local_name(attribute(flow, "sourceRef")) != attribute(node, "id"):
        text = f"the default flow {attribute(flow, 'id')!r} does not leave this {node.name}"
        remedy = "choose one of its outgoing flows"
        reading.report("default-flow", node, text, remedy, _severity(index, node, place))


def _check_attached(reading: Reading, index: Index, event: XmlElement, host: XmlElement, place: Place) -> None:
    if index.places[attribute(host, "id")].scope is not place.scope:
        text = f"the event is attached to {attribute(host, 'id')!r}, which is in another scope"
        remedy = "move both into the same process or sub-process"
        reading.report("boundary-event-scope", event, text, remedy, _severity(index, event, place))


_LOCAL = {
    "outgoing": _check_outgoing,
    "incoming": _check_incoming,
    "default": _check_default,
    "attachedToRef": _check_attached,
}


def _check_flow(reading: Reading, index: Index, flow: XmlElement, place: Place) -> None:
    for name in ("sourceRef", "targetRef"):
        id = local_name(attribute(flow, name))
        end = index.places.get(id)
        if not id:
            text = f"the sequence flow has no {name}"
            reading.report("dangling-reference", flow, text, "connect both of its ends", _severity(index, flow, place))
        elif end is not None and end.scope is not place.scope:
            text = f"{name} {id!r} is in another process or sub-process than the sequence flow"
            remedy = "a sequence flow stays in one scope; end the sub-process and go on from it"
            reading.report("sequence-flow-scope", flow, text, remedy, _severity(index, flow, place))


def _severity(index: Index, element: XmlElement, place: Place) -> Severity:
    process = element if element.name == "process" else place.process
    runs = index.is_runnable if process is None else is_executable(process)
    return "error" if runs else "warning"


def _rank(severity: Severity) -> int:
    return 1 if severity == "error" else 0
