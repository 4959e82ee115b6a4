"""The oracle's own values, and how those of `procession.feel` are seen as such."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Any, Final, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from procession import feel

Value: TypeAlias = object
Impl: TypeAlias = "Callable[..., Value]"
Row: TypeAlias = tuple[str, Impl]
"""The parameters of a function as a text, and what it does."""
NS: Final = 10**9
DAY: Final = 86_400 * NS
CYCLE: Final = 146_097
"""Days in 400 years, after which the calendar repeats, weekdays and all."""
NUMBERS: Final = Context(prec=34, rounding=ROUND_HALF_EVEN, Emin=-6143, Emax=6144, clamp=1, traps=[])
WIDE: Final = Context(prec=80, rounding=ROUND_HALF_EVEN, Emin=-99_999, Emax=99_999, traps=[])


class Nothing(Exception):
    """A function outside of its domain: the value is null."""


def need(value: Value) -> Any:
    """The value, which must not be null."""
    if value is None:
        raise Nothing
    return value


class Day(NamedTuple):
    """A date."""

    year: int
    month: int
    day: int


class Clock(NamedTuple):
    """A time of the day."""

    ns: int
    offset: int | None
    zone: str | None


class Moment(NamedTuple):
    """A date and time."""

    day: Day
    clock: Clock


class Months(NamedTuple):
    """A years and months duration."""

    months: int


class Nanos(NamedTuple):
    """A days and time duration."""

    ns: int


class Interval(NamedTuple):
    """A range."""

    start: Value
    end: Value
    start_included: bool
    end_included: bool
    form: str


class Fn:
    """A function."""

    def __init__(
        self, parameters: tuple[str, ...], types: tuple[object, ...], call: Callable[[list[Value]], Value]
    ) -> None:
        self.parameters = parameters
        self.types = types
        self.call = call


KINDS: Final[dict[type, str]] = {
    type(None): "null", bool: "boolean", Decimal: "number", str: "string", list: "list", dict: "context", Day: "date",
    Clock: "time", Moment: "date and time", Months: "years and months duration", Nanos: "days and time duration",
    Interval: "range", Fn: "function",
}  # fmt: skip


def kind(value: Value) -> str:
    """The kind of a value."""
    return KINDS[type(value)]


def number(value: Decimal) -> Decimal | None:
    """A result as a FEEL number: 34 digits, no NaN, no infinity."""
    rounded = NUMBERS.plus(value)
    return rounded if rounded.is_finite() else None


def tidy(value: Decimal) -> Decimal | None:
    """The same, without digits after the point if they are all zero, as division and rounding give it."""
    rounded = number(value)
    if rounded is not None and rounded == rounded.to_integral_value() and rounded.adjusted() < 34:
        return Decimal(int(rounded))
    return rounded


def of_fraction(value: Fraction) -> Decimal | None:
    """An exact fraction as a FEEL number."""
    if value == 0:
        return Decimal(0)
    digits = Context(prec=len(str(abs(value.numerator))) + len(str(value.denominator)) + 120, Emin=-99_999, Emax=99_999)
    return tidy(digits.divide(Decimal(value.numerator), Decimal(value.denominator)))


# -- the calendar


def ordinal(day: Day) -> int:
    """Days since 0001-01-01, by `datetime` within one cycle of 400 years."""
    cycles, year = divmod(day.year, 400)
    return dt.date(year + 400, day.month, day.day).toordinal() + (cycles - 1) * CYCLE


def of_ordinal(days: int) -> Day | None:
    """The date at an ordinal; None outside of the years that FEEL has."""
    cycles, rest = divmod(days - 1, CYCLE)
    date = dt.date.fromordinal(rest + 1)
    year = date.year + cycles * 400
    return Day(year, date.month, date.day) if abs(year) <= 999_999_999 else None


def real_day(year: int, month: int, day: int) -> Day | None:
    """The date if there is such a day."""
    try:
        dt.date(year % 400 + 400, month, day)
    except (ValueError, OverflowError):
        return None
    return Day(year, month, day) if abs(year) <= 999_999_999 else None


def last_of_month(year: int, month: int) -> int:
    """The last day of a month."""
    return max(day for day in range(28, 32) if real_day(year, month, day))


def in_cycle(day: Day) -> dt.date:
    """The day of 2000 to 2399, or of the true years while `datetime` has them, with the same place in its week."""
    year = day.year if 2 <= day.year <= 9998 else day.year % 400 + (400 if day.year < 2 else 9200)
    return dt.date(year, day.month, day.day)


def offset(clock: Clock, day: Day | None = None) -> int | None:
    """Seconds east of UTC; a time alone is one of 1 January 1970."""
    if clock.zone is None:
        return clock.offset
    at = dt.datetime.combine(in_cycle(day or Day(1970, 1, 1)), dt.time()) + dt.timedelta(seconds=clock.ns // NS)
    found = at.replace(tzinfo=ZoneInfo(clock.zone)).utcoffset()
    assert found is not None
    return int(found.total_seconds())


def instant(moment: Moment) -> int:
    """Nanoseconds on the time line; a local moment as if in UTC."""
    return ordinal(moment.day) * DAY + moment.clock.ns - (offset(moment.clock, moment.day) or 0) * NS


def zoned(clock: Clock) -> bool:
    """Whether the clock knows where it hangs."""
    return clock.offset is not None or clock.zone is not None


# -- texts

_DATE: Final = re.compile(r"(-?)([1-9]\d{4,8}|\d{4})-(\d\d)-(\d\d)", re.ASCII)
_CLOCK: Final = re.compile(
    r"(\d\d):(\d\d):(\d\d)(\.\d*)?(?:([Zz])|([+-]\d\d):(\d\d)(?::(\d\d))?|@([A-Za-z0-9_+/-]+))?", re.ASCII
)
_MONTHS: Final = re.compile(r"(-?)P(?=\d)(?:(\d+)Y)?(?:(\d+)M)?", re.ASCII)
_DAYS: Final = re.compile(r"(-?)P(?=\d|T\d)(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(\.\d*)?S)?)?", re.ASCII)


def read_day(text: str) -> Day | None:
    """A date's text."""
    found = _DATE.fullmatch(text)
    return found and real_day(int(found[1] + found[2]), int(found[3]), int(found[4]))


