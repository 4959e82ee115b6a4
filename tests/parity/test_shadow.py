"""Shadows of every scenario: what the outside told is told again from facts alone, and the other host does the same."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Final

import pytest

from parity_rig import FILES
from procession.rollout.on_temporal import temporal
from procession.testing.driver import MakeEngines
from shadow_rig import engines_of, in_memory, unequal

if TYPE_CHECKING:
    from broker_rig import Brokers, Kind
    from temporal_rig import Servers

PARTS: Final = 8
"""Tests that share the scenarios of a host."""
OFTEN: Final = 3
RARELY: Final = 20
SELDOM: Final = 75
"""One scenario in so many is shadowed on the embedded host, on Temporal, over a broker; `make test-large` does all."""


@pytest.fixture(scope="module")
def cluster(temporal_servers: Servers) -> Generator[MakeEngines]:
    with temporal(temporal_servers("server").address, "default") as host, host() as other:
        yield other.engines


def test_scenarios_do_the_same_again_from_their_facts() -> None:
    with in_memory() as kit:
        assert unequal(FILES[::OFTEN], engines_of(kit)) == []


def test_scenarios_do_the_same_on_temporal(cluster: MakeEngines) -> None:
    assert unequal(FILES[::RARELY], cluster) == []


def test_scenarios_do_the_same_over_a_broker(brokers: Brokers) -> None:
    from procession.rollout.on_celery import celery

    with celery(brokers("redis").url) as host, host() as other:
        assert unequal(FILES[::SELDOM], other.engines) == []


@pytest.mark.large
@pytest.mark.parametrize("part", range(PARTS))
def test_every_scenario_does_the_same_again_from_its_facts(part: int) -> None:
    with in_memory() as kit:
        assert unequal(FILES[part::PARTS], engines_of(kit)) == []


@pytest.mark.large
@pytest.mark.parametrize("part", range(PARTS))
def test_every_scenario_does_the_same_on_temporal(cluster: MakeEngines, part: int) -> None:
    assert unequal(FILES[part::PARTS], cluster) == []


@pytest.mark.large
@pytest.mark.parametrize("kind", ["redis", "rabbitmq"])
def test_every_scenario_does_the_same_over_a_broker(own_brokers: Brokers, kind: Kind) -> None:
    from procession.rollout.on_celery import celery

    with celery(own_brokers(kind).url) as host, host() as other:
        assert unequal(FILES, other.engines) == []
