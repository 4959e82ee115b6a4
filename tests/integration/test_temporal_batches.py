"""Batches over instances that are workflows: what becomes of each is told, and no batch ends before it is."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

import drawn as d
from host_rig import FaultyStore
from procession import Engine, Filter, Temporal
from procession.hosts.temporal.ids import workflow_id
from procession.runtime.elsewhere import Treated
from procession.runtime.ports import Cells
from procession.runtime.requests import Report
from procession.services.batches import BatchView
from procession.store.sqlite import SQLiteStore
from procession.testing.temporal import DevServer
from temporal_rig import Engines

WAITS_S = 30.0
EVERY = Filter(process_id="p")
TENANT = "<default>"


def two(second: str = "b") -> tuple[str, bytes]:
    """Two user tasks, one after the other."""
    elements = {"begin": d.start(), "a": d.user(), second: d.user(), "done": d.end()}
    return f"{second}.bpmn", d.document(d.process("p", f"begin -> a, a -> {second}, {second} -> done", **elements))


def forked() -> tuple[str, bytes]:
    """Two jobs at once, each with one try."""
    flows = "begin -> fork, fork -> x, fork -> y, x -> join, y -> join, join -> done"
    elements = {"begin": d.start(), "fork": d.parallel(), "join": d.parallel(), "done": d.end()}
    drawn = d.process("p", flows, x=d.service("x", 1), y=d.service("y", 1), **elements)
    return "forked.bpmn", d.document(drawn)


def ended(engine: Engine, key: int) -> BatchView:
    """A batch when it is over."""
    engine.wait_until(lambda: engine.changes.batch(key).state == "finished", WAITS_S)
    found = engine.changes.batch(key)
    assert (found.state, found.awaited) == ("finished", 0)
    return found


def counts(engine: Engine, key: int) -> tuple[int, int]:
    found = ended(engine, key)
    return found.done, found.failed


@pytest.mark.parametrize(("n", "cached"), [(4, 1_000), (1, 0)], ids=["cached", "replayed"])
def test_every_action_does_to_each_what_it_does_to_one(temporal_engines: Engines, n: int, cached: int) -> None:
    engine = temporal_engines(two(), cached=cached)
    instances = engine.start_many("p", [{} for _ in range(n)])
    changes = engine.changes
    assert counts(engine, changes.suspend_each(EVERY)) == (n, 0)
    assert all(each.info.suspended for each in instances)
    assert counts(engine, changes.resume_each(Filter(state="suspended"))) == (n, 0)
    assert counts(engine, changes.resume_each(Filter(state="suspended"))) == (0, 0)
    assert counts(engine, changes.modify_each(Filter(element="a"), move={"a": "b"})) == (n, 0)
    assert counts(engine, changes.modify_each(EVERY, move={"b": "a"}, variables={"x": 1})) == (n, 0)
    assert [(each.tokens, each.variables) for each in instances] == [({"a": 1}, {"x": 1})] * n
    engine.deploy(two("c"))
    plan = changes.migration_plan("p", 1)
    assert counts(engine, changes.migrate_each(EVERY, plan)) == (n, 0)
    assert {each.info.version for each in instances} == {2}
    assert counts(engine, changes.migrate_each(EVERY, plan)) == (n, 0)  # those that run the target are left alone
    assert counts(engine, changes.cancel_each(EVERY, "cleared")) == (n, 0)
    assert engine.counts() == {"terminated": n}


@pytest.mark.parametrize("again", ["resolve_each", "retry_each"])
def test_all_incidents_of_an_instance_are_resolved_and_it_counts_once(temporal_engines: Engines, again: str) -> None:
    engine = temporal_engines(forked())
    good = False

    def work() -> None:
        if not good:
            raise RuntimeError("not yet")

    engine.worker("x")(work)
    engine.worker("y")(work)
    instances = engine.start_many("p", [{} for _ in range(3)])
    assert engine.wait_until(lambda: all(len(each.incidents) == 2 for each in instances), WAITS_S)
    good = True
    one = Filter(element="x", state="incident")
    assert counts(engine, getattr(engine.changes, again)(one)) == (3, 0)
    # A batch ends when all were told to try again, not when the work of it is done: `x` must have its `good`.
    assert engine.wait_until(lambda: not any(each.tokens.get("x") for each in instances), WAITS_S)
    good = False
    modified = engine.changes.modify_each(EVERY, activate=["x"])
    assert counts(engine, modified) == (3, 0)
    assert engine.wait_until(lambda: all(len(each.incidents) == 2 for each in instances), WAITS_S)
    good = True
    assert counts(engine, getattr(engine.changes, again)(EVERY)) == (3, 0)
    assert [each.incidents for each in instances] == [[]] * 3


def test_what_a_workflow_refuses_stands_beside_the_batch(temporal_engines: Engines) -> None:
    engine = temporal_engines(two())
    instances = engine.start_many("p", [{} for _ in range(3)])
    bad = instances[1]
    engine.changes.modify(bad.key, move={"a": "b"})
    key = engine.changes.modify_each(EVERY, activate=["a"], terminate=["a"])
    assert counts(engine, key) == (2, 1)
    [error] = engine.changes.batch_errors(key)
    assert error.instance == bad.key
    assert "no instance of element 'a' is active" in error.text
    engine.deploy(two("c"))
    key = engine.changes.migrate_each(EVERY, engine.changes.migration_plan("p", 1))
    assert counts(engine, key) == (2, 1)
    [error] = engine.changes.batch_errors(key)
    assert error.instance == bad.key
    assert "'b'" in error.text
    assert [each.info.version for each in instances] == [2, 1, 2]


def test_an_instance_that_is_gone_has_ended(temporal_engines: Engines, temporal_server: DevServer) -> None:
    engine = temporal_engines(two())
    instances = engine.start_many("p", [{} for _ in range(2)])
    asyncio.run(_terminate(temporal_server, instances[0].key))
    key = engine.changes.cancel_each(EVERY)
    assert counts(engine, key) == (1, 1)
    [error] = engine.changes.batch_errors(key)
    assert (error.instance, error.text) == (instances[0].key, f"instance {instances[0].key} has ended")


@pytest.mark.parametrize("calls", [False, True], ids=["inside", "apart"])
def test_what_a_process_calls_is_treated_too(temporal_engines: Engines, calls: bool) -> None:
    caller = d.process("q", "begin -> c, c -> done", "q", begin=d.start(), c=d.call("p"), done=d.end())
    engine = temporal_engines(two(), ("q.bpmn", d.document(caller)), calls=calls)
    parent = engine.start("q")
    assert engine.wait_until(lambda: bool(parent.children), WAITS_S)
    assert counts(engine, engine.changes.modify_each(EVERY, move={"a": "b"})) == (1, 0)
    assert parent.children[0].tokens == {"b": 1}
    assert counts(engine, engine.changes.cancel_each(EVERY)) == (1, 0)


def test_a_batch_runs_until_every_workflow_has_told_and_each_counts_once(temporal_engines: Engines) -> None:
    engine = temporal_engines(two(), work=False)
    instances = engine.start_many("p", [{} for _ in range(2)])
    changes = engine.changes
    # Nobody works: both batches are sent, and the second one will find that the first one ended the instances.
    first, second = changes.cancel_each(EVERY), changes.cancel_each(EVERY)
    assert engine.wait_until(lambda: changes.batch(second).awaited == 2, WAITS_S)
    seen = changes.batch(first)
    assert (seen.state, seen.seen, seen.done, seen.failed, seen.awaited) == ("running", 2, 0, 0, 2)
    changes.pause_batch(first)
    assert changes.batch(first).state == "paused"
    changes.continue_batch(first)
    stopped = changes.suspend_each(EVERY)
    assert engine.wait_until(lambda: changes.batch(stopped).awaited == 2, WAITS_S)
    changes.stop_batch(stopped)
    engine.close()

    engine = temporal_engines()
    assert counts(engine, first) == (2, 0)
    assert counts(engine, second) == (0, 2)
    assert {each.text for each in engine.changes.batch_errors(second)} == {
        f"instance {each.key} has ended" for each in instances
    }
    assert engine.changes.batch(stopped).state == "cancelled"
    again = Report(TENANT, instances[0].key, "temporal", instances[0].key, treated=[Treated(first, "no")])
    engine.call(again)
    assert counts(engine, first) == (2, 0)
    assert engine.changes.batch_errors(first) == []


class Gated(FaultyStore):
    """A store that holds a report only when it is let."""

    def __init__(self, path: Path) -> None:
        super().__init__(SQLiteStore(path))
        self.let = threading.Event()
        self.let.set()

    def hold(self, rows: Sequence[Cells]) -> None:
        self.let.wait(WAITS_S)
        super().hold(rows)


def test_what_comes_while_the_end_of_an_instance_is_stored_is_answered(
    temporal_server: DevServer, tmp_path: Path
) -> None:
    host = Temporal(temporal_server.address, namespace=temporal_server.namespace, queue="gated")
    store = Gated(tmp_path / "e.db")
    with Engine(store=store, host=host) as engine:
        # While a local activity runs, a task is renewed when most of its time is over.
        client = host._tenancies.client("<default>")
        start = partial(client.start_workflow, task_timeout=timedelta(seconds=1))
        setattr(client, "start_workflow", start)  # noqa: B010
        engine.deploy(two())
        engine.serve(2)
        instance = engine.start("p")
        assert engine.wait_until(lambda: bool(instance.tasks), WAITS_S)
        events = partial(_events, temporal_server, instance.key)
        store.let.clear()
        first = engine.changes.cancel_each(EVERY)
        assert engine.wait_until(lambda: _rests(asyncio.run(events()), 1), WAITS_S)
        second = engine.changes.cancel_each(EVERY)
        assert engine.wait_until(lambda: _rests(asyncio.run(events()), 2), WAITS_S)
        store.let.set()
        assert counts(engine, first) == (1, 0)
        assert counts(engine, second) == (0, 1)
        assert instance.state == "terminated"


def _rests(events: list[str], signals: int) -> bool:
    """Whether a task that saw so many signals was renewed."""
    return events.count("signaled") == signals and events[-1] == "completed"


_SEEN = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED: "signaled",
    EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED: "completed",
}


async def _events(server: DevServer, key: int) -> list[str]:
    """Signals, and tasks that were completed, from the first signal on."""
    client = await Client.connect(server.address, namespace=server.namespace)
    history = await client.get_workflow_handle(workflow_id(TENANT, key)).fetch_history()
    seen = [_SEEN[each.event_type] for each in history.events if each.event_type in _SEEN]
    return seen[seen.index("signaled") :] if "signaled" in seen else []


async def _terminate(server: DevServer, key: int) -> None:
    client = await Client.connect(server.address, namespace=server.namespace)
    handle: Any = client.get_workflow_handle(workflow_id(TENANT, key))
    await handle.terminate("by hand")
