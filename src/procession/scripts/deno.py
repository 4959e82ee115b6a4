"""Scripts in Deno, for what computes long or wants Intl and Temporal: V8 in processes without permissions.

The contract is that of cages, and so are the prelude and the wall. What differs: a process has one script for its life,
memory is kept by V8's limit of its heap and by what the process has in memory (buffers stand outside of the heap), and
there is no filter of system calls: Deno's own permissions keep files and the network away.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import socket
import subprocess
import threading
from base64 import b64encode
from importlib import import_module
from pathlib import Path
from typing import Final, final

from msgspec.structs import replace

from procession.scripts.cages import Cage
from procession.scripts.pool import Options, Pool
from procession.scripts.ports import NO_CALL, Call, Code, Limits, Output, ScriptFailed

LIMITS: Final = Limits(seconds=30.0, wall=60.0, memory=512 * 1024 * 1024)
"""What a call may take, unless its caller says otherwise."""
OPTIONS: Final = Options(cages=2, per_group=2, spares=0, wait=60.0, idle=30.0)
START_S: Final = 20.0
"""How long Deno may take to start."""
_FOLDER: Final = Path(__file__).parent
_FLAGS: Final = ("--no-prompt", "--no-config", "--no-lock", "--no-remote", "--no-npm", "--quiet")


@final
class Deno:
    """See `Runtime`. Each script of a group has processes of its own."""

    def __init__(self, options: Options = OPTIONS, heap: int = LIMITS.memory) -> None:
        """`heap`: bytes of V8's heap, whatever a call may take."""
        self._pool = Pool(options, lambda given: Denos(heap))

    def evaluate(self, code: Code, input: bytes, limits: Limits = LIMITS, call: Call = NO_CALL) -> Output:
        """See `Runtime.evaluate`."""
        return self._pool.evaluate(code, input, limits, replace(call, group=f"{call.group}\0{code.key.hex()}"))

    def close(self) -> None:
        """See `Runtime.close`."""
        self._pool.close()


@final
class Denos:
    """Where processes of Deno come from; see `cages.Nursery`."""

    def __init__(self, heap: int) -> None:
        self._heap = heap
        self._lock = threading.Lock()
        self._running: dict[int, subprocess.Popen[bytes]] = {}

    def cage(self, group: str) -> Cage:
        """A new process for a group. Raises `ScriptFailed` where none can be started."""
        near, far = socket.socketpair()
        try:
            process = self._started(far)
        except BaseException:
            near.close()
            raise
        finally:
            far.close()
        with self._lock:
            self._running[process.pid] = process
        near.settimeout(START_S)
        try:
            ready = near.recv(1) == b"r"
        except OSError:
            ready = False
        cage = Cage(process.pid, near, group)
        if not ready:
            self.bury(cage)
            raise ScriptFailed("unavailable", "Deno does not start")
        # What computes long never stands in the way of what is short.
        cage.is_heavy = True
        cage.yield_processor()
        with contextlib.suppress(OSError, ValueError):
            resource.prlimit(process.pid, resource.RLIMIT_CORE, (0, 0))
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, 0))
        return cage

    def bury(self, cage: Cage) -> int:
        """See `cages.Nursery.bury`."""
        cage.socket.close()
        with self._lock:
            process = self._running.pop(cage.pid, None)
        if process is None:
            return -1
        process.kill()
        code = process.wait()
        return -code if code < 0 else code << 8

    def close(self) -> None:
        """See `cages.Nursery.close`."""
        with self._lock:
            running = list(self._running.values())
            self._running.clear()
        for process in running:
            process.kill()
            process.wait()

    def _started(self, far: socket.socket) -> subprocess.Popen[bytes]:
        heap = f"--v8-flags=--max-old-space-size={max(16, self._heap // 1024 // 1024)}"
        try:
            return subprocess.Popen(
                [_program(), "run", *_FLAGS, heap, _source()],
                stdin=far.fileno(),
                stdout=far.fileno(),
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                env={
                    "DENO_NO_UPDATE_CHECK": "1",
                    "DENO_DIR": os.devnull,
                    "NO_COLOR": "1",
                    "TZ": "UTC",
                    "LC_ALL": "C.UTF-8",
                },
            )
        except OSError as error:
            raise ScriptFailed("unavailable", f"Deno cannot be started: {error.strerror}") from error


def _program() -> str:
    try:
        found: str = import_module("deno").find_deno_bin()
    except ImportError:
        raise ScriptFailed(
            "unavailable", "such scripts need the extra `deno`: pip install 'procession[deno]'"
        ) from None
    return found


def _source() -> str:
    """The cage with the prelude inside, as an address: a process without permissions reads no file."""
    prelude = (_FOLDER / "prelude.js").read_text(encoding="utf-8")
    text = (_FOLDER / "deno_cage.js").read_text(encoding="utf-8").replace('"@PRELUDE@"', json.dumps(prelude))
    return "data:application/javascript;base64," + b64encode(text.encode()).decode()
