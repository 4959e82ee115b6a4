"""The desk: where the activities of jobs arrive and wait until whoever runs a test answers them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, final

from temporalio import activity
from temporalio.client import Client
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from procession.base.failure import Conflict, NotFound
from procession.hosts.temporal.cluster import Loop
from procession.hosts.temporal.payloads import ANSWER, FAILED, JobAnswer, JobFailure, JobOrder

ARRIVES_S: Final = 15.0
"""How long a job may take from its fact to the desk."""


@final
class Lying:
    """A job on the desk. `attempts` are those that were begun, this one included."""

    __slots__ = ("attempts", "order", "token")

    def __init__(self, order: JobOrder, token: bytes, attempts: int) -> None:
        self.order = order
        self.token = token
        self.attempts = attempts


@final
class Desk:
    """All jobs of one worker process. Thread-safe."""

    def __init__(self, client: Client, loop: Loop) -> None:
        self._client = client
        self._loop = loop
        self._moved = threading.Condition()
        self._jobs: dict[int, Lying] = {}

    def activity(self) -> Callable[..., Any]:
        """The activity that a worker registers: it takes every type of job."""
        desk = self

        @activity.defn(dynamic=True)
        async def job(args: Sequence[RawValue]) -> None:
            order = activity.payload_converter().from_payload(args[0].payload, JobOrder)
            info = activity.info()
            desk.lay(Lying(order, info.task_token, order.attempts + info.attempt))
            activity.raise_complete_async()

        return job

    def lay(self, lying: Lying) -> None:
        """A job arrived."""
        with self._moved:
            self._jobs[int(lying.order.job)] = lying
            self._moved.notify_all()

    def complete(self, job: int, answer: JobAnswer) -> None:
        """Completes a job with what is more than variables."""
        lying = self._take(job)
        self._call(lying, lambda handle: handle.complete({ANSWER: answer}))

    def fail(self, job: int, failure: Callable[[int], JobFailure]) -> None:
        """Fails a job; `failure` is told the number of attempts."""
        lying = self._take(job)
        made = failure(lying.attempts)
        error = ApplicationError(made.error or str(made.code), made, type=FAILED, non_retryable=True)
        self._call(lying, lambda handle: handle.fail(error))

    def _call(self, lying: Lying, what: Callable[[Any], Any]) -> None:
        while True:
            handle = self._client.get_async_activity_handle(task_token=lying.token)
            try:
                self._loop.run(what(handle))
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise Conflict(f"job {lying.order.job} cannot be answered: {error}") from error
                # Its activity is over; if the job is open, another one is on its way.
                lying = self._take(int(lying.order.job))
            else:
                return

    def _take(self, job: int) -> Lying:
        deadline = time.monotonic() + ARRIVES_S
        with self._moved:
            while job not in self._jobs:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise NotFound(f"job {job} did not become an activity in {ARRIVES_S} s")
                self._moved.wait(left)
            return self._jobs.pop(job)
