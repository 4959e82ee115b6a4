"""The turnstile: who may write. Whoever is in carries out what queued meanwhile; those who wait are told one by one.

A plain lock would do for safety, but not for sharing commits: callers whose request is done would have to queue for
the lock before they can ask for anything else, and each commit would carry one request (docs/design/0001).
"""

from __future__ import annotations

import threading
from types import TracebackType
from typing import final

from procession.hosts.embedded.tickets import Intake


@final
class Turnstile:
    """A re-entrant lock that wakes one waiting caller when it is left while requests wait."""

    __slots__ = ("_depth", "_intake", "_lock")

    def __init__(self, intake: Intake) -> None:
        self._lock = threading.RLock()
        self._intake = intake
        self._depth = 0

    def __enter__(self) -> None:
        self._lock.acquire()
        self._depth += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    def try_enter(self) -> bool:
        """Enters if nobody else is in."""
        if not self._lock.acquire(blocking=False):
            return False
        self._depth += 1
        return True

    def leave(self) -> None:
        """Leaves. Who waits with a request is woken to go in next, so that none is left behind."""
        self._depth -= 1
        outermost = not self._depth
        self._lock.release()
        if outermost and len(self._intake):
            self._intake.promote()
