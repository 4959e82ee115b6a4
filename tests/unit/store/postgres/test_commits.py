"""What becomes of a commit when the connection, the server or another process comes in between."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Final

import pytest

import postgres_rig
from postgres_rig import Proxy
from procession.base.failure import BadValue, StoreError
from procession.runtime import codec
from procession.runtime.ports import Batch, Doubtful, Fence, Fenced, Store
from procession.runtime.rows import FactRow, ShardRow
from procession.store.postgres.store import PostgresStore

FAR: Final = 1 << 60


@pytest.fixture
def url() -> str:
    return postgres_rig.server().database()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with closing(Proxy(postgres_rig.server().port)) as opened:
        yield opened


@pytest.fixture
def store(url: str, proxy: Proxy) -> Iterator[PostgresStore]:
    """A store behind a wire that can be cut, whose shard is taken, and which has committed once."""
    with closing(PostgresStore(proxy.url(url), patience_s=5)) as opened:
        assert opened.take(0, "me", 0, FAR)
        opened.commit(fence(), step(1))
        yield opened


def fence(epoch: int = 1) -> Fence:
    return Fence(0, epoch, 0, FAR)


def step(seq: int, instance: int = 1) -> Batch:
    batch = Batch()
    (batch.first if seq == 1 else batch.next).append((0, instance, seq, 10, codec.encode_json([])))
    return batch


def seqs(store: Store, instance: int = 1) -> list[int]:
    return [row.seq for row in store.read("facts", (0, instance, 0), FactRow)]


@pytest.mark.parametrize("cut", ["request", "answer", "late"])
def test_a_commit_whose_connection_is_cut_is_stored_once(store: PostgresStore, proxy: Proxy, cut: str) -> None:
    proxy.cut = cut
    store.commit(fence(), step(2))
    assert proxy.cuts == 1
    proxy.deliver()
    assert seqs(store) == [1, 2]
    for seq in (3, 4):
        store.commit(fence(), step(seq))
    assert seqs(store) == [1, 2, 3, 4]


def test_a_commit_of_which_nothing_can_be_learned_is_doubtful_until_the_shard_is_taken_anew(
    url: str, proxy: Proxy
) -> None:
    with closing(PostgresStore(proxy.url(url), patience_s=0.2)) as store:
        assert store.take(0, "me", 0, FAR)
        store.commit(fence(), step(1))
        proxy.refusing = True
        proxy.cut = "late"
        with pytest.raises(Doubtful, match="whether the last commit was stored is not known"):
            store.commit(fence(), step(2))
        proxy.refusing = False
        with pytest.raises(Fenced, match="take the shard anew"):
            store.commit(fence(), step(2))
        assert store.take(0, "me", 1, FAR)
        proxy.deliver()  # too late: it is of the epoch before
        assert seqs(store) == [1]
        store.commit(fence(2), step(2))
        assert seqs(store) == [1, 2]


def test_a_takeover_waits_for_the_commit_under_way_and_fences_the_next(url: str) -> None:
    """The row of the shard is locked by whoever commits: so no commit straddles a takeover."""
    server = postgres_rig.server()
    with closing(PostgresStore(url)) as old, closing(PostgresStore(url)) as new:
        assert old.take(0, "old", 0, FAR)
        old.commit(fence(), step(1))
        name = url.rpartition("/")[2]
        with postgres_rig.session(server, name) as block:
            # Holds up the old owner in the middle of his commit: behind the fence, before its end.
            block.execute(b"BEGIN")
            block.execute(b"LOCK TABLE procession_job IN ACCESS EXCLUSIVE MODE")
            batch = step(2)
            batch["job"].insert(5, (0, 5, 1, 2, 3, "t", 3, 0, 0, 0, -1, "idem", 0, "", ""))
            committing = threading.Thread(target=old.commit, args=(fence(), batch))
            committing.start()
            postgres_rig.until_waiting(server, name, 1)
            taking = threading.Thread(target=new.take, args=(0, "new", 1, FAR))
            taking.start()
            postgres_rig.until_waiting(server, name, 2)
            assert new.read("shard_read", (0,), ShardRow)[0].owner == "old"
            block.execute(b"COMMIT")
            committing.join()
            taking.join()
        assert seqs(new) == [1, 2]
        assert new.read("shard_read", (0,), ShardRow)[0].owner == "new"
        with pytest.raises(Fenced, match="took over"):
            old.commit(fence(), step(3))
        new.commit(fence(2), step(3))
        assert seqs(old) == [1, 2, 3]


def test_shards_commit_side_by_side(url: str) -> None:
    """Another shard's transaction, however long, holds nobody up."""
    server = postgres_rig.server()
    name = url.rpartition("/")[2]
    server.execute("INSERT INTO procession_shard VALUES (1, '', 0, 0, 0, 0)", database=name)
    with closing(PostgresStore(url)) as store:
        assert store.take(0, "me", 0, FAR)
        assert store.take(1, "me", 0, FAR)
        with postgres_rig.session(server, name) as block:
            block.execute(b"BEGIN")
            block.execute(b"SELECT 1 FROM procession_shard WHERE shard = 0 FOR UPDATE")
            held = threading.Thread(target=store.commit, args=(fence(), step(1)))
            held.start()
            postgres_rig.until_waiting(server, name, 1)
            for seq in (1, 2, 3):
                batch = Batch()
                row = (1 << 32, 9, seq, 10, codec.encode_json([]))
                (batch.first if seq == 1 else batch.next).append(row)
                store.commit(Fence(1, 1, 0, FAR), batch)
            block.execute(b"ROLLBACK")
            held.join()
        assert seqs(store) == [1]
        assert [row.seq for row in store.read("facts", (1 << 32, 9, 0), FactRow)] == [1, 2, 3]


def test_a_commit_that_another_transaction_holds_up_too_long_says_so(url: str) -> None:
    server = postgres_rig.server()
    name = url.rpartition("/")[2]
    with closing(PostgresStore(url, lock_ms=50)) as store:
        assert store.take(0, "me", 0, FAR)
        with postgres_rig.session(server, name) as block:
            block.execute(b"BEGIN")
            block.execute(b"LOCK TABLE procession_fact IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(StoreError, match="keeps a row or a table locked"):
                store.commit(fence(), step(1))
        store.commit(fence(), step(1))
        assert seqs(store) == [1]


def test_a_text_with_a_nul_is_stored_and_found(url: str) -> None:
    """PostgreSQL's texts cannot hold one: in columns a replacement stands for it."""
    with closing(PostgresStore(url)) as store:
        assert store.take(0, "me", 0, FAR)
        batch = Batch()
        batch["meta"].replace(("a\0b",), ("a\0b", 7))
        batch["failure"].insert(1, (0, 1, 5, "nul \0 here"))
        store.commit(fence(), batch)


@pytest.mark.parametrize("cell", [1 << 63, "\ud800"], ids=["too large", "surrogate"])
def test_what_no_column_holds_is_refused_and_nothing_is_stored(url: str, cell: int | str) -> None:
    with closing(PostgresStore(url)) as store:
        assert store.take(0, "me", 0, FAR)
        batch = step(1)
        row = (0, 1, cell, "") if isinstance(cell, int) else (0, 1, 5, cell)
        batch["failure"].insert(1, row)
        with pytest.raises(BadValue):
            store.commit(fence(), batch)
        assert seqs(store) == []
        store.commit(fence(), step(1))
        assert seqs(store) == [1]
