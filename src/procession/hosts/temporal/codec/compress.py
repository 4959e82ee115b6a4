"""The first stage: payloads made smaller with zstd. What does not become smaller stays as it is."""

from __future__ import annotations

import threading
from typing import Final, final

import zstandard
from temporalio.api.common.v1 import Payload

from procession.hosts.temporal.codec.errors import NotAuthentic, PayloadTooLarge
from procession.hosts.temporal.codec.payloads import ENCODING, ZSTD, beside, encoding, parsed

_LEVEL: Final = 3
"""Zstd's default: at 2 KB as fast as level 1, and smaller."""


@final
class Compression:
    """Compresses payloads of `over_bytes` and more, and never opens one to more than `bytes_max`."""

    __slots__ = ("_bytes_max", "_local", "_over_bytes")

    def __init__(self, over_bytes: int, bytes_max: int) -> None:
        self._over_bytes = over_bytes
        self._bytes_max = bytes_max
        # Making a context costs three times what it does with 2 KB, and none may be used by two threads at once.
        self._local = threading.local()

    async def seal(self, payload: Payload) -> Payload:
        """The payload, compressed where that helps."""
        size = payload.ByteSize()
        # A payload that looks compressed already is wrapped all the same, or opening it would open one layer too many.
        wrapped = encoding(payload) == ZSTD
        if size < self._over_bytes and not wrapped:
            return payload
        data = await beside(self._compressed, payload.SerializeToString())
        if len(data) >= size and not wrapped:
            return payload
        return Payload(metadata={ENCODING: ZSTD}, data=data)

    async def open(self, payload: Payload) -> Payload:
        """The payload as it was. Raises `NotAuthentic` for what is no zstd, `PayloadTooLarge` for a bomb."""
        if encoding(payload) != ZSTD:
            return payload
        return parsed(await beside(self._decompressed, payload.data))

    def _compressed(self, data: bytes) -> bytes:
        found: zstandard.ZstdCompressor | None = getattr(self._local, "compressor", None)
        if found is None:
            found = self._local.compressor = zstandard.ZstdCompressor(level=_LEVEL)
        return found.compress(data)

    def _decompressed(self, data: bytes) -> bytes:
        found: zstandard.ZstdDecompressor | None = getattr(self._local, "decompressor", None)
        if found is None:
            found = self._local.decompressor = zstandard.ZstdDecompressor()
        try:
            # The buffer is made as large as the frame says, so what it says comes first; -1 is a frame that does not.
            size = zstandard.frame_content_size(data)
            if size < 0:
                raise NotAuthentic("a compressed payload does not say its size: no codec of Procession wrote it")
            if size > self._bytes_max:
                raise PayloadTooLarge(
                    f"a compressed payload would become {size} bytes; the limit is {self._bytes_max} "
                    "(payload_bytes_max)"
                )
            return found.decompress(data, max_output_size=size, allow_extra_data=False)
        except zstandard.ZstdError as error:
            raise NotAuthentic(f"a compressed payload is damaged: {error}") from None
