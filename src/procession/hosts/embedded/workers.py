"""Workers: Python functions that do the jobs of a type. Arguments by variable name, typed, decoded by msgspec.

What must not live here: threads, leases, and the store. A worker's answer is a request like any other.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Awaitable, Mapping, Sequence
from typing import Final, cast, final

from procession.base.failure import BadValue
from procession.base.job import BpmnError, Choice, Denied, Function, Job, error_text, job_from, retries_left
from procession.base.signature import ABSENT, Signature, thrown, variables_of
from procession.base.values import Json, checked_integer, checked_text, told
from procession.core.state import ElementInstance
from procession.core.variables import visible
from procession.hosts.embedded.board import Offer
from procession.hosts.embedded.choice import answered
from procession.hosts.embedded.door import milliseconds
from procession.hosts.embedded.job_handlers import job_spec
from procession.hosts.embedded.residents import Resident
from procession.runtime.requests import AnyRequest, FailJob, FinishJob, ThrowJob

_LOG: Final = logging.getLogger("procession")

TIMEOUT_S: Final = 300.0
"""How long a worker may take before its job is given to another one."""


@final
class Work:
    """A job that was given to a worker, with the arguments of its call. `failure` tells why it cannot be called."""

    __slots__ = ("arguments", "attempt", "failure", "key", "tenant", "token")

    def __init__(self, key: int, token: int, tenant: str, attempt: int) -> None:
        self.key = key
        self.token = token
        self.tenant = tenant
        self.attempt = attempt
        self.arguments: dict[str, object] = {}
        self.failure = ""


@final
class Worker:
    """A function that is registered for a job type. `backoff_s` are the pauses after failed attempts."""

    __slots__ = (
        "_signature",
        "asynchronous",
        "backoff_ms",
        "function",
        "max_jobs",
        "mean_s",
        "timeout_ms",
        "type",
    )

    def __init__(
        self,
        type: str,
        function: Function,
        *,
        max_jobs: int = 32,
        timeout_s: float = TIMEOUT_S,
        backoff_s: Sequence[float] = (),
    ) -> None:
        """Raises `TypeError` for a signature that no variables can fill, `BadValue` for numbers that mean nothing."""
        self.type = checked_text("type of a worker", type)
        if not type:
            raise BadValue("a worker needs the type of the jobs that it does")
        self.function = function
        if checked_integer(f"max_jobs of worker {type!r}", max_jobs) < 1:
            raise BadValue(f"the max_jobs of worker {type!r} is {max_jobs}; it needs at least 1")
        self.max_jobs = max_jobs
        self.timeout_ms = max(1, milliseconds(f"timeout of worker {type!r}", timeout_s))
        self.backoff_ms = tuple(milliseconds(f"back-off of worker {type!r}", pause) for pause in backoff_s)
        self._signature = Signature(type, function)
        self.asynchronous = self._signature.asynchronous
        self.mean_s = 0.0
        """How long a call takes, smoothed: short ones are done several at a time."""

    def work(self, offer: Offer, resident: Resident) -> Work | None:
        """The call for an offered job; None if its element is gone."""
        state = resident.state
        element = state.elements.get(offer.element)
        if element is None:
            return None
        work = Work(offer.key, offer.token, state.tenant, offer.attempt)
        scope = element
        work.failure = self._signature.fill(work.arguments, lambda name: _value(scope, name), lambda: visible(scope))
        if self._signature.job_name:
            work.arguments[self._signature.job_name] = _job_of(offer, resident, scope)
        return work

    def outside_work(self, answer: Mapping[str, Json], tenant: str) -> Work:
        """The call for a job that the owner of the shard leased to this process."""
        variables = cast("dict[str, Json]", answer["variables"])
        key, token = int(cast("str", answer["key"])), int(cast("str", answer["token"]))
        work = Work(key, token, tenant, cast("int", answer["attempt"]))
        work.failure = self._signature.fill(work.arguments, lambda name: variables.get(name, ABSENT), lambda: variables)
        if self._signature.job_name:
            work.arguments[self._signature.job_name] = job_from(answer, tenant)
        return work

    def call(self, work: Work) -> AnyRequest:
        """Calls the function; what it returns or raises, as a request."""
        if work.failure:
            return self._failed(work, work.failure)
        started = time.perf_counter()
        try:
            result = self.function(**work.arguments)
            answer = self._finished(work, result)
        except BpmnError as error:
            answer = self._threw(work, error)
        except Denied as denied:
            answer = self._denied(work, denied)
        except Exception as error:  # whatever a worker raises is a failed attempt, never the engine's end
            self._note_failure(work)
            answer = self._failed(work, error_text(error), retries_left(error))
        except SystemExit as error:
            # In the main thread it may come from a signal handler, and means the program.
            if threading.current_thread() is threading.main_thread():
                raise
            answer = self._failed(work, error_text(error))
        self._took(time.perf_counter() - started)
        return answer

    async def call_async(self, work: Work) -> AnyRequest:
        """`call` for a coroutine function."""
        if work.failure:
            return self._failed(work, work.failure)
        try:
            result = await cast("Awaitable[object]", self.function(**work.arguments))
            return self._finished(work, result)
        except BpmnError as error:
            return self._threw(work, error)
        except Denied as denied:
            return self._denied(work, denied)
        except GeneratorExit:
            raise  # the loop closes: this attempt has no outcome
        except BaseException as error:  # a cancellation too, and what would end the thread that all coroutines share
            self._note_failure(work)
            return self._failed(work, error_text(error), retries_left(error))

    def _note_failure(self, work: Work) -> None:
        if _LOG.isEnabledFor(logging.INFO):
            # A function raises what it likes, and no stream of UTF-8 takes a lone surrogate.
            text = traceback.format_exc().encode(errors="backslashreplace").decode()
            _LOG.info("worker %r failed at job %s\n%s", self.type, work.key, text)

    def _took(self, seconds: float) -> None:
        self.mean_s += (seconds - self.mean_s) * 0.2

    def _finished(self, work: Work, result: object) -> AnyRequest:
        if isinstance(result, Choice):
            variables, choice = answered(result)
            return FinishJob(
                work.tenant, work.key, variables, work.token, tolerant=True, backoff=self._pause(work), choice=choice
            )
        return FinishJob(work.tenant, work.key, variables_of(self.type, result), work.token)

    def _threw(self, work: Work, error: BpmnError) -> AnyRequest:
        try:
            code, message, variables = thrown(error)
        except BadValue as bad:
            return self._failed(work, str(bad))
        return ThrowJob(work.tenant, work.key, code, message, variables, work.token)

    def _denied(self, work: Work, denied: Denied) -> AnyRequest:
        reason = told(str(denied.reason))
        pause = self._pause(work)
        return FinishJob(
            work.tenant, work.key, {}, work.token, denied=True, reason=reason, tolerant=True, backoff=pause
        )

    def _failed(self, work: Work, text: str, retries: int | None = None) -> AnyRequest:
        return FailJob(work.tenant, work.key, told(text), work.token, retries, self._pause(work))

    def _pause(self, work: Work) -> int | None:
        return self.backoff_ms[min(work.attempt, len(self.backoff_ms)) - 1] if self.backoff_ms else None


def addressed(job: Job | int, tenant: str) -> tuple[int, int, str]:
    """(key, lease token, tenant) of a job: of a key alone, without a lease, that of the caller."""
    return (job, 0, tenant) if isinstance(job, int) else (job.key, job.token, job.tenant)


def _job_of(offer: Offer, resident: Resident, element: ElementInstance) -> Job:
    job = Job(offer.key, offer.type, resident.state.tenant, visible(element))
    job.instance = offer.instance
    job.element = offer.element
    job.element_id = resident.linked.nodes[offer.node].id
    job.process_id = resident.linked.program.process_id
    job.version = resident.state.version
    spec = job_spec(resident, offer)
    if spec is not None:
        job.headers = spec.headers
    job.retries = offer.retries
    job.attempt = offer.attempt
    job.idempotency_key = offer.idempotency_key
    job.token = offer.token
    return job


def _value(element: ElementInstance, name: str) -> object:
    scope: ElementInstance | None = element
    while scope is not None:
        variables = scope.variables
        if variables is not None and name in variables:
            return variables[name]
        scope = scope.scope
    return ABSENT
