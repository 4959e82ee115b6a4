"""Shapes as SVG, one function a family of elements (BPMN 2.0.2, 7.5 and 10). Colours are in the style sheet."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, final

import msgspec

from procession.model.bpmn import Activity, Gateway
from procession.model.diagram import Bounds, Shape
from procession.model.events import Event
from procession.services.diagram import glyphs
from procession.services.diagram.drawing import (
    LINE_HEIGHT,
    centre,
    ellipse,
    glyph,
    inset,
    lettering,
    number,
    path,
    rectangle,
)
from procession.services.diagram.lettering import width_of, wrap
from procession.services.diagram.scene import THROWING, Family, Part, is_dashed, repetition, trigger

STRIP: Final = 30.0
"""The height of the title strip of pools and lanes."""
_COLOR: Final = re.compile(r"#[0-9a-fA-F]{3,8}|[a-zA-Z]{3,20}|rgba?\([0-9., %]{5,40}\)")
_DARK_FILL: Final = re.compile(r"fill:#([0-9a-fA-F]{6}|[0-9a-fA-F]{3})(?![0-9a-fA-F])")
_NAMED_OUTSIDE: Final = frozenset({"pool", "lane", "group"})
_SIZES: Final = (12.0, 11.0, 10.0)


@final
class Drawn(msgspec.Struct, frozen=True):
    """A part with its shape. `expanded` says that a sub-process shows what is in it; `style` are the document's own
    colours as an attribute, '' where it has none.
    """

    part: Part
    shape: Shape
    expanded: bool
    style: str = ""

    @property
    def bounds(self) -> Bounds:
        return self.shape.bounds


def draw_shape(drawn: Drawn) -> list[str]:
    """The marks of one shape, below to above, names inside it included (outside labels are not)."""
    return _DRAW[drawn.part.family](drawn)


def own_colors(shape: Shape, *, plain: bool) -> str:
    """The style attribute for a document's own colours; '' for none, for no colour, or unless `plain`."""
    colors = (("fill", shape.fill), ("stroke", shape.stroke))
    rules = [f"{name}:{value}" for name, value in colors if value and _COLOR.fullmatch(value)]
    return f' style="{";".join(rules)}"' if rules and plain else ""


def is_dark(drawn: Drawn) -> bool:
    """Whether what stands inside is drawn over a dark colour of the document's own; names of colours count as light."""
    found = _DARK_FILL.search(drawn.style)
    if found is None or drawn.part.family in _NAMED_OUTSIDE:
        return False
    digits = found.group(1)
    pairs = [each * 2 for each in digits] if len(digits) == 3 else [digits[i : i + 2] for i in (0, 2, 4)]
    red, green, blue = (int(pair, 16) for pair in pairs)
    # The weights are those of ITU-R BT.601; dark ink and white are equally far from the bound.
    return 0.299 * red + 0.587 * green + 0.114 * blue < 115


def _activity(drawn: Drawn) -> list[str]:
    activity = drawn.part.node
    assert isinstance(activity, Activity)
    bounds = drawn.bounds
    css = "shape"
    if activity.kind == "callActivity":
        css = "shape thick"
    elif activity.triggered_by_event:
        css = "shape dotted"
    marks = [rectangle(css, bounds, 10, drawn.style)]
    if activity.kind == "transaction":
        marks.append(rectangle("line", inset(bounds, 3), 8))
    icon = _icon(activity, drawn)
    if icon:
        marks.append(icon)
    markers = _markers(activity, drawn)
    marks.extend(_in_row(markers, bounds))
    marks.append(_name_inside(drawn, bool(icon), bool(markers)))
    return marks


def _icon(activity: Activity, drawn: Drawn) -> str:
    x, y = drawn.bounds.x + 6, drawn.bounds.y + 6
    scale = min(1.0, drawn.bounds.height / 50)
    if activity.kind == "receiveTask" and activity.instantiate:
        circle = Bounds(x - 2, y - 2, 20, 20)
        return ellipse("thin", circle) + glyph(glyphs.TASK_ICONS["receiveTask"], x + 3, y + 2.6, 0.65)
    if activity.triggered_by_event and not drawn.expanded:
        return _start_of(activity, x, y)
    strokes = glyphs.TASK_ICONS.get(drawn.part.called or activity.kind)
    return glyph(strokes, x, y, scale) if strokes else ""


def _start_of(activity: Activity, x: float, y: float) -> str:
    """A collapsed event sub-process shows what starts it."""
    nodes = activity.scope.nodes if activity.scope else ()
    start = next((node for node in nodes if isinstance(node, Event) and node.kind == "startEvent"), None)
    if start is None:
        return ""
    ring = ellipse("thin dashed" if is_dashed(start) else "thin", Bounds(x, y, 18, 18))
    strokes = glyphs.CATCH_GLYPHS.get(trigger(start))
    return ring + (glyph(strokes, x + 9, y + 9, 0.55) if strokes else "")