def read_clock(text: str) -> Clock | None:
    """A time's text; 24:00:00 has a day of nanoseconds, for the caller to deal with."""
    found = _CLOCK.fullmatch(text)
    if found is None:
        return None
    hour, minute, second = int(found[1]), int(found[2]), int(found[3])
    ns = ((hour * 60 + minute) * 60 + second) * NS + int((found[4] or ".")[1:10].ljust(9, "0"))
    if minute > 59 or second > 59 or ns > DAY:
        return None
    if found[9]:
        try:
            ZoneInfo(found[9])
        except (LookupError, OSError, ValueError):
            return None
        return Clock(ns, None, found[9])
    if found[6]:
        east = abs(int(found[6])) * 3600 + int(found[7]) * 60 + int(found[8] or 0)
        if int(found[7]) > 59 or int(found[8] or 0) > 59 or east > 18 * 3600:
            return None
        return Clock(ns, -east if found[6].startswith("-") else east, None)
    return Clock(ns, 0 if found[5] else None, None)


def read_time(text: str) -> Clock | None:
    """A time's text alone."""
    clock = read_clock(text)
    return clock and clock._replace(ns=clock.ns % DAY)


def read_moment(text: str) -> Moment | None:
    """A date and time's text; a date alone is its midnight."""
    first, _, second = text.partition("T")
    day, clock = read_day(first), read_clock(second) if "T" in text else Clock(0, None, None)
    if day is None or clock is None:
        return None
    if clock.ns == DAY:
        following = of_ordinal(ordinal(day) + 1)
        return following and Moment(following, clock._replace(ns=0))
    return Moment(day, clock)


def read_duration(text: str) -> Months | Nanos | None:
    """A duration's text."""
    found = _MONTHS.fullmatch(text)
    if found:
        months = int(found[2] or 0) * 12 + int(found[3] or 0)
        return Months(-months if found[1] else months)
    found = _DAYS.fullmatch(text)
    if found is None:
        return None
    seconds = ((int(found[2] or 0) * 24 + int(found[3] or 0)) * 60 + int(found[4] or 0)) * 60 + int(found[5] or 0)
    ns = seconds * NS + int((found[6] or ".")[1:10].ljust(9, "0"))
    return Nanos(-ns if found[1] else ns)


def read_temporal(text: str) -> Value:
    """What an at-literal stands for."""
    return (
        read_moment(text)
        if "T" in text and read_moment(text)
        else read_day(text) or read_time(text) or read_duration(text)
    )


