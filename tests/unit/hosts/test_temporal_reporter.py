"""The reporter: what counts is what was committed, in order, and whoever works settles what others left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
import pytest

from procession.base.failure import NotFound
from procession.hosts.temporal import reporter as module
from procession.hosts.temporal.payloads import HOST, Envelope
from procession.hosts.temporal.reporter import Reporter
from procession.runtime import requests
from procession.runtime.elsewhere import Step
from procession.runtime.requests import Report
from procession.runtime.rows import HeldRow, InboxRow
from procession.store.sqlite import SQLiteStore

RUN: Final = "run"
TENANT: Final = "acme"


class Told:
    """Histories that say what the test says: a task by the event that started it."""

    def __init__(self, **tasks: bool) -> None:
        self.tasks = {int(name.removeprefix("t")): over for name, over in tasks.items()}
        self.known = True

    def committed(self, workflow: str, run: str, tasks: set[int]) -> dict[int, bool]:
        if not self.known:
            raise NotFound(f"no run {run} of {workflow}")
        return {task: self.tasks[task] for task in tasks if task in self.tasks}


@pytest.fixture
def store() -> Iterator[SQLiteStore]:
    store = SQLiteStore(":memory:")
    yield store
    store.close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Orphans are such from the start."""
    monkeypatch.setattr(module, "ORPHAN_MS", -1_000)
    monkeypatch.setattr(module, "SWEEP_S", 0.02)


def envelope(task: int, *steps: int, run: str = RUN) -> Envelope:
    """What a task told."""
    told = [Step(seq, 0, msgspec.Raw(b"[]")) for seq in steps]
    return Envelope(run, task, 0, [Report(TENANT, 1, HOST, 1, told)])


def handed(store: SQLiteStore) -> list[list[int]]:
    """The steps of each request that an engine would take now, in order."""
    rows = store.read("inbox_open", (0, TENANT, 100), InboxRow)
    return [[step.seq for step in steps_of(row.body)] for row in rows]


def steps_of(body: bytes) -> list[Step]:
    report = requests.decode(body)
    assert isinstance(report, Report)
    return report.steps


def held(store: SQLiteStore) -> int:
    return len(store.read("inbox_held", (1 << 62, 100), HeldRow))


def until(holds: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.005)


def left_behind(store: SQLiteStore, *envelopes: Envelope) -> None:
    """What a process held before it died."""
    reporter = Reporter(store, Told())
    for each in envelopes:
        reporter.hold(each)
    reporter._waiting.clear()
    reporter.close()


@pytest.mark.parametrize(
    ("tasks", "steps", "still"),
    [
        ({"t3": True}, [[1]], 0),
        ({"t3": False}, [], 0),
        ({}, [], 1),
    ],
    ids=["committed", "not committed", "not over"],
)
def test_what_a_dead_process_held_is_settled_by_the_history(
    store: SQLiteStore, tasks: dict[str, bool], steps: list[list[int]], still: int
) -> None:
    left_behind(store, envelope(3, 1))
    reporter = Reporter(store, Told(**tasks))
    until(lambda: (handed(store), held(store)) == (steps, still))
    reporter.close()


def test_what_belongs_to_no_history_stays_to_be_looked_at(store: SQLiteStore) -> None:
    left_behind(store, envelope(3, 1))
    told = Told(t3=True)
    told.known = False
    reporter = Reporter(store, told)
    swept = reporter._next_sweep
    until(lambda: reporter._next_sweep > swept)
    assert held(store) == 1
    reporter.close()


def test_what_waits_is_held_with_what_must_not_be_lost(store: SQLiteStore) -> None:
    left = Reporter(store, Told())
    left.offer(envelope(3, 1))
    left.hold(envelope(9, 2))
    assert held(store) == 2
    left._waiting.clear()
    left.close()
    reporter = Reporter(store, Told(t3=True, t9=True))
    until(lambda: handed(store) == [[1], [2]])
    reporter.close()


def test_what_another_process_held_comes_before_what_this_one_tells(
    store: SQLiteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ORPHAN_MS", 3_600_000)
    left_behind(store, envelope(3, 1), envelope(9, 2))
    reporter = Reporter(store, Told(t3=True, t9=True, t15=True))
    reporter.offer(envelope(15, 3))
    until(lambda: handed(store) == [[1], [2], [3]])
    reporter.close()


def test_its_own_reports_are_not_taken_for_those_of_another(store: SQLiteStore) -> None:
    told = Told()
    reporter = Reporter(store, told)
    reporter.hold(envelope(3, 1))
    swept = reporter._next_sweep
    until(lambda: reporter._next_sweep > swept)
    assert held(store) == 1
    told.tasks[3] = True
    until(lambda: handed(store) == [[1]])
    reporter.close()


def test_what_was_held_of_the_run_before_comes_first(store: SQLiteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ORPHAN_MS", 3_600_000)
    left_behind(store, envelope(9, 1, 2, run="before"))
    reporter = Reporter(store, Told(t3=True, t9=True))
    reporter.offer(envelope(3, 3))
    until(lambda: handed(store) == [[1, 2], [3]])
    reporter.close()
