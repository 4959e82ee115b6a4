"""Every endpoint, by every role, for one's own tenant and for a foreign one: what is let in is said by one table.

A route that is added fails here until it has its row in `EXPECTED`. A row says which roles may use it; the kinds of the
things in its path say how one is made (`MAKERS`) and what one that is not there is called (`GHOSTS`).
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, cast, final

import httpx
import msgspec
import pytest
from litestar.routes import HTTPRoute

from access_rig import WHO, bearer, known_site, new_key
from procession.base.values import Json
from procession.hosts.embedded.engine import Engine
from procession.runtime import requests as q
from procession.services import keys
from procession.services.access import ROLES, Grant
from procession.services.backend import PLATFORM
from procession.services.members import MEMBER, SERVICE, MemberBody, ServiceBody, member_id
from procession.web.app import create_app
from procession.web.site import OpenGate, Site
from web_rig import running_site

OWN: Final = "own"
OTHER: Final = "other"
CANARY: Final = "CANARY"
"""Part of every text of the tenant `own`: it is in no answer to anybody else."""
EVERYBODY: Final = tuple(ROLES)
ADMIN: Final = ("admin",)
SENDERS: Final = ("worker", "operator", "builder", "admin")


@final
class Row(msgspec.Struct, frozen=True):
    """What is expected of an endpoint: `ok` for `roles`, 403 for others.

    `path` is placeholder -> kind of thing; `also` are such of the body, where they stand as `$placeholder`. A body that
    is no JSON is `content`, of the type `media`."""

    roles: tuple[str, ...]
    ok: int = 200
    path: Mapping[str, str] = {}
    body: Json = None
    also: Mapping[str, str] = {}
    content: bytes | None = None
    media: str = "application/json"
    query: str = ""
    endless: bool = False
    """A stream without an end: who may is not asked for, for there would be no answer."""
    platform: bool = False
    """For callers of the platform alone: the same roles in a tenant may not."""


EXPECTED: Final[dict[str, Row]] = {
    "POST /v1/signals": Row(SENDERS, body={"name": "s"}),
    "GET /v1/whoami": Row(EVERYBODY),
    "POST /v1/keys": Row(ADMIN, 201, body={"name": "k", "roles": ["viewer"]}),
    "GET /v1/keys": Row(ADMIN),
    "GET /v1/keys/{id}": Row(ADMIN, path={"id": "key"}),
    "POST /v1/keys/{id}/rotate": Row(ADMIN, path={"id": "key"}, body={}),
    "DELETE /v1/keys/{id}": Row(ADMIN, 204, path={"id": "key"}),
    "POST /v1/members": Row(ADMIN, 201, body={"subject": "user:corp|new", "roles": ["viewer"]}),
    "GET /v1/members": Row(ADMIN),
    "GET /v1/members/{id}": Row(ADMIN, path={"id": "member"}),
    "PUT /v1/members/{id}": Row(ADMIN, path={"id": "member"}, body={"roles": ["viewer"]}),
    "DELETE /v1/members/{id}": Row(ADMIN, 204, path={"id": "member"}),
    "POST /v1/services": Row(ADMIN, 201, body={"name": "new", "roles": ["worker"]}),
    "GET /v1/services": Row(ADMIN),
    "GET /v1/services/{name}": Row(ADMIN, path={"name": "service"}),
    "PUT /v1/services/{name}": Row(ADMIN, path={"name": "service"}, body={"roles": ["worker"]}),
    "DELETE /v1/services/{name}": Row(ADMIN, 204, path={"name": "service"}),
    "GET /v1/audit": Row(ADMIN),
    "GET /v1/audit/export": Row(ADMIN),
    "POST /v1/tenants": Row(ADMIN, 201, body={"name": "new"}, platform=True),
    "GET /v1/tenants": Row(ADMIN, platform=True),
    "GET /v1/tenants/{name}": Row(ADMIN, path={"name": "tenant"}, platform=True),
}

PUBLIC: Final = ("GET /v1/docs", "GET /v1/openapi")
"""Where everybody gets who reaches the server: the API's description, and nothing that is stored."""


