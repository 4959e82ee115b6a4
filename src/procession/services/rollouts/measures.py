"""What a rollout is judged by: how instances fare on the new host beside those on the old one. Reads only.

All of it is in the rows of the store, wherever instances run (docs/design/0011). A sample bounds what one look costs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final, final

import msgspec

from procession.base.failure import ProcessionError
from procession.base.keys import made_at_ms
from procession.core.commands import SetTimer
from procession.core.pending import pending
from procession.runtime.ports import Reads
from procession.runtime.replay import load_instance
from procession.runtime.rows import HELD, DefinitionRow, IncidentRow, InstanceRow, JobRow, NamedRow, OutboxRow
from procession.runtime.tenants import EVERYBODY, PLATFORM
from procession.services.catalog import Catalog
from procession.services.rollouts.plan import Plan
from procession.services.routes import HERE, speaks
from procession.services.shadows import find_shadow

SAMPLE_MAX: Final = 10_000
"""Instances of one version, in one state, that a look reads; the newest."""
STUCK_MAX: Final = 1_000
"""Instances of one version that a look reads whole, to find whether they are stuck; the oldest."""
_ACTIVE, _COMPLETED = 0, 1
_PERCENTILE: Final = 0.95


@final
class Measures(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A look at a rollout. `there` is its new host. Durations are in ms; None where there is nothing to be measured.

    Since the step began: how many `started` there, `finished` there, and are `failing` there (with an incident that
    came since). `p95` of what started and completed there, `p95_before` of as much on the old host. `stuck` there,
    named in `stuck_at`; `left` active on the old host, `there` on the new one. Of the shadow: `compared`, of them
    `different`, and `untold`."""

    started: int = 0
    finished: int = 0
    failing: int = 0
    p95: int | None = None
    p95_before: int | None = None
    stuck: int = 0
    stuck_at: tuple[str, ...] = ()
    left: int = 0
    there: int = 0
    compared: int = 0
    different: int = 0
    untold: int = 0


@final
class Place(msgspec.Struct, frozen=True):
    """One version of a process of a tenant, of which a rollout speaks."""

    tenant: int
    name: str
    definition: DefinitionRow


def places(store: Reads, plan: Plan) -> list[Place]:
    """Every version of every process of which a plan speaks."""
    of = speaks(plan.rule(100.0))
    found: list[Place] = []
    for row in store.read("tenants", EVERYBODY, NamedRow):
        if row.name == PLATFORM:
            continue
        found += [
            Place(row.number, row.name, definition)
            for definition in store.read("definitions", (row.number,), DefinitionRow)
            if of(row.name, definition.process_id, definition.version)
        ]
    return found


def measure(store: Reads, plan: Plan, since: int, overdue: int, shadow: str) -> Measures:
    """A look at all instances of a plan, as they fare since a time (Unix ms) that is when its step began. Whoever waits
    for what should have come at `overdue` is stuck; `shadow` is the name of the plan's shadow run."""
    there, here = _host(plan.to), _host(plan.origin)
    found = places(store, plan)
    ran = _durations(store, found, there, since, 0)
    before = _durations(store, found, here, since, len(ran)) or _durations(store, found, here, 0, len(ran))
    active = [row for place in found for row in _lately(store, place, _ACTIVE, there, since)]
    stuck = [*_stuck(store, found, there, overdue), *_on_their_way(store, found, overdue)]
    counts = [_counted(store, place, there, here) for place in found]
    report = find_shadow(store, shadow)
    return Measures(
        started=len(active) + len(ran),
        finished=len(ran),
        failing=_failing(store, found, there, since),
        p95=percentile(ran),
        p95_before=percentile(before),
        stuck=len(stuck),
        stuck_at=tuple(stuck[:10]),
        there=sum(at for at, _ in counts),
        left=sum(at for _, at in counts),
        compared=report.compared if report else 0,
        different=report.different if report else 0,
        untold=report.untold if report else 0,
    )


def left_at(store: Reads, plan: Plan, host: str = "", place: Place | None = None) -> int:
    """How many are active on a host, without one on that from which a plan goes; of one version, or of all."""
    where = _host(host or plan.origin)
    return sum(_counted(store, each, where)[0] for each in ([place] if place else places(store, plan)))


