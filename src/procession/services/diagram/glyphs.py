"""The marks inside shapes as SVG path data (BPMN 2.0.2, 10.3, 10.5, 10.6): tables only, nothing acts.

Event and gateway glyphs are drawn around the origin for a shape 36 (events) or 50 (gateways) wide, task icons
from their left upper corner in a 16 by 16 box, activity markers around the origin in a 14 by 14 box.
"""

from __future__ import annotations

import math
from typing import Final, TypeAlias

Strokes: TypeAlias = tuple[tuple[str, str], ...]
"""Paths from below to above, each with a CSS class of the style sheet: line, ink or flap."""


def _circle(radius: float, x: float = 0.0, y: float = 0.0) -> str:
    r = f"{radius:g}"
    return f"M{x - radius:g} {y:g}a{r} {r} 0 1 0 {2 * radius:g} 0a{r} {r} 0 1 0 {-2 * radius:g} 0Z"


def _polygon(corners: int, radius: float) -> str:
    turn = 2 * math.pi / corners
    points = (f"{radius * math.sin(i * turn):.2f} {-radius * math.cos(i * turn):.2f}" for i in range(corners))
    return f"M{'L'.join(points)}Z"


def _gear(x: float, y: float, outer: float, inner: float) -> str:
    """Eight teeth and a hole."""
    step = math.pi / 8
    points: list[str] = []
    for tooth in range(8):
        for offset, radius in ((-0.62, inner), (-0.42, outer), (0.42, outer), (0.62, inner)):
            angle = (2 * tooth + offset) * step
            points.append(f"{x + radius * math.sin(angle):.2f} {y - radius * math.cos(angle):.2f}")
    return f"M{'L'.join(points)}Z{_circle(inner * 0.45, x, y)}"


def _ticks(radius: float, length: float) -> str:
    hours = (i * math.pi / 6 for i in range(12))
    return "".join(
        f"M{radius * math.sin(a):.2f} {-radius * math.cos(a):.2f}"
        f"L{(radius - length) * math.sin(a):.2f} {-(radius - length) * math.cos(a):.2f}"
        for a in hours
    )


_ENVELOPE: Final = "M-8 -5.5H8V5.5H-8Z"
_FLAP: Final = "M-8 -5.5L0 1L8 -5.5"
_LIGHTNING: Final = "M-7.5 7.5L-3.2 -6L1.8 0.8L7.5 -8L3.2 6.6L-1.8 -0.6Z"
_ARROW_HEAD: Final = "M0 -8.5L6 7.5L0 1.5L-6 7.5Z"
_TRIANGLE: Final = "M0 -8L8 5.8H-8Z"
_REWIND: Final = "M-8.5 0L-0.5 -5.8V5.8ZM-0.5 0L7.5 -5.8V5.8Z"
_ARROW: Final = "M-8.5 -3.4H1.4V-7.6L8.5 0L1.4 7.6V3.4H-8.5Z"
_FAT_CROSS: Final = "M-8 -5.6L-5.6 -8L0 -2.4L5.6 -8L8 -5.6L2.4 0L8 5.6L5.6 8L0 2.4L-5.6 8L-8 5.6L-2.4 0Z"
_FAT_PLUS: Final = "M-2.5 -8.5H2.5V-2.5H8.5V2.5H2.5V8.5H-2.5V2.5H-8.5V-2.5H-2.5Z"
_PAGE: Final = "M-6.5 -8H6.5V8H-6.5Z"
_PENTAGON: Final = _polygon(5, 8.5)

CATCH_GLYPHS: Final[dict[str, Strokes]] = {
    "messageEventDefinition": (("line", _ENVELOPE), ("line", _FLAP)),
    "timerEventDefinition": (("line", _circle(9)), ("thin", _ticks(9, 2)), ("thin", "M2.4 -6.2L0 0L4.6 1.4")),
    "errorEventDefinition": (("line", _LIGHTNING),),
    "escalationEventDefinition": (("line", _ARROW_HEAD),),
    "signalEventDefinition": (("line", _TRIANGLE),),
    "conditionalEventDefinition": (
        ("line", _PAGE),
        ("thin", "M-4.5 -5H4.5M-4.5 -1.7H4.5M-4.5 1.7H4.5M-4.5 5H4.5"),
    ),
    "compensateEventDefinition": (("line", _REWIND),),
    "cancelEventDefinition": (("line", _FAT_CROSS),),
    "linkEventDefinition": (("line", _ARROW),),
    "terminateEventDefinition": (("ink", _circle(9.5)),),
    "multiple": (("line", _PENTAGON),),
    "parallelMultiple": (("line", _FAT_PLUS),),
}
THROW_GLYPHS: Final[dict[str, Strokes]] = {
    "messageEventDefinition": (("ink", _ENVELOPE), ("flap", _FLAP)),
    "errorEventDefinition": (("ink", _LIGHTNING),),
    "escalationEventDefinition": (("ink", _ARROW_HEAD),),
    "signalEventDefinition": (("ink", _TRIANGLE),),
    "compensateEventDefinition": (("ink", _REWIND),),
    "cancelEventDefinition": (("ink", _FAT_CROSS),),
    "linkEventDefinition": (("ink", _ARROW),),
    "terminateEventDefinition": (("ink", _circle(9.5)),),
    "multiple": (("ink", _PENTAGON),),
}

