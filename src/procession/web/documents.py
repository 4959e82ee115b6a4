"""Documents: how they come in, part by part, what they may be, who looks at them, and how they go again.

Parts are kept before anything says that there is a document; what is never finished is swept. No more than one part
is in memory at a time. What must not live here: HTTP, and who may.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Final, NamedTuple, final

import msgspec

from procession.base.failure import BadValue, Conflict, NotFound, ProcessionError, StoreError
from procession.runtime import requests as q
from procession.runtime.rows import HELD
from procession.runtime.rows_of_server import DocumentRow
from procession.services.backend import Backend, Who
from procession.services.documents import (
    CLEAN,
    FAILED,
    INFECTED,
    KIND,
    PART_BYTES,
    UPLOAD,
    WAITING,
    Document,
    Upload,
)
from procession.services.reading import Reader
from procession.services.records import Record
from procession.services.shelves.in_store import StoreShelf
from procession.services.shelves.shelf import Shelf, Whose
from procession.web.file_types import TYPES, Look, WrongType
from procession.web.scanning import Scanner, ScanRefused

UPLOAD_MS: Final = 3_600_000
"""An upload that is not finished by then is given up."""
SWEEP_MS: Final = 600_000
SWEPT_MAX: Final = 100
SCAN_MS: Final = 30_000
"""When a document is scanned again whose scanner did not answer."""
FAILED_MS: Final = 3_600_000
"""When one is that the scanner refused."""
SCANS_MAX: Final = 4
"""Documents that one process has looked at at the same time."""
SYSTEM: Final = Who("service:documents")

_LOG: Final = logging.getLogger("procession.web")


class TooLarge(ProcessionError):
    """A document of more bytes than are allowed."""


class NotScanned(ProcessionError):
    """A document that was not found clean yet: nobody gets it."""


class Infected(ProcessionError):
    """A document in which a virus was found: its bytes are deleted."""


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
    uploads_max: int = 1_000
    """Uploads of a tenant that are under way, piece by piece."""
    upload_ms: int = 24 * 3_600_000
    """How long one of them may be gone on with."""


@final
class Arriving(msgspec.Struct, frozen=True):
    """A document that somebody uploads. `length` is its size as it is said, -1 for not; `expires` Unix ms, 0 for what
    the rules say. `sha256` in hexadecimal digits, "" for not said. `bytes_max` and `types` are what is asked of it by
    who gives it its place, beside the rules."""

    tenant: str
    id: str
    name: str
    content_type: str
    length: int = -1
    expires: int = 0
    sha256: str = ""
    bytes_max: int = 0
    types: frozenset[str] = frozenset()


class Kept(NamedTuple):
    """Bytes that are kept: the name of their parts, what they are, and whether that is not in the store."""

    parts: str
    size: int
    sha256: str
    elsewhere: bool


@final
class Archive:
    """The documents of one process's tenants. Belongs to its event loop."""

    def __init__(
        self,
        backend: Backend,
        rules: Rules | None = None,
        *,
        elsewhere: Shelf | None = None,
        scanner: Scanner | None = None,
    ) -> None:
        """`elsewhere`: the shelf of new documents; None for in the store. `scanner`: who looks for viruses."""
        self.backend = backend
        self.rules = rules or Rules()
        self.scanner = scanner
        self.elsewhere = elsewhere
        self._inside: Shelf = StoreShelf(backend)
        self._swept: dict[str, int] = {}
        self._scans: set[asyncio.Task[None]] = set()
        self._scanners = asyncio.Semaphore(SCANS_MAX)

    async def save(self, what: Arriving, content: AsyncIterator[bytes], who: Who) -> Record:
        """Stores a document. Raises `TooLarge`, `WrongType`, and what the rules' `admit` does; then nothing is left."""
        await self.admit(what)
        whose = await self.whose(what.tenant, who)
        await self.sweep_sometimes(what.tenant)
        parts = new_parts(what.id)
        row = (whose.number, parts, now_ms() + UPLOAD_MS, max(0, what.length) if self.elsewhere else 0)
        await self.backend.write(what.tenant, "document_begin", [row])
        try:
            size, digest = await self._store(what, whose, parts, content)
            if what.length >= 0 and size != what.length:
                raise BadValue(f"the body ended after {size} of {what.length} bytes")
            return await self.enter(what, whose, Kept(parts, size, digest, self.elsewhere is not None), who)
        except BaseException:
            await self.drop(whose, parts)
            raise

    async def admit(self, what: Arriving) -> None:
        """Raises what speaks against a document, as far as it is known before its bytes."""
        if what.content_type not in self.rules.types or (what.types and what.content_type not in what.types):
            raise WrongType(f"documents of the type {what.content_type[:80]!r} are not taken")
        self._measure(what, what.length)
        if self.rules.admit is not None:
            await self.rules.admit(what.tenant, max(0, what.length))

    async def enter(self, what: Arriving, whose: Whose, kept: Kept, who: Who) -> Record:
        """Makes parts that are kept a document. Under one id the first is the one that counts."""
        parts, size, digest, elsewhere = kept
        if what.sha256 and what.sha256 != digest:
            raise BadValue("the document is not the one whose sha256 was given")
        if self.rules.admit is not None:
            await self.rules.admit(what.tenant, size)
        now = now_ms()
        expires = what.expires or (now + self.rules.kept_ms if self.rules.kept_ms else 0)
        scan = WAITING if self.scanner is not None else ""
        document = Document(
            what.name, what.content_type, size, digest, who.subject, now, parts, expires, elsewhere, scan
        )
        request = q.PutRecord(what.tenant, KIND, what.id, document.body(), 0)
        # What is hashed is what was asked: where and when it was stored is not.
        said = msgspec.structs.replace(request, body=[what.name, what.content_type, size, digest, what.expires])
        asks = msgspec.structs.replace(who, digest=hashlib.sha256(q.encode(said)).digest() if who.key else b"")
        await self.backend.ask(request, asks)
        record = await self.backend.read(what.tenant, lambda reader: reader.records.one(what.tenant, KIND, what.id))
        if record.read(Document).parts != parts:
            await self.drop(whose, parts)
            return record
        rows = [(size if elsewhere else 0, whose.number, parts)]
        await self.backend.write(what.tenant, "document_bytes", rows)
        await self._look_after(whose, document, now + SCAN_MS)
        if self.rules.stored is not None:
            await self.rules.stored(what.tenant, size)
        if scan:
            self._scan_soon(whose, record)
        return record

    async def content(self, tenant: str, document: Document, first: int, last: int) -> AsyncIterator[bytes]:
        """The bytes from `first` to `last` (included) of a document, a part at a time."""
        whose = Whose(tenant, await self.backend.read(tenant, lambda reader: reader.views.tenant_number(tenant)))
        shelf = self.shelf(elsewhere=document.elsewhere)
        for part in range(first // PART_BYTES, last // PART_BYTES + 1):
            begin = part * PART_BYTES
            data = await shelf.get(whose, document.parts, part)
            yield data[max(0, first - begin) : last - begin + 1]

    async def whole(self, tenant: str, document: Document) -> bytes:
        """All bytes of a document that is known to be small."""
        return b"".join([each async for each in self.content(tenant, document, 0, document.size - 1)])

    async def delete(self, tenant: str, id: str, document: Document, who: Who) -> None:
        """Deletes a document and its bytes."""
        whose = await self.whose(tenant, who)
        # Should this process end in between, the sweep finds what is left.
        await self.backend.write(tenant, "document_due", [(now_ms(), whose.number, document.parts)])
        await self.backend.ask(q.DeleteRecord(tenant, KIND, id), who)
        await self.drop(whose, document.parts)

    async def sweep(self, tenant: str) -> int:
        """Drops what was never finished and what is no longer kept, and scans what waits for it; how many were
        dropped."""
        now, count = now_ms(), 0
        self._swept[tenant] = now
        number = await self.backend.read(tenant, lambda reader: reader.views.tenant(tenant))
        if number is None:
            return 0
        for row in await self.backend.read(tenant, lambda reader: reader.documents.due(tenant, now, SWEPT_MAX)):
            count += await self._sweep_one(Whose(tenant, number), row, now)
        return count

    async def scanned(self) -> None:
        """Waits until nothing is scanned any more that began by now."""
        await asyncio.gather(*self._scans)

    async def close(self) -> None:
        """Scans nothing any more: what waits is scanned by who comes next."""
        for task in list(self._scans):
            task.cancel()
        await asyncio.gather(*self._scans, return_exceptions=True)

    async def troubles(self) -> dict[str, str]:
        """What documents need that cannot be used now, and why; without names of anything."""
        asked = {"documents": self.elsewhere, "scanner": self.scanner}
        found = {name: await each.trouble() for name, each in asked.items() if each is not None}
        return {name: text for name, text in found.items() if text}

    async def sweep_sometimes(self, tenant: str) -> None:
        """Sweeps, unless that was done not long ago."""
        if now_ms() - self._swept.get(tenant, 0) > SWEEP_MS:
            await self.sweep(tenant)

    async def whose(self, tenant: str, who: Who) -> Whose:
        """A tenant with its number. It is made known if it had nothing yet."""
        return Whose(tenant, await known_tenant(self.backend, tenant, who))

    def shelf(self, *, elsewhere: bool) -> Shelf:
        """Where parts are. Raises `StoreError` where they were put on a shelf that is no longer set."""
        if not elsewhere:
            return self._inside
        if self.elsewhere is None:
            raise StoreError("a document is kept where no setting says: set documents.url")
        return self.elsewhere

    async def drop(self, whose: Whose, parts: str) -> None:
        """Forgets parts, and that they had to be looked after."""
        for shelf in (self._inside, self.elsewhere):
            if shelf is not None:
                await shelf.drop(whose, parts)
        await self.backend.write(whose.tenant, "document_drop", [(whose.number, parts)])

    async def _sweep_one(self, whose: Whose, row: DocumentRow, now: int) -> int:
        id, tenant = row.id.partition(".")[0], whose.tenant
        record = await self.backend.read(tenant, partial(_record_of, tenant, KIND, id))
        document = record.read(Document) if record is not None else None
        if record is None or document is None or document.parts != row.id:
            await self._forget_upload(whose, row.id)
        elif not document.expires or document.expires > now:
            await self._look_after(whose, document, now + (FAILED_MS if document.scan == FAILED else SCAN_MS))
            if document.scan in {WAITING, FAILED} and self.scanner is not None:
                self._scan_soon(whose, record)
            return 0
        else:
            try:
                await self.backend.ask(q.DeleteRecord(tenant, KIND, id, record.version), SYSTEM)
            except (Conflict, NotFound):
                return 0
        await self.drop(whose, row.id)
        return 1

    async def _forget_upload(self, whose: Whose, parts: str) -> None:
        id = upload_of(parts.partition(".")[0])
        record = await self.backend.read(whose.tenant, partial(_record_of, whose.tenant, UPLOAD, id))
        if record is not None and record.read(Upload).parts == parts:
            try:
                await self.backend.ask(q.DeleteRecord(whose.tenant, UPLOAD, id, record.version), SYSTEM)
            except (Conflict, NotFound):
                return
            await self.backend.write(whose.tenant, "follower_drop", [(whose.number, id)])

    async def _look_after(self, whose: Whose, document: Document, scan_at: int) -> None:
        """Writes down when somebody has to look after a document."""
        due = document.expires or HELD
        if document.scan in {WAITING, FAILED}:
            due = min(due, scan_at)
        await self.backend.write(whose.tenant, "document_due", [(due, whose.number, document.parts)])

    def _scan_soon(self, whose: Whose, record: Record) -> None:
        task = asyncio.ensure_future(self._scan(whose, record))
        self._scans.add(task)
        task.add_done_callback(self._scans.discard)

    async def _scan(self, whose: Whose, record: Record) -> None:
        """Has a document looked at. What cannot be said now is asked again by the sweep."""
        document = record.read(Document)
        scanner = self.scanner
        if scanner is None:
            return
        try:
            async with self._scanners:
                found = await scanner.scan(self.content(whose.tenant, document, 0, document.size - 1))
            state = INFECTED if found else CLEAN
        except ScanRefused as error:
            state, found = FAILED, str(error)[:200]
        except ProcessionError as error:
            _LOG.warning("a document could not be scanned, and is later: %s", error)
            return
        try:
            await self._told(whose, record, msgspec.structs.replace(document, scan=state, found=found))
        except (Conflict, NotFound):
            _LOG.info("a document was changed or deleted while it was scanned")
        except ProcessionError as error:
            _LOG.warning("what a scan found could not be stored: %s", error)

    async def _told(self, whose: Whose, record: Record, document: Document) -> None:
        request = q.PutRecord(whose.tenant, KIND, record.id, document.body(), record.version)
        await self.backend.ask(request, SYSTEM)
        if document.scan == INFECTED:
            await self.shelf(elsewhere=document.elsewhere).drop(whose, document.parts)
            await self.backend.write(whose.tenant, "document_bytes", [(0, whose.number, document.parts)])
        await self._look_after(whose, document, now_ms() + FAILED_MS)

    async def _store(self, what: Arriving, whose: Whose, parts: str, content: AsyncIterator[bytes]) -> tuple[int, str]:
        look, shelf = Look(what.content_type), self.shelf(elsewhere=self.elsewhere is not None)
        digest, buffer, size, count = hashlib.sha256(), bytearray(), 0, 0
        async for chunk in content:
            size += len(chunk)
            self._measure(what, size)
            digest.update(chunk)
            look.at(chunk)
            buffer += chunk
            while len(buffer) >= PART_BYTES:
                await shelf.put(whose, parts, count, bytes(buffer[:PART_BYTES]))
                del buffer[:PART_BYTES]
                count += 1
        look.end()
        if buffer or not size:
            await shelf.put(whose, parts, count, bytes(buffer))
        return size, digest.hexdigest()

    def _measure(self, what: Arriving, size: int) -> None:
        most = min(self.rules.bytes_max, what.bytes_max or self.rules.bytes_max)
        if size > most:
            raise TooLarge(f"a document has at most {most} bytes")


def usable(document: Document) -> None:
    """Raises `NotScanned` or `Infected` for a document that is not handed out."""
    if document.scan == INFECTED:
        raise Infected("a virus was found in the document, and its bytes are deleted")
    if document.scan in {WAITING, FAILED}:
        raise NotScanned(f"the document was not found to be clean: its scan is {document.scan}")


async def known_tenant(backend: Backend, tenant: str, who: Who) -> int:
    """The number of a tenant, which is made known if it had nothing yet."""
    number = await backend.read(tenant, lambda reader: reader.views.tenant(tenant))
    if number is None:
        made = await backend.ask(q.AddTenant(tenant), Who(who.subject, who.origin))
        assert isinstance(made, int)
        return made
    return number


def new_parts(id: str) -> str:
    """A name for the parts of a document, of this attempt alone."""
    return f"{id}.{secrets.token_hex(8)}"


def upload_of(id: str) -> str:
    """The id of the upload that becomes a document."""
    return f"upl_{id.removeprefix('doc_')}"


def _record_of(tenant: str, kind: str, id: str, reader: Reader) -> Record | None:
    return reader.records.find(tenant, kind, id)


def now_ms() -> int:
    """Unix ms."""
    return time.time_ns() // 1_000_000
