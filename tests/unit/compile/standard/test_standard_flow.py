"""The rules about sequence flows, gateways, and how processes and sub-processes begin and end."""

from __future__ import annotations

from typing import Final

import pytest

from unit.compile.standard.drawing import (
    COMPENSATE,
    CONDITION,
    ERROR,
    ESCALATION,
    FORMAL,
    LINK,
    MSG,
    ROOTS,
    SIGNAL,
    TIMER,
    TRIGGERS,
    Row,
    broken_rules,
    connected,
    document,
    line,
    process,
)

TASK: Final = '<task id="x"/>'
VALID: Final = document(line(TASK))
BASE: Final = '<startEvent id="s"/><task id="x"/><endEvent id="e"/>'
NOTE: Final = '<textAnnotation id="n"/>'
YES: Final = f"<conditionExpression {FORMAL}>a</conditionExpression>"


def flow(source: str, target: str, inside: str = "", more: str = "") -> str:
    return f'<sequenceFlow id="f" sourceRef="{source}" targetRef="{target}" {more}>{inside}</sequenceFlow>'


def split(gateway: str, *, condition: str = "", default: str = "") -> str:
    """A gateway or activity `x` with two flows to the end, the first one conditional."""
    node = gateway.replace('id="x"', f'id="x" default="{default}"') if default else gateway
    drawn = document(ROOTS, process(f'<startEvent id="s"/>{node}<task id="y"/><endEvent id="e"/>', "s>x x>y x>e y>e"))
    closed = 'sourceRef="x" targetRef="y"/>'
    return drawn.replace(closed, f"{closed[:-2]}>{condition}</sequenceFlow>") if condition else drawn


def merged(gateway: str) -> str:
    """A gateway `x` to which two flows lead."""
    return document(process(f'<startEvent id="s"/><task id="y"/>{gateway}<endEvent id="e"/>', "s>x s>y y>x x>e"))


def nested(inner: str, outer: str = "s>x x>e", *, tag: str = "subProcess", more: str = "", attributes: str = "") -> str:
    """A sub-process `x` in the middle of a process."""
    node = f'<{tag} id="x" {attributes}>{more}</{tag}>'
    drawn = connected(f'<startEvent id="s"/>{node}<endEvent id="e"/>', outer)
    return document(ROOTS, process(last=drawn.replace(f"</{tag}>", f"{inner}</{tag}>")))


def in_event_sub_process(definition: str, attributes: str = "") -> str:
    """A process with an event sub-process that a definition starts."""
    inner = connected(f'<startEvent id="hs" {attributes}>{definition}</startEvent><endEvent id="he"/>', "hs>he")
    return document(ROOTS, line(TASK, more=f'<subProcess id="h" triggeredByEvent="true">{inner}</subProcess>'))


def waits(*targets: str, attributes: str = "", more: str = "", flows: str = "", begins: bool = True) -> str:
    """An event-based gateway `x` that leads to targets `t0`, `t1` and so on."""
    names = [f"t{number}" for number in range(len(targets))]
    nodes = "".join(target.replace('id="t"', f'id="{name}"') for name, target in zip(names, targets, strict=True))
    start = '<startEvent id="s"/>' if begins else ""
    drawn = " ".join(f"x>{name} {name}>e" for name in names)
    return document(
        ROOTS,
        process(
            f'{start}<eventBasedGateway id="x" {attributes}/>{nodes}<endEvent id="e"/>{more}',
            f"{'s>x ' if begins else ''}{drawn} {flows}",
        ),
    )


def catching(definition: str) -> str:
    return f'<intermediateCatchEvent id="t">{definition}</intermediateCatchEvent>'


RECEIVE: Final = '<receiveTask id="t"/>'
WAITS: Final = waits(catching(TIMER), catching(SIGNAL))
INSTANTIATES: Final = 'instantiate="true"'
INNER: Final = connected('<startEvent id="is"/><task id="it"/><endEvent id="ie"/>', "is>it it>ie")
AD_HOC: Final = {"tag": "adHocSubProcess"}
CHOSEN: Final = split('<exclusiveGateway id="x"/>', condition=YES, default="x_e")

