"""What a good engineer writes so that a message finds the hand-written W3: two tables in a SQLite file.

A subscription is stored before the workflow task that waits for it is committed, a message before it is sent, and is
deleted when the workflow has it: both by local activities of the workflow, as with ours.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar, final

from temporalio import activity

_T = TypeVar("_T")

SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE subscription (name TEXT, correlation TEXT, workflow TEXT, PRIMARY KEY (name, correlation, workflow));
CREATE TABLE message (number INTEGER PRIMARY KEY, name TEXT, correlation TEXT, variables TEXT);
"""


@final
class Letters:
    """The file. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.executescript(SCHEMA)
        self._lock = threading.Lock()

    def activities(self) -> list[Callable[..., Any]]:
        """What a worker registers."""
        return [self.subscribe, self.acknowledge]

    @activity.defn(name="subscribe")
    async def subscribe(self, name: str, correlation: str) -> None:
        """The workflow waits for a message."""
        row = (name, correlation, activity.info().workflow_id or "")
        await asyncio.to_thread(self._write, "INSERT OR IGNORE INTO subscription VALUES (?, ?, ?)", [row])

    @activity.defn(name="acknowledge")
    async def acknowledge(self, name: str, correlation: str, number: int) -> None:
        """The workflow has a message, and waits no more."""
        await asyncio.to_thread(self._acknowledge, (name, correlation, activity.info().workflow_id or ""), number)

    def publish(self, name: str, correlations: Sequence[str]) -> list[tuple[str, int]]:
        """Stores a message for each key, in one transaction; gives the workflow that waits for it, and its number."""
        return self._within(lambda: [self._publish(name, each) for each in correlations])

    def count(self, table: str) -> int:
        """How many rows a table has."""
        with self._lock:
            found: int = self._connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        return found

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()

    def _publish(self, name: str, correlation: str) -> tuple[str, int]:
        found = self._connection.execute(
            "SELECT workflow FROM subscription WHERE name = ? AND correlation = ?", (name, correlation)
        ).fetchone()
        done = self._connection.execute(
            "INSERT INTO message (name, correlation, variables) VALUES (?, ?, ?)", (name, correlation, json.dumps({}))
        )
        assert done.lastrowid is not None
        return found[0], done.lastrowid

    def _acknowledge(self, row: tuple[str, str, str], number: int) -> None:
        def work() -> None:
            self._connection.execute("DELETE FROM message WHERE number = ?", (number,))
            self._connection.execute(
                "DELETE FROM subscription WHERE name = ? AND correlation = ? AND workflow = ?", row
            )

        self._within(work)

    def _write(self, sql: str, rows: Sequence[tuple[str, ...]]) -> None:
        self._within(lambda: self._connection.executemany(sql, rows))

    def _within(self, work: Callable[[], _T]) -> _T:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                result = work()
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            return result
