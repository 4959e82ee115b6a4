"""The processes of the fault tests, written tersely: a line of elements, and what needs more as text."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

_HEAD: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'id="definitions" targetNamespace="urn:faults">\n'
)


def document(*processes: str, more: str = "") -> bytes:
    """A document of processes and of what stands beside them (messages, errors)."""
    return (_HEAD + "\n".join(processes) + more + "\n</bpmn:definitions>").encode()


def process(id: str, *elements: str, more: str = "") -> str:
    """A process whose elements follow each other; each one is its XML, with `id="..."` as the first attribute."""
    ids = ["start", *(text.split('id="', 1)[1].split('"', 1)[0] for text in elements), "end"]
    flows = "".join(
        f'<bpmn:sequenceFlow id="f{number}" sourceRef="{source}" targetRef="{target}"/>\n'
        for number, (source, target) in enumerate(pairwise(ids), 1)
    )
    inner = "\n".join(elements)
    return (
        f'<bpmn:process id="{id}" isExecutable="true">\n<bpmn:startEvent id="start"/>\n{inner}\n'
        f'<bpmn:endEvent id="end"/>\n{flows}{more}</bpmn:process>'
    )


def service(id: str, type: str = "", *, retries: str = "3", extra: str = "", loop: str = "") -> str:
    """A service task; `extra` are more extension elements, `loop` its multi-instance."""
    return (
        f'<bpmn:serviceTask id="{id}"><bpmn:extensionElements>'
        f'<zeebe:taskDefinition type="{type or id}" retries="{retries}"/>{extra}'
        f"</bpmn:extensionElements>{loop}</bpmn:serviceTask>"
    )


def each(collection: str, item: str, output: str = "") -> str:
    """A parallel multi-instance over a FEEL list; `output` is a FEEL expression collected as `results`."""
    results = f' outputCollection="results" outputElement="={output}"' if output else ""
    return (
        "<bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements>"
        f'<zeebe:loopCharacteristics inputCollection="={collection}" inputElement="{item}"{results}/>'
        "</bpmn:extensionElements></bpmn:multiInstanceLoopCharacteristics>"
    )


def user(id: str) -> str:
    """A user task."""
    return (
        f'<bpmn:userTask id="{id}"><bpmn:extensionElements><zeebe:userTask/></bpmn:extensionElements></bpmn:userTask>'
    )


def catch(id: str) -> str:
    """A message catch event; its message is `message(id, ...)`."""
    return (
        f'<bpmn:intermediateCatchEvent id="{id}"><bpmn:messageEventDefinition messageRef="message_{id}"/>'
        "</bpmn:intermediateCatchEvent>"
    )


def message(id: str, key: str) -> str:
    """The message that `catch(id)` waits for, by a FEEL correlation key."""
    return (
        f'<bpmn:message id="message_{id}" name="{id}"><bpmn:extensionElements>'
        f'<zeebe:subscription correlationKey="={key}"/></bpmn:extensionElements></bpmn:message>'
    )


def mapping(source: str, target: str) -> str:
    """An input mapping as extension elements."""
    return f'<zeebe:ioMapping><zeebe:input source="={source}" target="{target}"/></zeebe:ioMapping>'


CHAIN: Final = ("chain.bpmn", document(process("chain", service("first"), service("second"), service("third"))))
"""Three jobs one after the other."""

ORDER: Final = (
    "order.bpmn",
    document(
        process(
            "order", user("approve"), service("charge"), catch("paid"), service("ship", loop=each("items", "item"))
        ),
        more=message("paid", "number"),
    ),
)
"""A user task, a job, a message with a correlation key, and a job for each of `items`."""

ONE: Final = ("one.bpmn", document(process("one", service("work"))))
"""One job."""

NOTICE: Final = (
    "notice.bpmn",
    document(
        process("notice", service("work")).replace(
            '<bpmn:startEvent id="start"/>',
            '<bpmn:startEvent id="start"><bpmn:messageEventDefinition messageRef="message_notice"/></bpmn:startEvent>',
        ),
        more='<bpmn:message id="message_notice" name="notice"/>',
    ),
)
"""One job, started by a message."""
