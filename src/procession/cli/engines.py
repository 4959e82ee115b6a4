"""Opening an engine for one command, and reading the keys that a command line names. The engine is imported late.

Where another process runs an engine on the file, the command's engine asks that one through the store's inbox.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from procession.cli.console import USAGE, Problem
from procession.cli.workers import register_workers

if TYPE_CHECKING:
    from procession import Engine
    from procession.services.tenancy.deleting import Keys


@contextmanager
def engine_at(db: str, workers: Sequence[str] = ()) -> Generator[Engine]:
    """An engine on the store, with worker functions if any are named; closed at the end."""
    with engine_with_keys(db) as (engine, _):
        register_workers(engine, list(workers))
        yield engine


@contextmanager
def engine_with_keys(db: str) -> Generator[tuple[Engine, Keys | None]]:
    """An engine on the store, and the keys of its tenants where the environment names a master key."""
    from procession import Engine
    from procession.services.tenancy.keys import sealed_file

    sealed = sealed_file(db, os.environ)
    store, keys = sealed or (None, None)
    with Engine(db, store=store) as engine:
        yield engine, keys


def key_of(text: str, what: str) -> int:
    """A key as a number; raises `Problem` for anything else."""
    if not (text.isascii() and text.isdecimal()):
        raise Problem(f"{text!r} is not the key of {what}", "keys are numbers; see: procession list", USAGE)
    return int(text)
