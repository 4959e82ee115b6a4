"""The supervisor: starts the processes of a worker, starts again what died, and ends them all.

It sees of a process whether it lives, and what it says: that it is ready, and, each second, that it goes on.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Final, TypeAlias, cast, final

PAUSES_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Before a process is started again, the last repeats; the first again after one that ran for `STEADY_S`."""
STEADY_S: Final = 60.0
STALE_S: Final = 5.0
"""A process that said nothing for so long is not ready."""
HUNG_S: Final = 60.0
"""One that said nothing for so long is killed, and started again."""
START_S: Final = 120.0
"""The same for one that was not ready yet."""

Tell: TypeAlias = Callable[[Mapping[str, object]], None]
"""Takes what happened, as a line for people or programs."""


@final
class Child:
    """One process, and the next one in its place. `command` is told the identity that it shows to Temporal."""

    def __init__(self, name: str, command: Callable[[str], Sequence[str]], identity: str) -> None:
        self.name = name
        self.identity = ""
        self.queues: list[str] = []
        self.failed: Mapping[str, object] | None = None
        """What the process said was wrong, before it was ever ready."""
        self.was_ready = False
        self._command = command
        self._identity = identity
        self._starts = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._heard = 0.0
        self._began = 0.0
        self._pauses = 0
        self._due = 0.0

    @property
    def pid(self) -> int:
        """The process that runs now, 0 for none."""
        return self._process.pid if self._process is not None else 0

    @property
    def fresh(self) -> bool:
        """Whether it is ready, and said so lately."""
        alive = self._process is not None and self._process.poll() is None
        return alive and bool(self.queues) and time.monotonic() - self._heard < STALE_S

    def start(self) -> None:
        """Starts the process."""
        self._starts += 1
        self.identity = f"{self._identity}/{self._starts}"
        self.queues = []
        self._began = self._heard = time.monotonic()
        # A session of its own: Ctrl-C is for the supervisor, which tells the others.
        self._process = subprocess.Popen(
            self._command(self.identity), stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        assert self._process.stdout is not None
        listening = threading.Thread(target=self._listen, args=(self._process.stdout,), name=self.name, daemon=True)
        listening.start()

    def look(self, tell: Tell) -> None:
        """Starts it again when it is gone, after a pause, and kills it when it hangs."""
        process, now = self._process, time.monotonic()
        if process is None:
            if now >= self._due:
                self.start()
                tell({"event": "started", "process": self.name, "pid": self.pid})
            return
        code = process.poll()
        if code is None:
            if now - self._heard > (HUNG_S if self.queues else START_S):
                tell({"event": "hung", "process": self.name, "pid": process.pid})
                process.kill()
            return
        self._pauses = 0 if now - self._began > STEADY_S else self._pauses
        pause = PAUSES_S[min(self._pauses, len(PAUSES_S) - 1)]
        self._pauses += 1
        self._due = now + pause
        self._close(process)
        tell({"event": "ended", "process": self.name, "pid": process.pid, "code": code, "again_in": pause})

    def stop(self) -> None:
        """Tells it to end."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def wait(self, deadline: float) -> int | None:
        """Waits for its end, then kills it; gives the exit code, None if there was no process."""
        process = self._process
        if process is None:
            return None
        try:
            code = process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        self._close(process)
        return code

    def _close(self, process: subprocess.Popen[bytes]) -> None:
        self._process = None
        self.queues = []
        if process.stdin is not None:
            process.stdin.close()

    def _listen(self, lines: IO[bytes]) -> None:
        with lines:
            for line in lines:
                said = _read(line)
                if said is None:
                    continue
                self._heard = time.monotonic()
                if "ready" in said:
                    self.queues = cast("list[str]", said["ready"])
                    self.was_ready = True
                elif "problem" in said and not self.was_ready:
                    self.failed = said


def _read(line: bytes) -> Mapping[str, object] | None:
    try:
        said: object = json.loads(line)
    except ValueError:
        return None
    if not isinstance(said, dict):
        return None
    found = cast("dict[str, object]", said)
    return found if found.keys() & {"ready", "beat", "problem"} else None


@final
class Supervisor:
    """All processes of one worker. `look` is called again and again."""

    def __init__(self, children: Sequence[Child], tell: Tell) -> None:
        self.children = list(children)
        self._tell = tell
        self._complete = False
        self._looked = time.monotonic()

    @property
    def steady(self) -> bool:
        """Whether whoever looks still does."""
        return time.monotonic() - self._looked < 2 * STALE_S

    @property
    def fresh(self) -> dict[str, bool]:
        """Of each process whether it is ready and goes on."""
        return {child.name: child.fresh for child in self.children}

    def start(self) -> None:
        """Starts all."""
        for child in self.children:
            child.start()
            self._tell({"event": "started", "process": child.name, "pid": child.pid})

    def look(self) -> Mapping[str, object] | None:
        """Does what is due; what stops a process from ever becoming ready, if anything does."""
        self._looked = time.monotonic()
        for child in self.children:
            if child.failed is not None:
                return child.failed
            child.look(self._tell)
        if all(child.fresh for child in self.children) != self._complete:
            self._complete = not self._complete
            self._tell({"event": "complete" if self._complete else "incomplete", "processes": self.fresh})
        return None

    def stop(self, seconds: float) -> bool:
        """Ends all, after what is under way; whether each ended by itself and in order. Idempotent."""
        if not any(child.pid for child in self.children):
            return True
        for child in self.children:
            child.stop()
        deadline = time.monotonic() + seconds
        codes = {child.name: child.wait(deadline) for child in self.children}
        self._tell({"event": "stopped", "codes": codes})
        return all(code in {0, None} for code in codes.values())
