"""Documents for the rules of the standard: a few nodes and flows become a whole and valid model."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from procession.services.standard import check_standard

MODEL: Final = "http://www.omg.org/spec/BPMN/20100524/MODEL"
FORMAL: Final = 'xsi:type="tFormalExpression"'


class Row(NamedTuple):
    """A document that breaks a rule, and one beside it that breaks none at all."""

    rule: str
    broken: str
    valid: str


def document(*roots: str, attributes: str = "") -> str:
    """A document of these root elements."""
    target = "" if "targetNamespace" in attributes else 'targetNamespace="urn:x" '
    return (
        f'<definitions xmlns="{MODEL}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:t="urn:x" '
        f'xmlns:o="urn:other" xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" '
        f"{target}{attributes}>{''.join(roots)}</definitions>"
    )


def connected(body: str, flows: str) -> str:
    """Nodes with the flows `a>b` between them, listed at both ends; the nodes' ids are their first attributes."""
    drawn = ""
    ends: dict[str, list[str]] = {}
    for pair in flows.split():
        source, _, target = pair.partition(">")
        name = f"{source}_{target}"
        drawn += f'<sequenceFlow id="{name}" sourceRef="{source}" targetRef="{target}"/>'
        ends.setdefault(source, []).append(f"<outgoing>{name}</outgoing>")
        ends.setdefault(target, []).insert(0, f"<incoming>{name}</incoming>")
    for node, listed in ends.items():
        text = "".join(sorted(listed))  # incoming flows come first
        opened = re.search(rf'<(\w+) id="{node}"[^>]*?(/?)>(<documentation.*?</documentation>)?', body)
        assert opened is not None, node
        end = opened.end()
        whole, rest = body[:end], body[end:]
        body = f"{whole[:-2]}>{text}</{opened[1]}>{rest}" if opened[2] else f"{whole}{text}{rest}"
    return body + drawn


def process(
    body: str = "", flows: str = "", *, id: str = "p", runs: bool = True, first: str = "", last: str = ""
) -> str:
    """A process of nodes and flows; `first` stands before them, `last` behind."""
    executable = "true" if runs else "false"
    return f'<process id="{id}" isExecutable="{executable}">{first}{connected(body, flows)}{last}</process>'


def line(node: str, id: str = "x", more: str = "", *, flows: str = "", runs: bool = True, last: str = "") -> str:
    """A process: a start event, a node, an end event, and what else is drawn."""
    body = f'<startEvent id="s"/>{node}<endEvent id="e"/>{more}'
    return process(body, f"s>{id} {id}>e {flows}", runs=runs, last=last)


def alone(*nodes: str, runs: bool = True) -> str:
    """A document of one process that holds these elements, without start and end."""
    return document(process("".join(nodes), runs=runs))


def broken_rules(text: str) -> list[str]:
    """The rules that a document breaks, in the order in which they are found, each once."""
    return list(dict.fromkeys(each.rule for each in check_standard(text.encode(), name="model.bpmn")))


def io(inputs: str = "", outputs: str = "", input_sets: int = 1, output_sets: int = 1) -> str:
    """An ioSpecification of `name:item` inputs and outputs, all of them in each set."""
    data = ""
    names: dict[str, list[str]] = {"Input": [], "Output": []}
    for kind, text in (("Input", inputs), ("Output", outputs)):
        for each in text.split():
            name, _, item = each.partition(":")
            subject = f'itemSubjectRef="{item}"' if item else ""
            collection = 'isCollection="true"' if item == "many" else ""
            names[kind].append(name)
            data += f'<data{kind} id="{name}" {subject} {collection}/>'
    sets = ""
    for kind, count in (("Input", input_sets), ("Output", output_sets)):
        tag = f"{kind.lower()}Set"
        refs = "".join(f"<data{kind}Refs>{name}</data{kind}Refs>" for name in names[kind])
        sets += f"<{tag}>{refs}</{tag}>" * count
    return f"<ioSpecification>{data}{sets}</ioSpecification>"


ITEMS: Final = (
    '<itemDefinition id="it" structureRef="String"/><itemDefinition id="same" structureRef="String"/>'
    '<itemDefinition id="number" structureRef="Integer"/>'
    '<itemDefinition id="many" structureRef="String" isCollection="true"/>'
)
MESSAGE: Final = (
    '<message id="m"/><interface id="i" name="i"><operation id="op" name="op">'
    "<inMessageRef>m</inMessageRef></operation>"
    "</interface>"
)
ROOTS: Final = f'{MESSAGE}<signal id="sig"/><error id="err" errorCode="E"/><escalation id="esc" escalationCode="C"/>'
MSG: Final = '<messageEventDefinition messageRef="m"><operationRef>op</operationRef></messageEventDefinition>'
TIMER: Final = f"<timerEventDefinition><timeDuration {FORMAL}>PT1H</timeDuration></timerEventDefinition>"
SIGNAL: Final = '<signalEventDefinition signalRef="sig"/>'
ERROR: Final = '<errorEventDefinition errorRef="err"/>'
ESCALATION: Final = '<escalationEventDefinition escalationRef="esc"/>'
CONDITION: Final = f"<conditionalEventDefinition><condition {FORMAL}>a</condition></conditionalEventDefinition>"
COMPENSATE: Final = "<compensateEventDefinition/>"
CANCEL: Final = "<cancelEventDefinition/>"
TERMINATE: Final = "<terminateEventDefinition/>"
LINK: Final = '<linkEventDefinition name="l"/>'
TRIGGERS: Final[dict[str, str]] = {
    "message": MSG,
    "timer": TIMER,
    "signal": SIGNAL,
    "error": ERROR,
    "escalation": ESCALATION,
    "conditional": CONDITION,
    "compensate": COMPENSATE,
    "cancel": CANCEL,
    "terminate": TERMINATE,
    "link": LINK,
}
