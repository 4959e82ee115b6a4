"""What the workers did to the outside world, in their own file: calls, and effects by idempotency key."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import final

from procession import Job

_SCHEMA = """
CREATE TABLE IF NOT EXISTS call (number INTEGER PRIMARY KEY, key TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS effect (
    key TEXT NOT NULL, instance INTEGER NOT NULL, element INTEGER NOT NULL, type TEXT NOT NULL, paid INTEGER DEFAULT 0,
    order_id TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS effect_key ON effect (key);
"""


@final
class Effects:
    """The workers' file. An idempotent receiver: an effect is recorded once per idempotency key."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)

    def record(self, job: Job, order_id: str) -> None:
        """One call of a worker: always counted; its effect happens unless its key is known already."""
        key = job.idempotency_key
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute("INSERT INTO call (key) VALUES (?)", (key,))
        if self._db.execute("SELECT 1 FROM effect WHERE key = ?", (key,)).fetchone() is None:
            row = (key, job.instance, job.element, job.type, order_id)
            self._db.execute("INSERT INTO effect (key, instance, element, type, order_id) VALUES (?, ?, ?, ?, ?)", row)
        self._db.execute("COMMIT")

    def unpaid(self) -> list[str]:
        """Orders whose payment was requested and not yet made."""
        rows = self._db.execute("SELECT order_id FROM effect WHERE type = 'request-payment' AND paid = 0").fetchall()
        return [row[0] for row in rows]

    def pay(self, order_ids: list[str]) -> None:
        """Notes that these orders were paid."""
        self._db.execute("BEGIN IMMEDIATE")
        rows = [(each,) for each in order_ids]
        self._db.executemany("UPDATE effect SET paid = 1 WHERE type = 'request-payment' AND order_id = ?", rows)
        self._db.execute("COMMIT")

    def calls(self) -> int:
        """How often a worker was called."""
        return int(self._db.execute("SELECT count(*) FROM call").fetchone()[0])

    def count(self) -> int:
        """How many effects there are."""
        return int(self._db.execute("SELECT count(*) FROM effect").fetchone()[0])

    def doubled(self) -> int:
        """Element instances with two idempotency keys or two effects."""
        sql = "SELECT count(*) FROM (SELECT 1 FROM effect GROUP BY instance, element HAVING count(*) > 1)"
        return int(self._db.execute(sql).fetchone()[0])

    def shipped(self) -> int:
        """Orders that reached the outside world's last step: shipped, or refused with an apology."""
        sql = "SELECT count(*) FROM effect WHERE type IN ('ship-order', 'send-mail')"
        return int(self._db.execute(sql).fetchone()[0])

    def close(self) -> None:
        """Closes the file."""
        self._db.close()
