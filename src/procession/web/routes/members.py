"""Who belongs to a tenant: people and groups of identity providers, and service accounts."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias, TypeVar, cast

import msgspec
from litestar import Response, delete, get, post, put
from litestar.params import HeaderParameter, JSONBody, PathParameter
from litestar.types import ControllerRouterHandler

from procession.base.failure import BadValue
from procession.base.values import Json
from procession.runtime import requests as q
from procession.services.access import Caller, Grant, checked, need_covering
from procession.services.members import MEMBER, NAME, SERVICE, MemberBody, ServiceBody, member_id
from procession.services.reading import Reader
from procession.services.records import Record
from procession.web.asking import Idempotent, TheCaller, TheSite, who
from procession.web.openapi import EXAMPLE
from procession.web.shapes import PAGE, After, Limit, cut, id_behind
from procession.web.site import Site

MemberId: TypeAlias = Annotated[
    str, PathParameter(pattern=r"^[0-9a-f]{32}$(?!\n)", description="The id of a member, as the API gave it.")
]
ServiceName: TypeAlias = Annotated[str, PathParameter(pattern=NAME, description="The name of a service account.")]
Name: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Names: TypeAlias = Annotated[tuple[Name, ...], msgspec.Meta(max_length=1_000)]
IfMatch: TypeAlias = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match", max_length=40, description="The ETag that it must have now: another one is refused (412)."
    ),
]


class MemberChange(msgspec.Struct, forbid_unknown_fields=True):
    """What a member may do. `processes` null is all of them. `user` is the name under which tasks are assigned to them,
    "" for what their token says; `groups` are candidate groups beside those of their token."""

    roles: Names
    processes: Names | None = None
    user: Annotated[str, msgspec.Meta(max_length=255)] = ""
    groups: Names = ()


class MemberIn(MemberChange, forbid_unknown_fields=True, kw_only=True):
    """A new member: `user:<provider>|<sub>`, or `group:<provider>|<group>` for all of a group."""

    subject: Annotated[str, msgspec.Meta(pattern=r"^(user|group):[^|]{1,255}\|.{1,255}$(?!\n)", max_length=600)]


class MemberOut(msgspec.Struct):
    """A member."""

    id: str
    subject: str
    roles: list[str]
    processes: list[str] | None
    user: str
    groups: list[str]


class MembersOut(msgspec.Struct):
    """A page of members, by id."""

    items: list[MemberOut]
    next: str | None


class ServiceChange(msgspec.Struct, forbid_unknown_fields=True):
    """What a service account may do. `processes` null is all of them. The keys of a disabled one do not hold."""

    roles: Names
    processes: Names | None = None
    description: Annotated[str, msgspec.Meta(max_length=1_000)] = ""
    disabled: bool = False


class ServiceIn(ServiceChange, forbid_unknown_fields=True, kw_only=True):
    """A new service account."""

    name: Annotated[str, msgspec.Meta(pattern=NAME)]


class ServiceOut(msgspec.Struct):
    """A service account."""

    name: str
    roles: list[str]
    processes: list[str] | None
    description: str
    disabled: bool


class ServicesOut(msgspec.Struct):
    """A page of service accounts, by name."""

    items: list[ServiceOut]
    next: str | None


@post("/members", status_code=201, opt={EXAMPLE: {"subject": "user:corp|anna", "roles": ["operator"]}})
async def add_member(
    data: JSONBody[MemberIn], caller: TheCaller, site: TheSite, idempotency_key: Idempotent = None
) -> Response[MemberOut]:
    """Makes somebody a member of the tenant, with roles and processes that the caller has."""
    body = MemberBody(data.subject, _grant(caller, data), data.user, data.groups)
    record = await _put(site, caller, (MEMBER, member_id(data.subject), body, 0), idempotency_key)
    return _tagged(_member(record), record)


@get("/members")
async def list_members(caller: TheCaller, site: TheSite, limit: Limit = PAGE, after: After = None) -> MembersOut:
    """The members of the tenant, by id."""
    rows, following = await _page(site, caller, MEMBER, limit, after)
    return MembersOut([_member(row) for row in rows], following)


@get("/members/{id:str}")
async def get_member(id: MemberId, caller: TheCaller, site: TheSite) -> Response[MemberOut]:
    """One member."""
    record = await _one(site, caller, MEMBER, id)
    return _tagged(_member(record), record)


@put("/members/{id:str}", opt={EXAMPLE: {"roles": ["viewer"]}})
async def change_member(
    id: MemberId, data: JSONBody[MemberChange], caller: TheCaller, site: TheSite, *,
    if_match: IfMatch = None, idempotency_key: Idempotent = None,
) -> Response[MemberOut]:  # fmt: skip
    """Changes what a member may do. The caller has to have what the member had, and gets."""
    present = await _covered(site, caller, MEMBER, id)
    body = MemberBody(present.read(MemberBody).subject, _grant(caller, data), data.user, data.groups)
    record = await _put(site, caller, (MEMBER, id, body, _version(if_match)), idempotency_key)
    return _tagged(_member(record), record)


@delete("/members/{id:str}")
async def delete_member(
    id: MemberId, caller: TheCaller, site: TheSite, if_match: IfMatch = None, idempotency_key: Idempotent = None
) -> None:
    """Takes somebody out of the tenant."""
    await _delete(site, caller, (MEMBER, id, _version(if_match)), idempotency_key)


@post("/services", status_code=201, opt={EXAMPLE: {"name": "payments", "roles": ["worker"]}})
async def add_service(
    data: JSONBody[ServiceIn], caller: TheCaller, site: TheSite, idempotency_key: Idempotent = None
) -> Response[ServiceOut]:
    """Makes a service account, with roles and processes that the caller has."""
    body = ServiceBody(_grant(caller, data), data.description, data.disabled)
    record = await _put(site, caller, (SERVICE, data.name, body, 0), idempotency_key)
    return _tagged(_service(record), record)


@get("/services")
async def list_services(caller: TheCaller, site: TheSite, limit: Limit = PAGE, after: After = None) -> ServicesOut:
    """The service accounts of the tenant, by name."""
    rows, following = await _page(site, caller, SERVICE, limit, after)
    return ServicesOut([_service(row) for row in rows], following)


@get("/services/{name:str}")
async def get_service(name: ServiceName, caller: TheCaller, site: TheSite) -> Response[ServiceOut]:
    """One service account."""
    record = await _one(site, caller, SERVICE, name)
    return _tagged(_service(record), record)


@put("/services/{name:str}", opt={EXAMPLE: {"roles": ["worker"], "disabled": True}})
async def change_service(
    name: ServiceName, data: JSONBody[ServiceChange], caller: TheCaller, site: TheSite, *,
    if_match: IfMatch = None, idempotency_key: Idempotent = None,
) -> Response[ServiceOut]:  # fmt: skip
    """Changes what a service account may do; its keys follow."""
    await _covered(site, caller, SERVICE, name)
    body = ServiceBody(_grant(caller, data), data.description, data.disabled)
    record = await _put(site, caller, (SERVICE, name, body, _version(if_match)), idempotency_key)
    return _tagged(_service(record), record)


@delete("/services/{name:str}")
async def delete_service(
    name: ServiceName, caller: TheCaller, site: TheSite, if_match: IfMatch = None, idempotency_key: Idempotent = None
) -> None:
    """Deletes a service account; its keys hold no longer."""
    await _delete(site, caller, (SERVICE, name, _version(if_match)), idempotency_key)


def _grant(caller: Caller, data: MemberChange | ServiceChange) -> Grant:
    caller.need_everywhere("members:write")
    grant = checked(Grant(data.roles, data.processes))
    need_covering(caller, grant)
    return grant


async def _put(
    site: Site, caller: Caller, document: tuple[str, str, MemberBody | ServiceBody, int], idempotency_key: str | None
) -> Record:
    kind, id, body, version = document
    request = q.PutRecord(caller.tenant, kind, id, cast("Json", msgspec.to_builtins(body)), version=version)
    await site.backend.ask(request, who(caller, idempotency_key, request))
    site.gate.forget()
    return await site.backend.read(caller.tenant, lambda reader: reader.records.one(caller.tenant, kind, id))


async def _delete(site: Site, caller: Caller, place: tuple[str, str, int], idempotency_key: str | None) -> None:
    kind, id, version = place
    caller.need_everywhere("members:write")
    found = await site.backend.read(caller.tenant, lambda reader: reader.records.find(caller.tenant, kind, id))
    if found is not None:
        need_covering(caller, _granted(found, kind))
    request = q.DeleteRecord(caller.tenant, kind, id, version)
    await site.backend.ask(request, who(caller, idempotency_key, request))
    site.gate.forget()


async def _covered(site: Site, caller: Caller, kind: str, id: str) -> Record:
    caller.need_everywhere("members:write")
    record = await site.backend.read(caller.tenant, lambda reader: reader.records.one(caller.tenant, kind, id))
    need_covering(caller, _granted(record, kind))
    return record


def _granted(record: Record, kind: str) -> Grant:
    return record.read(MemberBody).grant if kind == MEMBER else record.read(ServiceBody).grant


async def _one(site: Site, caller: Caller, kind: str, id: str) -> Record:
    caller.need_everywhere("members:read")
    return await site.backend.read(caller.tenant, lambda reader: reader.records.one(caller.tenant, kind, id))


async def _page(
    site: Site, caller: Caller, kind: str, limit: int, after: str | None
) -> tuple[list[Record], str | None]:
    caller.need_everywhere("members:read")
    behind = id_behind(after)

    def question(reader: Reader) -> list[Record]:
        return reader.records.listed(caller.tenant, kind, behind, limit + 1)

    found, following = cut(await site.backend.read(caller.tenant, question), limit, lambda row: (row.id,))
    return list(found), following


def _version(if_match: str | None) -> int:
    if if_match is None or if_match == "*":
        return -1
    number = if_match.removeprefix('"').removesuffix('"')
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        raise BadValue("If-Match is no ETag of this server")
    return int(number)


_Out = TypeVar("_Out", MemberOut, ServiceOut)


def _tagged(shown: _Out, record: Record) -> Response[_Out]:
    return Response(shown, headers={"ETag": f'"{record.version}"'})


def _member(record: Record) -> MemberOut:
    body = record.read(MemberBody)
    return MemberOut(record.id, body.subject, list(body.grant.roles), _listed(body.grant), body.user, list(body.groups))


def _service(record: Record) -> ServiceOut:
    body = record.read(ServiceBody)
    return ServiceOut(record.id, list(body.grant.roles), _listed(body.grant), body.description, body.disabled)


def _listed(grant: Grant) -> list[str] | None:
    return None if grant.processes is None else list(grant.processes)


ROUTES: Final = cast(
    "tuple[ControllerRouterHandler, ...]",
    (
        add_member, list_members, get_member, change_member, delete_member,
        add_service, list_services, get_service, change_service, delete_service,
    ),
)  # fmt: skip
