"""Papers of a server: documents that are made of documents, in the jail, and kept as documents.

What seals them, and which roots are believed, is the server's own. What must not live here: HTTP, and who may.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final, TypeAlias, final

import msgspec

from procession.base.failure import Conflict, NotFound
from procession.services.backend import Who
from procession.services.documents import KIND, Document
from procession.services.papers.asking import fields_of, seals_of
from procession.services.papers.jail import Jail
from procession.services.papers.orders import (
    BYTES_MAX,
    PICTURE_BYTES_MAX,
    Certificate,
    Field,
    Fill,
    Mark,
    Order,
    Page,
    Preview,
    Refused,
    Seal,
    Sign,
)
from procession.services.records import Record
from procession.web.documents import Archive, Arriving, usable

PDF: Final = "application/pdf"
Filled: TypeAlias = Mapping[str, str | bool | list[str]]
PICTURES: Final = frozenset(f"image/{each}" for each in ("png", "jpeg", "gif", "webp", "tiff"))


@final
class Papers:
    """Those of one process. Belongs to its event loop."""

    def __init__(
        self,
        archive: Archive,
        jail: Jail | None = None,
        certificate: Certificate | None = None,
        roots: Sequence[bytes] = (),
    ) -> None:
        """`certificate`: what seals; None where nothing is sealed. `roots` are believed when seals are looked at."""
        self._archive = archive
        self._jail = jail or Jail()
        self._certificate = certificate
        self._roots = roots

    async def preview(self, tenant: str, document: Document, width: int, height: int) -> bytes:
        """A small picture of a document. Raises `NotFound` where there is none."""
        usable(document)
        most = BYTES_MAX if document.content_type == PDF else PICTURE_BYTES_MAX
        if document.content_type not in {*PICTURES, PDF} or document.size > most:
            raise NotFound(f"there is no preview of a document of the type {document.content_type}")
        data = await self._archive.whole(tenant, document)
        return await self._jail.make(Preview(data=data, width=width, height=height))

    async def fields(self, tenant: str, document: Document) -> list[Field]:
        """The fields of a form."""
        return await fields_of(self._jail, await self._pdf(tenant, document))

    async def seals(self, tenant: str, document: Document) -> list[Seal]:
        """What the seals of a document say."""
        return await seals_of(self._jail, await self._pdf(tenant, document), self._roots)

    async def fill(
        self,
        what: Arriving,
        document: Document,
        values: Mapping[str, str | bool | list[str]],
        who: Who,
        *,
        flatten: bool,
    ) -> Record:
        """A form, filled, as a new document."""
        pdf = await self._pdf(what.tenant, document)
        return await self._made(what, Fill(pdf=pdf, values=values, flatten=flatten), who)

    async def sign(
        self, what: Arriving, document: Document, marks: Sequence[Mark], said: Mapping[str, str], who: Who
    ) -> Record:
        """A document, signed and sealed, as a new one. `said`: title, language and reason. Raises `Conflict` where
        nothing seals."""
        if self._certificate is None:
            raise Conflict("this server has no certificate that seals: set papers.certificate_file")
        pdf = await self._pdf(what.tenant, document)
        order = Sign(pdf=pdf, marks=marks, certificate=self._certificate, **said)
        return await self._made(what, order, who)

    async def page(self, what: Arriving, page: Page, shown: Mapping[str, Document], who: Who) -> Record:
        """A page of HTML as a new document. `shown` are documents that it may show, by name."""
        attachments: dict[str, bytes] = {}
        for name, document in shown.items():
            usable(document)
            if sum(map(len, attachments.values())) + document.size > BYTES_MAX:
                raise Refused(f"attachments have at most {BYTES_MAX:,} bytes together")
            attachments[name] = await self._archive.whole(what.tenant, document)
        return await self._made(what, msgspec.structs.replace(page, attachments=attachments), who)

    async def _pdf(self, tenant: str, document: Document) -> bytes:
        usable(document)
        if document.content_type != PDF or document.size > BYTES_MAX:
            raise Refused(f"this takes a PDF of at most {BYTES_MAX:,} bytes")
        return await self._archive.whole(tenant, document)

    async def _made(self, what: Arriving, order: Order, who: Who) -> Record:
        """What comes of an order, kept. Under a key it is made once: a paper that is made anew has other bytes."""
        if who.key:
            tenant, id = what.tenant, what.id
            known = await self._archive.backend.read(tenant, lambda reader: reader.records.find(tenant, KIND, id))
            if known is not None:
                return known
        await self._archive.admit(what)
        return await self._archive.save(what, _pieces(await self._jail.make(order)), who)


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    yield data
