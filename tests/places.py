"""Where the store of a test's path is: in a file of that name, or in a PostgreSQL database that stands in its place.

Suites that were written for files run on a server as well: `on_a_server` is their fixture.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

from procession.store.opening import is_postgres

_DATABASES: Final[dict[str, str]] = {}
_servers: Final[list[bool]] = []


class Asked(Protocol):
    """A connection as far as tests ask it. `?` stands for a parameter."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Any: ...


def place_of(path: Path | str) -> str:
    """The path itself, or the URL of the database that stands in its place."""
    name = str(path)
    if not _servers or is_postgres(name):
        return name
    if name not in _DATABASES:
        import postgres_rig

        _DATABASES[name] = postgres_rig.server().database()
    return _DATABASES[name]


def on_a_server() -> Iterator[None]:
    """While this lasts, every path means a database of its own. Make it an autouse fixture."""
    _servers.append(True)
    yield
    _servers.clear()
    _DATABASES.clear()


def at_rest(path: Path | str) -> bool:
    """Whether no transaction of anybody is under way that would hold up others."""
    if is_postgres(place_of(path)):
        busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'app' "
        with asking(path) as server:
            return bool(server.execute(busy + "AND state <> 'idle'").fetchone() == (0,))
    with closing(sqlite3.connect(path, timeout=0.1)) as connection, connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        return True


@contextmanager
def asking(path: Path | str) -> Generator[Asked]:
    """A connection to what is stored, which sees all of it."""
    place = place_of(path)
    if not is_postgres(place):
        connection = sqlite3.connect(place)
        try:
            yield connection
        finally:
            connection.close()
        return
    import psycopg
    from psycopg.conninfo import make_conninfo

    with psycopg.connect(make_conninfo(place, user="postgres"), autocommit=True) as server:
        yield _Server(server)


class _Server:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Any:
        """In PostgreSQL's words."""
        return self._connection.execute(sql.replace("%", "%%").replace("?", "%s"), parameters)
