"""The codec server: shows payloads to the user interface and the command line of Temporal, and to nobody else.

An application of ASGI with the routes of their protocol, `/encode`, `/decode` and `/download`, at any depth of a path.
Who asks is told by a token; what is shown is decided payload by payload, by the tenant of the workflow that a payload
says it belongs to and that its seal covers, so a lie does not open. The namespace comes from the caller and is checked
as well, which by itself would protect nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias, cast, final
from urllib.parse import parse_qs

import msgspec
from google.protobuf import json_format
from temporalio.api.common.v1 import Payload, Payloads

from procession.base.failure import BadValue
from procession.hosts.temporal.codec.chain import Chain, is_claim, workflow_of
from procession.hosts.temporal.codec.config import CodecConfig
from procession.hosts.temporal.codec.errors import (
    BlobUnavailable,
    CodecError,
    KeyUnavailable,
    NoTenant,
    PayloadTooLarge,
)
from procession.hosts.temporal.codec.files import parsed, public_bytes
from procession.hosts.temporal.codec.payloads import beside
from procession.hosts.temporal.codec.tokens import Grants, TokenConfig, Tokens, Unauthorized
from procession.hosts.temporal.ids import tenant_of

BODY_BYTES_MAX: Final = 16 * 1024 * 1024
"""Largest request to a codec server, in bytes, unless its configuration says less or more."""
ANSWER_BYTES_MAX: Final = 64 * 1024 * 1024
"""Bytes of opened payloads in one answer after which the others stay sealed."""
PAYLOADS_MAX: Final = 2_000
"""Most payloads in one request to a codec server."""

Scope: TypeAlias = Mapping[str, object]
Receive: TypeAlias = Callable[[], Awaitable[Mapping[str, object]]]
Send: TypeAlias = Callable[[dict[str, object]], Awaitable[None]]

_LOG: Final = logging.getLogger("procession.codec")
_HEADERS: Final = "authorization, authorization-extras, content-type, x-namespace, x-workflow-id"
_STATUS: Final[dict[type[CodecError], int]] = {
    KeyUnavailable: 503,
    BlobUnavailable: 503,
    PayloadTooLarge: 413,
    NoTenant: 400,
}
"""What a caller is answered for one payload that it asked for by name; 422 for every other error."""


class ServerConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a codec server is told by its file.

    `codec`: the same as the workers'. `tokens`: how callers are known. `allowed_origins`: the addresses of user
    interfaces, such as `https://temporal.example.com`; a browser may show answers to no other page. `host`: the address
    to listen at. `tls_certificate_file`, `tls_key_file`: the user interface sends tokens to https only, so either these
    or a proxy that has them. `body_bytes_max`: a bound, see the constant.
    """

    codec: CodecConfig
    tokens: TokenConfig
    allowed_origins: list[str] = []
    host: str = "127.0.0.1"
    tls_certificate_file: str = ""
    tls_key_file: str = ""
    body_bytes_max: int = BODY_BYTES_MAX

    def __post_init__(self) -> None:
        """Raises `CodecError` for an origin that is none: any page could ask with the user's credentials."""
        for origin in self.allowed_origins:
            if not origin.startswith(("https://", "http://")) or origin.count("/") != 2 or "*" in origin:
                raise CodecError(f"allowed_origins: {origin!r} is no origin: write https://host, or https://host:port")


def read_config(path: Path) -> ServerConfig:
    """The configuration in a file, TOML or JSON. Raises `CodecError` where it is none."""
    return parsed(path, public_bytes(path), ServerConfig)


class Answer(NamedTuple):
    """What a caller gets: a status of HTTP, and JSON."""

    status: int
    body: bytes = b""


