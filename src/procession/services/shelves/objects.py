"""The shelf in an object store (S3 and what speaks like it): `prefix/tenant/parts/number`, an object a part."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast, final

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from procession.base.failure import StoreError, Unreadable
from procession.services.shelves.shelf import Whose, checked, folder_of

if TYPE_CHECKING:
    from obstore.store import ObjectStore, S3Config

_T = TypeVar("_T")

PATIENCE_S: Final = 20.0
"""How long one request may take, with what is tried again."""
DROPPED_AT_ONCE: Final = 500
OPTIONS: Final = frozenset({"endpoint", "region", "virtual_hosted"})


@final
class ObjectShelf:
    """See `Shelf`."""

    __slots__ = ("_store",)

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def put(self, whose: Whose, parts: str, number: int, data: bytes, /) -> None:
        """See `Shelf.put`. One request: the object is there whole or not at all."""
        await _answered(obstore.put_async(self._store, _path(whose, parts, number), bytes(data), use_multipart=False))

    async def get(self, whose: Whose, parts: str, number: int, /) -> bytes:
        """See `Shelf.get`."""
        return await _answered(self._fetch(_path(whose, parts, number)))

    async def drop(self, whose: Whose, parts: str, /) -> None:
        """See `Shelf.drop`."""
        await self._drop(f"{folder_of(whose.tenant)}/{checked(parts)}")

    async def drop_tenant(self, whose: Whose, /) -> None:
        """See `Shelf.drop_tenant`."""
        await self._drop(folder_of(whose.tenant))

    async def trouble(self) -> str:
        """See `Shelf.trouble`."""
        try:
            async with asyncio.timeout(2):
                await _answered(self._listed("0-nothing"))
        except (StoreError, TimeoutError):
            return "the object store of the documents does not answer"
        return ""

    async def _fetch(self, path: str) -> bytes:
        found = await obstore.get_async(self._store, path)
        return bytes(await found.bytes_async())

    async def _drop(self, prefix: str) -> None:
        while paths := await _answered(self._listed(prefix)):
            await _answered(obstore.delete_async(self._store, paths))

    async def _listed(self, prefix: str) -> list[str]:
        async for page in cast("Any", obstore).list(self._store, prefix, chunk_size=DROPPED_AT_ONCE):
            return [str(each["path"]) for each in page]
        return []


def s3_store(bucket: str, prefix: str, options: dict[str, str], within_s: float = PATIENCE_S) -> ObjectStore:
    """A bucket. Credentials come from the environment (`AWS_ACCESS_KEY_ID` …)."""
    config: dict[str, object] = {"virtual_hosted_style_request": options.get("virtual_hosted", "false") == "true"}
    config |= {name: options[name] for name in ("endpoint", "region") if name in options}
    return S3Store(
        bucket,
        prefix=prefix or None,
        config=cast("S3Config", config),
        client_options={
            "allow_http": options.get("endpoint", "").startswith("http://"),
            "connect_timeout": "2s",
            "timeout": f"{within_s - 2:g}s",
        },
        # More tries than these would only use up the time of who waits.
        retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=within_s - 2)},
    )


def _path(whose: Whose, parts: str, number: int) -> str:
    return f"{folder_of(whose.tenant)}/{checked(parts)}/{number:06d}"


async def _answered(answer: Awaitable[_T]) -> _T:
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await answer
    except FileNotFoundError:
        raise Unreadable("a part of a document is missing") from None
    except (BaseError, OSError, ValueError) as error:
        told = str(error).partition("\n")[0][:300]
        raise StoreError(f"the object store of the documents cannot be used: {told}") from error
