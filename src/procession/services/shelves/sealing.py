"""What seals parts before they leave the process: with the keys of their tenant, for their place.

Where tenants have no keys, parts are as they are; but one that was moved to another place is not believed either way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias, final

from procession.base.failure import Unreadable
from procession.services.shelves.shelf import Shelf, Whose, folder_of


class Seals(Protocol):
    """Keys of tenants by number (`store.sealed.Cipher`)."""

    def seal(self, tenant: int, data: bytes, /) -> bytes: ...

    def open(self, tenant: int, data: bytes, /) -> bytes: ...


SealsOf: TypeAlias = Callable[[str], Awaitable[Seals | None]]
"""Gives the keys of the store in which a tenant lives; None where that is not sealed."""


@final
class SealedShelf:
    """A `Shelf` before another one."""

    __slots__ = ("_inner", "_seals")

    def __init__(self, inner: Shelf, seals: SealsOf) -> None:
        self._inner = inner
        self._seals = seals

    async def put(self, whose: Whose, parts: str, number: int, data: bytes, /) -> None:
        """See `Shelf.put`."""
        placed = _place(whose, parts, number) + data
        seals = await self._seals(whose.tenant)
        if seals is not None:
            placed = await asyncio.to_thread(seals.seal, whose.number, placed)
        await self._inner.put(whose, parts, number, placed)

    async def get(self, whose: Whose, parts: str, number: int, /) -> bytes:
        """See `Shelf.get`."""
        placed = await self._inner.get(whose, parts, number)
        seals = await self._seals(whose.tenant)
        if seals is not None:
            placed = await asyncio.to_thread(seals.open, whose.number, placed)
        place = _place(whose, parts, number)
        if not placed.startswith(place):
            raise Unreadable("a part of a document is not what was put there")
        return placed[len(place) :]

    async def drop(self, whose: Whose, parts: str, /) -> None:
        """See `Shelf.drop`."""
        await self._inner.drop(whose, parts)

    async def drop_tenant(self, whose: Whose, /) -> None:
        """See `Shelf.drop_tenant`."""
        await self._inner.drop_tenant(whose)

    async def trouble(self) -> str:
        """See `Shelf.trouble`."""
        return await self._inner.trouble()


def _place(whose: Whose, parts: str, number: int) -> bytes:
    return f"procession part {folder_of(whose.tenant)}/{parts}/{number}\n".encode()
