"""Callers who were found to be known a moment ago, so that not every request reads the store. Bounded; no secrets."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, final

from procession.services.access import Caller

KEPT_S: Final = 5.0
"""How long somebody stays known: in other processes, what is revoked holds so long."""
CALLERS_MAX: Final = 10_000


def place_of(token: str, tenant: str) -> bytes:
    """Where the caller is kept who presents a token for a tenant. The token itself is not."""
    return hashlib.sha256(f"{tenant}\0{token}".encode("utf-8", "surrogateescape")).digest()


@final
class Known:
    """Those of one process. `now` is a clock in seconds that never goes back."""

    __slots__ = ("_callers", "_now", "changes")

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._callers: OrderedDict[bytes, tuple[float, Caller]] = OrderedDict()
        self.changes = 0
        """Rises when somebody may have lost a right: what was read before may not be kept after."""

    def find(self, place: bytes) -> Caller | None:
        """The caller at a place, if they are still known."""
        until, caller = self._callers.get(place, (0.0, None))
        return caller if caller is not None and self._now() < until else None

    def keep(self, place: bytes, caller: Caller, changes: int, seconds: float = KEPT_S) -> None:
        """Keeps a caller, unless a right was taken since `changes` was read."""
        if changes != self.changes:
            return
        self._callers.pop(place, None)
        self._callers[place] = (self._now() + min(seconds, KEPT_S), caller)
        if len(self._callers) > CALLERS_MAX:
            self._callers.popitem(last=False)

    def forget(self) -> None:
        """Forgets all: rights changed. They are read anew, once each."""
        self.changes += 1
        self._callers.clear()

    def __len__(self) -> int:
        return len(self._callers)
