"""What the process of a cage can still do, for who got out of the engine: Python asks for it, behind the filter."""

from __future__ import annotations

import mmap
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from procession.scripts import seccomp
from procession.scripts.cage import confine

pytestmark = pytest.mark.skipif(not seccomp.available(), reason="no seccomp on this kernel or architecture")

MB: Final = 1024 * 1024
KILLED: Final[dict[str, Callable[[], object]]] = {
    "reads a file": lambda: os.open("/etc/passwd", os.O_RDONLY),
    "writes a file": lambda: os.open("/tmp/procession-cage", os.O_CREAT | os.O_WRONLY),
    "opens a socket": socket.socket,
    "starts a program": lambda: os.execv("/bin/true", ["true"]),
    "forks": os.fork,
    "kills": lambda: os.kill(os.getppid(), signal.SIGTERM),
    "maps code": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC),
}
REFUSED: Final[dict[str, Callable[[], object]]] = {
    "lists a folder": lambda: os.listdir(0) or os.stat("/etc"),
    "changes its folder": lambda: os.chdir("/"),
    "changes its user": lambda: os.setuid(12345),
    "removes a file": lambda: os.unlink("/tmp/procession-cage"),
    "raises its limits": lambda: __import__("resource").setrlimit(7, (100, 100)),
    "takes much memory": lambda: bytearray(600 * MB),
}


def _behind(act: Callable[[], object]) -> int:
    """Does something in a process that was confined; returns how it ended: 0 done, 2 refused, minus a signal."""
    pid = os.fork()
    if pid == 0:
        end = 3
        try:
            os.closerange(0, 64)
            confine(512 * MB)
            act()
            end = 0
        except (OSError, MemoryError, ValueError):
            end = 2
        finally:
            os._exit(end)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("name", KILLED)
def test_what_only_an_intruder_asks_for_ends_the_process(name: str) -> None:
    assert _behind(KILLED[name]) == -signal.SIGSYS
    assert not Path("/tmp/procession-cage").exists()


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_script_never_needs_is_refused(name: str) -> None:
    assert _behind(REFUSED[name]) == 2


def test_what_it_needs_is_left() -> None:
    assert _behind(lambda: bytearray(64 * MB)) == 0
