"""Scenarios whose instances move before every step: to a real cluster, and back, and there again. Their facts are those
of instances that never moved."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Final

import pytest

from parity_rig import FILES, holds, id_of
from procession.testing.temporal.kit import Kit
from temporal_rig import Servers

RARELY: Final = 8
"""One in so many is run; `make test-large` runs all of them."""


@pytest.fixture(scope="module")
def kit(temporal_servers: Servers) -> Generator[Kit]:
    found = Kit(temporal_servers("server").address, moving=True)
    yield found
    found.close()


@pytest.mark.parametrize("path", FILES[3::RARELY], ids=id_of)
def test_a_scenario_holds_whose_instances_move_before_each_step(kit: Kit, path: Path) -> None:
    holds(kit, path)


@pytest.mark.large
@pytest.mark.parametrize("path", FILES, ids=id_of)
def test_every_scenario_holds_whose_instances_move_before_each_step(kit: Kit, path: Path) -> None:
    holds(kit, path)
