"""Pictures: every element has its shape, counts are told in more than colour, hostile text stays text."""

from __future__ import annotations

import re
from typing import Final
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.model.bpmn import Definitions
from procession.model.diagram import Bounds, Point
from procession.parse import parse_bpmn
from procession.services.diagram import Marks, NoDiagram, render_svg
from procession.services.diagram.edges import cropped
from procession.services.diagram.lettering import width_of, wrap
from shared_data import shared_data

SVG: Final = "{http://www.w3.org/2000/svg}"
HEAD: Final = (
    '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="t" '
    'xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" '
    'xmlns:di="http://www.omg.org/spec/DD/20100524/DI" xmlns:bioc="http://bpmn.io/schema/bpmn/biocolor/1.0">'
)


def _document(inside: str, shapes: str, edges: str = "") -> Definitions:
    text = (
        f'{HEAD}<process id="p" name="Order" isExecutable="true">{inside}</process>'
        f'<bpmndi:BPMNDiagram id="dg"><bpmndi:BPMNPlane id="pl" bpmnElement="p">{shapes}{edges}'
        "</bpmndi:BPMNPlane></bpmndi:BPMNDiagram></definitions>"
    )
    definitions, _ = parse_bpmn(text.encode(), "test.bpmn")
    assert definitions is not None
    return definitions


def _shape(element: str, x: int, y: int, width: int, height: int, *, more: str = "") -> str:
    return (
        f'<bpmndi:BPMNShape id="{element}_di" bpmnElement="{element}" {more}>'
        f'<dc:Bounds x="{x}" y="{y}" width="{width}" height="{height}"/></bpmndi:BPMNShape>'
    )


def _small(name: str = "Pick &amp; pack") -> Definitions:
    return _document(
        '<startEvent id="start" name="Paid"/>'
        f'<sequenceFlow id="f1" sourceRef="start" targetRef="pick"/><serviceTask id="pick" name="{name}"/>',
        _shape("start", 100, 82, 36, 36) + _shape("pick", 190, 60, 100, 80),
        '<bpmndi:BPMNEdge id="f1_di" bpmnElement="f1"><di:waypoint x="136" y="100"/>'
        '<di:waypoint x="190" y="100"/></bpmndi:BPMNEdge>',
    )


def _groups(svg: str) -> dict[str, ElementTree.Element]:
    root = ElementTree.fromstring(svg)
    return {element: group for group in root.iter(f"{SVG}g") if (element := group.get("data-element")) is not None}


def test_every_shape_and_edge_is_drawn_and_named() -> None:
    groups = _groups(render_svg(_small()))
    assert set(groups) == {"start", "pick", "f1"}
    titles = {element: group.findtext(f"{SVG}title") for element, group in groups.items()}
    assert titles == {"start": "Paid (start event)", "pick": "Pick & pack (service task)", "f1": None}
    assert groups["start"].find(f"{SVG}ellipse") is not None
    assert groups["pick"].find(f"{SVG}rect") is not None
    assert groups["f1"].findall(f"{SVG}path")


def test_the_picture_is_read_aloud_with_its_counts() -> None:
    marks = Marks(active={"pick": 2}, incidents={"pick": 1}, completed={"start": 5}, taken={"f1": 5})
    svg = render_svg(_small(), marks)
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == "Order"
    wanted = "2 active, 5 completed, 1 with an incident. Paid: 5 completed; Pick & pack: 2 active, 1 with an incident"
    assert wanted in (root.findtext(f"{SVG}desc") or "")
    groups = _groups(svg)
    assert groups["pick"].get("class") == "is-activity active incident"
    assert groups["f1"].get("class") == "edge taken"
    badges = ["".join(g.itertext()) for g in root.iter(f"{SVG}g") if g.get("class") == "badge"]
    assert badges[:3] == ["5", "2", "! 1"]


def test_equal_documents_give_equal_bytes() -> None:
    marks = Marks(active={"pick": 2}, completed={"start": 5})
    assert render_svg(_small(), marks) == render_svg(_small(), marks)


@pytest.mark.parametrize(
    "name", ["&lt;script&gt;alert(1)&lt;/script&gt;", "]]&gt;", "a&quot; onload=&quot;x", "&#9;\u202e"]
)
def test_a_hostile_name_stays_text(name: str) -> None:
    root = ElementTree.fromstring(render_svg(_small(name)))
    assert not [each for each in root.iter() if each.tag.endswith("script")]
    assert not [key for each in root.iter() for key in each.attrib if key.startswith("on")]


@pytest.mark.parametrize(
    ("color", "kept"),
    [("#ff0000", True), ("tomato", True), ("rgb(1, 2, 3)", True), ("red;x:url(http://a)", False), ("url(#a)", False)],
)
def test_only_a_color_is_taken_as_a_color(color: str, kept: bool) -> None:
    shape = _shape("t", 0, 0, 100, 80, more=f'bioc:fill="{color}"')
    svg = render_svg(_document('<task id="t"/>', shape))
    assert (f"fill:{color}" in svg) is kept


@pytest.mark.parametrize(
    ("color", "dark"),
    [("#2850e6", True), ("#000", True), ("#0a5dcc", True), ("#c2d6ec", False), ("#fff", False), ("#b48800", False)],
)
def test_what_stands_on_a_dark_colour_is_light(color: str, dark: bool) -> None:
    shape = _shape("t", 0, 0, 100, 80, more=f'bioc:fill="{color}"')
    svg = render_svg(_document('<userTask id="t" name="Check"/>', shape))
    assert ('class="is-activity on-dark"' in svg) is dark


