"""The engine of a process: opened at its first need, after a fork, and closed with the process.

The one place where this host names the other one whose engine it carries for (docs/design/0018).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias, final

from procession.hosts.embedded.engine import Engine
from procession.runtime.courier import Courier

__all__ = ["Engine", "Engines", "Open", "opener"]

Open: TypeAlias = Callable[[Courier], Engine]


def opener(store: str | Path) -> Open:
    """How to open an engine on a store, by its path or URL."""

    def opened(courier: Courier) -> Engine:
        return Engine(store, courier=courier)

    return opened


@final
class Engines:
    """One engine a process. Thread-safe."""

    def __init__(self, open_: Open, courier: Callable[[], Courier], ready: Callable[[Engine], object]) -> None:
        """`ready` is told of every engine that is opened, before anybody else has it."""
        self._open = open_
        self._courier = courier
        self._ready = ready
        self._renewed()

    def _renewed(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._engine: Engine | None = None

    def get(self) -> Engine:
        """The engine of this process. Raises `StoreError` when its store cannot be used."""
        if self._process != os.getpid():
            # A fork: what the parent had is not this process's, nor is the lock that somebody may have held.
            self._renewed()
        with self._lock:
            if self._engine is None:
                engine = self._open(self._courier())
                try:
                    self._ready(engine)
                except BaseException:
                    engine.close()
                    raise
                self._engine = engine
            return self._engine

    def close(self) -> None:
        """Closes this process's engine, if there is one. The next `get` opens another."""
        if self._process != os.getpid():
            return
        with self._lock:
            engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()
