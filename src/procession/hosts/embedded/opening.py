"""Opening an engine on a store that is named by a path or a URL, with a password that does not stand there."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

from procession.hosts.embedded.engine import Engine
from procession.store.opening import open_store

SQLITE: Final = "sqlite://"


def open_engine(url: str, password: str = "", *, shards: int = 1, zone: str = "UTC") -> Engine:
    """An engine on an SQLite file (a path, `sqlite://path`) or a database (`postgresql://…`). `shards` is for a new
    store. Raises `StoreError` when it cannot be used.
    """
    return Engine(store=open_store(with_password(url.removeprefix(SQLITE), password), shards=shards), zone=zone)


def with_password(url: str, password: str) -> str:
    """A URL with the password in it, as drivers take it."""
    if not password or "://" not in url:
        return url
    parts = urlsplit(url)
    if parts.password:
        return url
    user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))
