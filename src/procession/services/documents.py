"""Documents as they are stored: what each is, its parts, and which have to be looked after. Reads only."""

from __future__ import annotations

from typing import Final, final

import msgspec

from procession.base.failure import NotFound, Unreadable
from procession.base.values import Json
from procession.runtime import codec
from procession.runtime.ports import Reads
from procession.runtime.rows import BlobRow, IntRow
from procession.runtime.rows_of_server import DocumentRow, FollowerRow
from procession.services.records import Record, Records
from procession.services.views import Views

KIND: Final = "document"
"""The kind of the records."""
PART_BYTES: Final = 256 * 1024
"""Size of every part but the last. What is stored has it: it never changes."""
UPLOAD: Final = "upload"
"""The kind of the records of what is under way."""
WAITING: Final = "waiting"
CLEAN: Final = "clean"
INFECTED: Final = "infected"
FAILED: Final = "failed"


@final
class Document(msgspec.Struct, frozen=True, omit_defaults=True):
    """A document. `by` uploaded it at `at`; it is kept until `expires` (both Unix ms), 0 for ever. Its parts are stored
    under the name `parts`, on the shelf that is not in the store if `elsewhere`.

    `scan` says what became of looking for viruses, "" where nobody looks; `found` what was found, or why it failed."""

    name: str
    content_type: str
    size: int
    sha256: str
    by: str
    at: int
    parts: str
    expires: int = 0
    elsewhere: bool = False
    scan: str = ""
    found: str = ""

    def body(self) -> Json:
        """The document of the record."""
        body: Json = msgspec.to_builtins(self)
        return body


@final
class Upload(msgspec.Struct, frozen=True, omit_defaults=True):
    """A document that comes piece by piece. Until `until` it may be gone on with; it becomes the one with the id
    `document`. How much there is stands in the row of a follower, who holds it while a piece comes. Times: Unix ms."""

    document: str
    name: str
    content_type: str
    length: int
    by: str
    parts: str
    until: int
    sha256: str = ""
    expires: int = 0
    elsewhere: bool = False

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

    def progress(self, tenant: str, upload: str) -> FollowerRow | None:
        """How far an upload is, and who is at it until when."""
        rows = self._store.read("follower", (self._views.tenant(tenant), upload), FollowerRow)
        return rows[0] if rows else None

    def uploads(self, tenant: str) -> int:
        """How many are under way."""
        return self._store.read("records_count", (self._views.tenant(tenant), UPLOAD), IntRow)[0].value or 0

    def due(self, tenant: str, now: int, limit: int) -> list[DocumentRow]:
        """What has to be looked after by now (Unix ms)."""
        return self._store.read("documents_due", (self._views.tenant(tenant), now, limit), DocumentRow)
