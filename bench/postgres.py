"""The store on PostgreSQL alone: commits a second of 1, 16 and 256 starts of one-task instances, with fsync on.

`python -m bench.postgres [URL]`; without a URL it starts a server of its own, as the tests do (half a minute). Shown
beside them: SQLite. The design it supports: docs/design/0014.
"""

from __future__ import annotations

import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Final

from bench.machine import describe
from procession.base.keys import COUNTER_BITS, EPOCH_MS
from procession.runtime.ports import Batch, Fence, Store
from procession.runtime.rows import FactRow, ShardRow
from procession.store.postgres.store import PostgresStore
from procession.store.sqlite import SQLiteStore

SIZES: Final = (1, 16, 256)
SECONDS: Final = 2.0
FAR: Final = 1 << 60
FACTS: Final = b"\x01" + bytes(range(256)) + b"x" * 140
"""About what the start of a one-task instance stores."""


def first_key() -> int:
    """A key of now."""
    return (time.time_ns() // 1_000_000 - EPOCH_MS) << COUNTER_BITS


def starts(key: int, count: int) -> Batch:
    """The starts of so many instances."""
    batch = Batch()
    for instance in range(key, key + 10 * count, 10):
        batch.first.append((0, instance, 1, 1, FACTS))
        batch["instance"].insert(instance, (0, instance, 7, 0, 100, None, "", 0, instance, 0, "", 0))
        job = (0, instance + 2, instance, instance + 1, 3, "noop", 3, 0, 0, 0, -1, f"{instance}:1:1:0", 0, "", "")
        batch["job"].insert(instance + 2, job)
    return batch


def measured(store: Store, size: int) -> tuple[float, float]:
    """(commits a second, median ms of one)."""
    epoch = store.read("shard_read", (0,), ShardRow)[0].epoch
    assert store.take(0, "bench", epoch, FAR)
    key, times = first_key(), []
    deadline = time.perf_counter() + SECONDS
    while time.perf_counter() < deadline:
        batch = starts(key, size)
        key += 10 * size
        begun = time.perf_counter()
        store.commit(Fence(0, epoch + 1, key, FAR), batch)
        times.append(time.perf_counter() - begun)
    return len(times) / sum(times), sorted(times)[len(times) // 2] * 1000


def read_ms(store: Store) -> float:
    """The median of reading one instance's facts, in ms."""
    times = []
    for _ in range(500):
        begun = time.perf_counter()
        store.read("facts", (0, 1, 0), FactRow)
        times.append(time.perf_counter() - begun)
    return sorted(times)[len(times) // 2] * 1000


def report(name: str, store: Store) -> None:
    """One line a size."""
    with closing(store):
        for size in SIZES:
            commits, ms = measured(store, size)
            rates = f"{commits:>8.0f} commits/s, {commits * size:>8.0f} instances/s, median {ms:.2f} ms"
            print(f"{name:<12} {size:>4} starts a commit: {rates}")
        print(f"{name:<12} a read: {read_ms(store):.3f} ms")


def main() -> None:
    """Prints the figures."""
    print(describe())
    if len(sys.argv) > 1:
        url = sys.argv[1]
    else:
        sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
        from postgres_rig import Server

        url = Server(durable=True).database()
    report("postgresql", PostgresStore(url))
    with tempfile.TemporaryDirectory() as folder:
        report("sqlite", SQLiteStore(Path(folder) / "b.db"))


if __name__ == "__main__":
    main()
