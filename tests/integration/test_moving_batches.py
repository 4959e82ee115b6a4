"""Batches that move instances between hosts: to a real cluster and back, paused, stopped, reverted, and killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, Final

import pytest
from celery import Celery

from broker_rig import Brokers, leash
from celery_rig import Shops, shops
from celery_rig import model as chain
from moving_rig import KINDS, MESSAGE, MODELS, PATIENCE_S, Hands, finished, host_of, sent, until
from parity_rig import forms
from places import place_of
from procession import BadValue, Conflict, Engine, Filter, Routing, Temporal
from procession.base.values import Json
from procession.hosts.celery import CeleryHost
from procession.hosts.embedded import moving
from procession.hosts.temporal.ids import workflow_id
from procession.testing.temporal import DevServer
from temporal_rig import Servers, in_namespace

__all__ = ["shops"]
HERE: Final[Json] = {"default": "here"}
Opened = Callable[..., Engine]


@pytest.fixture(scope="module")
def cluster(temporal_servers: Servers) -> DevServer:
    """One namespace for all tests of this module: each has a task queue of its own, and a tenant's keys are its own."""
    return in_namespace(temporal_servers("server"), "moving-batches")


@pytest.fixture
def opened(cluster: DevServer, tmp_path: Path) -> Generator[Opened]:
    """Engines on one file beside the cluster, which do nothing by themselves unless they `serve`."""
    made: list[Engine] = []

    def engine(*, serve: bool = True, takeover: bool = False, **settings: Any) -> Engine:
        host = Temporal(cluster.address, namespace=cluster.namespace, queue=f"q-{tmp_path.name}", **settings)
        found = Engine(place_of(tmp_path / "e.db"), host=host, takeover=takeover)
        made.append(found)
        if not found.definitions():
            found.deploy(*MODELS)
            Routing(found).set(HERE)
        if serve:
            found.serve(2)
        return found

    yield engine
    for each in made:
        each.close()


def messages(engine: Engine, count: int) -> list[Any]:
    return engine.start_many("message", [{"k": f"k{n}"} for n in range(count)])


def hosts(engine: Engine, started: list[Any]) -> list[str]:
    return [host_of(engine, each.key) for each in started]


def end(engine: Engine, started: list[Any]) -> None:
    """Each takes its message, and ends: nobody is lost."""
    for n in range(len(started)):
        engine.publish("go", f"k{n}", ttl=600)
    until(engine, lambda: engine.counts() == {"completed": len(started)}, engine.counts())


def start_all(engine: Engine) -> list[Any]:
    return [engine.start(KINDS[n % 6], {"k": f"k{n}", "wait": "PT1H"}) for n in range(24)]


def go_on(engine: Engine, hands: Hands) -> None:
    hands.let.set()
    for n in range(24):
        engine.publish("go", f"k{n}", ttl=600)
    until(engine, lambda: engine.counts()["completed"] == 24, engine.counts())  # four of them were called


def test_all_kinds_go_there_and_back_and_do_what_they_would_have_done(opened: Opened) -> None:
    with Engine(":memory:") as other:
        other.deploy(*MODELS)
        other.serve(2)
        hands = Hands(other)
        start_all(other)
        go_on(other, hands)
        unmoved, effects = forms(other.store, "<default>"), len(hands.effects)
    engine = opened()
    hands = Hands(engine)
    started = start_all(engine)
    until(engine, lambda: engine.counts() == {"active": 28})
    there = finished(engine, engine.changes.move_each(Filter(host="here"), "temporal"))
    assert (there.done, there.failed, there.awaited) == (24, 0, 0)
    assert set(hosts(engine, started)) == {"temporal"}
    # Those that were called are on no way of their own, and what is there stays.
    back = finished(engine, engine.changes.move_each(Filter(host="temporal"), "here"))
    assert (back.done, back.failed, back.seen) == (24, 0, 28)
    assert finished(engine, engine.changes.move_each(Filter(), "here")).done == 24
    assert set(hosts(engine, started)) == {""}
    go_on(engine, hands)
    assert len(hands.effects) == effects
    assert forms(engine.store, "<default>") == unmoved


def test_jobs_are_issued_anew_both_ways(opened: Opened) -> None:
    engine = opened()
    hands = Hands(engine)
    started = engine.start_many("job", [{} for _ in range(3)])
    until(engine, lambda: len(engine.jobs()) == 3)
    seen = {job.idempotency_key for job in engine.jobs()}
    for to in ("temporal", "here"):
        assert finished(engine, engine.changes.move_each(Filter(process_id="job"), to, jobs="reissue")).done == 3
        keys = {job.idempotency_key for job in engine.jobs()}
        assert len(keys) == 3
        assert not keys & seen
        seen |= keys
    hands.let.set()
    until(engine, lambda: engine.counts() == {"completed": 3}, engine.counts())
    for each in started:
        kinds = [entry.kind for entry in each.history if entry.kind.startswith("job")]
        assert kinds == ["job", "job-reissued", "job-reissued", "job-done"]


