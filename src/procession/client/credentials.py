"""Who asks: an API key, a token, or what fetches tokens. What must not live here: other requests."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias, cast, final

import httpx
import msgspec

from procession.base.decoding import known
from procession.client.errors import Unauthorized, Unreachable, said

Provider: TypeAlias = "Callable[[], str | Awaitable[str]]"
"""Gives a token whenever one is needed; it is asked for each request, so it keeps the token itself."""
EARLY_S: Final = 30.0
"""A token is replaced so long before it ends."""


@final
class _Granted(msgspec.Struct, frozen=True):
    access_token: str
    expires_in: float = 300.0


@final
class ClientCredentials:
    """Fetches tokens of an OpenID provider for a service (OAuth 2.0, 4.4), and keeps each until it nearly ends.

    `token_url` is the provider's `token_endpoint`. Give it to a client as `token`. Thread-safe."""

    __slots__ = ("_form", "_lock", "_secret", "_token", "_until", "_url")

    def __init__(
        self, token_url: str, client_id: str, client_secret: str, *, scope: str = "", audience: str = ""
    ) -> None:
        self._url = token_url
        self._secret = (client_id, client_secret)
        form = {"grant_type": "client_credentials", "scope": scope, "audience": audience}
        self._form = {name: value for name, value in form.items() if value}
        self._lock = threading.Lock()
        self._token = ""
        self._until = 0.0

    def __call__(self) -> str:
        """A token that holds. Raises `Unauthorized`, `Unreachable`."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._fetch()
            return self._token

    def __repr__(self) -> str:
        return f"<ClientCredentials of {self._secret[0]!r} at {self._url}>"

    def _fetch(self) -> None:
        try:
            answer = httpx.post(self._url, data=self._form, auth=self._secret, timeout=10.0)
        except httpx.HTTPError as error:
            raise Unreachable(f"{self._url}: {said(error)}") from error
        if answer.status_code != 200:
            raise Unauthorized(f"{self._url} gave no token: {answer.status_code}")
        granted = msgspec.json.decode(answer.content, type=known(_Granted))
        self._token = granted.access_token
        self._until = time.monotonic() + max(0.0, granted.expires_in - EARLY_S)


def token_now(provider: str | Provider | None) -> str:
    """The token for a request of a thread; "" for none."""
    if provider is None or isinstance(provider, str):
        return provider or ""
    found = provider()
    if not isinstance(found, str):
        raise TypeError("a token provider that is a coroutine needs the AsyncClient")
    return found


async def token_soon(provider: str | Provider | None) -> str:
    """The token for a request of an event loop, which no provider may hold up."""
    if provider is None or isinstance(provider, str):
        return provider or ""
    called = provider if inspect.isroutine(provider) else type(provider).__call__
    if inspect.iscoroutinefunction(called):
        return await cast("Awaitable[str]", provider())
    return await asyncio.to_thread(token_now, provider)
