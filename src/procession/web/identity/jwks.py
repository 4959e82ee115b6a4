"""The public keys of one identity provider: found by its discovery document, kept, and read anew when it changes them.

What is known goes on holding while the provider cannot be reached, for a day. What must not live here: tokens.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar, final
from urllib.parse import urlsplit

import msgspec

from procession.base.decoding import known
from procession.base.failure import BadValue, ProcessionError
from procession.services.access import Unauthorized, Unavailable

if TYPE_CHECKING:
    import httpx
    from joserfc.jwk import Key

_LOG: Final = logging.getLogger("procession.web.access")

TIMEOUT_S: Final = 5.0
DOCUMENT_MAX: Final = 1 << 20
"""Longest document of a provider, in bytes."""
KEYS_MAX: Final = 100
FRESH_S: Final = 600.0
"""After which the keys are read again, so that one that the provider took back does not go on holding."""
RETRY_S: Final = 10.0
"""The provider is not asked more often, whatever key ids are presented."""
KEPT_S: Final = 86_400.0
"""How long keys hold while the provider cannot be reached."""
RSA_BITS_MIN: Final = 2048
BITS_OF_DIGIT: Final = 6
"""Of base 64."""
BAD: Final = "the credentials do not hold"
"""What everybody is told whose credentials fail, whatever it was."""
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


_Document = TypeVar("_Document", bound=msgspec.Struct)


class _Discovery(msgspec.Struct):
    issuer: str
    jwks_uri: str


class _Set(msgspec.Struct):
    keys: list[dict[str, object]]


@final
class Jwks:
    """The keys of one issuer. Belongs to one event loop. `now` is a clock in seconds that never goes back."""

    __slots__ = ("_asked", "_failed", "_http", "_issuer", "_keys", "_lock", "_now", "_read", "fetches")

    def __init__(self, issuer: str, http: httpx.AsyncClient, now: Callable[[], float]) -> None:
        """Raises `BadValue` for an issuer that is not reached by TLS, loopback apart."""
        _need_tls(issuer)
        self._issuer = issuer
        self._http = http
        self._now = now
        self._lock = asyncio.Lock()
        self._keys: dict[str, Key] = {}
        self._read = self._asked = float("-inf")
        self._failed = False
        self.fetches = 0
        """How often the provider was asked."""

    async def key(self, kid: str) -> Key:
        """The key of an id ("" where a token names none: the only one). Raises `Unauthorized`, `Unavailable`."""
        age = self._now() - self._read
        found = self._find(kid)
        if found is not None and age < FRESH_S:
            return found
        if found is None or not self._lock.locked():
            await self._refresh(kid if found is None else None)
            found = self._find(kid)
        if found is not None and self._now() - self._read < KEPT_S:
            return found
        if self._failed:
            raise Unavailable("the identity provider cannot be reached: ask again later", int(RETRY_S))
        raise Unauthorized(BAD)

    def _find(self, kid: str) -> Key | None:
        if kid:
            return self._keys.get(kid)
        return next(iter(self._keys.values())) if len(self._keys) == 1 else None

    async def _refresh(self, wanted: str | None) -> None:
        async with self._lock:
            # Whoever waited for the lock may find that another one has read what both wanted.
            known = wanted is not None and self._find(wanted) is not None
            if known or self._now() - self._asked < RETRY_S:
                return
            self._asked = self._now()
            self.fetches += 1
            try:
                self._keys = await self._fetched()
                self._read, self._failed = self._now(), False
            except ProcessionError as error:
                self._failed = True
                _LOG.warning("the identity provider %s cannot be used: %s", self._issuer, error)

    async def _fetched(self) -> dict[str, Key]:
        found = await self._document(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration", _Discovery)
        if found.issuer != self._issuer:
            raise Unavailable(f"it calls itself {found.issuer!r:.200}")
        _need_tls(found.jwks_uri)
        given = await self._document(found.jwks_uri, _Set)
        return {kid: key for each in given.keys[:KEYS_MAX] for kid, key in _usable(each)}

    async def _document(self, url: str, kind: type[_Document]) -> _Document:
        import httpx

        data = bytearray()
        try:
            async with asyncio.timeout(TIMEOUT_S), self._http.stream("GET", url, follow_redirects=False) as answer:
                if answer.status_code != 200:
                    raise Unavailable(f"{url} answered {answer.status_code}")
                async for part in answer.aiter_bytes():
                    data += part
                    if len(data) > DOCUMENT_MAX:
                        raise Unavailable(f"{url} answered more than {DOCUMENT_MAX} bytes")
            return msgspec.json.decode(bytes(data), type=known(kind))
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Unavailable(f"{url}: {type(error).__name__} {error}") from None


def _usable(given: dict[str, object]) -> list[tuple[str, Key]]:
    """A key of the set by its id, if it is a public one that signs; none of what cannot be used here."""
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey, OKPKey, RSAKey

    kinds: dict[object, type[RSAKey | ECKey | OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
    kind = kinds.get(given.get("kty"))
    if kind is None or given.get("use", "sig") != "sig" or "d" in given:
        return []
    texts: dict[str, str | list[str]] = {name: value for name, value in given.items() if isinstance(value, str)}
    if kind is RSAKey and len(texts.get("n", "")) * BITS_OF_DIGIT < RSA_BITS_MIN:
        return []
    try:
        key = kind.import_key(texts)
        return [(key.kid or key.thumbprint(), key)]
    except (JoseError, ValueError, TypeError):
        return []


def _need_tls(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise BadValue(f"{url!r:.200} is not an address of an identity provider: it has to begin with https://")
