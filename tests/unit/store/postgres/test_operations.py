"""Backups of a database, and requests in an application's own transaction."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import psycopg
import pytest
from psycopg.rows import dict_row

import postgres_rig
from needs import require
from procession.base.failure import Conflict, StoreError
from procession.runtime import codec
from procession.runtime.ports import Batch, Fence
from procession.runtime.rows import FactRow, InboxRow
from procession.store.postgres.store import PostgresStore

FAR: Final = 1 << 60


@pytest.fixture
def url() -> str:
    return postgres_rig.server().database()


@pytest.fixture
def store(url: str) -> Iterator[PostgresStore]:
    with closing(PostgresStore(url)) as opened:
        yield opened


def test_keys_reserved_in_transactions_are_given_once(url: str, store: PostgresStore) -> None:
    with psycopg.connect(url) as application:
        keys = [store.reserve(0, 1_000, application) for _ in range(3)]
    with psycopg.connect(url, row_factory=dict_row) as application:
        # Rows by name, as an application may like them.
        keys.append(store.reserve(0, 1_000, application))  # type: ignore[arg-type]
        application.rollback()
        keys.append(store.reserve(0, 1_000, application))  # type: ignore[arg-type]
    assert keys == [1_000, 1_001, 1_002, 1_003, 1_003]


def test_a_request_in_a_transaction_counts_when_that_is_committed(url: str, store: PostgresStore) -> None:
    row = ("t", 0, "k:1", 1, 5, codec.encode_json([]))
    with psycopg.connect(url) as application:
        store.post([row], application)
        assert store.read("inbox_open", (0, "t", 9), InboxRow) == []
        application.rollback()
        store.post([row], application)
        store.post([row], application)
    assert [r.source for r in store.read("inbox_open", (0, "t", 9), InboxRow)] == ["k:1"]


def test_a_connection_to_another_database_is_refused(url: str, store: PostgresStore) -> None:
    elsewhere = postgres_rig.server().database(migrated=False)
    with psycopg.connect(elsewhere) as other, pytest.raises(Conflict, match="another database"):
        store.reserve(0, 1, other)
    with closing(sqlite3.connect(":memory:")) as file, pytest.raises(Conflict, match="no psycopg connection"):
        store.reserve(0, 1, file)


def test_a_store_is_dumped_and_restored(url: str, store: PostgresStore, tmp_path: Path) -> None:
    require("pg_dump", postgres_rig.REMEDY)
    assert store.take(0, "me", 0, FAR)
    batch = Batch()
    batch.first.append((0, 1, 1, 10, codec.encode_json([])))
    store.commit(Fence(0, 1, 0, FAR), batch)
    server = postgres_rig.server()
    # Who dumps must see everything: the owner is held to the policies himself.
    with pytest.raises(StoreError, match="row-level security"):
        store.backup(tmp_path / "copy.dump")
    assert not list(tmp_path.iterdir())
    name = url.rpartition("/")[2]
    with closing(PostgresStore(server.url(name, "postgres"))) as all_seeing:
        all_seeing.backup(tmp_path / "copy.dump")
        with pytest.raises(StoreError, match="exists already"):
            all_seeing.backup(tmp_path / "copy.dump")
    again = server.database(migrated=False)
    target = server.url(again.rpartition("/")[2], "postgres")
    subprocess.run(["pg_restore", f"--dbname={target}", str(tmp_path / "copy.dump")], check=True, capture_output=True)
    with closing(PostgresStore(again)) as restored:
        assert [row.seq for row in restored.read("facts", (0, 1, 0), FactRow)] == [1]


def test_without_pg_dump_it_is_said_what_does_it(
    store: PostgresStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: None)
    with pytest.raises(StoreError, match="install pg_dump, or run pg_basebackup"):
        store.backup(tmp_path / "copy.dump")