class Refusal(Exception):
    """A request that is answered with a status and a reason."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@final
class CodecServer:
    """The application of ASGI."""

    __slots__ = ("_chain", "_config", "_tokens")

    def __init__(self, config: ServerConfig, chain: Chain | None = None) -> None:
        """`chain` takes the place of what `config.codec` names. Raises `CodecError` for keys that are none."""
        self._config = config
        self._chain = chain or Chain(config.codec)
        self._tokens = Tokens(config.tokens)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request. Anything but HTTP is left alone."""
        if scope["type"] != "http":
            return
        headers = _headers(scope)
        origin = headers.get("origin", "")
        try:
            answer = await self._answer(scope, headers, receive)
        except Refusal as refusal:
            answer = Answer(refusal.status, msgspec.json.encode({"error": str(refusal)}))
        except Exception as error:
            # The text of an error that nobody foresaw may hold what was sent.
            _LOG.error("a request failed: %s", type(error).__name__)
            answer = Answer(500, b'{"error":"internal error"}')
        await send({"type": "http.response.start", "status": answer.status, "headers": self._sent(answer, origin)})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, scope: Scope, headers: Mapping[str, str], receive: Receive) -> Answer:
        route = str(scope["path"]).rpartition("/")[2]
        method = scope["method"]
        if route == "health" and method == "GET":
            return Answer(200, b"{}")
        if route not in _ROUTES:
            raise Refusal(404, "the routes are /encode, /decode and /download")
        origin = headers.get("origin")
        if origin is not None and origin not in self._config.allowed_origins:
            raise Refusal(403, "this origin is not among allowed_origins")
        if method == "OPTIONS":
            return Answer(204)
        if method != "POST":
            raise Refusal(405, "send it with POST")
        grants, namespace = await self._allowed(headers)
        payloads = await self._payloads(headers, receive)
        query = parse_qs(cast("bytes", scope.get("query_string", b"")).decode("latin-1"))
        request = Request(
            payloads,
            grants,
            headers.get("x-workflow-id", ""),
            query.get("preserveStorageRefs", [""])[0].lower() == "true",
        )
        counted: Counter[str] = Counter()
        try:
            result = await _ROUTES[route](self._chain, request, counted)
        finally:
            # Texts from outside are shown with their quotes, so none can look like a line of its own.
            told = " ".join(f"{name}={number}" for name, number in sorted(counted.items()))
            _LOG.info("%s namespace=%.100r subject=%.200r %s", route, namespace, grants.subject, told)
        return Answer(200, await asyncio.to_thread(_encoded, result))

    async def _allowed(self, headers: Mapping[str, str]) -> tuple[Grants, str]:
        try:
            grants = await self._tokens.grants(headers.get("authorization", ""))
        except Unauthorized as error:
            raise Refusal(401, str(error)) from None
        namespace = headers.get("x-namespace", "")
        if not grants.sees_namespace(namespace):
            raise Refusal(403, "the token does not grant this namespace")
        return grants, namespace

    async def _payloads(self, headers: Mapping[str, str], receive: Receive) -> list[Payload]:
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise Refusal(415, "the content type is application/json")
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                raise Refusal(400, "the request was cut")
            body += cast("bytes", message.get("body", b""))
            if len(body) > self._config.body_bytes_max:
                raise Refusal(413, f"a request has at most {self._config.body_bytes_max} bytes")
            more = bool(message.get("more_body", False))
        found = await beside(_decoded, bytes(body))
        if len(found) > PAYLOADS_MAX:
            raise Refusal(413, f"a request has at most {PAYLOADS_MAX} payloads")
        return found

    def _sent(self, answer: Answer, origin: str) -> list[tuple[bytes, bytes]]:
        headers = {"content-length": str(len(answer.body)), "cache-control": "no-store", "vary": "origin"}
        headers |= {"x-content-type-options": "nosniff"}
        if answer.body:
            headers["content-type"] = "application/json"
        if answer.status == 401:
            headers["www-authenticate"] = "Bearer"
        if origin in self._config.allowed_origins:
            headers |= {
                "access-control-allow-origin": origin,
                "access-control-allow-credentials": "true",
                "access-control-allow-methods": "POST, OPTIONS",
                "access-control-allow-headers": _HEADERS,
                "access-control-max-age": "600",
            }
        return [(name.encode(), value.encode()) for name, value in headers.items()]


class Request(NamedTuple):
    """What was asked, once it is known by whom."""

    payloads: list[Payload]
    grants: Grants
    workflow_id: str
    keep_claims: bool


