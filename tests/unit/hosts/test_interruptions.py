"""Callers, threads and processes at the wrong moment: nobody waits for ever, nobody is told what did not happen."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest

import drawn as d
from host_rig import FakeClock, FaultyStore, check_stored, opened, shard_of
from procession import AsyncEngine, Engine, Instance
from procession.base.failure import Conflict, ProcessionError, StoreError
from procession.hosts.embedded import pump
from procession.hosts.embedded.tickets import Intake
from procession.runtime.ports import Batch
from procession.runtime.rows import NamedRow
from procession.runtime.tenants import EVERYBODY
from procession.store.sqlite import SQLiteStore
from store_audit import audit

PATIENCE_S: Final = 20.0
WAITING: Final = ("p.bpmn", d.document(d.process("w", "a -> t, t -> b", "w_", a=d.start(), t=d.user(), b=d.end())))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "e.db"


@pytest.fixture
def engine(path: Path) -> Iterator[Engine]:
    with opened(path) as found:
        found.deploy(d.one_task())
        yield found


class Gate:
    """A store's commit that waits until it is told how to go on."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.go_on = threading.Event()
        self.error: BaseException | None = None

    def __call__(self, batch: Batch) -> None:
        self.reached.set()
        assert self.go_on.wait(PATIENCE_S)
        if self.error is not None:
            raise self.error


def outcome(call: Callable[[], object]) -> object:
    try:
        return call()
    except BaseException as error:  # the test looks at whatever it was
        return error


def in_thread(found: list[object], call: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=lambda: found.append(outcome(call)), daemon=True)
    thread.start()
    return thread


def queued(engine: Engine, count: int) -> None:
    """Waits until so many requests queue for the writer."""
    while len(engine.pump._intake) < count:
        os.sched_yield()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(), MemoryError(), StoreError("the disk is full")])
def test_whoever_waits_beside_a_caller_that_is_interrupted_goes_on(path: Path, error: BaseException) -> None:
    store = FaultyStore(SQLiteStore(path))
    with Engine(store=store, clock=FakeClock()) as engine:
        engine.deploy(d.one_task())
        gate = store.before = Gate()
        gate.error = error
        leading: list[object] = []
        first = in_thread(leading, lambda: engine.start("p", {"who": "first"}))
        assert gate.reached.wait(PATIENCE_S)
        others: list[object] = []
        threads = [in_thread(others, lambda: engine.start("p", {"who": "other"})) for _ in range(3)]
        queued(engine, 3)
        store.before = None
        gate.go_on.set()
        for thread in (first, *threads):
            thread.join(PATIENCE_S)
            assert not thread.is_alive(), "a caller waits for ever"
        (told,) = leading
        # An interruption is the caller's; a commit that merely failed is tried again, and this time it passes.
        assert (told is error) != isinstance(error, Exception)
        assert all(isinstance(each, Instance) for each in others)
        stored = [str(each.variables["who"]) for each in engine.instances()]
        assert sorted(stored) == ["first"] * isinstance(error, Exception) + ["other"] * 3
        check_stored(engine)


def test_callers_whose_batch_was_interrupted_are_told_that_nobody_knows(path: Path) -> None:
    store = FaultyStore(SQLiteStore(path))
    with Engine(store=store, clock=FakeClock()) as engine:
        engine.deploy(d.one_task())
        first, second = Gate(), Gate()
        second.error = KeyboardInterrupt()
        gates = [first, second]
        store.before = lambda batch: gates.pop(0)(batch) if gates else None
        found: list[object] = []
        threads = [in_thread(found, lambda: engine.start("p"))]
        assert first.reached.wait(PATIENCE_S)
        threads += [in_thread(found, lambda: engine.start("p")) for _ in range(3)]
        queued(engine, 3)
        first.go_on.set()
        assert second.reached.wait(PATIENCE_S)
        second.go_on.set()
        for thread in threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive(), "a caller waits for ever"
        errors = [each for each in found if isinstance(each, BaseException)]
        assert len(errors) >= 1
        assert {type(each) for each in errors} <= {KeyboardInterrupt, StoreError}
        assert all("look whether it was stored" in str(each) for each in errors if isinstance(each, StoreError))
        assert len(engine.instances()) == 4 - len(errors)