@pytest.mark.parametrize(
    ("label", "corner"),
    [
        ('<dc:Bounds x="80" y="150" width="80" height="14"/>', (131, 133.5)),  # below, out of the way
        ('<dc:Bounds x="150" y="128" width="60" height="14"/>', (105, 133.5)),
        ('<dc:Bounds x="60" y="128" width="130" height="14"/>', (131, 102.5)),
    ],
)
def test_a_count_of_completions_hides_no_name(label: str, corner: tuple[float, float]) -> None:
    shape = _shape("e", 100, 100, 36, 36)
    shape = shape.replace("</bpmndi:BPMNShape>", f"<bpmndi:BPMNLabel>{label}</bpmndi:BPMNLabel></bpmndi:BPMNShape>")
    svg = render_svg(_document('<startEvent id="e" name="Order was placed"/>', shape), Marks(completed={"e": 1}))
    badge = re.search(r'<rect class="done" x="([0-9.]+)" y="([0-9.]+)" width="([0-9.]+)"', svg)
    assert badge is not None
    x, y, width = map(float, badge.groups())
    assert (x + width / 2, y + 9) == pytest.approx(corner, abs=0.2)


def test_a_document_without_anything_to_draw_says_so() -> None:
    definitions, _ = parse_bpmn(f'{HEAD}<process id="p"/></definitions>'.encode(), "bare.bpmn")
    assert definitions is not None
    with pytest.raises(NoDiagram, match=r"bare\.bpmn holds nothing"):
        render_svg(definitions)


def test_counts_inside_a_collapsed_sub_process_show_at_it() -> None:
    inside = '<subProcess id="sub"><subProcess id="deep"><task id="hidden"/></subProcess></subProcess>'
    svg = render_svg(
        _document(inside, _shape("sub", 0, 0, 100, 80, more='isExpanded="false"')),
        Marks(active={"hidden": 3}, incidents={"hidden": 1}),
    )
    assert "3 active, 1 with an incident" in (_groups(svg)["sub"].findtext(f"{SVG}title") or "")


EVENTS: Final = {
    "a dashed ring leaves its host running": (
        '<task id="t"/><boundaryEvent id="e" attachedToRef="t" cancelActivity="false">'
        '<timerEventDefinition id="d"/></boundaryEvent>',
        "shape dashed",
    ),
    "a plain ring interrupts its host": (
        '<task id="t"/><boundaryEvent id="e" attachedToRef="t"><timerEventDefinition id="d"/></boundaryEvent>',
        "shape",
    ),
    "an end has a heavy ring": ('<endEvent id="e"><terminateEventDefinition id="d"/></endEvent>', "shape heavy"),
    "a start has one thin ring": ('<startEvent id="e"/>', "shape"),
}


@pytest.mark.parametrize("name", EVENTS)
def test_the_ring_of_an_event_tells_what_it_does(name: str) -> None:
    inside, css = EVENTS[name]
    rings = _groups(render_svg(_document(inside, _shape("e", 0, 0, 36, 36))))["e"].findall(f"{SVG}ellipse")
    assert rings[0].get("class") == css
    assert len(rings) == (2 if "boundaryEvent" in inside else 1)


@pytest.mark.parametrize(
    ("element", "css"),
    [
        ('<callActivity id="a"/>', "shape thick"),
        ('<subProcess id="a" triggeredByEvent="true"/>', "shape dotted"),
        ('<task id="a"/>', "shape"),
    ],
)
def test_the_border_of_an_activity_tells_its_kind(element: str, css: str) -> None:
    group = _groups(render_svg(_document(element, _shape("a", 0, 0, 100, 80))))["a"]
    border = group.find(f"{SVG}rect")
    assert border is not None
    assert border.get("class") == css


def test_what_the_model_does_not_know_is_drawn_as_unknown() -> None:
    groups = _groups(render_svg(_document('<task id="t"/>', _shape("stranger", 0, 0, 50, 50))))
    assert groups["stranger"].get("class") == "is-unknown"


@pytest.mark.parametrize(("family", "x"), [("event", 200.0), ("gateway", 200.0), ("activity", 200.0)])
def test_a_line_from_centre_to_centre_ends_at_the_border(family: str, x: float) -> None:
    bounds = Bounds(150, 80, 50, 40 if family == "activity" else 50)
    middle = bounds.y + bounds.height / 2
    end = cropped(Point(175, middle), Point(400, middle), bounds, family)  # type: ignore[arg-type]
    assert abs(end.x - x) < 0.1
    assert end.y == pytest.approx(middle)


@given(st.text(), st.floats(20, 300), st.integers(1, 5))
def test_wrapped_lines_fit_or_hold_one_letter(text: str, width: float, lines_max: int) -> None:
    lines = wrap(text, width, 12, lines_max)
    assert len(lines) <= lines_max
    assert all(width_of(line, 12) <= width or len(line) <= 2 for line in lines)


@given(st.text(st.characters(codec="utf-8", exclude_categories=[]), max_size=60))
def test_wrapping_loses_no_letter(text: str) -> None:
    assert re.sub(r"\s", "", "".join(wrap(text, 60, 12))) == re.sub(r"\s", "", text)


def test_every_interchange_model_is_drawn_whole() -> None:
    for file in sorted(shared_data("data", "bpmn", "miwg").glob("*.bpmn")):
        definitions, _ = parse_bpmn(file.read_bytes(), file.name)
        assert definitions is not None, file.name
        drawn = set(_groups(render_svg(definitions)))
        wanted = {shape.element for diagram in definitions.diagrams for shape in diagram.shapes}
        assert wanted <= drawn, file.name
