"""Temporal as the host of an engine's instances: connection, sender, and, if wanted, workers in this very process."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final, cast, final

from temporalio.worker import Worker

from procession.base.failure import BadValue, Conflict
from procession.core.linked import Linked
from procession.hosts.temporal.activities import job_activity
from procession.hosts.temporal.cells.cell import DEFAULT_ADDRESS, IMPLIED, OPTIONAL, Cell
from procession.hosts.temporal.cells.cell_reader import load_cell
from procession.hosts.temporal.cluster import Histories, Loop, connect, converter_of
from procession.hosts.temporal.codec import CodecConfig
from procession.hosts.temporal.payloads import AT_ONCE, Budget, Settings
from procession.hosts.temporal.place import WorkerDeployment
from procession.hosts.temporal.placement import TemporalPlacement
from procession.hosts.temporal.programs import types_of
from procession.hosts.temporal.reporter import Reporter
from procession.hosts.temporal.sweeper import Sweeper
from procession.hosts.temporal.tenancies import NOBODY, Tenancies, Tenancy
from procession.hosts.temporal.worker import CACHED, workflow_worker
from procession.hosts.temporal.workplace import Workplace
from procession.runtime.elsewhere import Door, Placement
from procession.runtime.ports import Store
from procession.runtime.requests import TakeKeys

NAMESPACE: Final = "default"
QUEUE: Final = "procession"
"""The task queue of workflows; jobs of a type are in `procession-jobs-TYPE`."""

SWEEP_S: Final = 10.0
"""Longer than a task of a workflow may take."""


@final
class Temporal:
    """Give it to an `Engine` as its host: instances that start from then on are workflows of this cluster.

    What waits for them stays in the engine's store: definitions, messages, and what is shown. `work` runs a workflow
    worker, and the functions registered at the engine, in this process; without it, `procession worker temporal`
    must run somewhere.

    `cell` is a cell's file, or what stands in it: each tenant has the namespace, the task queues and the priority that
    it says, so `namespace` and `queue` are not given; workers of this process are at the queues of all tenants that it
    names. `search` are the search attributes of this host that the namespaces have, by name, or `True` for all but
    `BpmnBusinessKey`; by default what the cell declares, and none without a cell. A server that lacks one refuses to
    start an instance, and each change of an instance's state or incidents is one event more in its history.
    """

    def __init__(
        self,
        address: str = "",
        *,
        namespace: str = "",
        queue: str = "",
        cell: Cell | Path | str | None = None,
        search: bool | Sequence[str] | None = None,
        work: bool = True,
        processes: Sequence[str] = (),
        external: Sequence[str] = (),
        local: Sequence[str] = (),
        calls: bool = False,
        job_timeout: float = 300.0,
        job_heartbeat: float = 0.0,
        budget: Budget | None = None,
        cached: int = CACHED,
        codec: CodecConfig | None = None,
        sweep_after: float = SWEEP_S,
        deployment: WorkerDeployment | None = None,
        upgrade: bool = False,
    ) -> None:
        """By default `address` is the cell's or `localhost:7233`, `namespace` is `default`, and `queue`, the task queue
        of workflows, is `procession`. `processes` are the ids of those that start there, none for all. Jobs of the
        types `external` are no activities: they are offered as in the embedded engine, so nothing long is in flight.
        Those of the types `local` are short, and done by local activities. `job_timeout` is in seconds. A job whose
        worker is silent for `job_heartbeat` seconds is tried again, 0 for never: functions registered here are heard,
        those in other languages have to see to it. With `calls`, what a process calls is a workflow of its own. `codec`
        is how payloads are compressed, encrypted and kept elsewhere: the same for all workers, clients and the codec
        server. What a worker left untold is looked after when it is `sweep_after` seconds old. `deployment` is the
        build of this process's workflow worker: instances are pinned to it, and with `upgrade` only until their run
        ends and another one goes on, which starts with the build that is current then. Raises `BadCell` for a wrong
        file, `BadValue` for what contradicts itself."""
        self._cell = _cell_of(cell, namespace, queue)
        self._address = address or (self._cell.address if self._cell is not None else DEFAULT_ADDRESS)
        self._namespace = namespace or NAMESPACE
        self._queue = queue or QUEUE
        self._declared = self._cell is not None and (search is None or search is True)
        self._work = work
        self._processes = frozenset(processes)
        self._cached, self._deployment = cached, deployment
        self._converter = converter_of(codec)
        self._settings = Settings(
            job_queue=f"{self._queue}-jobs-{{type}}",
            job_timeout=int(job_timeout * 1000),
            heartbeat=int(job_heartbeat * 1000),
            external=list(external),
            local=list(local),
            search=_named(search),
            calls=calls,
            budget=budget or Budget(),
            upgrade=upgrade,
            at_once=AT_ONCE,
        )
        self._loop: Loop | None = None
        self._reporter: Reporter | None = None
        self._workplaces: list[Workplace] = []
        self._spare, self._wanted = set[str](), set[str]()
        self._sweep_after = sweep_after
        self._sweeper: Sweeper | None = None

    def __repr__(self) -> str:
        where = f"namespace={self._namespace!r}" if self._cell is None else f"cell={self._cell.cell!r}"
        return f"Temporal({self._address!r}, {where})"

    def open(self, store: Store) -> Placement:
        """See `runtime.elsewhere.Host`."""
        if self._loop is not None:
            raise Conflict("this host belongs to another engine already: make one for each")
        self._loop = Loop()
        try:
            client = self._loop.run(connect(self._address, self._namespace, self._converter, cell=self._cell))
        except BaseException:
            self.close()
            raise
        self._store = store
        common = Tenancy(client, self._queue, self._settings)
        self._tenancies = Tenancies(common, self._cell, search=self._declared)
        self._placement = TemporalPlacement(
            client,
            self._loop,
            store,
            queue=self._queue,
            settings=self._settings,
            takes=self._takes,
            of=self._tenancies.of,
        )
        return self._placement

    def attach(self, door: Door) -> None:
        """See `runtime.elsewhere.Host`."""
        assert self._loop is not None
        self._placement.tells(door.call_all)
        client_of = self._tenancies.client
        self._reporter = Reporter(self._store, Histories(client_of(NOBODY), self._loop, client_of), door.posted)
        self._sweeper = Sweeper(
            self._store,
            client_of,
            self._loop,
            posted=door.posted,
            wake=self._placement.wake,
            after_s=self._sweep_after,
        )
        self._sweeper.start()
        if self._work:
            self._loop.run(self._start(door))

    def serve(self, type: str, spare: bool) -> None:
        """See `runtime.elsewhere.Host`."""
        if spare and type not in self._wanted:
            self._spare.add(type)
            return
        elsewhere = (*self._settings.external, *self._settings.local)
        if self._loop is not None and type not in elsewhere:
            for each in self._workplaces:
                self._loop.run(each.serve(type))

    def close(self) -> None:
        """See `runtime.elsewhere.Host`."""
        loop, self._loop = self._loop, None
        if loop is None:
            return
        if self._sweeper is not None:
            self._sweeper.close()
        loop.run(self._stop())
        if self._reporter is not None:
            self._reporter.close()
            loop.run(self._placement.stop())
        loop.close()

    def _takes(self, tenant: str, process_id: str) -> bool:
        return not self._processes or process_id in self._processes

    async def _start(self, door: Door) -> None:
        def keys(request: TakeKeys) -> tuple[int, int]:
            first, last = cast("list[int]", door.call(request))
            return first, last

        reporter = self._reporter
        assert reporter is not None

        def made(at: Tenancy) -> Worker:
            return workflow_worker(
                at.client,
                self._store,
                reporter,
                keys,
                queue=at.queue,
                activities=[job_activity(door.perform)] if self._settings.local else [],
                cached=self._cached,
                deployment=self._deployment,
                seen=self._saw,
            )

        self._workplaces = [Workplace(each, made, door.perform) for each in self._tenancies.places()]
        await asyncio.gather(*(each.start() for each in self._workplaces))

    def _saw(self, linked: Linked) -> None:
        """A program came up: what is asked for from now on are also its jobs that there are functions for in case."""
        elsewhere = (*self._settings.external, *self._settings.local)
        new = ((types_of(linked.program) & self._spare) - self._wanted).difference(elsewhere)
        self._wanted |= new
        for type_ in new:
            for each in self._workplaces:
                if self._loop is not None:
                    self._loop.begin(each.serve(type_))

    async def _stop(self) -> None:
        await asyncio.gather(*(each.close() for each in self._workplaces))


def _named(search: bool | Sequence[str] | None) -> list[str]:
    """The search attributes that are asked for, where no cell declares them."""
    if isinstance(search, bool) or search is None:
        return list(IMPLIED) if search else []
    known = [*IMPLIED, *OPTIONAL]
    for name in search:
        if name not in known:
            raise BadValue(f"{name!r} is no search attribute of this host: they are {', '.join(known)}")
    return list(search)


def _cell_of(cell: Cell | Path | str | None, namespace: str, queue: str) -> Cell | None:
    if cell is not None and (namespace or queue):
        raise BadValue("a cell says namespace and queue of each tenant: leave out `namespace` and `queue`")
    return load_cell(Path(cell)) if isinstance(cell, (str, Path)) else cell
