"""The application: routes, who asks, errors. `create_app` is all that the composition root calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from litestar import Litestar, Request
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi.config import OpenAPIConfig
from litestar.types import ControllerRouterHandler

from procession.services.access import Caller
from procession.web import problems
from procession.web.routes import messages
from procession.web.site import Site

ROUTES: Final[Sequence[ControllerRouterHandler]] = (*messages.ROUTES,)
"""Everything under /v1."""


EXPOSED: Final = ["ETag", "Location", "Retry-After", "Procession-Request-Id"]
"""Headers of an answer that pages of other origins may read."""
BODY_BYTES_MAX: Final = 10_000_000


def create_app(site: Site, *, origins: Sequence[str] = (), body_bytes_max: int = BODY_BYTES_MAX) -> Litestar:
    """The ASGI application of a site. Pages of `origins` may use it; a larger body of a request is refused."""
    from litestar import Router
    from litestar.config.cors import CORSConfig

    async def caller(request: Request[object, object, State]) -> Caller:
        origin = request.client.host if request.client is not None else ""
        return await site.gate.caller(request.headers, origin)

    return Litestar(
        route_handlers=[Router(path="/v1", route_handlers=list(ROUTES))],
        dependencies={"caller": Provide(caller), "site": Provide(lambda: site, sync_to_thread=False)},
        exception_handlers={Exception: problems.answer_problem},
        logging_config=None,
        cors_config=CORSConfig(allow_origins=list(origins), expose_headers=EXPOSED) if origins else None,
        request_max_body_size=body_bytes_max,
        openapi_config=OpenAPIConfig(title="Procession", version=site.version, path="/v1/docs"),
    )
