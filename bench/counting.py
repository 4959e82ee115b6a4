"""Counted work: what a run asks of Python and of SQLite, in numbers that are equal for equal runs. No time is measured.

`Meter` stands between a store and its file and counts statements, rows, bytes, steps of SQLite's machine and pages,
by way of apsw, which tells them. Gates may be tight on them, as they never are on times.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from typing import Any, Final

import apsw

from bench.opcodes import opcodes
from procession.runtime.ports import Cells
from procession.store.connection import Connection

INTEGER_BYTES: Final = 8


@dataclass(frozen=True)
class Work:
    """What was done, in all or for each of something.

    `statements` counts each row of a statement for many; `bytes` are those of the values that were written, integers
    as 8; `vm_steps` are instructions of SQLite's machine, `pages_read` pages that it asked its cache for,
    `pages_written` pages that went to the log; `opcodes` are Python's, 0 where they were not counted.
    """

    statements: float = 0
    rows_read: float = 0
    rows_written: float = 0
    bytes: float = 0
    vm_steps: float = 0
    pages_read: float = 0
    pages_written: float = 0
    opcodes: float = 0

    def each(self, n: int) -> Work:
        """The share of one of `n`."""
        return Work(**{name: value / n for name, value in self.items()})

    def minus(self, other: Work) -> Work:
        """What this has more than `other`."""
        return Work(**{name: value - getattr(other, name) for name, value in self.items()})

    def items(self) -> list[tuple[str, float]]:
        """(name, number) of each count."""
        return [(field.name, getattr(self, field.name)) for field in fields(self)]


class Meter:
    """Counts the work of the connections that it opens: `SQLiteStore(path, connect=meter.connect)`."""

    def __init__(self) -> None:
        self.statements = 0
        self.rows_read = 0
        self.rows_written = 0
        self.bytes = 0
        self.vm_steps = 0
        self._connections: list[apsw.Connection] = []

    def connect(self, path: str, busy_ms: int) -> Connection:
        """A `procession.store.connection.Connect`."""
        connection = apsw.Connection(path)
        connection.set_busy_timeout(busy_ms)
        connection.trace_v2(apsw.SQLITE_TRACE_PROFILE, self._profile)
        self._connections.append(connection)
        return _Counted(connection, self)

    def count(self, work: Callable[[], object], *, opcodes_too: bool = True) -> Work:
        """The work that a call does."""
        before = self._now()
        executed = opcodes(work) if opcodes_too else _run(work)
        return Work(**{**dict(self._now().minus(before).items()), "opcodes": executed})

    def _now(self) -> Work:
        # A connection that was closed since is a mistake of the caller: its pages are gone.
        status = [[c.status(code)[0] for c in self._connections] for code in _PAGES]
        return Work(
            statements=self.statements,
            rows_read=self.rows_read,
            rows_written=self.rows_written,
            bytes=self.bytes,
            vm_steps=self.vm_steps,
            pages_read=sum(status[0]) + sum(status[1]),
            pages_written=sum(status[2]),
        )

    def _profile(self, event: dict[str, Any]) -> None:
        # Once for each time that a statement ran to its end or was given up.
        self.statements += 1
        self.vm_steps += event["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"]


_PAGES: Final = (apsw.SQLITE_DBSTATUS_CACHE_HIT, apsw.SQLITE_DBSTATUS_CACHE_MISS, apsw.SQLITE_DBSTATUS_CACHE_WRITE)


class Rows:
    """What a statement gave, with the face of `sqlite3.Cursor` as far as a store uses it."""

    def __init__(self, rows: list[Any], rowcount: int) -> None:
        self._rows = rows
        self.rowcount = rowcount

    def fetchone(self) -> Any:
        return self._rows.pop(0) if self._rows else None

    def fetchall(self) -> list[Any]:
        rows, self._rows = self._rows, []
        return rows


class _Counted:
    """apsw with the face of `sqlite3.Connection`, as far as a store uses it."""

    def __init__(self, connection: apsw.Connection, meter: Meter) -> None:
        self._connection = connection
        self._meter = meter

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    def execute(self, sql: str, parameters: Cells = (), /) -> Rows:
        before = self._connection.total_changes()
        rows: list[Any] = self._connection.execute(sql, parameters).fetchall()
        self._meter.rows_read += len(rows)
        return Rows(rows, self._written(before, (parameters,)))

    def executemany(self, sql: str, rows: Iterable[Cells], /) -> Rows:
        given = list(rows)
        before = self._connection.total_changes()
        self._connection.executemany(sql, given)
        return Rows([], self._written(before, given))

    def _written(self, before: int, given: Iterable[Cells]) -> int:
        written = self._connection.total_changes() - before
        self._meter.rows_written += written
        if written:
            self._meter.bytes += sum(_size(cell) for row in given for cell in row)
        return written

    def backup(self, target: sqlite3.Connection, /) -> None:
        raise sqlite3.NotSupportedError("a counted connection makes no backups")

    def close(self) -> None:
        self._connection.close()


def _size(cell: int | str | bytes | None) -> int:
    if cell is None:
        return 0
    return INTEGER_BYTES if isinstance(cell, int) else len(cell if isinstance(cell, bytes) else cell.encode())


def _run(work: Callable[[], object]) -> int:
    work()
    return 0
