"""Prints the table of docs/benchmarks.md: `python -m bench [--n 2000] [--directory DIR]`."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import cast

from bench import machine, workloads
from bench.recorder import Recorder, replay
from bench.workloads import Run
from procession import Engine
from procession.runtime.ports import Store
from procession.store.sqlite import SQLiteStore


def main() -> None:
    """Runs W1 to W5 in fresh files below one directory and prints a row for each."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--n", type=int, default=2_000, help="instances of W1; the others are scaled from it")
    parser.add_argument("--directory", type=Path, help="where the files lie; default: beside this repository")
    options = parser.parse_args()
    parent = options.directory or Path(__file__).parent.parent
    directory = Path(tempfile.mkdtemp(prefix=".bench-", dir=parent))
    try:
        _print(f"{machine.describe()}; synchronous=FULL, full history, {workloads.IN_FLIGHT} in flight unless said")
        _print(
            "| workload | n | instances/s | CPU ms/instance | p50 / p99 ms | bare loop: wall ×, CPU × | bytes each |"
        )
        _print("|---|---|---|---|---|---|---|")
        for name, work, n in (
            ("w1", workloads.w1, options.n),
            ("w2", workloads.w2, options.n),
            ("w3", workloads.w3, options.n),
            ("w4", workloads.w4, max(100, options.n // 10)),
        ):
            _workload(directory, name, work, n)
        _single(directory, max(100, options.n // 5))
        deploys = workloads.w5(directory, 40)
        _row("w5, deploys", deploys, "", "")
        _print(f"peak RSS {machine.peak_rss_mb():.0f} MB, load after {os.getloadavg()[0]:.1f}")
    finally:
        shutil.rmtree(directory)


def _workload(directory: Path, name: str, work: Callable[[Engine, int], Run], n: int) -> None:
    path = directory / f"{name}.db"
    recorder = Recorder(SQLiteStore(path))
    engine = workloads.prepared(Engine(store=cast("Store", recorder)), name)
    work(engine, workloads.IN_FLIGHT)
    run = work(engine, n)
    states = engine.counts()
    engine.close()
    assert states.get("completed") == n + workloads.IN_FLIGHT, states
    bytes_each = machine.disk_bytes(path) / (n + workloads.IN_FLIGHT)
    # The warm-up's commits are in the recording: its share is taken out by number of instances.
    bare = replay(recorder.batches, directory / f"{name}-bare.db")
    share = n / (n + workloads.IN_FLIGHT)
    ratio = f"{run.wall_s / (bare.wall_s * share):.1f}, {run.cpu_s / (bare.cpu_s * share):.1f}"
    _row(name, run, ratio, f"{bytes_each:.0f}")


def _single(directory: Path, n: int) -> None:
    path = directory / "one.db"
    recorder = Recorder(SQLiteStore(path))
    engine = workloads.prepared(Engine(store=cast("Store", recorder)), "w1")
    workloads.one_at_a_time(engine, "w1", 20)
    recorder.batches.clear()
    run = workloads.one_at_a_time(engine, "w1", n)
    engine.close()
    bare = replay(recorder.batches, directory / "one-bare.db")
    _row(f"w1, one at a time ({bare.commits / n:.0f} commits each)", run, f"{run.wall_s / bare.wall_s:.1f}, -", "")


def _row(name: str, run: Run, ratio: str, size: str) -> None:
    latency = f"{run.percentile_ms(0.5):.1f} / {run.percentile_ms(0.99):.1f}" if run.latencies else ""
    _print(f"| {name} | {run.n} | {run.per_second:.0f} | {run.cpu_ms:.2f} | {latency} | {ratio} | {size} |")


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
