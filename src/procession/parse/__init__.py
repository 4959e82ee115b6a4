"""XML to model: hardened reading, BPMN and DMN with source positions. Wrong input becomes diagnostics."""

from __future__ import annotations

from procession.parse.bpmn_xml import parse_bpmn

__all__ = ["parse_bpmn"]
