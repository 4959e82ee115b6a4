"""Jobs on Temporal as the tests do them: one activity that takes every type, and functions by type."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, TypeAlias

from temporalio import activity
from temporalio.client import Client
from temporalio.common import RawValue
from temporalio.worker import Worker

from procession.hosts.temporal.payloads import JobOrder

Work: TypeAlias = Callable[[JobOrder], Awaitable[Any]]
"""Gives variables, or nothing; raises what a worker raises."""

GRACE: Final = timedelta(milliseconds=200)


def jobs_worker(client: Client, queue: str, work: Mapping[str, Work]) -> Worker:
    """A worker for the types of jobs in `work`."""

    @activity.defn(dynamic=True)
    async def job(args: Sequence[RawValue]) -> Any:
        order = activity.payload_converter().from_payload(args[0].payload, JobOrder)
        return await work[order.type](order)

    return Worker(client, task_queue=queue, activities=[job], graceful_shutdown_timeout=GRACE)


async def done(order: JobOrder) -> dict[str, Any]:
    """Says which job it was."""
    return {order.element_id: "done"}


async def never(order: JobOrder) -> None:
    """Is at it until its worker ends."""
    await asyncio.Event().wait()
