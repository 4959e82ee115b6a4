"""Two servers on one PostgreSQL under load, one of which is killed: nothing is lost, nothing is done twice."""

from __future__ import annotations

from pathlib import Path

from bench.server import kills, rig

import postgres_rig
from procession.store.postgres.store import PostgresStore


def test_nothing_is_lost_or_doubled_when_a_server_is_killed(tmp_path: Path) -> None:
    url = postgres_rig.server().database(migrated=False)
    PostgresStore(url, shards=4).close()
    pair = kills.Pair(tmp_path, url)
    try:
        pair.ready()
        rig.run(kills.killed(pair, before_s=1.0, after_s=3.0))
        counts = rig.run(pair.counted())
    finally:
        pair.end()
    assert pair.failed == []
    assert pair.told
    assert kills.audited(pair, counts) == (0, 0)
