"""The rules about data: objects, inputs and outputs, their sets, associations, and the data of events."""

from __future__ import annotations

from typing import Final

import pytest

from unit.compile.standard.drawing import ITEMS, Row, broken_rules, document, io, line, process

TASK: Final = '<task id="x"/>'


def flowing(association: str, *, spec: str = "", objects: str = "", first: str = "", tag: str = "task") -> str:
    return document(
        ITEMS,
        process(
            '<startEvent id="s"/><' + tag + ' id="x">' + spec + association + f'</{tag}><endEvent id="e"/>',
            "s>x x>e",
            first=first,
            last=objects,
        ),
    )


def taken(source: str, target: str, more: str = "") -> str:
    sources = "".join(f"<sourceRef>{each}</sourceRef>" for each in source.split())
    return f"<dataInputAssociation>{sources}<targetRef>{target}</targetRef>{more}</dataInputAssociation>"


def given(source: str, target: str) -> str:
    return (
        f"<dataOutputAssociation><sourceRef>{source}</sourceRef><targetRef>{target}</targetRef></dataOutputAssociation>"
    )


def sets(
    inside: str, data: str = '<dataInput id="a"/><dataInput id="b"/><dataOutput id="c"/><dataOutput id="d"/>'
) -> str:
    return document(process(first=f"<ioSpecification>{data}{inside}</ioSpecification>"))


def referred(name: str, state: str = "paid") -> str:
    return document(
        process(
            f'<dataObject id="d" name="Order"/><dataObjectReference id="r" dataObjectRef="d" name="{name}">'
            f'<dataState id="st" name="{state}"/></dataObjectReference>'
        )
    )


OBJECT: Final = (
    '<dataObject id="d" itemSubjectRef="it"/><dataObject id="d2" itemSubjectRef="number"/><dataObject id="d3"/>'
)
INPUT_SET: Final = "<inputSet><dataInputRefs>a</dataInputRefs><dataInputRefs>b</dataInputRefs>{}</inputSet>"
OUTPUT_SET: Final = "<outputSet><dataOutputRefs>c</dataOutputRefs><dataOutputRefs>d</dataOutputRefs>{}</outputSet>"
SETS: Final = sets(INPUT_SET.format("") + OUTPUT_SET.format(""))
FLOWS: Final = flowing(taken("d", "a"), spec=io("a:it"), objects=OBJECT)
TRANSFORMED: Final = "<transformation>a</transformation>"
BOTH: Final = (
    '<inputSet id="is">{}<outputSetRefs>{}</outputSetRefs></inputSet>'
    '<outputSet id="os">{}<inputSetRefs>{}</inputSetRefs></outputSet>'
)
NAMED: Final = (
    "<dataInputRefs>a</dataInputRefs><dataInputRefs>b</dataInputRefs>",
    "<dataOutputRefs>c</dataOutputRefs><dataOutputRefs>d</dataOutputRefs>",
)


def event(tag: str, data: str, definitions: str) -> str:
    """An event of a process with data and definitions."""
    payload = (
        '<message id="pm" itemRef="it"/><signal id="ps" structureRef="number"/>'
        '<error id="pe" errorCode="E" structureRef="it"/>'
        '<escalation id="pc" escalationCode="C" structureRef="it"/><interface id="pi" name="pi">'
        '<operation id="po" name="po"><inMessageRef>pm</inMessageRef></operation></interface>'
    )
    node = f'<{tag} id="y">{data}{definitions}</{tag}>'
    if tag == "startEvent":
        return document(ITEMS, payload, process(f'{node}<endEvent id="e"/>', "y>e"))
    if tag == "endEvent":
        return document(ITEMS, payload, process(f'<startEvent id="s"/>{node}', "s>y"))
    if tag == "boundaryEvent":
        return document(
            ITEMS, payload, line(TASK, more=node.replace('id="y"', 'id="y" attachedToRef="x"'), flows="y>e")
        )
    return document(ITEMS, payload, line(TASK, more=node, flows="s>y y>e"))


