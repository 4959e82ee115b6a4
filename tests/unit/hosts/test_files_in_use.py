"""The file under an engine: full, read-only, locked, damaged, gone. It is said in words, and nothing told is lost."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

import pytest

import drawn as d
from host_rig import FakeClock, check_stored, opened
from procession import Engine, Instance
from procession.base.failure import ProcessionError, StoreError
from procession.store.connection import Connection
from procession.store.sqlite import SQLiteStore
from store_audit import audit


def limited(pages: int) -> Callable[[str, int], Connection]:
    """Connections to a database that may not grow beyond so many pages: SQLite's own `disk full`."""

    def connect(path: str, busy_ms: int) -> Connection:
        connection = sqlite3.connect(path, timeout=0.05, isolation_level=None, check_same_thread=False)
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    return connect


def test_a_full_disk_refuses_what_is_new_and_keeps_what_was_told(tmp_path: Path) -> None:
    path, clock = tmp_path / "e.db", FakeClock()
    told: list[Instance] = []
    with Engine(store=SQLiteStore(path, connect=limited(120)), clock=clock) as engine:
        engine.deploy(d.one_task())
        with pytest.raises(StoreError, match=r"e\.db: the disk is full.*free space, then try again"):
            told.extend(iter(lambda: engine.start("p", {"text": "x" * 3_000}), None))
        check_stored(engine)
        assert sorted(audit(path)) == sorted(each.key for each in told)
        with pytest.raises(StoreError, match="full"):
            engine.start("p", {"text": "x" * 3_000})
        assert told[0].state == "active", "reading goes on"
    with opened(path, clock) as engine:
        engine.worker("work")(lambda: {})
        engine.run_until_idle()
        assert engine.counts() == {"completed": len(told)}


def test_a_result_that_found_no_room_is_handed_in_again_without_its_work(tmp_path: Path) -> None:
    path = tmp_path / "e.db"
    store = SQLiteStore(path, connect=limited(120))
    calls: list[int] = []
    with Engine(store=store, clock=FakeClock()) as engine:
        engine.deploy(d.one_task())
        instance = engine.start("p")

        @engine.worker("work")
        def work() -> dict[str, str]:
            calls.append(1)
            return {"large": "x" * 1_000_000}

        for _ in range(3):
            with pytest.raises(StoreError, match="full"):
                engine.run_until_idle()
        assert (instance.state, calls) == ("active", [1])
        store._writer.execute("PRAGMA max_page_count = 100000")
        engine.run_until_idle()
        assert (instance.state, calls) == ("completed", [1])
    audit(path)


def test_a_file_that_another_program_locks_refuses_what_is_new_until_it_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "e.db"
    with Engine(store=SQLiteStore(path, busy_ms=20), clock=FakeClock()) as engine:
        engine.deploy(d.one_task())
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match=r"another connection .* locked: end its transaction"):
                engine.start("p")
            assert engine.instances() == [], "reading goes on"
            other.execute("ROLLBACK")
        engine.start("p")
        assert engine.counts() == {"active": 1}


def test_a_file_that_is_locked_for_one_alone_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "e.db"
    SQLiteStore(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match=r"e\.db: another connection .* locked"):
            SQLiteStore(path, busy_ms=20)
        other.execute("ROLLBACK")


def test_a_file_that_may_only_be_read_is_said_to_be_so_and_can_be_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "e.db"
    with opened(path) as engine:
        engine.deploy(d.one_task())
        engine.start("p")

    def connect(path: str, busy_ms: int) -> Connection:
        return sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None, check_same_thread=False)

    with pytest.raises(StoreError, match=r"read-only: check the permissions of the file and of its folder"):
        Engine(store=SQLiteStore(path, connect=connect))
    assert len(audit(path)) == 1


def delete(path: Path) -> None:
    path.unlink()


def replace(path: Path) -> None:
    shutil.copy(path, path.with_name("restored.db"))
    path.with_name("restored.db").rename(path)


def rename_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name("moved"))


