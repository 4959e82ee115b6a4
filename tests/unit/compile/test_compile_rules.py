"""Every rule of deployment: what breaks it is refused, with the rule's name, the element and a remedy."""

from __future__ import annotations

from typing import Final

import pytest

from procession.compile import check_definitions, compile_definitions
from procession.compile.profiles import SEVERITIES, Line, Profile
from unit.compile.breaches import (
    ERR,
    ESC,
    MSG,
    SIG,
    START,
    TIMER,
    after,
    border,
    bordered,
    catching,
    caught,
    chosen,
    collection,
    cycle,
    ended,
    events,
    extended,
    handler,
    headed,
    listening,
    looped,
    mapped,
    multiple,
    nested,
    repeated,
    thrown,
)
from unit.compile.snippets import JOB, MODEL, definitions_of, document, flow, found, path

TASK: Final = '<zeebe:taskDefinition type="t"/>'
LINK: Final = '<linkEventDefinition name="l"/>'
LINKING: Final = after(f'<intermediateThrowEvent id="x">{LINK}</intermediateThrowEvent><task id="t"/>')
EXTENDED_FORM: Final = '<extensionElements><zeebe:formDefinition formId="f"/></extensionElements>'
ANY_ERROR: Final = "<errorEventDefinition/>"
DECISION: Final = '<zeebe:calledDecision decisionId="d" resultVariable="r"/>'

THROWS_A_TIMER: Final = (
    f"<complexBehaviorDefinition><condition>=true</condition><event>{TIMER}</event></complexBehaviorDefinition>"
)

ELEMENT_TYPE: Final = [
    ("parallel multiple", after('<intermediateCatchEvent id="x" parallelMultiple="true"/>')),
    ("catch of nothing", after('<intermediateCatchEvent id="x"/>')),
    ("boundary of nothing", bordered("")),
    ("error thrown half-way", thrown(ERR)),
    ("terminate half-way", thrown("<terminateEventDefinition/>")),
    ("timer end", ended(TIMER)),
    ("link boundary", bordered('<linkEventDefinition name="l"/>')),
    ("script", after('<scriptTask id="x" scriptFormat="groovy"><script>1</script></scriptTask>')),
    ("unknown task listener", listening("userTask", "task", ("escalating", "t"))),
    ("beforeAll listener", listening("task", "execution", ("beforeAll", "t"))),
]