def data_of(tag: str, *items: str) -> str:
    kind = "Input" if tag in {"endEvent", "intermediateThrowEvent"} else "Output"
    data = "".join(f'<data{kind} id="v{number}" itemSubjectRef="{item}"/>' for number, item in enumerate(items))
    refs = "".join(f"<data{kind}Refs>v{number}</data{kind}Refs>" for number in range(len(items)))
    return f"{data}<{kind.lower()}Set>{refs}</{kind.lower()}Set>"


PAYLOADS: Final[dict[str, str]] = {
    "message": '<messageEventDefinition messageRef="pm"><operationRef>po</operationRef></messageEventDefinition>',
    "signal": '<signalEventDefinition signalRef="ps"/>',
    "error": '<errorEventDefinition errorRef="pe"/>',
    "escalation": '<escalationEventDefinition escalationRef="pc"/>',
}
TWO: Final = PAYLOADS["message"] + PAYLOADS["signal"]
EVENTS: Final = ("startEvent", "intermediateCatchEvent", "boundaryEvent", "intermediateThrowEvent", "endEvent")

DATA: Final = (
    Row(
        "data-object-reference-scope",
        document(
            process(
                '<subProcess id="y"><dataObject id="d"/></subProcess><dataObjectReference id="r" dataObjectRef="d"/>'
            )
        ),
        document(
            process(
                '<dataObject id="d"/><subProcess id="y"><dataObjectReference id="r" dataObjectRef="d"/></subProcess>'
            )
        ),
    ),
    Row(
        "data-object-state",
        document(process('<dataObject id="d"><dataState id="st" name="a"/></dataObject>')),
        document(process('<dataObject id="d"/>')),
    ),
    Row(
        "data-object-reference-item",
        document(ITEMS, process(OBJECT + '<dataObjectReference id="r" dataObjectRef="d" itemSubjectRef="it"/>')),
        document(ITEMS, process(OBJECT + '<dataObjectReference id="r" dataObjectRef="d"/>')),
    ),
    Row(
        "data-object-reference-target",
        document(process('<dataObjectReference id="r"/>')),
        document(process('<dataObject id="d"/><dataObjectReference id="r" dataObjectRef="d"/>')),
    ),
    *(
        Row("data-object-reference-name", referred(bad), referred(good))
        for bad, good in (("Order", "Order [paid]"), ("O [paid]", "Order[paid]"), ("paid", "Order  [paid]"))
    ),
    *(
        Row(
            "sub-process-data",
            document(ITEMS, line(f'<{tag} id="x">{io("a:it")}</{tag}>')),
            document(line(f'<{tag} id="x"/>')),
        )
        for tag in ("subProcess", "transaction")
    ),
    Row("data-in-set", sets("<inputSet/>" + OUTPUT_SET.format("")), SETS),
    Row("data-in-set", sets(INPUT_SET.format("") + "<outputSet/>"), SETS),
    *(
        Row(
            "data-set-subset",
            sets(
                (
                    f"<inputSet><dataInputRefs>a</dataInputRefs><{tag}>b</{tag}></inputSet><inputSet>"
                    "<dataInputRefs>b</dataInputRefs></inputSet>"
                )
                + OUTPUT_SET.format("")
            ),
            sets(INPUT_SET.format(f"<{tag}>b</{tag}>") + OUTPUT_SET.format("")),
        )
        for tag in ("optionalInputRefs", "whileExecutingInputRefs")
    ),
    *(
        Row(
            "data-set-subset",
            sets(
                INPUT_SET.format("")
                + (
                    f"<outputSet><dataOutputRefs>c</dataOutputRefs><{tag}>d</{tag}></outputSet><outputSet>"
                    "<dataOutputRefs>d</dataOutputRefs></outputSet>"
                )
            ),
            sets(INPUT_SET.format("") + OUTPUT_SET.format(f"<{tag}>d</{tag}>")),
        )
        for tag in ("optionalOutputRefs", "whileExecutingOutputRefs")
    ),
    Row(
        "data-set-own",
        flowing("", spec=io("a").replace("Refs>a<", "Refs>pa<"), first=io("pa")),
        flowing("", spec=io("a"), first=io("pa")),
    ),
    Row(
        "data-set-mutual",
        sets(
            INPUT_SET.replace("<inputSet>", '<inputSet id="is">').format("<outputSetRefs>os</outputSetRefs>")
            + OUTPUT_SET.replace("<outputSet>", '<outputSet id="os">').format("")
        ),
        sets(BOTH.format(NAMED[0], "os", NAMED[1], "is")),
    ),
    Row(
        "data-set-mutual",
        sets(
            INPUT_SET.replace("<inputSet>", '<inputSet id="is">').format("")
            + OUTPUT_SET.replace("<outputSet>", '<outputSet id="os">').format("<inputSetRefs>is</inputSetRefs>")
        ),
        SETS,
    ),
    Row("data-input-association-target", flowing(taken("d", "d3"), spec=io("a:it"), objects=OBJECT), FLOWS),
    Row(
        "data-input-association-target",
        flowing(taken("d", "pa"), spec=io("a:it"), objects=OBJECT, first=io("pa:it")),
        FLOWS,
    ),
    Row(
        "data-output-association-source",
        flowing(given("d", "d3"), spec=io("", "b:it"), objects=OBJECT),
        flowing(given("b", "d"), spec=io("", "b:it"), objects=OBJECT),
    ),
    Row(
        "data-input-of-process",
        flowing(given("b", "pa"), spec=io("", "b:it"), first=io("pa:it")),
        flowing(given("b", "pb"), spec=io("", "b:it"), first=io("", "pb:it")),
    ),
    Row(
        "data-output-of-process",
        flowing(taken("pb", "a"), spec=io("a:it"), first=io("", "pb:it")),
        flowing(taken("pa", "a"), spec=io("a:it"), first=io("pa:it")),
    ),
    Row(
        "data-association-scope",
        flowing(
            taken("in", "a"),
            spec=io("a:it"),
            objects='<subProcess id="y" isForCompensation="true"><dataObject id="in"/></subProcess>',
        ),
        FLOWS,
    ),
    Row(
        "data-association-item",
        flowing(taken("d2", "a"), spec=io("a:it"), objects=OBJECT),
        flowing(taken("d2", "a", TRANSFORMED), spec=io("a:it"), objects=OBJECT),
    ),
    Row(
        "data-association-item",
        flowing(given("b", "d2"), spec=io("", "b:it"), objects=OBJECT),
        flowing(given("b", "d3"), spec=io("", "b:it"), objects=OBJECT),
    ),
    Row(
        "data-association-sources",
        flowing(taken("d d3", "a"), spec=io("a:it"), objects=OBJECT),
        flowing(taken("d d3", "a", TRANSFORMED), spec=io("a:it"), objects=OBJECT),
    ),
    Row("data-association-source-missing", flowing(taken("", "a"), spec=io("a:it"), objects=OBJECT), FLOWS),
    *(
        Row("event-data-count", event(tag, data_of(tag, "it"), TWO), event(tag, data_of(tag, "it", "number"), TWO))
        for tag in EVENTS
    ),
    *(
        Row("event-data-count", event(tag, data_of(tag, "it", "it"), PAYLOADS["message"]), event(tag, "", TWO))
        for tag in EVENTS
    ),
    *(
        Row(
            "event-data-item",
            event(tag, data_of(tag, "number", "it"), TWO),
            event(tag, data_of(tag, "same", "number"), TWO),
        )
        for tag in EVENTS
    ),
    *(
        Row(
            "event-data-item",
            event("endEvent", data_of("endEvent", "number"), PAYLOADS[each]),
            event("endEvent", data_of("endEvent", "it"), PAYLOADS[each]),
        )
        for each in ("message", "error", "escalation")
    ),
)


@pytest.mark.parametrize("row", DATA, ids=lambda row: row.rule)
def test_a_breach_is_found_and_its_correction_is_not_one(row: Row) -> None:
    assert row.rule in broken_rules(row.broken)
    assert broken_rules(row.valid) == []
