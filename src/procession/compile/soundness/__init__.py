"""Soundness: what the flow of a program can do, explored without running it. It asks neither data nor time."""

from __future__ import annotations

from procession.compile.soundness.report import STATES_MAX, check_soundness

__all__ = ["STATES_MAX", "check_soundness"]
