"""What `procession check` says about the flow of small models: the rule, the element and the path that leads there."""

from __future__ import annotations

import random
from typing import Final

import pytest

from procession.base.diagnostics import Diagnostic
from procession.compile import check_definitions
from procession.compile.findings import Findings
from procession.compile.soundness import check_soundness
from procession.model.bpmn import Process
from procession.parse import parse_bpmn
from procession.testing.generate import generate
from unit.compile.snippets import JOB, compiled, definitions_of, document, flow, path

SOUNDNESS: Final = {
    "deadlock",
    "token-left-behind",
    "dead-join",
    "lack-of-synchronization",
    "unreachable",
    "dead-flow",
    "no-way-out",
    "soundness",
}
TIMER: Final = "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>"
ERROR: Final = '<errorEventDefinition errorRef="err"/>'
START: Final = '<startEvent id="s"/>'
END: Final = '<endEvent id="e"/>'


def xor(*ids: str) -> str:
    return "".join(f'<exclusiveGateway id="{id}"/>' for id in ids)


def parallel(*ids: str) -> str:
    return "".join(f'<parallelGateway id="{id}"/>' for id in ids)


def inclusive(*ids: str) -> str:
    return "".join(f'<inclusiveGateway id="{id}"/>' for id in ids)


def tasks(*ids: str) -> str:
    return "".join(f'<serviceTask id="{id}">{JOB}</serviceTask>' for id in ids)


def maybe(source: str, *targets: str) -> str:
    """Flows with conditions."""
    return "".join(flow(source, target, "=go") for target in targets)


def found(body: str) -> list[Diagnostic]:
    """What exploring says, and nothing else."""
    return [each for each in check_definitions(definitions_of(document(body))) if each.rule in SOUNDNESS]


