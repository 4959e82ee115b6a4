"""The schema on PostgreSQL: the same as SQLite's, its rules of keys, partitions, and versions beside each other."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest

import postgres_rig
from procession.base.failure import StoreError
from procession.base.keys import COUNTER_BITS
from procession.runtime import codec
from procession.runtime.ports import TABLES, Batch, Fence
from procession.runtime.rows import FactRow, JobRow, ShardRow
from procession.store.postgres.schema import PERIOD_MS, Step, in_its_words, look_after_partitions, prepare, steps
from procession.store.postgres.session import Sessions
from procession.store.postgres.store import PostgresStore
from procession.store.sqlite import SQLiteStore
from procession.store.statements import migrations

FAR: Final = 1 << 60
OWN: Final[dict[str, set[str]]] = {"procession_fact": {"period"}}
"""Columns that PostgreSQL alone has."""
NO_TENANT: Final = {"procession_meta", "procession_tenant", "procession_shard", "procession_process"}
FREE: Final = {"process", "document", "document_part", "follower", "delivery", "journey_count", "tenant_key"}
"""Tables that no commit writes (store/sql/free.sql)."""
OTHER_KEY: Final = {
    "procession_inbox_pkey": "numbered over the shard in the order of arrival; unique by (tenant, source, number)",
    "procession_inbox_open": "the owner of the shard drains it, tenant by tenant",
    "procession_inbox_held": "whoever looks after what is held asks for the oldest, whoever's it is",
    "procession_message_expires": "the sweep asks for all that is over, whoever's it is",
    "procession_answered_at": "the sweep asks for all that is over, whoever's it is",
    "procession_feed_at": "the sweep asks for all that is over, whoever's it is",
    "procession_audit_chain": "the chain is one of the shard",
}


@pytest.fixture(scope="module")
def url() -> str:
    return postgres_rig.server().database()


def asked(url: str, sql: str) -> list[tuple[Any, ...]]:
    return postgres_rig.server().execute(sql, database=url.rpartition("/")[2])


def columns(url: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for table, column in asked(
        url,
        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 "
        "WHERE c.relname LIKE 'procession\\_%' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1, attnum",
    ):
        found.setdefault(table, []).append(column)
    return found


def test_both_databases_have_the_same_tables_with_the_same_columns_in_the_same_order(url: str, tmp_path: Path) -> None:
    SQLiteStore(tmp_path / "s.db").close()
    with closing(sqlite3.connect(tmp_path / "s.db")) as file:
        names = [
            n for (n,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'proc%'")
        ]
        theirs = {name: [row[1] for row in file.execute(f"PRAGMA table_info({name})")] for name in names}
    ours = {table: [c for c in found if c not in OWN.get(table, ())] for table, found in columns(url).items()}
    assert ours == theirs
    assert {name.removeprefix("procession_") for name in ours} == {*TABLES, *FREE, "fact", "shard"}


def test_the_versions_of_both_schemas_have_one_number(url: str) -> None:
    newest = migrations()[-1][0]
    assert steps()[-1].number == newest
    assert asked(url, "SELECT value FROM procession_meta WHERE name = 'schema'") == [(newest,)]


def test_the_tenant_leads_every_key_and_index(url: str) -> None:
    indexes = asked(
        url,
        "SELECT t.relname, i.relname, a.attname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid "
        "JOIN pg_class t ON t.oid = x.indrelid JOIN pg_attribute a ON a.attrelid = i.oid AND a.attnum = 1 "
        "WHERE t.relname LIKE 'procession\\_%' AND NOT t.relispartition AND t.relkind IN ('r', 'p')",
    )
    wrong = [each for each in indexes if each[0] not in NO_TENANT and each[2] != "tenant" and each[1] not in OTHER_KEY]
    assert wrong == []
    assert {table for table, found in columns(url).items() if found[0] != "tenant"} == NO_TENANT


def test_a_step_of_sqlites_is_read_in_postgresqls_words() -> None:
    neutral = "CREATE TABLE procession_x (\n  tenant INTEGER NOT NULL, a TEXT NOT NULL, b BLOB) WITHOUT ROWID;"
    assert in_its_words(neutral) == (
        'CREATE TABLE procession_x (\n  tenant BIGINT NOT NULL, a TEXT COLLATE "C" NOT NULL, b BYTEA);'
    )


# --- versions beside each other

ADDED: Final = Step(
    99_001,
    in_its_words(
        "ALTER TABLE procession_job ADD COLUMN extra INTEGER NOT NULL DEFAULT 7;"
        "CREATE TABLE procession_new (tenant INTEGER NOT NULL, key INTEGER NOT NULL, PRIMARY KEY (tenant, key));"
        "INSERT INTO procession_new SELECT tenant, key FROM procession_job;"
    ),
    post=False,
)
TAKEN_AWAY: Final = Step(99_002, "ALTER TABLE procession_job DROP COLUMN worker;", post=True)


def newer(url: str, *more: Step) -> int:
    """What a newer version does when it opens the database; the schema's number afterwards."""
    with closing(Sessions(url).plain()) as connection:
        prepare(connection, "newer", [*steps(), *more])
    found: int = asked(url, "SELECT value FROM procession_meta WHERE name = 'schema'")[0][0]
    return found


def one_job(key: int) -> Batch:
    batch = Batch()
    batch["job"].insert(key, (0, key, 1, 2, 3, "t", 3, 0, 0, 0, -1, "idem", 0, "", ""))
    return batch


