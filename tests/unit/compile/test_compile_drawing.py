"""What a diagram hides is said at deployment, and refuses nothing."""

from __future__ import annotations

from typing import Final

import pytest

from unit.compile.snippets import document, flow, found

FULL: Final = '<subProcess id="u"><task id="t"/></subProcess>'
DI: Final = 'xmlns:di="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC"'
SHAPE: Final = '<di:BPMNShape bpmnElement="u" {}><dc:Bounds x="0" y="0" width="9" height="9"/></di:BPMNShape>'


def drawn(sub_process: str, shape: str, more: str = "") -> str:
    body = f'<startEvent id="s"/>{sub_process}{flow("s", "u")}'
    diagram = (
        f'<di:BPMNDiagram><di:BPMNPlane bpmnElement="p">{SHAPE.format(shape)}</di:BPMNPlane></di:BPMNDiagram>{more}'
    )
    return document(body, attributes=DI).replace("</definitions>", f"{diagram}</definitions>")


def test_a_collapsed_sub_process_that_is_drawn_nowhere_is_a_warning() -> None:
    (warning,) = found(drawn(FULL, 'isExpanded="false"'))
    assert (warning.rule, warning.element, warning.severity) == ("collapsed-subprocess", "u", "warning")


@pytest.mark.parametrize(
    "text",
    [
        drawn(FULL, 'isExpanded="true"'),
        drawn(FULL, ""),
        drawn('<subProcess id="u"/>', 'isExpanded="false"'),
        drawn(FULL, 'isExpanded="false"', '<di:BPMNDiagram><di:BPMNPlane bpmnElement="u"/></di:BPMNDiagram>'),
    ],
    ids=["expanded", "not said", "empty", "drawn elsewhere"],
)
def test_what_is_shown_is_no_warning(text: str) -> None:
    assert "collapsed-subprocess" not in {each.rule for each in found(text)}
