"""What every store promises. Each test runs on each store; a new one is a row of `store_rig.STORES`."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from procession.base.failure import StoreError
from procession.runtime import codec
from procession.runtime.ports import Batch, Cells, Fence, Fenced, Store
from procession.runtime.rows import (
    AnswerRow,
    FactRow,
    InboxRow,
    InstanceRow,
    IntRow,
    JobRow,
    JobTypeRow,
    ShardRow,
    SnapshotRow,
    TextRow,
    TimerRow,
)
from procession.store.sqlite import SQLiteStore
from store_rig import STORES

FAR: Final = 1 << 60


@pytest.fixture(params=list(STORES))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened = STORES[request.param](tmp_path)
    yield opened
    opened.close()


def fence(store: Store, epoch: int = 1, last_key: int = 0) -> Fence:
    """Takes the shard on the way, if nobody has it."""
    if store.read("shard_read", (0,), ShardRow)[0].epoch == 0:
        assert store.take(0, "me", 0, FAR)
    return Fence(0, epoch, last_key, FAR)


def facts(*steps: tuple[int, int], new: bool = True) -> Batch:
    """A batch of steps (instance, seq); `new` tells which are the first of their instance in the store."""
    batch = Batch()
    for instance, seq in steps:
        (batch.first if new else batch.next).append((0, instance, seq, 10 * seq, codec.encode_json([])))
    return batch


def seqs(store: Store, instance: int, after: int = 0) -> list[int]:
    return [row.seq for row in store.read("facts", (0, instance, after), FactRow)]


def job(key: int, type: str = "t", due: int = 0, tenant: int = 0) -> Cells:
    return (tenant, key, 1, 2, 3, type, 3, 0, due, 0, -1, "idem", 0, "", "")


def test_a_commit_writes_all_of_a_batch(store: Store) -> None:
    batch = facts((1, 1), (1, 2), (2, 1))
    batch["instance"].insert(1, (0, 1, 7, 0, 100, None, "bk", 0, 1, 0, "", 0))
    batch["job"].insert(5, job(5))
    batch["snapshot"].insert(1, (0, 1, 2, codec.wrap(b"x")))
    store.commit(fence(store, last_key=99), batch)
    assert (seqs(store, 1), seqs(store, 2), seqs(store, 1, 1)) == ([1, 2], [1], [2])
    assert store.read("instance", (0, 1), InstanceRow) == [InstanceRow(1, 7, 0, 100, None, "bk", 0, 1, 0, "", 0)]
    assert [row.key for row in store.read("jobs_ready", (0, "t", 0, -1, 0, 9), JobRow)] == [5]
    assert store.read("snapshot", (0, 1), SnapshotRow) == [SnapshotRow(2, codec.wrap(b"x"))]
    assert store.read("shard_read", (0,), ShardRow)[0].last_key == 99


def test_the_last_key_never_goes_back(store: Store) -> None:
    store.commit(fence(store, last_key=99), facts((1, 1)))
    store.commit(fence(store, last_key=5), facts((2, 1)))
    assert store.read("shard_read", (0,), ShardRow)[0].last_key == 99


@pytest.mark.parametrize("epoch", [0, 2, 9])
def test_a_commit_under_another_epoch_is_refused(store: Store, epoch: int) -> None:
    store.commit(fence(store), facts((1, 1)))
    batch = facts((1, 2), new=False)
    batch["job"].insert(5, job(5))
    with pytest.raises(Fenced):
        store.commit(fence(store, epoch), batch)
    assert seqs(store, 1) == [1]
    assert store.read("jobs", (0, 0, 9), JobRow) == []


@pytest.mark.parametrize(
    ("seq", "new"),
    [(2, True), (2, False), (4, False), (5, False), (1, True)],
    ids=["repeated as new", "repeated", "after a gap", "after a larger gap", "started twice"],
)
def test_a_step_at_another_sequence_than_the_stored_one_is_refused(store: Store, seq: int, new: bool) -> None:
    store.commit(fence(store), facts((1, 1), (1, 2)))
    batch = facts((1, seq), new=new)
    batch["timer"].insert(6, (0, 6, 1, 1, 1, 1, "", 0))
    with pytest.raises(Fenced):
        store.commit(fence(store), batch)
    assert seqs(store, 1) == [1, 2]
    assert store.read("timers_due", (0, 9, 9), TimerRow) == []
    store.commit(fence(store), facts((1, 3), new=False))
    assert seqs(store, 1) == [1, 2, 3]


def test_steps_of_one_batch_may_follow_each_other(store: Store) -> None:
    store.commit(fence(store), facts((1, 1)))
    batch = facts((1, 2), new=False)
    batch.first.append((0, 1, 3, 30, codec.encode_json([])))
    store.commit(fence(store), batch)
    assert seqs(store, 1) == [1, 2, 3]


def test_a_lease_is_taken_once(store: Store) -> None:
    assert store.take(0, "a", 0, FAR)
    assert not store.take(0, "b", 0, FAR)
    assert store.read("shard_read", (0,), ShardRow)[0].owner == "a"
    assert store.take(0, "b", 1, FAR)
    with pytest.raises(Fenced):
        store.commit(Fence(0, 1, 0, FAR), facts((1, 1)))
    store.release(0, 1)
    assert store.read("shard_read", (0,), ShardRow)[0].owner == "b"
    store.release(0, 2)
    assert store.read("shard_read", (0,), ShardRow)[0].owner == ""


def test_what_is_inserted_and_deleted_in_one_commit_is_never_written(store: Store) -> None:
    batch = Batch()
    batch["job"].insert(5, job(5))
    batch["job"].delete(5, (0, 5))
    assert not batch
    batch["job"].insert(6, job(6))
    store.commit(fence(store), batch)
    assert [row.key for row in store.read("jobs", (0, 0, 9), JobRow)] == [6]


def test_a_replaced_row_that_is_deleted_in_the_same_commit_is_gone(store: Store) -> None:
    batch = Batch()
    batch["job"].insert(5, job(5))
    store.commit(fence(store), batch)
    batch = Batch()
    batch["job"].replace(5, job(5, "other"))
    batch["job"].delete(5, (0, 5))
    store.commit(fence(store), batch)
    assert store.read("jobs", (0, 0, 9), JobRow) == []


def test_a_row_that_is_deleted_and_made_anew_in_one_commit_stays(store: Store) -> None:
    batch = Batch()
    batch["job"].insert(5, job(5))
    store.commit(fence(store), batch)
    batch = Batch()
    batch["job"].delete(5, (0, 5))
    batch["job"].replace(5, job(5, "new"))
    store.commit(fence(store), batch)
    assert [row.type for row in store.read("jobs", (0, 0, 9), JobRow)] == ["new"]


def test_ready_jobs_come_in_order_of_their_time_page_by_page(store: Store) -> None:
    batch = Batch()
    for key in range(1, 8):
        batch["job"].insert(key, job(key, due=key % 3))
    batch["job"].insert(20, job(20, "other"))
    batch["job"].insert(21, job(21, tenant=3))
    store.commit(fence(store), batch)
    found: list[int] = []
    cursor = (-1, 0)
    while rows := store.read("jobs_ready", (0, "t", 1, *cursor, 2), JobRow):
        found += [row.key for row in rows]
        cursor = (rows[-1].due, rows[-1].key)
    assert found == [3, 6, 1, 4, 7]
    assert store.read("job_next_due", (0, "t", 1), IntRow)[0].value == 2


def test_a_number_of_a_source_enters_the_inbox_once_and_in_order(store: Store) -> None:
    fence(store)
    store.post([("t", 0, "a", 1, 5, b"one"), ("t", 0, "a", 2, 5, b"two")])
    store.post([("t", 0, "a", 2, 6, b"again"), ("t", 0, "b", 1, 6, b"three"), ("u", 0, "a", 2, 6, b"other")])
    rows = store.read("inbox_open", (0, "t", 9), InboxRow)
    assert [(row.source, row.source_number, row.body) for row in rows] == [
        ("a", 1, b"one"),
        ("a", 2, b"two"),
        ("b", 1, b"three"),
    ]
    assert [row.value for row in store.read("inbox_tenants", (0,), TextRow)] == ["t", "u"]
    batch = Batch()
    batch["inbox"].change("inbox_answer", (b"done", rows[0].number))
    batch["inbox"].change("inbox_fail", (b"bug", rows[1].number))
    store.commit(fence(store), batch)
    assert [row.body for row in store.read("inbox_open", (0, "t", 9), InboxRow)] == [b"three"]
    assert store.read("inbox_result", ("t", "a", 1), AnswerRow) == [AnswerRow(1, b"done")]
    assert store.read("inbox_result", ("t", "b", 1), AnswerRow) == [AnswerRow(0, None)]


def test_readers_of_other_threads_never_see_half_a_commit(store: Store) -> None:
    first = fence(store)
    torn: list[list[int]] = []
    stop = threading.Event()

    def reader() -> None:
        while not stop.is_set():
            found = seqs(store, 1)
            if len(found) % 3:
                torn.append(found)

    thread = threading.Thread(target=reader)
    thread.start()
    for step in range(30):
        store.commit(first, facts(*((1, 3 * step + n) for n in (1, 2, 3))))
    stop.set()
    thread.join()
    assert torn == []


def test_a_backup_holds_what_was_committed_and_has_no_owner(store: Store, tmp_path: Path) -> None:
    if not isinstance(store, SQLiteStore):
        pytest.skip("a server's database is dumped: tests/unit/store/postgres/test_operations.py")
    store.commit(fence(store), facts((1, 1)))
    store.backup(tmp_path / "copy.db")
    copy = SQLiteStore(tmp_path / "copy.db")
    assert seqs(copy, 1) == [1]
    assert copy.read("shard_read", (0,), ShardRow)[0].owner == ""
    copy.close()
    with pytest.raises(StoreError, match="exists"):
        store.backup(tmp_path / "copy.db")


def test_a_key_that_is_reserved_in_a_transaction_is_given_once(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "s.db")
    application = sqlite3.connect(tmp_path / "s.db")
    keys = [store.reserve(0, 1_000, application) for _ in range(3)]
    application.commit()
    application.close()
    assert keys == [1_000, 1_001, 1_002]
    store.close()


def test_who_names_a_turn_commits_only_if_nobody_else_did(store: Store) -> None:
    before = fence(store)
    turn = store.read("shard_read", (0,), ShardRow)[0].turn
    store.commit(Fence(0, 1, 0, FAR, turn), facts((1, 1)))
    assert store.read("shard_read", (0,), ShardRow)[0].turn == turn + 1
    with pytest.raises(Fenced):
        store.commit(Fence(0, 1, 0, FAR, turn), facts((2, 1)))
    assert seqs(store, 2) == []
    store.commit(Fence(0, 1, 0, FAR, turn + 1), facts((2, 1)))
    # Who is alone counts, and asks for none.
    store.commit(before, facts((3, 1)))
    assert store.read("shard_read", (0,), ShardRow)[0].turn == turn + 3


def test_a_gate_lets_one_in_after_the_other(store: Store) -> None:
    gate = store.gate(0)
    gate.enter()
    gate.leave()
    gate.enter()
    gate.leave()


def test_types_of_jobs_are_found_with_the_time_of_their_first(store: Store) -> None:
    batch = Batch()
    for key, (type, due, tenant) in enumerate([("b", 7, 0), ("a", 5, 0), ("a", 3, 0), ("a", 9, 4), ("z", 1, 4)], 10):
        batch["job"].insert(key, job(key, type, due, tenant))
    store.commit(fence(store), batch)
    found = store.read("job_types", (0, 4), JobTypeRow)
    # In which order is nobody's business: where types are sealed, it is that of their seals.
    assert {(row.tenant, row.type, row.due) for row in found} == {(0, "a", 3), (0, "b", 7)}
    assert len(store.read("job_types", (0, 5), JobTypeRow)) == 4
    assert store.read("job_types", (5, 6), JobTypeRow) == []


def test_it_tells_its_time(store: Store) -> None:
    there = store.read("store_now", (), IntRow)[0].value
    assert there is not None
    assert abs(there - time.time() * 1000) < 60_000
