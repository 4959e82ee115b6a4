"""Workers: Python functions that do the jobs of a type. Arguments by variable name, typed, decoded by msgspec.

What must not live here: threads, leases, and the store. A worker's answer is a request like any other.
"""

from __future__ import annotations

import functools
import inspect
import logging
import threading
import time
import typing
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias, cast, final

import msgspec

from procession.base.failure import BadValue, ProcessionError
from procession.base.values import Json, checked_all, checked_integer, checked_text, plain, told
from procession.core.state import ElementInstance
from procession.core.variables import visible
from procession.hosts.embedded.board import Offer
from procession.hosts.embedded.choice import Choice, answered
from procession.hosts.embedded.door import milliseconds
from procession.hosts.embedded.job_handlers import job_spec
from procession.hosts.embedded.residents import Resident
from procession.runtime.requests import AnyRequest, FailJob, FinishJob, ThrowJob

Function: TypeAlias = Callable[..., object]

_LOG: Final = logging.getLogger("procession")

TIMEOUT_S: Final = 300.0
"""How long a worker may take before its job is given to another one."""


class BpmnError(Exception):
    """Raise it in a worker for an error of the business: the process catches `code`, or an incident shows it."""

    def __init__(self, code: str, message: str = "", variables: Mapping[str, object] | None = None) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.message = message
        self.variables = dict(variables or {})


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
        "retries",
        "tenant",
        "token",
        "type",
    )

    def __init__(self, key: int, type: str, tenant: str, variables: Mapping[str, Json]) -> None:
        self.key = key
        self.type = type
        self.tenant = tenant
        self.instance = 0
        self.element = 0
        self.element_id = ""
        self.headers: Mapping[str, str] = {}
        self.retries = 0
        self.attempt = 1
        self.idempotency_key = ""
        self.token = 0
        self._variables = variables

    @property
    def variables(self) -> dict[str, Json]:
        """All variables that the element sees; a copy, changing it changes nothing."""
        return {name: _copied(value) for name, value in self._variables.items()}

    def __repr__(self) -> str:
        return f"<Job {self.key} {self.type!r} of {self.element_id!r}, attempt {self.attempt}>"


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
class _Parameter:
    __slots__ = ("default", "name", "plain", "type")

    def __init__(self, name: str, type: object, default: object) -> None:
        self.name = name
        self.type = type
        self.default = default
        self.plain = _is_plain(type)


