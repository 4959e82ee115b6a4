"""Numbers against Python's `decimal` with more digits, dates against `datetime` and `zoneinfo`, texts both ways."""

# ruff: noqa: DTZ001 - local times are what is tested here

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from procession import feel

FEEL = Context(prec=34, rounding=ROUND_HALF_EVEN, Emin=-6143, Emax=6144, clamp=1, traps=[])
WIDE = Context(prec=200, Emin=-999_999, Emax=999_999, traps=[])
NUMBERS = st.builds(
    lambda sign, digits, exponent: Decimal((sign, tuple(map(int, str(digits))), exponent)),
    st.integers(0, 1), st.integers(0, 10**34 - 1), st.one_of(st.integers(-40, 40), st.integers(-6176, 6111)),
).filter(lambda number: number.adjusted() <= 6144)  # fmt: skip
SMALL = st.builds(
    lambda digits, exponent: Decimal(digits).scaleb(-exponent), st.integers(-(10**12), 10**12), st.integers(0, 12)
)
ZONES = st.sampled_from(
    [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "America/St_Johns",
        "Pacific/Apia",
    ]
)
MOMENTS = st.datetimes(dt.datetime(1, 1, 3), dt.datetime(9990, 12, 28))
SECONDS = st.integers(-(10**11), 10**11)


def value(text: str, **variables: object) -> object:
    """What an expression gives."""
    return feel.evaluate(text, variables)


def rounded(exact: Decimal) -> Decimal | None:
    """A number of many digits as FEEL has it: 34 of them, half to even, null where it is none."""
    result = FEEL.plus(exact)
    return result if result.is_finite() else None


EXACT: dict[str, Callable[[Decimal, Decimal], Decimal]] = {
    "a + b": FEEL.add,
    "a - b": FEEL.subtract,
    "a * b": WIDE.multiply,
    "-a": lambda a, b: WIDE.minus(a),
    "sum([a, b])": FEEL.add,
    "product([a, b])": WIDE.multiply,
    "abs(a)": lambda a, b: WIDE.abs(a),
}


@pytest.mark.parametrize("text", EXACT)
@given(a=NUMBERS, b=NUMBERS)
@example(a=Decimal("9999999999999999999999999999999999"), b=Decimal("0.5"))
@example(a=Decimal("9.999999999999999999999999999999999E+6144"), b=Decimal("9.999999999999999999999999999999999E+6144"))
@example(a=Decimal("1E-6176"), b=Decimal("0.1"))
def test_arithmetic_is_exact_to_34_digits(text: str, a: Decimal, b: Decimal) -> None:
    assert value(text, a=a, b=b) == rounded(EXACT[text](a, b))


@given(a=NUMBERS, b=NUMBERS)
@example(a=Decimal(1), b=Decimal(0))
@example(a=Decimal("1E-6176"), b=Decimal("9E+6000"))
def test_division_is_rounded_once(a: Decimal, b: Decimal) -> None:
    assert value("a / b", a=a, b=b) == (
        None if b == 0 else FEEL.divide(a, b) if FEEL.divide(a, b).is_finite() else None
    )


IRRATIONAL: dict[str, Callable[[Decimal, int], Decimal]] = {
    "sqrt(a)": lambda a, b: WIDE.sqrt(a),
    "exp(a / 1000)": lambda a, b: WIDE.exp(FEEL.divide(a, Decimal(1000))),
    "log(a)": lambda a, b: WIDE.ln(a),
    "a ** b": WIDE.power,
}


@pytest.mark.parametrize("text", IRRATIONAL)
@given(a=SMALL.map(abs).filter(bool), b=st.integers(-40, 40))
def test_roots_powers_and_logarithms_are_right_to_the_last_digit_but_one(text: str, a: Decimal, b: int) -> None:
    if "exp" in text and a > 10**6:
        a = a / 10**6
    wanted, found = rounded(IRRATIONAL[text](a, b)), value(text, a=a, b=b)
    if wanted is None or found is None:
        assert found is wanted
        return
    assert isinstance(found, int | Decimal)
    assert abs(WIDE.subtract(Decimal(found), wanted)) <= WIDE.multiply(abs(wanted), Decimal("2E-33")) + Decimal(
        "1E-6176"
    )


@given(a=NUMBERS)
def test_any_number_reads_back_from_its_text(a: Decimal) -> None:
    assert value("number(string(a))", a=a) == FEEL.plus(a)
    assert value("string(a)", a=a) == format(FEEL.plus(a).copy_abs() if a == 0 else FEEL.plus(a), "f")


def written(moment: dt.datetime, zone: str | None = None) -> str:
    """A moment as FEEL writes it."""
    text = moment.replace(tzinfo=None).isoformat()
    text = f"{text.rstrip('0').rstrip('.')}" if "." in text else text
    return text + (f"@{zone}" if zone else "")


