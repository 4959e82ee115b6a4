"""Forms that browsers post: fields, and files that are handed on as they come, so that none is in memory or on a disk
in between."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qs

import multipart  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]
from multipart import (  # pyright: ignore[reportMissingTypeStubs]
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
)

from procession.base.failure import BadValue
from procession.web.documents import TooLarge
from procession.web.player.filing import Named
from procession.web.player.guards import Asking

FIELDS_MAX: Final = 10_000
"""Most fields of one page that is posted."""
TEXTS_MAX: Final = 20_000_000
"""Most bytes of all its fields that are no files."""
BODY_MAX: Final = 1 << 30
"""Most bytes of all, those of files too."""

Fields: TypeAlias = "dict[str, list[str]]"
Keep: TypeAlias = "Callable[[Fields, str, Named, AsyncIterator[bytes]], Awaitable[None]]"
"""Is given the fields that came before a file, the name of its field, what it is, and its bytes."""
_Events: TypeAlias = "AsyncIterator[MultipartSegment | bytes | bytearray | None]"


_header: Any = getattr(multipart, "parse_options_header")  # noqa: B009 - it has no types


def _options(header: str) -> dict[str, str]:
    """The parameters of a header."""
    found: dict[str, str] = _header(header)[1]
    return found


async def posted(request: Asking, keep: Keep | None = None) -> Mapping[str, list[str]]:
    """The fields of a form that was posted; its files go to `keep`, or nowhere. Raises `BadValue`, `TooLarge`."""
    kind = request.content_type[0].lower()
    if kind == "multipart/form-data":
        return await _parts(request, keep)
    if kind != "application/x-www-form-urlencoded":
        raise BadValue("a page posts its form as application/x-www-form-urlencoded")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > TEXTS_MAX:
            raise TooLarge(f"the fields of a page have at most {TEXTS_MAX} bytes")
    try:
        return parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict")
    except ValueError:
        raise BadValue("the form that was posted cannot be read") from None


async def _parts(request: Asking, keep: Keep | None) -> Fields:
    fields: Fields = {}
    size = 0
    try:
        options = _options(request.headers.get("content-type", ""))
        parser = PushMultipartParser(options.get("boundary", ""), max_segment_count=FIELDS_MAX)
        events = _events(request, parser)
        async for event in events:
            if not isinstance(event, MultipartSegment):
                continue
            content, name = _content(events), event.name or ""
            if event.filename is None:
                text = bytearray()
                async for chunk in content:
                    text += chunk
                    if size + len(text) > TEXTS_MAX:
                        raise TooLarge(f"the fields of a page have at most {TEXTS_MAX} bytes")
                size += len(text)
                fields.setdefault(name, []).append(text.decode())
                continue
            # A field without a file is posted as one without a name.
            if event.filename and keep is not None:
                await keep(fields, name, Named(event.filename, event.content_type or ""), content)
            async for _ in content:
                pass  # what nobody wanted
    except (MultipartError, UnicodeDecodeError):
        raise BadValue("the form that was posted cannot be read") from None
    return fields


async def _events(request: Asking, parser: PushMultipartParser) -> _Events:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > BODY_MAX:
            raise TooLarge(f"a page that is posted has at most {BODY_MAX} bytes with its files")
        if chunk:
            for event in parser.parse(chunk):
                yield event
    parser.close()


async def _content(events: _Events) -> AsyncIterator[bytes]:
    """What comes until the end of this part."""
    async for event in events:
        if event is None:
            return
        if isinstance(event, bytes | bytearray):
            yield bytes(event)
