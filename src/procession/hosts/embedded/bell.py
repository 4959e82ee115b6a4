"""The bell of a process: rung after each commit of any of its shards, for those who wait for something to happen."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import final


@final
class Bell:
    """One process's. Thread-safe."""

    __slots__ = ("_moved", "followers", "generation", "listeners")

    def __init__(self) -> None:
        self._moved = threading.Condition()
        self.generation = 0
        """Rises with every commit."""
        self.listeners: list[Callable[[int], None]] = []
        """Called with the shard after its commits, by the thread that committed; they return at once."""
        self.followers: list[Callable[[int], None]] = []
        """Called too when another process committed something, as far as that is heard."""

    def ring(self, shard: int) -> None:
        """Something happened in a shard."""
        self.stir()
        for listener in (*self.listeners, *self.followers):
            listener(shard)

    def heard(self, shard: int) -> None:
        """Something happened in a shard, in another process."""
        self.stir()
        for listener in self.followers:
            listener(shard)

    def stir(self) -> None:
        """Wakes those who wait, to look for themselves."""
        with self._moved:
            self.generation += 1
            self._moved.notify_all()

    def wait(self, seen: int, seconds: float) -> None:
        """Until something happened since the generation `seen`, at most so long."""
        with self._moved:
            if self.generation == seen:
                self._moved.wait(seconds)
