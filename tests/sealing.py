"""A cipher for tests of what is sealed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os

from procession.base.failure import Unreadable


class Cipher:
    """A stream cipher made of what the standard library has; for tests, not for secrets."""

    def __init__(self, key: bytes = b"k") -> None:
        self._key = key

    def seal(self, tenant: int, data: bytes) -> bytes:
        return self._closed(data, os.urandom(16))

    def open(self, tenant: int, data: bytes) -> bytes:
        nonce, tag, body = data[:16], data[16:32], data[32:]
        plain = self._stream(body, nonce)
        if not hmac.compare_digest(tag, self._tag(nonce + plain)):
            raise Unreadable("sealed with another key")
        return plain

    def seal_text(self, tenant: int, text: str) -> str:
        return base64.urlsafe_b64encode(self._closed(text.encode(), self._tag(text.encode()))).decode()

    def open_text(self, tenant: int, text: str) -> str:
        return self.open(tenant, base64.urlsafe_b64decode(text)).decode()

    def _closed(self, data: bytes, nonce: bytes) -> bytes:
        return nonce + self._tag(nonce + data) + self._stream(data, nonce)

    def _tag(self, data: bytes) -> bytes:
        return hmac.digest(self._key, data, "sha256")[:16]

    def _stream(self, data: bytes, nonce: bytes) -> bytes:
        blocks = (hashlib.sha256(self._key + nonce + n.to_bytes(8, "big")).digest() for n in range(len(data) // 32 + 1))
        return bytes(a ^ b for a, b in zip(data, b"".join(blocks), strict=False))
