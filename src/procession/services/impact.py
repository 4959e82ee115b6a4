"""Impact: which running instances a change would touch, each with the reason. It reads, and changes nothing.

A question (of a flag, of types of jobs, of documents that are to be deployed) looks at a program once, and then at each
active instance of it, page by page: what is in memory is one page, the programs, and the totals. What runs on another
host has its steps in the store, too. What must not live here: what documents change (impact_of_deployment.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Literal, Protocol, TypeAlias, final

import msgspec

from procession.base.failure import ProcessionError
from procession.core.flags import Flag
from procession.core.state import State
from procession.ir.kinds import ListenerEvent
from procession.ir.program import NONE, JobSpec, Node, Program, Ref
from procession.runtime.ports import Reads
from procession.runtime.rows import DefinitionRow, InstanceRow, NamedRow
from procession.runtime.tenants import EVERYBODY, PLATFORM
from procession.services.reach import Reach
from procession.services.views import Views

PAGE: Final = 200
What: TypeAlias = Literal[
    "old-behaviour",
    "blocks-removal",
    "open-job",
    "job-ahead",
    "changed-here",
    "changed-ahead",
    "calls-latest",
    "decides-latest",
    "form-latest",
    "not-begun",
    "unreadable",
]
"""How an instance is touched. `…-here`, `open-…`: where it stands; `…-ahead`: where it may still come to."""
Migration: TypeAlias = Literal["", "possible", "impossible"]


@final
class Reason(msgspec.Struct, frozen=True, gc=False):
    """Why an instance is touched, at an element of its; "" for the whole of it."""

    what: What
    element: str
    text: str


@final
class Touched(msgspec.Struct, frozen=True, kw_only=True):
    """An active instance that a change would touch. `host` is where it runs, "" for the store's own. Of a program that
    changes, `migration` says whether it could go over by a plan of equal ids, and `problems` why not."""

    tenant: str
    instance: int
    process_id: str
    version: int
    host: str
    reasons: list[Reason]
    migration: Migration = ""
    problems: list[str] = []


@final
class Total(msgspec.Struct, frozen=True, gc=False):
    """How many instances of a version are touched in one way at an element."""

    process_id: str
    version: int
    element: str
    what: What
    instances: int


@final
class Totals:
    """What was found in all, by process, version and element."""

    def __init__(self) -> None:
        self.instances = 0
        self.migrations: Counter[Migration] = Counter()
        self._counts: Counter[tuple[str, int, str, What]] = Counter()

    def add(self, touched: Touched) -> None:
        """Counts an instance once for each way and element."""
        self.instances += 1
        self.migrations[touched.migration] += 1
        version = touched.process_id, touched.version
        self._counts.update({(*version, each.element, each.what) for each in touched.reasons})

    def rows(self) -> list[Total]:
        """In the order of processes, versions and elements."""
        return [Total(*place, count) for place, count in sorted(self._counts.items())]


@final
class Found(msgspec.Struct, frozen=True):
    """What a question says of one instance; without reasons it is not touched."""

    reasons: list[Reason]
    migration: Migration = ""
    problems: list[str] = []


Look: TypeAlias = Callable[[State], Found]
"""Looks at an instance of one program."""


class Question(Protocol):
    """What is asked. It is asked about a program first."""

    def look(self, tenant: str, process_id: str, program: Program, reach: Reach) -> Look | None:
        """How instances of a program are looked at; None where none of them can be touched."""
        ...


def touched(
    store: Reads, question: Question, *, tenants: Sequence[str] = (), processes: Sequence[str] = ()
) -> Iterator[Touched]:
    """The active instances that a change touches, by tenant, version and key; without `tenants` of all of them, without
    `processes` of each. One that cannot be read is told, too."""
    views = Views(store)
    known = [row.name for row in store.read("tenants", EVERYBODY, NamedRow) if row.name != PLATFORM]
    for name in tenants or known:
        walk = _Walk(store, views, question, name)
        for definition in store.read("definitions", (views.tenant_number(name),), DefinitionRow):
            if not processes or definition.process_id in processes:
                yield from walk.version(definition)


@final
class _Walk:
    """Through the active instances of a tenant."""

    def __init__(self, store: Reads, views: Views, question: Question, tenant: str) -> None:
        self._store = store
        self._views = views
        self._question = question
        self._tenant = tenant
        self._number = views.tenant_number(tenant)
        self._looks: dict[str, Look | None] = {}

    def version(self, definition: DefinitionRow) -> Iterator[Touched]:
        """Those of one version."""
        after = 0
        while rows := self._page(definition, after):
            after = rows[-1].key
            # A program that cannot be read is told of each of its instances.
            if self._readable(definition) and self._look(definition.program) is None:
                return
            for row in rows:
                found = self._instance(row)
                if found.reasons:
                    yield Touched(
                        tenant=self._tenant,
                        instance=row.key,
                        process_id=definition.process_id,
                        version=definition.version,
                        host=row.host,
                        reasons=found.reasons,
                        migration=found.migration,
                        problems=found.problems,
                    )

    def _page(self, definition: DefinitionRow, after: int) -> list[InstanceRow]:
        return self._store.read("instances_active", (self._number, definition.key, after, PAGE), InstanceRow)

    def _readable(self, definition: DefinitionRow) -> bool:
        try:
            self._views.program(self._tenant, definition.program)
        except ProcessionError:
            return False
        return True

    def _look(self, hash: str) -> Look | None:
        if hash not in self._looks:
            program = self._views.program(self._tenant, hash)
            self._looks[hash] = self._question.look(self._tenant, program.process_id, program, Reach(program))
        return self._looks[hash]

    def _instance(self, row: InstanceRow) -> Found:
        try:
            state = self._views.load(self._tenant, row.key).state
            # Since its row was read it may have gone over to another program.
            look = self._look(state.program)
        except ProcessionError as error:
            return Found([Reason("unreadable", "", str(error))])
        if look is None:
            return Found([])
        if state.root is None:
            text = f"it was started on {row.host}, which has not told its first step yet"
            return Found([Reason("not-begun", "", text)])
        return look(state)


# --- a flag


@final
class OfFlag:
    """Which instances were started without a flag that affects their program."""

    def __init__(self, flag: Flag) -> None:
        self._flag = flag

    def look(self, tenant: str, process_id: str, program: Program, reach: Reach) -> Look | None:
        """See `Question.look`."""
        affected = self._flag.affects(program)
        return (lambda state: self._found(state, program, reach, affected)) if affected else None

    def _found(self, state: State, program: Program, reach: Reach, affected: frozenset[Ref]) -> Found:
        flag = self._flag
        if state.flags >> flag.number & 1:
            return Found([])
        standing = {each.node for each in state.elements.values()}
        left = affected & (reach.ahead(state) | standing)
        if not left:
            return Found([Reason("blocks-removal", "", f"{_BLOCKS}, though nothing that is ahead of it differs")])
        text = f"it keeps the old behaviour for ever ({flag.old}); what starts from the switch on has the new"
        return Found([Reason("old-behaviour", _id(program, each), f"{text}; {_BLOCKS}") for each in sorted(left)])


_BLOCKS: Final = "until it has ended, no release can be without the old one"


# --- types of jobs


@final
class OfJobs:
    """Which instances have an open job of a type, or can still come to an element that makes one."""

    def __init__(self, types: Sequence[str] = (), connectors: Sequence[str] = ()) -> None:
        """A connector's types are its name, alone or with a version behind a colon."""
        self._types = frozenset(types)
        self._connectors = frozenset(connectors)

    def look(self, tenant: str, process_id: str, program: Program, reach: Reach) -> Look | None:
        """See `Question.look`."""
        makes = {node.index: specs for node in program.nodes if (specs := self._specs(program, node))}
        return (lambda state: self._found(state, program, reach, makes)) if makes else None

    def _specs(self, program: Program, node: Node) -> dict[int, str]:
        """The jobs of a node that are meant, by listener (-1: its own): why, if that has to be said."""
        specs: list[tuple[int, JobSpec]] = [(number, each.job) for number, each in enumerate(node.listeners)]
        if node.job is not None:
            specs.append((-1, node.job))
        found: dict[int, str] = {}
        for number, spec in specs:
            if spec.type.expression != NONE:
                computed = program.expressions[spec.type.expression].text
                found[number] = f"its job's type is computed ({computed}), and may be this one"
            elif self._means(spec.type.literal):
                found[number] = f"it makes a job {spec.type.literal}"
        return found

    def _means(self, type: str) -> bool:
        return type in self._types or any(type == each or type.startswith(f"{each}:") for each in self._connectors)

    def _found(self, state: State, program: Program, reach: Reach, makes: dict[Ref, dict[int, str]]) -> Found:
        reasons: dict[Reason, None] = {}
        for job in state.jobs.values():
            if self._means(job.type):
                at = _id(program, state.elements[job.element].node)
                reasons[Reason("open-job", at, f"a job {job.type} is open")] = None
        for element in state.elements.values():
            specs = makes.get(element.node, {})
            left = [why for number, why in specs.items() if number in _left(state, program, element.key)]
            if left:
                reasons[Reason("job-ahead", _id(program, element.node), f"it stands here, and {left[0]}")] = None
        for node in sorted(makes.keys() & reach.ahead(state)):
            why = next(iter(makes[node].values()))
            reasons[Reason("job-ahead", _id(program, node), f"{why}, and {way(state, program, reach, node)}")] = None
        return Found(list(reasons))