RULES: Final = [
    ("token-quantity", "x", after('<task id="x" completionQuantity="0"/>')),
    ("token-quantity", "x", after('<task id="x" startQuantity="-1"/>')),
    ("token-quantity", "x", after('<task id="x" startQuantity="many"/>')),
    ("multiple-event", "x", caught(MSG + LINK)),
    ("multiple-event", "x", ended(MSG + "<terminateEventDefinition/>")),
    ("multiple-event", "x", bordered(ERR + SIG, "subProcess", attributes='parallelMultiple="true"')),
    (
        "multiple-event",
        "x",
        after(f'<endEvent id="x"><extensionElements>{TASK}</extensionElements>{MSG}{SIG}</endEvent>'),
    ),
    ("start-event", "x", after('<receiveTask id="x" instantiate="true" messageRef="m"/>')),
    ("start-event", "x", nested('<receiveTask id="x" instantiate="true" messageRef="m"/>')),
    ("event-based-gateway-target", "x", after('<eventBasedGateway id="x" eventGatewayType="Parallel"/>')),
    ("loop-characteristics", "x", after('<task id="x"><standardLoopCharacteristics/></task>')),
    ("loop-characteristics", "x", after('<task id="x"><standardLoopCharacteristics loopMaximum="-1"/></task>')),
    ("loop-characteristics", "x", repeated('behavior="One"')),
    ("loop-characteristics", "x", repeated('behavior="None" noneBehaviorEventRef="nothing"')),
    ("loop-characteristics", "x", repeated('behavior="Complex"')),
    ("loop-characteristics", "x", repeated('behavior="Complex"', THROWS_A_TIMER)),
    ("start-event", "x", START + '<startEvent id="x"/>'),
    ("start-event", "x", handler("")),
    ("start-event", "e", f'{START}<subProcess id="e" triggeredByEvent="true"><task id="t"/></subProcess>'),
    ("start-event", "e", handler(MSG, more=f'<startEvent id="y">{SIG}</startEvent>')),
    ("start-event", "x", nested(f'<startEvent id="x">{MSG}</startEvent>')),
    ("start-event", "x", nested('<startEvent id="y"/><startEvent id="x"/>')),
    ("start-event", "x", f'<startEvent id="x">{ERR}</startEvent>'),
    ("start-event", "x", f'<startEvent id="x">{ESC}</startEvent>'),
    ("start-event", "p", ""),
    ("start-event", "s", after('<task id="x"/>') + flow("x", "s")),
    ("start-event", "x", f'<startEvent id="y">{MSG}</startEvent><startEvent id="x">{MSG}</startEvent>'),
    ("end-event", "x", after('<endEvent id="x"/><task id="a"/>') + flow("x", "a")),
    ("boundary-event", "x", bordered(MSG) + flow("h", "x")),
    ("boundary-event", "x", bordered(ERR, attributes='cancelActivity="false"')),
    ("boundary-event", "x", after('<exclusiveGateway id="g"/>', "g") + border("x", MSG, "g")),
    ("boundary-event", "y", bordered(ERR) + border("y", ERR)),
    ("boundary-event", "y", bordered(ANY_ERROR) + border("y", ANY_ERROR)),
    ("boundary-event", "y", bordered(MSG) + border("y", MSG)),
    ("boundary-event", "y", bordered(ESC, "subProcess") + border("y", ESC)),
    ("escalation-boundary-event-attached-to-ref", "x", bordered(ESC)),
    ("event-sub-process", "e", handler(MSG) + flow("s", "e")),
    ("event-sub-process", "e", handler(MSG) + '<task id="t"/>' + flow("e", "t")),
    ("event-sub-process", "x", handler(ERR, 'isInterrupting="false"')),
    (
        "event-sub-process",
        "y",
        handler(ERR) + handler(ERR).replace(START, "").replace('"x"', '"y"').replace('"e"', '"e2"'),
    ),
    ("event-sub-process", "e", handler(MSG, more=multiple("3"))),
    ("sequence-flow-condition", "x-b", chosen(flow("x", "a", "=true"), flow("x", "b"))),
    ("sequence-flow-condition", "x-b", chosen(flow("x", "a", "=true"), flow("x", "b"), kind="inclusiveGateway")),
    ("sequence-flow-condition", "x-a", chosen(flow("x", "a", "=a"), flow("x", "b", "=b"), attributes='default="x-a"')),
    ("sequence-flow-condition", "x-a", chosen(flow("x", "a", ""), flow("x", "b", "=true"))),
    ("sequence-flow-condition", "x-a", chosen(flow("x", "a", "=true"), flow("x", "b"), kind="parallelGateway")),
    ("sequence-flow-condition", "s-x", START + '<task id="x"/>' + flow("s", "x", "=true")),
    ("sequence-flow-condition", "x", chosen(flow("x", "a"), kind="parallelGateway", attributes='default="x-a"')),
    ("default-flow", "x", chosen(flow("x", "a", "=true"), flow("a", "b"), attributes='default="a-b"')),
    ("dangling-reference", "x-zz", after('<task id="x"/>') + flow("x", "zz")),
    ("event-based-gateway-target", "x", events(catching("a", MSG))),
    ("event-based-gateway-target", "b", events(catching("a", MSG), '<task id="b"/>')),
    ("event-based-gateway-target", "b", events(catching("a", MSG), catching("b", LINK))),
    ("event-based-gateway-target", "b", events(catching("a", MSG), catching("b", MSG))),
    ("event-based-gateway-target", "b", events(catching("a", MSG), catching("b", SIG)) + flow("a", "b")),
    (
        "event-based-gateway-target",
        "b",
        events(catching("a", TIMER), '<receiveTask id="b" messageRef="m"/>') + border("c", SIG, "b"),
    ),
    ("link-event", "x", thrown('<linkEventDefinition name="l"/>')),
    ("link-event", "x", thrown("<linkEventDefinition/>")),
    ("link-event", "b", LINKING + catching("a", LINK) + catching("b", LINK)),
    ("link-event", "a", LINKING + catching("a", LINK) + flow("s", "a")),
    ("link-event", "x", LINKING + catching("a", LINK) + flow("x", "t")),
    ("message-reference", "x", caught("<messageEventDefinition/>")),
    ("message-reference", "x", caught('<messageEventDefinition messageRef="nameless"/>')),
    ("message-reference", "x", '<startEvent id="x"><messageEventDefinition/></startEvent>'),
    ("message-reference", "x", thrown('<messageEventDefinition messageRef="nameless"/>')),
    ("message-reference", "x", after('<receiveTask id="x"/>')),
    ("message-reference", "x", extended("sendTask", '<zeebe:publishMessage correlationKey="=k"/>')),
    ("subscription", "x", caught('<messageEventDefinition messageRef="keyless"/>')),
    ("subscription", "x", bordered('<messageEventDefinition messageRef="keyless"/>')),
    ("subscription", "x", handler('<messageEventDefinition messageRef="keyless"/>')),
    ("subscription", "x", after('<receiveTask id="x" messageRef="keyless"/>')),
    ("signal-reference", "x", caught("<signalEventDefinition/>")),
    ("signal-reference", "x", ended('<signalEventDefinition signalRef="nameless-signal"/>')),
    ("error-reference", "x", ended("<errorEventDefinition/>")),
    ("error-reference", "x", ended('<errorEventDefinition errorRef="codeless"/>')),
    ("error-reference", "x", bordered('<errorEventDefinition errorRef="codeless"/>')),
    ("error-reference", "x", bordered('<errorEventDefinition errorRef="computed"/>')),
    ("escalation-reference", "x", thrown("<escalationEventDefinition/>")),
    ("escalation-reference", "x", ended('<escalationEventDefinition escalationRef="codeless-escalation"/>')),
    ("implementation", "x", after('<serviceTask id="x"/>')),
    ("implementation", "x", after('<sendTask id="x"/>')),
    ("implementation", "x", after('<scriptTask id="x"/>')),
    ("implementation", "x", after('<businessRuleTask id="x"/>')),
    ("implementation", "x", thrown("<messageEventDefinition/>")),
    ("implementation", "x", extended("serviceTask", '<zeebe:taskDefinition type=" "/>')),
    ("implementation", "x", extended("serviceTask", '<zeebe:taskDefinition type="t" retries="many"/>')),
    ("implementation", "x", extended("serviceTask", '<zeebe:taskDefinition type="t" retries="0"/>')),
    ("implementation", "x", extended("scriptTask", TASK + '<zeebe:script expression="=1"/>')),
    ("implementation", "x", extended("scriptTask", '<zeebe:script expression=" "/>')),
    ("implementation", "x", extended("businessRuleTask", DECISION + TASK)),
    ("implementation", "x", extended("businessRuleTask", '<zeebe:calledDecision decisionId="" resultVariable="r"/>')),
    ("implementation", "x", extended("businessRuleTask", '<zeebe:calledDecision decisionId="d"/>')),
    ("implementation", "x", extended("sendTask", TASK + "<zeebe:publishMessage/>", 'messageRef="m"')),
    ("retry", "x", extended("serviceTask", TASK + '<procession:retry cycle="5"/>')),
    ("retry", "x", extended("serviceTask", TASK + '<procession:retry backoff="PT1S, soon"/>')),
    (
        "retry",
        "x",
        extended("serviceTask", TASK.replace("/>", ' retries="5"/>') + '<procession:retry cycle="R3/PT1S"/>'),
    ),
    ("called-element", "x", after('<callActivity id="x"/>')),
    ("called-element", "x", extended("callActivity", '<zeebe:calledElement processId=" "/>')),
    ("version-tag", "x", extended("callActivity", '<zeebe:calledElement processId="q" bindingType="versionTag"/>')),
    ("version-tag", "x", extended("callActivity", '<zeebe:calledElement processId="q" bindingType="newest"/>')),
    ("version-tag", "x", extended("businessRuleTask", DECISION.replace("/>", ' bindingType="versionTag"/>'))),
    ("user-task-definition", "x", extended("userTask", '<zeebe:taskDefinition type="t"/>')),
    ("user-task-form", "x", extended("userTask", "<zeebe:formDefinition/>")),
    ("priority", "x", extended("userTask", '<zeebe:priorityDefinition priority="101"/>')),
    ("timer", "x", caught("<timerEventDefinition/>")),
    ("timer", "x", caught("<timerEventDefinition><timeDate>tomorrow</timeDate></timerEventDefinition>")),
    ("timer", "x", caught("<timerEventDefinition><timeDuration>1 hour</timeDuration></timerEventDefinition>")),
    ("timer", "x", caught(cycle("R3"))),
    ("timer", "x", bordered(cycle("R3/PT1H"))),
    ("timer", "x", handler(cycle("R3/PT1H"))),
    ("timer", "x", caught(TIMER.replace("<timerEventDefinition", '<timerEventDefinition procession:catchUp="maybe"'))),
    ("loop-characteristics", "x", looped("<standardLoopCharacteristics/>")),
    ("loop-characteristics", "x", looped("<multiInstanceLoopCharacteristics/>")),
    ("loop-characteristics", "x", collection('inputCollection="items"')),
    ("loop-characteristics", "x", collection('inputCollection="=items"', "<loopCardinality>3</loopCardinality>")),
    ("loop-characteristics", "x", collection('inputCollection="=items" outputCollection="results"')),
    ("loop-characteristics", "x", collection('inputElement="item"', "<loopCardinality>3</loopCardinality>")),
    ("loop-characteristics", "x", looped(multiple("3", 'behavior="One"'))),
    ("loop-characteristics", "x", looped(multiple(""))),
    ("io-mapping", "x", mapped("task", "input", "", "a")),
    ("io-mapping", "x", mapped("task", "output", "=1", "")),
    ("io-mapping", "x", mapped("exclusiveGateway", "input", "=1", "a")),
    ("io-mapping", "x", mapped("intermediateCatchEvent", "input", "=1", "a", inner=MSG)),
    ("variable-name", "x", mapped("task", "output", "=1", "a.1b")),
    ("variable-name", "x", mapped("task", "output", "=1", "null")),
    ("variable-name", "x", extended("scriptTask", '<zeebe:script expression="=1" resultVariable="1a"/>')),
    ("variable-name", "x", collection('inputCollection="=items" inputElement="then"')),
    ("feel", "x", extended("scriptTask", '<zeebe:script expression="=1 +" resultVariable="a"/>')),
    ("feel", "x", extended("serviceTask", '<zeebe:taskDefinition type="="/>')),
    ("feel", "x-a", chosen(flow("x", "a", "=a and and b"), flow("x", "b", "=true"))),
    ("expression-language", "x-a", chosen(flow("x", "a", "true"), flow("x", "b", "=true"))),
    ("expression-language", "x-a", chosen(flow("x", "a", "${a}"), flow("x", "b", "=true"))),
    ("duplicate-task-headers", "x", headed("serviceTask", "a", "a", task=TASK)),
    ("duplicate-task-headers", "x", headed("serviceTask", "", task=TASK)),
    ("duplicate-execution-listeners", "x", listening("task", "execution", ("end", "t"), ("end", "t"))),
    ("duplicate-task-listeners", "x", listening("userTask", "task", ("assigning", "t"), ("assignment", "t"))),
    ("execution-listener", "x", listening("task", "execution", ("end", ""))),
    ("execution-listener", "x", listening("eventBasedGateway", "execution", ("end", "t"))),
    ("execution-listener", "x", listening("endEvent", "execution", ("end", "t"), inner="<terminateEventDefinition/>")),
    ("execution-listener", "x", listening("endEvent", "execution", ("end", "t"), inner=ERR)),
    ("execution-listener", "x", listening("intermediateThrowEvent", "execution", ("end", "t"), inner=LINK)),
    ("io-mapping", "x", mapped("endEvent", "output", "=1", "a", inner=ERR)),
    ("io-mapping", "x", mapped("intermediateThrowEvent", "output", "=1", "a", inner=LINK)),
    ("task-listener", "x", listening("userTask", "task", ("canceling", ""))),
    ("task-schedule", "x", extended("userTask", '<zeebe:taskSchedule dueDate="tomorrow"/>')),
    ("task-schedule", "x", extended("userTask", '<zeebe:taskSchedule followUpDate="2026-13-01"/>')),
    ("start-event-form", "x", f'<startEvent id="x">{EXTENDED_FORM}{MSG}</startEvent>'),
    ("start-event-form", "x", nested(f'<startEvent id="x">{EXTENDED_FORM}</startEvent>')),
    (
        "start-event-form",
        "x",
        '<startEvent id="x"><extensionElements><zeebe:formDefinition/></extensionElements></startEvent>',
    ),
]

