"""The reporter: hands over what instances did to the engine that keeps the books, once it is known to be committed.

A task of a workflow may fail after its code ran, and run again with more events. So a report counts when the next one
of the same object comes from a later task, when the SDK lets go of the run because it has ended, or when the history
shows that its task was completed: the event behind the one that started it says so. The history is read for what is
urgent, and for what nothing follows soon. What must not be lost is stored before, held; the rest is told again by the
next task that is not a replay, or made anew from the history (docs/design/0011).
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from itertools import takewhile
from typing import Final, Protocol, final

import msgspec

from procession.base.failure import NotFound, ProcessionError
from procession.hosts.temporal.ids import workflow_id
from procession.hosts.temporal.payloads import Envelope
from procession.runtime import requests
from procession.runtime.ports import Cells, Store
from procession.runtime.requests import Report
from procession.runtime.rows import HeldRow

FIRST_S: Final = 0.004
"""When it is first looked whether a task is committed, at the beginning: later that follows what commits take here."""
FIRST_MIN_S: Final = 0.002
FIRST_MAX_S: Final = 0.03
"""Where commits take longer, it is rather looked twice: messages wait for it."""
PAUSE_MAX_S: Final = 1.0
"""Longest pause until it is looked again. Each is twice as long as the one before."""
TRIES_LAST: Final = 6
"""Looks after which a reporter that is closed gives up."""
TOO_EARLY: Final = 1.3
IN_TIME: Final = 0.95
"""Their ratio lets five of six first looks be in time."""
PATIENCE_S: Final = 1.0
"""How long what is not urgent waits for the next report of its run, before the history is read."""
GRID: Final = (4, 100)
"""Looks fall together, so that they share transactions: so many a patience, at what is not urgent and at what is."""
FEW: Final = 4
FINER: Final = 10
"""Where no more runs than these wait there is little to share, and the looks are so much closer."""
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

    __slots__ = ("born", "committed", "due", "envelope", "held", "tries")

    def __init__(self, envelope: Envelope, due: float, *, held: bool) -> None:
        self.envelope = envelope
        self.held = held
        self.committed: bool | None = None
        """What became of the task, where that is known."""
        self.tries = 0
        self.born = time.monotonic()
        self.due = due

    @property
    def workflow(self) -> str:
        """The id of the workflow that it is from."""
        first = self.envelope.reports[0]
        return workflow_id(first.tenant, first.home)

    @property
    def alone(self) -> bool:
        """Whether it can be told together with what comes behind it."""
        return self.held or len(self.envelope.reports) > 1


@final
class Reporter:
    """One worker process. `offer` and `hold` may be called by any thread; a thread of its own does the rest."""

    def __init__(
        self,
        store: Store,
        histories: Histories,
        told: Callable[[], None] = lambda: None,
        *,
        patience_s: float = PATIENCE_S,
        threaded: bool = True,
    ) -> None:
        """Without a thread (`threaded`) nothing is handed over but by `settle`."""
        self._store = store
        self._histories = histories
        self._told = told
        """Called when something was handed over."""
        self._patience_s = patience_s
        self._first_s = FIRST_S
        self._moved = threading.Condition()
        self._wakes = 0.0
        """When the thread looks next if nothing wakes it; 0 while it is awake."""
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
        if threaded:
            self._thread.start()

    def offer(self, envelope: Envelope, *, urgent: bool = True) -> None:
        """Takes reports that may be lost with this process. `urgent`: they are not left to wait for the next ones."""
        soon = urgent and not envelope.ends
        due = self._due(self._first_s, GRID[1]) if soon else self._due(self._patience_s, GRID[0])
        self._add(_Waiting(self._news(envelope), due, held=False))

    def ended(self, run: str) -> None:
        """The SDK has let go of a run because its last task is committed; what was told before it follows by itself."""
        with self._moved:
            queue = self._waiting.get(run, [])
            if queue and queue[-1].envelope.ends:
                last = queue[-1].envelope.task
                due = self._due(0.0, GRID[1])
                for each in queue:
                    each.committed = True if each.envelope.task == last else each.committed
                    each.due = min(each.due, due)
                if due < self._wakes:
                    self._moved.notify_all()

    def hold(self, envelope: Envelope) -> None:
        """Stores reports durably, held, with those of the same run that wait here. Raises `StoreError`.

        They would be lost with this process, and no replay tells what is behind a report that is not lost.
        """
        with self._handing:
            envelope = self._news(envelope)
            with self._moved:
                before = [each for each in self._waiting.get(envelope.run, ()) if not each.held]
            rows = [row for each in before for row in _rows(each.envelope)]
            self._store.hold([*rows, *_rows(envelope)])
            for each in before:
                each.held = True
        due = self._due(self._patience_s, GRID[0]) if envelope.ends else self._due(self._first_s, GRID[1])
        self._add(_Waiting(envelope, due, held=True))

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

    def settle(self) -> None:
        """Looks at once for all that waits here, in the caller's thread."""
        with self._moved:
            now = time.monotonic()
            batches = [list(queue) for queue in self._waiting.values()]
            for each in (each for batch in batches for each in batch):
                each.due = now
        self._look(batches, now)

    def sweep(self, before: int) -> None:
        """Settles what is held since before a time (Unix ms) by processes that are gone."""
        runs: dict[str, list[HeldRow]] = {}
        try:
            for row in self._orphans(before):
                runs.setdefault(row.source, []).append(row)
        except ProcessionError as error:
            _LOG.warning("reports that others left wait: %s", error)
        for rows in runs.values():
            try:
                self._adopt(rows)
            except ProcessionError as error:  # of a namespace that is not reached, say: the others are settled
                _LOG.warning("reports that others left wait: %s", error)

    def close(self) -> None:
        """Ends the thread, after what can be settled now."""
        with self._moved:
            self._closed = True
            for queue in self._waiting.values():
                for each in queue:
                    each.due = 0.0
            self._moved.notify_all()
        if self._thread.ident is not None:
            self._thread.join(timeout=5)

    def _due(self, pause: float, grid: int) -> float:
        step = self._patience_s / (grid if len(self._waiting) > FEW else grid * FINER)
        return math.ceil((time.monotonic() + pause) / step) * step

    def _add(self, waiting: _Waiting) -> None:
        before = waiting.envelope.before
        with self._moved:
            queue = self._waiting.setdefault(waiting.envelope.run, [])
            for each in queue if before else ():
                if each.envelope.task == before:
                    each.committed = True
            queue.append(waiting)
            if waiting.due < self._wakes:
                self._moved.notify_all()

    def _go_on(self) -> None:
        while True:
            self._sweep()
            with self._moved:
                now = time.monotonic()
                nearest = {run: min(each.due for each in queue) for run, queue in self._waiting.items()}
                batches = [list(self._waiting[run]) for run, due in nearest.items() if due <= now]
                if not batches:
                    if self._closed:
                        return
                    self._wakes = min(*nearest.values(), self._next_sweep, now + SWEEP_S)
                    self._moved.wait(max(0.0005, self._wakes - now))
                    self._wakes = 0.0
                    continue
            self._look(batches, now)

    def _look(self, batches: list[list[_Waiting]], now: float) -> None:
        known = [batch for batch in batches if self._known(batch, now)]
        try:
            # What another process held of an instance comes before what this one tells.
            behind = [batch for batch in known if not self._inherit(batch[0].envelope)]
            known = [batch for batch in known if batch not in behind]
            self._later(behind, now)
            self._settle([_over(batch) for batch in known])
        except ProcessionError as error:
            self._later(known, now)
            _LOG.warning("reports wait: %s", error)
        except Exception:
            self._later(known, now)
            _LOG.exception("reports wait")

    def _known(self, batch: list[_Waiting], now: float) -> bool:
        """Whether it is known what became of the first task of a run; it is read where that cannot wait."""
        open_ = [each for each in batch if each.committed is None]
        if not any(each.due <= now for each in open_) and batch[0].committed is not None:
            return True
        workflow, run = batch[0].workflow, batch[0].envelope.run
        tasks = {each.envelope.task for each in open_}
        try:
            found = self._histories.committed(workflow, run, tasks)
        except NotFound:
            found = dict.fromkeys(tasks, False)
        except ProcessionError as error:
            found = {}
            _LOG.warning("a report of %s waits: %s", workflow, error)
        except Exception:
            found = {}
            _LOG.exception("a report of %s waits", workflow)
        for each in open_:
            # What the next report said meanwhile is as good.
            each.committed = found.get(each.envelope.task, each.committed)
        last = batch[-1]
        if not last.tries:
            self._first_s *= TOO_EARLY if last.committed is None else IN_TIME
            self._first_s = min(max(self._first_s, FIRST_MIN_S), FIRST_MAX_S)
        unknown = batch[0].committed is None
        self._later([batch if unknown else [each for each in batch if each.committed is None]], now)
        return not unknown

    def _settle(self, overs: list[list[_Waiting]]) -> None:
        """Hands over what is known, of many runs at once; of each in order."""
        if not overs:
            return
        with self._handing:
            stages = [list(_stages(over)) for over in overs]
            for n in range(max(len(each) for each in stages)):
                self._hand_over([each[n] for each in stages if n < len(each)])
            self._forget(overs)

    def _forget(self, overs: list[list[_Waiting]]) -> None:
        """What was handed over does not wait any more."""
        for over in overs:
            for each in over:
                for report in each.envelope.reports if each.committed else ():
                    if report.steps:
                        self._reported[each.envelope.run, report.instance] = report.steps[-1].seq
        while len(self._reported) > REPORTED_MAX:
            self._reported.popitem(last=False)
        # Told first: whoever sees that nothing waits here must find it there.
        self._told()
        with self._moved:
            for over in overs:
                run = over[0].envelope.run
                queue = self._waiting.get(run, [])
                del queue[: len(over)]
                if not queue:
                    self._waiting.pop(run, None)

    def _hand_over(self, stage: list[list[_Waiting]]) -> None:
        """Of each run some envelopes of one kind: posted or confirmed if they are committed, and gone if not."""
        post: list[Cells] = []
        confirm: list[Cells] = []
        withdraw: list[Cells] = []
        for group in stage:
            rows = _rows(_merged([each.envelope for each in group]))
            if group[0].held:
                (confirm if group[0].committed else withdraw).extend((row[0], row[2], row[3]) for row in rows)
            elif group[0].committed:
                post += rows
        for rows, write in ((post, self._store.post), (confirm, self._store.confirm), (withdraw, self._store.withdraw)):
            if rows:
                write(rows)

    def _sweep(self) -> None:
        """Settles what is held by processes that are gone."""
        if time.monotonic() < self._next_sweep:
            return
        self._next_sweep = time.monotonic() + SWEEP_S
        self.sweep(time.time_ns() // 1_000_000 - ORPHAN_MS)

    def _inherit(self, envelope: Envelope) -> bool:
        """Settles what other processes held of an instance that this one goes on with, in this run or the one before;
        whether nothing is left of it."""
        run, first = envelope.run, envelope.reports[0]
        if run in self._runs:
            return True
        if envelope.task > FIRST_TASK or not first.steps or first.steps[0].seq != 1:
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
                for number in _numbers(each.envelope)
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
        return msgspec.structs.replace(envelope, reports=reports)

    def _later(self, batches: Iterable[list[_Waiting]], now: float) -> None:
        """What is due waits on."""
        with self._moved:
            for batch in batches:
                for each in batch:
                    if each.due > now:
                        continue
                    each.tries += 1
                    each.due = self._due(min(self._first_s * 2**each.tries, PAUSE_MAX_S), GRID[1])
                    if self._closed and each.tries >= TRIES_LAST:
                        self._waiting.pop(each.envelope.run, None)


def _over(batch: list[_Waiting]) -> list[_Waiting]:
    """In order: what is behind an open question waits for its answer."""
    return list(takewhile(lambda each: each.committed is not None, batch))


def _stages(over: list[_Waiting]) -> Iterable[list[_Waiting]]:
    """Envelopes that can be told together, one after the other."""
    group: list[_Waiting] = []
    for each in over:
        if group and (each.alone or group[-1].alone or not _alike(each, group[-1])):
            yield group
            group = []
        group.append(each)
    yield group


def _alike(one: _Waiting, other: _Waiting) -> bool:
    instances = (one.envelope.reports[0].instance, other.envelope.reports[0].instance)
    return one.committed == other.committed and instances[0] == instances[1]


def _merged(envelopes: list[Envelope]) -> Envelope:
    """Those of one instance as one."""
    last = envelopes[-1]
    if len(envelopes) == 1:
        return last
    steps = [step for each in envelopes for step in each.reports[0].steps]
    refused = [refusal for each in envelopes for refusal in each.reports[0].refused]
    treated = [each for envelope in envelopes for each in envelope.reports[0].treated]
    report = msgspec.structs.replace(last.reports[0], steps=steps, refused=refused, treated=treated)
    return msgspec.structs.replace(last, reports=[report])


def _rows(envelope: Envelope) -> list[Cells]:
    at = time.time_ns() // 1_000_000
    source = f"r:{envelope.run}"
    return [
        (report.tenant, 0, source, number, at, requests.encode(report))
        for number, report in zip(_numbers(envelope), envelope.reports, strict=True)
    ]


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
