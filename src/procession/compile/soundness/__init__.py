"""Soundness: what the flow of a program can do, explored without running it. It asks neither data nor time."""

from __future__ import annotations

from procession.compile.soundness.report import COST_MAX, check_soundness

__all__ = ["COST_MAX", "check_soundness"]
