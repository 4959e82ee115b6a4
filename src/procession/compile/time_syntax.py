"""The syntax of times that stand in a model as text: ISO 8601 dates, durations, intervals, and cron (10.5.5).

Only whether a text is well formed is decided here, at deployment; when it comes due is the interpreter's
business.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from procession.ir.kinds import TimerKind

_DURATION: Final = re.compile(
    r"-?P(?=[\dT])(?:\d+Y)?(?:\d+M)?(?:\d+W)?(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?",
    re.ASCII,
)
_REPEAT: Final = re.compile(r"R(-1|\d*)/", re.ASCII)
_ZONED: Final = re.compile(r"(.*?)(?:\[(.+)\]|@(.+))$")
_MACROS: Final = frozenset({"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"})
_MONTHS: Final = {n: i for i, n in enumerate("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(), 1)}
_DAYS: Final = {n: i for i, n in enumerate("SUN MON TUE WED THU FRI SAT".split())}
_FIELDS: Final[tuple[tuple[str, int, int, Mapping[str, int]], ...]] = (
    ("second", 0, 59, {}),
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 7, _DAYS),
)


def problem_of(kind: TimerKind, text: str) -> str:
    """What is wrong with a timer's text, or '' for nothing."""
    return _PROBLEMS[kind](text.strip())


def duration_problem(text: str) -> str:
    """What is wrong with a duration, or ''."""
    if _DURATION.fullmatch(text.strip()):
        return ""
    return f"{text!r} is no ISO 8601 duration such as P1DT2H30M"


def _date_problem(text: str) -> str:
    match = _ZONED.match(text)
    zone = (match[2] or match[3]) if match else ""
    try:
        datetime.fromisoformat(match[1] if match else text)
    except ValueError:
        return f"{text!r} is no ISO 8601 date-time such as 2026-01-31T09:00:00Z"
    return _zone_problem(zone) if zone else ""


def _zone_problem(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return f"{name!r} is no known time zone"
    return ""


def _cycle_problem(text: str) -> str:
    if text.startswith("@"):
        return "" if text in _MACROS else f"{text!r} is none of {', '.join(sorted(_MACROS))}"
    fields = text.upper().split()
    if len(fields) in {5, 6}:
        return _cron_problem(fields)
    match = _REPEAT.match(text)
    if match is None:
        return f"{text!r} is neither an interval such as R3/PT10M nor cron such as 0 9 * * MON"
    parts = text[match.end() :].split("/")
    if len(parts) > 2:
        return f"{text!r} is not of the form R[n]/[start/]duration"
    if problem := duration_problem(parts[-1]):
        return problem
    if parts[-1].startswith("-") or not re.search("[1-9]", parts[-1]):
        return f"the interval of {text!r} must be longer than nothing"
    return _date_problem(parts[0]) if len(parts) == 2 else ""


def _cron_problem(fields: list[str]) -> str:
    named = _FIELDS if len(fields) == 6 else _FIELDS[1:]
    for text, (name, low, high, names) in zip(fields, named, strict=True):
        for entry in text.split(","):
            if not _is_entry(entry, (low, high), names) and not _is_special(entry, name):
                return f"{entry!r} is no {name} of a cron expression"
    return ""


def _is_entry(entry: str, bounds: tuple[int, int], names: Mapping[str, int]) -> bool:
    """`*`, `?`, a number, a range, any of them with a step."""
    body, slash, step = entry.partition("/")
    if slash and not (step.isdecimal() and int(step) > 0):
        return False
    if body in {"*", "?"}:
        return True
    ends = [_number(end, names) for end in body.split("-")]
    if len(ends) > 2 or not all(bounds[0] <= end <= bounds[1] for end in ends):
        return False
    return ends[0] <= ends[-1]


def _is_special(entry: str, name: str) -> bool:
    """`L`, `LW`, `L-3`, `15W` for days of the month; `L`, `5L`, `MON#2` for days of the week."""
    if name == "day of the month":
        if entry in {"L", "LW"} or re.fullmatch(r"L-([1-9]|[12]\d|30)", entry):
            return True
        return entry.endswith("W") and 1 <= _number(entry[:-1], {}) <= 31
    if name != "day of the week":
        return False
    if "#" in entry:
        weekday, _, nth = entry.partition("#")
        return 0 <= _number(weekday, _DAYS) <= 7 and 1 <= _number(nth, {}) <= 5
    return entry == "L" or (entry.endswith("L") and 0 <= _number(entry[:-1], _DAYS) <= 7)


def _number(text: str, names: Mapping[str, int]) -> int:
    """The number, or -1, which no field allows."""
    if text in names:
        return names[text]
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 4 else -1


_PROBLEMS: Final[dict[TimerKind, Callable[[str], str]]] = {
    TimerKind.DATE: _date_problem,
    TimerKind.DURATION: duration_problem,
    TimerKind.CYCLE: _cycle_problem,
}
