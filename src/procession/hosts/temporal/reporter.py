"""The reporter: hands over what instances did to the engine that keeps the books, once it is known to be committed.

A task of a workflow may fail after its code ran, and run again with more events. So a report counts when the history
shows that its task was completed: the event behind the one that started it says so. What must not be lost is stored
before, held; the rest is told again by the next task that is not a replay (docs/design/0011).
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Protocol, final

import msgspec

from procession.base.failure import NotFound, ProcessionError
from procession.hosts.temporal.ids import workflow_id
from procession.hosts.temporal.payloads import Envelope
from procession.runtime import requests
from procession.runtime.ports import Cells, Store
from procession.runtime.requests import Report
from procession.runtime.rows import HeldRow

PAUSES_S: Final = (0.004, 0.008, 0.016, 0.05, 0.1, 0.5, 1.0)
"""When it is looked whether a task is committed; the last repeats."""
ORPHAN_MS: Final = 20_000
"""A report that is held for so long has lost the process that wrote it: whoever works now settles it."""
ORPHANS_MAX: Final = 1_000
SWEEP_S: Final = 5.0
REPORTED_MAX: Final = 10_000
"""Instances of which it is remembered what was told of them."""
INDEX_BITS: Final = 10
FIRST_TASK: Final = 3
"""The event that starts a run's first task: nobody can have told of this run before."""
_FOREVER: Final = (1 << 63) - 1

_LOG: Final = logging.getLogger("procession")


class Histories(Protocol):
    """What the reporter reads of Temporal. Thread-safe."""

    def committed(self, workflow: str, run: str, tasks: set[int]) -> dict[int, bool]:
        """Of tasks, each by the history event that started it: whether it was completed. Those not over are left out.

        Raises `NotFound` when there is no such run, `StoreError` when Temporal cannot be reached.
        """
        ...


@final
class _Waiting:
    """An envelope that waits for its task. `held` tells that the store has it already."""

    __slots__ = ("born", "due", "envelope", "held", "tries", "workflow")

    def __init__(self, envelope: Envelope, *, held: bool) -> None:
        self.envelope = envelope
        self.held = held
        self.tries = 0
        self.born = time.monotonic()
        self.due = self.born + PAUSES_S[0]
        first = envelope.reports[0]
        self.workflow = workflow_id(first.tenant, first.home)


