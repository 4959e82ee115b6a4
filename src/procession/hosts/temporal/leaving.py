"""How a workflow is asked to let its instances go, and what one that has ended said when it did (docs/design/0019)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final, cast, final

import msgspec
from temporalio.client import (
    WorkflowExecutionStatus,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from procession.base.decoding import known
from procession.base.failure import Busy, NotFound, StoreError
from procession.hosts.temporal import payloads as p
from procession.hosts.temporal.cluster import explained, is_gone
from procession.hosts.temporal.ids import workflow_id
from procession.hosts.temporal.tenancies import Tenancy
from procession.runtime.elsewhere import Left

ASK_S: Final = 25.0
"""How long an answer is waited for."""
NOT_READY_S: Final = 0.1
"""Before a workflow is asked again that could not answer."""


class NotReady(StoreError):
    """A workflow did not take an update, for its task failed. That is so where a run ends, and something comes."""


@final
class Leaving:
    """For all workflows of a cell. To be used in the loop of its clients."""

    def __init__(self, of: Callable[[str], Tenancy]) -> None:
        """`of` tells where a tenant's workflows run."""
        self._of = of

    async def leave(self, tenant: str, home: int, *, wait: bool = False, quiet: bool = False) -> Left:
        """Lets instances go; when it returns they are stepped there no more. With `wait` jobs under way come to their
        end first; `quiet`, it raises `Busy` while there are any. Raises `NotFound` for a workflow that has ended
        otherwise, `StoreError` for one that does not answer."""
        deadline = time.monotonic() + ASK_S
        while True:
            try:
                return await self._leave_once(tenant, home, (p.QUIT,) if quiet else (p.LEAVE, wait))
            except NotReady:
                # What came while the run ended has to be taken in first; then it is asked again.
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(NOT_READY_S)

    async def has_left(self, tenant: str, home: int) -> Left:
        """What a workflow said when it let its instances go. Raises `Busy` while it runs, `NotFound` as `leave`."""
        client, id = self._of(tenant).client, workflow_id(tenant, home)
        try:
            described = await client.get_workflow_handle(id).describe()
            if described.status is WorkflowExecutionStatus.RUNNING:
                raise Busy(f"instance {home} has not been let go yet")
            if described.status is not WorkflowExecutionStatus.COMPLETED:
                raise NotFound(f"instance {home} has ended")
            result: Any = await client.get_workflow_handle(id, run_id=described.run_id).result()
        except RPCError as error:
            if is_gone(error):
                raise NotFound(f"instance {home} has ended") from error
            raise explained(error) from error
        if not isinstance(result, dict) or p.LEFT not in result:
            raise NotFound(f"instance {home} has ended")
        return msgspec.convert(result[p.LEFT], known(Left), strict=False)

    async def was_let_go(self, tenant: str, home: int) -> bool:
        """Whether a workflow that is not there any more has let its instances go, and not ended with them."""
        try:
            return bool((await self.has_left(tenant, home)).seqs)
        except (Busy, NotFound):
            return False

    async def _leave_once(self, tenant: str, home: int, update: tuple[Any, ...]) -> Left:
        at = self._of(tenant)
        handle = at.client.get_workflow_handle(workflow_id(tenant, home))
        try:
            ask = cast("Callable[..., Awaitable[Left]]", handle.execute_update)  # pyright: ignore[reportUnknownMemberType]
            return await ask(*update, result_type=Left, rpc_timeout=timedelta(seconds=ASK_S))
        except WorkflowUpdateRPCTimeoutOrCancelledError as error:
            raise StoreError(
                f"instance {home} does not let go: is there a worker for task queue {at.queue!r}, or a long job?"
            ) from error
        except RPCError as error:
            if error.status is RPCStatusCode.FAILED_PRECONDITION:
                raise NotReady(f"instance {home} is in the middle of something: ask again") from error
            if not is_gone(error):
                raise explained(error) from error
        except WorkflowUpdateFailedError as error:
            cause = error.cause
            if isinstance(cause, ApplicationError) and cause.type == p.BUSY:
                raise Busy(f"instance {home} does not let go: {cause.message}") from error
        try:
            return await self.has_left(tenant, home)
        except Busy:
            raise NotFound(f"instance {home} has ended") from None
