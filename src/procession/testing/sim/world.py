"""The simulated world: processes with engines on one disk, letters on their way to them, and what goes wrong.

Each process is the real pump, crew and shard of the embedded host over the real SQLite store; only its disk, its clock
and its callers are simulated. What must not live here: what a letter asks for (people.py), what must hold (ledger.py,
answers.py), and in which order things happen (simulate.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias, cast, final

from procession.base.failure import StoreError
from procession.hosts.embedded.crew import Crew
from procession.hosts.embedded.pump import Pump
from procession.hosts.embedded.sending import error_of
from procession.hosts.embedded.tickets import Ticket
from procession.runtime import codec, requests
from procession.runtime.ports import Batch, Cells
from procession.runtime.requests import (
    DeployResources,
    FailJob,
    FinishJob,
    PublishMessage,
    StartProcess,
    ThrowJob,
)
from procession.runtime.rows import AnswerRow
from procession.testing.sim.answers import answered, refused
from procession.testing.sim.ledger import check
from procession.testing.sim.people import do_job, lease_letter, workers
from procession.testing.sim.run import FAR_MS, About, Letter, Run
from procession.testing.sim.store import Crashed, SimStore
from procession.testing.sim.store import refused as disk_refused

CrashAt: TypeAlias = tuple[Literal["before", "after"], int]
"""The one commit, by its number from 0, around which a process ends."""

SOURCE: Final = "c:people"
"""Who sends through the inbox; the letter tells that the owner has to answer."""
MINUTE_MS: Final = 60_000


@final
class Process:
    """An operating system process that runs an engine. What it has in memory ends with it."""

    __slots__ = ("crew", "number", "pump", "store")

    def __init__(self, number: int, store: SimStore, run: Run) -> None:
        self.number = number
        self.store = store
        self.pump = Pump(store, clock=lambda: run.now, zone="UTC", takeover=True)
        self.crew = Crew(self.pump)
        for worker in workers(run).values():
            self.crew.add(worker)

    @property
    def board(self) -> object:
        """What it knows of leases."""
        return self.pump.shard.board if self.pump.shard is not None else None

    @property
    def owner(self) -> bool:
        """Whether it believes that the store is its own."""
        return self.pump.shard is not None


@final
class _Trouble:
    """What happens to the calls of one process to its store."""

    def __init__(self, run: Run, crash_at: CrashAt | None) -> None:
        self._run = run
        self._crash_at = crash_at
        self._out = 0
        """Calls that the store refuses from now on."""

    def _outage(self) -> None:
        if not self._out and self._run.on("outage", 200):
            self._out = self._run.dice.choose(1, 12)
        if self._out and self._run.unsafe:
            self._out -= 1
            raise disk_refused("everything for a while")

    def before_commit(self, batch: Batch) -> None:
        run = self._run
        self._outage()
        if self._crash_at == ("before", run.disk.commits) and not run.crashes:
            raise Crashed
        if run.on("crash-before-commit", 25):
            raise Crashed
        if run.on("commit-fails", 15):
            raise disk_refused("a commit")

    def after_commit(self, batch: Batch) -> None:
        run = self._run
        run.ledger.look()
        if self._crash_at == ("after", run.disk.commits - 1) and not run.crashes:
            raise Crashed
        if run.on("crash-after-commit", 25):
            raise Crashed

    def before_read(self, query: str) -> None:
        self._outage()
        if self._run.on("read-fails", 150):
            raise disk_refused(f"to read {query}")


@final
class World:
    """Everything that a run moves."""

    def __init__(self, run: Run, crash_at: CrashAt | None = None) -> None:
        self.run = run
        self.process: Process | None = None
        self.stale: list[Process] = []
        """Former owners that were not told."""
        self._trouble = _Trouble(run, crash_at)
        self._clients = SimStore(run.disk, _Trouble(run, None))
        self._processes = 0

    def close(self) -> None:
        """Ends every process."""
        for process in [*self.stale, *([self.process] if self.process else [])]:
            if not process.store.crashed:
                process.store.crash()
        self._clients.close()
        self.run.disk.close()

    # --- processes

    def alive(self) -> Process | None:
        """The process that owns the store, started if there is none; None if it ended while it started."""
        if self.process is None:
            self.process = self._started()
        return self.process

    def _started(self) -> Process | None:
        run = self.run
        self._processes += 1
        store = SimStore(run.disk, self._trouble)
        try:
            process = Process(self._processes, store, run)
        except (Crashed, StoreError) as error:
            run.note(f"process {self._processes} did not start: {type(error).__name__} {error}")
            run.crashes += isinstance(error, Crashed)
            if not store.crashed:
                store.crash()
            return None
        run.note(f"process {process.number} owns the store")
        return process

    def crashed(self, process: Process) -> None:
        """A process is gone."""
        self.run.crashes += 1
        self.run.note(f"process {process.number} ended, commit {self.run.disk.commits}")
        if process is self.process:
            self.process = None
        else:
            self.stale.remove(process)

    def depose(self) -> None:
        """Another process takes the store; the former owner goes on."""
        former = self.process
        taken = self._started()
        if taken is None:
            return
        self.process = taken
        if former is not None:
            self.stale.append(former)

    def evict(self) -> None:
        """Nothing stays in memory between two requests."""
        process = self.process
        shard = process.pump.shard if process is not None else None
        if process is not None and shard is not None:
            try:
                shard.residents.clear()
                shard.postbox.forget()
            except StoreError:
                # What is half forgotten must not be used; an engine would not get into this on its own.
                self.crashed(process)
                process.store.crash()

    # --- what a process does

    def turn(self, process: Process) -> bool:
        """Timers, the inbox, messages; whether there was anything."""
        try:
            return process.pump.turn()
        except StoreError as error:
            self.run.note(f"process {process.number}: {error}")
            return True
        except Crashed:
            self.crashed(process)
            return True

    def jobs(self, process: Process) -> bool:
        """Workers in the process do jobs; whether there were any."""
        run = self.run
        found = False
        try:
            for worker in list(process.crew.workers.values()):
                works = process.crew.take(worker, 1 + run.dice.choose(0, 7)) if process.owner else []
                for work in works:
                    found = True
                    do_job(run, worker, work, process.number)
            self._pin(process)
        except StoreError as error:
            run.note(f"process {process.number}: {error}")
            return True
        except Crashed:
            self.crashed(process)
            return True
        return found

    # --- letters

    def deliver(self, process: Process) -> bool:
        """Some letters arrive, in one go; whether there were any to deliver."""
        run = self.run
        ready = [letter for letter in run.letters if letter.hold <= run.now]
        batch: list[Letter] = []
        for _ in range(min(1 + run.dice.choose(0, 7), len(ready))):
            place = run.dice.choose(0, len(ready) - 1) if run.on("reorder", 2) else 0
            letter = ready.pop(place)
            run.letters.remove(letter)
            if not self._held_up(letter):
                batch.append(letter)
        if batch and run.on("client", 4):
            self.post(batch)
        elif batch:
            self.submit(process, batch)
        return bool(batch or ready)

    def _held_up(self, letter: Letter) -> bool:
        """Whether a letter does not arrive now."""
        run = self.run
        if run.on("drop", 12):
            run.note(f"{letter.about} is lost")
            return True
        if run.on("delay", 10):
            letter.hold = run.now + run.dice.choose(1, 40) * MINUTE_MS
        elif letter.about[0] == "job" and run.on("late", 10):
            letter.hold = letter.deadline + 1
        else:
            if repeatable(letter) and run.on("duplicate", 8):
                run.letters.append(letter.copy())
            return False
        run.letters.append(letter)
        return True

    def submit(self, process: Process, batch: Sequence[Letter]) -> None:
        """Callers in a process ask together, and hear what became of it."""
        run = self.run
        tickets = [Ticket(letter.request) for letter in batch]
        owned = process.owner
        try:
            process.pump.submit(tickets, 0.0)
        except StoreError as error:
            run.note(f"process {process.number}: {error}")
            told = all(ticket.done for ticket in tickets)
            check(told or not owned, f"the store failed ({error}) and callers are left waiting for ever")
            return
        except Crashed:
            self.crashed(process)
            return
        alone = process is self.process and process.owner and owned and len(batch) == 1
        for letter, ticket in zip(batch, tickets, strict=True):
            if run.on("drop", 12):
                run.note(f"the answer to {letter.about} is lost")
            elif ticket.error is not None:
                fresh = alone and letter.board in {None, process.board}
                self.refuse(letter, ticket.error, process.number, fresh=fresh)
            else:
                self.answer(letter, ticket.result, process.number)
            self._spend(letter)
        self._pin(process)

    def _pin(self, process: Process) -> None:
        """What was leased is known to the board of this moment; a new one knows of no lease."""
        for letter in self.run.letters:
            if letter.engine == process.number and letter.board is None:
                letter.board = process.board

    def _spend(self, letter: Letter) -> None:
        request = letter.request
        if isinstance(request, FinishJob | FailJob | ThrowJob):
            self.run.spent.add(request.token)

    def answer(self, letter: Letter, result: object, engine: int) -> None:
        """A letter was acknowledged."""
        run = self.run
        run.note(f"{letter.about} by {engine}: {result!r:.80}")
        if letter.about[0] == "deploy":
            run.deployed.add(letter.about[1])
            run.ledger.catalog.forget()
        answered(run, letter, result, engine=engine)

    def refuse(self, letter: Letter, error: Exception, engine: int, *, fresh: bool) -> None:
        """A letter was refused."""
        self.run.note(f"{letter.about} refused by {engine}: {error}")
        refused(self.run, letter, error, engine=engine, fresh=fresh)

    def post(self, batch: Sequence[Letter]) -> None:
        """Another process asks through the inbox."""
        run = self.run
        rows: list[Cells] = []
        for letter in batch:
            run.posted += 1
            run.mail[run.posted] = letter
            row = (letter.about[1], 0, SOURCE, run.posted, run.now, requests.encode(letter.request))
            rows.append(row)
            self._spend(letter)
            if run.on("duplicate", 6):
                rows.append(row)
            run.note(f"{letter.about} is row {run.posted} of the inbox")
        self._clients.post(rows)

    def collect(self) -> None:
        """Those who asked through the inbox look for their answers."""
        run = self.run
        for number, letter in list(run.mail.items()):
            rows = run.disk.truth.read("inbox_result", (letter.about[1], SOURCE, number), AnswerRow)
            if rows and rows[0].state == 0:
                continue
            del run.mail[number]
            if not rows or rows[0].result is None or run.on("drop", 12):
                run.note(f"the answer to {letter.about} is lost")
                continue
            told = cast("dict[str, object]", codec.decode_json(rows[0].result))
            if "error" in told:
                self.refuse(letter, error_of(told), 0, fresh=False)
            else:
                self.answer(letter, told.get("result"), 0)

    def ask_to_deploy(self) -> None:
        """Whoever owns the models deploys them until he hears that they are there."""
        run = self.run
        asked = run.under_way()
        for tenant, plan in run.plans.items():
            about: About = ("deploy", tenant, 0)
            if tenant not in run.deployed and about not in asked:
                run.letters.append(Letter(about, DeployResources(tenant, list(plan.documents))))

    def ask_for_jobs(self) -> None:
        """A worker elsewhere asks for jobs."""
        run = self.run
        tenants = sorted(run.deployed)
        if tenants and run.on("client", 4):
            run.letters.append(lease_letter(run, run.dice.pick(tenants)))

    # --- time

    def next_due(self) -> int | None:
        """When (Unix ms) something happens without anybody doing anything; None for never."""
        run = self.run
        times = [letter.hold for letter in run.letters]
        due = self.process.pump.next_due() if self.process is not None else run.now
        if due is not None:
            times.append(due)
        first = min(times, default=FAR_MS)
        return first if first < FAR_MS else None

    def at_rest(self) -> bool:
        """Whether everything that was planned has happened."""
        run = self.run
        if run.letters or run.mail or any(case.active for case in run.ledger.cases.values()):
            return False
        if run.ledger.waiting():
            return False
        labels = {(run.tenant(case), case.label) for case in run.ledger.cases.values()}
        for tenant, plan in run.plans.items():
            if any((tenant, planned.label) not in labels for planned in plan.starts):
                return False
            if any((tenant, place) not in run.published for place in range(len(plan.messages))):
                return False
        return True


def repeatable(letter: Letter) -> bool:
    """Whether asking the same twice must come to the same: the caller gave a key, or the addressee can tell."""
    request = letter.request
    if isinstance(request, StartProcess):
        return request.key != 0
    if isinstance(request, PublishMessage):
        return bool(request.message_id)
    return True
