"""Opening an engine on a store that is named by a path or a URL."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

from procession.base.failure import StoreError
from procession.hosts.embedded.engine import Engine

_OPENING: Final = "procession.store.opening"


def open_engine(url: str, password: str = "", *, zone: str = "UTC") -> Engine:
    """An engine on an SQLite file (a path, `sqlite://path`) or a database (`postgresql://…`).

    Raises `StoreError` when it cannot be used, or this installation does not know its kind.
    """
    if "://" not in url:
        return Engine(url, zone=zone)
    if url.startswith("sqlite://"):
        return Engine(url.removeprefix("sqlite://"), zone=zone)
    if find_spec(_OPENING) is None:
        raise StoreError("this installation opens SQLite files alone: store.url takes a path")
    return Engine(store=import_module(_OPENING).open_store(with_password(url, password)), zone=zone)


def with_password(url: str, password: str) -> str:
    """A URL with the password in it, as drivers take it."""
    parts = urlsplit(url)
    if not password or parts.password:
        return url
    user, at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}{at or '@'}{host}"))
