"""The workers of this very process at one task queue of workflows: for those, and for their jobs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final, final

from temporalio.worker import Worker

from procession.base.failure import ProcessionError
from procession.hosts.temporal.activities import JobWorkers, Perform
from procession.hosts.temporal.cluster import check_namespace
from procession.hosts.temporal.tenancies import Tenancy

PAUSE_S: Final = 0.5
"""Before it is looked again whether the namespace is there."""
PAUSE_MAX_S: Final = 8.0
"""Each such pause is twice as long as the one before, and the longest is this."""

_LOG: Final = logging.getLogger("procession")


@final
class Workplace:
    """Used from the loop of its client alone. It works as soon as its namespace is there, whenever that is."""

    def __init__(self, tenancy: Tenancy, made: Callable[[Tenancy], Worker], perform: Perform) -> None:
        """`made` makes the worker of workflows; `perform` does jobs."""
        self._tenancy = tenancy
        self._made = made
        self._perform = perform
        self._types: dict[str, None] = {}
        self._keeping: asyncio.Task[None] | None = None
        self._worker: Worker | None = None
        self._running: asyncio.Task[None] | None = None
        self._jobs: JobWorkers | None = None

    async def start(self) -> None:
        """Begins, and goes on in the background."""
        begun = await self._begun()
        self._keeping = asyncio.create_task(self._keep(begun=begun))

    async def serve(self, type: str) -> None:
        """Takes jobs of a type from now on."""
        self._types[type] = None
        if self._jobs is not None:
            await self._jobs.serve(type)

    async def close(self) -> None:
        """Ends after the jobs under way."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        await self._end()

    async def _keep(self, *, begun: bool) -> None:
        """Begins again and again, as long as it is not there or fails: a namespace may come, go and come back."""
        pause = PAUSE_S
        while True:
            if begun and self._running is not None:
                pause = PAUSE_S
                await asyncio.wait([self._running])
                _LOG.warning("workers of task queue %r failed: %s", self._tenancy.queue, self._running.exception())
                await self._end()
            await asyncio.sleep(pause)
            pause = min(2 * pause, PAUSE_MAX_S)
            begun = await self._begun()

    async def _begun(self) -> bool:
        try:
            await check_namespace(self._tenancy.client)
        except ProcessionError as error:
            _LOG.warning("workers of task queue %r wait: %s", self._tenancy.queue, error)
            return False
        self._worker = self._made(self._tenancy)
        self._running = asyncio.create_task(self._worker.run())
        self._jobs = JobWorkers(self._tenancy.client, self._queue_of, self._perform)
        for type in self._types:
            await self._jobs.serve(type)
        return True

    async def _end(self) -> None:
        jobs, self._jobs = self._jobs, None
        if jobs is not None:
            await jobs.close()
        worker, self._worker = self._worker, None
        if worker is not None and self._running is not None:
            # One that failed on its own may not say any more that it has ended.
            if not self._running.done():
                await worker.shutdown()
            await asyncio.gather(self._running, return_exceptions=True)

    def _queue_of(self, type: str) -> str:
        return self._tenancy.settings.job_queue.replace("{type}", type)
