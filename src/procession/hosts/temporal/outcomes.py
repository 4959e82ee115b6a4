"""What became of an activity that did a job: from Temporal's failures to what the process knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import msgspec
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError, TimeoutError, TimeoutType

from procession.base.decoding import known
from procession.base.values import Json, told
from procession.hosts.temporal.payloads import ANSWER, BPMN_ERROR, FAILED, JobAnswer, JobFailure

_TIMEOUTS = {
    TimeoutType.START_TO_CLOSE: "the worker did not finish in time",
    TimeoutType.HEARTBEAT: "the worker's heartbeat stopped",
    TimeoutType.SCHEDULE_TO_START: "no worker took the job in time",
    TimeoutType.SCHEDULE_TO_CLOSE: "the job was not done in time",
}


def answer_of(result: object) -> JobAnswer:
    """A worker's result: variables, or our own form of more than that. Raises `ValueError` for anything else."""
    if result is None:
        return JobAnswer()
    if not isinstance(result, dict):
        raise ValueError(f"the worker returned {type(result).__name__}; it must return variables by name, or nothing")
    given = cast("dict[str, Json]", result)
    if given.keys() == {ANSWER}:
        return msgspec.convert(given[ANSWER], known(JobAnswer))
    return JobAnswer(given)


def failure_of(error: BaseException, retries: int, attempts: int) -> JobFailure:
    """Why a job is not done: a BPMN error, attempts that are left, or none.

    `retries` and `attempts` are those with which the activity was scheduled; Temporal has used all of the former when
    a failure that may be tried again arrives here.
    """
    cause = error.cause if isinstance(error, ActivityError) else error
    if isinstance(cause, CancelledError):
        return JobFailure("the activity was cancelled in Temporal", 0, 0, attempts + 1)
    if isinstance(cause, TimeoutError):
        what = _TIMEOUTS.get(cause.type, str(cause)) if cause.type is not None else str(cause)
        return JobFailure(what, 0, 0, attempts + retries)
    if not isinstance(cause, ApplicationError):
        return JobFailure(told(str(cause)), 0, 0, attempts + 1)
    details = cause.details
    if cause.type == FAILED and details:
        return msgspec.convert(details[0], known(JobFailure))
    if cause.type == BPMN_ERROR:
        code, message, variables = (*details, None, None, None)[:3]
        thrown = cast("dict[str, Json]", variables) if isinstance(variables, Mapping) else {}
        return JobFailure(
            str(message or cause.message), attempts=attempts + 1, code=str(code or cause.message), variables=thrown
        )
    return JobFailure(told(cause.message), 0, 0, attempts + (1 if cause.non_retryable else retries))
