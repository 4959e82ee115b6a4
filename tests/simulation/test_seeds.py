"""Seeds of the simulator: as many as PROCESSION_SIM_SEEDS says in all (`make sim SEEDS=…`), 200 in `make test`."""

from __future__ import annotations

import os
from collections import Counter
from typing import Final

import pytest

from procession.testing.sim import simulate

SEEDS: Final = int(os.environ.get("PROCESSION_SIM_SEEDS", "200"))
PART: Final = 25


def _run(seeds: range) -> Counter[str]:
    fired: Counter[str] = Counter()
    for seed in seeds:
        fired.update(simulate(seed).fired)
    return fired


@pytest.mark.parametrize("first", range(0, SEEDS, PART))
def test_every_seed_keeps_every_promise(first: int) -> None:
    assert _run(range(first, min(first + PART, SEEDS)))


@pytest.mark.large
@pytest.mark.parametrize("first", range(100_000, 105_000, 250))
def test_many_seeds_keep_every_promise(first: int) -> None:
    assert _run(range(first, first + 250))
