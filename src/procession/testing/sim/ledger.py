"""The ledger: what the simulated disk holds, read by nothing but the store's queries and replayed fact by fact.

It checks what must hold after every commit: facts give the state, the state's open parts are the store's rows, no key
is given twice, no timer fires early, nothing is consumed or completed twice. What must not live here: engines.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final, TypeAlias, final

from procession.core import commands as c
from procession.core import facts as f
from procession.core.apply import APPLY, apply_step
from procession.core.linked import Linked
from procession.core.pending import pending
from procession.core.snapshot import dump, load
from procession.core.state import State, Status
from procession.runtime import codec
from procession.runtime.ports import Store
from procession.runtime.replay import load_instance, replay
from procession.runtime.rows import (
    HELD,
    FactRow,
    FailedRow,
    FailureRow,
    IncidentRow,
    InstanceRow,
    IntRow,
    JobRow,
    MessageRow,
    SubscriptionRow,
    TaskRow,
    TextRow,
    TimerRow,
)
from procession.runtime.tenants import EVERYBODY
from procession.services.catalog import Catalog
from procession.testing.sim.store import Disk

ROWS_MAX: Final = 100_000
NOBODY: Final = "extra_"
"""Variables of this prefix are set by the simulator itself, and belong to no outcome."""


@final
class Violation(BaseException):
    """A promise of the engine is broken. No `except Exception` between here and the simulator may swallow it."""


def check(holds: bool, text: Callable[[], str] | str) -> None:
    """Raises `Violation` unless `holds`."""
    if not holds:
        raise Violation(text if isinstance(text, str) else text())


@final
class Case:
    """One instance as its facts tell it."""

    __slots__ = ("done", "entered", "key", "linked", "message", "names", "open", "path", "state", "tenant")

    def __init__(self, key: int, tenant: int, linked: Linked) -> None:
        self.key = key
        self.tenant = tenant
        self.linked = linked
        self.state = State()
        self.message = 0
        self.entered: dict[int, int] = {}
        """Element instance -> node."""
        self.path: Counter[str] = Counter()
        """Element ids completed."""
        self.done: Counter[int] = Counter()
        """Jobs that were completed or threw."""
        self.names: set[str] = set()
        """Every variable name ever set."""
        self.open: dict[str, set[int]] = {}

    @property
    def process_id(self) -> str:
        """The id in the model."""
        return self.linked.program.process_id

    @property
    def label(self) -> str:
        """The business key."""
        return self.state.business_key

    @property
    def active(self) -> bool:
        """Whether it goes on."""
        return self.state.status is Status.ACTIVE

    def node_id(self, element: int) -> str:
        """The element id of an element instance, living or not."""
        return self.linked.nodes[self.entered[element]].id


@final
class Ledger:
    """Everything that is durable in one run. `cases` are in the order in which they were first seen."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._store: Store = disk.truth
        self.catalog = Catalog(self._store)
        self.cases: dict[int, Case] = {}
        self.consumed: Counter[tuple[int, str]] = Counter()
        """(message, process id) -> how often."""
        self.keys: dict[int, str] = {}
        """Every key that facts give, and to what."""
        self.idempotency: dict[tuple[int, str, int], str] = {}
        """(element instance, job type, listener) -> the one idempotency key."""
        self.facts = 0
        self.last: list[str] = []
        self._addresses: dict[tuple[int, int, str, str], None] = {}
        self._hash = hashlib.sha256()

    def look(self) -> None:
        """Reads what was written since, and checks it."""
        touched = dict(self._disk.touched)
        self._disk.touched.clear()
        for key, tenant in touched.items():
            self._read(key, tenant)
        if touched:
            self._check_rows()

    def digest(self) -> str:
        """A hash of all facts in the order of their commits."""
        return self._hash.hexdigest()

    def _read(self, key: int, tenant: int) -> None:
        case = self.cases.get(key)
        rows = self._store.read("facts", (tenant, key, case.state.seq if case else 0), FactRow)
        for row in rows:
            facts = codec.decode_facts(row.data)
            if case is None:
                first = facts[0]
                check(isinstance(first, f.InstanceStarted), f"instance {key} begins with {first}")
                assert isinstance(first, f.InstanceStarted)
                case = self.cases[key] = Case(key, tenant, self._linked(tenant, first.program))
            self._replay(case, row, facts)
            self._hash.update(f"{key} {row.seq} {row.at} ".encode() + row.data)
        if case is None:
            raise Violation(f"a commit wrote facts of instance {key} and there are none")
        case.open = _open(case)

    def _linked(self, tenant: int, program: str) -> Linked:
        if tenant not in self.catalog.names:
            self.catalog.forget()
        return self.catalog.linked(tenant, program)

    def _replay(self, case: Case, row: FactRow, facts: list[f.AnyFact]) -> None:
        state = case.state
        check(row.seq == state.seq + 1, lambda: f"instance {case.key} has no step {state.seq + 1}")
        check(row.at >= state.at, lambda: f"instance {case.key}: time runs back from {state.at} to {row.at}")
        check(state.status is Status.ACTIVE, lambda: f"instance {case.key} has ended and goes on: {facts}")
        for place, fact in enumerate(facts, 1):
            note = _NOTE.get(type(fact))
            if note is not None:
                note(self, case, fact, row.at)
            if place < len(facts):
                APPLY[type(fact)](case.linked.program, state, fact)
                self._go_over(case, fact)
            self.last.append(f"{case.key} {row.seq} {fact}")
        apply_step(case.linked.program, state, facts[-1:], row.at, lambda hash: self._linked(case.tenant, hash).program)
        self._go_over(case, facts[-1])
        del self.last[:-60]
        self.facts += len(facts)

    def _go_over(self, case: Case, fact: f.AnyFact) -> None:
        """Behind a migration, facts are about another program."""
        if isinstance(fact, f.InstanceMigrated):
            case.linked = self._linked(case.tenant, fact.program)
            numbers = dict(fact.nodes)
            case.entered = {element: numbers[node] for element, node in case.entered.items() if node in numbers}

    def give(self, key: int, what: str) -> None:
        """A fact names a new key."""
        check(key not in self.keys, lambda: f"key {key} is given to {what} and to {self.keys[key]}")
        self.keys[key] = what

    def consume(self, message: int, case: Case) -> None:
        """A process takes a message."""
        self.consumed[message, case.process_id] += 1
        check(
            self.consumed[message, case.process_id] == 1,
            lambda: f"message {message} was consumed twice by process {case.process_id}, by {case.key} the last time",
        )

    def address(self, case: Case, fact: f.SubscriptionOpened) -> None:
        """A place where subscriptions may be."""
        self._addresses[case.tenant, int(fact.signal), fact.name, fact.key] = None

    def buffered(self, tenant: int, name: str, correlation: str) -> list[int]:
        """The keys of messages that wait."""
        return [row.key for row in self._store.read("messages", (tenant, name, correlation), MessageRow)]

    def waiting(self) -> list[str]:
        """Tenants whose requests wait in the inbox."""
        return [row.value for row in self._store.read("inbox_tenants", (0,), TextRow)]

    # --- rows

    def _check_rows(self) -> None:
        """The open parts of all states are the store's rows, neither more nor less."""
        for table, found in self._stored().items():
            wanted = {key for case in self.cases.values() for key in case.open.get(table, ())}
            check(
                found == wanted,
                lambda table=table, found=found, wanted=wanted: (  # type: ignore[misc]
                    f"the rows of {table} are not what is open: too many {sorted(found - wanted)}, "
                    f"missing {sorted(wanted - found)}"
                ),
            )
        for row in self._store.read("failures", EVERYBODY, FailureRow):
            raise Violation(f"a fault of the engine stopped instance {row.instance}: {row.text}")
        for tenant in self.catalog.tenants:
            for failed in self._store.read("inbox_failed", (tenant,), FailedRow):
                raise Violation(f"a fault of the engine stopped a request: {failed.body!r}: {failed.result!r}")
        self._check_locks()

    def _stored(self) -> dict[str, set[int]]:
        read = self._store.read
        found: dict[str, set[int]] = {
            "timer": set(),
            "job": set(),
            "held": set(),
            "task": set(),
            "incident": set(),
            "active": set(),
            "subscription": set(),
        }
        for tenant in self.catalog.names:
            args = (tenant, 0, ROWS_MAX)
            due = read("timers_due", (tenant, HELD, ROWS_MAX), TimerRow)
            found["timer"].update(row.key for row in due if row.instance)
            for row in read("jobs", args, JobRow):
                found["held" if row.due == HELD else "job"].add(row.key)
            found["task"].update(row.key for row in read("tasks", args, TaskRow))
            found["incident"].update(row.key for row in read("incidents", args, IncidentRow))
            found["active"].update(row.key for row in read("instances", args, InstanceRow) if row.state == 0)
        for address in self._addresses:
            found["subscription"].update(row.key for row in read("subscriptions", address, SubscriptionRow))
        return found

    def _check_locks(self) -> None:
        """Of the instances that messages started with a key, one lives at a time, and it has the lock."""
        held: dict[tuple[int, str, str], int] = {}
        for case in self.cases.values():
            if case.message and case.label and case.active:
                lock = (case.tenant, case.process_id, case.label)
                check(lock not in held, lambda lock=lock: f"two living instances were started by {lock}")  # type: ignore[misc]
                held[lock] = case.key
                rows = self._store.read("start_lock", lock, IntRow)
                check(bool(rows) and rows[0].value == case.key, f"instance {case.key} does not hold {lock}")

    # --- at the end

    def check_memory(self, instances: Iterable[tuple[int, State]]) -> None:
        """What an owner of the store has in memory is, byte for byte, what the facts give."""
        for key, state in instances:
            case = self.cases.get(key)
            check(case is not None, f"instance {key} is in memory and not in the store")
            if case is not None:
                self._same(case, dump(state), "in memory")

    def check_replay(self) -> None:
        """Every instance, read anew with its snapshot and without, is what was followed fact by fact."""
        for case in self.cases.values():
            programs = partial(self._linked, case.tenant)
            loaded = load_instance(self._store, case.tenant, case.key, programs)
            check(loaded is not None, f"instance {case.key} is gone")
            assert loaded is not None
            self._same(case, dump(loaded.state), "loaded from the store")
            state = State()
            rows = self._store.read("facts", (case.tenant, case.key, 0), FactRow)
            first = codec.decode_facts(rows[0].data)[0]
            assert isinstance(first, f.InstanceStarted)
            replay(programs(first.program), state, rows, programs)
            self._same(case, dump(state), "replayed from the start")
            self._same(case, dump(load(dump(state))), "of its snapshot")

    def _same(self, case: Case, found: bytes, what: str) -> None:
        wanted = dump(case.state)
        check(
            found == wanted,
            lambda: f"instance {case.key}: the state {what} is not what its facts give:\n{found!r}\n{wanted!r}",
        )

    def check_quiet(self) -> None:
        """All instances have ended, and nothing is left of them but history."""
        check(not any(case.active for case in self.cases.values()), "an instance goes on")
        check(not self.waiting(), lambda: f"the inbox still holds requests of {self.waiting()}")
        self._check_rows()
        for case in self.cases.values():
            row = self._store.read("instance", (case.tenant, case.key), InstanceRow)[0]
            check(row.state == int(case.state.status), f"the row of instance {case.key} says {row.state}")
            held = self._store.read("start_lock_of", (case.tenant, case.key), IntRow) if case.message else []
            check(not held, f"instance {case.key} has ended and holds back others")


