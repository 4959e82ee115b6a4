"""The smallest pieces of SVG text: numbers, escaped text, paths, rectangles, and lines of lettering."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from procession.model.diagram import Bounds
from procession.services.diagram.glyphs import Strokes
from procession.services.diagram.lettering import clean

LINE_HEIGHT = 1.2
"""Of the font's size."""


def number(value: float) -> str:
    """At most two decimals, no needless zeros: equal pictures are equal bytes."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def text_of(text: str) -> str:
    """Escaped for an element's content."""
    return escape(clean(text))


def quoted(text: str) -> str:
    """Escaped for an attribute, with its quotes."""
    return quoteattr(clean(text))


def path(css: str, data: str, style: str = "") -> str:
    return f'<path class="{css}" d="{data}"{style}/>'


def rectangle(css: str, bounds: Bounds, corner: float = 0.0, style: str = "") -> str:
    rounded = f' rx="{number(corner)}"' if corner else ""
    place = (
        f'x="{number(bounds.x)}" y="{number(bounds.y)}" '
        f'width="{number(max(0.0, bounds.width))}" height="{number(max(0.0, bounds.height))}"'
    )
    return f'<rect class="{css}" {place}{rounded}{style}/>'


def ellipse(css: str, bounds: Bounds, inset: float = 0.0, style: str = "") -> str:
    x, y = centre(bounds)
    rx, ry = max(1.0, bounds.width / 2 - inset), max(1.0, bounds.height / 2 - inset)
    return f'<ellipse class="{css}" cx="{number(x)}" cy="{number(y)}" rx="{number(rx)}" ry="{number(ry)}"{style}/>'


def inset(bounds: Bounds, by: float) -> Bounds:
    return Bounds(bounds.x + by, bounds.y + by, bounds.width - 2 * by, bounds.height - 2 * by)


def centre(bounds: Bounds) -> tuple[float, float]:
    return bounds.x + bounds.width / 2, bounds.y + bounds.height / 2


def glyph(strokes: Strokes, x: float, y: float, scale: float = 1.0) -> str:
    """A table entry of `glyphs`, its origin at (x, y)."""
    grown = "" if scale == 1 else f" scale({number(scale)})"
    inner = "".join(path(css, data) for css, data in strokes)
    return f'<g transform="translate({number(x)} {number(y)}){grown}">{inner}</g>'


def lettering(lines: Sequence[str], x: float, top: float, size: float, css: str = "") -> str:
    """Lines of text, each centred at `x` (by the class: the style sheet anchors), the first below `top`."""
    if not lines:
        return ""
    spans = "".join(
        f'<tspan x="{number(x)}" y="{number(top + size * (0.92 + i * LINE_HEIGHT))}">{text_of(line)}</tspan>'
        for i, line in enumerate(lines)
    )
    name = f' class="{css}"' if css else ""
    return f'<text{name} font-size="{number(size)}">{spans}</text>'
