"""Built-ins that Camunda's FEEL has beyond the specification, or with more parameters; only that dialect knows them.

docs/feel-dialects.md lists them. What its operators and grammar mean is the specification's in both dialects.
"""

from __future__ import annotations

import base64
import binascii
import re
from decimal import ROUND_HALF_EVEN, Decimal
from functools import partial
from typing import Final

from procession.base.failure import BadValue
from procession.base.values import NESTING_MAX, decode, encode
from procession.feel import ops
from procession.feel.builtins.contexts import Context, get_entries, get_value, merge, put, put_nested
from procession.feel.builtins.lists import distinct, every, some
from procession.feel.builtins.numeric import MODES, absolute, rounded, rounding
from procession.feel.builtins.strings import extract, matches, replace, split, string_join
from procession.feel.builtins.table import Builtin, declare
from procession.feel.builtins.temporal_fns import date_time, date_time_of_parts, last_day_of_month
from procession.feel.errors import DomainError
from procession.feel.numbers import Number, whole
from procession.feel.runtime import Runtime
from procession.feel.temporal import NS, DateTime, DaysTimeDuration, Time, at_instant, instant_ns, is_zoned, zone_named
from procession.feel.temporal_ops import PROPERTIES
from procession.feel.temporal_text import offset_text, temporal_text
from procession.feel.values import is_context, is_list, to_json

_DAYS: Final = "date|date and time"
_ROUNDINGS: Final = frozenset({*MODES.values(), ROUND_HALF_EVEN})
_BRACKETED: Final = re.compile(r"(?P<local>.*T[^Z@+\[-]*)(?P<offset>Z|[+-][0-9:]{5,8})?\[(?P<zone>[^\]]{1,64})\]")
"""A date and time whose zone stands in brackets behind its offset, as Java writes it."""


def is_empty(value: object) -> bool:
    """`is empty` of a list, a context or a string."""
    if is_list(value) or is_context(value) or isinstance(value, str):
        return not value
    raise DomainError("a list, a context or a string is needed", "type")


def is_blank(text: str) -> bool:
    """`is blank`: white space only."""
    return not text.strip()


def is_defined(value: object) -> bool:
    """`is defined`: not null, which a missing variable is, too."""
    return value is not None


def get_or_else(value: object, default: object) -> object:
    """`get or else`."""
    return default if value is None else value


def check(value: object, condition: object, cause: str | None = None) -> object:
    """`assert(value, condition, cause)`: the value if the condition is true, else null and a note with the cause."""
    if condition is not True:
        raise DomainError(cause or "the condition is not fulfilled", "assert")
    return value


def uuid(rt: Runtime) -> str:
    """`uuid()`: version 4, drawn from the runtime's seed."""
    data = bytearray(rt.draw()[:16])
    data[6] = data[6] & 0x0F | 0x40
    data[8] = data[8] & 0x3F | 0x80
    text = data.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def random_number(rt: Runtime) -> Decimal:
    """`random number()`: from 0 to below 1, sixteen digits, drawn from the runtime's seed."""
    return Decimal(int.from_bytes(rt.draw(), "big") % 10**16).scaleb(-16)


def partition(rt: Runtime, items: list[object], size: Number) -> list[list[object]]:
    """`partition`: sub-lists of a size, the last one shorter."""
    step = whole(size)
    if step is None or step < 1:
        raise DomainError("the size must be a whole number of at least 1")
    rt.charge(len(items))
    return [items[start : start + step] for start in range(0, len(items), step)]


