"""What moves in tests of moves: instances that wait for a message, a job, a timer, several, or a compensation."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Final

from procession import Engine
from procession.base.job import Job
from procession.runtime.rows import InstanceRow, SizeRow
from procession.services.batches import BatchView

PATIENCE_S: Final = 150.0
_HEAD: Final = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="x"><message id="m" name="go"><extensionElements>
    <zeebe:subscription correlationKey="=k"/></extensionElements></message><process id="{0}" isExecutable="true">
    <startEvent id="s"/>{1}<endEvent id="e"/></process></definitions>"""
_CATCH: Final = "intermediateCatchEvent"


def _work(type: str) -> str:
    return f'<extensionElements><zeebe:taskDefinition type="{type}"/></extensionElements>'


def _part(id: str, inner: str, of: str = "serviceTask") -> str:
    return f'<{of} id="{id}">{inner}</{of}>'


def _flow(id: str, source: str, target: str) -> str:
    return f'<sequenceFlow id="{id}" sourceRef="{source}" targetRef="{target}"/>'


def _between(*parts: tuple[str, str]) -> str:
    """Parts, by id, one after the other."""
    ids = ["s", *(id for id, _ in parts), "e"]
    flows = [_flow(f"f{n}", ids[n], ids[n + 1]) for n in range(len(ids) - 1)]
    return "".join([*(text for _, text in parts), *flows])


def model(name: str, *parts: tuple[str, str]) -> tuple[str, bytes]:
    """A process of these parts."""
    return f"{name}.bpmn", _HEAD.format(name, _between(*parts)).encode()


_GO: Final = ("b", _part("b", '<messageEventDefinition messageRef="m"/>', _CATCH))
_LOOP: Final = """<multiInstanceLoopCharacteristics><extensionElements><zeebe:loopCharacteristics
  inputCollection="=[1, 2, 3]" inputElement="item"/></extensionElements></multiInstanceLoopCharacteristics>"""
_LATER: Final = "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>"
_SOON: Final = "<timerEventDefinition><timeDuration>=wait</timeDuration></timerEventDefinition>"
_CALL: Final = '<extensionElements><zeebe:calledElement processId="called"/></extensionElements>'
_UNDO: Final = f"""{_part("paid", _work("held"))}
  <boundaryEvent id="undo" attachedToRef="paid"><compensateEventDefinition id="cd"/></boundaryEvent>
  <serviceTask id="back" isForCompensation="true">{_work("done")}</serviceTask>
  <association id="as" associationDirection="One" sourceRef="undo" targetRef="back"/>"""

MESSAGE: Final = model("message", _GO)
JOB: Final = model("job", ("w", _part("w", _work("held"))))
TIMER: Final = model("timer", ("t", _part("t", _SOON, _CATCH)))
MANY: Final = model("many", ("w", _part("w", _work("held") + _LOOP)))
UNDONE: Final = model(
    "undone",
    ("paid", _UNDO),
    _GO,
    ("c", _part("c", "<compensateEventDefinition/>", "intermediateThrowEvent")),
)
CALLER: Final = model("caller", ("call", _part("call", _CALL, "callActivity")))
CALLED: Final = model("called", _GO)
MODELS: Final = (MESSAGE, JOB, TIMER, MANY, UNDONE, CALLER, CALLED)
KINDS: Final = ("message", "job", "timer", "many", "undone", "caller")


class Hands:
    """The functions that do jobs: `held` ones are held up until they are let; effects are counted by key."""

    def __init__(self, engine: Engine) -> None:
        self.let = threading.Event()
        self.begun = threading.Semaphore(0)
        self.effects: Counter[str] = Counter()

        @engine.worker("held", timeout=120)
        def held(job: Job) -> None:
            self.begun.release()
            assert self.let.wait(PATIENCE_S)
            self.effects[job.idempotency_key] += 1

        @engine.worker("done", timeout=120)
        def done(job: Job) -> None:
            self.effects[job.idempotency_key] += 1


def host_of(engine: Engine, key: int) -> str:
    """On which host an instance is; "" for the store's own."""
    return engine.store.read("instance", (0, key), InstanceRow)[0].host


def sent(engine: Engine) -> bool:
    """Whether nothing is in the outbox."""
    return not engine.store.read("outbox_size", (), SizeRow)[0].count


def finished(engine: Engine, key: int) -> BatchView:
    """A batch, at its end."""
    there = engine.wait_until(lambda: engine.changes.batch(key).state == "finished", PATIENCE_S)
    assert there, (engine.changes.batch(key), engine.changes.batch_errors(key))
    return engine.changes.batch(key)


def until(engine: Engine, condition: Callable[[], bool], said: object = "") -> None:
    """Waits for a condition."""
    assert engine.wait_until(condition, PATIENCE_S), said
