"""A small file system of its own, in memory, that a test can fill to the last byte and free again."""

from __future__ import annotations

import atexit
import os
import subprocess
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final, final

import pytest

REMEDY: Final = "mounting a file system takes root and CAP_SYS_ADMIN: run as root, in a container with --privileged"


@final
class Volume:
    """One file system, until the process ends."""

    def __init__(self, megabytes: int) -> None:
        """Mounts it. Raises `CalledProcessError` where that is not allowed."""
        self.folder = Path(tempfile.mkdtemp(prefix="procession-volume-"))
        self._ballast = self.folder / "ballast"
        try:
            _ran("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "procession-test", str(self.folder))
        except subprocess.CalledProcessError:
            self.folder.rmdir()
            raise
        atexit.register(self.remove)

    def fill(self) -> None:
        """Leaves no room for anything."""
        with self._ballast.open("ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(65_536))

    def free(self) -> None:
        """Gives the room back."""
        self._ballast.unlink(missing_ok=True)

    def remove(self) -> None:
        """Unmounts it, and all that is on it is gone."""
        if self.folder.exists():
            _ran("umount", "--lazy", str(self.folder))
            self.folder.rmdir()
            atexit.unregister(self.remove)


@cache
def mounts() -> bool:
    """Whether this process may mount file systems."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return False
    try:
        Volume(1).remove()
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def volume(megabytes: int) -> Volume:
    """A new one. Skips the test where none can be made: it is a right of who runs the tests, and no component."""
    if not mounts():
        pytest.skip(f"no file system can be mounted: {REMEDY}")
    return Volume(megabytes)


def _ran(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
