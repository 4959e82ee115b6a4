"""`find_breaches`: a document held against every constraint of BPMN 2.0.2. The rules are in `table.py`."""

from __future__ import annotations

from typing import Final

from procession.base.diagnostics import Diagnostic, Span
from procession.compile.check.standard.document import Document, Imports
from procession.compile.check.standard.grammar import BPMN
from procession.compile.check.standard.rule import Rule
from procession.compile.check.standard.table import BY_TAG, EVERYWHERE
from procession.model.xml import XmlElement

FINDINGS_MAX: Final = 1_000
"""Most findings of one document; more are counted, not shown."""


def find_breaches(root: XmlElement, file: str, imports: Imports | None = None) -> list[Diagnostic]:
    """Every breach of the standard by a document, in its order; all of them are errors.

    `root` is the `definitions` element, `file` the name that places show, `imports` what its imports hold, by
    location: what is said to be in one that is not given is not checked.
    """
    if root.name != "definitions" or root.namespace != BPMN:
        text = f"the root element is <{root.name}> of {root.namespace or 'no namespace'!r}, not BPMN <definitions>"
        span = Span(file, root.line, root.column)
        return [Diagnostic(rule="namespace", message=text, span=span, remedy="export the model as BPMN 2.0 XML")]
    document = Document(root, imports)
    found: list[Diagnostic] = []
    left_out = 0
    for element in document.elements:
        for rule in BY_TAG.get(element.name, EVERYWHERE):
            for text in rule.check(document, element):
                if len(found) < FINDINGS_MAX:
                    found.append(_breach(document, rule, element, text, file))
                else:
                    left_out += 1
    if left_out:
        found.append(
            Diagnostic(
                rule="too-many-findings",
                message=f"{left_out} more findings are not shown",
                span=Span(file),
                remedy="correct those above first",
            )
        )
    return found


def _breach(document: Document, rule: Rule, element: XmlElement, text: str, file: str) -> Diagnostic:
    name, remedy = rule.name, f"{rule.remedy}; BPMN 2.0.2, {rule.clause}"
    return Diagnostic(
        rule=name,
        message=text,
        element=_nearest(document, element),
        span=Span(file, element.line, element.column),
        remedy=remedy,
    )


def _nearest(document: Document, element: XmlElement) -> str:
    """The id of an element, else that of the nearest one around it."""
    at = element
    while "id" not in at.attributes and at is not document.root:
        at = document.parent(at)
    return at.attributes.get("id", "")
