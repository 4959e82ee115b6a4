"""What the tests of the codec share: keys, chains, payloads, and a blob store that can be stopped and spoiled."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Coroutine
from typing import Final, TypeVar

from obstore.store import MemoryStore
from temporalio.api.common.v1 import Payload

from procession.hosts.temporal.codec import (
    BlobUnavailable,
    Chain,
    CodecConfig,
    KeyFile,
    Keyring,
    KeySet,
    ObjectBlobs,
    StaticKeyring,
)

_Result = TypeVar("_Result")

ALL: Final = CodecConfig(compress_over_bytes=0, claim_over_bytes=0)
"""Every stage, for every payload."""


def secret(name: str) -> str:
    """A key in Base64, always the same for a name."""
    return base64.b64encode(hashlib.sha256(name.encode()).digest()).decode()


def keys(active: str = "k1", *others: str) -> KeySet:
    """Keys with these ids; the first one seals."""
    return KeySet(active, {name: secret(name) for name in (active, *others)})


def ring(**tenants: KeySet) -> StaticKeyring:
    """A keyring of tenants and their keys; without any, of acme and globex, whose keys have the same id."""
    return StaticKeyring(KeyFile(tenants or {"acme": keys(), "globex": KeySet("k1", {"k1": secret("globex")})}))


def payload(data: bytes = b'{"amount":12}', encoding: bytes = b"json/plain") -> Payload:
    """A payload as a converter makes it."""
    return Payload(metadata={"encoding": encoding}, data=data)


def run(coroutine: Coroutine[object, object, _Result]) -> _Result:
    """The result of a coroutine."""
    return asyncio.run(coroutine)


def chain(config: CodecConfig = ALL, keyring: Keyring | None = None, blobs: StoppableBlobs | None = None) -> Chain:
    """A chain of all stages with blobs in memory."""
    return Chain(config, keyring or ring(), blobs or StoppableBlobs())


class StoppableBlobs:
    """Blobs in memory. `down` is a store that does not answer."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.down = False
        self.stored: list[str] = []
        self._inner = ObjectBlobs(self.store)

    async def put(self, tenant: str, data: bytes, /) -> str:
        """See `Blobs.put`."""
        self._answer()
        digest = await self._inner.put(tenant, data)
        self.stored.append(digest)
        return digest

    async def get(self, tenant: str, digest: str, size: int, /) -> bytes:
        """See `Blobs.get`."""
        self._answer()
        return await self._inner.get(tenant, digest, size)

    def _answer(self) -> None:
        if self.down:
            raise BlobUnavailable("the store is down")
