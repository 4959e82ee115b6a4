"""Keys: 63-bit, time-ordered, the shard in the high bits (docs/design/0004).

    10 bits shard | 41 bits milliseconds since 2026-01-01 UTC | 12 bits counter

A host owns one `KeySource` per shard and hands its next key to each step; the step takes as many successors as it
needs and the host moves the source past the last. So a key is unique, ordered by time, and found by its shard.
"""

from __future__ import annotations

from typing import Final, NewType, final

Key = NewType("Key", int)

EPOCH_MS: Final = 1_767_225_600_000
"""2026-01-01T00:00:00Z in Unix milliseconds."""
SHARD_BITS: Final = 10
COUNTER_BITS: Final = 12
_SHARD_SHIFT: Final = 53


@final
class KeySource:
    """The keys of one shard. Not thread-safe: the shard's owner alone draws from it."""

    __slots__ = ("_next", "_shard")

    def __init__(self, shard: int, last: int = 0) -> None:
        """`last` is the highest key ever given in this shard, as the store knows it; 0 for none."""
        assert 0 <= shard < 1 << SHARD_BITS
        self._shard = shard << _SHARD_SHIFT
        self._next = max(self._shard + 1, last + 1)

    def peek(self, now_ms: int) -> Key:
        """The next key at this time; it is given only once `advance` moved past it."""
        floor = self._shard | max(0, now_ms - EPOCH_MS) << COUNTER_BITS
        self._next = max(self._next, floor)
        return Key(self._next)

    def advance(self, used: int) -> None:
        """Moves past `used`, the last key that a step took."""
        if used >= self._next:
            self._next = used + 1

    def take(self, now_ms: int) -> Key:
        """One key, given."""
        key = self.peek(now_ms)
        self._next = key + 1
        return key


def shard_of(key: int) -> int:
    """The shard that a key belongs to."""
    return key >> _SHARD_SHIFT


def made_at_ms(key: int) -> int:
    """When a key was made, in Unix milliseconds, give or take a burst of more than 4,096 keys a millisecond."""
    return (key >> COUNTER_BITS & (1 << 41) - 1) + EPOCH_MS
