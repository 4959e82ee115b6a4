"""The models whose moves are explored: small, each with another thing that an instance waits for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, final

WORK: Final = '<extensionElements><zeebe:taskDefinition type="work"/></extensionElements>'


@final
@dataclass(frozen=True)
class Model:
    """What is explored: `budget` says how often each thing may happen that nobody needs."""

    name: str
    documents: tuple[tuple[str, bytes], ...]
    budget: Mapping[str, int]
    process_id: str = "p"
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    message: bool = False
    """Whether a message is published for it."""
    asked: str = ""
    """What somebody may ask of it, once: `cancel` or `set` (a variable). That makes another end of it."""
    policies: tuple[str, ...] = ("carry", "wait")
    """What movers say of jobs."""
    ways: tuple[str, ...] = ()
    """Where the first move goes, the second one, and so on; anywhere if nothing is said."""


def drawn(body: str, process: str = "p") -> tuple[str, bytes]:
    """A process as a document."""
    text = f"""<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
        xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="x"><message id="m" name="go">
      <extensionElements><zeebe:subscription correlationKey="=k"/></extensionElements></message>
      <process id="{process}" isExecutable="true">{body}</process></definitions>"""
    return f"{process}.bpmn", text.encode()


def line(*elements: str) -> str:
    """Elements one after the other, from a start to an end; each begins with `<tag id="...">`."""
    ids = ["s", *(each.split('id="', 1)[1].split('"', 1)[0] for each in elements), "e"]
    flows = "".join(
        f'<sequenceFlow id="{one}-{other}" sourceRef="{one}" targetRef="{other}"/>' for one, other in pairwise(ids)
    )
    return f'<startEvent id="s"/>{"".join(elements)}<endEvent id="e"/>{flows}'


def job(id: str, inner: str = "") -> str:
    """A task that is a job."""
    return f'<serviceTask id="{id}">{WORK}{inner}</serviceTask>'


LOOP: Final = """<multiInstanceLoopCharacteristics><extensionElements><zeebe:loopCharacteristics
  inputCollection="=[1, 2]" inputElement="item" outputCollection="out" outputElement="=item"/></extensionElements>
  </multiInstanceLoopCharacteristics>"""
CATCH: Final = '<intermediateCatchEvent id="c"><messageEventDefinition messageRef="m"/></intermediateCatchEvent>'
TIMER: Final = """<intermediateCatchEvent id="t"><timerEventDefinition><timeDuration>PT1M</timeDuration>
  </timerEventDefinition></intermediateCatchEvent>"""
CALL: Final = """<callActivity id="call"><extensionElements><zeebe:calledElement processId="called"/>
  </extensionElements></callActivity>"""
BOTH: Final = (
    '<startEvent id="s"/><parallelGateway id="g"/><parallelGateway id="j"/><endEvent id="e"/>'
    + job("a")
    + CATCH
    + "".join(
        f'<sequenceFlow id="{one}-{other}" sourceRef="{one}" targetRef="{other}"/>'
        for one, other in (("s", "g"), ("g", "a"), ("g", "c"), ("a", "j"), ("c", "j"), ("j", "e"))
    )
)
UNDO: Final = (
    '<startEvent id="s"/><endEvent id="e"><compensateEventDefinition/></endEvent>'
    + job("a")
    + job("b")
    + f'<serviceTask id="u" isForCompensation="true">{WORK}</serviceTask>'
    + '<boundaryEvent id="x" attachedToRef="a"><compensateEventDefinition/></boundaryEvent>'
    + '<association id="y" sourceRef="x" targetRef="u" associationDirection="One"/>'
    + "".join(
        f'<sequenceFlow id="{one}-{other}" sourceRef="{one}" targetRef="{other}"/>'
        for one, other in (("s", "a"), ("a", "b"), ("b", "e"))
    )
)
SMALL: Final = {"moves": 2, "faults": 1}
MODELS: Final = {
    each.name: each
    for each in (
        Model("job", (drawn(line(job("a"))),), SMALL),
        Model("timer", (drawn(line(TIMER)),), SMALL),
        Model("message", (drawn(line(CATCH)),), SMALL, variables={"k": "k1"}, message=True),
        Model("both", (drawn(BOTH),), SMALL, variables={"k": "k1"}, message=True),
        Model("call", (drawn(line(CALL)), drawn(line(job("w")), "called")), SMALL),
        Model("loop", (drawn(line(job("a", LOOP))),), SMALL),
        Model("undo", (drawn(UNDO),), SMALL),
        Model("cancel", (drawn(line(job("a"))),), SMALL, asked="cancel"),
        Model("set", (drawn(line(TIMER)),), SMALL, asked="set"),
    )
}
