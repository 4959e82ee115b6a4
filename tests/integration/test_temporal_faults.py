"""Faults that change nothing: workers, servers and messages may die, come twice or stop, and the facts are the same.

Each instance is compared, in its canonical form, with one that the embedded engine ran undisturbed.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
from temporalio.api.enums.v1 import EventType

import temporal_rig
from fault_models import catch, each, service
from host_rig import FakeClock
from procession import Engine, Job
from procession.base.values import Json
from procession.hosts.temporal import sweeper
from procession.hosts.temporal.doctor.diagnosis import diagnose
from procession.hosts.temporal.doctor.verdicts import judge, worst
from procession.hosts.temporal.payloads import TRAMPOLINE, Budget
from procession.runtime.elsewhere import Begin
from procession.services.views import Views
from procession.store.sqlite import SQLiteStore
from procession.testing.temporal import DevServer, dev_server
from temporal_host import TENANT, Child, Host, canonical_of, eventually, model, timer
from temporal_jobs import done

CHAIN: Final = model("chain", service("first"), service("second"), service("third"))
TRIP: Final = model(
    "trip",
    service("book"),
    timer("nap", "PT0.2S"),
    catch("paid"),
    service("ship", loop=each("items", "item")),
    service("close"),
    messages={"paid": "number"},
)
"""Jobs, a timer, a message with a key, and a job for each item."""
LONG: Final = 3_600_000
"""How long (ms) a message waits for who is delayed by the death of workers."""


@pytest.fixture
def host(temporal_server: DevServer, tmp_path: Path) -> Iterator[Host]:
    with Host(temporal_server.address, temporal_server.namespace, tmp_path / "book.db", job_timeout=3_000) as host:
        yield host


def undisturbed(document: tuple[str, bytes], variables: dict[str, Json], *messages: str) -> Json:
    """What the embedded engine makes of it."""
    store, clock = SQLiteStore(":memory:"), FakeClock()
    with Engine(":memory:", store=store, clock=clock) as engine:
        engine.deploy(document)

        def work(job: Job) -> dict[str, Json]:
            return {job.element_id: "done"}

        for type in ("first", "second", "third", "book", "ship", "close"):
            engine.worker(type)(work)
        instance = engine.start(document[0].removesuffix(".bpmn"), variables)
        for name in messages:
            engine.publish(name, str(variables["number"]), ttl=60)
        for _ in range(5):
            engine.run_until_idle()
            clock.pass_by(1)
        assert instance.state == "completed"
        return canonical_of(Views(store), TENANT, instance.key)


def healthy(host: Host, *instances: int) -> None:
    """The doctor finds nothing, and nothing waits in the store."""
    for instance in instances:
        found = host.loop.run(diagnose(host.client, host.store, TENANT, instance))
        assert worst(judge(found.facts)) == "healthy", found.verdicts
    assert not host.troubles


def effects(path: Path) -> Counter[str]:
    """How often each job was done, by its idempotency key."""
    return Counter(path.read_text().split())


# --- a worker is killed


@pytest.mark.parametrize(
    ("dies", "call"),
    [
        ("job", 1),
        pytest.param("job", 2, marks=pytest.mark.large),
        ("job-done", 2),
        ("post", 1),
        pytest.param("post", 2, marks=pytest.mark.large),
    ],
)
def test_a_worker_that_is_killed(host: Host, tmp_path: Path, dies: str, call: int) -> None:
    """In a job, after its effect, and before its reports are taken in."""
    host.deploy(CHAIN)
    log = tmp_path / "effects"
    # Without a cache nobody waits for the worker that had the instance in memory.
    # Reports that nothing urgent follows are handed over after a second; jobs have to take longer than that.
    orders: dict[str, Any] = {"dies": dies, "call": call, "pause": 1.6 if dies == "post" else 0.0}
    with Child(host, workflows=True, jobs=True, effects=str(log), cached=0, **orders) as child:
        instance = host.start("chain")
        child.dies()
    with Child(host, workflows=True, jobs=True, effects=str(log)):
        host.ends(instance)
    assert host.canonical(instance) == undisturbed(CHAIN, {})
    # An effect happens again only when its worker died between it and its completion.
    assert set(effects(log).values()) <= {1, 2}
    assert len(effects(log)) == 3
    assert sum(effects(log).values()) == 3 + (dies == "job-done")
    healthy(host, instance)


@pytest.mark.parametrize(("dies", "call"), [("hold", 1), pytest.param("confirm", 1, marks=pytest.mark.large)])
def test_a_worker_that_is_killed_with_a_report_that_must_not_be_lost(host: Host, dies: str, call: int) -> None:
    """Before it is stored, or before it counts: what a message is for."""
    host.deploy(TRIP)
    given: dict[str, Json] = {"number": "N1", "items": [1, 2]}
    with Child(host, workflows=True, jobs=True, cached=0, dies=dies, call=call) as child:
        instance = host.start("trip", given)
        host.publish("paid", "N1", ttl=LONG)
        child.dies()
    with Child(host, workflows=True, jobs=True):
        host.ends(instance)
    assert host.canonical(instance) == undisturbed(TRIP, given, "paid")
    healthy(host, instance)


def test_a_worker_that_is_killed_between_two_jobs(temporal_server: DevServer, tmp_path: Path) -> None:
    queue = "between-{type}"
    with Host(temporal_server.address, temporal_server.namespace, tmp_path / "b.db", job_queue=queue) as host:
        host.deploy(CHAIN)
        host.jobs({"first": done}, queue="between-first")
        with Child(host, workflows=True, cached=0):
            instance = host.start("chain")
            eventually(lambda: host.tokens(instance), lambda tokens: tokens == {"second"})
        host.jobs({"second": done}, queue="between-second")
        host.jobs({"third": done}, queue="between-third")
        with Child(host, workflows=True, cached=0):
            host.ends(instance)
        assert host.canonical(instance) == undisturbed(CHAIN, {})
        healthy(host, instance)


@pytest.mark.parametrize(("dies", "call"), [("hold", 2), pytest.param("confirm", 2, marks=pytest.mark.large)])
def test_a_worker_that_is_killed_while_a_run_goes_on_in_a_new_one(
    temporal_server: DevServer, tmp_path: Path, dies: str, call: int
) -> None:
    """Each event ends its run, and the worker dies when the last report of one is stored, or is to be confirmed."""
    budget = Budget(events=0, steps=1)
    with Host(
        temporal_server.address, temporal_server.namespace, tmp_path / "b.db", job_timeout=3_000, budget=budget
    ) as host:
        host.deploy(TRIP)
        with Child(host, workflows=True, jobs=True, dies=dies, call=call, cached=0) as child:
            instance = host.start("trip", {"number": "N1", "items": [1, 2]})
            host.publish("paid", "N1")
            child.dies()
        with Child(host, workflows=True, jobs=True):
            host.ends(instance)
        assert host.canonical(instance) == undisturbed(TRIP, {"number": "N1", "items": [1, 2]}, "paid")
        healthy(host, instance)


def test_a_run_that_is_to_end_while_a_job_is_in_flight(host: Host) -> None:
    host.deploy(CHAIN)
    host.workflows()
    instance = host.start("chain")
    eventually(lambda: host.tokens(instance), lambda tokens: tokens == {"first"})
    host.loop.run(host.client.get_workflow_handle(host.workflow(instance)).signal(TRAMPOLINE))
    host.jobs(dict.fromkeys(("first", "second", "third"), done))
    host.ends(instance)
    assert host.canonical(instance) == undisturbed(CHAIN, {})
    assert host.loop.run(_runs(host, instance)) > 1
    healthy(host, instance)


async def _runs(host: Host, instance: int) -> int:
    """In how many runs it went."""
    query = f"WorkflowId = '{host.workflow(instance)}'"
    deadline = 100
    while (found := await host.client.count_workflows(query)).count < 2 and deadline:
        deadline -= 1
        await asyncio.sleep(0.05)
    return found.count


@pytest.mark.large
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_workers_that_are_killed_at_random_under_twenty_instances(
    host: Host, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeper, "ROUND_EVERY_S", 1.0)
    print(f"seed {seed}")  # noqa: T201 - to repeat it
    drawn = random.Random(seed)
    host.deploy(TRIP)
    given: list[dict[str, Json]] = [{"number": f"N{n}", "items": list(range(n % 3))} for n in range(20)]
    instances = [host.start("trip", variables) for variables in given]
    unsent = [str(variables["number"]) for variables in given]
    drawn.shuffle(unsent)
    for _ in range(8):
        with Child(host, workflows=True, jobs=True, pause=drawn.choice([0.0, 0.05])):
            for number in [unsent.pop() for _ in range(min(3, len(unsent)))]:
                host.publish("paid", number, ttl=LONG)
            # It dies after as many commits of the book as were drawn, or seconds, wherever that finds it.
            commits, seconds = host.pump.bell.generation + drawn.randrange(1, 60), drawn.uniform(1.0, 4.0)
            eventually(partial(_far, host, commits, time.monotonic() + seconds))
    for number in unsent:
        host.publish("paid", number, ttl=LONG)
    # That an instance has ended is known to its worker alone for a moment.
    with Child(host, workflows=True, jobs=True), host.swept():
        host.ends(*instances, seconds=120)
    for instance, variables in zip(instances, given, strict=True):
        assert host.canonical(instance) == undisturbed(TRIP, variables, "paid"), f"seed {seed}, {variables}"
    healthy(host, *instances)


def _far(host: Host, commits: int, deadline: float) -> bool:
    """Whether the book has come so far, or has had its time: it may wait for messages that come later."""
    return host.pump.bell.generation >= commits or time.monotonic() > deadline


# --- a server is killed


@pytest.mark.parametrize("kind", ["cli", "server"])
def test_a_server_that_is_killed_and_comes_back(kind: Any, tmp_path: Path) -> None:
    temporal_rig.need(kind)
    server = dev_server(kind, db_filename=tmp_path / "temporal.db")
    asyncio.run(server.start())
    try:
        with Host(server.address, "default", tmp_path / "book.db", job_timeout=3_000) as host:
            host.deploy(TRIP)
            host.workflows()
            host.jobs(dict.fromkeys(("book", "ship", "close"), done))
            variables: dict[str, Json] = {"number": "N1", "items": [1]}
            first = host.start("trip", variables)
            eventually(lambda: host.tokens(first), lambda tokens: "paid" in tokens)
            server.kill()
            # What is asked meanwhile waits in the outbox.
            second = host.start("trip", variables | {"number": "N2"})
            host.publish("paid", "N1")
            host.publish("paid", "N2")
            asyncio.run(server.restart())
            host.ends(first, second)
            assert host.canonical(first) == undisturbed(TRIP, variables, "paid")
            assert host.canonical(second) == undisturbed(TRIP, variables | {"number": "N2"}, "paid")
            healthy(host, first, second)
    finally:
        server.kill()
        server.forget_log()


# --- what comes twice


def test_a_start_that_is_sent_twice(host: Host) -> None:
    host.deploy(CHAIN)
    rows: list[Begin] = []
    honest = host.placement._begin

    async def twice(tenant: str, begin: Begin) -> None:
        rows.append(begin)
        await honest(tenant, begin)
        await honest(tenant, begin)

    host.placement._begin = twice  # type: ignore[method-assign]  # a process that could not tell that it had sent it
    host.workflows()
    host.jobs(dict.fromkeys(("first", "second", "third"), done))
    instance = host.start("chain")
    host.ends(instance)
    assert len(rows) == 1
    assert host.canonical(instance) == undisturbed(CHAIN, {})
    healthy(host, instance)


def test_messages_and_deliveries_that_come_twice(host: Host) -> None:
    two = model("two", catch("paid"), catch("sent"), messages={"paid": "number", "sent": "number"})
    host.deploy(two)
    host.workflows()
    honest = host.client.get_workflow_handle

    def doubled(*args: Any, **named: Any) -> Any:
        handle = honest(*args, **named)
        signal = handle.signal

        async def twice(*args: Any, **named: Any) -> None:
            await signal(*args, **named)
            await signal(*args, **named)

        handle.signal = twice  # type: ignore[method-assign]  # a sender that does not know whether it arrived
        return handle

    host.client.get_workflow_handle = doubled  # type: ignore[method-assign]
    instance = host.start("two", {"number": "N1"})
    eventually(lambda: host.tokens(instance), lambda tokens: tokens == {"paid"})
    host.publish("paid", "N1", id="m1")
    eventually(lambda: host.tokens(instance), lambda tokens: tokens == {"sent"})
    host.publish("sent", "N1", id="m2")
    host.ends(instance)
    twice = [event for event in host.loop.run(_events(host, instance)) if event == _SIGNALED]
    assert len(twice) == 4
    assert host.canonical(instance) == undisturbed_two(two)
    healthy(host, instance)


_SIGNALED: Final = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED


async def _events(host: Host, instance: int) -> list[int]:
    handle = host.client.get_workflow_handle(host.workflow(instance))
    return [event.event_type for event in (await handle.fetch_history()).events]


def undisturbed_two(two: tuple[str, bytes]) -> Json:
    """Both messages, once each."""
    return undisturbed(two, {"number": "N1"}, "paid", "sent")


# --- clocks


def test_the_time_of_an_instance_is_the_servers(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker whose clock is a day off changes nothing: time comes from the history."""
    host.deploy(TRIP)
    day = 86_400_000_000_000
    honest = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: honest() + day)
    before = honest() // 1_000_000
    host.workflows()
    host.jobs(dict.fromkeys(("book", "ship", "close"), done))
    instance = host.start("trip", {"number": "N1", "items": []})
    eventually(lambda: host.tokens(instance), lambda tokens: "paid" in tokens)
    host.publish("paid", "N1", ttl=3_600_000)
    host.ends(instance)
    history = Views(host.store).history(TENANT, instance)
    assert all(before - 1_000 <= entry.at <= honest() // 1_000_000 + 1_000 for entry in history)
    assert host.canonical(instance) == undisturbed(TRIP, {"number": "N1", "items": []}, "paid")
