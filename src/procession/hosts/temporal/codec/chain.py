"""The stages in their order (compress, encrypt, claim) and back, for payloads of one workflow. No SDK context here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeAlias, final

from temporalio.api.common.v1 import Payload

from procession.base.failure import BadValue
from procession.hosts.temporal.codec.blobs import Blobs, blobs_at
from procession.hosts.temporal.codec.claim import ClaimCheck
from procession.hosts.temporal.codec.compress import Compression
from procession.hosts.temporal.codec.config import CodecConfig
from procession.hosts.temporal.codec.encrypt import Encryption
from procession.hosts.temporal.codec.errors import CodecError, NotAuthentic, NoTenant, PayloadTooLarge
from procession.hosts.temporal.codec.keys import FileKeyring, Keyring
from procession.hosts.temporal.codec.payloads import CLAIM, SEALED, WORKFLOW, binding, encoding, text_of
from procession.hosts.temporal.ids import tenant_of

_Work: TypeAlias = Callable[[Payload], Awaitable[Payload]]
_AROUND_BYTES: Final = 1024
"""What sealing adds to a payload at most, in bytes: metadata, nonce, tag."""


@final
class Chain:
    """What a configuration does with payloads. Safe to share between workflows, clients and loops."""

    __slots__ = (
        "_accept_plain",
        "_bytes_max",
        "_claim",
        "_claim_over_bytes",
        "_compression",
        "_concurrency_max",
        "_encrypt",
        "_encryption",
    )

    def __init__(self, config: CodecConfig, keyring: Keyring | None = None, blobs: Blobs | None = None) -> None:
        """`keyring` and `blobs` take the place of what `config` names. Raises `CodecError` if no key is configured and
        `config` does not say that nothing is to be encrypted, and `KeyUnavailable` for a file of keys that is no such.
        """
        if keyring is None and config.key_file:
            keyring = FileKeyring(config.key_file)
        if config.encrypt and keyring is None:
            raise CodecError("no keys: name a key_file, give a keyring, or say encrypt = false")
        if blobs is None and config.blob_url:
            blobs = blobs_at(config.blob_url)
        largest = config.payload_bytes_max
        self._accept_plain = config.accept_plain or not config.encrypt
        self._bytes_max = largest
        self._claim_over_bytes = config.claim_over_bytes
        self._concurrency_max = config.concurrency_max
        # What was once compressed, sealed or claimed is opened, whatever is done with new payloads.
        over = config.compress_over_bytes
        self._compression = Compression(largest + 1 if over is None else over, largest)
        self._encrypt = config.encrypt
        self._encryption = Encryption(keyring) if keyring is not None else None
        self._claim = ClaimCheck(blobs, config.claim_over_bytes, largest + _AROUND_BYTES) if blobs is not None else None

    async def seal(self, workflow_id: str, payloads: Iterable[Payload]) -> list[Payload]:
        """The payloads, sealed for a workflow.

        Raises `NoTenant` for an id without a tenant, `PayloadTooLarge`, `KeyUnavailable`, `BlobUnavailable`: always a
        `CodecError`, whatever a keyring or a store raised.
        """
        workflow = binding(workflow_id)
        try:
            tenant_of(workflow)
        except BadValue as error:
            raise NoTenant(str(error)) from None
        return await self._each(payloads, lambda payload: self._seal(payload, workflow), self._is_large)

    async def open(self, workflow_id: str, payloads: Iterable[Payload]) -> list[Payload]:
        """The payloads as they were before `seal` for this workflow. Raises `CodecError` and its kinds."""
        workflow = binding(workflow_id)
        return await self._each(payloads, lambda payload: self._open(payload, workflow), is_claim)

    def _is_large(self, payload: Payload) -> bool:
        return payload.ByteSize() >= self._claim_over_bytes

    async def expand(self, payload: Payload) -> Payload:
        """A payload that is only compressed, as it was; any other one unchanged. Raises `NotAuthentic` and the like."""
        return await self._compression.open(payload)

    async def _seal(self, payload: Payload, workflow: str) -> Payload:
        size = payload.ByteSize()
        if size > self._bytes_max:
            raise PayloadTooLarge(
                f"a payload of workflow {workflow!r} has {size} bytes; the limit is {self._bytes_max} "
                "(payload_bytes_max)"
            )
        payload = await self._compression.seal(payload)
        if self._encrypt and self._encryption is not None:
            payload = await self._encryption.seal(payload, workflow)
        if self._claim is not None:
            payload = await self._claim.seal(payload, workflow)
        return payload

    async def _open(self, payload: Payload, workflow: str) -> Payload:
        if encoding(payload) == CLAIM:
            if self._claim is None:
                raise CodecError(f"workflow {workflow!r} has payloads in a blob store: configure its blob_url")
            payload = await self._claim.open(payload, workflow)
        if encoding(payload) == SEALED:
            if self._encryption is None:
                raise CodecError(f"workflow {workflow!r} has encrypted payloads: configure their keys")
            payload = await self._encryption.open(payload, workflow)
        elif not self._accept_plain:
            raise NotAuthentic(
                f"a payload that came to workflow {workflow!r} is not encrypted: seal it, or allow accept_plain"
            )
        return await self._compression.open(payload)

    async def _each(self, payloads: Iterable[Payload], work: _Work, waits: Callable[[Payload], bool]) -> list[Payload]:
        """`work` on each payload, in order; beside each other where one has to wait for the blob store."""
        given = list(payloads)
        try:
            if len(given) == 1 or self._claim is None or not any(map(waits, given)):
                return [await work(payload) for payload in given]
            return await self._beside(given, work)
        except CodecError:
            raise
        except Exception as error:
            # An error of the SDK that came out of a keyring or a store could end the workflow; this one cannot.
            raise CodecError(f"a payload could not be sealed or opened: {type(error).__name__}") from error

    async def _beside(self, payloads: list[Payload], work: _Work) -> list[Payload]:
        room = asyncio.Semaphore(self._concurrency_max)

        async def within(payload: Payload) -> Payload:
            async with room:
                return await work(payload)

        tasks = [asyncio.ensure_future(within(payload)) for payload in payloads]
        try:
            return await asyncio.gather(*tasks)
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise


def workflow_of(payload: Payload) -> str | None:
    """The workflow that a sealed payload or a claim says it belongs to; None for any other payload.

    Nothing has checked it. `Chain.open` with it does, because the seal covers it.
    """
    if encoding(payload) not in {SEALED, CLAIM}:
        return None
    try:
        return text_of(payload, WORKFLOW)
    except NotAuthentic:
        return None


def is_claim(payload: Payload) -> bool:
    """Whether the payload itself lies in a blob store."""
    return encoding(payload) == CLAIM