@final
class World:
    """Two tenants and the platform, a key of each role in each, and things of the tenant `own`."""

    def __init__(self, site: Site, client: httpx.AsyncClient) -> None:
        self.site = site
        self.client = client
        self.callers: dict[tuple[str, str], str] = {}
        self._made = 0

    async def settle(self) -> None:
        requests: list[q.Plain] = [q.AddTenant(tenant) for tenant in (OWN, OTHER, PLATFORM)]
        for tenant in (OWN, OTHER, PLATFORM):
            for role in ROLES:
                self.callers[tenant, role], request = new_key(tenant, [role])
                requests.append(request)
        await self.site.backend.ask_all(requests, WHO)

    async def put(self, kind: str, id: str, body: msgspec.Struct) -> str:
        document = cast("Json", msgspec.to_builtins(body))
        await self.site.backend.ask(q.PutRecord(OWN, kind, id, document), WHO)
        return id

    def next(self) -> int:
        self._made += 1
        return self._made

    async def ask(self, name: str, row: Row, things: Mapping[str, str], headers: Mapping[str, str]) -> httpx.Response:
        method, _, path = name.partition(" ")
        for placeholder, thing in things.items():
            path = path.replace(f"{{{placeholder}}}", thing)
        body = row.content if row.body is None else json.dumps(row.body).encode()
        for placeholder in row.also:
            assert body is not None, name
            body = body.replace(f"${placeholder}".encode(), things[placeholder].encode())
        typed = {"content-type": row.media} if body is not None else {}
        query = f"?{row.query}" if row.query else ""
        return await self.client.request(method, path + query, content=body, headers={**headers, **typed})

    async def things(self, row: Row) -> dict[str, str]:
        """New things of the tenant `own` for a request."""
        return {place: await MAKERS[kind](self) for place, kind in {**row.path, **row.also}.items()}


Maker = Callable[[World], Awaitable[str]]


async def a_key(world: World) -> str:
    secrets = (keys.Secret(keys.digest_of(CANARY)),)
    body = keys.KeyBody(CANARY, Grant(("viewer",)), secrets, 1, CANARY)
    return await world.put(keys.KIND, keys.new_id(), body)


async def a_member(world: World) -> str:
    subject = f"user:corp|{CANARY}{world.next()}"
    return await world.put(MEMBER, member_id(subject), MemberBody(subject, Grant(("viewer",))))


async def a_service(world: World) -> str:
    return await world.put(SERVICE, f"robot{world.next()}", ServiceBody(Grant(("worker",)), CANARY))


async def a_tenant(world: World) -> str:
    return OTHER


MAKERS: Final[dict[str, Maker]] = {"key": a_key, "member": a_member, "service": a_service, "tenant": a_tenant}
"""Kind -> makes a new one in the tenant `own`, and gives what it is called in a path."""
GHOSTS: Final[dict[str, str]] = {"key": "0" * 12, "member": "0" * 32, "service": "robot0", "tenant": "nowhere"}
"""Kind -> what one that is not there is called: of the same shape."""


def ghosts_of(row: Row) -> dict[str, str]:
    """Things of the same shape as a request's that are not there."""
    return {place: GHOSTS[kind] for place, kind in {**row.path, **row.also}.items()}


def routes() -> dict[str, str]:
    """Method and path of every route of the application -> its path as it is declared."""
    found: dict[str, str] = {}

    async def told() -> None:
        with Engine() as engine:
            async with running_site(engine, OpenGate()) as site:
                for route in create_app(site).routes:
                    if not isinstance(route, HTTPRoute):
                        found[f"ASGI {route.path}"] = route.path
                        continue
                    for handler in route.route_handlers:
                        for method in sorted(handler.http_methods - {"OPTIONS", "HEAD"}):
                            plain = re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path)
                            found[f"{method} {plain}"] = route.path

    asyncio.run(told())
    return found


