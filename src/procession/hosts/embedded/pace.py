"""The pace: how many requests one commit should hold while several tenants ask.

A commit costs something whatever is in it, and something for each request. Whoever asks in the middle of one waits for
its rest and then for his own: so while a busy tenant fills commits, all others wait for its requests twice. A commit
whose requests cost no more than half of what it costs anyway delays nobody noticeably, and wastes little. Both costs
are measured as it goes.
"""

from __future__ import annotations

from typing import Final, final

SLACK: Final = 0.5
"""What the requests of a commit may cost, as a part of what it costs without any."""
CAP_MIN: Final = 8
CAP_FIRST: Final = 64
"""Before anything is known."""
DECAY: Final = 0.97
"""How much an observation counts less with each that follows."""
PROBE_EVERY: Final = 8
"""Every so many commits one is half as large: two costs cannot be told apart by commits of one size."""
SPREAD_MIN: Final = 1e-3


@final
class Pace:
    """A straight line through (requests, seconds) of the commits lately, by least squares."""

    __slots__ = ("_cap", "_count", "_n", "_x", "_xx", "_xy", "_y")

    def __init__(self) -> None:
        self._n = self._x = self._y = self._xx = self._xy = 0.0
        self._cap = CAP_FIRST
        self._count = 0

    def note(self, requests: int, seconds: float) -> None:
        """A commit of so many requests took so long."""
        x = float(requests)
        self._n = self._n * DECAY + 1.0
        self._x = self._x * DECAY + x
        self._y = self._y * DECAY + seconds
        self._xx = self._xx * DECAY + x * x
        self._xy = self._xy * DECAY + x * seconds
        spread = self._n * self._xx - self._x * self._x
        if spread < SPREAD_MIN * self._xx:
            return  # all of one size
        each = (self._n * self._xy - self._x * self._y) / spread
        anyway = (self._y - each * self._x) / self._n
        if each <= 0:
            return  # noise
        self._cap = max(CAP_MIN, int(SLACK * max(0.0, anyway) / each))

    def cap(self, limit: int) -> int:
        """How many requests a commit should hold, at most `limit`."""
        return min(limit, self._cap)

    def next(self, cap: int) -> int:
        """How many of them the next one holds: now and then it is one to learn from."""
        self._count += 1
        return max(1, cap // 2) if self._count % PROBE_EVERY == 0 else cap
