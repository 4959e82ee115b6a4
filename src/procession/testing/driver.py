"""The driver: an embedded engine on a virtual clock, one call at a time, and what each instance looks like.

Everything that is shown comes from the stored facts, replayed; what the engine holds in memory must be the same,
byte for byte, after every call. What must not live here: scenario files and comparing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final, TypeAlias, final

from procession.base.failure import ProcessionError
from procession.base.values import Json
from procession.core.linked import Linked
from procession.core.snapshot import dump, load
from procession.core.state import ElementInstance, State, Status
from procession.hosts.embedded.tickets import InHouse
from procession.ir.kinds import Kind
from procession.ir.program import Program
from procession.runtime import codec
from procession.runtime.replay import replay
from procession.runtime.requests import DeployResources
from procession.runtime.rows import DefinitionRow, DueRow, FactRow, InstanceRow
from procession.runtime.tenants import EVERYBODY
from procession.services.catalog import Catalog
from procession.services.deploy import Compiled, InstallCompiled
from procession.store.opening import open_store
from procession.testing.engines import UNTOLD, Calm, Engines
from procession.testing.traces import Trace

TURNS_MAX: Final = 10_000
"""Rounds of work without the clock moving, before the process is said to go on for ever."""
INSTANCES_MAX: Final = 10_000


MakeEngines: TypeAlias = Callable[[Callable[[], int], str], Engines]
"""(clock in Unix ms, zone) -> what runs a scenario."""


@final
class Unequal(ProcessionError):
    """A bug of the engine: facts and state are not the same thing."""


@final
class Case:
    """One instance as its facts tell it: the replayed state, the program and the trace so far."""

    __slots__ = ("key", "linked", "parent", "process", "program", "root", "state", "trace")

    def __init__(self, row: InstanceRow, linked: Linked) -> None:
        self.key = row.key
        self.linked = linked
        program = linked.program
        self.parent = row.parent
        self.root = row.root
        self.process = program.process_id
        self.program = program
        self.state = State()
        self.trace = Trace(program)

    def go_over(self, linked: Linked) -> None:
        """The instance runs this program now."""
        self.linked = linked
        self.program = linked.program

    @property
    def status(self) -> str:
        """active, completed, terminated, or incident: active with an open incident."""
        if self.state.status is Status.ACTIVE:
            return "incident" if self.state.incidents else "active"
        return "completed" if self.state.status is Status.COMPLETED else "terminated"

    @property
    def variables(self) -> dict[str, Json]:
        """The variables of the process's own scope."""
        root = self.state.root
        return dict(root.variables or {}) if root is not None else {}

    def element_id(self, element: int) -> str:
        """The id in the model of an element instance."""
        return self.program.nodes[self.state.elements[element].node].id

    def tasks(self) -> list[ElementInstance]:
        """The open user tasks, in order of creation."""
        nodes = self.program.nodes
        elements = self.state.elements.values()
        return [e for e in elements if e.is_open_task and nodes[e.node].kind is Kind.USER_TASK]


