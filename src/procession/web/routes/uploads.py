"""Documents piece by piece, by the protocol tus 1.0 (https://tus.io): creation, termination, expiration."""

from __future__ import annotations

import hashlib
import secrets
from typing import Annotated, Any, Final

from litestar import Request, Response, delete, head, patch, post
from litestar.exceptions import HTTPException
from litestar.params import PathParameter, QueryParameter
from litestar.types import ControllerRouterHandler

from procession.runtime import requests as q
from procession.web.asking import Idempotent, TheCaller, TheSite, who
from procession.web.documents import Arriving, now_ms
from procession.web.file_types import checked_name, checked_type
from procession.web.openapi import BODY, LOCKED
from procession.web.tus import (
    PIECE,
    VERSION,
    At,
    Metadata,
    Tus,
    Whole,
    check_version,
    checked_digest,
    metadata_of,
    told,
)
from procession.web.uploads import Uploads

EXTENSIONS: Final = "creation,creation-with-upload,termination,expiration"
KEPT_MAX_S: Final = 100 * 366 * 86_400
BYTES: Final = {
    "required": False,
    "content": {PIECE: {"schema": {"type": "string", "format": "binary"}}},
    "description": "A piece.",
}
IdPath = Annotated[str, PathParameter(pattern="^upl_[0-9a-f]{32}$", description="The id of the upload.")]


@post("/uploads", status_code=201, opt={BODY: BYTES}, request_max_body_size=None)
async def begin_upload(
    *,
    request: Request[Any, Any, Any],
    caller: TheCaller,
    site: TheSite,
    tus: Tus,
    length: Whole,
    metadata: Metadata,
    kept_s: Annotated[int, QueryParameter(ge=0, le=KEPT_MAX_S, description="As of POST /documents.")] = 0,
    bytes_max: Annotated[int, QueryParameter(ge=0, description="At most so many bytes; 0: as is set.")] = 0,
    accept: Annotated[
        str, QueryParameter(max_length=1_000, description="Media types, with commas; empty: as is set.")
    ] = "",
    idempotency_key: Idempotent = None,
) -> Response[None]:
    """Begins an upload of a document that comes piece by piece. `Location` is where the pieces go; the first may come
    with this request."""
    caller.need("documents:write")
    check_version(tus)
    said = metadata_of(metadata)
    name = checked_name(said.get("filename") or said.get("name") or "")
    type_ = checked_type(said.get("filetype") or said.get("type") or "", "utf-8")
    digest = checked_digest(said)
    asks = who(caller, idempotency_key, q.AddTenant(caller.tenant))
    chosen = hashlib.sha256(f"upload {asks.key}".encode()).hexdigest()[:32] if asks.key else secrets.token_hex(16)
    arriving = Arriving(
        caller.tenant,
        f"doc_{chosen}", name, type_, length, now_ms() + kept_s * 1000 if kept_s else 0, digest, bytes_max,
        frozenset(each.strip().lower() for each in accept.split(",") if each.strip()),
    )  # fmt: skip
    uploads = Uploads(site.archive)
    progress = await uploads.begin(arriving, asks)
    if request.content_type[0] == PIECE and not progress.document:
        progress = await uploads.append(caller.tenant, progress.id, caller.subject, progress.offset, request.stream())
    return told(progress, 201, {"location": f"/v1/uploads/{progress.id}"})


@head("/uploads/{id:str}", media_type="application/json")
async def head_upload(id: IdPath, caller: TheCaller, site: TheSite, tus: Tus) -> Response[None]:
    """How far an upload is: `Upload-Offset` is where it goes on. `Procession-Document` is what became of one that is
    finished."""
    caller.need("documents:write")
    check_version(tus)
    progress = await Uploads(site.archive).progress(caller.tenant, id, caller.subject)
    return told(progress, 200, {"cache-control": "no-store", "upload-length": str(progress.length)})


@patch("/uploads/{id:str}", status_code=204, opt={BODY: BYTES, LOCKED: True}, request_max_body_size=None)
async def go_on_with_upload(
    request: Request[Any, Any, Any], id: IdPath, caller: TheCaller, site: TheSite, *, tus: Tus, offset: At
) -> Response[None]:
    """Takes a piece of an upload. What comes of one that breaks off is kept. With the last one the document is made:
    `Procession-Document` is its id."""
    caller.need("documents:write")
    check_version(tus)
    if request.content_type[0] != PIECE:
        raise HTTPException(status_code=415, detail=f"a piece has the Content-Type {PIECE}")
    progress = await Uploads(site.archive).append(caller.tenant, id, caller.subject, offset, request.stream())
    return told(progress, 204, {})


@delete("/uploads/{id:str}", status_code=204)
async def end_upload(id: IdPath, caller: TheCaller, site: TheSite, tus: Tus) -> Response[None]:
    """Gives an upload up that is not finished."""
    caller.need("documents:write")
    check_version(tus)
    await Uploads(site.archive).end(caller.tenant, id, caller.subject)
    return Response(None, status_code=204, headers={"tus-resumable": VERSION})


ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (begin_upload, head_upload, go_on_with_upload, end_upload)