def _markers(activity: Activity, drawn: Drawn) -> list[str]:
    names = [
        "collapsed" if _is_closed(activity, drawn) else "",
        repetition(activity),
        "compensation" if activity.is_for_compensation else "",
        "adHoc" if activity.kind == "adHocSubProcess" else "",
    ]
    return [name for name in names if name]


def _is_closed(activity: Activity, drawn: Drawn) -> bool:
    if activity.kind == "callActivity":
        return not drawn.expanded and not drawn.part.called
    return activity.scope is not None and not drawn.expanded


def _in_row(names: list[str], bounds: Bounds) -> list[str]:
    middle, _ = centre(bounds)
    left = middle - (len(names) - 1) * 9
    base = bounds.y + bounds.height - 10
    return [glyph(glyphs.MARKERS[name], left + 18 * i, base) for i, name in enumerate(names)]


def _name_inside(drawn: Drawn, icon: bool, markers: bool) -> str:
    bounds = drawn.bounds
    x, y = centre(bounds)
    if drawn.expanded:
        lines = wrap(drawn.part.name, bounds.width - 50, 12, 2)
        return lettering(lines, x, bounds.y + 7, 12, "strong")
    bottom = bounds.y + bounds.height - (19 if markers else 4)
    lines, size, ceiling = _fitted(drawn.part.name, bounds, bottom, icon)
    height = len(lines) * size * LINE_HEIGHT
    top = max(ceiling, min(y - height / 2, bottom - height))
    return lettering(lines, x, top, size)


def _fitted(name: str, bounds: Bounds, bottom: float, icon: bool) -> tuple[list[str], float, float]:
    """The lines of a name, their size, and how far up they may stand.

    Beside nothing, else below the icon, else between it and its mirror image, in the largest size that fits; the
    smallest is cut.
    """
    below, free = bounds.y + (23 if icon else 4), bounds.width - 12
    places = [
        (size, ceiling, width) for size in _SIZES for ceiling, width in ((below, free), (bounds.y + 4, free - 34))
    ]
    for size, ceiling, width in places:
        # Beside the icon there is little room: a word is not broken for it.
        if width < free and not (icon and all(width_of(word, size) <= width for word in name.split())):
            continue
        lines = wrap(name, width, size)
        if len(lines) * size * LINE_HEIGHT <= bottom - ceiling:
            return lines, size, ceiling
    size = _SIZES[-1]
    space = bottom - bounds.y - 4
    return wrap(name, free, size, max(1, int(space / (size * LINE_HEIGHT)))), size, bounds.y + 4


def _event(drawn: Drawn) -> list[str]:
    event = drawn.part.node
    assert isinstance(event, Event)
    ring = "shape dashed" if is_dashed(event) else "shape"
    if event.kind == "endEvent":
        ring = "shape heavy"
    marks = [ellipse(ring, drawn.bounds, 0, drawn.style)]
    if event.kind not in {"startEvent", "endEvent"}:
        marks.append(ellipse("line dashed" if is_dashed(event) else "line", drawn.bounds, 3))
    table = glyphs.THROW_GLYPHS if event.kind in THROWING else glyphs.CATCH_GLYPHS
    strokes = table.get(trigger(event))
    if strokes:
        marks.append(glyph(strokes, *centre(drawn.bounds), drawn.bounds.width / 36))
    return marks


def _gateway(drawn: Drawn) -> list[str]:
    gateway = drawn.part.node
    assert isinstance(gateway, Gateway)
    b = drawn.bounds
    x, y = centre(b)
    corners = ((x, b.y), (b.x + b.width, y), (x, b.y + b.height), (b.x, y))
    outline = "L".join(f"{number(px)} {number(py)}" for px, py in corners)
    marks = [path("shape", f"M{outline}Z", drawn.style)]
    kind: str = gateway.kind
    if gateway.instantiate:
        kind = "instantiatingParallel" if gateway.event_type == "Parallel" else "instantiating"
    if kind != "exclusiveGateway" or drawn.shape.is_marker_visible is not False:
        marks.append(glyph(glyphs.GATEWAY_GLYPHS[kind], x, y, b.width / 50))
    return marks


def _pool(drawn: Drawn) -> list[str]:
    marks = [rectangle("pool", drawn.bounds, 0, drawn.style)]
    if drawn.part.empty:
        x, y = centre(drawn.bounds)
        if _is_horizontal(drawn):
            lines = wrap(drawn.part.name, drawn.bounds.width - 20, 12, 2)
            marks.append(lettering(lines, x, y - len(lines) * 7.2, 12, "strong"))
        else:
            marks.append(_sideways(drawn.part.name, drawn.bounds, "strong"))
    else:
        marks.extend(_title_strip(drawn, "strong", "strip"))
    if drawn.part.many:
        x = centre(drawn.bounds)[0]
        base = drawn.bounds.y + drawn.bounds.height - 10
        marks.append(glyph(glyphs.MARKERS["parallelInstances"], x, base))
    return marks


