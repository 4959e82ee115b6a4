"""The server's documents of a tenant (keys, members, webhooks, settings): reading. They are written by requests."""

from __future__ import annotations

from typing import TypeVar, final

import msgspec

from procession.base.decoding import known
from procession.base.failure import NotFound, Unreadable
from procession.base.values import Json
from procession.runtime import codec
from procession.runtime.ports import Reads
from procession.runtime.rows import RecordRow
from procession.services.views import LIMIT, Views

_T = TypeVar("_T")


@final
class Record(msgspec.Struct, frozen=True, gc=False):
    """A document. `version` rises with every change, `at` is when it was written or seen last (Unix ms)."""

    id: str
    version: int
    at: int
    body: Json

    def read(self, kind: type[_T]) -> _T:
        """The document as a struct. Raises `Unreadable` for one that is none of this kind."""
        try:
            return msgspec.convert(self.body, known(kind))
        except msgspec.ValidationError as error:
            raise Unreadable(f"the store holds a document that this version cannot read: {error}") from None


@final
class Records:
    """Reading the documents of one store."""

    __slots__ = ("_store", "_views")

    def __init__(self, store: Reads, views: Views) -> None:
        self._store = store
        self._views = views

    def find(self, tenant: str, kind: str, id: str) -> Record | None:
        """A document; None for one that is not there, or of a tenant that is not."""
        rows = self._store.read("record", (self._views.tenant(tenant), kind, id), RecordRow)
        return _record(rows[0]) if rows else None

    def one(self, tenant: str, kind: str, id: str) -> Record:
        """A document; raises `NotFound`."""
        found = self.find(tenant, kind, id)
        if found is None:
            raise NotFound(f"no {kind} {id!r:.80}")
        return found

    def listed(self, tenant: str, kind: str, after: str = "", limit: int = LIMIT) -> list[Record]:
        """Documents of a kind, by id, behind the id `after`."""
        rows = self._store.read("records", (self._views.tenant(tenant), kind, after, limit), RecordRow)
        return [_record(row) for row in rows]


def _record(row: RecordRow) -> Record:
    return Record(row.id, row.version, row.at, codec.decode_json(row.body))
