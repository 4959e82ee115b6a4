"""What became of jobs, on its way to the server: what happens while one request is under way is the next one.

What must not live here: what an outcome is, and who works.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Final, TypeAlias, cast, final

from procession.base.failure import BadValue, Busy, ProcessionError, StoreError
from procession.client.aio import AsyncClient
from procession.client.duties import Outcome
from procession.client.errors import ServerError, Unreachable
from procession.client.shapes import Finished
from procession.client.wire import PAUSE_MAX_S, Pauses

Answered: TypeAlias = Callable[[Finished], None]
Refusal: TypeAlias = Callable[[str], "Outcome | None"]

BATCH_MAX: Final = 500
GONE: Final = 404
"""The job is over, or the lease is somebody else's."""
LATER: Final = (Unreachable, StoreError, Busy, ServerError)
"""After these the same is tried again: the outcome is not lost with a server that is away."""

_LOG: Final = logging.getLogger("procession.client")


@final
class Report:
    """An outcome. `answered` is told what became of it; `refused` makes another outcome of a reason."""

    __slots__ = ("answered", "outcome", "refused")

    def __init__(self, outcome: Outcome, answered: Answered | None = None, refused: Refusal | None = None) -> None:
        self.outcome = outcome
        self.answered = answered
        self.refused = refused


@final
class Reports:
    """Those of one worker. Belongs to its event loop."""

    __slots__ = ("_client", "_idle", "_some", "_waiting")

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._waiting: deque[Report] = deque()
        self._some = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def put(self, report: Report) -> None:
        """Sends an outcome soon."""
        self._waiting.append(report)
        self._idle.clear()
        self._some.set()

    async def run(self) -> None:
        """Sends what is put, until it is cancelled."""
        while True:
            await self._some.wait()
            self._some.clear()
            # What is ready in the same turn of the loop goes along.
            await asyncio.sleep(0)
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(BATCH_MAX, len(self._waiting)))]
                await self._deliver(batch)
            self._idle.set()

    async def flush(self, seconds: float) -> None:
        """Waits until all is told, at most so long; logs what could not be."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            _LOG.warning("the server was not told what became of jobs; their leases will end, and they are done again")

    async def _deliver(self, batch: list[Report]) -> None:
        pauses = Pauses(PAUSE_MAX_S)
        while True:
            try:
                found = await self._client.finish_jobs([report.outcome for report in batch])
            except LATER as error:
                _LOG.warning("the outcomes of %s jobs wait: %s", len(batch), error)
                await asyncio.sleep(pauses.next())
                continue
            except BadValue as error:
                await self._one_by_one(batch, error)
                return
            except ProcessionError as error:
                _LOG.error("the outcomes of %s jobs are refused: %s", len(batch), error)
                return
            for report, answer in zip(batch, found, strict=True):
                self._answered(report, answer)
            return

    async def _one_by_one(self, batch: list[Report], error: BadValue) -> None:
        """Something in it cannot be taken, or all of it is too much: what cannot be told is a failed attempt."""
        if len(batch) > 1:
            for report in batch:
                await self._deliver([report])
        else:
            self._again(batch[0], str(error))

    def _answered(self, report: Report, answer: Finished) -> None:
        if answer.problem is not None:
            status = answer.problem.get("status")
            detail = str(answer.problem.get("detail") or answer.problem.get("title"))
            if status == GONE:
                _LOG.info("job %s: %s", answer.key, detail)
            elif isinstance(status, int) and (status >= 500 or status == 429):
                self.put(report)
                return
            else:
                self._again(report, detail)
        if report.answered is not None:
            report.answered(answer)

    def _again(self, report: Report, reason: str) -> None:
        other = report.refused(reason) if report.refused is not None else None
        if other is None:
            _LOG.error("job %s: %s", cast("str", report.outcome["key"]), reason)
        else:
            self.put(Report(other))