@final
class Worker:
    """A function that is registered for a job type. `backoff_s` are the pauses after failed attempts."""

    __slots__ = (
        "_everything",
        "_everything_type",
        "_job_name",
        "_parameters",
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
        self.asynchronous = inspect.iscoroutinefunction(_written(function))
        self.mean_s = 0.0
        """How long a call takes, smoothed: short ones are done several at a time."""
        self._job_name = ""
        self._everything = False
        self._everything_type: object = inspect.Parameter.empty
        self._parameters = self._read_signature(function)

    def _read_signature(self, function: Function) -> tuple[_Parameter, ...]:
        try:
            hints = typing.get_type_hints(_written(function), include_extras=True)
            parameters = inspect.signature(function).parameters
        except NameError as error:
            raise TypeError(
                f"worker {self.type!r}: {error}; a name in its annotations must be imported in its module at run time"
            ) from None
        except (TypeError, ValueError, AttributeError) as error:
            raise TypeError(f"worker {self.type!r}: the signature of its function cannot be read: {error}") from error
        found: list[_Parameter] = []
        for name, parameter in parameters.items():
            kind = parameter.kind
            hint = hints.get(name, parameter.empty)
            if kind in {parameter.VAR_POSITIONAL, parameter.POSITIONAL_ONLY}:
                raise TypeError(f"worker {self.type!r}: parameter {name!r} has no name that a variable could have")
            if hint is Job or Job in typing.get_args(hint) or (name == "job" and hint is parameter.empty):
                self._job_name = name
                continue
            self._check_type(name, hint)
            if kind is parameter.VAR_KEYWORD:
                self._everything = True
                self._everything_type = hint
            else:
                found.append(_Parameter(name, hint, parameter.default))
        return tuple(found)

    def _check_type(self, name: str, hint: object) -> None:
        """Raises `TypeError` for a type that no variable can become, before there is a job that would show it."""
        if _is_plain(hint):
            return
        try:
            shape = msgspec.inspect.type_info(hint)
        except (TypeError, NameError) as error:
            raise TypeError(f"worker {self.type!r}: parameter {name!r}: {error}") from None
        if isinstance(shape, msgspec.inspect.CustomType):
            raise TypeError(
                f"worker {self.type!r}: parameter {name!r} is of type {shape.cls.__name__}, which no variable can "
                "become; use plain types, a dataclass or a msgspec.Struct"
            )

    def work(self, offer: Offer, resident: Resident) -> Work | None:
        """The call for an offered job; None if its element is gone."""
        state = resident.state
        element = state.elements.get(offer.element)
        if element is None:
            return None
        work = Work(offer.key, offer.token, state.tenant, offer.attempt)
        scope = element
        self._fill(work, lambda name: _value(scope, name), lambda: visible(scope))
        if self._job_name:
            work.arguments[self._job_name] = _job_of(offer, resident, scope)
        return work

    def outside_work(self, answer: Mapping[str, Json], tenant: str) -> Work:
        """The call for a job that the owner of the shard leased to this process."""
        variables = cast("dict[str, Json]", answer["variables"])
        key, token = int(cast("str", answer["key"])), int(cast("str", answer["token"]))
        work = Work(key, token, tenant, cast("int", answer["attempt"]))
        self._fill(work, lambda name: variables.get(name, _ABSENT), lambda: variables)
        if self._job_name:
            work.arguments[self._job_name] = job_from(answer, tenant)
        return work

    def _fill(self, work: Work, lookup: Callable[[str], object], everything: Callable[[], dict[str, Json]]) -> None:
        for parameter in self._parameters:
            value = lookup(parameter.name)
            if value is _ABSENT:
                if parameter.default is inspect.Parameter.empty:
                    work.failure = f"worker {self.type!r} needs the variable {parameter.name!r}, which is not set"
                    return
            elif not self._take(work, parameter.name, value, parameter.type, plain=parameter.plain):
                return
        if not self._everything:
            return
        named = {self._job_name, *(parameter.name for parameter in self._parameters)}
        plain = _is_plain(self._everything_type)
        for name, value in everything().items():
            if name not in named and not self._take(work, name, value, self._everything_type, plain=plain):
                return

    def _take(self, work: Work, name: str, value: object, type: object, *, plain: bool) -> bool:
        """One argument; False with the failure of the work if the value does not fit."""
        try:
            work.arguments[name] = _copied(value) if plain else _converted(value, type)
        except Exception as error:  # whatever a type does when it is made: a failed attempt, not the engine's end
            work.failure = f"worker {self.type!r} cannot take the variable {name!r}: {error}"
            return False
        return True

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
            _LOG.info("worker %r failed at job %s", self.type, work.key, exc_info=True)
            answer = self._failed(work, _told(error))
        except SystemExit as error:
            # In the main thread it may come from a signal handler, and means the program.
            if threading.current_thread() is threading.main_thread():
                raise
            answer = self._failed(work, _told(error))
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
            _LOG.info("worker %r failed at job %s", self.type, work.key, exc_info=True)
            return self._failed(work, _told(error))

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
            code = checked_text("code of a BpmnError", error.code)
            variables = checked_all(error.variables)
        except BadValue as bad:
            return self._failed(work, f"BpmnError {_told(error)[:80]}: {bad}")
        return ThrowJob(work.tenant, work.key, code, told(str(error.message)), variables, work.token)

    def _denied(self, work: Work, denied: Denied) -> AnyRequest:
        reason = told(str(denied.reason))
        pause = self._pause(work)
        return FinishJob(
            work.tenant, work.key, {}, work.token, denied=True, reason=reason, tolerant=True, backoff=pause
        )

    def _failed(self, work: Work, text: str) -> AnyRequest:
        return FailJob(work.tenant, work.key, told(text), work.token, backoff=self._pause(work))

    def _pause(self, work: Work) -> int | None:
        return self.backoff_ms[min(work.attempt, len(self.backoff_ms)) - 1] if self.backoff_ms else None


def variables_of(type: str, result: object) -> dict[str, Json]:
    """A worker's result as variables. What it may take, it may give back: dates, UUIDs, enums, dataclasses, structs.

    Raises `BadValue` when it is no mapping of such values.
    """
    if result is None:
        return {}
    if isinstance(result, Mapping):
        return checked_all(cast("Mapping[str, object]", result))
    if isinstance(result, msgspec.Struct) or hasattr(result, "__dataclass_fields__"):
        # The limit of size is one of each variable.
        return checked_all(cast("Mapping[str, object]", plain("its result", result)))
    if inspect.iscoroutine(result):
        result.close()  # nobody will await it
    raise BadValue(
        f"worker {type!r} returned a {result.__class__.__name__}; it must return a dict of variables, a Struct or "
        "dataclass, or None"
    )


def addressed(job: Job | int, tenant: str) -> tuple[int, int, str]:
    """(key, lease token, tenant) of a job: of a key alone, without a lease, that of the caller."""
    return (job, 0, tenant) if isinstance(job, int) else (job.key, job.token, job.tenant)


def job_from(answer: Mapping[str, Json], tenant: str) -> Job:
    """A job as the answer to `ActivateJobs` describes it."""
    variables = cast("dict[str, Json]", answer["variables"])
    job = Job(int(cast("str", answer["key"])), cast("str", answer["type"]), tenant, variables)
    job.instance = int(cast("str", answer["instance"]))
    job.element = int(cast("str", answer["element"]))
    job.element_id = cast("str", answer["element_id"])
    job.headers = cast("dict[str, str]", answer["headers"])
    job.retries = cast("int", answer["retries"])
    job.attempt = cast("int", answer["attempt"])
    job.idempotency_key = cast("str", answer["idempotency_key"])
    job.token = int(cast("str", answer["token"]))
    return job


def _job_of(offer: Offer, resident: Resident, element: ElementInstance) -> Job:
    job = Job(offer.key, offer.type, resident.state.tenant, visible(element))
    job.instance = offer.instance
    job.element = offer.element
    job.element_id = resident.linked.nodes[offer.node].id
    spec = job_spec(resident, offer)
    if spec is not None:
        job.headers = spec.headers
    job.retries = offer.retries
    job.attempt = offer.attempt
    job.idempotency_key = offer.idempotency_key
    job.token = offer.token
    return job


_ABSENT: Final = object()


def _value(element: ElementInstance, name: str) -> object:
    scope: ElementInstance | None = element
    while scope is not None:
        variables = scope.variables
        if variables is not None and name in variables:
            return variables[name]
        scope = scope.scope
    return _ABSENT


def _written(function: Function) -> Function:
    """The function that somebody wrote: behind `partial`, or the `__call__` of an object."""
    while isinstance(function, functools.partial):
        function = function.func
    return function if inspect.isroutine(function) else cast("Function", type(function).__call__)


def _is_plain(type: object) -> bool:
    """Whether a value is handed over as it is."""
    return any(type is each for each in (inspect.Parameter.empty, Any, object))


def _converted(value: object, type: object) -> object:
    # Decimals and dates travel as JSON numbers and texts; msgspec turns them into what the signature names.
    try:
        return msgspec.convert(_copied(value), cast("Any", type))
    except msgspec.ValidationError:
        # 3.0 is a whole number to whoever drew the process, wherever it stands.
        return msgspec.convert(_whole(value), cast("Any", type))


def _whole(value: object) -> object:
    """A copy in which whole numbers are `int`."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else value
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [_whole(item) for item in cast("list[object]", value)]
    return value


def _copied(value: object) -> Any:
    """A worker may change what it was given; the instance's own values must not change with it."""
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [_copied(item) for item in cast("list[object]", value)]
    return value


def _told(error: BaseException) -> str:
    kind = type(error).__name__
    try:
        text = str(error)
    except Exception as second:  # an exception of the worker's, with a text of the worker's
        return f"{kind}, whose text cannot be read: {type(second).__name__}"
    return text if isinstance(error, ProcessionError | BpmnError) else f"{kind}: {text}"
