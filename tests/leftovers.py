"""Processes that tests left behind: whoever started them crashed, or was ended for a hang, before it could stop them.

The first process of a run adopts every orphan below it (prctl(2), PR_SET_CHILD_SUBREAPER), and ends them at its end:
a server that nobody stops would hold the run's output open, and its memory, for good.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path
from typing import Final

_PR_SET_CHILD_SUBREAPER: Final = 36


def adopt() -> None:
    """From now on orphans below this process are its children. Elsewhere than on Linux nothing happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end() -> list[str]:
    """Kills every process below this one, and tells their command lines."""
    ended = []
    # What a killed one had started becomes ours only then.
    while children := _children():
        for pid in children:
            command = _command(pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
            # One that had ended by itself has no command line any more.
            if command:
                ended.append(command)
    return ended


def _children() -> list[int]:
    found: list[int] = []
    for each in Path(f"/proc/{os.getpid()}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found.extend(int(pid) for pid in each.read_text().split())
    return found


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return ""
