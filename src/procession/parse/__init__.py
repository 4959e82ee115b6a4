"""XML to model: hardened reading, BPMN and DMN with source positions. Wrong input becomes diagnostics."""

from __future__ import annotations

from procession.parse.bpmn_xml import parse_bpmn
from procession.parse.dmn_write import NotWritten, write_dmn
from procession.parse.dmn_xml import parse_dmn
from procession.parse.xml import read_xml

__all__ = ["NotWritten", "parse_bpmn", "parse_dmn", "read_xml", "write_dmn"]
