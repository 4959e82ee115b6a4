"""Documents: how they come in, part by part, what they may be, and how they go again.

Parts are stored before anything says that there is a document; what is never finished is swept. No more than one part
is in memory at a time. What must not live here: HTTP, and who may.
"""

from __future__ import annotations

import codecs
import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import Final, final

import msgspec

from procession.base.failure import BadValue, Conflict, NotFound, ProcessionError
from procession.runtime import codec
from procession.runtime import requests as q
from procession.runtime.rows import HELD
from procession.services.backend import Backend, Who
from procession.services.documents import KIND, PART_BYTES, Document
from procession.services.reading import Reader
from procession.services.records import Record

_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
TYPES: Final[Mapping[str, tuple[bytes, ...]]] = {
    "application/pdf": (b"%PDF-",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
    "image/tiff": (b"II*\x00", b"MM\x00*"),
    "application/zip": _ZIP,
    f"{_OFFICE}.wordprocessingml.document": _ZIP,
    f"{_OFFICE}.spreadsheetml.sheet": _ZIP,
    f"{_OFFICE}.presentationml.presentation": _ZIP,
    "application/vnd.oasis.opendocument.text": _ZIP,
    "application/vnd.oasis.opendocument.spreadsheet": _ZIP,
    "text/plain": (),
    "text/csv": (),
    "text/markdown": (),
    "application/json": (),
    "application/xml": (),
}
"""Type -> what its bytes begin with; nothing: it is a text in UTF-8. What browsers would run is not among them."""
UPLOAD_MS: Final = 3_600_000
"""An upload that is not finished by then is given up."""
SWEEP_MS: Final = 600_000
SWEPT_MAX: Final = 100
SYSTEM: Final = Who("service:documents")


class TooLarge(ProcessionError):
    """A document of more bytes than are allowed."""


class WrongType(ProcessionError):
    """A document of a type that is not allowed, or that is not of the type it is said to be."""


@final
class Rules(msgspec.Struct, frozen=True):
    """What documents may be. `types` are media types of `TYPES`, or others, whose bytes nobody looks at. One that says
    nothing of its end is kept for `kept_ms`, 0 for ever. `admit` is asked with the tenant and a size in bytes before
    anything is stored, and again when the size is known; it raises what is to be told."""

    bytes_max: int = 100 * 1024 * 1024
    types: frozenset[str] = frozenset(TYPES)
    kept_ms: int = 0
    admit: Callable[[str, int], Awaitable[None]] | None = None
    stored: Callable[[str, int], Awaitable[None]] | None = None
    """Is told of what was stored."""


@final
class Arriving(msgspec.Struct, frozen=True):
    """A document that somebody uploads. `length` is its size as it is said, -1 for not; `expires` Unix ms, 0 for what
    the rules say."""

    tenant: str
    id: str
    name: str
    content_type: str
    length: int = -1
    expires: int = 0


@final
class Archive:
    """The documents of one process's tenants."""

    __slots__ = ("_backend", "_swept", "rules")

    def __init__(self, backend: Backend, rules: Rules | None = None) -> None:
        self._backend = backend
        self.rules = rules or Rules()
        self._swept: dict[str, int] = {}

    async def save(self, what: Arriving, content: AsyncIterator[bytes], who: Who) -> Record:
        """Stores a document. Raises `TooLarge`, `WrongType`, and what the rules' `admit` does; then nothing is left."""
        if what.content_type not in self.rules.types:
            raise WrongType(f"documents of the type {what.content_type[:80]!r} are not taken")
        self._measure(what.length)
        if self.rules.admit is not None:
            await self.rules.admit(what.tenant, max(0, what.length))
        number = await known_tenant(self._backend, what.tenant, who)
        await self._sweep_sometimes(what.tenant)
        parts = f"{what.id}.{secrets.token_hex(8)}"
        now = now_ms()
        await self._backend.write(what.tenant, "document_begin", [(number, parts, now + UPLOAD_MS)])
        try:
            size, digest = await self._store(what, number, parts, content)
            if what.length >= 0 and size != what.length:
                raise BadValue(f"the body ended after {size} of {what.length} bytes")
            if self.rules.admit is not None:
                await self.rules.admit(what.tenant, size)
            expires = what.expires or (now + self.rules.kept_ms if self.rules.kept_ms else 0)
            document = Document(what.name, what.content_type, size, digest, who.subject, now, parts, expires)
            request = q.PutRecord(what.tenant, KIND, what.id, document.body(), 0)
            # What is hashed is what was asked: where and when it was stored is not.
            said = msgspec.structs.replace(request, body=[what.name, what.content_type, size, digest, what.expires])
            asks = msgspec.structs.replace(who, digest=hashlib.sha256(q.encode(said)).digest() if who.key else b"")
            await self._backend.ask(request, asks)
        except BaseException:
            await self._drop(what.tenant, number, parts)
            raise
        record = await self._backend.read(what.tenant, lambda reader: reader.records.one(what.tenant, KIND, what.id))
        if record.read(Document).parts != parts:
            await self._drop(what.tenant, number, parts)  # the first upload under this key is the one that counts
            return record
        await self._backend.write(what.tenant, "document_due", [(expires or HELD, number, parts)])
        if self.rules.stored is not None:
            await self.rules.stored(what.tenant, size)
        return record

    async def content(self, tenant: str, document: Document, first: int, last: int) -> AsyncIterator[bytes]:
        """The bytes from `first` to `last` (included) of a document, a part at a time."""
        for part in range(first // PART_BYTES, last // PART_BYTES + 1):
            begin = part * PART_BYTES
            data = await self._backend.read(tenant, partial(_part_of, tenant, document.parts, part))
            yield data[max(0, first - begin) : last - begin + 1]

    async def delete(self, tenant: str, id: str, document: Document, who: Who) -> None:
        """Deletes a document and its bytes."""
        number = await known_tenant(self._backend, tenant, who)
        # Should this process end in between, the sweep finds what is left.
        await self._backend.write(tenant, "document_due", [(now_ms(), number, document.parts)])
        await self._backend.ask(q.DeleteRecord(tenant, KIND, id), who)
        await self._drop(tenant, number, document.parts)

    async def sweep(self, tenant: str) -> int:
        """Drops what was never finished and what is no longer kept; how many that were."""
        now, count = now_ms(), 0
        self._swept[tenant] = now
        number = await self._backend.read(tenant, lambda reader: reader.views.tenant(tenant))
        if number is None:
            return 0
        for row in await self._backend.read(tenant, lambda reader: reader.documents.due(tenant, now, SWEPT_MAX)):
            id = row.id.partition(".")[0]
            record = await self._backend.read(tenant, partial(_record_of, tenant, id))
            document = record.read(Document) if record is not None else None
            if record is not None and document is not None and document.parts == row.id:
                if not document.expires or document.expires > now:
                    due = (document.expires or HELD, number, row.id)
                    await self._backend.write(tenant, "document_due", [due])
                    continue
                try:
                    await self._backend.ask(q.DeleteRecord(tenant, KIND, id, record.version), SYSTEM)
                except (Conflict, NotFound):
                    continue
            await self._drop(tenant, number, row.id)
            count += 1
        return count

    async def _sweep_sometimes(self, tenant: str) -> None:
        if now_ms() - self._swept.get(tenant, 0) > SWEEP_MS:
            await self.sweep(tenant)

    async def _store(self, what: Arriving, number: int, parts: str, content: AsyncIterator[bytes]) -> tuple[int, str]:
        look = _Look(what.content_type)
        digest, buffer, size, count = hashlib.sha256(), bytearray(), 0, 0
        async for chunk in content:
            size += len(chunk)
            self._measure(size)
            digest.update(chunk)
            look.at(chunk)
            buffer += chunk
            while len(buffer) >= PART_BYTES:
                row = (number, parts, count, _part(buffer[:PART_BYTES]))
                await self._backend.write(what.tenant, "document_part", [row])
                del buffer[:PART_BYTES]
                count += 1
        look.end()
        if buffer or not size:
            await self._backend.write(what.tenant, "document_part", [(number, parts, count, _part(buffer))])
        return size, digest.hexdigest()

    def _measure(self, size: int) -> None:
        if size > self.rules.bytes_max:
            raise TooLarge(f"a document has at most {self.rules.bytes_max} bytes")

    async def _drop(self, tenant: str, number: int, parts: str) -> None:
        await self._backend.write(tenant, "document_parts_drop", [(number, parts)])
        await self._backend.write(tenant, "document_drop", [(number, parts)])


async def known_tenant(backend: Backend, tenant: str, who: Who) -> int:
    """The number of a tenant, which is made known if it had nothing yet."""
    number = await backend.read(tenant, lambda reader: reader.views.tenant(tenant))
    if number is None:
        made = await backend.ask(q.AddTenant(tenant), Who(who.subject, who.origin))
        assert isinstance(made, int)
        return made
    return number


@final
class _Look:
    """Looks whether what comes is what it is said to be."""

    __slots__ = ("_begin", "_beginnings", "_text", "_type")

    def __init__(self, content_type: str) -> None:
        self._type = content_type
        self._beginnings = TYPES.get(content_type)
        self._begin = b""
        self._text = codecs.getincrementaldecoder("utf-8")() if self._beginnings == () else None

    def at(self, chunk: bytes) -> None:
        """Looks at what comes next. Raises `WrongType`."""
        if len(self._begin) < 16:
            self._begin += chunk[:16]
        if self._text is not None:
            self._decode(chunk, final=False)

    def end(self) -> None:
        """That was all. Raises `WrongType`."""
        if self._text is not None:
            self._decode(b"", final=True)
        elif self._beginnings and not self._begin.startswith(self._beginnings):
            raise WrongType(f"the document is not of the type {self._type!r}")

    def _decode(self, chunk: bytes, *, final: bool) -> None:
        assert self._text is not None
        try:
            text = self._text.decode(chunk, final)
        except UnicodeDecodeError:
            text = "\0"
        if "\0" in text:
            raise WrongType(f"the document is not of the type {self._type!r}: it is no text in UTF-8")


def _part_of(tenant: str, parts: str, number: int, reader: Reader) -> bytes:
    return reader.documents.part(tenant, parts, number)


def _record_of(tenant: str, id: str, reader: Reader) -> Record | None:
    return reader.records.find(tenant, KIND, id)


def _part(data: bytearray) -> bytes:
    return codec.wrap(bytes(data))


def now_ms() -> int:
    """Unix ms."""
    return time.time_ns() // 1_000_000
