"""List built-ins (DMN 1.5, 10.3.4.4). Places count from 1, or from the end if negative."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Context, Decimal, getcontext, setcontext
from functools import cmp_to_key
from typing import Any, Final, cast

from procession.feel import ops
from procession.feel.builtins.table import declare
from procession.feel.errors import DomainError
from procession.feel.functions import call_value
from procession.feel.numbers import CONTEXT, Number, bounded, decimal_of, divide, normal, number_of, whole
from procession.feel.runtime import Runtime
from procession.feel.temporal import DaysTimeDuration, YearsMonthsDuration
from procession.feel.values import Function, is_list, shown

Items = list[object]
_WIDE: Final = Context(prec=120, Emin=-99_999, Emax=99_999, traps=[])
_ZERO: Final = Decimal(0)
_EXACT: Final = frozenset({int, Decimal})
_INTEGER: Final = frozenset({int})


def list_contains(rt: Runtime, items: Items, element: object) -> bool:
    """`list contains`."""
    rt.charge(len(items))
    rt.weigh(element, len(items))
    return any(ops.same_item(item, element) for item in items)


def extreme(sign: int) -> Callable[..., object]:
    """`min` (-1) and `max` (1) of a list or of arguments; null of no items."""

    def call(rt: Runtime, *arguments: object) -> object:
        items = _spread(arguments)
        rt.charge(len(items))
        best: object = None
        for position, item in enumerate(items):
            order = ops.compare(item, item) if position == 0 else ops.compare(item, best)
            if order is None:
                raise DomainError(f"{shown(item)} cannot be compared with {shown(best)}", "type")
            if position == 0 or order == sign:
                best = item
        return best

    return call


def _spread(arguments: Sequence[object]) -> Items:
    if len(arguments) == 1 and is_list(arguments[0]):
        return arguments[0]
    return list(arguments)


def _numbers(arguments: Sequence[object]) -> list[Number]:
    given = _spread(arguments)
    if _EXACT.issuperset(map(type, given)):
        return cast("list[Number]", given)
    numbers: list[Number] = []
    for item in given:
        number = number_of(item)
        if number is None:
            raise DomainError(f"every item must be a number, not {shown(item)}", "type")
        numbers.append(number)
    return numbers


def total(rt: Runtime, *arguments: object) -> object:
    """`sum` of numbers or of durations of one kind; null of no items."""
    items = _spread(arguments)
    rt.charge(len(items))
    if not items:
        return None
    kinds = frozenset(map(type, items))
    if kinds <= _EXACT:
        return _sum(cast("list[Number]", items), kinds)
    result = items[0]
    if not isinstance(result, YearsMonthsDuration | DaysTimeDuration):
        numbers = _numbers([items])
        return _sum(numbers, frozenset(map(type, numbers)))
    for item in items[1:]:
        if type(item) is not type(result):
            raise DomainError(f"{shown(item)} cannot be added", "type")
        result = ops.add(result, item, rt, 0)
    return result


def _sum(numbers: list[Number], kinds: frozenset[type]) -> Number:
    if kinds == _INTEGER:
        return bounded(int(sum(numbers)))
    # The operator reckons in the current context: set once, it costs half of a call for each number.
    outer = getcontext()
    if outer is CONTEXT:
        result = sum(cast("list[Decimal]", numbers), _ZERO)
    else:
        setcontext(CONTEXT)
        try:
            result = sum(cast("list[Decimal]", numbers), _ZERO)
        finally:
            setcontext(outer)
    if not result.is_finite():
        raise DomainError("the sum is too large")
    return result


def mean(rt: Runtime, *arguments: object) -> object:
    """`mean`; null of no items."""
    numbers = _numbers(arguments)
    rt.charge(len(numbers))
    return divide(_sum(numbers, frozenset(map(type, numbers))), len(numbers)) if numbers else None


def product(rt: Runtime, *arguments: object) -> object:
    """`product`; null of no items."""
    numbers = _numbers(arguments)
    rt.charge(len(numbers))
    result = decimal_of(1)
    for number in numbers:
        result = CONTEXT.multiply(result, decimal_of(number))
    return normal(result) if numbers else None


def median(rt: Runtime, *arguments: object) -> object:
    """`median`; null of no items."""
    numbers = sorted(_numbers(arguments))
    rt.charge(len(numbers))
    if not numbers:
        return None
    half = len(numbers) // 2
    if len(numbers) % 2:
        return numbers[half]
    middle = numbers[half - 1 : half + 1]
    return divide(_sum(middle, frozenset(map(type, middle))), 2)


def stddev(rt: Runtime, *arguments: object) -> object:
    """`stddev`: of a sample, so it needs two items."""
    numbers = _numbers(arguments)
    rt.charge(len(numbers))
    if len(numbers) < 2:
        raise DomainError("at least two numbers are needed")
    # The distances are differences of near numbers: rounding them, or the mean, would leave nothing but the rounding.
    average = _WIDE.divide(_wide_sum(map(Decimal, numbers)), Decimal(len(numbers)))
    distances = [_WIDE.subtract(Decimal(number), average) for number in numbers]
    squares = _wide_sum(_WIDE.multiply(distance, distance) for distance in distances)
    return normal(CONTEXT.plus(_WIDE.sqrt(_WIDE.divide(squares, Decimal(len(numbers) - 1)))))


def _wide_sum(numbers: Iterable[Decimal]) -> Decimal:
    result = Decimal(0)
    for number in numbers:
        result = _WIDE.add(result, number)
    return result


def mode(rt: Runtime, *arguments: object) -> object:
    """`mode`: the most frequent numbers in order."""
    numbers = _numbers(arguments)
    rt.charge(len(numbers))
    counts: dict[Number, int] = {}
    for number in numbers:
        counts[number] = counts.get(number, 0) + 1
    most = max(counts.values(), default=0)
    return sorted(number for number, count in counts.items() if count == most)


def every(rt: Runtime, *arguments: object) -> bool | None:
    """`all`: false if one is false, true if all are true, else null."""
    return _truths(rt, arguments, decisive=False)


def some(rt: Runtime, *arguments: object) -> bool | None:
    """`any`: true if one is true, false if all are false, else null."""
    return _truths(rt, arguments, decisive=True)


def _truths(rt: Runtime, arguments: Sequence[object], *, decisive: bool) -> bool | None:
    items = _spread(arguments)
    rt.charge(len(items))
    if any(item is decisive for item in items):
        return decisive
    for item in items:
        if item is not None and type(item) is not bool:
            raise DomainError(f"every item must be true or false, not {shown(item)}", "type")
    if any(item is None for item in items):
        raise DomainError("an item is null, so the result is open", "null")
    return not decisive


def sublist(rt: Runtime, items: Items, start: Number, length: Number | None = None) -> Items:
    """`sublist`."""
    place = _place(items, start)
    count = None if length is None else _whole(length)
    if count is not None and (count < 1 or place + count > len(items)):
        raise DomainError("there are not so many items from there")
    return _made(rt, items[place:] if count is None else items[place : place + count])


def append(rt: Runtime, items: Items, *more: object) -> Items:
    """`append`."""
    return _made(rt, [*items, *more])


def concatenate(rt: Runtime, *lists: object) -> Items:
    """`concatenate`: lists one after the other."""
    rt.charge(sum(len(part) for part in lists if is_list(part)))
    return [item for part in lists for item in (part if is_list(part) else [part])]


def insert_before(rt: Runtime, items: Items, position: Number, new: object) -> Items:
    """`insert before`."""
    place = _place(items, position)
    return _made(rt, [*items[:place], new, *items[place:]])


def remove(rt: Runtime, items: Items, position: Number) -> Items:
    """`remove`."""
    place = _place(items, position)
    return _made(rt, [*items[:place], *items[place + 1 :]])


def list_replace(rt: Runtime, items: Items, position: object, new: object) -> Items:
    """`list replace` at a place, or where a function of (item, new item) is true."""
    rt.charge(len(items))
    if not isinstance(position, Function):
        number = number_of(position)
        if number is None:
            raise DomainError("a place or a function is needed", "type")
        place = _place(items, number)
        return _made(rt, [*items[:place], new, *items[place + 1 :]])
    result: Items = []
    if len(position.parameters) != 2:
        raise DomainError("the function must take the item and the new item")
    for item in items:
        verdict = call_value(position, [item, new], (), rt, 0)
        if type(verdict) is not bool:
            raise DomainError(f"the function must give true or false, not {shown(verdict)}", "type")
        result.append(new if verdict else item)
    return result


def reverse(rt: Runtime, items: Items) -> Items:
    """`reverse`."""
    return _made(rt, items[::-1])


def index_of(rt: Runtime, items: Items, match: object) -> list[int]:
    """`index of`: every place of a value."""
    rt.charge(len(items))
    rt.weigh(match, len(items))
    return [place for place, item in enumerate(items, 1) if ops.same_item(item, match)]


def distinct(rt: Runtime, items: Items) -> Items:
    """`distinct values`, each at its first place."""
    result: Items = []
    seen: set[object] = set()
    for item in items:
        # Equal scalars have equal hashes, so most lists need no pairwise comparison.
        key: object = (type(item) is bool, number_of(item) if number_of(item) is not None else item)
        if isinstance(item, str | int | None) or number_of(item) is not None:
            if key in seen:
                continue
            seen.add(key)
        else:
            rt.charge(len(result) + 1)
            rt.weigh(item, len(result))
            if any(ops.same_item(item, other) for other in result):
                continue
        result.append(item)
    return _made(rt, result)


def union(rt: Runtime, *lists: object) -> Items:
    """`union`: concatenate without duplicates."""
    return distinct(rt, concatenate(rt, *lists))


def flatten(rt: Runtime, items: Items) -> Items:
    """`flatten`: no list inside of the result."""
    result: Items = []
    stack = [iter(items)]
    while stack:
        for item in stack[-1]:
            rt.charge(1)
            if is_list(item):
                stack.append(iter(item))
                break
            result.append(item)
        else:
            stack.pop()
    return result


def sort(rt: Runtime, items: Items, precedes: Function | None = None) -> Items:
    """`sort` by a function that tells whether its first argument comes first; without one, by natural order."""
    rt.charge(len(items) * max(1, len(items).bit_length()))
    if precedes is not None and len(precedes.parameters) != 2:
        raise DomainError("the function must take two items")

    def order(a: object, b: object) -> int:
        if precedes is None:
            natural = ops.compare(a, b)
            if natural is None:
                raise DomainError(f"{shown(a)} and {shown(b)} have no order", "type")
            return natural
        if call_value(precedes, [a, b], (), rt, 0) is True:
            return -1
        return 1 if call_value(precedes, [b, a], (), rt, 0) is True else 0

    return sorted(items, key=cmp_to_key(order))


def _made(rt: Runtime, items: Items) -> Items:
    rt.charge(len(items))
    return items


def _whole(number: Number) -> int:
    value = whole(number)
    return int(number) if value is None else value


def _place(items: Items, position: Number) -> int:
    place = _whole(position)
    if place == 0 or abs(place) > len(items):
        raise DomainError(f"a list of {len(items)} has no such place")
    return place - 1 if place > 0 else len(items) + place


def count(items: list[Any]) -> int:
    """`count`."""
    return len(items)


_SPREAD: Final = (("min", extreme(-1)), ("max", extreme(1)), ("sum", total), ("mean", mean), ("product", product),
                  ("median", median), ("stddev", stddev), ("mode", mode), ("all", every), ("any", some))  # fmt: skip
LISTS: Final = declare(
    {
        "count": [("list: list", count)],
        **{name: [("list: list", call), ("+item: any", call)] for name, call in _SPREAD},
        "list contains": [("list: list, element: any", list_contains)],
        "sublist": [("list: list, start position: number, length?: number", sublist)],
        "append": [("list: list, *item: any", append)],
        "concatenate": [("*list: list", concatenate)],
        "insert before": [("list: list, position: number, newItem: any", insert_before)],
        "remove": [("list: list, position: number", remove)],
        "list replace": [
            ("list: list, position: number, newItem: any", list_replace),
            ("list: list, match: function, newItem: any", list_replace),
        ],
        "reverse": [("list: list", reverse)],
        "index of": [("list: list, match: any", index_of)],
        "union": [("*list: list", union)],
        "distinct values": [("list: list", distinct)],
        "flatten": [("list: list", flatten)],
        "sort": [("list: list, precedes?: function", sort)],
    },
    with_runtime=frozenset({
        "list contains", "sublist", "append", "concatenate", "insert before", "remove", "list replace", "reverse",
        "index of", "union", "distinct values", "flatten", "sort", *(name for name, _ in _SPREAD),
    }),
)  # fmt: skip
