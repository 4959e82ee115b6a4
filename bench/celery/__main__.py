"""Prints the table of docs/benchmarks.md on Celery: `python -m bench.celery [--pairs 10] [--instances 100]`.

W1, ten service tasks in sequence, beside a chain of ten tasks with Celery's result backend: one worker and one broker
(Redis) for both, in turns A B B A. CPU is that of the worker's processes, of the broker, and of who starts and waits.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

import redis

from bench import machine

ROOT: Final = Path(__file__).resolve().parents[2]
MODELS: Final = ROOT / "bench" / "models"
TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")
LIMIT: Final = 1.5
IDLE_S: Final = 30.0


class Cost(NamedTuple):
    """CPU seconds of a run, and how long it took."""

    worker: float
    broker: float
    caller: float
    wall: float

    @property
    def all(self) -> float:
        """CPU seconds of all processes."""
        return self.worker + self.broker + self.caller


def cpu_of(pid: int) -> float:
    """CPU seconds of a process and all below it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    # Its own time, and that of children it has waited for.
    spent = sum(int(fields[n]) for n in (11, 12, 13, 14)) * TICK_S
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return spent + sum(cpu_of(int(child)) for child in children)


def measured(worker: int, broker: int, work: Callable[[], None]) -> Cost:
    """What some work costs all processes."""
    before = cpu_of(worker), cpu_of(broker), time.process_time(), time.perf_counter()
    work()
    return Cost(
        cpu_of(worker) - before[0],
        cpu_of(broker) - before[1],
        time.process_time() - before[2],
        time.perf_counter() - before[3],
    )


def by_hand(app: Any, n: int, *, lean: bool) -> None:
    """`n` chains at once, until all have ended. `lean`: of each only the last result is kept."""
    from celery import chain

    step = app.tasks["bench.celery.app.step"]
    options = {"ignore_result": True} if lean else {}
    between = [step.s().set(**options) for _ in range(8)]
    results = [chain(step.s(number).set(**options), *between, step.s())() for number in range(n)]
    for result in results:
        result.get(timeout=120)


def by_process(host: Any, n: int) -> None:
    """`n` instances at once, until all have ended."""
    engine = host.engine()
    instances = [engine.start("w1", {}) for _ in range(n)]
    for instance in instances:
        assert instance.wait(120) == "completed"


def main() -> None:
    """Starts broker and worker, and prints the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.celery")
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--instances", type=int, default=50, help="of each run, all in flight")
    parser.add_argument("--pool", default="prefork")
    parser.add_argument("--lean", action="store_true", help="the chains keep their last result alone")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--directory", type=Path, default=ROOT, help="where the store lies; default: this repository")
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix=".bench-", dir=options.directory))
    port = 16_000 + os.getpid() % 10_000
    os.environ["BENCH_BROKER"] = f"redis://127.0.0.1:{port}/0"
    os.environ["BENCH_BACKEND"] = f"redis://127.0.0.1:{port}/1"
    os.environ["BENCH_STORE"] = str(directory / "bench.db")
    broker = subprocess.Popen(["redis-server", "--port", str(port), "--save", "", "--bind", "127.0.0.1"], stdout=-3)
    command = ["worker", "-P", options.pool, "-c", str(options.processes), "-l", "ERROR", "--without-mingle"]
    worker = subprocess.Popen([sys.executable, "-m", "celery", "-A", "bench.celery.app", *command], cwd=ROOT)
    try:
        _run(options, worker.pid, broker.pid, port)
    finally:
        worker.terminate()
        worker.wait(30)
        broker.kill()
        shutil.rmtree(directory, ignore_errors=True)


def _run(options: argparse.Namespace, worker: int, broker: int, port: int) -> None:
    from bench.celery.app import app, host

    host.engine().deploy(MODELS / "w1.bpmn", MODELS / "w3.bpmn")
    n = options.instances
    sides: list[Callable[[], None]] = [lambda: by_hand(app, n, lean=options.lean), lambda: by_process(host, n)]
    for side in sides:
        side()
    found: list[list[Cost]] = [[], []]
    for pair in range(options.pairs):
        order = (0, 1) if pair % 2 == 0 else (1, 0)
        for number in order:
            found[number].append(measured(worker, broker, sides[number]))
    _print(
        f"{machine.describe()}; {options.pool}, {options.processes} processes, {n} in flight, {options.pairs} pairs\n"
    )
    _print("| | chain by hand | process | ratio (median, range) |\n|---|---|---|---|")
    for name in ("worker", "broker", "caller", "all", "wall"):
        hand, ours = ([getattr(cost, name) / n * 1000 for cost in side] for side in found)
        ratios = sorted(b / a for a, b in zip(hand, ours, strict=True) if a)
        ratio = f"{median(ratios):.2f}, {ratios[0]:.2f} to {ratios[-1]:.2f}" if ratios else ""
        _print(f"| {name}, ms each | {median(hand):.2f} | {median(ours):.2f} | {ratio} |")
    _idle(host, redis.Redis(port=port))


def _idle(host: Any, client: Any) -> None:
    """What instances that wait for a message cost while nothing happens: questions to the broker and to the store."""
    engine = host.engine()
    for number in range(100):
        engine.start("w3", {"k": str(number)})
    time.sleep(1)
    store, before = engine.store, client.info("commandstats")
    version = store.changed()
    time.sleep(IDLE_S)
    after = client.info("commandstats")
    calls = {name: after[name]["calls"] - before.get(name, {"calls": 0})["calls"] for name in after}
    written = store.changed() or version
    _print(f"\n100 instances of W3 that wait, {IDLE_S:g} s: {calls}; the store written meanwhile: {written}")


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
