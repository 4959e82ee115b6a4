"""Instances that wait: what they hold in memory once others were used since, and what they take on the disk."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench import machine, workloads
from procession import Engine

BATCH: Final = 1_000


def memory(path: Path, marks: tuple[int, ...]) -> Iterator[tuple[int, float]]:
    """(waiting, resident MB) while instances of W3 start and wait for their message, at each of `marks`.

    Run it in a process of its own: what the process used before is kept by its allocator.
    """
    engine = workloads.prepared(Engine(path), "w3")
    started = 0
    for mark in marks:
        while started < mark:
            size = min(BATCH, mark - started)
            engine.start_many("w3", [{"key": f"key-{i:09d}"} for i in range(started, started + size)])
            started += size
        gc.collect()
        yield mark, machine.rss_mb()
    engine.close()


def disk_each(path: Path, n: int) -> float:
    """Bytes on disk of each of `n` waiting instances, after a truncating checkpoint; without the empty schema."""
    empty = path.with_name(path.name + "-empty")
    workloads.prepared(Engine(empty), "w3").close()
    size = machine.disk_bytes(path) - machine.disk_bytes(empty)
    empty.unlink()
    return size / n


def main() -> None:
    """The child process of the report: prints the marks as they are reached."""
    import sys
    import tempfile

    directory = Path(tempfile.mkdtemp(prefix=".bench-", dir=sys.argv[1]))
    try:
        for mark, resident in memory(directory / "waiting.db", tuple(map(int, sys.argv[2].split(",")))):
            print(mark, f"{resident:.1f}", flush=True)
        print("disk", f"{disk_each(directory / 'waiting.db', mark):.0f}", flush=True)
    finally:
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