async def _decode(chain: Chain, request: Request, counted: Counter[str]) -> list[Payload]:
    """Every payload that may be shown and can be opened; the others as they came, so one of them hides nothing else."""
    room = [ANSWER_BYTES_MAX]
    at_once = asyncio.Semaphore(8)

    async def shown(payload: Payload) -> Payload:
        workflow = workflow_of(payload)
        if request.keep_claims and is_claim(payload):
            counted["kept"] += 1
            return payload
        if workflow is not None and not _granted(request.grants, workflow):
            counted["denied"] += 1
            return payload
        async with at_once:
            if room[0] <= 0:
                counted["over"] += 1
                return payload
            try:
                # What is compressed and not encrypted, whoever sent it could open as well.
                opened = await chain.expand(payload) if workflow is None else (await chain.open(workflow, [payload]))[0]
            except CodecError as error:
                counted["failed"] += 1
                _LOG.warning("a payload of %.300r stays sealed: %s", workflow, error)
                return payload
        room[0] -= opened.ByteSize()
        counted["kept" if opened is payload else "opened"] += 1
        return opened

    return await asyncio.gather(*[shown(payload) for payload in request.payloads])


async def _download(chain: Chain, request: Request, counted: Counter[str]) -> list[Payload]:
    """Payloads out of the blob store: all of them, or the reason why not, because somebody clicked on this one."""
    found: list[Payload] = []
    room = ANSWER_BYTES_MAX
    for payload in request.payloads:
        workflow = workflow_of(payload)
        if workflow is None or not is_claim(payload):
            raise Refusal(400, "only payloads that lie in the blob store are downloaded")
        if not _granted(request.grants, workflow):
            counted["denied"] += 1
            raise Refusal(403, "the token does not grant the tenant of this payload")
        try:
            found += await chain.open(workflow, [payload])
        except CodecError as error:
            counted["failed"] += 1
            raise Refusal(_STATUS.get(type(error), 422), str(error)) from None
        room -= found[-1].ByteSize()
        if room < 0:
            raise Refusal(413, f"an answer has at most {ANSWER_BYTES_MAX} bytes: ask for fewer at once")
        counted["opened"] += 1
    return found


async def _encode(chain: Chain, request: Request, counted: Counter[str]) -> list[Payload]:
    """The payloads sealed for the workflow in `X-Workflow-Id`, which the command line sends when it is told to."""
    if not request.workflow_id:
        raise Refusal(400, "name the workflow: --codec-header 'X-Workflow-Id=TENANT/INSTANCE'")
    try:
        if not request.grants.sees_tenant(tenant_of(request.workflow_id)):
            counted["denied"] += 1
            raise Refusal(403, "the token does not grant the tenant of this workflow")
        sealed = await chain.seal(request.workflow_id, request.payloads)
    except BadValue as error:
        raise Refusal(400, str(error)) from None
    except CodecError as error:
        counted["failed"] += 1
        raise Refusal(_STATUS.get(type(error), 422), str(error)) from None
    counted["sealed"] += len(sealed)
    return sealed


_Route: TypeAlias = Callable[[Chain, Request, "Counter[str]"], Awaitable[list[Payload]]]
_ROUTES: Final[dict[str, _Route]] = {"decode": _decode, "download": _download, "encode": _encode}


def _granted(grants: Grants, workflow: str) -> bool:
    try:
        return grants.sees_tenant(tenant_of(workflow))
    except BadValue:
        return False


def _headers(scope: Scope) -> dict[str, str]:
    found = cast("list[tuple[bytes, bytes]]", scope["headers"])
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in found}


def _decoded(body: bytes) -> list[Payload]:
    try:
        # Newer callers may send fields that this release does not know.
        return list(json_format.Parse(body, Payloads(), ignore_unknown_fields=True).payloads)
    except (json_format.ParseError, UnicodeDecodeError, RecursionError):
        raise Refusal(400, "the body is no JSON of temporal.api.common.v1.Payloads") from None


def _encoded(payloads: list[Payload]) -> bytes:
    return json_format.MessageToJson(Payloads(payloads=payloads), indent=None).encode()
