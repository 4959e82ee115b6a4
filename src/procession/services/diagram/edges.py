"""Lines between shapes as SVG: rounded bends, heads, the slash of a default and the diamond of a condition."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Final

from procession.model.diagram import Bounds, Point
from procession.services.diagram.drawing import number, path
from procession.services.diagram.scene import Family, Line

BEND: Final = 6.0
HEAD: Final = 9.0
_DIAMOND: Final = 7.0


def draw_line(line: Line, points: tuple[Point, ...]) -> list[str]:
    """The marks of one edge, below to above. `points` are at least two, already cropped to the shapes."""
    return _DRAW[line.family](line, _distinct(points))


def cropped(point: Point, towards: Point, bounds: Bounds, family: Family) -> Point:
    """Where the way from `towards` to `point` enters the shape, if `point` lies inside it; else `point`."""
    inside = _INSIDE.get(family, _in_rectangle)
    if not inside(point, bounds, 2.0) or inside(towards, bounds, 0.0):
        return point
    near, far = 0.0, 1.0
    for _ in range(24):
        middle = (near + far) / 2
        if inside(_between(point, towards, middle), bounds, 0.0):
            near = middle
        else:
            far = middle
    return _between(point, towards, far)


def middle_of(points: tuple[Point, ...]) -> tuple[Point, bool]:
    """The point half-way along a line, and whether the line is rather horizontal there."""
    lengths = [math.dist((a.x, a.y), (b.x, b.y)) for a, b in pairwise(points)]
    left = sum(lengths) / 2
    for a, b, length in zip(points, points[1:], lengths, strict=False):
        if length and left <= length:
            return _between(a, b, left / length), abs(b.x - a.x) >= abs(b.y - a.y)
        left -= length
    return points[0], True


def _sequence(line: Line, points: tuple[Point, ...]) -> list[str]:
    marks: list[str] = []
    start, angle = points[0], _angle(points[0], points[1])
    if line.conditional and not line.default:
        tip = _polar(start, angle, 2 * _DIAMOND)
        sides = (_offset(start, angle, _DIAMOND, side) for side in (-4.5, 4.5))
        left, right = sides
        marks.append(path("head open", _polyline((start, left, tip, right), closed=True)))
        points = (tip, *points[1:])
    body = _shortened(points, HEAD - 2)
    marks.insert(0, path("flow", _rounded(body)))
    if line.default:
        at = _polar(start, angle, 11)
        slash = (_polar(at, angle - 2.2, 6), _polar(at, angle - 2.2 + math.pi, 6))
        marks.append(path("flow", _polyline(slash)))
    marks.append(path("head", _arrow(points, 4.0)))
    return marks


def _message(_: Line, points: tuple[Point, ...]) -> list[str]:
    start, angle = points[0], _angle(points[0], points[1])
    centre = _polar(start, angle, 4)
    body = _shortened((_polar(start, angle, 8), *points[1:]), HEAD)
    circle = f'<circle class="head open" cx="{number(centre.x)}" cy="{number(centre.y)}" r="4"/>'
    return [path("message", _rounded(body)), circle, path("head open", _arrow(points, 4.5))]


def _association(line: Line, points: tuple[Point, ...]) -> list[str]:
    marks = [path("association", _rounded(points))]
    if line.heads:
        marks.append(path("thin", _chevron(points)))
    if line.heads == "both":
        marks.append(path("thin", _chevron(points[::-1])))
    return marks


def _unknown(_: Line, points: tuple[Point, ...]) -> list[str]:
    return [path("unknown", _polyline(points))]


_DRAW: Final[dict[str, Callable[[Line, tuple[Point, ...]], list[str]]]] = {
    "sequence": _sequence,
    "message": _message,
    "association": _association,
    "data": _association,
    "unknown": _unknown,
}


def _in_rectangle(p: Point, b: Bounds, margin: float) -> bool:
    return b.x + margin < p.x < b.x + b.width - margin and b.y + margin < p.y < b.y + b.height - margin


def _in_circle(p: Point, b: Bounds, margin: float) -> bool:
    radius = b.width / 2 - margin
    return math.hypot(p.x - b.x - b.width / 2, p.y - b.y - b.height / 2) < radius


def _in_diamond(p: Point, b: Bounds, margin: float) -> bool:
    across = abs(p.x - b.x - b.width / 2) / (b.width / 2) if b.width else 1.0
    down = abs(p.y - b.y - b.height / 2) / (b.height / 2) if b.height else 1.0
    return across + down < 1 - (2 * margin / b.width if b.width else 0)


_INSIDE: Final[dict[str, Callable[[Point, Bounds, float], bool]]] = {
    "event": _in_circle,
    "gateway": _in_diamond,
}


def _distinct(points: tuple[Point, ...]) -> tuple[Point, ...]:
    kept = [points[0]]
    kept.extend(b for a, b in pairwise(points) if a != b)
    return tuple(kept) if len(kept) > 1 else (points[0], Point(points[0].x + 1, points[0].y))


def _rounded(points: tuple[Point, ...]) -> str:
    parts = [f"M{_xy(points[0])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        reach = min(BEND, _distance(before, corner) / 2, _distance(corner, after) / 2)
        into = _polar(corner, _angle(corner, before), reach)
        out = _polar(corner, _angle(corner, after), reach)
        parts.append(f"L{_xy(into)}Q{_xy(corner)} {_xy(out)}")
    return "".join([*parts, f"L{_xy(points[-1])}"])


def _polyline(points: tuple[Point, ...], *, closed: bool = False) -> str:
    return f"M{'L'.join(map(_xy, points))}{'Z' if closed else ''}"


def _arrow(points: tuple[Point, ...], half: float) -> str:
    tip, angle = points[-1], _angle(points[-1], points[-2])
    return _polyline((tip, _offset(tip, angle, HEAD, half), _offset(tip, angle, HEAD, -half)), closed=True)


def _chevron(points: tuple[Point, ...]) -> str:
    tip, angle = points[-1], _angle(points[-1], points[-2])
    return _polyline((_offset(tip, angle, HEAD, 5), tip, _offset(tip, angle, HEAD, -5)))


def _shortened(points: tuple[Point, ...], by: float) -> tuple[Point, ...]:
    """Without the last bit: a wide line must not look out beside the tip of its head."""
    last = points[-1]
    by = min(by, _distance(last, points[-2]) * 0.9)
    return (*points[:-1], _polar(last, _angle(last, points[-2]), by))


def _between(a: Point, b: Point, share: float) -> Point:
    return Point(a.x + (b.x - a.x) * share, a.y + (b.y - a.y) * share)


def _angle(a: Point, b: Point) -> float:
    return math.atan2(b.y - a.y, b.x - a.x)


def _distance(a: Point, b: Point) -> float:
    return math.hypot(b.x - a.x, b.y - a.y)


def _polar(p: Point, angle: float, length: float) -> Point:
    return Point(p.x + length * math.cos(angle), p.y + length * math.sin(angle))


def _offset(p: Point, angle: float, along: float, across: float) -> Point:
    return _polar(_polar(p, angle, along), angle + math.pi / 2, across)


def _xy(p: Point) -> str:
    return f"{number(p.x)} {number(p.y)}"
