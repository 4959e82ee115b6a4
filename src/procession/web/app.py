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
from procession.web.routes import environments, messages, tenancy
from procession.web.site import Site

ROUTES: Final[Sequence[ControllerRouterHandler]] = (*messages.ROUTES, *tenancy.ROUTES, *environments.ROUTES)
"""Everything under /v1."""


def create_app(site: Site) -> Litestar:
    """The ASGI application of a site."""
    from litestar import Router

    async def caller(request: Request[object, object, State]) -> Caller:
        origin = request.client.host if request.client is not None else ""
        return await site.gate.caller(request.headers, origin)

    return Litestar(
        route_handlers=[Router(path="/v1", route_handlers=list(ROUTES))],
        dependencies={"caller": Provide(caller), "site": Provide(lambda: site, sync_to_thread=False)},
        exception_handlers={Exception: problems.answer_problem},
        logging_config=None,
        openapi_config=OpenAPIConfig(title="Procession", version=site.version, path="/v1/docs"),
    )
