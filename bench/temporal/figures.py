"""The other figures: replay of a large state, memory of an instance that waits, start of a worker."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

import msgspec
from temporalio.client import Client, WorkflowHandle, WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from bench.temporal.interpreted import Interpreted
from bench.temporal.pairs import ROOT
from bench.temporal.sides import variables
from procession.core.linked import Linked
from procession.core.snapshot import dump
from procession.hosts.temporal import payloads as p
from procession.hosts.temporal.cluster import DATA_CONVERTER, Loop, connect
from procession.hosts.temporal.definition import ProcessWorkflow
from procession.hosts.temporal.programs import Programs
from procession.hosts.temporal.watching import Settling
from procession.hosts.temporal.worker import in_one_batch
from procession.runtime.ports import Store

TOKENS: Final = 1_000
STATE_BYTES: Final = 1_000_000
WAITING: Final = 1_000
WARM: Final = 200
PORTION: Final = 50
"""Started at the same time."""


@dataclass(frozen=True)
class Memory:
    """Bytes of an instance that waits, on both sides, and of its state alone."""

    ours: float
    hand: float
    state: float


@dataclass(frozen=True)
class Replayed:
    """What replaying took, in ms, and what it was: bytes of the snapshot, and of what the history has of it."""

    wall_ms: list[float]
    cpu_ms: list[float]
    bytes: int
    stored: int


class Unheard:
    """A worker's surroundings, of which nobody hears."""

    def __init__(self, store: Store) -> None:
        self._programs = Programs(store)

    def linked(self, tenant: str, hash: str) -> Linked:
        return self._programs.linked(tenant, hash)

    def offer(self, envelope: p.Envelope, *, urgent: bool) -> None:
        """Reports of a replay."""


