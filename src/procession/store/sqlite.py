"""The store on one SQLite file: stdlib sqlite3, WAL, synchronous=FULL (docs/design/0003).

One connection writes, under a lock; another reads what is committed. Nothing here knows what a row means.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Final, TypeVar, final

from procession.base.failure import BadValue, Conflict, StoreError
from procession.runtime.ports import (
    TABLES,
    Batch,
    Cells,
    Fence,
    Fenced,
    ForeignTransaction,
    Gate,
    Moved,
    Reads,
    Tenants,
)
from procession.runtime.search import Search
from procession.store.answers import only_number, rows_of
from procession.store.connection import Connect, Connection, connect_sqlite
from procession.store.errors import FAULTS, explained, plain_errors
from procession.store.faults import reached
from procession.store.gate import FileGate, OpenGate
from procession.store.place import Place
from procession.store.search import statements_of
from procession.store.statements import migrations, split, statements

BUSY_MS: Final = 5_000
"""How long a statement waits for another process's transaction."""
CHECKPOINT_PAGES: Final = 2_000
FREED_PAGES: Final = 1_000
"""What one commit gives back at most, after it deleted history."""

_Row = TypeVar("_Row")
_READS: Final = statements("reads.sql")
_WRITES: Final = statements("writes.sql")
_SHARD: Final = statements("shard.sql")
_FREE: Final = statements("free.sql")
_SEARCH: Final = statements("search.sql")
_ORDER: Final = {table: number for number, table in enumerate(TABLES)}
_INSERTS: Final = {table: _WRITES[f"{table}_insert"] for table in TABLES}
_DELETES: Final = {table: _WRITES.get(f"{table}_delete", "") for table in TABLES}


