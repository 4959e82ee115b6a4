"""The front of the server: what is answered before the application is asked. Health, metrics, the page of `dev`.

An open server (`OpenGate`) answers pages of nobody else: a browser on this machine can be told to ask it anything.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast, final

import msgspec
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException

from procession.services.access import Forbidden
from procession.web.envelope import request_id
from procession.web.health import Health
from procession.web.problems import PROBLEM_JSON, problem_of
from procession.web.settings import Shown
from procession.web.settings_reader import is_loopback
from procession.web.site import Gate
from procession.web.telemetry.metrics import CONTENT_TYPE, Measures

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope, Send

JSON: Final = "application/json"
HTML: Final = "text/html; charset=utf-8"
_PATHS: Final = frozenset({"/health/live", "/health/ready", "/metrics"})
_HOST: Final = re.compile(r"(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?")
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"

Answer: TypeAlias = tuple[int, str, bytes]
"""Status, content type, body."""


@final
class Front:
    """An ASGI application around that of the API."""

    def __init__(
        self, app: ASGIApp, health: Health, measures: Measures, gate: Gate, *, metrics: Shown, page: bytes = b"",
        open: bool = False,
    ) -> None:  # fmt: skip
        self._app = app
        self._health = health
        self._measures = measures
        self._gate = gate
        self._metrics = metrics
        self._page = page
        self._open = open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        fields = cast("dict[str, Any]", scope)
        try:
            answer = await self._answer(fields)
        except Exception as error:  # the same table as of the API; what is not in it says nothing
            answer = _refusal(error, fields)
        if answer is None:
            await self._app(scope, receive, send)
            return
        status, kind, body = answer
        headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
        if kind == HTML:
            headers.append((b"content-security-policy", _POLICY.encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        shown = b"" if fields["method"] == "HEAD" else body
        await send({"type": "http.response.body", "body": shown, "more_body": False})

    async def _answer(self, scope: dict[str, Any]) -> Answer | None:
        path: str = scope["path"]
        if path in _PATHS or (path == "/" and self._page):
            # The template of the route, as the application writes it down.
            scope["path_template"] = path
        if path == "/health/live":
            return _at(scope, 200, JSON, b'{"live":true}')
        if path == "/health/ready":
            ready = await self._health.ready()
            return _at(scope, 200 if ready.ready else 503, JSON, msgspec.json.encode(ready))
        if self._open:
            _from_here(_headers(scope))
        if path == "/metrics" and self._metrics != "off":
            await self._may_measure(scope)
            return _at(scope, 200, CONTENT_TYPE, await asyncio.to_thread(self._measures.page))
        if path == "/" and self._page:
            return _at(scope, 200, HTML, self._page)
        return None

    async def _may_measure(self, scope: dict[str, Any]) -> None:
        client: tuple[str, int] | None = scope.get("client")
        origin = client[0] if client is not None else ""
        if self._metrics == "callers":
            caller = await self._gate.caller(_headers(scope), origin)
            caller.need("metrics:read")
        elif self._metrics == "loopback" and not is_loopback(origin):
            raise Forbidden("metrics are shown to this machine alone: see the setting telemetry.metrics")


def _at(scope: dict[str, Any], status: int, kind: str, body: bytes) -> Answer:
    if scope["method"] not in {"GET", "HEAD"}:
        return _refusal(HTTPException(status_code=405), scope)
    return status, kind, body


def _refusal(error: Exception, scope: Mapping[str, Any]) -> Answer:
    problem = problem_of(error, scope["path"], request_id(scope))
    return problem.status, PROBLEM_JSON, msgspec.json.encode(problem)


def _headers(scope: Mapping[str, Any]) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def _from_here(headers: Mapping[str, str]) -> None:
    """Raises `Forbidden` for what a page of somebody else made the browser ask."""
    host = headers.get("host", "")
    if not _HOST.fullmatch(host):
        raise Forbidden("an open server answers only under the names of this machine, as localhost and 127.0.0.1")
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2] != host:
        raise Forbidden("an open server answers no page of another origin")
