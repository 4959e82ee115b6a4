"""Papers: previews, forms that are filled, pages that are printed, signatures and seals. Each makes a new document."""

from __future__ import annotations

import hashlib
import secrets
from typing import Annotated, Any, Final, final

import msgspec
from litestar import Response, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler

from procession.base.values import Json
from procession.runtime import requests as q
from procession.services.access import Caller
from procession.services.backend import Who
from procession.services.documents import Document
from procession.services.papers.orders import Field, Mark, Page, Seal, Signer
from procession.services.records import Record
from procession.web.asking import Idempotent, TheCaller, TheSite, who
from procession.web.documents import Arriving, now_ms
from procession.web.file_types import checked_name
from procession.web.openapi import EXAMPLE, LOCKED
from procession.web.papers import PDF
from procession.web.routes.documents import DocumentInfo, IdPath, found, shaped

Side = Annotated[int, QueryParameter(ge=16, le=2_000, description="In pixels, at most.")]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=255, description="The name of the new document.")]
Told = Annotated[str, msgspec.Meta(max_length=500)]
Needed = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


@final
class FillBody(msgspec.Struct, forbid_unknown_fields=True):
    """What is put into which fields: a text, true or false, an option, or several."""

    name: Name
    values: dict[str, str | bool | list[str]]
    flatten: bool = False


@final
class PageBody(msgspec.Struct, forbid_unknown_fields=True):
    """A template of HTML with `{{ values }}`, which are always text. `attachments` are ids of documents, by the name
    under which it shows them: `<img src="attachment:photo">`. With `forms`, inputs become fields of a form."""

    name: Name
    template: Annotated[str, msgspec.Meta(min_length=1, max_length=2_000_000)]
    values: dict[str, Json] = {}
    attachments: Annotated[dict[str, str], msgspec.Meta(max_length=50)] = {}
    forms: bool = False


@final
class Signature(msgspec.Struct, forbid_unknown_fields=True):
    """Who signs, how they were identified, and either what they drew (the data URL of a PNG) or what they typed. It is
    put into a field, or onto a page (from 1) at a box: left, bottom, width and height in points."""

    signer: Needed
    identified_by: Needed
    drawn: Annotated[str, msgspec.Meta(max_length=400_000)] = ""
    typed: Annotated[str, msgspec.Meta(max_length=200)] = ""
    field: Told = ""
    page: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 0
    box: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    address: Told = ""
    """From where; "" for from where this is asked."""
    agent: Told = ""


@final
class SignBody(msgspec.Struct, forbid_unknown_fields=True):
    """All signatures of a document: the seal covers everything, so none can be added afterwards."""

    name: Name
    signatures: Annotated[list[Signature], msgspec.Meta(min_length=1, max_length=50)]
    title: Told = ""
    reason: Told = ""
    language: Annotated[str, msgspec.Meta(max_length=20)] = "en"


_FILL: Final = {"name": "claim-7.pdf", "values": {"name": "Ann Smith", "agreed": True}}
_SIGN: Final = {
    "name": "claim-7-signed.pdf",
    "title": "Claim 7",
    "signatures": [
        {"signer": "Ann Smith", "identified_by": "one-time code", "typed": "Ann Smith", "field": "signature"},
    ],
}
_PAGE: Final = {"name": "offer.pdf", "template": "<h1>An offer for {{ who }}</h1>", "values": {"who": "Ann Smith"}}


@get(
    "/documents/{id:str}/preview",
    opt={LOCKED: True},
    media_type="application/octet-stream",
    responses={200: ResponseSpec(bytes, description="JPEG or PNG.", media_type="application/octet-stream")},
)
async def preview_document(
    id: IdPath, caller: TheCaller, site: TheSite, width: Side = 320, height: Side = 320
) -> Response[bytes]:
    """A small picture of a document that is a picture: the right way up, and without what the camera wrote."""
    caller.need("documents:read")
    _, document = await found(site, caller, id)
    made = await site.papers.preview(caller.tenant, document, width, height)
    headers = {
        "content-type": "image/png" if made.startswith(b"\x89PNG") else "image/jpeg",
        "content-security-policy": "default-src 'none'; sandbox",
        "cache-control": "private, max-age=3600",
    }
    return Response(made, headers=headers)


