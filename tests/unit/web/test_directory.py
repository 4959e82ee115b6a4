"""The list of tenants over REST, where some live in silos: in order, page by page, with stores that are gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from procession import Engine
from procession.runtime import requests as q
from procession.runtime.rows import NamedRow
from procession.services.backend import PLATFORM, Backend
from procession.services.tenancy.directory import Directory
from procession.services.tenancy.placement import Backends, Silo
from procession.web.site import OpenGate, Site
from tenancy_rig import ADA, backend_of
from web_rig import client_of

ADMIN = {"procession-tenant": PLATFORM}
ACME = [("acme", "acme"), ("acme:dev", "acme"), ("acme:prod", "acme")]
POOL = [("<default>", None), ("acme-not", None), ("bolt", None), ("bolt:test", None)]
REST = [("acme:test", "acme:test"), ("zeta", "zeta")]


@asynccontextmanager
async def opened(name: str, silo: Silo) -> AsyncIterator[Backend]:
    """A silo on a file."""
    with Engine(silo.store) as engine:
        async with backend_of(engine) as backend:
            yield backend


@asynccontextmanager
async def listing(pool: Engine, folder: Path) -> AsyncIterator[tuple[Backends, httpx.AsyncClient]]:
    """A server of these tenants, as far as they are told apart: `acme:test` and `zeta` have stores of their own too."""
    silos = {name: Silo(str(folder / f"{name.replace(':', '-')}.db")) for name in ("zeta", "acme:test", "acme")}
    async with backend_of(pool) as pooled:
        backends = Backends(pooled, silos, opened)

        async def names(silo: str, behind: str, limit: int) -> list[str]:
            tenant = silo or PLATFORM
            rows = await backends.read(tenant, lambda of: of.store.read("tenant_page", (behind, limit), NamedRow))
            return [row.name for row in rows]

        site = Site(backends, OpenGate(), version="t", directory=Directory(names, silos, backends.silo))
        try:
            async with client_of(site) as client:
                yield backends, client
        finally:
            await backends.close()


async def furnished(backends: Backends, pool: Engine) -> None:
    """Tenants everywhere, also where they do not live any more."""
    for name in ("bolt:test", "bolt", "acme-not", "acme:prod", "acme:dev", "acme:test"):
        await backends.ask(q.AddTenant(name), ADA)
    # What was there before the tenant had a store of its own.
    for name in ("acme", "acme:old", "acme:test"):
        pool.pump.call(q.AddTenant(name))
    async with backends.of("acme") as acme:
        for name in ("acme:test", "elsewhere"):
            await acme.ask(q.AddTenant(name), ADA)


async def page(client: httpx.AsyncClient, **asked: Any) -> dict[str, Any]:
    answer = await client.get("/v1/tenants", headers=ADMIN, params=asked)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def places(body: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(each["name"], each["silo"]) for each in body["items"]]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 100])
def test_every_tenant_is_listed_once_where_it_lives_whatever_the_size_of_a_page(tmp_path: Path, limit: int) -> None:
    async def told(pool: Engine) -> None:
        async with listing(pool, tmp_path) as (backends, client):
            await furnished(backends, pool)
            found: list[tuple[str, str | None]] = []
            body = await page(client, limit=limit)
            while body["next"] is not None:
                assert len(body["items"]) == limit
                found += places(body)
                body = await page(client, limit=limit, after=body["next"])
            assert [*found, *places(body)] == [*POOL, *ACME, *REST]
            assert body["unreachable"] == []

    with Engine() as pool:
        asyncio.run(told(pool))


def test_a_silo_that_cannot_be_asked_is_named_and_the_others_are_listed(tmp_path: Path) -> None:
    (tmp_path / "acme.db").write_bytes(b"this is no store" * 1_000)

    async def told(pool: Engine) -> None:
        async with listing(pool, tmp_path) as (backends, client):
            await backends.ask(q.AddTenant("bolt"), ADA)
            body = await page(client)
            assert places(body) == [("<default>", None), ("bolt", None), ("acme", "acme"), *REST]
            assert body["unreachable"] == ["acme"]
            assert list(backends.failed) == ["acme"]
            first = await page(client, limit=2)
            assert (first["unreachable"], len(first["items"])) == ([], 2), "it is not of this page"
            (tmp_path / "acme.db").unlink()
            await backends.ask(q.AddTenant("acme:dev"), ADA)
            assert list(backends.failed) == []
            body = await page(client, limit=2, after=first["next"])
            assert (places(body), body["unreachable"]) == (ACME[:2], [])

    with Engine() as pool:
        asyncio.run(told(pool))


def test_one_tenant_is_found_where_it_lives(tmp_path: Path) -> None:
    async def told(pool: Engine) -> None:
        async with listing(pool, tmp_path) as (backends, client):
            await furnished(backends, pool)
            for name, silo in (*POOL, *ACME, *REST):
                answer = await client.get(f"/v1/tenants/{name}", headers=ADMIN)
                assert (answer.status_code, answer.json()) == (200, {"name": name, "silo": silo})
            for name in ("nobody", "acme:old", "elsewhere"):
                assert (await client.get(f"/v1/tenants/{name}", headers=ADMIN)).status_code == 404
            made = await client.post("/v1/tenants", headers=ADMIN, json={"name": "zeta"})
            assert made.json() == {"name": "zeta", "silo": "zeta"}

    with Engine() as pool:
        asyncio.run(told(pool))


@pytest.mark.parametrize("after", ["garbage", "WyJhIl0", "WzEsMl0"])
def test_a_cursor_of_nobody_is_refused(tmp_path: Path, after: str) -> None:
    async def told(pool: Engine) -> None:
        async with listing(pool, tmp_path) as (_, client):
            assert (await client.get("/v1/tenants", headers=ADMIN, params={"after": after})).status_code == 400

    with Engine() as pool:
        asyncio.run(told(pool))