WARNINGS: Final = [
    (
        "sequence-flow-immediate",
        "f",
        START + '<task id="x"/><sequenceFlow id="f" sourceRef="s" targetRef="x" isImmediate="false"/>',
    ),
    ("no-disconnected", "y", after('<task id="x"/><task id="y"/>')),
    ("start-event", "u", after('<subProcess id="u"/>', "u")),
    ("link-event", "a", START + catching("a", LINK)),
    ("variable-name", "x", mapped("task", "output", "=1", "my value")),
    ("extension-attribute", "x", extended("task", '<zeebe:taskDefinition type="t"/>')),
    ("extension-attribute", "x", headed("userTask", "a")),
    ("extension-attribute", "x", after('<task id="x" procession:catchUp="all"/>')),
    ("extension-attribute", "x", caught(TIMER.replace("Definition>", 'Definition procession:catchup="all">', 1))),
    ("foreign-extension", "x", after('<userTask id="x" xmlns:c="http://camunda.org/schema/1.0/bpmn" c:dueDate="1"/>')),
    ("user-task-definition", "x", after('<userTask id="x"><potentialOwner/></userTask>')),
]

STANDARD: Final = [
    ("implementation", "x", after('<serviceTask id="x"/>')),
]

SOUND: Final = [
    ("a cycle on a catch event", caught(cycle("R3/PT1H")), "zeebe"),
    ("a cycle on an interrupting boundary event", bordered(cycle("R3/PT1H")), "standard"),
    ("a message without a key", caught(MSG), "standard"),
    ("an escalation boundary event on a task is only idle", bordered("<escalationEventDefinition/>"), "standard"),
    ("a duration on a process start", f'<startEvent id="x">{TIMER}</startEvent>', "zeebe"),
    ("a catch of every error beside one of a code", bordered(ERR) + border("y", ANY_ERROR), "zeebe"),
    ("no start event at all", '<task id="a"/><task id="b"/>' + flow("a", "b"), "standard"),
    ("a gateway that leads nowhere", after('<exclusiveGateway id="x"/>'), "zeebe"),
    (
        "several triggered starts",
        START + f'<startEvent id="y">{MSG}</startEvent><startEvent id="z">{TIMER}</startEvent>',
        "zeebe",
    ),
    ("an empty end of a path", after('<task id="x"/>'), "standard"),
    ("a message thrown without a job", ended(MSG), "zeebe"),
    (
        "the same message at two activities",
        bordered(MSG) + '<task id="g"/>' + flow("h", "g") + border("y", MSG, "g"),
        "zeebe",
    ),
]


