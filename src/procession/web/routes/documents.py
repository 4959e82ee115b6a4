"""Documents: uploading, reading and deleting them. In variables they are referred to as `reference` shows."""

from __future__ import annotations

import hashlib
import re
import secrets
from functools import partial
from typing import Annotated, Any, Final, Literal, TypeAlias, cast
from urllib.parse import quote

import msgspec
from litestar import Request, Response, delete, get, head, post
from litestar.exceptions import HTTPException
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, PathParameter, QueryParameter
from litestar.response import Stream
from litestar.types import ControllerRouterHandler

from procession.base.failure import NotFound
from procession.runtime import requests as q
from procession.services.access import Caller, Forbidden
from procession.services.backend import Who
from procession.services.documents import KIND, Document
from procession.services.reading import Reader
from procession.services.records import Record
from procession.web.asking import Idempotent, TheCaller, TheSite, who
from procession.web.documents import Arriving, now_ms, usable
from procession.web.file_types import checked_name, checked_type
from procession.web.openapi import BODY, LOCKED
from procession.web.problems import PROBLEM_JSON, Problem
from procession.web.shapes import After, Limit, Moment, cursor_of, id_behind, moment
from procession.web.site import Site

LOOKED_MAX: Final = 5_000
"""Documents that are looked at for one page, by who may see their own only."""
BYTES: Final = {
    "required": True,
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    "description": "The bytes, under any media type.",
}
"""The body of an upload, for the OpenAPI document."""
_RANGE: Final = re.compile(r"bytes=(\d{0,15})-(\d{0,15})", re.ASCII)

IdPath = Annotated[str, PathParameter(pattern="^doc_[0-9a-f]{32}$", description="The id of the document.")]
NameQuery = Annotated[
    str, QueryParameter(min_length=1, max_length=255, description="The name of the file, without folders.")
]
RangeHeader = Annotated[str | None, HeaderParameter(name="Range", description="One range of bytes.")]
IfRange = Annotated[str | None, HeaderParameter(name="If-Range", description="The range counts for this ETag alone.")]
IfNoneMatch = Annotated[str | None, HeaderParameter(name="If-None-Match", description="An ETag that is known.")]


Scan: TypeAlias = Literal["", "waiting", "clean", "infected", "failed"]


class Reference(msgspec.Struct):
    """How a variable refers to a document."""

    document: str
    name: str
    content_type: str
    size: int


class DocumentInfo(msgspec.Struct):
    """A document. `reference` is what a variable holds of it. `scan` says whether viruses were looked for: waiting,
    clean, infected or failed, "" where nobody looks; `found` what was found, or why it failed."""

    id: str
    name: str
    content_type: str
    size: int
    sha256: str
    created: Moment
    by: str
    expires: Moment | None
    reference: Reference
    scan: Scan = ""
    found: str = ""


class DocumentPage(msgspec.Struct):
    """A page of documents."""

    items: list[DocumentInfo]
    next: str | None


@post("/documents", status_code=201, opt={BODY: BYTES}, request_max_body_size=None)
async def upload(
    *,
    request: Request[Any, Any, Any],
    caller: TheCaller,
    site: TheSite,
    name: NameQuery,
    kept_s: Annotated[
        int, QueryParameter(ge=0, le=100 * 366 * 86_400, description="For how many seconds it is kept; 0: as is set.")
    ] = 0,
    sha256: Annotated[
        str, QueryParameter(pattern="^[0-9a-f]{64}$|^$", description="What the bytes must be, in hexadecimal digits.")
    ] = "",
    idempotency_key: Idempotent = None,
) -> Response[DocumentInfo]:
    """Uploads a document: the body is its bytes, `Content-Type` says what they are. Asked again under the same key it
    is the document of the first time."""
    caller.need("documents:write")
    checked_name(name)
    given, parameters = request.content_type
    type_ = checked_type(given, parameters.get("charset", "utf-8"))
    asks = who(caller, idempotency_key, q.AddTenant(caller.tenant))
    id = "doc_" + (hashlib.sha256(asks.key.encode()).hexdigest()[:32] if asks.key else secrets.token_hex(16))
    arriving = Arriving(
        caller.tenant, id, name, type_, _length(request), now_ms() + kept_s * 1000 if kept_s else 0, sha256
    )
    record = await site.archive.save(arriving, request.stream(), asks)
    return Response(shaped(record.id, record.read(Document)), headers={"location": f"/v1/documents/{record.id}"})


@get("/documents")
async def list_documents(caller: TheCaller, site: TheSite, limit: Limit = 100, after: After = None) -> DocumentPage:
    """Documents by id: all of the tenant for who may read instances, their own for others."""
    caller.need("documents:read")
    last, now = id_behind(after), now_ms()
    listed: list[DocumentInfo] = []
    looked = 0
    while looked < LOOKED_MAX:
        records = await site.backend.read(caller.tenant, partial(_page, caller.tenant, last, limit + 1))
        looked += len(records)
        for record in records:
            document = record.read(Document)
            if len(listed) == limit:
                return DocumentPage(listed, cursor_of(last))
            last = record.id
            if (not document.expires or document.expires > now) and _sees(caller, document):
                listed.append(shaped(record.id, document))
        if len(records) <= limit:
            return DocumentPage(listed, None)
    return DocumentPage(listed, cursor_of(last))


