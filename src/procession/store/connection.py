"""What the store asks of a database connection: the part of `sqlite3.Connection` that it uses, and nothing else.

It is the seam for other ways to reach SQLite: the power-loss tests put a file system between the engine and the disk.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeAlias

from procession.runtime.ports import Cells


class Rows(Protocol):
    """What a statement gave. `rowcount` counts the rows that it changed."""

    @property
    def rowcount(self) -> int: ...

    # A row's cells are whatever was stored; the store decodes them into its row types.
    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...


class Connection(Protocol):
    """A connection in autocommit mode: transactions begin and end by statements. Errors are `sqlite3.Error`."""

    @property
    def in_transaction(self) -> bool: ...

    def execute(self, sql: str, parameters: Cells = ..., /) -> Rows: ...

    def executemany(self, sql: str, rows: Iterable[Cells], /) -> Rows: ...

    def backup(self, target: sqlite3.Connection, /) -> None: ...

    def close(self) -> None: ...


Connect: TypeAlias = Callable[[str, int], Connection]
"""Opens a path; statements wait so many ms for another process's transaction."""


def connect_sqlite(path: str, busy_ms: int) -> Connection:
    """The standard library's SQLite."""
    return sqlite3.connect(
        path,
        timeout=busy_ms / 1000,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
