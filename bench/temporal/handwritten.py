"""W1, W2 and W3 as plain Temporal workflows: what one would write who needs only these three.

Arguments are as long as ours, by a filler, so that the histories differ by what the engines do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, final

import msgspec
from temporalio import activity, workflow
from temporalio.client import Client, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from bench.temporal.letters import Letters
from procession.hosts.temporal.cluster import Loop
from procession.hosts.temporal.worker import CACHED, GRACE_S, TASKS

FILLER: Final = "." * 140
"""Makes the argument of an activity as long as ours."""
PATIENCE: Final = timedelta(seconds=300)
LOCAL: Final = timedelta(seconds=10)
POLL_S: Final = 0.002


class Order(msgspec.Struct, frozen=True):
    """The argument of an activity."""

    workflow: str
    step: str
    idempotency_key: str
    filler: str = FILLER


class Given(msgspec.Struct, frozen=True):
    """The argument of a workflow."""

    variables: dict[str, object]
    filler: str


class Ended(msgspec.Struct, frozen=True):
    """The result of a workflow."""

    state: str
    variables: dict[str, object]


@activity.defn(name="noop")
async def noop(order: Order) -> None:
    """The work."""


async def _do(step: str) -> None:
    id = workflow.info().workflow_id
    order = Order(id, step, f"{id}:{step}")
    await workflow.execute_activity(noop, order, start_to_close_timeout=PATIENCE, summary=step)


async def _do_locally(step: str) -> None:
    id = workflow.info().workflow_id
    order = Order(id, step, f"{id}:{step}")
    await workflow.execute_local_activity(noop, order, start_to_close_timeout=PATIENCE)


@workflow.defn(name="w1")
class W1:
    """Ten service tasks in sequence."""

    @workflow.run
    async def run(self, given: Given) -> Ended:
        for number in range(1, 11):
            await _do(f"t{number}")
        return Ended("completed", given.variables)


@workflow.defn(name="w1-local")
class W1Local:
    """The same by local activities."""

    @workflow.run
    async def run(self, given: Given) -> Ended:
        for number in range(1, 11):
            await _do_locally(f"t{number}")
        return Ended("completed", given.variables)


@workflow.defn(name="w2")
class W2:
    """Script, exclusive gateway, fork of three times two tasks, join, script."""

    @workflow.run
    async def run(self, given: Given) -> Ended:
        amount = given.variables["amount"]
        assert isinstance(amount, int)
        base = amount * 2
        route = "low" if amount < 100 else "mid" if amount < 1000 else "high"
        await asyncio.gather(*(self._branch(name) for name in "abc"))
        return Ended("completed", given.variables | {"base": base, "route": route, "approved": base < 1000})

    async def _branch(self, name: str) -> None:
        await _do(f"{name}1")
        await _do(f"{name}2")


class Go(msgspec.Struct, frozen=True):
    """A message."""

    number: int
    variables: dict[str, object]
    filler: str = "." * 130


@workflow.defn(name="w3")
class W3:
    """A message by its key, a user task with a day's time."""

    correlated = True

    def __init__(self) -> None:
        self._message: Go | None = None
        self._open = False
        self._done = False

    @workflow.run
    async def run(self, given: Given) -> Ended:
        key = given.variables["key"]
        if self.correlated:
            await workflow.execute_local_activity("subscribe", args=["go", key], start_to_close_timeout=LOCAL)
        await workflow.wait_condition(lambda: self._message is not None)
        assert self._message is not None
        if self.correlated:
            arguments = ["go", key, self._message.number]
            await workflow.execute_local_activity("acknowledge", args=arguments, start_to_close_timeout=LOCAL)
        self._open = True
        try:
            await workflow.wait_condition(lambda: self._done, timeout=timedelta(hours=24), timeout_summary="late")
        except TimeoutError:
            self._open = False
        await workflow.wait_condition(workflow.all_handlers_finished)
        return Ended("completed", given.variables)

    @workflow.signal
    def go(self, message: Go) -> None:
        """The message."""
        self._message = self._message or message

    @workflow.update
    async def complete(self, filler: str) -> str:
        """The task is done; whoever comes early waits until it is open."""
        await workflow.wait_condition(lambda: self._open or self._done)
        if self._done:
            raise ApplicationError("the task is not open")
        self._open, self._done = False, True
        return "done"


