"""Reader of diagram interchange. It has no effect on a run, so what is wrong in it is a warning."""

from __future__ import annotations

import math
from typing import Final

from procession.model.diagram import Bounds, Diagram, Edge, Point, Shape
from procession.model.xml import XmlElement
from procession.parse.reading import Parts, Reading, attribute, first, optional_flag, parts_of, reference

BPMNDI: Final = "http://www.omg.org/spec/BPMN/20100524/DI"

_COLOR: Final = "http://www.omg.org/spec/BPMN/non-normative/color/1.0"
_BIOC: Final = "http://bpmn.io/schema/bpmn/biocolor/1.0"
_STROKE: Final = (f"{_COLOR} border-color", f"{_BIOC} stroke")
_FILL: Final = (f"{_COLOR} background-color", f"{_BIOC} fill")


def parse_diagram(reading: Reading, element: XmlElement) -> Diagram:
    """One `BPMNDiagram`; its shapes and edges in the order of the document, the later drawn above."""
    plane = first(parts_of(element), "BPMNPlane")
    parts: Parts = parts_of(plane) if plane is not None else {}
    return Diagram(
        id=attribute(element, "id"),
        name=attribute(element, "name"),
        element=reference(plane, "bpmnElement") if plane is not None else "",
        shapes=tuple([_shape(reading, child) for child in parts.get("BPMNShape", ())]),
        edges=tuple([_edge(reading, child) for child in parts.get("BPMNEdge", ())]),
    )


def _shape(reading: Reading, element: XmlElement) -> Shape:
    return Shape(
        id=attribute(element, "id"),
        element=reference(element, "bpmnElement"),
        bounds=_bounds(reading, element) or Bounds(),
        label=_label(reading, element),
        is_expanded=optional_flag(reading, element, "isExpanded"),
        is_horizontal=optional_flag(reading, element, "isHorizontal"),
        is_marker_visible=optional_flag(reading, element, "isMarkerVisible"),
        stroke=_color(element, _STROKE),
        fill=_color(element, _FILL),
    )


def _edge(reading: Reading, element: XmlElement) -> Edge:
    points = [
        Point(_number(reading, child, "x"), _number(reading, child, "y"))
        for child in element.children
        if child.name == "waypoint"
    ]
    return Edge(
        id=attribute(element, "id"),
        element=reference(element, "bpmnElement"),
        waypoints=tuple(points),
        label=_label(reading, element),
        stroke=_color(element, _STROKE),
    )


def _label(reading: Reading, element: XmlElement) -> Bounds | None:
    for child in element.children:
        if child.name == "BPMNLabel":
            return _bounds(reading, child)
    return None


def _bounds(reading: Reading, element: XmlElement) -> Bounds | None:
    for child in element.children:
        if child.name == "Bounds":
            return Bounds(
                _number(reading, child, "x"),
                _number(reading, child, "y"),
                _number(reading, child, "width"),
                _number(reading, child, "height"),
            )
    return None


def _number(reading: Reading, element: XmlElement, name: str) -> float:
    text = element.attributes.get(name, "")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if math.isfinite(value):
        return value
    message = f"{name} of {element.name} is {text[:40]!r}, which is no length"
    reading.report("diagram", element, message, "export the diagram again", "warning")
    return 0.0


def _color(element: XmlElement, names: tuple[str, ...]) -> str:
    for name in names:
        if name in element.attributes:
            return element.attributes[name]
    return ""