def test_an_engine_goes_on_while_a_newer_version_adds_to_the_schema() -> None:
    url = postgres_rig.server().database()
    with closing(PostgresStore(url)) as old:
        assert old.take(0, "old", 0, FAR)
        old.commit(Fence(0, 1, 0, FAR), one_job(5))
        assert newer(url, ADDED) == ADDED.number
        old.commit(Fence(0, 1, 0, FAR), one_job(6))
        assert [row.key for row in old.read("jobs", (0, 0, 9), JobRow)] == [5, 6]
        # A step that works on rows sees all of them, though its user is held to the policies otherwise.
        assert asked(url, "SELECT key FROM procession_new") == [(5,)]
        # The old version may also be started again.
        with closing(PostgresStore(url)) as again:
            assert again.read("shard_read", (0,), ShardRow)[0].owner == "old"
        # What is new is under the policies, too.
        assert asked(url, "SELECT relforcerowsecurity FROM pg_class WHERE relname = 'procession_new'") == [(True,)]


def test_what_an_older_version_needs_is_taken_away_when_none_runs() -> None:
    url = postgres_rig.server().database()
    with closing(PostgresStore(url)) as old:
        assert old.take(0, "old", 0, FAR)
        assert newer(url, ADDED, TAKEN_AWAY) == ADDED.number
        old.release(0, 1)
    assert newer(url, ADDED, TAKEN_AWAY) == TAKEN_AWAY.number
    with pytest.raises(StoreError, match="newer version of Procession"):
        PostgresStore(url)


def test_a_step_that_fails_leaves_everything_as_it_was() -> None:
    url = postgres_rig.server().database()
    broken = Step(99_003, "CREATE TABLE procession_half (tenant BIGINT); SELECT 1/0;", post=False)
    with pytest.raises(Exception, match="division"):
        newer(url, broken)
    assert asked(url, "SELECT to_regclass('procession_half') IS NULL") == [(True,)]
    PostgresStore(url).close()


def test_a_database_without_a_schema_gets_all_of_it() -> None:
    with closing(PostgresStore(postgres_rig.server().database(migrated=False))) as store:
        assert store.read("shard_read", (0,), ShardRow)[0].epoch == 0


# --- partitions


def key_of(period: int) -> int:
    return period * PERIOD_MS << COUNTER_BITS


def partition_of(url: str, instance: int) -> str:
    sql = f"SELECT tableoid::regclass::text FROM procession_fact WHERE instance = {instance} LIMIT 1"
    name: str = asked(url, sql)[0][0]
    return name


def history(*instances: int) -> Batch:
    batch = Batch()
    for instance in instances:
        batch.first += [(0, instance, seq, 10 * seq, codec.encode_json([])) for seq in (1, 2, 3)]
    return batch


def test_facts_lie_in_the_partition_of_their_instances_time() -> None:
    url = postgres_rig.server().database()
    with closing(PostgresStore(url)) as store:
        names = [name for (name,) in asked(url, "SELECT inhrelid::regclass::text FROM pg_inherits")]
        present = min(int(n.rpartition("_")[2]) for n in names if n.startswith("procession_fact_") and n[-1].isdigit())
        assert store.take(0, "me", 0, FAR)
        store.commit(Fence(0, 1, 0, FAR), history(key_of(present), key_of(present + 1), key_of(present + 900)))
        assert partition_of(url, key_of(present)) == f"procession_fact_{present}"
        assert partition_of(url, key_of(present + 1)) == f"procession_fact_{present + 1}"
        # Nothing is refused for want of a partition.
        assert partition_of(url, key_of(present + 900)) == "procession_fact_other"
        assert len(store.read("facts", (0, key_of(present + 900), 0), FactRow)) == 3


def test_a_question_for_facts_looks_into_one_partition(url: str) -> None:
    plan = asked(
        url,
        "EXPLAIN SELECT seq FROM procession_fact WHERE tenant = 0 AND instance = 5 AND period = procession_period(5)",
    )
    assert sum("Scan" in line for (line,) in plan) <= 2, plan


def test_a_partition_is_dropped_when_all_in_it_is_forgotten() -> None:
    url = postgres_rig.server().database()
    with closing(PostgresStore(url)) as store, closing(Sessions(url).plain()) as owner:
        owner.execute(b"SELECT procession_make_partitions(1, 2)")
        old, older = key_of(2), key_of(1)
        assert store.take(0, "me", 0, FAR)
        store.commit(Fence(0, 1, 0, FAR), history(old, older, older + 1))
        forgotten = Batch()
        forgotten["instance"].change("facts_forget", (0, older, FAR, FAR))
        store.commit(Fence(0, 1, 0, FAR), forgotten)
        look_after_partitions(owner)
        there = "SELECT to_regclass('procession_fact_{}') IS NOT NULL"
        assert [asked(url, there.format(n))[0][0] for n in (1, 2)] == [True, True]
        forgotten = Batch()
        forgotten["instance"].change("facts_forget", (0, older + 1, FAR, FAR))
        forgotten["instance"].change("facts_forget", (0, old, 3, FAR))
        store.commit(Fence(0, 1, 0, FAR), forgotten)
        look_after_partitions(owner)
        assert [asked(url, there.format(n))[0][0] for n in (1, 2)] == [False, True]
        assert [row.seq for row in store.read("facts", (0, old, 0), FactRow)] == [3]