@workflow.defn(name="w3-known")
class W3Known(W3):
    """The same for whoever knows the workflow's id: no correlation."""

    correlated = False

    @workflow.run
    async def run(self, given: Given) -> Ended:
        return await super().run(given)


def worker(client: Client, letters: Letters, queue: str, *, cached: int = CACHED) -> Worker:
    """The options are those of `procession.hosts.temporal.worker`."""
    return Worker(
        client,
        task_queue=queue,
        workflows=[W1, W1Local, W2, W3, W3Known],
        activities=[noop, *letters.activities()],
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_cached_workflows=cached,
        max_concurrent_workflow_tasks=max(2, TASKS),
        workflow_task_executor=ThreadPoolExecutor(TASKS, thread_name_prefix="hand-workflow"),
        graceful_shutdown_timeout=timedelta(seconds=GRACE_S),
    )


Handles = list[WorkflowHandle[Any, Ended]]


@final
class HandWritten:
    """See `sides.Side`."""

    def __init__(self, client: Client, loop: Loop, directory: Path, queue: str, *, cached: int = CACHED) -> None:
        self._client = client
        self._loop = loop
        self._queue = queue
        self._letters = Letters(directory / "letters.db")
        self._number = 0
        self._worker = loop.run(self._started(cached))

    async def _started(self, cached: int) -> Worker:
        made = worker(self._client, self._letters, self._queue, cached=cached)
        self._running = asyncio.create_task(made.run())
        return made

    def start(self, workload: str, variables: Sequence[dict[str, object]]) -> list[str]:
        """See `Side.start`."""
        return [each.id for each in self._loop.run(self._start(workload, variables))]

    def wave(self, workload: str, variables: Sequence[dict[str, object]]) -> list[str]:
        """See `Side.wave`."""
        return self._loop.run(self._wave(workload, variables), 600)

    reads = 0
    """See `Side.reads`."""

    def settle(self) -> None:
        """See `Side.settle`: there are no books."""

    def close(self) -> None:
        """See `Side.close`."""
        self._loop.run(self._worker.shutdown())
        self._letters.close()

    async def _start(self, workload: str, variables: Sequence[dict[str, object]]) -> Handles:
        return list(await asyncio.gather(*(self._begin(workload, each) for each in variables)))

    async def _begin(self, workload: str, variables: dict[str, object]) -> WorkflowHandle[Any, Ended]:
        self._number += 1
        id = f"{self._queue}/{self._number:020d}"
        return await self._client.start_workflow(
            workload, Given(variables, "." * 330), id=id, task_queue=self._queue, result_type=Ended
        )

    async def _wave(self, workload: str, variables: Sequence[dict[str, object]]) -> list[str]:
        handles = await self._start(workload, variables)
        if workload.startswith("w3"):
            numbers = [(each.id, 0) for each in handles]
            if workload == "w3":
                await self._until("subscription", len(handles))
                keys = [str(each["key"]) for each in variables]
                numbers = await asyncio.to_thread(self._letters.publish, "go", keys)
            await asyncio.gather(*(self._signal(*each) for each in numbers))
            if workload == "w3":
                await self._until("subscription", 0)
            await asyncio.gather(*(self._complete(each) for each in handles))
        await asyncio.gather(*(each.result() for each in handles))
        return [each.id for each in handles]

    async def _signal(self, id: str, number: int) -> None:
        await self._client.get_workflow_handle(id).signal("go", Go(number, {}))

    async def _complete(self, handle: WorkflowHandle[Any, Ended]) -> None:
        await handle.execute_update("complete", "." * 100)

    async def _until(self, table: str, count: int) -> None:
        while await asyncio.to_thread(self._letters.count, table) != count:  # noqa: ASYNC110  # a file tells nobody
            await asyncio.sleep(POLL_S)
