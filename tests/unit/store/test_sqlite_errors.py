"""A SQLite file that cannot be used is said to be so, in words, and stays as it was."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from procession.base.failure import StoreError
from procession.runtime.ports import Batch, Fence
from procession.runtime.rows import NamedRow
from procession.runtime.tenants import EVERYBODY
from procession.store import sqlite
from procession.store.sqlite import SQLiteStore
from procession.store.statements import migrations, split, statements


def test_a_file_of_a_newer_version_is_not_touched(tmp_path: Path) -> None:
    SQLiteStore(tmp_path / "s.db").close()
    with sqlite3.connect(tmp_path / "s.db") as other:
        other.execute("UPDATE procession_meta SET value = 999 WHERE name = 'schema'")
    other.close()
    with pytest.raises(StoreError, match=r"newer version .*999.*upgrade"):
        SQLiteStore(tmp_path / "s.db")


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> None:
    """This version, with one migration more."""
    script = "ALTER TABLE procession_job ADD COLUMN colour TEXT NOT NULL DEFAULT 'red';"
    steps = [*migrations(), (len(migrations()) + 1, script)]
    monkeypatch.setattr(sqlite, "migrations", lambda: steps)


def test_a_file_of_an_older_version_is_brought_up_and_then_refused_by_the_older_one(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    older = SQLiteStore(tmp_path / "s.db")
    assert older.take(0, "me", 0, 1 << 60)
    batch = Batch()
    batch["tenant"].insert(7, (7, "kept"))
    older.commit(Fence(0, 1, 5, 1), batch)
    older.close()
    request.getfixturevalue("newer")
    newer = SQLiteStore(tmp_path / "s.db")
    assert NamedRow("kept", 7) in newer.read("tenants", EVERYBODY, NamedRow)
    newer.close()
    request.getfixturevalue("monkeypatch").undo()
    with pytest.raises(StoreError, match=r"s\.db: made by a newer version .*upgrade Procession"):
        SQLiteStore(tmp_path / "s.db")


def test_a_file_on_which_an_older_version_works_is_not_changed(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    older = SQLiteStore(tmp_path / "s.db")
    assert older.take(0, "me", 0, 1 << 60)
    request.getfixturevalue("newer")
    with pytest.raises(StoreError, match=r"made by an older version .* runs on it: close that engine"):
        SQLiteStore(tmp_path / "s.db")
    older.commit(Fence(0, 1, 5, 1), Batch())
    older.release(0, 1)
    SQLiteStore(tmp_path / "s.db").close()
    older.close()


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    SQLiteStore(tmp_path / "s.db").close()
    script = "ALTER TABLE procession_job ADD COLUMN colour TEXT;\nALTER TABLE no_such_table ADD COLUMN colour TEXT;"
    with monkeypatch.context() as patch:
        steps = [*migrations(), (len(migrations()) + 1, script)]
        patch.setattr(sqlite, "migrations", lambda: steps)
        with pytest.raises(StoreError, match="no_such_table"):
            SQLiteStore(tmp_path / "s.db")
    SQLiteStore(tmp_path / "s.db").close()
    with sqlite3.connect(tmp_path / "s.db") as other:
        assert "colour" not in [row[1] for row in other.execute("PRAGMA table_info(procession_job)")]
    other.close()


@pytest.mark.parametrize("content", [b"not a database" * 100, b"\x00" * 4096, b"SQLite format 3\x00" + b"\xff" * 4000])
def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "s.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"not a SQLite database|damaged"):
        SQLiteStore(path)
    assert path.read_bytes() == content


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="folder"):
        SQLiteStore(tmp_path / "no" / "s.db")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_file_is_said_to_be_so(tmp_path: Path) -> None:
    SQLiteStore(tmp_path / "s.db").close()
    (tmp_path / "s.db").chmod(0o400)
    with pytest.raises(StoreError, match="read-only"):
        SQLiteStore(tmp_path / "s.db").take(0, "a", 0, 1)


def test_a_file_that_another_connection_keeps_locked_is_said_to_be_so(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "s.db", busy_ms=20)
    other = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match=r"another connection.*keeps the database locked"):
        store.take(0, "a", 0, 1)
    with pytest.raises(StoreError, match="locked"):
        store.commit(Fence(0, 0, 1, 1), Batch())
    other.execute("ROLLBACK")
    assert store.take(0, "a", 0, 1)
    other.close()
    store.close()


def test_an_applications_own_tables_in_the_same_file_are_left_alone(tmp_path: Path) -> None:
    application = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
    for name in ("job", "task", "message", "instance"):
        application.execute(f"CREATE TABLE {name} (a)")
    SQLiteStore(tmp_path / "s.db").close()
    tables = {row[0] for row in application.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert {"job", "task", "procession_job", "procession_task"} <= tables
    application.close()


def test_every_file_is_durable_and_can_shrink(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "s.db")
    with sqlite3.connect(tmp_path / "s.db") as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert other.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    other.close()
    store.close()


def test_migrations_are_numbered_without_a_gap_and_end_complete() -> None:
    assert [number for number, _ in migrations()] == list(range(1, len(migrations()) + 1))
    assert all(split(script) for _, script in migrations())


@pytest.mark.parametrize("file", ["reads.sql", "writes.sql", "shard.sql"])
def test_every_named_statement_is_one_that_sqlite_can_prepare(file: str) -> None:
    connection = sqlite3.connect(":memory:")
    for _, script in migrations():
        for statement in split(script):
            connection.execute(statement)
    for name, sql in statements(file).items():
        count = max(sql.count("?"), *(sql.count(f"?{n}") and n for n in range(1, 10)))
        numbered = max((n for n in range(1, 10) if f"?{n}" in sql), default=0)
        connection.execute(f"EXPLAIN {sql}", (0,) * (numbered or count)), name
    connection.close()
