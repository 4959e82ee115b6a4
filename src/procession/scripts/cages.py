"""The pool's side of a cage: sending a call, waiting for the answer, and the wall, which holds whatever runs inside.

The wall is looked at in ticks, and only by calls that take longer than one: what is short pays nothing for it.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
from importlib.util import find_spec
from pathlib import Path
from time import clock_gettime, monotonic
from typing import Final, final

from procession.scripts import wire
from procession.scripts.ports import Call, Code, Limits, Reason, ScriptFailed

TICK_S: Final = 0.02
LENIENCE: Final = 1.25
"""What a call may take beyond its limit of the processor's time and of memory, before its process is killed: the engine
stops it at the limit itself, and says so better."""
SLACK_BYTES: Final = 8 * 1024 * 1024
"""What scripts of earlier calls may keep of memory, when a call is judged."""
CALLS: Final = 100_000
"""Calls after which a cage is replaced."""
_SPIN_S: Final = 0.00025
"""How long an answer is looked for before the thread sleeps: to be woken costs more than most scripts compute."""
_SHORT_S: Final = 0.0004
"""What a call took, if the next one is worth it."""
_SPINS: Final = (os.cpu_count() or 1) > 1
_KNOWN: Final = 64
_CHUNK: Final = 1 << 16
_PAGE: Final = resource.getpagesize()
_TIMEVAL: Final = struct.pack("@ll", 0, int(TICK_S * 1_000_000))
_RUN: Final = "import sys; sys.path[:0] = sys.argv[4:]; from procession.scripts.zygote import main; main()"


@final
class Nursery:
    """The pool's side of the process that cages come from. It is started when first asked, and again when it died."""

    __slots__ = ("_control", "_lock", "_options", "_process")

    def __init__(self, spares: int, ceiling: int) -> None:
        self._options = (str(spares), str(ceiling))
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def cage(self, group: str) -> Cage:
        """A new cage for a group. Raises `ScriptFailed` where no process can be started."""
        with self._lock:
            for _ in range(2):
                control = self._control or self._started()
                try:
                    control.sendall(b"w")
                    payload, fds, _, _ = socket.recv_fds(control, 4, 1)
                    if len(payload) == 4 and fds:
                        return Cage(int.from_bytes(payload, "little", signed=True), socket.socket(fileno=fds[0]), group)
                except OSError:
                    pass
                self._end()
        raise ScriptFailed("unavailable", "no process for scripts can be started")

    def bury(self, cage: Cage) -> int:
        """Ends a cage; returns how it ended, as of wait(2), -1 if nobody can tell."""
        cage.socket.close()
        with self._lock:
            if self._control is None:
                return -1
            try:
                self._control.sendall(b"r" + struct.pack("<i", cage.pid))
                answer = self._control.recv(4, socket.MSG_WAITALL)
            except OSError:
                answer = b""
            if len(answer) < 4:
                self._end()
                return -1
            return int.from_bytes(answer, "little", signed=True)

    def close(self) -> None:
        """Ends the process, and every cage with it."""
        with self._lock:
            self._end()

    def _started(self) -> socket.socket:
        near, far = socket.socketpair()
        engine = find_spec("_quickjs")
        if engine is None or engine.origin is None:
            raise ScriptFailed("unavailable", "scripts need the extra `js`: pip install 'procession[js]'")
        paths = (str(Path(__file__).parents[2]), str(Path(engine.origin).parent))
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _RUN, str(far.fileno()), *self._options, *paths],
                pass_fds=[far.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
                env={"LC_ALL": "C.UTF-8", "TZ": "UTC"},
            )
        except OSError as error:
            near.close()
            raise ScriptFailed("unavailable", f"no process for scripts can be started: {error.strerror}") from error
        finally:
            far.close()
        self._control = near
        return near

    def _end(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._control = self._process = None


@final
class Cage:
    """One process that runs scripts of one group, one call at a time."""

    __slots__ = (
        "_clock",
        "_fd",
        "_is_short",
        "_known",
        "_resident",
        "calls",
        "group",
        "is_heavy",
        "is_low",
        "is_spent",
        "pid",
        "socket",
    )

    def __init__(self, pid: int, own: socket.socket, group: str) -> None:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEVAL)
        own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _TIMEVAL)
        self.pid = pid
        self.socket = own
        self.group = group
        self.calls = 0
        self.is_spent = False
        self.is_low = False
        self.is_heavy = False
        self._fd = own.fileno()
        self._is_short = False
        self._known: set[bytes] = set()
        self._clock = (~pid << 3) | 2
        self._resident = _resident(pid)

    def knows(self, key: bytes) -> bool:
        """Whether it has probably compiled a script."""
        return key in self._known

    def ask(self, code: Code, input: bytes, limits: Limits, call: Call) -> tuple[int, int, bytes, bytes]:
        """Carries out a call: status, µs of the processor, what it gave, what was said. Raises `ScriptFailed` when the
        wall was hit; then, as after a long call, the cage is spent."""
        text = b"" if code.key in self._known else code.text
        answer = self._exchange(_frame(code, text, input, limits, call), limits)
        if answer[0] == wire.UNKNOWN:
            answer = self._exchange(_frame(code, code.text, input, limits, call), limits)
        if answer[0] in wire.LAST:
            self.is_spent = self.is_spent or answer[0] != wire.SYNTAX
            return answer
        if len(self._known) > _KNOWN:
            self._known.clear()
        self._known.add(code.key)
        self.calls += 1
        self.is_spent = self.is_spent or self.calls >= CALLS
        return answer

    def _exchange(self, frame: bytes, limits: Limits) -> tuple[int, int, bytes, bytes]:
        watch = _Watch(self, limits)
        try:
            self._send(frame, watch)
            got = self._at_once(watch.begin) if self._is_short else b""
            if len(got) < wire.ANSWER.size:
                got += self._receive(wire.ANSWER.size - len(got), watch)
            status, cpu_us, n_value, n_said = wire.ANSWER.unpack_from(got)
            whole = wire.ANSWER.size + n_value + n_said
            if len(got) < whole:
                got += self._receive(whole - len(got), watch)
        except OSError as error:
            self.is_spent = True
            raise ScriptFailed("died", f"the process of the script is gone: {error.strerror}") from error
        self._is_short = _SPINS and monotonic() - watch.begin < _SHORT_S
        said_at = wire.ANSWER.size + n_value
        return status, cpu_us, got[wire.ANSWER.size : said_at], got[said_at:whole]

    def _send(self, frame: bytes, watch: _Watch) -> None:
        sent, view = 0, memoryview(frame)
        while sent < len(frame):
            try:
                sent += os.write(self._fd, view[sent:])
            except BlockingIOError:
                watch.tick()

    def _at_once(self, begin: float) -> bytes:
        """What comes within the time that is not worth sleeping."""
        receive, until = self.socket.recv, begin + _SPIN_S
        while monotonic() < until:
            try:
                return receive(_CHUNK, socket.MSG_DONTWAIT)
            except BlockingIOError:
                continue
        return b""

    def _receive(self, size: int, watch: _Watch) -> bytes:
        """At least so many bytes: what a cage sends is one answer and no more."""
        got = b""
        while len(got) < size:
            try:
                part = os.read(self._fd, max(_CHUNK, size - len(got)))
            except BlockingIOError:
                watch.tick()
                continue
            if not part:
                self.is_spent = True
                raise ScriptFailed("died", "the process of the script ended by itself")
            got = got + part if got else part
        return got

    def kill(self) -> None:
        """Ends it now. It is not reaped before it is buried, so its id is still its own."""
        self.is_spent = True
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def yield_processor(self) -> None:
        """Lets everybody else go first, for good: no process may raise itself again."""
        self.is_low = True
        if hasattr(os, "SCHED_IDLE"):
            with contextlib.suppress(OSError):
                os.sched_setscheduler(self.pid, os.SCHED_IDLE, os.sched_param(0))

    def processor_s(self) -> float:
        """Seconds of the processor that it has taken in all."""
        try:
            return clock_gettime(self._clock)
        except OSError:
            return 0.0

    def grown(self) -> int:
        """Bytes that it has in memory beyond what it began with."""
        return _resident(self.pid) - self._resident


