"""Small random flows for the soundness tests: block-structured ones, and what mutations make of them.

A graph is drawn as a document, so that the compiler itself makes the program.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from procession.compile import compile_definitions
from procession.ir.program import Program
from procession.parse import parse_bpmn
from unit.compile.snippets import JOB, document

TIMER = "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>"
ERROR = '<errorEventDefinition errorRef="err"/>'
GATEWAYS = {"xor": "exclusiveGateway", "and": "parallelGateway", "or": "inclusiveGateway"}
EVENTS = {"end": "", "terminate": "<terminateEventDefinition/>", "failure": ERROR}


@dataclass
class Graph:
    """Node kinds by id, and flows as (source, target). `host` is the task of a boundary event."""

    kinds: dict[str, str] = field(default_factory=dict[str, str])
    flows: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    host: dict[str, str] = field(default_factory=dict[str, str])

    def node(self, kind: str, host: str = "") -> str:
        name = f"{kind}{len(self.kinds)}"
        self.kinds[name] = kind
        if host:
            self.host[name] = host
        return name

    def flow(self, source: str, target: str) -> None:
        self.flows.append((source, target))


def structured(rng: random.Random, size: int) -> Graph:
    """A sound graph: sequences of tasks, choices, forks, inclusive blocks and loops, each joined as it was split."""
    graph = Graph()
    start = graph.node("start")
    graph.flow(_block(graph, rng, start, size), graph.node("end"))
    return graph


def _block(graph: Graph, rng: random.Random, before: str, size: int) -> str:
    for _ in range(rng.randint(1, 2)):
        kind = rng.choice(("task", "task", "pass", "xor", "and", "or", "loop", "boundary")) if size > 0 else "task"
        if kind in {"task", "pass"}:
            task = graph.node(kind)
            graph.flow(before, task)
            before = task
        elif kind == "loop":
            merge, split = graph.node("xor"), graph.node("xor")
            graph.flow(before, merge)
            graph.flow(_block(graph, rng, merge, size - 2), split)
            graph.flow(split, merge)
            before = split
        elif kind == "boundary":
            task, merge = graph.node("task"), graph.node("xor")
            event = graph.node(rng.choice(("error", "timer")), task)
            graph.flow(before, task)
            graph.flow(task, merge)
            if graph.kinds[event] == "error":
                graph.flow(event, merge)
            else:
                graph.flow(event, graph.node("end"))
            before = merge
        else:
            split, join = graph.node(kind), graph.node(kind)
            graph.flow(before, split)
            for _ in range(2):
                graph.flow(_block(graph, rng, split, size - 2), join)
            before = join
    return before


def mutated(rng: random.Random, graph: Graph) -> Graph:
    """One to three changes: another gateway, another target, a new flow, another end."""
    for _ in range(rng.randint(1, 3)):
        change = rng.randint(0, 3)
        gateways = [name for name, kind in graph.kinds.items() if kind in GATEWAYS]
        ends = [name for name, kind in graph.kinds.items() if kind in EVENTS]
        inner = [name for name, kind in graph.kinds.items() if kind in GATEWAYS or kind in {"task", "pass"}]
        if change == 0 and gateways:
            graph.kinds[rng.choice(gateways)] = rng.choice(tuple(GATEWAYS))
        elif change == 1:
            at = rng.randrange(len(graph.flows))
            graph.flows[at] = (graph.flows[at][0], rng.choice([*inner, *ends]))
        elif change == 2:
            graph.flow(rng.choice(inner), rng.choice([*inner, *ends]))
        else:
            graph.kinds[rng.choice(ends)] = rng.choice(tuple(EVENTS))
    return graph


def drawn(graph: Graph) -> str:
    """The graph as a document. Every flow of an exclusive or inclusive split has a condition."""
    out: list[str] = []
    for name, kind in graph.kinds.items():
        if kind in GATEWAYS:
            out.append(f'<{GATEWAYS[kind]} id="{name}"/>')
        elif kind in EVENTS:
            out.append(f'<endEvent id="{name}">{EVENTS[kind]}</endEvent>')
        elif kind in {"error", "timer"}:
            what, cancel = (ERROR, "true") if kind == "error" else (TIMER, "false")
            attached = f'attachedToRef="{graph.host[name]}" cancelActivity="{cancel}"'
            out.append(f'<boundaryEvent id="{name}" {attached}>{what}</boundaryEvent>')
        elif kind == "start":
            out.append(f'<startEvent id="{name}"/>')
        else:
            out.append(f'<serviceTask id="{name}">{JOB}</serviceTask>' if kind == "task" else f'<task id="{name}"/>')
    leaving = [source for source, _ in graph.flows]
    for number, (source, target) in enumerate(graph.flows):
        decides = graph.kinds[source] in {"xor", "or"} and leaving.count(source) > 1
        condition = f"<conditionExpression>=go = {number}</conditionExpression>" if decides else ""
        out.append(f'<sequenceFlow id="f{number}" sourceRef="{source}" targetRef="{target}">{condition}</sequenceFlow>')
    return document("".join(out))


def program_of(graph: Graph) -> Program | None:
    """The compiled graph; None if a mutation broke a rule of deployment."""
    definitions, _ = parse_bpmn(drawn(graph).encode(), "graph.bpmn")
    assert definitions is not None
    programs, _ = compile_definitions(definitions)
    return programs[0] if programs else None
