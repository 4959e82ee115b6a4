"""What the oracle's operators mean: equality, order, arithmetic, ranges and types, one rule a function."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from math import trunc
from typing import Final, cast
from zoneinfo import ZoneInfo

from feel_oracle.values import (
    DAY,
    NS,
    NUMBERS,
    WIDE,
    Clock,
    Day,
    Fn,
    Interval,
    Moment,
    Months,
    Nanos,
    Value,
    in_cycle,
    instant,
    kind,
    last_of_month,
    number,
    of_ordinal,
    offset,
    ordinal,
    tidy,
    zoned,
)
from procession.feel.nodes import TypeRef

DURATION_MAX: Final = 10**30


def equal(a: Value, b: Value) -> bool | None:
    """`=` (table 53): null for different kinds; anything may be compared with null."""
    if a is None or b is None:
        return a is None and b is None
    if kind(a) != kind(b):
        return None
    match a, b:
        case list(), list():
            return len(a) == len(b) and all(equal(x, y) is True for x, y in zip(a, b, strict=True))
        case dict(), dict():
            return set(a) == set(b) and all(equal(a[key], b[key]) is True for key in a)
        case Interval(), Interval():
            return a[2:] == b[2:] and equal(a.start, b.start) is True and equal(a.end, b.end) is True
        case Clock(), Clock():
            # The conformance suite compares times in whole seconds.
            return zoned(a) == zoned(b) and _second(a) == _second(b)
        case Moment(), Moment():
            return zoned(a.clock) == zoned(b.clock) and instant(a) == instant(b)
        case Fn(), Fn():
            return a is b
    return a == b


def _second(clock: Clock) -> int:
    return (clock.ns - (offset(clock) or 0) * NS) // NS


def order(a: Value, b: Value) -> int | None:
    """-1, 0 or 1; None where there is no order."""
    first, second = _place(a), _place(b)
    if first is None or second is None or kind(a) != kind(b):
        return None
    if isinstance(a, Clock) and isinstance(b, Clock) and zoned(a) != zoned(b):
        return None
    if isinstance(a, Moment) and isinstance(b, Moment) and zoned(a.clock) != zoned(b.clock):
        return None
    return -1 if cast("Fraction", first) < cast("Fraction", second) else int(first != second)


def _place(value: Value) -> Fraction | str | None:
    match value:
        case str():
            return value
        case Decimal():
            return Fraction(value)
        case Day():
            return Fraction(ordinal(value))
        case Clock():
            return Fraction(value.ns - (offset(value) or 0) * NS)
        case Moment():
            return Fraction(instant(value))
        case Months():
            return Fraction(value.months)
        case Nanos():
            return Fraction(value.ns)
    return None


def compare(operator: str, a: Value, b: Value) -> bool | None:
    """A comparison."""
    if operator in {"=", "!="}:
        same = equal(a, b)
        return same if same is None or operator == "=" else not same
    found = order(a, b)
    if found is None:
        return None
    return {"<": found < 0, "<=": found <= 0, ">": found > 0, ">=": found >= 0}[operator]


def conjunction(a: Value, b: Value) -> bool | None:
    """`and` (table 50)."""
    if a is False or b is False:
        return False
    return True if a is True and b is True else None


def disjunction(a: Value, b: Value) -> bool | None:
    """`or` (table 50)."""
    if a is True or b is True:
        return True
    return False if a is False and b is False else None


# -- arithmetic


def arithmetic(operator: str, a: Value, b: Value) -> Value:
    """`+ - * / **`; null for operands that do not fit."""
    if isinstance(a, Decimal) and isinstance(b, Decimal):
        return _numbers(operator, a, b)
    match operator:
        case "+":
            return _plus(a, b)
        case "-":
            return _minus(a, b)
        case "*":
            return _times(a, b) if isinstance(b, Decimal) else _times(b, a)
        case "/":
            return _over(a, b)
    return None


def _numbers(operator: str, a: Decimal, b: Decimal) -> Decimal | None:
    match operator:
        case "+":
            return number(NUMBERS.add(a, b))
        case "-":
            return number(NUMBERS.subtract(a, b))
        case "*":
            return number(NUMBERS.multiply(a, b))
        case "/":
            return None if b == 0 else tidy(WIDE.divide(a, b))
    return Decimal(1) if b == 0 else tidy(WIDE.power(a, b))


def _plus(a: Value, b: Value) -> Value:
    match a, b:
        case str(), str():
            return a + b
        case Months(), Months():
            return Months(a.months + b.months)
        case Nanos(), Nanos():
            return Nanos(a.ns + b.ns)
        case (Months() | Nanos(), Day() | Moment() | Clock()):
            return _later(b, a)
        case (Day() | Moment() | Clock(), Months() | Nanos()):
            return _later(a, b)
    return None


def _minus(a: Value, b: Value) -> Value:
    match a, b:
        case _, Months():
            return _plus(a, Months(-b.months))
        case _, Nanos():
            return _plus(a, Nanos(-b.ns))
        case Day(), Day():
            return Nanos((ordinal(a) - ordinal(b)) * DAY)
        case Clock(), Clock():
            east = (offset(a) or 0) - (offset(b) or 0)
            return Nanos(a.ns - b.ns - east * NS) if zoned(a) == zoned(b) else None
        case Day() | Moment(), Day() | Moment():
            first, second = _midnight(a), _midnight(b)
            return Nanos(instant(first) - instant(second)) if zoned(first.clock) == zoned(second.clock) else None
    return None


def _midnight(value: Day | Moment) -> Moment:
    """A date beside a date and time is its midnight in UTC."""
    return value if isinstance(value, Moment) else Moment(value, Clock(0, 0, None))


def _later(value: Day | Moment | Clock, by: Months | Nanos) -> Value:
    if isinstance(value, Clock):
        return value._replace(ns=(value.ns + by.ns) % DAY) if isinstance(by, Nanos) else None
    day = value if isinstance(value, Day) else value.day
    if isinstance(by, Months):
        year, month = divmod(day.year * 12 + day.month - 1 + by.months, 12)
        if abs(year) > 999_999_999:
            return None
        later = Day(year, month + 1, min(day.day, last_of_month(year, month + 1)))
        return later if isinstance(value, Day) else Moment(later, value.clock)
    if isinstance(value, Day):
        return of_ordinal((ordinal(value) * DAY + by.ns) // DAY)
    if value.clock.zone is None:
        return _at(ordinal(day) * DAY + value.clock.ns + by.ns, value.clock)
    # In a zone, time passes on the time line; the clock may be set forward or back on the way.
    then = instant(value) + by.ns
    guess = _at(then, Clock(0, 0, None))
    if guess is None:
        return None
    return _at(then + _east(value.clock.zone, guess) * NS, value.clock)


def _at(local: int, clock: Clock) -> Moment | None:
    day = of_ordinal(local // DAY)
    return day and Moment(day, clock._replace(ns=local % DAY))


def _east(zone: str, moment: Moment) -> int:
    """The offset of a zone at a moment in UTC."""
    at = dt.datetime.combine(in_cycle(moment.day), dt.time(), dt.UTC) + dt.timedelta(seconds=moment.clock.ns // NS)
    found = at.astimezone(ZoneInfo(zone)).utcoffset()
    assert found is not None
    return int(found.total_seconds())


def _times(duration: Value, factor: Value) -> Value:
    match duration, factor:
        case Months(), Decimal():
            return _duration(Months, NUMBERS.multiply(Decimal(duration.months), factor))
        case Nanos(), Decimal():
            return _duration(Nanos, NUMBERS.multiply(Decimal(duration.ns), factor))
    return None


def _over(duration: Value, divisor: Value) -> Value:
    match duration, divisor:
        case (Months() | Nanos(), Decimal()):
            return None if divisor == 0 else _duration(type(duration), NUMBERS.divide(Decimal(duration[0]), divisor))
        case (Months(), Months()) | (Nanos(), Nanos()):
            return _ratio(cast("tuple[int]", duration)[0], cast("tuple[int]", divisor)[0])
    return None


def _ratio(a: int, b: int) -> Decimal | None:
    return None if b == 0 else tidy(WIDE.divide(Decimal(a), Decimal(b)))


def _duration(make: type[Months] | type[Nanos], found: Decimal) -> Value:
    """The value of a duration is a number (10.3.2.3.6): 34 digits; what remains is cut to whole months, nanoseconds."""
    return make(trunc(found)) if abs(found) <= DURATION_MAX else None


def negated(value: Value) -> Value:
    """`-value`."""
    match value:
        case Decimal():
            return number(NUMBERS.minus(value))
        case Months():
            return Months(-value.months)
        case Nanos():
            return Nanos(-value.ns)
    return None


# -- ranges and tests


def interval(low: Value, high: Value, closed: tuple[bool, bool]) -> Interval | None:
    """A range from low to high; an end that is null is open."""
    for end in (low, high):
        if end is not None and order(end, end) is None:
            return None
    if low is not None and high is not None and order(low, high) not in {-1, 0}:
        return None
    return Interval(low, high, closed[0] and low is not None, closed[1] and high is not None, "")


def inside(value: Value, range_: Interval) -> bool | None:
    """Whether a range contains a value; null if it cannot be compared with an end."""
    if range_.form in {"=", "!="}:
        return compare(range_.form, range_.start, value)
    verdict: bool | None = True
    if not range_.form.startswith("<"):
        verdict = conjunction(verdict, compare(">=" if range_.start_included else ">", value, range_.start))
        if compare(">", value, range_.start) is None:
            return None
    if not range_.form.startswith(">"):
        if compare("<", value, range_.end) is None:
            return None
        verdict = conjunction(verdict, compare("<=" if range_.end_included else "<", value, range_.end))
    return verdict


def passes(value: Value, test: Value) -> bool | None:
    """`value in test` (table 55): in the range, one of the list, or equal."""
    if isinstance(test, Interval):
        return equal(value, test) if isinstance(value, Interval) else inside(value, test)
    if isinstance(test, list):
        for item in test:
            if isinstance(item, Interval) and not isinstance(value, Interval):
                if inside(value, item) is True:
                    return True
            elif equal(value, item) is True:
                return True
        return equal(value, test) is True
    return equal(value, test)


def is_of(value: Value, type_: TypeRef) -> bool:
    """Whether a value is of a type; null is of type Null alone, yet fits as an item anywhere."""
    if value is None:
        return type_.name == "Null"
    match type_.name, value:
        case "Any", _:
            return True
        case "list", list():
            return all(item is None or is_of(item, of) for item in value for of in type_.arguments)
        case "context", dict():
            return all(key in value and (value[key] is None or is_of(value[key], of)) for key, of in type_.fields)
        case "range", Interval():
            ends = [end for end in value[:2] if end is not None]
            return not type_.arguments or (bool(ends) and all(is_of(end, type_.arguments[0]) for end in ends))
        case "function", Fn():
            return _is_function(value, type_)
    return kind(value) == type_.name and type_.name not in {"list", "context", "range", "function"}


def _is_function(value: Fn, type_: TypeRef) -> bool:
    if type_.result is None and not type_.arguments:
        return True
    if len(type_.arguments) != len(value.parameters):
        return False
    given = [*value.types, *[None] * (len(value.parameters) - len(value.types))]
    return all(not isinstance(have, TypeRef) or have.name in {"Any", want.name}
               for have, want in zip(given, type_.arguments, strict=True))  # fmt: skip
