"""Every scenario over real brokers: it holds on Celery too, and its facts are those of the embedded host."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

import broker_rig
from broker_rig import KINDS, Brokers, Kind
from parity_rig import FILES, forms, id_of, on_embedded
from procession.testing.engines import Engines
from procession.testing.runner import run_scenario

if TYPE_CHECKING:
    from procession.testing.celery.kit import CeleryKit, OnCelery


@pytest.fixture(scope="module", params=KINDS)
def kit(request: pytest.FixtureRequest, brokers: Brokers) -> Generator[CeleryKit]:
    server = brokers(cast("Kind", request.param))
    from procession.testing.celery.kit import CeleryKit

    found = CeleryKit(server.url, broker_rig.queue())
    yield found
    found.close()


@pytest.mark.parametrize("path", FILES, ids=id_of)
def test_a_scenario_holds_over_a_broker(kit: CeleryKit, path: Path) -> None:
    from procession.testing.celery.kit import OnCelery

    expected, wanted = on_embedded(path)
    assert expected.passed, expected.error
    made: list[OnCelery] = []

    def engines(clock: Callable[[], int], zone: str) -> Engines:
        made.append(OnCelery(kit, clock, zone))
        return made[0]

    found = run_scenario(path, engines=engines)
    assert found.passed, found.error
    assert forms(kit.store, made[0].tenant) == wanted
