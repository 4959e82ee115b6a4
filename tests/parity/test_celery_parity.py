"""Every scenario over real brokers: it holds on Celery too, and its facts are those of the embedded host."""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

import broker_rig
from broker_rig import KINDS, Brokers, Kind
from parity_rig import FILES, agrees, id_of, on_host

if TYPE_CHECKING:
    from procession.testing.celery.kit import CeleryKit


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

    agrees(path, lambda: on_host(partial(OnCelery, kit), path))