SOUND: Final = {
    "a sequence": START + tasks("a") + END + path("s", "a", "e"),
    "a choice that merges": START + xor("x", "j") + tasks("a", "b") + END + path("s", "x") + maybe("x", "a", "b")
    + path("a", "j", "e") + path("b", "j"),
    "a choice that merges in a task": START + xor("x") + tasks("a", "b", "c") + END + path("s", "x")
    + maybe("x", "a", "b") + path("a", "c", "e") + path("b", "c"),
    "a fork that joins": START + parallel("f", "j") + tasks("a", "b") + END + path("s", "f", "a", "j", "e")
    + path("f", "b", "j"),
    "an inclusive block": START + inclusive("o", "j") + tasks("a", "b") + END + path("s", "o")
    + maybe("o", "a", "b") + path("a", "j", "e") + path("b", "j"),
    "a loop": START + xor("m", "x") + tasks("a") + END + path("s", "m", "a", "x") + maybe("x", "m", "e"),
    "several ends of choices": START + xor("x") + END + '<endEvent id="other"/>' + path("s", "x")
    + maybe("x", "e", "other"),
    "branches that end apart": START + parallel("f") + END + '<endEvent id="other"/>' + path("s", "f", "e")
    + flow("f", "other"),
    "an inclusive split that an inclusive join in a loop waits for": START + xor("m", "x") + inclusive("o", "j")
    + tasks("a", "b") + END + path("s", "m", "o") + maybe("o", "a", "b") + path("a", "j", "x") + path("b", "j")
    + maybe("x", "m", "e"),
    "a terminate end that ends what waits": START + parallel("f", "j") + xor("x") + tasks("a", "b") + END
    + '<endEvent id="t"><terminateEventDefinition/></endEvent>' + path("s", "f", "a", "x") + maybe("x", "t", "j")
    + path("f", "b", "j", "e"),
    "an error that leaves the sub-process": START + f'<subProcess id="u"><startEvent id="us"/>{xor("ux")}'
    f'<endEvent id="ue"/><endEvent id="uf">{ERROR}</endEvent>{flow("us", "ux")}{maybe("ux", "ue", "uf")}</subProcess>'
    f'<boundaryEvent id="b" attachedToRef="u">{ERROR}</boundaryEvent>' + xor("j") + END + path("s", "u", "j", "e")
    + flow("b", "j"),
    "an event that does not interrupt, with an end of its own": START + tasks("a", "r") + END
    + f'<boundaryEvent id="b" attachedToRef="a" cancelActivity="false">{TIMER}</boundaryEvent>'
    + '<endEvent id="re"/>' + path("s", "a", "e") + path("b", "r", "re"),
    "an event sub-process beside the flow": START + END + flow("s", "e") + '<subProcess id="h" triggeredByEvent="true">'
    f'<startEvent id="hs" isInterrupting="false">{TIMER}</startEvent><endEvent id="he"/>{flow("hs", "he")}'
    "</subProcess>",
    "events that race": START + '<eventBasedGateway id="g"/>' + xor("j") + END
    + f'<intermediateCatchEvent id="c1">{TIMER}</intermediateCatchEvent>'
    + '<intermediateCatchEvent id="c2"><signalEventDefinition signalRef="sig"/></intermediateCatchEvent>'
    + path("s", "g", "c1", "j", "e") + path("g", "c2", "j"),
    "a default flow beside an unconditional one": START
    + f'<serviceTask id="a" default="a-b">{JOB}</serviceTask>' + END + '<endEvent id="b"/>' + '<endEvent id="c"/>'
    + path("s", "a", "e") + flow("a", "b") + maybe("a", "c"),
    "a boundary event with two definitions, and an end with two": START + tasks("a")
    + '<endEvent id="e"><signalEventDefinition signalRef="sig"/>'
    + '<escalationEventDefinition escalationRef="esc"/></endEvent>'
    + f'<boundaryEvent id="b" attachedToRef="a">{TIMER}<signalEventDefinition signalRef="sig"/></boundaryEvent>'
    + xor("j") + path("s", "a", "j", "e") + flow("b", "j"),
    "a complex split and a standard loop": START + '<complexGateway id="o"/>' + inclusive("j")
    + f'<serviceTask id="a">{JOB}<standardLoopCharacteristics loopMaximum="3"/></serviceTask>' + tasks("b") + END
    + path("s", "o") + maybe("o", "a", "b") + path("a", "j", "e") + path("b", "j"),
    "a complex join that does not wait for all": START + parallel("f") + tasks("a", "b", "c") + END
    + '<complexGateway id="x"><activationCondition>=activationCount = 2</activationCondition></complexGateway>'
    + path("s", "f", "a", "x", "e") + path("f", "b", "x") + path("f", "c", "x"),
    "as many tokens as an activity takes": START + f'<serviceTask id="a" completionQuantity="3">{JOB}</serviceTask>'
    + tasks("b") + f'<serviceTask id="c" startQuantity="3">{JOB}</serviceTask>' + END + path("s", "a", "b", "c", "e"),
    "a fork into an activity that takes two": START + parallel("f") + tasks("a", "b", "d") + END
    + f'<serviceTask id="c" startQuantity="2">{JOB}</serviceTask>' + path("s", "f", "a", "c", "d", "e")
    + path("f", "b", "c"),
    "a transaction that may be cancelled": START
    + f'<transaction id="u"><startEvent id="us"/>{xor("ux")}{tasks("ua")}<endEvent id="ue"/>'
    f'<endEvent id="uc"><cancelEventDefinition/></endEvent>{path("us", "ua", "ux")}{maybe("ux", "ue", "uc")}'
    '</transaction><boundaryEvent id="b" attachedToRef="u"><cancelEventDefinition/></boundaryEvent>' + xor("j") + END
    + path("s", "u", "j", "e") + flow("b", "j"),
    "what undoes an activity": START + tasks("a") + END + path("s", "a")
    + '<boundaryEvent id="b" attachedToRef="a"><compensateEventDefinition/></boundaryEvent>'
    + f'<serviceTask id="h" isForCompensation="true">{JOB}</serviceTask>'
    + '<association id="as" sourceRef="b" targetRef="h" associationDirection="One"/>'
    + '<intermediateThrowEvent id="t"><compensateEventDefinition/></intermediateThrowEvent>' + path("a", "t", "e"),
    "activities that are chosen": START + f'<adHocSubProcess id="u">{tasks("a", "b")}{path("a", "b")}'
    f'{tasks("c")}</adHocSubProcess>' + END + path("s", "u", "e"),
    "a link": START + '<intermediateThrowEvent id="t"><linkEventDefinition name="l"/></intermediateThrowEvent>'
    + '<intermediateCatchEvent id="c"><linkEventDefinition name="l"/></intermediateCatchEvent>' + END
    + path("s", "t") + path("c", "e"),
}  # fmt: skip


