"""What a machine and a store file look like to the engine: versions, file system, clock, known faults of others.

It looks and changes nothing: the file is opened read-only, so an engine may be running on it. Each check is one
`Check`; a remedy stands with everything that is not well.
"""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Final, Literal, TypeAlias, final

import msgspec

from procession.base.keys import made_at_ms

Status: TypeAlias = Literal["ok", "warning", "error"]
Version: TypeAlias = tuple[int, ...]

WAL_RESET_FIXED: Final[tuple[tuple[Version, Version], ...]] = (
    ((3, 44, 6), (3, 45, 0)),
    ((3, 50, 7), (3, 51, 0)),
    ((3, 51, 3), (4, 0, 0)),
)
"""SQLite versions without the WAL-reset bug: from, up to (https://sqlite.org/wal.html#walresetbug).

From 3.7.0 on, two connections that write and checkpoint at the same instant could make a checkpoint skip pages, which
damages the file. Version 3.52.0 has the fix too, but was withdrawn for other reasons.
"""
WITHDRAWN: Final = frozenset({(3, 52, 0)})
NETWORKED: Final = frozenset({"9p", "afs", "cifs", "fuse.sshfs", "glusterfs", "nfs", "nfs4", "smb3", "smbfs", "vboxsf"})
"""File systems whose locks and shared memory SQLite's WAL cannot rely on."""
VOLATILE: Final = frozenset({"ramfs", "tmpfs"})
CLOCK_FLOOR: Final = datetime(2026, 1, 1, tzinfo=UTC)
DISK_BYTES_MIN: Final = 256 * 1024 * 1024


@final
class Check(msgspec.Struct, frozen=True):
    """One finding: what was looked at, how it is, what was seen, what to do."""

    name: str
    status: Status
    detail: str
    remedy: str = ""


def examine(db: Path | None) -> Iterator[Check]:
    """All checks; those of the store only when `db` is given and exists."""
    yield _python()
    yield from sqlite_library(sqlite3.sqlite_version_info)
    yield _zones()
    yield _clock(datetime.now(UTC))
    if db is None:
        return
    yield _file_system(db)
    yield _disk(db)
    yield from _store(db)


def sqlite_library(version: Version) -> Iterator[Check]:
    """The SQLite that Python was linked with, and what is known against it."""
    text = ".".join(map(str, version))
    if version in WITHDRAWN:
        yield Check("sqlite", "warning", f"{text} was withdrawn by its makers", "use 3.51.3, or 3.53.0 and later")
    elif any(first <= version < end for first, end in WAL_RESET_FIXED):
        yield Check("sqlite", "ok", text)
    else:
        yield Check(
            "sqlite",
            "warning",
            f"{text} has the WAL-reset bug, unless whoever built it patched it: two programs that write and checkpoint"
            " one file at the same instant can damage it; the engine writes on one connection, other programs may not",
            "use SQLite 3.51.3 or later (3.50.7 and 3.44.6 have the fix too), and let no other program write or "
            "checkpoint the file",
        )
    if sqlite3.threadsafety == 0:
        yield Check("sqlite threads", "error", "built without thread safety", "use another build of SQLite")


def file_system_of(path: Path, mounts: str) -> str:
    """The type of the file system that holds `path` by a mount table (/proc/mounts), '' if it does not say."""
    best, kind = "", ""
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        point = fields[1].replace("\\040", " ")
        inside = path.is_relative_to(point)
        if inside and len(point) >= len(best):
            best, kind = point, fields[2]
    return kind


def _python() -> Check:
    return Check("python", "ok", f"{platform.python_implementation()} {platform.python_version()} at {sys.prefix}")


def _zones() -> Check:
    try:
        release = metadata.version("tzdata")
    except metadata.PackageNotFoundError:
        return Check("time zones", "error", "the package tzdata is missing", "pip install tzdata")
    return Check("time zones", "ok", f"tzdata {release}")


def _clock(now: datetime) -> Check:
    local = datetime.now().astimezone()
    text = f"{now:%Y-%m-%d %H:%M:%S} UTC, local zone {local.tzname()} ({local:%z})"
    if now < CLOCK_FLOOR:
        return Check("clock", "error", f"{text}: before this software was written", "set the clock")
    resolution = time.get_clock_info("time").resolution
    if resolution > 0.02:
        return Check(
            "clock", "warning", f"{text}, resolution {resolution * 1000:.0f} ms", "timers may be late by as much"
        )
    return Check("clock", "ok", text)


