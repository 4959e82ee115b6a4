"""Documents that come piece by piece: an upload that was cut is gone on with where it was cut.

How much there is, is a number in the store, written after the bytes. What must not live here: HTTP, and who may.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final, NamedTuple, final

from procession.base.failure import BadValue, Conflict, NotFound, ProcessionError, QuotaExceeded
from procession.runtime import requests as q
from procession.services.backend import Who
from procession.services.documents import KIND, PART_BYTES, UPLOAD, Document, Upload
from procession.services.reading import Reader
from procession.services.records import Record
from procession.services.shelves.shelf import Whose
from procession.web.documents import SYSTEM, Archive, Arriving, Kept, new_parts, now_ms, upload_of
from procession.web.file_types import BEGIN_BYTES, Look, WrongType

HELD_MS: Final = 30_000
"""How long who sends a piece is waited for: then another connection may go on."""


class WrongOffset(Conflict):
    """A piece that does not begin where the upload ends."""


class Held(ProcessionError):
    """Another connection sends a piece just now."""


class Progress(NamedTuple):
    """How far an upload is. `document` is the id of what it became, "" while it goes on."""

    id: str
    offset: int
    length: int
    until: int
    document: str = ""


@final
class Uploads:
    """Uploads of an archive."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._backend = archive.backend

    async def begin(self, what: Arriving, who: Who) -> Progress:
        """Makes an upload of a document whose length is said. Under a key it is the one of the first time.

        Raises what `Archive.admit` does, and `QuotaExceeded` when too many are under way."""
        if what.length < 0:
            raise BadValue("the length of an upload has to be said")
        id, archive = upload_of(what.id), self._archive
        if who.key:
            with suppress(NotFound):
                known = await self.progress(what.tenant, id, who.subject)
                if known.length != what.length:
                    raise Conflict("another upload began under this idempotency key")
                return known
        await archive.admit(what)
        whose = await archive.whose(what.tenant, who)
        await archive.sweep_sometimes(what.tenant)
        open_ = await self._backend.read(what.tenant, lambda reader: reader.documents.uploads(what.tenant))
        if open_ >= archive.rules.uploads_max:
            raise QuotaExceeded(f"{open_} uploads of this tenant are under way: finish one, or end it")
        elsewhere = archive.elsewhere is not None
        until, parts = now_ms() + archive.rules.upload_ms, new_parts(what.id)
        upload = Upload(
            what.id, what.name, what.content_type, what.length, who.subject, parts, until, what.sha256, what.expires,
            elsewhere,
        )  # fmt: skip
        await self._backend.write(
            what.tenant, "document_begin", [(whose.number, parts, until, what.length if elsewhere else 0)]
        )
        await self._backend.write(what.tenant, "follower_begin", [(whose.number, id, 0)])
        try:
            await self._backend.ask(
                q.PutRecord(what.tenant, UPLOAD, id, upload.body(), 0), Who(who.subject, who.origin)
            )
        except BaseException:
            await archive.drop(whose, parts)
            raise
        if not what.length:
            return await self._finished(whose, id, upload)
        return Progress(id, 0, what.length, until)

    async def progress(self, tenant: str, id: str, by: str) -> Progress:
        """How far an upload of somebody is. Raises `NotFound` for none, and for one that is over."""
        whose, upload, offset = await self._read(tenant, id, by)
        if isinstance(upload, Document):
            return Progress(id, upload.size, upload.size, upload.expires, _document_of(id))
        if offset == upload.length:
            # Whoever had all of it ended before he could say so.
            return await self._finished(whose, id, upload)
        return Progress(id, offset, upload.length, upload.until)

    async def append(self, tenant: str, id: str, by: str, at: int, content: AsyncIterator[bytes]) -> Progress:
        """Takes the piece that begins at `at`; what came of one that breaks off is kept.

        Raises `WrongOffset`, `Held`, `NotFound`, and what speaks against the document when the piece is the last."""
        whose, upload, offset = await self._read(tenant, id, by)
        if isinstance(upload, Document) or offset != at:
            raise WrongOffset(f"the upload goes on at {offset}")
        owner = secrets.token_hex(8)
        await self._hold(whose, id, owner)
        try:
            following = await self._backend.read(tenant, lambda reader: reader.documents.progress(tenant, id))
            if following is None or following.owner != owner:
                raise Held("another connection sends a piece of this upload")
            if following.number != at:
                raise WrongOffset(f"the upload goes on at {following.number}")
            writing = _Writing(self._archive, whose, upload, (id, owner), at)
            await writing.take(content)
        except WrongType:
            await self._forget(whose, id, upload)
            raise
        finally:
            await asyncio.shield(self._backend.write(tenant, "follower_leave", [(whose.number, id, owner)]))
        if writing.offset == upload.length:
            return await self._finished(whose, id, upload)
        return Progress(id, writing.offset, upload.length, upload.until)

    async def end(self, tenant: str, id: str, by: str) -> None:
        """Gives an upload up. What became a document is deleted as one."""
        whose, upload, _ = await self._read(tenant, id, by)
        if isinstance(upload, Document):
            raise Conflict("the upload is finished: delete its document")
        await self._forget(whose, id, upload)

    async def _hold(self, whose: Whose, id: str, owner: str) -> None:
        now = now_ms()
        row = (whose.number, id, owner, now + HELD_MS, 0, now)
        await self._backend.write(whose.tenant, "follower_take", [row])

    async def _read(self, tenant: str, id: str, by: str) -> tuple[Whose, Upload | Document, int]:
        now = now_ms()
        number, upload, document, offset = await self._backend.read(tenant, lambda reader: _state(reader, tenant, id))
        if document is not None and document.by == by:
            return Whose(tenant, number), document, document.size
        # That it is somebody else's is nobody's business.
        if upload is None or upload.by != by or upload.until <= now:
            raise NotFound(f"no upload {id!r:.80}, or it is over")
        return Whose(tenant, number), upload, offset

    async def _finished(self, whose: Whose, id: str, upload: Upload) -> Progress:
        """Makes an upload that has all of its bytes a document: read once more, as they are kept."""
        archive = self._archive
        what = Arriving(
            *(whose.tenant, upload.document, upload.name, upload.content_type),
            *(upload.length, upload.expires, upload.sha256),
        )
        try:
            digest = await self._looked_at(whose, upload)
            who = Who(upload.by, "", f"upload-{id}")
            await archive.enter(what, whose, Kept(upload.parts, upload.length, digest, upload.elsewhere), who)
        except (WrongType, BadValue):
            await self._forget(whose, id, upload)
            raise
        await self._delete(whose, id)
        return Progress(id, upload.length, upload.length, upload.until, upload.document)

    async def _looked_at(self, whose: Whose, upload: Upload) -> str:
        look, digest = Look(upload.content_type), hashlib.sha256()
        shelf = self._archive.shelf(elsewhere=upload.elsewhere)
        if not upload.length:
            await shelf.put(whose, upload.parts, 0, b"")
        for part in range((upload.length + PART_BYTES - 1) // PART_BYTES):
            data = await shelf.get(whose, upload.parts, part)
            digest.update(data)
            look.at(data)
        look.end()
        return digest.hexdigest()

    async def _forget(self, whose: Whose, id: str, upload: Upload) -> None:
        await self._delete(whose, id)
        await self._archive.drop(whose, upload.parts)

    async def _delete(self, whose: Whose, id: str) -> None:
        with suppress(NotFound):  # another connection may have finished it, too
            await self._backend.ask(q.DeleteRecord(whose.tenant, UPLOAD, id), SYSTEM)
        await self._backend.write(whose.tenant, "follower_drop", [(whose.number, id)])


@final
class _Writing:
    """One piece as it comes."""

    def __init__(self, archive: Archive, whose: Whose, upload: Upload, held: tuple[str, str], at: int) -> None:
        self._backend = archive.backend
        self._shelf = archive.shelf(elsewhere=upload.elsewhere)
        self._whose = whose
        self._id, self._owner = held
        self._upload = upload
        self._buffer = bytearray()
        self.offset = at

    async def take(self, content: AsyncIterator[bytes]) -> None:
        """Keeps what comes, part by part; and what came when it breaks off."""
        upload = self._upload
        tail = self.offset % PART_BYTES
        if tail:
            data = await self._shelf.get(self._whose, upload.parts, self.offset // PART_BYTES)
            self._buffer += data[:tail]
        whole = self.offset - tail
        """Where the buffer begins."""
        try:
            async for chunk in content:
                if whole + len(self._buffer) + len(chunk) > upload.length:
                    raise BadValue(f"an upload of {upload.length} bytes has no more than these")
                self._buffer += chunk
                while len(self._buffer) >= PART_BYTES:
                    await self._keep(whole, PART_BYTES)
                    del self._buffer[:PART_BYTES]
                    whole += PART_BYTES
        finally:
            if self._buffer and whole + len(self._buffer) > self.offset:
                await asyncio.shield(self._keep(whole, len(self._buffer)))

    async def _keep(self, whole: int, size: int) -> None:
        upload, whose = self._upload, self._whose
        data = bytes(self._buffer[:size])
        if not whole and size >= min(BEGIN_BYTES, upload.length):
            look = Look(upload.content_type)
            look.at(data)
            if size == upload.length:
                look.end()
        await self._shelf.put(whose, upload.parts, whole // PART_BYTES, data)
        now = now_ms()
        row = (whose.number, self._id, self._owner, now + HELD_MS, 0, now)
        await self._backend.write(whose.tenant, "follower_take", [row])
        await self._backend.write(whose.tenant, "follower_moved", [(whole + size, whose.number, self._id, self._owner)])
        self.offset = whole + size


def _found(reader: Reader, tenant: str, id: str) -> Upload | None:
    record: Record | None = reader.records.find(tenant, UPLOAD, id)
    return record.read(Upload) if record is not None else None


def _state(reader: Reader, tenant: str, id: str) -> tuple[int, Upload | None, Document | None, int]:
    number = reader.views.tenant(tenant)
    if number is None:
        return 0, None, None, 0
    record = reader.records.find(tenant, KIND, _document_of(id))
    document = record.read(Document) if record is not None else None
    following = reader.documents.progress(tenant, id)
    return number, _found(reader, tenant, id), document, following.number if following is not None else 0


def _document_of(id: str) -> str:
    return f"doc_{id.removeprefix('upl_')}"
