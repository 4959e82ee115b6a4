"""What a look at a rollout takes: `python -m bench.rollout`. Ten thousand instances wait, ten thousand have ended."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from bench import machine
from procession import Engine, Rollouts
from procession.base.values import Json

EACH = 10_000
LOOKS = 5
MODEL = b"""<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="x">
  <process id="p" isExecutable="true"><startEvent id="s"/><sequenceFlow id="f" sourceRef="s" targetRef="g"/>
  <exclusiveGateway id="g" default="d"/><sequenceFlow id="w" sourceRef="g" targetRef="t">
  <conditionExpression>=wait</conditionExpression></sequenceFlow>
  <sequenceFlow id="d" sourceRef="g" targetRef="e"/>
  <userTask id="t"/><sequenceFlow id="x" sourceRef="t" targetRef="e"/><endEvent id="e"/></process></definitions>"""


def main() -> None:
    """Prints milliseconds a look, wall and CPU."""
    with tempfile.TemporaryDirectory() as folder, Engine(Path(folder) / "e.db") as engine:
        engine.deploy(("p.bpmn", MODEL))
        rollouts = Rollouts(engine)
        rollouts.begin({"name": "r", "from": "temporal", "to": "here", "steps": [{"starts": 100}], "gates": _GATES})
        for waits in (True, False):
            engine.start_many("p", [{"wait": waits}] * EACH)
        looks = [_timed(rollouts) for _ in range(LOOKS)]
    wall, cpu = (median(each) * 1e3 for each in zip(*looks, strict=True))
    sys.stdout.write(f"{machine.describe()}\n")
    sys.stdout.write(f"a look at {EACH:,} active and {EACH:,} ended instances: {wall:.0f} ms, CPU {cpu:.0f} ms\n")


_GATES: dict[str, Json] = {"stay": "PT1H", "finished": 50, "p95": 2, "stuck_after": "PT0S"}
"""So that none of them ends it, and the oldest instances are read whole."""


def _timed(rollouts: Rollouts) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    rollouts.look("r")
    return time.perf_counter() - wall, time.process_time() - cpu


if __name__ == "__main__":
    main()