@get("/documents/{id:str}")
async def get_document(id: IdPath, caller: TheCaller, site: TheSite) -> DocumentInfo:
    """What a document is."""
    caller.need("documents:read")
    return shaped(id, (await found(site, caller, id))[1])


@get(
    "/documents/{id:str}/content",
    opt={LOCKED: True},
    media_type="application/octet-stream",
    responses={
        206: ResponseSpec(bytes, description="The range.", media_type="application/octet-stream"),
        416: ResponseSpec(Problem, description="The range lies beyond the end.", media_type=PROBLEM_JSON),
    },
)
async def get_content(
    id: IdPath,
    *,
    caller: TheCaller,
    site: TheSite,
    byte_range: RangeHeader = None,
    if_range: IfRange = None,
    if_none_match: IfNoneMatch = None,
) -> Response[Any]:
    """The bytes of a document, or a range of them. Browsers are told to save it, never to show it."""
    caller.need("documents:read")
    _, document = await found(site, caller, id)
    usable(document)
    etag, headers = f'"{document.sha256}"', _headers(document)
    if if_none_match is not None and etag in if_none_match:
        return Response(None, status_code=304, headers={"etag": etag}, media_type="application/json")
    first, last, status = 0, document.size - 1, 200
    if byte_range is not None and (if_range is None or if_range.strip() == etag):
        first, last, status = _span(byte_range, document.size)
    if status == 416:
        beyond = {"content-range": f"bytes */{document.size}"}
        raise HTTPException(status_code=416, detail="the range lies beyond the end of the document", headers=beyond)
    if status == 206:
        headers["content-range"] = f"bytes {first}-{last}/{document.size}"
    headers["content-length"] = str(last - first + 1)
    content = site.archive.content(caller.tenant, document, first, last)
    headers["content-type"] = document.content_type  # the media type of the handler counts before that of the response
    return Stream(content, status_code=status, headers=headers)


@head("/documents/{id:str}/content", media_type="application/json")
async def head_content(id: IdPath, caller: TheCaller, site: TheSite) -> Response[None]:
    """The headers of a document's bytes."""
    caller.need("documents:read")
    _, document = await found(site, caller, id)
    usable(document)
    headers = {**_headers(document), "content-length": str(document.size)}
    return Response(None, headers={**headers, "content-type": document.content_type})


@delete("/documents/{id:str}", status_code=204)
async def delete_document(id: IdPath, caller: TheCaller, site: TheSite, idempotency_key: Idempotent = None) -> None:
    """Deletes a document. Variables that refer to it refer to nothing then."""
    caller.need("documents:write")
    request = q.DeleteRecord(caller.tenant, KIND, id)
    asks: Who = who(caller, idempotency_key, request)
    try:
        _, document = await found(site, caller, id)
    except NotFound:
        if idempotency_key is None:
            raise
        # Nothing is there: the key tells whether it was this request that deleted it.
        await site.backend.ask(request, asks)
        return
    if document.by != caller.subject and not caller.may("instances:change"):
        raise Forbidden("who did not upload a document needs the permission 'instances:change' to delete it")
    await site.archive.delete(caller.tenant, id, document, asks)


def _page(tenant: str, after: str, limit: int, reader: Reader) -> list[Record]:
    return reader.records.listed(tenant, KIND, after, limit)


def _sees(caller: Caller, document: Document) -> bool:
    return document.by == caller.subject or caller.may("instances:read")


async def found(site: Site, caller: Caller, id: str) -> tuple[Record, Document]:
    """A document. Its id cannot be guessed: who has it was given it, with a task or a job."""
    now = now_ms()
    return await site.backend.read(caller.tenant, lambda reader: reader.documents.one(caller.tenant, id, now))


def _span(text: str, size: int) -> tuple[int, int, int]:
    """(first, last, status) of a Range: 206, or 200 for what is none, or 416 for one outside of the bytes."""
    match = _RANGE.fullmatch(text.strip())
    if match is None or not (match[1] or match[2]):
        return 0, size - 1, 200
    if not match[1]:
        first, last = max(0, size - int(match[2])), size - 1
    else:
        first, last = int(match[1]), min(int(match[2]) if match[2] else size - 1, size - 1)
    if match[1] and match[2] and int(match[2]) < int(match[1]):
        return 0, size - 1, 200
    return (first, last, 206) if first <= last else (0, 0, 416)


def _headers(document: Document) -> dict[str, str]:
    plain = re.sub(r"[^A-Za-z0-9 ._()-]", "_", document.name, flags=re.ASCII)
    return {
        "content-disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(document.name, safe='')}",
        "content-security-policy": "default-src 'none'; sandbox",
        "cross-origin-resource-policy": "same-origin",
        "accept-ranges": "bytes",
        "etag": f'"{document.sha256}"',
    }


def _length(request: Request[Any, Any, Any]) -> int:
    text = request.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else -1


def shaped(id: str, document: Document) -> DocumentInfo:
    """A document as it is told."""
    return DocumentInfo(
        id=id,
        name=document.name,
        content_type=document.content_type,
        size=document.size,
        sha256=document.sha256,
        created=moment(document.at),
        by=document.by,
        expires=moment(document.expires) if document.expires else None,
        reference=Reference(id, document.name, document.content_type, document.size),
        scan=cast("Scan", document.scan),
        found=document.found,
    )


ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (
    upload,
    list_documents,
    get_document,
    get_content,
    head_content,
    delete_document,
)
