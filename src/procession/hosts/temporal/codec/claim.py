"""The third stage: large payloads stay in a blob store, and the history holds a claim: the hash and the size."""

from __future__ import annotations

from typing import Final, final

import msgspec
from temporalio.api.common.v1 import Payload

from procession.base.decoding import known
from procession.base.failure import BadValue
from procession.hosts.temporal.codec.blobs import Blobs
from procession.hosts.temporal.codec.errors import NotAuthentic, PayloadTooLarge
from procession.hosts.temporal.codec.payloads import CLAIM, ENCODING, WORKFLOW, encoding, parsed, text_of
from procession.hosts.temporal.ids import tenant_of

_CLAIM_BYTES_MAX: Final = 1024


class Claim(msgspec.Struct, frozen=True):
    """What a history holds instead of a payload: the SHA-256 and the number of bytes of the blob."""

    sha256: str
    size: int


@final
class ClaimCheck:
    """Stores payloads of `over_bytes` and more. A claim is no secret; the blob is what the stage before made."""

    __slots__ = ("_blobs", "_bytes_max", "_over_bytes")

    def __init__(self, blobs: Blobs, over_bytes: int, bytes_max: int) -> None:
        self._blobs = blobs
        self._over_bytes = over_bytes
        self._bytes_max = bytes_max

    async def seal(self, payload: Payload, workflow: str) -> Payload:
        """The payload, or its claim once the blob is stored."""
        if payload.ByteSize() < self._over_bytes and encoding(payload) != CLAIM:
            return payload
        data = payload.SerializeToString()
        claim = Claim(await self._blobs.put(tenant_of(workflow), data), len(data))
        made = Payload(metadata={ENCODING: CLAIM, WORKFLOW: workflow.encode()}, data=msgspec.json.encode(claim))
        # The server counts what lies outside, and the user interface offers to download it.
        made.external_payloads.add(size_bytes=len(data))
        return made

    async def open(self, payload: Payload, workflow: str) -> Payload:
        """The payload that is claimed. Raises `BlobUnavailable`, or `NotAuthentic` if the blob is another."""
        said = text_of(payload, WORKFLOW)
        if said != workflow:
            raise NotAuthentic(f"a claim of workflow {said!r:.300} came to workflow {workflow!r}")
        claim = _read(payload, workflow)
        if claim.size > self._bytes_max:
            raise PayloadTooLarge(
                f"a claim of workflow {workflow!r} is for {claim.size} bytes; the limit is {self._bytes_max}"
            )
        try:
            tenant = tenant_of(workflow)
        except BadValue as error:
            raise NotAuthentic(str(error)) from None
        opened = parsed(await self._blobs.get(tenant, claim.sha256, claim.size))
        if encoding(opened) == CLAIM:
            raise NotAuthentic(f"a claim of workflow {workflow!r} leads to another claim")
        return opened


def _read(payload: Payload, workflow: str) -> Claim:
    if len(payload.data) <= _CLAIM_BYTES_MAX:
        try:
            claim = msgspec.json.decode(payload.data, type=known(Claim))
        except msgspec.MsgspecError:
            claim = None
        if claim is not None and claim.size >= 0:
            return claim
    raise NotAuthentic(f"a claim of workflow {workflow!r} cannot be read")
