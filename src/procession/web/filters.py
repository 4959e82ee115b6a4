"""Parameters of lists: times, keys, orders and places in them, as they come and as searches take them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final, TypeAlias

from litestar.params import QueryParameter

from procession.base.failure import BadValue
from procession.web.shapes import KEY_MAX, KEY_PATTERN, place_of

NAME_MAX: Final = 4_000

KeyQuery: TypeAlias = Annotated[str | None, QueryParameter(pattern=KEY_PATTERN, description="That of this key.")]
NameQuery: TypeAlias = Annotated[str, QueryParameter(max_length=NAME_MAX, description="That of this name or id.")]
FromQuery: TypeAlias = Annotated[datetime | None, QueryParameter(description="Then or later: a date-time with a zone.")]
ToQuery: TypeAlias = Annotated[datetime | None, QueryParameter(description="Before: a date-time with a zone.")]


def instant(time: datetime | None) -> int | None:
    """A date-time as Unix ms. Raises `BadValue` for one without a zone, or beyond what is counted."""
    if time is None:
        return None
    if time.tzinfo is None:
        raise BadValue("a date-time needs a zone: end it with Z, or with an offset")
    try:
        return round(time.astimezone(UTC).timestamp() * 1000)
    except (OverflowError, ValueError, OSError):
        raise BadValue("a date-time is beyond the years that are counted") from None


def optional_key(text: str | None) -> int:
    """A key in a filter, 0 for none. Raises `BadValue` for more than 63 bits."""
    number = int(text) if text else 0
    if number > KEY_MAX:
        raise BadValue("a key has no more than 63 bits")
    return number


def ordered(text: str) -> tuple[str, bool]:
    """(name, whether the last come first) of an order such as `-created`."""
    return text.removeprefix("-"), text.startswith("-")


def behind(cursor: str | None, order: str) -> tuple[int, int] | tuple[()]:
    """Where a list in this order goes on. Raises `BadValue` for the `next` of another order."""
    place = place_of(cursor, str, int, int)
    if place is None:
        return ()
    name, value, key = place
    if name != order or not isinstance(value, int) or not isinstance(key, int):
        raise BadValue("`after` must be the `next` of a page of this list, in the same order")
    return value, key
