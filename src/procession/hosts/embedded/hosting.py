"""An engine and the other host that runs some of its instances: which requests go there, and what it may ask for.

Without another host everything is the pump's. What must not live here: any host.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import cast, final

import msgspec

from procession.base.failure import Conflict, NotFound, StoreError
from procession.hosts.embedded.commons import StoreClock
from procession.hosts.embedded.crew import Crew
from procession.hosts.embedded.handover import WAIT
from procession.hosts.embedded.ownership import wall_ms
from procession.hosts.embedded.pumps import Pumps, open_pumps
from procession.hosts.embedded.routing import HERE, POLL_S, Router
from procession.hosts.embedded.tickets import InHouse, Ticket
from procession.runtime import codec
from procession.runtime.courier import Courier
from procession.runtime.elsewhere import OUTGOING, Answer, Begin, Host, Placement, Screen
from procession.runtime.ports import Store
from procession.runtime.requests import AnyRequest, Arrived, HandOver, StartProcess, TakeBack
from procession.runtime.rows import InstanceRow, LeaseRow, OutboxRow
from procession.runtime.tracing import span
from procession.services.catalog import Catalog
from procession.services.routes import HERE as HOME


@final
class Hosting:
    """One engine's. `attach` follows when its pump is there."""

    def __init__(self, host: Host | None, store: Store) -> None:
        self._host = host
        self._store = store
        if host is not None and len(store.read("shards", (), LeaseRow)) > 1:
            raise StoreError(f"{store.name}: another host needs a store of one shard, and this one has several")
        self.placement: Placement | None = host.open(store) if host is not None else None
        self._router: Router | None = None

    def pumps(self, clock: Callable[[], int], zone: str, *, takeover: bool, courier: Courier | None = None) -> Pumps:
        """The engine's pumps. `clock` is the machine's if it is `wall_ms`."""
        if courier is not None and clock is wall_ms:
            clock = StoreClock(self._store)
        self._pumps = open_pumps(
            self._store, clock=clock, zone=zone, takeover=takeover, placement=self.placement, courier=courier
        )
        return self._pumps

    def attach(self, crew: Crew) -> None:
        """The engine is there."""
        self._crew = crew
        if self._host is not None and self.placement is not None:
            self._router = Router(self._store, self.placement, self._pumps.clock, self._turn)
            self._host.attach(self)
            crew.added = self._host.serve

    def call(self, request: InHouse, timeout_s: float = 30.0) -> object:
        """Carries out one request, wherever it is for; see also `runtime.elsewhere.Door`."""
        if not isinstance(request, StartProcess):
            return self._call(request, timeout_s)
        with span("procession.start", {"procession.process": request.process_id}) as trace:
            return self._call(msgspec.structs.replace(request, trace=trace) if trace else request, timeout_s)

    def _call(self, request: InHouse, timeout_s: float) -> object:
        if self._router is None:
            return self._pumps.call(request, timeout_s)
        routed = self._router.route(request)
        if routed is not HERE:
            return routed
        result = self._pumps.call(request, timeout_s)
        if isinstance(request, StartProcess):
            self._router.started(request.tenant, [cast("int", result)])
        return result

    def move(self, tenant: str, instance: int, to: str, jobs: str) -> int:
        """Lets an instance, and all that it called, go on on a host; how many those are. Repeated, it comes to its
        end."""
        if to != HOME:
            return cast("int", self.call(HandOver(tenant, instance, to, jobs)))
        number = self._number(tenant)
        rows = self._store.read("instance", (number, instance), InstanceRow)
        if not rows or not rows[0].host:
            return 0
        if self._router is None or self.placement is None or self.placement.host != rows[0].host:
            raise Conflict(f"no host {rows[0].host!r} is beside this store")
        self._router.arrives(number, rows[0].home)
        left = self.placement.leave(tenant, rows[0].home, wait=jobs == WAIT)
        if not left.seqs:
            raise NotFound(f"instance {instance} has ended")
        for key, seq in left.seqs.items():
            self._router.shows(number, key, seq)
        return cast("int", self.call(TakeBack(tenant, instance, left.seqs, left.seen, jobs)))

    def begin(self, request: StartProcess) -> object:
        """Starts an instance whose first screen is asked for at once."""
        return self._pumps.call(request)

    def first_screen(self, tenant: str, key: int) -> Screen | None:
        """Takes the start of an instance to the other host, and gives its first screen; None if it starts here."""
        number = self._number(tenant)
        rows = self._store.read("outbox_home", (number, key), OutboxRow) if self._router is not None else []
        what = codec.read(OUTGOING, rows[0].body) if rows else None
        if self.placement is None or not isinstance(what, Begin):
            return None
        found = self.placement.screen(tenant, key, what)
        self._pumps.call(Arrived(tenant, rows[0].number))
        return self._shown(number, found)

    def screen(self, tenant: str, key: int) -> Screen | None:
        """What is next in an instance that the other host runs; None for one that runs here, or has ended."""
        if self._router is None or self.placement is None:
            return None
        number = self._number(tenant)
        rows = self._store.read("instance", (number, key), InstanceRow)
        if not rows or rows[0].host != self.placement.host or rows[0].state:
            return None
        try:
            return self._shown(number, self.placement.screen(tenant, rows[0].home))
        except NotFound:
            return None  # it ends just now, which the store shows soon

    def _shown(self, tenant: int, screen: Screen) -> Screen:
        """A screen, once the store has what it shows: its task can be completed."""
        if self._router is not None and screen.seq:
            self._router.shows(tenant, screen.instance, screen.seq)
        return screen

    def _number(self, tenant: str) -> int:
        return Catalog(self._store, None).tenant(tenant)

    @property
    def is_shared(self) -> bool:
        """Whether another host runs some of the instances."""
        return self._router is not None

    def route(self, request: InHouse) -> object:
        """See `Router.route`."""
        return self._router.route(request) if self._router is not None else HERE

    def begun(self, request: StartProcess, key: int) -> None:
        """Waits a moment until an instance that starts elsewhere has begun; one that is played, until it shows
        something: that is one call of the other host."""
        if self._router is not None and not (request.direct and self.first_screen(request.tenant, key) is not None):
            self._router.started(request.tenant, [key])

    def call_all(self, requests: Sequence[AnyRequest], timeout_s: float = 30.0) -> list[object]:
        """Carries out requests that may share commits; the first failure is raised.

        What the other host is asked goes first, one after the other; the rest are this engine's, together."""
        router = self._router
        routed = [router.route(request) if router is not None else HERE for request in requests]
        tickets = {n: Ticket(request) for n, request in enumerate(requests) if routed[n] is HERE}
        self._pumps.submit(list(tickets.values()), timeout_s)
        found = [tickets[n].outcome() if n in tickets else result for n, result in enumerate(routed)]
        if router is not None:
            started = zip(requests, found, strict=True)
            keys = [cast("int", key) for request, key in started if isinstance(request, StartProcess)]
            if keys:
                router.started(requests[0].tenant, keys)
        return found

    def posted(self) -> None:
        """See `Door.posted`."""
        self._pumps.look()
        self._pumps.wake()

    def perform(self, job: Answer, tenant: str) -> Future[AnyRequest]:
        """See `Door.perform`."""
        return self._crew.perform(job, tenant)

    def close(self) -> None:
        """Lets the other host go."""
        if self._host is not None:
            self._host.close()

    def _turn(self, seconds: float) -> None:
        if not self._pumps.turn():
            time.sleep(min(seconds, POLL_S))
