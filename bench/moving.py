"""How fast batches move instances, and how long those are without an owner: `python -m bench.moving --instances 600`.

Instances that wait for a message, a worker, a timer, three workers at once, or with a compensation to be done, in equal
parts, go from a SQLite store to a Temporal server on this machine and back, while others start, take a message, and
end. Without an owner is an instance there from the commit that hands it over to the end of its workflow's first task;
back, from the end of its workflow to the end of the commit that takes it back.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final, final

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from bench import machine
from procession import Engine, Filter, Routing, Temporal
from procession.base.keys import made_at_ms
from procession.hosts.temporal.cluster import DATA_CONVERTER
from procession.hosts.temporal.ids import workflow_id
from procession.hosts.temporal.taking import TOOK
from procession.runtime.elsewhere import Answer, Door, Placement
from procession.runtime.ports import Store
from procession.runtime.requests import MoveOn
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


@final
class Watched:
    """A door that notes when a move was taken note of."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self.told: list[tuple[MoveOn, float]] = []

    def call(self, request: Any) -> Any:
        return self._door.call(request)

    def call_all(self, requests: Sequence[Any]) -> list[Any]:
        found = self._door.call_all(requests)
        now = time.time()
        self.told += [
            (each, now) for each, said in zip(requests, found, strict=True) if isinstance(each, MoveOn) and said
        ]
        return found

    def posted(self) -> None:
        self._door.posted()

    def perform(self, job: Answer, tenant: str) -> Future[Any]:
        return self._door.perform(job, tenant)


@final
class Host:
    """Temporal, with a door that is watched."""

    def __init__(self, inner: Temporal) -> None:
        self._inner = inner

    def open(self, store: Store) -> Placement:
        return self._inner.open(store)

    def attach(self, door: Door) -> None:
        self.door = Watched(door)
        self._inner.attach(self.door)

    def serve(self, type: str, spare: bool) -> None:
        self._inner.serve(type, spare)

    def close(self) -> None:
        self._inner.close()


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
    host = Host(Temporal(address, queue="bench-moving"))
    over = threading.Event()
    with Engine(directory / "e.db", host=host) as engine:
        engine.deploy(*((f"{name}.bpmn", _HEAD.format(name, body).encode()) for name, body in MODELS.items()))
        Routing(engine).set({"default": "here"})
        engine.serve(2)
        keys = _started(engine, options.instances)
        busy = threading.Thread(target=_load, args=(engine, options.load, over))
        busy.start()
        try:
            _there_and_back(engine, host, address, keys)
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


def _there_and_back(engine: Engine, host: Host, address: str, keys: list[int]) -> None:
    which = Filter(instances=tuple(keys))
    took = _batch(engine, engine.changes.move_each(which, "temporal"))
    without = asyncio.run(_handed_over(address, keys))
    _line("there", len(keys), took, without)
    took = _batch(engine, engine.changes.move_each(which, "here"))
    told = {int(key): at for request, at in host.door.told if request.left for key in request.left.seqs}
    without = asyncio.run(_taken_back(address, told))
    _line("back", len(keys), took, without)


def _batch(engine: Engine, key: int) -> float:
    begun = time.perf_counter()
    engine.wait_until(lambda: engine.changes.batch(key).state == "finished")
    found = engine.changes.batch(key)
    assert not found.failed, engine.changes.batch_errors(key)
    return time.perf_counter() - begun


async def _handed_over(address: str, keys: list[int]) -> list[float]:
    """Seconds from the commit that handed an instance over to the end of its workflow's first task."""
    client = await Client.connect(address, data_converter=DATA_CONVERTER)
    found: list[float] = []
    for key in keys:
        handle = client.get_workflow_handle(workflow_id(TENANT, key))
        number = await (await handle.describe()).memo_value(TOOK, 0)
        async for event in handle.fetch_history_events():
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
                found.append(event.event_time.ToMilliseconds() / 1000 - made_at_ms(number) / 1000)
                break
    return found


async def _taken_back(address: str, told: dict[int, float]) -> list[float]:
    """Seconds from the end of a workflow to the end of the commit that took its instance back."""
    client = await Client.connect(address, data_converter=DATA_CONVERTER)
    found: list[float] = []
    for key, at in told.items():
        described = await client.get_workflow_handle(workflow_id(TENANT, key)).describe()
        assert described.close_time is not None
        found.append(at - described.close_time.timestamp())
    return found


def _line(way: str, instances: int, seconds: float, without: list[float]) -> None:
    ordered = sorted(without)
    p50, p99 = (ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.5, 0.99))
    _print(
        f"{way}: {instances / seconds:.0f} instances a second; without an owner p50 {p50 * 1000:.0f} ms, "
        f"p99 {p99 * 1000:.0f} ms, longest {ordered[-1] * 1000:.0f} ms of {len(ordered)}"
    )


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
