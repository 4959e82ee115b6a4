"""Workflows and activities that send through the codec everything that can be sent."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any, Final

from temporalio import activity, workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, ChildWorkflowError

QUICK: Final = RetryPolicy(initial_interval=timedelta(milliseconds=50), maximum_interval=timedelta(milliseconds=200))
STEADY: Final = RetryPolicy(initial_interval=timedelta(seconds=1), backoff_coefficient=1.0)
"""Leaves a test the time to break something between two attempts."""
SCAN: Final = random.Random(1).randbytes(50_000).hex()
"""More than a claim is made for, and nothing that compresses well."""
SOON: Final = timedelta(seconds=20)


@activity.defn
async def check(order: dict[str, Any]) -> dict[str, Any]:
    """Gives back what it was given, and a heartbeat where it is no local one."""
    if not activity.info().is_local:
        activity.heartbeat(order)
    return {"checked": order}


@activity.defn
async def refuse(order: dict[str, Any]) -> None:
    """Fails with what it was given in its text and its details."""
    raise ApplicationError(f"refused: {order}", order, non_retryable=True, type="Refused")


@activity.defn
async def resume(order: dict[str, Any]) -> Any:
    """Leaves an order in its heartbeat and fails; the next attempt gives back what it finds there."""
    if activity.info().attempt == 1:
        activity.heartbeat({**order, "scan": SCAN})
        raise ApplicationError("try again")
    [found] = activity.info().heartbeat_details
    return found == {**order, "scan": SCAN}


@workflow.defn
class Resumed:
    """One activity that goes on where it was."""

    @workflow.run
    async def run(self, order: dict[str, Any]) -> bool:
        """Whether the heartbeat came back."""
        return bool(await workflow.execute_activity(resume, order, start_to_close_timeout=SOON, retry_policy=STEADY))


@workflow.defn
class Order:
    """Checks an order, and waits until it is closed."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.closed = False

    @workflow.run
    async def run(self, order: dict[str, Any]) -> dict[str, Any]:
        """The order, checked, and the notes that came."""
        checked = await workflow.execute_activity(
            check, order, start_to_close_timeout=SOON, retry_policy=QUICK, summary=f"Check {order['customer']}"
        )
        await workflow.wait_condition(lambda: self.closed)
        return {"result": checked, "notes": self.notes}

    @workflow.signal
    def note(self, text: str) -> None:
        """Takes a note."""
        self.notes.append(text)

    @workflow.signal
    def close(self) -> None:
        """Lets it end."""
        self.closed = True

    @workflow.query
    def noted(self, prefix: str) -> list[str]:
        """The notes that begin so."""
        return [note for note in self.notes if note.startswith(prefix)]

    @workflow.update
    async def amend(self, text: str) -> str:
        """Takes a note, and says so."""
        self.notes.append(text)
        return f"amended: {text}"


@workflow.defn
class Child:
    """Waits for a signal of its parent, then fails with it."""

    def __init__(self) -> None:
        self.heard: str | None = None

    @workflow.run
    async def run(self, order: dict[str, Any]) -> None:
        """Fails."""
        await workflow.wait_condition(lambda: self.heard is not None)
        raise ApplicationError(f"child: {order} {self.heard}", order, non_retryable=True)

    @workflow.signal
    def hear(self, text: str) -> None:
        """Takes what its parent says."""
        self.heard = text


@workflow.defn
class Parent:
    """A child, a failure, a local activity and a new run: all of it with the same order."""

    @workflow.run
    async def run(self, order: dict[str, Any], child_id: str, again: bool) -> list[str]:
        """What went wrong on the way, in words."""
        if again:
            workflow.continue_as_new(args=[order, child_id, False])
        told: list[str] = []
        await workflow.execute_local_activity(check, order, start_to_close_timeout=SOON)
        try:
            await workflow.execute_activity(refuse, order, start_to_close_timeout=SOON, retry_policy=QUICK)
        except ActivityError as error:
            told.append(str(error.cause))
        child = await workflow.start_child_workflow(Child.run, order, id=child_id)
        await child.signal(Child.hear, f"to {order['customer']}")
        try:
            await child
        except ChildWorkflowError as error:
            told.append(str(error.cause))
        return told
