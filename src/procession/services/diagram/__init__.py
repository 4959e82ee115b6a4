"""Processes as pictures: SVG from the diagram interchange, and an outline for terminals, both with tokens.

Public names: `Marks`, `render_svg`, `outline`. It reads the model alone: no store, no engine, no I/O.
"""

from __future__ import annotations

from procession.services.diagram.marks import NO_MARKS, Marks
from procession.services.diagram.outline import outline
from procession.services.diagram.svg import NoDiagram, render_svg

__all__ = ["NO_MARKS", "Marks", "NoDiagram", "outline", "render_svg"]
