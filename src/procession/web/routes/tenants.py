"""The tenants of the server: for the platform's admins."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

import msgspec
from litestar import get, post
from litestar.params import JSONBody, PathParameter
from litestar.types import ControllerRouterHandler

from procession.base.failure import NotFound
from procession.runtime import requests as q
from procession.runtime.rows import NamedRow
from procession.services.access import away
from procession.services.members import NAME
from procession.services.reading import Reader
from procession.web.asking import Idempotent, TheCaller, TheSite, who
from procession.web.openapi import EXAMPLE
from procession.web.shapes import PAGE, After, Limit, cut, id_behind

Name: TypeAlias = Annotated[
    str, PathParameter(max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)", description="The name of a tenant.")
]


class TenantIn(msgspec.Struct, forbid_unknown_fields=True):
    """A tenant to make."""

    name: Annotated[str, msgspec.Meta(pattern=NAME)]


class TenantOut(msgspec.Struct):
    """A tenant."""

    name: str


class TenantsOut(msgspec.Struct):
    """A page of tenants, by name."""

    items: list[TenantOut]
    next: str | None


@post("/tenants", status_code=201, opt={EXAMPLE: {"name": "acme"}})
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
    behind = id_behind(after)
    names = await site.backend.read(caller.tenant, lambda reader: _names(reader, behind, limit + 1))
    found, following = cut(names, limit, lambda name: (name,))
    return TenantsOut([TenantOut(name) for name in found], following)


@get("/tenants/{name:str}")
async def get_tenant(name: Name, caller: TheCaller, site: TheSite) -> TenantOut:
    """One tenant."""
    caller.need("tenants:read")
    if await site.backend.read(caller.tenant, lambda reader: reader.views.tenant(name)) is None:
        raise NotFound(f"no tenant {name!r:.80}")
    return TenantOut(name)


def _names(reader: Reader, behind: str, limit: int) -> list[str]:
    return [row.name for row in reader.store.read("tenant_page", (behind, limit), NamedRow)]


ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (add_tenant, list_tenants, get_tenant)
