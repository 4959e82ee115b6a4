"""The bulk loader: many W3 instances in a file, in the rows that the engine itself would have written.

The engine runs one instance of each fate; its rows become templates, in which keys and times are distances from the
moment of the start and the correlation key is a blank. Instance i then happens i ms after the first. A test runs the
engine on the same moments and compares all tables, byte by byte.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, TypeAlias

from bench.workloads import MODELS
from procession import Engine
from procession.base.keys import COUNTER_BITS, EPOCH_MS
from procession.runtime.ports import TABLES

Cell: TypeAlias = "int | str | bytes | None"
Row: TypeAlias = tuple[Cell, ...]
Fate: TypeAlias = str

FATES: Final = ("finished", "message", "task")
"""What becomes of an instance: it ends, or waits for its message, or for a person (with a timer)."""
DEPLOYED_AT: Final = EPOCH_MS + 86_400_000
FIRST_AT: Final = DEPLOYED_AT + 60_000
MARK: Final = "k%09d"
"""The correlation key of instance i; all are of equal length."""
CHUNK: Final = 20_000
_ALL_TABLES: Final = ("fact", *TABLES)
_NUMBER: Final = re.compile(rb"(?<![\w.])\d{10,19}(?![\w.])|k\d{9}")
_SPAN_MS: Final = 40 * 86_400_000
"""Times of one instance lie within so many ms after its start, its timer included."""


def fate(i: int) -> Fate:
    """One of eleven waits, in turns for a message and for a person; the others are finished."""
    return "finished" if i % 11 else FATES[1 + i // 11 % 2]


def key_of(i: int) -> int:
    """The key of instance i."""
    return FIRST_AT + i - EPOCH_MS << COUNTER_BITS


def counts(n: int) -> tuple[int, int]:
    """(finished, waiting) of `n` instances."""
    waiting = -(-n // 11)
    return n - waiting, waiting


def drive(path: Path, n: int, fate_of: Callable[[int], Fate] = fate) -> None:
    """The slow way: the engine itself on a virtual clock, one instance in each ms."""
    now = DEPLOYED_AT
    with closing(Engine(path, clock=lambda: now)) as engine:
        engine.deploy(MODELS / "w3.bpmn")
        for i in range(n):
            now = FIRST_AT + i
            instance = engine.start("w3", {"key": MARK % i})
            if fate_of(i) == "message":
                continue
            engine.publish("go", MARK % i)
            if fate_of(i) == "finished":
                engine.complete_task(engine.tasks(instance=instance.key)[0].key)


def load(path: Path, n: int) -> None:
    """Makes a file with a deployment of W3 and `n` instances."""
    drive(path, 0)
    templates = {each: _templates(path.with_name(f"{path.name}-{each}"), each) for each in FATES}
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        # If the machine stops now, the file is made anew: nothing here is worth a sync.
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -200000")
        for first in range(0, n, CHUNK):
            connection.execute("BEGIN IMMEDIATE")
            for table in _ALL_TABLES:
                _insert(connection, table, templates, range(first, min(first + CHUNK, n)))
            connection.execute("COMMIT")
        last = max(each.last_key for each in templates[fate(n - 1)]) + (n - 1 << COUNTER_BITS)
        connection.execute("UPDATE procession_shard SET last_key = max(last_key, ?)", (last,))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def rows(path: Path) -> dict[str, list[Row]]:
    """All rows of all tables, in the order of their keys; without who owned the shard, and until when."""
    with closing(sqlite3.connect(path)) as connection:
        found = {table: _rows(connection, table) for table in _ALL_TABLES}
        query = "SELECT shard, last_key, reserved FROM procession_shard"
        return {**found, "shard": connection.execute(query).fetchall()}


@dataclass(frozen=True)
class _Template:
    """A row of one table: `text` has a blank for each of `blanks`, which are distances (what from, how far)."""

    table: str
    cells: tuple[Callable[[int], Cell], ...]
    last_key: int

    def row(self, i: int) -> Row:
        return tuple([cell(i) for cell in self.cells])


def _templates(path: Path, of: Fate) -> list[_Template]:
    """The rows that one instance of this fate adds to a fresh file."""
    drive(path, 0)
    before = rows(path)
    path.unlink()
    drive(path, 1, lambda i: of)
    after = rows(path)
    path.unlink()
    last_key = after["shard"][0][1]
    assert isinstance(last_key, int)
    return [
        _Template(table, tuple([_cell(value) for value in row]), last_key)
        for table in _ALL_TABLES
        for row in after[table]
        if row not in before[table]
    ]


def _rows(connection: sqlite3.Connection, table: str) -> list[Row]:
    names = [row[1] for row in connection.execute(f"PRAGMA table_info(procession_{table})")]
    order = ", ".join(str(1 + i) for i in range(len(names)))
    return connection.execute(f"SELECT * FROM procession_{table} ORDER BY {order}").fetchall()


def _insert(connection: sqlite3.Connection, table: str, templates: dict[Fate, list[_Template]], numbers: range) -> None:
    mine = {of: [each for each in found if each.table == table] for of, found in templates.items()}
    width = next((len(each.cells) for found in mine.values() for each in found), 0)
    if width:
        made: Iterator[Row] = (each.row(i) for i in numbers for each in mine[fate(i)])
        blanks = ", ".join("?" * width)
        while chunk := list(islice(made, CHUNK)):
            connection.executemany(f"INSERT INTO procession_{table} VALUES ({blanks})", chunk)


def _cell(value: Cell) -> Callable[[int], Cell]:
    if isinstance(value, int):
        step = _step(value)
        return (lambda _: value) if step == 0 else (lambda i: value + i * step)
    if value is None:
        return lambda _: None
    pattern, make = _text(value.encode() if isinstance(value, str) else value)
    if isinstance(value, str):
        text = pattern.decode()
        return (lambda _: value) if make is None else (lambda i: text % make(i))
    return (lambda _: value) if make is None else (lambda i: pattern % make(i))


def _step(value: int) -> int:
    """By how much a number differs between two instances that follow one another."""
    if key_of(0) <= value < key_of(1):
        return 1 << COUNTER_BITS
    return 1 if FIRST_AT <= value < FIRST_AT + _SPAN_MS else 0


def _text(value: bytes) -> tuple[bytes, Callable[[int], tuple[int, ...]] | None]:
    """A pattern for `%`, and what fills it for instance i; None if there is no blank."""
    starts: list[tuple[int, int]] = []

    def blank(match: re.Match[bytes]) -> bytes:
        if match[0].startswith(b"k"):
            starts.append((0, 1))
            return MARK.encode()
        number = int(match[0])
        step = _step(number)
        if step == 0:
            return match[0]
        starts.append((number, step))
        return b"%d"

    pattern = _NUMBER.sub(blank, value.replace(b"%", b"%%"))
    if not starts:
        return value, None
    return pattern, lambda i: tuple([start + i * step for start, step in starts])
