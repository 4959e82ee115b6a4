"""Every model of the shared data, drawn in many tools, is read: none crashes, and what runs has no findings."""

from __future__ import annotations

from typing import Final

import pytest

from procession.model.bpmn import Scope
from procession.parse import parse_bpmn, parse_dmn
from shared_data import shared_data

DATA: Final = shared_data("data")
BPMN: Final = sorted(DATA.rglob("*.bpmn"))
DMN: Final = sorted(DATA.rglob("*.dmn"))
# These break the standard on purpose; whether each is refused is the compiler's conformance.
REJECTIONS: Final = "rejections"
FINDINGS: Final = {
    # Operations of interfaces name `triso:unspecified`, a vendor's placeholder.
    "C.8.1.bpmn": [("message-reference", "warning")] * 3,
}


@pytest.mark.parametrize("path", BPMN, ids=lambda path: str(path.relative_to(DATA)))
def test_every_bpmn_file_is_read(path) -> None:
    definitions, diagnostics = parse_bpmn(path.read_bytes(), path.name)
    assert definitions is not None, diagnostics
    assert all(d.span.line > 0 and d.remedy for d in diagnostics)
    if REJECTIONS not in path.parts:
        assert [(d.rule, d.severity) for d in diagnostics] == FINDINGS.get(path.name, [])
        for process in definitions.processes:
            _assert_sound(process.scope)


@pytest.mark.parametrize("path", DMN, ids=lambda path: str(path.relative_to(DATA)))
def test_every_dmn_file_is_read(path) -> None:
    decisions, diagnostics = parse_dmn(path.read_bytes(), path.name)
    assert decisions is not None, diagnostics
    assert decisions.unknown == ()
    assert [d for d in diagnostics if d.severity == "error"] == []


def _assert_sound(scope: Scope) -> None:
    """All that the scope's flows and nodes say of one another agrees."""
    known = {node.id for node in scope.nodes}
    assert all(flow.source in known and flow.target in known for flow in scope.flows)
    assert sorted(id for node in scope.nodes for id in node.outgoing) == sorted(flow.id for flow in scope.flows)
    assert all(node.span.line > 0 and node.span.column > 0 for node in scope.nodes)
    for node in scope.nodes:
        inner = getattr(node, "scope", None)
        if inner is not None:
            _assert_sound(inner)
