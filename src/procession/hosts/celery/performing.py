"""Performing: what happens around the code of a task that does a job, in the process that runs it.

The outcome is stored before the task ends, so that its message is acknowledged only then. What must not live here: the
signals and registries of Celery (`host.py`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Protocol, cast

from celery.exceptions import Ignore, MaxRetriesExceededError, Reject, Retry

from procession.base.failure import BadValue, NotFound, ProcessionError, StoreError
from procession.base.job import BpmnError, Choice, error_text, retries_left
from procession.base.signature import thrown
from procession.base.values import Json, told
from procession.hosts.celery.arguments import headers_of, results
from procession.hosts.celery.names import HEADER, Place
from procession.runtime.requests import AnyRequest, ExtendJob, FailJob, FinishJob, ThrowJob

PAUSES_S: Final = (0.1, 0.5, 2.0, 5.0, 10.0)
"""Before an outcome is tried to be stored again, when the store cannot be used."""

_LOG: Final = logging.getLogger("procession")


class Door(Protocol):
    """The engine of this process, as far as a task needs it."""

    lost_ms: int

    def is_open(self, place: Place) -> bool:
        """Whether the attempt is still wanted: the job is open, and its lease is this one."""
        ...

    def call(self, request: AnyRequest) -> object:
        """Carries out a request."""
        ...

    def answered(self, job: Mapping[str, Json], tenant: str) -> AnyRequest:
        """Calls the worker function of a job; what became of it."""
        ...


def perform(door: Door, task: Any, place: Place, run: Callable[[], object]) -> object:
    """Runs the code of a task that does a job, and stores what became of it; gives what the task returns."""
    if not wanted(door, place):
        _LOG.info("job %s: this attempt is over, or another one's turn", place.job)
        raise Ignore
    header = _header(task)
    tenant = str(header["tenant"])
    if getattr(task, "procession_worker", None) is not None:
        job = {**header, "variables": dict(task.request.kwargs or {})}
        store(door, door.answered(job, tenant))
        return None
    try:
        result = run()
    except (Ignore, Reject):
        raise  # the task says that this is no outcome: the sweeper sends the job again
    except Retry as again:
        _extend(door, tenant, place, again)
        raise
    except BpmnError as error:
        code, message, variables = thrown(error)
        store(door, ThrowJob(tenant, place.job, code, message, variables, place.token))
        return None
    except Exception as error:
        store(door, _failed(tenant, place, error, used_up=_used_up(task, error)))
        raise
    store(door, _finished(header, tenant, place, result))
    return result


def _header(task: Any) -> Mapping[str, Any]:
    """What the message says of the job; where a retry of Celery made it, it is kept among the headers."""
    headers = cast("Mapping[str, Any]", task.request.headers or {})
    found: object = getattr(task.request, HEADER, None) or headers.get(HEADER)
    if not isinstance(found, Mapping):
        raise Reject("the message names no job", requeue=False)
    return cast("Mapping[str, Any]", found)


def wanted(door: Door, place: Place) -> bool:
    """`Door.is_open`, also while the store cannot be used for a moment."""
    return bool(_patiently(lambda: door.is_open(place)))


def store(door: Door, request: AnyRequest) -> None:
    """Stores an outcome. One that comes too late is dropped, and said. Raises `Reject`, so that the message is given to
    somebody again, when the store cannot be used for long."""
    try:
        _patiently(lambda: door.call(request))
    except StoreError as error:
        _LOG.error("the outcome of a job could not be stored, it is done again: %s", error)
        raise Reject(error, requeue=True) from error
    except NotFound as late:
        _LOG.warning("a worker's result was refused: %s", late)
    except ProcessionError as refused:
        _LOG.error("a worker's result could not be taken: %s", refused)
        if isinstance(request, FinishJob):
            failure = FailJob(request.tenant, request.job, told(str(refused)), request.token)
            store(door, failure)


def _failed(tenant: str, place: Place, error: BaseException, *, used_up: bool = False) -> FailJob:
    """The attempt failed. `used_up`: attempts were Celery's, and there are no more."""
    retries = 0 if used_up else retries_left(error)
    return FailJob(tenant, place.job, told(error_text(error)), place.token, retries)


def _finished(header: Mapping[str, Any], tenant: str, place: Place, result: object) -> AnyRequest:
    try:
        if isinstance(result, Choice):
            raise BadValue("a task of Celery chooses no activities: use a worker of the host for that")
        variables = results(str(header["type"]), headers_of(header), result)
    except BadValue as bad:
        return FailJob(tenant, place.job, told(str(bad)), place.token)
    return FinishJob(tenant, place.job, variables, place.token, tolerant=True)


def _used_up(task: Any, error: BaseException) -> bool:
    """Whether the task has a policy of its own for what fails, and that is at its end."""
    if isinstance(error, MaxRetriesExceededError):
        return True
    most = task.max_retries
    mine = tuple(getattr(task, "autoretry_for", ()) or ())
    return bool(mine) and isinstance(error, mine) and most is not None and task.request.retries >= most


def _extend(door: Door, tenant: str, place: Place, again: Retry) -> None:
    """Celery will try it again by itself: until then it does not count as lost."""
    when: object = again.when
    if isinstance(when, datetime):
        pause = (when - datetime.now(when.tzinfo or UTC)).total_seconds()
    else:
        pause = float(cast("float", when or 0))
    lease = max(1, int(pause * 1000)) + door.lost_ms
    try:
        _patiently(lambda: door.call(ExtendJob(tenant, place.job, lease, place.token)))
    except (StoreError, NotFound) as error:
        _LOG.warning("job %s may be sent again before Celery does it: %s", place.job, error)


def _patiently(what: Callable[[], object]) -> object:
    for pause in PAUSES_S:
        try:
            return what()
        except StoreError as error:
            _LOG.warning("the store cannot be used now, it is tried again in %g s: %s", pause, error)
            time.sleep(pause)
    return what()
