"""The outline: elements in the order of the flow, tokens beside them, never wider than the terminal."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.model.bpmn import Activity, Definitions, Process, Scope, SequenceFlow
from procession.parse import parse_bpmn
from procession.services.diagram import Marks, outline
from procession.services.diagram.outline import columns, in_flow_order

HEAD: Final = (
    '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="t" '
    'xmlns:zeebe="http://camunda.org/schema/zeebe/1.0">'
)
ORDER: Final = f"""{HEAD}<process id="order" name="Order fulfilment" isExecutable="true">
<endEvent id="done" name="Shipped"/>
<startEvent id="start" name="Order received"/>
<sequenceFlow id="f1" sourceRef="start" targetRef="stock"/>
<exclusiveGateway id="stock" name="In stock?" default="f3"/>
<sequenceFlow id="f2" name="yes" sourceRef="stock" targetRef="pick"/>
<sequenceFlow id="f3" sourceRef="stock" targetRef="wait"/>
<serviceTask id="pick" name="Pick"><extensionElements><zeebe:taskDefinition type="pick"/></extensionElements>
</serviceTask>
<sequenceFlow id="f4" sourceRef="pick" targetRef="done"/>
<boundaryEvent id="late" name="Late" attachedToRef="pick" cancelActivity="false">
<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition></boundaryEvent>
<sequenceFlow id="f6" sourceRef="late" targetRef="chase"/>
<task id="chase" name="Chase"/>
<intermediateCatchEvent id="wait" name="Delivered"><messageEventDefinition/></intermediateCatchEvent>
<sequenceFlow id="f5" sourceRef="wait" targetRef="pick"/>
</process></definitions>"""
WANTED: Final = """\
order  Order fulfilment

         ○ Order received  · start                                   ✓1
         ◇ In stock?  · exclusive gateway                            ✓1
           ├ yes → Pick
           └ (default) → Delivered
         ◎ Delivered  · message
  ●2 !1  ▭ Pick  · service task (pick)
             incident 7: no stock
            ◎ Late  · timer PT1H, not interrupting → Chase
         ◉ Shipped  · end
         ▭ Chase  · task
"""


def _read(text: str) -> Definitions:
    definitions, _ = parse_bpmn(text.encode(), "test.bpmn")
    assert definitions is not None
    return definitions


def test_the_outline_follows_the_flow_and_shows_the_tokens() -> None:
    marks = Marks(
        active={"pick": 2},
        incidents={"pick": 1},
        completed={"start": 1, "stock": 1},
        notes={"pick": ("incident 7: no stock",)},
    )
    assert outline(_read(ORDER), marks, width=71) == WANTED


@pytest.mark.parametrize(
    ("element", "shown"),
    [
        ('<serviceTask id="x">+<zeebe:taskDefinition type="p&#9;k"/>-</serviceTask>', "service task (p k)"),
        ('<businessRuleTask id="x">+<zeebe:calledDecision decisionId="rating" resultVariable="r"/>-</businessRuleTask>',
         "business rule task (rating)"),
        ('<callActivity id="x">+<zeebe:calledElement processId="sub"/>-</callActivity>', "call activity of sub"),
        ('<callActivity id="x" calledElement="sub"/>', "call activity of sub"),
    ],
)  # fmt: skip
def test_who_does_an_activity_stands_beside_it(element: str, shown: str) -> None:
    element = element.replace("+", "<extensionElements>").replace("-<", "</extensionElements><")
    model = f'{HEAD}<process id="p" isExecutable="true">{element}</process></definitions>'
    definitions, _ = parse_bpmn(model.encode(), "f.bpmn")
    assert definitions is not None
    assert f"x  · {shown}" in outline(definitions)


def test_a_name_cannot_steer_the_terminal() -> None:
    task = '<task id="t" name="a&#10;b&#x9b;31m\u202ec"/>'
    text = f'{HEAD}<process id="p" isExecutable="true">{task}</process></definitions>'
    drawn = outline(_read(text))
    assert "▭ a b 31m c" in drawn


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=25))
def test_every_element_is_listed_once_whatever_the_flow(pairs: list[tuple[int, int]]) -> None:
    nodes = tuple(Activity(kind="task", id=f"t{i}") for i in range(10))
    flows = tuple(SequenceFlow(id=f"f{i}", source=f"t{a}", target=f"t{b}") for i, (a, b) in enumerate(pairs))
    order = in_flow_order(Scope(nodes=nodes, flows=flows))
    assert sorted(node.id for node in order) == sorted(node.id for node in nodes)


@given(st.text(max_size=200), st.integers(40, 120))
def test_no_line_is_wider_than_the_terminal(name: str, width: int) -> None:
    scope = Scope(nodes=(Activity(kind="task", id="t", name=name), Activity(kind="userTask", id="u")))
    process = Process(id="p", name=name, is_executable=True, scope=scope)
    drawn = outline(Definitions(processes=(process,)), Marks(active={"t": 12}, completed={"t": 345}), width=width)
    assert all(columns(line) <= width for line in drawn.splitlines())


def test_a_long_straight_process_exhausts_no_stack() -> None:
    nodes = tuple(Activity(kind="task", id=f"t{i}") for i in range(20_000))
    flows = tuple(SequenceFlow(id=f"f{i}", source=f"t{i}", target=f"t{i + 1}") for i in range(19_999))
    order = in_flow_order(Scope(nodes=nodes, flows=flows))
    assert [node.id for node in order] == [node.id for node in nodes]
