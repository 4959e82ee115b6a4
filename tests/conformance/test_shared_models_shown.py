"""Every shared model is checked, told and drawn: none crashes, findings have their place, no shape is left out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

import pytest

from procession.compile import check_definitions
from procession.model.bpmn import Definitions
from procession.parse import parse_bpmn
from procession.services.diagram import NoDiagram, outline, render_svg
from shared_data import shared_data

DATA: Final = shared_data("data", "bpmn")
MODELS: Final = sorted(DATA.rglob("*.bpmn"))
# What breaks the standard on purpose may hold no process and no node.
REJECTIONS: Final = "rejections"
BYTES_PER_SHAPE_MAX: Final = 6_000


@pytest.mark.parametrize("path", MODELS, ids=lambda path: str(path.relative_to(DATA)))
def test_a_model_is_checked_told_and_drawn(path: Path) -> None:
    definitions, found = parse_bpmn(path.read_bytes(), path.name)
    assert definitions is not None, found
    for each in (*found, *check_definitions(definitions)):
        assert re.match(rf"{re.escape(path.name)}:\d+:\d+: (error|warning|info) \[[a-z-]+\] ", str(each)), str(each)
        assert each.remedy or each.severity == "info", str(each)
    assert all(process.id in outline(definitions, process_id=process.id) for process in definitions.processes)
    try:
        svg = render_svg(definitions)
    except NoDiagram:
        assert REJECTIONS in path.parts
        return
    shapes = _assert_drawn(definitions, svg)
    assert len(svg) < 10_000 + BYTES_PER_SHAPE_MAX * shapes


def _assert_drawn(definitions: Definitions, svg: str) -> int:
    """Every shape and edge that a diagram places is in the picture; gives how many there are."""
    drawn = {group.get("data-element") for group in ElementTree.fromstring(svg).iter()} - {None}
    placed = {shape.element for diagram in definitions.diagrams for shape in diagram.shapes}
    lines = {
        edge.element
        for diagram in definitions.diagrams
        if diagram.shapes
        for edge in diagram.edges
        if len(edge.waypoints) >= 2
    }
    assert placed | lines <= drawn
    return len(drawn)
