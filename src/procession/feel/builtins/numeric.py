"""Numeric built-ins (DMN 1.5, 10.3.4.5). Results are `int` where they are whole."""

from __future__ import annotations

from collections.abc import Callable
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Decimal,
)
from typing import Final

from procession.feel.builtins.table import declare
from procession.feel.errors import DomainError
from procession.feel.numbers import CONTEXT, INT_BOUND, Number, decimal_of, normal, whole
from procession.feel.temporal import DaysTimeDuration, YearsMonthsDuration

SCALE_MIN: Final = -6111
SCALE_MAX: Final = 6176


def rounded(value: Number, scale: Number, mode: str) -> Number:
    """The number with `scale` digits after the point; a negative scale rounds to tens, hundreds and so on."""
    places = whole(scale)
    if places is None:
        places = int(decimal_of(scale).to_integral_value(ROUND_DOWN))
    if not SCALE_MIN <= places <= SCALE_MAX:
        raise DomainError(f"the scale must be between {SCALE_MIN} and {SCALE_MAX}")
    if type(value) is int and places >= 0:
        return value
    exact = decimal_of(value)
    exponent = exact.as_tuple().exponent
    if isinstance(exponent, int) and -exponent <= places:
        return value
    # Quantize needs room for all digits; where the digits run out, the number is far below the rounding place.
    unit = Decimal((0, (1,), -places))
    if exact.adjusted() + 1 < -places:
        return 0 if mode in {ROUND_DOWN, ROUND_HALF_UP, ROUND_HALF_DOWN, ROUND_HALF_EVEN} else _away(exact, unit, mode)
    result = normal(exact.quantize(unit, rounding=mode, context=CONTEXT))
    if result is None:
        raise DomainError("the rounded number has more than 34 digits")
    return result


def _away(value: Decimal, unit: Decimal, mode: str) -> Number:
    if value == 0 or (mode == ROUND_CEILING and value < 0) or (mode == ROUND_FLOOR and value > 0):
        return 0
    result = normal(CONTEXT.plus(unit.copy_sign(value)))
    if result is None:
        raise DomainError("the rounded number is too large")
    return result


def rounding(mode: str) -> Callable[..., Number]:
    """The function that rounds by a mode."""

    def call(value: Number, scale: Number = 0) -> Number:
        return rounded(value, scale, mode)

    return call


def absolute(value: object) -> object:
    """`abs(n)`, of a number or a duration."""
    match value:
        case YearsMonthsDuration():
            return YearsMonthsDuration(abs(value.months))
        case DaysTimeDuration():
            return DaysTimeDuration(abs(value.ns))
        case int():
            return abs(value)
        case Decimal():
            return CONTEXT.abs(value)
        case _:
            raise DomainError("a number or a duration is needed")


def modulo(dividend: Number, divisor: Number) -> Number:
    """`modulo`: the sign is the divisor's."""
    if divisor == 0:
        raise DomainError("division by zero", "division-by-zero")
    if type(dividend) is int and type(divisor) is int:
        return dividend % divisor
    # Exact: the quotient may have more digits than a number has, and would take the remainder with it.
    (a, a_exponent), (b, b_exponent) = _scaled(dividend), _scaled(divisor)
    exponent = min(a_exponent, b_exponent)
    rest = a * 10 ** (a_exponent - exponent) % (b * 10 ** (b_exponent - exponent))
    return _result(CONTEXT.scaleb(CONTEXT.create_decimal(rest), exponent))


def _scaled(value: Number) -> tuple[int, int]:
    """The number as an integer and the power of ten that it is multiplied by."""
    sign, digits, exponent = decimal_of(value).as_tuple()
    assert isinstance(exponent, int)
    whole_digits = int("".join(map(str, digits)))
    return -whole_digits if sign else whole_digits, exponent


def square_root(number: Number) -> Number:
    """`sqrt`."""
    if number < 0:
        raise DomainError("a negative number has no square root")
    return _result(CONTEXT.sqrt(decimal_of(number)))


def logarithm(number: Number) -> Number:
    """`log`: the natural one."""
    if number <= 0:
        raise DomainError("only positive numbers have a logarithm")
    return _result(CONTEXT.ln(decimal_of(number)))


def exponential(number: Number) -> Number:
    """`exp`: e to the power."""
    return _result(CONTEXT.exp(decimal_of(number)))


def _result(value: Decimal) -> Number:
    result = normal(value)
    if result is None:
        raise DomainError("the result is no number")
    return result


def is_odd(number: Number) -> bool:
    """`odd`."""
    value = whole(number)
    return value is not None and value % 2 == 1


def is_even(number: Number) -> bool:
    """`even`."""
    value = whole(number)
    # What is too large for an `int` here ends in zeros.
    return not -INT_BOUND < number < INT_BOUND if value is None else value % 2 == 0


def decimal(number: Number, scale: Number) -> Number:
    """`decimal(n, scale)`: half to even."""
    return rounded(number, scale, ROUND_HALF_EVEN)


MODES: Final = {
    "floor": ROUND_FLOOR,
    "ceiling": ROUND_CEILING,
    "round up": ROUND_UP,
    "round down": ROUND_DOWN,
    "round half up": ROUND_HALF_UP,
    "round half down": ROUND_HALF_DOWN,
}
NUMERIC: Final = declare({
    **{
        name: [("n: number, scale?: number" if name in {"floor", "ceiling"} else "n: number, scale: number",
                rounding(mode))]
        for name, mode in MODES.items()
    },
    "decimal": [("n: number, scale: number", decimal)],
    "abs": [("n: number|years and months duration|days and time duration", absolute)],
    "modulo": [("dividend: number, divisor: number", modulo)],
    "sqrt": [("number: number", square_root)],
    "log": [("number: number", logarithm)],
    "exp": [("number: number", exponential)],
    "odd": [("number: number", is_odd)],
    "even": [("number: number", is_even)],
})  # fmt: skip
