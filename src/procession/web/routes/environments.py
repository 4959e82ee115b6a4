"""Environments of the caller's tenant, and promotion between them."""

from __future__ import annotations

from typing import Final

import msgspec
from litestar import get, post
from litestar.params import JSONBody
from litestar.types import ControllerRouterHandler

from procession.base.failure import NotFound
from procession.services.backend import Who
from procession.services.tenancy.environments import add_environment, environments, parent_of
from procession.services.tenancy.promotion import Promotion, promote
from procession.web.asking import TheCaller, TheSite
from procession.web.openapi import EXAMPLE
from procession.web.shapes import moment


class EnvironmentIn(msgspec.Struct, forbid_unknown_fields=True):
    """A new environment: a name of letters a to z, digits and `-`."""

    name: str


class EnvironmentOut(msgspec.Struct):
    """An environment, and the tenant that it is."""

    name: str
    tenant: str
    at: str


class Environments(msgspec.Struct):
    """The environments of a tenant, by name."""

    items: list[EnvironmentOut]
    next: str | None = None


class PromotionIn(msgspec.Struct, forbid_unknown_fields=True):
    """What to promote: from one environment to another one of the same tenant."""

    source: str
    target: str
    dry_run: bool = False
    """Say only what it would change."""
    force: bool = False
    """Also over what the source does not know."""


@get("/environments")
async def list_environments(caller: TheCaller, site: TheSite) -> Environments:
    """The environments of the caller's tenant."""
    caller.need("settings:read")
    tenant = parent_of(caller.tenant)
    found = await site.backend.read(tenant, lambda reader: environments(reader, tenant))
    return Environments([EnvironmentOut(each.name, each.tenant, moment(each.at)) for each in found])


@post("/environments", status_code=201, opt={EXAMPLE: {"name": "test"}})
async def create_environment(data: JSONBody[EnvironmentIn], caller: TheCaller, site: TheSite) -> EnvironmentOut:
    """Makes an environment of the caller's tenant: a tenant of its own, with walls and limits of its own."""
    caller.need("settings:write")
    made = await add_environment(site.backend, caller.tenant, data.name, Who(caller.subject, caller.origin))
    return EnvironmentOut(made.name, made.tenant, moment(made.at))


@post(
    "/environments/promote", status_code=200, opt={EXAMPLE: {"source": "acme-test", "target": "acme", "dry_run": True}}
)
async def promote_environment(data: JSONBody[PromotionIn], caller: TheCaller, site: TheSite) -> Promotion:
    """Deploys in one environment what is current in another. Settings, secrets and instances stay where they are.

    Asked again it deploys nothing more: what is the same already is left alone."""
    caller.need("definitions:deploy")
    for tenant in (data.source, data.target):
        # A caller of the parent tenant acts for its environments; one of an environment for that alone.
        if caller.tenant not in (tenant, parent_of(tenant)):
            raise NotFound(f"no environment {tenant!r:.80}")
    asks = Who(caller.subject, caller.origin)
    return await promote(site.backend, data.source, data.target, asks, dry_run=data.dry_run, force=data.force)


ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (list_environments, create_environment, promote_environment)
