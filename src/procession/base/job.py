"""A job as its worker sees it, wherever the worker runs, and what it may raise or return. Data only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias, cast, final

from procession.base.failure import BadValue, ProcessionError
from procession.base.values import Json, copied

Function: TypeAlias = Callable[..., object]
"""What does the jobs of a type."""


class BpmnError(Exception):
    """Raise it in a worker for an error of the business: the process catches `code`, or an incident shows it."""

    def __init__(self, code: str, message: str = "", variables: Mapping[str, object] | None = None) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.message = message
        self.variables = dict(variables or {})


class JobFailed(Exception):
    """Raise it in a worker for an attempt that failed, to say how many are left. With none, as it says if not told
    otherwise, the job waits as an incident until somebody resolves it. `retries` None takes one, as every other
    exception does."""

    def __init__(self, message: str, retries: int | None = 0) -> None:
        super().__init__(message)
        self.retries = retries


class Denied(Exception):
    """Raise it in a worker of a task listener: the user task stays as it was, and is not assigned, updated or
    completed. `reason` stands in the history. Elsewhere it is a failed attempt."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


@final
class Job:
    """What a worker is told about its job. `idempotency_key` is the same for every attempt, restart and host."""

    __slots__ = (
        "_variables",
        "attempt",
        "element",
        "element_id",
        "headers",
        "idempotency_key",
        "instance",
        "key",
        "process_id",
        "retries",
        "tenant",
        "token",
        "type",
        "version",
    )

    def __init__(self, key: int, type: str, tenant: str, variables: Mapping[str, Json]) -> None:
        self.key = key
        self.type = type
        self.tenant = tenant
        self.instance = 0
        self.element = 0
        self.element_id = ""
        self.process_id = ""
        self.version = 0
        self.headers: Mapping[str, str] = {}
        self.retries = 0
        self.attempt = 1
        self.idempotency_key = ""
        self.token = 0
        self._variables = variables

    @property
    def variables(self) -> dict[str, Json]:
        """All variables that the element sees; a copy, changing it changes nothing."""
        return {name: copied(value) for name, value in self._variables.items()}

    def __repr__(self) -> str:
        return f"<Job {self.key} {self.type!r} of {self.element_id!r}, attempt {self.attempt}>"


@final
class Choice:
    """Activities of an ad-hoc sub-process to begin, each an id or (id, variables of its own); or that it is `done`.

    `cancel_remaining` ends what is active in it. `variables` are the job's result, as a dict would be. Raises
    `BadValue` for what no choice can be.
    """

    __slots__ = ("activities", "cancel_remaining", "done", "variables")

    def __init__(
        self,
        *activities: str | tuple[str, Mapping[str, object]],
        done: bool = False,
        cancel_remaining: bool = False,
        variables: Mapping[str, object] | None = None,
    ) -> None:
        if done and activities:
            raise BadValue("a choice either begins activities or is done, not both")
        self.activities = activities
        self.done = done
        self.cancel_remaining = cancel_remaining
        self.variables = dict(variables or {})


def job_from(answer: Mapping[str, Json], tenant: str) -> Job:
    """A job as an answer of the engine, or of a server, describes it."""
    variables = cast("dict[str, Json]", answer["variables"])
    job = Job(int(cast("str", answer["key"])), cast("str", answer["type"]), tenant, variables)
    job.instance = int(cast("str", answer["instance"]))
    job.element = int(cast("str", answer["element"]))
    job.element_id = cast("str", answer["element_id"])
    job.process_id = cast("str", answer.get("process_id", ""))
    job.version = cast("int", answer.get("version", 0))
    job.headers = cast("dict[str, str]", answer["headers"])
    job.retries = cast("int", answer["retries"])
    job.attempt = cast("int", answer["attempt"])
    job.idempotency_key = cast("str", answer["idempotency_key"])
    job.token = int(cast("str", answer["token"]))
    return job


def error_text(error: BaseException) -> str:
    """What an exception of a worker says. Whatever it is, this raises nothing."""
    kind = type(error).__name__
    try:
        text = str(error)
    except Exception as second:  # an exception of the worker's, with a text of the worker's
        return f"{kind}, whose text cannot be read: {type(second).__name__}"
    return text if isinstance(error, ProcessionError | BpmnError | JobFailed) else f"{kind}: {text}"


def retries_left(error: BaseException) -> int | None:
    """How many attempts an exception of a worker leaves; None for one less than there were."""
    return error.retries if isinstance(error, JobFailed) else None
