"""Real PostgreSQL servers for tests: started from the machine's binaries, one a test process, a database of its own a test.

The server belongs to an unprivileged user, for PostgreSQL refuses root, and dies with the process that started it.
"""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, Final, final

import psycopg

import needs
from procession.store.postgres.store import PostgresStore

REMEDY: Final = "apt-get install postgresql (15 or newer), or have its bin folder on the PATH"
KEPT: Final = 8
"""Databases that are there at a time: a test that needs more would find its first one gone."""
LOGIN: Final = "app"
"""Who migrates and uses the databases: no superuser, but one who may make roles."""
_USERS: Final = ("postgres", "nobody")


def binaries() -> Path | None:
    """The folder with initdb and postgres; None where there is none."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: float(each.parent.name), reverse=True)
    found = shutil.which("initdb")
    if found is not None:
        folders.append(Path(found).resolve().parent)
    return next((each for each in folders if (each / "initdb").exists() and (each / "postgres").exists()), None)


def require() -> None:
    """Skips the test, or fails it in continuous integration, where PostgreSQL is missing."""
    needs.require("postgresql", REMEDY)


@final
class Server:
    """One server. `durable` keeps its fsync on, as in production; without, it is fast and forgets on a power loss."""

    def __init__(self, *, durable: bool = False, settings: Sequence[str] = ()) -> None:
        found = binaries()
        assert found is not None, REMEDY
        self._bin = found
        self.folder = Path(tempfile.mkdtemp(prefix="procession-pg-"))
        self._data = self.folder / "data"
        self._as: list[str] = []
        if os.geteuid() == 0:
            user = next(entry for entry in map(_user, _USERS) if entry is not None)
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self._as = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        self.port = _free_port()
        self._options = [f"fsync={'on' if durable else 'off'}", f"synchronous_commit={'on' if durable else 'off'}"]
        if not durable:
            self._options.append("full_page_writes=off")
        self._options += ["max_connections=60", "shared_buffers=64MB", "autovacuum_naptime=1min", "log_statement=none"]
        self._options += settings
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = count(1)
        self._made: list[str] = []
        atexit.register(self.remove)
        self._run("initdb", "-D", str(self._data), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-sync")
        self.start()
        self.execute(f"CREATE ROLE {LOGIN} LOGIN CREATEROLE", f"CREATE DATABASE template_app OWNER {LOGIN}")
        PostgresStore(self.url("template_app")).close()

    def url(self, database: str, user: str = LOGIN, *, tcp: bool = False) -> str:
        """The URL of a database."""
        host = "127.0.0.1" if tcp else str(self.folder).replace("/", "%2F")
        return f"postgresql://{user}@{host}:{self.port}/{database}"

    def database(self, *, migrated: bool = True) -> str:
        """The URL of a new database."""
        name = f"test_{next(self._numbers)}"
        template = "template_app" if migrated else "template0"
        drops = [f"DROP DATABASE IF EXISTS {old} WITH (FORCE)" for old in self._made[: -KEPT + 1]]
        self._made = [*self._made[-KEPT + 1 :], name]
        self.execute(*drops, f"CREATE DATABASE {name} TEMPLATE {template} OWNER {LOGIN}")
        return self.url(name)

    def execute(self, *statements: str, database: str = "postgres", user: str = "postgres") -> list[tuple[Any, ...]]:
        """Runs statements as a superuser; gives the rows of the last."""
        with psycopg.connect(self.url(database, user), autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def start(self) -> None:
        """Starts it, and returns when it takes connections."""
        command = [*self._as, *(["--pdeathsig=INT"] if self._as else []), str(self._bin / "postgres")]
        command += ["-D", str(self._data), "-k", str(self.folder), "-p", str(self.port)]
        command += ["-c", "listen_addresses=127.0.0.1"]
        for each in self._options:
            command += ["-c", each]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/")
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url("postgres", "postgres")).close()
                return
            except psycopg.OperationalError:
                assert self._process.poll() is None, self.log()
                assert time.monotonic() < deadline, self.log()
                time.sleep(0.02)

    def stop(self, *, immediate: bool = False) -> None:
        """Ends it: in order, or as after a crash (`immediate`), so that it has to recover when it is started again."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGQUIT if immediate else signal.SIGINT)
        process.wait(timeout=60)

    def remove(self) -> None:
        """Ends it and deletes all of it."""
        self.stop(immediate=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        """What it wrote last."""
        return (self.folder / "log").read_text(errors="replace")[-4_000:]

    def _run(self, program: str, *args: str) -> None:
        done = subprocess.run(
            [*self._as, str(self._bin / program), *args], capture_output=True, text=True, cwd="/", check=False
        )
        assert not done.returncode, done.stderr


@cache
def server() -> Server:
    """The server of this process, without fsync. Skips where there is no PostgreSQL."""
    require()
    return Server()


@cache
def durable_server() -> Server:
    """The one with fsync, which tests stop and start."""
    require()
    return Server(durable=True)


def store() -> PostgresStore:
    """A store on a new database."""
    return PostgresStore(server().database())


def _user(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
