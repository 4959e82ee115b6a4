"""Every endpoint, by every role, for one's own tenant and for a foreign one: what is let in is said by one table.

A route that is added fails here until it has its row in `access_expected.EXPECTED`. A row says which roles may use it;
the kinds of the things in its path say how one is made, and what one that is not there is called (`access_things`).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from itertools import product
from typing import Final

import httpx
import pytest
from litestar.routes import HTTPRoute

from access_expected import EXPECTED, LET_IN, Row
from access_rig import bearer, known_site, said
from access_things import CANARY, GHOSTS, MAKERS, OTHER, OWN, World
from procession.hosts.embedded.engine import Engine
from procession.services import keys
from procession.services.access import ROLES
from procession.services.backend import PLATFORM
from procession.services.members import MEMBER, SERVICE
from procession.web.app import routed_app

PUBLIC: Final = (
    "GET /v1/docs",
    "GET /v1/openapi",
    "GET /v1/funnel",
    "GET /play/",
    "POST /play/",
    "PUT /play/",
    "HEAD /play/",
    "PATCH /play/",
    "DELETE /play/",
)
"""Where everybody gets who reaches the server: the API's pages, and nothing that is stored; and journeys, whose
sessions are no callers (tests/unit/web/player)."""
NOT_LET_IN: Final = frozenset({401, 403, 404})


def ghosts_of(row: Row) -> dict[str, str]:
    """Things of the same shape as a request's that are not there."""
    return {place: GHOSTS[kind] for place, kind in {**row.path, **row.also}.items()}


def routes() -> dict[str, str]:
    """Method and path of every route of the application -> its path as it is declared."""
    found: dict[str, str] = {}

    for route in routed_app((), None).routes:
        if not isinstance(route, HTTPRoute):
            found[f"ASGI {route.path}"] = route.path
            continue
        for handler in route.route_handlers:
            for method in sorted(handler.http_methods - {"OPTIONS"}):
                plain = re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path)
                found[f"{method} {plain}"] = route.path
    return found


ROUTES: Final = routes()
FEW: Final = 4
"""Resources with fewer routes share a world: to make one takes longer than to ask it."""


def groups() -> dict[str, dict[str, Row]]:
    """The rows by what they are about: one world is enough for each group."""
    found: dict[str, dict[str, Row]] = {}
    for name, row in EXPECTED.items():
        if name in ROUTES:
            found.setdefault(name.split("/")[2], {})[name] = row
    others = {name: row for rows in found.values() if len(rows) < FEW for name, row in rows.items()}
    return {**{group: rows for group, rows in found.items() if len(rows) >= FEW}, "others": others}


GROUPS: Final = groups()


def run(promise: Callable[[World], Awaitable[None]]) -> None:
    async def told() -> None:
        with Engine() as engine:
            async with known_site(engine) as (site, client):
                world = World(site, client)
                await world.settle()
                await promise(world)

    asyncio.run(told())


def test_every_route_has_its_row() -> None:
    assert {name for name in ROUTES if not name.startswith(PUBLIC)} == set(EXPECTED)


def test_every_path_says_what_its_things_are() -> None:
    for name, row in EXPECTED.items():
        assert set(re.findall(r"\{(\w+)\}", name)) == set(row.path), name
        assert {*row.path.values(), *row.also.values()} <= set(MAKERS) & set(GHOSTS), name


@pytest.mark.parametrize("group", GROUPS)
def test_a_role_may_do_in_its_own_tenant_what_the_table_says(group: str) -> None:
    async def promise(world: World) -> None:
        for name, row in GROUPS[group].items():
            for role, home in product(ROLES, (OWN, PLATFORM) if row.platform else (OWN,)):
                allowed = role in row.roles and (home == PLATFORM) is row.platform
                if allowed and row.outside:
                    continue
                things = await world.things(row)
                answer = await world.ask(name, row, things, bearer(world.callers[home, role]))
                told = (name, role, home, answer.status_code, answer.text)
                if allowed and row.ok == LET_IN:
                    assert answer.status_code not in NOT_LET_IN, told
                    assert answer.status_code < 500, told
                else:
                    assert answer.status_code == (row.ok if allowed else 403), told
                assert allowed or CANARY not in answer.text, told

    run(promise)


@pytest.mark.parametrize("group", GROUPS)
def test_nothing_of_a_foreign_tenant_is_shown_changed_or_told_apart_from_nothing(group: str) -> None:
    async def promise(world: World) -> None:
        for (name, row), role in product(GROUPS[group].items(), ROLES):
            there, ghosts = await world.things(row), ghosts_of(row)
            if role in row.roles and row.outside and not there:
                continue
            foreign = bearer(world.callers[OTHER, role])
            before = await _state(world)
            real = await world.ask(name, row, there, foreign)
            told = (name, role, real.status_code, real.text)
            assert CANARY not in real.text, told
            assert await _state(world) == before, told
            if role not in row.roles or row.platform:
                assert real.status_code in {403, 404}, told
            elif there and not row.several:
                assert real.status_code == 404, told
            if there:
                ghost = await world.ask(name, row, ghosts, foreign)
                assert real.status_code == ghost.status_code, (told, ghost.text)
                assert _said(real, there) == _said(ghost, ghosts), told

    run(promise)


@pytest.mark.parametrize("group", GROUPS)
def test_a_tenant_that_is_not_ones_own_cannot_be_named(group: str) -> None:
    async def promise(world: World) -> None:
        for name, row in GROUPS[group].items():
            things = await world.things(row)
            for role in ROLES:
                answers = [
                    await world.ask(name, row, things, bearer(world.callers[OTHER, role], tenant=tenant))
                    for tenant in (OWN, PLATFORM, "nowhere", "<default>")
                ]
                assert {answer.status_code for answer in answers} == {403}, (name, role)
                assert len({_said(answer, things) for answer in answers}) == 1, (name, role)

    run(promise)


@pytest.mark.parametrize("group", GROUPS)
def test_nobody_is_let_in_who_does_not_say_who_they_are(group: str) -> None:
    async def promise(world: World) -> None:
        for name, row in GROUPS[group].items():
            things, ghosts = await world.things(row), ghosts_of(row)
            real, ghost = [await world.ask(name, row, each, {}) for each in (things, ghosts)]
            assert real.status_code == ghost.status_code == 401, name
            assert _said(real, things) == _said(ghost, ghosts), name

    run(promise)


def _said(answer: httpx.Response, things: Mapping[str, str]) -> bytes:
    """The bytes of a problem, without what the caller sent in the path, and without the number of the request."""
    found = said(answer)
    for thing in things.values():
        found = found.replace(thing.encode(), b"<id>")
    return found


async def _state(world: World) -> list[object]:
    """What the tenant `own` has."""
    return [
        await world.site.backend.read(OWN, lambda reader, kind=kind: reader.records.listed(OWN, kind))  # type: ignore[misc]
        for kind in (keys.KIND, MEMBER, SERVICE)
    ]
