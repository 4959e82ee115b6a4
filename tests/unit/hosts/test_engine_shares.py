"""Callers share: commits between threads, an engine with an event loop, memory between instances."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import drawn as d
from host_rig import FakeClock, FaultyStore, check_stored, opened, shard_of
from procession import AsyncEngine, Engine
from procession.runtime.ports import Batch
from procession.store.sqlite import SQLiteStore


def test_requests_that_queue_during_a_commit_share_the_next_one(tmp_path: Path) -> None:
    store = FaultyStore(SQLiteStore(tmp_path / "e.db"))
    engine = Engine(store=store, clock=FakeClock())
    engine.deploy(d.one_task())
    committing, queued = threading.Event(), threading.Event()

    def slow(batch: Batch) -> None:
        store.before = None
        committing.set()
        assert queued.wait(10)

    store.before = slow
    before = store.commits
    first = threading.Thread(target=engine.start, args=("p",))
    first.start()
    assert committing.wait(10)
    others = [threading.Thread(target=engine.start, args=("p",)) for _ in range(20)]
    for thread in others:
        thread.start()
    while len(engine.pump._intake) < 20:
        threading.Event().wait(0.001)
    queued.set()
    for thread in (first, *others):
        thread.join(10)
        assert not thread.is_alive()
    assert len(engine.instances()) == 21
    assert store.commits - before == 2
    engine.close()


def test_many_threads_that_ask_again_and_again_are_all_answered(tmp_path: Path) -> None:
    with opened(tmp_path / "e.db") as engine:
        engine.deploy(d.one_task())

        def ask() -> None:
            for _ in range(20):
                engine.start("p")

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive()
        assert engine.counts() == {"active": 160}
        check_stored(engine)


def test_the_async_engine_does_what_the_engine_does(tmp_path: Path) -> None:
    async def run() -> tuple[list[str], object]:
        async with AsyncEngine(tmp_path / "e.db") as engine:
            await engine.deploy(d.one_task())

            @engine.worker("work")
            async def work(n: int) -> dict[str, int]:
                await asyncio.sleep(0)
                return {"m": n + 1}

            await engine.serve(2)
            instances = await asyncio.gather(*(engine.start("p", {"n": n}) for n in range(10)))
            states = await asyncio.gather(*(each.wait(20) for each in instances))
            return list(states), (await instances[3].variables())["m"]

    assert asyncio.run(run()) == (["completed"] * 10, 4)


def test_instances_beyond_the_limit_leave_the_memory_and_come_back(tmp_path: Path) -> None:
    with opened(tmp_path / "e.db") as engine:
        engine.deploy(d.one_task())
        shard = shard_of(engine)
        shard.residents._limit = 10
        for first in range(0, 100, 5):
            engine.start_many("p", [{"n": first + n} for n in range(5)])
        assert len(shard.residents) <= 10
        engine.worker("work")(lambda n: {"m": n})
        engine.run_until_idle()
        assert engine.counts() == {"completed": 100}


def test_a_long_instance_is_loaded_from_its_snapshot(tmp_path: Path) -> None:
    with opened(tmp_path / "e.db") as engine:
        engine.deploy(d.one_task())
        instance = engine.start("p")
        for n in range(200):
            instance.set_variables({"n": n, "text": "x" * 100})
        shard = shard_of(engine)
        shard.residents.clear()
        resident = shard.residents.get(0, instance.key)
        assert resident is not None
        assert resident.bytes_snapshot > 0
        assert resident.bytes_facts < 8_192
        assert instance.variables["n"] == 199
        engine.worker("work")(lambda: {})
        engine.run_until_idle()
        assert instance.state == "completed"
        assert instance.variables["n"] == 199
