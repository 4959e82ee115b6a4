"""Several engine processes on one PostgreSQL: shards are shared, a dead process is followed, nothing is done twice."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

import postgres_rig
from process_rig import Child, Killed, Refused, doubled, effects_of, until
from procession import Engine
from procession.runtime.rows import LeaseRow
from procession.store.postgres.store import PostgresStore

SHARDS: Final = 8
TENANTS: Final = [f"tenant-{number}" for number in range(12)]
EACH: Final = 12


@pytest.fixture
def url() -> str:
    made = postgres_rig.server().database(migrated=False)
    PostgresStore(made, shards=SHARDS).close()
    return made


@pytest.fixture
def crew(url: str, tmp_path: Path) -> Iterator[Callable[[], Child]]:
    """Starts processes that serve."""
    with ExitStack() as stack:

        def start() -> Child:
            child = stack.enter_context(Child(Path(url), tmp_path / "effects", STORE=url)).ready()
            child.ask("serve", 2)
            return child

        yield start


def owners(url: str) -> dict[int, str]:
    store = PostgresStore(url)
    try:
        return {row.shard: row.owner for row in store.read("shards", (), LeaseRow) if row.owner}
    finally:
        store.close()


def shared_evenly(url: str, processes: int) -> bool:
    found = list(owners(url).values())
    return len(found) == SHARDS and len(set(found)) == processes


def test_processes_share_the_shards_and_a_dead_one_is_followed(
    url: str, crew: Callable[[], Child], tmp_path: Path
) -> None:
    seed = random.randrange(1 << 32)
    drawn = random.Random(seed)
    children = [crew() for _ in range(3)]
    until(lambda: shared_evenly(url, 3), "every process has shards", 30)
    for tenant in TENANTS:
        drawn.choice(children).ask("deploy", tenant=tenant)
    told: list[tuple[str, int]] = []
    asked = [tenant for tenant in TENANTS for _ in range(EACH)]
    drawn.shuffle(asked)
    for number, tenant in enumerate(asked):
        if number in {len(asked) // 3, 2 * len(asked) // 3}:
            children.pop(drawn.randrange(len(children))).kill()
            children.append(crew())
        try:
            told.append((tenant, drawn.choice(children).ask("start", "one", tenant=tenant)))
        except (Killed, Refused) as error:
            raise AssertionError(f"seed {seed}: a start was refused: {error}") from error
    with Engine(store=PostgresStore(url)) as engine:
        until(lambda: all(engine.counts(tenant=each).keys() <= {"completed"} for each in TENANTS), f"seed {seed}", 60)
        for tenant, key in told:
            assert engine.instance(key, tenant=tenant).state == "completed", seed
    done = effects_of(tmp_path / "effects")
    assert {place[0] for place in done} >= {key for _, key in told}, seed
    assert doubled(tmp_path / "effects") == {}, seed
