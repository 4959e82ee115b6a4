"""Names that stand outside: of events, gateways, data, groups and lines. Where they go, and how wide they are."""

from __future__ import annotations

from typing import Final, final

import msgspec

from procession.model.diagram import Bounds, Edge, Point
from procession.services.diagram.drawing import LINE_HEIGHT, lettering
from procession.services.diagram.edges import middle_of
from procession.services.diagram.lettering import width_of, wrap
from procession.services.diagram.shapes import Drawn

SIZE: Final = 11.0
WIDTH: Final = 100.0
_OUTSIDE: Final = frozenset({"event", "gateway", "data", "store"})


@final
class Label(msgspec.Struct, frozen=True):
    """Lines of text, centred at `x`, the first below `top`."""

    lines: list[str]
    x: float
    top: float

    @property
    def bounds(self) -> Bounds:
        width = max((width_of(line, SIZE) for line in self.lines), default=0.0)
        return Bounds(self.x - width / 2, self.top, width, _height(self.lines))


def draw_label(label: Label) -> str:
    return lettering(label.lines, label.x, label.top, SIZE, "label")


def label_of_shape(drawn: Drawn) -> Label | None:
    """The label beside a shape, or None for shapes that carry their name inside and for nameless ones."""
    part, bounds = drawn.part, drawn.bounds
    if part.family == "group":
        return _at(part.name, drawn.shape.label or Bounds(bounds.x, bounds.y + 3, bounds.width, 14))
    if part.family not in _OUTSIDE or not part.name:
        return None
    below = Bounds(bounds.x + bounds.width / 2, bounds.y + bounds.height + 4)
    return _at(part.name, _given(drawn.shape.label) or below)


def label_of_edge(edge: Edge, name: str) -> Label | None:
    """The label beside a line: where the document says, else beside its middle."""
    if not name or len(edge.waypoints) < 2:
        return None
    given = _given(edge.label)
    if given is not None:
        return _at(name, given)
    point, horizontal = middle_of(edge.waypoints)
    lines = wrap(name, WIDTH, SIZE, 3)
    return Label(lines, *_beside(lines, point, horizontal))


def _beside(lines: list[str], point: Point, horizontal: bool) -> tuple[float, float]:
    if horizontal:
        return point.x, point.y - 4 - _height(lines)
    width = max(width_of(line, SIZE) for line in lines)
    return point.x + 6 + width / 2, point.y - _height(lines) / 2


def _at(name: str, place: Bounds) -> Label | None:
    lines = wrap(name, max(WIDTH, place.width * 1.1), SIZE, 6)
    return Label(lines, place.x + place.width / 2, place.y) if lines else None


def _given(label: Bounds | None) -> Bounds | None:
    """Some tools write labels without a size: those say nothing."""
    return label if label is not None and label.width > 0 and label.height > 0 else None


def _height(lines: list[str]) -> float:
    return len(lines) * SIZE * LINE_HEIGHT
