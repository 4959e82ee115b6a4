"""The rules about processes, pools, message flows, conversations, choreographies and lanes; and about imports."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from procession import check_standard
from unit.compile.standard.drawing import (
    ERROR,
    MODEL,
    MSG,
    ROOTS,
    SIGNAL,
    TIMER,
    Row,
    broken_rules,
    connected,
    document,
    line,
    process,
)

TASK: Final = '<task id="x"/>'
POOLS: Final = '<participant id="pa" processRef="p"/><participant id="pb" processRef="q"/><participant id="pc"/>'
OTHER: Final = process(
    f'<startEvent id="s2"/><intermediateCatchEvent id="c2">{MSG}</intermediateCatchEvent>'
    f'<intermediateThrowEvent id="t2">{MSG}</intermediateThrowEvent><sendTask id="send2"/><receiveTask id="recv2"/>'
    '<endEvent id="e2"/>',
    "s2>c2 c2>t2 t2>send2 send2>recv2 recv2>e2",
    id="q",
)


def flow(source: str, target: str, more: str = "") -> str:
    collaboration = (
        f'<collaboration id="c">{POOLS}<messageFlow id="mf" sourceRef="{source}" targetRef="{target}"/>{more}'
        "</collaboration>"
    )
    return document(ROOTS, collaboration, line(TASK, last='<textAnnotation id="n"/>'), OTHER)


def several(inside: str) -> str:
    return document(f'<collaboration id="c"><participant id="pa">{inside}</participant></collaboration>')


def choreographed(
    task: str, *, tag: str = "choreography", flows: str = "s>x x>e", start: str = "", end: str = "", more: str = ""
) -> str:
    parts = '<participant id="pa"/><participant id="pb"/><participant id="pc"/>'
    messages = "".join(f'<messageFlow id="{a}{b}" sourceRef="p{a}" targetRef="p{b}"/>' for a, b in ("ab", "ba", "ac"))
    body = connected(f'<startEvent id="s">{start}</startEvent>{task}<endEvent id="e">{end}</endEvent>{more}', flows)
    return document(ROOTS, f'<{tag} id="ch">{parts}{messages}{body}</{tag}>')


def exchange(flows: str = "ab", who: str = "pa pb", initiator: str = "pa") -> str:
    """A choreography task `x`."""
    names = "".join(f"<participantRef>{each}</participantRef>" for each in who.split())
    refs = "".join(f"<messageFlowRef>{each}</messageFlowRef>" for each in flows.split())
    return f'<choreographyTask id="x" initiatingParticipantRef="{initiator}">{names}{refs}</choreographyTask>'


def conversing(inside: str, tag: str = "collaboration", *others: str) -> str:
    return document(f'<{tag} id="c"><participant id="pa"/><participant id="pb"/>{inside}</{tag}>', *others)


def laned(lanes: str) -> str:
    return document(
        ROOTS,
        process(
            '<startEvent id="s"/><task id="x"/><endEvent id="e"/>',
            "s>x x>e",
            first=f'<laneSet id="ls">{lanes}</laneSet>',
        ),
        OTHER,
    )


def lane(id: str, *nodes: str, attributes: str = "", first: str = "") -> str:
    refs = "".join(f"<flowNodeRef>{node}</flowNodeRef>" for node in nodes)
    return f'<lane id="{id}" {attributes}>{first}{refs}</lane>'


VALID: Final = document(line(TASK))
EXCHANGED: Final = choreographed(exchange())
TALK: Final = conversing('<conversation id="v"/><conversationLink id="l" sourceRef="pa" targetRef="v"/>')
RIGHT: Final = flow("x", "c2")
IN_PROCESS: Final = (
    '<choreographyTask id="y" initiatingParticipantRef="pa"><participantRef>pa</participantRef>'
    "<participantRef>pb</participantRef><messageFlowRef>ab</messageFlowRef></choreographyTask>"
)
SUB: Final = (
    '<subChoreography id="x" initiatingParticipantRef="pa"><participantRef>pa</participantRef>'
    "<participantRef>pb</participantRef></subChoreography>"
)

ROWS: Final = (
    Row(
        "conversation-participants",
        conversing('<conversation id="v"><participantRef>pa</participantRef></conversation>'),
        conversing(
            '<conversation id="v"><participantRef>pa</participantRef><participantRef>pb</participantRef></conversation>'
        ),
    ),
    Row(
        "process-public-executable",
        VALID.replace("isExecutable", 'processType="Public" isExecutable'),
        VALID.replace("isExecutable", 'processType="Private" isExecutable'),
    ),
    Row(
        "process-supports-itself",
        document(process(last="<supports>p</supports>")),
        document(process(last="<supports>q</supports>"), process(id="q")),
    ),
    *(
        Row(
            "participant-multiplicity",
            several(f"<participantMultiplicity {bad}/>"),
            several(f"<participantMultiplicity {good}/>"),
        )
        for bad, good in (
            ('minimum="-1" maximum="2"', 'minimum="0" maximum="2"'),
            ('minimum="3" maximum="2"', 'minimum="2" maximum="2"'),
            ('minimum="2"', 'minimum="1"'),
            ('maximum="0"', 'maximum="9"'),
        )
    ),
    *(
        Row("message-flow-ends", flow(source, target), RIGHT)
        for source, target in (("n", "pc"), ("pc", "n"), ("mf", "pc"))
    ),
    *(
        Row("message-flow-pools", flow(source, target), RIGHT)
        for source, target in (("x", "s"), ("pa", "x"), ("x", "pa"), ("pc", "pc"), ("s", "e"))
    ),
    *(
        Row("message-flow-source", flow(source, "pc"), flow(good, "pc"))
        for source, good in (("s", "x"), ("e", "t2"), ("c2", "send2"), ("recv2", "pa"))
    ),
    *(
        Row("message-flow-target", flow("pc", target), flow("pc", good))
        for target, good in (("s", "c2"), ("e", "x"), ("t2", "recv2"), ("send2", "pb"))
    ),
    Row(
        "choreography-ref",
        EXCHANGED.replace("<startEvent", "<choreographyRef>ch</choreographyRef><startEvent"),
        EXCHANGED,
    ),
    Row(
        "choreography-ref",
        conversing("<choreographyRef>ch</choreographyRef>", "globalConversation", '<choreography id="ch"/>'),
        conversing("<choreographyRef>ch</choreographyRef>", "collaboration", '<choreography id="ch"/>'),
    ),
    *(
        Row(
            "global-conversation-content",
            conversing(inside, "globalConversation"),
            conversing("", "globalConversation"),
        )
        for inside in ('<conversation id="v"/>', '<textAnnotation id="n"/>', '<callConversation id="v"/>')
    ),
    Row("conversation-link-ends", conversing('<conversationLink id="l" sourceRef="pa" targetRef="pb"/>'), TALK),
    Row(
        "conversation-link-ends",
        conversing(
            '<conversation id="v"/><conversation id="w"/><conversationLink id="l" sourceRef="v" targetRef="w"/>'
        ),
        TALK,
    ),
    Row(
        "association-with-itself",
        conversing(
            "<participantAssociation><innerParticipantRef>pa</innerParticipantRef>"
            "<outerParticipantRef>pa</outerParticipantRef></participantAssociation>"
        ),
        conversing(
            "<participantAssociation><innerParticipantRef>pa</innerParticipantRef>"
            "<outerParticipantRef>pb</outerParticipantRef></participantAssociation>"
        ),
    ),
    Row("choreography-initiator", choreographed(exchange(who="pb pc", initiator="pa", flows="ab")), EXCHANGED),
    Row("choreography-participants", choreographed(exchange(who="pa pb pc")), EXCHANGED),
    Row("choreography-participants", choreographed(exchange(who="pa pa")), EXCHANGED),
    Row("choreography-messages", choreographed(exchange("ac")), EXCHANGED),
    Row("choreography-messages", choreographed(exchange("ba ab")), choreographed(exchange("ab ba"))),
    Row("choreography-content", choreographed(TASK), EXCHANGED),
    Row(
        "choreography-content",
        choreographed('<callActivity id="x"/>', tag="globalChoreographyTask"),
        choreographed(SUB),
    ),
    Row("choreography-event", choreographed(exchange(), start=MSG), choreographed(exchange(), start=TIMER)),
    Row(
        "choreography-event",
        choreographed(exchange(), end=ERROR),
        choreographed(exchange(), end="<terminateEventDefinition/>"),
    ),
    Row("choreography-event", choreographed(exchange(), start=ERROR), choreographed(exchange(), start=SIGNAL)),
    Row(
        "choreography-in-process",
        EXCHANGED.replace("</definitions>", process(IN_PROCESS) + "</definitions>"),
        EXCHANGED,
    ),
    Row(
        "choreography-in-process",
        EXCHANGED.replace(
            "</definitions>", process(f'<subProcess id="sub">{IN_PROCESS}</subProcess>') + "</definitions>"
        ),
        EXCHANGED,
    ),
    Row(
        "choreography-in-process",
        EXCHANGED.replace("</definitions>", process(SUB.replace('"x"', '"y"')) + "</definitions>"),
        EXCHANGED,
    ),
    Row("lane-exclusive", laned(lane("l1", "x") + lane("l2", "x")), laned(lane("l1", "x") + lane("l2", "s", "e"))),
    Row("lane-process", laned(lane("l1", "s2")), laned(lane("l1", "s"))),
    Row(
        "lane-partition",
        laned(lane("l1", attributes='partitionElementRef="x"', first='<partitionElement xsi:type="tDocumentation"/>')),
        laned(lane("l1", attributes='partitionElementRef="x"')),
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.rule)
def test_a_breach_is_found_and_its_correction_is_not_one(row: Row) -> None:
    assert row.rule in broken_rules(row.broken)
    assert broken_rules(row.valid) == []


# --- imports ----------------------------------------------------------------------------------------------------------


def importing(reference: str = "o:q", location: str = "other.bpmn") -> str:
    imported = f'<import importType="{MODEL}" namespace="urn:other" location="{location}"/>'
    return document(imported, line(f'<callActivity id="x" calledElement="{reference}"/>'))


def rules_of(folder: Path, text: str) -> list[str]:
    (folder / "model.bpmn").write_text(text)
    return [each.rule for each in check_standard(folder / "model.bpmn")]


def test_what_an_import_holds_is_found_beside_the_document(tmp_path: Path) -> None:
    (tmp_path / "other.bpmn").write_text(document(process(id="q"), attributes='targetNamespace="urn:other"'))
    assert rules_of(tmp_path, importing()) == []
    assert rules_of(tmp_path, importing("o:none")) == ["reference-target"]
    assert rules_of(tmp_path, importing("q")) == ["reference-target"]


def test_an_import_of_another_namespace_is_a_breach(tmp_path: Path) -> None:
    (tmp_path / "other.bpmn").write_text(document(process(id="q")))
    assert "import-namespace" in rules_of(tmp_path, importing())


def test_an_import_that_is_not_there_is_a_breach_and_none_is_looked_for_elsewhere(tmp_path: Path) -> None:
    assert "import-location" in rules_of(tmp_path, importing())
    for elsewhere in ("http://x/other.bpmn", "../other.bpmn", "/etc/other.bpmn", "file:other.bpmn"):
        assert rules_of(tmp_path, importing(location=elsewhere)) == []
    assert broken_rules(importing()) == []
