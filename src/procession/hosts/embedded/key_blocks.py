"""Keys in blocks: for instances that another host runs, and for those that come back from there.

No single keys are drawn where blocks lie, so none of a block is anybody else's. They are larger than all of a shard.
"""

from __future__ import annotations

from typing import Final, final

from procession.base.keys import COUNTER_BITS, EPOCH_MS
from procession.runtime.ports import Batch, Store
from procession.runtime.rows import IntRow

BLOCK_SHARD: Final = 256
"""Added to a shard's number: where the keys of its instances on other hosts lie."""
BLOCKS: Final = BLOCK_SHARD << 53
"""The first of all such keys."""
STEP_KEYS_MAX: Final = 4_096
"""More keys than one step takes; a block has as many."""
LENT_BLOCKS: Final = 4


@final
class KeyBlocks:
    """Those of one shard. What was given is noted with the commit that gives it."""

    __slots__ = ("_last", "_lent", "_number", "_store")

    def __init__(self, store: Store, number: int) -> None:
        self._store = store
        self._number = number
        self.forget()

    def forget(self) -> None:
        """What is committed counts."""
        rows = self._store.read("blocks", (), IntRow)
        self._last = rows[0].value or 0 if rows else 0
        self._lent = (0, 0)

    def take(self, blocks: int, at: int, batch: Batch) -> tuple[int, int]:
        """Keys that no other instance has: the first, and the one behind the last."""
        number = max(at - EPOCH_MS, self._last + 1, 0)
        self._last = number + blocks - 1
        batch["meta"].replace(("blocks",), ("blocks", self._last))
        first = BLOCK_SHARD + self._number << 53 | number << COUNTER_BITS
        return first, first + (blocks << COUNTER_BITS)

    def behind(self, last: int, at: int, batch: Batch) -> int:
        """The first key of a step, of an instance that came back, which had the key `last`: behind that there may be
        another instance's, so it goes on with a block of the shard's own."""
        first, end = self._lent
        if first <= last or end - first < STEP_KEYS_MAX:
            first, end = self._lent = self.take(LENT_BLOCKS, at, batch)
        return first

    def advance(self, used: int) -> None:
        """Moves past the last key that such a step took."""
        self._lent = (used + 1, self._lent[1])
