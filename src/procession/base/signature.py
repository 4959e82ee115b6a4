"""How a worker's function takes the variables of a job: by name, typed, decoded by msgspec. And what it gives back.

What must not live here: calling the function, and the job itself.
"""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final, cast, final

import msgspec

from procession.base.decoding import known
from procession.base.failure import BadValue
from procession.base.job import BpmnError, Function, Job, error_text
from procession.base.values import Json, Variables, checked_all, checked_text, copied, plain, told

ABSENT: Final = object()
"""What a look-up gives for a variable that is not set."""


@final
class _Parameter:
    __slots__ = ("default", "name", "plain", "type")

    def __init__(self, name: str, type: object, default: object) -> None:
        self.name = name
        self.type = type
        self.default = default
        self.plain = _is_plain(type)


@final
class Signature:
    """Of a function that does the jobs of a type. Raises `TypeError` for one that no variables can fill."""

    __slots__ = ("_everything", "_everything_type", "_parameters", "asynchronous", "job_name", "type")

    def __init__(self, type: str, function: Function) -> None:
        self.type = type
        self.asynchronous = inspect.iscoroutinefunction(_written(function))
        self.job_name = ""
        """The parameter that takes the `Job`; "" for none."""
        self._everything = False
        self._everything_type: object = inspect.Parameter.empty
        self._parameters = self._read_signature(function)

    @property
    def names(self) -> tuple[str, ...] | None:
        """The variables that it takes; None for all."""
        if self._everything or self.job_name:
            return None
        return tuple(parameter.name for parameter in self._parameters)

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
                self.job_name = name
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

    def fill(
        self,
        arguments: dict[str, object],
        lookup: Callable[[str], object],
        everything: Callable[[], dict[str, Json]],
    ) -> str:
        """Fills in the arguments of a call; gives why it cannot be called, "" if it can."""
        for parameter in self._parameters:
            value = lookup(parameter.name)
            if value is ABSENT:
                if parameter.default is inspect.Parameter.empty:
                    return f"worker {self.type!r} needs the variable {parameter.name!r}, which is not set"
            elif failure := self._take(arguments, parameter.name, value, parameter.type, plain=parameter.plain):
                return failure
        if not self._everything:
            return ""
        named = {self.job_name, *(parameter.name for parameter in self._parameters)}
        plain = _is_plain(self._everything_type)
        for name, value in everything().items():
            if name not in named and (
                failure := self._take(arguments, name, value, self._everything_type, plain=plain)
            ):
                return failure
        return ""

    def _take(self, arguments: dict[str, object], name: str, value: object, type: object, *, plain: bool) -> str:
        """One argument; why the value does not fit, "" if it does."""
        try:
            arguments[name] = copied(value) if plain else _converted(value, type)
        except Exception as error:  # whatever a type does when it is made: a failed attempt, not the engine's end
            return f"worker {self.type!r} cannot take the variable {name!r}: {error}"
        return ""


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


def thrown(error: BpmnError) -> tuple[str, str, Variables]:
    """(code, message, variables) of what a worker threw. Raises `BadValue` when no process can be told of it."""
    try:
        code = checked_text("code of a BpmnError", error.code)
        variables = checked_all(error.variables)
    except BadValue as bad:
        raise BadValue(f"BpmnError {error_text(error)[:80]}: {bad}") from None
    return code, told(str(error.message)), variables


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
        return msgspec.convert(copied(value), known(cast("Any", type)))
    except msgspec.ValidationError:
        # 3.0 is a whole number to whoever drew the process, wherever it stands.
        return msgspec.convert(_whole(value), known(cast("Any", type)))


def _whole(value: object) -> object:
    """A copy in which whole numbers are `int`."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else value
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [_whole(item) for item in cast("list[object]", value)]
    return value
