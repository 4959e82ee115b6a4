"""Prints the tables of docs/benchmarks.md: `python -m bench [--n 2000] [--directory DIR]`.

Each workload runs in a process of its own, so that one's memory is not another's. Beside it the bare loop writes the
same rows with the same commits.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final, cast

from bench import machine, workloads
from bench.recorder import BareLoop, Recorder
from bench.workloads import Run
from procession import Engine
from procession.runtime.ports import Store
from procession.store.sqlite import SQLiteStore

ROOT: Final = Path(__file__).parent.parent
COLUMNS: Final = (
    "workload",
    "in flight",
    "n",
    "instances/s",
    "CPU ms each",
    "p50 / p99 ms",
    "bare loop: wall ×, CPU ×",
    "bytes each",
    "RSS MB",
)
PART: Final = 100
"""So many instances run on the engine, then on the bare loop, and so on: both find the same machine."""


def main() -> None:
    """Runs W1 to W5 in fresh files below one directory and prints a row for each."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--n", type=int, default=2_000, help="instances of W1; the others are scaled from it")
    parser.add_argument("--directory", type=Path, default=ROOT, help="where the files lie; default: this repository")
    parser.add_argument("--only", choices=[*_PARTS], help="one workload, in this process")
    options = parser.parse_args()
    if options.only:
        directory = Path(tempfile.mkdtemp(prefix=".bench-", dir=options.directory))
        try:
            _PARTS[options.only](directory, options.n)
        finally:
            shutil.rmtree(directory)
        return
    _print(f"{machine.describe()}; synchronous=FULL, full history\n")
    _print("| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|")
    for part in _PARTS:
        command = [sys.executable, "-m", "bench", "--only", part, "--n", str(options.n), "--directory"]
        subprocess.run([*command, str(options.directory.resolve())], cwd=ROOT, check=True)
    _print(f"\nload after {os.getloadavg()[0]:.1f}")


def _flight(name: str, work: Callable[[Engine, int], Run], share: int) -> Callable[[Path, int], None]:
    def run(directory: Path, n: int) -> None:
        n = max(workloads.IN_FLIGHT, n // share)
        path = directory / f"{name}.db"
        engine = workloads.prepared(Engine(path), name)
        work(engine, workloads.IN_FLIGHT)
        measured = work(engine, n)
        rss = machine.peak_rss_mb()
        states = engine.counts()
        engine.close()
        assert states.get("completed") == n + workloads.IN_FLIGHT, states
        bytes_each = machine.disk_bytes(path) / (n + workloads.IN_FLIGHT)
        # The bare loop has a run of its own, for what it keeps in memory is not the engine's.
        beside, bare = _beside(directory, name, work, n)
        ratio = f"{beside.wall_s / bare.wall_s:.1f}, {beside.cpu_s / bare.cpu_s:.1f}"
        _row(name, str(workloads.IN_FLIGHT), measured, (ratio, f"{bytes_each:.0f}", f"{rss:.0f}"))

    return run


def _single(directory: Path, n: int) -> None:
    n = max(PART, n // 4)
    run, bare = _beside(directory, "w1", lambda engine, n: workloads.one_at_a_time(engine, "w1", n), n)
    commits = len(bare.walls) // n
    p50, p99 = bare.percentile_ms(0.5, commits), bare.percentile_ms(0.99, commits)
    ratio = f"p50 {run.percentile_ms(0.5) / p50:.2f}, CPU {run.cpu_s / bare.cpu_s:.1f}"
    _row("w1", "1", run, (ratio, "", f"{machine.peak_rss_mb():.0f}"))
    cells = ("the bare loop of that", f"{commits} commits", str(n), "", f"{bare.cpu_s / n * 1000:.2f}")
    _print("| " + " | ".join((*cells, f"{p50:.2f} / {p99:.2f}", "", "", "")) + " |")


def _deploys(directory: Path, n: int) -> None:
    run = workloads.w5(directory, max(10, n // 50))
    _row("w5, deploys", "1", run, ("", "", f"{machine.peak_rss_mb():.0f}"))
    load = workloads.load_program(directory, 200)
    _row("w5, loading the cached program", "1", load, ("", "", ""))


def _beside(directory: Path, name: str, work: Callable[[Engine, int], Run], n: int) -> tuple[Run, BareLoop]:
    """A run whose commits are recorded, and the bare loop over them, in turns."""
    recorder = Recorder(SQLiteStore(directory / f"{name}-recorded.db"))
    engine = workloads.prepared(Engine(store=cast("Store", recorder)), name)
    work(engine, PART)
    bare = BareLoop(directory / f"{name}-bare.db", recorder.batches)
    whole = Run(0, 0.0, 0.0)
    for _ in range(n // PART):
        recorder.batches.clear()
        whole = whole.plus(work(engine, PART))
        bare.write(recorder.batches)
    engine.close()
    bare.close()
    return whole, bare


def _row(name: str, flight: str, run: Run, rest: tuple[str, str, str]) -> None:
    latency = f"{run.percentile_ms(0.5):.2f} / {run.percentile_ms(0.99):.2f}"
    ratio, size, rss = rest
    cells = (name, flight, str(run.n), f"{run.per_second:.0f}", f"{run.cpu_ms:.2f}", latency, ratio, size, rss)
    _print("| " + " | ".join(cells) + " |")


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


_PARTS: Final[dict[str, Callable[[Path, int], None]]] = {
    "w1": _flight("w1", workloads.w1, 1),
    "w2": _flight("w2", workloads.w2, 1),
    "w3": _flight("w3", workloads.w3, 1),
    "w4": _flight("w4", workloads.w4, 5),
    "w1-single": _single,
    "w5": _deploys,
}

if __name__ == "__main__":
    main()
