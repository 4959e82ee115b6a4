"""How workflows begin that take instances over, which ran elsewhere before (docs/design/0019)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Final, cast, final

import msgspec
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from procession.base.failure import StoreError
from procession.hosts.temporal import payloads as p
from procession.hosts.temporal.cluster import explained, is_gone
from procession.hosts.temporal.ids import workflow_id
from procession.hosts.temporal.leaving import ASK_S
from procession.hosts.temporal.tenancies import Tenancy
from procession.runtime.elsewhere import Handover

TOOK: Final = "procession_took"
"""The memo of a workflow that took over instances: the number of the row that said so."""


@final
class Taking:
    """For all workflows of a cell. To be used in the loop of its clients."""

    def __init__(self, of: Callable[[str], Tenancy]) -> None:
        """`of` tells where a tenant's workflows run."""
        self._of = of

    async def take_over(self, tenant: str, home: int, what: Handover) -> None:
        """Begins the workflow; when this returns it has the instances, and has begun to step them. Raises `StoreError`
        when the server does not answer, or no worker takes the workflow's first task."""
        at = self._of(tenant)
        id = workflow_id(tenant, home)
        # An instance that comes back to where it was has the same workflow. What was sent before, by a process that
        # could not tell, is known by its number.
        if await _took(at.client, id) >= what.number:
            return
        jobs = [p.CarriedJob(*job) for job in what.jobs]
        carried = p.Carried(tenant, home, what.bodies, what.first, what.last, seen=what.number, jobs=jobs, at=what.at)
        shift = what.at - time.time_ns() // 1_000_000 if at.settings.shifted else 0
        carried = msgspec.structs.replace(carried, shift=shift)
        start = WithStartWorkflowOperation[object, object](
            what.process_id,
            p.Input(None, at.settings, p.packed(carried)),
            id=id,
            task_queue=at.queue,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            priority=at.priority,
            memo={TOOK: what.number},
        )
        await self._begun(at, home, start)

    async def _begun(self, at: Tenancy, home: int, start: WithStartWorkflowOperation[object, object]) -> None:
        # By an update, which its first task answers: an instance is without an owner until then.
        both = cast("Callable[..., Awaitable[None]]", at.client.execute_update_with_start_workflow)  # pyright: ignore[reportUnknownMemberType]
        try:
            await both(p.TOOK, start_workflow_operation=start, rpc_timeout=timedelta(seconds=ASK_S))
        except (WorkflowAlreadyStartedError, WorkflowUpdateFailedError):
            return  # it is there, or was, and has come to its end meanwhile
        except WorkflowUpdateRPCTimeoutOrCancelledError as error:
            raise StoreError(
                f"instance {home} was handed over, and no worker for task queue {at.queue!r} has taken it"
            ) from error
        except RPCError as error:
            raise explained(error) from error
        finally:
            # The start has a failure of its own, which the SDK would say that nobody has looked at.
            with suppress(RPCError, WorkflowAlreadyStartedError, TimeoutError, asyncio.CancelledError):
                await asyncio.wait_for(start.workflow_handle(), 1)


async def _took(client: Client, id: str) -> int:
    """The number of the handover with which the last run under an id began; 0 for none."""
    try:
        found = await client.get_workflow_handle(id).describe()
    except RPCError as error:
        if is_gone(error):
            return 0
        raise explained(error) from error
    return int(await found.memo_value(TOOK, 0))
