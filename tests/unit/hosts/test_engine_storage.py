"""What an instance costs in the store: facts as they come, a snapshot only when they outweigh it (decision 3)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import drawn as d
from host_rig import FakeClock, FaultyStore, check_stored, opened
from procession import Engine
from procession.base.failure import NotFound
from procession.core.facts import CollectionClosed, ItemCollected, VariableSet
from procession.hosts.embedded.shard import SNAPSHOT_BYTES_MIN
from procession.runtime import codec
from procession.runtime.ports import Batch
from procession.runtime.requests import Forgotten
from procession.runtime.rows import FactRow, SnapshotRow
from procession.store.sqlite import SQLiteStore


def pages_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        count: int = connection.execute("PRAGMA page_count").fetchone()[0]
    return count


class Written:
    """What the commits of an engine wrote of facts and of snapshots, in bytes."""

    def __init__(self) -> None:
        self.facts: list[int] = []
        self.snapshots: list[tuple[int, int]] = []
        """(bytes of facts since the last one, its own bytes)"""
        self._since = 0

    def __call__(self, batch: Batch) -> None:
        for row in [*batch.first, *batch.next]:
            size = len(row[4]) if isinstance(row[4], bytes) else 0
            self.facts.append(size)
            self._since += size
        for row in batch["snapshot"].new.values():
            data = row[3]
            assert isinstance(data, bytes)
            self.snapshots.append((self._since, len(data)))
            self._since = 0


@pytest.mark.parametrize("size", [10, 20_000])
def test_a_snapshot_is_taken_only_when_the_facts_outweigh_the_last_one(tmp_path: Path, size: int) -> None:
    store = FaultyStore(SQLiteStore(tmp_path / "e.db"))
    written = store.before = Written()
    with Engine(store=store, clock=FakeClock()) as engine:
        engine.deploy(d.one_task())
        instance = engine.start("p", {"ballast": "x" * size})
        for n in range(400):
            instance.set_variables({"n": n, "text": "y" * 100})
        check_stored(engine)
    last = 0
    for since, own in written.snapshots:
        assert since > max(SNAPSHOT_BYTES_MIN, last)
        last = own
    # So snapshots never cost more than the facts did, and one of a large instance comes rarely.
    assert sum(own for _, own in written.snapshots[:-1]) < sum(written.facts)
    assert len(written.snapshots) > 1


def test_a_small_instance_has_none_at_all(tmp_path: Path) -> None:
    with opened(tmp_path / "e.db") as engine:
        engine.deploy(d.one_task())
        key = engine.start("p").key
        assert engine.store.read("snapshot", (0, key), SnapshotRow) == []


def test_an_instance_needs_its_snapshot_and_the_facts_since_and_nothing_older(tmp_path: Path) -> None:
    clock = FakeClock()
    with opened(tmp_path / "e.db", clock) as engine:
        engine.deploy(d.one_task())
        instance = engine.start("p")
        for n in range(200):
            instance.set_variables({"n": n, "text": "y" * 100})
        (snapshot,) = engine.store.read("snapshot", (0, instance.key), SnapshotRow)
        rows = engine.store.read("facts", (0, instance.key, 0), FactRow)
        assert 1 < snapshot.seq < rows[-1].seq
        clock.pass_by(60)
        engine.forget("PT1M1S")
        assert engine.store.read("facts", (0, instance.key, 0), FactRow) == rows
        engine.forget("PT59S")
        left = engine.store.read("facts", (0, instance.key, 0), FactRow)
        assert left == [row for row in rows if row.seq >= snapshot.seq]
        assert {entry.kind for entry in instance.history} == {"set"}
        check_stored(engine)
    with opened(tmp_path / "e.db", clock) as engine:
        again = engine.instance(instance.key)
        assert again.variables["n"] == 199
        engine.complete_job(again.jobs[0].key, {"done": True})
        assert again.state == "completed"


def test_an_active_instance_is_never_forgotten(tmp_path: Path) -> None:
    clock = FakeClock()
    with opened(tmp_path / "e.db", clock) as engine:
        engine.deploy(d.one_task())
        instance = engine.start("p")
        clock.pass_by(10 * 365 * 86_400)
        assert engine.forget(0, 0) == Forgotten(1, 0, 0)
        engine.complete_job(instance.jobs[0].key)
        assert instance.state == "completed"
        assert len(instance.history) > 5


def test_history_and_what_is_left_of_an_instance_have_their_own_retention(tmp_path: Path) -> None:
    clock = FakeClock()
    with opened(tmp_path / "e.db", clock) as engine:
        engine.deploy(d.one_task())
        engine.worker("work")(lambda: None)
        keys: list[int] = []
        for _ in range(3):
            batch = engine.start_many("p", [{"text": "x" * 1_000}] * 150)
            keys.append(batch[0].key)
            engine.run_until_idle()
            clock.pass_by(86_400)
        pages = pages_of(tmp_path / "e.db")
        # Ended 3, 2 and 1 days ago: the first is forgotten, the second keeps its row, the third everything.
        assert engine.forget("P1DT12H", "P2DT12H") == Forgotten(450, 300, 150)
        with pytest.raises(NotFound):
            engine.instance(keys[0])
        forgotten = engine.instance(keys[1])
        assert forgotten.state == "completed"
        for question in (lambda: forgotten.history, lambda: forgotten.variables):
            with pytest.raises(NotFound, match="no longer kept"):
                question()
        assert engine.instance(keys[2]).variables == {"text": "x" * 1_000}
        assert engine.counts() == {"completed": 300}
        assert engine.definitions()
        assert pages_of(tmp_path / "e.db") < pages * 0.75, "the file did not shrink"


def test_results_of_a_collection_are_written_one_by_one_and_never_again(tmp_path: Path) -> None:
    each = (
        '<bpmn:serviceTask id="@"><bpmn:extensionElements><zeebe:taskDefinition type="work"/></bpmn:extensionElements>~'
        "<bpmn:multiInstanceLoopCharacteristics><bpmn:extensionElements><zeebe:loopCharacteristics "
        'inputCollection="= items" inputElement="item" outputCollection="made" outputElement="= text"/>'
        "</bpmn:extensionElements></bpmn:multiInstanceLoopCharacteristics></bpmn:serviceTask>"
    )
    with opened(tmp_path / "e.db") as engine:
        engine.deploy(("p.bpmn", d.document(d.process("p", "a -> w, w -> b", a=d.start(), w=each, b=d.end()))))
        instance = engine.start("p", {"items": list(range(50))})
        engine.worker("work")(lambda item: {"text": f"result {item} " + "z" * 100})
        engine.run_until_idle()
        made = instance.variables["made"]
        assert isinstance(made, list)
        assert len(made) == 50
        facts: list[Any] = [
            fact
            for row in engine.store.read("facts", (0, instance.key, 0), FactRow)
            for fact in codec.decode_facts(row.data)
        ]
    collected = [fact for fact in facts if isinstance(fact, ItemCollected)]
    assert sorted(fact.index for fact in collected) == list(range(1, 51))
    (closed,) = [fact for fact in facts if isinstance(fact, CollectionClosed)]
    assert len(codec.encode_json(closed)) < 100
    assert not any(isinstance(fact, VariableSet) and isinstance(fact.value, list) for fact in facts)
