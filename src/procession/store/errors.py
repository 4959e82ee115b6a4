"""What SQLite's errors mean to people. One row an error name; the text says what happened and what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from procession.base.failure import StoreError

TEXTS: Final = {
    "SQLITE_FULL": "the disk is full, or the database reached its size limit: free space, then try again",
    "SQLITE_BUSY": "another connection (of any process) keeps the database locked: end its transaction, then try again",
    "SQLITE_LOCKED": "another connection keeps a table locked: end its transaction, then try again",
    "SQLITE_READONLY": "the database is read-only: check the permissions of the file and of its folder",
    "SQLITE_CORRUPT": "the database is damaged: restore a backup (`procession backup` makes them)",
    "SQLITE_NOTADB": "the file is not a SQLite database: check the path",
    "SQLITE_CANTOPEN": "the database cannot be opened: check that its folder exists and may be written",
    "SQLITE_PERM": "access to the database was denied: check the permissions of the file and of its folder",
    "SQLITE_IOERR": "the disk reported an error: check it before going on",
    "SQLITE_TOOBIG": "a value is larger than the database can hold: store a reference to it instead",
    "SQLITE_NOMEM": "memory ran out while the database worked",
}


@contextmanager
def plain_errors(name: str) -> Generator[None, None, None]:
    """Turns SQLite's errors into `StoreError` with the store's name and a remedy."""
    try:
        yield
    except FAULTS as error:
        raise explained(name, error) from error


FAULTS: Final = (sqlite3.Error, UnicodeDecodeError)
"""What a database raises: the second one is Python reading a damaged text, sometimes that of an error."""


def explained(name: str, error: Exception) -> StoreError:
    """The `StoreError` of a SQLite error. Extended codes (SQLITE_IOERR_FSYNC) fall under their first two words."""
    if isinstance(error, UnicodeDecodeError):
        return StoreError(f"{name}: {TEXTS['SQLITE_CORRUPT']} ({error})")
    code = getattr(error, "sqlite_errorname", "") or ""
    family = "_".join(code.split("_")[:2])
    text = TEXTS.get(family)
    if text is None and isinstance(error, sqlite3.ProgrammingError) and "closed" in str(error):
        return StoreError(f"{name}: the store is closed, and the engine that used it")
    if text is None:
        return StoreError(f"{name}: {error}")
    return StoreError(f"{name}: {text} ({error})")
