"""The tenants of the server: for the platform's admins."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from litestar import get, post
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler

from procession.base.failure import NotFound
from procession.runtime import requests as q
from procession.services.access import away
from procession.services.reading import Reader
from procession.web.asking import Idempotent, TheCaller, TheSite, who
from procession.web.shapes import PAGE, After, Limit, cut, place_of


class TenantIn(msgspec.Struct, forbid_unknown_fields=True):
    """A tenant to make."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]


class TenantOut(msgspec.Struct):
    """A tenant."""

    name: str


class TenantsOut(msgspec.Struct):
    """A page of tenants, by name."""

    items: list[TenantOut]
    next: str | None


@post("/tenants", status_code=201)
async def add_tenant(
    data: JSONBody[TenantIn], caller: TheCaller, site: TheSite, idempotency_key: Idempotent = None
) -> TenantOut:
    """Makes a tenant. Nothing happens to one that is there."""
    caller.need("tenants:write")
    request = q.AddTenant(data.name)
    there = msgspec.structs.replace(caller, subject=away(caller.subject))
    await site.backend.ask(request, who(there, idempotency_key, request))
    return TenantOut(data.name)


@get("/tenants")
async def list_tenants(caller: TheCaller, site: TheSite, limit: Limit = PAGE, after: After = None) -> TenantsOut:
    """The tenants of the server, by name."""
    caller.need("tenants:read")
    place = place_of(after, str)
    behind = str(place[0]) if place is not None else ""
    names = await site.backend.read(caller.tenant, lambda reader: _names(reader, behind, limit + 1))
    found, following = cut(names, limit, lambda name: (name,))
    return TenantsOut([TenantOut(name) for name in found], following)


@get("/tenants/{name:str}")
async def get_tenant(name: FromPath[str], caller: TheCaller, site: TheSite) -> TenantOut:
    """One tenant."""
    caller.need("tenants:read")
    if await site.backend.read(caller.tenant, lambda reader: reader.views.tenant(name)) is None:
        raise NotFound(f"no tenant {name!r:.80}")
    return TenantOut(name)


def _names(reader: Reader, behind: str, limit: int) -> list[str]:
    # What another process added is not known here before it is looked for.
    reader.views.catalog.forget()
    return sorted(name for name in reader.views.catalog.tenants if name > behind)[:limit]


ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (add_tenant, list_tenants, get_tenant)
