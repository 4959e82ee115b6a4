"""Who asks a codec server: a bearer token (JWT) is verified, and its claims name the tenants and namespaces it sees."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, cast, final
from urllib.error import URLError
from urllib.request import Request, urlopen

import jwt
import msgspec

from procession.hosts.temporal.codec.errors import CodecError
from procession.hosts.temporal.codec.files import private_bytes, public_bytes

TOKEN_CHARACTERS_MAX: Final = 16_384
"""Longest token, in characters."""
ALL: Final = "*"
"""In a claim: every tenant, or every namespace."""
_SYMMETRIC: Final = ("HS256", "HS384", "HS512")
_ASYMMETRIC: Final = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
"""A public key must never be taken for a shared secret, so one list or the other is allowed, never both."""
_SECRET_BYTES_MIN: Final = 32
_JWKS_BYTES_MAX: Final = 1024 * 1024
_JWKS_SECONDS: Final = 300.0
_UNKNOWN_SECONDS: Final = 10.0
_LEEWAY_SECONDS: Final = 30


class TokenConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How tokens are verified. Exactly one of the first four says with what.

    `jwks_url` (https), `jwks_file`: a set of public keys; `public_key_file`: one, in PEM; `secret_file`: a shared
    secret of 32 bytes or more, read as it is without the line's end. `issuer` and `audience` must be in the token if
    they are given here. `tenants_claim` and `namespaces_claim` name the claims: a list of names, or "*" for all. A
    token without them may see nothing. `namespaces_claim = ""` asks for tenants only.
    """

    jwks_url: str = ""
    jwks_file: str = ""
    public_key_file: str = ""
    secret_file: str = ""
    issuer: str = ""
    audience: str = ""
    tenants_claim: str = "tenants"
    namespaces_claim: str = "namespaces"


class Grants(msgspec.Struct, frozen=True):
    """What a token allows. None is every name."""

    subject: str
    tenants: frozenset[str] | None
    namespaces: frozenset[str] | None

    def sees_tenant(self, tenant: str) -> bool:
        """Whether payloads of this tenant may be shown."""
        return self.tenants is None or tenant in self.tenants

    def sees_namespace(self, namespace: str) -> bool:
        """Whether anything of this namespace may be shown."""
        return self.namespaces is None or namespace in self.namespaces


class Unauthorized(Exception):
    """No token, or one that is not good. The text goes to the caller and says no more than that."""


@final
class Tokens:
    """Verifies tokens as a `TokenConfig` says."""

    __slots__ = ("_algorithms", "_config", "_keys")

    def __init__(self, config: TokenConfig) -> None:
        """Raises `CodecError` for a configuration without a key, with several, or with one that is none."""
        named = [config.jwks_url, config.jwks_file, config.public_key_file, config.secret_file]
        if sum(map(bool, named)) != 1:
            raise CodecError("tokens: give one of jwks_url, jwks_file, public_key_file, secret_file")
        if not config.tenants_claim:
            raise CodecError("tokens: tenants_claim must name a claim")
        self._config = config
        self._algorithms = list(_SYMMETRIC if config.secret_file else _ASYMMETRIC)
        self._keys: _Key | _KeySet = _keys_of(config)

    async def grants(self, authorization: str) -> Grants:
        """What the token in an `Authorization` header allows. Raises `Unauthorized`."""
        kind, _, token = authorization.partition(" ")
        token = token.strip()
        if kind.lower() != "bearer" or not token or len(token) > TOKEN_CHARACTERS_MAX:
            raise Unauthorized("a bearer token is needed")
        try:
            key = await self._keys.for_token(jwt.get_unverified_header(token).get("kid"))
            claims = cast("dict[str, object]", self._decoded(token, key))
        except jwt.PyJWTError as error:
            # The class of the error says enough (expired, signature), and never repeats the token.
            raise Unauthorized(f"the token is not good: {type(error).__name__}") from None
        namespaces = self._config.namespaces_claim
        return Grants(
            str(claims.get("sub", ""))[:200],
            _names(claims.get(self._config.tenants_claim)),
            _names(claims.get(namespaces)) if namespaces else None,
        )

    def _decoded(self, token: str, key: object) -> object:
        config = self._config
        return jwt.decode(
            token,
            cast("str", key),
            algorithms=self._algorithms,
            audience=config.audience or None,
            issuer=config.issuer or None,
            leeway=_LEEWAY_SECONDS,
            options={
                "require": ["exp"],
                "verify_aud": bool(config.audience),
                "verify_iss": bool(config.issuer),
                "enforce_minimum_key_length": True,
            },
        )


