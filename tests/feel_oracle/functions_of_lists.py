"""The oracle's functions of numbers, lists, strings and contexts, each as the specification's table has it."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from functools import cmp_to_key
from math import ceil, floor, isqrt, trunc
from typing import Any, Final

from feel_oracle.operators import arithmetic, equal, order
from feel_oracle.values import (
    NUMBERS,
    WIDE,
    Clock,
    Fn,
    Impl,
    Moment,
    Months,
    Nanos,
    Nothing,
    Row,
    Value,
    kind,
    need,
    number,
    of_fraction,
    tidy,
    write,
)

# -- numbers


def _rounded(mode: Callable[[Fraction], int]) -> Impl:
    def impl(value: Decimal, scale: Decimal = Decimal(0)) -> Value:
        places = trunc(scale)
        if not -6111 <= places <= 6176:
            raise Nothing
        if Fraction(value) * Fraction(10) ** places % 1 == 0:
            return value
        result = mode(Fraction(value) * Fraction(10) ** places)
        if result and len(str(abs(result))) > 34:
            raise Nothing
        return need(of_fraction(Fraction(result) / Fraction(10) ** places))

    return impl


def _half(up: bool) -> Callable[[Fraction], int]:
    def mode(value: Fraction) -> int:
        whole, rest = divmod(abs(value), 1)
        away = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and up)
        return (whole + away) * (1 if value > 0 else -1)

    return mode


def _away(value: Fraction) -> int:
    return ceil(value) if value > 0 else floor(value)


def _modulo(a: Decimal, b: Decimal) -> Value:
    if b == 0:
        raise Nothing
    first, second = Fraction(a), Fraction(b)
    return of_fraction(first - second * floor(first / second))


def _sqrt(value: Decimal) -> Value:
    if value < 0:
        raise Nothing
    scale = Fraction(10) ** (2 * (60 - value.adjusted() // 2))
    return of_fraction(Fraction(isqrt(floor(Fraction(value) * scale))) / Fraction(10) ** (60 - value.adjusted() // 2))


def _absolute(value: Value) -> Value:
    match value:
        case Decimal():
            return NUMBERS.abs(value)
        case Months():
            return Months(abs(value.months))
        case Nanos():
            return Nanos(abs(value.ns))
    raise Nothing


def _number(text: str) -> Value:
    if not re.fullmatch(r"-?([0-9]+(\.[0-9]+)?|\.[0-9]+)([eE][+-]?[0-9]+)?", text):
        raise Nothing
    return need(number(Decimal(text)))


# -- lists


def _items(arguments: tuple[Value, ...]) -> list[Any]:
    return arguments[0] if len(arguments) == 1 and isinstance(arguments[0], list) else list(arguments)


def _of_numbers(impl: Callable[[list[Decimal]], Value]) -> Impl:
    def checked(*arguments: Value) -> Value:
        items = _items(arguments)
        if not all(isinstance(item, Decimal) for item in items):
            raise Nothing
        return impl(items)

    return checked


def _sum(*arguments: Value) -> Value:
    items = _items(arguments)
    if not items or not isinstance(items[0], Decimal | Months | Nanos):
        raise Nothing
    if len({type(item) for item in items}) > 1:
        raise Nothing
    total: Value = items[0]
    for item in items[1:]:
        total = arithmetic("+", total, item)
    return total


def _mean(items: list[Decimal]) -> Value:
    return arithmetic("/", _sum(items), Decimal(len(items))) if items else None


def _product(items: list[Decimal]) -> Value:
    result: Value = Decimal(1)
    for item in items:
        result = arithmetic("*", result, item)
    return tidy(result) if items and isinstance(result, Decimal) else None


def _median(items: list[Decimal]) -> Value:
    items = sorted(items)
    half = len(items) // 2
    if len(items) % 2:
        return items[half]
    return _mean(items[half - 1 : half + 1])


def _deviation(items: list[Decimal]) -> Value:
    if len(items) < 2:
        raise Nothing
    exact = [Fraction(item) for item in items]
    mean = sum(exact, Fraction(0)) / len(exact)
    variance = sum(((item - mean) ** 2 for item in exact), Fraction(0)) / (len(exact) - 1)
    wide = WIDE.sqrt(WIDE.divide(Decimal(variance.numerator), Decimal(variance.denominator)))
    return tidy(wide)


def _mode(items: list[Decimal]) -> Value:
    counts = {item: items.count(item) for item in items}
    return sorted(item for item, count in counts.items() if count == max(counts.values()))


def _extreme(sign: int) -> Impl:
    def impl(*arguments: Value) -> Value:
        items = _items(arguments)
        best = items[0] if items else None
        for item in items:
            if need(order(item, best)) == sign:
                best = item
        return best

    return impl


def _truths(decisive: bool) -> Impl:
    def impl(*arguments: Value) -> Value:
        items = _items(arguments)
        if any(item is decisive for item in items):
            return decisive
        return not decisive if all(item is not decisive and isinstance(item, bool) for item in items) else None

    return impl


def _place(items: list[Value], place: Decimal) -> int:
    index = trunc(place)
    if not 1 <= abs(index) <= len(items):
        raise Nothing
    return index - 1 if index > 0 else index + len(items)


def _sublist(items: list[Value], start: Decimal, *length: Decimal) -> Value:
    rest = items[_place(items, start) :]
    if not length:
        return rest
    if not 1 <= trunc(length[0]) <= len(rest):
        raise Nothing
    return rest[: trunc(length[0])]


def _insert(items: list[Value], place: Decimal, new: Value) -> Value:
    at = _place(items, place)
    return [*items[:at], new, *items[at:]]


def _remove(items: list[Value], place: Decimal) -> Value:
    at = _place(items, place)
    return [item for index, item in enumerate(items) if index != at]


def _replace(items: list[Value], where: Value, new: Value) -> Value:
    if isinstance(where, Decimal):
        at = _place(items, where)
        return [new if index == at else item for index, item in enumerate(items)]
    if not isinstance(where, Fn) or len(where.parameters) != 2:
        raise Nothing
    verdicts = [where.call([item, new]) for item in items]
    if not all(isinstance(verdict, bool) for verdict in verdicts):
        raise Nothing
    return [new if verdict else item for item, verdict in zip(items, verdicts, strict=True)]


def _places(items: list[Value], match: Value) -> Value:
    return [Decimal(place) for place, item in enumerate(items, 1) if equal(item, match) is True]


def _concatenate(*lists: list[Value]) -> list[Value]:
    return [item for part in lists for item in part]


def _distinct(items: list[Value]) -> list[Value]:
    kept: list[Value] = []
    for item in items:
        if not any(equal(item, other) is True for other in kept):
            kept.append(item)
    return kept


def _flatten(items: list[Value]) -> list[Value]:
    return [inner for item in items for inner in (_flatten(item) if isinstance(item, list) else [item])]


def _sort(items: list[Value], precedes: Fn | None = None) -> Value:
    def before(a: Value, b: Value) -> int:
        if precedes is None:
            return int(need(order(a, b)))
        return -1 if precedes.call([a, b]) is True else 1 if precedes.call([b, a]) is True else 0

    return sorted(items, key=cmp_to_key(before))


# -- strings


def _substring(text: str, start: Decimal, *length: Decimal) -> Value:
    place = trunc(start)
    if not 1 <= abs(place) <= len(text) or (length and trunc(length[0]) < 1):
        raise Nothing
    rest = text[place - 1 :] if place > 0 else text[place:]
    return rest[: trunc(length[0])] if length else rest


def _before_match(text: str, match: str) -> Value:
    return text[: text.index(match)] if match in text else ""


def _after_match(text: str, match: str) -> Value:
    return text[text.index(match) + len(match) :] if match in text else ""


def _join(items: list[Value], delimiter: str | None = None) -> Value:
    if not all(isinstance(item, str) or item is None for item in items):
        raise Nothing
    return (delimiter or "").join(item for item in items if isinstance(item, str))


# -- contexts


def _put(context: dict[str, Value], key: Value, value: Value) -> Value:
    keys = key if isinstance(key, list) else [key]
    if not keys or not isinstance(keys[0], str):
        raise Nothing
    if len(keys) > 1:
        inner = context.get(keys[0])
        if inner is not None and not isinstance(inner, dict):
            raise Nothing
        value = _put(inner or {}, keys[1:], value)
    return {**context, keys[0]: value}


def _merge(contexts: list[Any]) -> Value:
    if not all(isinstance(context, dict) for context in contexts):
        raise Nothing
    return {key: value for context in contexts for key, value in context.items()}


def _from_entries(entries: list[Any]) -> Value:
    for entry in entries:
        if not isinstance(entry, dict) or "value" not in entry or not isinstance(entry.get("key"), str):
            raise Nothing
    if len({entry["key"] for entry in entries}) < len(entries):
        raise Nothing
    return {entry["key"]: entry["value"] for entry in entries}


def _identical(*values: Value) -> bool:
    a, b = (*values, None, None)[:2]
    if kind(a) != kind(b):
        return False
    return a == b if isinstance(a, Clock | Moment) else equal(a, b) is True


_AGGREGATES: Final[dict[str, Impl]] = {
    "min": _extreme(-1), "max": _extreme(1), "sum": _sum, "mean": _of_numbers(_mean), "product": _of_numbers(_product),
    "median": _of_numbers(lambda items: _median(items) if items else None), "stddev": _of_numbers(_deviation),
    "mode": _of_numbers(lambda items: _mode(items) if items else []), "all": _truths(False), "any": _truths(True),
}  # fmt: skip
_ROUNDINGS: Final[dict[str, Callable[[Fraction], int]]] = {
    "decimal": round, "round up": _away, "round down": trunc, "round half up": _half(True),
    "round half down": _half(False),
}  # fmt: skip
ROWS: Final[dict[str, list[Row]]] = {
    **{name: [("list: list", impl), ("item+: any", impl)] for name, impl in _AGGREGATES.items()},
    **{name: [("n: number, scale: number", _rounded(mode))] for name, mode in _ROUNDINGS.items()},
    "floor": [("n: number, scale?: number", _rounded(floor))],
    "ceiling": [("n: number, scale?: number", _rounded(ceil))],
    "abs": [("n: number|years and months duration|days and time duration", _absolute)],
    "modulo": [("dividend: number, divisor: number", _modulo)],
    "sqrt": [("number: number", _sqrt)],
    "odd": [("number: number", lambda value: Fraction(value) % 2 == 1)],
    "even": [("number: number", lambda value: Fraction(value) % 2 == 0)],
    "number": [("from: string", _number)],
    "string": [("from: any", lambda value: None if value is None else write(value))],
    "not": [("negand: any", lambda value: not value if isinstance(value, bool) else None)],
    "is": [("value1?: any, value2?: any", _identical)],
    "count": [("list: list", lambda items: Decimal(len(items)))],
    "list contains": [
        ("list: list, element: any", lambda items, value: any(equal(item, value) is True for item in items))
    ],
    "sublist": [("list: list, start position: number, length?: number", _sublist)],
    "append": [("list: list, item*: any", lambda items, *more: [*items, *more])],
    "concatenate": [("list*: list", _concatenate)],
    "union": [("list*: list", lambda *lists: _distinct(_concatenate(*lists)))],
    "insert before": [("list: list, position: number, newItem: any", _insert)],
    "remove": [("list: list, position: number", _remove)],
    "reverse": [("list: list", lambda items: items[::-1])],
    "list replace": [
        ("list: list, position: number, newItem: any", _replace),
        ("list: list, match: function, newItem: any", _replace),
    ],
    "index of": [("list: list, match: any", _places)],
    "distinct values": [("list: list", _distinct)],
    "flatten": [("list: list", _flatten)],
    "sort": [("list: list, precedes?: function", _sort)],
    "string length": [("string: string", lambda text: Decimal(len(text)))],
    "upper case": [("string: string", str.upper)],
    "lower case": [("string: string", str.lower)],
    "substring": [("string: string, start position: number, length?: number", _substring)],
    "substring before": [("string: string, match: string", _before_match)],
    "substring after": [("string: string, match: string", _after_match)],
    "contains": [("string: string, match: string", lambda text, match: match in text)],
    "starts with": [("string: string, match: string", str.startswith)],
    "ends with": [("string: string, match: string", str.endswith)],
    "string join": [("list: list, delimiter?: string|null", _join)],
    "get value": [("m: context, key: string", lambda context, key: context.get(key))],
    "get entries": [("m: context", lambda context: [{"key": key, "value": value} for key, value in context.items()])],
    "context": [("entries: list", _from_entries)],
    "context merge": [("contexts: list", _merge)],
    "context put": [
        ("context: context, key: string, value: any", _put),
        ("context: context, keys: list, value: any", _put),
    ],
}
