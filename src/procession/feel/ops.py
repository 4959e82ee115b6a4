"""What operators mean (DMN 1.5, 10.3.2): the slow, complete half. Generated code does the common case itself.

Each function takes its operands, the runtime and the place; what has no value is None and a note, never an exception.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import Decimal
from typing import Final, TypeAlias, cast

from procession.feel import numbers, temporal_ops
from procession.feel.numbers import CONTEXT, Number, number_of
from procession.feel.runtime import Runtime
from procession.feel.temporal import DaysTimeDuration, YearsMonthsDuration
from procession.feel.values import (
    KINDS,
    TEMPORAL_TYPES,
    Function,
    Range,
    RangeForm,
    is_context,
    is_list,
    kind_of,
    shown,
)

Operation: TypeAlias = Callable[[object, object, Runtime, int], object]
_EXACT: Final = frozenset({int, Decimal})
_DURATIONS: Final = (YearsMonthsDuration, DaysTimeDuration)
STRING_MAX: Final = 4_000_000
"""Longest string that an expression may make, in characters; the size of the largest variable."""


def add(a: object, b: object, rt: Runtime, at: int) -> object:
    """`a + b`: numbers, strings, temporal values."""
    if type(a) in _EXACT and type(b) in _EXACT:
        return _decimal(CONTEXT.add(cast("Decimal", a), cast("Decimal", b)), "+", rt, at)
    left, right = number_of(a), number_of(b)
    if left is not None and right is not None:
        return _number(numbers.add(left, right), "+", rt, at)
    if isinstance(a, str) and isinstance(b, str):
        return _joined(a, b, rt, at)
    return _temporal(temporal_ops.ADD, "+", (a, b), rt, at)


def subtract(a: object, b: object, rt: Runtime, at: int) -> object:
    """`a - b`: numbers, temporal values."""
    if type(a) in _EXACT and type(b) in _EXACT:
        return _decimal(CONTEXT.subtract(cast("Decimal", a), cast("Decimal", b)), "-", rt, at)
    left, right = number_of(a), number_of(b)
    if left is not None and right is not None:
        return _number(numbers.subtract(left, right), "-", rt, at)
    return _temporal(temporal_ops.SUBTRACT, "-", (a, b), rt, at)


def multiply(a: object, b: object, rt: Runtime, at: int) -> object:
    """`a * b`: numbers; a duration and a number."""
    if type(a) in _EXACT and type(b) in _EXACT:
        return _decimal(CONTEXT.multiply(cast("Decimal", a), cast("Decimal", b)), "*", rt, at)
    left, right = number_of(a), number_of(b)
    if left is not None and right is not None:
        return _number(numbers.multiply(left, right), "*", rt, at)
    if left is not None and isinstance(b, _DURATIONS):
        return _found(temporal_ops.scale(b, left), "*", (a, b), rt, at)
    if right is not None and isinstance(a, _DURATIONS):
        return _found(temporal_ops.scale(a, right), "*", (a, b), rt, at)
    return _mismatch("*", a, b, rt, at)


def divide(a: object, b: object, rt: Runtime, at: int) -> object:
    """`a / b`: numbers; a duration and a number or a duration."""
    left, right = number_of(a), number_of(b)
    if right is not None and right == 0 and (left is not None or isinstance(a, _DURATIONS)):
        rt.note("division-by-zero", "division by zero", at)
        return None
    if left is not None and right is not None:
        return _number(numbers.divide(left, right), "/", rt, at)
    if isinstance(a, _DURATIONS):
        return _found(temporal_ops.divide_duration(a, b if right is None else right), "/", (a, b), rt, at)
    return _mismatch("/", a, b, rt, at)


def power(a: object, b: object, rt: Runtime, at: int) -> object:
    """`a ** b`."""
    left, right = number_of(a), number_of(b)
    if left is None or right is None:
        return _mismatch("**", a, b, rt, at)
    rt.charge(10)
    return _number(numbers.power(left, right), "**", rt, at)


def negate(a: object, rt: Runtime, at: int) -> object:
    """`-a`: a number or a duration."""
    number = number_of(a)
    if number is not None:
        return numbers.negate(number)
    result = temporal_ops.negate_duration(a)
    if result is None:
        rt.note("type", f"{shown(a)} cannot be negated", at)
    return result


def equal(a: object, b: object, rt: Runtime, at: int) -> bool | None:
    """`a = b`: null for values of different kinds, but any value may be compared with null."""
    if a is None or b is None:
        return a is b
    if type(a) is str and type(b) is str:
        return a == b
    rt.weigh(a)
    result = same(a, b)
    if result is None:
        rt.note("type", f"{shown(a)} cannot be compared with {shown(b)}", at)
    return result


def unequal(a: object, b: object, rt: Runtime, at: int) -> bool | None:
    """`a != b`."""
    result = equal(a, b, rt, at)
    return None if result is None else not result


def same(a: object, b: object) -> bool | None:
    """Equality without notes; None for values of different kinds."""
    kind = KINDS.get(type(a))
    if kind is None or kind != KINDS.get(type(b)):
        return None
    if is_list(a) and is_list(b):
        return len(a) == len(b) and all(same_item(x, y) for x, y in zip(a, b, strict=True))
    if is_context(a) and is_context(b):
        return a.keys() == b.keys() and all(same_item(value, b[key]) for key, value in a.items())
    if isinstance(a, TEMPORAL_TYPES):
        return temporal_ops.equal(a, b)
    if isinstance(a, Range) and isinstance(b, Range):
        flags = (a.start_included, a.end_included, a.form) == (b.start_included, b.end_included, b.form)
        return flags and same_item(a.start, b.start) and same_item(a.end, b.end)
    if kind == "number":
        return number_of(a) == number_of(b)
    return a is b if isinstance(a, Function) else a == b


def same_item(a: object, b: object) -> bool:
    """Equality as lists use it: values of different kinds are not equal."""
    if a is None or b is None:
        return a is b
    return same(a, b) is True


def less(a: object, b: object, rt: Runtime, at: int) -> bool | None:
    """`a < b`."""
    return _ordered(operator.lt, a, b, rt, at)


def less_equal(a: object, b: object, rt: Runtime, at: int) -> bool | None:
    """`a <= b`."""
    return _ordered(operator.le, a, b, rt, at)


def greater(a: object, b: object, rt: Runtime, at: int) -> bool | None:
    """`a > b`."""
    return _ordered(operator.gt, a, b, rt, at)


def greater_equal(a: object, b: object, rt: Runtime, at: int) -> bool | None:
    """`a >= b`."""
    return _ordered(operator.ge, a, b, rt, at)


def compare(a: object, b: object) -> int | None:
    """-1, 0 or 1 for two values of one ordered kind, else None. Makes no notes."""
    left, right = number_of(a), number_of(b)
    if left is not None and right is not None:
        return (left > right) - (left < right)
    if isinstance(a, str) and isinstance(b, str):
        return (a > b) - (a < b)
    if type(a) is type(b) and temporal_ops.comparable(a, b):
        first, second = temporal_ops.order_key(a), temporal_ops.order_key(b)
        if first is not None and second is not None:
            return (first > second) - (first < second)
    return None


def conjunction(a: object, b: object, rt: Runtime, at: int) -> bool | None:
    """`a and b` (table 50): false if one is false, true if both are true, else null."""
    if a is False or b is False:
        return False
    if a is True and b is True:
        return True
    return _no_truth("and", a, b, rt, at)


def disjunction(a: object, b: object, rt: Runtime, at: int) -> bool | None:
    """`a or b`: true if one is true, false if both are false, else null."""
    if a is True or b is True:
        return True
    if a is False and b is False:
        return False
    return _no_truth("or", a, b, rt, at)


def between(value: object, low: object, high: object, rt: Runtime, at: int) -> bool | None:
    """`value between low and high`, both included."""
    return conjunction(greater_equal(value, low, rt, at), less_equal(value, high, rt, at), rt, at)


def condition(value: object, rt: Runtime, at: int) -> None:
    """Notes an `if` condition that is neither true nor false."""
    if value is not None and type(value) is not bool:
        rt.note("type", f"a condition must be true or false, not {shown(value)}", at)


def unary_test(value: object, test: object, rt: Runtime, at: int) -> bool | None:
    """`value in test` for a test without operator: equal to it, in its list, or in its range (table 55)."""
    if isinstance(test, Range):
        return in_range(value, test, rt, at)
    if is_list(test):
        rt.charge(len(test))
        rt.weigh(value, len(test) + 1)
        if any(_member(value, item) for item in test):
            return True
        return same(value, test) is True
    if value is None or test is None:
        return value is test
    result = same(value, test)
    if result is None:
        rt.note("type", f"{shown(value)} cannot be compared with {shown(test)}", at)
    return result


def _member(value: object, item: object) -> bool:
    if isinstance(item, Range) and not isinstance(value, Range):
        return contains(item, value) is True
    return same_item(value, item)


def in_range(value: object, interval: Range, rt: Runtime, at: int) -> bool | None:
    """Whether a value lies in an interval; null if it cannot be compared with its ends."""
    if isinstance(value, Range):
        return same(value, interval)
    result = contains(interval, value)
    if result is None:
        rt.note("type", f"{shown(value)} cannot be compared with the ends of the range", at)
    return result


def contains(interval: Range, value: object) -> bool | None:
    """Whether the interval contains the value, without notes."""
    if interval.form in {"=", "!="}:
        equal_to = same(interval.start, value) if value is not None else interval.start is None
        return equal_to if interval.form == "=" or equal_to is None else not equal_to
    above: bool | None = True
    below: bool | None = True
    if not interval.form.startswith("<"):
        order = compare(value, interval.start)
        above = None if order is None else order > 0 or (order == 0 and interval.start_included)
    if not interval.form.startswith(">"):
        order = compare(value, interval.end)
        below = None if order is None else order < 0 or (order == 0 and interval.end_included)
    if above is None or below is None:
        return None
    return above and below


def _decimal(result: Decimal, symbol: str, rt: Runtime, at: int) -> Number | None:
    return result if result.is_finite() else _number(None, symbol, rt, at)


def _number(result: Number | None, symbol: str, rt: Runtime, at: int) -> Number | None:
    if result is None:
        rt.note("number", f"the result of `{symbol}` is no number", at)
    return result


def _joined(a: str, b: str, rt: Runtime, at: int) -> str | None:
    size = len(a) + len(b)
    rt.charge(1 + (size >> 6))
    if size > STRING_MAX:
        rt.note("size", f"the string would be longer than {STRING_MAX} characters", at)
        return None
    return a + b


def _temporal(
    table: dict[tuple[type, type], Callable[..., object]],
    symbol: str,
    operands: tuple[object, object],
    rt: Runtime,
    at: int,
) -> object:
    a, b = operands
    operation = table.get((type(a), type(b)))
    if operation is None:
        return _mismatch(symbol, a, b, rt, at)
    return _found(operation(a, b), symbol, operands, rt, at)


def _found(result: object, symbol: str, operands: tuple[object, object], rt: Runtime, at: int) -> object:
    if result is None:
        return _mismatch(symbol, operands[0], operands[1], rt, at)
    return result


def _mismatch(symbol: str, a: object, b: object, rt: Runtime, at: int) -> object:
    code = "null" if a is None or b is None else "type"
    rt.note(code, f"`{symbol}` has no result for {shown(a)} and {shown(b)}", at)
    return None


def _ordered(test: Callable[[int, int], bool], a: object, b: object, rt: Runtime, at: int) -> bool | None:
    order = compare(a, b)
    if order is None:
        code = "null" if a is None or b is None else "type"
        rt.note(code, f"{shown(a)} and {shown(b)} have no order", at)
        return None
    return test(order, 0)


def _no_truth(word: str, a: object, b: object, rt: Runtime, at: int) -> bool | None:
    for value in (a, b):
        if value is not None and type(value) is not bool:
            rt.note("type", f"`{word}` needs true or false, not {shown(value)}", at)
    return None


def make_range(low: object, high: object, flags: tuple[bool, bool, str], rt: Runtime, at: int) -> Range | None:
    """A range value; its ends must have an order. An end that is null leaves it open."""
    low_included, high_included, form = flags
    if form:
        start = None if form.startswith("<") else low
        end = None if form.startswith(">") else low
        return Range(start, end, low_included, high_included, cast("RangeForm", form))
    if low is not None and high is not None:
        order = compare(low, high)
        if order is None or order > 0:
            rt.note("range", f"there is no range from {shown(low)} to {shown(high)}", at)
            return None
    for end in (low, high):
        if end is not None and kind_of(end) in {"boolean", "list", "context", "function", "range", "unknown"}:
            rt.note("range", f"{shown(end)} cannot be the end of a range", at)
            return None
    return Range(low, high, low_included and low is not None, high_included and high is not None)
