"""The engine on one file: what it was given happens, and is still there after it was closed."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import enum
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

import drawn as d
from host_rig import FakeClock, check_stored, opened
from procession import BpmnError, Engine, Job, Refused
from procession.base.failure import BadValue, Conflict, NotFound


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def engine(tmp_path: Path, clock: FakeClock) -> Iterator[Engine]:
    with opened(tmp_path / "e.db", clock) as opened_engine:
        yield opened_engine


def test_a_started_process_runs_to_its_end_and_keeps_its_results(engine: Engine) -> None:
    engine.deploy(d.one_task())

    @engine.worker("work")
    def work(amount: Decimal, job: Job) -> dict[str, Any]:
        return {"paid": amount * 2, "key": job.idempotency_key}

    instance = engine.start("p", {"amount": 12})
    assert instance.state == "active"
    assert instance.tokens == {"work": 1}
    assert engine.run_until_idle()
    assert instance.state == "completed"
    assert instance.variables["paid"] == 24
    assert engine.jobs() == []
    assert [e.element_id for e in instance.history if e.kind == "done"] == ["begin", "work", "done", "p"]


def test_what_was_started_is_there_after_reopening(tmp_path: Path, clock: FakeClock) -> None:
    with opened(tmp_path / "e.db", clock) as engine:
        engine.deploy(d.one_task())
        key = engine.start("p", {"n": 1}).key
    with opened(tmp_path / "e.db", clock) as engine:
        done: list[int] = []

        @engine.worker("work")
        def work(n: int) -> None:
            done.append(n)

        engine.run_until_idle()
        assert done == [1]
        assert engine.instance(key).state == "completed"


def test_deploying_the_same_document_again_makes_no_new_version(engine: Engine) -> None:
    first = engine.deploy(d.one_task())
    again = engine.deploy(d.one_task())
    other = engine.deploy(d.one_task(type="other"))
    assert [each.version for each in first.processes + again.processes + other.processes] == [1, 1, 2]
    assert again.key == 0
    assert not again.processes[0].new
    assert [each.version for each in engine.definitions()] == [1, 2]
    assert engine.source(first.processes[0].key) == d.one_task()[1]


def test_a_document_with_an_error_is_refused_and_nothing_of_it_stays(engine: Engine) -> None:
    with pytest.raises(Refused):
        engine.deploy(d.one_task(), ("bad.bpmn", b"<no/>"))
    assert engine.definitions() == []


def test_an_unknown_process_cannot_be_started(engine: Engine) -> None:
    engine.deploy(d.one_task())
    with pytest.raises(NotFound, match="nope"):
        engine.start("nope")
    with pytest.raises(NotFound, match="version 7"):
        engine.start("p", version=7)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1: 2}, "\ud800"])
def test_a_value_that_no_json_can_hold_is_refused_by_name(engine: Engine, value: object) -> None:
    engine.deploy(d.one_task())
    with pytest.raises(BadValue, match="bad"):
        engine.start("p", {"bad": value})


class Address(msgspec.Struct):
    street: str
    built: dt.date


def test_arguments_are_decoded_by_the_types_of_the_signature(engine: Engine) -> None:
    engine.deploy(d.one_task())
    seen: list[object] = []

    @engine.worker("work")
    def work(address: Address, count: int, price: Decimal, share: float, missing: str = "none", **rest: object) -> None:
        seen.extend([address, count, price, share, missing, rest])

    values = {"address": {"street": "A", "built": "2020-01-02"}, "count": Decimal("3.0"), "price": 2, "share": 0.5}
    engine.start("p", {**values, "more": [1]})
    engine.run_until_idle()
    assert seen == [Address("A", dt.date(2020, 1, 2)), 3, Decimal(2), 0.5, "none", {"more": [1]}]


def test_a_worker_cannot_change_the_instance_through_its_arguments(engine: Engine) -> None:
    engine.deploy(d.one_task())

    @engine.worker("work")
    def work(items: list[int], job: Job) -> None:
        items.append(99)
        cast("list[int]", job.variables["items"]).append(98)

    instance = engine.start("p", {"items": [1]})
    engine.run_until_idle()
    assert instance.variables == {"items": [1]}


def test_attempts_are_repeated_after_their_back_off_until_none_is_left(engine: Engine, clock: FakeClock) -> None:
    engine.deploy(d.one_task(retries=2))
    keys: list[str] = []

    @engine.worker("work", backoff=[10])
    def work(job: Job) -> dict[str, int]:
        keys.append(job.idempotency_key)
        if len(keys) < 3:
            raise ValueError(f"no {len(keys)}")
        return {"tries": len(keys)}

    instance = engine.start("p")
    engine.run_until_idle()
    assert (len(keys), instance.state) == (1, "active")
    assert instance.jobs[0].error == "ValueError: no 1"
    clock.pass_by(9)
    engine.run_until_idle()
    assert len(keys) == 1
    clock.pass_by(1)
    engine.run_until_idle()
    assert (len(keys), instance.state) == (2, "incident")
    assert [i.message for i in instance.incidents] == ["ValueError: no 2"]
    check_stored(engine)
    instance.resolve_incident()
    engine.run_until_idle()
    assert instance.variables == {"tries": 3}
    assert len(set(keys)) == 1


@pytest.mark.parametrize("result", [5, {"x": object()}, {"x": float("nan")}, ["a"], {3: 4}])
def test_a_result_that_is_no_json_is_a_failed_attempt(engine: Engine, result: object) -> None:
    engine.deploy(d.one_task(retries=1))
    engine.worker("work")(lambda: result)
    instance = engine.start("p")
    engine.run_until_idle()
    assert instance.state == "incident"
    assert engine.counts() == {"active": 1}


def test_a_worker_that_needs_a_variable_that_is_not_set_fails_clearly(engine: Engine) -> None:
    engine.deploy(d.one_task(retries=1))

    @engine.worker("work")
    def work(amount: int) -> None: ...

    instance = engine.start("p")
    engine.run_until_idle()
    assert "'amount'" in instance.incidents[0].message


def test_a_bpmn_error_goes_to_its_boundary_event(engine: Engine) -> None:
    text = d.document(
        d.process(
            "p",
            "begin -> work, work -> done, caught -> saved",
            begin=d.start(),
            work=d.service("work"),
            done=d.end(),
            caught=d.boundary("work", d.on_error("e1")),
            saved=d.end(),
        ),
        roots=d.error("e1", "NO_ADDRESS"),
    )
    engine.deploy(("p.bpmn", text))

    @engine.worker("work")
    def work() -> None:
        raise BpmnError("NO_ADDRESS", "none", {"why": "moved"})

    instance = engine.start("p")
    engine.run_until_idle()
    assert "saved" in [e.element_id for e in instance.history if e.kind == "done"]
    assert instance.variables == {"why": "moved"}


def test_coroutine_workers_run_at_the_same_time(engine: Engine) -> None:
    engine.deploy(d.one_task())
    full = asyncio.Event()
    inside: list[int] = []
    most: list[int] = []

    @engine.worker("work")
    async def work(n: int) -> dict[str, int]:
        inside.append(n)
        if len(inside) == 3:
            full.set()
        await full.wait()
        most.append(len(inside))
        return {"m": n + 1}

    instances = engine.start_many("p", [{"n": n} for n in range(3)])
    engine.run_until_idle()
    assert [i.variables["m"] for i in instances] == [1, 2, 3]
    assert most == [3, 3, 3]


def test_outside_workers_lease_jobs_and_late_answers_are_refused(engine: Engine, clock: FakeClock) -> None:
    engine.deploy(d.one_task())
    instance = engine.start("p", {"a": 1})
    (job,) = engine.activate_jobs("work", 5, worker="w1", timeout=10)
    assert (job.variables, job.element_id, job.retries) == ({"a": 1}, "work", 3)
    assert engine.activate_jobs("work") == []
    clock.pass_by(11)
    (again,) = engine.activate_jobs("work", worker="w2", timeout=10)
    assert again.idempotency_key == job.idempotency_key
    assert again.retries == 3
    with pytest.raises(NotFound, match="late"):
        engine.complete_job(job)
    engine.complete_job(again, {"b": 2})
    assert instance.variables == {"a": 1, "b": 2}
    with pytest.raises(NotFound):
        engine.complete_job(again)


def test_a_lease_of_an_outside_worker_outlives_the_engine(tmp_path: Path, clock: FakeClock) -> None:
    with opened(tmp_path / "e.db", clock) as engine:
        engine.deploy(d.one_task())
        engine.start("p")
        (job,) = engine.activate_jobs("work", timeout=60)
    with opened(tmp_path / "e.db", clock) as engine:
        assert engine.activate_jobs("work") == []
        engine.complete_job(job)
        assert engine.counts() == {"completed": 1}


def test_a_worker_that_is_too_late_is_refused_and_it_is_said(
    engine: Engine, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    engine.deploy(d.one_task())
    instance = engine.start("p")

    @engine.worker("work", timeout=10)
    def work(job: Job) -> dict[str, Any]:
        if job.attempt == 1:
            # Meanwhile the lease ends, and another one takes the job.
            clock.pass_by(11)
            (again,) = engine.activate_jobs("work", worker="other", timeout=60)
            assert again.token != job.token
            engine.complete_job(again, {"by": "the other"})
        return {"by": "this one"}

    engine.run_until_idle()
    assert instance.variables == {"by": "the other"}
    assert ["a worker's result was refused" in record.message for record in caplog.records] == [True]


def test_a_job_of_a_cancelled_instance_is_over(engine: Engine) -> None:
    engine.deploy(d.one_task())
    instance = engine.start("p")
    (job,) = engine.activate_jobs("work")
    instance.cancel("because")
    assert instance.state == "terminated"
    with pytest.raises(NotFound):
        engine.complete_job(job)
    with pytest.raises(NotFound):
        instance.cancel()


def test_user_tasks_are_listed_assigned_and_completed(engine: Engine) -> None:
    text = d.document(d.process("p", "a -> t, t -> b", a=d.start(), t=d.user(), b=d.end()))
    engine.deploy(("p.bpmn", text))
    instance = engine.start("p")
    (task,) = engine.tasks()
    engine.assign_task(task.key, "ann")
    assert [t.key for t in engine.tasks(assignee="ann")] == [task.key]
    assert engine.tasks(assignee="bob") == []
    instance.complete_task("t", {"ok": True})
    assert (instance.state, instance.variables) == ("completed", {"ok": True})
    with pytest.raises(NotFound):
        engine.complete_task(task.key)


def test_variables_are_set_from_outside(engine: Engine) -> None:
    engine.deploy(d.one_task())
    instance = engine.start("p", {"a": 1})
    instance.set_variables({"a": 2, "b": [Decimal("1.10")]})
    assert instance.variables == {"a": 2, "b": [Decimal("1.10")]}
    assert str(instance.variables["b"]) == "[Decimal('1.10')]"


def test_a_called_process_gives_its_result_back(engine: Engine) -> None:
    child = d.process("child", "a -> w, w -> b", "c_", a=d.start(), w=d.script("n * 2", "m"), b=d.end())
    parent = d.process("parent", "a -> c, c -> b", a=d.start(), c=d.call("child"), b=d.end())
    engine.deploy(("p.bpmn", d.document(parent)), ("c.bpmn", d.document(child)))
    instance = engine.start("parent", {"n": 21})
    assert instance.state == "completed"
    assert instance.variables["m"] == 42
    assert [each.info.process_id for each in instance.children] == ["child"]


def test_a_call_of_an_unknown_process_is_an_incident_that_can_be_resolved(engine: Engine) -> None:
    parent = d.process("parent", "a -> c, c -> b", a=d.start(), c=d.call("child"), b=d.end())
    engine.deploy(("p.bpmn", d.document(parent)))
    instance = engine.start("parent", {"n": 1})
    assert "child" in instance.incidents[0].message
    child = d.process("child", "a -> w, w -> b", "c_", a=d.start(), w=d.script("n + 1", "m"), b=d.end())
    engine.deploy(("c.bpmn", d.document(child)))
    instance.resolve_incident()
    assert instance.state == "completed"
    assert engine.incidents() == []


def test_cancelling_a_caller_cancels_what_it_called(engine: Engine) -> None:
    child = d.process("child", "a -> w, w -> b", "c_", a=d.start(), w=d.service("work"), b=d.end())
    parent = d.process("parent", "a -> c, c -> b", a=d.start(), c=d.call("child"), b=d.end())
    engine.deploy(("p.bpmn", d.document(parent, child)))
    instance = engine.start("parent")
    (called,) = instance.children
    instance.cancel()
    assert (instance.state, called.state) == ("terminated", "terminated")
    assert engine.jobs() == []


def test_tenants_do_not_see_each_other(engine: Engine) -> None:
    engine.deploy(d.one_task(), tenant="a")
    instance = engine.start("p", tenant="a")
    engine.deploy(d.one_task(type="other"), tenant="b")
    with pytest.raises(NotFound):
        engine.instance(instance.key, tenant="b")
    with pytest.raises(NotFound):
        engine.complete_job(instance.jobs[0].key, tenant="b")
    assert engine.instances(tenant="b") == []
    assert engine.jobs(tenant="b") == []
    assert len(engine.jobs(tenant="a")) == 1
    assert engine.activate_jobs("work", tenant="b") == []
    with pytest.raises(NotFound):
        engine.start("p", tenant="c")


def test_a_start_in_the_applications_transaction_happens_if_that_is_committed(tmp_path: Path, engine: Engine) -> None:
    engine.deploy(d.one_task())
    application = sqlite3.connect(engine.store.name)
    application.execute("CREATE TABLE orders (id, instance)")
    engine.start("p", {"n": 0}, connection=application)
    application.rollback()
    kept = engine.start("p", {"n": 1}, connection=application)
    application.execute("INSERT INTO orders VALUES (1, ?)", (kept.key,))
    application.commit()
    application.close()
    engine.run_until_idle()
    assert kept.variables == {"n": 1}
    assert [each.key for each in engine.instances()] == [kept.key]


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Line:
    sku: str
    price: Decimal


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (dt.datetime, "2026-01-01T09:00:00Z"),
        (dt.date, "2026-01-01"),
        (uuid.UUID, "a5416b19-03c0-45d6-b859-2e301565feb6"),
        (Colour, "red"),
        (Line, {"sku": "apple", "price": Decimal("2.50")}),
        (list[Line], [{"sku": "apple", "price": 3}]),
    ],
)
def test_what_a_worker_takes_it_may_give_back(engine: Engine, annotation: object, value: object) -> None:
    engine.deploy(d.one_task())
    taken: list[object] = []

    def work(value: object) -> dict[str, object]:
        taken.append(value)
        return {"back": value, "nested": {"back": [value]}}

    work.__annotations__["value"] = annotation
    engine.worker("work")(work)
    instance = engine.start("p", {"value": value})
    engine.run_until_idle()
    assert instance.variables == {"value": value, "back": value, "nested": {"back": [value]}}
    assert taken[0] != value


def test_an_instance_can_be_seen_as_it_was_after_each_step(engine: Engine, clock: FakeClock) -> None:
    engine.deploy(d.one_task())
    began = clock.at
    instance = engine.start("p", {"n": 1})
    clock.pass_by(60)
    instance.set_variables({"n": 2})
    engine.complete_job(instance.jobs[0].key)
    seen = [instance.as_of(seq) for seq in (1, 2, 3)]
    assert [(each.seq, each.state, each.tokens, each.variables) for each in seen] == [
        (1, "active", {"work": 1}, {"n": 1}),
        (2, "active", {"work": 1}, {"n": 2}),
        (3, "completed", {}, {"n": 2}),
    ]
    assert [each.at - began for each in seen] == [0, 60_000, 60_000]
    for seq in (0, 4, -1):
        with pytest.raises(NotFound, match=f"no step {seq}"):
            instance.as_of(seq)


def test_an_instance_started_in_a_transaction_can_be_waited_for_at_once(engine: Engine) -> None:
    engine.deploy(d.one_task())
    engine.worker("work")(lambda: None)
    with closing(sqlite3.connect(engine.store.name)) as application:
        kept = engine.start("p", connection=application)
        application.commit()
        assert kept.wait(20) == "completed"
        dropped = engine.start("p", connection=application)
        application.rollback()
        with pytest.raises(NotFound):
            dropped.wait()


def test_ten_thousand_transitions_in_a_row_are_cut_into_steps(engine: Engine) -> None:
    loop = d.process(
        "p",
        "a -> m, m -> s, s -> x, x -> b, x -> m",
        a=d.start(),
        m=d.exclusive(),
        s=d.script("n + 1", "n"),
        x='<bpmn:exclusiveGateway id="@" default="p_4">~</bpmn:exclusiveGateway>',
        b=d.end(),
    ).replace(
        'id="p_3" sourceRef="x" targetRef="b"/>',
        'id="p_3" sourceRef="x" targetRef="b"><bpmn:conditionExpression>= n &gt;= limit'
        "</bpmn:conditionExpression></bpmn:sequenceFlow>",
    )
    engine.deploy(("p.bpmn", d.document(loop)))
    instance = engine.start("p", {"n": 0, "limit": 3_000})
    engine.run_until_idle()
    assert (instance.state, instance.variables["n"]) == ("completed", 3_000)
    assert "yield" in {e.kind for e in instance.history}


def test_an_engine_closes_twice_and_answers_no_more(tmp_path: Path) -> None:
    engine = opened(tmp_path / "e.db")
    engine.close()
    engine.close()


def test_serving_twice_is_refused(engine: Engine) -> None:
    engine.serve(1)
    with pytest.raises(Conflict):
        engine.serve(1)
    engine.stop()
