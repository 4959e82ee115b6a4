"""The bare loop: a store that records what each commit wrote, and a replay of those commits without an engine."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import final

from procession.runtime.ports import Batch, Fence
from procession.store.sqlite import SQLiteStore


@dataclass
class Bare:
    """What the bare loop cost: wall and CPU seconds of all its commits."""

    wall_s: float
    cpu_s: float
    commits: int


@final
class Recorder:
    """Stands before a SQLiteStore and keeps every batch. All else is passed on."""

    def __init__(self, store: SQLiteStore) -> None:
        self._store = store
        self.batches: list[tuple[Fence, Batch]] = []

    def commit(self, fence: Fence, batch: Batch) -> None:
        self.batches.append((Fence(fence.shard, fence.epoch, fence.last_key, fence.expires), batch))
        self._store.commit(fence, batch)

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


def replay(batches: list[tuple[Fence, Batch]], path: Path) -> Bare:
    """Writes the recorded rows to a new file: the same statements, the same commits, nothing else."""
    store = SQLiteStore(path)
    epoch = batches[0][0].epoch
    for earlier in range(epoch):
        store.take(0, "bare", earlier, 1 << 60)
    wall, cpu = time.perf_counter(), time.process_time()
    for fence, batch in batches:
        store.commit(fence, batch)
    bare = Bare(time.perf_counter() - wall, time.process_time() - cpu, len(batches))
    store.close()
    return bare
