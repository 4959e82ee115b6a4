"""Instances in flight move between hosts: to a real cluster and back, with all that they wait for."""

from __future__ import annotations

import queue
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest

from parity_rig import forms
from procession import BadValue, Conflict, Engine, NotFound, Routing, Temporal
from procession.base.failure import Busy
from procession.base.job import Job
from procession.base.keys import shard_of
from procession.core import events as e
from procession.core.facts import ElementEntered
from procession.runtime import codec
from procession.runtime import requests as q
from procession.runtime.courier import Parcel, Wake
from procession.runtime.rows import FactRow, InstanceRow, SizeRow
from procession.testing.temporal import DevServer
from temporal_rig import Engines


def part(id: str, inner: str, of: str = "serviceTask") -> str:
    """An element, with what is in it."""
    return f'<{of} id="{id}">{inner}</{of}>'


def flow(id: str, source: str, target: str) -> str:
    return f'<sequenceFlow id="{id}" sourceRef="{source}" targetRef="{target}"/>'


def model(name: str, body: str) -> tuple[str, bytes]:
    text = f"""<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
        xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="x"><message id="m" name="go">
      <extensionElements><zeebe:subscription correlationKey="=k"/></extensionElements></message>
      <signal id="sig" name="all"/><process id="{name}" isExecutable="true"><startEvent id="s"/>{body}<endEvent id="e"/>
      </process></definitions>"""
    return f"{name}.bpmn", text.encode()


WORK: Final = '<extensionElements><zeebe:taskDefinition type="work"/></extensionElements>'
PEOPLE: Final = "<extensionElements><zeebe:userTask/></extensionElements>"
CATCH: Final = "intermediateCatchEvent"
CALL: Final = '<extensionElements><zeebe:calledElement processId="called"/></extensionElements>'
LOOP: Final = """<multiInstanceLoopCharacteristics><extensionElements><zeebe:loopCharacteristics
  inputCollection="=[1, 2, 3]" inputElement="item" outputCollection="out" outputElement="=done"/></extensionElements>
  </multiInstanceLoopCharacteristics>"""
PARTS: Final = {
    "a": part("a", WORK),
    "b": part("b", '<messageEventDefinition messageRef="m"/>', CATCH),
    "c": part("c", "<timerEventDefinition><timeDuration>PT1.5S</timeDuration></timerEventDefinition>", CATCH),
    "d": part("d", '<signalEventDefinition signalRef="sig"/>', CATCH),
    "t": part("t", PEOPLE, "userTask"),
    "call": part("call", CALL, "callActivity"),
}
"""What an instance waits for, in parallel."""
WAITS: Final = "".join(
    [
        flow("f", "s", "g"),
        '<parallelGateway id="g"/><parallelGateway id="j"/>',
        *(flow(f"i{id}", "g", id) + text + flow(f"o{id}", id, "j") for id, text in PARTS.items()),
        flow("h", "j", "e"),
    ]
)
CALLED: Final = (
    flow("f1", "s", "w")
    + part("w", WORK + LOOP)
    + flow("f2", "w", "u")
    + part("u", PEOPLE, "userTask")
    + flow("f3", "u", "e")
)
BOTH: Final = (model("waits", WAITS), model("called", CALLED))


class Work:
    """The function that does all jobs: held up until it is let, and every effect under its key."""

    def __init__(self, engine: Engine) -> None:
        self.let = threading.Event()
        self.begun = threading.Semaphore(0)
        self.effects: Counter[str] = Counter()

        @engine.worker("work", timeout=120)
        def work(job: Job) -> dict[str, str]:
            self.begun.release()
            assert self.let.wait(120)
            self.effects[job.idempotency_key] += 1
            return {"done": job.element_id}


def host_of(engine: Engine, key: int) -> str:
    return engine.store.read("instance", (0, key), InstanceRow)[0].host


def finish(engine: Engine, instance: Any, work: Work) -> None:
    """Lets everything come to its end."""
    work.let.set()
    engine.publish("go", "k1", {"went": True})
    engine.broadcast("all")
    assert engine.wait_until(lambda: len(engine.tasks(limit=9)) == 2, 120), engine.tasks()
    for task in engine.tasks():
        engine.complete_task(task.key)
    if instance.wait(120) != "completed":
        pytest.fail(f"{instance.state}: {instance.tokens}, {engine.jobs()}, {engine.incidents()}", pytrace=False)


@pytest.fixture(scope="module")
def unmoved() -> list[str]:
    """What an instance does that never moves."""
    with Engine(":memory:") as engine:
        engine.deploy(*BOTH)
        engine.serve(2)
        work = Work(engine)
        finish(engine, engine.start("waits", {"k": "k1"}), work)
        return forms(engine.store, "<default>")