def _open(case: Case) -> dict[str, set[int]]:
    """What the store must have rows for: all of `pending`, and jobs that wait for somebody to resolve them."""
    state = case.state
    if state.status is not Status.ACTIVE:
        return {}
    held = {j.key for j in state.jobs.values() if j.held or state.suspended}
    found: dict[str, set[int]] = {"active": {case.key}, "held": held}
    for command in pending(case.linked, state):
        row = _ROW.get(type(command))
        if row is not None:
            table, name = row
            found.setdefault(table, set()).add(getattr(command, name))
    return found


_ROW: Final[dict[type[Any], tuple[str, str]]] = {
    c.CreateJob: ("job", "job"),
    c.SetTimer: ("timer", "timer"),
    c.Subscribe: ("subscription", "subscription"),
    c.OpenTask: ("task", "element"),
    c.OpenIncident: ("incident", "incident"),
}
"""Command -> the table and the field that is the key in it."""


_Entering: TypeAlias = (
    f.ElementEntered | f.ItemEntered | f.CompensationEntered | f.CompensationOpened | f.ActivationEntered
)


def _started(ledger: Ledger, case: Case, fact: f.InstanceStarted, at: int) -> None:
    check(fact.instance == case.key, f"instance {case.key} says that it is {fact.instance}")
    ledger.give(fact.instance, "an instance")
    ledger.give(fact.root, f"the root of {fact.instance}")
    case.entered[fact.root] = 0
    case.names.update(fact.variables)
    if fact.message:
        case.message = fact.message
        ledger.consume(fact.message, case)


