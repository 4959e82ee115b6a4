"""The processes of the storm: what an instance in flight may be in. Each waits for `go` once, and ends then."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

_HEAD: Final = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="storm"><message id="m" name="go">
  <extensionElements><zeebe:subscription correlationKey="=k"/></extensionElements></message>"""
_WORK: Final = '<extensionElements><zeebe:taskDefinition type="storm-work"/></extensionElements>'
_LOOP: Final = """<multiInstanceLoopCharacteristics><extensionElements><zeebe:loopCharacteristics
  inputCollection="=[1, 2, 3]" inputElement="item"/></extensionElements></multiInstanceLoopCharacteristics>"""
GO: Final = '<intermediateCatchEvent id="go"><messageEventDefinition messageRef="m"/></intermediateCatchEvent>'


def job(id: str, more: str = "", attributes: str = "") -> str:
    """A service task."""
    return f'<serviceTask id="{id}" {attributes}>{_WORK}{more}</serviceTask>'


_TIMER: Final = """<intermediateCatchEvent id="late"><timerEventDefinition><timeDuration>PT60S</timeDuration>
  </timerEventDefinition></intermediateCatchEvent>"""
_KEPT: Final = """<boundaryEvent id="kept" attachedToRef="booked"><compensateEventDefinition/></boundaryEvent>"""
_ASSOCIATION: Final = '<association id="a" sourceRef="kept" targetRef="unbook" associationDirection="One"/>'
_UNDO: Final = '<intermediateThrowEvent id="undo"><compensateEventDefinition/></intermediateThrowEvent>'

PARTS: Final[dict[str, tuple[str, ...]]] = {
    "waiting": (GO, job("after")),
    "working": (job("one"), job("two"), GO, job("three")),
    "timed": (job("before"), _TIMER, GO, job("after")),
    "many": (job("each", _LOOP), GO, job("last")),
    "undone": (job("booked"), GO, _UNDO),
}
"""What is in them, one after the other."""
EFFECTS: Final = {"waiting": 1, "working": 3, "timed": 2, "many": 4, "undone": 2}
"""How often the world sees each instance."""
_IDS: Final = {
    "waiting": ("go", "after"),
    "working": ("one", "two", "go", "three"),
    "timed": ("before", "late", "go", "after"),
    "many": ("each", "go", "last"),
    "undone": ("booked", "go", "undo"),
}


def documents() -> list[tuple[str, bytes]]:
    """All of them, to be deployed."""
    return [(f"{name}.bpmn", _document(name).encode()) for name in PARTS]


def _document(name: str) -> str:
    ids = ("s", *_IDS[name], "e")
    flows = "".join(
        f'<sequenceFlow id="f{n}" sourceRef="{a}" targetRef="{b}"/>' for n, (a, b) in enumerate(pairwise(ids))
    )
    undo = ""
    if name == "undone":
        undo = _KEPT + job("unbook", attributes='isForCompensation="true"') + _ASSOCIATION
    body = f'<startEvent id="s"/>{"".join(PARTS[name])}{undo}{flows}<endEvent id="e"/>'
    return f'{_HEAD}<process id="{name}" isExecutable="true">{body}</process></definitions>'
