"""Views: what a store shows of instances, tasks, jobs, incidents and definitions. Reads only, of what is committed.

Keys are integers, times Unix ms. What must not live here: anything that waits or changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Final, Literal, TypeAlias, final

import msgspec

from procession.base.failure import BadValue, NotFound, Unreadable
from procession.base.values import Json, Variables
from procession.core.facts import AnyFact
from procession.core.state import State
from procession.ir.kinds import Kind
from procession.ir.program import Program
from procession.runtime import codec
from procession.runtime.ports import Cells, Reads
from procession.runtime.replay import Loaded, load_instance
from procession.runtime.rows import (
    HELD,
    CountRow,
    DefinitionRow,
    FactRow,
    FailedRow,
    FailureRow,
    IncidentRow,
    InstanceRow,
    IntRow,
    JobRow,
    TaskRow,
)
from procession.runtime.rows_of_server import FoundInstanceRow
from procession.services.catalog import Catalog
from procession.services.histories import Entry, WarningView, entries_of, first_hash, warnings_in

InstanceState: TypeAlias = Literal["active", "incident", "completed", "terminated"]

STATES: Final[tuple[InstanceState, ...]] = ("active", "completed", "terminated")
_LISTED: Final = (*STATES, "incident", "suspended")
LIMIT: Final = 100
"""Rows of one page, if nothing else is asked for."""


@final
class InstanceView(msgspec.Struct, frozen=True, gc=False):
    """An instance. `incident` is the state of an active one with an open incident. `failure` names a fault of the
    engine that stopped it, "" for none; `suspended` tells that it stands still."""

    key: int
    process_id: str
    version: int
    state: InstanceState
    started: int
    ended: int | None
    business_key: str
    parent: int
    root: int
    failure: str = ""
    suspended: bool = False


@final
class TaskView(msgspec.Struct, frozen=True, gc=False):
    """An open user task."""

    key: int
    instance: int
    element_id: str
    created: int
    assignee: str
    attributes: dict[str, Json]


@final
class JobView(msgspec.Struct, frozen=True, gc=False):
    """An open job. `due` is when it may next be given out (0: now), None for one that is out of retries."""

    key: int
    instance: int
    element: int
    element_id: str
    type: str
    retries: int
    attempt: int
    due: int | None
    priority: int
    idempotency_key: str
    worker: str
    error: str


@final
class IncidentView(msgspec.Struct, frozen=True, gc=False):
    """An open incident."""

    key: int
    instance: int
    element: int
    element_id: str
    code: str
    message: str
    job: int
    at: int


@final
class FaultView(msgspec.Struct, frozen=True, gc=False):
    """A fault of the engine. `instance` is where it stopped, 0 for a request in the inbox with the number `request`."""

    instance: int
    request: int
    at: int
    text: str


@final
class DefinitionView(msgspec.Struct, frozen=True, gc=False):
    """A deployed version of a process."""

    key: int
    process_id: str
    version: int
    name: str
    version_tag: str
    deployment: int
    at: int
    program: str
    suspended: bool = False
    """Whether new starts are refused."""


@final
class Moment(msgspec.Struct, frozen=True, gc=False):
    """An instance as it was after a step. `at` is that step's time, `tokens` element id -> active element instances,
    `variables` those of the process's own scope."""

    seq: int
    at: int
    state: InstanceState
    tokens: dict[str, int]
    variables: dict[str, Json]