def run(promise: Callable[[World], Awaitable[None]]) -> None:
    async def told() -> None:
        with Engine() as engine:
            async with known_site(engine) as (site, client):
                world = World(site, client)
                await world.settle()
                await promise(world)

    asyncio.run(told())


def test_every_route_has_its_row_and_every_row_its_route() -> None:
    assert {name for name in routes() if not name.startswith(PUBLIC)} == set(EXPECTED)


def test_every_path_says_what_its_things_are() -> None:
    for name, row in EXPECTED.items():
        assert set(re.findall(r"\{(\w+)\}", name)) == set(row.path), name
        assert {*row.path.values(), *row.also.values()} <= set(MAKERS) & set(GHOSTS), name


@pytest.mark.parametrize("name", EXPECTED)
def test_a_role_may_do_in_its_own_tenant_what_the_table_says(name: str) -> None:
    row = EXPECTED[name]

    async def promise(world: World) -> None:
        for role in ROLES:
            for home in (OWN, PLATFORM) if row.platform else (OWN,):
                allowed = role in row.roles and (home == PLATFORM) is row.platform
                if allowed and row.endless:
                    continue
                things = await world.things(row)
                answer = await world.ask(name, row, things, bearer(world.callers[home, role]))
                assert answer.status_code == (row.ok if allowed else 403), (home, role, answer.text)
                if not allowed:
                    assert CANARY not in answer.text

    run(promise)


@pytest.mark.parametrize("name", EXPECTED)
def test_nothing_of_a_foreign_tenant_is_shown_changed_or_told_apart_from_nothing(name: str) -> None:
    row = EXPECTED[name]

    async def promise(world: World) -> None:
        for role in ROLES:
            if role in row.roles and row.endless and not row.path:
                continue
            foreign = bearer(world.callers[OTHER, role])
            there, ghosts = await world.things(row), ghosts_of(row)
            before = await _state(world)
            real = await world.ask(name, row, there, foreign)
            assert CANARY not in real.text, role
            assert await _state(world) == before, role
            if role not in row.roles or row.platform:
                assert real.status_code in {403, 404}, (role, real.text)
            elif there:
                assert real.status_code == 404, (role, real.text)
            if there:
                ghost = await world.ask(name, row, ghosts, foreign)
                assert real.status_code == ghost.status_code, (role, real.text, ghost.text)
                assert _said(real, there) == _said(ghost, ghosts), role

    run(promise)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_tenant_that_is_not_ones_own_cannot_be_named(name: str) -> None:
    row = EXPECTED[name]

    async def promise(world: World) -> None:
        things = await world.things(row)
        for role in ROLES:
            said: set[bytes] = set()
            for tenant in (OWN, PLATFORM, "nowhere", "<default>"):
                headers = bearer(world.callers[OTHER, role], tenant=tenant)
                answer = await world.ask(name, row, things, headers)
                assert answer.status_code == 403, (role, tenant, answer.text)
                said.add(_said(answer, things))
            assert len(said) == 1, role

    run(promise)


@pytest.mark.parametrize("name", EXPECTED)
def test_nobody_is_let_in_who_does_not_say_who_they_are(name: str) -> None:
    row = EXPECTED[name]

    async def promise(world: World) -> None:
        things, ghosts = await world.things(row), ghosts_of(row)
        real, ghost = [await world.ask(name, row, each, {}) for each in (things, ghosts)]
        assert real.status_code == ghost.status_code == 401
        assert _said(real, things) == _said(ghost, ghosts)

    run(promise)


def _said(answer: httpx.Response, things: Mapping[str, str]) -> bytes:
    """The bytes of a problem, without what the caller sent in the path, and without the number of the request."""
    said = answer.content
    for thing in things.values():
        said = said.replace(thing.encode(), b"<id>")
    return re.sub(rb'"request_id":"[^"]*",?', b"", said)


async def _state(world: World) -> list[object]:
    """What the tenant `own` has."""
    return [
        await world.site.backend.read(OWN, lambda reader, kind=kind: reader.records.listed(OWN, kind))  # type: ignore[misc]
        for kind in (keys.KIND, MEMBER, SERVICE)
    ]