class Blind(FaultyStore):
    """A store whose reads fail too, while it is told to: a disk that is gone."""

    broken = False

    def read(self, query: str, args: Any, row: Any) -> Any:
        if self.broken:
            raise StoreError("the disk reported an error")
        return super().read(query, args, row)


def test_nobody_waits_for_a_store_that_can_neither_be_written_nor_read(path: Path) -> None:
    store = Blind(SQLiteStore(path))
    engine = Engine(store=store, clock=FakeClock())
    engine.deploy(d.one_task())
    gate = store.before = Gate()
    gate.error = StoreError("the disk reported an error")
    found: list[object] = []
    threads = [in_thread(found, lambda: engine.start("p"))]
    assert gate.reached.wait(PATIENCE_S)
    threads += [in_thread(found, lambda: engine.start("p")) for _ in range(3)]
    queued(engine, 3)
    store.broken = True
    gate.go_on.set()
    for thread in threads:
        thread.join(PATIENCE_S)
        assert not thread.is_alive(), "a caller waits for ever"
    assert [type(each) for each in found] == [StoreError] * 4
    store.broken, store.before = False, None
    engine.start("p")
    assert len(engine.instances()) == 1
    engine.close()


def test_a_woken_caller_that_is_gone_leaves_nobody_behind(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pump, "WAKE_S", 0.01)
    store = FaultyStore(SQLiteStore(path))
    with Engine(store=store, clock=FakeClock()) as engine:
        engine.deploy(d.one_task())
        gate = store.before = Gate()
        found: list[object] = []
        threads = [in_thread(found, lambda: engine.start("p"))]
        assert gate.reached.wait(PATIENCE_S)
        # As if the one that is woken were interrupted at that very moment: the wake-up call is lost.
        monkeypatch.setattr(Intake, "promote", lambda self: None)
        threads += [in_thread(found, lambda: engine.start("p")) for _ in range(2)]
        queued(engine, 2)
        store.before = None
        gate.go_on.set()
        for thread in threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive()
        assert len(engine.instances()) == 3


def test_calls_while_the_engine_is_closed_are_done_or_refused_and_never_half(path: Path) -> None:
    for turn in range(10):
        engine = opened(path)
        engine.deploy(d.one_task())
        before = len(engine.instances(limit=10_000))
        engine.worker("none")(lambda: {})
        engine.serve(1)
        found: list[object] = []
        ready = threading.Barrier(5)

        def caller(engine: Engine = engine, ready: threading.Barrier = ready) -> int:
            ready.wait(PATIENCE_S)
            count = 0
            try:
                while True:
                    engine.start("p")
                    count += 1
            except Conflict as closed:
                assert "the engine is closed: open another one" in str(closed)  # noqa: PT017
            return count

        threads = [in_thread(found, caller) for _ in range(4)]
        ready.wait(PATIENCE_S)
        if turn % 2:
            engine.start_many("p", [{}] * 5)
            found.append(5)
        engine.close()
        for thread in threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive()
        assert all(isinstance(each, int) for each in found), found
        assert len(audit(path)) == before + sum(each for each in found if isinstance(each, int))
        # Nobody holds the store: the next one need not wait for a lease to end.
        with closing(sqlite3.connect(path)) as other:
            assert other.execute("SELECT owner FROM procession_shard").fetchall() == [("",)]