@pytest.mark.parametrize("body", SOUND.values(), ids=SOUND)
def test_a_sound_flow_gives_no_finding(body: str) -> None:
    assert [str(each) for each in found(body)] == []


UNSOUND: Final[dict[str, tuple[str, list[tuple[str, str, str, str]]]]] = {
    "a parallel join behind a choice": (
        START + xor("x") + parallel("j") + tasks("a", "b") + END + path("s", "x") + maybe("x", "a", "b")
        + path("a", "j", "e") + path("b", "j"),
        [("warning", "dead-join", "j", "s x a j"), ("info", "unreachable", "e", "")],
    ),
    "a parallel join behind an inclusive split": (
        START + inclusive("o") + parallel("j") + tasks("a", "b") + END + path("s", "o") + maybe("o", "a", "b")
        + path("a", "j", "e") + path("b", "j"),
        [("warning", "deadlock", "j", "s o a j")],
    ),
    "a parallel join in a loop of its own": (
        START + parallel("j") + xor("x") + tasks("a") + END + path("s", "j", "a", "x") + maybe("x", "j", "e"),
        [
            ("warning", "dead-join", "j", "s j"),
            ("info", "unreachable", "a", ""),
            ("info", "unreachable", "x", ""),
            ("info", "unreachable", "e", ""),
        ],
    ),
    "a branch that leaves before the join": (
        START + parallel("f", "j") + xor("x") + tasks("a", "b") + END + '<endEvent id="early"/>'
        + path("s", "f", "a", "x") + maybe("x", "early", "j") + path("f", "b", "j", "e"),
        [("warning", "token-left-behind", "j", "s f a x early b j")],
    ),
    "a boundary event that leaves before the join": (
        START + parallel("f", "j") + tasks("a", "b") + END + '<endEvent id="late"/>'
        + f'<boundaryEvent id="t" attachedToRef="a">{TIMER}</boundaryEvent>'
        + path("s", "f", "a", "j", "e") + path("f", "b", "j") + path("t", "late"),
        [("warning", "token-left-behind", "j", "s f a t late b j")],
    ),
    "an exclusive join behind a fork": (
        START + parallel("f") + xor("j") + tasks("a", "b", "c") + END + path("s", "f", "a", "j", "c", "e")
        + path("f", "b", "j"),
        [("warning", "lack-of-synchronization", "j", "s f a b j")],
    ),
    "a fork whose branches meet in one end": (
        START + parallel("f") + tasks("a", "b") + END + path("s", "f", "a", "e") + path("f", "b", "e"),
        [("info", "lack-of-synchronization", "e", "s f a b e")],
    ),
    "a task that several flows leave, into one task": (
        START + tasks("a", "b", "c", "d") + END + path("s", "a", "b", "d", "e") + path("a", "c", "d"),
        [("warning", "lack-of-synchronization", "d", "s a b c d")],
    ),
    "a reminder that comes back into the flow": (
        START + tasks("a", "c") + END
        + f'<boundaryEvent id="t" attachedToRef="a" cancelActivity="false">{TIMER}</boundaryEvent>'
        + path("s", "a", "c", "e") + path("t", "c"),
        [("warning", "lack-of-synchronization", "c", "s a t c")],
    ),
    "two tokens for one flow of a join": (
        START + parallel("f", "j") + xor("m") + tasks("a", "b", "c") + END + path("s", "f", "a", "m", "j", "e")
        + path("f", "b", "m") + path("f", "c", "j"),
        [
            ("warning", "lack-of-synchronization", "m", "s f a b m"),
            ("warning", "token-left-behind", "j", "s f a b m m c j e j"),
        ],
    ),
    "a circle that nothing leads to": (
        START + tasks("a", "b") + END + path("s", "e") + path("a", "b", "a"),
        [("warning", "unreachable", "a", ""), ("warning", "unreachable", "b", "")],
    ),
    "a circle without a way out": (
        START + xor("m") + tasks("a", "b") + path("s", "m", "a", "b", "m"),
        [("warning", "no-way-out", "s", "s")],
    ),
    "a choice that leads into a circle": (
        START + xor("x", "m") + tasks("a", "b") + END + path("s", "x") + maybe("x", "e", "m")
        + path("m", "a", "b", "m"),
        [("warning", "no-way-out", "m", "s x m")],
    ),
    "two inclusive joins that wait for each other": (
        START + parallel("f") + inclusive("j", "k") + tasks("a", "b") + xor("x", "y") + END
        + path("s", "f", "a", "j", "x") + maybe("x", "k", "e") + path("f", "b", "k", "y") + maybe("y", "j", "e"),
        [
            ("warning", "dead-join", "j", "s f a b j"),
            ("warning", "dead-join", "k", "s f a b k"),
            ("info", "unreachable", "x", ""),
            ("info", "unreachable", "y", ""),
            ("info", "unreachable", "e", ""),
        ],
    ),
    "a sub-process that always fails": (
        START + f'<subProcess id="u"><startEvent id="us"/><endEvent id="uf">{ERROR}</endEvent>{flow("us", "uf")}'
        f'</subProcess><boundaryEvent id="b" attachedToRef="u">{ERROR}</boundaryEvent>' + tasks("a") + END
        + path("s", "u", "a", "e") + path("b", "e"),
        [("warning", "dead-flow", "u", ""), ("info", "unreachable", "a", "")],
    ),
    "a deadlock upstream of a complex join, which goes on without": (
        START + parallel("f", "j") + xor("y") + tasks("a", "b", "c") + END
        + '<complexGateway id="x"><activationCondition>=activationCount = 1</activationCondition></complexGateway>'
        + path("s", "f", "a", "x", "e") + path("f", "y") + maybe("y", "b", "c") + path("b", "j", "x") + path("c", "j"),
        [("warning", "dead-join", "j", "s f y a b j")],
    ),
    "a token too few for an activity that takes two": (
        START + tasks("a") + END + f'<serviceTask id="c" startQuantity="2">{JOB}</serviceTask>'
        + path("s", "a", "c", "e"),
        [("warning", "dead-join", "c", "s a c"), ("info", "unreachable", "e", "")],
    ),
    "a token too many for an activity that takes two": (
        START + f'<serviceTask id="a" completionQuantity="3">{JOB}</serviceTask>' + END
        + f'<serviceTask id="c" startQuantity="2">{JOB}</serviceTask>' + path("s", "a", "c", "e"),
        [("warning", "token-left-behind", "c", "s a c e c")],
    ),
    "chosen activities that wait for each other": (
        START + f'<adHocSubProcess id="u">{tasks("a", "b")}{parallel("j")}{path("a", "j")}{path("b", "j")}'
        "</adHocSubProcess>" + END + path("s", "u", "e"),
        [("warning", "dead-join", "j", "a j")],
    ),
    "a transaction that is always cancelled": (
        START + '<transaction id="u"><startEvent id="us"/><endEvent id="uc"><cancelEventDefinition/></endEvent>'
        f'{flow("us", "uc")}</transaction><boundaryEvent id="b" attachedToRef="u"><cancelEventDefinition/>'
        "</boundaryEvent>" + tasks("a") + END + path("s", "u", "a", "e") + path("b", "e"),
        [("warning", "dead-flow", "u", ""), ("info", "unreachable", "a", "")],
    ),
    "a fault inside a sub-process": (
        START + f'<subProcess id="u"><startEvent id="us"/>{xor("ux")}{parallel("uj")}{tasks("ua", "ub")}'
        f'{path("us", "ux")}{maybe("ux", "ua", "ub")}{path("ua", "uj")}{path("ub", "uj")}</subProcess>' + END
        + path("s", "u", "e"),
        [("warning", "dead-join", "uj", "us ux ua uj"), ("info", "unreachable", "e", "")],
    ),
    "a fault inside each of a multi-instance": (
        START + '<subProcess id="u"><multiInstanceLoopCharacteristics><loopCardinality>=3</loopCardinality>'
        f'</multiInstanceLoopCharacteristics><startEvent id="us"/>{parallel("uf")}{xor("um")}{tasks("ua")}'
        f'{path("us", "uf", "um", "ua")}{flow("uf", "um", id="again")}</subProcess>' + END + path("s", "u", "e"),
        [("warning", "lack-of-synchronization", "um", "us uf um")],
    ),
    "a fault inside an event sub-process": (
        START + END + flow("s", "e") + '<subProcess id="h" triggeredByEvent="true">'
        f'<startEvent id="hs">{TIMER}</startEvent>{xor("hx")}{parallel("hj")}{flow("hs", "hx")}'
        f'{flow("hx", "hj", "=go", id="one")}{flow("hx", "hj", "=not(go)", id="two")}</subProcess>',
        [("warning", "dead-join", "hj", "hs hx hj")],
    ),
    "a terminate end before which a token never comes to its end": (
        START + parallel("f") + tasks("a", "b") + END + '<endEvent id="t"><terminateEventDefinition/></endEvent>'
        + path("s", "f", "a", "b", "e") + path("f", "t"),
        [("warning", "unreachable", "b", ""), ("warning", "unreachable", "e", "")],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), UNSOUND.values(), ids=UNSOUND)
