"""Schedules of timer start events fire when the timers of the core are due, or it is said why they cannot."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from procession.base.failure import Failure
from procession.core.timers import date_time_ms, first_due, next_due
from procession.hosts.temporal.cells.clock_changes import clock_changes
from procession.hosts.temporal.cells.schedules import (
    Inexact,
    TimerSchedule,
    first_firing,
    schedule_for,
    schedule_id,
)
from procession.ir.kinds import TimerKind
from unit.hosts.temporal_cells.server_calendar import firings

ZONES: Final = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",
    "America/Santiago",
    "Africa/Cairo",
    "Australia/Lord_Howe",
    "Antarctica/Troll",
)
COMPARED: Final = 40
YEAR_S: Final = 366 * 86_400
LAST: Final = 4_102_444_800_000
"""The first moment of 2100, after which servers have no calendars."""


def ms(text: str) -> int:
    return date_time_ms(text, "UTC")


def schedule(cycle: str, first: int, zone: str = "UTC", *, catch_up: bool = False) -> TimerSchedule | Inexact:
    return schedule_for(cycle, first, zone, tenant="t", process="p", node="n", catch_up=catch_up)


def exact(cycle: str, first: int, zone: str = "UTC") -> TimerSchedule:
    made = schedule(cycle, first, zone)
    assert isinstance(made, TimerSchedule), made
    return made


def dues(cycle: str, first: int, zone: str, until: int = LAST) -> list[int]:
    """The first due times of the core, in ms."""
    found = [first]
    while len(found) < COMPARED:
        found.append(next_due(cycle, found[-1], found[-1], zone)[0])
        if found[-1] > until:
            return found[:-1]
    return found


def fired(made: TimerSchedule, after: int, until: int = LAST) -> list[int]:
    """The first firings of the schedule, in ms."""
    times = (at * 1000 for at in islice(firings(made.spec, after // 1000), COMPARED))
    return list(takewhile(lambda at: at <= until, times))


numbers = {
    "second": st.sampled_from(["0", "0", "30", "*/20"]),
    "minute": st.sampled_from(["0", "30", "*/15", "5-10", "7,41", "*"]),
    "hour": st.sampled_from(["0", "1", "2", "3", "9", "23", "8-18", "*/6", "*", "3-5,9"]),
    "day": st.sampled_from(["*", "*", "1", "31", "29", "10-20/3", "L", "LW", "L-3", "15W", "1W", "31W", "1,L"]),
    "month": st.sampled_from(["*", "*", "*", "2", "MAR", "1-6", "*/3", "10"]),
    "weekday": st.sampled_from(["*", "*", "MON-FRI", "SUN", "1,3", "6", "5L", "2#1", "SUN#5", "7"]),
}
crons = st.builds(" ".join, st.tuples(*numbers.values()))
starts = st.integers(0, 365 * 86_400).map(lambda second: ms("2026-01-01T00:00:00Z") + second * 1000)


@settings(max_examples=40)
@given(crons, starts, st.sampled_from(ZONES))
@example("0 30 2 * * *", 1_767_225_600_000, "Asia/Kathmandu")
@example("0 0 9 * * SUN", 1_767_225_600_000, "America/Santiago")
@example("0 0 1 * * *", 1_789_513_272_000, "Europe/Berlin")
def test_cron_fires_when_it_is_due_also_where_the_clock_changes(text: str, at: int, zone: str) -> None:
    try:
        first = first_due(TimerKind.CYCLE, text, at, zone)
    except Failure:
        return  # a date that never comes
    assert first is not None
    made = schedule(text, first[0], zone)
    if isinstance(made, Inexact):
        assert "where the clock" in made.reason or "end with the year" in made.reason
        return
    until = first[0] + 4 * YEAR_S * 1000
    assert fired(made, at, until) == dues(text, first[0], zone, until)
    for change in clock_changes(zone):
        if first[0] // 1000 < change.at - 86_400 and change.at < first[0] // 1000 + 2 * YEAR_S:
            # Just before a change, and in its hour.
            for before in (change.at - 86_400, change.at - 3_600, change.at, change.at + 1_800):
                due, _ = next_due(text, before * 1000, before * 1000, zone)
                assert next(firings(made.spec, before)) * 1000 == due, change


@given(st.integers(1, 200_000), starts, st.sampled_from(ZONES), st.sampled_from(["R/", "R3/", "R-1/"]))
def test_an_interval_keeps_its_distance_whatever_the_clock_does(every: int, first: int, zone: str, times: str) -> None:
    cycle = f"{times}PT{every}S"
    made = exact(cycle, first, zone)
    assert fired(made, first - 1000) == dues(cycle, first, zone)
    assert made.firings == (3 if times == "R3/" else None)


@settings(max_examples=20)
@given(st.sampled_from([1, 2, 3, 4, 6, 12, 24, 36]), starts, st.sampled_from(ZONES))
def test_months_are_those_of_the_calendar(months: int, first: int, zone: str) -> None:
    cycle = f"R/P{months}M"
    made = schedule(cycle, first, zone)
    if isinstance(made, Inexact):
        assert "which some months do not have" in made.reason or "where the clock" in made.reason
        return
    assert fired(made, first - 1000) == dues(cycle, first, zone)


@pytest.mark.parametrize(
    ("cycle", "first", "zone", "reason"),
    [
        ("R/PT1H", "2026-01-01T00:00:00.500Z", "UTC", "within a second"),
        ("R/PT0.5S", "2026-01-01T00:00:00Z", "UTC", "not of whole seconds"),
        ("R/P1MT1H", "2026-01-01T00:00:00Z", "UTC", "mixes months"),
        ("R/P5M", "2026-01-01T00:00:00Z", "UTC", "other months each year"),
        ("R/P18M", "2026-01-01T00:00:00Z", "UTC", "other months each year"),
        ("R/P1M", "2026-01-31T00:00:00Z", "UTC", "falls on day 31"),
        ("R/P1M", "2026-01-31T23:30:00Z", "Europe/Berlin", ""),
        ("30 2 * * *", "2026-01-01T01:30:00Z", "Europe/Berlin", "2026-03-29 02:30"),
        ("30 1 * * *", "2026-01-01T06:30:00Z", "America/New_York", "2026-11-01 01:30"),
        ("30 2 * * *", "2026-01-01T07:30:00Z", "America/New_York", "2026-03-08 02:30"),
        ("0 * * * *", "2026-01-01T00:00:00Z", "Europe/Berlin", "an interval as R/PT1H"),
        # Before an hour that comes twice a server fires twice, too, where clocks are ahead of Greenwich.
        ("0 1 * * *", "2026-01-01T00:00:00Z", "Europe/Berlin", "2026-10-25 01:00"),
        ("0 9 * * SUN", "2026-01-04T12:00:00Z", "America/Santiago", "where the clock"),
        # Clocks change on Sundays; a zone without changes has every hour once.
        ("30 2 * * MON-FRI", "2026-01-01T01:30:00Z", "Europe/Berlin", ""),
        ("30 2 * * *", "2026-01-01T02:30:00Z", "UTC", ""),
        ("30 2 * 6 *", "2026-06-01T00:30:00Z", "Europe/Berlin", ""),
        ("@daily", "2026-01-01T23:00:00Z", "Europe/Berlin", ""),
        ("", "2101-01-01T00:00:00Z", "UTC", "schedules end with the year 2100"),
    ],
)
def test_what_no_schedule_can_say_is_refused_with_the_reason(cycle: str, first: str, zone: str, reason: str) -> None:
    made = schedule(cycle, ms(first), zone)
    if reason:
        assert isinstance(made, Inexact)
        assert reason in made.reason
    else:
        assert isinstance(made, TimerSchedule), made


def test_a_refused_cron_really_fires_at_other_times() -> None:
    """Else the refusal would be for nothing: what a server makes of 02:30 where the clock changes."""
    plain = exact("30 2 * * *", ms("2026-01-01T02:30:00Z")).spec
    plain.time_zone_name, plain.start_at = "Europe/Berlin", None
    spring, autumn = ms("2026-03-28T12:00:00Z"), ms("2026-10-24T12:00:00Z")
    for before in (spring, autumn):
        server = [at * 1000 for at in islice(firings(plain, before // 1000), 3)]
        due = [before]
        for _ in range(3):
            due.append(next_due("30 2 * * *", due[-1], due[-1], "Europe/Berlin")[0])
        assert server != due[1:]


def test_a_timer_that_fires_once_is_one_second_of_the_calendar() -> None:
    first = ms("2026-03-29T01:00:00Z")
    made = exact("", first, "Europe/Berlin")
    assert fired(made, first - 5_000) == [first]
    assert made.firings == 1


@pytest.mark.parametrize(
    ("cycle", "catch_up", "window"),
    [
        ("R/PT1H", False, timedelta(hours=1)),
        ("R/PT2S", False, timedelta(seconds=10)),
        ("R/PT1H", True, timedelta(days=365)),
        ("0 9 * * MON-FRI", False, timedelta(days=3)),
        ("", False, timedelta(days=365)),
    ],
)
def test_after_a_downtime_the_last_missed_time_is_fired_late(cycle: str, catch_up: bool, window: timedelta) -> None:
    made = schedule(cycle, ms("2026-01-01T09:00:00Z"), catch_up=catch_up)
    assert isinstance(made, TimerSchedule)
    assert made.policy.catchup_window == window


def test_the_id_is_of_the_start_event_and_of_no_other() -> None:
    assert schedule_id("<default>", "loan", "start") == "procession/<default>/loan/start"
    assert len({schedule_id("a/b", "c", "d"), schedule_id("a", "b/c", "d"), schedule_id("a", "b", "c/d")}) == 3


@pytest.mark.parametrize(
    ("timer", "due", "cycle"),
    [
        ("2026-05-01T09:00:00", "2026-05-01T07:00:00Z", ""),
        ("PT1H", "2026-01-01T01:00:00Z", ""),
        ("R3/PT1H", "2026-01-01T01:00:00Z", "R3/PT1H"),
        ("R/2026-02-01T00:00:00Z/P1D", "2026-02-01T00:00:00Z", "R/2026-02-01T00:00:00Z/P1D"),
        ("0 9 * * *", "2026-01-01T08:00:00Z", "0 9 * * *"),
        ("@daily", "2026-01-01T23:00:00Z", "@daily"),
    ],
)
def test_the_first_firing_is_read_from_the_text(timer: str, due: str, cycle: str) -> None:
    assert first_firing(timer, ms("2026-01-01T00:00:00.750Z"), "Europe/Berlin") == (ms(due), cycle)


def test_a_timer_that_never_comes_is_a_failure() -> None:
    with pytest.raises(Failure, match="repeats no time"):
        first_firing("R0/PT1H", 0, "UTC")
    with pytest.raises(Failure, match="no known time zone"):
        schedule("0 9 * * *", ms("2026-01-01T09:00:00Z"), "Mars/Base")


def test_the_clock_changes_of_a_zone_are_found() -> None:
    of_year = [each for each in clock_changes("Europe/Berlin") if datetime.fromtimestamp(each.at, UTC).year == 2027]
    assert [(f"{each.begin:%m-%d %H}", f"{each.end:%H}") for each in of_year] == [
        ("03-28 02", "03"),
        ("10-31 01", "03"),
    ]
    assert clock_changes("UTC") == ()
    assert any(each.skips_midnight for each in clock_changes("America/Santiago"))