def _left(state: State, program: Program, key: int) -> set[int]:
    """The jobs that an active element has not made yet, by listener."""
    element = state.elements[key]
    node = program.nodes[element.node]
    events = {number: each.event for number, each in enumerate(node.listeners)}
    last = {number for number, event in events.items() if event is ListenerEvent.END}
    # What people do to a user task may call its listeners again and again.
    last |= {number for number, event in events.items() if event not in {ListenerEvent.START, ListenerEvent.END}}
    jobs = [state.jobs[wait] for wait in element.waits or () if wait in state.jobs]
    if any(job.listener < 0 for job in jobs):
        return last
    for job in jobs:
        event = events[job.listener]
        if event is ListenerEvent.START:
            first = {number for number, each in events.items() if each is event and number > job.listener}
            return {*first, *last, -1}
        return {number for number in last if number > job.listener or events[number] is not event}
    # Without a job: one with a job of its own has not come to that, all others are beyond their first listeners.
    return {*events, -1} if node.job is not None else last


def way(state: State, program: Program, reach: Reach, node: Ref) -> str:
    """From where an instance may come to a node, in words."""
    standing = (each for each in state.elements.values() if each is not state.root)
    starts = {_id(program, each.node) for each in standing if reach.leads_to(each, node)}
    return f"it can be reached from {', '.join(sorted(starts))}" if starts else "it may still come to that"


def _id(program: Program, node: Ref) -> str:
    return program.nodes[node].id
