"""A backup of an engine that is hard at work is a whole engine: it runs on by itself, nothing lost, nothing doubled."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest

from process_rig import Child, doubled, effects_of, until
from procession import Engine, Job
from procession.base.failure import StoreError
from procession.store.sqlite import SQLiteStore
from store_audit import audit, facts_of, rows

INSTANCES: Final = 80
TYPES: Final = ("first", "second", "third", "charge", "ship", "work")


def done(path: Path) -> int:
    return int(rows(path, "SELECT count(*) FROM procession_fact")[0][0])


def load(writer: Child) -> None:
    """A process that serves, with messages kept for orders to come."""
    writer.ready()
    writer.ask("deploy")
    writer.ask("serve", 2)
    for number in range(10):
        writer.ask("publish", "paid", f"{number}", ttl=3_600)
    writer.ask("start_many", "order", [{"number": f"{number}", "items": [1, 2]} for number in range(10)])


def recorded(engine: Engine, effects: Path) -> None:
    for type in TYPES:

        @engine.worker(type)
        def work(job: Job) -> None:
            line = {"place": [job.instance, job.element_id, job.variables.get("item")], "key": job.idempotency_key}
            with effects.open("a") as file:
                file.write(json.dumps(line) + "\n")


def keys_of(effects: Path) -> set[str]:
    return {key for keys in effects_of(effects).values() for key in keys}


def run_to_the_end(copy: Path, effects: Path) -> None:
    with Engine(copy) as engine:
        assert engine.owner, "a backup belongs to nobody"
        recorded(engine, effects)
        for task in engine.tasks():
            engine.complete_task(task.key)
        engine.run_until_idle()
        assert engine.counts().keys() <= {"completed"}, engine.counts()
        assert engine.jobs() == []


def through_the_engine(writer: Child, source: Path, target: Path) -> None:
    assert len(writer.answer()) == INSTANCES
    writer.ask("backup", str(target))


def through_another_process(writer: Child, source: Path, target: Path) -> None:
    store = SQLiteStore(source)
    store.backup(target)
    store.close()
    assert len(writer.answer()) == INSTANCES


@pytest.mark.parametrize("how", [through_the_engine, through_another_process])
def test_backups_under_load_are_whole_and_run_on(tmp_path: Path, how: Callable[[Child, Path, Path], None]) -> None:
    source = tmp_path / "engine.db"
    copies: list[Path] = []
    with Child(source, tmp_path / "effects") as writer:
        load(writer)
        for number in range(4):
            behind = done(source)
            writer.tell("start_many", "chain", [{}] * INSTANCES)
            while done(source) == behind:
                os.sched_yield()
            copies.append(tmp_path / f"copy{number}.db")
            how(writer, source, copies[-1])
        until(lambda: not rows(source, "SELECT 1 FROM procession_job"), "the writer has done its jobs", deadline_s=60)
    assert doubled(tmp_path / "effects") == {}
    counts: list[int] = []
    waiting = [{row[0] for row in rows(copy, "SELECT idempotency_key FROM procession_job")} for copy in copies]
    for number, copy in enumerate(copies):
        before = facts_of(copy)
        counts.append(len(before))
        states = audit(copy)
        # A prefix of what the original wrote: nothing that it did not, no step without the one before.
        original = facts_of(source)
        assert all(original[place] == data for place, data in before.items())
        effects = tmp_path / f"effects{number}"
        run_to_the_end(copy, effects)
        assert set(audit(copy)) == set(states)
        assert all(facts_of(copy)[place] == data for place, data in before.items()), "history was rewritten"
        assert doubled(effects) == {}
        again = {place: keys for place, keys in effects_of(effects).items() if len(keys) > 1}
        assert again == {}, "the restored engine did a job twice"
        # The jobs that both had when they parted are done under the same keys: who gets both effects can tell.
        assert waiting[number] <= keys_of(effects)
        assert waiting[number] <= keys_of(tmp_path / "effects")
    assert counts == sorted(counts)
    assert any(waiting), "no backup met a job under way"


def test_a_backup_is_whole_or_not_there(tmp_path: Path) -> None:
    with Engine(tmp_path / "e.db") as engine:
        with pytest.raises(StoreError, match="folder exists"):
            engine.backup(tmp_path / "no" / "copy.db")
        engine.backup(tmp_path / "copy.db")
        held = (tmp_path / "copy.db").read_bytes()
        with pytest.raises(StoreError, match="exists already; a backup never overwrites"):
            engine.backup(tmp_path / "copy.db")
        assert (tmp_path / "copy.db").read_bytes() == held
        # What an interrupted one left does not stand in the way of the next.
        (tmp_path / "next.db.part").write_bytes(b"half")
        engine.backup(tmp_path / "next.db")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.db", "e.db", "next.db"]


def test_a_backup_that_fails_leaves_nothing_that_looks_like_one(tmp_path: Path) -> None:
    class Cut:
        """A connection whose copying ends in the middle."""

        def __init__(self, inner: sqlite3.Connection) -> None:
            self.inner = inner

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

        def backup(self, target: sqlite3.Connection) -> None:
            def stop(status: int, remaining: int, total: int) -> None:
                raise sqlite3.OperationalError("the power is gone")

            self.inner.backup(target, pages=1, progress=stop)

    def connect(path: str, busy_ms: int) -> Any:
        return Cut(sqlite3.connect(path, isolation_level=None, check_same_thread=False))

    store = SQLiteStore(tmp_path / "e.db", connect=connect)
    with pytest.raises(StoreError, match=r"copy\.db: the power is gone"):
        store.backup(tmp_path / "copy.db")
    store.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["e.db"]


def test_a_backup_is_of_the_file_that_was_opened_wherever_the_process_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Engine("e.db") as engine:
        engine.start_many("none", [])
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        engine.publish("kept", "k", ttl=600)
        engine.backup("copy.db")
    with closing(sqlite3.connect(tmp_path / "elsewhere" / "copy.db")) as copy:
        assert copy.execute("SELECT name FROM procession_message").fetchall() == [("kept",)]
    assert os.listdir(tmp_path / "elsewhere") == ["copy.db"]