@pytest.mark.parametrize(("what", "body"), ELEMENT_TYPE, ids=[row[0] for row in ELEMENT_TYPE])
def test_what_is_not_executed_is_refused_never_skipped(what: str, body: str) -> None:
    programs, diagnostics = compile_definitions(definitions_of(document(body)))
    errors = [d for d in diagnostics if d.severity == "error" and d.rule == "element-type"]
    assert errors, diagnostics
    assert not programs
    assert all(d.remedy and d.element and d.span.line and d.span.column for d in errors)


@pytest.mark.parametrize(
    ("rule", "element", "body"), RULES, ids=[f"{row[0]}-{number}" for number, row in enumerate(RULES)]
)
def test_what_breaks_a_rule_is_refused_by_its_name(rule: str, element: str, body: str) -> None:
    programs, diagnostics = compile_definitions(definitions_of(document(body)))
    errors = [d for d in diagnostics if d.severity == "error"]
    assert (rule, element) in [(d.rule, d.element) for d in errors], [str(d) for d in diagnostics]
    assert not programs
    assert all(d.span.file == "f.bpmn" and d.span.line and d.span.column and d.message for d in errors)
    assert all(d.remedy for d in errors), errors


@pytest.mark.parametrize(
    ("rule", "element", "body"), WARNINGS, ids=[f"{row[0]}-{number}" for number, row in enumerate(WARNINGS)]
)
def test_what_has_no_effect_is_said_and_does_not_stop(rule: str, element: str, body: str) -> None:
    definitions = definitions_of(document(body))
    programs, diagnostics = compile_definitions(definitions)
    assert (rule, element, "warning") in [(d.rule, d.element, d.severity) for d in diagnostics]
    assert programs, [str(d) for d in diagnostics]
    assert not compile_definitions(definitions, strict=True)[0]