@final
class SQLiteStore:
    """A `runtime.ports.Store` on a file, or in memory for ":memory:". Opening creates or migrates the schema."""

    def __init__(
        self, path: str | Path, *, busy_ms: int = BUSY_MS, connect: Connect = connect_sqlite, shards: int = 1
    ) -> None:
        """Raises `StoreError` when the file is no database, damaged, locked, or made by a newer version."""
        self._path = str(path)
        if not self._path or "\0" in self._path:
            # SQLite would take the one for a temporary database of each connection, and cut the other off.
            raise StoreError(f"{self._path!r} is no path of a file: name one, or `:memory:`")
        if "://" in self._path:
            raise StoreError(
                f"{self._path}: only SQLite files and PostgreSQL are in this version; give the path of a file, "
                ":memory: or postgresql://user@host/database"
            )
        self._connect = connect
        self._memory = self._path == ":memory:"
        self._lock = threading.RLock()
        with plain_errors(self._path):
            self._writer = _configured(connect(self._path, busy_ms))
            try:
                _prepare(self._writer, self._path, shards)
                self._reader = self._writer if self._memory else _configured(connect(self._path, busy_ms))
            except BaseException:
                self._writer.close()
                raise
        self._place = Place(self._path)
        # In memory there is one connection: a reader must not see half a transaction.
        self._read_lock = self._lock if self._memory else threading.RLock()
        self._version = -1
        self._gates: dict[int, FileGate] = {}
        self._closed = False

    @property
    def name(self) -> str:
        """The path, as it was given."""
        return self._path

    def read(self, query: str, args: Cells, row: type[_Row]) -> list[_Row]:
        """See `Store.read`."""
        return self._rows(query, _SHARD.get(query) or _READS[query], args, row)

    def search(self, question: Search, row: type[_Row]) -> list[_Row]:
        """See `Reads.search`."""
        found: list[_Row] = []
        for sql, args in statements_of(question, _SEARCH):
            found += self._rows(f"the search of {question.kind}", sql, args, row)
        return found

    def _rows(self, query: str, sql: str, args: Cells, row: type[_Row]) -> list[_Row]:
        try:
            with self._read_lock:
                found = self._reader.execute(sql, args).fetchall()
        except FAULTS as error:
            raise explained(self._path, error) from error
        except OverflowError:
            raise BadValue("a number in the question has more than 63 bits; no key is that long") from None
        except UnicodeEncodeError:
            raise BadValue("a text in the question holds a lone surrogate; no stored text does") from None
        return rows_of(found, row, self._path, query)

    def seen_by(self, tenant: str) -> Reads:
        """See `Store.seen_by`. A file has no walls of its own: the statements alone keep tenants apart."""
        return self

    def write(self, statement: str, rows: Sequence[Cells]) -> None:
        """See `Store.write`."""
        self._many(_FREE[statement], rows)

    def sealed(self, tenant: int, data: bytes) -> bytes:
        """See `Store.sealed`."""
        return data

    def commit(self, fence: Fence, batch: Batch) -> None:
        """See `Store.commit`."""
        with self._lock:
            writer = self._writer
            try:
                reached("before-commit")
                self._place.check()
                writer.execute("BEGIN IMMEDIATE")
                self._write(writer, fence, batch)
                reached("in-commit")
                writer.execute("COMMIT")
            except FAULTS as error:
                self._rollback()
                raise explained(self._path, error) from error
            except Fenced:
                self._rollback()
                self._checkpoint_every(0)
                raise
            except BaseException:
                self._rollback()
                raise
        reached("after-commit")

    def _write(self, writer: Connection, fence: Fence, batch: Batch) -> None:
        claim = (fence.last_key, fence.expires, fence.shard, fence.epoch, None if fence.turn < 0 else fence.turn)
        if writer.execute(_SHARD["shard_fence"], claim).rowcount != 1:
            raise Fenced(f"{self._path}: another process took over shard {fence.shard}")
        try:
            if batch.first:
                writer.executemany(_WRITES["fact_insert"], batch.first)
            if batch.next and writer.executemany(_WRITES["fact_append"], batch.next).rowcount != len(batch.next):
                raise Fenced(f"{self._path}: an instance is not where its owner left it")
        except sqlite3.IntegrityError as error:
            raise Fenced(f"{self._path}: an instance was written by somebody else ({error})") from error
        for table in sorted(batch.tables, key=_ORDER.__getitem__):
            changes = batch.tables[table]
            if changes.new:
                writer.executemany(_INSERTS[table], changes.new.values())
            for statement, group in groupby(changes.changed, _first):
                writer.executemany(_WRITES[statement], [row for _, row in group])
            if changes.gone:
                writer.executemany(_DELETES[table], changes.gone.values())
        forgetting = batch.tables.get("instance")
        if forgetting is not None and any(statement == "facts_forget" for statement, _ in forgetting.changed):
            _give_back(writer)

    def _rollback(self) -> None:
        try:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
        except sqlite3.Error:
            # SQLite has rolled back by itself (a full disk); what is reported is the first error.
            return

    def take(self, shard: int, owner: str, epoch: int, expires: int) -> bool:
        """See `Store.take`."""
        with self._lock, plain_errors(self._path):
            row = (owner, expires, shard, epoch)
            taken = self._writer.execute(_SHARD["shard_take"], row).rowcount == 1
            if taken:
                self._checkpoint_every(CHECKPOINT_PAGES)
            return taken

    def renew(self, owner: str, expires: int) -> None:
        """See `Store.renew`."""
        with self._lock, plain_errors(self._path):
            self._writer.execute(_SHARD["shards_renew"], (expires, owner))

    def listen(self, asked: Callable[[int], None], moved: Moved) -> None:
        """See `Store.listen`."""
        # A file tells nobody: `changed` is how its processes hear of each other.

    def tell(self, moved: Mapping[int, Tenants]) -> None:
        """See `Store.tell`."""

    def release(self, shard: int, epoch: int) -> None:
        """See `Store.release`."""
        with self._lock, plain_errors(self._path):
            self._writer.execute(_SHARD["shard_release"], (shard, epoch))
            self._checkpoint_every(0)

    def _checkpoint_every(self, pages: int) -> None:
        """The owner's connection alone folds the log into the file: two that do it at once met bugs of old SQLites."""
        self._writer.execute(f"PRAGMA wal_autocheckpoint = {pages}")

    def post(self, rows: Sequence[Cells], transaction: ForeignTransaction | None = None) -> None:
        """See `Store.post`."""
        if transaction is not None:
            with plain_errors(self._path):
                for row in rows:
                    transaction.execute(_once("inbox_insert"), row)
            return
        self._many(_once("inbox_insert"), rows)

    def hold(self, rows: Sequence[Cells]) -> None:
        """See `Store.hold`."""
        self._many(_once("inbox_hold"), rows)

    def confirm(self, places: Sequence[Cells]) -> None:
        """See `Store.confirm`."""
        self._many(_WRITES["inbox_confirm"], places)

    def withdraw(self, places: Sequence[Cells]) -> None:
        """See `Store.withdraw`."""
        self._many(_WRITES["inbox_withdraw"], places)

    def _many(self, sql: str, rows: Sequence[Cells]) -> None:
        """One statement for many rows, in a transaction of its own that needs no ownership."""
        with plain_errors(self._path), self._lock:
            self._place.check()
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                self._writer.executemany(sql, rows)
                self._writer.execute("COMMIT")
            except BaseException:
                self._rollback()
                raise

    def reserve(self, shard: int, floor: int, transaction: ForeignTransaction) -> int:
        """See `Store.reserve`."""
        _same_database(transaction, self._path)
        with plain_errors(self._path):
            for row in transaction.execute(_SHARD["shard_reserve"], (floor, shard)):
                return only_number(row)
        raise StoreError(f"{self._path}: the store has no shard {shard}")

    def gate(self, shard: int) -> Gate:
        """See `Store.gate`. Whoever is in folds the log into the file, too: nobody else does at that time."""
        if self._memory:
            return OpenGate()
        with self._lock, plain_errors(self._path):
            self._checkpoint_every(CHECKPOINT_PAGES)
            return self._gates.setdefault(shard, FileGate(f"{self._place.path}-gate{shard}"))

    def changed(self) -> bool:
        """See `Store.changed`. `data_version` moves when another connection committed."""
        if self._memory:
            return False
        try:
            with self._lock:
                version: int = self._writer.execute("PRAGMA data_version").fetchone()[0]
        except sqlite3.Error as error:
            raise explained(self._path, error) from error
        moved = version != self._version
        self._version = version
        return moved

    def backup(self, target: Path) -> None:
        """See `Store.backup`. Commits go on meanwhile; SQLite copies what they change once more."""
        if target.exists():
            raise StoreError(f"{target} exists already; a backup never overwrites")
        self._place.check()
        # Under another name until it is whole: half a backup must not look like one, nor be opened as an empty store.
        part = target.with_name(f"{target.name}.part")
        try:
            with plain_errors(str(target)):
                part.unlink(missing_ok=True)
                with closing(sqlite3.connect(part)) as copy:
                    self._copy_to(copy)
            _keep(part, target)
        except OSError as error:
            raise StoreError(f"{target}: the backup could not be written: {error.strerror or error}") from error
        finally:
            for name in (part.name, f"{part.name}-journal", f"{part.name}-wal", f"{part.name}-shm"):
                part.with_name(name).unlink(missing_ok=True)

    def _copy_to(self, copy: sqlite3.Connection) -> None:
        if self._memory:
            with self._lock:
                self._writer.backup(copy)
        else:
            source = _configured(self._connect(self._place.path, BUSY_MS))
            try:
                source.backup(copy)
            finally:
                source.close()
        # Whoever opens the copy owns it; its epoch still fences everybody before him.
        with copy:
            copy.execute(_SHARD["shard_unowned"])

    def scrub(self) -> None:
        """Writes the file anew, without what was deleted from it. It takes as long as a copy, and commits wait."""
        with plain_errors(self._path), self._lock, self._read_lock:
            self._writer.execute("VACUUM")
            if not self._memory:
                # The log still has the pages as they were.
                self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """See `Store.close`. The last connection folds the log into the file."""
        with self._lock, self._read_lock:
            if self._closed:
                return
            self._closed = True
            for gate in self._gates.values():
                gate.close()
            with plain_errors(self._path):
                if not self._memory:
                    self._reader.close()
                self._writer.close()


