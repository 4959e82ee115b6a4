"""Tokens of identity providers (OpenID Connect): whether one holds, and what it says about who presents it.

A token holds when one of the provider's keys signed it, for this server, and its time has come and is not over. Which
rights somebody has is said by the settings and by the tenant's members, never by the token alone.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, cast, final

import msgspec

from procession.base.decoding import known
from procession.base.failure import BadValue
from procession.base.values import Json
from procession.services.access import Expired, Grant, Unauthorized, checked
from procession.web.identity.jwks import BAD, Jwks

if TYPE_CHECKING:
    import httpx
    from joserfc.jwk import Key

ALGORITHMS: Final[dict[str, tuple[str, str]]] = {
    "RS256": ("RSA", ""),
    "PS256": ("RSA", ""),
    "ES256": ("EC", "P-256"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""Algorithm -> the key that it needs: type and curve. Never `none`, and none whose key is a shared secret."""
TOKEN_MAX: Final = 16_384
"""Longest token, in characters."""
GROUPS_MAX: Final = 200
SKEW_S_MAX: Final = 600
TEXT_MAX: Final = 255
"""Longest subject, group or name, in characters."""
FAR_S: Final = 1 << 40
TYPES: Final = frozenset({"", "jwt", "at+jwt", "application/at+jwt"})
"""What `typ` may say. A token that was made for something else (a logout, say) is none."""


@final
class GroupGrant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whoever the provider puts into a group has these roles in a tenant."""

    group: str
    tenant: str
    grant: Grant


@final
class Provider(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The settings of an identity provider. `alias` is what its users are called by: `user:<alias>|<sub>`."""

    alias: str
    issuer: str
    audiences: tuple[str, ...]
    """A token has to name one of them."""
    algorithms: tuple[str, ...] = ("RS256", "PS256", "ES256", "EdDSA")
    skew_s: int = 30
    """How far the clocks of the provider and of this machine may be apart."""
    groups_claim: str = "groups"
    tenant_claim: str = ""
    """The claim that names the tenants that the user may act for, a text or a list; "": no claim does."""
    user_claim: str = "sub"
    """The claim under whose value user tasks are assigned to them."""
    roles_claim: str = ""
    """The claim that lists roles, which count in the tenants that the token names; "": no claim does."""
    grants: tuple[GroupGrant, ...] = ()


@final
class Identity(msgspec.Struct, frozen=True):
    """What a token that holds says. `tenants` None: the token says nothing of tenants. `until` is in Unix seconds."""

    provider: Provider
    sub: str
    user: str
    groups: tuple[str, ...]
    tenants: tuple[str, ...] | None
    roles: tuple[str, ...]
    until: float


@final
class Tokens:
    """Reads tokens of the providers that are set. Belongs to one event loop.

    `now` is the time in Unix seconds, `ticks` a clock in seconds that never goes back."""

    __slots__ = ("_now", "_providers")

    def __init__(
        self,
        providers: Sequence[Provider],
        http: httpx.AsyncClient,
        now: Callable[[], float],
        ticks: Callable[[], float],
    ) -> None:
        """Raises `BadValue` for settings that cannot be meant."""
        self._now = now
        self._providers: dict[str, tuple[Provider, Jwks]] = {}
        for each in providers:
            _check(each)
            if each.issuer in self._providers:
                raise BadValue(f"the identity provider {each.issuer!r:.200} is set twice")
            self._providers[each.issuer] = (each, Jwks(each.issuer, http, ticks))

    async def identity(self, token: str) -> Identity:
        """Who a token is about. Raises `Unauthorized`, `Unavailable`."""
        header, claims = _opened(token)
        issuer = claims.get("iss")
        found = self._providers.get(issuer) if isinstance(issuer, str) else None
        algorithm, kid = header.get("alg"), header.get("kid", "")
        if found is None or not isinstance(algorithm, str) or not isinstance(kid, str):
            raise Unauthorized(BAD)
        provider, jwks = found
        if algorithm not in provider.algorithms or not _is_plain(header):
            raise Unauthorized(BAD)
        if not _is_signed(token, algorithm, await jwks.key(kid)):
            raise Unauthorized(BAD)
        self._check_claims(provider, claims)
        return _identity(provider, claims)

    def _check_claims(self, provider: Provider, claims: dict[str, Json]) -> None:
        from joserfc.errors import ClaimError, ExpiredTokenError
        from joserfc.jwt import JWTClaimsRegistry

        registry = JWTClaimsRegistry(
            now=int(self._now()),
            leeway=provider.skew_s,
            iss={"essential": True, "value": provider.issuer},
            aud={"essential": True, "values": list(provider.audiences)},
            exp={"essential": True},
            sub={"essential": True},
        )
        try:
            registry.validate(claims)
        except ExpiredTokenError:
            raise Expired("the token is over: get a new one") from None
        except (ClaimError, OverflowError):
            raise Unauthorized(BAD) from None


