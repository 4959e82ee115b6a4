"""Other workflows, as one workflow speaks to them: called processes that it starts, and those that called it.

A called process outlives a run of its caller, so it is abandoned to itself, reports by signals to the caller's workflow
id, and is cancelled by one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import final

from temporalio import workflow
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

from procession.hosts.temporal.ids import workflow_id
from procession.hosts.temporal.payloads import DELIVER, Input
from procession.hosts.temporal.searchable import at_start
from procession.runtime.elsewhere import Delivery


@final
class Others:
    """All of one run. What is for one workflow goes there one after the other."""

    def __init__(self) -> None:
        self._last: dict[int, asyncio.Task[None]] = {}

    @property
    def busy(self) -> bool:
        """Whether anything is on its way."""
        return bool(self._last)

    def start(self, instance: int, tenant: str, process_id: str, given: Input) -> None:
        """Starts a called process. Its task queue and priority are its caller's: Temporal sees to that."""
        search = at_start(given.begin, given.settings.search) if given.begin is not None else None

        async def begin() -> None:
            try:
                await workflow.start_child_workflow(
                    process_id,
                    given,
                    id=workflow_id(tenant, instance),
                    parent_close_policy=ParentClosePolicy.ABANDON,
                    search_attributes=search,
                )
            except WorkflowAlreadyStartedError:
                return  # by a run before

        self._behind(instance, begin)

    def tell(self, instance: int, tenant: str, delivery: Delivery) -> None:
        """Gives an event to an instance; one that has ended hears nothing."""

        async def signal() -> None:
            try:
                await workflow.get_external_workflow_handle(workflow_id(tenant, instance)).signal(DELIVER, [delivery])
            except ApplicationError:
                return

        self._behind(instance, signal)

    def _behind(self, instance: int, what: Callable[[], Awaitable[None]]) -> None:
        before = self._last.get(instance)

        async def after() -> None:
            if before is not None:
                await before
            await what()

        task = self._last[instance] = asyncio.create_task(after())
        task.add_done_callback(lambda done: self._over(instance, done))

    def _over(self, instance: int, done: asyncio.Task[None]) -> None:
        if self._last.get(instance) is done:
            del self._last[instance]
