"""A side of the comparison in a process of its own: `python -m bench.temporal.sides hand|ours ADDRESS DIRECTORY`.

It takes one `Ask` a line at its standard input and answers with one `Told`. Worker and caller are in this process, as
an application with a few workflows has them; so are our engine and its outbox.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

import msgspec
from temporalio.client import Client

from procession.hosts.temporal.cluster import Loop, connect

AMOUNTS: Final = (50, 500, 5000)
TICKS: Final = os.sysconf("SC_CLK_TCK")
SAMPLE: Final = 5
"""Histories that are read of each run."""


class Ask(msgspec.Struct, frozen=True):
    """Run `waves` times `flight` instances of a workload; of a `flight` of 1 the latencies count."""

    workload: str
    flight: int
    waves: int


class Told(msgspec.Struct, frozen=True):
    """What a run took: seconds, of wall time until the last workflow ended, and until the books showed it (`settled`).

    `cpu` is that of the process, of all its threads; `threads` by the thread's name. `events` and `bytes` are those
    of the histories, on average; `reads` are reads of histories, of all instances.
    """

    n: int
    wall: float
    settled: float
    cpu: float
    latencies: list[float]
    threads: dict[str, float]
    events: float
    bytes: float
    reads: int


class Side(Protocol):
    """One way to run the workloads."""

    @property
    def reads(self) -> int:
        """Reads of histories so far."""
        ...

    def start(self, workload: str, variables: Sequence[dict[str, object]]) -> list[str]:
        """Starts instances; gives the ids of their workflows."""
        ...

    def wave(self, workload: str, variables: Sequence[dict[str, object]]) -> list[str]:
        """Starts instances side by side, does what they wait for, and waits for their results."""
        ...

    def settle(self) -> None:
        """Waits until the books show all of it."""
        ...

    def close(self) -> None:
        """Ends it."""
        ...


def hand(client: Client, loop: Loop, directory: Path, queue: str) -> Side:
    """The hand-written side. Imported here: neither side pays for the other's modules."""
    from bench.temporal.handwritten import HandWritten

    return HandWritten(client, loop, directory, queue)


def ours(client: Client, loop: Loop, directory: Path, queue: str) -> Side:
    """The interpreted side."""
    from bench.temporal.interpreted import Interpreted

    return Interpreted(client, loop, directory, queue)


SIDES: Final[dict[str, Callable[[Client, Loop, Path, str], Side]]] = {"hand": hand, "ours": ours}


def variables(workload: str, first: int, count: int) -> list[dict[str, object]]:
    """What instances start with."""
    if workload == "w2":
        return [{"amount": AMOUNTS[(first + i) % 3]} for i in range(count)]
    if workload.startswith("w3"):
        return [{"key": f"k{first + i:09d}"} for i in range(count)]
    return [{} for _ in range(count)]


def run(side: Side, client: Client, loop: Loop, ask: Ask, first: int) -> Told:
    """One run."""
    latencies: list[float] = []
    ids: list[str] = []
    before, threads, reads = time.process_time(), thread_seconds(), side.reads
    begun = time.perf_counter()
    for wave in range(ask.waves):
        given = variables(ask.workload, first + wave * ask.flight, ask.flight)
        started = time.perf_counter()
        ids += side.wave(ask.workload, given)
        latencies.append(time.perf_counter() - started)
    wall = time.perf_counter() - begun
    side.settle()
    settled = time.perf_counter() - begun
    cpu = time.process_time() - before
    spent = {name: seconds - threads.get(name, 0.0) for name, seconds in thread_seconds().items()}
    events, size = loop.run(_histories(client, ids[-SAMPLE:]))
    return Told(len(ids), wall, settled, cpu, latencies, spent, events, size, side.reads - reads)


async def _histories(client: Client, ids: list[str]) -> tuple[float, float]:
    events = size = 0
    for each in ids:
        history = await client.get_workflow_handle(each).fetch_history()
        events += len(history.events)
        size += sum(event.ByteSize() for event in history.events)
    return events / len(ids), size / len(ids)


def thread_seconds() -> dict[str, float]:
    """CPU seconds by the name of the thread: Python's name, or for those of the SDK's core the system's."""
    known = {each.native_id: each.name.rstrip("0123456789_-") for each in threading.enumerate()}
    found: dict[str, float] = {}
    for task in Path("/proc/self/task").glob("*"):
        try:
            text = (task / "stat").read_text()
        except OSError:
            continue  # it has ended
        rest = text.rpartition(")")[2].split()
        name = known.get(int(task.name)) or f"core {text[text.index('(') + 1 : text.rindex(')')]}".rstrip("0123456789-")
        found[name] = found.get(name, 0.0) + (int(rest[11]) + int(rest[12])) / TICKS
    return found


def main() -> None:
    """Serves one side until its input ends."""
    name, address, directory = sys.argv[1:4]
    loop = Loop()
    client = loop.run(connect(address))
    side = SIDES[name](client, loop, Path(directory), f"bench-{name}-{os.getpid()}")
    first = 0
    for line in sys.stdin.buffer:
        ask = msgspec.json.decode(line, type=Ask)
        told = run(side, client, loop, ask, first)
        first += ask.flight * ask.waves
        sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
        sys.stdout.buffer.flush()
    side.close()
    loop.close()


if __name__ == "__main__":
    main()