@final
class Views:
    """Reading one store. Not thread-safe: each reader has its own, because of the catalog's caches."""

    __slots__ = ("_store", "catalog")

    def __init__(self, store: Reads) -> None:
        self._store = store
        self.catalog = Catalog(store, None)

    def tenant(self, name: str) -> int | None:
        """The number of a tenant; None while it has nothing here."""
        return self.catalog.number(name)

    def tenant_number(self, name: str) -> int:
        """The number of a tenant; raises `NotFound` while it has nothing here."""
        return self.catalog.tenant(name)

    def instance(self, tenant: str, key: int) -> InstanceView:
        """One instance; raises `NotFound`."""
        number, row = self._row(tenant, key)
        return self._instance(number, row)

    def state(self, tenant: str, key: int) -> InstanceState:
        """The state of an instance, as one row tells it: one with an incident is active. Raises `NotFound`."""
        return STATES[self._row(tenant, key)[1].state]

    def definition_of(self, tenant: str, key: int) -> DefinitionRow:
        """The version that an instance is of; raises `NotFound`. It costs one row."""
        number, row = self._row(tenant, key)
        return self.catalog.definition(number, row.definition)

    def _row(self, tenant: str, key: int) -> tuple[int, InstanceRow]:
        number = self.tenant(tenant)
        rows = self._store.read("instance", (number, key), InstanceRow) if number is not None else []
        if not rows or number is None:
            raise NotFound(f"no instance {key}")
        return number, rows[0]

    def instances(
        self,
        tenant: str,
        *,
        process_id: str = "",
        state: str = "",
        business_key: str = "",
        parent: int = 0,
        after: int = 0,
        limit: int = LIMIT,
    ) -> list[InstanceView]:
        """Instances in the order of their keys, those behind the key `after`. Raises `BadValue` for no state."""
        if state and state not in _LISTED:
            raise BadValue(f"instances have no state {state!r}; there are {', '.join(_LISTED)}")
        number = self.tenant(tenant)
        if number is None:
            return []
        found: list[InstanceView] = []
        while len(found) < limit:
            rows = self._page(number, process_id, state, (business_key, parent, after))
            for row in rows:
                after = row.key
                view = self._instance(number, row)
                if process_id and view.process_id != process_id:
                    continue
                if state and state not in _states_of(view):
                    continue
                if len(found) < limit:
                    found.append(view)
            if len(rows) < LIMIT:
                break
        return found

    def _page(self, tenant: int, process_id: str, state: str, where: tuple[str, int, int]) -> list[InstanceRow]:
        business_key, parent, after = where
        read = self._store.read
        if business_key:
            return read("instances_business", (tenant, business_key, after, LIMIT), InstanceRow)
        if parent:
            return read("instances_called", (tenant, parent, after, LIMIT), InstanceRow)
        if process_id and state in {"active", "incident", "suspended"}:
            # An index on what is alive: finished instances cost nothing here.
            versions = [row.key for row in self._definitions(tenant) if row.process_id == process_id]
            found = [
                row for key in versions for row in read("instances_active", (tenant, key, after, LIMIT), InstanceRow)
            ]
            return sorted(found, key=lambda row: row.key)[:LIMIT]
        return read("instances", (tenant, after, LIMIT), InstanceRow)

    def _instance(self, tenant: int, row: InstanceRow) -> InstanceView:
        state = STATES[row.state]
        failure, suspended = "", False
        if state == "active":
            if self._store.read("incidents_instance", (tenant, row.key, 0, 1), IncidentRow):
                state = "incident"
            failures = self._store.read("failure", (tenant, row.key), FailureRow)
            failure = failures[0].text if failures else ""
            suspended = self.is_suspended(tenant, row.key)
        return self.shown(tenant, row, state, failure, suspended)

    def shown(
        self, tenant: int, row: InstanceRow | FoundInstanceRow, state: InstanceState, failure: str, suspended: bool
    ) -> InstanceView:
        """An instance of which a row was read, in a state that was told by others."""
        definition = self.catalog.definition(tenant, row.definition)
        return InstanceView(
            row.key,
            definition.process_id,
            definition.version,
            state,
            row.started,
            row.ended,
            row.business_key,
            row.parent,
            row.root,
            failure,
            suspended,
        )

    def is_suspended(self, tenant: int, key: int) -> bool:
        """Whether an instance or a definition stands still."""
        return bool(self._store.read("suspended", (tenant, key), IntRow))

    def counts(self, tenant: str) -> dict[str, int]:
        """How many instances are in each state (an incident counts as active)."""
        number = self.tenant(tenant)
        rows = self._store.read("instance_counts", (number,), CountRow) if number is not None else []
        return {STATES[row.number]: row.count for row in rows}

    def tasks(
        self, tenant: str, *, instance: int = 0, assignee: str = "", after: int = 0, limit: int = LIMIT
    ) -> list[TaskView]:
        """Open user tasks."""
        number = self.tenant(tenant)
        if number is None:
            return []
        query: str
        args: Cells
        if instance:
            query, args = "tasks_instance", (number, instance, after, limit)
        elif assignee:
            query, args = "tasks_assignee", (number, assignee, after, limit)
        else:
            query, args = "tasks", (number, after, limit)
        return [
            TaskView(
                row.key,
                row.instance,
                row.element_id,
                row.created,
                row.assignee,
                codec.decode_variables(row.attributes),
            )
            for row in self._store.read(query, args, TaskRow)
        ]

    def jobs(
        self, tenant: str, *, instance: int = 0, type: str = "", after: int = 0, limit: int = LIMIT
    ) -> list[JobView]:
        """Open jobs, those out of retries included."""
        number = self.tenant(tenant)
        if number is None:
            return []
        if instance:
            # The state knows its jobs; an index by instance would cost every job that is ever made.
            keys = sorted(key for key in self.load(tenant, instance).state.jobs if key > after)
            rows = [row for key in keys[:limit] for row in self._store.read("job", (number, key), JobRow)]
        elif type:
            rows = self._store.read("jobs_type", (number, type, after, limit), JobRow)
        else:
            rows = self._store.read("jobs", (number, after, limit), JobRow)
        return [self._job(number, row) for row in rows if not type or row.type == type]

    def job(self, tenant: str, key: int) -> JobView | None:
        """An open job."""
        number = self.tenant(tenant)
        rows = self._store.read("job", (number, key), JobRow) if number is not None else []
        return self._job(number, rows[0]) if rows and number is not None else None

    def _job(self, tenant: int, row: JobRow) -> JobView:
        found = self._store.read("instance", (tenant, row.instance), InstanceRow)
        if not found:
            raise Unreadable(f"job {row.key} belongs to instance {row.instance}, which the store does not hold")
        definition = self.catalog.definition(tenant, found[0].definition)
        try:
            nodes = self.catalog.linked(tenant, definition.program).nodes
        except Unreadable:
            # Of a newer version: its job is shown all the same, and every other with it.
            nodes = ()
        if nodes and row.node >= len(nodes):
            raise Unreadable(f"job {row.key} belongs to node {row.node}, which its process does not have")
        element_id = nodes[row.node].id if nodes else ""
        return JobView(
            row.key,
            row.instance,
            row.element,
            element_id,
            row.type,
            row.retries,
            row.attempt,
            None if row.due == HELD else row.due,
            row.priority,
            row.idempotency_key,
            row.worker,
            row.error,
        )

    def incidents(self, tenant: str, *, instance: int = 0, after: int = 0, limit: int = LIMIT) -> list[IncidentView]:
        """Open incidents."""
        number = self.tenant(tenant)
        if number is None:
            return []
        query = "incidents_instance" if instance else "incidents"
        args = (number, instance, after, limit) if instance else (number, after, limit)
        rows = self._store.read(query, args, IncidentRow)
        return [IncidentView(*msgspec.structs.astuple(row)) for row in rows]

    def faults(self, tenant: str) -> list[FaultView]:
        """Instances and requests that a fault of the engine stopped."""
        number = self.tenant(tenant)
        rows = self._store.read("failures", (number, number + 1), FailureRow) if number is not None else []
        found = [FaultView(row.instance, 0, row.at, row.text) for row in rows]
        for request in self._store.read("inbox_failed", (tenant,), FailedRow):
            found.append(FaultView(0, request.number, request.at, _fault_text(request.result)))
        return found

    def definitions(self, tenant: str) -> list[DefinitionView]:
        """All versions of all processes."""
        number = self.tenant(tenant)
        if number is None:
            return []
        return [
            DefinitionView(
                row.key,
                row.process_id,
                row.version,
                row.name,
                row.version_tag,
                row.deployment,
                row.at,
                row.program,
                self.is_suspended(number, row.key),
            )
            for row in self._definitions(number)
        ]

    def _definitions(self, tenant: int) -> Sequence[DefinitionRow]:
        return self._store.read("definitions", (tenant,), DefinitionRow)

    def source(self, tenant: str, definition: int) -> bytes:
        """The document that a definition came from; raises `NotFound`."""
        number = self.tenant(tenant)
        if number is None:
            raise NotFound(f"no definition {definition}")
        row = self.catalog.definition(number, definition)
        return self.catalog.resource(number, row.deployment, row.digest)

    def load(self, tenant: str, key: int, upto: int | None = None) -> Loaded:
        """An instance's state, replayed from what is stored; raises `NotFound`."""
        number = self.tenant(tenant)
        loaded = None
        if number is not None:
            found = number
            loaded = load_instance(self._store, found, key, lambda hash: self.catalog.linked(found, hash), upto)
        return loaded if loaded is not None else self._untold(tenant, key)

    def _untold(self, tenant: str, key: int) -> Loaded:
        """An instance of which nothing is stored: no step is known yet of one that another host has just started.
        Raises `NotFound` for any other."""
        number = self.tenant(tenant)
        rows = self._store.read("instance", (number, key), InstanceRow) if number is not None else []
        if not rows or number is None:
            raise NotFound(f"no instance {key}")
        if not rows[0].host or rows[0].state:
            raise NotFound(f"the history of instance {key} is no longer kept")
        state = State()
        state.program = self.catalog.definition(number, rows[0].definition).program
        return Loaded(state, self.catalog.linked(number, state.program), 0, 0)

    def warnings(self, tenant: str, key: int) -> list[WarningView]:
        """What expressions of an instance had to say, in order; raises `NotFound`."""
        entries = self.history(tenant, key)
        first = first_hash(entry.fact for entry in entries) or self.load(tenant, key).state.program
        return warnings_in(entries, first, partial(self.program, tenant))

    def program(self, tenant: str, hash: str) -> Program:
        """A program by its hash."""
        number = self.tenant(tenant)
        assert number is not None, "whoever asks has read something of this tenant"
        return self.catalog.linked(number, hash).program

    def moment(self, tenant: str, key: int, seq: int) -> Moment:
        """The instance as it was after a step, replayed from its facts; raises `NotFound` if there is no such step."""
        self.instance(tenant, key)
        loaded = self.load(tenant, key, seq) if seq > 0 else None
        if loaded is None or loaded.state.seq != seq:
            raise NotFound(f"instance {key} has no step {seq}")
        state = loaded.state
        status: InstanceState = "incident" if state.incidents else STATES[state.status]
        return Moment(seq, state.at, status, tokens_of(loaded), variables_of(state))

    def steps(self, tenant: str, key: int, after: int, upto: int) -> list[tuple[FactRow, list[AnyFact]]]:
        """The steps of an instance behind one, up to another; those that are no longer kept are left out."""
        number = self.tenant(tenant)
        rows = self._store.read("facts_between", (number, key, after, upto), FactRow) if number is not None else []
        return [(row, codec.decode_facts(row.data)) for row in rows]

    def last_step(self, tenant: str, key: int) -> int:
        """The number of the last step of an instance that is kept, 0 for none."""
        number = self.tenant(tenant)
        rows = self._store.read("fact_last", (number, key), IntRow) if number is not None else []
        return (rows[0].value or 0) if rows else 0

    def last_news(self, tenant: str) -> int:
        """The number of the last row of the tenant's feed, 0 for none."""
        number = self.tenant(tenant)
        rows = self._store.read("feed_last", (number,), IntRow) if number is not None else []
        return (rows[0].value or 0) if rows else 0

    def history(self, tenant: str, key: int) -> list[Entry]:
        """Everything that was decided in an instance, in order; raises `NotFound`."""
        number = self.tenant(tenant)
        rows = self._store.read("facts", (number, key, 0), FactRow) if number is not None else []
        if not rows or number is None:
            self._untold(tenant, key)
            return []
        steps = [(row, codec.decode_facts(row.data)) for row in rows]
        first = first_hash(fact for _, facts in steps for fact in facts)
        return entries_of(steps, first or self.load(tenant, key).state.program, partial(self.program, tenant))


def _states_of(view: InstanceView) -> tuple[str, ...]:
    """Everything that an instance is listed as."""
    also = ("active",) if view.state == "incident" else ()
    return (view.state, *also, "suspended") if view.suspended else (view.state, *also)


def _fault_text(result: bytes | None) -> str:
    answer = codec.decode_json(result) if result else None
    return str(answer.get("error")) if isinstance(answer, dict) else ""


def tokens_of(loaded: Loaded) -> dict[str, int]:
    """Element id -> active element instances, the process itself left out."""
    nodes = loaded.linked.nodes
    elements = [each for each in loaded.state.elements.values() if each is not loaded.state.root]
    return dict(Counter(nodes[e.node].id for e in elements if nodes[e.node].kind is not Kind.AD_HOC_ACTIVATION))


def variables_of(state: State) -> Variables:
    """The variables of the process's own scope."""
    return dict(state.root.variables or {}) if state.root is not None else {}
