"""What would become of instances that move to another host, part by part. It reads, and changes nothing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, TypeAlias, final

import msgspec

from procession.base.failure import NotFound
from procession.core import commands as c
from procession.core.linked import Linked
from procession.core.pending import pending
from procession.core.state import State, Status
from procession.runtime.batches import Filter
from procession.runtime.ports import Reads
from procession.runtime.replay import load_instance
from procession.runtime.rows import HELD, InstanceRow, JobRow
from procession.services.catalog import Catalog
from procession.services.filtering import all_meant
from procession.services.routes import HERE


@final
class Fate(msgspec.Struct, frozen=True, gc=False):
    """What an instance waits for at an element, and what becomes of that."""

    instance: int
    element_id: str
    what: str
    becomes: str


@final
class Count(msgspec.Struct, frozen=True, gc=False):
    """How many things of a kind instances wait for at an element, and what becomes of them."""

    process_id: str
    element_id: str
    what: str
    becomes: str
    count: int


@final
class Moves(msgspec.Struct, frozen=True, gc=False):
    """What a batch of moves would do now: `instances` would move, with all that they called; `there` ones are there
    already, and `called` ones move with their callers. Of the `refused` ones, `refusals` says of some why."""

    instances: int
    there: int
    called: int
    refused: int
    counts: list[Count]
    refusals: list[tuple[int, str]]


REFUSALS_MAX: Final = 100
"""Refusals that are told one by one."""
ANEW: Final = "issued anew, under a new key"
"""What becomes of a job by the policy `reissue`."""


def moves(store: Reads, tenant: str, which: Filter, to: str, jobs: str) -> Moves:
    """What moving all that a filter means to a host would do."""
    catalog = Catalog(store)
    number = catalog.tenant(tenant)
    counts: Counter[tuple[str, str, str, str]] = Counter()
    refusals: list[tuple[int, str]] = []
    moved = there = called = refused = 0
    for row, linked, state in all_meant(store, tenant, which):
        if row.parent:
            called += 1
        elif (row.host or HERE) == to:
            there += 1
        elif text := _refused(store, number, row, state, jobs):
            refused += 1
            if refused <= REFUSALS_MAX:
                refusals.append((row.key, text))
        else:
            moved += 1
            parts = [(linked, state), *_called(store, catalog, number, state)]
            for part_linked, part in parts:
                process_id = part_linked.program.process_id
                counts.update((process_id, *told) for told in _kinds(part_linked, part, to, jobs))
    found = [Count(*kind, count) for kind, count in sorted(counts.items())]
    return Moves(moved, there, called, refused, found, refusals)


def _refused(store: Reads, tenant: int, row: InstanceRow, state: State, jobs: str) -> str:
    """Why an instance would not move now; "" if it would."""
    if state.agenda:
        return f"instance {row.key} is in the middle of a long step"
    now = time.time_ns() // 1_000_000
    for job in state.jobs.values() if jobs == "wait" and not row.host else ():
        rows = store.read("job", (tenant, job.key), JobRow)
        if rows and rows[0].token and now < rows[0].due < HELD:
            return f"job {job.key} ({job.type}) of instance {row.key} is under way"
    return ""


def _called(store: Reads, catalog: Catalog, tenant: int, state: State) -> Iterator[tuple[Linked, State]]:
    """All that an instance called, and that those called."""
    waiting = [element.child for element in state.elements.values() if element.child]
    while waiting:
        loaded = load_instance(store, tenant, waiting.pop(), partial(catalog.linked, tenant))
        if loaded is not None and loaded.state.status is Status.ACTIVE:
            yield loaded.linked, loaded.state
            waiting += [element.child for element in loaded.state.elements.values() if element.child]


def _kinds(linked: Linked, state: State, to: str, jobs: str) -> Iterator[tuple[str, str, str]]:
    """What an instance waits for: element, kind, and what becomes of it, without what is its alone."""
    for command in pending(linked, state):
        kind = _KINDS.get(type(command))
        if kind is not None:
            what, becomes = kind(command, (to, jobs))
            yield _element_id(linked, state, command), what, becomes


def fates(store: Reads, tenant: str, instance: int, to: str, jobs: str) -> list[Fate]:
    """Of an instance and all that it called, on its way to a host (`here`: this store's own), its jobs by a policy.
    Raises `NotFound`."""
    catalog = Catalog(store)
    number = catalog.tenant(tenant)
    found: list[Fate] = []
    waiting = [instance]
    while waiting:
        key = waiting.pop(0)
        loaded = load_instance(store, number, key, partial(catalog.linked, number))
        if loaded is None or loaded.state.status is not Status.ACTIVE:
            if key == instance:
                raise NotFound(f"instance {instance} is not active")
            continue
        found += _of(loaded.linked, loaded.state, to, jobs)
        waiting += [element.child for element in loaded.state.elements.values() if element.child]
    return found


def _of(linked: Linked, state: State, to: str, jobs: str) -> list[Fate]:
    found: list[Fate] = []
    for command in pending(linked, state):
        tell = _TOLD.get(type(command))
        if tell is not None:
            what, becomes = tell(command, (to, jobs))
            found.append(Fate(state.instance, _element_id(linked, state, command), what, becomes))
    return found


def _element_id(linked: Linked, state: State, command: Any) -> str:
    element = state.elements.get(getattr(command, "element", 0))
    node = getattr(command, "node", element.node if element is not None else None)
    return linked.nodes[node].id if node is not None else ""


Way: TypeAlias = tuple[str, str]
"""(the host, the policy for jobs)"""


def _job(job: c.CreateJob, way: Way) -> tuple[str, str]:
    key = ANEW if way[1] == "reissue" else f"under the key {job.idempotency_key}"
    return f"job {job.type}", f"{_done(way)}, {key}"


def _any_job(job: c.CreateJob, way: Way) -> tuple[str, str]:
    return f"job {job.type}", f"{_done(way)}, {ANEW if way[1] == 'reissue' else 'under its own key'}"


def _done(way: Way) -> str:
    return "given out here" if way[0] == HERE else "done there"


def _timer(timer: c.SetTimer, way: Way) -> tuple[str, str]:
    due = datetime.fromtimestamp(timer.due / 1000, UTC).isoformat(timespec="seconds")
    return "timer", f"due at {due} as before"


def _any_timer(timer: c.SetTimer, way: Way) -> tuple[str, str]:
    return "timer", "due as before"


def _waits(command: c.Subscribe, way: Way) -> tuple[str, str]:
    kind = "signal" if command.signal else "message"
    key = f" {command.key!r}" if command.key else ""
    return f"{kind} {command.name}{key}", "still found by it, without a gap"


def _any_wait(command: c.Subscribe, way: Way) -> tuple[str, str]:
    return f"{'signal' if command.signal else 'message'} {command.name}", "still found by it, without a gap"


def _task(command: c.OpenTask, way: Way) -> tuple[str, str]:
    return "user task", "stays open"


def _incident(command: c.OpenIncident, way: Way) -> tuple[str, str]:
    return f"incident {command.code}", "stays open"


def _still(command: c.Standstill, way: Way) -> tuple[str, str]:
    return "suspension", "stands still there, too"


Told: TypeAlias = Mapping[type[Any], Callable[[Any, Way], tuple[str, str]]]

_TOLD: Final[Told] = {
    c.CreateJob: _job,
    c.SetTimer: _timer,
    c.Subscribe: _waits,
    c.OpenTask: _task,
    c.OpenIncident: _incident,
    c.Standstill: _still,
}
"""What an open part of a state is called, and what becomes of it."""
_KINDS: Final[Told] = {**_TOLD, c.CreateJob: _any_job, c.SetTimer: _any_timer, c.Subscribe: _any_wait}
"""The same of many: without keys and times."""
