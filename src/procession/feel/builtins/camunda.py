"""Built-ins that Camunda's FEEL has beyond the specification; the dialect `camunda` alone knows them."""

from __future__ import annotations

import base64
import binascii
from decimal import Decimal
from typing import Final

from procession.base.failure import BadValue
from procession.base.values import decode, encode
from procession.feel import ops
from procession.feel.builtins.contexts import get_value, put, put_nested
from procession.feel.builtins.lists import distinct
from procession.feel.builtins.strings import extract, string_join
from procession.feel.builtins.table import declare
from procession.feel.builtins.temporal_fns import (
    date_time,
    date_time_in_zone,
    date_time_of_parts,
    last_day_of_month,
)
from procession.feel.errors import DomainError
from procession.feel.numbers import Number, whole
from procession.feel.runtime import Runtime
from procession.feel.values import is_context, is_list, to_json

_DAYS: Final = "date|date and time"


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
    """`to json`."""
    rt.weigh(value, 2)
    return encode(to_json(value)).decode("utf-8", "replace")


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


CAMUNDA: Final = declare({
    "is empty": [("value: any", is_empty)],
    "is blank": [("string: string", is_blank)],
    "is defined": [("value: any", is_defined)],
    "get or else": [("value: any, default: any", get_or_else)],
    "assert": [("value: any, condition: any, cause?: string|null", check)],
    "uuid": [("", uuid)],
    "random number": [("", random_number)],
    "trim": [("string: string", str.strip)],
    "extract": [("string: string, pattern: string", extract)],
    "partition": [("list: list, size: number", partition)],
    "duplicate values": [("list: list", duplicates)],
    "to json": [("value: any", json_text)],
    "from json": [("value: string", from_json)],
    "to base64": [("value: string", base64_text)],
    "from base64": [("value: string", from_base64)],
    "last day of month": [(f"date: {_DAYS}", last_day_of_month)],
    "get value": [
        ("context: context|null, key: string", get_value), ("context: context|null, keys: list", get_value),
        ("m: context|null, key: string", get_value),
    ],
    "context put": [
        ("context: context|null, key: string, value: any", put),
        ("context: context|null, keys: list, value: any", put_nested),
    ],
    "string join": [
        ("list: list, delimiter?: string|null, prefix?: string|null, suffix?: string|null", string_join),
    ],
    "date and time": [
        ("from: string|date|date and time", date_time), (f"date: {_DAYS}, time: time", date_time_of_parts),
        ("date: date and time, timezone: string", date_time_in_zone),
    ],
}, frozenset({
    "uuid", "random number", "extract", "partition", "duplicate values", "to json", "from json", "to base64",
    "from base64", "get value", "context put", "string join",
}))  # fmt: skip
