"""Incidents: what stopped instances, and letting them go on."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from litestar import get, post
from litestar.params import JSONBody
from litestar.types import ControllerRouterHandler

from procession.base.failure import NotFound
from procession.core.jobs import RETRIES_MAX
from procession.runtime import requests as q
from procession.services.access import Caller
from procession.services.reading import Reader
from procession.services.searching import Page
from procession.services.views import IncidentView
from procession.web.asking import Idempotent, TheCaller, TheSite, who
from procession.web.filters import KeyQuery, NameQuery, behind, optional_key
from procession.web.openapi import EXAMPLE
from procession.web.shapes import After, Key, KeyPath, Limit, Moment, cut, key_of, moment


class Incident(msgspec.Struct):
    """An open incident. `element` is the element instance it stopped, `job` the job that is out of retries."""

    key: Key
    instance: Key
    process_id: str
    element: Key
    element_id: str
    code: str
    message: str
    job: Key | None
    at: Moment


class Incidents(msgspec.Struct):
    """A page of open incidents."""

    items: list[Incident]
    next: str | None


class Resolving(msgspec.Struct, forbid_unknown_fields=True):
    """How often a job is tried anew."""

    retries: Annotated[int, msgspec.Meta(ge=1, le=RETRIES_MAX)] = 1


@get("/incidents")
async def list_incidents(
    *,
    caller: TheCaller,
    site: TheSite,
    instance: KeyQuery = None,
    process_id: NameQuery = "",
    code: NameQuery = "",
    limit: Limit = 100,
    after: After = None,
) -> Incidents:
    """Open incidents, the oldest first."""
    caller.need("incidents:read")
    page = Page(order="key", after=behind(after, "key"), limit=limit + 1)
    number = optional_key(instance)

    def asked(reader: Reader) -> tuple[list[Incident], str | None]:
        found = reader.search.incidents(
            caller.tenant,
            page,
            instance=number,
            code=code,
            process_id=process_id,
            processes=caller.within("incidents:read"),
        )
        rows, following = cut(found, limit, lambda view: ("key", view.key, view.key))
        return [_shaped(reader, caller, view) for view in rows], following

    return Incidents(*await site.backend.read(caller.tenant, asked))


@get("/incidents/{key:str}")
async def get_incident(key: KeyPath, caller: TheCaller, site: TheSite) -> Incident:
    """An open incident."""
    caller.need("incidents:read")
    number = key_of(key, "incident")
    return await site.backend.read(caller.tenant, lambda reader: _one(reader, caller, number))


@post("/incidents/{key:str}/resolve", status_code=204, opt={EXAMPLE: {"retries": 3}})
async def resolve_incident(
    key: KeyPath,
    data: JSONBody[Resolving],
    *,
    caller: TheCaller,
    site: TheSite,
    idempotency_key: Idempotent = None,
) -> None:
    """Tries again what an incident stopped; a job gets `retries` anew. Many are resolved by a batch."""
    caller.need("incidents:resolve")
    request = q.Resolve(caller.tenant, key_of(key, "incident"), data.retries)
    if caller.within("incidents:resolve") is not None:
        # One that was resolved is not there any more; whose it was cannot be told, and it is not found.
        await site.backend.read(
            caller.tenant, lambda reader: _one(reader, caller, request.incident, "incidents:resolve")
        )
    await site.backend.ask(request, who(caller, idempotency_key, request))


def _one(reader: Reader, caller: Caller, key: int, permission: str = "incidents:read") -> Incident:
    view = reader.search.incident(caller.tenant, key)
    found = _shaped(reader, caller, view) if view is not None else None
    if found is None or not caller.may(permission, found.process_id):
        raise NotFound(f"incident {key} is not open")
    return found


def _shaped(reader: Reader, caller: Caller, view: IncidentView) -> Incident:
    return Incident(
        key=str(view.key),
        instance=str(view.instance),
        process_id=reader.search.process_of(caller.tenant, view.instance),
        element=str(view.element),
        element_id=view.element_id,
        code=view.code,
        message=view.message,
        job=str(view.job) if view.job else None,
        at=moment(view.at),
    )


ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (list_incidents, get_incident, resolve_incident)
