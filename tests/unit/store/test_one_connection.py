"""One connection of an engine does all its writes and its checkpoints (decision 17)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import final

import drawn as d
from procession import Engine
from procession.runtime.ports import Cells
from procession.store.connection import Connection, Rows, connect_sqlite
from procession.store.sqlite import SQLiteStore


@final
class Told:
    """A connection that writes down what it is asked to do, with its number."""

    def __init__(self, inner: Connection, number: int, told: list[tuple[int, str]]) -> None:
        self._inner = inner
        self._number = number
        self._told = told

    @property
    def in_transaction(self) -> bool:
        return self._inner.in_transaction

    def execute(self, sql: str, parameters: Cells = (), /) -> Rows:
        self._told.append((self._number, sql))
        return self._inner.execute(sql, parameters)

    def executemany(self, sql: str, rows: Iterable[Cells], /) -> Rows:
        self._told.append((self._number, sql))
        return self._inner.executemany(sql, rows)

    def backup(self, target: sqlite3.Connection, /) -> None:
        self._inner.backup(target)

    def close(self) -> None:
        self._inner.close()


def test_one_connection_does_all_writes_and_the_owners_alone_checkpoints(tmp_path: Path) -> None:
    told: list[tuple[int, str]] = []
    numbers = count()

    def connect(path: str, busy_ms: int) -> Connection:
        return Told(connect_sqlite(path, busy_ms), next(numbers), told)

    with Engine(store=SQLiteStore(tmp_path / "e.db", connect=connect)) as engine:
        engine.deploy(d.one_task())
        engine.worker("work")(lambda: None)
        engine.start_many("p", [{}] * 20)
        engine.run_until_idle()
        client = Engine(store=SQLiteStore(tmp_path / "e.db", connect=connect))
        assert not client.owner
        client.close()
    writing = {number for number, sql in told if sql.split()[0] in {"BEGIN", "INSERT", "UPDATE", "DELETE"}}
    folding = {
        number for number, sql in told if sql.startswith("PRAGMA wal_autocheckpoint") and not sql.endswith("= 0")
    }
    # Connections 0 and 1 are the owner's writer and reader, 2 and 3 the client's.
    assert writing - {2} == {0}
    assert folding == {0}
