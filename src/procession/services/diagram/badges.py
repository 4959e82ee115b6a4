"""Counts on shapes: how many tokens, completions and incidents, and the legend that explains them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from procession.model.diagram import Bounds
from procession.services.diagram.drawing import centre, number, path, rectangle, text_of
from procession.services.diagram.lettering import width_of
from procession.services.diagram.marks import Marks
from procession.services.diagram.shapes import Drawn

HEIGHT: Final = 18.0
_SIZE: Final = 11.0
_CHECK: Final = "M-4 0.2L-1.2 3L4 -3"


def draw_badges(drawn: Drawn, marks: Marks, labels: Sequence[Bounds] = ()) -> list[str]:
    """The badges of one shape: incidents at the left upper corner, tokens at the right, completions below.

    Completions say least: they take the first corner where they hide none of the `labels`.
    """
    b, element = drawn.bounds, drawn.part.id
    # A round or pointed shape has no corners: its badges move in.
    pull = 5.0 if drawn.part.family in {"event", "gateway"} else 0.0
    left, right = b.x + pull, b.x + b.width - pull
    top, bottom = b.y + pull / 2, b.y + b.height - pull / 2
    badges: list[str] = []
    corners = [(right, bottom), (left, bottom)]
    if count := marks.active.get(element):
        badges.append(_badge("token", str(count), right, top))
    else:
        corners.append((right, top))
    if count := marks.incidents.get(element):
        badges.append(_badge("trouble", str(count), left, top))
    else:
        corners.append((left, top))
    if count := marks.completed.get(element):
        text = str(count)
        free = (at for at in corners if not any(_overlap(_box("done", text, *at), label) for label in labels))
        badges.insert(0, _badge("done", text, *next(free, corners[0])))
    return badges


def draw_legend(marks: Marks, x: float, y: float) -> str:
    """One line that says what the badges mean, of those that there are."""
    parts: list[str] = []
    for css, counts, text in (
        ("token", marks.active, "active"),
        ("trouble", marks.incidents, "incidents"),
        ("done", marks.completed, "completed"),
    ):
        if not any(counts.values()):
            continue
        width = _width(css, "n")
        parts.append(_badge(css, "n", x + width / 2, y))
        name = f'<text class="left soft" font-size="{_SIZE:g}" x="{number(x + width + 6)}"'
        parts.append(f'{name} y="{number(y + 4)}">{text_of(text)}</text>')
        x += width + 24 + width_of(text, _SIZE)
    return "".join(parts)


def _badge(css: str, text: str, x: float, y: float) -> str:
    box = _box(css, text, x, y)
    marks = [rectangle(css, box, HEIGHT / 2)]
    middle = centre(box)[0]
    if css == "done":
        start = box.x + 10
        marks.append(f'<g transform="translate({number(start)} {number(y)})">{path("check", _CHECK)}</g>')
        middle += 7
    elif css == "trouble":
        text = f"! {text}"
    marks.append(
        f'<text class="{css}-text" font-size="{_SIZE:g}" x="{number(middle)}" y="{number(y + 4)}">{text}</text>'
    )
    return f'<g class="badge">{"".join(marks)}</g>'


def _box(css: str, text: str, x: float, y: float) -> Bounds:
    width = _width(css, text)
    return Bounds(x - width / 2, y - HEIGHT / 2, width, HEIGHT)


def _overlap(a: Bounds, b: Bounds) -> bool:
    return a.x < b.x + b.width and b.x < a.x + a.width and a.y < b.y + b.height and b.y < a.y + a.height


def _width(css: str, text: str) -> float:
    extra = {"done": 15.0, "trouble": 8.0}.get(css, 0.0)
    return max(HEIGHT, width_of(text, _SIZE) + 11 + extra)
