"""The API's own pages: its OpenAPI document, one that shows it, one of how journeys went; nothing from elsewhere."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final

import msgspec
from litestar import Litestar, MediaType, Request, Response, get
from litestar.datastructures import State
from litestar.types import ControllerRouterHandler

from procession.web import openapi
from procession.web.envelope import add_headers
from procession.web.queries import OPEN

POLICY: Final = (
    "default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; script-src 'sha256-{}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@lru_cache(maxsize=1)
def rendered(app: Litestar) -> bytes:
    """The OpenAPI document as JSON, with lines for people."""
    return msgspec.json.format(msgspec.json.encode(openapi.document(app)), indent=1) + b"\n"


@get("/openapi.json", opt={openapi.HIDDEN: True, OPEN: True})
async def openapi_document(request: Request[Any, Any, State]) -> Response[bytes]:
    """The OpenAPI document of this API."""
    return Response(rendered(request.app), media_type=MediaType.JSON)


@cache
def _page(name: str) -> tuple[bytes, str]:
    """A page, and the policy that lets its one script run."""
    import base64
    import hashlib

    text = (files("procession.web") / name).read_text()
    script = text.partition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return text.encode(), POLICY.format(digest)


@get("/docs", opt={openapi.HIDDEN: True, OPEN: True}, media_type=MediaType.HTML)
async def documentation(request: Request[Any, Any, State]) -> Response[bytes]:
    """The API for people."""
    return _shown(request, "docs.html")


@get("/funnel", opt={openapi.HIDDEN: True, OPEN: True}, media_type=MediaType.HTML)
async def funnel(request: Request[Any, Any, State]) -> Response[bytes]:
    """How journeys went, for people. The page holds nothing: it asks `GET /v1/journeys/funnel` with the key that is
    typed into it, and keeps that nowhere."""
    return _shown(request, "funnel.html")


def _shown(request: Request[Any, Any, State], name: str) -> Response[bytes]:
    text, policy = _page(name)
    add_headers(request.scope, {"Content-Security-Policy": policy})
    return Response(text, media_type=MediaType.HTML)


ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (openapi_document, documentation, funnel)
