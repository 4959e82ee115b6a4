"""What a worker tells the engine of an instance: each step once, in order, and only when its task is committed."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import msgspec
import pytest

from procession.hosts.temporal.payloads import Envelope
from procession.hosts.temporal.reporter import Reporter
from procession.runtime import requests
from procession.runtime.elsewhere import Step
from procession.runtime.requests import Report
from procession.runtime.rows import InboxRow
from procession.store.sqlite import SQLiteStore

SOON_S = 10.0


class Histories:
    """What became of tasks, by heart."""

    def __init__(self) -> None:
        self.tasks: dict[int, bool] = {}
        self.reads = 0

    def committed(self, workflow: str, run: str, tasks: set[int]) -> dict[int, bool]:
        """See `reporter.Histories`."""
        self.reads += 1
        return {task: self.tasks[task] for task in tasks if task in self.tasks}


class Bench:
    """A reporter, and what it has told."""

    def __init__(self) -> None:
        self.store = SQLiteStore(":memory:")
        self.histories = Histories()
        self._told = threading.Condition()
        self.reporter = Reporter(self.store, self.histories, self._tell, patience_s=0.2)

    def _tell(self) -> None:
        with self._told:
            self._told.notify_all()

    def posted(self) -> list[list[int]]:
        """The steps of each row that the engine takes in."""
        rows = self.store.read("inbox_open", (0, "t", 100), InboxRow)
        return [[step.seq for step in report.steps] for report in map(_report, rows)]

    def until(self, steps: list[int]) -> None:
        """Waits until these steps were told, in this order."""
        with self._told:
            assert self._told.wait_for(lambda: [n for row in self.posted() for n in row] == steps, SOON_S), (
                self.posted()
            )


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.reporter.close()
    made.store.close()


def _report(row: InboxRow) -> Report:
    report = requests.decode(row.body)
    assert isinstance(report, Report)
    return report


def envelope(task: int, *steps: int, before: int = 0) -> Envelope:
    reported = [Step(seq, 0, msgspec.Raw(b"[]")) for seq in steps]
    return Envelope("run", task, 0, [Report("t", 1, "temporal", 1, reported, [])], before)


def test_a_later_task_of_the_same_object_saves_reading_the_history(bench: Bench) -> None:
    bench.histories.tasks = {15: True}
    bench.reporter.offer(envelope(3, 1), urgent=False)
    bench.reporter.offer(envelope(9, 2, before=3), urgent=False)
    bench.reporter.offer(envelope(15, 3, before=9), urgent=True)
    bench.until([1, 2, 3])
    assert bench.histories.reads == 1
    assert bench.posted() == [[1, 2, 3]], "what is told together is one row"


def test_what_nothing_follows_is_looked_up(bench: Bench) -> None:
    bench.histories.tasks = {3: True}
    bench.reporter.offer(envelope(3, 1), urgent=False)
    bench.until([1])


def test_a_task_that_failed_is_not_told_though_another_object_goes_on(bench: Bench) -> None:
    bench.histories.tasks = {3: False, 9: True}
    bench.reporter.offer(envelope(3, 1), urgent=False)
    bench.reporter.offer(envelope(9, 1, 2), urgent=True)
    bench.until([1, 2])
    assert bench.posted() == [[1, 2]]


def test_what_was_held_comes_between_what_was_before_it_and_after(bench: Bench) -> None:
    bench.histories.tasks = {15: True}
    bench.reporter.offer(envelope(3, 1), urgent=False)
    bench.reporter.hold(envelope(9, 2, before=3))
    bench.reporter.offer(envelope(15, 3, before=9), urgent=True)
    bench.until([1, 2, 3])


def test_what_was_held_for_a_task_that_failed_is_withdrawn(bench: Bench) -> None:
    bench.histories.tasks = {3: False, 9: True}
    bench.reporter.hold(envelope(3, 1))
    bench.reporter.offer(envelope(9, 1, 2), urgent=True)
    bench.until([1, 2])


def test_what_is_not_committed_yet_is_asked_for_again(bench: Bench) -> None:
    bench.reporter.offer(envelope(3, 1), urgent=True)
    bench.histories.tasks = {3: True}
    bench.until([1])


def test_a_reporter_that_is_closed_tells_what_it_can(bench: Bench) -> None:
    bench.histories.tasks = {3: True}
    bench.reporter.offer(envelope(3, 1), urgent=False)
    bench.reporter.close()
    assert bench.posted() == [[1]]
