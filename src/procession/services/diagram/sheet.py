"""The style sheet of every picture. Each rule is bound to the root's class, so that a page may hold the SVG inline."""

from __future__ import annotations

from typing import Final

INK: Final = "#27303b"
SOFT: Final = "#6b7480"
GREEN: Final = "#0a7a52"
RED: Final = "#c22a30"

_RULES: Final = (
    (
        "text",
        f"fill:{INK};text-anchor:middle;"
        "font-family:Inter,system-ui,'Segoe UI',Roboto,'Helvetica Neue',Arial,'Liberation Sans',sans-serif",
    ),
    (".left", "text-anchor:start"),
    (".strong", "font-weight:600"),
    (".soft", f"fill:{SOFT}"),
    # The halo keeps a label readable where a line runs below it.
    (".label", "paint-order:stroke;stroke:#fff;stroke-width:3px;stroke-linejoin:round;fill:#3a4450"),
    (".paper", "fill:#fff"),
    (".shape", f"fill:#fff;stroke:{INK};stroke-width:1.7"),
    (".thick", "stroke-width:3.6"),
    (".heavy", "stroke-width:3.6"),
    (".dotted", "stroke-dasharray:1.6 4;stroke-linecap:round"),
    (".dashed", "stroke-dasharray:5 3.4"),
    (".pool", f"fill:#fff;stroke:{INK};stroke-width:1.5"),
    (".lane", f"fill:none;stroke:{SOFT};stroke-width:1"),
    (".strip", f"fill:#eef1f4;stroke:{INK};stroke-width:1.5"),
    (".clear", "fill:none;stroke:none"),
    (".group", f"fill:none;stroke:{SOFT};stroke-width:1.4;stroke-dasharray:9 4 1.5 4;stroke-linecap:round"),
    (".unknown", f"fill:none;stroke:{SOFT};stroke-width:1.2;stroke-dasharray:3 3"),
    (".line", f"fill:none;stroke:{INK};stroke-width:1.3;stroke-linejoin:round;stroke-linecap:round"),
    (".thin", f"fill:none;stroke:{INK};stroke-width:1;stroke-linejoin:round;stroke-linecap:round"),
    (".bold", f"fill:none;stroke:{INK};stroke-width:2.8;stroke-linecap:round"),
    (".bars", f"fill:none;stroke:{INK};stroke-width:2.2"),
    (".loop", f"fill:none;stroke:{INK};stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round"),
    (".ink", f"fill:{INK};stroke:{INK};stroke-width:1;stroke-linejoin:round"),
    (".flap", "fill:none;stroke:#fff;stroke-width:1.3;stroke-linejoin:round"),
    (".shade", "fill:#d7dce2;stroke:none"),
    (".flow", f"fill:none;stroke:{INK};stroke-width:1.5;stroke-linejoin:round"),
    (".head", f"fill:{INK};stroke:{INK};stroke-width:1.2;stroke-linejoin:round"),
    (".open", "fill:#fff"),
    (".message", f"fill:none;stroke:{INK};stroke-width:1.4;stroke-dasharray:7 4.5"),
    (".association", f"fill:none;stroke:{SOFT};stroke-width:1.4;stroke-dasharray:0.5 4.5;stroke-linecap:round"),
    (".on-dark text", "fill:#fff"),
    *((f".on-dark .{name}", "stroke:#fff") for name in ("line", "thin", "bold", "bars", "loop")),
    (".on-dark .ink", "fill:#fff;stroke:#fff"),
    (".on-dark .flap", f"stroke:{INK}"),
    (".taken .flow", f"stroke:{GREEN};stroke-width:2.2"),
    (".taken .head", f"fill:{GREEN};stroke:{GREEN}"),
    (".taken .open", "fill:#fff"),
    (".active>.shape", f"fill:#e4f5ed;stroke:{GREEN};stroke-width:2.4"),
    (".incident>.shape", f"fill:#fdeaea;stroke:{RED};stroke-width:2.4"),
    (".active.is-open>.shape", "fill:#fafdfc"),
    (".incident.is-open>.shape", "fill:#fefafa"),
    (".token", f"fill:{GREEN};stroke:#fff;stroke-width:1.5"),
    (".trouble", f"fill:{RED};stroke:#fff;stroke-width:1.5"),
    (".done", "fill:#e3e7eb;stroke:#fff;stroke-width:1.5"),
    (".token-text", "fill:#fff;font-weight:700"),
    (".trouble-text", "fill:#fff;font-weight:700"),
    (".done-text", "font-weight:600"),
    (".check", f"fill:none;stroke:{INK};stroke-width:1.6;stroke-linecap:round;stroke-linejoin:round"),
)
SHEET: Final = "".join(f".procession {selector}{{{rules}}}" for selector, rules in _RULES)
