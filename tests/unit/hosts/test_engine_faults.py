"""When something goes wrong: nothing acknowledged is lost, nothing happens twice, others go on."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, TypedDict

import pytest

import drawn as d
from host_rig import FakeClock, FaultyStore, check_stored, opened, shard_of
from procession import Engine
from procession.base.failure import NotFound, ProcessionError, StoreError
from procession.core.events import Cancel
from procession.core.state import State
from procession.core.step import step as real
from procession.runtime.ports import Batch, Fenced
from procession.store.sqlite import SQLiteStore

Broken = TypedDict("Broken", {"n": "NowhereDefined"})  # type: ignore[name-defined]  # noqa: F821, UP013
STEP = "procession.hosts.embedded.shard.step"


def faulty(path: Path, clock: FakeClock) -> tuple[Engine, FaultyStore]:
    store = FaultyStore(SQLiteStore(path))
    return Engine(store=store, clock=clock), store


def parent_and_child() -> tuple[str, bytes]:
    child = d.process("child", "a -> w, w -> b", "c_", a=d.start(), w=d.service("work"), b=d.end())
    parent = d.process("parent", "a -> c, c -> b", a=d.start(), c=d.call("child"), b=d.end())
    return "p.bpmn", d.document(parent, child)


def test_a_commit_that_fails_changes_nothing_and_can_be_repeated(tmp_path: Path) -> None:
    engine, store = faulty(tmp_path / "e.db", FakeClock())
    engine.deploy(d.one_task())
    instance = engine.start("p")

    def full(batch: Batch) -> None:
        raise StoreError("the disk is full")

    store.before = full
    with pytest.raises(StoreError, match="full"):
        engine.start("p")
    with pytest.raises(StoreError, match="full"):
        engine.complete_job(instance.jobs[0].key)
    store.before = None
    check_stored(engine)
    assert len(engine.instances()) == 1
    engine.complete_job(instance.jobs[0].key)
    assert engine.counts() == {"completed": 1}
    engine.close()


def test_an_argument_whose_type_cannot_be_made_is_refused_at_once() -> None:
    def work(order: Broken) -> None: ...

    with Engine() as engine, pytest.raises(TypeError, match=r"'work': parameter 'order': .*NowhereDefined"):
        engine.worker("work")(work)


def test_annotations_that_are_not_there_at_run_time_are_refused_with_a_remedy() -> None:
    def work(order: NowhereDefined) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    with Engine() as engine, pytest.raises(TypeError, match=r"'work'.*'NowhereDefined'.*imported in its module"):
        engine.worker("work")(work)


def test_a_batch_that_fails_once_is_carried_out_one_by_one(tmp_path: Path) -> None:
    engine, store = faulty(tmp_path / "e.db", FakeClock())
    engine.deploy(parent_and_child())
    failures = [StoreError("once")]

    def once(batch: Batch) -> None:
        if failures:
            raise failures.pop()

    store.before = once
    parents = engine.start_many("parent", [{"n": n} for n in range(5)])
    # Their children are on the way: rows of the inbox, not part of the callers' commits.
    engine.run_until_idle()
    assert [len(each.children) for each in parents] == [1] * 5
    failures.append(StoreError("again"))
    engine.worker("work")(lambda: {"done": True})
    engine.run_until_idle()
    assert engine.counts() == {"completed": 10}
    assert all(each.variables["done"] for each in parents)
    assert shard_of(engine).commits > 0
    engine.close()


@pytest.mark.parametrize("every", [1, 2, 3])
def test_messages_survive_commits_that_fail(tmp_path: Path, every: int) -> None:
    engine, store = faulty(tmp_path / "e.db", FakeClock())
    waiting = d.process("p", "a -> m, m -> b", a=d.start(), m=d.catch(d.on_message("m1")), b=d.end())
    starting = d.process("q", "a -> b", "q_", a=d.start(d.on_message("m1")), b=d.end())
    engine.deploy(("p.bpmn", d.document(waiting, starting, roots=d.message("m1", "go", "key"))))
    count = 0

    def sometimes(batch: Batch) -> None:
        nonlocal count
        count += 1
        if count % (every + 1) == 0:
            raise StoreError("sometimes")

    instances = engine.start_many("p", [{"key": str(n)} for n in range(10)])
    store.before = sometimes
    for n in range(10):
        for _ in range(3):
            try:
                engine.publish("go", str(n), {"n": n}, ttl=60, message_id=f"id{n}")
            except StoreError:
                continue
            except ProcessionError:
                break
            else:
                break
    store.before = None
    engine.run_until_idle()
    assert [each.variables.get("n") for each in instances] == list(range(10))
    assert len(engine.instances(process_id="q")) == 10
    engine.close()


def test_a_fault_of_the_engine_leaves_the_instance_where_it_was_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(linked: Any, state: State, event: Any, at: int, key: int) -> Any:
        outcome = real(linked, state, event, at, key)
        if state.root is not None and (state.root.variables or {}).get("bad"):
            raise AssertionError("a bug of ours")
        return outcome

    with opened(tmp_path / "e.db") as engine:
        engine.deploy(d.one_task())
        instances = engine.start_many("p", [{"bad": n == 1} for n in range(3)])
        jobs = [each.jobs[0].key for each in instances]
        monkeypatch.setattr(STEP, broken)
        engine.complete_job(jobs[0])
        with pytest.raises(ProcessionError, match="a bug of ours"):
            engine.complete_job(jobs[1])
        engine.complete_job(jobs[2])
        assert [each.state for each in instances] == ["completed", "active", "completed"]
        assert "a bug of ours" in instances[1].info.failure
        monkeypatch.undo()
        engine.complete_job(jobs[1])
        assert instances[1].state == "completed"
        assert instances[1].info.failure == ""


def test_a_fault_in_a_child_does_not_take_its_caller_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(linked: Any, state: State, event: Any, at: int, key: int) -> Any:
        if linked.program.process_id == "child":
            raise AssertionError("a bug of ours")
        return real(linked, state, event, at, key)

    with opened(tmp_path / "e.db") as engine:
        engine.deploy(parent_and_child())
        monkeypatch.setattr(STEP, broken)
        parent = engine.start("parent")
        engine.run_until_idle()
        assert parent.tokens == {"c": 1}
        assert parent.children == []
        (fault,) = [each for each in engine.faults() if each.request]
        assert "a bug of ours" in fault.text
    monkeypatch.undo()
    # A version without the fault takes up what was left.
    with opened(tmp_path / "e.db") as engine:
        engine.run_until_idle()
        assert len(engine.instance(parent.key).children) == 1
        assert [each for each in engine.faults() if each.request] == []


def test_a_timer_whose_firing_meets_a_fault_does_not_spin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    timed = d.process("p", "a -> t, t -> b", a=d.start(), t=d.catch(d.on_timer("duration", "PT1S")), b=d.end())
    with opened(tmp_path / "e.db", clock) as engine:
        engine.deploy(("p.bpmn", d.document(timed)))
        instance = engine.start("p")
        calls: list[int] = []

        def broken(*args: Any) -> Any:
            calls.append(1)
            raise AssertionError("a bug of ours")

        monkeypatch.setattr(STEP, broken)
        clock.pass_by(2)
        engine.run_until_idle()
        assert 1 <= len(calls) <= 2
        monkeypatch.setattr(STEP, real)
        clock.pass_by(61)
        engine.run_until_idle()
        assert instance.state == "completed"


def test_two_engines_on_one_file_share_the_work(tmp_path: Path) -> None:
    clock = FakeClock()
    with opened(tmp_path / "e.db", clock) as owner, opened(tmp_path / "e.db", clock) as client:
        assert (owner.owner, client.owner) == (True, False)
        owner.serve(2)
        deployment = client.deploy(d.one_task())
        assert deployment.processes[0].version == 1
        owner.worker("work")(lambda n: {"m": n + 1})
        instance = client.start("p", {"n": 41})
        assert instance.wait(10) == "completed"
        assert instance.variables["m"] == 42
        with pytest.raises(NotFound, match="nope"):
            client.start("nope")
        assert client.publish("nobody") > 0


def test_a_client_does_jobs_for_the_owner(tmp_path: Path) -> None:
    clock = FakeClock()
    with opened(tmp_path / "e.db", clock) as owner, opened(tmp_path / "e.db", clock) as client:
        owner.deploy(d.one_task())
        instance = owner.start("p", {"n": 1})
        owner.serve(1)
        client.worker("work")(lambda n: {"m": n + 1})
        assert client.run_until_idle(timeout=10, until=lambda: instance.state == "completed")
        assert instance.variables["m"] == 2


def test_a_client_takes_over_when_the_owner_closes(tmp_path: Path) -> None:
    clock = FakeClock()
    owner = opened(tmp_path / "e.db", clock)
    owner.deploy(d.one_task())
    with opened(tmp_path / "e.db", clock) as client:
        instance = owner.start("p")
        owner.close()
        client.worker("work")(lambda: {})
        client.run_until_idle()
        assert client.owner
        assert client.instance(instance.key).state == "completed"


def test_a_fenced_owner_writes_nothing_and_becomes_a_client(tmp_path: Path) -> None:
    clock = FakeClock()
    with opened(tmp_path / "e.db", clock) as old:
        old.deploy(d.one_task())
        instance = old.start("p")
        job = instance.jobs[0].key
        with opened(tmp_path / "e.db", clock) as new:
            # As if the lease had run out while the old owner slept.
            row = shard_of(old)
            assert new.store.take(0, "", row.epoch, 0)
            assert new.run_until_idle()
            assert new.owner
            new.complete_job(job)
            new.serve(1)
            with pytest.raises(NotFound):
                old.complete_job(job)
            assert not old.owner
            assert old.start("p").state == "active"


def test_a_store_that_was_written_by_somebody_else_is_not_written_over(tmp_path: Path) -> None:
    with opened(tmp_path / "e.db") as engine:
        engine.deploy(d.one_task())
        instance = engine.start("p")
        shard = shard_of(engine)
        resident = shard.residents.get(0, instance.key)
        assert resident is not None
        resident.state.seq += 1
        shard.begin()
        shard.advance(resident, Cancel())
        with pytest.raises(Fenced):
            shard.commit()


def test_many_threads_share_commits_and_lose_nothing(tmp_path: Path) -> None:
    with opened(tmp_path / "e.db") as engine:
        engine.deploy(d.one_task())
        engine.worker("work")(lambda n: {"m": n})
        engine.serve(3)
        found: list[Any] = []

        def starter(base: int) -> None:
            found.extend(engine.start("p", {"n": base + n}) for n in range(25))

        threads = [threading.Thread(target=starter, args=(100 * t,)) for t in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert engine.wait_until(lambda: engine.counts() == {"completed": 100}, 20)
        assert sorted(int(str(each.variables["m"])) for each in found) == sorted(
            100 * t + n for t in range(4) for n in range(25)
        )
        engine.stop()
        check_stored(engine)


def test_a_backup_of_a_running_engine_runs_on_by_itself(tmp_path: Path) -> None:
    clock = FakeClock()
    with opened(tmp_path / "e.db", clock) as engine:
        engine.deploy(d.one_task())
        engine.start_many("p", [{}] * 20)
        engine.backup(tmp_path / "copy.db")
        with pytest.raises(StoreError, match="exists"):
            engine.backup(tmp_path / "copy.db")
        engine.start_many("p", [{}] * 5)
    with opened(tmp_path / "copy.db", clock) as copy:
        copy.worker("work")(lambda: {})
        copy.run_until_idle()
        assert copy.counts() == {"completed": 20}


def test_a_worker_that_is_interrupted_gives_its_job_back(tmp_path: Path) -> None:
    with opened(tmp_path / "e.db") as engine:
        engine.deploy(d.one_task())
        calls: list[int] = []

        @engine.worker("work")
        def work(n: int) -> dict[str, int]:
            calls.append(n)
            if len(calls) == 2:
                raise KeyboardInterrupt
            return {"m": n}

        engine.start_many("p", [{"n": n} for n in range(3)])
        with pytest.raises(KeyboardInterrupt):
            engine.run_until_idle()
        assert engine.counts() == {"active": 2, "completed": 1}
        engine.run_until_idle()
        assert engine.counts() == {"completed": 3}
        assert sorted(calls) == [0, 1, 1, 2]


def test_a_fault_after_the_commit_repeats_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path / "e.db") as engine:
        engine.deploy(d.one_task())
        board = shard_of(engine).board
        with monkeypatch.context() as patch:
            patch.setattr(type(board), "add", lambda self, offer: 1 / 0)
            instance = engine.start("p")
        assert [each.key for each in engine.instances()] == [instance.key]
        engine.worker("work")(lambda: {})
        engine.run_until_idle()
        assert instance.state == "completed"
