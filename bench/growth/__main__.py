"""Prints the tables of docs/benchmarks.md on growth: `python -m bench.growth [--instances 1100000] [--items 10000]`."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from bench import loader, machine
from bench.counting import Work
from bench.growth import items, steps

ROOT: Final = Path(__file__).resolve().parents[2]
SMALL: Final = 1_100
"""Instances of the file that stands for a small one where something must have waited before."""
SHOWN: Final = "statements | rows read | rows written | bytes | VM steps | pages read | pages written | opcodes"


def main() -> None:
    """Three tables: steps beside a full file, items of a loop, instances that wait."""
    parser = argparse.ArgumentParser(prog="python -m bench.growth")
    parser.add_argument("--instances", type=int, default=1_100_000, help="in the full file; one of eleven waits")
    parser.add_argument("--items", type=int, default=10_000, help="of the long loop")
    parser.add_argument("--waiting", type=int, default=100_000, help="instances that wait")
    parser.add_argument("--directory", type=Path, default=ROOT, help="where the files lie; 1.2 GB by default")
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix=".bench-", dir=options.directory))
    try:
        _print(f"{machine.describe()}; synchronous=FULL, full history")
        _steps(directory, options.instances)
        _items(directory, options.items)
        _waiting(directory, options.waiting)
        _print(f"peak RSS of this process {machine.peak_rss_mb():.0f} MB, load after {os.getloadavg()[0]:.1f}")
    finally:
        shutil.rmtree(directory)


def _steps(directory: Path, n: int) -> None:
    finished, waiting = loader.counts(n)
    begun = time.perf_counter()
    loader.load(directory / "full.db", n)
    spent = time.perf_counter() - begun
    size = (directory / "full.db").stat().st_size
    _print(f"\nbulk loader: {finished} finished and {waiting} waiting in {spent:.0f} s, {size / 1e6:.0f} MB")
    loader.load(directory / "small.db", SMALL)
    loader.load(directory / "empty.db", 0)
    _print(f"\n| W3, one step a commit | instances in the file | {SHOWN} |")
    _print("|---|---" + "|---" * 8 + "|")
    sizes = {"empty.db": 0, "full.db": n}
    for name, size in sizes.items():
        _row("open the engine", size, steps.opened(directory / name))
    for name, size in sizes.items():
        _row("deploy a new version", size, steps.deployed(directory / name))
    new = {size: steps.counted(directory / name, size) for name, size in sizes.items()}
    old = {size: steps.counted(directory / f, size, old=True) for f, size in {"small.db": SMALL, "full.db": n}.items()}
    for step in steps.NEW:
        for size, works in new.items():
            _row(step, size, works[step])
    for step in steps.OLD:
        for size, works in old.items():
            _row(step, size, works[step])
    _print("\n| W3, 100 in flight, rounds in turn on both files | instances in the file | wall ms each | CPU ms each |")
    _print("|---|---|---|---|")
    for size, samples in zip(sizes.values(), steps.timed([directory / name for name in sizes]), strict=True):
        wall, cpu = steps.middle(samples)
        _print(f"| start, publish, complete (median of {len(samples)} rounds) | {size} | {wall:.3f} | {cpu:.3f} |")
    for name in ("empty.db", "small.db", "full.db"):
        (directory / name).unlink()


def _items(directory: Path, n: int) -> None:
    _print(f"\n| multi-instance service task, per item | items | {SHOWN} |")
    _print("|---|---" + "|---" * 8 + "|")
    for kind in items.KINDS:
        for size in (100, n):
            _row(kind, size, items.each(directory / f"{kind}-{size}.db", kind, size))


def _waiting(directory: Path, n: int) -> None:
    _print("\n| W3 instances that wait | resident MB of the process |")
    _print("|---|---|")
    marks = sorted({0, min(20_000, n), min(40_000, n), n})
    command = [sys.executable, "-m", "bench.growth.waiting", str(directory), ",".join(map(str, marks))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        mark, value = line.split()
        _print(f"bytes on disk of each of {n}: {value}" if mark == "disk" else f"| {mark} | {value} |")


def _row(name: str, size: int, work: Work) -> None:
    cells = " | ".join(f"{value:.1f}".removesuffix(".0") for _, value in work.items())
    _print(f"| {name} | {size} | {cells} |")


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
