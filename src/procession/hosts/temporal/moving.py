"""Moves, as the sender carries them on: workflows begin with what they take over, and are asked to let go.

Each has a row in the outbox until its engine is done with it (`hosts/embedded/moving.py`), so whoever opens the store
next goes on. Here is only which of them are under way in this process: all at the same time, whatever else is sent.
What must not live here: how a workflow begins, or is asked.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias, final

from procession.base.failure import Busy, NotFound, ProcessionError
from procession.hosts.temporal.leaving import Leaving
from procession.hosts.temporal.taking import Taking
from procession.runtime.elsewhere import Handover, Moving
from procession.runtime.ports import Store
from procession.runtime.requests import Arrived, MoveOn
from procession.runtime.rows import BatchRow, OutboxRow
from procession.services.routes import HERE

AGAIN_S: Final = 0.01
"""Before the engine is asked again that does not know yet what the workflow did; each time twice as long."""
PAUSE_S: Final = 0.5
"""After a failure, before a workflow is asked again."""
PAUSE_MAX_S: Final = 8.0
"""The longest of both."""
_RUNNING: Final = (0, 4)

_Told: TypeAlias = Arrived | MoveOn

_LOG: Final = logging.getLogger("procession")


@final
class Movers:
    """All moves of one sender. To be used in its loop alone."""

    def __init__(self, store: Store, leaving: Leaving, taking: Taking, over: Callable[[], None]) -> None:
        """`over` is called when a move is not under way any more."""
        self._store = store
        self._leaving = leaving
        self._taking = taking
        self._over = over
        self._under_way: dict[tuple[int, int], asyncio.Task[None]] = {}
        self._handed: set[tuple[int, int]] = set()
        """Of the handovers, (tenant, home): what follows one for the same workflow is sent after it."""
        self._telling: list[tuple[_Told, asyncio.Future[object]]] = []
        self._teller: asyncio.Task[None] | None = None
        self.tell: Callable[[list[_Told]], list[object]] = _nobody
        """Who takes note of how far moves are."""

    @property
    def busy(self) -> bool:
        """Whether any is under way."""
        return bool(self._under_way)

    def of(self, tenant: int) -> int:
        """How many of a tenant's rows are under way."""
        return sum(1 for number, _ in self._under_way if number == tenant)

    def has(self, row: OutboxRow) -> bool:
        """Whether a row is under way, or behind one."""
        return (row.tenant, row.number) in self._under_way or (row.tenant, row.home) in self._handed

    def begin(self, tenant: str, row: OutboxRow, what: Moving | Handover) -> None:
        """Carries a move on, beside all else."""
        key = (row.tenant, row.number)
        if key in self._under_way:
            return
        if isinstance(what, Handover):
            self._handed.add((row.tenant, row.home))
        moving = self._under_way[key] = asyncio.create_task(self._move(tenant, row, what))
        moving.add_done_callback(lambda done: self._done(row, what))

    async def stop(self) -> None:
        """Ends all; whoever opens the store next goes on with them."""
        tasks = [*self._under_way.values(), *([self._teller] if self._teller is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _done(self, row: OutboxRow, what: Moving | Handover) -> None:
        self._under_way.pop((row.tenant, row.number), None)
        if isinstance(what, Handover):
            self._handed.discard((row.tenant, row.home))
        self._over()

    async def _move(self, tenant: str, row: OutboxRow, what: Moving | Handover) -> None:
        """Until the engine has taken note of it, or the row is to be looked at again."""
        pause, failures = AGAIN_S, 0
        while True:
            try:
                if isinstance(what, Handover):
                    await self._taking.take_over(tenant, row.home, what)
                    await self._told(Arrived(tenant, row.number, batch=what.batch, instance=row.home))
                    return
                request = await self._asked(tenant, row, what)
                while not await self._told(request):
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, PAUSE_MAX_S)
                return
            except ProcessionError as error:
                failures += 1
                if failures.bit_count() == 1:  # what does not change is said ever more rarely
                    _LOG.warning("instance %s of tenant %r is not moved yet: %s", row.home, tenant, error)
                await asyncio.sleep(min(PAUSE_S * 2 ** (failures - 1), PAUSE_MAX_S))

    async def _asked(self, tenant: str, row: OutboxRow, what: Moving) -> MoveOn:
        """What the engine has to be told now."""
        request = MoveOn(tenant, row.number)
        if what.to != HERE:
            return request
        rows = await asyncio.to_thread(self._store.read, "batch", (row.tenant, what.batch), BatchRow)
        try:
            if not rows or rows[0].state not in _RUNNING:
                # Nothing begins in a batch that stands still; what has let go before has to come to its end.
                left = await self._leaving.has_left(tenant, row.home)
            else:
                left = await self._leaving.leave(tenant, row.home, quiet=what.jobs == "wait")
        except NotFound:
            return MoveOn(tenant, row.number, gone=True)
        except Busy as busy:
            return MoveOn(tenant, row.number, busy=str(busy))
        return MoveOn(tenant, row.number, left)

    def _told(self, request: _Told) -> Awaitable[object]:
        answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._telling.append((request, answer))
        if self._teller is None:
            self._teller = asyncio.create_task(self._tell())
        return answer

    async def _tell(self) -> None:
        """Tells what there is together, in one commit; and what came meanwhile."""
        while self._telling:
            telling, self._telling = self._telling, []
            try:
                answers = await asyncio.to_thread(self.tell, [request for request, _ in telling])
            except ProcessionError as error:
                for _, answer in telling:
                    if not answer.done():
                        answer.set_exception(error)
                continue
            for (_, answer), said in zip(telling, answers, strict=True):
                if not answer.done():
                    answer.set_result(said)
        self._teller = None


def _nobody(requests: list[_Told]) -> list[object]:
    raise ProcessionError("nobody is told of moves")
