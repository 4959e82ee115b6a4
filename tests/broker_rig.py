"""Real brokers for tests: Redis and RabbitMQ from Debian's packages, one of each a process, one more for who kills it.

They listen on this machine alone, and die with the process that started them.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Final, TypeAlias, final

import pytest

import debian
import needs
from procession.testing.celery import brokers as commands
from procession.testing.ports import free_port

Kind: TypeAlias = commands.Kind
KINDS: Final[tuple[Kind, ...]] = ("redis", "rabbitmq")
REMEDY: Final = "run `apt-get install -y redis-server rabbitmq-server` (Debian), or let the tests do it as root"
PATIENCE_S: Final = 60.0
_PROGRAMS: Final[dict[Kind, tuple[str, str]]] = {
    "redis": ("redis-server", "redis-server"),
    "rabbitmq": ("rabbitmq-server", commands.RABBIT),
}
_NUMBERS: Final = count(1)


def require(kind: Kind) -> None:
    """Skips the test, or fails it in continuous integration, where a broker is missing."""
    package, program = _PROGRAMS[kind]
    debian.install(package, program)
    needs.require(program, REMEDY)
    needs.require("celery", "pip install 'procession[celery]'")


def leash() -> list[str]:
    """What stands before a command that must not outlive the tests, however they end."""
    return ["setpriv", "--pdeathsig=KILL"] if shutil.which("setpriv") else []


@final
class Broker:
    """One broker of a kind. What it was told it keeps over `stop` and `start`: Redis in an append-only file."""

    def __init__(self, kind: Kind, *settings: str) -> None:
        """`settings` are arguments of redis-server, or lines of rabbitmq.conf."""
        self.kind = kind
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix=f"procession-{kind}-"))
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._inner = free_port() if kind == "rabbitmq" else 0
        atexit.register(self.remove)
        self.start()

    @property
    def url(self) -> str:
        """What Celery takes as its broker."""
        return commands.url_of(self.kind, self.port)

    def start(self) -> None:
        """Starts it, and returns when it takes messages."""
        command, environment = self._redis() if self.kind == "redis" else self._rabbit()
        with (self.folder / "out").open("ab") as log:
            self._process = subprocess.Popen(
                [*leash(), *command], env=environment, stdout=log, stderr=log, start_new_session=True
            )
        self._await()

    def kill(self) -> None:
        """Ends it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ends it in order."""
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """It takes connections, and answers nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        self._signal(signal.SIGCONT)

    def remove(self) -> None:
        """Ends it, and forgets what it had."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _redis(self) -> tuple[Sequence[str], dict[str, str]]:
        kept = ("--appendonly", "yes", "--appendfsync", "always")
        return commands.redis_command(self.port, self.folder, *kept, *self._settings), dict(os.environ)

    def _rabbit(self) -> tuple[Sequence[str], dict[str, str]]:
        told = commands.rabbit_environment(self.port, self._inner, self.folder, self._settings)
        return [commands.RABBIT], {**os.environ, **told}

    def _await(self) -> None:
        from kombu import Connection

        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                with Connection(self.url, connect_timeout=1) as connection:
                    connection.ensure_connection(max_retries=1, timeout=2)
                    return
            except Exception:  # whatever a driver says of a server that is not there yet
                if self._process is None or self._process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"{self.kind} did not start: {self.log()}", pytrace=False)
                time.sleep(0.05)

    def log(self) -> str:
        """What it wrote."""
        return (self.folder / "out").read_text(errors="replace")[-4000:]

    def _signal(self, number: int) -> None:
        if self._process is not None and self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def _end(self, number: int) -> None:
        self._signal(number)
        if self._process is not None:
            self._process.wait(30)
            self._process = None


@pytest.fixture(scope="session")
def brokers() -> Generator[Brokers]:
    """The running broker of a kind, one for the whole session."""
    running: dict[Kind, Broker] = {}

    def broker(kind: Kind) -> Broker:
        require(kind)
        if kind not in running:
            running[kind] = Broker(kind)
        return running[kind]

    yield broker
    for each in running.values():
        each.remove()


Brokers: TypeAlias = Callable[[Kind], Broker]


def queue() -> str:
    """A queue that no other test has."""
    return f"test-{os.getpid()}-{next(_NUMBERS)}"


@pytest.fixture
def own_brokers() -> Generator[Callable[..., Broker]]:
    """Brokers of this test alone, which it may kill."""
    made: list[Broker] = []

    def make(kind: Kind, *settings: str) -> Broker:
        require(kind)
        found = Broker(kind, *settings)
        made.append(found)
        return found

    yield make
    for each in made:
        each.remove()
