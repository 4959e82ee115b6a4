"""What is forgotten on a PostgreSQL server is dropped, a whole period at a time, as soon as nothing of it is left."""

from __future__ import annotations

from contextlib import closing
from typing import Final

import drawn as d
import postgres_rig
from host_rig import FakeClock
from procession import Engine
from procession.base.keys import COUNTER_BITS, EPOCH_MS
from procession.store.postgres.schema import PERIOD_MS, look_after_partitions
from procession.store.postgres.session import Sessions
from procession.store.postgres.store import PostgresStore

PERIODS: Final = (1, 2, 3)


def partitions(url: str) -> set[int]:
    """The old periods that have a partition."""
    names = postgres_rig.server().execute(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'procession_fact'::regclass",
        database=url.rpartition("/")[2],
    )
    numbers = {name.rpartition("_")[2] for (name,) in names}
    return {int(number) for number in numbers if number.isdigit()} & set(PERIODS)


def looked_after(url: str) -> None:
    """What a process does every few hours, as whom it does it."""
    sessions = Sessions(url)
    sessions.roles = True
    with closing(sessions.engine("*")) as session:
        look_after_partitions(session)


def test_a_period_is_dropped_when_the_history_of_every_instance_made_in_it_is_forgotten() -> None:
    url = postgres_rig.server().database()
    clock = FakeClock(EPOCH_MS + PERIOD_MS + 1000)
    with Engine(store=PostgresStore(url), clock=clock) as engine:
        with closing(Sessions(url).plain()) as owner:
            owner.execute(b"SELECT procession_make_partitions(1, 3)")
        engine.deploy(d.one_task())
        keys = []
        for _ in PERIODS:
            keys += [engine.start("p").key, engine.start("p").key]
            clock.pass_by(PERIOD_MS / 1000)
        assert [(key >> COUNTER_BITS) // PERIOD_MS for key in keys] == [1, 1, 2, 2, 3, 3]
        # All of the first end, one of the second goes on.
        for key in (*keys[:3], *keys[4:]):
            engine.instance(key).cancel()
        looked_after(url)
        assert partitions(url) == {1, 2, 3}
        clock.pass_by(60)
        done = engine.forget(30)
        assert done.histories >= 5
        looked_after(url)
        assert partitions(url) == {2}
        # What was not forgotten is there, and what was forgotten is known to have been.
        assert engine.instance(keys[3]).history
        assert engine.instance(keys[0]).state == "terminated"
        engine.instance(keys[3]).cancel()
        clock.pass_by(60)
        engine.forget(30, 30)
        looked_after(url)
        assert partitions(url) == set()
        assert engine.instances() == []
        # Instances are made as before.
        assert engine.start("p").key > keys[-1]
