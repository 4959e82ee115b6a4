"""Signs of jobs: the activities of a workflow. Pure."""

from __future__ import annotations

from typing import Final

from procession.hosts.temporal.doctor.facts import Activity, Facts
from procession.hosts.temporal.doctor.signs import (
    PATIENCE_MS,
    Found,
    ago,
    fresh,
    gone,
    is_gone,
    moment,
    names_of,
    of_job,
    queue_of,
)

_STARTED: Final = frozenset({"STARTED", "CANCEL_REQUESTED", "PAUSE_REQUESTED"})


def paused(facts: Facts) -> Found:
    """Somebody paused it."""
    for job in facts.activities:
        if job.paused is not None:
            by = job.paused.by or "somebody"
            reason = f" ({job.paused.reason})" if job.paused.reason else ""
            yield of_job(facts, job) | {"by": by, "reason": reason, "since": ago(facts, job.paused.at)}


def no_worker(facts: Facts) -> Found:
    """Nobody polls its task queue."""
    for job in facts.activities:
        queue = queue_of(facts, "activity", _queue(facts, job))
        if _is_due(facts, job) and queue is not None and not fresh(facts, queue):
            yield of_job(facts, job) | {"gone": gone(facts, queue), "since": ago(facts, job.scheduled)}


def unclaimed(facts: Facts) -> Found:
    """Workers poll its queue, and nobody took it."""
    for job in facts.activities:
        queue = queue_of(facts, "activity", _queue(facts, job))
        if not _is_due(facts, job) or queue is None or facts.at - job.scheduled < PATIENCE_MS:
            continue
        there = fresh(facts, queue)
        if there:
            yield of_job(facts, job) | {"workers": names_of(there), "since": ago(facts, job.scheduled)}


def due(facts: Facts) -> Found:
    """It was scheduled a moment ago."""
    for job in facts.activities:
        queue = queue_of(facts, "activity", _queue(facts, job))
        if _is_due(facts, job) and facts.at - job.scheduled < PATIENCE_MS and queue is not None and fresh(facts, queue):
            yield of_job(facts, job)


def retrying(facts: Facts) -> Found:
    """An attempt failed, and the next one has its time."""
    for job in facts.activities:
        if job.paused is None and job.state == "SCHEDULED" and job.next > facts.at:
            yield of_job(facts, job) | {"next": moment(job.next)}


def worker_lost(facts: Facts) -> Found:
    """Who began it is gone; the server waits for a heartbeat or the attempt's timeout."""
    for job in facts.activities:
        if job.state in _STARTED and _lost(facts, job):
            yield of_job(facts, job)


def running(facts: Facts) -> Found:
    """A worker is at it, as far as is known."""
    for job in facts.activities:
        if job.state in _STARTED and not _lost(facts, job):
            yield of_job(facts, job)


def _lost(facts: Facts, job: Activity) -> bool:
    stale = job.heartbeat_timeout and facts.at - max(job.heartbeat, job.started) > job.heartbeat_timeout // 2
    return is_gone(facts, job.worker) or bool(stale)


def _is_due(facts: Facts, job: Activity) -> bool:
    return job.paused is None and job.state == "SCHEDULED" and job.next <= facts.at


def _queue(facts: Facts, job: Activity) -> str:
    return job.queue or (facts.execution.queue if facts.execution is not None else "")
