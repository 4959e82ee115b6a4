"""Small workflows and activities that show what a Temporal server does, and a worker that runs them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, final

import pytest
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

QUEUE: Final = "q"
DAY: Final = timedelta(days=1)


@activity.defn
async def greet(name: str) -> str:
    return f"hello {name}"


@final
class Gate:
    """An activity that is in flight until it is let through."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.opened = asyncio.Event()

    @activity.defn
    async def hold(self) -> None:
        self.entered.set()
        await self.opened.wait()


@activity.defn
async def fail_at_first() -> int:
    if activity.info().attempt < 3:
        raise OSError("not yet")
    return activity.info().attempt


@workflow.defn
class Greeting:
    @workflow.run
    async def run(self, name: str) -> str:
        return await workflow.execute_activity(greet, name, start_to_close_timeout=timedelta(seconds=10))


@workflow.defn
class Waiting:
    """Notes the signals it gets, until one says `end`."""

    def __init__(self) -> None:
        self.got: list[tuple[str, datetime]] = []

    @workflow.signal
    def note(self, word: str) -> None:
        self.got.append((word, workflow.now()))

    @workflow.run
    async def run(self) -> list[tuple[str, datetime]]:
        await workflow.wait_condition(lambda: any(word == "end" for word, _ in self.got))
        return self.got


@workflow.defn
class Timers:
    """Sleeps again and again, and notes when it woke."""

    def __init__(self) -> None:
        self.woke: list[datetime] = []

    @workflow.query
    def woken(self) -> list[datetime]:
        return self.woke

    @workflow.run
    async def run(self, seconds: list[int]) -> list[datetime]:
        for each in seconds:
            await workflow.sleep(each)
            self.woke.append(workflow.now())
        return self.woke


@workflow.defn
class Renewing:
    """Sleeps an hour in each of `runs` runs, and notes when it woke."""

    @workflow.run
    async def run(self, runs: int, woke: list[datetime]) -> list[datetime]:
        await workflow.sleep(timedelta(hours=1))
        woke.append(workflow.now())
        if runs > 1:
            workflow.continue_as_new(args=[runs - 1, woke])
        return woke


@workflow.defn
class Retrying:
    @workflow.run
    async def run(self) -> tuple[int, datetime]:
        attempt = await workflow.execute_activity(
            fail_at_first,
            start_to_close_timeout=timedelta(seconds=10),
            retry_policy=RetryPolicy(initial_interval=timedelta(hours=1), backoff_coefficient=1),
        )
        return attempt, workflow.now()


@workflow.defn
class Racing:
    """A timer of a day beside an activity: which was first?"""

    @workflow.run
    async def run(self) -> list[str]:
        order: list[str] = []

        async def work() -> None:
            await workflow.execute_activity("hold", start_to_close_timeout=timedelta(minutes=1))
            order.append("activity")

        working = asyncio.create_task(work())
        await workflow.sleep(DAY)
        order.append("timer")
        await working
        return order


@workflow.defn
class Parent:
    @workflow.run
    async def run(self) -> tuple[datetime, datetime]:
        (woke,) = await workflow.execute_child_workflow(Timers.run, [7200])
        return woke, workflow.now()


WORKFLOWS: Final = [Greeting, Waiting, Timers, Renewing, Retrying, Racing, Parent]


def worker(client: Client, *more: Callable[..., object]) -> Worker:
    return Worker(
        client, task_queue=QUEUE, workflows=WORKFLOWS, activities=[greet, fail_at_first, *more],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )  # fmt: skip


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what the server promises, and promises no moment for."""
    for _ in range(1000):
        if await holds():
            return
        await asyncio.sleep(0.02)
    pytest.fail("it never came to hold")