def test_a_batch_stands_still_goes_on_is_stopped_and_reverted(opened: Opened) -> None:
    engine = opened(serve=False)
    started = messages(engine, 24)
    changes = engine.changes
    key = changes.move_each(Filter(process_id="message"), "temporal")
    assert engine.pump.turn()
    changes.pause_batch(key)
    engine.serve(2)
    until(engine, lambda: not changes.batch(key).awaited)
    paused = changes.batch(key)
    assert paused.state == "paused"
    assert 0 < paused.done < 24
    assert hosts(engine, started).count("temporal") == paused.done
    engine.stop()
    changes.continue_batch(key)
    assert engine.pump.turn()
    changes.stop_batch(key)
    # Reverted while some are on their way: those are moved back, too.
    back = changes.revert_batch(key)
    assert changes.revert_batch(key) == back
    engine.publish("go", "k0")
    engine.serve(2)
    until(engine, lambda: started[0].state == "completed")
    found = finished(engine, back)
    assert changes.batch(key).state == "cancelled"
    assert paused.done < changes.batch(key).done < 24
    assert found.done in (changes.batch(key).done, changes.batch(key).done - 1)
    assert (found.failed, set(hosts(engine, started[1:]))) == (0, {""})
    # A revert is a batch of moves like others.
    again = finished(engine, changes.revert_batch(back))
    assert again.done == hosts(engine, started[1:]).count("temporal")
    end(engine, started)


def test_only_moves_are_reverted_and_only_to_hosts_that_are_there(opened: Opened) -> None:
    engine = opened()
    key = finished(engine, engine.changes.suspend_each(Filter())).key
    with pytest.raises(Conflict, match="moved nothing"):
        engine.changes.revert_batch(key)
    with pytest.raises(Conflict, match="no host 'mars'"):
        engine.changes.move_each(Filter(), "mars")
    with pytest.raises(BadValue, match="carry, wait and reissue"):
        engine.changes.move_each(Filter(), "temporal", jobs="drop")
    caller = engine.start("caller", {"k": "k"})
    until(engine, lambda: bool(engine.instances(parent=caller.key)))
    [child] = engine.instances(parent=caller.key)
    found = finished(engine, engine.changes.move_each(Filter(instances=(child.key,)), "temporal"))
    [error] = engine.changes.batch_errors(found.key)
    assert (error.instance, f"move instance {caller.key}" in error.text) == (child.key, True)


@pytest.mark.parametrize("to", ["temporal", "here"])
def test_two_batches_at_once_over_the_same_instances_move_each_once(opened: Opened, to: str) -> None:
    engine = opened()
    started = messages(engine, 16)
    if to == "here":
        finished(engine, engine.changes.move_each(Filter(), "temporal"))
    keys = [engine.changes.move_each(Filter(process_id="message"), to) for _ in range(2)]
    both = [finished(engine, key) for key in keys]
    assert [(each.done, each.failed) for each in both] == [(16, 0)] * 2
    assert set(hosts(engine, started)) == {"" if to == "here" else "temporal"}
    # Each was moved by one of them, which takes back its own.
    reverted = [finished(engine, engine.changes.revert_batch(key)) for key in keys]
    assert sum(each.done for each in reverted) == 16
    end(engine, started)


