"""What every response carries, whatever answered: the id of the request, and headers that keep browsers careful."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Final

from litestar.enums import ScopeType
from litestar.types import Message, Scope

REQUEST_ID: Final = "Procession-Request-Id"
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?", re.ASCII)
_GIVEN: Final = re.compile(r"[A-Za-z0-9._~:-]{1,128}", re.ASCII)
ID_KEY: Final = "procession.request_id"
"""Where the id stands in a scope; who is asked before the application puts it there."""
_EXTRA: Final = "procession.headers"
ALWAYS: Final = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


def request_id(scope: Any) -> str:
    """The id of a request: the trace of its `traceparent`, else its `X-Request-Id` if harmless, else a new one."""
    found: str | None = scope.get(ID_KEY)
    if found is None:
        found = scope[ID_KEY] = _given(scope["headers"]) or uuid.uuid4().hex
    return found


def traceparent(scope: Any) -> str:
    """The `traceparent` of a request, "" for none that is valid."""
    text = _header(scope["headers"], b"traceparent")
    return text if _TRACEPARENT.fullmatch(text) else ""


def trace_of(traceparent: str) -> str:
    """The trace that a `traceparent` names, "" for none that is valid."""
    found = _TRACEPARENT.fullmatch(traceparent)
    return found[1] if found is not None and int(found[1], 16) else ""


def add_headers(scope: Any, headers: Mapping[str, str]) -> None:
    """Lets the response of this request carry headers, whoever answers it."""
    scope.setdefault(_EXTRA, {}).update(headers)


async def close_envelope(message: Message, scope: Scope) -> None:
    """Litestar's `before_send`."""
    if message["type"] != "http.response.start" or scope["type"] != ScopeType.HTTP:
        return
    headers = [pair for pair in message.get("headers", ()) if pair[0] != b"cache-control"]
    extra: dict[str, str] = scope.get(_EXTRA, {})  # type: ignore[assignment]
    own = {name.lower().encode() for name in extra}
    headers += [pair for pair in ALWAYS if pair[0] not in own]
    headers.append((REQUEST_ID.lower().encode(), request_id(scope).encode()))
    headers += [(name.lower().encode(), value.encode()) for name, value in extra.items()]
    message["headers"] = headers


def _given(headers: Iterable[tuple[bytes, bytes]]) -> str:
    if trace := trace_of(_header(headers, b"traceparent")):
        return trace
    named = _header(headers, b"x-request-id")
    return named if _GIVEN.fullmatch(named) else ""


def _header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str:
    for key, value in headers:
        if key == name:
            return value.decode("latin-1")
    return ""
