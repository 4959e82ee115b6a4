"""Temporal as the host of an engine's instances: connection, sender, and, if wanted, workers in this very process."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, cast, final

from temporalio.client import Client
from temporalio.worker import Worker

from procession.base.failure import Conflict
from procession.hosts.temporal.activities import JobWorkers, job_activity
from procession.hosts.temporal.cluster import Histories, Loop, connect, converter_of
from procession.hosts.temporal.codec import CodecConfig
from procession.hosts.temporal.payloads import Budget, Settings
from procession.hosts.temporal.place import WorkerDeployment
from procession.hosts.temporal.placement import TemporalPlacement
from procession.hosts.temporal.reporter import Reporter
from procession.hosts.temporal.sweeper import Sweeper
from procession.hosts.temporal.worker import CACHED, workflow_worker
from procession.runtime.elsewhere import Door, Placement
from procession.runtime.ports import Store
from procession.runtime.requests import TakeKeys

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
    """

    def __init__(
        self,
        address: str = "localhost:7233",
        *,
        namespace: str = "default",
        queue: str = QUEUE,
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
    ) -> None:
        """`processes` are the ids of those that start there, none for all. Jobs of the types `external` are no
        activities: they are offered as in the embedded engine, so nothing long is in flight. Those of the types `local`
        are short, and done by local activities. `job_timeout` is in seconds. A job whose worker
        is silent for `job_heartbeat` seconds is tried again, 0 for never: functions registered here are heard, those in
        other languages have to see to it. With `calls`, what a process calls is a
        workflow of its own. `codec` is how payloads are compressed, encrypted and kept elsewhere: the same for all
        workers, clients and the codec server. What a worker left untold is looked after when it is `sweep_after`
        seconds old. `deployment` is the build of this process's workflow worker: instances are pinned to it."""
        self._address = address
        self._namespace = namespace
        self._queue = queue
        self._work = work
        self._processes = frozenset(processes)
        self._cached = cached
        self._deployment = deployment
        self._converter = converter_of(codec)
        self._settings = Settings(
            job_queue=f"{queue}-jobs-{{type}}",
            job_timeout=int(job_timeout * 1000),
            heartbeat=int(job_heartbeat * 1000),
            external=list(external),
            local=list(local),
            calls=calls,
            budget=budget or Budget(),
        )
        self._loop: Loop | None = None
        self._reporter: Reporter | None = None
        self._workers: list[tuple[Worker, asyncio.Task[None]]] = []
        self._jobs: JobWorkers | None = None
        self._sweep_after = sweep_after
        self._sweeper: Sweeper | None = None

    def __repr__(self) -> str:
        return f"Temporal({self._address!r}, namespace={self._namespace!r})"

    def open(self, store: Store) -> Placement:
        """See `runtime.elsewhere.Host`."""
        if self._loop is not None:
            raise Conflict("this host belongs to another engine already: make one for each")
        self._loop = Loop()
        try:
            self._client: Client = self._loop.run(connect(self._address, self._namespace, self._converter))
        except BaseException:
            self.close()
            raise
        self._store = store
        self._placement = TemporalPlacement(
            self._client, self._loop, store, queue=self._queue, settings=self._settings, takes=self._takes
        )
        return self._placement

    def attach(self, door: Door) -> None:
        """See `runtime.elsewhere.Host`."""
        assert self._loop is not None
        self._placement.tells(door.call_all)
        self._reporter = Reporter(self._store, Histories(self._client, self._loop), door.posted)
        self._sweeper = Sweeper(
            self._store,
            self._client,
            self._loop,
            posted=door.posted,
            wake=self._placement.wake,
            after_s=self._sweep_after,
        )
        self._sweeper.start()
        if self._work:
            self._loop.run(self._start(door))

    def serve(self, type: str) -> None:
        """See `runtime.elsewhere.Host`."""
        elsewhere = (*self._settings.external, *self._settings.local)
        if self._jobs is not None and self._loop is not None and type not in elsewhere:
            self._loop.run(self._jobs.serve(type))

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
        loop.close()

    def _takes(self, tenant: str, process_id: str) -> bool:
        return not self._processes or process_id in self._processes

    async def _start(self, door: Door) -> None:
        def keys(request: TakeKeys) -> tuple[int, int]:
            first, last = cast("list[int]", door.call(request))
            return first, last

        assert self._reporter is not None
        worker = workflow_worker(
            self._client,
            self._store,
            self._reporter,
            keys,
            queue=self._queue,
            activities=[job_activity(door.perform)] if self._settings.local else [],
            cached=self._cached,
            deployment=self._deployment,
        )
        self._workers.append((worker, asyncio.create_task(worker.run())))
        self._jobs = JobWorkers(self._client, self._queue_of, door.perform)

    def _queue_of(self, type: str) -> str:
        return self._settings.job_queue.replace("{type}", type)

    async def _stop(self) -> None:
        if self._jobs is not None:
            await self._jobs.close()
        await asyncio.gather(*(worker.shutdown() for worker, _ in self._workers))
        await asyncio.gather(*(task for _, task in self._workers), return_exceptions=True)