def _same_database(transaction: ForeignTransaction, path: str) -> None:
    with plain_errors(path):
        for _ in transaction.execute("SELECT 1 FROM sqlite_master WHERE name = 'procession_shard'"):
            return
    raise Conflict(f"{path}: the connection is one to another database: give one to this file")


def _keep(part: Path, target: Path) -> None:
    """Gives a finished copy its name, durably, and never in place of a file that is there."""
    try:
        os.link(part, target)
    except FileExistsError:
        raise StoreError(f"{target} exists already; a backup never overwrites") from None
    except OSError:
        part.rename(target)  # a file system without links
    if os.name != "nt":
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _configured(connection: Connection) -> Connection:
    try:
        # Before the first table, or it needs a full VACUUM later.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("PRAGMA cache_size = -16000")
    except BaseException:
        connection.close()
        raise
    return connection


def _give_back(writer: Connection) -> None:
    """Some of the free pages go back to the file system, never so many that others wait for it."""
    free: int = writer.execute("PRAGMA freelist_count").fetchone()[0]
    for _ in range(min(free, FREED_PAGES)):
        # One by one: the standard library's cursor steps this statement once, whatever number it names.
        writer.execute("PRAGMA incremental_vacuum(1)")


def _once(statement: str) -> str:
    """An insert that ignores what is there already."""
    return _WRITES[statement].replace("INSERT INTO", "INSERT OR IGNORE INTO", 1)


def _first(change: tuple[str, Cells]) -> str:
    return change[0]


def _prepare(connection: Connection, path: str, shards: int) -> None:
    """Brings the schema to this version, in one transaction."""
    steps = migrations()
    newest = steps[-1][0]
    if _version(connection, path, newest) == newest:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _version(connection, path, newest)  # another process may have been faster
        if 0 < version < newest:
            _nobody_works(connection, path, version)
        for number, script in steps:
            if number <= version:
                continue
            for statement in split(script):
                connection.execute(statement)
            connection.execute("INSERT OR REPLACE INTO procession_meta VALUES ('schema', ?)", (number,))
        if not version:
            for shard in range(1, shards):
                connection.execute(_SHARD["shard_add"], (shard,))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _nobody_works(connection: Connection, path: str, version: int) -> None:
    """An engine of an older version must not find the tables changed under its hands."""
    now = time.time_ns() // 1_000_000
    if connection.execute(_SHARD["shard_leased"], (now,)).fetchone() is not None:
        raise StoreError(
            f"{path}: made by an older version of Procession (schema {version}), an engine of which runs on it: "
            "close that engine, then open this one; if it crashed, in ten seconds"
        )


def _version(connection: Connection, path: str, newest: int) -> int:
    table = "SELECT 1 FROM sqlite_master WHERE name = 'procession_meta'"
    if connection.execute(table).fetchone() is None:
        return 0
    row = connection.execute("SELECT value FROM procession_meta WHERE name = 'schema'").fetchone()
    version = int(row[0]) if row is not None else 0
    if version > newest:
        raise StoreError(
            f"{path}: made by a newer version of Procession (schema {version}; this one reads {newest}): "
            "upgrade Procession"
        )
    return version
