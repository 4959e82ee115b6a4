"""Every scenario of this repository on a PostgreSQL server: some of them share a store, each has its own tenant."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final, cast, final

import pytest

import postgres_rig
from procession.runtime.ports import Store
from procession.store.postgres.store import PostgresStore
from procession.testing import run_scenario
from procession.testing.engines import Calm

ROOT: Final = Path(__file__).resolve().parents[2]
FILES: Final = sorted(
    path for folder in ("tests/scenarios", "examples") for path in (ROOT / folder).rglob("*.scenario.yaml")
)
SHARE: Final = 12
"""Scenarios of one database. What they leave open is looked at by those behind them."""


@final
class Lent:
    """A store that stays open when its engine is closed: connecting costs more than a scenario does."""

    def __init__(self, store: PostgresStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def close(self) -> None:
        """Nothing: others come after."""


EVERY: Final = 3
"""One share in so many is run always, the others by `make test-large`."""


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(first, id=FILES[first].stem, marks=[pytest.mark.large] if first // SHARE % EVERY else [])
        for first in range(0, len(FILES), SHARE)
    ],
)
def test_scenarios_go_as_written(first: int) -> None:
    with closing(postgres_rig.store()) as store:

        def engines(clock: Callable[[], int], zone: str) -> Calm:
            return Calm(cast("Store", Lent(store)), clock, zone)

        failed = {
            str(path.relative_to(ROOT)): result.error
            for number, path in enumerate(FILES[first : first + SHARE])
            if not (result := run_scenario(path, engines=engines, restore_every_step=number % 4 == 3)).passed
        }
    assert failed == {}


def test_the_store_of_a_scenario_may_be_a_url() -> None:
    result = run_scenario(FILES[0], store=postgres_rig.server().database())
    assert result.passed, result.error
