"""How many instances are handed over at the same time: fewer when they wait, more by and by when they do not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from procession.hosts.embedded.pacing import BEGIN, FEWEST, MOST, SLOW_MS, Pace


@given(st.lists(st.integers(0, 10 * SLOW_MS)))
def test_it_stays_within_its_bounds(waits: list[int]) -> None:
    pace = Pace()
    for wait in waits:
        pace.took(wait)
        assert FEWEST <= pace.most <= MOST


def test_it_falls_at_once_and_rises_by_and_by() -> None:
    pace = Pace()
    for _ in range(1_000):
        pace.took(1)
    assert pace.most == MOST
    for _ in range(2 * MOST):
        pace.took(2 * SLOW_MS)
    assert pace.most < MOST // 4
    for _ in range(3 * MOST):
        pace.took(2 * SLOW_MS)
    assert pace.most == FEWEST


def test_what_was_handed_over_before_a_change_does_not_change_it_again() -> None:
    pace = Pace()
    for _ in range(BEGIN):
        pace.took(2 * SLOW_MS)
    fewer = pace.most
    for _ in range(fewer - 1):
        pace.took(2 * SLOW_MS)
    assert FEWEST <= pace.most == fewer < BEGIN
