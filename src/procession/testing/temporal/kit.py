"""The kit: a store, its engine and a Temporal worker in this process, on a clock that stands still until it is moved.

One kit serves many scenarios, one after the other, each with a tenant of its own. Time is the driver's: instances take
it from what is delivered to them, and the engine fires their timers (docs/design/0011, "virtual time").
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final, cast, final

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, DescribeWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper, TimeSkippingConfig
from temporalio.worker import Worker

from procession.base.failure import ProcessionError
from procession.hosts.embedded.pump import Pump
from procession.hosts.embedded.routing import HERE, Router
from procession.hosts.embedded.tickets import InHouse
from procession.hosts.temporal.cluster import Histories, Loop, connect
from procession.hosts.temporal.ids import workflow_id
from procession.hosts.temporal.payloads import AT_ONCE, Budget, JobAnswer, JobFailure, Settings
from procession.hosts.temporal.place import WorkerDeployment
from procession.hosts.temporal.placement import TemporalPlacement
from procession.hosts.temporal.reporter import Reporter
from procession.hosts.temporal.worker import workflow_worker
from procession.runtime import requests as q
from procession.runtime.ports import Store
from procession.runtime.rows import InstanceRow, IntRow, JobRow
from procession.services.catalog import Catalog
from procession.store.sqlite import SQLiteStore
from procession.testing.engines import open_job
from procession.testing.temporal.desk import Desk

if TYPE_CHECKING:
    from procession.testing.celery.kit import CeleryKit

SETTLES_S: Final = 60.0
"""How long instances may go on by themselves."""
PATIENCE_S: Final = 0.004
"""After every step a scenario waits until all is told."""
FIRST_TASK: Final = 4
"""Events of a history when its first task is completed."""
TALK: Final = {
    EventType.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED: 1,
    EventType.EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED: -1,
    EventType.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED: -1,
    EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED: 1,
    EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED: -1,
    EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED: -1,
}
"""What a workflow says to others, and that it was heard."""
STUCK_ATTEMPTS: Final = 3
"""A workflow task that failed so often will not get better in a test."""


@final
class Kit:
    """Everything in one process, on the cluster at `address`."""

    def __init__(
        self,
        address: str,
        namespace: str = "default",
        *,
        cached: int = 1_000,
        budget: Budget | None = None,
        calls: bool = False,
        skipping: bool = False,
        queue: str = "",
        settings: Settings | None = None,
        deployment: WorkerDeployment | None = None,
        store: Store | None = None,
        outside: Callable[[str, int], bool] | None = None,
        moving: bool = False,
        own: CeleryKit | None = None,
    ) -> None:
        """`cached`, `budget`, `calls`: see `Temporal`. With `skipping` time is the cluster's, which skips it (server
        1.32): timers are Temporal's, and jobs are no activities, because nothing is skipped while one is in flight.
        `queue` is the task queue, "" for one of its own; `settings` take the place of all these; `deployment` is the
        first worker's. `store` is one in memory if none is given. With `outside` workflows are run by other processes,
        on that store, and it says whether the store shows all that those of (tenant, home) did. With `moving` instances
        start in the engine, and move to the cluster or back whenever a scenario would open its engine anew; with `own`,
        which is closed with this kit, they start in that one's store, whose jobs its worker does."""
        self.own = own
        self.store: Store = own.store if own is not None else store if store is not None else SQLiteStore(":memory:")
        self.outside = outside
        self.calls = calls
        self.clock: Callable[[], int] = lambda: 0
        self.loop = Loop()
        self.client: Client = self.loop.run(connect(address, namespace))
        self.desk = Desk(self.client, self.loop)
        self.queue = queue or f"procession-test-{time.time_ns()}"
        self.skipper = TimeSkipper(self.client, config=TimeSkippingConfig(enabled=False)) if skipping else None
        settings = settings or Settings(
            virtual=not skipping,
            shifted=skipping,
            external=["*"] if skipping else [],
            job_queue=f"{self.queue}-jobs" if outside is not None else "",
            job_timeout=3_600_000, budget=budget or Budget(), calls=calls, at_once=AT_ONCE,
        )  # fmt: skip
        self.moving = moving
        here = (self.client, self.loop, self.store)
        self.placement = TemporalPlacement(
            *here, queue=self.queue, settings=settings, takes=lambda tenant, process_id: not moving
        )
        if own is not None:
            own.beside(self.placement)
            self.pump = own.pump
        else:
            self.pump = Pump(self.store, clock=self._now, zone="UTC", placement=self.placement)
        self.placement.tells(self.pump.call_all)
        self.reporter = Reporter(self.store, Histories(self.client, self.loop), self.told, patience_s=PATIENCE_S)
        self._workers: list[Worker] = []
        self._running: list[asyncio.Task[None]] = []
        if outside is None:
            self.join(deployment, cached)
        else:
            self._workers.append(self.loop.run(self._at_the_desk()))

    def join(self, deployment: WorkerDeployment | None = None, cached: int = 1_000) -> Worker:
        """Starts a worker more; the caller may shut it down before the kit is closed."""
        worker = self.loop.run(self._started(deployment, cached))
        self._workers.append(worker)
        return worker

    async def _started(self, deployment: WorkerDeployment | None, cached: int) -> Worker:
        worker = workflow_worker(
            self.client,
            self.store,
            self.reporter,
            self._keys,
            queue=self.queue,
            activities=[self.desk.activity()],
            cached=cached,
            deployment=deployment,
        )
        self._running.append(asyncio.create_task(worker.run()))
        return worker

    async def _at_the_desk(self) -> Worker:
        worker = Worker(self.client, task_queue=f"{self.queue}-jobs", activities=[self.desk.activity()])
        self._running.append(asyncio.create_task(worker.run()))
        return worker

    def _now(self) -> int:
        return self.clock()

    def _takes(self, tenant: str, process_id: str) -> bool:
        return not self.moving

    def _keys(self, request: q.TakeKeys) -> tuple[int, int]:
        first, last = cast("list[int]", self.pump.call(request))
        return first, last

    def told(self) -> None:
        """Something was put into the inbox."""
        shard = self.pump.shard
        if shard is not None:
            shard.inbox_waiting = True

    def reach(self) -> None:
        """Raises an error of the SDK if the cluster cannot be reached."""
        request = DescribeNamespaceRequest(namespace=self.client.namespace)
        self.loop.run(self.client.workflow_service.describe_namespace(request))

    def close(self) -> None:
        """Ends workers, engine and connection."""
        for worker in self._workers:
            self.loop.run(worker.shutdown())
        self.reporter.close()
        if self.own is not None:
            self.own.close()
        else:
            self.pump.release()
            self.store.close()
        self.loop.close()