def percentile(durations: list[int]) -> int | None:
    """What 19 of 20 stay below; None of nothing."""
    if not durations:
        return None
    return sorted(durations)[min(len(durations) - 1, int(len(durations) * _PERCENTILE))]


def _host(name: str) -> str:
    """A host as rows name it."""
    return "" if name == HERE else name


def _lately(store: Reads, place: Place, state: int, host: str, since: int) -> Iterator[InstanceRow]:
    asked = (place.tenant, place.definition.key, state, since, SAMPLE_MAX)
    rows = store.read("instances_lately", asked, InstanceRow)
    return (row for row in rows if row.host == host and not row.parent)


def _durations(store: Reads, found: Iterable[Place], host: str, since: int, most: int) -> list[int]:
    """How long completed ones took, the newest first; of each version no more than `most`, unless that is 0."""
    durations: list[int] = []
    for place in found:
        rows = [row.ended - row.started for row in _lately(store, place, _COMPLETED, host, since) if row.ended]
        durations += rows[:most] if most else rows
    return durations


def _counted(store: Reads, place: Place, *hosts: str) -> tuple[int, ...]:
    """How many roots are active on each host."""
    found = dict.fromkeys(hosts, 0)
    for row in _active(store, place):
        if row.host in found and not row.parent:
            found[row.host] += 1
    return tuple(found.values())


def _active(store: Reads, place: Place) -> Iterator[InstanceRow]:
    after = 0
    while rows := store.read("instances_active", (place.tenant, place.definition.key, after, SAMPLE_MAX), InstanceRow):
        yield from rows
        after = rows[-1].key


def _failing(store: Reads, found: Iterable[Place], host: str, since: int) -> int:
    """Instances on a host with an open incident that came since."""
    definitions = {(place.tenant, place.definition.key) for place in found}
    failing: set[tuple[int, int]] = set()
    for tenant in {place.tenant for place in found}:
        after = 0
        while rows := store.read("incidents", (tenant, after, SAMPLE_MAX), IncidentRow):
            for incident in (row for row in rows if row.at >= since):
                row = store.read("instance", (tenant, incident.instance), InstanceRow)[0]
                if row.host == host and (tenant, row.definition) in definitions:
                    failing.add((tenant, row.root or row.key))
            after = rows[-1].key
    return len(failing)


def _stuck(store: Reads, found: Iterable[Place], host: str, before: int) -> Iterator[str]:
    """What should have come before a time, and did not: a timer that nobody fired, a job that nobody was given."""
    catalog = Catalog(store)
    for place in found:
        asked = (place.tenant, place.definition.key, 0, STUCK_MAX)
        for row in store.read("instances_active", asked, InstanceRow):
            if row.host == host and row.started < before:
                reason = _waits_in_vain(store, catalog, place, row.key, before)
                if reason:
                    yield f"instance {row.key}: {reason}"


def _waits_in_vain(store: Reads, catalog: Catalog, place: Place, key: int, before: int) -> str:
    try:
        loaded = load_instance(store, place.tenant, key, partial(catalog.linked, place.tenant))
    except ProcessionError as error:
        return str(error)
    if loaded is None or loaded.state.suspended:
        return ""
    for command in pending(loaded.linked, loaded.state):
        if isinstance(command, SetTimer) and command.due < before:
            return f"a timer was due at {command.due}, and nobody fired it"
    for job in loaded.state.jobs:
        for row in store.read("job", (place.tenant, job), JobRow):
            if row.due < before and row.due != HELD and not row.token and made_at_ms(job) < before:
                return f"nobody takes its job {job} ({row.type})"
    return ""


def _on_their_way(store: Reads, found: Iterable[Place], before: int) -> Iterator[str]:
    """What was sent to the other host before a time, and did not arrive."""
    for tenant in sorted({place.tenant for place in found}):
        for row in store.read("outbox_tenant", (tenant, HELD, STUCK_MAX), OutboxRow):
            if made_at_ms(row.number) < before:
                yield f"instance {row.home}: what is sent to it does not arrive"