@given(moment=MOMENTS, seconds=SECONDS)
def test_local_time_is_added_and_subtracted_as_datetime_does(moment: dt.datetime, seconds: int) -> None:
    try:
        later = moment + dt.timedelta(seconds=seconds)
    except OverflowError:
        return
    names = {"t": written(moment), "s": seconds}
    assert value('string(date and time(t) + duration("PT1S") * s)', **names) == written(later)
    assert value('(date and time(u) - date and time(t)) / @"PT1S"', u=written(later), **names) == seconds


@given(
    moment=MOMENTS.filter(lambda moment: 1900 < moment.year < 2100), zone=ZONES, seconds=st.integers(-(10**8), 10**8)
)
@example(moment=dt.datetime(2026, 3, 29, 1, 59, 59), zone="Europe/Berlin", seconds=1)
@example(moment=dt.datetime(2026, 10, 25, 2, 30), zone="Europe/Berlin", seconds=3600)
@example(moment=dt.datetime(2026, 3, 29, 2, 30), zone="Europe/Berlin", seconds=0)
@example(moment=dt.datetime(2011, 12, 29, 12, 0), zone="Pacific/Apia", seconds=86_400)
def test_zoned_time_passes_on_the_time_line(moment: dt.datetime, zone: str, seconds: int) -> None:
    at = moment.replace(tzinfo=ZoneInfo(zone))
    later = (at.astimezone(dt.UTC) + dt.timedelta(seconds=seconds)).astimezone(ZoneInfo(zone))
    names = {"t": written(moment, zone), "s": seconds}
    assert value('string(date and time(t) + duration("PT1S") * s)', **names) == written(later, zone)
    offset = at.utcoffset()
    assert offset is not None
    assert value('date and time(t).time offset / @"PT1S"', **names) == int(offset.total_seconds())
    assert value("date and time(t) = date and time(u)", u=written(at.astimezone(dt.UTC)) + "Z", **names) is True


@given(day=st.dates(), months=st.integers(-3000, 3000))
@example(day=dt.date(2024, 2, 29), months=12)
@example(day=dt.date(2024, 1, 31), months=1)
def test_months_are_added_to_the_last_day_of_a_month_at_most(day: dt.date, months: int) -> None:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not 1 <= year <= 9998:
        return
    following = dt.date(year + month // 11, month % 12 + 2, 1) if month < 11 else dt.date(year + 1, 1, 1)
    last = (following - dt.timedelta(days=1)).day
    names = {"d": feel.Date(day.year, day.month, day.day), "m": feel.YearsMonthsDuration(months)}
    assert value("d + m", **names) == feel.Date(year, month + 1, min(day.day, last))
    assert value("years and months duration(d, d + m)", **names) == feel.YearsMonthsDuration(
        months if day.day <= last or months < 0 else months - 1
    )


@given(day=st.dates())
@example(day=dt.date(2005, 1, 1))
@example(day=dt.date(2024, 12, 30))
def test_weeks_and_days_are_those_of_the_calendar(day: dt.date) -> None:
    found = value("[week of year(d), day of year(d), d.weekday, day of week(d), month of year(d)]",
                  d=feel.Date(day.year, day.month, day.day))  # fmt: skip
    assert found == [
        day.isocalendar().week,
        day.timetuple().tm_yday,
        day.isoweekday(),
        day.strftime("%A"),
        day.strftime("%B"),
    ]


DATES = st.builds(feel.Date, st.integers(-999_999_999, 999_999_999), st.integers(1, 12), st.integers(1, 28))
TIMES = st.one_of(
    st.builds(feel.Time, st.integers(0, 86_400 * 10**9 - 1), st.one_of(st.none(), st.integers(-64_800, 64_800))),
    st.builds(feel.Time, st.integers(0, 86_400 * 10**9 - 1), st.none(), ZONES),
)
TEXTS: dict[str, st.SearchStrategy[object]] = {
    "date(string(v))": DATES,
    "time(string(v))": TIMES,
    "date and time(string(v))": st.builds(feel.DateTime, DATES, TIMES),
    "duration(string(v))": st.one_of(
        st.builds(feel.YearsMonthsDuration, st.integers(-(10**12), 10**12)),
        st.builds(feel.DaysTimeDuration, st.integers(-(10**30), 10**30)),
    ),
}


@pytest.mark.parametrize("text", TEXTS)
@given(data=st.data())
def test_a_temporal_value_reads_back_from_its_text(text: str, data: st.DataObject) -> None:
    drawn = data.draw(TEXTS[text])
    assert value(text, v=drawn) == drawn
