"""Scenarios whose instances move before every step, between each two of engine, Celery and Temporal: to the other host,
and back, and there again. Their facts are those of instances that never moved."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias, cast

import pytest

import broker_rig
from broker_rig import KINDS, Brokers, Kind
from parity_rig import FILES, agrees, holds, id_of, on_host, on_temporal
from temporal_rig import Servers

if TYPE_CHECKING:
    from procession.testing.celery.kit import CeleryKit

Holds: TypeAlias = Callable[[Path], None]


def _celery(brokers: Brokers, kind: str, *, moving: bool = False) -> CeleryKit:
    from procession.testing.celery.kit import CeleryKit

    return CeleryKit(brokers(cast("Kind", kind)).url, broker_rig.queue(), moving=moving)


def _engine_and_temporal(servers: Servers, brokers: Brokers, kind: str) -> tuple[Holds, Callable[[], None]]:
    from procession.testing.temporal.kit import Kit

    kit = Kit(servers("server").address, moving=True)
    return partial(holds, kit), kit.close


def _however_often(form: str) -> str:
    """Without how often a job was given out before it failed for good: on Celery it is as soon as it is there, so one
    that moves then, before anybody did it, was given out once more than one that never moved."""
    return re.sub(r'\["job-exhausted",\d+,', '["job-exhausted",', form)


def _celery_and_temporal(servers: Servers, brokers: Brokers, kind: str) -> tuple[Holds, Callable[[], None]]:
    from procession.testing.temporal.kit import Kit

    kit = Kit(servers("server").address, moving=True, own=_celery(brokers, kind))

    def agreed(path: Path) -> None:
        agrees(path, lambda: on_temporal(kit, path), of=_however_often)

    return agreed, kit.close


def _engine_and_celery(servers: Servers, brokers: Brokers, kind: str) -> tuple[Holds, Callable[[], None]]:
    from procession.testing.celery.kit import OnCelery

    kit = _celery(brokers, kind, moving=True)

    def agreed(path: Path) -> None:
        agrees(path, lambda: on_host(partial(OnCelery, kit), path, restore=True))

    return agreed, kit.close


PAIRS: Final = {
    "engine-temporal": (_engine_and_temporal, "", 12),
    **{f"celery-temporal-{kind}": (_celery_and_temporal, kind, 24) for kind in KINDS},
    **{f"engine-celery-{kind}": (_engine_and_celery, kind, 24) for kind in KINDS},
}
"""By its name, what opens a pair, the broker between, and how rarely a scenario is run of it outside `large`."""
BUDGET: Final = [(pair, path) for n, (pair, (_, _, rarely)) in enumerate(PAIRS.items()) for path in FILES[n::rarely]]
ALL: Final = [(pair, path) for pair in PAIRS for path in FILES]


@pytest.fixture(scope="module")
def pair(request: pytest.FixtureRequest, temporal_servers: Servers, brokers: Brokers) -> Generator[Holds]:
    opens, kind, _ = PAIRS[request.param]
    agreed, close = opens(temporal_servers, brokers, kind)
    yield agreed
    close()


def _named(value: object) -> str:
    return id_of(value) if isinstance(value, Path) else str(value)


@pytest.mark.parametrize(("pair", "path"), BUDGET, indirect=["pair"], ids=_named)
def test_a_scenario_holds_whose_instances_move_before_each_step(pair: Holds, path: Path) -> None:
    pair(path)


@pytest.mark.large
@pytest.mark.parametrize(("pair", "path"), ALL, indirect=["pair"], ids=_named)
def test_every_scenario_holds_whose_instances_move_before_each_step(pair: Holds, path: Path) -> None:
    pair(path)
