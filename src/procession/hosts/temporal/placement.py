"""The placement: how the engine's outbox reaches workflows, and how a caller asks one of them.

One sender a process. Rows of one workflow are sent one after the other, those of different ones side by side; a row is
reported as arrived when the cluster has it, and sent again otherwise. Workflows drop what they have seen. Each tenant
has a turn of its own: one whose namespace is slow, or not there, waits alone.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final, TypeAlias, cast, final

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError

from procession.base.failure import NotFound, ProcessionError, StoreError, Unreadable
from procession.hosts.temporal import payloads as p
from procession.hosts.temporal.cluster import Loop, NoNamespace, explained, is_gone
from procession.hosts.temporal.ids import workflow_id
from procession.hosts.temporal.leaving import ASK_S, Leaving
from procession.hosts.temporal.moving import Movers
from procession.hosts.temporal.searchable import at_start
from procession.hosts.temporal.taking import Taking
from procession.hosts.temporal.tenancies import Tenancies, Tenancy
from procession.runtime import codec
from procession.runtime.elsewhere import OUTGOING, Begin, Delivery, Handover, Left, Moving, Outgoing, Reply
from procession.runtime.ports import Store
from procession.runtime.requests import Arrived
from procession.runtime.rows import IntRow, NamedRow, OutboxRow
from procession.runtime.tenants import EVERYBODY
from procession.runtime.tracing import resumed

SENT_MAX: Final = 256
"""Rows of the outbox that are under way at the same time, in equal parts for the tenants that have any."""
SENT_MIN: Final = 8
"""The smallest such part, however many tenants there are."""
SLOW_S: Final = 0.5
"""A tenant whose rows take longer is not waited for: the others go on without it."""
PAUSE_S: Final = 0.5
"""After a failure, before what was not sent is looked at again."""
PAUSE_MAX_S: Final = 8.0
"""Where the namespace is not there, each pause is twice as long as the one before, and the longest is this."""

_LOG: Final = logging.getLogger("procession")

_Sent: TypeAlias = "tuple[list[Arrived], Exception | None]"


@final
class TemporalPlacement:
    """See `runtime.elsewhere.Placement`."""

    def __init__(
        self,
        client: Client,
        loop: Loop,
        store: Store,
        *,
        queue: str,
        settings: p.Settings,
        takes: Callable[[str, str], bool] = lambda tenant, process_id: True,
        of: Callable[[str], Tenancy] | None = None,
    ) -> None:
        """`queue` is the task queue of workflows; `takes` says of (tenant, process id) whether it starts here. `of`
        tells where a tenant's workflows run, if not all are at this client and in this queue."""
        self._of = of or Tenancies(Tenancy(client, queue, settings)).of
        self._loop = loop
        self._store = store
        self.settings = settings
        self._takes = takes
        self._arrived: Callable[[list[Arrived]], object] = _nobody
        self._names: dict[int, str] = {}
        self._woken = False
        self._stopped = False
        self._busy: asyncio.Task[None] | None = None
        self._under_way: dict[int, asyncio.Task[_Sent]] = {}
        self._paused: dict[int, float] = {}
        self._failures: dict[int, int] = {}
        """By tenant: its rows that are being sent, until when it waits after a failure, and how many there were."""
        self._leaving = Leaving(self._of)
        self._movers = Movers(store, self._leaving, Taking(self._of), self.wake)

    @property
    def host(self) -> str:
        """See `Placement.host`."""
        return p.HOST

    @property
    def keeps_time(self) -> bool:
        """See `Placement.keeps_time`."""
        return not self.settings.virtual

    def external(self, type: str) -> bool:
        """See `Placement.external`."""
        external = self.settings.external
        return type in external or "*" in external

    def takes(self, tenant: str, process_id: str) -> bool:
        """See `Placement.takes`."""
        return self._takes(tenant, process_id)

    def reaches(self, tenant: str) -> str:
        """See `Placement.reaches`: there is its namespace, and a worker for its workflows."""
        return self._loop.run(self._reaches(tenant))

    async def _reaches(self, tenant: str) -> str:
        at = self._of(tenant)
        queue = TaskQueue(name=at.queue)
        request = DescribeTaskQueueRequest(
            namespace=at.client.namespace, task_queue=queue, task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
        )
        try:
            found = await at.client.workflow_service.describe_task_queue(request, timeout=timedelta(seconds=ASK_S))
        except RPCError as error:
            return str(explained(error))
        return "" if found.pollers else f"no worker polls task queue {at.queue!r} in namespace {at.client.namespace!r}"

    def tells(self, call_all: Callable[[list[Any]], Any]) -> None:
        """Who is told of the rows that arrived, and of how far moves are; from then on rows are sent."""
        self._arrived = self._movers.tell = call_all
        self.wake()

    @property
    def idle(self) -> bool:
        """Whether nothing is under way."""
        return self._busy is None and not (self._woken or self._under_way or self._movers.busy)

    def wake(self) -> None:
        """See `Placement.wake`."""
        self._woken = True
        self._loop.loop.call_soon_threadsafe(self._start)

    def ask(self, tenant: str, home: int, delivery: Delivery) -> Reply:
        """See `Placement.ask`."""
        return self._loop.run(self._ask(tenant, home, delivery))

    async def _ask(self, tenant: str, home: int, delivery: Delivery) -> Reply:
        at = self._of(tenant)
        handle = at.client.get_workflow_handle(workflow_id(tenant, home))
        try:
            wait = timedelta(seconds=ASK_S)
            ask = cast("Callable[..., Awaitable[Reply]]", handle.execute_update)  # pyright: ignore[reportUnknownMemberType]
            return await ask(p.ASK, delivery, result_type=Reply, rpc_timeout=wait)
        except RPCError as error:
            if is_gone(error):
                raise NotFound(f"instance {delivery.instance} has ended") from error
            raise explained(error) from error
        except WorkflowUpdateRPCTimeoutOrCancelledError as error:
            raise StoreError(
                f"instance {delivery.instance} does not answer: is there a worker for task queue {at.queue!r}?"
            ) from error
        except WorkflowUpdateFailedError as error:
            cause = error.cause
            if isinstance(cause, ApplicationError) and cause.type == p.REFUSED:
                code, reason = cause.details
                return Reply(0, code, reason)
            raise NotFound(f"instance {delivery.instance} has ended") from error

    def leave(self, tenant: str, home: int, *, wait: bool) -> Left:
        """See `Placement.leave`."""
        return self._loop.run(self._leaving.leave(tenant, home, wait=wait))

    def screen(self, tenant: str, home: int, begin: Begin | None = None) -> p.Screen:
        """See `Placement.screen`. With `begin` it is one call: update with start."""
        return self._loop.run(self._screen(tenant, home, begin))

    async def _screen(self, tenant: str, home: int, begin: Begin | None) -> p.Screen:
        at = self._of(tenant)
        id = workflow_id(tenant, home)
        wait = timedelta(seconds=ASK_S)
        try:
            if begin is None:
                handle = at.client.get_workflow_handle(id)
                ask = cast("Callable[..., Awaitable[p.Screen]]", handle.execute_update)  # pyright: ignore[reportUnknownMemberType]
                return await ask(p.SCREEN, result_type=p.Screen, rpc_timeout=wait)
            start = WithStartWorkflowOperation[object, object](
                begin.process_id,
                p.Input(begin, at.settings),
                id=id,
                task_queue=at.queue,
                # Should the outbox have been faster, it is that one which answers.
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                priority=at.priority,
                search_attributes=at_start(begin, at.settings.search),
            )
            both = cast("Callable[..., Awaitable[p.Screen]]", at.client.execute_update_with_start_workflow)  # pyright: ignore[reportUnknownMemberType]
            try:
                return await both(p.SCREEN, start_workflow_operation=start, result_type=p.Screen, rpc_timeout=wait)
            except RPCError:
                # The start has a failure of its own, which the SDK would say that nobody has looked at.
                with suppress(RPCError, WorkflowAlreadyStartedError, TimeoutError):
                    await asyncio.wait_for(start.workflow_handle(), 1)
                raise
        except (RPCError, WorkflowUpdateFailedError, WorkflowAlreadyStartedError) as error:
            if isinstance(error, RPCError) and not is_gone(error):
                raise explained(error) from error
            raise NotFound(f"instance {home} has ended") from error

    async def stop(self) -> None:
        """Sends no more; what was under way is sent again by whoever opens the store next. From its loop alone."""
        self._stopped = True
        await self._movers.stop()
        tasks: list[asyncio.Task[Any]] = [*self._under_way.values(), *([self._busy] if self._busy is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self) -> None:
        if self._busy is None and not self._stopped:
            self._busy = self._loop.loop.create_task(self._send())
            self._busy.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._busy = None
        if not task.cancelled() and task.exception() is not None:
            _LOG.warning("the outbox waits: %s", task.exception())
            self._loop.loop.call_later(PAUSE_S, self.wake)
        elif self._woken or any(sending.done() for sending in self._under_way.values()):
            self._start()

    async def _send(self) -> None:
        """Sends what is in the outbox until it is empty. A tenant that is not reached, or slowly, holds up no other."""
        while True:
            self._woken = False
            for tenant, rows in (await asyncio.to_thread(self._due)).items():
                sending = self._under_way[tenant] = asyncio.create_task(self.carry(rows))
                sending.add_done_callback(self._sent)
            if not self._under_way:
                await self._later()
                return
            await asyncio.wait(self._under_way.values(), timeout=SLOW_S)
            over = [tenant for tenant, sending in self._under_way.items() if sending.done()]
            # What arrived together is told together: one commit.
            arrived: list[Arrived] = []
            for tenant in over:
                sent, error = self._under_way.pop(tenant).result()
                arrived += sent
                self._pause(tenant, error)
            if arrived:
                await asyncio.to_thread(self._arrived, arrived)
            if not over:
                return  # whoever is slow wakes it when he is done

    def _due(self) -> dict[int, list[OutboxRow]]:
        """What can be sent now, by tenant."""
        now, moment = time.time_ns() // 1_000_000, time.monotonic()
        found: dict[int, list[OutboxRow]] = {}
        tenants = [row.value or 0 for row in self._store.read("outbox_tenants", (now,), IntRow)]
        free = [each for each in tenants if each not in self._under_way and self._paused.get(each, 0.0) <= moment]
        for tenant in free:
            # Moves that are under way have their rows until they are over.
            share = max(SENT_MIN, SENT_MAX // len(free)) + self._movers.of(tenant)
            rows = self._store.read("outbox_tenant", (tenant, now, share), OutboxRow)
            if fresh := [row for row in rows if not self._movers.has(row)]:
                found[tenant] = fresh
        return found

    async def _later(self) -> None:
        """Comes back when something is due that is not yet."""
        now = time.time_ns() // 1_000_000
        later = await asyncio.to_thread(self._store.read, "outbox_later", (now,), IntRow)
        if later and later[0].value is not None:
            self._loop.loop.call_later((later[0].value - now) / 1000, self.wake)

    def _sent(self, sending: asyncio.Task[_Sent]) -> None:
        # Whoever waits for it is there already, unless it was slow.
        if self._busy is None:
            self.wake()

    def _pause(self, tenant: int, error: Exception | None) -> None:
        """After a failure a tenant waits; the others go on."""
        if error is None:
            self._paused.pop(tenant, None)
            self._failures.pop(tenant, None)
            return
        times = self._failures[tenant] = self._failures.get(tenant, 0) + 1
        pause = min(PAUSE_S * 2 ** min(times - 1, 10), PAUSE_MAX_S) if isinstance(error, NoNamespace) else PAUSE_S
        self._paused[tenant] = time.monotonic() + pause
        self._loop.loop.call_later(pause + 0.01, self.wake)
        if times.bit_count() == 1:  # what does not change is said ever more rarely
            _LOG.warning("the outbox of tenant %r waits: %s", self._names.get(tenant, tenant), error)

    async def carry(self, rows: list[OutboxRow]) -> tuple[list[Arrived], Exception | None]:
        """Takes rows of one tenant to its workflows: what arrived, and what went wrong with the rest. From its loop."""
        arrived: list[Arrived] = []
        homes: dict[int, list[OutboxRow]] = {}
        for row in rows:
            homes.setdefault(row.home, []).append(row)
        done = await asyncio.gather(*(self._one(each, arrived) for each in homes.values()), return_exceptions=True)
        return arrived, next((each for each in done if isinstance(each, Exception)), None)

    async def _one(self, rows: list[OutboxRow], arrived: list[Arrived]) -> None:
        """Everything for one workflow, in order; what `arrived` is added."""
        tenant = await self._name(rows[0].tenant)
        handle = self._of(tenant).client.get_workflow_handle(workflow_id(tenant, rows[0].home))
        n = 0
        while n < len(rows):
            what = self._read(rows[n])
            if what is None:
                # What follows it is for the same instances, and comes after it.
                arrived += [Arrived(tenant, row.number, unread=True) for row in rows[n:]]
                return
            if isinstance(what, Moving | Handover):
                self._movers.begin(tenant, rows[n], what)
                if isinstance(what, Handover):
                    return  # what follows it needs its workflow
                n += 1
                continue
            lost = left = False
            upto = n + 1
            try:
                if isinstance(what, Begin):
                    await self._begin(tenant, what)
                else:
                    batch = [what]
                    while upto < len(rows) and isinstance(following := self._read(rows[upto]), Delivery):
                        batch.append(following)
                        upto += 1
                    await handle.signal(p.DELIVER, batch)
            except RPCError as error:
                if not is_gone(error):
                    raise explained(error) from error
                left = await self._leaving.was_let_go(tenant, rows[n].home)
                lost = not left
            arrived += [Arrived(tenant, row.number, lost, left) for row in rows[n:upto]]
            n = upto

    def _read(self, row: OutboxRow) -> Outgoing | None:
        """What a row says; None for what a newer version wrote, which is kept for that."""
        try:
            return codec.read(OUTGOING, row.body)
        except Unreadable as error:
            _LOG.error(
                "row %s of the outbox, and what follows it for instance %s, waits for a version of the engine that can "
                "read it: %s",
                row.number,
                row.home,
                error,
            )
            return None

    async def _begin(self, tenant: str, begin: Begin) -> None:
        at = self._of(tenant)
        try:
            with resumed(begin.trace):
                await at.client.start_workflow(
                    begin.process_id,
                    p.Input(begin, at.settings),
                    id=workflow_id(tenant, begin.start.instance),
                    task_queue=at.queue,
                    id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                    id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                    priority=at.priority,
                    search_attributes=at_start(begin, at.settings.search),
                )
        except WorkflowAlreadyStartedError:
            return  # it was sent before, by a process that could not tell

    async def _name(self, tenant: int) -> str:
        if tenant not in self._names:
            rows = await asyncio.to_thread(self._store.read, "tenants", EVERYBODY, NamedRow)
            self._names = {row.number: row.name for row in rows}
        return self._names[tenant]


def _nobody(arrived: list[Arrived]) -> object:
    raise ProcessionError("nobody is told of what arrives")
