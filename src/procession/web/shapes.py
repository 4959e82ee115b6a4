"""How ids, times, pages and values look in JSON, and back. One place, so that they look the same everywhere."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Final, TypeAlias, TypeVar, cast

import msgspec
from litestar.params import PathParameter, QueryParameter

from procession.base.decoding import known
from procession.base.failure import BadValue, NotFound
from procession.base.values import NAME_CHARACTERS_MAX, TEXT_CHARACTERS_MAX, Json, Variables, checked_all
from procession.runtime import codec

_T = TypeVar("_T")

KEY_PATTERN: Final = "^[1-9][0-9]{0,18}$"
KEY_MAX: Final = (1 << 63) - 1
PAGE_MAX: Final = 1_000
PAGE: Final = 100
CURSOR_CHARACTERS_MAX: Final = 2_000

Key: TypeAlias = Annotated[str, msgspec.Meta(pattern=KEY_PATTERN, examples=["9007199254740993"])]
"""A key in a body: 63 bits as a decimal text, for a number of JSON does not survive everywhere."""
Moment: TypeAlias = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]
"""A time: RFC 3339 in UTC, to the millisecond."""
KeyPath: TypeAlias = Annotated[str, PathParameter(pattern=KEY_PATTERN, description="A key, as the API gave it.")]
Limit: TypeAlias = Annotated[int, QueryParameter(ge=1, le=PAGE_MAX, description="At most so many.")]
After: TypeAlias = Annotated[
    str | None,
    QueryParameter(
        max_length=CURSOR_CHARACTERS_MAX,
        description="Go on behind a page: its `next`, which is opaque and not to be made.",
    ),
]

VariableName: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_CHARACTERS_MAX)]
VariablesBody: TypeAlias = Annotated[
    dict[VariableName, Json], msgspec.Meta(description="Variables by name; each value is any JSON.")
]
"""Variables in a body. What no schema says of them is checked by `variables_in`."""
Text: TypeAlias = Annotated[str, msgspec.Meta(max_length=TEXT_CHARACTERS_MAX)]
"""A name, an id or a reason in a body."""

KEYS: Final = frozenset(
    "key instance element parent root job deployment scope timer subscription message incident wait child condition "
    "parent_instance parent_element root_instance seed after source thrower origin completed home coordinator".split()
)
"""Fields of facts and views that hold keys."""
TIMES: Final = frozenset({"at", "created", "due", "ended", "started", "expires"})
INTERNAL: Final = frozenset({"operation", "agenda"})
"""What the interpreter notes for itself."""


def key_of(text: str, what: str) -> int:
    """The key that stands in a path or a body. Raises `NotFound` for what can be nobody's key."""
    if not text.isascii() or not text.isdigit() or len(text) > 19 or not 0 < int(text) <= KEY_MAX:
        raise NotFound(f"no {what} {text[:40]!r}")
    return int(text)


def moment(at: int) -> str:
    """Unix ms as RFC 3339, to the millisecond."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def variables_in(given: Mapping[str, Json] | None) -> Variables:
    """Variables of a body. Raises `BadValue`."""
    return checked_all(given)


def cursor_of(*place: int | str) -> str:
    """The opaque text of a place in a list."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).rstrip(b"=").decode()


def place_of(cursor: str | None, *kinds: type) -> tuple[int | str, ...] | None:
    """The place that a cursor of `cursor_of` names, whose parts are of these kinds. Raises `BadValue` for garbage."""
    if cursor is None:
        return None
    try:
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found = msgspec.json.decode(data, type=known(list[int | str]))
    except (binascii.Error, msgspec.MsgspecError, ValueError, RecursionError):
        raise BadValue("`after` must be the `next` of a page of this list") from None
    # Any 64-bit number is stored; a larger one is not one of ours.
    good = all(type(each) is kind for each, kind in zip(found, kinds, strict=False))
    if not good or len(found) != len(kinds) or any(isinstance(each, int) and each >> 63 for each in found):
        raise BadValue("`after` must be the `next` of a page of this list")
    return tuple(found)


def key_behind(cursor: str | None) -> int:
    """The key that a cursor of one key names, 0 for the beginning."""
    place = place_of(cursor, int)
    return cast("int", place[0]) if place is not None else 0


def id_behind(cursor: str | None) -> str:
    """The id or name that a cursor of one names, "" for the beginning."""
    place = place_of(cursor, str)
    return cast("str", place[0]) if place is not None else ""


def cut(
    rows: Sequence[_T], limit: int, place: Callable[[_T], tuple[int | str, ...]]
) -> tuple[Sequence[_T], str | None]:
    """The first `limit` of rows, of which one more was asked for, and the cursor of what is behind them."""
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], cursor_of(*place(rows[limit - 1]))


def plain_fields(struct: msgspec.Struct) -> dict[str, Json]:
    """A struct of the engine as JSON: keys as texts, times as RFC 3339; keys that point nowhere are null."""
    return {name: plain(name, getattr(struct, name)) for name in struct.__struct_fields__ if name not in INTERNAL}


def plain(name: str, value: object) -> Json:
    """A field of that name as JSON."""
    if isinstance(value, int) and not isinstance(value, bool):
        if name in KEYS:
            return str(value) if value else None
        if name in TIMES:
            return moment(value) if value else None
        return value
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, msgspec.Struct):
        return plain_fields(value)
    return codec.decode_json(codec.encode_json(value))


def texts(given: Iterable[str]) -> tuple[str, ...]:
    """Comma-separated and repeated values of a parameter as one list."""
    return tuple(part for each in given for part in (piece.strip() for piece in each.split(",")) if part)