@pytest.mark.parametrize("ways", [1, 2, 3, 4])
def test_it_goes_there_and_back_with_all_that_it_waits_for(
    temporal_engines: Engines, unmoved: list[str], ways: int
) -> None:
    engine = temporal_engines(*BOTH)
    work = Work(engine)
    Routing(engine).set({"default": "here"})
    instance = engine.start("waits", {"k": "k1"})
    assert engine.wait_until(lambda: len(instance.tokens) == 6, 90)
    [child] = engine.instances(parent=instance.key)
    for way in range(ways):
        to = "temporal" if way % 2 == 0 else "here"
        assert engine.changes.move(instance.key, to) == 2
        wanted = "temporal" if to == "temporal" else ""
        assert [host_of(engine, key) for key in (instance.key, child.key)] == [wanted] * 2
        assert engine.changes.move(instance.key, to) == 0
    finish(engine, instance, work)
    # What was under way when it moved is done again, under its key.
    assert len(work.effects) == 4
    assert forms(engine.store, "<default>") == unmoved


def test_jobs_under_way_are_waited_for_or_done_again_under_their_key(temporal_engines: Engines) -> None:
    engine = temporal_engines(*BOTH)
    Routing(engine).set({"default": "here"})
    work = Work(engine)
    instance = engine.start("waits", {"k": "k1"})
    assert work.begun.acquire(timeout=90)
    with pytest.raises(Busy, match="is under way"):
        engine.changes.move(instance.key, "temporal", jobs="wait")
    assert host_of(engine, instance.key) == ""
    assert engine.changes.move(instance.key, "temporal", jobs="carry") == 2
    finish(engine, instance, work)
    # Whoever worked on one had its effect; the other host did it again, under the same key.
    assert len(work.effects) == 4


def test_jobs_under_way_are_cancelled_and_issued_anew_under_another_key(temporal_engines: Engines) -> None:
    engine = temporal_engines(model("p", flow("f", "s", "a") + PARTS["a"] + flow("g", "a", "e")), external=["work"])
    Routing(engine).set({"default": "here"})
    instance = engine.start("p")
    keys: list[str] = []
    for to in ("temporal", "here", "temporal", "here"):
        [old] = engine.activate_jobs("work", 1, timeout=600)
        keys.append(old.idempotency_key)
        assert engine.changes.move(instance.key, to, jobs="reissue") == 1
        assert engine.changes.move(instance.key, to, jobs="reissue") == 0
        with pytest.raises(NotFound, match="is not open"):
            engine.complete_job(old)
    [new] = engine.activate_jobs("work", 1, timeout=600)
    keys.append(new.idempotency_key)
    assert len(set(keys)) == 5
    engine.complete_job(new, {"done": "once"})
    assert instance.wait(90) == "completed"
    kinds = Counter(entry.kind for entry in instance.history)
    assert (kinds["job"], kinds["job-reissued"], kinds["job-done"]) == (1, 4, 1)


def test_a_worker_at_work_is_refused_and_the_job_done_under_another_key(temporal_engines: Engines) -> None:
    engine = temporal_engines(*BOTH)
    Routing(engine).set({"default": "here"})
    work = Work(engine)
    instance = engine.start("waits", {"k": "k1"})
    assert work.begun.acquire(timeout=90)
    assert engine.wait_until(lambda: len(instance.tokens) == 6, 90)
    before = {job.key for job in engine.jobs()}
    assert len(before) == 4
    assert engine.changes.move(instance.key, "temporal", jobs="reissue") == 2
    there = {job.key for job in engine.jobs()}
    assert len(there) == 4
    assert not before & there
    assert engine.changes.move(instance.key, "here", jobs="reissue") == 2
    here = {job.key for job in engine.jobs()}
    assert len(here) == 4
    assert not (before | there) & here
    finish(engine, instance, work)
    # What was worked on has its effect under another key.
    assert engine.wait_until(lambda: len(work.effects) > 4, 90)
    [child] = engine.instances(parent=instance.key)
    kinds = Counter(entry.kind for each in (instance, engine.instance(child.key)) for entry in each.history)
    assert (kinds["job"], kinds["job-reissued"], kinds["job-done"]) == (4, 8, 4)


