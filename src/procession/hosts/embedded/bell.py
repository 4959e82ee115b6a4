"""The bell of a process: rung after each commit of any of its shards, for those who wait for something to happen."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeAlias, final

from procession.runtime.ports import Tenants

Listener: TypeAlias = Callable[[int, Tenants], None]
"""Told the shard, and for which tenants something may have happened in it. It returns at once."""


@final
class Rung:
    """What was rung for, until somebody takes it: many commits are told at once. Thread-safe."""

    __slots__ = ("_lock", "_moved")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._moved: dict[int, Tenants] = {}

    def add(self, shard: int, tenants: Tenants) -> bool:
        """Something happened in a shard. Whether it is the first since all was taken."""
        with self._lock:
            first = not self._moved
            known = self._moved.get(shard, frozenset())
            self._moved[shard] = known | tenants if known is not None and tenants is not None else None
        return first

    def take(self) -> dict[int, Tenants]:
        """All of it, by shard."""
        with self._lock:
            moved, self._moved = self._moved, {}
        return moved


@final
class Bell:
    """One process's. Thread-safe."""

    __slots__ = ("_moved", "followers", "generation", "listeners")

    def __init__(self) -> None:
        self._moved = threading.Condition()
        self.generation = 0
        """Rises with every commit."""
        self.listeners: list[Listener] = []
        """Called after commits of this process, by the thread that committed."""
        self.followers: list[Listener] = []
        """Called too when another process committed something, as far as that is heard."""

    def ring(self, shard: int, tenants: Tenants) -> None:
        """Something was committed in a shard."""
        self.stir()
        for listener in (*self.listeners, *self.followers):
            listener(shard, tenants)

    def heard(self, shard: int, tenants: Tenants) -> None:
        """Another process committed something in a shard."""
        self.stir()
        for listener in self.followers:
            listener(shard, tenants)

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
