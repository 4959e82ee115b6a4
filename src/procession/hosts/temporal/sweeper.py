"""The sweeper: what a worker left untold that died, the engine that keeps the books looks after.

A report that was in the worker's memory alone is made anew from the history, when the last task of a workflow began
later than what is known of it. What is held the reporter settles. Several engines may do all of it, or one twice.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, final

import msgspec
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from procession.base.failure import NotFound, ProcessionError, StoreError
from procession.base.keys import made_at_ms
from procession.hosts.temporal import payloads as p
from procession.hosts.temporal.catching_up import CatchingUp, last_step
from procession.hosts.temporal.cluster import Loop, events_before
from procession.hosts.temporal.ids import workflow_id
from procession.runtime.ports import Store
from procession.runtime.rows import FactRow, IntRow, SizeRow
from procession.services.catalog import Catalog

TURN_S: Final = 1.0
ROUND: Final = 20
"""Workflows whose end is read in one turn: one call to Temporal each."""
ROUND_EVERY_S: Final = 30.0
"""From the end of a round over all active instances to the next one."""
TRIED_MAX: Final = 100_000
TRIES: Final = 3
PAGE: Final = 16

_LOG: Final = logging.getLogger("procession")


@final
class Tail(msgspec.Struct, frozen=True):
    """The last task of a workflow that was completed: its event, when it began, and when it was over (Unix ms)."""

    task: int
    began: int
    over: int


@final
class Sweeper:
    """One engine's: a thread. `after_s`: what is younger, its worker may still see to."""

    def __init__(
        self,
        store: Store,
        of: Callable[[str], Client],
        loop: Loop,
        *,
        posted: Callable[[], None],
        wake: Callable[[], None],
        after_s: float,
    ) -> None:
        """`of` gives the client of a tenant. `posted` is called when something was put into the inbox, `wake` when the
        outbox is not sent."""
        self._store = store
        self._of = of
        self._loop = loop
        self._posted = posted
        self._wake = wake
        self._after_ms = int(after_s * 1000)
        self._catching_up = CatchingUp(of, loop, store)
        self._stopped = threading.Event()
        self._next_round = 0.0
        self._left: list[tuple[str, int]] | None = None
        self._tried: OrderedDict[str, tuple[int, int]] = OrderedDict()
        """Workflow -> its last task, where the facts alone do not show that nothing is missing, and how often that was
        looked into."""
        self._thread = threading.Thread(target=self._go_on, name="procession-sweeper", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def close(self) -> None:
        """Ends."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _go_on(self) -> None:
        while not self._stopped.wait(TURN_S):
            for part in (self._see_to_outbox, self._look_at_active):
                if self._stopped.is_set():
                    return
                try:
                    part()
                except ProcessionError as error:
                    _LOG.warning("what workers left undone waits: %s", error)
                except Exception:
                    if not self._stopped.is_set():
                        _LOG.exception("what workers left undone waits")

    # --- what is not sent

    def _see_to_outbox(self) -> None:
        """Rows that an engine left that is gone."""
        size = self._store.read("outbox_size", (), SizeRow)[0]
        if size.count and self._now() - made_at_ms(size.oldest) > self._after_ms:
            self._wake()

    # --- what nobody told

    def _look_at_active(self) -> None:
        """All that is active here, a few in each turn."""
        if self._left is None:
            if time.monotonic() < self._next_round:
                return
            self._left = self._active()
        for _ in range(ROUND):
            if not self._left or self._stopped.is_set():
                break
            tenant, home = self._left.pop()
            try:
                self._see_to(tenant, home)
            except (StoreError, TimeoutError) as error:
                # Its namespace is not reached, say. The others go on, and this tenant is looked at in the next round.
                _LOG.warning("what workers of tenant %r left undone waits: %s", tenant, str(error) or "no answer")
                self._left = [each for each in self._left if each[0] != tenant]
            except ProcessionError as error:
                _LOG.warning("what workers left undone in instance %d waits: %s", home, error)
        if not self._left:
            self._left = None
            self._next_round = time.monotonic() + ROUND_EVERY_S

    def _active(self) -> list[tuple[str, int]]:
        found: list[tuple[str, int]] = []
        for name, tenant in Catalog(self._store).tenants.items():
            rows = self._store.read("instances_away", (tenant, p.HOST), IntRow)
            found += [(name, row.value or 0) for row in rows]
        return found[::-1]

    def _see_to(self, tenant: str, home: int) -> None:
        """Repairs what is known of a workflow, if its last task began later than that."""
        workflow = workflow_id(tenant, home)
        tail = self._loop.run(self._tail(self._of(tenant), workflow))
        if tail is None or tail.over > self._now() - self._after_ms:
            return
        task, times = self._tried.get(workflow, (0, 0))
        if task == tail.task and times >= TRIES:
            return
        number = Catalog(self._store, None).tenant(tenant)
        last = self._store.read("facts", (number, home, last_step(self._store, number, home) - 1), FactRow)
        if last and last[-1].at >= tail.began:
            return
        times = times + 1 if task == tail.task else 1
        try:
            if self._catching_up.repair(tenant, home):
                self._posted()
            else:
                times = TRIES  # the last task had no step for this instance
        except NotFound as gone:
            _LOG.warning("%s", gone)
        self._tried[workflow] = (tail.task, times)
        while len(self._tried) > TRIED_MAX:
            self._tried.popitem(last=False)

    async def _tail(self, client: Client, workflow: str) -> Tail | None:
        """None for a workflow that Temporal does not have, or that had no task yet."""
        began = task = over = 0
        token = b""
        while True:
            try:
                events, token = await events_before(client, workflow, "", PAGE, token)
            except NotFound:
                return None
            for event in events:
                if not task and event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
                    task = event.workflow_task_completed_event_attributes.started_event_id
                    over = event.event_time.ToMilliseconds()
                elif task and event.event_id == task:
                    began = event.event_time.ToMilliseconds()
                    return Tail(task, began, over)
            if not token:
                return None

    def _now(self) -> int:
        return time.time_ns() // 1_000_000
