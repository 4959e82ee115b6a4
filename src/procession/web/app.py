"""The application: routes, who asks, errors. `create_app` is all that the composition root calls."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, Final, cast

from litestar import Litestar, Request, Router
from litestar.config.cors import CORSConfig
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.di import Provide
from litestar.handlers.base import BaseRouteHandler
from litestar.types import ASGIApp, ControllerRouterHandler, Receive, Scope, Send

from procession.base.failure import BadValue
from procession.services.access import Caller, TooMany
from procession.web import pages, problems
from procession.web.asking import TheSite
from procession.web.body import ExactRequest, ExactResponse, exact
from procession.web.envelope import REQUEST_ID, add_headers, close_envelope
from procession.web.limits import Limiter
from procession.web.queries import check_parameters
from procession.web.routes import (
    audit,
    batches,
    changes,
    compatible,
    decisions,
    definitions,
    deployments,
    documents,
    environments,
    events,
    forms,
    histories,
    incidents,
    instances,
    jobs,
    journeys,
    keys,
    members,
    messages,
    open_jobs,
    papers,
    searches,
    tasks,
    tenancy,
    tenants,
    uploads,
    webhooks,
    whoami,
)
from procession.web.site import SITE, Site, site_in

ROUTES: Final[Sequence[ControllerRouterHandler]] = (
    *deployments.ROUTES,
    *definitions.ROUTES,
    *instances.ROUTES,
    *histories.ROUTES,
    *changes.ROUTES,
    *messages.ROUTES,
    *jobs.ROUTES,
    *decisions.ROUTES,
    *forms.ROUTES,
    *whoami.ROUTES,
    *keys.ROUTES,
    *members.ROUTES,
    *audit.ROUTES,
    *tenants.ROUTES,
    *tenancy.ROUTES,
    *environments.ROUTES,
    *searches.ROUTES,
    *tasks.ROUTES,
    *incidents.ROUTES,
    *open_jobs.ROUTES,
    *batches.ROUTES,
    *events.ROUTES,
    *webhooks.ROUTES,
    *documents.ROUTES,
    *uploads.ROUTES,
    *papers.ROUTES,
    *journeys.ROUTES,
)
"""Everything under /v1 that needs a caller."""

TENANT_CHARACTERS_MAX: Final = 200
TUS: Final = ("Tus-Resumable", "Upload-Length", "Upload-Offset", "Upload-Metadata")
"""Headers of uploads that come piece by piece, which pages of other origins send, too."""
_CALLER: Final = "procession.caller"
_LIMITER: Final = "procession.limiter"


def create_app(site: Site, *, origins: Sequence[str] = (), body_bytes_max: int | None = None) -> ASGIApp:
    """The ASGI application of a site. `origins` and `body_bytes_max` go before what its bounds say."""
    bounds, limiter = site.bounds, Limiter(site.rates)
    routed = routed_app(tuple(origins or bounds.origins), body_bytes_max or bounds.body_bytes_max)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        given = cast("dict[str, object]", scope)
        given[SITE], given[_LIMITER] = site, limiter
        await routed(scope, receive, send)

    return app


@lru_cache(maxsize=8)
def routed_app(origins: tuple[str, ...], body_bytes_max: int | None) -> Litestar:
    """The routes. Whose they are stands in the scope of a request: to make them takes longer than to answer many."""
    return Litestar(
        route_handlers=[
            Router(path="/v1", route_handlers=list(ROUTES), guards=[_known]),
            Router(path="/v1", route_handlers=list(pages.ROUTES)),
            Router(path="/player/api", route_handlers=list(compatible.ROUTES), guards=[_known]),
            *_player(),
        ],
        dependencies={
            "caller": Provide(_caller, sync_to_thread=False),
            "site": Provide(_site, sync_to_thread=False),
        },
        exception_handlers={Exception: problems.answer_problem},
        after_exception=[_note],
        after_request=exact,
        before_send=[close_envelope],
        request_class=ExactRequest,
        response_class=ExactResponse,
        request_max_body_size=body_bytes_max,
        cors_config=_cors(origins),
        logging_config=None,
        openapi_config=None,
    )


async def _known(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    # A guard, because nothing of a stranger's body is read; and one, for each of them costs a copy of the handler.
    if len(connection.headers.get("procession-tenant", "")) > TENANT_CHARACTERS_MAX:
        raise BadValue(f"a tenant's name has at most {TENANT_CHARACTERS_MAX} characters")
    origin = connection.client.host if connection.client is not None else ""
    caller = await site_in(connection.scope).gate.caller(connection.headers, origin)
    limiter: Limiter = cast("dict[str, Any]", connection.scope)[_LIMITER]
    try:
        add_headers(connection.scope, await limiter.take(caller.tenant))
    except TooMany:
        add_headers(connection.scope, limiter.told(caller.tenant))
        raise
    connection.state[_CALLER] = caller
    check_parameters(connection, handler)


def _site(request: Request[Any, Any, State]) -> Site:
    return site_in(request.scope)


# It asks for the site so that one is found after the other: two at a time would each be a task.
def _caller(request: Request[Any, Any, State], site: TheSite) -> Caller:
    return cast("Caller", request.state[_CALLER])


async def _note(error: Exception, scope: Scope) -> None:
    await site_in(scope).denials.note(error, scope)


def described() -> bytes:
    """The OpenAPI document of everything under /v1, as JSON: what a server serves, without one."""
    nobody = {name: Provide(lambda: None, sync_to_thread=False) for name in ("caller", "site")}
    api = Router(path="/v1", route_handlers=list(ROUTES), dependencies=nobody)
    return pages.rendered(Litestar(route_handlers=[api], openapi_config=None))


def _cors(origins: tuple[str, ...]) -> CORSConfig | None:
    if not origins:
        return None
    return CORSConfig(
        allow_origins=list(origins),
        allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "Prefer", *TUS],
        expose_headers=[
            *(REQUEST_ID, "ETag", "Location", "Retry-After", "RateLimit", "RateLimit-Policy"),
            *(*TUS, "Tus-Version", "Upload-Expires", "Procession-Document"),
        ],
    )


def _player() -> list[Router]:
    """The pages that customers play, where the extra `player` is installed."""
    if find_spec("jinja2") is None or find_spec("babel") is None:
        return []
    from procession.web.player.routes import routers

    return routers()
