"""The door: what callers give is checked before it becomes a request, so that nothing behind it meets a surprise.

Variables are checked by `base.values`; here stand the texts and numbers beside them. What must not live here: whether
something exists, or is in a state that allows the request.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final, TypeAlias, TypeVar, cast

import msgspec

from procession.base.failure import BadValue, Failure, ProcessionError
from procession.base.values import checked_integer, checked_text
from procession.core.catches import KEY_MAX
from procession.core.jobs import RETRIES_MAX
from procession.core.timers import duration_ms, is_zone
from procession.hosts.embedded.tickets import InHouse
from procession.runtime import tenants

Source: TypeAlias = "str | Path | tuple[str, bytes]"

DEFAULT_TENANT: Final = tenants.DEFAULT_TENANT
DURATION_MS_MAX: Final = 10 * 366 * 86_400_000
"""Longest time to live, back-off or lease that a caller may give."""

Check: TypeAlias = Callable[[str, object], object]

_WORDS: Final = {
    "correlation": "key of the message",
    "incident": "key of the incident",
    "job": "key of the job",
    "name": "name of what is sent",
    "retries": "number of retries",
    "task": "key of the task",
}
"""What callers know some fields of requests as."""
_CUT: Final = frozenset({"error"})
"""Texts of others' errors: the handler cuts them, however long they are."""

_SMALL: Final = 1 << 62

_Asked = TypeVar("_Asked", bound=InHouse)


def admitted(request: _Asked) -> _Asked:
    """The request, its texts and numbers being such that a store holds. Raises `BadValue` naming one that is not."""
    _look(request)
    return request


_INSIDE: Final = frozenset({"what", "event", "instructions", "begin", "plan", "which", "action"})
"""Fields that hold structs, one or several, with texts of callers in them."""
_MAPPINGS: Final = frozenset({"elements", "flows", "choices"})
"""Fields that hold ids by id."""


def _look(struct: msgspec.Struct) -> None:
    for name, word, check, kind in _fields(type(struct)):
        value: object = getattr(struct, name)
        # What nearly every text and number is; each request pays for this look.
        if kind is str:
            if type(value) is str and len(value) <= KEY_MAX and value.isascii():
                continue
        elif kind is int:
            if type(value) is int and -_SMALL < value < _SMALL:
                continue
        elif value is None:
            continue
        if check is not None:
            check(word, value)
        else:
            inside = cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)
            for each in inside:
                if isinstance(each, msgspec.Struct):
                    _look(each)


@cache
def _fields(kind: type[msgspec.Struct]) -> tuple[tuple[str, str, Check | None, object], ...]:
    """(field, its word, its check, its type) of a request or an event; without a check where it may be an event."""
    found: list[tuple[str, str, Check | None, object]] = []
    for field in msgspec.structs.fields(kind):
        word = _WORDS.get(field.name, field.name.replace("_", " "))
        if field.name == "correlation":
            found.append((field.name, word, _message_key, str))
        elif field.type is str and field.name not in _CUT:
            found.append((field.name, word, checked_text, str))
        elif field.name == "retries":
            found.append((field.name, word, _retries, None))
        elif field.name == "backoff":
            continue  # made by `milliseconds`, or None
        elif field.type is int:
            found.append((field.name, word, checked_integer, int))
        elif field.name in _INSIDE:
            found.append((field.name, word, None, None))
        elif field.name in _MAPPINGS:
            found.append((field.name, word, _ids, None))
    return tuple(found)


def _retries(what: str, value: object) -> None:
    if value is not None and checked_integer(what, value) > RETRIES_MAX:
        raise BadValue(f"the {what} is {value}; the limit is {RETRIES_MAX}")


def _ids(what: str, value: object) -> None:
    for one, other in cast("dict[object, object]", value).items():
        checked_text(f"name among the {what}", one)
        if not isinstance(other, msgspec.Struct):
            checked_text(f"name among the {what}", other)


def _message_key(what: str, value: object) -> None:
    checked_text(what, value, KEY_MAX)  # a longer one is nobody's: what instances wait for is no longer either


def milliseconds(what: str, duration: object) -> int:
    """A duration of a caller: seconds, or an ISO 8601 text. Raises `BadValue` that says `what` it was for."""
    if isinstance(duration, str):
        try:
            found = duration_ms(duration)
        except Failure as failure:
            raise BadValue(f"the {what}: {failure.message}") from None
    elif isinstance(duration, int | float) and not isinstance(duration, bool):
        # NaN is not in between either, and infinity has no milliseconds.
        found = int(duration * 1000) if 0 <= duration <= DURATION_MS_MAX else -1
    else:
        raise BadValue(f"the {what} must be seconds or an ISO 8601 duration, not {duration!r:.80}")
    if not 0 <= found <= DURATION_MS_MAX:
        raise BadValue(f"the {what} is {duration!r:.80}; it must be from 0 to {DURATION_MS_MAX // 1000} s")
    return found


def known_zone(zone: object) -> str:
    """The zone's name. Raises `BadValue` for one that this machine's time zone data does not have."""
    if not isinstance(zone, str) or not is_zone(zone):
        raise BadValue(f"there is no time zone {zone!r}: give a name such as Europe/Berlin, or UTC")
    return zone


def document(name: object, data: object) -> tuple[str, bytes]:
    """A document to deploy. Raises `BadValue` for what is no text as its name, or no bytes."""
    if not isinstance(data, bytes):
        raise BadValue(f"the document {name!r:.80} must be bytes, not {type(data).__name__}")
    return checked_text("name of a document", name), data


def read_source(source: Source) -> tuple[str, bytes]:
    """A document to deploy: its name and bytes, or a file. Raises `ProcessionError` for a file that cannot be read."""
    if isinstance(source, tuple):
        return document(*source)
    path = Path(source)
    try:
        return document(path.name, path.read_bytes())
    except OSError as error:
        raise ProcessionError(f"{path}: {error.strerror or error}") from error
