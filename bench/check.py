"""How long `procession check` takes on 1,000 nodes: `python -m bench.check [--runs 7]`.

The models are written here: blocks in sequence, joined as they were split; the same with a fault in each block; and
many branches that each may leave before their join, which has more states than are explored.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Final, final

from bench import machine
from bench.start import ROOT, fresh
from procession.compile import check_definitions
from procession.parse import parse_bpmn

NODES: Final = 1_000
CHECK: Final = "import sys; from procession.cli.main import main; sys.argv = ['procession', 'check', MODEL]; main()"
_HEAD: Final = (
    '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" id="d" targetNamespace="bench"><process id="p" '
    'isExecutable="true">'
)
_JOB: Final = '<extensionElements><zeebe:taskDefinition type="noop"/></extensionElements>'


@final
class Drawing:
    """Collects nodes and flows."""

    def __init__(self) -> None:
        self.nodes: list[str] = []
        self.flows: list[str] = []

    def node(self, tag: str, content: str = "") -> str:
        name = f"n{len(self.nodes)}"
        self.nodes.append(f'<{tag} id="{name}">{content}</{tag}>')
        return name

    def task(self) -> str:
        return self.node("serviceTask", _JOB)

    def flow(self, source: str, target: str, *, decided: bool = False) -> None:
        condition = "<conditionExpression>=go</conditionExpression>" if decided else ""
        ends = f'sourceRef="{source}" targetRef="{target}"'
        self.flows.append(f'<sequenceFlow id="f{len(self.flows)}" {ends}>{condition}</sequenceFlow>')

    def xml(self) -> bytes:
        return f"{_HEAD}{''.join(self.nodes)}{''.join(self.flows)}</process></definitions>".encode()


def blocks(split: str, join: str) -> bytes:
    """Blocks of a split, three branches of two tasks and a join, one after the other."""
    drawing = Drawing()
    before = drawing.node("startEvent")
    while len(drawing.nodes) < NODES - 9:
        opening, closing = drawing.node(split), drawing.node(join)
        drawing.flow(before, opening)
        for _ in range(3):
            first, second = drawing.task(), drawing.task()
            drawing.flow(opening, first, decided=split != "parallelGateway")
            drawing.flow(first, second)
            drawing.flow(second, closing)
        before = closing
    drawing.flow(before, drawing.node("endEvent"))
    return drawing.xml()


def nested() -> bytes:
    """All branches at once: a fork into blocks of every kind, two hundred nodes each."""
    drawing = Drawing()
    opening, closing = drawing.node("parallelGateway"), drawing.node("parallelGateway")
    drawing.flow(drawing.node("startEvent"), opening)
    drawing.flow(closing, drawing.node("endEvent"))
    for kind in ("exclusiveGateway", "parallelGateway", "inclusiveGateway", "exclusiveGateway", "inclusiveGateway"):
        before = opening
        for _ in range(33):
            split, join = drawing.node(kind), drawing.node(kind)
            drawing.flow(before, split)
            for _ in range(2):
                first, second = drawing.task(), drawing.task()
                drawing.flow(split, first, decided=kind != "parallelGateway")
                drawing.flow(first, second)
                drawing.flow(second, join)
            before = join
        drawing.flow(before, closing)
    return drawing.xml()


def leaving() -> bytes:
    """A fork into 200 branches, each of which may end before the join: 2 to the 200 states."""
    drawing = Drawing()
    fork, join = drawing.node("parallelGateway"), drawing.node("parallelGateway")
    drawing.flow(drawing.node("startEvent"), fork)
    drawing.flow(join, drawing.node("endEvent"))
    while len(drawing.nodes) < NODES:
        first, second = drawing.task(), drawing.task()
        choice, end = drawing.node("exclusiveGateway"), drawing.node("endEvent")
        drawing.flow(fork, first)
        drawing.flow(first, second)
        drawing.flow(second, choice)
        drawing.flow(choice, join, decided=True)
        drawing.flow(choice, end, decided=True)
    return drawing.xml()


MODELS: Final[dict[str, Callable[[], bytes]]] = {
    "exclusive blocks in sequence": lambda: blocks("exclusiveGateway", "exclusiveGateway"),
    "inclusive blocks in sequence": lambda: blocks("inclusiveGateway", "inclusiveGateway"),
    "parallel blocks in sequence, joined by exclusive gateways": lambda: blocks("parallelGateway", "exclusiveGateway"),
    "a fork into five sequences of blocks": nested,
    "a fork into 200 branches that may leave (not decided)": leaving,
}


def main() -> None:
    """A row a model."""
    parser = argparse.ArgumentParser(prog="python -m bench.check")
    parser.add_argument("--runs", type=int, default=7, help="fresh processes of each model")
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix=".bench-", dir=ROOT))
    _print(f"{machine.describe()}\n")
    _print("| `procession check` of 1,000 nodes | wall ms: min / median | CPU ms: median | CPU ms of the check, warm |")
    _print("|---|---|---|---|")
    try:
        for name, make in MODELS.items():
            path = directory / "model.bpmn"
            path.write_bytes(make())
            code = CHECK.replace("MODEL", repr(str(path)))
            _, *samples = [fresh(directory, code) for _ in range(options.runs + 1)]
            cpu, wall = median(spent for spent, _ in samples), sorted(taken for _, taken in samples)
            warm = min(_warm(path) for _ in range(options.runs)) * 1000
            _print(f"| {name} | {wall[0]:.0f} / {median(wall):.0f} | {cpu:.0f} | {warm:.0f} |")
    finally:
        shutil.rmtree(directory)


def _warm(path: Path) -> float:
    definitions, _ = parse_bpmn(path.read_bytes(), str(path))
    assert definitions is not None
    begun = time.process_time()
    check_definitions(definitions)
    return time.process_time() - begun


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
