"""Signs of the workflow itself: its task, its workers and versions, its history, its end. Pure."""

from __future__ import annotations

import re
from typing import Final

from procession.hosts.temporal.codec.errors import NAMES as CODEC_NAMES
from procession.hosts.temporal.doctor.facts import Facts, Waiting
from procession.hosts.temporal.doctor.signs import (
    BYTES_MAX,
    EVENTS_MAX,
    NEAR,
    PATIENCE_MS,
    PAYLOAD_MAX,
    RAISED,
    SUGGESTED,
    Failing,
    Found,
    Sign,
    ago,
    caused,
    failing,
    fresh,
    gone,
    moment,
    names_of,
    of_job,
    of_task,
    queue_of,
    runs,
    span,
)

_PROGRAM: Final = re.compile(r"program (\w+) is missing|program (\w+) is not what was deployed")
_BIG: Final = re.compile(r"TMPRL1103|exceeds size limit|exceeded the error limit|blob size|message larger than max")
LARGE: Final = frozenset({"GRPC_MESSAGE_TOO_LARGE", "PAYLOADS_TOO_LARGE", "REQUEST_TOO_LARGE", "BAD_SIGNAL_INPUT_SIZE"})
LIMITS: Final = frozenset(
    f"PENDING_{what}_LIMIT_EXCEEDED"
    for what in ("CHILD_WORKFLOWS", "ACTIVITIES", "SIGNALS", "REQUEST_CANCEL", "NEXUS_OPERATIONS")
)
TIMED_OUT: Final = frozenset({"TIMED_OUT_START_TO_CLOSE"})
STORM: Final = frozenset({"UNHANDLED_COMMAND", "UNHANDLED_UPDATE"})
_NAMED: Final = LARGE | LIMITS | TIMED_OUT | STORM | {RAISED, "NON_DETERMINISTIC_ERROR", "EXTERNAL_STORAGE_FAILURE"}
_ENDED: Final = frozenset({"FAILED", "CANCELED", "TERMINATED", "TIMED_OUT"})


def for_causes(causes: frozenset[str]) -> Sign:
    """The sign that a cause alone is."""

    def found(facts: Facts) -> Found:
        why = caused(facts, *causes)
        if why is not None:
            yield of_task(facts, why)

    return found


def deadlock(facts: Facts) -> Found:
    """An activation took longer than the SDK's two seconds."""
    why = caused(facts, RAISED)
    if why is not None and "TMPRL1101" in why.text:
        yield of_task(facts, why)


def program_lost(facts: Facts) -> Found:
    """The worker's store does not have the program that the instance runs."""
    why = caused(facts, RAISED)
    named = _PROGRAM.search(why.text) if why is not None else None
    if why is not None and named is not None:
        yield of_task(facts, why) | {"program": named[1] or named[2]}


def store_down(facts: Facts) -> Found:
    """The worker's store does not answer."""
    why = caused(facts, RAISED)
    if why is not None and why.type == "StoreError":
        yield of_task(facts, why)


def keys_wrong(facts: Facts) -> Found:
    """The codec could not seal or open."""
    yield from _codec(facts, CODEC_NAMES - {"BlobUnavailable", "PayloadTooLarge"})


def blobs_down(facts: Facts) -> Found:
    """What was stored outside the history cannot be stored or fetched."""
    why = caused(facts, "EXTERNAL_STORAGE_FAILURE")
    if why is not None:
        yield of_task(facts, why) | {"what": "the workflow's task"}
    yield from _codec(facts, frozenset({"BlobUnavailable"}))


