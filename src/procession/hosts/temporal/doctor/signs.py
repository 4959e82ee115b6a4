"""What signs of all kinds share: how long is too long, why a task failed, who is there. Pure.

Times of the server are compared with this machine's now; a few seconds between them do no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple, TypeAlias

from procession.hosts.temporal.doctor.facts import Activity, Facts, Poller, Queue, QueueKind

Words: TypeAlias = Mapping[str, object]
Found: TypeAlias = Iterator[Words]
Sign: TypeAlias = Callable[[Facts], Found]
"""Gives the words of a symptom for each time that it is found."""

POLLED_MS: Final = 90_000
"""A poll waits a minute for work and is made again, so who has not polled for longer is gone."""
PATIENCE_MS: Final = 10_000
"""What is done in a moment, if somebody is there for it, is not done."""
HELD_MS: Final = 60_000
"""A held report is settled in a second by the worker that wrote it, and in half a minute by another one."""
OUTBOX_MS: Final = 30_000
HEARTBEATS: Final = 3
"""A worker that left out so many heartbeats is gone."""
HEARTBEAT_MS: Final = 60_000
"""The SDK's pause between two heartbeats of a worker, where only one was seen."""
SUGGESTED: Final = 4_096
EVENTS_MAX: Final = 51_200
BYTES_MAX: Final = 50 * 1024 * 1024
"""Where a server suggests a new run, and its limits of a history (its settings limit.historyCount, .historySize)."""
NEAR: Final = 0.8
PAYLOAD_MAX: Final = 2 * 1024 * 1024
"""The server's limit of one payload, limit.blobSize.error."""

RAISED: Final = "WORKFLOW_WORKER_UNHANDLED_FAILURE"


class Failing(NamedTuple):
    """Why a workflow's task fails: the cause by the enum's name, the error's type and its text."""

    cause: str
    type: str = ""
    text: str = ""


def failing(facts: Facts) -> Failing | None:
    """Why the task that is to be done failed; None if it did not.

    Only the first failure in a row is written into the history. Of later ones servers from 1.30 on tell the cause.
    """
    if facts.task is None:
        return None
    for event in facts.events:
        if event.type == "WORKFLOW_TASK_COMPLETED":
            break
        if event.type == "WORKFLOW_TASK_TIMED_OUT" and event.cause != "SCHEDULE_TO_START":
            return Failing(f"TIMED_OUT_{event.cause}", "", event.text)
        if event.type == "WORKFLOW_TASK_FAILED":
            kind, colon, _ = event.text.partition(": ")
            return Failing(event.cause, kind if colon and kind.isidentifier() else "", event.text)
    for said in facts.execution.reported if facts.execution is not None else []:
        if said.startswith("cause="):
            return Failing(_enum(said.removeprefix("cause=").removeprefix("WorkflowTaskFailedCause")))
    return None


def caused(facts: Facts, *causes: str) -> Failing | None:
    """Why the task failed, if it has one of these causes."""
    found = failing(facts)
    return found if found is not None and found.cause in causes else None


def of_task(facts: Facts, why: Failing) -> dict[str, object]:
    """The words of a task that fails."""
    assert facts.task is not None
    text = why.text or (f"cause {why.cause}" if why.cause else "its reason is not in the history")
    return {"attempt": facts.task.attempt, "text": text, "tries": facts.task.attempt - 1}


def of_job(facts: Facts, job: Activity) -> dict[str, object]:
    """The words of a job."""
    most = f" of {job.attempts_max}" if job.attempts_max else ""
    return {
        "job": job.type,
        "id": job.id,
        "queue": job.queue or (facts.execution.queue if facts.execution is not None else ""),
        "attempt": f"{job.attempt}{most}",
        "text": job.failure or "nothing",
        "worker": job.worker or "a worker",
        "since": ago(facts, job.started or job.scheduled),
        "until": moment(job.started + job.start_to_close) if job.started and job.start_to_close else "its timeout",
    }


def queue_of(facts: Facts, kind: QueueKind, name: str = "") -> Queue | None:
    """A task queue that was looked at."""
    return next((each for each in facts.queues if each.kind == kind and name in {"", each.name}), None)


def fresh(facts: Facts, queue: Queue) -> list[Poller]:
    """Who polls a queue now."""
    return [each for each in queue.pollers if facts.at - each.seen < POLLED_MS]


def names_of(pollers: list[Poller]) -> str:
    """Pollers in words."""
    return ", ".join(sorted({each.identity for each in pollers}))


def gone(facts: Facts, queue: Queue) -> str:
    """Who polled a queue that nobody polls now, in words."""
    left = [each for each in queue.pollers if facts.at - each.seen >= POLLED_MS]
    if not left:
        return "nobody did in the last minutes"
    last = max(left, key=lambda each: each.seen)
    return f"the last one was {last.identity}, {ago(facts, last.seen)} ago"


def is_gone(facts: Facts, identity: str) -> bool:
    """Whether a worker's own heartbeats have stopped. One that sent none may be of an SDK or a server without them."""
    seen = [each for each in facts.workers if each.identity == identity]
    return bool(seen) and all(facts.at - each.at > HEARTBEATS * (each.pause or HEARTBEAT_MS) for each in seen)


def runs(facts: Facts) -> bool:
    """Whether the workflow is there and goes on."""
    return facts.execution is not None and facts.execution.status == "RUNNING"


def ago(facts: Facts, at: int) -> str:
    """How long ago a time is, in words."""
    return span(facts.at - at)


def span(ms: int) -> str:
    """A duration in words."""
    whole = max(0, ms) // 1_000
    days, rest = divmod(whole, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, left = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (left, "s")]
    said = [f"{number} {unit}" for number, unit in parts if number]
    return " ".join(said[:2]) or "0 s"


def moment(at: int) -> str:
    """A time in words."""
    return f"{datetime.fromtimestamp(at / 1_000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _enum(words: str) -> str:
    """The protocol's name of an enum's value: NonDeterministicError -> NON_DETERMINISTIC_ERROR."""
    return "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in words).lstrip("_")
