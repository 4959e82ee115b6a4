"""Failed attempts to be somebody, by address: how many there were of late. Bounded, in the memory of one process."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, final

from procession.services.access import TooMany

FAILURES_MAX: Final = 20
"""Attempts that may fail within a window, for one address."""
WINDOW_S: Final = 60.0
ADDRESSES_MAX: Final = 10_000
"""Addresses that are remembered; the one that failed first goes first."""
IPV6_PREFIX: Final = 64
"""What one customer of a network has: all of it counts as one address."""


@final
class Attempts:
    """Those of one process. `now` is a clock in seconds that never goes back."""

    __slots__ = ("_failed", "_now")

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._failed: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def admit(self, origin: str) -> None:
        """Raises `TooMany` while an address has failed too often."""
        began, failures = self._failed.get(_place(origin), (0.0, 0))
        left = began + WINDOW_S - self._now()
        if failures >= FAILURES_MAX and left > 0:
            raise TooMany("too many attempts failed from this address: ask again later", int(left) + 1)

    def fail(self, origin: str) -> None:
        """An attempt from an address failed."""
        place, now = _place(origin), self._now()
        began, failures = self._failed.pop(place, (now, 0))
        if now - began >= WINDOW_S:
            began, failures = now, 0
        self._failed[place] = (began, failures + 1)
        if len(self._failed) > ADDRESSES_MAX:
            self._failed.popitem(last=False)

    def __len__(self) -> int:
        return len(self._failed)


def _place(origin: str) -> str:
    if ":" not in origin:
        return origin
    try:
        return str(ipaddress.ip_network((origin.partition("%")[0], IPV6_PREFIX), strict=False))
    except ValueError:
        return origin
