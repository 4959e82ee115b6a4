"""Connections to PostgreSQL: as whom, with which settings, and the few that questions share.

What must not live here: what is asked.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final, TypeAlias, final

import psycopg
from psycopg import RawCursor
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus

from procession.base.failure import StoreError
from procession.store.postgres.arrays import adapt
from procession.store.postgres.dialect import Statement, load
from procession.store.postgres.wire import Wire

Connection: TypeAlias = Wire
Cursor: TypeAlias = "psycopg.Cursor[tuple[Any, ...]]"
Opener: TypeAlias = Callable[[], Connection]

CONNECT_S: Final = 5
"""How long one attempt to reach the server may take."""
LOCK_MS: Final = 5_000
"""How long a statement waits for another transaction."""
BORROW_S: Final = 30.0
"""How long a question waits for one of the connections that it may use."""
ALL: Final = "*"
"""A session that sees every shard, and writes in none."""
ENGINE: Final = "procession_engine"
API: Final = "procession_api"

_SHARD: Final = load("shard.sql")


def shown(url: str) -> str:
    """A URL as people may see it: without its password, and without other options."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.Error as error:
        raise StoreError(f"the URL of the database cannot be read: {str(error).strip()}") from None
    user = f"{parts['user']}@" if parts.get("user") else ""
    hosts = str(parts.get("host") or parts.get("hostaddr") or "").replace("/", "%2F").split(",")
    ports = str(parts.get("port") or "").split(",")
    # One port is that of all hosts.
    ports = ports if len(ports) == len(hosts) else ports[:1] * len(hosts)
    where = ",".join(
        f"{f'[{host}]' if ':' in host else host}{port and f':{port}'}" for host, port in zip(hosts, ports, strict=True)
    )
    return f"postgresql://{user}{where}/{parts.get('dbname') or parts.get('user') or ''}"


def run(cursor: Cursor, statement: Statement, args: Sequence[object] = ()) -> Cursor:
    """Executes a prepared statement."""
    return cursor.execute(statement.sql, args, prepare=True)


@final
class Sessions:
    """Opens connections to one database. Without `roles` they stay whoever the URL names."""

    __slots__ = ("_conninfo", "_lock_ms", "name", "roles")

    def __init__(self, url: str, lock_ms: int = LOCK_MS) -> None:
        """Raises `StoreError` for what is no URL of PostgreSQL."""
        self.name: Final = shown(url)
        given = conninfo_to_dict(url)
        # Settings of the URL win; these find out within seconds that a server is gone.
        defaults = {
            "connect_timeout": CONNECT_S,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 20_000,
        }
        self._conninfo = make_conninfo("", **{**defaults, **given})
        self._lock_ms = lock_ms
        self.roles = False

    def plain(self) -> Connection:
        """A connection as the user of the URL, in autocommit mode. Raises psycopg's errors."""
        connection = Wire.connect(self._conninfo, autocommit=True)
        with _closed_by_a_failure(connection):
            connection.cursor_factory = RawCursor
            connection.prepare_threshold = None
            connection.prepared_max = None
            adapt(connection.adapters)
            run(connection.cursor(binary=True), _SHARD["settings"], (f"{self._lock_ms}ms",))
        return connection

    def engine(self, shards: str) -> Connection:
        """A connection of the role `engine` that writes these shards ("{0,3}"), or `ALL`."""
        connection = self.plain()
        with _closed_by_a_failure(connection):
            role = ENGINE if self.roles else "none"
            run(connection.cursor(binary=True), _SHARD["be"], (role, shards))
        return connection

    def reader(self) -> Connection:
        """A connection that only reads, of all shards."""
        return _read_only(self.engine(ALL))

    def api(self) -> Connection:
        """A connection that only reads, as the user of the URL, whose right it is to see one tenant at a time."""
        return _read_only(self.plain())


@final
class Pool:
    """A few connections that threads share; each is in one thread's hands at a time."""

    __slots__ = ("_closed", "_free", "_idle", "_lock", "_name", "_open")

    def __init__(self, name: str, open_: Opener, limit: int) -> None:
        self._name = name
        self._open = open_
        self._free = threading.Semaphore(limit)
        self._idle: list[Connection] = []
        self._lock = threading.Lock()
        self._closed = False

    @contextmanager
    def borrow(self) -> Generator[Connection]:
        """A connection that is idle, or a new one. Raises `StoreError` when all are in use for too long."""
        if not self._free.acquire(timeout=BORROW_S):
            raise StoreError(f"{self._name}: all connections were in use for {BORROW_S:g} s: ask for less at a time")
        try:
            connection = self._take()
            try:
                yield connection
            finally:
                self._give(connection)
        finally:
            self._free.release()

    def _take(self) -> Connection:
        with self._lock:
            if self._closed:
                raise StoreError(f"{self._name}: the store is closed, and the engine that used it")
            while self._idle:
                connection = self._idle.pop()
                if not connection.closed:
                    return connection
        return self._open()

    def _give(self, connection: Connection) -> None:
        if not usable(connection):
            return
        with self._lock:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def forget(self) -> None:
        """Closes what is idle: the server went away under it."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            closed(connection)

    def close(self) -> None:
        """Closes everything; what is in use, when it is given back."""
        with self._lock:
            self._closed = True
        self.forget()


def usable(connection: Connection) -> bool:
    """Ends what a failure left open; whether the connection can be used again. If not it is closed."""
    if connection.closed:
        return False
    if connection.info.transaction_status is TransactionStatus.IDLE:
        return True
    try:
        connection.execute(b"ROLLBACK")
    except psycopg.Error:
        closed(connection)
        return False
    return True


def _read_only(connection: Connection) -> Connection:
    with _closed_by_a_failure(connection):
        run(connection.cursor(binary=True), _SHARD["read_only"])
    return connection


@contextmanager
def _closed_by_a_failure(connection: Connection) -> Generator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise


def closed(connection: Connection) -> None:
    """Closes a connection, whatever state it is in."""
    with suppress(psycopg.Error):
        connection.close()
