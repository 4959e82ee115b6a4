"""API keys of a tenant. A secret is shown once, in the answer that made it."""

from __future__ import annotations

import time
from typing import Annotated, Final, TypeAlias, cast

import msgspec
from litestar import delete, get, post
from litestar.params import JSONBody, PathParameter
from litestar.types import ControllerRouterHandler

from procession.base.failure import BadValue
from procession.base.values import Json
from procession.runtime import requests as q
from procession.services import keys
from procession.services.access import Caller, Grant, checked, need_covering
from procession.services.keys import Key, KeyBody, Secret
from procession.services.members import SERVICE
from procession.services.reading import Reader
from procession.services.records import Record
from procession.web.asking import Idempotent, TheCaller, TheSite, who
from procession.web.identity.times import moment_in
from procession.web.openapi import EXAMPLE
from procession.web.shapes import PAGE, After, Limit, cut, id_behind, moment
from procession.web.site import Site

OVERLAP_S: Final = 86_400
OVERLAP_S_MAX: Final = 30 * 86_400
KeyId: TypeAlias = Annotated[
    str, PathParameter(pattern=r"^[0-9A-Za-z]{12}$(?!\n)", description="The id of a key: the second part of its text.")
]
Name: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Names: TypeAlias = Annotated[
    tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=255)], ...], msgspec.Meta(max_length=1_000)
]


class KeyIn(msgspec.Struct, forbid_unknown_fields=True):
    """A key to make. `processes` null is all of them, `expires` null is never. With a `service`, a service account of
    the tenant, it never does more than that may."""

    name: Name
    roles: Names
    processes: Names | None = None
    expires: str | None = None
    service: str = ""


class RotateIn(msgspec.Struct, forbid_unknown_fields=True):
    """How long the present secret holds beside the new one, in seconds."""

    overlap_seconds: Annotated[int, msgspec.Meta(ge=0, le=OVERLAP_S_MAX)] = OVERLAP_S


class KeyOut(msgspec.Struct):
    """A key, without its secret. `last_used` is exact to a minute, and null for one that never was used."""

    id: str
    name: str
    roles: list[str]
    processes: list[str] | None
    service: str
    creator: str
    created: str
    expires: str | None
    last_used: str | None


class KeysOut(msgspec.Struct):
    """A page of keys, by id."""

    items: list[KeyOut]
    next: str | None


class NewKeyOut(msgspec.Struct):
    """A key and its text, to be presented as `Authorization: Bearer …`. `secret` is null where the request was answered
    before, under the same idempotency key: nobody can read it again. Rotate the key to get another one."""

    key: KeyOut
    secret: str | None


@post("/keys", status_code=201, opt={EXAMPLE: {"name": "ci", "roles": ["deployer"], "processes": ["order"]}})
async def add_key(
    data: JSONBody[KeyIn], caller: TheCaller, site: TheSite, idempotency_key: Idempotent = None
) -> NewKeyOut:
    """Makes a key. Its roles and processes have to be the caller's own."""
    caller.need_everywhere("keys:write")
    grant = checked(Grant(data.roles, data.processes))
    need_covering(caller, grant)
    now = _now()
    expires = moment_in(data.expires, "expires") or 0
    if data.expires is not None and expires <= now:
        raise BadValue("'expires' is over already")
    if data.service:
        await site.backend.read(caller.tenant, lambda reader: reader.records.one(caller.tenant, SERVICE, data.service))
    # The same id for the same idempotency key: a request that is repeated means the same key.
    id = keys.new_id(f"{caller.subject}\0{idempotency_key}" if idempotency_key else "")
    secret = keys.new_secret()
    body = KeyBody(data.name, grant, (_kept(secret),), now, caller.subject, expires, data.service)
    said = q.PutRecord(caller.tenant, keys.KIND, id, cast("Json", msgspec.to_builtins(data)), version=0)
    request = msgspec.structs.replace(said, body=cast("Json", msgspec.to_builtins(body)))
    # The secret is by chance, so it is no part of what an idempotency key stands for.
    await site.backend.ask(request, who(caller, idempotency_key, said))
    return await _told(site, caller, id, secret)


