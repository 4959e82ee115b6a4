"""What a worker does with a job: calls the function of its type, and tells what became of it in the words of the API.

What must not live here: connections, leases, and when what is done.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Mapping, Sequence
from typing import Final, TypeAlias, cast, final

from procession.base.failure import BadValue
from procession.base.job import BpmnError, Choice, Denied, Function, Job, error_text, retries_left
from procession.base.signature import ABSENT, Signature, thrown, variables_of
from procession.base.values import Json, checked_all, checked_integer, checked_text, told
from procession.client.shapes import LeasedJob

Outcome: TypeAlias = dict[str, Json]
"""One of the outcomes that the API takes."""

TIMEOUT_S: Final = 300.0
"""How long a job is leased at a time; a worker that is alive extends its leases."""
TIMEOUT_MAX_S: Final = 366 * 86_400.0

_LOG: Final = logging.getLogger("procession.client")


@final
class Duty:
    """A function that does the jobs of a type, `max_jobs` of them at the same time.

    Raises `TypeError` for a signature that no variables can fill, `BadValue` for numbers that mean nothing."""

    __slots__ = ("backoff_s", "function", "max_jobs", "signature", "timeout_s", "type")

    def __init__(
        self,
        type: str,
        function: Function,
        *,
        max_jobs: int = 32,
        timeout_s: float = TIMEOUT_S,
        backoff_s: Sequence[float] = (),
    ) -> None:
        self.type = checked_text("type of a worker", type)
        if not type:
            raise BadValue("a worker needs the type of the jobs that it does")
        if not 1 <= checked_integer(f"max_jobs of worker {type!r}", max_jobs) <= 1_000:
            raise BadValue(f"the max_jobs of worker {type!r} is {max_jobs}; it must be from 1 to 1000")
        if not 0.001 <= timeout_s <= TIMEOUT_MAX_S or any(not 0 <= pause <= TIMEOUT_MAX_S for pause in backoff_s):
            raise BadValue(f"a time of worker {type!r} is negative, or longer than a year")
        self.function = function
        self.max_jobs = max_jobs
        self.timeout_s = timeout_s
        self.backoff_s = tuple(backoff_s)
        self.signature = Signature(type, function)

    def arguments(self, leased: LeasedJob) -> tuple[dict[str, object], str]:
        """The arguments of the call for a job, and why it cannot be called, "" if it can."""
        variables = leased.variables
        found: dict[str, object] = {}
        failure = self.signature.fill(found, lambda name: variables.get(name, ABSENT), lambda: variables)
        if self.signature.job_name:
            found[self.signature.job_name] = job_of(leased)
        return found, failure

    def call(self, leased: LeasedJob) -> Outcome:
        """Calls the function; whatever it returns or raises is an outcome."""
        arguments, failure = self.arguments(leased)
        if failure:
            return self.failed(leased, failure)
        try:
            return self._done(leased, self.function(**arguments))
        except (Exception, SystemExit) as error:
            return self._raised(leased, error)

    async def call_async(self, leased: LeasedJob) -> Outcome:
        """`call` for a coroutine function."""
        arguments, failure = self.arguments(leased)
        if failure:
            return self.failed(leased, failure)
        try:
            return self._done(leased, await cast("Awaitable[object]", self.function(**arguments)))
        except (Exception, SystemExit) as error:
            return self._raised(leased, error)

    def failed(self, leased: LeasedJob, text: str) -> Outcome:
        """An attempt that failed."""
        outcome: Outcome = {"outcome": "fail", "key": leased.key, "token": leased.token, "error": told(text)}
        if self.backoff_s:
            pause = self.backoff_s[min(leased.attempt, len(self.backoff_s)) - 1]
            outcome["backoff_ms"] = round(pause * 1000)
        return outcome

    def _done(self, leased: LeasedJob, result: object) -> Outcome:
        done: Outcome = {"outcome": "complete", "key": leased.key, "token": leased.token}
        if isinstance(result, Choice):
            return {**done, "variables": checked_all(result.variables), "choice": _chosen(result)}
        return {**done, "variables": variables_of(self.type, result)}

    def _raised(self, leased: LeasedJob, error: BaseException) -> Outcome:
        if isinstance(error, BpmnError):
            return self._threw(leased, error)
        if isinstance(error, Denied):
            reason = told(str(error.reason))
            return {"outcome": "deny", "key": leased.key, "token": leased.token, "reason": reason}
        _LOG.info("worker %r failed at job %s", self.type, leased.key, exc_info=error)
        outcome = self.failed(leased, error_text(error))
        left = retries_left(error)
        return outcome if left is None else {**outcome, "retries": left}

    def _threw(self, leased: LeasedJob, error: BpmnError) -> Outcome:
        try:
            code, message, variables = thrown(error)
        except BadValue as bad:
            return self.failed(leased, str(bad))
        outcome: Outcome = {"outcome": "throw", "key": leased.key, "token": leased.token, "code": code}
        return {**outcome, "message": message, "variables": variables}


def job_of(leased: LeasedJob) -> Job:
    """A job as functions know it."""
    job = Job(int(leased.key), leased.type, leased.tenant, leased.variables)
    job.instance = int(leased.instance)
    job.element = int(leased.element or 0)
    job.element_id = leased.element_id
    job.process_id = leased.process_id
    job.version = leased.version
    job.headers = leased.headers
    job.retries = leased.retries
    job.attempt = leased.attempt
    job.idempotency_key = leased.idempotency_key
    job.token = int(leased.token)
    return job


def _chosen(choice: Choice) -> Json:
    activities: list[Json] = []
    for each in choice.activities:
        name, variables = (each, None) if isinstance(each, str) else each
        values: Mapping[str, object] = variables or {}
        activities.append({"element_id": checked_text("id of an activity", name), "variables": checked_all(values)})
    return {"activities": activities, "done": choice.done, "cancel_remaining": choice.cancel_remaining}