def replay(address: str, directory: Path, times: int = 5) -> Replayed:
    """A thousand user tasks are open, with a megabyte of variables, when a new run takes over; that is replayed."""
    loop = Loop()
    client = loop.run(connect(address))
    side = Interpreted(client, loop, directory, "bench-replay")
    # A thousand items of the loop have variables of their own; the rest of the megabyte is the process's.
    # Noise, so that compressing it does not make it small.
    noise = random.Random(1).randbytes(STATE_BYTES // 2).hex()
    given: dict[str, object] = {"items": list(range(TOKENS)), "blob": noise}
    handle = client.get_workflow_handle(side.start("many", [given])[0])
    while len(side.tasks()) < TOKENS:
        time.sleep(0.05)
    first = loop.run(handle.describe()).run_id
    loop.run(_signal(handle))
    while loop.run(handle.describe()).run_id == first:
        time.sleep(0.05)
    history = loop.run(handle.fetch_history())
    side.close()
    walls, cpus = [], []
    for _ in range(times):
        wall, cpu = time.perf_counter(), time.process_time()
        loop.run(_replayed(side.store_again(), history))
        walls.append((time.perf_counter() - wall) * 1000)
        cpus.append((time.process_time() - cpu) * 1000)
    loop.close()
    given_on = history.events[0].workflow_execution_started_event_attributes.input
    carried = msgspec.json.decode(given_on.payloads[0].data, type=p.Input).carried
    assert carried is not None
    size = sum(len(bytes(body)) for body in p.unpacked(carried).values())
    return Replayed(walls, cpus, size, given_on.ByteSize())


async def _signal(handle: WorkflowHandle[Any, Any]) -> None:
    await handle.signal(p.TRAMPOLINE)


async def _replayed(store: Store, history: WorkflowHistory) -> None:
    replayer = Replayer(
        workflows=[ProcessWorkflow],
        interceptors=[Settling(Unheard(store))],
        workflow_runner=UnsandboxedWorkflowRunner(),
        data_converter=DATA_CONVERTER,
    )
    in_one_batch(replayer)
    await replayer.replay_workflow(history)


def memory(address: str, directory: Path) -> Memory:
    """Resident memory that a thousand more instances of W3 cost a worker, all waiting for their message."""
    loop = Loop()
    client = loop.run(connect(address))
    side = Interpreted(client, loop, directory, "bench-memory", work=False)
    with _Lone("ours", address, directory, "bench-memory") as lone:

        def start(first: int, count: int) -> None:
            for portion in range(first, first + count, PORTION):
                given = variables("w3", portion, PORTION)
                side.start("w3", given)
                side.subscribed([str(each["key"]) for each in given])

        ours = _grown(lone, start)
    state = side.states()[-1]
    side.close()
    with _Lone("hand", address, directory, "bench-memory-hand") as lone:

        def begin(first: int, count: int) -> None:
            loop.run(_begin(client, "bench-memory-hand", variables("w3", first, count)), 600)

        hand = _grown(lone, begin)
    loop.close()
    return Memory(ours, hand, len(dump(state)))


async def _begin(client: Client, queue: str, given: Sequence[dict[str, object]]) -> None:
    """Starts workflows of `handwritten` and waits until each has done its first task."""
    from bench.temporal.handwritten import Given

    async def one(each: dict[str, object]) -> None:
        handle: WorkflowHandle[Any, Any] = await client.start_workflow(
            "w3", Given(each, "." * 330), id=f"{queue}/{each['key']}", task_queue=queue
        )
        while (await handle.describe()).history_length < FIRST_TASK:  # noqa: ASYNC110  # another process's doing
            await asyncio.sleep(0.05)

    for first in range(0, len(given), PORTION):
        await asyncio.gather(*(one(each) for each in given[first : first + PORTION]))


FIRST_TASK: Final = 5
"""Events of a history when the first task is over and its local activity is done."""


class _Lone:
    """A worker in a process of its own; see `lone.py`."""

    def __init__(self, side: str, address: str, directory: Path, queue: str) -> None:
        cached = str(2 * (WAITING + WARM))
        command = [sys.executable, "-m", "bench.temporal.lone", side, address, str(directory), queue, cached]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)

    def __enter__(self) -> _Lone:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)

    def resident(self) -> int:
        """Bytes of memory."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


def _grown(lone: _Lone, start: Any) -> float:
    """Bytes for each instance, after some that warm everything up."""
    start(0, WARM)
    time.sleep(1)
    before = lone.resident()
    start(WARM, WAITING)
    time.sleep(1)
    return (lone.resident() - before) / WAITING


def startup(address: str, directory: Path, times: int = 5) -> list[float]:
    """Seconds from the start of a worker's process to the end of the instance of W1 that waits for it."""
    loop = Loop()
    client = loop.run(connect(address))
    side = Interpreted(client, loop, directory, "bench-start", work=False)
    found: list[float] = []
    for _ in range(times):
        ids = side.start("w1", [{}])
        while not side.placement.idle:
            time.sleep(0.01)
        begun = time.perf_counter()
        with _Lone("ours", address, directory, "bench-start"):
            loop.run(side.results(ids), 120)
            found.append(time.perf_counter() - begun)
    side.close()
    loop.close()
    return found


def lines(address: str, directory: Path) -> list[tuple[str, str, str, bool]]:
    """What, measured, the bound, whether it is met."""
    folders = [directory / name for name in ("replay", "memory", "start")]
    for each in folders:
        each.mkdir()
    seen = replay(address, folders[0])
    kept = memory(address, folders[1])
    begun = startup(address, folders[2])
    beyond = (kept.ours - kept.state) / 1024
    return [
        (
            f"replay of {TOKENS} tokens, {seen.bytes / 1e6:.1f} MB of snapshot ({seen.stored / 1e6:.1f} MB stored)",
            f"{median(seen.wall_ms):.0f} ms, {median(seen.cpu_ms):.0f} of CPU",
            "500 ms",
            median(seen.wall_ms) <= 500,
        ),
        (
            "memory of a cached idle instance beyond its state",
            f"{beyond:.1f} KiB (state {kept.state / 1024:.1f}; hand-written {kept.hand / 1024:.1f} in all)",
            "40 KiB",
            beyond <= 40,
        ),
        (
            "a worker's start to its first completed instance",
            f"{median(begun):.2f} s ({min(begun):.2f} to {max(begun):.2f})",
            "3 s",
            median(begun) <= 3,
        ),
    ]
