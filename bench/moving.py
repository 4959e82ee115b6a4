"""How fast batches move instances, and how long those are without an owner: `python -m bench.moving --instances 600`.

Instances that wait for a message, a worker, a timer, three workers at once, or with a compensation to be done, in equal
parts, go from a SQLite store to a Temporal server on this machine and back, while others start, take a message, and
end. What is without an owner, see `bench/owners.py`.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Final

from bench import machine, owners
from procession import Engine, Filter, Routing, Temporal
from procession.testing.temporal import dev_server

ROOT: Final = Path(__file__).resolve().parents[1]
TENANT: Final = "<default>"
_HEAD: Final = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="x"><message id="m" name="go"><extensionElements>
    <zeebe:subscription correlationKey="=k"/></extensionElements></message><process id="{0}" isExecutable="true">
    <startEvent id="s"/><sequenceFlow id="f1" sourceRef="s" targetRef="a"/>{1}</process></definitions>"""
_ON: Final = '<sequenceFlow id="f2" sourceRef="a" targetRef="e"/><endEvent id="e"/>'
_WORK: Final = '<extensionElements><zeebe:taskDefinition type="work"/></extensionElements>'
_LOOP: Final = """<multiInstanceLoopCharacteristics><extensionElements><zeebe:loopCharacteristics
    inputCollection="=[1, 2, 3]"/></extensionElements></multiInstanceLoopCharacteristics>"""
_TIMER: Final = "<timerEventDefinition><timeDuration>PT5H</timeDuration></timerEventDefinition>"
_GO: Final = '<intermediateCatchEvent id="{0}"><messageEventDefinition messageRef="m"/></intermediateCatchEvent>'
MODELS: Final = {
    "message": _GO.format("a") + _ON,
    "job": f'<serviceTask id="a">{_WORK}</serviceTask>{_ON}',
    "timer": f'<intermediateCatchEvent id="a">{_TIMER}</intermediateCatchEvent>{_ON}',
    "many": f'<serviceTask id="a">{_WORK}{_LOOP}</serviceTask>{_ON}',
    "undone": f"""<scriptTask id="a"><extensionElements><zeebe:script expression="=1" resultVariable="x"/>
        </extensionElements></scriptTask><boundaryEvent id="u" attachedToRef="a"><compensateEventDefinition id="cd"/>
        </boundaryEvent><serviceTask id="back" isForCompensation="true">{_WORK}</serviceTask>
        <association id="as" associationDirection="One" sourceRef="u" targetRef="back"/>
        <sequenceFlow id="f2" sourceRef="a" targetRef="b"/>{_GO.format("b")}
        <sequenceFlow id="f3" sourceRef="b" targetRef="c"/><intermediateThrowEvent id="c">
        <compensateEventDefinition id="ct"/></intermediateThrowEvent>
        <sequenceFlow id="f4" sourceRef="c" targetRef="e"/><endEvent id="e"/>""",
    "short": _GO.format("a") + _ON,
}
MOVED: Final = ("message", "job", "timer", "many", "undone")


def main() -> None:
    """Moves them, and prints what it took."""
    parser = argparse.ArgumentParser(prog="python -m bench.moving")
    parser.add_argument("--instances", type=int, default=600)
    parser.add_argument("--load", type=float, default=20, help="other instances a second that start and end meanwhile")
    parser.add_argument("--directory", type=Path, default=ROOT, help="where the store lies; default: this repository")
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix=".bench-", dir=options.directory))
    try:
        asyncio.run(_all(options, directory))
    finally:
        shutil.rmtree(directory)


async def _all(options: argparse.Namespace, directory: Path) -> None:
    async with dev_server("server") as server:
        _print(f"{machine.describe()}; Temporal server {await server.version()} in memory")
        await asyncio.to_thread(_moves, options, server.address, directory)


def _moves(options: argparse.Namespace, address: str, directory: Path) -> None:
    told: dict[int, float] = {}
    host = owners.Watched(Temporal(address, queue="bench-moving"), told.__setitem__)
    over = threading.Event()
    with Engine(directory / "e.db", host=host) as engine:
        engine.deploy(*((f"{name}.bpmn", _HEAD.format(name, body).encode()) for name, body in MODELS.items()))
        Routing(engine).set({"default": "here"})
        engine.serve(2)
        keys = _started(engine, options.instances)
        busy = threading.Thread(target=_load, args=(engine, options.load, over))
        busy.start()
        try:
            _there_and_back(engine, told, address, keys)
        finally:
            over.set()
            busy.join()


def _started(engine: Engine, instances: int) -> list[int]:
    keys: list[int] = []
    for n, name in enumerate(MOVED):
        wanted = len(range(n, instances, len(MOVED)))
        keys += [each.key for each in engine.start_many(name, [{"k": f"{name}{i}"} for i in range(wanted)])]
    return keys


def _load(engine: Engine, rate: float, over: threading.Event) -> None:
    """Instances that start here, wait for a message, and end."""
    n = 0
    while rate and not over.wait(1 / rate):
        n += 1
        engine.start("short", {"k": f"short{n}"})
        engine.publish("go", f"short{n}", ttl=60)


def _there_and_back(engine: Engine, told: dict[int, float], address: str, keys: list[int]) -> None:
    which = Filter(instances=tuple(keys))
    took = _batch(engine, engine.changes.move_each(which, "temporal"))
    _line("there", len(keys), took, asyncio.run(owners.without(address, keys, told)).there)
    took = _batch(engine, engine.changes.move_each(which, "here"))
    _line("back", len(keys), took, asyncio.run(owners.without(address, keys, told)).back)


def _batch(engine: Engine, key: int) -> float:
    begun = time.perf_counter()
    engine.wait_until(lambda: engine.changes.batch(key).state == "finished")
    found = engine.changes.batch(key)
    assert not found.failed, engine.changes.batch_errors(key)
    return time.perf_counter() - begun


def _line(way: str, instances: int, seconds: float, without: list[float]) -> None:
    _print(f"{way}: {instances / seconds:.0f} instances a second; {owners.line(without)}")


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
