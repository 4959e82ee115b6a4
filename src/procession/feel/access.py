"""Reaching into values: paths, filters, indexes and what `for` runs over (DMN 1.5, 10.3.2.5, 10.3.2.6, 10.3.2.14)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from procession.feel.numbers import number_of, whole
from procession.feel.runtime import Runtime
from procession.feel.temporal import Date, date_of_days, days_of
from procession.feel.temporal_ops import PROPERTIES
from procession.feel.values import Range, is_context, is_list, kind_of, shown


def path(base: object, name: str, rt: Runtime, at: int) -> object:
    """`base.name`: an entry, a property, or for a list the name in each of its items."""
    if is_context(base):
        if name in base:
            return base[name]
        rt.note("path", f"the context has no entry `{name}`", at)
        return None
    if is_list(base):
        rt.charge(len(base))
        return [_item_path(item, name, rt, at) for item in base]
    return _property(base, name, rt, at)


def _item_path(item: object, name: str, rt: Runtime, at: int) -> object:
    # Items need not be of one shape: one without the entry is a null in the result, and nothing to warn about.
    if is_context(item):
        return item.get(name)
    return None if item is None else path(item, name, rt, at)


def _property(base: object, name: str, rt: Runtime, at: int) -> object:
    if base is None:
        rt.note("null", f"`.{name}` of null", at)
        return None
    if isinstance(base, Range):
        return _range_property(base, name, rt, at)
    pick = PROPERTIES.get(type(base), {}).get(name)
    if pick is None:
        rt.note("path", f"{shown(base)} has no property `{name}`", at)
        return None
    return pick(base)


def _range_property(base: Range, name: str, rt: Runtime, at: int) -> object:
    match name:
        case "start":
            return base.start
        case "end":
            return base.end
        case "start included":
            return base.start_included
        case "end included":
            return base.end_included
        case _:
            rt.note("path", f"a range has no property `{name}`", at)
            return None


def filter_(base: object, test: Callable[[object], object], rt: Runtime, at: int) -> object:
    """`base[test]`: the items for which the test is true, or the item at the place that it gives.

    A value that is no list is a list of one; null is the empty list.
    """
    items: Sequence[object] = _as_list(base)
    rt.charge(len(items) + 1)
    if not items:
        first = test(None)
        return index(items, first, rt, at) if _is_number(first) else []
    kept: list[object] = []
    for item in items:
        result = test(item)
        if result is True:
            kept.append(item)
        elif result is not False and result is not None:
            if _is_number(result):
                return index(items, result, rt, at)
            rt.note("type", f"a filter must be true, false or a number, not {shown(result)}", at)
            return None
    return kept


def index(base: object, position: object, rt: Runtime, at: int) -> object:
    """`base[3]`, counted from 1, or from the end if negative; null outside."""
    items = _as_list(base)
    number = number_of(position)
    place = None if number is None else whole(number)
    if place is None:
        rt.note("index", f"{shown(position)} is no place in a list", at)
        return None
    if 1 <= place <= len(items):
        return items[place - 1]
    if -len(items) <= place <= -1:
        return items[place]
    return None


def domain(value: object, rt: Runtime, at: int) -> Iterable[object] | None:
    """What an iterator runs over: a list, a range of integers or dates, or a single value. None ends the loop in null.

    Its length is taken from the budget at once, so that a loop over a billion numbers ends before it begins.
    """
    if is_list(value):
        rt.charge(len(value))
        return value
    if isinstance(value, Range):
        return _range_items(value, rt, at)
    if value is None:
        rt.note("null", "null cannot be iterated", at)
        return None
    rt.charge(1)
    return [value]


def span(low: object, high: object, rt: Runtime, at: int) -> Iterable[object] | None:
    """The items of `low..high` in a `for`: integers or dates, upwards or downwards."""
    first, last = _ordinal(low), _ordinal(high)
    if first is None or last is None or kind_of(low) != kind_of(high):
        rt.note("range", f"there are no steps from {shown(low)} to {shown(high)}", at)
        return None
    rt.charge(abs(last - first) + 1)
    numbers = range(first, last + 1) if first <= last else range(first, last - 1, -1)
    return [date_of_days(day) for day in numbers] if isinstance(low, Date) else numbers


def _range_items(value: Range, rt: Runtime, at: int) -> Iterable[object] | None:
    first, last = _ordinal(value.start), _ordinal(value.end)
    if first is None or last is None:
        rt.note("range", "only ranges of integers or dates have steps", at)
        return None
    first += not value.start_included
    last -= not value.end_included
    if first > last:
        return []
    rt.charge(last - first + 1)
    numbers = range(first, last + 1)
    return [date_of_days(day) for day in numbers] if isinstance(value.start, Date) else numbers


def _ordinal(value: object) -> int | None:
    if isinstance(value, Date):
        return days_of(value)
    number = number_of(value)
    return None if number is None else whole(number)


def _as_list(value: object) -> list[object]:
    if is_list(value):
        return value
    return [] if value is None else [value]


def _is_number(value: object) -> bool:
    return number_of(value) is not None


def copied(result: list[object], rt: Runtime) -> list[object]:
    """The results of a loop so far, as a list that no later turn changes."""
    rt.charge(len(result))
    return result.copy()