def too_large(facts: Facts) -> Found:
    """Variables are larger than the server, or the codec, takes."""
    why = failing(facts)
    if why is not None and (why.cause in LARGE or (why.cause.startswith("BAD_") and _BIG.search(why.text))):
        yield of_task(facts, why) | {"what": "the workflow's task"}
    yield from _codec(facts, frozenset({"PayloadTooLarge"}))
    outbox = facts.book.outbox if facts.book is not None else Waiting()
    if outbox.bytes > PAYLOAD_MAX:
        yield {"what": f"a message for it in the outbox ({outbox.text})", "text": f"{outbox.bytes:,} bytes"}
    for job in facts.activities:
        if _BIG.search(job.failure):
            yield of_job(facts, job) | {"what": f"job {job.type!r}"}
    for each in facts.book.incidents if facts.book is not None else []:
        if _BIG.search(each.message):
            yield {"what": f"the job at {each.element!r}", "text": each.message}


def raised(facts: Facts) -> Found:
    """The worker's code raised what no other sign knows."""
    why = caused(facts, RAISED)
    known = (deadlock, program_lost, store_down, keys_wrong, blobs_down, too_large)
    if why is not None and not any(True for each in known for _ in each(facts)):
        yield of_task(facts, why)


def failed_otherwise(facts: Facts) -> Found:
    """A cause that no other sign knows."""
    why = failing(facts)
    if why is not None and why.cause not in _NAMED and not any(True for _ in too_large(facts)):
        yield of_task(facts, why)


def fails_unseen(facts: Facts) -> Found:
    """It fails, and neither the history nor the server says why."""
    if facts.task is not None and facts.task.attempt > 2 and failing(facts) is None:
        yield of_task(facts, Failing(""))


def _codec(facts: Facts, names: frozenset[str]) -> Found:
    """What the codec raises fails the workflow's task, or an attempt of an activity."""
    why = caused(facts, RAISED)
    if why is not None and why.type in names:
        yield of_task(facts, why) | {"what": "the workflow's task"}
    for job in facts.activities:
        if job.failure_type in names:
            yield of_job(facts, job) | {"what": f"job {job.type!r}"}


# --- who works


def no_worker(facts: Facts) -> Found:
    """Nobody polls. While nothing is to be done, that matters to what comes next."""
    queue = queue_of(facts, "workflow")
    if queue is None or not runs(facts) or fresh(facts, queue):
        return
    what = "its next step waits for one" if facts.task is not None else "nothing that comes for it would be taken in"
    yield {"queue": queue.name, "what": what, "gone": gone(facts, queue)}


def silent_workers(facts: Facts) -> Found:
    """Who polled has not done so since the task is there."""
    queue, task = queue_of(facts, "workflow"), facts.task
    if queue is None or task is None or not _unclaimed(facts):
        return
    there = fresh(facts, queue)
    if there and max(each.seen for each in there) <= task.scheduled:
        yield {"queue": queue.name, "workers": names_of(there), "since": ago(facts, task.scheduled)}


def overloaded(facts: Facts) -> Found:
    """Workers poll, and the task is not reached."""
    queue, task = queue_of(facts, "workflow"), facts.task
    if queue is None or task is None or not _unclaimed(facts):
        return
    there = fresh(facts, queue)
    if there and max(each.seen for each in there) > task.scheduled and not list(no_version_worker(facts)):
        limit = "; the queue's rate is limited" if queue.limited else ""
        age = max(queue.age, facts.at - task.scheduled)
        yield {"queue": queue.name, "backlog": max(1, queue.backlog), "age": span(age), "limit": limit}


def _unclaimed(facts: Facts) -> bool:
    task = facts.task
    return task is not None and task.state == "scheduled" and facts.at - task.scheduled > PATIENCE_MS


def task_due(facts: Facts) -> Found:
    """A task that is on its way."""
    task = facts.task
    if task is None or task.attempt > 1 or _unclaimed(facts) or failing(facts) is not None:
        return
    if not any(True for _ in no_worker(facts)):
        yield {"state": task.state, "since": ago(facts, task.scheduled)}


