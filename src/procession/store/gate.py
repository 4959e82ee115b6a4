"""Gates of files: which of several processes may work in a shard of a SQLite file now (`runtime.ports.Gate`).

A lock on a file beside the database, which the kernel opens when its process ends, however it ends.
"""

from __future__ import annotations

import os
import sys
from typing import final

from procession.base.failure import StoreError


@final
class OpenGate:
    """A gate that keeps nobody out: for what one process has alone, and for machines without such locks."""

    __slots__ = ()

    def enter(self) -> None:
        """See `Gate.enter`."""

    def leave(self) -> None:
        """See `Gate.leave`."""


@final
class FileGate:
    """The gate whose lock is on a file, which is made at need."""

    __slots__ = ("_handle", "_path")

    def __init__(self, path: str) -> None:
        self._path = path
        self._handle = -1

    def enter(self) -> None:
        """See `Gate.enter`. Raises `StoreError` when the file cannot be made."""
        if sys.platform == "win32":
            return  # the fence alone: a commit that another process overtook is refused, and done anew
        import fcntl

        if self._handle < 0:
            try:
                self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as error:
                raise StoreError(f"{self._path} cannot be made: {error.strerror or error}") from error
        fcntl.flock(self._handle, fcntl.LOCK_EX)

    def leave(self) -> None:
        """See `Gate.leave`."""
        if sys.platform == "win32" or self._handle < 0:
            return
        import fcntl

        fcntl.flock(self._handle, fcntl.LOCK_UN)

    def close(self) -> None:
        """Lets the file go. Idempotent."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)
