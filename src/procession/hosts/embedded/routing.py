"""Requests for instances that another host runs: asked there, in the caller's thread, and answered when it shows here.

The owner of the store is not needed for that. What must not live here: what an event means, and how it gets there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias, final

from procession.base.failure import Busy, Conflict, NotFound
from procession.core import events as e
from procession.core.events import AnyEvent
from procession.hosts.embedded.changing import migration_from
from procession.hosts.embedded.elsewhere import exhausted
from procession.hosts.embedded.tickets import InHouse
from procession.runtime import codec
from procession.runtime import requests as q
from procession.runtime.elsewhere import OUTGOING, Delivery, Handover, Placement, Reply
from procession.runtime.ports import Store
from procession.runtime.rows import IncidentRow, InstanceRow, IntRow, JobRow, OutboxRow, TaskRow
from procession.services.catalog import Catalog

BEGINS_S: Final = 1.0
"""How long a start waits for the first step; where no worker runs, it is told that it is started without that."""
SHOWS_S: Final = 5.0
"""How long a caller waits, after his request was carried out, for the store to show it."""
POLL_S: Final = 0.002
MOVES_S: Final = 10.0
"""How long somebody waits for an instance that is on its way between two hosts."""
HERE: Final = object()
"""What a request is that this engine itself carries out."""


@final
class Router:
    """One engine's. `turn` does what is due here while a caller waits; `clock` gives Unix ms."""

    def __init__(
        self, store: Store, placement: Placement, clock: Callable[[], int], turn: Callable[[float], object]
    ) -> None:
        self.store = store
        self._placement = placement
        self._clock = clock
        self._turn = turn

    def route(self, request: InHouse) -> object:
        """The result of a request for an instance elsewhere, which is carried out, or raises what became of it. `HERE`
        for all others."""
        addressed = EVENTS.get(type(request))
        if addressed is None:
            return HERE
        tenant = Catalog(self.store, None).number(request.tenant)
        if tenant is None:
            return HERE
        found = addressed(self, tenant, request)
        if found is None:
            return HERE
        instance, event = found
        row = self.elsewhere(tenant, instance)
        if row is None:
            return HERE
        if row.state:
            raise NotFound(f"instance {instance} has ended")
        reply = self._asked(request.tenant, tenant, row, event)
        if reply is None:
            return HERE
        if reply.rejected:
            raise (NotFound if reply.rejected == "not-found" else Conflict)(reply.reason)
        self.shows(tenant, instance, reply.seq)
        return RESULTS.get(type(event), _none)(event)

    def _asked(self, name: str, tenant: int, row: InstanceRow, event: AnyEvent) -> Reply | None:
        """What the other host says; None if the instance came back meanwhile. Whoever is on the way between two hosts
        is waited for: nobody there knows it yet, or any more."""
        deadline = time.monotonic() + MOVES_S
        while True:
            try:
                return self._placement.ask(name, row.home, Delivery(0, row.key, event, self._clock()))
            except NotFound:
                now = self.elsewhere(tenant, row.key)
                if now is None:
                    return None
                if now.state or time.monotonic() > deadline:
                    raise
                row = now
            self._turn(POLL_S)

    def arrives(self, tenant: int, home: int) -> None:
        """Waits until the other host has an instance that was handed over just now. Raises `Busy`."""
        deadline = time.monotonic() + MOVES_S
        while any(
            isinstance(codec.read(OUTGOING, row.body), Handover)
            for row in self.store.read("outbox_home_all", (tenant, home), OutboxRow)
        ):
            if time.monotonic() > deadline:
                raise Busy(f"instance {home} is on its way to the other host, which does not answer: ask again")
            self._turn(POLL_S)

    def elsewhere(self, tenant: int, instance: int) -> InstanceRow | None:
        """An instance of the other host; None for any other key."""
        rows = self.store.read("instance", (tenant, instance), InstanceRow)
        return rows[0] if rows and rows[0].host == self._placement.host else None

    def external(self, type: str) -> bool:
        """Whether jobs of a type are left to this engine."""
        return self._placement.external(type)

    def started(self, tenant: str, instances: Sequence[int]) -> None:
        """Waits a moment until instances that were started elsewhere have begun: what is sent to them then finds them
        waiting for it, as it would here."""
        number = Catalog(self.store, None).number(tenant)
        deadline = time.monotonic() + BEGINS_S
        if number is None:
            return
        for instance in instances:
            if self.elsewhere(number, instance) is not None:
                self.shows(number, instance, 1, deadline)

    def shows(self, tenant: int, instance: int, seq: int, deadline: float = 0.0) -> bool:
        """Waits until the store has a step of an instance; whether it has, after `SHOWS_S` or at the deadline."""
        deadline = deadline or time.monotonic() + SHOWS_S
        while True:
            last = self.store.read("fact_last", (tenant, instance), IntRow)
            if last and (last[0].value or 0) >= seq:
                return True
            if time.monotonic() > deadline:
                return False
            self._turn(0.005)


