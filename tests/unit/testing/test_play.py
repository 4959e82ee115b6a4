"""Play: any drawing runs by hand in the real interpreter, whatever it lacks to be executed."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from procession.ir.program import from_bytes, to_bytes
from procession.parse import parse_bpmn
from procession.testing.play import Play, Unplayable

REFUSED: Final = [
    file
    for file in sorted((Path(__file__).parents[2] / "scenarios" / "refused").glob("*.bpmn"))
    if parse_bpmn(file.read_bytes(), file.name)[0] is not None
]
"""Documents that can be read, and are refused at deployment."""
HEAD: Final = (
    '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:di="http://www.omg.org/spec/DD/20100524/DI" '
    'id="d" targetNamespace="t">'
)
GATE: Final = '<exclusiveGateway id="gate"/><task id="x"/><task id="y"/>'


def flows(*pairs: str) -> str:
    """`a>b` is a flow with that id; `a>b?` has a condition."""
    found: list[str] = []
    for pair in pairs:
        name = pair.rstrip("?")
        source, target = name.split(">")
        condition = "<conditionExpression>of no language</conditionExpression>" if pair.endswith("?") else ""
        id = name.replace(">", "_")
        found.append(f'<sequenceFlow id="{id}" sourceRef="{source}" targetRef="{target}">{condition}</sequenceFlow>')
    return "".join(found)


def play(inside: str, beside: str = "") -> Play:
    text = f'{HEAD}{beside}<process id="p">{inside}</process></definitions>'
    definitions, found = parse_bpmn(text.encode(), "p.bpmn")
    assert definitions is not None, found
    return Play(definitions)


def path(played: Play) -> list[str]:
    """What was left, in order, without the flows."""
    return [each.element for each in played.trace if each.what == "exit"]


def waiting(played: Play) -> list[str]:
    """What was entered and neither left nor ended."""
    over = {own for each in played.trace if each.what in {"exit", "end"} for own in each.own}
    return [each.element for each in played.trace if each.what == "enter" and each.own[0] not in over]


@pytest.mark.parametrize(
    "element",
    [
        '<serviceTask id="a"/>',
        '<userTask id="a"/>',
        '<businessRuleTask id="a"/>',
        '<scriptTask id="a" scriptFormat="cobol"><script>STOP RUN</script></scriptTask>',
        '<callActivity id="a" calledElement="nowhere"/>',
        '<sendTask id="a" messageRef="nowhere"/>',
        '<task id="a" default="nowhere"/>',
        '<task id="a"><standardLoopCharacteristics/></task>',
        '<task id="a"><multiInstanceLoopCharacteristics><loopCardinality>many</loopCardinality>'
        "</multiInstanceLoopCharacteristics></task>",
        '<subProcess id="a"/>',
        '<intermediateThrowEvent id="a"><messageEventDefinition/></intermediateThrowEvent>',
        '<intermediateThrowEvent id="a"><linkEventDefinition name="nowhere"/></intermediateThrowEvent>',
        '<intermediateThrowEvent id="a"><escalationEventDefinition escalationRef="nowhere"/></intermediateThrowEvent>',
        '<complexGateway id="a"/>',
    ],
)
def test_what_an_element_lacks_to_be_executed_does_not_stop_it(element: str) -> None:
    played = play(
        f'<startEvent id="s"/>{element}<endEvent id="e"/>'
        f'<boundaryEvent id="b" attachedToRef="nobody"/>{flows("s>a", "a>e", "a>nowhere")}'
    )
    played.trigger("s")
    assert path(played) == ["s", "a", "e", "p"]


@pytest.mark.parametrize(
    "definition",
    [
        "timerEventDefinition",
        "messageEventDefinition",
        "conditionalEventDefinition",
        "signalEventDefinition",
        "errorEventDefinition",
        "escalationEventDefinition",
    ],
)
def test_what_waits_happens_by_hand(definition: str) -> None:
    played = play(
        f'<startEvent id="s"/><receiveTask id="a"/><endEvent id="e"/><endEvent id="f"/>'
        f'<boundaryEvent id="b" attachedToRef="a"><{definition}/></boundaryEvent>{flows("s>a", "a>e", "b>f")}'
    )
    played.trigger("s")
    assert waiting(played) == ["p", "a"]
    played.trigger("b")
    assert path(played) == ["s", "a", "b", "f", "p"]


def test_events_that_must_happen_together_happen_together() -> None:
    played = play(
        '<startEvent id="s"/><intermediateCatchEvent id="a" parallelMultiple="true"><timerEventDefinition/>'
        f"<messageEventDefinition/><signalEventDefinition/></intermediateCatchEvent>{flows('s>a')}"
    )
    played.trigger("s")
    played.trigger("a")
    assert path(played) == ["s", "a", "p"]


def test_a_gateway_takes_its_first_flow_or_those_that_it_is_told() -> None:
    played = play(f'<startEvent id="s"/>{GATE}{flows("s>gate", "gate>x", "gate>y?")}')
    played.trigger("s")
    played.configure("gate", ["gate_y"])
    played.trigger("s")
    assert path(played) == ["s", "gate", "x", "p", "s", "gate", "y", "p"]


def test_a_token_for_which_no_flow_is_chosen_ends_and_the_others_go_on() -> None:
    played = play(f'<startEvent id="s"/>{GATE}<task id="a"/>{flows("s>gate", "gate>x", "gate>y", "s>a")}')
    played.configure("gate", ())
    played.trigger("s")
    played.configure("gate", ["gate_x"])
    played.trigger("s")
    assert path(played) == ["s", "a", "gate", "p", "s", "gate", "a", "x", "p"]


def test_an_instance_under_way_takes_what_is_chosen_before_it_gets_there() -> None:
    played = play(f'<startEvent id="s"/><receiveTask id="a"/>{GATE}{flows("s>a", "a>gate", "gate>x", "gate>y")}')
    played.trigger("s")
    played.configure("gate", ["gate_y"])
    played.trigger("a")
    assert path(played)[-2:] == ["y", "p"]


@pytest.mark.parametrize(("chosen", "taken"), [(None, "xyz"), (["gate_x", "gate_z"], "xz")])
def test_conditional_flows_out_of_a_task_are_taken_unless_it_is_told_otherwise(
    chosen: list[str] | None, taken: str
) -> None:
    gate = GATE.replace("exclusiveGateway", "task") + '<task id="z"/>'
    played = play(f'<startEvent id="s"/>{gate}{flows("s>gate", "gate>x?", "gate>y?", "gate>z")}')
    if chosen is not None:
        played.configure("gate", chosen)
    played.trigger("s")
    assert path(played)[2:-1] == list(taken)


def test_an_activity_can_be_told_to_wait_also_in_an_instance_under_way() -> None:
    played = play(
        '<startEvent id="s"/><receiveTask id="a"/><task id="t"/><subProcess id="u"><task id="v"/></subProcess>'
        '<boundaryEvent id="b" attachedToRef="t" cancelActivity="false"><timerEventDefinition/></boundaryEvent>'
        f"{flows('s>a', 'a>t', 't>u')}"
    )
    played.trigger("s")
    played.wait_at("t")
    played.wait_at("u")
    played.trigger("a")
    assert waiting(played) == ["p", "t"]
    played.trigger("b")
    played.trigger("t")
    assert waiting(played) == ["p", "u"]
    played.trigger("u")
    assert path(played) == ["s", "a", "b", "t", "v", "u", "p"]
    played.wait_at("t", wait=False)
    played.trigger("s")
    played.trigger("a")
    assert path(played)[-3:] == ["s", "a", "t"]


def test_an_error_that_nothing_catches_passes_by() -> None:
    played = play(
        f'<startEvent id="s"/><endEvent id="e"><errorEventDefinition errorRef="nowhere"/></endEvent>{flows("s>e")}'
    )
    played.trigger("s")
    assert path(played) == ["s", "e", "p"]


def test_references_mean_the_same_whatever_it_is_called() -> None:
    played = play(
        '<startEvent id="s"/><subProcess id="u"><endEvent id="t"><errorEventDefinition errorRef="two"/></endEvent>'
        '</subProcess><boundaryEvent id="b" attachedToRef="u"><errorEventDefinition errorRef="one"/></boundaryEvent>'
        '<boundaryEvent id="c" attachedToRef="u"><errorEventDefinition errorRef="two"/></boundaryEvent>'
        f"{flows('s>u')}",
        '<error id="one" errorCode="7"/><error id="two" errorCode="7"/>',
    )
    played.trigger("s")
    assert path(played) == ["s", "u", "c", "p"]


def test_a_scope_begins_with_its_start_events_and_what_no_flow_leads_to() -> None:
    played = play(
        '<startEvent id="s"/><startEvent id="other"/><task id="a"/>'
        '<subProcess id="u"><startEvent id="one"/><startEvent id="two"/><task id="b"/></subProcess>' + flows("s>u")
    )
    played.trigger("s")
    assert sorted(path(played)) == ["a", "b", "one", "p", "s", "two", "u"]


def test_an_event_sub_process_may_have_several_start_events_and_other_beginnings() -> None:
    played = play(
        '<startEvent id="s"/><receiveTask id="a"/><subProcess id="u" triggeredByEvent="true">'
        '<startEvent id="one" isInterrupting="false"><timerEventDefinition/></startEvent>'
        '<startEvent id="two"><messageEventDefinition/></startEvent><task id="b"/></subProcess>' + flows("s>a")
    )
    played.trigger("s")
    played.trigger("one")
    played.trigger("two")
    assert path(played) == ["s", "one", "b", "u", "two", "b", "u", "p"]
    assert waiting(played) == []


def test_of_two_handlers_of_one_signal_the_interrupting_one_comes_alone() -> None:
    handlers = "".join(
        f'<subProcess id="{id}" triggeredByEvent="true"><startEvent id="{id}_start" isInterrupting="{interrupting}">'
        "<signalEventDefinition/></startEvent></subProcess>"
        for id, interrupting in (("beside", "false"), ("instead", "true"))
    )
    played = play(f'<startEvent id="s"/><endEvent id="e"><signalEventDefinition/></endEvent>{handlers}{flows("s>e")}')
    played.trigger("s")
    assert path(played) == ["s", "instead_start", "instead", "p"]


def test_a_signal_starts_processes_and_reaches_other_instances() -> None:
    played = play(
        '<startEvent id="s"><signalEventDefinition/></startEvent><startEvent id="t"/>'
        '<intermediateCatchEvent id="c"><signalEventDefinition/></intermediateCatchEvent>'
        '<startEvent id="u"/><endEvent id="e"><signalEventDefinition/></endEvent>' + flows("t>c", "u>e")
    )
    played.trigger("t")
    played.trigger("u")
    assert path(played) == ["t", "u", "e", "p", "c", "p", "s", "p"]


def collaboration(message_flows: str, edges: str = "") -> str:
    diagram = (
        f'<bpmndi:BPMNDiagram id="di"><bpmndi:BPMNPlane id="pl" bpmnElement="c">{edges}</bpmndi:BPMNPlane>'
        "</bpmndi:BPMNDiagram>"
        if edges
        else ""
    )
    return (
        f'<collaboration id="c"><participant id="one" processRef="p"/><participant id="two" processRef="q"/>'
        f'<participant id="closed"/>{message_flows}</collaboration>|{diagram}'
    )


def both(p: str, q: str, beside: str) -> Play:
    collaborates, diagram = beside.split("|")
    text = f'{HEAD}{collaborates}<process id="p">{p}</process><process id="q">{q}</process>{diagram}</definitions>'
    definitions, found = parse_bpmn(text.encode(), "p.bpmn")
    assert definitions is not None, found
    return Play(definitions)


def edge(flow: str, start: int, stop: int) -> str:
    points = f'<di:waypoint x="{start}" y="0"/><di:waypoint x="{stop}" y="9"/>'
    return f'<bpmndi:BPMNEdge id="{flow}_di" bpmnElement="{flow}">{points}</bpmndi:BPMNEdge>'


def message(id: str, source: str, target: str) -> str:
    return f'<messageFlow id="{id}" sourceRef="{source}" targetRef="{target}"/>'


def test_a_message_goes_where_its_flow_leads() -> None:
    played = both(
        f'<startEvent id="s"/><endEvent id="e"><messageEventDefinition/></endEvent>{flows("s>e")}',
        f'<startEvent id="r"><messageEventDefinition/></startEvent><receiveTask id="a"/>{flows("r>a")}',
        collaboration(message("m", "e", "r") + message("n", "closed", "a") + message("o", "e", "two")),
    )
    played.trigger("s")
    assert path(played) == ["s", "e", "one", "m", "r", "o"]
    played.trigger("n")
    assert path(played)[-3:] == ["n", "a", "two"]


def test_a_task_sends_and_receives_from_left_to_right() -> None:
    flows_drawn = message("ask", "a", "r") + message("reply", "b", "a") + message("thank", "a", "t")
    played = both(
        f'<startEvent id="s"/><task id="a"/>{flows("s>a")}',
        f'<startEvent id="r"/><task id="b"/><receiveTask id="t"/>{flows("r>b", "b>t")}',
        collaboration(flows_drawn, edge("thank", 30, 30) + edge("ask", 10, 10) + edge("reply", 20, 20)),
    )
    played.wait_at("b")
    played.trigger("s")
    assert path(played) == ["s", "ask", "r"]
    assert waiting(played) == ["one", "a", "two", "b"]
    played.trigger("b")
    assert path(played)[3:] == ["b", "reply", "a", "one", "thank", "t", "two"]


def test_a_message_that_a_task_does_not_wait_for_yet_is_lost() -> None:
    played = both(
        f'<startEvent id="s"/><task id="a"/>{flows("s>a")}',
        "",
        collaboration(message("first", "closed", "a") + message("second", "closed", "a")),
    )
    played.trigger("s")
    played.trigger("second")
    played.trigger("first")
    assert "a" in waiting(played)
    played.trigger("second")
    assert path(played)[-2:] == ["a", "one"]


UNDONE: Final = (
    '<task id="a"/><boundaryEvent id="b" attachedToRef="a"><compensateEventDefinition/></boundaryEvent>'
    '<task id="undo" isForCompensation="true"/><association id="o" sourceRef="b" targetRef="undo"/>'
)


def test_a_scope_that_is_undone_goes_on_as_what_it_was() -> None:
    played = play(
        f'<startEvent id="s"/><subProcess id="u"><startEvent id="i"/>{UNDONE}{flows("i>a")}</subProcess>'
        f'<endEvent id="e"><compensateEventDefinition/></endEvent>{flows("s>u", "u>e")}'
    )
    played.trigger("s")
    assert path(played) == ["s", "i", "a", "u", "undo", "u", "e", "p"]
    scopes = {each.element: each.scope for each in played.trace if each.what == "enter"}
    assert scopes["undo"] == scopes["a"]


@pytest.mark.parametrize(
    ("boundary", "left"),
    [("", []), ('<boundaryEvent id="c" attachedToRef="u"><cancelEventDefinition/></boundaryEvent>', ["c"])],
)
def test_a_cancelled_transaction_is_left(boundary: str, left: list[str]) -> None:
    played = play(
        f'<startEvent id="s"/><transaction id="u"><startEvent id="i"/>{UNDONE}'
        f'<endEvent id="e"><cancelEventDefinition/></endEvent>{flows("i>a", "a>e")}</transaction>{boundary}'
        f'<task id="next"/>{flows("s>u", "u>next")}'
    )
    played.trigger("s")
    assert path(played) == ["s", "i", "a", "e", "undo", "u", *left, "p"]


def test_what_waits_nowhere_and_starts_nothing_cannot_be_triggered() -> None:
    played = play('<startEvent id="s"/>')
    with pytest.raises(Unplayable, match="nothing waits at 'nowhere'"):
        played.trigger("nowhere")


def test_processes_that_message_each_other_without_end_are_stopped() -> None:
    end = '<endEvent id="{}"><messageEventDefinition/></endEvent>'
    played = both(
        f'<startEvent id="s"/>{end.format("e")}{flows("s>e")}',
        f'<startEvent id="r"/>{end.format("f")}{flows("r>f")}',
        collaboration(message("m", "e", "r") + message("n", "f", "s")),
    )
    with pytest.raises(Unplayable, match="still send more"):
        played.trigger("s")


@pytest.mark.parametrize("file", REFUSED, ids=lambda file: file.stem)
def test_what_is_refused_at_deployment_can_be_played_all_the_same(file: Path) -> None:
    definitions, _ = parse_bpmn(file.read_bytes(), file.name)
    assert definitions is not None
    played = Play(definitions)
    for element in sorted(played.starts):
        played.trigger(element)
    for case in played.cases:
        assert [each.code for each in case.state.incidents.values()] == []


def test_a_program_to_play_is_a_program_like_any_other() -> None:
    played = play(f'<startEvent id="s"/>{GATE}{flows("s>gate", "gate>x", "gate>y?")}')
    played.wait_at("x")
    played.trigger("s")
    program = played.cases[0].linked.program
    assert from_bytes(to_bytes(program)) == program