def test_a_fault_of_the_flow_is_found_with_its_path(body: str, expected: list[tuple[str, str, str, str]]) -> None:
    said = found(body)
    shown = sorted((each.severity, each.rule, each.element, " ".join(each.path)) for each in said)
    assert shown == sorted(expected)
    for each in said:
        assert each.span.line, each
        assert each.remedy, each


def test_a_process_that_may_begin_in_several_ways_is_explored_from_each() -> None:
    started = '<startEvent id="m"><messageEventDefinition messageRef="m0"/></startEvent>'
    body = START + started + parallel("j") + tasks("a") + END + path("s", "a", "j", "e") + path("m", "j")
    text = document(body, roots='<message id="m0" name="n"/><error id="err" errorCode="E1"/>')
    said = [each for each in check_definitions(definitions_of(text)) if each.rule == "dead-join"]
    assert [(each.element, each.path) for each in said] == [("j", ("m", "j"))]


def test_what_is_too_large_is_said_to_be_undecided() -> None:
    findings = Findings()
    names = [f"n{number}" for number in range(8)]
    body = START + inclusive("f", "j") + tasks(*names) + END + path("s", "f") + maybe("f", *names)
    program = compiled(document(body + "".join(flow(name, "j") for name in names) + flow("j", "e")))
    check_soundness(program, lambda node: Process(id=node.id), findings, cost_max=1_000)
    assert [(each.rule, each.severity, each.element) for each in findings.diagnostics] == [("soundness", "info", "p")]
    assert "too many states" in findings.diagnostics[0].message


