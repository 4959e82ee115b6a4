"""Real PostgreSQL servers for tests: from the machine's binaries, one a test process, a database of its own a test.

The server belongs to an unprivileged user, for PostgreSQL refuses root, and dies with the process that started it.
"""

from __future__ import annotations

import atexit
import os
import pwd
import selectors
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, Final, cast, final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

import needs
from procession.store.postgres.store import PostgresStore
from procession.testing.ports import free_port

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
    """One server. `durable` keeps its fsync on, as in production; without, it is fast and forgets on a power loss.

    `data` and `wal` are folders, of another file system perhaps, for what is kept and for the log of writes. A copy
    `of` another server is its standby.
    """

    def __init__(
        self,
        *,
        durable: bool = False,
        settings: Sequence[str] = (),
        data: Path | None = None,
        wal: Path | None = None,
        of: Server | None = None,
    ) -> None:
        found = binaries()
        assert found is not None, REMEDY
        self._bin = found
        self.folder = Path(tempfile.mkdtemp(prefix="procession-pg-"))
        self._data = (data or self.folder) / "data"
        self._as: list[str] = []
        if os.geteuid() == 0:
            user = next(entry for entry in map(_user, _USERS) if entry is not None)
            for each in filter(None, (self.folder, data, wal)):
                os.chown(each, user.pw_uid, user.pw_gid)
            self._as = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        self.port = free_port()
        self._options = [f"fsync={'on' if durable else 'off'}", f"synchronous_commit={'on' if durable else 'off'}"]
        if not durable:
            self._options.append("full_page_writes=off")
        self._options += ["max_connections=60", "shared_buffers=64MB", "autovacuum_naptime=1min", "log_statement=none"]
        self._options += settings
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = count(1)
        self._made: list[str] = []
        atexit.register(self.remove)
        if of is not None:
            self._copy(of)
            return
        made = ["-D", str(self._data), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"]
        # Where room is short, a file of 16 MB is no measure of it.
        made += [f"--waldir={wal / 'wal'}", "--wal-segsize=1"] if wal is not None else []
        self._run("initdb", *made)
        self.start()
        self.execute(f"CREATE ROLE {LOGIN} LOGIN CREATEROLE", f"CREATE DATABASE template_app OWNER {LOGIN}")
        PostgresStore(self.url("template_app")).close()

    def _copy(self, of: Server) -> None:
        """Becomes the standby of a server, whose commits wait for it from here on."""
        source = ["-h", str(of.folder), "-p", str(of.port), "-U", "postgres"]
        kept = ["-X", "stream", "-c", "fast", "--no-sync", "-C", "-S", "standby", "-R"]
        self._run("pg_basebackup", "-D", str(self._data), *source, *kept)
        self.start()
        of.execute("ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
        deadline = time.monotonic() + 30
        while of.execute("SELECT sync_state FROM pg_stat_replication") != [("sync",)]:
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.02)

    def promote(self) -> None:
        """Makes a standby the server that takes writes."""
        assert self.execute("SELECT pg_promote()") == [(True,)], self.log()

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
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def start(self) -> None:
        """Starts it unless it runs, and returns when it takes connections."""
        command = [*self._as, *(["--pdeathsig=INT"] if self._as else []), str(self._bin / "postgres")]
        command += ["-D", str(self._data), "-k", str(self.folder), "-p", str(self.port)]
        command += ["-c", "listen_addresses=127.0.0.1"]
        for each in self._options:
            command += ["-c", each]
        if self._process is None or self._process.poll() is not None:
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

    def kill(self) -> None:
        """Ends all of its processes at once, as a machine that is gone."""
        process, self._process = self._process, None
        assert process is not None
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        for pid in (process.pid, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
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


def standby(of: Server) -> Server:
    """A server that holds all that `of` has acknowledged, from now on, and can be promoted."""
    return Server(durable=True, of=of)


def urls(url: str, *servers: Server) -> str:
    """The URL of a database on whichever of these servers takes writes."""
    parts = conninfo_to_dict(url)
    hosts = ",".join(f"127.0.0.1:{each.port}" for each in servers)
    return f"postgresql://{parts['user']}@{hosts}/{parts['dbname']}?target_session_attrs=read-write"


def store() -> PostgresStore:
    """A store on a new database."""
    return PostgresStore(server().database())


def session(server: Server, database: str, user: str = "postgres") -> psycopg.Connection[Any]:
    """A connection of the test's own, in autocommit mode."""
    return psycopg.connect(server.url(database, user), autocommit=True)


def until_waiting(server: Server, database: str, count: int) -> None:
    """Until so many sessions of a database wait for a lock."""
    waiting = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' AND wait_event_type = 'Lock'"
    deadline = time.monotonic() + 10
    while server.execute(waiting)[0][0] != count:
        assert time.monotonic() < deadline, f"not {count} sessions wait"


def _user(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


_SYNC: Final = b"S\0\0\0\4"
"""What a request ends with, but for a wish that the answer be sent at once."""
_QUERY: Final = b"Q"
"""A request without parameters is this one message, and ends with it."""
_TERMINATE: Final = b"X"
_COMMITTED: Final = b"COMMIT\0"


@final
class Proxy:
    """A wire to the server that can be cut at any place: before a request arrives, or before its answer does.

    It hands on bytes in one thread.
    """

    def __init__(self, port: int) -> None:
        self._server = ("127.0.0.1", port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.cut = ""
        """What befalls the next request that ends: "request": it never arrives; "late": it arrives when `deliver` is
        called; "answer": the next COMMIT is carried out, and its answer does not arrive."""
        self._held = b""
        self._victim: socket.socket | None = None
        self.refusing = False
        """Whether new connections are refused."""
        self._late: list[tuple[socket.socket, bytes]] = []
        self._peers: dict[socket.socket, socket.socket] = {}
        self._clients: set[socket.socket] = set()
        self._busy: set[socket.socket] = set()
        """Clients that have asked something: while they introduce themselves they are left alone."""
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listening, selectors.EVENT_READ)
        self._closed = False
        self.cuts = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def url(self, url: str) -> str:
        """The same database through this wire."""
        return make_conninfo(url, host="127.0.0.1", port=self.port)

    def deliver(self) -> None:
        """Sends what came "late", and waits until the server has dealt with it."""
        for server, data in self._late:
            server.sendall(data)
            server.shutdown(socket.SHUT_WR)
            while server.recv(65_536):
                continue
            server.close()
        self._late.clear()

    def close(self) -> None:
        """Closes all of it."""
        self._closed = True
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port)).close()
        self._thread.join()
        self._listening.close()
        for each in self._peers:
            each.close()
        for server, _ in self._late:
            server.close()
        self._selector.close()

    def _run(self) -> None:
        while not self._closed:
            for key, _ in self._selector.select():
                source = cast("socket.socket", key.fileobj)
                if source is self._listening:
                    self._accept()
                elif source in self._peers:
                    self._hand_on(source)

    def _accept(self) -> None:
        client, _ = self._listening.accept()
        if self._closed or self.refusing:
            client.close()
            return
        server = socket.create_connection(self._server)
        self._clients.add(client)
        for one, other in ((client, server), (server, client)):
            self._peers[one] = other
            self._selector.register(one, selectors.EVENT_READ)

    def _hand_on(self, source: socket.socket) -> None:
        try:
            data = source.recv(65_536)
        except OSError:
            data = b""
        peer = self._peers[source]
        if not data:
            self._end(source, peer)
        elif self.cut == "answer" and source not in self._clients and _COMMITTED in data:
            self._cut(peer, source)
        elif self.cut in {"request", "late"} and self._is_struck(source, data):
            # Others go on meanwhile: theirs is not part of this one's request.
            self._victim = source
            self._held += data
            if _SYNC in self._held[-32:] or self._held.startswith(_QUERY):
                self._cut(source, peer)
        else:
            if source in self._clients and _SYNC in data[-32:]:
                self._busy.add(source)
            with suppress(OSError):
                peer.sendall(data)

    def _is_struck(self, source: socket.socket, data: bytes) -> bool:
        """Whether this is the request to be cut: one that says goodbye asks for nothing."""
        if self._victim is None:
            return source in self._busy and not data.startswith(_TERMINATE)
        return source is self._victim

    def _cut(self, client: socket.socket, server: socket.socket) -> None:
        how, self.cut = self.cut, ""
        self.cuts += 1
        self._end(client)
        self._forget(server)
        if how == "late":
            self._late.append((server, self._held))
        else:
            server.close()
        self._held = b""
        self._victim = None

    def _end(self, *ends: socket.socket) -> None:
        for each in ends:
            self._forget(each)
            each.close()

    def _forget(self, end: socket.socket) -> None:
        if self._peers.pop(end, None) is not None:
            self._selector.unregister(end)
        self._clients.discard(end)
        self._busy.discard(end)