@pytest.mark.parametrize(("rule", "element", "body"), STANDARD)
def test_the_standard_profile_is_stricter_where_zeebe_only_draws(rule: str, element: str, body: str) -> None:
    errors = [(d.rule, d.element) for d in found(document(body, profile="standard")) if d.severity == "error"]
    assert (rule, element) in errors


BY_PROFILE: Final[dict[Line, tuple[str, str]]] = {
    "condition of a default flow": (
        "sequence-flow-condition",
        chosen(flow("x", "a", "=a"), flow("x", "b", "=b"), attributes='default="x-a"'),
    ),
    "escalation at the border of a task": (
        "escalation-boundary-event-attached-to-ref",
        bordered("<escalationEventDefinition/>"),
    ),
    "message without a correlation key": (
        "subscription",
        caught('<messageEventDefinition messageRef="keyless"/>'),
    ),
    "cycle of an event that comes once": ("timer", bordered(cycle("R3/PT1H"))),
    "compensation event without an activity": ("compensation", bordered("<compensateEventDefinition/>")),
}


@pytest.mark.parametrize("profile", ["zeebe", "standard"])
@pytest.mark.parametrize("line", SEVERITIES)
def test_a_rule_that_depends_on_the_profile_weighs_what_its_row_says(line: Line, profile: Profile) -> None:
    rule, body = BY_PROFILE[line]
    drawn = document(body, roots='<message id="keyless" name="news"/>', profile=profile)
    weights = {d.severity for d in found(drawn) if d.rule == rule}
    expected = SEVERITIES[line][profile]
    assert weights == (set() if expected is None else {expected})


