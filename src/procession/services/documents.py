"""Documents as they are stored: what each is, its parts, and which have to be looked after. Reads only."""

from __future__ import annotations

from typing import Final, final

import msgspec

from procession.base.failure import NotFound, Unreadable
from procession.base.values import Json
from procession.runtime import codec
from procession.runtime.ports import Reads
from procession.runtime.rows import BlobRow
from procession.runtime.rows_of_server import DocumentRow
from procession.services.records import Record, Records
from procession.services.views import Views

KIND: Final = "document"
"""The kind of the records."""
PART_BYTES: Final = 256 * 1024
"""Size of every part but the last. What is stored has it: it never changes."""


@final
class Document(msgspec.Struct, frozen=True, omit_defaults=True):
    """A document. `by` uploaded it at `at`; it is kept until `expires` (both Unix ms), 0 for ever. Its parts are stored
    under the name `parts`."""

    name: str
    content_type: str
    size: int
    sha256: str
    by: str
    at: int
    parts: str
    expires: int = 0

    def body(self) -> Json:
        """The document of the record."""
        body: Json = msgspec.to_builtins(self)
        return body


@final
class Documents:
    """Reading the documents of one store."""

    __slots__ = ("_records", "_store", "_views")

    def __init__(self, store: Reads, views: Views, records: Records) -> None:
        self._store = store
        self._views = views
        self._records = records

    def one(self, tenant: str, id: str, now: int) -> tuple[Record, Document]:
        """A document that is kept at a time (Unix ms); raises `NotFound`."""
        record = self._records.one(tenant, KIND, id)
        document = record.read(Document)
        if document.expires and document.expires <= now:
            raise NotFound(f"no {KIND} {id!r:.80}")
        return record, document

    def part(self, tenant: str, parts: str, number: int) -> bytes:
        """A part of a document. Raises `Unreadable` for one that is not there."""
        rows = self._store.read("document_part", (self._views.tenant(tenant), parts, number), BlobRow)
        if not rows:
            raise Unreadable(f"part {number} of a document is missing")
        return codec.unwrap(rows[0].value)

    def due(self, tenant: str, now: int, limit: int) -> list[DocumentRow]:
        """What has to be looked after by now (Unix ms)."""
        return self._store.read("documents_due", (self._views.tenant(tenant), now, limit), DocumentRow)
