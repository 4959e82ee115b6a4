"""What a tenant may have and has: limits, usage, its keys, its export, its end. Most of it is the platform's to say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated, Final, TypeAlias, cast

import msgspec
from litestar import delete, get, post, put
from litestar.params import JSONBody, PathParameter
from litestar.response import Stream
from litestar.types import ControllerRouterHandler

from procession.base.decoding import known
from procession.base.failure import Conflict, NotFound
from procession.base.values import Json
from procession.runtime import requests as q
from procession.services.access import Caller, Forbidden
from procession.services.backend import PLATFORM, Who
from procession.services.tenancy.deleting import Deleted, delete_tenant
from procession.services.tenancy.export import exported
from procession.services.tenancy.limits import KIND, Limits
from procession.services.tenancy.rates import limits_in
from procession.services.tenancy.usage import Usage, usage_of
from procession.web.asking import Idempotent, TheCaller, TheSite, who
from procession.web.openapi import EXAMPLE

Name: TypeAlias = Annotated[str, PathParameter(max_length=200, description="The name of a tenant.")]


class LimitsOut(msgspec.Struct):
    """The limits of a tenant; 0 for no limit."""

    weight: int
    active_instances: int
    requests_per_second: int
    starts_per_second: int
    jobs_per_second: int
    storage_bytes: int
    payload_bytes: int
    definitions: int
    webhooks: int
    keys: int


class Rotated(msgspec.Struct):
    """The generation of the key that seals from now on."""

    generation: int


class Neighbour(msgspec.Struct):
    """What one tenant took of this process since it began. `share` is its part of all `requests`; times in seconds."""

    tenant: str
    requests: int
    share: float
    waited_s: float
    waited_max_s: float


class Neighbours(msgspec.Struct):
    """Tenants, the busiest first."""

    items: list[Neighbour]
    next: str | None = None


@get("/tenants/{name:str}/limits")
async def read_limits(name: Name, caller: TheCaller, site: TheSite) -> LimitsOut:
    """What a tenant may have."""
    _of(caller, name, "settings:read")
    limits = await site.backend.read(name, lambda reader: limits_in(reader, name))
    return LimitsOut(**msgspec.structs.asdict(limits))


@put("/tenants/{name:str}/limits", opt={EXAMPLE: {"weight": 2, "active_instances": 100_000}})
async def write_limits(
    name: Name, data: JSONBody[Limits], caller: TheCaller, site: TheSite, idempotency_key: Idempotent = None
) -> LimitsOut:
    """Says what a tenant may have, from now on; what is left out has no limit. The platform's admins may."""
    _of_platform(caller, name, "tenants:write")
    request = q.PutRecord(name, KIND, KIND, cast("Json", msgspec.to_builtins(data)))
    await site.backend.ask(request, who(caller, idempotency_key, request))
    return LimitsOut(**msgspec.structs.asdict(data))


@get("/tenants/{name:str}/usage")
async def read_usage(name: Name, caller: TheCaller, site: TheSite) -> Usage:
    """What a tenant has now, counted: it may take a moment."""
    _of(caller, name, "settings:read")
    return await site.backend.read(name, lambda reader: usage_of(reader, name))


@post("/tenants/{name:str}/keys/rotate", status_code=200)
async def rotate(name: Name, caller: TheCaller, site: TheSite) -> Rotated:
    """Gives a tenant a new key for what is stored from now on. What was stored stays readable."""
    _of(caller, name, "settings:write")
    keys = await site.keys(name) if site.keys is not None else None
    if keys is None:
        raise Conflict("this store is not sealed: there are no keys")
    number = await site.backend.read(name, lambda reader: reader.views.tenant_number(name))
    said = q.PutRecord(name, "rotation", "last", {"by": caller.subject})
    await site.backend.ask(said, Who(caller.subject, caller.origin))
    return Rotated(await asyncio.to_thread(keys.rotate, number))


@get("/tenants/{name:str}/export", media_type="application/x-ndjson")
async def export(name: Name, caller: TheCaller, site: TheSite) -> Stream:
    """Everything of a tenant, a line each; the last one says that nothing is missing."""
    _of(caller, name, "settings:write")
    lines = exported(site.backend, name, time.time_ns() // 1_000_000)
    # The first chunk is asked for here: that there is no such tenant is an answer, not a broken stream.
    first = await anext(lines)
    return Stream(_from(first, lines), media_type="application/x-ndjson")


@delete("/tenants/{name:str}", status_code=200)
async def remove(name: Name, caller: TheCaller, site: TheSite) -> Deleted:
    """Deletes a tenant with everything that it has, for good. The platform's admins may."""
    _of_platform(caller, name, "tenants:write")
    keys = await site.keys(name) if site.keys is not None else None
    return await delete_tenant(site.backend, name, Who(caller.subject, caller.origin), keys, site.archive.elsewhere)


@get("/neighbours")
async def read_neighbours(caller: TheCaller, site: TheSite) -> Neighbours:
    """Who takes how much of this process's writer, and how long its requests wait. The platform's admins may."""
    _of_platform(caller, caller.tenant, "tenants:read")
    found = site.neighbours() if site.neighbours is not None else ()
    return Neighbours([msgspec.convert(each, known(Neighbour), from_attributes=True) for each in found])


async def _from(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


def _of(caller: Caller, tenant: str, permission: str) -> None:
    """Raises `NotFound` for a tenant that is not the caller's, nor the platform's to look after."""
    if caller.tenant not in (tenant, PLATFORM):
        raise NotFound(f"no tenant {tenant!r:.80}")
    caller.need(permission)


def _of_platform(caller: Caller, tenant: str, permission: str) -> None:
    """Raises `NotFound` for a foreign tenant, `Forbidden` for one's own: the platform alone may."""
    _of(caller, tenant, permission)
    if caller.tenant != PLATFORM:
        raise Forbidden("the platform's admins may do this")


ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (
    read_limits,
    write_limits,
    read_usage,
    rotate,
    export,
    remove,
    read_neighbours,
)