@final
class _Key:
    """One key for all tokens."""

    __slots__ = ("_key",)

    def __init__(self, key: object) -> None:
        self._key = key

    async def for_token(self, _: str | None) -> object:
        return self._key


@final
class _KeySet:
    """The keys of a set by their ids, fetched again when they are old, or a token names one that is not among them."""

    __slots__ = ("_clock", "_fetch", "_fetched", "_keys", "_lifetime_seconds")

    def __init__(
        self, fetch: Callable[[], bytes], lifetime_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._lifetime_seconds = lifetime_seconds
        self._clock = clock
        self._fetched = -float("inf")
        self._keys: dict[str | None, object] = {}

    async def for_token(self, key_id: str | None) -> object:
        age = self._clock() - self._fetched
        # Anybody can name a key that is not there, so that asks the issuer again only every few seconds.
        if age > self._lifetime_seconds or (key_id not in self._keys and age > _UNKNOWN_SECONDS):
            self._fetched = self._clock()
            try:
                self._keys = _key_set(await asyncio.to_thread(self._fetch))
            except (OSError, CodecError) as error:
                if not self._keys:
                    raise Unauthorized(f"the issuer's keys cannot be had: {type(error).__name__}") from None
        if key_id not in self._keys:
            raise Unauthorized("the token is not good: it names a key that its issuer does not")
        return self._keys[key_id]


def _keys_of(config: TokenConfig) -> _Key | _KeySet:
    if config.secret_file:
        secret = private_bytes(Path(config.secret_file)).rstrip(b"\r\n")
        if len(secret) < _SECRET_BYTES_MIN:
            raise CodecError(f"{config.secret_file}: a secret has {_SECRET_BYTES_MIN} bytes or more")
        return _Key(secret)
    if config.public_key_file:
        return _Key(_public_key(config.public_key_file))
    if config.jwks_file:
        path = Path(config.jwks_file)
        _key_set(public_bytes(path))
        return _KeySet(lambda: public_bytes(path), _JWKS_SECONDS)
    if not config.jwks_url.startswith("https://"):
        raise CodecError("tokens: jwks_url must be https, or anybody on the way could name the keys")
    return _KeySet(lambda: _fetched(config.jwks_url), _JWKS_SECONDS)


def _public_key(file: str) -> str:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    data = public_bytes(Path(file))
    try:
        load_pem_public_key(data)
    except ValueError:
        raise CodecError(f"{file}: no public key in PEM") from None
    return data.decode()


def _key_set(data: bytes) -> dict[str | None, object]:
    try:
        found = jwt.PyJWKSet.from_json(data.decode())
    except (jwt.PyJWTError, json.JSONDecodeError, UnicodeDecodeError, AttributeError, TypeError):
        raise CodecError("the set of keys is none (RFC 7517)") from None
    return {key.key_id: key.key for key in found.keys if key.key_type != "oct"}


def _fetched(url: str) -> bytes:
    try:
        with urlopen(Request(url, headers={"Accept": "application/json"}), timeout=5) as answer:
            return cast("bytes", answer.read(_JWKS_BYTES_MAX))
    except URLError as error:
        raise CodecError(f"the issuer's keys cannot be fetched: {error.reason}") from None


def _names(claim: object) -> frozenset[str] | None:
    """The names of a claim; None for all of them. What is no list of names is none."""
    if claim == ALL:
        return None
    if not isinstance(claim, list):
        return frozenset()
    names = frozenset(each for each in cast("Iterable[object]", claim) if isinstance(each, str))
    return None if ALL in names else names
