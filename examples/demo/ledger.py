"""What the workers did to the outside world, in their own file: every call, and each effect by idempotency key."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import final

from procession import Job

_SCHEMA = """
CREATE TABLE IF NOT EXISTS call (key TEXT NOT NULL, run INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS effect (key TEXT PRIMARY KEY, element TEXT NOT NULL, type TEXT NOT NULL) WITHOUT ROWID;
"""


@final
class Ledger:
    """An idempotent receiver: a call whose key it knows changes nothing. `run` numbers the engine processes."""

    def __init__(self, path: Path, run: int) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)

    def call(self, job: Job) -> None:
        """A worker was called."""
        with self._lock:
            self._db.execute("INSERT INTO call VALUES (?, ?)", (job.idempotency_key, self._run))

    def effect(self, job: Job) -> None:
        """A worker's effect, once for each key. Durable when this returns."""
        row = (job.idempotency_key, f"{job.instance}:{job.element}", job.type)
        with self._lock:
            self._db.execute("INSERT OR IGNORE INTO effect VALUES (?, ?, ?)", row)

    def calls(self) -> int:
        """How often workers were called, in all runs."""
        return self._number("SELECT count(*) FROM call")

    def calls_again(self) -> int:
        """Jobs that were called in more than one run: those whose answer the kill swallowed."""
        return self._number("SELECT count(*) FROM (SELECT 1 FROM call GROUP BY key HAVING count(DISTINCT run) > 1)")

    def retried(self) -> int:
        """Calls beyond the first of a job within one run: attempts that failed and were made again."""
        return self._number("SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM call GROUP BY key, run)")

    def doubled(self) -> int:
        """Element instances with more than one effect: two keys for one piece of work."""
        return self._number("SELECT count(*) FROM (SELECT 1 FROM effect GROUP BY element HAVING count(*) > 1)")

    def keys(self) -> set[str]:
        """The key of every effect."""
        with self._lock:
            return {row[0] for row in self._db.execute("SELECT key FROM effect")}

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

    def _number(self, sql: str) -> int:
        with self._lock:
            return int(self._db.execute(sql).fetchone()[0])