def _entered(ledger: Ledger, case: Case, fact: _Entering, at: int) -> None:
    ledger.give(fact.element, f"an element of {case.key}")
    case.entered[fact.element] = fact.node


def _completed(ledger: Ledger, case: Case, fact: f.ElementCompleted, at: int) -> None:
    case.path[case.node_id(fact.element)] += 1


def _job(ledger: Ledger, case: Case, fact: f.JobCreated, at: int) -> None:
    ledger.give(fact.job, f"a job of {case.key}")


def _job_done(ledger: Ledger, case: Case, fact: f.JobCompleted | f.JobThrew, at: int) -> None:
    case.done[fact.job] += 1
    check(case.done[fact.job] == 1, f"job {fact.job} was completed twice")


def _job_again(ledger: Ledger, case: Case, fact: f.JobReissued, at: int) -> None:
    ledger.give(fact.again, f"a job of {case.key}, issued anew")


def _timer(ledger: Ledger, case: Case, fact: f.TimerCreated, at: int) -> None:
    ledger.give(fact.timer, f"a timer of {case.key}")


def _fired(ledger: Ledger, case: Case, fact: f.TimerFired, at: int) -> None:
    timer = case.state.timers.get(fact.timer)
    check(timer is not None, f"timer {fact.timer} fired and was not open")
    assert timer is not None
    check(timer.due <= at, f"timer {fact.timer} fired at {at} and was due at {timer.due}")


