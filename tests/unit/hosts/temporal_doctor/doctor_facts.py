"""Facts as the doctor gathers them, made by hand: an instance that is well, and what differs from it."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from procession.hosts.temporal.doctor.facts import (
    Activity,
    Book,
    Event,
    Execution,
    Facts,
    Place,
    Poller,
    Queue,
    Task,
    Wait,
    Waiting,
)

NOW: Final = 1_800_000_000_000
"""2027-01-15T08:00:00Z"""
SECOND: Final = 1_000
MINUTE: Final = 60 * SECOND

PLACE: Final = Place(
    address="temporal:7233", namespace="orders", tenant="acme", instance="42", workflow="acme/42", db="orders.db"
)
EXECUTION: Final = Execution(
    run="r1", type="order", status="RUNNING", queue="flows", started=NOW - 10 * MINUTE, events=20, task_timeout=10_000
)
POLLER: Final = Poller(identity="7@here", seen=NOW - 20 * SECOND)
QUEUE: Final = Queue(name="flows", kind="workflow", pollers=[POLLER])
JOBS: Final = Queue(name="jobs", kind="activity", pollers=[POLLER])
TASK_DONE: Final = Event(id=10, at=NOW - MINUTE, type="WORKFLOW_TASK_COMPLETED")
BOOK: Final = Book(
    host="temporal", home="42", process_id="order", version=1, state="active", step=3, at=NOW - MINUTE,
    tokens={"approve": 1}, waits=[Wait(kind="user-task", element="approve", name="ada", key="77")],
    owner="process 7 on here",
)  # fmt: skip
WELL: Final = Facts(
    at=NOW, server="1.32.1", place=PLACE, execution=EXECUTION, book=BOOK, queues=[QUEUE, JOBS], events=[TASK_DONE],
    tokens={"approve": 1},
)  # fmt: skip
"""It waits for a user task."""
JOB: Final = Activity(
    id="5.1", type="ship", state="SCHEDULED", queue="jobs", attempt=1, attempts_max=3, scheduled=NOW - 30 * SECOND,
    start_to_close=5 * MINUTE,
)  # fmt: skip


def but(facts: Facts = WELL, **changes: Any) -> Facts:
    """These facts with other ones."""
    return msgspec.structs.replace(facts, **changes)


def execution(**changes: Any) -> Execution:
    """The workflow, but for this."""
    return msgspec.structs.replace(EXECUTION, **changes)


def book(**changes: Any) -> Book:
    """The book, but for this; what an instance waits for is left out."""
    return msgspec.structs.replace(BOOK, **({"waits": []} | changes))


def task(age: int = 3 * SECOND, *, attempt: int = 1) -> Task:
    """A workflow task that nobody took."""
    return Task(state="scheduled", scheduled=NOW - age, first=NOW - age, started=0, attempt=attempt)


def failed(cause: str, text: str = "") -> Facts:
    """Its task fails again and again."""
    said = Event(id=12, at=NOW - 30 * SECOND, type="WORKFLOW_TASK_FAILED", cause=cause, text=text)
    return but(task=task(attempt=4), events=[said, TASK_DONE], tokens=None, book=book())


def job(**changes: Any) -> Facts:
    """It has one job."""
    return but(activities=[msgspec.structs.replace(JOB, **changes)], book=book())


def waits_for(**wait: Any) -> Facts:
    """It waits for something else than a user task."""
    return but(book=book(waits=[Wait(**wait)]))


def waiting(count: int, age: int, text: str = "", bytes: int = 0) -> Waiting:
    """Rows of the store."""
    return Waiting(count=count, since=NOW - age, text=text, bytes=bytes)
