"""W1 to W5, as they are described in docs/benchmarks.md. Each drives the public API only."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from procession import Engine
from procession.services.catalog import Catalog
from procession.store.sqlite import SQLiteStore

MODELS: Final = Path(__file__).parent / "models"
IN_FLIGHT: Final = 100


@dataclass
class Run:
    """One run: `n` instances, wall and CPU seconds, and where it measured them the latencies in seconds."""

    n: int
    wall_s: float
    cpu_s: float
    latencies: list[float] = field(default_factory=list[float])

    @property
    def per_second(self) -> float:
        return self.n / self.wall_s

    @property
    def cpu_ms(self) -> float:
        return self.cpu_s / self.n * 1000

    def plus(self, other: Run) -> Run:
        """Both, one after the other."""
        latencies = self.latencies + other.latencies
        return Run(self.n + other.n, self.wall_s + other.wall_s, self.cpu_s + other.cpu_s, latencies)

    def percentile_ms(self, share: float) -> float:
        """A percentile of the latencies, in ms."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


def prepared(engine: Engine, *models: str) -> Engine:
    """Deploys models by name and registers the worker that does nothing."""
    engine.deploy(*(MODELS / f"{name}.bpmn" for name in models))

    @engine.worker("noop")
    def noop() -> None:
        return None

    return engine


def _measured(n: int, work: Callable[[], list[float]]) -> Run:
    wall, cpu = time.perf_counter(), time.process_time()
    latencies = work()
    return Run(n, time.perf_counter() - wall, time.process_time() - cpu, latencies)


def _waves(n: int, wave: Callable[[int], None]) -> list[float]:
    latencies: list[float] = []
    for first in range(0, n, IN_FLIGHT):
        begun = time.perf_counter()
        wave(first)
        latencies.append(time.perf_counter() - begun)
    return latencies


def in_flight(engine: Engine, process: str, variables: Callable[[int], dict[str, object]], n: int) -> Run:
    """`n` instances, `IN_FLIGHT` at a time, run to their end.

    The latency of an instance is that of the hundred it runs with: from the call that starts them until all ended.
    """

    def wave(first: int) -> None:
        engine.start_many(process, [variables(i) for i in range(first, min(first + IN_FLIGHT, n))])
        engine.run_until_idle()

    return _measured(n, lambda: _waves(n, wave))


def one_at_a_time(engine: Engine, process: str, n: int) -> Run:
    """`n` instances, each run to its end before the next; latencies are those of whole instances."""

    def work() -> list[float]:
        latencies: list[float] = []
        for _ in range(n):
            begun = time.perf_counter()
            engine.start(process)
            engine.run_until_idle()
            latencies.append(time.perf_counter() - begun)
        return latencies

    return _measured(n, work)


def w1(engine: Engine, n: int) -> Run:
    """Ten no-op service tasks in sequence."""
    return in_flight(engine, "w1", lambda i: {}, n)


def w2(engine: Engine, n: int) -> Run:
    """Script, exclusive gateway, fork of three times two tasks, join, script."""
    amounts = (50, 500, 5000)
    return in_flight(engine, "w2", lambda i: {"amount": amounts[i % 3]}, n)


def w3(engine: Engine, n: int) -> Run:
    """Message, user task with a timer boundary: start, publish, complete, `IN_FLIGHT` at a time."""

    def wave(first: int) -> None:
        keys = [f"k{i}" for i in range(first, min(first + IN_FLIGHT, n))]
        engine.start_many("w3", [{"key": key} for key in keys])
        engine.publish_many([("go", key) for key in keys])
        engine.complete_tasks([task.key for task in engine.tasks(limit=IN_FLIGHT)])

    return _measured(n, lambda: _waves(n, wave))


def w4(engine: Engine, n: int) -> Run:
    """A parallel multi-instance sub-process over fifty items."""
    items = list(range(50))
    return in_flight(engine, "w4", lambda i: {"items": items}, n)


def w5(directory: Path, n: int) -> Run:
    """Deploys of a 200-node model, each changed so that it is a new version; the process deployed something before."""
    source = (MODELS / "w5.bpmn").read_bytes()
    # The first deployment of a process loads the compiler: `python -m bench.start` tells what that costs.
    engine = prepared(Engine(directory / "w5.db"), "w1")

    def work() -> list[float]:
        latencies: list[float] = []
        for i in range(n):
            text = source.replace(b'name="w5"', b'name="w5 %d"' % i, 1)
            begun = time.perf_counter()
            engine.deploy(("w5.bpmn", text))
            latencies.append(time.perf_counter() - begun)
        return latencies

    run = _measured(n, work)
    engine.close()
    return run


def load_program(directory: Path, n: int) -> Run:
    """Loads of W5's newest program from the file `w5` left: read, decoded and linked, in a cache that is empty."""
    store = SQLiteStore(directory / "w5.db")

    def work() -> list[float]:
        latencies: list[float] = []
        for _ in range(n):
            catalog = Catalog(store)
            hash = catalog.latest(0, "w5").program
            begun = time.perf_counter()
            catalog.linked(0, hash)
            latencies.append(time.perf_counter() - begun)
        return latencies

    work()
    run = _measured(n, work)
    store.close()
    return run
