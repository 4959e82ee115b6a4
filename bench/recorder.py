"""The bare loop: a store that records what each commit wrote, and what writes those commits without an engine."""

from __future__ import annotations

import time
from pathlib import Path
from typing import final

from procession.runtime.ports import Batch, Fence
from procession.store.sqlite import SQLiteStore


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


@final
class BareLoop:
    """Writes recorded rows to a new file: the same statements, the same commits, nothing else."""

    def __init__(self, path: Path, batches: list[tuple[Fence, Batch]]) -> None:
        """`batches` are those of the beginning: they are written, and not measured."""
        self._store = SQLiteStore(path)
        for earlier in range(batches[0][0].epoch):
            self._store.take(0, "bare", earlier, 1 << 60)
        self.walls: list[float] = []
        """Seconds of each commit."""
        self.cpu_s = 0.0
        for fence, batch in batches:
            self._store.commit(fence, batch)

    def write(self, batches: list[tuple[Fence, Batch]]) -> None:
        """The commits that followed."""
        cpu = time.process_time()
        before = time.perf_counter()
        for fence, batch in batches:
            self._store.commit(fence, batch)
            now = time.perf_counter()
            self.walls.append(now - before)
            before = now
        self.cpu_s += time.process_time() - cpu

    @property
    def wall_s(self) -> float:
        return sum(self.walls)

    def percentile_ms(self, share: float, commits: int) -> float:
        """A percentile, in ms, of what `commits` in a row take: those of one instance."""
        ordered = sorted(sum(self.walls[i : i + commits]) for i in range(0, len(self.walls) - commits + 1, commits))
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000

    def close(self) -> None:
        self._store.close()