def write(value: Value, *, inside: bool = False) -> str:
    """The value as `string()` gives it; `inside` of a list, strings and temporal values show what they are."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Decimal():
            return f"{abs(value) if value == 0 else value:f}"
        case str():
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"' if inside else value
        case list():
            return f"[{', '.join(write(item, inside=True) for item in value)}]"
        case dict():
            entries = (f"{_key(str(key))}: {write(item, inside=True)}" for key, item in value.items())
            return "{" + ", ".join(entries) + "}"
        case Interval():
            return _interval_text(value)
        case Fn():
            return f"function({', '.join(value.parameters)})"
        case _:
            return f'@"{_temporal_text(value)}"' if inside else _temporal_text(value)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[\w ]+", key) else write(key, inside=True)


def _interval_text(value: Interval) -> str:
    if value.form:
        return f"({value.form} {write(value.end if value.form[0] == '<' else value.start, inside=True)})"
    ends = ["" if end is None else write(end, inside=True) for end in (value.start, value.end)]
    return f"{'[' if value.start_included else '('}{'..'.join(ends)}{']' if value.end_included else ')'}"


def _temporal_text(value: Value) -> str:
    match value:
        case Day():
            return f"{'-' if value.year < 0 else ''}{abs(value.year):04}-{value.month:02}-{value.day:02}"
        case Clock():
            whole, fraction = divmod(value.ns, NS)
            text = f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}" + f".{fraction:09}".rstrip("0").rstrip(
                "."
            )
            return text + (f"@{value.zone}" if value.zone else "" if value.offset is None else _east(value.offset))
        case Moment():
            return f"{_temporal_text(value.day)}T{_temporal_text(value.clock)}"
        case Months():
            years, months = divmod(abs(value.months), 12)
            text = (f"{years}Y" if years else "") + (f"{months}M" if months or not years else "")
            return f"{'-' if value.months < 0 else ''}P{text}"
        case Nanos():
            total, fraction = divmod(abs(value.ns), NS)
            seconds = f"{total % 60}" + f".{fraction:09}".rstrip("0").rstrip(".")
            parts = [(total // 86_400, "D"), (total // 3600 % 24, "H"), (total // 60 % 60, "M")]
            clock = "".join(f"{count}{unit}" for count, unit in parts[1:] if count) + (
                f"{seconds}S" if seconds != "0" else ""
            )
            text = (f"{parts[0][0]}D" if parts[0][0] else "") + (f"T{clock}" if clock else "")
            return f"{'-' if value.ns < 0 else ''}P{text or 'T0S'}"
    raise AssertionError(value)


def _east(seconds: int) -> str:
    if seconds == 0:
        return "Z"
    hours, minutes, rest = abs(seconds) // 3600, abs(seconds) // 60 % 60, abs(seconds) % 60
    return f"{'-' if seconds < 0 else '+'}{hours:02}:{minutes:02}" + (f":{rest:02}" if rest else "")


# -- the values of the compiled evaluator


def seen(value: Value) -> Value:
    """A value of `procession.feel` as the oracle has it."""
    match value:
        case bool() | str() | None:
            return value
        case int():
            return Decimal(value)
        case list():
            return [seen(item) for item in value]
        case dict():
            return {key: seen(item) for key, item in value.items()}
        case feel.Date():
            return Day(value.year, value.month, value.day)
        case feel.Time():
            return Clock(value.ns, value.offset, value.zone)
        case feel.DateTime():
            return Moment(Day(value.date.year, value.date.month, value.date.day),
                          Clock(value.time.ns, value.time.offset, value.time.zone))  # fmt: skip
        case feel.YearsMonthsDuration():
            return Months(value.months)
        case feel.DaysTimeDuration():
            return Nanos(value.ns)
        case feel.Range():
            return Interval(seen(value.start), seen(value.end), value.start_included, value.end_included, value.form)
        case feel.Function():
            return Fn(value.parameters, value.types, lambda arguments: arguments)
        case _:
            return value


def alike(a: Value, b: Value) -> bool:
    """Whether two values are the same to the last digit but two: roots and powers may be rounded twice."""
    if type(a) is not type(b):
        return False
    if isinstance(a, Decimal) and isinstance(b, Decimal):
        return a == b or abs(Fraction(a) - Fraction(b)) <= abs(Fraction(b)) / 10**32
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(alike, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(alike(a[key], b[key]) for key in a)
    if isinstance(a, Interval) and isinstance(b, Interval):
        return all(map(alike, a, b))
    return a == b or isinstance(a, Fn)