Addressed: TypeAlias = "tuple[int, AnyEvent] | None"


def _deliver(router: Router, tenant: int, request: q.Deliver) -> Addressed:
    return (request.instance, request.event) if request.instance else None


def _task(router: Router, tenant: int, request: q.TaskEvent) -> Addressed:
    rows = router.store.read("task", (tenant, request.task), TaskRow)
    return (rows[0].instance, request.event) if rows else None


def _incident(router: Router, tenant: int, request: q.Resolve) -> Addressed:
    rows = router.store.read("incident", (tenant, request.incident), IncidentRow)
    return (rows[0].instance, e.ResolveIncident(request.incident, request.retries)) if rows else None


def _finish(router: Router, tenant: int, request: q.FinishJob) -> Addressed:
    event = e.CompleteJob(request.job, request.variables, request.denied, request.reason, request.choice)
    return _job(router, tenant, request, event)


def _throw(router: Router, tenant: int, request: q.ThrowJob) -> Addressed:
    event = e.ThrowJobError(request.job, request.code, request.message, request.variables)
    return _job(router, tenant, request, event)


def _fail(router: Router, tenant: int, request: q.FailJob) -> Addressed:
    row = _leased(router, tenant, request)
    if row is None or router.external(row.type) or router.elsewhere(tenant, row.instance) is None:
        return None
    retries = row.retries - 1 if request.retries is None else request.retries
    return row.instance, exhausted(request.job, retries, request.error)


def _job(router: Router, tenant: int, request: q.FinishJob | q.ThrowJob, event: AnyEvent) -> Addressed:
    row = _leased(router, tenant, request)
    return (row.instance, event) if row is not None else None


def _leased(router: Router, tenant: int, request: q.FinishJob | q.ThrowJob | q.FailJob) -> JobRow | None:
    """The job that a request is about. What names a lease that is gone, as with a move, is refused by this engine."""
    rows = router.store.read("job", (tenant, request.job), JobRow)
    return rows[0] if rows and request.token in {0, rows[0].token} else None


def _migrate(router: Router, tenant: int, request: q.MigrateInstance) -> Addressed:
    rows = router.store.read("instance", (tenant, request.instance), InstanceRow)
    if not rows:
        return None
    catalog = Catalog(router.store, None)
    now = catalog.definition(tenant, rows[0].definition)
    event, _ = migration_from(catalog, tenant, request.plan, now, request.instance)
    return request.instance, event


EVENTS: Final[Mapping[type[Any], Callable[[Router, int, Any], Addressed]]] = {
    q.Deliver: _deliver,
    q.TaskEvent: _task,
    q.Resolve: _incident,
    q.FinishJob: _finish,
    q.FailJob: _fail,
    q.ThrowJob: _throw,
    q.MigrateInstance: _migrate,
}
"""Which instance a request is for, and the event that it stands for."""


def _none(event: AnyEvent) -> object:
    return None


RESULTS: Final[Mapping[type[Any], Callable[[Any], object]]] = {
    e.Migrate: lambda event: event.version,
    e.ExhaustJob: lambda event: 0,
}
"""What a request is answered with, by its event."""
