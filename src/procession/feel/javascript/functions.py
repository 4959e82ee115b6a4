"""The built-in functions that the browser has: one row each, from the name in FEEL to that in the runtime.

The signatures stand on both sides, as `clients/player/src/feel/builtins.ts` needs them to convert what it gets; a test
holds them together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from procession.feel.builtins import BUILTINS, Dialect
from procession.feel.builtins.table import Parameter

_SAME: Final = (
    # conversions
    "number", "string", "not", "is",
    # texts
    "substring", "string length", "upper case", "lower case", "substring before", "substring after", "contains",
    "starts with", "ends with", "string join",
    # numbers
    "floor", "ceiling", "round up", "round down", "round half up", "round half down", "decimal", "abs", "modulo",
    "sqrt", "odd", "even",
    # lists
    "count", "min", "max", "sum", "mean", "product", "median", "mode", "all", "any", "list contains", "sublist",
    "append", "concatenate", "insert before", "remove", "list replace", "reverse", "index of", "union",
    "distinct values", "flatten", "sort",
    # contexts
    "get value", "get entries", "context", "context put", "context merge",
    # dates and durations
    "date", "time", "date and time", "duration", "years and months duration", "day of year", "day of week",
    "month of year", "week of year",
)  # fmt: skip
_CAMUNDA: Final = (
    "is empty", "is blank", "is defined", "get or else", "assert", "trim", "last day of month", "partition",
    "duplicate values", "and", "or", "put", "put all",
)  # fmt: skip
_MARKED: Final = (
    "abs", "round up", "round down", "round half up", "round half down", "context", "get value", "context put",
    "get entries", "string join", "decimal", "date and time",
)  # fmt: skip
"""Camunda's, of a name that the specification has with another meaning or other parameters."""

FUNCTIONS: Final[Mapping[Dialect, Mapping[str, str]]] = {
    "feel": {name: name for name in _SAME},
    "camunda": {
        **{name: name for name in (*_SAME, *_CAMUNDA)},
        **{name: f"{name}!" for name in _MARKED},
    },
}
PATTERNS: Final = frozenset({"matches", "replace", "split"})
"""Functions with a regular expression. It is translated here, so it has to be a literal."""
ZONED: Final = frozenset({"time", "date and time"})
"""Functions that read texts which may name a time zone, and zones are the server's."""
CLOCK: Final = frozenset({"now", "today"})
"""Functions whose value the page has to be given."""

_LETTERS: Final = {
    "null": "0", "boolean": "b", "number": "n", "string": "s", "list": "l", "context": "c", "date": "d", "time": "t",
    "date and time": "m", "years and months duration": "y", "days and time duration": "p", "range": "r",
    "function": "f", "any": "*",
}  # fmt: skip


def signatures() -> dict[str, list[str]]:
    """What the runtime's table has to hold: the signatures of each function, in its letters."""
    return {
        runtime: [_signature(overload.parameters) for overload in BUILTINS[dialect][name]]
        for dialect, rows in FUNCTIONS.items()
        for name, runtime in rows.items()
    }


def _signature(parameters: Iterable[Parameter]) -> str:
    words: list[str] = []
    for parameter in parameters:
        letters = "".join(_LETTERS[kind] for kind in parameter.kinds)
        rest = ("~" if parameter.optional else "+") if parameter.rest else ""
        words.append(letters + (rest or ("?" if parameter.optional else "")))
    return " ".join(words)
