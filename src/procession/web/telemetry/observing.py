"""What every request goes through: its id, a span, a measure, and a line in the log. Never what it says.

A path holds keys and names of tenants' things, so the route's template stands for it everywhere.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, cast, final

from litestar.enums import ScopeType

from procession.runtime import tracing
from procession.web.envelope import ID_KEY, REQUEST_ID
from procession.web.telemetry.metrics import Measures
from procession.web.telemetry.seen import CURRENT, Seen, request_id

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Message, Receive, Scope, Send

_LOG: Final = logging.getLogger("procession.request")
_ID_HEADER: Final = REQUEST_ID.lower().encode()
_METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
UNMATCHED: Final = "(unmatched)"


@final
class Observing:
    """An ASGI application around another one."""

    def __init__(self, app: ASGIApp, measures: Measures, *, log: bool = True) -> None:
        self._app = app
        self._measures = measures
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        fields = cast("dict[str, Any]", scope)
        headers: dict[bytes, bytes] = dict(fields["headers"])
        seen = Seen(request_id(headers))
        fields[ID_KEY] = seen.id
        status, started = 500, time.perf_counter()

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                others = [pair for pair in message.get("headers", ()) if pair[0] != _ID_HEADER]
                message["headers"] = [*others, (_ID_HEADER, seen.id.encode())]
            await send(message)

        token = CURRENT.set(seen)
        self._measures.in_flight.inc()
        try:
            with _spanned(fields, headers) as span:
                try:
                    await self._app(scope, receive, sending)
                finally:
                    span.ended(_method(fields), _route(fields), status)
        finally:
            CURRENT.reset(token)
            self._measures.in_flight.dec()
            self._tell(fields, seen, status, time.perf_counter() - started)

    def _tell(self, scope: Mapping[str, Any], seen: Seen, status: int, seconds: float) -> None:
        method, route = _method(scope), _route(scope)
        self._measures.requests.labels(method, route, str(status)).observe(seconds)
        if seen.tenant:
            self._measures.shares["requests"].add(seen.tenant)
        if self._log and not route.startswith("/health/"):
            fields = {
                "method": method,
                "route": route,
                "status": status,
                "ms": round(seconds * 1000, 1),
                "tenant": seen.tenant,
                "subject": seen.subject,
                "request_id": seen.id,
            }
            _LOG.info("request", extra=fields)


def _route(scope: Mapping[str, Any]) -> str:
    return str(scope.get("path_template") or UNMATCHED)


def _method(scope: Mapping[str, Any]) -> str:
    method = str(scope["method"])
    return method if method in _METHODS else "OTHER"


@final
class _Span:
    """The server's span of a request, or none."""

    def __init__(self, span: Any = None) -> None:
        self._span = span

    def ended(self, method: str, route: str, status: int) -> None:
        """What is known at the end."""
        if self._span is not None:
            self._span.update_name(f"{method} {route}")
            self._span.set_attribute("http.request.method", method)
            self._span.set_attribute("http.route", route)
            self._span.set_attribute("http.response.status_code", status)


@contextmanager
def _spanned(scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> Generator[_Span]:
    if not tracing.on():
        yield _Span()
        return
    from opentelemetry import trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier = {
        name: headers[name.encode()].decode("latin-1")
        for name in ("traceparent", "tracestate")
        if name.encode() in headers
    }
    context = TraceContextTextMapPropagator().extract(carrier)
    tracer = trace.get_tracer(tracing.LIBRARY)
    kind = trace.SpanKind.SERVER
    # What an exception says may hold what the request said.
    with tracer.start_as_current_span(
        str(scope["method"]), context=context, kind=kind, record_exception=False, set_status_on_exception=False
    ) as span:
        yield _Span(span)