@get("/keys")
async def list_keys(caller: TheCaller, site: TheSite, limit: Limit = PAGE, after: After = None) -> KeysOut:
    """The keys of the tenant, by id."""
    caller.need_everywhere("keys:read")
    behind = id_behind(after)

    def question(reader: Reader) -> tuple[list[KeyOut], str | None]:
        rows = reader.records.listed(caller.tenant, keys.KIND, behind, limit + 1)
        found, following = cut(rows, limit, lambda row: (row.id,))
        return [_shown(reader, caller, row) for row in found], following

    return KeysOut(*await site.backend.read(caller.tenant, question))


@get("/keys/{id:str}")
async def get_key(id: KeyId, caller: TheCaller, site: TheSite) -> KeyOut:
    """One key."""
    caller.need_everywhere("keys:read")
    return await site.backend.read(caller.tenant, lambda reader: _shown(reader, caller, _one(reader, caller, id)))


@post("/keys/{id:str}/rotate", status_code=200, opt={EXAMPLE: {"overlap_seconds": 3_600}})
async def rotate_key(
    id: KeyId, data: JSONBody[RotateIn], caller: TheCaller, site: TheSite, idempotency_key: Idempotent = None
) -> NewKeyOut:
    """Gives a key a new secret. The present one holds for some time beside it; one from before no longer."""
    caller.need_everywhere("keys:write")
    record = await site.backend.read(caller.tenant, lambda reader: _one(reader, caller, id))
    body = record.read(KeyBody)
    need_covering(caller, body.grant)
    secret = keys.new_secret()
    until = _now() + data.overlap_seconds * 1000 if data.overlap_seconds else 0
    rotated = keys.rotated(body, secret, until)
    said = q.PutRecord(caller.tenant, keys.KIND, id, cast("Json", msgspec.to_builtins(data)))
    document = cast("Json", msgspec.to_builtins(rotated))
    request = msgspec.structs.replace(said, body=document, version=record.version)
    await site.backend.ask(request, who(caller, idempotency_key, said))
    site.gate.forget()
    return await _told(site, caller, id, secret)


@delete("/keys/{id:str}")
async def delete_key(id: KeyId, caller: TheCaller, site: TheSite, idempotency_key: Idempotent = None) -> None:
    """Revokes a key. In other server processes it may hold for five seconds more."""
    caller.need_everywhere("keys:write")
    request = q.DeleteRecord(caller.tenant, keys.KIND, id)
    found, used = await site.backend.read(caller.tenant, lambda reader: _both(reader, caller, id))
    if found is not None:
        need_covering(caller, found.read(KeyBody).grant)
    await site.backend.ask(request, who(caller, idempotency_key, request))
    site.gate.forget()
    if used is not None:
        seen = q.DeleteRecord(caller.tenant, keys.USED, id)
        await site.backend.ask_all([seen], who(caller, None, seen))


async def _told(site: Site, caller: Caller, id: str, secret: str) -> NewKeyOut:
    def question(reader: Reader) -> NewKeyOut:
        record = _one(reader, caller, id)
        kept = record.read(KeyBody).secrets[0].digest
        mine = kept == keys.digest_of(secret)
        text = keys.text_of(Key(caller.tenant, id, secret)) if mine else None
        return NewKeyOut(_shown(reader, caller, record), text)

    return await site.backend.read(caller.tenant, question)


def _one(reader: Reader, caller: Caller, id: str) -> Record:
    return reader.records.one(caller.tenant, keys.KIND, id)


def _both(reader: Reader, caller: Caller, id: str) -> tuple[Record | None, Record | None]:
    find = reader.records.find
    return find(caller.tenant, keys.KIND, id), find(caller.tenant, keys.USED, id)


def _shown(reader: Reader, caller: Caller, record: Record) -> KeyOut:
    body = record.read(KeyBody)
    used = reader.records.find(caller.tenant, keys.USED, record.id)
    return KeyOut(
        record.id,
        body.name,
        list(body.grant.roles),
        None if body.grant.processes is None else list(body.grant.processes),
        body.service,
        body.creator,
        moment(body.created),
        moment(body.expires) if body.expires else None,
        moment(used.at) if used is not None else None,
    )


def _kept(secret: str) -> Secret:
    return Secret(keys.digest_of(secret))


def _now() -> int:
    return int(time.time() * 1000)


ROUTES: Final = cast("tuple[ControllerRouterHandler, ...]", (add_key, list_keys, get_key, rotate_key, delete_key))