@get("/documents/{id:str}/fields", opt={LOCKED: True})
async def list_fields(id: IdPath, caller: TheCaller, site: TheSite) -> list[Field]:
    """The fields of a form that is a PDF."""
    caller.need("documents:read")
    return await site.papers.fields(caller.tenant, (await found(site, caller, id))[1])


@get("/documents/{id:str}/seals", opt={LOCKED: True})
async def list_seals(id: IdPath, caller: TheCaller, site: TheSite) -> list[Seal]:
    """What the seals of a PDF say: whether anything was changed since, and who stands behind them."""
    caller.need("documents:read")
    return await site.papers.seals(caller.tenant, (await found(site, caller, id))[1])


@post("/documents/{id:str}/fill", status_code=201, opt={EXAMPLE: _FILL, LOCKED: True})
async def fill_form(
    id: IdPath, data: JSONBody[FillBody], *, caller: TheCaller, site: TheSite, idempotency_key: Idempotent = None
) -> Response[DocumentInfo]:
    """Fills a form; the filled one is a new document."""
    caller.need("documents:write")
    _, document = await found(site, caller, id)
    what, asks = _new(caller, idempotency_key, data.name, id)
    return _told(await site.papers.fill(what, document, data.values, asks, flatten=data.flatten))


@post("/documents/{id:str}/sign", status_code=201, opt={EXAMPLE: _SIGN, LOCKED: True})
async def sign_document(
    id: IdPath, data: JSONBody[SignBody], *, caller: TheCaller, site: TheSite, idempotency_key: Idempotent = None
) -> Response[DocumentInfo]:
    """Puts signatures onto a PDF, adds a page that tells who signed, and seals all of it; that is a new document."""
    caller.need("documents:write")
    _, document = await found(site, caller, id)
    what, asks = _new(caller, idempotency_key, data.name, id)
    now = now_ms()
    marks = [
        Mark(
            Signer(each.signer, each.identified_by, each.address or caller.origin, now, each.agent),
            each.drawn, each.typed, each.field, each.page, each.box,
        )
        for each in data.signatures
    ]  # fmt: skip
    said = {"title": data.title or document.name, "language": data.language, "reason": data.reason}
    return _told(await site.papers.sign(what, document, marks, said, asks))


@post("/papers", status_code=201, opt={EXAMPLE: _PAGE, LOCKED: True})
async def print_page(
    data: JSONBody[PageBody], *, caller: TheCaller, site: TheSite, idempotency_key: Idempotent = None
) -> Response[DocumentInfo]:
    """Makes a PDF of HTML. Nothing is fetched for it but what is attached."""
    caller.need("documents:write")
    shown: dict[str, Document] = {}
    for name, id in data.attachments.items():
        shown[name] = (await found(site, caller, id))[1]
    what, asks = _new(caller, idempotency_key, data.name, "page")
    page = Page(template=data.template, values=data.values, forms=data.forms)
    return _told(await site.papers.page(what, page, shown, asks))


def _new(caller: Caller, key: str | None, name: str, of: str) -> tuple[Arriving, Who]:
    asks = who(caller, key, q.AddTenant(caller.tenant))
    chosen = hashlib.sha256(f"{of} {asks.key}".encode()).hexdigest()[:32] if asks.key else secrets.token_hex(16)
    return Arriving(caller.tenant, f"doc_{chosen}", checked_name(name), PDF), asks


def _told(record: Record) -> Response[Any]:
    info = shaped(record.id, record.read(Document))
    return Response(info, headers={"location": f"/v1/documents/{record.id}"})


ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (
    preview_document,
    list_fields,
    list_seals,
    fill_form,
    sign_document,
    print_page,
)
