"""Deleting a tenant for good: its rows in portions, then its keys, then a word about it in the platform's own log."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol, cast, final

import msgspec

from procession.base.decoding import taken
from procession.base.failure import BadValue
from procession.base.values import Json
from procession.runtime.ports import Store
from procession.runtime.requests import AddTenant, ForgetTenant, PutRecord, TenantForgotten
from procession.services.backend import PLATFORM, Backend, Who
from procession.services.shelves.shelf import Shelf, Whose

KIND: Final = "deleted-tenant"
"""The kind of the platform's record that says who was deleted and by whom; the id is the tenant's name."""


class Keys(Protocol):
    """Keys of tenants by number, where a store is sealed (store.keyring)."""

    def rotate(self, tenant: int) -> int:
        """A new key seals from now on; gives its generation."""
        ...

    def rewrap_all(self) -> int:
        """Wraps every key anew with the active master key; how many."""
        ...

    def seal(self, tenant: int, data: bytes, /) -> bytes:
        """See `store.sealed.Cipher`: for what is kept beside the store."""
        ...

    def open(self, tenant: int, data: bytes, /) -> bytes:
        """See `store.sealed.Cipher`."""
        ...

    def destroy(self, tenant: int) -> None:
        """Nothing that was sealed for the tenant can be read any more."""
        ...


def scrub(store: Store) -> bool:
    """Takes what was deleted out of the file as well, where the store is a file; False where it is none.

    Where tenants have keys of their own that is not needed: what is left in free pages, nobody can read."""
    from procession.store.sealed import SealedStore
    from procession.store.sqlite import SQLiteStore

    inner = store.inner if isinstance(store, SealedStore) else store
    if isinstance(inner, SQLiteStore):
        inner.scrub()
        return True
    return False


@final
class Deleted(msgspec.Struct, frozen=True, gc=False):
    """A tenant that is gone. `rows` at least were deleted; `shredded` says that it had keys, which are destroyed."""

    tenant: str
    rows: int
    shredded: bool


async def delete_tenant(
    backend: Backend, tenant: str, who: Who, keys: Keys | None = None, shelf: Shelf | None = None
) -> Deleted:
    """Deletes a tenant: it can start and ask nothing from the first portion on. Asked again, it goes on.

    `shelf`: where bytes of its documents are, beside the store.

    Raises `NotFound` for nobody, `BadValue` for what is no tenant of anybody, `Conflict` while instances of it run on
    another host.
    """
    if tenant.startswith("<"):
        raise BadValue(f"{tenant} belongs to the server and cannot be deleted")
    asks = Who(who.subject, who.origin)
    await backend.ask(AddTenant(PLATFORM), asks)
    rows, after = 0, 0
    while True:
        found = await backend.ask(ForgetTenant(tenant, after), asks)
        portion = taken(found, TenantForgotten)
        rows, after = rows + portion.rows, portion.after
        if not portion.left:
            break
    if shelf is not None:
        await shelf.drop_tenant(Whose(tenant, portion.number))
    if shelf is not None:
        await shelf.drop_tenant(Whose(tenant, portion.number))
    if keys is not None:
        await asyncio.to_thread(keys.destroy, portion.number)
    body = cast("Json", {"by": who.subject, "rows": rows, "shredded": keys is not None})
    await backend.ask(PutRecord(PLATFORM, KIND, tenant, body), asks)
    return Deleted(tenant, rows, keys is not None)
