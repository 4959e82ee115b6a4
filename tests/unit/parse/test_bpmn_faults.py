"""What is wrong with a BPMN document is reported where it is: error in what shall run, warning in a drawing."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.model.bpmn import Activity
from procession.parse import parse_bpmn
from procession.parse.reading import FINDINGS_MAX

MODEL: Final = "http://www.omg.org/spec/BPMN/20100524/MODEL"
ZEEBE: Final = "http://camunda.org/schema/zeebe/1.0"
GOOD: Final = f"""<definitions xmlns="{MODEL}" xmlns:zeebe="{ZEEBE}" id="d" targetNamespace="urn:t">
  <message id="m"><extensionElements><zeebe:subscription correlationKey="=id"/></extensionElements></message>
  <process id="p" isExecutable="true">
    <startEvent id="s"><outgoing>f1</outgoing></startEvent>
    <sequenceFlow id="f1" sourceRef="s" targetRef="a"/>
    <serviceTask id="a"><extensionElements><zeebe:taskDefinition type="x"/></extensionElements></serviceTask>
    <boundaryEvent id="b" attachedToRef="a"><messageEventDefinition messageRef="m"/></boundaryEvent>
    <subProcess id="u"><startEvent id="us"/></subProcess>
    <sequenceFlow id="f2" sourceRef="a" targetRef="u"/>
  </process>