GATEWAY_GLYPHS: Final[dict[str, Strokes]] = {
    "exclusiveGateway": (("bold", "M-7 -8.5L7 8.5M7 -8.5L-7 8.5"),),
    "parallelGateway": (("bold", "M-10.5 0H10.5M0 -10.5V10.5"),),
    "inclusiveGateway": (("bold", _circle(10)),),
    "complexGateway": (("bold", "M-10.5 0H10.5M0 -10.5V10.5M-7.4 -7.4L7.4 7.4M7.4 -7.4L-7.4 7.4"),),
    "eventBasedGateway": (("thin", _circle(13.5)), ("thin", _circle(11)), ("line", _polygon(5, 7.5))),
    "instantiating": (("thin", _circle(12.5)), ("line", _polygon(5, 8))),
    "instantiatingParallel": (
        ("thin", _circle(12.5)),
        ("line", "M-2 -7.5H2V-2H7.5V2H2V7.5H-2V2H-7.5V-2H-2Z"),
    ),
}

TASK_ICONS: Final[dict[str, Strokes]] = {
    "userTask": (
        ("line", "M1.5 15.5C1.5 11.2 4 9.4 8 9.4S14.5 11.2 14.5 15.5Z"),
        ("line", _circle(3.6, 8, 5)),
    ),
    "serviceTask": (("line", _gear(8, 8, 7.8, 5.8)),),
    "sendTask": (("ink", "M0 3H16V14H0Z"), ("flap", "M0 3L8 9.5L16 3")),
    "receiveTask": (("line", "M0 3H16V14H0Z"), ("line", "M0 3L8 9.5L16 3")),
    "scriptTask": (
        ("line", "M5 0.5H14.5C10 4.5 15.5 11.5 11 15.5H1.5C6 11.5 0.5 4.5 5 0.5Z"),
        ("thin", "M5.5 4H11M5 7H10.7M6 10H11.3M5.7 13H10.5"),
    ),
    "manualTask": (
        (
            "line",
            "M0.5 7C2 4.5 3.5 3 5.5 1.5C6.5 0.8 7.8 1.6 7 2.8L5.8 4.5H14.2A1.25 1.25 0 0 1 14.2 7H9.5"
            "H15A1.25 1.25 0 0 1 15 9.5H9.5H14.2A1.25 1.25 0 0 1 14.2 12H9.5H12.8A1.2 1.2 0 0 1 12.8 14.4"
            "H4C2 14.4 0.5 13 0.5 11.5Z",
        ),
        ("thin", "M9 7H11M9 9.5H11M9 12H11"),
    ),
    "businessRuleTask": (
        ("shade", "M0.5 2H15.5V5.5H0.5Z"),
        ("line", "M0.5 2H15.5V14.5H0.5ZM0.5 5.5H15.5M0.5 10H15.5M5 5.5V14.5"),
    ),
}

MARKERS: Final[dict[str, Strokes]] = {
    "collapsed": (("line", "M-7 -7H7V7H-7Z"), ("line", "M-4.5 0H4.5M0 -4.5V4.5")),
    "parallelInstances": (("bars", "M-4.5 -6V6M0 -6V6M4.5 -6V6"),),
    "sequentialInstances": (("bars", "M-6 -4.5H6M-6 0H6M-6 4.5H6"),),
    "loop": (("loop", "M-3.4 5A6 6 0 1 1 1.6 5.8M-3 1.6L-2.6 5.6L-6.8 5.4"),),
    "compensation": (("line", "M-7.5 0L-0.5 -5V5ZM-0.5 0L6.5 -5V5Z"),),
    "adHoc": (
        (
            "ink",
            "M-7.5 2.2C-5.5 -4.6 -2 -3.6 0 -1.4S4.5 1.6 7.5 -2.8V0.2C5 5 2 4.4 -0.2 2S-5 0.4 -7.5 4.6Z",
        ),
    ),
}
"""In the order in which they stand side by side at the lower edge."""