def no_version_worker(facts: Facts) -> Found:
    """It is pinned to a version that nobody runs."""
    execution, queue = facts.execution, queue_of(facts, "workflow")
    if execution is None or queue is None or not execution.pinned or not runs(facts):
        return
    if execution.version not in {each.version for each in fresh(facts, queue)}:
        name, _, build = execution.version.partition(":")
        yield {"version": execution.version, "deployment": name, "build": build, "routing": facts.deployment or "?"}


def half_rollout(facts: Facts) -> Found:
    """It is moving to a version that nobody runs."""
    execution, queue = facts.execution, queue_of(facts, "workflow")
    if execution is None or queue is None or not execution.target:
        return
    if execution.target not in {each.version for each in fresh(facts, queue)}:
        name, _, build = execution.target.partition(":")
        yield {"version": execution.target, "deployment": name, "build": build, "routing": facts.deployment or "?"}


def unanswered(facts: Facts) -> Found:
    """A query has no answer, which needs a worker that can replay."""
    for each in facts.answers[:1]:
        if each.error and runs(facts):
            yield {"query": each.name, "text": each.error}


# --- stopped, long, over


def paused(facts: Facts) -> Found:
    """Somebody paused the workflow."""
    pause = facts.execution.paused if facts.execution is not None else None
    if pause is not None:
        by = pause.by or "somebody"
        yield {"by": by, "since": ago(facts, pause.at), "reason": f" ({pause.reason})" if pause.reason else ""}


def nexus_blocked(facts: Facts) -> Found:
    """The circuit breaker of an endpoint is open."""
    for each in facts.nexus:
        if each.state == "BLOCKED":
            yield {"endpoint": each.endpoint, "operation": each.operation, "reason": each.blocked or each.failure}


def nexus_retrying(facts: Facts) -> Found:
    """An operation fails and is tried again."""
    for each in facts.nexus:
        if each.state != "BLOCKED" and each.failure:
            yield {
                "endpoint": each.endpoint, "operation": each.operation, "attempt": each.attempt, "text": each.failure
            }  # fmt: skip


def history_full(facts: Facts) -> Found:
    """The server ends a workflow whose history reaches its limit."""
    execution = facts.execution
    if execution is None or not runs(facts):
        return
    if execution.events > NEAR * EVENTS_MAX or execution.bytes > NEAR * BYTES_MAX:
        yield {"events": f"{execution.events:,}", "size": f"{execution.bytes // 1024:,} KB"}


def history_long(facts: Facts) -> Found:
    """It should have gone on in a new run."""
    execution = facts.execution
    if execution is None or not runs(facts) or execution.events <= NEAR * SUGGESTED:
        return
    if not any(True for _ in history_full(facts)):
        handlers = len(facts.activities)
        yield {"events": f"{execution.events:,}", "size": f"{execution.bytes // 1024:,} KB", "open": handlers}


def ended_badly(facts: Facts) -> Found:
    """The workflow is over in a way that no process means."""
    execution = facts.execution
    if execution is None or execution.status not in _ENDED:
        return
    if facts.book is not None and facts.book.state != "active":
        return
    text = next((each.text for each in facts.events if each.text and each.type.startswith("WORKFLOW_EXECUTION_")), "")
    yield {
        "status": execution.status.lower().replace("_", " "),
        "at": moment(execution.closed),
        "text": f" ({text})" if text else "",
    }


def ended(facts: Facts) -> Found:
    """It is over, there and here."""
    execution = facts.execution
    if execution is not None and execution.status == "COMPLETED":
        if facts.book is None or facts.book.state != "active":
            state = facts.book.state if facts.book is not None else "completed"
            yield {"state": state, "at": moment(execution.closed)}
    elif execution is not None and execution.status in _ENDED and facts.book and facts.book.state != "active":
        yield {"state": facts.book.state, "at": moment(execution.closed)}


def no_workflow(facts: Facts) -> Found:
    """The cluster does not know it, and no store was asked."""
    if facts.execution is None and facts.book is None:
        yield {}