@pytest.mark.parametrize("to", ["temporal", "here"])
def test_those_that_work_are_waited_for_and_then_are_errors(
    opened: Opened, to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = opened()
    hands = Hands(engine)
    instance = engine.start("job", {})
    assert hands.begun.acquire(timeout=PATIENCE_S)
    if to == "here":
        finished(engine, engine.changes.move_each(Filter(), "temporal"))
        assert hands.begun.acquire(timeout=PATIENCE_S)
    monkeypatch.setattr(moving, "TRIED_MS", 0)
    found = finished(engine, engine.changes.move_each(Filter(), to, jobs="wait"))
    assert (found.done, found.failed) == (0, 1)
    assert "under way" in engine.changes.batch_errors(found.key)[0].text
    monkeypatch.setattr(moving, "TRIED_MS", 3_600_000)
    key = engine.changes.move_each(Filter(), to, jobs="wait")
    until(engine, lambda: engine.changes.batch(key).awaited == 1)
    assert host_of(engine, instance.key) == ("temporal" if to == "here" else "")
    hands.let.set()
    # It ended by itself meanwhile: that is done.
    found = finished(engine, key)
    assert (found.done, found.failed, instance.wait(PATIENCE_S)) == (1, 0, "completed")


def test_a_workflow_that_is_gone_is_an_error(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = opened(serve=False)
    [instance] = messages(engine, 1)
    engine.changes.move(instance.key, "temporal")
    placement: Any = engine.hosting.placement
    until(engine, lambda: sent(engine))
    client = placement._of("<default>").client
    placement._loop.run(client.get_workflow_handle(workflow_id("<default>", instance.key)).terminate())
    monkeypatch.setattr(moving, "TRIED_MS", 0)
    engine.serve(2)
    found = finished(engine, engine.changes.move_each(Filter(), "here"))
    assert (found.done, found.failed) == (0, 1)
    assert "its workflow has ended" in engine.changes.batch_errors(found.key)[0].text


KILLED: Final = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from procession import Engine, Filter, Temporal
host = Temporal({address!r}, namespace={namespace!r}, queue={queue!r})
engine = Engine({path!r}, host=host)
engine.serve(2)
engine.changes.move_each(Filter(process_id="message"), {to!r})
print("begun", flush=True)
engine.wait_until(lambda: False)
"""


@pytest.mark.parametrize("to", ["temporal", "here"])
def test_whoever_moves_is_killed_at_commits_and_the_next_goes_on(
    opened: Opened, cluster: DevServer, tmp_path: Path, to: str
) -> None:
    engine = opened()
    started = messages(engine, 16)
    if to == "here":
        finished(engine, engine.changes.move_each(Filter(), "temporal"))
    until(engine, lambda: sent(engine))
    engine.close()
    where = {"address": cluster.address, "namespace": cluster.namespace, "queue": f"q-{tmp_path.name}"}
    text = KILLED.format(tests=str(Path(__file__).parents[1]), path=place_of(tmp_path / "e.db"), to=to, **where)
    # The first commits take the shard and begin the batch; then each is a portion, or tells what arrived.
    for commit, point in ((4, "after-commit"), (3, "before-commit")):
        command = [*leash(), sys.executable, "-c", text]
        env = {**os.environ, "PROCESSION_FAULT": f"{point}:{commit}"}
        mover = subprocess.run(command, check=False, env=env, capture_output=True, timeout=PATIENCE_S)
        assert mover.returncode == -signal.SIGKILL, mover.stderr
    engine = opened(takeover=True)
    for batch in engine.changes.batches():
        finished(engine, batch.key)
    assert set(hosts(engine, started)) == {"" if to == "here" else "temporal"}
    assert not any(batch.failed for batch in engine.changes.batches())
    end(engine, started)


def test_what_a_newer_version_wrote_is_kept_for_it_and_holds_up_nobody_else(opened: Opened) -> None:
    engine = opened(serve=False)
    started = messages(engine, 3)
    finished(engine, engine.changes.move_each(Filter(), "temporal"))
    until(engine, lambda: sent(engine))
    # As a newer version would, beside what this one sends.
    shard = engine.pump.shard
    assert shard is not None
    number = shard.keys.take(shard.clock())
    shard.begin()
    body = b'{"type":"teleport","number":1}'
    shard.batch["outbox"].insert((0, number), (0, number, started[0].key, 0, body))
    key = shard.keys.take(shard.clock())
    body = b'{"which":{},"action":{"action":"teleport"}}'
    shard.batch["batch"].insert(key, (0, key, shard.at, 0, 0, 0, 0, 0, body))
    shard.heartbeat()
    shard.settle()
    shard.batches = {0: {key: None}}
    engine.serve(2)
    until(engine, lambda: engine.changes.batch(key).state == "paused")
    assert "this version cannot" in engine.changes.batch_errors(key)[0].text
    assert [each.state for each in engine.changes.batches()] == ["finished", "paused"]
    for n in range(1, 3):
        engine.publish("go", f"k{n}")
    until(engine, lambda: [each.state for each in started[1:]] == ["completed"] * 2)
    assert not sent(engine)


def test_between_celery_and_a_cluster(cluster: DevServer, shops: Shops, brokers: Brokers) -> None:
    shop = shops(brokers("redis"))
    queue = shop.environment["SHOP_QUEUE"]
    store = shop.environment["SHOP_STORE"]

    def open_(courier: Any) -> Engine:
        return Engine(store, courier=courier, host=Temporal(cluster.address, namespace=cluster.namespace, queue=queue))

    app = Celery("mover", broker=shop.broker.url, set_as_current=False)
    app.conf.task_default_queue = queue
    host = CeleryHost(app, open=open_, lost=2.0, sweep=0.5)
    engine = host.engine()
    try:
        engine.deploy(MESSAGE, chain("p", "message", "charge"))
        Routing(engine).set(HERE)
        shop.work("solo")
        waiting = messages(engine, 6)
        chains = engine.start_many("p", [{"order": f"o{n}", "total": n} for n in range(6)])
        engine.serve(1)
        there = finished(engine, engine.changes.move_each(Filter(), "temporal"))
        assert (there.done, there.failed) == (12, 0)
        assert set(hosts(engine, [*waiting, *chains])) == {"temporal"}
        back = finished(engine, engine.changes.move_each(Filter(host="temporal"), "here"))
        assert (back.done, back.failed) == (12, 0)
        for n in range(6):
            engine.publish("go", f"k{n}", ttl=600)
            engine.publish("paid", f"o{n}", ttl=600)
        until(engine, lambda: engine.counts() == {"completed": 12}, engine.counts())
    finally:
        host.close()
        app.close()
