"""What tests of identity and access share: a site whose callers have to be known, and keys for it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import cast, final

import httpx
import msgspec

from host_rig import FaultyStore
from procession.base.values import Json
from procession.hosts.embedded.backend import EngineBackend
from procession.hosts.embedded.engine import Engine
from procession.runtime import requests as q
from procession.services import keys
from procession.services.access import Grant
from procession.services.backend import Backend, Who
from procession.store.sqlite import SQLiteStore
from procession.web.identity.gate import KnownGate
from procession.web.identity.oidc import Tokens
from procession.web.site import Site
from web_rig import client_of

NOW_S = 1_800_000_000.0
WHO = Who("service:test")


@final
class Ticks:
    """A clock that the test moves on. In seconds."""

    def __init__(self, now: float = NOW_S) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@final
class Reading:
    """A store, and how often it was read: `of` the queries by name."""

    def __init__(self) -> None:
        self.store = FaultyStore(SQLiteStore(":memory:"))
        self.of: list[str] = []
        self.store.reading = self.of.append
        # What a tenant sees is counted too: a file has no walls of its own, so it is the same store.
        self.store.seen_by = lambda tenant: self.store  # type: ignore[method-assign]


@asynccontextmanager
async def known_site(
    engine: Engine, tokens: Tokens | None = None, ticks: Ticks | None = None
) -> AsyncIterator[tuple[Site, httpx.AsyncClient]]:
    """A site with a gate for keys and tokens, and a client, as long as the block lasts."""
    backend = EngineBackend(engine)
    clock = ticks or Ticks()
    gate = KnownGate(backend, tokens, now=clock, ticks=clock, failed_after_s=0.0)
    site = Site(backend, gate, version="test")
    try:
        async with client_of(site) as client:
            yield site, client
            await gate.settle()
    finally:
        await backend.close()


def new_key(
    tenant: str,
    roles: Sequence[str],
    *,
    processes: Sequence[str] | None = None,
    expires: int = 0,
    id: str = "",
) -> tuple[str, q.PutRecord]:
    """The text of a new key of a tenant, and the request that makes it."""
    key = keys.Key(tenant, id or keys.new_id(), keys.new_secret())
    grant = Grant(tuple(roles), None if processes is None else tuple(processes))
    secrets = (keys.Secret(keys.digest_of(key.secret)),)
    body = keys.KeyBody("a key", grant, secrets, int(NOW_S * 1000), "service:test", expires)
    return keys.text_of(key), q.PutRecord(tenant, keys.KIND, key.id, cast("Json", msgspec.to_builtins(body)))


async def make_key(
    backend: Backend,
    tenant: str,
    roles: Sequence[str],
    *,
    processes: Sequence[str] | None = None,
    expires: int = 0,
    id: str = "",
) -> str:
    """The text of a new key of a tenant, which is made if it is not there."""
    text, request = new_key(tenant, roles, processes=processes, expires=expires, id=id)
    await backend.ask(q.AddTenant(tenant), WHO)
    await backend.ask(request, WHO)
    return text


def bearer(text: str, **more: str) -> dict[str, str]:
    """Headers of a request by somebody; `tenant` is the one that they name."""
    headers = {"Authorization": f"Bearer {text}"}
    if "tenant" in more:
        headers["Procession-Tenant"] = more["tenant"]
    return headers


def said(answer: httpx.Response) -> bytes:
    """What an answer says, without the number of the request."""
    return re.sub(rb'"request_id":"[^"]*",?', b"", answer.content)