@pytest.mark.parametrize(
    "call",
    [
        lambda e: e.start("p"),
        lambda e: e.instances(),
        lambda e: e.run_until_idle(),
        lambda e: e.publish("go"),
        lambda e: e.start_many("p", [{}]),
        lambda e: e.counts(),
    ],
)
def test_a_closed_engine_says_that_it_is(path: Path, call: Callable[[Engine], object]) -> None:
    engine = opened(path)
    engine.close()
    with pytest.raises(Conflict, match="the engine is closed: open another one"):
        call(engine)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_is_refused_and_does_the_original_no_harm(path: Path, engine: Engine) -> None:
    engine.serve(1)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        texts = [str(outcome(call)) for call in (lambda: engine.start("p"), engine.instances, engine.run_until_idle)]
        outcome(engine.close)
        os.write(writing, "\n".join(texts).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        texts = pipe.read().splitlines()
    assert os.waitpid(child, 0)[1] == 0
    assert len(texts) == 3
    assert all("is a fork: open an engine of its own after the fork" in text for text in texts), texts
    engine.start("p")
    assert engine.owner
    assert len(engine.instances()) == 1
    engine.stop()
    audit(path)


def test_a_request_that_nobody_can_read_is_put_aside_and_the_others_go_on(path: Path) -> None:
    clock = FakeClock()
    with opened(path, clock) as engine, opened(path, clock) as client:
        engine.deploy(d.one_task())
        with closing(sqlite3.connect(path)) as other, other:
            for number, body in enumerate((b"", b"\x01{", b'\x01{"request":"Teleport","tenant":"t"}', b"\x09zip")):
                row = ("c:newer", number + 1, body)
                other.execute(
                    "INSERT INTO procession_inbox (tenant, shard, source, source_number, at, state, body) "
                    f"VALUES ('<default>', 0, ?, ?, {clock()}, 0, ?)",
                    row,
                )
        engine.serve(1)
        assert client.start("p").state == "active"
        faults = [each for each in engine.faults() if each.request]
        assert len(faults) == 4
        assert all("the request cannot be read" in each.text for each in faults)
        engine.stop()


def test_a_fault_in_the_thread_of_the_timers_does_not_end_it(
    path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("procession.hosts.embedded.serving.RETRY_S", 0.01)
    shard, met = shard_of(engine), threading.Event()

    def broken(now: int) -> bool:
        met.set()
        raise ZeroDivisionError("a bug of ours")

    with monkeypatch.context() as patch:
        patch.setattr(type(shard.board), "wake", lambda self, now: broken(now))
        engine.serve(0)
        assert met.wait(PATIENCE_S)
    drawn = d.process("t", "a -> t, t -> b", "t_", a=d.start(), t=d.catch(d.on_timer("duration", "PT0S")), b=d.end())
    engine.deploy(("t.bpmn", d.document(drawn)))
    instance = engine.start("t")
    assert engine.wait_until(lambda: instance.state == "completed", PATIENCE_S)
    engine.stop()


def test_a_cancelled_call_is_carried_out_once(path: Path) -> None:
    async def cancelled() -> int:
        async with AsyncEngine(path) as engine:
            await engine.deploy(d.one_task())
            calls = [asyncio.ensure_future(engine.start("p", {"n": n})) for n in range(30)]
            await calls[0]
            for call in calls[1:]:
                call.cancel()
            done = await asyncio.gather(*calls, return_exceptions=True)
            await engine.start("p", {"n": 99})
            return sum(not isinstance(each, BaseException) for each in done)

    answered = asyncio.run(cancelled())
    states = audit(path)
    numbers = sorted(int(str((state.root.variables or {})["n"])) for state in states.values() if state.root)
    assert len(numbers) == len(set(numbers)), "a call was carried out twice"
    assert answered + 1 <= len(numbers) <= 31
    assert 99 in numbers


def test_an_applications_transaction_and_the_engines_own_calls_in_one_thread(path: Path) -> None:
    store = SQLiteStore(path, busy_ms=50)
    with Engine(store=store, clock=FakeClock()) as engine, closing(sqlite3.connect(path)) as application:
        engine.deploy(d.one_task())
        started = engine.start("p", {"n": 1}, connection=application)
        # The transaction keeps the file: what needs a commit of its own has to wait for it, and says so.
        with pytest.raises(StoreError, match="end its transaction"):
            engine.start("p", {"n": 2})
        application.commit()
        engine.run_until_idle()
        assert [each.key for each in engine.instances()] == [started.key]


def test_a_start_committed_while_no_engine_runs_happens_when_one_does(path: Path) -> None:
    clock = FakeClock()
    with closing(sqlite3.connect(path)) as application:
        # The engine closes while the transaction keeps the file, so it cannot even sign out.
        with Engine(store=SQLiteStore(path, busy_ms=50), clock=clock) as engine:
            engine.deploy(d.one_task())
            kept = engine.start("p", {"n": 1}, connection=application)
            engine.start("p", {"n": 2}, connection=application)
        application.commit()
        dropped: Any = None
        with opened(path, clock) as engine:
            dropped = engine.start("p", {"n": 3}, connection=application)
            application.rollback()
            engine.run_until_idle()
            assert sorted(str(each.variables["n"]) for each in engine.instances()) == ["1", "2"]
            assert engine.instance(kept.key).state == "active"
            with pytest.raises(ProcessionError, match=str(dropped.key)):
                engine.instance(dropped.key)
    with opened(path, clock) as engine:
        engine.run_until_idle()
        assert len(engine.instances()) == 2


def test_two_engines_that_take_the_store_from_each_other_lose_nothing(path: Path) -> None:
    clock = FakeClock()
    engines = [opened(path, clock)]
    engines[0].deploy(d.one_task(), WAITING)
    started = []
    for turn in range(12):
        started += [each.start("p", {"n": turn}).key for each in engines[-2:]]
        engines.append(Engine(path, clock=clock, takeover=True))
        assert engines[-1].owner
        engines[-1].serve(1)
    done: list[str] = []
    for engine in engines:
        engine.worker("work")(lambda job, done=done: done.append(job.idempotency_key))
    last = engines[-1]
    assert last.wait_until(lambda: last.counts() == {"completed": len(started)}, PATIENCE_S)
    for engine in engines:
        engine.close()
    assert sorted(audit(path)) == sorted(started)
    # A fenced owner does not know it until it writes, so its workers may repeat a job: under the same key.
    assert len(set(done)) == len(started)


@pytest.mark.parametrize("back", [3_600, 40 * 366 * 86_400], ids=["an hour", "to the last century"])
def test_a_clock_that_is_set_back_delays_and_confuses_nothing(path: Path, back: int) -> None:
    clock = FakeClock()
    drawn = d.process("t", "a -> t, t -> b", "t_", a=d.start(), t=d.catch(d.on_timer("duration", "PT10M")), b=d.end())
    with opened(path, clock) as engine:
        engine.deploy(d.one_task(), ("t.bpmn", d.document(drawn)))
        before = [engine.start("p").key, engine.start("t").key]
        clock.pass_by(-back)
        after = [engine.start("p").key, engine.start("t").key]
        engine.worker("work")(lambda: {})
        engine.run_until_idle()
        assert len({*before, *after}) == 4
        assert engine.instance(before[0]).state == engine.instance(after[0]).state == "completed"
    with opened(path, clock) as engine:
        keys = [engine.start("p").key for _ in range(3)]
        assert min(keys) > max(before + after), "a key is given twice"
        clock.pass_by(back + 601)
        engine.run_until_idle()
        assert engine.counts() == {"active": 3, "completed": 4}
    audit(path)


def by_column(cursor: sqlite3.Cursor, row: tuple[object, ...]) -> dict[str, object]:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}


@pytest.mark.parametrize("factory", [None, sqlite3.Row, by_column])
@pytest.mark.parametrize("isolation", [None, "DEFERRED", "IMMEDIATE"])
def test_a_connection_of_the_application_may_be_of_any_kind(
    path: Path, engine: Engine, factory: Any, isolation: Any
) -> None:
    with closing(sqlite3.connect(path, isolation_level=isolation)) as application:
        application.row_factory = factory
        instance = engine.start("p", {"n": 1}, connection=application)
        application.commit()
    engine.run_until_idle()
    assert instance.variables == {"n": 1}
    assert len(engine.instances()) == 1


def test_an_engine_that_cannot_be_opened_keeps_nothing_open(path: Path) -> None:
    store = Blind(SQLiteStore(path))
    store.broken = True
    with pytest.raises(StoreError, match="the disk reported an error"):
        Engine(store=store)
    with pytest.raises(StoreError, match="the store is closed"):
        store.inner.read("tenants", EVERYBODY, NamedRow)
