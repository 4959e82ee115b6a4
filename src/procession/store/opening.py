"""Which store a name means: a URL of PostgreSQL, or the path of a SQLite file. psycopg is loaded only for the first."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from procession.base.failure import StoreError
from procession.runtime.ports import Store
from procession.store.sqlite import SQLiteStore

POSTGRES: Final = ("postgresql://", "postgres://")


def open_store(place: str | Path, *, shards: int = 1, reader_url: str = "") -> Store:
    """Opens, creates or migrates the store at a place. Raises `StoreError` when it cannot be used.

    `shards` is in how many parts a new store is divided: as many processes can share it at most. One that is there
    stays as it is. `reader_url` names the database once more, with the user as whom what a tenant sees is read: one
    that has the role procession_api alone."""
    if not is_postgres(place):
        return SQLiteStore(place, shards=shards)
    try:
        from procession.store.postgres.store import PostgresStore
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "psycopg":
            raise
        raise StoreError("a store on PostgreSQL needs psycopg: pip install procession[postgres]") from error
    return PostgresStore(str(place), shards=shards, api_url=reader_url)


def is_postgres(place: str | Path) -> bool:
    """Whether a place is a database on a server, and no file."""
    return isinstance(place, str) and place.startswith(POSTGRES)