@final
class _Watch:
    """The wall of one call. Nothing is looked at before its first tick."""

    __slots__ = ("_base", "_cage", "_limits", "begin")

    def __init__(self, cage: Cage, limits: Limits) -> None:
        self._cage = cage
        self._limits = limits
        self.begin = monotonic()
        self._base = -1.0

    def tick(self) -> None:
        """Kills the cage, and raises `ScriptFailed`, when the call takes more than it may."""
        cage, limits = self._cage, self._limits
        wall, processor = monotonic() - self.begin, cage.processor_s()
        if self._base < 0:
            self._base = processor - wall
        spent = processor - self._base
        if spent > limits.seconds * LENIENCE:
            self._kill("time", f"it computes for more than {limits.seconds:g} s", spent)
        if wall > limits.wall:
            self._kill("time", f"it is not done after {limits.wall:g} s", spent)
        if cage.grown() > limits.memory * LENIENCE + SLACK_BYTES:
            self._kill("memory", f"it takes more than {limits.memory} bytes of memory", spent)
        if not cage.is_low:
            # What takes longer than a tick yields to what is short; then the cage is replaced.
            cage.yield_processor()
            cage.is_spent = True

    def _kill(self, reason: Reason, text: str, spent: float) -> None:
        self._cage.kill()
        raise ScriptFailed(reason, text, cpu_us=int(spent * 1_000_000))


def _frame(code: Code, text: bytes, input: bytes, limits: Limits, call: Call) -> bytes:
    head = wire.ASK.pack(
        code.key, limits.seconds, float(call.at), limits.memory, limits.output, limits.console, call.seed,
        len(text), len(call.context), len(input), code.is_module,
    )  # fmt: skip
    return b"".join((head, text, call.context, input))


def _resident(pid: int) -> int:
    """Bytes of a process in memory; 0 where nobody can tell."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0
