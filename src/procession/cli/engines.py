"""Opening an engine for one command, and reading the keys that a command line names. The engine is imported late.

Where another process runs an engine on the file, the command's engine asks that one through the store's inbox.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from procession.cli.console import USAGE, Problem, needed_by
from procession.cli.workers import register_workers

if TYPE_CHECKING:
    from procession import Engine
    from procession.runtime.ports import Store
    from procession.services.shelves.shelf import Shelf
    from procession.services.tenancy.deleting import Keys

_SETTINGS: Final = ("PROCESSION_CONFIG", "PROCESSION_ENCRYPTION__", "PROCESSION_STORE__PASSWORD")
"""How variables begin that say how a store is opened."""


@contextmanager
def engine_at(db: str, workers: Sequence[str] = ()) -> Generator[Engine]:
    """An engine on the store, with worker functions if any are named; closed at the end."""
    with engine_with_keys(db) as (engine, _):
        register_workers(engine, list(workers))
        yield engine


@contextmanager
def engine_beside(db: str, address: str, namespace: str, queue: str) -> Generator[Engine]:
    """An engine that knows a Temporal cluster, and runs no workflows itself."""
    from procession import Engine

    with needed_by("temporal"):
        from procession import Temporal
    host = Temporal(address, namespace=namespace, queue=queue, work=False)
    with Engine(db, host=host) as engine:
        yield engine


@contextmanager
def store_at(db: str) -> Generator[Store]:
    """The store alone, for who only reads it: no engine is opened, and nobody's shard is taken."""
    from procession.hosts.embedded.opening import open_named

    store = _configured(db)[0] if _is_configured() else open_named(db)
    try:
        yield store
    finally:
        store.close()


def _is_configured() -> bool:
    return any(name.startswith(_SETTINGS) for name in os.environ)


def _configured(db: str) -> tuple[Store, Keys | None]:
    """A store as the settings say."""
    from procession.cli.configured import settings_of
    from procession.cli.stores import open_sealed

    file = os.environ.get("PROCESSION_CONFIG")
    settings = settings_of(Path(file) if file else None, {}, only=("encryption", "store"))
    of = settings.encryption
    return open_sealed(
        db,
        settings.store.password,
        master_keys=of.master_keys,
        master_key=of.master_key,
        tenant_keys=of.tenant_keys,
    )


@contextmanager
def engine_with_keys(db: str) -> Generator[tuple[Engine, Keys | None]]:
    """An engine on the store, and the keys of its tenants where the settings name a master key: those of the
    environment, and of the file that `PROCESSION_CONFIG` names."""
    from procession import Engine

    if not _is_configured():
        with Engine(db) as engine:
            yield engine, None
        return
    store, keys = _configured(db)
    with Engine(store=store) as engine:
        yield engine, keys


def documents_of(keys: Keys | None) -> Shelf | None:
    """Where bytes of documents are beside the store, as the settings of the environment say; None for nowhere."""
    if not any(name.startswith(("PROCESSION_CONFIG", "PROCESSION_DOCUMENTS__")) for name in os.environ):
        return None
    from procession.cli.configured import settings_of
    from procession.services.shelves.opening import shelf_at

    async def keys_of(_: str) -> Keys | None:
        return keys

    file = os.environ.get("PROCESSION_CONFIG")
    settings = settings_of(Path(file) if file else None, {}, only=("documents",))
    return shelf_at(settings.documents.url, keys_of) if settings.documents.url else None


def key_of(text: str, what: str) -> int:
    """A key as a number; raises `Problem` for anything else."""
    if not (text.isascii() and text.isdecimal()):
        raise Problem(f"{text!r} is not the key of {what}", "keys are numbers; see: procession list", USAGE)
    return int(text)
