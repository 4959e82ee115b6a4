"""Engines in processes of their own (fault_child.py): asked through pipes, stopped and killed by signals.

Nothing here sleeps for a guess: an answer is waited for on its pipe, a condition is asked again until its deadline.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from places import place_of

PROGRAM: Final = Path(__file__).with_name("fault_child.py")
PATIENCE_S: Final = 60.0
"""Several times what is needed: tests of other kinds may share the machine."""


class Killed(Exception):
    """The process ended before it answered."""


class Refused(Exception):
    """The engine answered with an error."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"{kind}: {text}")
        self.kind = kind
        self.text = text


class Child:
    """One process with an engine on `database`. Use it as a context manager: it never outlives the test."""

    def __init__(self, database: Path, effects: Path, **environment: str) -> None:
        """Starts the process without waiting for it; `ready` does."""
        self._process = subprocess.Popen(
            [sys.executable, str(PROGRAM), place_of(database), str(effects)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **environment},
        )
        self._buffer = b""

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self.wait()

    @property
    def pid(self) -> int:
        return self._process.pid

    def ready(self) -> Child:
        """Waits until the engine is open; raises `Refused` when it cannot be."""
        self._answer(PATIENCE_S)
        return self

    def ask(self, do: str, *args: object, deadline_s: float = PATIENCE_S, **named: object) -> Any:
        """Calls the engine; raises `Refused` with its error, or `Killed`."""
        self.tell(do, *args, **named)
        return self._answer(deadline_s)

    def tell(self, do: str, *args: object, **named: object) -> None:
        """Sends a request without waiting for its answer."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, "args": args, "named": named}).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise Killed(do) from None

    def answer(self, deadline_s: float = PATIENCE_S) -> Any:
        """The answer to `tell`."""
        return self._answer(deadline_s)

    def kill(self) -> None:
        """SIGKILL: no handler runs, nothing is flushed. The process is reaped."""
        self._process.kill()
        self.wait()

    def pause(self) -> None:
        """SIGSTOP, and waits until the kernel says that it is stopped."""
        os.kill(self.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOWAIT)

    def wake(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    def end(self) -> int:
        """Ends the input, so the process closes its engine; gives the exit code."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self._process.wait(20)

    def wait(self) -> int:
        """Waits for its end."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None and not pipe.closed:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue
        return self._process.wait(20)

    def _answer(self, deadline_s: float) -> Any:
        line = self._line(time.monotonic() + deadline_s)
        answer = json.loads(line)
        if "error" in answer:
            raise Refused(answer["error"], answer["text"])
        return answer["ok"]

    def _line(self, deadline: float) -> bytes:
        assert self._process.stdout is not None
        handle = self._process.stdout.fileno()
        with selectors.DefaultSelector() as selector:
            selector.register(handle, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                if not selector.select(max(0, deadline - time.monotonic())):
                    raise TimeoutError(f"process {self.pid} did not answer")
                data = os.read(handle, 65_536)
                if not data:
                    raise Killed(f"process {self.pid} ended")
                self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line


def until(condition: Callable[[], bool], what: str, deadline_s: float = 15) -> None:
    """Asks until it holds. Raises `AssertionError` naming `what` when it never did."""
    deadline = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {deadline_s} s: {what}"
        os.sched_yield()


def effects_of(path: Path) -> dict[tuple[object, ...], list[str]]:
    """(instance, element id, item) -> the idempotency keys of its effects, in order, repeated ones too."""
    found: dict[tuple[object, ...], list[str]] = defaultdict(list)
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            effect = json.loads(line)
            found[tuple(effect["place"])].append(effect["key"])
    return dict(found)


def doubled(path: Path) -> dict[tuple[object, ...], set[str]]:
    """The effects that have more than one key: none, if jobs keep theirs over crashes and takeovers."""
    return {place: set(keys) for place, keys in effects_of(path).items() if len(set(keys)) > 1}
