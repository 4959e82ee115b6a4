"""Constants of Python as FEEL, and pauses as ISO 8601."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Final, cast

from procession.convert.canvas.tree import Argument, Given, Unknown
from procession.feel.lexer import is_regular
from procession.feel.unparse import quoted

DIGITS_MAX: Final = 34
"""Of a number of FEEL."""
_UNSAFE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What XML cannot hold."""


def constant(value: object) -> Argument:
    """A constant as FEEL; unknown what JSON would not hold either."""
    try:
        return Given(_feel(value))
    except ValueError as error:
        return Unknown(str(error))


def variable(name: str) -> Given:
    """A variable where it is read."""
    return Given(name if is_regular(name) else f"`{name}`", (name,))


def listed(arguments: tuple[Argument, ...]) -> Argument:
    """A list of values."""
    given = [each for each in arguments if isinstance(each, Given)]
    if len(given) < len(arguments):
        return next(each for each in arguments if isinstance(each, Unknown))
    reads = tuple(dict.fromkeys(name for each in given for name in each.reads))
    notes = "; ".join(dict.fromkeys(each.note for each in given if each.note))
    return Given(f"[{', '.join(each.feel for each in given)}]", reads, notes)


def duration(seconds: float) -> str:
    """Seconds as a duration of ISO 8601. What lies behind is due at once."""
    return f"PT{Decimal(_number(max(0, round(seconds, 3)))).normalize():f}S"


def _feel(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return _number(value)
        case str():
            if _UNSAFE.search(value):
                raise ValueError("a text with characters that no document of XML holds")
            return quoted(value)
        case list() | tuple():
            return f"[{', '.join(_feel(each) for each in cast('list[object]', value))}]"
        case dict() if type(cast("object", value)) is dict:
            entries = cast("dict[object, object]", value)
            if not all(isinstance(key, str) for key in entries):
                raise ValueError("a dict whose keys are no texts")
            return f"{{{', '.join(f'{_feel(key)}: {_feel(each)}' for key, each in entries.items())}}}"
        case _:
            raise ValueError(f"a value of the type {type(value).__name__}: {value!r:.60}")


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"the number {value!r}")
    exact = Decimal(value) if isinstance(value, int) else Decimal(repr(value))
    if len(exact.as_tuple().digits) > DIGITS_MAX:
        raise ValueError(f"a number of more than {DIGITS_MAX} digits")
    return format(exact, "f")