def _file_system(db: Path) -> Check:
    mounts = Path("/proc/mounts")
    folder = db.resolve().parent
    kind = file_system_of(folder, mounts.read_text(encoding="utf-8", errors="replace")) if mounts.exists() else ""
    if kind in NETWORKED:
        return Check(
            "file system",
            "error",
            f"{folder} is on {kind}, where SQLite's locks and shared memory do not hold",
            "keep the file on a local disk; copies are made with: procession backup",
        )
    if kind in VOLATILE:
        return Check("file system", "warning", f"{folder} is on {kind}: a restart loses it", "keep the file on a disk")
    return Check("file system", "ok", f"{folder} on {kind or 'a file system that the system does not name'}")


def _disk(db: Path) -> Check:
    folder = db.resolve().parent
    free = shutil.disk_usage(folder).free
    text = f"{free // (1024 * 1024):,} MB free"
    if not os.access(folder, os.W_OK):
        return Check("disk", "error", f"{folder} is not writable, and the log stands beside the file", "allow writing")
    if free < DISK_BYTES_MIN:
        return Check("disk", "warning", text, "make room: a full disk stops the engine, without loss")
    return Check("disk", "ok", text)


def _store(db: Path) -> Iterator[Check]:
    if not db.exists():
        yield Check("store", "ok", f"{db} does not exist yet")
        return
    try:
        with closing(sqlite3.connect(f"{db.resolve().as_uri()}?mode=ro", uri=True, timeout=2)) as connection:
            for look in _LOOKS:
                yield from look(connection, db)
    except sqlite3.Error as error:
        yield Check("store", "error", f"{db}: {error}", "if it is damaged, restore a backup; keep the damaged file")


def _journal(connection: sqlite3.Connection, db: Path) -> Iterator[Check]:
    mode = str(connection.execute("PRAGMA journal_mode").fetchone()[0])
    log = db.with_name(f"{db.name}-wal")
    size = log.stat().st_size if log.exists() else 0
    text = f"{db}: {db.stat().st_size // 1024:,} KB, journal {mode}, log {size // 1024:,} KB"
    if mode != "wal":
        yield Check("store", "warning", text, "the engine switches it to WAL when it opens the file")
    elif size > 64 * 1024 * 1024:
        yield Check("store", "warning", text, "the log is long: a reader stays in one transaction for very long")
    else:
        yield Check("store", "ok", text)


def _soundness(connection: sqlite3.Connection, _: Path) -> Iterator[Check]:
    started = time.monotonic()
    found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(5)")]
    if found == ["ok"]:
        yield Check("soundness", "ok", f"quick_check passed in {time.monotonic() - started:.1f} s")
    else:
        remedy = "stop the engine, keep this file, restore a backup"
        yield Check("soundness", "error", "; ".join(found), remedy)


def _owner(connection: sqlite3.Connection, _: Path) -> Iterator[Check]:
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'procession_shard'").fetchone()
    if known is None:
        yield Check("engine", "warning", "the file is not a store of this engine", "name the right file with --db")
        return
    now = int(time.time() * 1000)
    for shard, owner, expires, last in connection.execute(
        "SELECT shard, owner, expires, last_key FROM procession_shard ORDER BY shard"
    ):
        name = str(owner).split("|")
        held = (
            f"owned by process {name[1] if len(name) > 1 else '?'} on {name[0]}"
            if owner and expires > now
            else "owned by nobody"
        )
        ahead = made_at_ms(last) - now
        if ahead > 1000:
            remedy = "the clock went back; instances stay in order, but timers wait until it has caught up"
            yield Check(f"shard {shard}", "warning", f"{held}, its last key is {ahead} ms ahead of the clock", remedy)
        else:
            yield Check(f"shard {shard}", "ok", held)


_LOOKS: Final[tuple[Callable[[sqlite3.Connection, Path], Iterator[Check]], ...]] = (_journal, _soundness, _owner)
