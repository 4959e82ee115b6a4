"""The jobs of one workflow: an activity each, until its outcome is an event."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Final, TypeAlias, final

from temporalio import workflow
from temporalio.common import RawValue, RetryPolicy

from procession.core import commands as c
from procession.core import events as e
from procession.core.events import AnyEvent
from procession.core.jobs import command_of
from procession.core.variables import visible
from procession.hosts.temporal.house import Body
from procession.hosts.temporal.outcomes import answer_of, failure_of
from procession.hosts.temporal.payloads import CarriedJob, JobFailure, JobOrder, Settings

PAUSE_MS: Final = 1_000
PAUSE_MAX_S: Final = 300
COEFFICIENT: Final = 5.0
"""Pauses between attempts where neither the model nor the worker says any: 1, 5, 25, 125, 300 s."""

FLIGHT_MAX: Final = 1_000
"""Activities of one workflow at the same time; the server refuses more than 2,000."""
TASK_BYTES_MAX: Final = 2 * 1024 * 1024
"""Bytes of what one workflow task schedules; the server refuses 4 MiB with all that is around them."""

Emit: TypeAlias = Callable[[int, AnyEvent, int], None]
"""(instance, event, its virtual time or 0)"""


@final
class _Open:
    """A job under way. `retries` and `attempts` are those with which its activity was scheduled."""

    __slots__ = ("attempts", "body", "handle", "key", "pause", "retries")

    def __init__(self, body: Body, key: int, retries: int, attempts: int) -> None:
        self.body = body
        self.key = key
        self.retries = retries
        self.attempts = attempts
        self.handle: workflow.ActivityHandle[object] | None = None
        self.pause: asyncio.Task[None] | None = None

    def cancel(self) -> None:
        """Nobody waits for it any more."""
        for each in (self.handle, self.pause):
            if each is not None:
                each.cancel()


@final
class Jobs:
    """All of one workflow."""

    def __init__(self, emit: Emit) -> None:
        self.settings = Settings()
        self.draining = False
        """Whether nothing new is scheduled: the run is about to end."""
        self._left: dict[int, CarriedJob] = {}
        """Jobs that wait for the next run, or are from the one before."""
        self._emit = emit
        self._open: dict[int, _Open] = {}
        self.activities = 0
        self._waiting: dict[int, _Open] = {}
        """Of those that are open, what was not scheduled yet for want of room."""
        self._next: asyncio.Task[None] | None = None
        self._task = 0
        self._bytes = 0
        self._commands = 0
        """What the workflow task that started with the event `_task` scheduled so far."""

    def carried(self) -> list[CarriedJob]:
        """What the next run has to know of jobs that are open, beyond the instances' states."""
        open_ = [CarriedJob(each.key, each.retries, each.attempts) for each in self._open.values()]
        return [*self._left.values(), *(each for each in open_ if each.job not in self._left)]

    def resume(self, jobs: Iterable[CarriedJob]) -> None:
        """What the run before left; `start` is asked for each of them afterwards."""
        self._left = {each.job: each for each in jobs}

    def start(self, body: Body, job: c.CreateJob) -> None:
        """Schedules the activity of a job, unless its type is done outside."""
        external = self.settings.external
        if job.type not in external and "*" not in external:
            left = self._left.pop(job.job, None)
            retries, attempts = (left.retries, left.attempts) if left is not None else (job.retries, 0)
            self._schedule(_Open(body, job.job, retries, attempts))

    def stop(self, job: int) -> None:
        """The job is over, or not to be done now."""
        self._left.pop(job, None)
        self._waiting.pop(job, None)
        found = self._open.pop(job, None)
        if found is not None:
            found.cancel()
            self._fill()

    def abandon(self) -> None:
        """Somebody else does what is open: nothing that becomes of it here counts."""
        left, self._open = self._open, {}
        self._waiting.clear()
        for each in left.values():
            each.cancel()

    def refused(self, body: Body, key: int, reason: str, at: int) -> None:
        """An outcome that the process does not take, of a job that is still open: a failed attempt."""
        job = body.state.jobs.get(key)
        if job is not None and not job.held:
            self._failed(_Open(body, key, job.retries, 0), JobFailure(reason, job.retries - 1, 0, 1, at=at))

    def _schedule(self, open_: _Open) -> None:
        """Schedules an activity, now or when there is room: in this task, in the server's limits, in this run."""
        if self.draining:
            self._left[open_.key] = CarriedJob(open_.key, open_.retries, open_.attempts)
        elif self._waiting or len(self._open) >= FLIGHT_MAX or self._task_is_full():
            self._open[open_.key] = open_
            self._waiting[open_.key] = open_
            self._go_on_later()
        else:
            self._begin(open_)

    def _task_is_full(self) -> bool:
        task = workflow.info().get_current_history_length()
        if task != self._task:
            self._task, self._bytes, self._commands = task, 0, 0
        return self._bytes >= TASK_BYTES_MAX or self._commands >= self.settings.at_once

    def _go_on_later(self) -> None:
        """What found no room in this task goes into the next one, for which a timer sees to it that there is one."""
        if self._next is None and self._task_is_full():
            self._next = asyncio.create_task(self._go_on())

    async def _go_on(self) -> None:
        await workflow.sleep(timedelta(milliseconds=1), summary="more of a fan-out")
        self._next = None
        self._fill()

    def _fill(self) -> None:
        """Begins what waits, as far as there is room."""
        flying = len(self._open) - len(self._waiting)
        while self._waiting and flying < FLIGHT_MAX and not self._task_is_full() and not self.draining:
            key = next(iter(self._waiting))
            self._begin(self._waiting.pop(key))
            flying += 1
        if self._waiting and not self.draining:
            self._go_on_later()

    @property
    def in_flight(self) -> bool:
        """Whether any activity is under way, or a pause before one."""
        return len(self._open) > len(self._waiting)

    def _begin(self, open_: _Open) -> None:
        body = open_.body
        job = command_of(body.linked.nodes, body.state, body.state.jobs[open_.key])
        node = body.linked.nodes[job.node]
        order = JobOrder(
            job=str(job.job),
            type=job.type,
            tenant=body.state.tenant,
            instance=str(body.key),
            element=str(job.element),
            element_id=node.id,
            process_id=body.linked.program.process_id,
            idempotency_key=job.idempotency_key,
            retries=open_.retries,
            attempts=open_.attempts,
            headers=dict(job.headers),
            variables=visible(body.state.elements[job.element]),
        )
        settings = self.settings
        self.activities += 1
        payload = workflow.payload_converter().to_payload(order)
        self._bytes += len(payload.data)
        self._commands += 1
        if job.type in settings.local:
            open_.handle = workflow.start_local_activity(
                job.type,
                RawValue(payload),
                activity_id=f"{job.element}.{self.activities}",
                start_to_close_timeout=timedelta(milliseconds=settings.job_timeout),
                retry_policy=_policy(job, open_.retries),
                # Longer pauses are timers, so that no workflow task is held open for them.
                local_retry_threshold=timedelta(seconds=1),
                summary=node.name or node.id,
            )
            self._watch(open_)
            return
        open_.handle = workflow.start_activity(
            job.type,
            RawValue(payload),
            task_queue=settings.job_queue.replace("{type}", job.type) or None,
            # An element instance may have several jobs, and attempts that are scheduled anew: the ids tell them apart.
            activity_id=f"{job.element}.{self.activities}",
            start_to_close_timeout=timedelta(milliseconds=settings.job_timeout),
            heartbeat_timeout=timedelta(milliseconds=settings.heartbeat) if settings.heartbeat else None,
            retry_policy=_policy(job, open_.retries),
            summary=node.name or node.id,
        )
        self._watch(open_)

    def _watch(self, open_: _Open) -> None:
        assert open_.handle is not None
        self._open[open_.key] = open_
        open_.handle.add_done_callback(lambda done: self._done(open_, done))

    def _done(self, open_: _Open, done: asyncio.Task[object]) -> None:
        # What is stopped here is not open any more. So this run is taken out of the cache: whoever began something now
        # would keep it there for ever.
        if done.cancelled():
            return
        # Asked for even where nobody wants to know it: asyncio complains of an error that nobody has seen.
        error = done.exception()
        if self._open.get(open_.key) is not open_ or open_.handle is not done:
            return
        del self._open[open_.key]
        if self._waiting:
            self._fill()
        if error is None:
            try:
                answer = answer_of(done.result())
            except ValueError as wrong:
                self._failed(open_, JobFailure(str(wrong), open_.retries - 1, 0, open_.attempts + 1))
                return
            event = e.CompleteJob(open_.key, answer.variables, answer.denied, answer.reason, answer.choice)
            self._emit(open_.body.key, event, answer.at)
        else:
            self._failed(open_, failure_of(error, open_.retries, open_.attempts))

    def _failed(self, open_: _Open, failure: JobFailure) -> None:
        key, body = open_.key, open_.body
        if failure.code is not None:
            self._emit(body.key, e.ThrowJobError(key, failure.code, failure.error, failure.variables), failure.at)
        elif failure.retries > 0:
            again = _Open(body, key, failure.retries, failure.attempts)
            if failure.pause and not self.settings.virtual:
                self._open[key] = again
                again.pause = asyncio.create_task(self._later(again, failure.pause))
            else:
                self._schedule(again)
        else:
            self._emit(body.key, e.ExhaustJob(key, failure.attempts, failure.error), failure.at)

    async def _later(self, open_: _Open, pause: int) -> None:
        await workflow.sleep(timedelta(milliseconds=pause))
        if self._open.get(open_.key) is open_:
            self._schedule(open_)


def _policy(job: c.CreateJob, retries: int) -> RetryPolicy:
    """Attempts stay with Temporal; a worker of ours says the pauses itself, others have these."""
    return RetryPolicy(
        initial_interval=timedelta(milliseconds=job.backoff[0] if job.backoff else PAUSE_MS),
        backoff_coefficient=1.0 if job.backoff else COEFFICIENT,
        maximum_interval=None if job.backoff else timedelta(seconds=PAUSE_MAX_S),
        maximum_attempts=max(1, retries),
    )
