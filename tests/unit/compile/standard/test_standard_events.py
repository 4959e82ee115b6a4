"""The rules about events: their triggers, links, compensation, and what definitions must say."""

from __future__ import annotations

from typing import Final

import pytest

from unit.compile.standard.drawing import (
    CANCEL,
    COMPENSATE,
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
HOST: Final = '<task id="x"/>'
UNDO: Final = '<task id="u" isForCompensation="true"/>'
UNDOES: Final = '<association id="as" sourceRef="b" targetRef="u"/>'


def caught(definition: str) -> str:
    return document(ROOTS, line(f'<intermediateCatchEvent id="x">{definition}</intermediateCatchEvent>'))


def thrown(definition: str) -> str:
    return document(ROOTS, line(f'<intermediateThrowEvent id="x">{definition}</intermediateThrowEvent>'))


def ended(definition: str, tag: str = "subProcess") -> str:
    """A sub-process that ends by a definition."""
    inner = connected(f'<startEvent id="is"/><endEvent id="ie">{definition}</endEvent>', "is>ie")
    return document(ROOTS, line(f'<{tag} id="x"></{tag}>').replace(f"</{tag}>", f"{inner}</{tag}>"))


def bordered(
    definition: str, attributes: str = "", *, host: str = HOST, flows: str = "b>e", more: str = "", last: str = ""
) -> str:
    event = f'<boundaryEvent id="b" attachedToRef="x" {attributes}>{definition}</boundaryEvent>'
    return document(ROOTS, line(host, more=event + more, flows=flows, last=last))


def undone(
    definition: str = COMPENSATE, *, more: str = UNDO, last: str = UNDOES, flows: str = "", attributes: str = ""
) -> str:
    return bordered(definition, attributes, flows=flows, more=more, last=last)


def links(throw: str = LINK, catch: str = LINK, more: str = "", flows: str = "s>t c>e") -> str:
    """A link from `t` to `c`."""
    return document(
        ROOTS,
        process(
            f'<startEvent id="s"/><intermediateThrowEvent id="t">{throw}</intermediateThrowEvent>'
            f'<intermediateCatchEvent id="c">{catch}</intermediateCatchEvent><endEvent id="e"/>{more}',
            flows,
        ),
    )


def half(id: str, inside: str, name: str = "") -> str:
    return f'<linkEventDefinition id="{id}" name="{name or id}">{inside}</linkEventDefinition>'


SOURCE: Final = half("lt", "<target>lc</target>")
TARGET: Final = half("lc", "<source>lt</source>")
PAIRED: Final = links(SOURCE, TARGET)
BOUNDARY: Final = bordered(TIMER)
UNDONE: Final = undone()


def compensates(activity: str, where: str = "") -> str:
    """A throw event that compensates an activity by name, beside a sub-process `sub`."""
    inner = connected('<startEvent id="is"/><task id="in"/><endEvent id="ie"/>', "is>in in>ie")
    body = connected(
        f'<startEvent id="s"/><task id="x"/><subProcess id="sub"></subProcess><intermediateThrowEvent id="t">'
        f'<compensateEventDefinition activityRef="{activity}"/></intermediateThrowEvent><endEvent id="e"/>',
        "s>x x>sub sub>t t>e",
    )
    return document(process(last=body.replace("</subProcess>", f"{inner}</subProcess>")))


def timed(tag: str, text: str, *, formal: str = FORMAL) -> str:
    return caught(f"<timerEventDefinition><{tag} {formal}>{text}</{tag}></timerEventDefinition>")


OTHER: Final = MSG.replace('"m"', '"m2"')
CATCHABLE: Final = frozenset({"message", "timer", "conditional", "signal"})
THROWN: Final = frozenset({"message", "escalation", "compensate", "signal"})
ENDING: Final = frozenset({"message", "error", "escalation", "compensate", "signal", "terminate"})
BORDERS: Final = frozenset({"message", "timer", "escalation", "error", "conditional", "signal"})
BESIDE: Final = BORDERS - {"error"}

ROWS: Final = (
    Row("implicit-throw-event", document(ROOTS, line('<implicitThrowEvent id="x"/>')), thrown("")),
    *(
        Row("event-trigger", caught(TRIGGERS[each]), caught(MSG))
        for each in sorted(TRIGGERS.keys() - CATCHABLE - {"link"})
    ),
    Row("event-trigger", caught(""), caught(TIMER)),
    *(Row("event-trigger", thrown(TRIGGERS[each]), thrown("")) for each in sorted(TRIGGERS.keys() - THROWN - {"link"})),
    *(Row("event-trigger", ended(TRIGGERS[each]), ended("")) for each in sorted(TRIGGERS.keys() - ENDING - {"cancel"})),
    Row("link-event-alone", links(LINK + SIGNAL), links()),
    *(Row("boundary-event-trigger", bordered(TRIGGERS[each]), BOUNDARY) for each in ("link", "terminate")),
    *(
        Row(
            "boundary-event-trigger",
            bordered(TRIGGERS[each], 'cancelActivity="false"'),
            bordered(SIGNAL, 'cancelActivity="false"'),
        )
        for each in ("error", "cancel", "compensate", "link", "terminate")
    ),
    Row("boundary-event-trigger", bordered(""), BOUNDARY),
    Row(
        "boundary-event-trigger",
        bordered(SIGNAL + TRIGGERS["error"], 'cancelActivity="false"'),
        bordered(SIGNAL + TIMER, 'cancelActivity="false"'),
    ),
    Row("boundary-event-incoming", bordered(TIMER, flows="b>e s>b"), BOUNDARY),
    Row(
        "boundary-event-scope",
        document(
            ROOTS,
            line(
                '<subProcess id="x"><task id="y"/></subProcess>',
                more=f'<boundaryEvent id="b" attachedToRef="y">{TIMER}</boundaryEvent>',
                flows="b>e",
            ),
        ),
        BOUNDARY,
    ),
    *(
        Row(
            "cancel-boundary-event",
            bordered(CANCEL, host=f'<{host} id="x"/>'),
            bordered(CANCEL, host='<transaction id="x"/>'),
        )
        for host in ("task", "subProcess", "callActivity")
    ),
    Row("cancel-end-event", ended(CANCEL), ended(CANCEL, "transaction")),
    Row("compensation-event-flow", undone(flows="b>e"), UNDONE),
    Row("compensation-event-handler", undone(last=""), UNDONE),
    Row("compensation-event-handler", undone(more='<task id="u"/>', flows="x>u u>e"), UNDONE),
    Row("compensation-activity-ref", compensates("in"), compensates("x")),
    Row("compensation-activity-ref", undone('<compensateEventDefinition activityRef="x"/>'), UNDONE),
    Row("link-event-flow", links(flows="s>t t>e c>e"), links()),
    Row("link-event-flow", links(flows="s>t s>c c>e"), links()),
    Row("link-event-pair", links(catch=half("lc", "")), PAIRED),
    Row("link-event-pair", links(throw=half("lt", "")), PAIRED),
    Row("link-event-pair", links(half("lt", "<source>lc</source>"), half("lc", "<source>lt</source>")), PAIRED),
    Row(
        "link-event-mutual",
        links(
            SOURCE,
            half("lc", "<source>other</source>"),
            f'<intermediateThrowEvent id="t2">{half("other", "<target>lc</target>")}</intermediateThrowEvent>',
            "s>t s>t2 c>e",
        ),
        links(
            SOURCE,
            half("lc", "<source>lt</source><source>other</source>"),
            f'<intermediateThrowEvent id="t2">{half("other", "<target>lc</target>")}</intermediateThrowEvent>',
            "s>t s>t2 c>e",
        ),
    ),
    Row(
        "link-event-scope",
        document(
            process(
                '<startEvent id="s"/><subProcess id="sub">'
                + f'<intermediateThrowEvent id="t">{SOURCE}</intermediateThrowEvent></subProcess>'
                f'<intermediateCatchEvent id="c">{TARGET}</intermediateCatchEvent><endEvent id="e"/>',
                "c>e",
            )
        ),
        PAIRED,
    ),
    Row(
        "link-event-scope",
        links(
            half("lt", "<target>l2</target>"),
            TARGET,
            f'<intermediateThrowEvent id="t2">{half("l2", "<target>lc</target>")}</intermediateThrowEvent>',
            "s>t s>t2 c>e",
        ),
        PAIRED,
    ),
    Row(
        "link-event-target-twice",
        links(more=f'<intermediateCatchEvent id="c2">{LINK}</intermediateCatchEvent>', flows="s>t c>e c2>e"),
        links(),
    ),
    Row("message-event-definition", caught('<messageEventDefinition messageRef="m"/>'), caught(MSG)),
    Row(
        "message-event-definition",
        caught("<messageEventDefinition><operationRef>op</operationRef></messageEventDefinition>"),
        document(line('<intermediateCatchEvent id="x"><messageEventDefinition/></intermediateCatchEvent>', runs=False)),
    ),
    Row(
        "message-event-operation",
        document(ROOTS, '<message id="m2"/>', line(f'<intermediateCatchEvent id="x">{OTHER}</intermediateCatchEvent>')),
        caught(MSG),
    ),
    Row("signal-event-definition", caught("<signalEventDefinition/>"), caught(SIGNAL)),
    Row("thrown-code", ended("<errorEventDefinition/>"), ended(TRIGGERS["error"])),
    Row("thrown-code", ended("<escalationEventDefinition/>"), ended(TRIGGERS["escalation"])),
    Row("thrown-code", ended(TRIGGERS["error"]).replace('errorCode="E"', ""), bordered("<errorEventDefinition/>")),
    Row(
        "thrown-code", thrown(TRIGGERS["escalation"]).replace('escalationCode="C"', ""), thrown(TRIGGERS["escalation"])
    ),
    Row("timer-event-definition", caught("<timerEventDefinition/>"), caught(TIMER)),
    *(
        Row("timer-format", timed(tag, bad), timed(tag, good))
        for tag, bad, good in (
            ("timeDate", "INVALID", "2030-12-24T20:00:00"),
            ("timeDate", "2030-13-01T20:00:00Z", "2030-12-24T20:00:00.5+02:00"),
            ("timeDate", "tomorrow", "2030-12-24"),
            ("timeDuration", "INVALID", "PT1H30M"),
            ("timeDuration", "P", "P1Y2M3DT4H"),
            ("timeDuration", "PT", "P2W"),
            ("timeDuration", "1H", "PT0.5S"),
            ("timeDuration", "R2/PT1H", "=wait time"),
            ("timeCycle", "INVALID", "R3/PT10M"),
            ("timeCycle", "PT1H", "R/2030-01-01T00:00:00Z/P1D"),
            ("timeCycle", "R3", "R5/2030-01-01T00:00:00Z/2030-01-02T00:00:00Z"),
            ("timeCycle", "R3/later", "${cycle}"),
        )
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.rule)
def test_a_breach_is_found_and_its_correction_is_not_one(row: Row) -> None:
    assert row.rule in broken_rules(row.broken)
    assert broken_rules(row.valid) == []


@pytest.mark.parametrize("trigger", sorted(ENDING))
def test_what_an_end_event_can_have_is_no_breach(trigger: str) -> None:
    assert broken_rules(ended(TRIGGERS[trigger])) == []


@pytest.mark.parametrize("trigger", sorted(CATCHABLE))
def test_what_an_intermediate_event_can_catch_is_no_breach(trigger: str) -> None:
    assert broken_rules(caught(TRIGGERS[trigger])) == []


@pytest.mark.parametrize("trigger", sorted(THROWN))
def test_what_an_intermediate_event_can_throw_is_no_breach(trigger: str) -> None:
    assert broken_rules(thrown(TRIGGERS[trigger])) == []


@pytest.mark.parametrize("trigger", sorted(BORDERS))
def test_what_a_boundary_event_can_have_is_no_breach(trigger: str) -> None:
    assert broken_rules(bordered(TRIGGERS[trigger])) == []


@pytest.mark.parametrize("trigger", sorted(BESIDE))
def test_what_need_not_interrupt_is_no_breach(trigger: str) -> None:
    assert broken_rules(bordered(TRIGGERS[trigger], 'cancelActivity="false"')) == []
