"""Servers in processes of their own: `procession serve` and `procession dev`, told by signals, read by their lines."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final

SECONDS_MAX: Final = 90.0
"""Several times what is needed: tests of other kinds may share the machine."""


class ServerProcess:
    """One process, on a free port. Use it as a context manager: it never outlives the test."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PROCESSION_", "OTEL_"))}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "procession.cli.main", *arguments, "--json"],
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=kept | environment,
        )  # fmt: skip
        self.said: list[dict[str, Any]] = []
        self.errors: list[str] = []
        self._lines: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.url = ""
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._readers = [
            threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True),
            threading.Thread(target=self._read_errors, args=(self.process.stderr,), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> ServerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def ready(self) -> ServerProcess:
        """Waits until it serves."""
        self.url = self.until("serving")["url"]
        return self

    def until(self, name: str, fits: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
        """The next line that has this key."""
        deadline = time.monotonic() + SECONDS_MAX
        while True:
            try:
                line = self._lines.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"it did not say {name}: {self.said} {self.log}") from None
            if line is None:
                raise AssertionError(f"it ended: {self.log}")
            if name in line and fits(line):
                return line

    def tell(self, number: int = signal.SIGTERM) -> None:
        """Sends a signal."""
        self.process.send_signal(number)

    def ended(self) -> int:
        """Waits for the end; gives the exit code."""
        code = self.process.wait(SECONDS_MAX)
        for reader in self._readers:
            reader.join()
        return code

    @property
    def log(self) -> str:
        """What it wrote on stderr."""
        return "".join(self.errors)

    def logged(self, event: str) -> list[dict[str, Any]]:
        """The lines of the log with this event."""
        found = [json.loads(line) for line in self.errors if line.startswith('{"')]
        return [line for line in found if line.get("event") == event]

    def _read(self, lines: IO[str]) -> None:
        for line in lines:
            record = json.loads(line)
            self.said.append(record)
            self._lines.put(record)
        self._lines.put(None)

    def _read_errors(self, lines: IO[str]) -> None:
        self.errors.extend(lines)


def soon(condition: Callable[[], bool]) -> None:
    """Asks again until it is so."""
    deadline = time.monotonic() + SECONDS_MAX
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