@final
class Reporter:
    """One worker process. `offer` and `hold` may be called by any thread; a thread of its own does the rest."""

    def __init__(self, store: Store, histories: Histories, told: Callable[[], None] = lambda: None) -> None:
        self._store = store
        self._histories = histories
        self._told = told
        """Called when something was handed over."""
        self._moved = threading.Condition()
        self._waiting: OrderedDict[str, list[_Waiting]] = OrderedDict()
        """By run, in order."""
        self._reported: OrderedDict[tuple[str, int], int] = OrderedDict()
        """(run, instance) -> the last step that was handed over."""
        self._runs: OrderedDict[str, None] = OrderedDict()
        """Runs of which nothing is held any more that another process wrote."""
        self._handing = threading.Lock()
        """What waits is either handed over or held, not both."""
        self._next_sweep = 0.0
        self._closed = False
        self._thread = threading.Thread(target=self._go_on, name="procession-reporter", daemon=True)
        self._thread.start()

    def offer(self, envelope: Envelope) -> None:
        """Takes reports that may be lost with this process."""
        self._add(_Waiting(self._news(envelope), held=False))

    def hold(self, envelope: Envelope) -> None:
        """Stores reports durably, held, with those of the same run that wait here. Raises `StoreError`.

        They would be lost with this process, and no replay tells what is behind a report that is not lost.
        """
        with self._handing:
            envelope = self._news(envelope)
            with self._moved:
                before = [each for each in self._waiting.get(envelope.run, ()) if not each.held]
            rows = [row for each in before for row in self._rows(each.envelope)]
            self._store.hold([*rows, *self._rows(envelope)])
            for each in before:
                each.held = True
        self._add(_Waiting(envelope, held=True))

    @property
    def idle(self) -> bool:
        """Whether nothing waits here."""
        with self._moved:
            return not self._waiting

    @property
    def waiting(self) -> tuple[int, float]:
        """How many envelopes wait here, and the age of the oldest in seconds."""
        with self._moved:
            born = [each.born for queue in self._waiting.values() for each in queue]
        return len(born), time.monotonic() - min(born) if born else 0.0

    def close(self) -> None:
        """Ends the thread, after what can be settled now."""
        with self._moved:
            self._closed = True
            self._moved.notify_all()
        self._thread.join(timeout=5)

    def _add(self, waiting: _Waiting) -> None:
        with self._moved:
            queue = self._waiting.setdefault(waiting.envelope.run, [])
            queue.append(waiting)
            self._moved.notify_all()

    def _go_on(self) -> None:
        while True:
            self._sweep()
            with self._moved:
                now = time.monotonic()
                due = [run for run, queue in self._waiting.items() if queue[-1].due <= now]
                if not due:
                    if self._closed:
                        return
                    nearest = min((queue[-1].due for queue in self._waiting.values()), default=now + 1.0)
                    nearest = min(nearest, self._next_sweep)
                    self._moved.wait(max(0.0005, nearest - now))
                    continue
                batches = [list(self._waiting[run]) for run in due]
            for batch in batches:
                try:
                    self._settle(batch)
                except ProcessionError as error:
                    self._later(batch)
                    _LOG.warning("a report of %s waits: %s", batch[0].workflow, error)
                except Exception:
                    self._later(batch)
                    _LOG.exception("a report of %s waits", batch[0].workflow)

    def _settle(self, batch: list[_Waiting]) -> None:
        run = batch[0].envelope.run
        try:
            known = self._histories.committed(batch[0].workflow, run, {each.envelope.task for each in batch})
        except NotFound:
            known = {each.envelope.task: False for each in batch}
        over: list[_Waiting] = []
        for each in batch:
            # In order: what is behind an open question waits for its answer.
            if each.envelope.task not in known:
                break
            over.append(each)
        if not over:
            self._later(batch)
            return
        # What another process held of this instance comes before what this one tells.
        if not self._inherit(over[0].envelope):
            self._later(batch)
            return
        with self._handing:
            self._hand_over(over, known)
            # Told first: whoever sees that nothing waits here must find it there.
            self._told()
            with self._moved:
                queue = self._waiting[run]
                del queue[: len(over)]
                if not queue:
                    del self._waiting[run]

    def _hand_over(self, over: list[_Waiting], known: dict[int, bool]) -> None:
        """What is committed is posted or confirmed, one after the other so that the order stays; what is not goes."""
        for each in over:
            rows = self._rows(each.envelope)
            if each.held:
                places: list[Cells] = [(row[0], row[2], row[3]) for row in rows]
                (self._store.confirm if known[each.envelope.task] else self._store.withdraw)(places)
            elif known[each.envelope.task]:
                self._store.post(rows)

            for report in each.envelope.reports if known[each.envelope.task] else ():
                if report.steps:
                    self._reported[each.envelope.run, report.instance] = report.steps[-1].seq
        while len(self._reported) > REPORTED_MAX:
            self._reported.popitem(last=False)

    def _sweep(self) -> None:
        """Settles what is held by processes that are gone."""
        if time.monotonic() < self._next_sweep:
            return
        self._next_sweep = time.monotonic() + SWEEP_S
        try:
            runs: dict[str, list[HeldRow]] = {}
            for row in self._orphans(time.time_ns() // 1_000_000 - ORPHAN_MS):
                runs.setdefault(row.source, []).append(row)
            for rows in runs.values():
                self._adopt(rows)
        except ProcessionError as error:
            _LOG.warning("reports that others left wait: %s", error)

    def _inherit(self, envelope: Envelope) -> bool:
        """Settles what other processes held of an instance that this one goes on with, in this run or the one before;
        whether nothing is left of it."""
        run, first = envelope.run, envelope.reports[0]
        fresh = envelope.task <= FIRST_TASK and first.steps and first.steps[0].seq == 1
        if fresh or run in self._runs:
            return True
        runs: dict[str, list[HeldRow]] = {}
        for row in self._orphans(_FOREVER):
            report = _report_of(row)
            same = row.source == f"r:{run}"
            if (report.tenant, report.home) == (first.tenant, first.home) and (
                not same or _task_of(row) < envelope.task
            ):
                runs.setdefault(row.source, []).append(row)
        if not all([self._adopt(rows) for rows in runs.values()]):
            return False
        self._runs[run] = None
        while len(self._runs) > REPORTED_MAX:
            self._runs.popitem(last=False)
        return True

    def _orphans(self, before: int) -> list[HeldRow]:
        with self._moved:
            own = {f"r:{run}" for run in self._waiting}
            mine = {
                (f"r:{run}", number)
                for run, queue in self._waiting.items()
                for each in queue
                if each.held
                for number in self._numbers(each.envelope)
            }
        found = self._store.read("inbox_held", (before, ORPHANS_MAX), HeldRow)
        return [row for row in found if row.source not in own or (row.source, row.source_number) not in mine]

    def _adopt(self, rows: list[HeldRow]) -> bool:
        """Confirms or withdraws what is held of one run, in order; whether all of it could be settled."""
        if not rows:
            return True
        rows = sorted(rows, key=lambda row: row.source_number)
        report = _report_of(rows[0])
        try:
            known = self._histories.committed(
                workflow_id(report.tenant, report.home),
                rows[0].source.removeprefix("r:"),
                {_task_of(row) for row in rows},
            )
        except NotFound:
            return False  # of another cluster, or older than the histories there: somebody has to look at it
        for row in rows:
            committed = known.get(_task_of(row))
            if committed is None:
                return False
            place = (row.tenant, row.source, row.source_number)
            (self._store.confirm if committed else self._store.withdraw)([place])
        self._told()
        return True

    def _news(self, envelope: Envelope) -> Envelope:
        """Without the steps that this process has handed over: a replay tells the whole run again."""
        known = self._reported
        reports = [trimmed(each, known.get((envelope.run, each.instance), 0)) for each in envelope.reports]
        return Envelope(envelope.run, envelope.task, envelope.index, reports)

    def _later(self, batch: list[_Waiting]) -> None:
        with self._moved:
            last = batch[-1]
            last.tries += 1
            last.due = time.monotonic() + PAUSES_S[min(last.tries, len(PAUSES_S) - 1)]
            if self._closed and last.tries > len(PAUSES_S):
                self._waiting.pop(last.envelope.run, None)

    def _rows(self, envelope: Envelope) -> list[Cells]:
        at = time.time_ns() // 1_000_000
        source = f"r:{envelope.run}"
        return [
            (report.tenant, 0, source, number, at, requests.encode(report))
            for number, report in zip(self._numbers(envelope), envelope.reports, strict=True)
        ]

    @staticmethod
    def _numbers(envelope: Envelope) -> list[int]:
        base = (envelope.task << INDEX_BITS | envelope.index) << INDEX_BITS
        return [base | n for n in range(len(envelope.reports))]


def _task_of(row: HeldRow) -> int:
    return row.source_number >> 2 * INDEX_BITS


def _report_of(row: HeldRow) -> Report:
    report = requests.decode(row.body)
    assert isinstance(report, Report), "only reports are held"
    return report


def trimmed(report: Report, upto: int) -> Report:
    """A report without the steps that are known."""
    steps = [step for step in report.steps if step.seq > upto]
    return msgspec.structs.replace(report, steps=steps) if len(steps) < len(report.steps) else report
