"""FEEL as a library of its own: text and plain Python values in, a value and the reasons of its nulls out.

The engine does not come this way: it compiles once and calls `Expression.function`. No grammar and no operators here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal
from math import isfinite
from typing import Final, NamedTuple, cast

from procession.base.failure import BadValue
from procession.base.values import NESTING_MAX
from procession.feel.builtins import BUILTINS, Dialect
from procession.feel.compiler import Expression, compile_expression, compile_unary_tests
from procession.feel.errors import Note
from procession.feel.lexer import is_regular
from procession.feel.runtime import Runtime
from procession.feel.temporal import DaysTimeDuration
from procession.feel.temporal_text import parse_date, parse_date_time, parse_time
from procession.feel.values import KINDS


class Outcome(NamedTuple):
    """What an expression gave: its value, and why parts of it are null."""

    value: object
    diagnostics: tuple[Note, ...]


def evaluate(
    text: str,
    context: Mapping[str, object] | None = None,
    *,
    runtime: Runtime | None = None,
    dialect: Dialect = "feel",
) -> object:
    """The value of an expression (DMN 1.5, 10.3.2); null where it cannot be computed (10.3.2.13).

    `context` maps names, spaces allowed, to values of Python: numbers (a float is read as it prints), text, booleans,
    dates, times, timedeltas, lists, mappings, values of FEEL. `runtime` has the clock (Unix ms), the zone, the budget.
    Gives None, bool, int, Decimal, str, list, dict or a type of this package. Raises `FeelSyntaxError` for a text that
    is no FEEL, `BadValue` for a float that is no number, `BudgetExceeded` when the budget is spent.
    """
    return evaluate_full(text, context, runtime=runtime, dialect=dialect).value


def evaluate_full(
    text: str,
    context: Mapping[str, object] | None = None,
    *,
    runtime: Runtime | None = None,
    dialect: Dialect = "feel",
) -> Outcome:
    """As `evaluate`, with the diagnostics: for each part that became null the code, the reason and its place."""
    scope = from_python(context or {})
    return _run(compile_expression(text, names=names_of(scope), dialect=dialect), scope, runtime)


def compile(text: str, *, names: Iterable[str] = (), dialect: Dialect = "feel") -> Expression:
    """The compiled expression, for many evaluations. `names` are those in scope that hold spaces or operators.

    Kept by text: compiling the same again costs a look-up. Raises `FeelSyntaxError`.
    """
    return compile_expression(text, names=names, dialect=dialect)


def unary_tests(
    text: str,
    value: object,
    context: Mapping[str, object] | None = None,
    *,
    runtime: Runtime | None = None,
    dialect: Dialect = "feel",
) -> Outcome:
    """Whether a value passes the tests of a decision table's cell (DMN 1.5, 10.3.1.2 rule 15; table 55).

    `value` is `?` in the text; the outcome's value is true, false, or None where it cannot be decided. Raises as
    `evaluate` does.
    """
    scope = {**from_python(context or {}), "?": _value(value, 0)}
    return _run(compile_unary_tests(text, names=names_of(scope), dialect=dialect), scope, runtime)


def _run(expression: Expression, scope: dict[str, object], runtime: Runtime | None) -> Outcome:
    rt = runtime or Runtime()
    before = len(rt.notes)
    value = expression.evaluate(scope, rt)
    return Outcome(value, tuple(rt.notes[before:]))


def from_python(context: Mapping[str, object]) -> dict[str, object]:
    """The values of a mapping as FEEL has them. An object of another kind stays: it is equal to nothing (10.3.2.2).

    Deeper than `NESTING_MAX` values are taken as they are. Raises `BadValue` for a float that is no number.
    """
    return {str(name): _value(value, 0) for name, value in context.items()}


def names_of(scope: Mapping[str, object]) -> tuple[str, ...]:
    """The names in a scope, and in the contexts in it, that a parser has to be told: they hold spaces or operators."""
    found: dict[str, None] = {}
    waiting: list[tuple[object, int]] = [(scope, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > NESTING_MAX:
            continue
        if isinstance(value, Mapping):
            entries = cast("Mapping[str, object]", value)
            found.update((name, None) for name in entries if name != "?" and not is_regular(name))
            waiting.extend((each, depth + 1) for each in entries.values())
        elif isinstance(value, list):
            waiting.extend((each, depth + 1) for each in cast("list[object]", value))
    return tuple(sorted(found))


def builtin_names(dialect: Dialect = "feel") -> tuple[str, ...]:
    """The names of the built-in functions (10.3.4), in alphabetical order."""
    return tuple(sorted(BUILTINS[dialect]))


def pointed(text: str, note: Note) -> str:
    """A note as people read it: code, reason, line and column (from 1), the line, and the part of it, underlined."""
    start = min(note.start, len(text))
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", start)
    line = text[line_start : line_end if line_end >= 0 else len(text)]
    column = start - line_start
    left = max(0, column - _AROUND)
    shown = line[left : column + _AROUND].replace("\t", " ")
    width = max(1, min(note.end - start, len(line) - column, _AROUND))
    place = f"line {text.count(chr(10), 0, start) + 1}, column {column + 1}"
    return f"{note.code}: {note.message} ({place})\n  {shown}\n  {' ' * (column - left)}{'^' * width}"


_AROUND: Final = 60


def _value(value: object, depth: int) -> object:
    kind = type(value)
    if depth > NESTING_MAX:
        return value
    if kind is float:
        number = cast("float", value)
        if not isfinite(number):
            raise BadValue(f"{number!r} is no number that FEEL has")
        return Decimal(repr(number))
    if kind is list or kind is tuple:
        return [_value(item, depth + 1) for item in cast("list[object]", value)]
    if isinstance(value, Mapping):
        entries = cast("Mapping[object, object]", value)
        return {str(key): _value(item, depth + 1) for key, item in entries.items()}
    return value if kind in KINDS else _temporal(value)


def _temporal(value: object) -> object:
    """A date, time or duration of Python as FEEL's; what is none of them stays what it is: of no kind."""
    if isinstance(value, dt.datetime):
        return parse_date_time(value.isoformat())
    if isinstance(value, dt.date):
        return parse_date(value.isoformat())
    if isinstance(value, dt.time):
        return parse_time(value.isoformat())
    if isinstance(value, dt.timedelta):
        return DaysTimeDuration((value.days * 86_400 + value.seconds) * 10**9 + value.microseconds * 1000)
    return value