@pytest.mark.parametrize(("what", "body", "profile"), SOUND, ids=[row[0] for row in SOUND])
def test_what_the_standard_gives_a_meaning_is_allowed(what: str, body: str, profile: str) -> None:
    programs, diagnostics = compile_definitions(definitions_of(document(body, profile=profile)))
    assert [str(d) for d in diagnostics if d.severity == "error"] == []
    assert len(programs) == 1


def test_a_drawing_is_deployed_as_nothing_and_said_so_and_a_document_without_a_process_is_refused() -> None:
    drawn = document(after('<serviceTask id="x"/>')).replace('isExecutable="true"', "")
    programs, diagnostics = compile_definitions(definitions_of(drawn))
    assert not programs
    assert [(d.rule, d.severity) for d in diagnostics] == [("executable-process", "warning")]
    empty = f'<definitions xmlns="{MODEL}" id="d" targetNamespace="urn:t"/>'
    assert [(d.rule, d.severity) for d in found(empty)] == [("executable-process", "error")]


def test_a_process_that_is_drawn_beside_an_executable_one_is_said() -> None:
    text = document(after('<task id="x"/>')).replace("</definitions>", '<process id="q"/></definitions>')
    programs, diagnostics = compile_definitions(definitions_of(text))
    assert [program.process_id for program in programs] == ["p"]
    assert [(d.rule, d.element, d.severity) for d in diagnostics] == [("executable-process", "q", "info")]