</definitions>"""


def faults(text: str) -> list[tuple[str, str, str, int]]:
    definitions, diagnostics = parse_bpmn(text.encode(), "f.bpmn")
    assert definitions is not None
    assert all(d.remedy and d.span.file == "f.bpmn" and d.span.column > 0 for d in diagnostics)
    return [(d.rule, d.severity, d.element, d.span.line) for d in diagnostics]


def test_a_sound_document_has_no_findings() -> None:
    assert faults(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "rule", "element", "line"),
    [
        ('targetRef="a"', 'targetRef="zz"', "dangling-reference", "f1", 5),
        ('sourceRef="s"', 'sourceRef="zz"', "dangling-reference", "f1", 5),
        ('sourceRef="s" ', "", "dangling-reference", "f1", 5),
        ('attachedToRef="a"', 'attachedToRef="zz"', "dangling-reference", "b", 7),
        ('attachedToRef="a"', "", "dangling-reference", "b", 7),
        ('attachedToRef="a"', 'attachedToRef="s"', "dangling-reference", "b", 7),
        ('messageRef="m"', 'messageRef="zz"', "message-reference", "", 7),
        ('messageRef="m"', 'messageRef="p"', "message-reference", "", 7),
        ("<messageEventDefinition messageRef", "<errorEventDefinition errorRef", "error-reference", "", 7),
        ("<messageEventDefinition messageRef", "<signalEventDefinition signalRef", "signal-reference", "", 7),
        (
            "<messageEventDefinition messageRef",
            "<escalationEventDefinition escalationRef",
            "escalation-reference",
            "",
            7,
        ),
        ("<messageEventDefinition messageRef", "<compensateEventDefinition activityRef", "dangling-reference", "", 7),
        ("<outgoing>f1<", "<outgoing>zz<", "dangling-reference", "s", 4),
        ('<serviceTask id="a"', '<serviceTask id="a" default="zz"', "dangling-reference", "a", 6),
        ('<serviceTask id="a"', '<serviceTask id="a" default="f1"', "default-flow", "a", 6),
        ('targetRef="u"', 'targetRef="us"', "sequence-flow-scope", "f2", 9),
        ('<startEvent id="us"/>', '<boundaryEvent id="us" attachedToRef="a"/>', "boundary-event-scope", "us", 8),
        ('id="us"', 'id="s"', "duplicate-id", "s", 8),
        ('id="f2"', 'id="m"', "duplicate-id", "m", 9),
        ('<startEvent id="us"/>', "<startEvent/>", "missing-id", "", 8),
        ('isExecutable="true"', 'isExecutable="true" isClosed="maybe"', "attribute", "p", 3),
        ('<startEvent id="us"/>', '<adHocSubProcess id="h" ordering="Chaos"/>', "attribute", "h", 8),
        (
            '<startEvent id="us"/>',
            '<intermediateCatchEvent id="t"><timerEventDefinition id="td"><timeDate>x</timeDate>'
            "<timeCycle>y</timeCycle></timerEventDefinition></intermediateCatchEvent>",
            "timer",
            "td",
            8,
        ),
        (
            '<zeebe:taskDefinition type="x"/>',
            '<zeebe:taskDefinition type="x"/><zeebe:taskDefinition type="y"/>',
            "duplicate-extension",
            "",
            6,
        ),
    ],
)
def test_a_fault_is_an_error_where_it_runs_and_a_warning_in_a_drawing(
    old: str, new: str, rule: str, element: str, line: int
) -> None:
    bad = GOOD.replace(old, new, 1)
    assert bad != GOOD
    assert (rule, "error", element, line) in faults(bad)
    drawing = bad.replace('isExecutable="true"', 'isExecutable="false"')
    assert (rule, "warning", element, line) in faults(drawing)
    assert all(severity == "warning" for _, severity, _, _ in faults(drawing))


def test_severity_follows_the_process_around_the_fault() -> None:
    text = GOOD.replace(
        "</definitions>",
        '<process id="q"><sequenceFlow id="g" sourceRef="no" targetRef="no"/></process></definitions>',
    )
    assert {severity for rule, severity, element, _ in faults(text) if element == "g"} == {"warning"}


@pytest.mark.parametrize(
    "text",
    [
        '<collaboration id="c"><participant id="x" processRef="zz"/></collaboration>',
        '<message id="m2" itemRef="zz"/>',
        '<interface id="i"><operation id="o"><inMessageRef>zz</inMessageRef></operation></interface>',
    ],
)
def test_a_reference_that_no_run_follows_is_a_warning(text: str) -> None:
    assert [severity for _, severity, _, _ in faults(GOOD.replace("</definitions>", text + "</definitions>"))] == [
        "warning"
    ]


def test_a_listed_flow_that_ends_elsewhere_is_a_warning_and_does_not_count() -> None:
    text = GOOD.replace('<subProcess id="u">', '<subProcess id="u"><outgoing>f1</outgoing>')
    assert [(rule, severity) for rule, severity, _, _ in faults(text)] == [("sequence-flow-ends", "warning")]
    definitions, _ = parse_bpmn(text.encode(), "f")
    assert definitions is not None
    assert [node.outgoing for node in definitions.processes[0].scope.nodes if node.id == "u"] == [()]


def test_only_an_import_excuses_a_reference_to_another_namespace() -> None:
    foreign = GOOD.replace('messageRef="m"', 'messageRef="o:zz"').replace('id="d"', 'id="d" xmlns:o="urn:other"')
    assert [rule for rule, _, _, _ in faults(foreign)] == ["message-reference"]
    imported = foreign.replace(
        "  <message ", '<import namespace="urn:other" location="o.bpmn" importType="x"/><message '
    )
    assert faults(imported) == []


@pytest.mark.parametrize("tag", ["fancyTask", "choreographyTask", "subConversation"])
def test_unknown_elements_are_kept_and_may_be_referred_to(tag: str) -> None:
    text = GOOD.replace('<startEvent id="us"/>', "").replace("subProcess", tag)
    definitions, diagnostics = parse_bpmn(text.encode(), "f.bpmn")
    assert definitions is not None
    assert [(u.tag, u.id, u.owner, u.span.line) for u in definitions.processes[0].unknown] == [(tag, "u", "p", 8)]
    # The flow names an element that is no flow node: that is said too.
    assert [d.rule for d in diagnostics] == ["dangling-reference"]


def test_an_element_in_the_wrong_place_is_unknown_there() -> None:
    text = GOOD.replace('<startEvent id="us"/>', '<message id="mm"/>').replace(
        "</definitions>", '<choreography id="ch"><task id="x"/></choreography></definitions>'
    )
    definitions, _ = parse_bpmn(text.encode(), "f")
    assert definitions is not None
    assert [(u.tag, u.owner) for u in definitions.processes[0].unknown] == [("message", "u")]
    assert [u.tag for u in definitions.unknown] == ["choreography"]


def test_an_extension_that_must_be_understood_is_refused() -> None:
    text = GOOD.replace("  <message ", '<extension mustUnderstand="true" definition="x:y"/><message ', 1)
    assert [(rule, severity) for rule, severity, _, _ in faults(text)] == [("must-understand", "error")]


@pytest.mark.parametrize(
    ("root", "says"),
    [
        ("<definitions/>", "no namespace"),
        ('<definitions xmlns="http://schema.omg.org/spec/BPMN/2.0"/>', "schema.omg.org"),
        ('<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/"/>', "DMN"),
        (f'<process xmlns="{MODEL}"/>', "<process>"),
        ("<html/>", "<html>"),
    ],
)
def test_a_document_of_another_kind_is_refused_by_name(root: str, says: str) -> None:
    definitions, diagnostics = parse_bpmn(f"\n{root}".encode(), "f.bpmn")
    assert definitions is None
    assert [(d.rule, d.severity, d.span.line) for d in diagnostics] == [("namespace", "error", 2)]
    assert says in diagnostics[0].message
    assert diagnostics[0].remedy


def test_findings_are_bounded_and_none_is_hidden() -> None:
    bad = '<task id="a"/>' * 2_000
    definitions, diagnostics = parse_bpmn(GOOD.replace('<startEvent id="us"/>', bad).encode(), "f")
    assert definitions is not None
    assert len(diagnostics) == FINDINGS_MAX + 1
    assert (diagnostics[-1].rule, diagnostics[-1].severity) == ("too-many-findings", "error")
    assert diagnostics[-1].message.startswith("1000 more findings")


def test_a_node_with_very_many_flows_or_extensions_costs_no_more_each() -> None:
    # Quadratic, these would take minutes.
    count = 30_000
    listed = "".join(f"<outgoing>g{i}</outgoing>" for i in range(count, 0, -1))
    flows = "".join(f'<sequenceFlow id="g{i}" sourceRef="us" targetRef="ut"/>' for i in range(1, count + 1))
    headers = '<zeebe:header key="k" value="v"/>' * count
    own = '<o:x xmlns:o="urn:o"/>' * count
    many = "".join(f' xmlns:p{i}="urn:{i}"' for i in range(count))
    text = GOOD.replace(
        '<startEvent id="us"/>', f'<startEvent id="us">{listed}</startEvent><task id="ut"/>{flows}'
    ).replace("<zeebe:taskDefinition", f"<zeebe:taskHeaders>{headers}</zeebe:taskHeaders>{own}<zeebe:taskDefinition")
    definitions, diagnostics = parse_bpmn(text.replace(' id="d"', f' id="d"{many}').encode(), "f")
    assert diagnostics == []
    assert definitions is not None
    scope = definitions.processes[0].scope
    inner = next(node for node in scope.nodes if node.id == "u")
    assert isinstance(inner, Activity)
    assert inner.scope is not None
    assert inner.scope.nodes[0].outgoing[0] == f"g{count}"
    assert len(scope.nodes[1].extension.headers) == len(scope.nodes[1].extension.foreign) == count


def test_nested_sub_processes_up_to_the_limit_need_little_stack() -> None:
    depth = 97
    inner = "".join(f'<subProcess id="s{i}">' for i in range(depth)) + "</subProcess>" * depth
    text = f'<definitions xmlns="{MODEL}"><process id="p">{inner}</process></definitions>'

    def from_below(frames: int) -> bool:
        if frames:
            return from_below(frames - 1)
        definitions, diagnostics = parse_bpmn(text.encode(), "f")
        return definitions is not None and not diagnostics

    assert from_below(400)


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 40), st.text('<>/"= abid:', max_size=5))
def test_no_damage_raises(at: int, length: int, put: str) -> None:
    text = GOOD[:at] + put + GOOD[at + length :]
    definitions, diagnostics = parse_bpmn(text.encode(), "f")
    assert definitions is not None or diagnostics


_TAGS: Final = st.sampled_from(
    "process subProcess task startEvent boundaryEvent sequenceFlow lane laneSet incoming "
    "timerEventDefinition timeDate multiInstanceLoopCharacteristics complexBehaviorDefinition event "
    "extensionElements dataInputAssociation assignment performer resourceParameterBinding ioSpecification "
    "collaboration participant eventDefinitionRef script".split()
)
_TREES: Final = st.recursive(
    _TAGS.map(lambda tag: f"<{tag} id='x'>x</{tag}>"),
    lambda inner: st.tuples(_TAGS, st.lists(inner, max_size=3)).map(lambda t: f"<{t[0]}>{''.join(t[1])}</{t[0]}>"),
    max_leaves=12,
)


@given(_TREES)
def test_no_tree_of_known_elements_raises(tree: str) -> None:
    definitions, _ = parse_bpmn(f'<definitions xmlns="{MODEL}">{tree}</definitions>'.encode(), "f")
    assert definitions is not None
