"""Small processes for the tests of the command line."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Final

HEAD: Final = (
    '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="t" '
    'xmlns:zeebe="http://camunda.org/schema/zeebe/1.0">'
)


def job(element: str, job_type: str, retries: int = 3) -> str:
    """A service task."""
    definition = f'<zeebe:taskDefinition type="{job_type}" retries="{retries}"/>'
    return f'<serviceTask id="{element}"><extensionElements>{definition}</extensionElements></serviceTask>'


TASK: Final = '<userTask id="approve"><extensionElements><zeebe:userTask/></extensionElements></userTask>'
MESSAGE: Final = '<intermediateCatchEvent id="paid"><messageEventDefinition messageRef="m"/></intermediateCatchEvent>'


def process(*elements: tuple[str, str], before: str = "") -> str:
    """A straight process `p` through elements (id, XML), between `start` and `end`."""
    ids = ["start", *(element for element, _ in elements), "end"]
    flows = "".join(
        f'<sequenceFlow id="f{i}" sourceRef="{a}" targetRef="{b}"/>' for i, (a, b) in enumerate(pairwise(ids))
    )
    body = "".join(xml for _, xml in elements)
    return (
        f'{HEAD}{before}<process id="p" isExecutable="true"><startEvent id="start"/>{body}<endEvent id="end"/>'
        f"{flows}</process></definitions>"
    )


CHARGE: Final = process(("charge", job("charge", "charge-card")))
APPROVE: Final = process(("approve", TASK))
PAID: Final = process(
    ("paid", MESSAGE),
    before=(
        '<message id="m" name="payment"><extensionElements><zeebe:subscription correlationKey="=order"/>'
        "</extensionElements></message>"
    ),
)
WRONG: Final = process(("x", '<exclusiveGateway id="x" default="nowhere"/>'))


def saved(folder: Path, text: str, name: str = "p.bpmn") -> str:
    """The path of a model that was written to a folder."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)
