"""Timer expressions: what is due when. Times are ISO text here, Unix milliseconds inside."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.base.failure import Failure
from procession.core.timers import SKIPPED_MAX, add, date_time_ms, duration_ms, first_due, next_due, parse_duration
from procession.ir.kinds import TimerKind

T0 = "2026-03-28T12:00:00Z"


def ms(text: str, zone: str = "UTC") -> int:
    return date_time_ms(text, zone)


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("1970-01-01T00:00:01Z", "UTC", 1_000),
        ("1970-01-01", "UTC", 0),
        ("1970-01-01T01:00:00", "Europe/Berlin", 0),
        ("1970-01-01T01:00:00+01:00", "America/New_York", 0),
        ("1970-01-01T01:00:00[Europe/Berlin]", "UTC", 0),
        ("1970-01-01T01:00:00@Europe/Berlin", "UTC", 0),
        ("1970-01-01T00:00:00.250Z", "UTC", 250),
    ],
)
def test_a_date_time_is_read_in_its_own_zone_or_the_instances(text: str, zone: str, expected: int) -> None:
    assert ms(text, zone) == expected


@pytest.mark.parametrize(
    ("text", "months", "milliseconds"),
    [
        ("PT1H", 0, 3_600_000),
        ("P1DT2H30M", 0, 95_400_000),
        ("P2W", 0, 1_209_600_000),
        ("P1Y2M", 14, 0),
        ("PT0.5S", 0, 500),
        ("-PT1M", 0, -60_000),
        ("P1M1D", 1, 86_400_000),
    ],
)
def test_a_duration_has_months_and_milliseconds(text: str, months: int, milliseconds: int) -> None:
    assert parse_duration(text) == (months, milliseconds)


@pytest.mark.parametrize("text", ["", "P", "PT", "1H", "P1H", "PT1D", "hello", "P-1D", "P1.5D"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(Failure):
        parse_duration(text)


@pytest.mark.parametrize(
    ("start", "duration", "zone", "expected"),
    [
        ("2026-01-31T10:00:00Z", "P1M", "UTC", "2026-02-28T10:00:00Z"),
        ("2028-02-29T10:00:00Z", "P1Y", "UTC", "2029-02-28T10:00:00Z"),
        # A month later it is summer time: the local hour stays.
        ("2026-03-15T10:00:00+01:00", "P1M", "Europe/Berlin", "2026-04-15T10:00:00+02:00"),
        # Hours and days are exact.
        ("2026-03-28T12:00:00+01:00", "P1D", "Europe/Berlin", "2026-03-29T13:00:00+02:00"),
    ],
)
def test_months_follow_the_calendar_and_days_the_clock(start: str, duration: str, zone: str, expected: str) -> None:
    assert add(ms(start), parse_duration(duration), zone) == ms(expected)


@pytest.mark.parametrize(
    ("kind", "value", "due", "left"),
    [
        (TimerKind.DATE, "2026-03-28T13:00:00Z", "2026-03-28T13:00:00Z", 0),
        (TimerKind.DATE, "2020-01-01T00:00:00Z", T0, 0),
        (TimerKind.DURATION, "PT5M", "2026-03-28T12:05:00Z", 0),
        (TimerKind.DURATION, "-PT5M", T0, 0),
        (TimerKind.CYCLE, "R3/PT1H", "2026-03-28T13:00:00Z", 2),
        (TimerKind.CYCLE, "R/PT1H", "2026-03-28T13:00:00Z", -1),
        (TimerKind.CYCLE, "R2/2026-03-28T15:00:00Z/PT1H", "2026-03-28T15:00:00Z", 1),
        (TimerKind.CYCLE, "*/15 * * * *", "2026-03-28T12:15:00Z", -1),
        (TimerKind.CYCLE, "0 30 9 * * MON-FRI", "2026-03-30T09:30:00Z", -1),
        (TimerKind.CYCLE, "@daily", "2026-03-29T00:00:00Z", -1),
        (TimerKind.CYCLE, "0 0 9 L * ?", "2026-03-31T09:00:00Z", -1),
        (TimerKind.CYCLE, "0 0 9 LW * ?", "2026-03-31T09:00:00Z", -1),
        (TimerKind.CYCLE, "0 0 9 1W * ?", "2026-04-01T09:00:00Z", -1),
        (TimerKind.CYCLE, "0 0 9 ? * FRI#1", "2026-04-03T09:00:00Z", -1),
        (TimerKind.CYCLE, "0 0 9 ? * FRIL", "2026-04-24T09:00:00Z", -1),
        (TimerKind.CYCLE, "0 0 0 29 2 *", "2028-02-29T00:00:00Z", -1),
    ],
)
def test_a_timer_is_first_due(kind: TimerKind, value: str, due: str, left: int) -> None:
    first = first_due(kind, value, ms(T0), "UTC")
    assert first is not None
    assert (first[0], first[2]) == (ms(due), left)


def test_a_cycle_of_no_repetitions_never_fires() -> None:
    assert first_due(TimerKind.CYCLE, "R0/PT1H", ms(T0), "UTC") is None


@pytest.mark.parametrize(
    "value", ["R/PT0S", "R/-PT1H", "PT1H", "R3", "61 * * * *", "* * *", "0 0 0 30 2 *", "R/2026-01-01T00:00:00Z/x/PT1H"]
)
def test_what_is_no_cycle_is_refused(value: str) -> None:
    with pytest.raises(Failure):
        first_due(TimerKind.CYCLE, value, ms(T0), "UTC")


@pytest.mark.parametrize(
    ("cycle", "now", "catch_up", "due", "skipped"),
    [
        ("R/PT1H", "2026-03-28T12:00:00Z", False, "2026-03-28T13:00:00Z", 0),
        ("R/PT1H", "2026-03-28T12:59:00Z", False, "2026-03-28T13:00:00Z", 0),
        ("R/PT1H", "2026-03-28T15:30:00Z", False, "2026-03-28T16:00:00Z", 3),
        ("R/PT1H", "2026-03-28T15:30:00Z", True, "2026-03-28T13:00:00Z", 0),
        ("R/P1M", "2026-07-01T00:00:00Z", False, "2026-07-28T12:00:00Z", 3),
        ("0 0 12 * * *", "2026-03-28T12:00:00Z", False, "2026-03-29T12:00:00Z", 0),
        ("0 0 12 * * *", "2026-04-02T13:00:00Z", False, "2026-04-03T12:00:00Z", 5),
        ("* * * * *", "2027-03-28T12:00:30Z", False, "2027-03-28T12:01:00Z", SKIPPED_MAX),
        ("0 0 12 * * *", "2026-04-02T13:00:00Z", True, "2026-03-29T12:00:00Z", 0),
    ],
)
def test_a_cycle_counts_from_its_schedule_and_skips_a_downtime(
    cycle: str, now: str, catch_up: bool, due: str, skipped: int
) -> None:
    assert next_due(cycle, ms(T0), ms(now), "UTC", catch_up) == (ms(due), skipped)


def test_cron_never_fires_twice_in_a_repeated_hour() -> None:
    zone = "Europe/Berlin"
    first = first_due(TimerKind.CYCLE, "0 30 2 * * *", ms("2026-10-25T00:00:00Z"), zone)
    assert first is not None
    second, _ = next_due("0 30 2 * * *", first[0], first[0], zone)
    assert second - first[0] >= 24 * 3_600_000


@given(st.integers(0, 4_000_000_000_000), st.integers(1, 10**9), st.integers(0, 10**10))
def test_the_next_due_time_lies_after_now(scheduled: int, interval_s: int, late: int) -> None:
    due, skipped = next_due(f"R/PT{interval_s}S", scheduled, scheduled + late, "UTC")
    assert due > scheduled + late
    assert due == scheduled + (skipped + 1) * interval_s * 1000


def test_a_month_of_back_off_counts_thirty_days() -> None:
    assert duration_ms("P1M") == 30 * 86_400_000
