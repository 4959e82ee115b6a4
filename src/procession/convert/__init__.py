"""Import: models of other platforms (`tables`) become native ones, with a report of every attribute."""

from __future__ import annotations

from procession.convert.converter import convert
from procession.convert.report import OUTCOMES, Conversion, Entry, Outcome, Report

__all__ = ["OUTCOMES", "Conversion", "Entry", "Outcome", "Report", "convert"]
