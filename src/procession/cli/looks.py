"""Whether the stores that a server has open can be used: what health and metrics say of them.

A silo is looked at in a thread of its own kind, and by one look at a time: a store that hangs holds up nobody else.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Final, NamedTuple, final

from procession import Engine
from procession.base.failure import ProcessionError
from procession.hosts.embedded.counters import Gauges, gauges_of
from procession.hosts.embedded.opening import in_file
from procession.hosts.embedded.ownership import wall_ms
from procession.runtime.rows import LeaseRow
from procession.web.health import Check

DISK_MIN: Final = 64 << 20
"""Bytes that have to be free beside an SQLite file."""
WITHIN_S: Final = 2.0
"""How long silos may take to say how they are: less than a check of health."""
AT_ONCE: Final = 16
"""Silos that are looked at in the same moment."""

_LOG: Final = logging.getLogger("procession.serve")


class Look(NamedTuple):
    """How a silo is: why its store cannot be used ("" if it can), and what its engine counts, where it is known."""

    trouble: str
    gauges: Gauges | None = None


def checks_of(engine: Engine, url: str) -> dict[str, Check]:
    """The checks of the server's own store."""
    return {name: _in_thread(partial(look, engine)) for name, look in _looks_at(url).items()}


@final
class Looks:
    """At the silos of one process. Thread-safe."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_ONCE, "procession-look")
        self._lock = threading.Lock()
        self._going: dict[str, Future[Look]] = {}

    def at(self, opened: Mapping[str, tuple[Engine, str]]) -> dict[str, Look]:
        """How silos are, given by name with their engine and the path or URL of their store. It takes a moment."""
        with self._lock:
            self._going = {name: look for name, look in self._going.items() if not look.done()}
            for name, (engine, url) in opened.items():
                if name not in self._going:
                    self._going[name] = self._threads.submit(_look, engine, url)
            looks = {name: self._going[name] for name in opened}
        wait(looks.values(), WITHIN_S)
        return {name: _seen(name, look) for name, look in looks.items()}

    def close(self) -> None:
        """Looks no more, and waits for nothing."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _seen(name: str, look: Future[Look]) -> Look:
    if not look.done():
        return Look(f"its store gave no answer within {WITHIN_S:g} s")
    try:
        return look.result()
    except (ProcessionError, OSError) as error:
        # Why exactly is for the log: paths and addresses stand in it.
        _LOG.warning("the store of %s cannot be used: %s", name, error)
        return Look("its store failed; the log says why")


def _look(engine: Engine, url: str) -> Look:
    troubles = (look(engine) for look in _looks_at(url).values())
    return Look(next(filter(None, troubles), ""), gauges_of(engine.pumps))


def _looks_at(url: str) -> dict[str, Callable[[Engine], str]]:
    """What is looked at of a store, by what it is called; each gives why it is not well, "" if it is."""
    looks: dict[str, Callable[[Engine], str]] = {"store": _shards}
    if in_file(url) and hasattr(os, "statvfs"):
        looks["disk"] = _disk
    return looks


def _shards(engine: Engine) -> str:
    # All at once, so that who asks often costs little.
    rows = engine.store.read("shards", (), LeaseRow)
    alone = sum(not row.owner or row.expires <= wall_ms() for row in rows)
    return f"nobody owns {alone} of {len(rows)} shards" if alone else ""


def _disk(engine: Engine) -> str:
    folder = os.path.dirname(os.path.abspath(engine.store.name))
    if not os.access(folder, os.W_OK):
        return "the folder of the store cannot be written to"
    found = os.statvfs(folder)
    return "the disk of the store is almost full" if found.f_bavail * found.f_frsize < DISK_MIN else ""


def _in_thread(look: Callable[[], str]) -> Check:
    async def check() -> str:
        return await asyncio.to_thread(look)

    return check