def delete_log(path: Path) -> None:
    path.with_name(f"{path.name}-wal").unlink()


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be taken away there")
@pytest.mark.parametrize("harm", [delete, replace, rename_folder, delete_log])
def test_nothing_is_told_once_the_file_is_gone(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    (tmp_path / "here").mkdir()
    path = tmp_path / "here" / "e.db"
    with opened(path) as engine:
        engine.deploy(d.one_task())
        engine.start("p")
        harm(path)
        with pytest.raises(StoreError, match=r"deleted, moved or replaced .* restore a backup, then open"):
            engine.start("p")
        with pytest.raises(StoreError, match="deleted, moved or replaced"):
            engine.backup(tmp_path / "copy.db")
        assert not (tmp_path / "copy.db").exists()


@pytest.mark.parametrize(
    "name", ["a b.db", "#?%41&x=1.db", "file:x?mode=memory", "größe ☃.db", "'; DROP TABLE x; --", ":memory:.db", "-db"]
)
def test_a_path_is_a_path_whatever_its_characters(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    for turn in range(2):
        with opened(path) as engine:
            engine.deploy(d.one_task())
            engine.start("p")
            assert len(engine.instances()) == turn + 1
        assert [each.name for each in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("path", ["", "a\0b.db"])
def test_what_is_no_path_is_said_to_be_none(path: str) -> None:
    with pytest.raises(StoreError, match="is no path of a file"):
        Engine(path)


def test_engines_in_memory_are_their_own(tmp_path: Path) -> None:
    with Engine(":memory:") as one, Engine(":memory:") as two:
        one.deploy(d.one_task())
        assert (one.owner, two.owner) == (True, True)
        assert two.definitions() == []
        one.start("p")
        one.backup(tmp_path / "kept.db")
    with opened(tmp_path / "kept.db") as kept:
        assert kept.counts() == {"active": 1}


def test_a_damaged_instance_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    path, clock = tmp_path / "e.db", FakeClock()
    with opened(path, clock) as engine:
        engine.deploy(d.one_task())
        keys = [each.key for each in engine.start_many("p", [{}] * 5)]
        jobs = {job.instance: job.key for job in engine.jobs()}
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("UPDATE procession_fact SET data = x'01ff' WHERE instance = ?", (keys[1],))
        other.execute("UPDATE procession_fact SET data = x'015b5d' WHERE instance = ?", (keys[3],))
    with opened(path, clock) as engine:
        for key in (keys[1], keys[3]):
            with pytest.raises(StoreError, match=f"instance {key}"):
                engine.complete_job(jobs[key])
            with pytest.raises(StoreError, match=f"instance {key}"):
                engine.instance(key).variables  # noqa: B018
        engine.worker("work")(lambda: {})
        engine.run_until_idle()
        assert engine.counts() == {"active": 2, "completed": 3}


SEEDS: Final = 24


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_damaged_file_is_an_error_in_words_and_never_one_of_python(tmp_path: Path, seed: int) -> None:
    path, clock = tmp_path / "e.db", FakeClock()
    with opened(path, clock) as engine:
        engine.deploy(d.one_task())
        engine.start_many("p", [{"n": n, "text": "x" * 500} for n in range(30)])
        engine.publish("kept", "k", {"a": 1}, ttl=600)
    chance = random.Random(seed)
    data = bytearray(path.read_bytes())
    for _ in range(chance.choice((1, 20, 400))):
        at = chance.randrange(100, len(data))
        data[at] = chance.randrange(256)
    if chance.random() < 0.2:
        del data[chance.randrange(4_096, len(data)) :]
    path.write_bytes(bytes(data))
    try:
        engine = opened(path, clock)
    except StoreError:
        return
    engine.worker("work")(lambda n: {"m": n})
    calls: list[Callable[[], object]] = [
        engine.run_until_idle,
        lambda: engine.start("p"),
        lambda: [each.history for each in engine.instances()],
        lambda: [each.variables for each in engine.instances()],
        lambda: engine.publish("kept", "k"),
        engine.jobs,
        engine.incidents,
        engine.faults,
        engine.counts,
        engine.close,
    ]
    for call in calls:
        with suppress(ProcessionError):
            call()
