"""A store that refuses reads and commits for a while: nobody waits for ever, and nothing half-known is used."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

import drawn as d
from host_rig import FakeClock, FaultyStore, check_stored, opened, shard_of
from procession import Engine
from procession.base.failure import NotFound, StoreError
from procession.hosts.embedded.tickets import Ticket
from procession.runtime import requests as q
from procession.runtime.ports import Batch
from procession.runtime.rows import TextRow
from procession.store.sqlite import SQLiteStore


def refuse(what: object) -> None:
    raise StoreError("the disk is gone")


def faulty(path: Path) -> tuple[Engine, FaultyStore]:
    store = FaultyStore(SQLiteStore(path))
    engine = Engine(store=store, clock=FakeClock())
    engine.deploy(d.one_task())
    return engine, store


def test_callers_whose_writer_cannot_even_read_are_told(tmp_path: Path) -> None:
    engine, store = faulty(tmp_path / "e.db")
    committing, queued = threading.Event(), threading.Event()

    def slow_then_gone(batch: Batch) -> None:
        committing.set()
        assert queued.wait(10)
        store.reading = refuse
        raise StoreError("the disk is gone")

    store.before = slow_then_gone
    told: list[Exception] = []

    def ask() -> None:
        try:
            engine.start("p")
        except StoreError as error:
            told.append(error)

    first = threading.Thread(target=ask)
    first.start()
    assert committing.wait(10)
    others = [threading.Thread(target=ask) for _ in range(5)]
    for thread in others:
        thread.start()
    while len(engine.pump._intake) < 5:
        threading.Event().wait(0.001)
    queued.set()
    for thread in (first, *others):
        thread.join(10)
        assert not thread.is_alive()
    assert len(told) == 6
    store.before = store.reading = None
    assert engine.start("p").state == "active"
    assert len(engine.instances()) == 1
    check_stored(engine)
    engine.close()


def test_an_engine_that_could_not_read_anew_takes_its_own_store_again(tmp_path: Path) -> None:
    engine, store = faulty(tmp_path / "e.db")
    epoch = shard_of(engine).epoch

    def gone(batch: Batch) -> None:
        store.reading = refuse
        raise StoreError("the disk is gone")

    store.before = gone
    with pytest.raises(StoreError):
        engine.start("p")
    assert "client" in repr(engine)
    store.before = store.reading = None
    engine.start("p")
    assert engine.owner
    assert shard_of(engine).epoch == epoch + 1
    engine.close()


def test_the_inbox_is_looked_at_again_after_a_read_that_failed(tmp_path: Path) -> None:
    engine, store = faulty(tmp_path / "e.db")
    client = Engine(tmp_path / "e.db", call_timeout=10)
    answers: list[int] = []
    asking = threading.Thread(target=lambda: answers.append(client.start("p").key))
    asking.start()
    while not engine.store.read("inbox_tenants", (0,), TextRow):
        threading.Event().wait(0.001)
    store.reading = refuse
    with pytest.raises(StoreError):
        engine.run_until_idle()
    store.reading = None
    engine.run_until_idle()
    asking.join(10)
    assert len(answers) == 1
    client.close()
    engine.close()


def test_tokens_of_forgotten_leases_match_no_later_one(tmp_path: Path) -> None:
    with opened(tmp_path / "e.db") as engine:
        engine.deploy(d.one_task())
        engine.start("p")
        shard = shard_of(engine)

        def lease() -> int:
            shard.board.look("work", engine.clock())
            [offer] = shard.board.take("work", 1, engine.clock(), 1000)
            return offer.token

        first = lease()
        shard.forget()
        shard.begin()
        assert lease() > first


@pytest.mark.parametrize("retries", [0, 2])
def test_a_job_that_failed_is_not_leased_in_the_same_commit(tmp_path: Path, retries: int) -> None:
    clock = FakeClock()
    with opened(tmp_path / "e.db", clock) as engine:
        engine.deploy(d.one_task())
        instance = engine.start("p")
        [job] = engine.activate_jobs("work", timeout=10)
        clock.pass_by(11)
        fail = Ticket(q.FailJob("<default>", job.key, "no", job.token, retries))
        again = Ticket(q.ActivateJobs("<default>", "work", 1, "w", 1000))
        engine.pump.submit([fail, again])
        assert fail.outcome() == retries
        assert again.outcome() == []
        assert len(instance.incidents) == (retries == 0)


def test_a_job_that_is_done_is_not_leased_in_the_same_commit(tmp_path: Path) -> None:
    clock = FakeClock()
    with opened(tmp_path / "e.db", clock) as engine:
        engine.deploy(d.one_task())
        engine.start("p")
        [job] = engine.activate_jobs("work", timeout=10)
        clock.pass_by(11)
        done = Ticket(q.FinishJob("<default>", job.key, {}, job.token))
        again = Ticket(q.ActivateJobs("<default>", "work", 1, "w", 1000))
        engine.pump.submit([done, again])
        assert done.outcome() is None
        assert again.outcome() == []
        assert engine.counts() == {"completed": 1}


def test_an_owner_that_was_put_out_of_office_refuses_nothing_from_memory(tmp_path: Path) -> None:
    former = Engine(tmp_path / "e.db", clock=FakeClock())
    former.deploy(d.one_task())
    instance = former.start("p")
    with Engine(tmp_path / "e.db", clock=FakeClock(), takeover=True) as taken:
        [job] = taken.activate_jobs("work")
        taken.serve(1)
        # Its memory knows nothing of the lease, but it has to ask whoever owns the store now.
        former.complete_job(job)
        assert instance.state == "completed"
        with pytest.raises(NotFound):
            former.complete_job(job)
    former.close()
