"""Small documents for the compiler's tests: what stands inside a process, wrapped and compiled."""

from __future__ import annotations

import itertools
from typing import Final

from procession.base.diagnostics import Diagnostic
from procession.compile import compile_definitions
from procession.ir.program import Flow, Node, Program
from procession.model.bpmn import Definitions
from procession.parse import parse_bpmn

MODEL: Final = "http://www.omg.org/spec/BPMN/20100524/MODEL"
ZEEBE: Final = 'xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"'
OURS: Final = 'xmlns:procession="http://procession.dev/schema/1.0"'
FEEL_URI: Final = "https://www.omg.org/spec/DMN/20191111/FEEL/"

JOB: Final = '<extensionElements><zeebe:taskDefinition type="work"/></extensionElements>'
MESSAGE: Final = """<message id="m" name="paid">
  <extensionElements><zeebe:subscription correlationKey="=order.id"/></extensionElements></message>"""
ROOTS: Final = f"""{MESSAGE}
<message id="keyless" name="news"/><message id="nameless"/>
<signal id="sig" name="stop"/><signal id="nameless-signal"/>
<error id="err" errorCode="E1"/><error id="codeless"/><error id="computed" errorCode="=code"/>
<escalation id="esc" escalationCode="X1"/><escalation id="codeless-escalation"/>"""


def document(body: str, *, roots: str = ROOTS, profile: str = "zeebe", attributes: str = "") -> str:
    """A document whose process `p` holds `body`. In the profile `standard` no zeebe word may be used."""
    zeebe = ZEEBE if profile == "zeebe" else ""
    if not zeebe and roots is ROOTS:
        roots = '<message id="m" name="paid"/><signal id="sig" name="stop"/>'
    return (
        f'<definitions xmlns="{MODEL}" {zeebe} {OURS} id="d" targetNamespace="urn:t" {attributes}>'
        f'{roots}<process id="p" isExecutable="true">{body}</process></definitions>'
    )


def flow(source: str, target: str, condition: str | None = None, *, id: str = "") -> str:
    """A sequence flow; its id is `source-target`."""
    inner = f"<conditionExpression>{condition}</conditionExpression>" if condition is not None else ""
    name = id or f"{source}-{target}"
    return f'<sequenceFlow id="{name}" sourceRef="{source}" targetRef="{target}">{inner}</sequenceFlow>'


def path(*nodes: str) -> str:
    """The flows along a path of node ids."""
    return "".join(flow(a, b) for a, b in itertools.pairwise(nodes))


def definitions_of(text: str) -> Definitions:
    """The document; a reader that could not read it is a broken test."""
    definitions, diagnostics = parse_bpmn(text.encode(), "f.bpmn")
    assert definitions is not None, diagnostics
    return definitions


def compiled(text: str) -> Program:
    """The one program of a document without errors."""
    programs, diagnostics = compile_definitions(definitions_of(text))
    assert [str(d) for d in diagnostics if d.severity == "error"] == []
    return programs[0]


def found(text: str) -> list[Diagnostic]:
    """What the compiler has to say about a document."""
    return compile_definitions(definitions_of(text))[1]


def node(program: Program, id: str, *, inner: bool = False) -> Node:
    """The node of an element; of a multi-instance activity the body, or with `inner` the activity."""
    same = [each for each in program.nodes if each.id == id]
    assert same, id
    return same[-1] if inner else same[0]


def ids(program: Program, refs: tuple[int, ...]) -> list[str]:
    """The element ids of node indexes."""
    return [program.nodes[ref].id for ref in refs]


def flow_of(program: Program, id: str) -> Flow:
    """The flow of an id."""
    return next(each for each in program.flows if each.id == id)


def text_of(program: Program, ref: int) -> str:
    """The text of an expression."""
    return program.expressions[ref].text
