"""W1, W2 and W3 as models: an engine that keeps the books, its outbox, and a worker, in one process."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, cast, final

from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

from bench.workloads import MODELS
from procession import Engine
from procession.core.events import CompleteTask
from procession.core.state import State
from procession.hosts.embedded.pump import Pump
from procession.hosts.embedded.routing import HERE, Router
from procession.hosts.embedded.tickets import Ticket
from procession.hosts.temporal.cluster import Histories, Loop
from procession.hosts.temporal.ids import workflow_id
from procession.hosts.temporal.payloads import Settings
from procession.hosts.temporal.placement import TemporalPlacement
from procession.hosts.temporal.reporter import Reporter
from procession.hosts.temporal.worker import CACHED, workflow_worker
from procession.runtime import requests as q
from procession.runtime.ports import Store
from procession.runtime.rows import SubscriptionRow, TaskRow
from procession.store.sqlite import SQLiteStore

BOOKS: Final = "books.db"
LOCAL: Final = "noop-local"
"""The type of jobs that are local activities."""
TENANT: Final = "<default>"
POLL_S: Final = 0.002
PUMP_S: Final = 0.05
"""Longest time after which the engine looks at its inbox and its timers, as in `serving`."""
CALLERS: Final = 32
"""Threads that wait for the answers of updates."""


_RUNNING: Final[set[asyncio.Task[None]]] = set()


@activity.defn(name="noop")
async def noop(order: dict[str, object]) -> None:
    """The work."""


@activity.defn(name=LOCAL)
async def local(order: dict[str, object]) -> None:
    """The same work."""


async def running(
    client: Client,
    store: Store,
    reporter: Reporter,
    keys: Callable[[q.TakeKeys], tuple[int, int]],
    *,
    queue: str,
    cached: int = CACHED,
) -> Worker:
    """A worker that runs until it is shut down."""
    worker = workflow_worker(client, store, reporter, keys, queue=queue, activities=[noop, local], cached=cached)
    _RUNNING.add(task := asyncio.create_task(worker.run()))
    task.add_done_callback(_RUNNING.discard)
    return worker


def local_w1() -> bytes:
    """W1 with jobs of a type that local activities do."""
    text = (MODELS / "w1.bpmn").read_bytes()
    return text.replace(b'id="w1"', b'id="w1-local"').replace(b'type="noop"', f'type="{LOCAL}"'.encode())


@final
class Counted:
    """Histories whose reads are counted; see `reporter.Histories`."""

    def __init__(self, histories: Histories) -> None:
        self._histories = histories
        self.reads = 0

    def committed(self, workflow: str, run: str, tasks: set[int]) -> dict[int, bool]:
        """See `Histories.committed`."""
        self.reads += 1
        return self._histories.committed(workflow, run, tasks)


@final
class Interpreted:
    """See `sides.Side`."""

    def __init__(
        self, client: Client, loop: Loop, directory: Path, queue: str, *, cached: int = CACHED, work: bool = True
    ) -> None:
        """Without `work`, the workers are elsewhere; see `work`."""
        self._client = client
        self._loop = loop
        path = directory / BOOKS
        with Engine(path) as engine:
            engine.deploy(*(MODELS / f"{name}.bpmn" for name in ("w1", "w2", "w3", "many")))
            engine.deploy(("w1-local.bpmn", local_w1()))
        self._path = path
        self.store = SQLiteStore(path)
        self.placement = TemporalPlacement(client, loop, self.store, queue=queue, settings=Settings(local=[LOCAL]))
        self.pump = Pump(self.store, clock=_now, zone="UTC", placement=self.placement)
        self.placement.tells(self.pump.call_all)
        self._woken = threading.Event()
        self._closed = False
        self._histories = Counted(Histories(client, loop))
        self.reporter = Reporter(self.store, self._histories, self._told)
        self._router = Router(self.store, self.placement, _now, time.sleep)
        self._callers = ThreadPoolExecutor(CALLERS, thread_name_prefix="callers")
        self._thread = threading.Thread(target=self._keep_going, name="procession-pump", daemon=True)
        self._thread.start()
        self._worker: Worker | None = None
        if work:
            self._worker = loop.run(running(client, self.store, self.reporter, self._keys, queue=queue, cached=cached))

    def start(self, workload: str, variables: Sequence[dict[str, object]]) -> list[str]:
        """See `Side.start`."""
        tickets = [Ticket(q.StartProcess(TENANT, workload, cast("Any", each))) for each in variables]
        self.pump.submit(tickets)
        return [workflow_id(TENANT, cast("int", each.outcome())) for each in tickets]

    def wave(self, workload: str, variables: Sequence[dict[str, object]]) -> list[str]:
        """See `Side.wave`."""
        ids = self.start(workload, variables)
        if workload == "w3":
            keys = [str(each["key"]) for each in variables]
            self.subscribed(keys)
            tickets = [Ticket(q.PublishMessage(TENANT, "go", key, {})) for key in keys]
            self.pump.submit(tickets)
            tasks = self._tasks(len(ids))
            list(self._callers.map(self._complete, [each.key for each in tasks]))
        self._loop.run(self.results(ids), 600)
        return ids

    def settle(self) -> None:
        """See `Side.settle`."""
        while self.behind:
            time.sleep(POLL_S)

    @property
    def behind(self) -> bool:
        """Whether the books do not show all yet."""
        idle = self.placement.idle and self.reporter.idle
        with self.pump.lock:
            shard = self.pump.shard
            return not idle or shard is None or shard.inbox_waiting

    @property
    def reads(self) -> int:
        """See `Side.reads`."""
        return self._histories.reads

    def close(self) -> None:
        """See `Side.close`."""
        if self._worker is not None:
            self._loop.run(self._worker.shutdown())
        self._closed = True
        self._woken.set()
        self._thread.join()
        self._callers.shutdown()
        self.reporter.close()
        self.pump.release()
        self.store.close()

    async def results(self, ids: list[str]) -> None:
        """Waits until workflows ended."""
        # The same call as for workflows by hand. The start is on its way through the outbox meanwhile.
        while not self.placement.idle:  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(POLL_S / 2)
        await asyncio.gather(*(self._client.get_workflow_handle(each).result() for each in ids))

    def subscribed(self, keys: list[str]) -> None:
        """Waits until instances wait for the message."""
        for key in keys:
            while not self.store.read("subscriptions", (0, 0, "go", key), SubscriptionRow):
                time.sleep(POLL_S)

    def tasks(self) -> list[TaskRow]:
        """Those that are open."""
        return self.store.read("tasks", (0, 0, 10_000), TaskRow)

    def states(self) -> list[State]:
        """Those of the instances, as the books know them."""
        shard = self.pump.shard
        assert shard is not None
        return [resident.state for _, resident in shard.residents.items()]

    def store_again(self) -> SQLiteStore:
        """The books once more, after `close`."""
        return SQLiteStore(self._path)

    def _tasks(self, count: int) -> list[TaskRow]:
        while len(found := self.tasks()) < count:
            time.sleep(POLL_S)
        return found

    def _complete(self, task: int) -> None:
        assert self._router.route(q.TaskEvent(TENANT, task, CompleteTask(task))) is not HERE

    def _keys(self, request: q.TakeKeys) -> tuple[int, int]:
        first, last = cast("list[int]", self.pump.call(request))
        return first, last

    def _told(self) -> None:
        shard = self.pump.shard
        if shard is not None:
            shard.inbox_waiting = True
        self._woken.set()

    def _keep_going(self) -> None:
        while not self._closed:
            self._woken.clear()
            self.pump.keep()
            if not self.pump.turn():
                self._woken.wait(PUMP_S)


def _now() -> int:
    return time.time_ns() // 1_000_000