def duplicates(rt: Runtime, items: list[object]) -> list[object]:
    """`duplicate values`: each value that appears more than once, once."""
    rt.charge(len(items) * len(items) // 8 + 1)
    rt.weigh(items, len(items))
    return [value for value in distinct(rt, items) if sum(1 for item in items if ops.same_item(item, value)) > 1]


def json_text(rt: Runtime, value: object) -> str:
    """`to json`; a zone stands in brackets behind the offset that it has at the moment."""
    rt.weigh(value, 2)
    return encode(to_json(_bracketed(value, 0))).decode("utf-8", "replace")


def _bracketed(value: object, depth: int) -> object:
    if depth > NESTING_MAX:
        # `to_json` refuses what is nested so deeply, whatever is in it.
        return value
    if is_list(value):
        return [_bracketed(item, depth + 1) for item in value]
    if is_context(value):
        return {key: _bracketed(item, depth + 1) for key, item in value.items()}
    if not isinstance(value, DateTime) or value.time.zone is None:
        return value
    offset = PROPERTIES[DateTime]["time offset"](value)
    if not isinstance(offset, DaysTimeDuration):
        return value
    local = temporal_text(DateTime(value.date, Time(value.time.ns)))
    return f"{local}{offset_text(offset.ns // NS)}[{value.time.zone}]"


def from_json(rt: Runtime, text: str) -> object:
    """`from json`."""
    rt.charge(1 + (len(text) >> 4))
    try:
        return decode(text)
    except BadValue as error:
        raise DomainError(str(error)) from None


def base64_text(rt: Runtime, text: str) -> str:
    """`to base64` of the UTF-8 bytes."""
    rt.charge(1 + (len(text) >> 6))
    return base64.b64encode(text.encode("utf-8", "replace")).decode("ascii")


def from_base64(rt: Runtime, text: str) -> str:
    """`from base64` to UTF-8 text."""
    rt.charge(1 + (len(text) >> 6))
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        raise DomainError("the text is no base64 of UTF-8") from None


def from_ai(value: object, *described: object) -> object:
    """`fromAi`: the value itself; what follows it describes the value to whoever reads the model."""
    del described
    return value


def context_of(rt: Runtime, entries: list[object]) -> Context:
    """`context`: from entries of `key` and `value`; of two entries of one key the later one wins."""
    rt.charge(len(entries))
    result: Context = {}
    for entry in entries:
        if not is_context(entry) or "value" not in entry or not isinstance(entry.get("key"), str):
            raise DomainError("every entry must be a context with a string `key` and a `value`", "type")
        result[str(entry["key"])] = entry["value"]
    return result


def put_all(rt: Runtime, *contexts: object) -> Context:
    """`put all`, the older name of `context merge`, of contexts or of one list of them."""
    return merge(rt, contexts[0] if len(contexts) == 1 and is_list(contexts[0]) else list(contexts))


def decimal(number: Number, scale: Number, mode: str | None = None) -> Number:
    """`decimal(n, scale, mode)`: rounded by a mode of Java's name, half to even without one."""
    name = "half_even" if mode is None else mode.lower()
    if name == "unnecessary":
        result = rounded(number, scale, ROUND_HALF_EVEN)
        if result != number:
            raise DomainError("the number has more digits than the scale")
        return result
    if f"ROUND_{name.upper()}" not in _ROUNDINGS:
        raise DomainError(f"there is no rounding mode {name[:20]!r}")
    return rounded(number, scale, f"ROUND_{name.upper()}")


def moment(value: object) -> DateTime:
    """`date and time(from)`; a text may have its zone in brackets, behind an offset or not."""
    match = _BRACKETED.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return date_time(value)
    if match["offset"] is None:
        return date_time(f"{match['local']}@{match['zone']}")
    return _in_zone(date_time(f"{match['local']}{match['offset']}"), match["zone"])


def moment_in_zone(rt: Runtime, value: DateTime, zone: str) -> DateTime:
    """`date and time(date, timezone)`: the same instant on the clock of a zone; a local time is the runtime's."""
    if not is_zoned(value.time):
        value = DateTime(value.date, Time(value.time.ns, None, rt.zone))
    return _in_zone(value, zone)


def _in_zone(value: DateTime, zone: str) -> DateTime:
    if zone in {"Z", "z"}:
        result = at_instant(instant_ns(value), "UTC")
        return DateTime(result.date, Time(result.time.ns, 0)) if result is not None else _out_of_range()
    if zone_named(zone) is None:
        raise DomainError(f"there is no time zone {zone[:40]!r}")
    return at_instant(instant_ns(value), zone) or _out_of_range()


def _out_of_range() -> DateTime:
    raise DomainError("the date is out of range")


_DURATIONS: Final = "years and months duration|days and time duration"
_PURE: Final = declare({
    "abs": [(f"n: number|{_DURATIONS}", absolute), ("number: number", absolute)],
    "is empty": [("value: any", is_empty), ("list: any", is_empty)],
    "is blank": [("string: string", is_blank)],
    "is defined": [("value: any", is_defined)],
    "get or else": [("value: any, default: any", get_or_else)],
    "assert": [("value: any, condition: any, cause?: string|null", check)],
    "fromAi": [
        ("value: any, description?: string|null, type?: string|null, schema?: context|null, options?: context|null",
         from_ai),
    ],
    "trim": [("string: string", str.strip)],
    "last day of month": [(f"date: {_DAYS}", last_day_of_month)],
    "decimal": [("n: number, scale: number, mode?: string|null", decimal)],
    **{name: [("n: number, scale?: number", rounding(mode))] for name, mode in MODES.items()
       if name not in {"floor", "ceiling"}},
    "date and time": [
        ("from: string|date|date and time", moment), (f"date: {_DAYS}, time: time", date_time_of_parts),
    ],
})  # fmt: skip
_RUNNING: Final = declare({
    "uuid": [("", uuid)],
    "random number": [("", random_number)],
    "extract": [("string: string, pattern: string", extract)],
    "partition": [("list: list, size: number", partition)],
    "duplicate values": [("list: list", duplicates)],
    "to json": [("value: any", json_text)],
    "from json": [("value: string", from_json)],
    "to base64": [("value: string", base64_text)],
    "from base64": [("value: string", from_base64)],
    "context": [("entries: list", context_of)],
    "get value": [
        ("context: context|null, key: string", get_value), ("context: context|null, keys: list", get_value),
        ("m: context|null, key: string", get_value),
    ],
    "context put": [
        ("context: context|null, key: string, value: any", put),
        ("context: context|null, keys: list, value: any", put_nested),
    ],
    "get entries": [("m: context", get_entries), ("context: context", get_entries)],
    "and": [("list: list", every), ("+item: any", every)],
    "or": [("list: list", some), ("+item: any", some)],
    "put": [("context: context|null, key: string, value: any", put)],
    "put all": [("+contexts: any", put_all)],
    "matches": [("input: string, pattern: string, flags?: string|null", partial(matches, lenient=True))],
    "replace": [
        ("input: string, pattern: string, replacement: string, flags?: string|null", partial(replace, lenient=True)),
    ],
    "split": [("string: string, delimiter: string", partial(split, lenient=True))],
    "string join": [
        ("list: list, delimiter?: string|null, prefix?: string|null, suffix?: string|null", string_join),
    ],
    "date and time": [("date: date and time, timezone: string", moment_in_zone)],
}, frozenset({
    "uuid", "random number", "extract", "partition", "duplicate values", "to json", "from json", "to base64",
    "from base64", "context", "get value", "context put", "put", "put all", "string join", "date and time",
    "get entries", "and", "or", "matches", "replace", "split",
}))  # fmt: skip
CAMUNDA: Final[dict[str, Builtin]] = {
    name: _PURE.get(name, ()) + _RUNNING.get(name, ()) for name in dict.fromkeys((*_PURE, *_RUNNING))
}
"""By name; an overload that needs the runtime comes after those that are folded at compile time."""
