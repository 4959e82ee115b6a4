"""The placement: how the engine's outbox reaches workflows, and how a caller asks one of them.

One sender a process. Rows of one workflow are sent one after the other, those of different ones side by side; a row is
reported as arrived when the cluster has it, and sent again otherwise. Workflows drop what they have seen.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, cast, final

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from procession.base.failure import NotFound, ProcessionError, StoreError
from procession.hosts.temporal import payloads as p
from procession.hosts.temporal.cluster import Loop, explained
from procession.hosts.temporal.ids import workflow_id
from procession.runtime import codec
from procession.runtime.elsewhere import OUTGOING, Begin, Delivery, Reply
from procession.runtime.ports import Store
from procession.runtime.requests import Arrived
from procession.runtime.rows import IntRow, NamedRow, OutboxRow
from procession.runtime.tracing import resumed

SENT_MAX: Final = 256
"""Rows of the outbox that are under way at the same time."""
PAUSE_S: Final = 0.5
"""After a failure, before what was not sent is looked at again."""
ASK_S: Final = 25.0

_LOG: Final = logging.getLogger("procession")


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
    ) -> None:
        """`queue` is the task queue of workflows; `takes` says of (tenant, process id) whether it starts here."""
        self._client = client
        self._loop = loop
        self._store = store
        self._queue = queue
        self.settings = settings
        self._takes = takes
        self._arrived: Callable[[list[Arrived]], object] = _nobody
        self._names: dict[int, str] = {}
        self._woken = False
        self._busy: asyncio.Task[None] | None = None

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

    def tells(self, arrived: Callable[[list[Arrived]], object]) -> None:
        """Who is told of the rows that arrived; from then on rows are sent."""
        self._arrived = arrived
        self.wake()

    @property
    def idle(self) -> bool:
        """Whether nothing is under way."""
        return self._busy is None and not self._woken

    def wake(self) -> None:
        """See `Placement.wake`."""
        self._woken = True
        self._loop.loop.call_soon_threadsafe(self._start)

    def ask(self, tenant: str, home: int, delivery: Delivery) -> Reply:
        """See `Placement.ask`."""
        return self._loop.run(self._ask(tenant, home, delivery))

    async def _ask(self, tenant: str, home: int, delivery: Delivery) -> Reply:
        handle = self._client.get_workflow_handle(workflow_id(tenant, home))
        try:
            wait = timedelta(seconds=ASK_S)
            ask = cast("Callable[..., Awaitable[Reply]]", handle.execute_update)  # pyright: ignore[reportUnknownMemberType]
            return await ask(p.ASK, delivery, result_type=Reply, rpc_timeout=wait)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise NotFound(f"instance {delivery.instance} has ended") from error
            raise explained(error) from error
        except WorkflowUpdateRPCTimeoutOrCancelledError as error:
            raise StoreError(
                f"instance {delivery.instance} does not answer: is there a worker for task queue {self._queue!r}?"
            ) from error
        except WorkflowUpdateFailedError as error:
            cause = error.cause
            if isinstance(cause, ApplicationError) and cause.type == p.REFUSED:
                code, reason = cause.details
                return Reply(0, code, reason)
            raise NotFound(f"instance {delivery.instance} has ended") from error

    def screen(self, tenant: str, home: int, begin: Begin | None = None) -> p.Screen:
        """See `Placement.screen`. With `begin` it is one call: update with start."""
        return self._loop.run(self._screen(tenant, home, begin))

    async def _screen(self, tenant: str, home: int, begin: Begin | None) -> p.Screen:
        id = workflow_id(tenant, home)
        wait = timedelta(seconds=ASK_S)
        try:
            if begin is None:
                handle = self._client.get_workflow_handle(id)
                ask = cast("Callable[..., Awaitable[p.Screen]]", handle.execute_update)  # pyright: ignore[reportUnknownMemberType]
                return await ask(p.SCREEN, result_type=p.Screen, rpc_timeout=wait)
            start = WithStartWorkflowOperation[object, object](
                begin.process_id,
                p.Input(begin, self.settings),
                id=id,
                task_queue=self._queue,
                # Should the outbox have been faster, it is that one which answers.
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            )
            both = cast("Callable[..., Awaitable[p.Screen]]", self._client.execute_update_with_start_workflow)  # pyright: ignore[reportUnknownMemberType]
            return await both(p.SCREEN, start_workflow_operation=start, result_type=p.Screen, rpc_timeout=wait)
        except (RPCError, WorkflowUpdateFailedError, WorkflowAlreadyStartedError) as error:
            if isinstance(error, RPCError) and error.status is not RPCStatusCode.NOT_FOUND:
                raise explained(error) from error
            raise NotFound(f"instance {home} has ended") from error

    def _start(self) -> None:
        if self._busy is None:
            self._busy = self._loop.loop.create_task(self._send())
            self._busy.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._busy = None
        if not task.cancelled() and task.exception() is not None:
            _LOG.warning("the outbox waits: %s", task.exception())
            self._loop.loop.call_later(PAUSE_S, self.wake)
        elif self._woken:
            self._start()

    async def _send(self) -> None:
        """Sends what is in the outbox until it is empty."""
        while True:
            self._woken = False
            now = time.time_ns() // 1_000_000
            rows = await asyncio.to_thread(self._store.read, "outbox", (now, SENT_MAX), OutboxRow)
            if not rows:
                later = await asyncio.to_thread(self._store.read, "outbox_later", (now,), IntRow)
                if later and later[0].value is not None:
                    self._loop.loop.call_later((later[0].value - now) / 1000, self.wake)
                return
            homes: dict[tuple[int, int], list[OutboxRow]] = {}
            for row in rows:
                homes.setdefault((row.tenant, row.home), []).append(row)
            # What arrived together is told together: one commit.
            arrived: list[Arrived] = []
            sending = (self._one(each, arrived) for each in homes.values())
            done = await asyncio.gather(*sending, return_exceptions=True)
            if arrived:
                await asyncio.to_thread(self._arrived, arrived)
            for error in done:
                if isinstance(error, BaseException):
                    raise error

    async def _one(self, rows: list[OutboxRow], arrived: list[Arrived]) -> None:
        """Everything for one workflow, in order; what `arrived` is added."""
        tenant = await self._name(rows[0].tenant)
        handle = self._client.get_workflow_handle(workflow_id(tenant, rows[0].home))
        n = 0
        while n < len(rows):
            what = codec.read(OUTGOING, rows[n].body)
            lost = False
            upto = n + 1
            try:
                if isinstance(what, Begin):
                    await self._begin(tenant, what)
                else:
                    batch = [what]
                    while upto < len(rows) and isinstance(following := codec.read(OUTGOING, rows[upto].body), Delivery):
                        batch.append(following)
                        upto += 1
                    await handle.signal(p.DELIVER, batch)
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise explained(error) from error
                lost = True
            arrived += [Arrived(tenant, row.number, lost) for row in rows[n:upto]]
            n = upto

    async def _begin(self, tenant: str, begin: Begin) -> None:
        linked = begin.start
        try:
            with resumed(begin.trace):
                await self._client.start_workflow(
                    begin.process_id,
                    p.Input(begin, self.settings),
                    id=workflow_id(tenant, linked.instance),
                    task_queue=self._queue,
                    id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                    id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                )
        except WorkflowAlreadyStartedError:
            return  # it was sent before, by a process that could not tell

    async def _name(self, tenant: int) -> str:
        if tenant not in self._names:
            rows = await asyncio.to_thread(self._store.read, "tenants", (), NamedRow)
            self._names = {row.number: row.name for row in rows}
        return self._names[tenant]


def _nobody(arrived: list[Arrived]) -> object:
    raise ProcessionError("nobody is told of what arrives")
