"""How many instances are handed over at the same time, so that none is without an owner for long.

The more are on their way to another host, the longer the last of them waits for its first step there. How long that
takes is known of each that arrived; by it the number falls fast, and rises slowly.
"""

from __future__ import annotations

from typing import Final, final

MOST: Final = 64
FEWEST: Final = 2
BEGIN: Final = 4
SLOW_MS: Final = 300
"""One that waited longer was one of too many. Of a hundred, one may wait three times as long as most."""


@final
class Pace:
    """Of one shard."""

    __slots__ = ("_since", "most")

    def __init__(self) -> None:
        self.most = BEGIN
        """So many at the same time."""
        self._since = 0
        """Arrivals since that changed."""

    def took(self, ms: int) -> None:
        """One arrived after so long."""
        self._since += 1
        # What was handed over before the last change tells nothing of it.
        if self._since < self.most:
            return
        if ms > SLOW_MS:
            self.most, self._since = max(FEWEST, self.most * 2 // 3), 0
        elif ms < SLOW_MS // 2:
            self.most, self._since = min(MOST, self.most + max(1, self.most // 4)), 0
