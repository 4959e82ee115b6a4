"""Workers: Python functions that do the jobs of a type. Arguments by variable name, typed, decoded by msgspec.

What must not live here: threads, leases, and the store. A worker's answer is a request like any other.
"""

from __future__ import annotations

import inspect
import time
import typing
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias, cast, final

import msgspec

from procession.base.failure import BadValue, ProcessionError
from procession.base.values import Json, checked_all
from procession.core.state import ElementInstance
from procession.core.variables import visible
from procession.hosts.embedded.board import Offer
from procession.hosts.embedded.handlers import can_deny, job_spec
from procession.hosts.embedded.residents import Resident
from procession.runtime.requests import AnyRequest, FailJob, FinishJob, ThrowJob

Function: TypeAlias = Callable[..., object]

TIMEOUT_S: Final = 300.0
"""How long a worker may take before its job is given to another one."""


class BpmnError(Exception):
    """Raise it in a worker for an error of the business: the process catches `code`, or an incident shows it."""

    def __init__(self, code: str, message: str = "", variables: Mapping[str, object] | None = None) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.message = message
        self.variables = dict(variables or {})


@final
class Denied(Exception):
    """Raise it in the worker of a task listener: the user task stays as it was, and is not assigned, updated or
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

    __slots__ = ("arguments", "attempt", "can_deny", "failure", "key", "tenant", "token")

    def __init__(self, key: int, token: int, tenant: str, attempt: int) -> None:
        self.key = key
        self.token = token
        self.tenant = tenant
        self.attempt = attempt
        self.arguments: dict[str, object] = {}
        self.can_deny = False
        self.failure = ""


@final
class _Parameter:
    __slots__ = ("default", "name", "plain", "type")

    def __init__(self, name: str, type: object, default: object) -> None:
        self.name = name
        self.type = type
        self.default = default
        self.plain = any(type is each for each in (inspect.Parameter.empty, Any, object))


@final
class Worker:
    """A function that is registered for a job type. `backoff_s` are the pauses after failed attempts."""

    __slots__ = (
        "_everything",
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
        """Raises `TypeError` for a signature that no variables can fill."""
        self.type = type
        self.function = function
        self.max_jobs = max_jobs
        self.timeout_ms = max(1, int(timeout_s * 1000))
        self.backoff_ms = tuple(int(pause * 1000) for pause in backoff_s)
        self.asynchronous = inspect.iscoroutinefunction(function)
        self.mean_s = 0.0
        """How long a call takes, smoothed: short ones are done several at a time."""
        self._job_name = ""
        self._everything = False
        self._parameters = self._read_signature(function)

    def _read_signature(self, function: Function) -> tuple[_Parameter, ...]:
        try:
            hints = typing.get_type_hints(function)
        except NameError as error:
            text = f"worker {self.type!r}: its annotations name what is not there when it runs: {error}"
            raise TypeError(f"{text}; import the type outside of `if TYPE_CHECKING`, at the module's top") from error
        found: list[_Parameter] = []
        for name, parameter in inspect.signature(function).parameters.items():
            kind = parameter.kind
            hint = hints.get(name, parameter.empty)
            if kind is parameter.VAR_KEYWORD:
                self._everything = True
            elif kind in {parameter.VAR_POSITIONAL, parameter.POSITIONAL_ONLY}:
                raise TypeError(f"worker {self.type!r}: parameter {name!r} has no name that a variable could have")
            elif hint is Job or (name == "job" and hint is parameter.empty):
                self._job_name = name
            else:
                found.append(_Parameter(name, hint, parameter.default))
        return tuple(found)

    def work(self, offer: Offer, resident: Resident) -> Work | None:
        """The call for an offered job; None if its element is gone."""
        state = resident.state
        element = state.elements.get(offer.element)
        if element is None:
            return None
        work = Work(offer.key, offer.token, state.tenant, offer.attempt)
        work.can_deny = offer.listener >= 0 and can_deny(resident, offer)
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
        work.can_deny = answer.get("can_deny") is True
        self._fill(work, lambda name: variables.get(name, _ABSENT), lambda: variables)
        if self._job_name:
            work.arguments[self._job_name] = job_from(answer, tenant)
        return work

    def _fill(self, work: Work, lookup: Callable[[str], object], everything: Callable[[], dict[str, Json]]) -> None:
        arguments = work.arguments
        for parameter in self._parameters:
            value = lookup(parameter.name)
            if value is _ABSENT:
                if parameter.default is inspect.Parameter.empty:
                    work.failure = f"worker {self.type!r} needs the variable {parameter.name!r}, which is not set"
                    return
                continue
            try:
                arguments[parameter.name] = _copied(value) if parameter.plain else _converted(value, parameter.type)
            except Exception as error:
                # Converting runs code of the application: its classes and the names in their annotations.
                text = str(error) if isinstance(error, ValueError) else _told(error)
                work.failure = f"worker {self.type!r} cannot take the variable {parameter.name!r}: {text}"
                return
        if self._everything:
            for name, value in everything().items():
                if name not in arguments and name != self._job_name:
                    arguments[name] = _copied(value)

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
        except Exception as error:  # as in `call`
            return self._failed(work, _told(error))

    def _took(self, seconds: float) -> None:
        self.mean_s += (seconds - self.mean_s) * 0.2

    def _finished(self, work: Work, result: object) -> AnyRequest:
        return FinishJob(work.tenant, work.key, variables_of(self.type, result), work.token)

    def _threw(self, work: Work, error: BpmnError) -> AnyRequest:
        try:
            variables = checked_all(error.variables)
        except BadValue as bad:
            return self._failed(work, f"the variables of {error}: {bad}")
        return ThrowJob(work.tenant, work.key, error.code, error.message, variables, work.token)

    def _denied(self, work: Work, denied: Denied) -> AnyRequest:
        if not work.can_deny:
            return self._failed(work, f"nothing can be denied here: {denied.reason}")
        return FinishJob(work.tenant, work.key, {}, work.token, denied=True, reason=denied.reason)

    def _failed(self, work: Work, text: str) -> AnyRequest:
        pause: int | None = None
        if self.backoff_ms:
            pause = self.backoff_ms[min(work.attempt, len(self.backoff_ms)) - 1]
        return FailJob(work.tenant, work.key, text, work.token, backoff=pause)


def variables_of(type: str, result: object) -> dict[str, Json]:
    """A worker's result as variables. What it may take, it may give back: dates, UUIDs, enums, dataclasses, structs.

    Raises `BadValue` when it is no mapping of such values.
    """
    if result is None:
        return {}
    if not isinstance(result, Mapping):
        if not isinstance(result, msgspec.Struct) and not hasattr(result, "__dataclass_fields__"):
            kind = result.__class__.__name__
            raise BadValue(f"worker {type!r} returned a {kind}; it must return a dict of variables, or None")
        result = _plain(result)
    variables = cast("Mapping[str, object]", result)
    try:
        return checked_all(variables)
    except BadValue as bad:
        try:
            plain = _plain(dict(variables))
        except (TypeError, ValueError, RecursionError):
            raise bad from None
        return checked_all(cast("Mapping[str, object]", plain))


def _plain(value: object) -> object:
    return msgspec.to_builtins(value, builtin_types=(Decimal,))


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


def _converted(value: object, type: object) -> object:
    # Decimals and dates travel as JSON numbers and texts; msgspec turns them into what the signature names.
    try:
        return msgspec.convert(_copied(value), cast("Any", type))
    except msgspec.ValidationError:
        if isinstance(value, Decimal) and value == value.to_integral_value():
            # 3.0 is a whole number to whoever drew the process.
            return msgspec.convert(int(value), cast("Any", type))
        raise


def _copied(value: object) -> Any:
    """A worker may change what it was given; the instance's own values must not change with it."""
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [_copied(item) for item in cast("list[object]", value)]
    return value


def _told(error: BaseException) -> str:
    if isinstance(error, ProcessionError):
        return str(error)
    return f"{type(error).__name__}: {error}"