def test_a_workflow_issues_its_jobs_anew(temporal_engines: Engines) -> None:
    engine = temporal_engines(model("p", flow("f", "s", "a") + PARTS["a"] + flow("g", "a", "e")))
    work = Work(engine)
    instance = engine.start("p")
    assert work.begun.acquire(timeout=90)
    assert engine.wait_until(lambda: bool(engine.jobs()), 90)
    [old] = engine.jobs()
    engine.call(q.Deliver("<default>", instance.key, e.ReissueJobs()))
    assert engine.wait_until(lambda: [job.key for job in engine.jobs()] != [old.key], 90)
    [new] = engine.jobs()
    assert work.begun.acquire(timeout=90)
    work.let.set()
    assert instance.wait(90) == "completed"
    assert new.element == old.element
    assert work.effects[f"{instance.key}:{new.element}:0:1"] == 1
    kinds = Counter(entry.kind for entry in instance.history)
    assert (kinds["job"], kinds["job-reissued"], kinds["job-done"]) == (1, 1, 1)


def test_what_cannot_move_is_refused(temporal_engines: Engines) -> None:
    engine = temporal_engines(*BOTH)
    Routing(engine).set({"default": "here"})
    instance = engine.start("waits", {"k": "k1"})
    assert engine.wait_until(lambda: bool(engine.instances(parent=instance.key)), 90)
    [child] = engine.instances(parent=instance.key)
    with pytest.raises(Conflict, match=f"moves with that: move instance {instance.key}"):
        engine.changes.move(child.key, "temporal")
    with pytest.raises(Conflict, match="no host 'mars'"):
        engine.changes.move(instance.key, "mars")
    with pytest.raises(BadValue, match="carry, wait and reissue"):
        engine.changes.move(instance.key, "temporal", jobs="drop")
    with pytest.raises(NotFound):
        engine.changes.move(1, "temporal")
    instance.cancel()
    with pytest.raises(NotFound):
        engine.changes.move(instance.key, "temporal")


def test_a_mover_that_dies_between_the_two_steps_is_followed_by_another(temporal_engines: Engines) -> None:
    engine = temporal_engines(*BOTH)
    Routing(engine).set({"default": "here"})
    work = Work(engine)
    instance = engine.start("waits", {"k": "k1"})
    assert engine.wait_until(lambda: len(instance.tokens) == 6, 90)
    engine.changes.move(instance.key, "temporal")
    # It let go, and nobody has taken it back: what comes meanwhile is kept.
    placement = engine.hosting.placement
    assert placement is not None
    assert engine.wait_until(lambda: not engine.store.read("outbox_size", (), SizeRow)[0].count, 90)
    left = placement.leave("<default>", instance.key, wait=False)
    assert set(left.seqs) == {instance.key, engine.instances(parent=instance.key)[0].key}
    assert host_of(engine, instance.key) == "temporal"
    engine.publish("go", "k1", {"went": True})
    assert placement.leave("<default>", instance.key, wait=False) == left
    assert engine.changes.move(instance.key, "here") == 2
    assert engine.changes.move(instance.key, "here") == 0
    finish(engine, instance, work)
    assert len(work.effects) == 4


def test_two_movers_at_once_move_it_once(temporal_engines: Engines) -> None:
    engine = temporal_engines(*BOTH)
    Routing(engine).set({"default": "here"})
    work = Work(engine)
    instance = engine.start("waits", {"k": "k1"})
    assert engine.wait_until(lambda: len(instance.tokens) == 6, 90)
    for to in ("temporal", "here"):
        moved: list[int] = []
        movers = [
            threading.Thread(target=lambda to=to, moved=moved: moved.append(engine.changes.move(instance.key, to)))
            for _ in range(3)
        ]
        for mover in movers:
            mover.start()
        for mover in movers:
            mover.join()
        assert sorted(moved) == [0, 0, 2]
    finish(engine, instance, work)
    assert len(work.effects) == 4


def test_what_is_on_its_way_to_a_host_that_let_go_comes_here(temporal_engines: Engines) -> None:
    engine = temporal_engines(*BOTH)
    Routing(engine).set({"default": "here"})
    work = Work(engine)
    started = [engine.start("waits", {"k": f"k{n}"}) for n in range(6)]
    assert engine.wait_until(lambda: all(len(each.tokens) == 6 for each in started), 90)
    over = threading.Event()
    sent: list[str] = []

    def publish() -> None:
        for n in range(6):
            sent.append(f"k{n}")
            engine.publish("go", f"k{n}", {"went": n}, ttl=60)
            over.wait(0.05)

    talking = threading.Thread(target=publish)
    for each in started:
        engine.changes.move(each.key, "temporal")
    talking.start()
    for each in started:
        engine.changes.move(each.key, "here")
    talking.join()
    work.let.set()
    assert engine.wait_until(lambda: all("b" not in each.tokens for each in started), 120)
    engine.broadcast("all")
    assert engine.wait_until(lambda: len(engine.tasks(limit=99)) == 12, 120)
    for task in engine.tasks(limit=99):
        engine.complete_task(task.key)
    assert [each.wait(120) for each in started] == ["completed"] * 6
    assert [each.variables["went"] for each in started] == list(range(6))


