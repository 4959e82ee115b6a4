"""Batch operations: each instance once whatever fails, progress that is true, fair turns, errors beside the batch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

import drawn as d
from host_rig import DAY_ONE, FakeClock, FaultyStore, check_stored, opened, shard_of
from procession import Conflict, Engine, Filter, NotFound
from procession.base.failure import StoreError
from procession.core.events import Cancel
from procession.core.step import step as real
from procession.hosts.embedded import batches as portions
from procession.runtime.ports import Batch
from procession.runtime.requests import StartBatch, encode
from procession.store.sqlite import SQLiteStore
from store_audit import audit

STEP: Final = "procession.hosts.embedded.shard.step"


def two(second: str = "b") -> tuple[str, bytes]:
    drawn = d.process(
        "p",
        f"begin -> a, a -> {second}, {second} -> done",
        begin=d.start(),
        a=d.service("work", 1),
        **{second: d.service("more")},
        done=d.end(),
    )
    return f"{second}.bpmn", d.document(drawn)


@pytest.fixture
def engine(tmp_path: Path) -> Any:
    with opened(tmp_path / "e.db") as engine:
        engine.deploy(two())
        yield engine
        check_stored(engine)
    audit(tmp_path / "e.db")


def finished(engine: Engine, key: int, done: int, failed: int = 0) -> None:
    engine.run_until_idle()
    found = engine.changes.batch(key)
    assert (found.state, found.done, found.failed) == ("finished", done, failed)


def test_every_action_does_to_each_what_it_does_to_one(engine: Engine) -> None:
    instances = engine.start_many("p", [{} for _ in range(45)])
    changes, every = engine.changes, Filter(process_id="p")
    finished(engine, changes.suspend_each(every), 45)
    assert all(each.info.suspended for each in instances)
    finished(engine, changes.resume_each(Filter(state="suspended")), 45)
    finished(engine, changes.resume_each(Filter(state="suspended")), 0)
    finished(engine, changes.modify_each(Filter(element="a"), move={"a": "b"}), 45)
    finished(engine, changes.modify_each(Filter(element="b"), move={"b": "a"}, variables={"x": 1}), 45)
    for job in engine.activate_jobs("work", 30):
        engine.fail_job(job, "no", retries=0)
    finished(engine, changes.retry_each(Filter(incident="job-no-retries"), 2), 30)
    assert engine.incidents() == []
    for job in engine.activate_jobs("work", 10):
        engine.fail_job(job, "no", retries=0)
    finished(engine, changes.resolve_each(Filter(state="incident", version=1)), 10)
    engine.deploy(two("c"))
    plan = changes.migration_plan("p", 1)
    finished(engine, changes.migrate_each(every, plan), 45)
    finished(engine, changes.migrate_each(every, plan), 45)  # those that run the target are left alone
    assert {each.info.version for each in instances} == {2}
    finished(engine, changes.cancel_each(every, "cleared"), 45)
    assert engine.counts() == {"terminated": 45}


FILTERS: Final[list[tuple[Filter, int]]] = [
    (Filter(), 6),
    (Filter(process_id="p"), 4),
    (Filter(process_id="p", host="here"), 4),
    (Filter(host="temporal"), 0),
    (Filter(process_id="p", version=2), 1),
    (Filter(process_id="nobody"), 0),
    (Filter(business_key="B"), 2),
    (Filter(business_key="B", process_id="q"), 1),
    (Filter(element="a"), 4),
    (Filter(element="b"), 0),
    (Filter(state="incident"), 1),
    (Filter(state="suspended"), 1),
    (Filter(incident="job-no-retries"), 1),
    (Filter(incident="no-flow"), 0),
    (Filter(started_to=DAY_ONE + 5_000), 5),
    (Filter(started_from=DAY_ONE + 5_000), 1),
]


@pytest.mark.parametrize(("which", "count"), FILTERS, ids=lambda value: str(value)[7:60])
def test_a_filter_means_the_active_instances_for_which_all_of_it_holds(
    which: Filter, count: int, tmp_path: Path
) -> None:
    clock = FakeClock()
    with opened(tmp_path / "e.db", clock) as engine:
        engine.deploy(two(), d.one_task("q", "other"))
        for n in range(3):
            engine.start("p", business_key="B" if n == 1 else "")
        engine.start("q", business_key="B")
        engine.changes.suspend(engine.start("q").key)
        [job] = engine.activate_jobs("work")
        engine.fail_job(job, "no", retries=0)
        engine.start("p").cancel()
        engine.deploy(two("c"))
        clock.pass_by(10)
        engine.start("p")
        finished(engine, engine.changes.cancel_each(which), count)


def test_instances_may_be_named_and_younger_ones_are_not_meant(engine: Engine) -> None:
    instances = engine.start_many("p", [{} for _ in range(5)])
    names = (instances[3].key, instances[1].key, 4711)
    finished(engine, engine.changes.cancel_each(Filter(instances=names)), 2)
    assert [each.state for each in instances] == ["active", "terminated", "active", "terminated", "active"]
    key = engine.changes.cancel_each(Filter(process_id="p"))
    younger = engine.start("p")
    finished(engine, key, 3)
    assert younger.state == "active"


def test_what_is_refused_stands_beside_the_batch_and_the_others_are_treated(engine: Engine) -> None:
    instances = engine.start_many("p", [{} for _ in range(3)])
    engine.changes.modify(instances[1].key, move={"a": "b"})
    key = engine.changes.modify_each(Filter(process_id="p"), move={"a": "b"})
    finished(engine, key, 2, failed=1)
    [error] = engine.changes.batch_errors(key)
    assert (error.instance, error.text) == (instances[1].key, "no instance of element 'a' is active")
    assert engine.changes.batch_errors(key, after=error.instance) == []
    assert [each.key for each in engine.changes.batches()] == [key]
    for unknown in (engine.changes.batch, engine.changes.batch_errors, engine.changes.pause_batch):
        with pytest.raises(NotFound):
            unknown(4711)


def test_a_plan_without_its_target_is_refused_before_anything_is_begun(engine: Engine) -> None:
    from procession import MigrationPlan

    with pytest.raises(NotFound):
        engine.changes.migrate_each(Filter(process_id="p"), MigrationPlan(to_process="nobody"))
    with pytest.raises(Conflict, match="at most"):
        engine.changes.cancel_each(Filter(instances=tuple(range(10_001))))
    assert engine.changes.batches() == []


def test_a_batch_is_paused_goes_on_and_is_stopped(engine: Engine) -> None:
    instances = engine.start_many("p", [{} for _ in range(portions.PORTION * 3)])
    key = engine.changes.cancel_each(Filter(process_id="p"))
    engine.pump.turn()
    assert engine.changes.batch(key).done == portions.PORTION
    engine.changes.pause_batch(key)
    engine.run_until_idle()
    paused = engine.changes.batch(key)
    assert (paused.state, paused.done, paused.seen) == ("paused", portions.PORTION, portions.PORTION)
    assert paused.after == instances[portions.PORTION - 1].key
    with pytest.raises(Conflict, match="is paused"):
        engine.changes.pause_batch(key)
    engine.changes.continue_batch(key)
    engine.pump.turn()
    engine.changes.stop_batch(key)
    engine.run_until_idle()
    assert (engine.changes.batch(key).state, engine.changes.batch(key).done) == ("cancelled", 2 * portions.PORTION)
    with pytest.raises(Conflict, match="is cancelled"):
        engine.changes.continue_batch(key)
    assert engine.counts() == {"active": portions.PORTION, "terminated": 2 * portions.PORTION}


def test_a_batch_goes_on_with_the_next_engine(tmp_path: Path) -> None:
    with opened(tmp_path / "e.db") as engine:
        engine.deploy(two())
        engine.start_many("p", [{} for _ in range(50)])
        key = engine.changes.modify_each(Filter(), activate=["b"])
        engine.pump.turn()
    with opened(tmp_path / "e.db") as engine:
        finished(engine, key, 50)
        assert {tuple(sorted(each.tokens.items())) for each in engine.instances()} == {(("a", 1), ("b", 1))}
    audit(tmp_path / "e.db")


def test_each_instance_is_treated_once_whichever_commit_fails(tmp_path: Path) -> None:
    """A modification counts: twice would be two tokens."""
    for failing in range(8):
        path = tmp_path / f"{failing}.db"
        store = FaultyStore(SQLiteStore(path))
        with Engine(store=store, clock=FakeClock()) as engine:
            engine.deploy(two())
            instances = engine.start_many("p", [{} for _ in range(50)])
            left = [failing]

            def fails(batch: Batch, left: list[int] = left) -> None:
                left[0] -= 1
                if left[0] == -1:
                    raise StoreError("the disk is full")

            store.before = fails
            try:
                key = engine.changes.modify_each(Filter(), activate=["b"])
            except StoreError:
                key = engine.changes.modify_each(Filter(), activate=["b"])
            while engine.changes.batch(key).state == "running":
                try:
                    engine.run_until_idle()
                except StoreError:
                    continue
            finished(engine, key, 50)
            assert {tuple(sorted(each.tokens.items())) for each in instances} == {(("a", 1), ("b", 1))}
            check_stored(engine)
        audit(path)


def test_a_request_that_comes_twice_is_one_batch(tmp_path: Path) -> None:
    with opened(tmp_path / "e.db") as engine:
        engine.deploy(two())
        engine.start("p")
        from procession.runtime.batches import CancelEach

        body = encode(StartBatch("<default>", Filter(), CancelEach()))
        for _ in range(2):
            engine.store.post([("<default>", 0, "elsewhere", 1, 0, body)])
            engine.run_until_idle()
        assert len(engine.changes.batches()) == 1


def test_a_fault_of_the_engine_costs_the_instance_that_met_it_its_turn(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    instances = engine.start_many("p", [{} for _ in range(25)])
    bad = instances[7].key

    def broken(linked: Any, state: Any, event: Any, at: int, key: int) -> Any:
        if state.instance == bad and isinstance(event, Cancel):
            raise RuntimeError("a bug")
        return real(linked, state, event, at, key)

    monkeypatch.setattr(STEP, broken)
    key = engine.changes.cancel_each(Filter())
    finished(engine, key, 24, failed=1)
    [error] = engine.changes.batch_errors(key)
    assert error.instance == bad
    assert "a bug" in error.text
    assert [each.state for each in instances].count("terminated") == 24


def test_batches_of_tenants_take_turns_and_requests_come_between(tmp_path: Path) -> None:
    with opened(tmp_path / "e.db") as engine:
        for tenant in ("a", "b"):
            engine.deploy(two(), tenant=tenant)
            engine.start_many("p", [{} for _ in range(3 * portions.PORTION)], tenant=tenant)
        first = engine.changes.cancel_each(Filter(), tenant="a")
        also = engine.changes.suspend_each(Filter(), tenant="a")
        other = engine.changes.cancel_each(Filter(), tenant="b")

        def done() -> list[int]:
            found = [(first, "a"), (also, "a"), (other, "b")]
            return [engine.changes.batch(key, tenant=tenant).done for key, tenant in found]

        seen = []
        for _ in range(4):
            engine.pump.turn()
            seen.append([count // portions.PORTION for count in done()])
        assert seen == [[1, 0, 0], [1, 0, 1], [1, 1, 1], [1, 1, 2]]
        assert shard_of(engine).next_batch() is not None
        engine.run_until_idle()
        assert shard_of(engine).next_batch() is None


CHECKS: Final[list[Callable[[Engine], object]]] = [
    lambda engine: engine.changes.cancel_each(Filter()),
    lambda engine: engine.changes.pause_batch(1),
]


@pytest.mark.parametrize("ask", CHECKS)
def test_a_tenant_without_anything_has_no_batches(ask: Callable[[Engine], object]) -> None:
    with Engine() as engine:
        assert engine.changes.batches(tenant="nobody") == []
        if ask is CHECKS[0]:
            finished(engine, engine.changes.cancel_each(Filter()), 0)
        else:
            with pytest.raises(NotFound):
                ask(engine)


def test_what_is_looked_at_in_vain_does_not_end_a_batch_before_its_time(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portions, "LOOKED_MAX", 4)
    instances = [engine.start("p", business_key="B") for _ in range(20)]
    last = instances[-2:]
    for each in last:
        engine.changes.modify(each.key, move={"a": "b"})
    finished(engine, engine.changes.suspend_each(Filter(element="b")), 2)
    assert [each.key for each in engine.instances() if each.info.suspended] == [each.key for each in last]
    for each in instances[:10]:
        each.cancel()
    finished(engine, engine.changes.resume_each(Filter(business_key="B", state="suspended")), 2)
    names = (*range(1, 11), instances[15].key)
    finished(engine, engine.changes.cancel_each(Filter(instances=names)), 1)
    key = engine.changes.cancel_each(Filter())
    younger = engine.start_many("p", [{} for _ in range(10)])
    finished(engine, key, 9)
    assert {each.state for each in younger} == {"active"}
