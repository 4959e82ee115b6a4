"""An engine whose PostgreSQL server has no room left: for tables, which it refuses, and for its log, which ends it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final, NamedTuple, final

import pytest

import drawn as d
import postgres_rig
from postgres_rig import Server
from process_rig import until
from procession import Engine, Job
from procession.base.failure import StoreError
from procession.runtime.ports import Doubtful
from procession.store.postgres.store import PostgresStore
from store_audit import audit, rows
from volume_rig import Volume, volume

MODEL: Final = d.document(d.process("p", "a -> t, t -> b", a=d.start(), t=d.service("work"), b=d.end()))
FULL: Final = "the disk of the database server is full: free space there"


class Small(NamedTuple):
    """A server with little room."""

    server: Server
    data: Volume
    wal: Volume


@cache
def small() -> Small:
    """Its log is written by who commits, not in the background, and grows: none of its files is used again."""
    postgres_rig.require()
    data, wal = volume(256), volume(96)
    settings = ["wal_recycle=off", "max_wal_size=64MB", "wal_writer_delay=10s"]
    return Small(Server(durable=True, data=data.folder, wal=wal.folder, settings=settings), data, wal)


@final
class Starting:
    """Starts instances in a thread, each with a key of its own, and notes what it was told."""

    def __init__(self, engine: Engine) -> None:
        self.told: dict[str, int] = {}
        self.failed: dict[str, StoreError] = {}
        self._engine = engine
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def end(self) -> None:
        """After what it is at."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.is_set():
            key = f"n{len(self.told) + len(self.failed)}"
            try:
                # No two are alike, so that they need room.
                started = self._engine.start("p", {"text": os.urandom(10_000).hex()}, business_key=key)
                self.told[key] = started.key
            except StoreError as error:
                self.failed[key] = error


def _work(job: Job) -> dict[str, int]:
    return {"attempt": job.attempt}


@pytest.fixture
def url() -> str:
    return small().server.database()


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    # How long it is asked what became of a commit: shorter than the server is away.
    with Engine(store=PostgresStore(url, patience_s=0.3)) as opened:
        opened.deploy(("p.bpmn", MODEL))
        opened.worker("work")(_work)
        opened.serve(threads=1)
        yield opened


@contextmanager
def starting(engine: Engine) -> Iterator[Starting]:
    made = Starting(engine)
    try:
        yield made
    finally:
        made.end()


def completed(engine: Engine) -> int:
    try:
        return engine.counts().get("completed", 0)
    except StoreError:
        return -1


def goes_on(engine: Engine, load: Starting, url: str) -> None:
    """It goes on, all that was told is there and done, and each key at most once."""
    seen = len(load.told)
    until(lambda: len(load.told) >= seen + 10, "starts go on", deadline_s=30)
    load.end()
    stored = dict(rows(url, "SELECT business_key, key FROM procession_instance"))
    until(lambda: completed(engine) == len(stored), "all are done", deadline_s=30)
    engine.stop()
    assert engine.owner
    assert set(audit(url)) == set(stored.values()), "a key is there twice"
    assert load.told.items() <= stored.items(), "an acknowledged start is lost"
    unsaid = {key for key in stored.keys() - load.told.keys() if not isinstance(load.failed[key], Doubtful)}
    assert unsaid == set(), "what was said to have failed is there"


def test_without_room_for_tables_it_says_so_and_goes_on_when_there_is_some(url: str, engine: Engine) -> None:
    disk = small().data
    try:
        with starting(engine) as load:
            until(lambda: len(load.told) >= 10, "some instances are started")
            disk.fill()
            until(lambda: len(load.failed) >= 5, "the server refuses")
            # What is stored can be read all the while.
            assert sum(engine.counts().values()) >= 10
            disk.free()
            goes_on(engine, load, url)
    finally:
        disk.free()
    assert all(FULL in str(each) for each in load.failed.values()), load.failed
    assert not any(isinstance(each, Doubtful) for each in load.failed.values())


def test_without_room_for_its_log_the_server_ends_and_what_it_acknowledged_is_there_again(
    url: str, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    server, _, disk = small()
    server.execute("CHECKPOINT")
    try:
        with starting(engine) as load:
            until(lambda: len(load.told) >= 10, "some instances are started")
            disk.fill()
            until(lambda: len(load.failed) >= 5, "the server is gone")
            disk.free()
            # Perhaps it recovers by itself, perhaps it has given up.
            server.start()
            goes_on(engine, load, url)
    finally:
        disk.free()
        server.start()
    assert "PANIC:  could not write to file" in (server.folder / "log").read_text(errors="replace")
    # Whoever's commit it was: of a caller, or of the thread that does jobs, which logs it.
    assert FULL in caplog.text or any(FULL in str(each) for each in load.failed.values()), load.failed
