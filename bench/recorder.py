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
    """What the bare loop cost: wall and CPU seconds of its commits, and the wall of each."""

    wall_s: float
    cpu_s: float
    walls: list[float]

    @property
    def commits(self) -> int:
        return len(self.walls)

    def percentile_ms(self, share: float, commits: int) -> float:
        """A percentile, in ms, of what `commits` in a row take: those of one instance."""
        ordered = sorted(sum(self.walls[i : i + commits]) for i in range(0, len(self.walls) - commits + 1, commits))
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


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


def replay(batches: list[tuple[Fence, Batch]], path: Path, *, skip: int = 0) -> Bare:
    """Writes the recorded rows to a new file: the same statements, the same commits, nothing else.

    The first `skip` commits are made, but not measured.
    """
    store = SQLiteStore(path)
    epoch = batches[0][0].epoch
    for earlier in range(epoch):
        store.take(0, "bare", earlier, 1 << 60)
    for fence, batch in batches[:skip]:
        store.commit(fence, batch)
    walls: list[float] = []
    before, cpu = time.perf_counter(), time.process_time()
    begun = before
    for fence, batch in batches[skip:]:
        store.commit(fence, batch)
        now = time.perf_counter()
        walls.append(now - before)
        before = now
    bare = Bare(before - begun, time.process_time() - cpu, walls)
    store.close()
    return bare
