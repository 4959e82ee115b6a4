"""Every scenario as workflows on a real server: it holds there too, and its facts are those of the embedded host."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Final

import pytest

from parity_rig import FILES, holds, id_of
from procession.hosts.temporal.payloads import Budget
from procession.testing.temporal.kit import Kit
from temporal_rig import Servers

RARELY: Final = 12
"""One in so many is run under each of the harder conditions; `make test-large` runs all of them."""


@pytest.fixture(scope="module")
def kit(temporal_servers: Servers) -> Generator[Kit]:
    found = Kit(temporal_servers("server").address)
    yield found
    found.close()


@pytest.fixture(scope="module")
def forgetful(temporal_servers: Servers) -> Generator[Kit]:
    """No workflow is kept in memory: each task replays the whole run."""
    found = Kit(temporal_servers("server").address, cached=0)
    yield found
    found.close()


@pytest.fixture(scope="module")
def renewing(temporal_servers: Servers) -> Generator[Kit]:
    """Each event ends the run, and what is in flight is done again in the next one."""
    found = Kit(temporal_servers("server").address, budget=Budget(events=0, force=True))
    yield found
    found.close()


@pytest.fixture(scope="module")
def apart(temporal_servers: Servers) -> Generator[Kit]:
    """What is called is a workflow of its own."""
    found = Kit(temporal_servers("server").address, calls=True)
    yield found
    found.close()


@pytest.fixture(scope="module")
def skipping(temporal_servers: Servers) -> Generator[Kit]:
    """Timers are Temporal's own, on time that the cluster skips; jobs are left to the engine."""
    found = Kit(temporal_servers("server").address, skipping=True)
    yield found
    found.close()


@pytest.fixture(scope="module")
def floor(temporal_servers: Servers) -> Generator[Kit]:
    """The oldest server that is supported."""
    found = Kit(temporal_servers("cli").address)
    yield found
    found.close()


@pytest.mark.parametrize("path", FILES, ids=id_of)
def test_a_scenario_holds_as_workflows(kit: Kit, path: Path) -> None:
    holds(kit, path)


HARDER: Final = ("forgetful", "renewing", "apart", "skipping", "floor")


@pytest.mark.parametrize(
    ("kits", "path"),
    [(kits, path) for n, kits in enumerate(HARDER) for path in FILES[n::RARELY]],
    ids=lambda each: each if isinstance(each, str) else id_of(each),
)
def test_a_scenario_holds_under_harder_conditions(request: pytest.FixtureRequest, kits: str, path: Path) -> None:
    holds(request.getfixturevalue(kits), path)


@pytest.mark.large
@pytest.mark.parametrize("kits", HARDER)
@pytest.mark.parametrize("path", FILES, ids=id_of)
def test_every_scenario_holds_under_each_condition(request: pytest.FixtureRequest, kits: str, path: Path) -> None:
    holds(request.getfixturevalue(kits), path)