def test_a_correlation_key_that_no_message_holds_is_said() -> None:
    pool = '<participant id="pool" processRef="p"/><correlationKey id="k"/>'
    text = document(after('<task id="x"/>')).replace(
        "</definitions>", f'<collaboration id="co">{pool}</collaboration></definitions>'
    )
    assert ("correlation", "k", "warning") in [(d.rule, d.element, d.severity) for d in found(text)]


def test_a_drawing_is_checked_by_the_same_rules_as_warnings() -> None:
    drawn = document(after('<serviceTask id="x"/>')).replace('isExecutable="true"', "")
    both = [(d.rule, d.severity) for d in check_definitions(definitions_of(drawn))]
    assert both == [("executable-process", "warning"), ("implementation", "warning")]


def test_one_faulty_process_refuses_the_whole_document() -> None:
    text = document(after('<task id="x"/>')).replace(
        "</definitions>", '<process id="q" isExecutable="true"/></definitions>'
    )
    programs, diagnostics = compile_definitions(definitions_of(text))
    assert not programs
    assert {d.element for d in diagnostics} == {"q"}


def test_findings_stand_in_the_order_of_the_document_and_once() -> None:
    body = "\n".join((START, '<serviceTask id="a"/>', '<sendTask id="b"/>', path("s", "a", "b")))
    diagnostics = found(document(body))
    assert [(d.rule, d.element) for d in diagnostics] == [("implementation", "a"), ("implementation", "b")]
    assert len(set(diagnostics)) == len(diagnostics)


def test_a_deployment_binding_must_be_deployed_together() -> None:
    body = extended("callActivity", '<zeebe:calledElement processId="q" bindingType="deployment"/>')
    definitions = definitions_of(document(body))
    assert len(compile_definitions(definitions, resources=frozenset({"p", "q"}))[0]) == 1
    assert len(compile_definitions(definitions)[0]) == 1
    refused = compile_definitions(definitions, resources=frozenset({"p"}))[1]
    assert [(d.rule, d.element) for d in refused if d.severity == "error"] == [("called-element", "x")]


@pytest.mark.parametrize(("called", "severity"), [("g", "error"), ("other", "warning")])
def test_what_a_global_task_lacks_refuses_it_where_it_is_called(called: str, severity: str) -> None:
    text = document(after(f'<callActivity id="x" calledElement="{called}"/>')).replace(
        "</definitions>", '<globalBusinessRuleTask id="g"/></definitions>'
    )
    programs, diagnostics = compile_definitions(definitions_of(text))
    assert [(d.rule, d.element, d.severity) for d in diagnostics] == [("implementation", "g_task", severity)]
    assert [program.process_id for program in programs] == ([] if severity == "error" else ["p"])


def test_unknown_elements_of_bpmn_are_refused_where_they_stand() -> None:
    errors = [d for d in found(document(after('<task id="x"/><chore id="c"/>'))) if d.severity == "error"]
    assert [(d.rule, d.element) for d in errors] == [("element-type", "c")]


def test_a_job_that_a_message_end_event_names_is_no_fault() -> None:
    body = after(f'<endEvent id="x">{JOB}<messageEventDefinition/></endEvent>')
    assert found(document(body)) == []