def test_what_can_be_left_in_too_many_ways_is_said_to_be_undecided() -> None:
    names = [f"n{number}" for number in range(11)]
    body = START + inclusive("f") + tasks(*names) + path("s", "f") + maybe("f", *names)
    assert [(each.rule, each.severity, each.element) for each in found(body)] == [("soundness", "info", "f")]


UNDECIDED: Final = {
    "an activation condition, and conditions behind it": START + parallel("f")
    + '<complexGateway id="x"><activationCondition>=activationCount = 1</activationCondition></complexGateway>'
    + END + path("s", "f", "x") + flow("f", "x", id="again") + maybe("x", "e"),
    "a start quantity that is large": START + f'<serviceTask id="x" startQuantity="200">{JOB}</serviceTask>' + END
    + path("s", "x", "e"),
}  # fmt: skip


@pytest.mark.parametrize("body", UNDECIDED.values(), ids=UNDECIDED)
def test_what_depends_on_more_than_the_flow_is_said_to_be_undecided(body: str) -> None:
    assert [(each.rule, each.severity, each.element) for each in found(body)] == [("soundness", "info", "x")]


def test_a_faulty_process_is_not_explored() -> None:
    body = START + xor("x") + parallel("j") + END + flow("s", "x") + path("x", "j", "e") + flow("x", "j", id="again")
    assert found(body) == []


def test_a_drawing_is_explored_too() -> None:
    body = UNSOUND["a parallel join behind a choice"][0]
    text = document(body).replace('isExecutable="true"', 'isExecutable="false"')
    rules = [each.rule for each in check_definitions(definitions_of(text))]
    assert "dead-join" in rules


def test_a_generated_model_is_sound() -> None:
    checked = 0
    for seed in range(120):
        model = generate(random.Random(seed).randint, 20)
        if b"_late" in model.xml:
            # An event that interrupts a user task ends its branch, beside a join or not: no block structure.
            continue
        checked += 1
        definitions, _ = parse_bpmn(model.xml, "generated.bpmn")
        assert definitions is not None
        rules = SOUNDNESS
        said = [str(each) for each in check_definitions(definitions) if each.rule in rules]
        assert said == [], f"seed {seed}"
    assert checked > 20, checked
