"""FEEL numbers (DMN 1.5, 10.3.2.3.1): 34 decimal digits, rounded half even. An integer is an `int` while it fits.

Everything here takes and gives `int | Decimal` and nothing else; `None` means "no such number" (overflow, 1/0).
`bool` is never a number and `float` never leaves `number_of`.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final, TypeAlias

Number: TypeAlias = int | Decimal

DIGITS: Final = 34
INT_BOUND: Final = 10**DIGITS
"""Integers from here on are rounded to 34 digits and kept as Decimal."""
EXPONENT_MAX: Final = 6144
CONTEXT: Final = Context(prec=DIGITS, rounding=ROUND_HALF_EVEN, Emin=-6143, Emax=EXPONENT_MAX, clamp=1, traps=[])
"""The one context. No traps: an impossible result is NaN or infinite, and `finite` makes it None."""


def number_of(value: object) -> Number | None:
    """The value as a number, or None when it is none. A float becomes the Decimal of its shortest text."""
    if type(value) is int or isinstance(value, Decimal):
        return value
    if isinstance(value, float):
        return finite(CONTEXT.create_decimal(repr(value)))
    return None


def finite(value: Decimal) -> Decimal | None:
    """The value, or None for NaN and infinities."""
    return value if value.is_finite() else None


def normal(value: Decimal) -> Number | None:
    """The value as `int` if it is a whole number that fits in 34 digits; None if it is no number."""
    if not value.is_finite():
        return None
    if value.adjusted() < DIGITS and value == value.to_integral_value():
        return int(value)
    return value


def bounded(value: int) -> Number:
    """An integer result: itself, or rounded to 34 digits."""
    if -INT_BOUND < value < INT_BOUND:
        return value
    return CONTEXT.create_decimal(value)


def decimal_of(value: Number) -> Decimal:
    """The number as a Decimal of at most 34 digits."""
    return CONTEXT.plus(value) if isinstance(value, Decimal) else CONTEXT.create_decimal(value)


def parse_number(text: str) -> Number | None:
    """The number that a literal stands for: digits, a fraction, an exponent."""
    if len(text) <= DIGITS and text.isascii() and text.isdigit():
        return int(text)
    return finite(CONTEXT.create_decimal(text))


def add(a: Number, b: Number) -> Number | None:
    """a + b."""
    if type(a) is int and type(b) is int:
        return bounded(a + b)
    return finite(CONTEXT.add(a, b))


def subtract(a: Number, b: Number) -> Number | None:
    """a - b."""
    if type(a) is int and type(b) is int:
        return bounded(a - b)
    return finite(CONTEXT.subtract(a, b))


def multiply(a: Number, b: Number) -> Number | None:
    """a * b."""
    if type(a) is int and type(b) is int:
        return bounded(a * b)
    return finite(CONTEXT.multiply(a, b))


def divide(a: Number, b: Number) -> Number | None:
    """a / b; None for b = 0."""
    if b == 0:
        return None
    if type(a) is int and type(b) is int and a % b == 0:
        return bounded(a // b)
    return normal(CONTEXT.divide(a, b))


def power(a: Number, b: Number) -> Number | None:
    """a ** b in the decimal context, so that no power grows beyond 34 digits."""
    if b == 0:
        return 1
    return normal(CONTEXT.power(decimal_of(a), decimal_of(b)))


def negate(a: Number) -> Number:
    """-a, and never a negative zero."""
    if type(a) is int:
        return -a
    return CONTEXT.minus(decimal_of(a))


def whole(value: Number) -> int | None:
    """The number as an `int` if it has no fraction and is of sane size, else None."""
    if type(value) is int:
        return value
    result = normal(decimal_of(value))
    return result if type(result) is int else None


def number_text(value: Number) -> str:
    """The number without an exponent, as `string()` writes it (10.3.4.1)."""
    if type(value) is int:
        return str(value) if -INT_BOUND < value < INT_BOUND else number_text(CONTEXT.create_decimal(value))
    text = format(value, "f")
    return text[1:] if value == 0 and text.startswith("-") else text