ROWS: Final = (
    Row(
        "sequence-flow-nodes",
        document(process(BASE, "s>x x>e", last=flow("x", "n") + NOTE)),
        document(process(BASE, "s>x x>e", last=NOTE)),
    ),
    Row("sequence-flow-nodes", document(process(BASE, "s>x x>e", last='<dataObject id="d"/>' + flow("d", "x"))), VALID),
    Row("sequence-flow-boundary", nested(INNER + flow("it", "e")), nested(INNER)),
    Row(
        "sequence-flow-boundary",
        document(
            line(TASK), process('<startEvent id="s2"/><endEvent id="e2"/>', "s2>e2", id="q", last=flow("s2", "e"))
        ),
        VALID,
    ),
    Row(
        "event-sub-process-flows",
        document(process(f'{BASE}<subProcess id="h" triggeredByEvent="true"/>', "s>x x>e x>h")),
        in_event_sub_process(TIMER),
    ),
    Row(
        "event-sub-process-flows",
        document(process(f'{BASE}<subProcess id="h" triggeredByEvent="true"/>', "s>x x>e h>e")),
        in_event_sub_process(TIMER),
    ),
    Row("sequence-flow-listed", VALID.replace("<incoming>s_x</incoming>", ""), VALID),
    Row("sequence-flow-listed", VALID.replace("<outgoing>x_e</outgoing>", "<outgoing>s_x</outgoing>"), VALID),
    Row(
        "sequence-flow-immediate",
        VALID.replace('targetRef="x"', 'targetRef="x" isImmediate="false"'),
        VALID.replace('targetRef="x"', 'targetRef="x" isImmediate="true"'),
    ),
    Row(
        "sequence-flow-conditional-alone",
        VALID.replace('targetRef="e"/>', f'targetRef="e">{YES}</sequenceFlow>'),
        split(TASK, condition=YES),
    ),
    Row(
        "sequence-flow-condition-source", VALID.replace('targetRef="x"/>', f'targetRef="x">{YES}</sequenceFlow>'), VALID
    ),
    Row(
        "sequence-flow-condition-source",
        split('<parallelGateway id="x"/>', condition=YES),
        split('<inclusiveGateway id="x"/>', condition=YES),
    ),
    Row(
        "sequence-flow-condition-source",
        WAITS.replace('targetRef="t0"/>', f'targetRef="t0">{YES}</sequenceFlow>'),
        WAITS,
    ),
    Row("default-flow-source", split(TASK, condition=YES, default="s_x"), split(TASK, condition=YES, default="x_e")),
    Row("default-flow-source", split('<exclusiveGateway id="x"/>', default="s_x"), CHOSEN),
    Row("default-flow-condition", split('<exclusiveGateway id="x"/>', condition=YES, default="x_y"), CHOSEN),
    *(
        Row(
            "gateway-direction",
            split(f'<{kind} id="x" gatewayDirection="{direction}"/>'),
            split(f'<{kind} id="x" gatewayDirection="Diverging"/>'),
        )
        for kind in ("exclusiveGateway", "parallelGateway", "inclusiveGateway", "complexGateway")
        for direction in ("Converging", "Mixed")
    ),
    *(
        Row(
            "gateway-direction",
            merged(f'<{kind} id="x" gatewayDirection="{direction}"/>'),
            merged(f'<{kind} id="x" gatewayDirection="Converging"/>'),
        )
        for kind in ("exclusiveGateway", "parallelGateway", "inclusiveGateway")
        for direction in ("Diverging", "Mixed")
    ),
    Row("gateway-merges-or-splits", document(line('<parallelGateway id="x"/>')), merged('<parallelGateway id="x"/>')),
    Row(
        "complex-gateway-activation",
        merged('<complexGateway id="x"/>'),
        merged(f'<complexGateway id="x"><activationCondition {FORMAL}>a</activationCondition></complexGateway>'),
    ),
    Row("event-gateway-outgoing", waits(catching(TIMER)), WAITS),
    Row("event-gateway-target", waits(catching(TIMER), '<task id="t"/>'), waits(catching(TIMER), RECEIVE)),
    Row("event-gateway-target", waits(catching(TIMER), catching(LINK)), waits(catching(CONDITION), catching(MSG))),
    Row(
        "event-gateway-target",
        waits(catching(TIMER), f'<intermediateThrowEvent id="t">{SIGNAL}</intermediateThrowEvent>'),
        WAITS,
    ),
    Row("event-gateway-messages", waits(catching(MSG), RECEIVE), waits(catching(MSG), catching(MSG))),
    Row(
        "event-gateway-receive-task",
        waits(
            catching(TIMER),
            RECEIVE,
            more=f'<boundaryEvent id="b" attachedToRef="t1">{TIMER}</boundaryEvent>',
            flows="b>e",
        ),
        waits(catching(TIMER), RECEIVE),
    ),
    Row(
        "event-gateway-target-incoming", waits(catching(TIMER), RECEIVE, flows="s>t1"), waits(catching(TIMER), RECEIVE)
    ),
    Row(
        "event-gateway-instantiate",
        waits(catching(MSG), catching(MSG), attributes=INSTANTIATES),
        waits(catching(MSG), catching(MSG), attributes=INSTANTIATES, begins=False),
    ),
    Row(
        "event-gateway-parallel",
        waits(catching(MSG), catching(MSG), attributes='eventGatewayType="Parallel"'),
        waits(catching(MSG), catching(MSG), attributes=f'eventGatewayType="Parallel" {INSTANTIATES}', begins=False),
    ),
    Row(
        "event-gateway-start-messages",
        waits(catching(MSG), catching(TIMER), attributes=f'eventGatewayType="Parallel" {INSTANTIATES}', begins=False),
        waits(catching(MSG), catching(MSG), attributes=f'eventGatewayType="Parallel" {INSTANTIATES}', begins=False),
    ),
    Row(
        "event-gateway-start-scope",
        nested(
            connected(
                f'<eventBasedGateway id="g" {INSTANTIATES}/><receiveTask id="r1"/><receiveTask id="r2"/>', "g>r1 g>r2"
            )
        ),
        nested(connected('<eventBasedGateway id="g"/><receiveTask id="r1"/><receiveTask id="r2"/>', "g>r1 g>r2")),
    ),
    Row("start-event-missing", document(process('<task id="x"/><endEvent id="e"/>', "x>e")), VALID),
    Row("start-event-missing", nested(connected('<task id="it"/><endEvent id="ie"/>', "it>ie")), nested(INNER)),
    Row(
        "start-event-missing",
        document(process('<task id="x"/><endEvent id="e"/>', "x>e")),
        document(process('<receiveTask id="x" instantiate="true"/><endEvent id="e"/>', "x>e")),
    ),
    Row("end-event-missing", document(process('<startEvent id="s"/><task id="x"/>', "s>x")), VALID),
    Row(
        "end-event-missing",
        nested(connected('<startEvent id="is"/><task id="it"/>', "is>it"), tag="transaction"),
        nested(INNER, tag="transaction"),
    ),
    Row(
        "flow-node-incoming",
        document(line(TASK, more='<task id="y"/>', flows="y>e")),
        document(line(TASK, more='<task id="y" isForCompensation="true"/>')),
    ),
    Row("flow-node-incoming", document(line(TASK, more='<exclusiveGateway id="y"/>', flows="y>e")), VALID),
    Row("flow-node-outgoing", document(line(TASK, more='<task id="y"/>', flows="s>y")), VALID),
    Row(
        "flow-node-outgoing",
        document(line(TASK, more='<subProcess id="y"/>', flows="s>y")),
        in_event_sub_process(TIMER),
    ),
    Row(
        "intermediate-event-flows",
        document(process('<task id="x"/><intermediateThrowEvent id="y"/>', "y>x")),
        document(process('<task id="x"/><intermediateThrowEvent id="y"/><task id="z"/>', "x>y y>z")),
    ),
    Row(
        "intermediate-event-flows",
        document(
            ROOTS, process(f'<task id="x"/><intermediateCatchEvent id="y">{TIMER}</intermediateCatchEvent>', "x>y")
        ),
        nested(
            f'<task id="it"/><intermediateCatchEvent id="y">{TIMER}</intermediateCatchEvent>', tag="adHocSubProcess"
        ),
    ),
    Row(
        "boundary-event-outgoing",
        document(line(TASK, more=f'<boundaryEvent id="b" attachedToRef="x">{TIMER}</boundaryEvent>')),
        document(line(TASK, more=f'<boundaryEvent id="b" attachedToRef="x">{TIMER}</boundaryEvent>', flows="b>e")),
    ),
    Row("start-event-incoming", document(line(TASK, flows="x>s")), VALID),
    Row(
        "start-event-outgoing",
        document(line(TASK, more='<startEvent id="t"/>')),
        document(line(TASK, more='<startEvent id="t"/>', flows="t>x")),
    ),
    *(
        Row(
            "start-event-trigger",
            document(ROOTS, process(f'<startEvent id="s">{TRIGGERS[trigger]}</startEvent><endEvent id="e"/>', "s>e")),
            document(ROOTS, process(f'<startEvent id="s">{TRIGGERS[good]}</startEvent><endEvent id="e"/>', "s>e")),
        )
        for trigger, good in (
            ("error", "message"),
            ("escalation", "timer"),
            ("compensate", "conditional"),
            ("cancel", "signal"),
            ("terminate", "signal"),
            ("link", "signal"),
        )
    ),
    *(
        Row(
            "sub-process-start-event",
            nested(connected(f'<startEvent id="is">{definition}</startEvent><endEvent id="ie"/>', "is>ie"), tag=tag),
            nested(INNER, tag=tag),
        )
        for tag in ("subProcess", "transaction")
        for definition in (MSG, TIMER, ERROR)
    ),
    *(
        Row(
            "event-sub-process-trigger",
            in_event_sub_process(TRIGGERS[bad] if bad else ""),
            in_event_sub_process(TRIGGERS[good]),
        )
        for bad, good in (
            ("", "message"),
            ("cancel", "timer"),
            ("link", "escalation"),
            ("terminate", "error"),
            ("", "conditional"),
            ("", "signal"),
            ("", "compensate"),
        )
    ),
    *(
        Row(
            "event-sub-process-interrupts",
            in_event_sub_process(bad, 'isInterrupting="false"'),
            in_event_sub_process(good, 'isInterrupting="false"'),
        )
        for bad, good in ((ERROR, ESCALATION), (COMPENSATE, MSG))
    ),
    Row(
        "event-sub-process-start-event",
        document(line(TASK, more='<subProcess id="h" triggeredByEvent="true"><task id="y"/></subProcess>')),
        in_event_sub_process(TIMER),
    ),
    Row(
        "event-sub-process-start-event",
        in_event_sub_process(TIMER).replace(
            '<endEvent id="he">', f'<startEvent id="h2">{TIMER}</startEvent><endEvent id="he">'
        ),
        in_event_sub_process(TIMER),
    ),
    Row(
        "event-sub-process-boundary",
        in_event_sub_process(TIMER).replace(
            "</process>", f'<boundaryEvent id="b" attachedToRef="h">{TIMER}</boundaryEvent></process>'
        ),
        in_event_sub_process(TIMER),
    ),
    Row("end-event-outgoing", document(line(TASK, flows="e>x")), VALID),
    Row(
        "end-event-incoming",
        document(line(TASK, more='<endEvent id="y"/>')),
        document(line(TASK, more='<endEvent id="y"/>', flows="x>y")),
    ),
    Row("ad-hoc-activity", nested("", tag="adHocSubProcess"), nested('<task id="it"/>', tag="adHocSubProcess")),
    *(
        Row(
            "ad-hoc-content",
            nested(f'<task id="it"/><{event} id="ie"/>', tag="adHocSubProcess"),
            nested('<task id="it"/>', tag="adHocSubProcess"),
        )
        for event in ("startEvent", "endEvent")
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.rule)
def test_a_breach_is_found_and_its_correction_is_not_one(row: Row) -> None:
    assert row.rule in broken_rules(row.broken)
    assert broken_rules(row.valid) == []
