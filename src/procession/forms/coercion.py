"""What a client sent as the values that a form keeps: exact numbers, times in the format of their field, E.164, IBAN.

What cannot be made into the kind of its field stays what it is, and the verdict refuses it. An empty text is null, but
for fields that are texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final, cast

from procession.base.values import Json
from procession.feel.numbers import normal, number_text, parse_number
from procession.feel.temporal import (
    DAY_NS,
    Date,
    DateTime,
    Time,
    at_instant,
    date_of_days,
    instant_ns,
    offset_of,
)
from procession.feel.temporal_text import offset_text, parse_date, parse_date_time, parse_time
from procession.forms.compiled import Node
from procession.forms.formats import iban_of, phone_of

NUMBER_MAX: Final = 60
"""Longest number that is typed, in characters."""
_NUMBER: Final = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,4})?", re.ASCII)
_MINUTES: Final = re.compile(r"(^|T)(\d{2}:\d{2})(?!:)")


def coerced(node: Node, value: Json, zone: str) -> Json:
    """The value as the form keeps it. `zone` is that of local times that must have an offset."""
    if value is None:
        return None
    if value == "" and node.value != "text":
        return None
    return _BY_VALUE[node.value](node, value, zone)


def number_in(value: Json) -> int | Decimal | None:
    """The number of a value: a number, or the text of one; None for what is none."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    text = value.strip() if isinstance(value, str) else ""
    if len(text) > NUMBER_MAX or _NUMBER.fullmatch(text) is None:
        return None
    found = parse_number(text)
    return normal(found) if isinstance(found, Decimal) else found


def date_in(value: Json) -> Date | None:
    """The date of a date, or of a date and time."""
    if not isinstance(value, str) or len(value) > 64:
        return None
    moment = moment_in(value)
    return parse_date(value) or (moment.date if moment is not None else None)


def moment_in(value: Json) -> DateTime | None:
    """A date and time, its seconds left out or not."""
    if not isinstance(value, str) or len(value) > 64 or "T" not in value:
        return None
    return parse_date_time(with_seconds(value))


def time_in(value: Json) -> Time | None:
    """A time, its seconds left out or not."""
    return parse_time(with_seconds(value)) if isinstance(value, str) and len(value) <= 64 else None


def with_seconds(text: str) -> str:
    """`14:30` as `14:30:00`, which FEEL needs; an offset stays."""
    return _MINUTES.sub(r"\1\2:00", text, count=1)


def _text(node: Node, value: Json, zone: str) -> Json:
    del zone
    if not isinstance(value, str):
        return value
    if node.kind == "iban":
        return iban_of(value)
    if node.kind == "phone" or node.limits.format == "phone":
        code = node.extensions.get("callingCode")
        return phone_of(value, code if isinstance(code, str) else "")
    if node.kind in {"one-time-code", "payment"} or node.limits.format == "email":
        return value.strip()
    # What a browser sends has \r\n between lines; lengths count as its own script counts them.
    return value.replace("\r\n", "\n")


def _number(node: Node, value: Json, zone: str) -> Json:
    del zone
    number = number_in(value)
    if number is None:
        return value
    if node.component.flag("serializeToString"):
        return value.strip() if isinstance(value, str) else number_text(number)
    return number


def _boolean(node: Node, value: Json, zone: str) -> Json:
    del node, zone
    return {"true": True, "on": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _moment(node: Node, value: Json, zone: str) -> Json:
    format = node.component.text("timeSerializingFormat") or "no_timezone"
    subtype = node.component.text("subtype")
    if subtype == "date":
        return value
    if subtype == "time":
        time = time_in(value)
        return value if time is None or time.zone else _time_text(time, format)
    moment = moment_in(value)
    if moment is None:
        return value
    if offset_of(moment) is None and format != "no_timezone":
        moment = DateTime(moment.date, Time(moment.time.ns, None, zone))
    return _moment_text(moment, format)


def _moment_text(moment: DateTime, format: str) -> str:
    """`2026-01-31T14:30`, with Z or an offset as the format says; seconds only where there are any."""
    suffix = ""
    if format == "utc_normalized":
        moment = at_instant(instant_ns(moment), "UTC") or moment
        suffix = "Z"
    elif format == "utc_offset":
        suffix = offset_text(offset_of(moment) or 0)
    date = moment.date
    return f"{date.year:04d}-{date.month:02d}-{date.day:02d}T{_clock(moment.time.ns)}{suffix}"


def _time_text(time: Time, format: str) -> str:
    offset = time.offset or 0
    if format == "utc_normalized":
        return f"{_clock((time.ns - offset * 10**9) % DAY_NS)}Z"
    return _clock(time.ns) + (offset_text(offset) if format == "utc_offset" else "")


def _clock(ns: int) -> str:
    seconds = ns // 10**9
    hours, minutes, left = seconds // 3600, seconds // 60 % 60, seconds % 60
    return f"{hours:02d}:{minutes:02d}" + (f":{left:02d}" if left else "")


def _choices(node: Node, value: Json, zone: str) -> Json:
    del node, zone
    return value if isinstance(value, list) else [value]


def _same(node: Node, value: Json, zone: str) -> Json:
    del node, zone
    return value


_BY_VALUE: Final[dict[str, Callable[[Node, Json, str], Json]]] = {
    "text": _text,
    "number": _number,
    "boolean": _boolean,
    "moment": _moment,
    "choice": _same,
    "choices": _choices,
    "files": _choices,
    "any": _same,
}


def date_of_now(now_ms: int, zone: str) -> Date:
    """The day that it is in a zone."""
    moment = at_instant(now_ms * 10**6, zone)
    return moment.date if moment is not None else cast("Date", date_of_days(now_ms // 86_400_000))
