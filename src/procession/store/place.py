"""Where a store's file is, and whether it is still the one that was opened.

SQLite holds files by their handles. When one is deleted or replaced under it, commits go on and succeed, into a file
that nobody can open any more: acknowledged, and lost. So each commit looks first; a look costs a microsecond.
"""

from __future__ import annotations

import os
from typing import Final, TypeAlias, final

from procession.base.failure import StoreError

_Identity: TypeAlias = tuple[int, int]
_LOOKS: Final = os.name != "nt"
"""Windows keeps an open file from being deleted, and numbers no files."""


@final
class Place:
    """The database and its log as they were opened. `path` is absolute: the process may change folders."""

    __slots__ = ("_database", "_log", "_name", "path")

    def __init__(self, name: str) -> None:
        """What is no file of this machine (memory, a file system of a test) is never looked at again."""
        self._name = name
        self.path = os.path.abspath(name)
        self._database = _identity(self.path) if _LOOKS else None
        self._log: _Identity | None = None
        if self._database is None:
            self.path = name

    def check(self) -> None:
        """Raises `StoreError` when the files are not the ones that were opened."""
        if self._database is None:
            return
        if _identity(self.path) != self._database:
            raise StoreError(_GONE.format(name=self._name, file=self.path))
        log = _identity(f"{self.path}-wal")
        if self._log is None:
            self._log = log
        elif log != self._log:
            raise StoreError(_GONE.format(name=self._name, file=f"{self.path}-wal"))


_GONE: Final = (
    "{name}: {file} was deleted, moved or replaced while an engine had it open: nothing more is stored. Put it back, "
    "or restore a backup, then open the engine again"
)


def _identity(path: str) -> _Identity | None:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino
