"""Jobs as activities in this process: what a function returns or raises, as Temporal is told it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import timedelta
from typing import Any, Final, TypeAlias, final

from temporalio import activity
from temporalio.client import Client
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.worker import PollerBehaviorAutoscaling, Worker

from procession.base.failure import NotFound
from procession.hosts.temporal.payloads import ANSWER, FAILED, JobAnswer, JobFailure, JobOrder
from procession.runtime.elsewhere import Answer
from procession.runtime.requests import FailJob, FinishJob, ThrowJob

NO_FUNCTION_S: Final = 5
"""Pause before a job is tried again that no function of this process does."""
GRACE_S: Final = 10.0
"""How long jobs under way may go on when their worker ends; what is not done then is tried again elsewhere."""
BEATS: Final = 3
"""How often a job's worker is heard while it might be silent once."""
SLOTS: Final = 100
"""Jobs of one type at the same time."""

Perform: TypeAlias = Callable[[Answer, str], "Future[Any]"]
"""See `runtime.elsewhere.Door.perform`."""


def answer_form(order: JobOrder, attempt: int) -> Answer:
    """A job as a worker function takes it. `attempt` counts those of the activity."""
    return {
        "key": order.job,
        "type": order.type,
        "instance": order.instance,
        "element": order.element,
        "element_id": order.element_id,
        "headers": dict(order.headers),
        "retries": order.retries,
        "attempt": order.attempts + attempt,
        "idempotency_key": order.idempotency_key,
        "token": "0",
        "variables": order.variables,
    }


def job_activity(perform: Perform) -> Callable[..., Any]:
    """The activity for every type of job."""

    @activity.defn(dynamic=True)
    async def job(args: Sequence[RawValue]) -> object:
        order = activity.payload_converter().from_payload(args[0].payload, JobOrder)
        attempt = activity.info().attempt
        try:
            request = await _done(perform(answer_form(order, attempt), order.tenant))
        except NotFound as missing:
            pause = timedelta(seconds=NO_FUNCTION_S)
            raise ApplicationError(str(missing), type="procession.no-function", next_retry_delay=pause) from missing
        return told(order, attempt, request)

    return job


async def _done(job: Future[Any]) -> Any:
    """What a function answers. Meanwhile the server is told that this process lives, if it wants to know."""
    waiting = asyncio.wrap_future(job)
    silence = activity.info().heartbeat_timeout
    while silence is not None and not (await asyncio.wait({waiting}, timeout=silence.total_seconds() / BEATS))[0]:
        activity.heartbeat()
    return await waiting


def told(order: JobOrder, attempt: int, request: FinishJob | FailJob | ThrowJob) -> object:
    """The result of the activity, or raises its failure."""
    attempts = order.attempts + attempt
    if isinstance(request, FinishJob):
        if request.denied or request.choice is not None:
            return {ANSWER: JobAnswer(request.variables, request.denied, request.reason, request.choice)}
        return request.variables
    if isinstance(request, ThrowJob):
        failure = JobFailure(request.message, 0, 0, attempts, request.code, request.variables)
        text = f"{request.code}: {request.message}"
        # What the process is to handle is no failure that anybody has to look into.
        raise ApplicationError(text, failure, type=FAILED, non_retryable=True, category=ApplicationErrorCategory.BENIGN)
    left = order.retries - attempt if request.retries is None else request.retries
    natural = request.retries is None or left == order.retries - attempt
    pause = None if request.backoff is None else timedelta(milliseconds=request.backoff)
    if left > 0 and natural:
        raise ApplicationError(request.error, type="procession.attempt-failed", next_retry_delay=pause)
    failure = JobFailure(request.error, max(0, left), request.backoff or 0, attempts)
    raise ApplicationError(request.error, failure, type=FAILED, non_retryable=True)


@final
class JobWorkers:
    """The activity workers of this process, one for each task queue of jobs. Used from its loop alone."""

    def __init__(
        self, client: Client, queue_of: Callable[[str], str], perform: Perform, *, grace_s: float = GRACE_S
    ) -> None:
        self._grace = timedelta(seconds=grace_s)
        self._client = client
        self._queue_of = queue_of
        self._perform = perform
        self._running: dict[str, tuple[Worker, asyncio.Task[None]]] = {}

    async def serve(self, type: str, slots: int = SLOTS) -> None:
        """Takes jobs of a type from now on, at most so many at the same time."""
        queue = self._queue_of(type)
        if queue not in self._running:
            worker = Worker(
                self._client,
                task_queue=queue,
                activities=[job_activity(self._perform)],
                max_concurrent_activities=slots,
                activity_task_poller_behavior=PollerBehaviorAutoscaling(initial=min(5, slots), maximum=slots),
                graceful_shutdown_timeout=self._grace,
            )
            self._running[queue] = (worker, asyncio.create_task(worker.run()))

    @property
    def running(self) -> bool:
        """Whether all workers run that were asked for."""
        return not any(task.done() for _, task in self._running.values())

    async def close(self) -> None:
        """Ends after the jobs under way."""
        await asyncio.gather(*(worker.shutdown() for worker, _ in self._running.values()))
        await asyncio.gather(*(task for _, task in self._running.values()), return_exceptions=True)
        self._running.clear()
