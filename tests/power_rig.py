"""A disk whose power can be cut: a SQLite file system that keeps, per file, what was synced and what was only written.

A run is recorded once (`Tape`); afterwards the power is cut at any moment of it, as often as wanted: `survivors` gives
the bytes that a new process would find. Files that were created or deleted are lost or come back until their folder
was synced, which SQLite does with the first sync of a new journal or log (`unixSync`, flag UNIXFILE_DIRSYNC).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Final, Literal, TypeAlias

import apsw
from bench.counting import Rows

from procession.runtime.ports import Cells
from procession.store.connection import Connection

Damage: TypeAlias = Literal["drop", "subset", "torn", "keep"]
"""What becomes of unsynced writes: none survive; any sectors of them; a prefix, the last one torn; all."""

DAMAGES: Final[tuple[Damage, ...]] = ("drop", "subset", "torn", "keep")
SECTORS: Final = (512, 4096)

_NAMES: Final = count(1)


@dataclass(frozen=True)
class Op:
    """One thing that happened to a file. `data` None with `size` >= 0 is a truncation."""

    kind: Literal["create", "write", "truncate", "sync", "delete", "ack"]
    file: str = ""
    offset: int = 0
    data: bytes = b""
    note: object = None


@dataclass
class Tape:
    """The record of a run. `synchronous` and `checkpoint_pages` overrule what the store asks SQLite for."""

    synchronous: str = ""
    checkpoint_pages: int = 0
    ops: list[Op] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.vfs = _Recorder(f"power-{next(_NAMES)}", self)

    def connect(self, path: str, busy_ms: int) -> Connection:
        """A `procession.store.connection.Connect` on this disk."""
        return _Adapter(path, busy_ms, self)

    def ack(self, note: object) -> None:
        """A caller was told something: from here on it must survive."""
        self.ops.append(Op("ack", note=note))

    def syncs(self, since: int = 0) -> int:
        """How often a file was synced since the operation `since`."""
        return sum(op.kind == "sync" for op in self.ops[since:])

    def acks(self, until: int) -> list[object]:
        """What callers had been told before the operation `until`."""
        return [op.note for op in self.ops[:until] if op.kind == "ack"]

    def unsynced(self, until: int) -> set[str]:
        """The files of which something that was written before the operation `until` could still be lost."""
        disk = _Disk()
        for op in self.ops[:until]:
            disk.do(op)
        return {name for name, inode in disk.names.items() if inode.pending}

    def cuts(self, number: int, seed: int) -> list[int]:
        """Moments for a power cut: around every kind of boundary, and anywhere, spread over the run."""
        random = Random(seed)
        edges = [at for at, op in enumerate(self.ops) if op.kind in {"sync", "ack", "delete", "truncate"}]
        near = [at + random.choice((0, 1)) for at in edges]
        pool = sorted(set(near) | {random.randrange(len(self.ops)) for _ in range(number)} | {len(self.ops)})
        return pool if len(pool) <= number else sorted(random.sample(pool, number))

    def survivors(self, cut: int, damage: Damage, seed: int, sector: int = 512) -> dict[str, bytes]:
        """File name -> bytes, of what is on the disk after the power went off before operation `cut`."""
        random = Random(f"{seed}:{cut}:{damage}:{sector}")
        disk = _Disk()
        for op in self.ops[:cut]:
            disk.do(op)
        return disk.after_cut(damage, random, sector)


class _Recorder(apsw.VFS):
    """The file system: everything goes on to the real one, and on the tape."""

    def __init__(self, name: str, tape: Tape) -> None:
        self.vfs_name = name
        self.tape = tape
        super().__init__(name, base="")

    def xOpen(self, name: Any, flags: list[int]) -> Any:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        return _File(self.tape, path, name, flags)

    def xDelete(self, name: str, sync: bool) -> None:
        super().xDelete(name, sync)
        self.tape.ops.append(Op("delete", Path(name).name, note=sync))


class _File(apsw.VFSFile):
    def __init__(self, tape: Tape, path: str | None, name: Any, flags: list[int]) -> None:
        self._ops = tape.ops
        self._name = Path(path).name if path else ""
        fresh = path is not None and not Path(path).exists()
        super().__init__("", name, flags)
        if fresh and flags[0] & apsw.SQLITE_OPEN_CREATE:
            self._ops.append(Op("create", self._name))

    def xWrite(self, data: Any, offset: int) -> None:
        super().xWrite(data, offset)
        self._ops.append(Op("write", self._name, offset, bytes(data)))

    def xTruncate(self, size: int) -> None:
        super().xTruncate(size)
        self._ops.append(Op("truncate", self._name, size))

    def xSync(self, flags: int) -> None:
        # The real file needs no sync: what survives is decided by the tape.
        self._ops.append(Op("sync", self._name))


class _Inode:
    def __init__(self) -> None:
        self.durable = bytearray()
        self.pending: list[Op] = []
        self.synced = False


class _Disk:
    """The state of the disk at one moment: what is on it, and what is only in its caches."""

    def __init__(self) -> None:
        self.names: dict[str, _Inode] = {}
        self.entries: dict[str, _Inode] = {}
        """What the folder holds durably."""

    def do(self, op: Op) -> None:
        """One operation of the tape."""
        if op.kind == "create":
            self.names[op.file] = _Inode()
        elif op.kind == "delete":
            self.names.pop(op.file, None)
            if op.note:
                self.entries = dict(self.names)
        elif op.kind in {"write", "truncate"}:
            self.names[op.file].pending.append(op)
        elif op.kind == "sync":
            inode = self.names[op.file]
            for each in inode.pending:
                _apply(inode.durable, each)
            inode.pending.clear()
            if not inode.synced and op.file.endswith(("-wal", "-journal")):
                self.entries = dict(self.names)
            inode.synced = True

    def after_cut(self, damage: Damage, random: Random, sector: int) -> dict[str, bytes]:
        """What is left."""
        found: dict[str, bytes] = {}
        for name in sorted({*self.names, *self.entries}):
            now, durable = self.names.get(name), self.entries.get(name)
            inode = now
            if now is not durable:
                lost = damage == "drop" or (damage != "keep" and random.random() < 0.5)
                inode = durable if lost else now
            if inode is not None:
                found[name] = _content(inode, damage, random, sector)
        return found


def _content(inode: _Inode, damage: Damage, random: Random, sector: int) -> bytes:
    data = bytearray(inode.durable)
    pending = inode.pending
    if damage == "keep":
        survived = pending
    elif damage == "drop":
        survived = []
    elif damage == "torn":
        survived = pending[: random.randrange(len(pending) + 1)]
        rest = pending[len(survived) :]
        if rest and rest[0].kind == "write":
            survived = [*survived, *_sectors(rest[0], sector)[: random.randrange(1 + len(rest[0].data) // sector)]]
    else:
        parts = [part for op in pending for part in _sectors(op, sector)]
        share = random.random()
        survived = [part for part in parts if random.random() < share]
    for op in survived:
        _apply(data, op)
    return bytes(data)


def _sectors(op: Op, sector: int) -> list[Op]:
    """A write as the sectors of the disk that it touches."""
    if op.kind != "write":
        return [op]
    parts: list[Op] = []
    at = op.offset
    end = op.offset + len(op.data)
    while at < end:
        until = min(end, (at // sector + 1) * sector)
        parts.append(Op("write", op.file, at, op.data[at - op.offset : until - op.offset]))
        at = until
    return parts


def _apply(data: bytearray, op: Op) -> None:
    if op.kind == "truncate":
        del data[op.offset :]
        data.extend(bytes(op.offset - len(data)))
        return
    if len(data) < op.offset:
        data.extend(bytes(op.offset - len(data)))
    data[op.offset : op.offset + len(op.data)] = op.data


class _Adapter:
    """apsw with the face of `sqlite3.Connection`, as far as the store uses it."""

    def __init__(self, path: str, busy_ms: int, tape: Tape) -> None:
        self._tape = tape
        with _translated():
            self._connection = apsw.Connection(path, vfs=tape.vfs.vfs_name)
            self._connection.set_busy_timeout(busy_ms)

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    def execute(self, sql: str, parameters: Cells = (), /) -> Rows:
        with _translated():
            rows = list(self._connection.execute(self._overruled(sql), parameters))
            return Rows(rows, self._connection.changes())

    def executemany(self, sql: str, rows: Iterable[Cells], /) -> Rows:
        with _translated():
            before = self._connection.total_changes()
            for row in rows:
                self._connection.execute(sql, row)
            return Rows([], self._connection.total_changes() - before)

    def backup(self, target: sqlite3.Connection, /) -> None:
        path: Sequence[str] = target.execute("PRAGMA database_list").fetchone()
        with _translated():
            copy = apsw.Connection(path[2])
            with copy.backup("main", self._connection, "main") as backup:
                backup.step(-1)
            copy.close()

    def close(self) -> None:
        with _translated():
            self._connection.close()

    def _overruled(self, sql: str) -> str:
        if self._tape.synchronous and sql.startswith("PRAGMA synchronous"):
            return f"PRAGMA synchronous = {self._tape.synchronous}"
        if self._tape.checkpoint_pages and sql.startswith("PRAGMA wal_autocheckpoint"):
            return f"PRAGMA wal_autocheckpoint = {self._tape.checkpoint_pages}"
        return sql


@contextmanager
def _translated() -> Any:
    try:
        yield
    except apsw.Error as error:
        kind = sqlite3.IntegrityError if isinstance(error, apsw.ConstraintError) else sqlite3.OperationalError
        raised = kind(str(error))
        code = getattr(error, "extendedresult", 0) or getattr(error, "result", 0)
        raised.sqlite_errorcode = code
        raised.sqlite_errorname = str(apsw.mapping_extended_result_codes.get(code) or apsw.mapping_result_codes[code])
        raise raised from error
