"""The kinds of FEEL values (DMN 1.5, 10.3.2.2), their text, and their way back to process variables.

A value is plain Python: None, bool, int, Decimal, str, list, dict, and the temporal types, `Range` and `Function`.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypeGuard, cast, final

import msgspec

from procession.base.values import NESTING_MAX, VARIABLE_BYTES_MAX, encode
from procession.feel.errors import BudgetExceeded
from procession.feel.numbers import number_of, number_text
from procession.feel.temporal import Date, DateTime, DaysTimeDuration, Time, YearsMonthsDuration
from procession.feel.temporal_text import temporal_text
from procession.feel.weight import weight

if TYPE_CHECKING:
    from procession.base.values import Json
    from procession.feel.runtime import Runtime

VALUES_MAX: Final = 1_000_000
_LIGHT: Final = VARIABLE_BYTES_MAX >> 7
"""A value of this weight cannot come near the limit in bytes, so nobody has to write it out to know."""
RangeForm: TypeAlias = Literal["", "<", "<=", ">", ">=", "=", "!="]


@final
class Range(msgspec.Struct, frozen=True):
    """An interval. `form` is the operator of a one-sided one, `(< 10)`, which is not equal to `(null..10)`."""

    start: object
    end: object
    start_included: bool = True
    end_included: bool = True
    form: RangeForm = ""


@final
class Function:
    """A function value. `call(arguments, runtime, at)` gets one argument for each name of `parameters`."""

    __slots__ = ("call", "name", "parameters", "types")

    def __init__(
        self,
        name: str,
        parameters: tuple[str, ...],
        call: Callable[[list[object], Runtime, int], object],
        types: tuple[object, ...] = (),
    ) -> None:
        self.name = name
        self.parameters = parameters
        self.call = call
        self.types = types


KINDS: Final[dict[type, str]] = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    Decimal: "number",
    float: "number",
    str: "string",
    list: "list",
    dict: "context",
    Date: "date",
    Time: "time",
    DateTime: "date and time",
    YearsMonthsDuration: "years and months duration",
    DaysTimeDuration: "days and time duration",
    Range: "range",
    Function: "function",
}
TEMPORAL_TYPES: Final = (Date, Time, DateTime, YearsMonthsDuration, DaysTimeDuration)


def kind_of(value: object) -> str:
    """The kind's name as FEEL writes it; a foreign object is of kind `unknown` and equal to nothing."""
    return KINDS.get(type(value), "unknown")


def is_list(value: object) -> TypeGuard[list[object]]:
    """Whether the value is a FEEL list."""
    return type(value) is list


def is_context(value: object) -> TypeGuard[dict[str, object]]:
    """Whether the value is a FEEL context."""
    return type(value) is dict


def shown(value: object) -> str:
    """The value for a message: its kind, and its text if that is short."""
    kind = kind_of(value)
    if value is None:
        return "null"
    if kind in {"list", "context", "function", "unknown", "range"}:
        return f"a {kind}"
    text = string(value, quoted=True)
    return f"{kind} {text if len(text) <= 40 else text[:37] + '...'}"


def string(value: object, *, quoted: bool = False) -> str:
    """FEEL `string()` (10.3.4.1). `quoted` is how a string looks inside of a list or a context."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' if quoted else value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    number = number_of(value)
    if number is not None:
        return number_text(number)
    if isinstance(value, TEMPORAL_TYPES):
        return f'@"{temporal_text(value)}"' if quoted else temporal_text(value)
    if is_list(value):
        return "[" + ", ".join(string(item, quoted=True) for item in value) + "]"
    if is_context(value):
        return "{" + ", ".join(f"{_key(key)}: {string(item, quoted=True)}" for key, item in value.items()) + "}"
    if isinstance(value, Range):
        return _range_text(value)
    if isinstance(value, Function):
        return f"function({', '.join(value.parameters)})"
    return kind_of(value)


def to_json(value: object) -> Json:
    """The value as a process variable: temporal values as text, ranges as contexts, functions as null.

    Values that are JSON already are returned as they are. Raises `BudgetExceeded` for what no variable may hold: more
    than a million values, nesting over `NESTING_MAX`, a text over `VARIABLE_BYTES_MAX`.
    """
    size = weight(value, VALUES_MAX)
    if size > VALUES_MAX:
        raise BudgetExceeded(f"the result holds more than {VALUES_MAX} values")
    result = _json(value, 0)
    if isinstance(value, str):
        size = len(value) >> 6
    if size > _LIGHT and len(encode(result)) > VARIABLE_BYTES_MAX:
        raise BudgetExceeded(f"the result has more than {VARIABLE_BYTES_MAX} bytes, the limit of a variable")
    return result


def _json(value: object, depth: int) -> Json:
    kind = type(value)
    if kind in _PLAIN:
        return cast("Json", value)
    if depth > NESTING_MAX:
        raise BudgetExceeded(f"the result is nested deeper than {NESTING_MAX}")
    if is_list(value):
        items = [_json(item, depth + 1) for item in value]
        return cast("Json", value) if all(new is old for new, old in zip(items, value, strict=True)) else items
    if is_context(value):
        entries = {key: _json(item, depth + 1) for key, item in value.items()}
        same = all(entries[key] is item for key, item in value.items())
        return cast("Json", value) if same else entries
    if isinstance(value, TEMPORAL_TYPES):
        return temporal_text(value)
    if isinstance(value, Range):
        return {
            "start": _json(value.start, depth + 1),
            "end": _json(value.end, depth + 1),
            "start included": value.start_included,
            "end included": value.end_included,
        }
    return number_of(value)


_PLAIN: Final = frozenset({type(None), bool, int, Decimal, str})


def _key(key: str) -> str:
    return key if key.replace("_", "a").replace(" ", "a").isalnum() else string(key, quoted=True)


def _range_text(value: Range) -> str:
    if value.form:
        bound = value.end if value.form.startswith("<") else value.start
        return f"({value.form} {string(bound, quoted=True)})"
    left, right = "[" if value.start_included else "(", "]" if value.end_included else ")"
    start = "" if value.start is None else string(value.start, quoted=True)
    end = "" if value.end is None else string(value.end, quoted=True)
    return f"{left}{start}..{end}{right}"
