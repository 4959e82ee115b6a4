"""A request to the server and what its answer becomes; when it is asked again, and after which pause. Nothing is sent
here: `calls.py` says what is asked, `sync.py` and `aio.py` send it."""

from __future__ import annotations

import random
import ssl
import uuid
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, Generic, TypeVar, cast, final

import httpx
import msgspec

from procession.base.decoding import known
from procession.base.failure import ProcessionError
from procession.client.credentials import Provider
from procession.client.errors import Unreachable, error_of, said

_T = TypeVar("_T")

JSON: Final = "application/json"
AGAIN: Final = frozenset({429, 502, 503, 504})
"""HTTP status after which it is worth asking again."""
PAUSE_S: Final = 0.1
"""Before the first repetition; each one doubles it."""
PAUSE_MAX_S: Final = 10.0

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


@final
class Settings(msgspec.Struct, frozen=True):
    """How a client speaks to a server.

    `token` is an API key, a token, or what provides tokens. `timeout_s` is for one attempt, `retries` how often it is
    repeated. `verify` is a context of TLS, or the path of a file with the authorities that are trusted; False trusts
    anybody, which is for tests alone."""

    url: str
    token: str | Provider | None = None
    tenant: str = ""
    timeout_s: float = 30.0
    connect_s: float = 5.0
    retries: int = 5
    verify: bool | str | ssl.SSLContext = True

    def httpx(self) -> dict[str, Any]:
        """The settings as httpx takes them."""
        verify = ssl.create_default_context(cafile=self.verify) if isinstance(self.verify, str) else self.verify
        return {
            "base_url": self.url.rstrip("/"),
            "timeout": httpx.Timeout(self.timeout_s, connect=self.connect_s),
            "verify": verify,
            "limits": httpx.Limits(max_connections=256, max_keepalive_connections=32),
            "headers": {"Accept": JSON, **({"Procession-Tenant": self.tenant} if self.tenant else {})},
        }


@final
class Call(Generic[_T]):
    """One request. `decode` makes a value of the body of its answer."""

    __slots__ = ("content", "decode", "headers", "method", "params", "path", "timeout_s")

    def __init__(
        self,
        method: str,
        path: str,
        decode: Callable[[bytes], _T],
        *,
        params: Mapping[str, object] | None = None,
        body: object = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        key: str | None = None,
        timeout_s: float | None = None,
    ) -> None:
        """`key` is the idempotency key of a write; None makes one, "" sends none."""
        self.method = method
        self.path = path
        self.decode = decode
        self.params = _params(params or {})
        self.headers = dict(headers or {})
        self.content = content
        self.timeout_s = timeout_s
        if body is not None:
            self.content = _ENCODER.encode(body)
            self.headers["Content-Type"] = JSON
        if method != "GET" and key != "":
            # Should the answer be lost, asking again does nothing a second time.
            self.headers["Idempotency-Key"] = key or uuid.uuid4().hex

    def httpx(self, token: str) -> dict[str, Any]:
        """The request as httpx takes it; `token` is "" for none."""
        return {
            "method": self.method,
            "url": self.path,
            "params": self.params,
            "content": self.content,
            "headers": {**self.headers, **({"Authorization": f"Bearer {token}"} if token else {})},
            "timeout": httpx.USE_CLIENT_DEFAULT if self.timeout_s is None else self.timeout_s,
        }


def _params(params: Mapping[str, object]) -> httpx.QueryParams:
    found: list[tuple[str, str]] = []
    for name, value in params.items():
        if value is None or value == "":
            continue
        many = cast("Sequence[object]", value) if isinstance(value, list | tuple) else (value,)
        found += [(name, str(each).lower() if isinstance(each, bool) else str(each)) for each in many]
    return httpx.QueryParams(tuple(found))


@final
class Pauses:
    """Seconds between attempts that fail: each time twice as many, and at most `max_s`."""

    __slots__ = ("_max_s", "_next_s")

    def __init__(self, max_s: float) -> None:
        self._max_s = max_s
        self._next_s = PAUSE_S

    def reset(self) -> None:
        """It went well: the next pause is a short one."""
        self._next_s = PAUSE_S

    def next(self) -> float:
        """The pause before the next attempt."""
        pause = self._next_s
        self._next_s = min(self._max_s, pause * 2)
        # Those who were refused at the same time shall not come back at the same time.
        return random.uniform(pause / 2, pause)


@final
class Attempts:
    """How often a call was sent, and what is to be done about what came of it."""

    __slots__ = ("_left", "_pauses", "_url")

    def __init__(self, settings: Settings) -> None:
        self._url = settings.url
        self._left = settings.retries
        self._pauses = Pauses(PAUSE_MAX_S)

    def failed(self, error: httpx.TransportError) -> float:
        """Seconds to wait before it is sent again after there was no answer. Raises `Unreachable`."""
        if isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError) or not self._left:
            raise Unreachable(f"{self._url}: {said(error)}") from error
        return self._next(None)

    def answered(self, answer: httpx.Response) -> float | None:
        """Seconds to wait before it is sent again after this answer; None: the answer counts. Raises what it says."""
        if answer.is_success:
            return None
        if answer.status_code in AGAIN and self._left:
            return self._next(answer.headers.get("retry-after"))
        raise error_of(answer.status_code, answer.content)

    def _next(self, retry_after: str | None) -> float:
        self._left -= 1
        wait = self._pauses.next()
        if retry_after is not None and retry_after.isascii() and retry_after.isdigit():
            wait += min(float(retry_after), PAUSE_MAX_S)
        return wait


def decoder(type: type[_T]) -> Callable[[bytes], _T]:
    """What reads answers of this type; fractions become `Decimal`. Its calls raise `ProcessionError`."""
    found = msgspec.json.Decoder(known(type), float_hook=Decimal)

    def decode(body: bytes) -> _T:
        try:
            return found.decode(body)
        except msgspec.MsgspecError as error:
            raise ProcessionError(f"the server's answer cannot be read: {error}") from error

    return decode


def nothing(body: bytes) -> None:
    """For an answer of which nothing is of interest."""