def _check(provider: Provider) -> None:
    unknown = [name for name in provider.algorithms if name not in ALGORITHMS]
    if unknown:
        raise BadValue(f"{unknown[0]!r:.40} is no algorithm for tokens; there are {', '.join(ALGORITHMS)}")
    if not provider.alias or "|" in provider.alias or not provider.audiences or not all(provider.audiences):
        raise BadValue("an identity provider needs an alias without '|', and at least one audience")
    if not 0 <= provider.skew_s <= SKEW_S_MAX:
        raise BadValue(f"the skew of an identity provider's clock is 0 to {SKEW_S_MAX} seconds")
    if provider.roles_claim and not provider.tenant_claim:
        raise BadValue("roles_claim needs tenant_claim: a token has to say where its roles count")
    for each in provider.grants:
        checked(each.grant)


def _opened(token: str) -> tuple[dict[str, Json], dict[str, Json]]:
    """The header and the claims, of which nothing is believed yet."""
    parts = token.split(".")
    if len(token) > TOKEN_MAX or len(parts) != 3:
        raise Unauthorized(BAD)
    try:
        opened = [msgspec.json.decode(_bytes(part), type=known(dict[str, object])) for part in parts[:2]]
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise Unauthorized(BAD) from None
    header, claims = cast("list[dict[str, Json]]", opened)
    return header, claims


def _bytes(part: str) -> bytes:
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)


def _is_plain(header: dict[str, Json]) -> bool:
    """Whether the header asks for nothing else. Keys that it brings along are not looked at."""
    kind = header.get("typ", "")
    return isinstance(kind, str) and kind.lower() in TYPES and "crit" not in header


def _is_signed(token: str, algorithm: str, key: Key) -> bool:
    from joserfc.errors import JoseError
    from joserfc.jws import JWSRegistry

    kind, curve = ALGORITHMS[algorithm]
    stated = key.as_dict(private=False)
    if stated["kty"] != kind or stated.get("crv", "") != curve or stated.get("alg", algorithm) != algorithm:
        return False
    said, _, signature = token.rpartition(".")
    try:
        # The algorithm is taken by its name, of the list above: nothing is left to what the header says.
        return JWSRegistry.algorithms[algorithm].verify(said.encode("ascii"), _bytes(signature), key)
    except (JoseError, ValueError):
        return False


def _identity(provider: Provider, claims: dict[str, Json]) -> Identity:
    sub = claims["sub"]
    user = claims.get(provider.user_claim)
    if not _is_text(sub):
        raise Unauthorized(BAD)
    tenants = claims.get(provider.tenant_claim) if provider.tenant_claim else None
    until = claims["exp"]
    assert isinstance(until, int | float), "checked"
    return Identity(
        provider,
        str(sub),
        str(user) if _is_text(user) else "",
        _texts(claims.get(provider.groups_claim)),
        # A token without the claim says nothing of tenants, rather than that there is none.
        _texts(tenants) if tenants is not None else None,
        _texts(claims.get(provider.roles_claim)) if provider.roles_claim else (),
        # JSON knows numbers that no clock does.
        float(min(until, FAR_S)) + provider.skew_s,
    )


def _texts(claim: Json) -> tuple[str, ...]:
    given = claim if isinstance(claim, list) else [claim]
    return tuple(str(each) for each in given[:GROUPS_MAX] if _is_text(each))


def _is_text(value: Json) -> bool:
    return isinstance(value, str) and 0 < len(value) <= TEXT_MAX and value.isprintable()
