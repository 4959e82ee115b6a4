"""Environments of a tenant: dev, test, prod. Each is a tenant of its own, so that every wall between tenants is theirs.

`acme` is production; its environment `test` is the tenant `acme:test`. A record of the parent names them.
"""

from __future__ import annotations

import re
from typing import Final, cast, final

import msgspec

from procession.base.failure import BadValue
from procession.base.values import Json
from procession.runtime.requests import AddTenant, PutRecord
from procession.services.backend import Backend, Who
from procession.services.reading import Reader

KIND: Final = "environment"
"""The kind of the parent's records; the id is the environment's name."""
SEPARATOR: Final = ":"
LISTED_MAX: Final = 1_000
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}", re.ASCII)


@final
class Environment(msgspec.Struct, frozen=True, gc=False):
    """An environment: its name, and the tenant that it is."""

    name: str
    tenant: str
    at: int
    """Since when (Unix ms)."""


def parent_of(tenant: str) -> str:
    """The tenant that this one is an environment of; itself, if it is none."""
    return tenant.partition(SEPARATOR)[0]


def are_related(one: str, other: str) -> bool:
    """Whether two tenants are environments of the same one, or it and one of its environments."""
    return parent_of(one) == parent_of(other)


def environments(reader: Reader, tenant: str) -> list[Environment]:
    """The environments of a tenant, by name."""
    records = reader.records.listed(tenant, KIND, limit=LISTED_MAX)
    return [Environment(record.id, _tenant_in(record.body), record.at) for record in records]


async def add_environment(backend: Backend, tenant: str, name: str, who: Who) -> Environment:
    """Makes an environment of a tenant. Raises `BadValue` for a name that is none, `Conflict` for one that is there."""
    if SEPARATOR in tenant:
        raise BadValue(f"{tenant!r:.80} is an environment itself; environments belong to {parent_of(tenant)!r:.80}")
    if not _NAME.fullmatch(name):
        raise BadValue(f"{name!r:.80} is no name of an environment: letters a to z, digits and -, 40 at most")
    child = f"{tenant}{SEPARATOR}{name}"
    # The name first: two who make the same one must not both be told that they did.
    body = cast("Json", {"tenant": child})
    await backend.ask(PutRecord(tenant, KIND, name, body, 0), who)
    await backend.ask(AddTenant(child), Who(who.subject, who.origin))
    made = await backend.read(tenant, lambda reader: environments(reader, tenant))
    return next(each for each in made if each.name == name)


def _tenant_in(body: Json) -> str:
    tenant = body.get("tenant") if isinstance(body, dict) else None
    return tenant if isinstance(tenant, str) else ""
