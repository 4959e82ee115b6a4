"""Keys: 63 bits, ordered by time, the shard in the high bits, never given twice (decision 6)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from procession.base.keys import EPOCH_MS, KeySource, made_at_ms, shard_of

TIMES = st.integers(EPOCH_MS, EPOCH_MS + (1 << 41) - 1)


@given(st.integers(0, 1023), st.lists(TIMES, min_size=1, max_size=50))
def test_keys_rise_whatever_the_clock_does_and_know_their_shard(shard: int, times: list[int]) -> None:
    source = KeySource(shard)
    keys = [source.take(at) for at in times]
    assert keys == sorted(set(keys))
    assert all(0 < key < 1 << 63 for key in keys)
    assert {shard_of(key) for key in keys} == {shard}
    assert made_at_ms(keys[0]) == times[0]


@given(TIMES, st.integers(0, 20_000))
def test_a_source_goes_on_behind_the_last_key_that_was_ever_given(at: int, used: int) -> None:
    first = KeySource(3)
    start = first.peek(at)
    first.advance(start + used)
    following = KeySource(3, start + used)
    assert first.peek(at) == following.peek(at) > start + used


def test_keys_of_different_shards_never_meet() -> None:
    last = KeySource(4)
    last.advance((5 << 53) - 2)
    assert shard_of(last.take(0)) == 4
    assert KeySource(5).take(EPOCH_MS) > (5 << 53)
