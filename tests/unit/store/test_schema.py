"""The tenant leads every key of every table, from the first migration (decision 6), and files can shrink (4a.12)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from procession.runtime.ports import TABLES
from procession.store.sqlite import SQLiteStore

NO_TENANT: Final = {
    "procession_meta": "the version of the schema and the flags of the store",
    "procession_tenant": "the tenants themselves",
    "procession_process": "who works on the store, whoever's it is",
    "procession_shard": "a part of the store, with all tenants in it",
}
OTHER_KEY: Final = {
    "procession_inbox": "numbered over the shard in the order of arrival; unique by (tenant, source, number)",
    "procession_inbox_open": "the owner of the shard drains it, tenant by tenant",
    "procession_inbox_held": "whoever looks after what is held asks for the oldest, whoever's it is",
    "procession_audit_chain": "the chain is the shard's, over all of its tenants",
    "procession_answered_at": "the sweep asks for all that is old, whoever's it is",
    "procession_feed_at": "the sweep asks for all that is old, whoever's it is",
    "procession_message_expires": "the sweep asks for all that is over, whoever's it is",
}
"""Keys and indexes that something else leads, and why."""

FREE: Final = ("document", "document_part", "follower", "delivery", "journey_count", "tenant_key")
"""Tables that no shard has to own (store/sql/free.sql)."""


@pytest.fixture
def schema(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    SQLiteStore(tmp_path / "e.db").close()
    with closing(sqlite3.connect(tmp_path / "e.db")) as connection:
        yield connection


def tables(schema: sqlite3.Connection) -> list[str]:
    return [
        row[0] for row in schema.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'proc%'")
    ]


def test_every_table_is_one_that_a_commit_writes(schema: sqlite3.Connection) -> None:
    assert {name.removeprefix("procession_") for name in tables(schema)} == {*TABLES, *FREE, "fact", "shard", "process"}


def test_the_tenant_is_the_first_column_of_every_table_and_of_its_key(schema: sqlite3.Connection) -> None:
    for table in tables(schema):
        columns = schema.execute(f"PRAGMA table_info({table})").fetchall()
        if table in NO_TENANT:
            continue
        assert columns[0][1] == "tenant", table
        assert columns[0][3], f"{table}: a row without a tenant"
        key = [name for position, name in sorted((row[5], row[1]) for row in columns) if position]
        assert key[0] == "tenant" or table in OTHER_KEY, (table, key)


def test_the_tenant_is_the_first_column_of_every_index(schema: sqlite3.Connection) -> None:
    for table in tables(schema):
        if table in NO_TENANT:
            continue
        for _, index, *_ in schema.execute(f"PRAGMA index_list({table})").fetchall():
            columns = [row[2] for row in schema.execute(f"PRAGMA index_info({index})")]
            assert columns[0] == "tenant" or index in OTHER_KEY, (index, columns)


def test_the_default_tenant_is_there_from_the_first_migration(schema: sqlite3.Connection) -> None:
    assert schema.execute("SELECT number, name FROM procession_tenant").fetchall() == [(0, "<default>")]


def test_pages_that_become_free_can_be_given_back(schema: sqlite3.Connection) -> None:
    assert schema.execute("PRAGMA auto_vacuum").fetchone() == (2,)