def _lane(drawn: Drawn) -> list[str]:
    return [rectangle("lane", drawn.bounds, 0, drawn.style), *_title_strip(drawn, "", "clear")]


def _title_strip(drawn: Drawn, text: str, css: str) -> list[str]:
    b = drawn.bounds
    if _is_horizontal(drawn):
        strip = Bounds(b.x, b.y, STRIP, b.height)
        return [rectangle(css, strip), _sideways(drawn.part.name, strip, text)]
    strip = Bounds(b.x, b.y, b.width, STRIP)
    lines = wrap(drawn.part.name, b.width - 10, 12, 1)
    return [rectangle(css, strip), lettering(lines, centre(strip)[0], b.y + 8, 12, text)]


def _sideways(name: str, bounds: Bounds, css: str) -> str:
    """A title that reads from below to above."""
    lines_max = max(1, int(bounds.width / 15))
    size = 12.0 if len(wrap(name, bounds.height - 8, 12)) <= lines_max else 11.0
    lines = wrap(name, bounds.height - 8, size, lines_max)
    x, y = centre(bounds)
    turned = lettering(lines, 0, -len(lines) * size * LINE_HEIGHT / 2, size, css)
    return f'<g transform="translate({number(x)} {number(y)}) rotate(-90)">{turned}</g>' if turned else ""


def _is_horizontal(drawn: Drawn) -> bool:
    if drawn.shape.is_horizontal is None:
        return drawn.bounds.width >= drawn.bounds.height
    return drawn.shape.is_horizontal


def _data(drawn: Drawn) -> list[str]:
    b = drawn.bounds
    fold = min(12.0, b.width / 3)
    right, bottom = b.x + b.width, b.y + b.height
    x, y, r, d = (number(v) for v in (b.x, b.y, right, bottom))
    across, down = number(right - fold), number(b.y + fold)
    marks = [
        path("shape", f"M{x} {y}H{across}L{r} {down}V{d}H{x}Z", drawn.style),
        path("line", f"M{across} {y}V{down}H{r}"),
    ]
    if drawn.part.arrow:
        # An input's arrow is clear, an output's is filled (10.4.1).
        css = "line" if drawn.part.arrow == "in" else "ink"
        arrow = ((css, "M1 5.5H8V2L15 8L8 14V10.5H1Z"),)
        marks.append(glyph(arrow, b.x + 3, b.y + 3, 0.8))
    if drawn.part.many:
        marks.append(glyph(glyphs.MARKERS["parallelInstances"], b.x + b.width / 2, bottom - 9))
    return marks


def _store(drawn: Drawn) -> list[str]:
    b = drawn.bounds
    rise = b.height / 8
    r, top, low = number(b.width / 2), b.y + rise, b.y + b.height - rise
    x, right, curve = number(b.x), number(b.x + b.width), number(rise)
    lids = "".join(
        f"M{x} {number(top + i * rise * 0.8)}A{r} {curve} 0 0 0 {right} {number(top + i * rise * 0.8)}"
        for i in range(3)
    )
    body = f"M{x} {number(top)}A{r} {curve} 0 0 1 {right} {number(top)}V{number(low)}"
    return [path("shape", f"{body}A{r} {curve} 0 0 1 {x} {number(low)}Z", drawn.style), path("line", lids)]


def _note(drawn: Drawn) -> list[str]:
    b = drawn.bounds
    left, bottom = number(b.x), number(b.y + b.height)
    bracket = f"M{number(b.x + 10)} {number(b.y)}H{left}V{bottom}H{number(b.x + 10)}"
    lines = wrap(drawn.part.name, max(40.0, b.width - 8), 11)
    # Tools size notes by their own letters: what does not fit hangs over, rather than being lost.
    return [
        rectangle("clear", b, 0, drawn.style),
        path("thin", bracket),
        lettering(lines, b.x + 6, b.y + 4, 11, "left"),
    ]


def _group(drawn: Drawn) -> list[str]:
    return [rectangle("group", drawn.bounds, 10, drawn.style)]


def _unknown(drawn: Drawn) -> list[str]:
    x, y = centre(drawn.bounds)
    lines = wrap(drawn.part.name or drawn.part.kind, drawn.bounds.width - 8, 11, 3)
    return [
        rectangle("unknown", drawn.bounds, 6),
        lettering(lines, x, y - len(lines) * 6.6, 11, "soft"),
    ]


_DRAW: Final[dict[Family, Callable[[Drawn], list[str]]]] = {
    "pool": _pool,
    "lane": _lane,
    "group": _group,
    "activity": _activity,
    "event": _event,
    "gateway": _gateway,
    "data": _data,
    "store": _store,
    "note": _note,
    "unknown": _unknown,
}
