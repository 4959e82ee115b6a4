"""Small BPMN documents for tests of the hosts: elements as short texts, flows by `a -> b`, no diagram."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

_HEAD: Final = (
    '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" id="d" targetNamespace="t">'
)


def document(*processes: str, roots: str = "") -> bytes:
    """Processes made by `process`; `roots` are messages, signals, errors."""
    return (_HEAD + roots + "".join(processes) + "</bpmn:definitions>").encode()


def process(id: str, flows: str, prefix: str = "", **elements: str) -> str:
    """`flows` are `a -> b` separated by commas; each element is its XML, written by the functions below.

    `prefix` goes before every id, so that two processes fit into one document.
    """
    incoming: dict[str, list[str]] = defaultdict(list)
    outgoing: dict[str, list[str]] = defaultdict(list)
    lines: list[str] = []
    for number, flow in enumerate(part for part in flows.split(",") if part.strip()):
        source, target = (side.strip() for side in flow.split("->"))
        name = f"{id}_{number}"
        outgoing[source].append(f"<bpmn:outgoing>{name}</bpmn:outgoing>")
        incoming[target].append(f"<bpmn:incoming>{name}</bpmn:incoming>")
        lines.append(f'<bpmn:sequenceFlow id="{name}" sourceRef="{prefix}{source}" targetRef="{prefix}{target}"/>')
    drawn = [
        text.replace("@", prefix + name).replace("~", "".join(incoming[name] + outgoing[name]))
        for name, text in elements.items()
    ]
    return f'<bpmn:process id="{id}" isExecutable="true">{"".join(drawn)}{"".join(lines)}</bpmn:process>'


def start(trigger: str = "") -> str:
    return f'<bpmn:startEvent id="@">~{trigger}</bpmn:startEvent>'


def end(trigger: str = "") -> str:
    return f'<bpmn:endEvent id="@">~{trigger}</bpmn:endEvent>'


def catch(trigger: str) -> str:
    return f'<bpmn:intermediateCatchEvent id="@">~{trigger}</bpmn:intermediateCatchEvent>'


def throw(trigger: str) -> str:
    return f'<bpmn:intermediateThrowEvent id="@">~{trigger}</bpmn:intermediateThrowEvent>'


def boundary(to: str, trigger: str, interrupting: bool = True) -> str:
    cancel = str(interrupting).lower()
    return f'<bpmn:boundaryEvent id="@" attachedToRef="{to}" cancelActivity="{cancel}">~{trigger}</bpmn:boundaryEvent>'


def service(type: str, retries: int = 3, inside: str = "") -> str:
    task = f'<zeebe:taskDefinition type="{type}" retries="{retries}"/>'
    return (
        f'<bpmn:serviceTask id="@"><bpmn:extensionElements>{task}{inside}</bpmn:extensionElements>~</bpmn:serviceTask>'
    )


def user() -> str:
    extension = "<bpmn:extensionElements><zeebe:userTask/></bpmn:extensionElements>"
    return f'<bpmn:userTask id="@">{extension}~</bpmn:userTask>'


def script(expression: str, result: str) -> str:
    inside = f'<zeebe:script expression="= {expression}" resultVariable="{result}"/>'
    return f'<bpmn:scriptTask id="@"><bpmn:extensionElements>{inside}</bpmn:extensionElements>~</bpmn:scriptTask>'


def call(process_id: str) -> str:
    inside = f'<zeebe:calledElement processId="{process_id}" propagateAllChildVariables="true"/>'
    return f'<bpmn:callActivity id="@"><bpmn:extensionElements>{inside}</bpmn:extensionElements>~</bpmn:callActivity>'


def exclusive() -> str:
    return '<bpmn:exclusiveGateway id="@">~</bpmn:exclusiveGateway>'


def parallel() -> str:
    return '<bpmn:parallelGateway id="@">~</bpmn:parallelGateway>'


def on_message(ref: str) -> str:
    return f'<bpmn:messageEventDefinition id="@_m" messageRef="{ref}"/>'


def on_signal(ref: str) -> str:
    return f'<bpmn:signalEventDefinition id="@_s" signalRef="{ref}"/>'


def on_error(ref: str) -> str:
    return f'<bpmn:errorEventDefinition id="@_e" errorRef="{ref}"/>'


def on_timer(kind: str, text: str) -> str:
    tag = {"duration": "timeDuration", "date": "timeDate", "cycle": "timeCycle"}[kind]
    return f'<bpmn:timerEventDefinition id="@_t"><bpmn:{tag}>{text}</bpmn:{tag}></bpmn:timerEventDefinition>'


def message(id: str, name: str, key: str = "") -> str:
    inside = f'<zeebe:subscription correlationKey="= {key}"/>' if key else ""
    return f'<bpmn:message id="{id}" name="{name}">{_extensions(inside)}</bpmn:message>'


def signal(id: str, name: str) -> str:
    return f'<bpmn:signal id="{id}" name="{name}"/>'


def error(id: str, code: str) -> str:
    return f'<bpmn:error id="{id}" name="{id}" errorCode="{code}"/>'


def _extensions(inside: str) -> str:
    return f"<bpmn:extensionElements>{inside}</bpmn:extensionElements>"


def one_task(id: str = "p", type: str = "work", retries: int = 3) -> tuple[str, bytes]:
    """start -> service task `work` -> end, as a resource."""
    drawn = process(id, "begin -> work, work -> done", begin=start(), work=service(type, retries), done=end())
    return f"{id}.bpmn", document(drawn)
