"""The audit log on PostgreSQL: a chain a shard, which the engine's own role can only add to."""

from __future__ import annotations

from contextlib import closing

import psycopg
import pytest

import postgres_rig
from procession import Engine
from procession.runtime import requests as q
from procession.services.audit import links, opened, shards, verify
from procession.store.postgres.store import PostgresStore

TENANTS = [f"tenant-{number}" for number in range(12)]


@pytest.fixture
def url() -> str:
    """A database with a log over several shards."""
    made = postgres_rig.server().database(migrated=False)
    with Engine(store=PostgresStore(made, shards=4)) as engine:
        for tenant in TENANTS:
            engine.call(q.Asked(tenant, q.AddTenant(tenant), "user:ada", "192.0.2.1"))
            engine.call(q.Asked(tenant, q.PutRecord(tenant, "note", "n", {"a": 1}), "user:ada"))
    return made


def test_every_shard_has_a_chain_that_holds(url: str) -> None:
    with closing(opened(url)) as store:
        found = shards(store)
        assert len(found) > 1
        verdicts = [verify(shard, links(store, shard)) for shard in found]
    assert all(not verdict.broken for verdict in verdicts)
    assert sum(verdict.rows for verdict in verdicts) == 2 * len(TENANTS)


def test_a_row_that_an_administrator_changed_is_found(url: str) -> None:
    database = url.rpartition("/")[2]
    postgres_rig.server().execute(
        "UPDATE procession_audit SET body = body || '\\x00'::bytea WHERE number = 2", database=database
    )
    with closing(opened(url)) as store:
        assert any(verify(shard, links(store, shard)).broken for shard in shards(store))


@pytest.mark.parametrize("attack", ["UPDATE procession_audit SET body = ''", "DELETE FROM procession_audit"])
def test_the_role_of_the_engine_changes_nothing_that_is_logged(url: str, attack: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("SET ROLE procession_engine")
        connection.execute("SELECT set_config('procession.shards', '{0,1,2,3}', false)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(attack.encode())
