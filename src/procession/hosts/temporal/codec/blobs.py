"""Where claims are kept: immutable blobs under the hash of their bytes, in a folder of files or an S3-compatible store.

A blob is never changed and never deleted here. How long they stay is a rule of the store (how long a workflow runs, and
how long its history is kept), one a tenant if need be: a tenant is a folder.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import tempfile
from collections.abc import Awaitable
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TypeVar, final
from urllib.parse import parse_qsl, unquote, urlsplit

import obstore
from obstore.exceptions import BaseError

from procession.hosts.temporal.codec.errors import BlobUnavailable, CodecError, NotAuthentic
from procession.hosts.temporal.codec.payloads import beside
from procession.hosts.temporal.ids import quoted
from procession.services.shelves.objects import OPTIONS, s3_store

if TYPE_CHECKING:
    from obstore.store import ObjectStore

BLOB_SECONDS: Final = 8.0
"""How long storing or fetching a blob may take, in seconds: the task of a workflow has ten."""
_Result = TypeVar("_Result")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class Blobs(Protocol):
    """A store of blobs. Both methods raise `BlobUnavailable` if it does not answer; asking again must be safe."""

    async def put(self, tenant: str, data: bytes, /) -> str:
        """Stores `data` durably, all of it or nothing, and gives its digest (SHA-256, 64 hexadecimal digits)."""
        ...

    async def get(self, tenant: str, digest: str, size: int, /) -> bytes:
        """The blob of `size` bytes with this digest. Raises `NotAuthentic` if it holds others."""
        ...


def blobs_at(url: str) -> Blobs:
    """The store at an address.

    `file:///folder`, or `s3://bucket/prefix?endpoint=https://host:9000&region=eu-central-1&virtual_hosted=false`, where
    all options may be left out. Credentials of S3 come from the environment (`AWS_ACCESS_KEY_ID` …). Raises
    `CodecError` for any other address.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and not parts.netloc and not parts.query and len(parts.path) > 1:
        return FileBlobs(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.hostname and "@" not in parts.netloc:
        options = dict(parse_qsl(parts.query))
        if options.keys() <= OPTIONS:
            return ObjectBlobs(s3_store(parts.netloc, unquote(parts.path).strip("/"), options, BLOB_SECONDS))
    # The address may hold a password where none belongs, so it is not repeated.
    raise CodecError(
        f"the address of the blob store ({parts.scheme or 'no scheme'}) is none that is known: file:///folder, or "
        f"s3://bucket/prefix with the options {', '.join(sorted(OPTIONS))}; credentials come from the environment"
    )


@final
class FileBlobs:
    """A `Blobs` in a folder that exists. A blob gets its name when all of it is on the disk: a crash leaves no half.

    Not obstore's store of files: that one does not wait for the disk, and a history would outlive what it claims.
    """

    __slots__ = ("_folder",)

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, tenant: str, data: bytes, /) -> str:
        """See `Blobs.put`."""
        digest = await beside(digest_of, data)
        await _answered(asyncio.to_thread(self._write, blob_path(tenant, digest), data), f"storing {digest}")
        return digest

    async def get(self, tenant: str, digest: str, size: int, /) -> bytes:
        """See `Blobs.get`."""
        path = self._folder / blob_path(tenant, digest)
        data = await _answered(asyncio.to_thread(_read, path, size), f"fetching {path}")
        return await _verified(data, digest, size)

    def _write(self, name: str, data: bytes) -> None:
        path = self._folder / name
        # The folder itself is not made: where it is missing, a disk is not mounted, and its place must stay empty.
        for folder in (path.parent.parent, path.parent):
            folder.mkdir(exist_ok=True, mode=0o700)
        descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".draft-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(draft).replace(path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
        # The names are on the disk when their folders are: the blob's, and those that were made for it.
        for folder in (path.parent, path.parent.parent, self._folder):
            _sync_folder(folder)


@final
class ObjectBlobs:
    """A `Blobs` in an object store of obstore (S3; its `MemoryStore` in tests)."""

    __slots__ = ("_store",)

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def put(self, tenant: str, data: bytes, /) -> str:
        """See `Blobs.put`. One request, so the object is there whole or not at all; the same again changes nothing."""
        digest = await beside(digest_of, data)
        stored = obstore.put_async(self._store, blob_path(tenant, digest), data, use_multipart=False)
        await _answered(stored, f"storing {digest}")
        return digest

    async def get(self, tenant: str, digest: str, size: int, /) -> bytes:
        """See `Blobs.get`."""
        path = blob_path(tenant, digest)
        return await _verified(await _answered(self._fetch(path, size), f"fetching {path}"), digest, size)

    async def _fetch(self, path: str, size: int) -> bytes:
        found = await obstore.get_async(self._store, path)
        if found.meta["size"] != size:
            raise NotAuthentic(f"the blob {path} has {found.meta['size']} bytes instead of {size}")
        return bytes(await found.bytes_async())


def blob_path(tenant: str, digest: str) -> str:
    """Where a blob lies below the store's root. Raises `NotAuthentic` for a digest that is none: it would be a path."""
    if not _DIGEST.fullmatch(digest):
        raise NotAuthentic(f"{digest!r:.80} is no digest of a blob")
    return f"{quoted(tenant)}/{digest[:2]}/{digest}"


def digest_of(data: bytes) -> str:
    """The name of a blob."""
    return hashlib.sha256(data).hexdigest()


async def _answered(answer: Awaitable[_Result], what: str) -> _Result:
    try:
        async with asyncio.timeout(BLOB_SECONDS):
            return await answer
    except FileNotFoundError:
        raise BlobUnavailable(f"{what}: not there. Was it deleted, or is this another store?") from None
    except TimeoutError:
        raise BlobUnavailable(f"{what}: no answer in {BLOB_SECONDS:g} s") from None
    except (BaseError, OSError, ValueError) as error:
        # The first line says what; the rest is how often it was tried.
        raise BlobUnavailable(f"{what}: {str(error).partition(chr(10))[0]:.300}") from None


async def _verified(data: bytes, digest: str, size: int) -> bytes:
    if len(data) != size or await beside(digest_of, data) != digest:
        raise NotAuthentic(f"the blob {digest} does not hold the {size} bytes that it is named after: it was altered")
    return data


def _read(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        return file.read(size + 1)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
