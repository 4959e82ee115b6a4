"""API keys: their text, what is kept of them, and whether one holds. No store, no transport, no clock.

What is kept of a secret is its SHA-256. A slow hash is for secrets that people choose; these are 256 random bits, which
nobody finds by trying, and each request is checked.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import zlib
from typing import Final, final

import msgspec

from procession.services.access import Grant

PREFIX: Final = "prc"
DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ID_LENGTH: Final = 12
SECRET_LENGTH: Final = 43
"""256 bits, in base 62."""
CHECK_LENGTH: Final = 6
TENANT_BYTES_MAX: Final = 255
TEXT_MAX: Final = 500
"""Longest text of a key, in characters."""
KIND: Final = "key"
"""The kind of the record that a key is."""
USED: Final = "key-used"
"""The kind of the record that says when a key was used last."""
_MARK: Final = b"\x01"
"""Stands before a tenant's name, so that it is a number."""


@final
class Key(msgspec.Struct, frozen=True):
    """The parts of a key's text. `tenant` is a name."""

    tenant: str
    id: str
    secret: str


@final
class Secret(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is kept of a secret. It holds until `until` (Unix ms, 0: as long as the key)."""

    digest: str
    until: int = 0


@final
class KeyBody(msgspec.Struct, frozen=True):
    """What is kept of a key. Times in Unix ms; `expires` 0 is never. The newest secret stands first."""

    name: str
    grant: Grant
    secrets: tuple[Secret, ...]
    created: int
    creator: str
    expires: int = 0
    service: str = ""
    """The service account that it belongs to."""


def text_of(key: Key) -> str:
    """The text that is shown once. Its last digits are a checksum, by which a scanner knows a key that leaked."""
    said = f"{PREFIX}_{_digits(_MARK + key.tenant.encode())}_{key.id}_{key.secret}"
    return said + _check(said)


def parsed(text: str) -> Key | None:
    """The parts of a key's text; None for what is none."""
    parts = text.split("_")
    if len(text) > TEXT_MAX or len(parts) != 4 or parts[0] != PREFIX:
        return None
    _, place, id, secret = parts
    if len(id) != ID_LENGTH or len(secret) != SECRET_LENGTH + CHECK_LENGTH or not _is_digits(place + id + secret):
        return None
    if _check(text[:-CHECK_LENGTH]) != text[-CHECK_LENGTH:]:
        return None
    tenant = _named(place)
    return None if tenant is None else Key(tenant, id, secret[:SECRET_LENGTH])


def new_id(seed: str = "") -> str:
    """An id of a key: by chance, or always the same one of a seed."""
    chosen = hashlib.sha256(seed.encode()).digest() if seed else secrets.token_bytes(32)
    return _digits(chosen)[:ID_LENGTH].rjust(ID_LENGTH, "0")


def new_secret() -> str:
    """256 bits by chance."""
    return _digits(secrets.token_bytes(32)).rjust(SECRET_LENGTH, "0")


def digest_of(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


_NO_KEY: Final = (Secret(digest_of("")),)


def holds(body: KeyBody | None, secret: str, now: int) -> bool:
    """Whether a secret is one of the key's at a time (Unix ms). For a key that is not there it takes as long."""
    presented = digest_of(secret)
    found = False
    for kept in body.secrets if body is not None else _NO_KEY:
        same = hmac.compare_digest(kept.digest, presented)
        found |= same and (not kept.until or now < kept.until)
    return found and body is not None


def rotated(body: KeyBody, secret: str, until: int) -> KeyBody:
    """The key with a new secret; the present one holds until a time (Unix ms; 0: no longer), and older ones no more."""
    old = (Secret(body.secrets[0].digest, until),) if until else ()
    return msgspec.structs.replace(body, secrets=(Secret(digest_of(secret)), *old))


def _check(text: str) -> str:
    return _digits(zlib.crc32(text.encode()).to_bytes(4, "big")).rjust(CHECK_LENGTH, "0")


def _digits(data: bytes) -> str:
    number = int.from_bytes(data, "big")
    found: list[str] = []
    while number:
        number, digit = divmod(number, 62)
        found.append(DIGITS[digit])
    return "".join(reversed(found))


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isalnum()


def _named(place: str) -> str | None:
    number = 0
    for digit in place:
        number = number * 62 + DIGITS.index(digit)
    data = number.to_bytes((number.bit_length() + 7) // 8, "big")
    if data[:1] != _MARK or len(data) > TENANT_BYTES_MAX + 1:
        return None
    try:
        return data[1:].decode()
    except UnicodeDecodeError:
        return None
