"""The turnstile: who may write. Whoever is in carries out what queued meanwhile; those who wait are told one by one.

A plain lock would do for safety, but not for sharing commits: callers whose request is done would have to queue for
the lock before they can ask for anything else, and each commit would carry one request (docs/design/0001).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, final

from procession.hosts.embedded.tickets import Intake
from procession.runtime.courier import Parcel, Wake


class Door(Protocol):
    """What happens when somebody comes in, and when he goes; see `commons.Commons`."""

    def entered(self) -> None: ...

    def leaving(self) -> Sequence[Parcel | Wake]: ...

    def send(self, parcels: Sequence[Parcel | Wake]) -> None: ...


@final
class Turnstile:
    """A re-entrant lock that wakes one waiting caller when it is left while requests wait."""

    __slots__ = ("_depth", "_intake", "_lock", "door")

    def __init__(self, intake: Intake) -> None:
        self.door: Door | None = None
        self._lock = threading.RLock()
        self._intake = intake
        self._depth = 0

    def __enter__(self) -> None:
        self._lock.acquire()
        self._entered()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    def try_enter(self) -> bool:
        """Enters if nobody else is in."""
        if not self._lock.acquire(blocking=False):
            return False
        self._entered()
        return True

    def _entered(self) -> None:
        self._depth += 1
        if self.door is not None and self._depth == 1:
            try:
                self.door.entered()
            except BaseException:
                self._depth -= 1
                self._lock.release()
                raise

    def leave(self) -> None:
        """Leaves. Who waits with a request is woken to go in next, so that none is left behind."""
        outermost = self._depth == 1
        parcels: Sequence[Parcel | Wake] = ()
        try:
            if outermost and self.door is not None:
                parcels = self.door.leaving()
        finally:
            self._depth -= 1
            self._lock.release()
        if outermost and len(self._intake):
            self._intake.promote()
        # Behind the lock: nobody waits for what takes them to their workers.
        if parcels and self.door is not None:
            self.door.send(parcels)
