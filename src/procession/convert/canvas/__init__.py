"""Canvases of Celery become processes: what is in a module (`tree`, `source`), its BPMN, and what is to be known."""

from __future__ import annotations

from procession.convert.canvas.bpmn import Written, write
from procession.convert.canvas.source import read_source
from procession.convert.canvas.tree import Canvas, Scanned

__all__ = ["Canvas", "Scanned", "Written", "read_source", "write"]
