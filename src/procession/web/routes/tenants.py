"""The tenants of the server: for the platform's admins."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

import msgspec
from litestar import get, post
from litestar.params import JSONBody, PathParameter
from litestar.types import ControllerRouterHandler

from procession.base.failure import NotFound
from procession.runtime import requests as q
from procession.services.access import away
from procession.services.members import NAME
from procession.services.tenancy.directory import Listed
from procession.web.asking import Idempotent, TheCaller, TheSite, who
from procession.web.openapi import EXAMPLE
from procession.web.shapes import PAGE, After, Limit, cursor_of, place_of

Name: TypeAlias = Annotated[
    str, PathParameter(max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)", description="The name of a tenant.")
]


class TenantIn(msgspec.Struct, forbid_unknown_fields=True):
    """A tenant to make."""

    name: Annotated[str, msgspec.Meta(pattern=NAME)]


class TenantOut(msgspec.Struct):
    """A tenant. `silo` is the tenant in whose store it lives, null for the store that tenants share."""

    name: str
    silo: str | None


class TenantsOut(msgspec.Struct):
    """A page of tenants: by name those of the shared store, then those of each silo.

    `unreachable` are silos whose store could not be asked now: of each its tenant is listed, without environments."""

    items: list[TenantOut]
    next: str | None
    unreachable: list[str]


@post("/tenants", status_code=201, opt={EXAMPLE: {"name": "acme"}})
async def add_tenant(
    data: JSONBody[TenantIn], caller: TheCaller, site: TheSite, idempotency_key: Idempotent = None
) -> TenantOut:
    """Makes a tenant. Nothing happens to one that is there."""
    caller.need("tenants:write")
    request = q.AddTenant(data.name)
    there = msgspec.structs.replace(caller, subject=away(caller.subject))
    await site.backend.ask(request, who(there, idempotency_key, request))
    return _shown(data.name, site.directory.silo(data.name))


@get("/tenants")
async def list_tenants(caller: TheCaller, site: TheSite, limit: Limit = PAGE, after: After = None) -> TenantsOut:
    """The tenants of the server: by name those of the shared store, then those of each silo."""
    caller.need("tenants:read")
    silo, name = place_of(after, str, str) or ("", "")
    page = await site.directory.page(Listed(str(silo), str(name)), limit)
    following = cursor_of(*page.found[-1]) if page.more else None
    return TenantsOut([_shown(each.name, each.silo) for each in page.found], following, page.unreachable)


@get("/tenants/{name:str}")
async def get_tenant(name: Name, caller: TheCaller, site: TheSite) -> TenantOut:
    """One tenant."""
    caller.need("tenants:read")
    silo = site.directory.silo(name)
    # The tenant of a silo is there because the settings say so; others are when their store knows them.
    if silo != name and await site.backend.read(name, lambda reader: reader.views.tenant(name)) is None:
        raise NotFound(f"no tenant {name!r:.80}")
    return _shown(name, silo)


def _shown(name: str, silo: str) -> TenantOut:
    return TenantOut(name, silo or None)


ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (add_tenant, list_tenants, get_tenant)
