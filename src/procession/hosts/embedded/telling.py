"""Telling other processes that something was committed: those who wait there for an end, or for jobs, look again.

Never part of a commit, and many commits are told at once; who is not told looks by himself a little later.
"""

from __future__ import annotations

import threading
from typing import Final, final

from procession.base.failure import StoreError
from procession.hosts.embedded.bell import Rung
from procession.runtime.ports import Store, Tenants

PAUSE_S: Final = 0.01
"""Between two tellings: what is committed meanwhile goes with the next."""


@final
class Teller:
    """One process's. Its thread begins with the first thing that there is somebody to be told of."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.heard = False
        """Whether there is another process."""
        self._rung = Rung()
        self._some = threading.Event()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def tell(self, shard: int, tenants: Tenants) -> None:
        """Something was committed in a shard. Returns at once."""
        if not self.heard or self._closed.is_set():
            return
        # Nothing is taken before there is a thread, so one caller alone is the first of all.
        if self._rung.add(shard, tenants) and self._thread is None:
            self._thread = threading.Thread(target=self._go_on, name="procession-teller", daemon=True)
            self._thread.start()
        self._some.set()

    def close(self) -> None:
        """Ends the thread."""
        self._closed.set()
        self._some.set()
        if self._thread is not None:
            self._thread.join()

    def _go_on(self) -> None:
        while self._some.wait() and not self._closed.is_set():
            self._some.clear()
            moved = self._rung.take()
            try:
                if moved:
                    self._store.tell(moved)
            except StoreError:
                self._closed.wait(1.0)  # it may be lost: who waits looks by himself
            self._closed.wait(PAUSE_S)
