"""Arguments and results: how variables become the keyword arguments of a Celery task, and its result variables."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Final, cast

from procession.base.failure import BadValue
from procession.base.signature import variables_of
from procession.base.values import Json
from procession.runtime.courier import Parcel

KWARGS: Final = "kwargs"
"""The header of a job in the model that names the variables which are given to its task."""
RESULT: Final = "result"
"""The header that names the variable which takes the whole result, whatever it is. Without it a dict is variables, and
anything else but None the variable of this name."""
_NAMED: Final = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def arguments(parcel: Parcel, function: Callable[..., Any] | None) -> dict[str, object]:
    """The keyword arguments of a job's task; `function` is what it calls, where this process knows that.

    Those that the header `kwargs` names; else those that the function takes by name, and all that are visible if it
    takes any; else what the input mappings made for the element; else all that are visible.
    """
    variables = cast("Mapping[str, Json]", parcel.job["variables"])
    headers = cast("Mapping[str, str]", parcel.job["headers"])
    names: list[str] | None = None
    if KWARGS in headers:
        names = [name.strip() for name in headers[KWARGS].split(",") if name.strip()]
    elif function is not None:
        names = _parameters(function)
    elif parcel.own:
        names = list(parcel.own)
    chosen = variables if names is None else {name: variables[name] for name in names if name in variables}
    return {name: plain(value) for name, value in chosen.items()}


def results(type: str, headers: Mapping[str, str], result: object) -> dict[str, Json]:
    """The variables that a task's result is. Raises `BadValue` for what no variable can hold."""
    if headers.get(RESULT):
        return variables_of(type, {headers[RESULT]: result})
    if result is None:
        return {}
    if isinstance(result, Mapping):
        return variables_of(type, cast("Mapping[str, object]", result))
    return variables_of(type, {RESULT: result})


def plain(value: object) -> object:
    """A value as serializers of Celery take it: a number that a float holds exactly is one."""
    if isinstance(value, Decimal):
        found = float(value)
        return found if Decimal(repr(found)) == value else value
    if isinstance(value, dict):
        return {name: plain(each) for name, each in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [plain(each) for each in cast("list[object]", value)]
    return value


@cache
def _parameters(function: Callable[..., Any]) -> list[str] | None:
    """The names that a function takes; None for any."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(each.kind is inspect.Parameter.VAR_KEYWORD for each in found):
        return None
    return [each.name for each in found if each.kind in _NAMED]


def headers_of(header: object) -> Mapping[str, str]:
    """The headers of the job in the model, as the message has them. Raises `BadValue` for a message without a job."""
    headers = cast("Mapping[str, object]", header).get("headers") if isinstance(header, Mapping) else None
    if not isinstance(headers, Mapping):
        raise BadValue("the message names no job")
    return cast("Mapping[str, str]", headers)
