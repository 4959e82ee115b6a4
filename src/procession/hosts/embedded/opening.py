"""Opening a store that is named by a path or a URL, with a password that does not stand there."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

from procession.runtime.ports import Store
from procession.store.opening import is_postgres, open_store

SHARDS: Final = 8
"""Of a new database: more processes than this could not share it, and each shard costs its owner a connection."""
SQLITE: Final = "sqlite://"


def open_named(
    url: str, password: str = "", *, shards: int = 0, reader_url: str = "", reader_password: str = ""
) -> Store:
    """The store in an SQLite file (a path, `sqlite://path`) or a database (`postgresql://…`). `shards` is for a new
    store; 0: `SHARDS` in a database, one in a file. `reader_url` as `open_store` takes it. Raises `StoreError` when it
    cannot be used."""
    shards = shards or (SHARDS if is_postgres(url) else 1)
    reader = with_password(reader_url, reader_password)
    return open_store(with_password(url.removeprefix(SQLITE), password), shards=shards, reader_url=reader)


def in_file(url: str) -> bool:
    """Whether a store is a file: neither a database on a server nor memory."""
    return not is_postgres(url) and url.removeprefix(SQLITE) != ":memory:"


def with_password(url: str, password: str) -> str:
    """A URL with the password in it, as drivers take it."""
    if not password or "://" not in url:
        return url
    parts = urlsplit(url)
    if parts.password:
        return url
    user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))