class Turns:
    """A courier that brings every parcel at once to another engine of the same store, as workers of Celery would."""

    host = "celery"
    lost_ms = 30_000
    horizon_ms = 15_000

    def __init__(self) -> None:
        self.parcels: queue.Queue[Parcel | Wake] = queue.Queue()

    def carries(self, type: str) -> bool:
        return True

    def send(self, parcels: Sequence[Parcel | Wake]) -> None:
        for each in parcels:
            self.parcels.put(each)


@pytest.mark.parametrize("jobs", ["carry", "reissue"])
def test_between_processes_that_own_the_store_together_and_a_cluster(
    temporal_server: DevServer, tmp_path: Path, unmoved: list[str], jobs: str
) -> None:
    courier = Turns()
    host = Temporal(temporal_server.address, namespace=temporal_server.namespace, queue=f"together-{jobs}")
    over = threading.Event()
    with (
        Engine(tmp_path / "e.db", courier=courier, host=host) as engine,
        Engine(tmp_path / "e.db", courier=courier) as other,
    ):
        work = Work(engine)
        work.let.set()

        def carry() -> None:
            while not over.is_set():
                # What was sent before the instance moved is refused.
                with suppress(queue.Empty, NotFound):
                    parcel = courier.parcels.get(timeout=0.05)
                    if isinstance(parcel, Parcel):
                        other.call(finished(parcel))
                        work.effects[str(parcel.job["idempotency_key"])] += 1
                engine.pump.turn()

        carrying = threading.Thread(target=carry)
        engine.deploy(*BOTH)
        Routing(engine).set({"default": "here"})
        instance = engine.start("waits", {"k": "k1"})
        assert engine.changes.move(instance.key, "temporal", jobs=jobs) == 2
        # Nobody is brought a job that was issued anew for the other host.
        assert sum(isinstance(each, Parcel) for each in list(courier.parcels.queue)) <= 4
        carrying.start()
        try:
            assert engine.wait_until(lambda: len(work.effects) == 4, 90)
            assert engine.changes.move(instance.key, "here", jobs=jobs) == 2
            finish(engine, instance, work)
        finally:
            over.set()
            carrying.join()
        assert len(work.effects) == 4
        assert (forms(engine.store, "<default>") == unmoved) is (jobs == "carry")


def finished(parcel: Parcel) -> q.AnyRequest:
    """What a worker of Celery would answer."""
    job = parcel.job
    key, token = int(str(job["key"])), int(str(job["token"]))
    return q.FinishJob(parcel.tenant, key, {"done": job["element_id"]}, token)


def waits_at(engine: Engine, instance: int, element: str) -> bool:
    return engine.instance(instance).tokens == {element: 1}


def test_whoever_was_away_takes_keys_of_nobody_else(temporal_engines: Engines) -> None:
    ids = ["s", *(f"u{n}" for n in range(5)), "e"]
    tasks = "".join(part(each, PEOPLE, "userTask") for each in ids[1:-1])
    engine = temporal_engines(model("p", tasks + "".join(flow(f"f{a}", a, b) for a, b in pairwise(ids))))
    Routing(engine).set({"default": "here"})

    def goes_on(instance: Any) -> None:
        [task] = [each for each in engine.tasks() if each.instance == instance.key]
        engine.complete_task(task.key)
        assert engine.wait_until(lambda: task.key not in {each.key for each in engine.tasks()}, 60)

    first, second = (engine.start("p") for _ in range(2))
    for instance in (first, second):
        engine.changes.move(instance.key, "temporal")
        goes_on(instance)
        assert engine.wait_until(partial(waits_at, engine, instance.key, "u1"), 60)
        engine.changes.move(instance.key, "here")
    others = []
    for _ in range(4):
        for instance in (first, second):
            goes_on(instance)
        others.append(engine.start("p"))
        assert shard_of(others[-1].key) == 0, "who never was away has a key as ever"
    assert [each.state for each in (first, second)] == ["completed"] * 2
    entered: Counter[int] = Counter()
    for row in engine.store.read("instances", (0, 0, 100), InstanceRow):
        for step in engine.store.read("facts", (0, row.key, 0), FactRow):
            entered.update(each.element for each in codec.decode_facts(step.data) if isinstance(each, ElementEntered))
    assert set(entered.values()) == {1}
