"""Tokens of a real OpenID provider: found by discovery, checked by its keys, also after it has changed them."""

from __future__ import annotations

import asyncio
import time

import httpx

from access_rig import Ticks, bearer, known_site
from oidc_rig import AUDIENCE, CLIENT, RealProvider, real_provider
from procession.hosts.embedded.engine import Engine
from procession.services.access import Grant
from procession.web.identity.jwks import RETRY_S
from procession.web.identity.oidc import GroupGrant, Provider, Tokens


def test_tokens_of_a_real_provider_hold_before_and_after_it_changes_its_keys() -> None:
    async def told(provider: RealProvider) -> None:
        grants = (GroupGrant("staff", "acme", Grant(("viewer",))),)
        settings = Provider("real", provider.issuer, (AUDIENCE,), grants=grants)
        ticks = Ticks(time.time())
        async with httpx.AsyncClient() as http:
            with Engine() as engine:
                tokens = Tokens([settings], http, time.time, ticks)
                async with known_site(engine, tokens, ticks) as (_, client):
                    old = await asyncio.to_thread(provider.token)
                    mine = (await client.get("/v1/whoami", headers=bearer(old))).json()
                    assert (mine["tenant"], mine["subject"]) == ("acme", f"user:real|{CLIENT}")
                    provider.rotate()
                    new = await asyncio.to_thread(provider.token)
                    ticks.now += RETRY_S
                    assert (await client.get("/v1/whoami", headers=bearer(new))).status_code == 200
                    # What the key signed that the provider took back holds no longer.
                    assert (await client.get("/v1/whoami", headers=bearer(old))).status_code == 401

    with real_provider() as provider:
        asyncio.run(told(provider))


def test_a_token_for_another_server_does_not_hold() -> None:
    async def told(provider: RealProvider) -> None:
        settings = Provider("real", provider.issuer, ("https://other.test",))
        async with httpx.AsyncClient() as http:
            with Engine() as engine:
                tokens = Tokens([settings], http, time.time, time.monotonic)
                async with known_site(engine, tokens, Ticks(time.time())) as (_, client):
                    token = await asyncio.to_thread(provider.token)
                    assert (await client.get("/v1/whoami", headers=bearer(token))).status_code == 401

    with real_provider() as provider:
        asyncio.run(told(provider))
