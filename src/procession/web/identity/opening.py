"""The gate of a server by its settings. Their structs live where settings are read; here is what is asked of them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Protocol

import httpx

from procession.services.backend import Backend
from procession.web.identity.gate import KnownGate
from procession.web.identity.oidc import GroupGrant, Provider, Tokens


class ProviderSettings(Protocol):
    """An identity provider, as it is set."""

    @property
    def issuer(self) -> str: ...
    @property
    def audience(self) -> str: ...
    @property
    def tenant_claim(self) -> str: ...
    @property
    def roles_claim(self) -> str: ...
    @property
    def groups_claim(self) -> str: ...
    @property
    def user_claim(self) -> str: ...


class IdentitySettings(Protocol):
    """Who is known, as it is set. Durations in seconds."""

    @property
    def oidc(self) -> Sequence[ProviderSettings]: ...
    @property
    def clock_skew_seconds(self) -> float: ...


async def gate_of(
    backend: Backend, settings: IdentitySettings, grants: Mapping[str, Sequence[GroupGrant]] | None = None
) -> KnownGate:
    """The gate of API keys and of the providers that are set, for this event loop. `grants` are what groups of an
    issuer may do, by issuer. Raises `BadValue`."""
    if not settings.oidc:
        return KnownGate(backend)
    given = grants or {}
    providers = [_provider(each, settings.clock_skew_seconds, given.get(each.issuer, ())) for each in settings.oidc]
    # It lives as long as the process: what it holds are idle connections to the providers.
    http = httpx.AsyncClient(follow_redirects=False, headers={"accept": "application/json"})
    return KnownGate(backend, Tokens(providers, http, time.time, time.monotonic))


def _provider(given: ProviderSettings, skew_s: float, grants: Sequence[GroupGrant]) -> Provider:
    return Provider(
        alias_of(given.issuer),
        given.issuer,
        (given.audience,),
        skew_s=int(skew_s),
        groups_claim=given.groups_claim,
        tenant_claim=given.tenant_claim,
        roles_claim=given.roles_claim if given.tenant_claim else "",
        user_claim=given.user_claim or "sub",
        grants=tuple(grants),
    )


def alias_of(issuer: str) -> str:
    """What the users of an issuer are called by: its address without the scheme."""
    return issuer.partition("://")[2].strip("/").replace("|", "%7C")
