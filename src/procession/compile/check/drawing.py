"""What the diagram of a process hides from those who read it (12). It changes no run, so it is only said."""

from __future__ import annotations

from procession.compile.findings import Findings
from procession.compile.resolve import Resolved


def check_process(resolved: Resolved, findings: Findings) -> None:
    """Every sub-process of a process."""
    diagrams = resolved.definitions.diagrams
    collapsed = {shape.element for diagram in diagrams for shape in diagram.shapes if shape.is_expanded is False}
    planes = {diagram.element for diagram in diagrams}
    for view in resolved.scopes:
        owner = view.owner
        if owner.id in collapsed and owner.id not in planes and view.scope.nodes:
            text = "the sub-process is drawn collapsed, and no diagram shows what it does"
            remedy = "expand it, or draw it in a diagram of its own"
            findings.report("collapsed-subprocess", owner, text, remedy, severity="warning")