@final
class OnTemporal:
    """See `engines.Engines`: one scenario's view of a kit."""

    def __init__(self, kit: Kit, clock: Callable[[], int], zone: str) -> None:
        self._kit = kit
        self.pump = kit.pump
        self.store = kit.store
        kit.clock = clock
        self._clock = clock
        shard = self.pump.own()
        assert shard is not None
        shard.zone = zone
        if kit.own is not None:
            kit.own.clock = clock
            kit.own.zone(zone)
        self._router = Router(kit.store, kit.placement, clock, self._wait)
        self.tenant = ""

    def take_tenant(self, known: int) -> str:
        """See `Engines.take_tenant`. The cluster may have seen others: the id of a workflow is used once."""
        self.tenant = f"{self._kit.queue}-{known}"
        return self.tenant

    def renew(self) -> None:
        """See `Engines.renew`: whoever is here goes to the cluster, and whoever is there comes back."""
        number = Catalog(self.store).tenants.get(self.tenant) if self._kit.moving else None
        rows = self.store.read("instances", (number, 0, 10_000), InstanceRow) if number is not None else []
        for row in rows:
            if row.parent or row.state:
                continue
            if not row.host:
                self.pump.call(q.HandOver(self.tenant, row.key, self._kit.placement.host))
            else:
                left = self._kit.placement.leave(self.tenant, row.home, wait=False)
                while self._behind(number, left.seqs):
                    self._wait(0)
                self.pump.call(q.TakeBack(self.tenant, row.key, left.seqs, left.seen))
        while self.turn():
            continue

    def _behind(self, tenant: int | None, seqs: Mapping[int, int]) -> bool:
        """Whether the store does not show yet what instances did before they were let go."""
        assert tenant is not None
        known = {key: self.store.read("fact_last", (tenant, key), IntRow) for key in seqs}
        return any(not rows or (rows[0].value or 0) < seqs[key] for key, rows in known.items())

    def call(self, request: InHouse) -> object:
        """See `Engines.call`. Jobs are activities, so they are answered at the desk."""
        answer = DESK.get(type(request)) if self._kit.skipper is None else None
        if answer is not None:
            job = cast("q.FinishJob", request)
            if self._is_there(job):
                answer(self, request)
                return None
            if self._kit.own is not None:
                return self._kit.own.answer(job)
        routed = self._router.route(cast("q.AnyRequest", request))
        return self.pump.call(request) if routed is HERE else routed

    def _is_there(self, request: q.FinishJob) -> bool:
        """Whether a job is an activity, and not the engine's."""
        if not self._kit.moving:
            return True
        number = Catalog(self.store).tenants[request.tenant]
        jobs = self.store.read("job", (number, request.job), JobRow)
        rows = self.store.read("instance", (number, jobs[0].instance), InstanceRow) if jobs else []
        return bool(rows) and bool(rows[0].host)

    def moved(self, by: int) -> None:
        """See `Engines.moved`: the cluster skips as much, for each instance that goes on."""
        skipper = self._kit.skipper
        if skipper is None or by <= 0:
            return

        async def skip(workflow: str) -> None:
            with suppress(RPCError):  # it has ended
                handle = self._kit.client.get_workflow_handle(workflow)
                await skipper.fast_forward(handle, timedelta(milliseconds=by))

        async def all_of() -> None:
            await asyncio.gather(*(skip(each) for each in self._active()))

        self._kit.loop.run(all_of())

    def next_timer(self) -> int | None:
        """See `Engines.next_timer`."""
        shard = self.pump.shard
        if self._kit.skipper is None or shard is None:
            return None
        tenant = Catalog(self.store).tenants.get(self.tenant)
        dues = (
            timer.due
            for _, resident in shard.residents.items()
            if resident.tenant == tenant and not resident.state.suspended
            for timer in resident.state.timers.values()
        )
        return min(dues, default=None)

    def turn(self) -> bool:
        """See `Engines.turn`."""
        self.pump.keep()
        deadline = time.monotonic() + SETTLES_S
        pause = 0.0005
        while not self._turned():
            if self._quiet():
                return False
            if time.monotonic() > deadline:
                raise ProcessionError(f"after {SETTLES_S:.0f} s the instances still go on")
            pause = min(pause * 1.5, 0.05)
            time.sleep(pause)
        return True

    def close(self) -> None:
        """Ends what the scenario left open."""
        self._kit.loop.run(self._terminate())

    def _turned(self) -> bool:
        return self._kit.own.turn() if self._kit.own is not None else self.pump.turn()

    def _wait(self, seconds: float) -> None:
        if not self._turned():
            time.sleep(0.001)

    def _quiet(self) -> bool:
        """Nothing is under way: first no workflow has a task, then nothing of such a task waits to be told here."""
        if not self._idle() or any(self._kit.loop.run(self._pending())):
            return False
        outside = self._kit.outside
        return (outside is None or all(outside(self.tenant, home) for home in self._homes())) and self._idle()

    def _homes(self, *, ended: bool = True) -> list[int]:
        tenant = Catalog(self.store).tenants.get(self.tenant)
        rows = self.store.read("instances", (tenant, 0, 10_000), InstanceRow) if tenant is not None else []
        return list(dict.fromkeys(row.home for row in rows if row.host and (ended or not row.state)))

    def _idle(self) -> bool:
        shard = self.pump.shard
        waiting = shard is None or shard.inbox_waiting
        return self._kit.placement.idle and self._kit.reporter.idle and not waiting

    async def _pending(self) -> list[bool]:
        look = self._talks if self._kit.calls else self._has_task
        return list(await asyncio.gather(*(look(each) for each in self._active(ended=self._kit.calls))))

    async def _talks(self, workflow: str) -> bool:
        """Whether a workflow has a task, or speaks to another one that does not know of it yet, at any depth."""
        if await self._has_task(workflow):
            return True
        open_ = 0
        children: list[str] = []
        async for event in self._kit.client.get_workflow_handle(workflow).fetch_history_events():
            open_ += TALK.get(event.event_type, 0)
            if event.HasField("child_workflow_execution_started_event_attributes"):
                children.append(event.child_workflow_execution_started_event_attributes.workflow_execution.workflow_id)
        return bool(open_) or any([await self._talks(each) for each in children])

    def _active(self, *, ended: bool = False) -> list[str]:
        return [workflow_id(self.tenant, home) for home in self._homes(ended=ended)]

    async def _has_task(self, workflow: str) -> bool:
        client = self._kit.client
        request = DescribeWorkflowExecutionRequest(
            namespace=client.namespace, execution=WorkflowExecution(workflow_id=workflow)
        )
        try:
            found = await client.workflow_service.describe_workflow_execution(request, retry=True)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        if not found.HasField("pending_workflow_task"):
            # The first task of a run that follows another one may be put off by the server.
            return found.workflow_execution_info.history_length < FIRST_TASK
        if found.pending_workflow_task.attempt > STUCK_ATTEMPTS:
            raise ProcessionError(f"{workflow}: {await self._why(workflow)}")
        return True

    async def _why(self, workflow: str) -> str:
        last = ""
        async for event in self._kit.client.get_workflow_handle(workflow).fetch_history_events():
            if event.HasField("workflow_task_failed_event_attributes"):
                failure = event.workflow_task_failed_event_attributes.failure
                last = f"{failure.message}\n{failure.stack_trace}"
        return last or "its task fails again and again"

    async def _terminate(self) -> None:
        for each in self._active():
            try:
                await self._kit.client.get_workflow_handle(each).terminate("the scenario is over")
            except RPCError:
                continue

    def _open(self, tenant: str, job: int) -> None:
        open_job(self.pump, self.store, Catalog(self.store).tenants[tenant], job)

    def finish(self, request: q.FinishJob) -> None:
        """Completes a job at the desk."""
        self._open(request.tenant, request.job)
        self._kit.desk.complete(
            request.job,
            JobAnswer(request.variables, request.denied, request.reason, request.choice, self._clock()),
        )

    def fail(self, request: q.FailJob) -> None:
        """Fails a job at the desk."""
        self._open(request.tenant, request.job)
        retries = request.retries or 0
        self._kit.desk.fail(
            request.job, lambda attempts: JobFailure(request.error, retries, 0, attempts, at=self._clock())
        )

    def throw(self, request: q.ThrowJob) -> None:
        """Throws a BPMN error at the desk."""
        self._open(request.tenant, request.job)
        self._kit.desk.fail(
            request.job,
            lambda attempts: JobFailure(
                request.message, 0, 0, attempts, request.code, request.variables, at=self._clock()
            ),
        )


DESK: Final[dict[type[object], Callable[[OnTemporal, object], None]]] = {
    q.FinishJob: lambda on, request: on.finish(cast("q.FinishJob", request)),
    q.FailJob: lambda on, request: on.fail(cast("q.FailJob", request)),
    q.ThrowJob: lambda on, request: on.throw(cast("q.ThrowJob", request)),
}
"""Requests that are answered at the desk."""
