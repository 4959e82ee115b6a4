"""Conversion and boolean built-ins (DMN 1.5, 10.3.4.1, 10.3.4.2, 10.3.4.6): number, string, not, is."""

from __future__ import annotations

import re
from typing import Final

from procession.feel import ops
from procession.feel.builtins.table import declare
from procession.feel.errors import DomainError
from procession.feel.numbers import Number, parse_number
from procession.feel.runtime import Runtime
from procession.feel.temporal import DateTime, Time
from procession.feel.values import kind_of, string

_NUMBER: Final = re.compile(r"-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,6})?")
_SEPARATORS: Final = frozenset({" ", ",", "."})


def number(value: str, grouping: str | None = None, point: str | None = None) -> Number:
    """`number(from, grouping separator, decimal separator)`; the separators are space, comma or point, or null."""
    if grouping is not None and grouping not in _SEPARATORS:
        raise DomainError("the grouping separator must be a space, a comma or a point")
    if point is not None and point not in {",", "."}:
        raise DomainError("the decimal separator must be a comma or a point")
    if grouping is not None and grouping == (point or "."):
        raise DomainError("the separators must differ")
    text = value.replace(grouping, "") if grouping else value
    text = text.replace(point, ".") if point else text
    result = parse_number(text) if _NUMBER.fullmatch(text) and len(text) <= _DIGITS_MAX else None
    if result is None:
        raise DomainError(f"{value[:40]!r} is no number")
    return result


_DIGITS_MAX: Final = 10_000


def text_of(rt: Runtime, value: object) -> str | None:
    """`string(from)`; null stays null."""
    if value is None:
        return None
    rt.weigh(value)
    return string(value)


def negation(value: object) -> bool | None:
    """`not`: null for anything but true and false."""
    if type(value) is bool:
        return not value
    if value is None:
        return None
    raise DomainError("true or false is needed", "type")


def identical(a: object = None, b: object = None) -> bool:
    """`is`: the same kind and the same parts; unlike `=`, a time in another zone is another time."""
    if kind_of(a) != kind_of(b):
        return False
    if isinstance(a, Time | DateTime):
        return a == b
    return ops.same_item(a, b)


CONVERSIONS: Final = declare({
    "number": [
        ("from: string, grouping separator?: string|null, decimal separator?: string|null", number),
    ],
    "string": [("from: any", text_of)],
    "not": [("negand: any", negation)],
    "is": [("value1?: any, value2?: any", identical)],
}, frozenset({"string"}))  # fmt: skip
