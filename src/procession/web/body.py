"""Bodies: JSON of requests becomes structs without a loss and without guessing, and structs become JSON with an ETag.

Litestar by itself reads "5" as 5 and 0.1 as a binary fraction, and writes a decimal as a text. What must not live here:
what a body means.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from decimal import Decimal
from functools import cache
from typing import Any, Final, TypeVar, cast, final

import msgspec
from litestar import Request, Response
from litestar.datastructures import State
from litestar.response.base import ASGIResponse
from litestar.types import Empty
from litestar.typing import FieldDefinition

from procession.base.decoding import known
from procession.web.problems import BadBody, MediaType, Slow

_T = TypeVar("_T")

JSON: Final = "application/json"
PART_S: Final = 30.0
"""How long the next part of a body may take."""
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


@final
class ExactRequest(Request[Any, Any, State]):
    """A request whose JSON is read strictly, by the type of the handler's `data`."""

    async def json(self) -> Any:
        """The body as the handler wants it. Raises `BadBody`, `MediaType`."""
        field = self.route_handler.parsed_data_field
        return await self.exactly(body_type(field) if field is not None else Any)

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The body in parts. Raises `Slow` when the next one does not come."""
        parts = super().stream()
        while True:
            try:
                async with asyncio.timeout(PART_S):
                    part = await anext(parts)
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise Slow(f"for {PART_S:g} s nothing more of the body came") from None
            yield part

    async def exactly(self, wanted: Any) -> Any:
        """The body as a value of a type; none at all gives `Empty`."""
        body = await self.body()
        if not body:
            return Empty
        check_media_type(self, JSON)
        return decode(body, wanted)


def body_type(field: FieldDefinition) -> Any:
    """The type of a body. One that may be left out is still never null."""
    if not field.is_optional:
        return field.annotation
    left = [each for each in field.args if each is not type(None)]
    return left[0] if len(left) == 1 else field.annotation


def check_media_type(request: Request[Any, Any, Any], *allowed: str) -> str:
    """The media type of a body, which must be one of these, or JSON if nothing is said. Raises `MediaType`."""
    said = request.content_type[0].lower() or JSON
    if said not in allowed:
        raise MediaType(f"the body is of the type {said[:80]!r}; send {' or '.join(allowed)}")
    return said


@cache
def _decoder(wanted: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(known(wanted), float_hook=Decimal)


def decode(body: bytes, wanted: Any) -> Any:
    """A value of a type from JSON, fractions being exact. Raises `BadBody` that names the field."""
    try:
        return _decoder(wanted).decode(body)
    except msgspec.ValidationError as error:
        text, _, place = str(error).partition(" - at `$")
        raise BadBody(text, place.rstrip("`").lstrip(".")) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError, ArithmeticError) as error:
        raise BadBody(f"the body is no JSON that can be read: {error}"[:400], "") from None


@final
class ExactResponse(Response[_T]):
    """A response that writes decimals as numbers, and answers a GET whose ETag is known with 304."""

    def render(self, content: Any, media_type: str, enc_hook: Any = None) -> bytes:
        """The bytes of a body."""
        if isinstance(content, bytes):
            return content
        if isinstance(content, str) and not media_type.startswith(JSON):
            return content.encode()
        return b"" if content is None and self.status_code == 204 else exactly(content)

    def to_asgi_response(self, app: Any, request: Any, **options: Any) -> ASGIResponse:
        """See `Response.to_asgi_response`."""
        made: ASGIResponse = super().to_asgi_response(app, request, **options)  # pyright: ignore[reportUnknownMemberType]  # litestar does not type its generics
        if request.method == "GET" and made.status_code == 200:
            headers = cast("dict[str, str]", made.headers)
            etag = headers.setdefault("etag", tag(made.body))
            if matches(request.headers.get("if-none-match"), etag):
                return ASGIResponse(status_code=304, headers={"etag": etag})
        return made


def exactly(value: object) -> bytes:
    """The JSON text of an answer, decimals as numbers."""
    return _ENCODER.encode(value)


async def exact(response: Response[Any]) -> Response[Any]:
    """Litestar's `after_request`: a plain response that a handler made becomes an exact one; streams stay.

    It waits for nothing, but what is not asynchronous Litestar calls in a thread."""
    if type(response) is not Response:
        return response
    return ExactResponse(
        response.content,
        status_code=response.status_code,
        headers=response.headers,
        media_type=response.media_type,
        background=response.background,
        cookies=response.cookies,
    )


def tag(body: bytes) -> str:
    """An ETag of what stands in a body."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def matches(header: str | None, etag: str) -> bool:
    """Whether an If-None-Match or If-Match names an ETag. Weak comparison."""
    if not header:
        return False
    named = [each.strip().removeprefix("W/") for each in header.split(",")]
    return "*" in named or etag.removeprefix("W/") in named
