"""Tenants over REST: limits, usage, keys, export, end, environments; and who may."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from procession.hosts.embedded.backend import EngineBackend
from procession.hosts.embedded.engine import Engine
from procession.services.access import Caller
from procession.services.backend import PLATFORM
from procession.services.tenancy.keys import sealed_by
from procession.store.keyring import TenantKeys
from procession.store.master import MasterKeys
from procession.store.sqlite import SQLiteStore
from procession.web.site import Site
from tenancy_rig import CANARY, furnish, model
from web_rig import client_of, running_site

ADMIN = {"procession-tenant": PLATFORM}
ACME = {"procession-tenant": "acme"}
BOLT = {"procession-tenant": "bolt"}
FOREIGN = [
    ("GET", "/v1/tenants/acme/limits", None),
    ("PUT", "/v1/tenants/acme/limits", {"weight": 2}),
    ("GET", "/v1/tenants/acme/usage", None),
    ("POST", "/v1/tenants/acme/keys/rotate", None),
    ("GET", "/v1/tenants/acme/export", None),
    ("DELETE", "/v1/tenants/acme", None),
    ("POST", "/v1/environments/promote", {"source": "acme:test", "target": "acme"}),
]


def test_the_platform_sets_limits_and_the_tenant_is_held_to_them() -> None:
    async def told(engine: Engine) -> None:
        async with running_site(engine) as site, client_of(site) as client:
            url = "/v1/tenants/acme/limits"
            assert (await client.get(url, headers=ACME)).json()["weight"] == 1
            body = {"weight": 3, "payload_bytes": 10}
            keyed = {**ADMIN, "Idempotency-Key": "one"}
            put = await client.put(url, headers=keyed, json=body)
            assert (put.status_code, put.json()["weight"]) == (200, 3)
            assert (await client.get(url, headers=ACME)).json() == put.json()
            signal = {"name": "s", "variables": {"x": "y" * 20}}
            refused = await client.post("/v1/signals", headers=ACME, json=signal)
            assert (refused.status_code, refused.json()["type"].split("/")[-1]) == (429, "quota-exceeded")
            assert "payload_bytes is 10" in refused.json()["detail"]
            assert "retry-after" not in refused.headers, "waiting makes nothing smaller"
            wrong: object
            for wrong in ({"weight": 0}, {"unknown": 1}, {"keys": -1}, []):
                assert (await client.put(url, headers=ADMIN, json=wrong)).status_code == 400
            usage = (await client.get("/v1/tenants/acme/usage", headers=ACME)).json()
            assert (usage["active_instances"], usage["limits"]["weight"]) == (4, 3)

    with Engine() as engine:
        furnish(engine, "acme")
        asyncio.run(told(engine))


@pytest.mark.parametrize(("method", "url", "body"), FOREIGN)
def test_a_foreign_tenant_is_not_there_and_what_is_the_platforms_is_not_ones_own(
    method: str, url: str, body: dict[str, Any] | None
) -> None:
    async def told(engine: Engine) -> None:
        async with running_site(engine) as site, client_of(site) as client:
            answer = await client.request(method, url, headers=BOLT, json=body)
            assert answer.status_code == 404, answer.text
            answer = await client.request(method, url, headers=ACME, json=body)
            platforms = (method, url.rsplit("/", 1)[-1]) in {("PUT", "limits"), ("DELETE", "acme")}
            assert (answer.status_code == 403) is platforms, answer.text

    with Engine() as engine:
        for tenant in ("acme", "acme:test", "bolt"):
            engine.deploy(model(), tenant=tenant)
        asyncio.run(told(engine))


def test_somebody_without_the_permission_may_not() -> None:
    class Nobody:
        async def caller(self, headers: Mapping[str, str], origin: str) -> Caller:
            return Caller("acme", "user:eve", origin, frozenset({"instances:read"}))

        def forget(self) -> None:
            """Nothing is kept."""

    async def told(engine: Engine) -> None:
        async with running_site(engine, Nobody()) as site, client_of(site) as client:
            for method, url, body in FOREIGN:
                assert (await client.request(method, url, json=body)).status_code == 403, url

    with Engine() as engine:
        engine.deploy(model(), tenant="acme")
        asyncio.run(told(engine))


def test_keys_rotate_an_export_is_read_and_the_end_is_the_end(tmp_path: Path) -> None:
    store, keys = sealed_by(SQLiteStore(tmp_path / "e.db"), MasterKeys({"m": b"m" * 32}, "m"))

    async def told(engine: Engine) -> None:
        async with running_site(engine) as plain:
            told_of = cast("EngineBackend", plain.backend).neighbours

            async def keys_of(tenant: str) -> TenantKeys:
                return keys

            site = Site(plain.backend, plain.gate, version="t", keys=keys_of, neighbours=told_of)
            await said(site)

    async def said(site: Site) -> None:
        async with client_of(site) as client:
            rotated = await client.post("/v1/tenants/acme/keys/rotate", headers=ACME)
            assert (rotated.status_code, rotated.json()) == (200, {"generation": 2})
            exported = await client.get("/v1/tenants/acme/export", headers=ACME)
            assert exported.headers["content-type"].startswith("application/x-ndjson")
            lines = [json.loads(line) for line in exported.text.splitlines()]
            assert (lines[0]["type"], lines[-1]["type"]) == ("export", "end")
            assert CANARY in exported.text
            gone = await client.delete("/v1/tenants/acme", headers=ADMIN)
            assert (gone.status_code, gone.json()["shredded"]) == (200, True)
            assert (await client.get("/v1/tenants/nobody/export", headers=ADMIN)).status_code == 404
            assert (await client.delete("/v1/tenants/nobody", headers=ADMIN)).status_code == 404
            items = (await client.get("/v1/neighbours", headers=ADMIN)).json()["items"]
            assert {each["tenant"] for each in items} >= {"acme", PLATFORM}

    with Engine(store=store) as engine:
        furnish(engine, "acme")
        asyncio.run(told(engine))
        assert engine.instances(tenant="acme") == []


def test_a_store_that_is_not_sealed_has_no_keys_to_rotate() -> None:
    async def told(engine: Engine) -> None:
        async with running_site(engine) as site, client_of(site) as client:
            answer = await client.post("/v1/tenants/acme/keys/rotate", headers=ACME)
            assert (answer.status_code, "not sealed" in answer.text) == (409, True)

    with Engine() as engine:
        engine.deploy(model(), tenant="acme")
        asyncio.run(told(engine))


def test_an_environment_is_made_and_promoted() -> None:
    async def told(engine: Engine) -> None:
        async with running_site(engine) as site, client_of(site) as client:
            made = await client.post("/v1/environments", headers=ACME, json={"name": "test"})
            assert (made.status_code, made.json()["tenant"]) == (201, "acme:test")
            assert (await client.get("/v1/environments", headers=ACME)).json()["items"] == [made.json()]
            assert (await client.post("/v1/environments", headers=ACME, json={"name": "test"})).status_code == 409
            engine.deploy(model(), tenant="acme:test")
            body: dict[str, object] = {"source": "acme:test", "target": "acme", "dry_run": True}
            planned = (await client.post("/v1/environments/promote", headers=ACME, json=body)).json()
            assert [each["state"] for each in planned["changes"]] == ["new", "new"]
            body["dry_run"] = False
            done = await client.post("/v1/environments/promote", headers=ACME, json=body)
            assert (done.status_code, len(done.json()["deployments"])) == (200, 1)
            child = {"procession-tenant": "acme:test"}
            assert (await client.post("/v1/environments/promote", headers=child, json=body)).status_code == 404

    with Engine() as engine:
        engine.deploy(model("other"), tenant="acme")
        asyncio.run(told(engine))