def _subscribed(ledger: Ledger, case: Case, fact: f.SubscriptionOpened, at: int) -> None:
    ledger.give(fact.subscription, f"a subscription of {case.key}")
    ledger.address(case, fact)


def _correlated(ledger: Ledger, case: Case, fact: f.MessageCorrelated, at: int) -> None:
    if fact.message:
        ledger.consume(fact.message, case)


def _incident(ledger: Ledger, case: Case, fact: f.IncidentRaised, at: int) -> None:
    ledger.give(fact.incident, f"an incident of {case.key}")


def _set(ledger: Ledger, case: Case, fact: f.VariableSet, at: int) -> None:
    case.names.add(fact.name)


_Note: TypeAlias = Callable[[Ledger, Case, Any, int], None]
_NOTE: Final[dict[type[Any], _Note]] = {
    f.InstanceStarted: _started,
    f.ElementEntered: _entered,
    f.ItemEntered: _entered,
    f.CompensationEntered: _entered,
    f.CompensationOpened: _entered,
    f.ActivationEntered: _entered,
    f.ElementCompleted: _completed,
    f.JobCreated: _job,
    f.JobCompleted: _job_done,
    f.JobThrew: _job_done,
    f.JobReissued: _job_again,
    f.TimerCreated: _timer,
    f.TimerFired: _fired,
    f.SubscriptionOpened: _subscribed,
    f.MessageCorrelated: _correlated,
    f.IncidentRaised: _incident,
    f.VariableSet: _set,
}