@final
class Driver:
    """One engine, its store and its clock (Unix ms). Use it from one thread."""

    def __init__(
        self,
        store: str,
        *,
        clock: int,
        zone: str,
        restore: bool = False,
        seed: int | None = None,
        engines: MakeEngines | None = None,
    ) -> None:
        """`store` is a path or ":memory:". With `restore` the engine is left and opened anew after every call.

        With `seed` the store is a simulated one in memory, and what it draws befalls the engine (`mishaps`).
        """
        self.now = clock
        self.cases: dict[int, Case] = {}
        """By key, in order of creation."""
        self._restore = restore
        self._engines = engines(lambda: self.now, zone) if engines is not None else self._opened(store, zone, seed)
        self._store = self._engines.store
        self._catalog = Catalog(self._store)
        self.tenant = self._engines.take_tenant(len(self._catalog.tenants))

    def close(self) -> None:
        """Lets the store go."""
        self._engines.close()

    def call(self, request: InHouse) -> object:
        """Carries out one request and all that follows at once from it. Raises what the engine answers."""
        self._reopen()
        known = len(self.cases)
        result = self._engines.call(request)
        self._settle()
        # Of the instances that came of it, the one that was asked for is the first.
        return next(islice(self.cases, known, None), None) if result is UNTOLD else result

    def deploy(self, files: Iterable[Path]) -> None:
        """Deploys documents. Raises `Refused`, or `ProcessionError` for a file that cannot be read."""
        resources: list[tuple[str, bytes]] = []
        for path in files:
            try:
                resources.append((path.name, path.read_bytes()))
            except OSError as error:
                raise ProcessionError(f"{path}: {error.strerror or error}") from None
        self.call(DeployResources(self.tenant, resources))

    def install(self, compiled: Compiled) -> None:
        """Deploys documents that were compiled already, with languages of the caller's own."""
        self.call(InstallCompiled(self.tenant, compiled))

    def program(self, process_id: str, version: int) -> Program:
        """A deployed version, 0 for the latest; raises `NotFound`."""
        catalog = self._catalog
        tenant = catalog.tenant(self.tenant)
        found = catalog.version(tenant, process_id, version) if version else catalog.latest(tenant, process_id)
        return catalog.linked(tenant, found.program).program

    def next_timer(self, until: int) -> int | None:
        """When the next timer is due, if that is not after `until`. A time that has passed is now."""
        known = [row.due for row in self._store.read("timer_tenants", EVERYBODY, DueRow)]
        other = self._engines.next_timer()
        due = min(known if other is None else [*known, other], default=None)
        return None if due is None or due > until else max(due, self.now)

    def move(self, at: int) -> None:
        """Sets the clock, and lets happen what is due."""
        self._engines.moved(at - self.now)
        self.now = at
        self._reopen()
        self._settle()

    def _opened(self, store: str, zone: str, seed: int | None) -> Engines:
        if seed is None:
            return Calm(open_store(store), lambda: self.now, zone)
        # Loaded at need: it brings the whole simulator.
        from procession.testing.mishaps import Troubled

        return Troubled(seed, lambda: self.now, zone)

    def _reopen(self) -> None:
        if self._restore:
            self._engines.renew()

    def _settle(self) -> None:
        for _ in range(TURNS_MAX):
            if not self._engines.turn():
                break
        else:
            raise ProcessionError(f"after {TURNS_MAX} rounds the process still goes on without waiting for anything")
        self._look()

    def _look(self) -> None:
        """Reads the new facts, and holds them against what is in memory."""
        self._catalog.forget()
        tenant = self._catalog.tenants.get(self.tenant)
        if tenant is None:
            return
        for row in self._store.read("instances", (tenant, 0, INSTANCES_MAX), InstanceRow):
            case = self.cases.get(row.key)
            if case is None:
                definition = self._store.read("definition", (tenant, row.definition), DefinitionRow)[0]
                linked = self._catalog.linked(tenant, definition.program)
                case = self.cases[row.key] = Case(row, linked)
            if case.state.status is Status.ACTIVE:
                self._read(tenant, case)

    def _read(self, tenant: int, case: Case) -> None:
        rows = self._store.read("facts", (tenant, case.key, case.state.seq), FactRow)
        found = partial(self._catalog.linked, tenant)
        case.go_over(replay(case.linked, case.state, rows, found))
        for row in rows:
            case.trace.read(codec.decode_facts(row.data), lambda hash: found(hash).program)
        shard = self._engines.pump.shard
        replayed = dump(case.state)
        resident = shard.residents.get(tenant, case.key) if shard is not None else None
        if resident is not None and dump(resident.state) != replayed:
            raise Unequal(_difference(case, "in memory", dump(resident.state), replayed))
        if dump(load(replayed)) != replayed:
            raise Unequal(_difference(case, "of its snapshot", dump(load(replayed)), replayed))


def _difference(case: Case, what: str, found: bytes, replayed: bytes) -> str:
    shorter = min(len(found), len(replayed))
    at = next((n for n in range(shorter) if found[n] != replayed[n]), shorter)
    around = slice(max(0, at - 60), at + 100)
    return (
        f"a bug of the engine: after step {case.state.seq} of instance {case.key} ({case.process}) the state {what} "
        f"is not what its facts give: …{found[around]!r}… instead of …{replayed[around]!r}…"
    )
