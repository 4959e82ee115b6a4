"""Every scenario as workflows on a real server: it holds there too, and its facts are those of the embedded host."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Final

import pytest

from parity_rig import on_embedded, on_temporal
from procession.hosts.temporal.payloads import Budget
from procession.testing.temporal.kit import Kit
from temporal_rig import Servers

SCENARIOS: Final = Path(__file__).parents[1] / "scenarios"
FILES: Final = sorted(SCENARIOS.rglob("*.scenario.yaml"))
RARELY: Final = 8
"""One in so many is run under the harder conditions each time; all of them are in `make test-large`."""


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


def _holds(kit: Kit, path: Path) -> None:
    expected, forms = on_embedded(path)
    assert expected.passed, expected.error
    found, others = on_temporal(kit, path)
    assert found.passed, found.error
    assert others == forms


def _id(path: Path) -> str:
    return str(path.relative_to(SCENARIOS)).removesuffix(".scenario.yaml")


@pytest.mark.parametrize("path", FILES, ids=_id)
def test_a_scenario_holds_as_workflows(kit: Kit, path: Path) -> None:
    _holds(kit, path)


@pytest.mark.parametrize("path", FILES[::RARELY], ids=_id)
def test_a_scenario_holds_when_each_task_replays_the_run(forgetful: Kit, path: Path) -> None:
    _holds(forgetful, path)


@pytest.mark.parametrize("path", FILES[3::RARELY], ids=_id)
def test_a_scenario_holds_when_each_event_ends_the_run(renewing: Kit, path: Path) -> None:
    _holds(renewing, path)


@pytest.mark.large
@pytest.mark.parametrize("path", FILES, ids=_id)
def test_every_scenario_holds_when_each_task_replays_the_run(forgetful: Kit, path: Path) -> None:
    _holds(forgetful, path)


@pytest.mark.large
@pytest.mark.parametrize("path", FILES, ids=_id)
def test_every_scenario_holds_when_each_event_ends_the_run(renewing: Kit, path: Path) -> None:
    _holds(renewing, path)
