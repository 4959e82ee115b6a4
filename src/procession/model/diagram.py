"""Diagram interchange (BPMN 2.0.2, 12): where a tool drew what. Lengths are in the diagram's own pixels."""

from __future__ import annotations

from typing import final

import msgspec


@final
class Bounds(msgspec.Struct, frozen=True, gc=False):
    """A rectangle: left upper corner and size."""

    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = 0.0


@final
class Point(msgspec.Struct, frozen=True, gc=False):
    """A waypoint of an edge."""

    x: float = 0.0
    y: float = 0.0


@final
class Shape(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`BPMNShape`: `element` is the id drawn. Flags are None where the tool said nothing; colours are ''
    likewise.
    """

    id: str
    element: str
    bounds: Bounds
    label: Bounds | None = None
    is_expanded: bool | None = None
    is_horizontal: bool | None = None
    is_marker_visible: bool | None = None
    stroke: str = ""
    fill: str = ""


@final
class Edge(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`BPMNEdge`: a line through its waypoints."""

    id: str
    element: str
    waypoints: tuple[Point, ...] = ()
    label: Bounds | None = None
    stroke: str = ""


@final
class Diagram(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One `BPMNDiagram` and its plane. `element` is the process, collaboration or sub-process drawn."""

    id: str
    name: str = ""
    element: str = ""
    shapes: tuple[Shape, ...] = ()
    edges: tuple[Edge, ...] = ()
