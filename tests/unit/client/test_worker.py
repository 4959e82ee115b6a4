"""Workers in front of a real server: what they are given, what becomes of what they answer, and how they end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal

import pytest

from procession.base.failure import BadValue, Conflict
from procession.client import BpmnError, Client, Denied, Job, Unreachable, Worker
from procession.hosts.embedded.engine import Engine
from procession.hosts.embedded.instance import Instance
from served import Served, served
from web_rig import XML

CAUGHT = (
    XML.replace('id="p"', 'id="caught"')
    .replace(
        '<sequenceFlow id="g"',
        '<boundaryEvent id="no" attachedToRef="work"><errorEventDefinition errorRef="refused"/></boundaryEvent>'
        '<sequenceFlow id="h" sourceRef="no" targetRef="n"/><endEvent id="n"/><sequenceFlow id="g"',
    )
    .replace("</definitions>", '<error id="refused" errorCode="refused"/></definitions>')
)
WAIT_S = 20


@contextmanager
def server() -> Iterator[tuple[Engine, Served]]:
    with Engine() as engine:
        engine.deploy(("p.bpmn", XML.encode()), ("c.bpmn", CAUGHT.encode()))
        engine.serve(threads=1)
        with served(engine) as running:
            yield engine, running


def ended(engine: Engine, *instances: Instance) -> bool:
    return engine.wait_until(lambda: all(each.state == "completed" for each in instances), WAIT_S)


@dataclass
class Order:
    number: int
    price: Decimal


def test_functions_and_coroutines_are_given_typed_variables_and_give_results() -> None:
    seen: list[object] = []
    with server() as (engine, running):
        worker = Worker(running.url)

        @worker.worker("work")
        def work(order: Order, job: Job, note: str = "none") -> dict[str, object]:
            seen.append((order, job.process_id, job.version, job.element_id, job.instance, note))
            return {"total": order.price * order.number}

        instance = engine.start("p", {"order": {"number": 3, "price": 0.1}, "other": 1})
        with worker:
            assert ended(engine, instance)
        assert seen == [(Order(3, Decimal("0.1")), "p", 1, "work", instance.key, "none")]
        assert instance.variables["total"] == Decimal("0.3")

        other = Worker(running.url)

        @other.worker("work")
        async def soon(a: int) -> dict[str, int]:
            await asyncio.sleep(0)
            return {"b": a + 1}

        instances = engine.start_many("p", [{"a": n} for n in range(50)])
        with other:
            assert ended(engine, *instances)
        assert [each.variables["b"] for each in instances] == list(range(1, 51))


def test_only_what_a_function_names_is_fetched() -> None:
    with server() as (engine, running):
        worker = Worker(running.url)
        seen: list[dict[str, object]] = []

        @worker.worker("work")
        def work(a: int, b: int = 7) -> None:
            seen.append({"a": a, "b": b})

        @worker.worker("all")
        def everything(job: Job, **variables: object) -> None:
            seen.append(variables)

        assert [duty.signature.names for duty in worker.duties] == [("a", "b"), None]
        instance = engine.start("p", {"a": 1, "large": "x" * 1000})
        with worker:
            assert ended(engine, instance)
        assert seen == [{"a": 1, "b": 7}]


def test_errors_are_caught_denials_and_failures_become_attempts() -> None:
    with server() as (engine, running):
        worker = Worker(running.url)

        @worker.worker("work", backoff=(0.0,))
        def work(kind: str, job: Job) -> dict[str, object] | None:
            if kind == "error":
                raise BpmnError("refused", "no", {"why": "because"})
            if job.attempt == 1:
                if kind == "denied":
                    raise Denied("here nobody can")
                if kind == "nonsense":
                    return {"x": object()}
                raise ValueError("once")
            return {"attempt": job.attempt}

        caught = engine.start("caught", {"kind": "error"})
        others = engine.start_many("p", [{"kind": kind} for kind in ("denied", "nonsense", "fails")])
        with worker:
            assert ended(engine, caught, *others)
        assert caught.variables["why"] == "because"
        assert [each.variables["attempt"] for each in others] == [2, 2, 2]


def test_a_lease_is_extended_while_the_function_runs() -> None:
    with server() as (engine, running):
        worker = Worker(running.url)
        go_on = threading.Event()
        attempts: list[int] = []

        @worker.worker("work", timeout=0.6)
        def work(job: Job) -> None:
            attempts.append(job.attempt)
            assert go_on.wait(WAIT_S)

        instance = engine.start("p")
        with worker:
            dues: set[object] = set()

            def extended() -> bool:
                dues.update(job.due for job in engine.jobs() if job.attempt)
                return len(dues) > 3

            assert engine.wait_until(extended, WAIT_S)
            go_on.set()
            assert ended(engine, instance)
        assert attempts == [1]


def test_a_stopped_worker_finishes_what_runs_and_takes_nothing_more() -> None:
    with server() as (engine, running):
        worker = Worker(running.url)
        began, go_on = threading.Event(), threading.Event()

        @worker.worker("work", max_jobs=1)
        def work(n: int) -> None:
            began.set()
            assert go_on.wait(WAIT_S)

        first, second = engine.start_many("p", [{"n": 1}, {"n": 2}])
        worker.start()
        assert began.wait(WAIT_S)
        stopping = threading.Thread(target=worker.stop)
        stopping.start()
        go_on.set()
        stopping.join()
        assert first.state == "completed"
        assert second.state == "active"


def test_a_worker_outlives_its_server_and_tells_the_next_one() -> None:
    with Engine() as engine:
        engine.deploy(("p.bpmn", XML.encode()))
        engine.serve(threads=1)
        began, go_on = threading.Event(), threading.Event()
        with served(engine) as running:
            port = int(running.url.rpartition(":")[2])
            worker = Worker(running.url, retries=0)

            @worker.worker("work")
            def work(n: int) -> None:
                began.set()
                assert go_on.wait(WAIT_S)

            first = engine.start("p", {"n": 1})
            worker.start()
            assert began.wait(WAIT_S)
        go_on.set()
        with served(engine, port=port):
            second = engine.start("p", {"n": 2})
            assert ended(engine, first, second)
            worker.stop()


def test_a_server_without_streams_is_polled(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*given: object) -> object:
        raise Conflict("no streams here")

    with server() as (engine, running):
        monkeypatch.setattr("procession.web.routes.jobs.stream", refused)
        worker = Worker(running.url)

        @worker.worker("work", max_jobs=2)
        def work(n: int) -> dict[str, int]:
            return {"m": n}

        instances = engine.start_many("p", [{"n": n} for n in range(7)])
        with worker:
            assert ended(engine, *instances)


def test_streams_that_end_are_followed_by_others_and_no_more_is_done_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("procession.web.job_stream.STREAM_S", 0.05)
    active, most = 0, 0
    with server() as (engine, running):
        worker = Worker(running.url)

        @worker.worker("work", max_jobs=2)
        async def work(n: int) -> None:
            nonlocal active, most
            active += 1
            most = max(most, active)
            await asyncio.sleep(0.05)
            active -= 1

        instances = engine.start_many("p", [{"n": n} for n in range(20)])
        with worker:
            assert ended(engine, *instances)
    assert most == 2


def test_what_cannot_be_registered_or_run_is_refused() -> None:
    worker = Worker("http://127.0.0.1:9")
    worker.start()
    with pytest.raises(BadValue):
        worker.stop()
    with pytest.raises(TypeError):
        worker.worker("work")(lambda *many: None)
    with pytest.raises(BadValue):
        worker.worker("work", max_jobs=0)(lambda: None)
    with pytest.raises(BadValue):
        worker.worker("work", timeout=0)(lambda: None)
    with Client("http://127.0.0.1:9", retries=0) as client, pytest.raises(Unreachable):
        client.instance("1")
