"""The shelf in the store itself: parts are rows, sealed like everything else, deleted with their tenant."""

from __future__ import annotations

from functools import partial
from typing import final

from procession.runtime import codec
from procession.services.backend import Backend
from procession.services.reading import Reader
from procession.services.shelves.shelf import Whose


@final
class StoreShelf:
    """See `Shelf`."""

    __slots__ = ("_backend",)

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def put(self, whose: Whose, parts: str, number: int, data: bytes, /) -> None:
        """See `Shelf.put`."""
        await self._backend.write(
            whose.tenant, "document_part", [(whose.number, parts, number, codec.wrap(bytes(data)))]
        )

    async def get(self, whose: Whose, parts: str, number: int, /) -> bytes:
        """See `Shelf.get`."""
        return await self._backend.read(whose.tenant, partial(_part, whose.tenant, parts, number))

    async def drop(self, whose: Whose, parts: str, /) -> None:
        """See `Shelf.drop`."""
        await self._backend.write(whose.tenant, "document_parts_drop", [(whose.number, parts)])

    async def drop_tenant(self, whose: Whose, /) -> None:
        """See `Shelf.drop_tenant`. Rows of a tenant go with it: nothing is left to do."""

    async def trouble(self) -> str:
        """See `Shelf.trouble`. The store has a check of its own."""
        return ""


def _part(tenant: str, parts: str, number: int, reader: Reader) -> bytes:
    return reader.documents.part(tenant, parts, number)
