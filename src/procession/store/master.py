"""Master keys: what wraps the data keys of tenants where there is no key management service.

They stand in a file of their own that nobody else may read, or in one environment variable. One is active; the others
still unwrap, until everything is wrapped anew (`TenantKeys.rewrap_all`) and they are taken away.
"""

from __future__ import annotations

import base64
import binascii
import os
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final, final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from procession.base.decoding import known
from procession.base.failure import BadValue, Unreadable

MASTER_BYTES: Final = 32
ID_BYTES_MAX: Final = 100
_NONCE_BYTES: Final = 12


class _File(msgspec.Struct, forbid_unknown_fields=True):
    active: str
    keys: dict[str, str]


@final
class MasterKeys:
    """A `keyring.KeyService` of keys that this process has."""

    __slots__ = ("_active", "_keys")

    def __init__(self, keys: Mapping[str, bytes], active: str) -> None:
        """`keys`: id -> 32 bytes. Raises `BadValue` for what is none, and when the active one is missing."""
        for id, key in keys.items():
            if not 0 < len(id.encode()) <= ID_BYTES_MAX:
                raise BadValue(f"a master key's id has 1 to {ID_BYTES_MAX} bytes")
            if len(key) != MASTER_BYTES:
                raise BadValue(f"the master key {id!r} has {len(key)} bytes; it must have {MASTER_BYTES}")
        if active not in keys:
            raise BadValue(f"the active master key {active!r} is not among the keys")
        self._keys = {id: AESGCM(key) for id, key in keys.items()}
        self._active = active

    def __repr__(self) -> str:
        return f"MasterKeys(active={self._active!r})"

    def wrap(self, tenant: int, secret: bytes, /) -> bytes:
        """See `KeyService.wrap`."""
        id = self._active.encode()
        head = bytes([len(id)]) + id
        nonce = os.urandom(_NONCE_BYTES)
        return head + nonce + self._keys[self._active].encrypt(nonce, secret, head + _place(tenant))

    def unwrap(self, tenant: int, wrapped: bytes, /) -> bytes:
        """See `KeyService.unwrap`."""
        size = 1 + wrapped[0] if wrapped else 0
        head, nonce, body = wrapped[:size], wrapped[size : size + _NONCE_BYTES], wrapped[size + _NONCE_BYTES :]
        id = head[1:].decode(errors="replace")
        key = self._keys.get(id)
        if key is None:
            raise Unreadable(f"the keys of tenant {tenant} are wrapped with the master key {id!r}, which is not here")
        try:
            return key.decrypt(nonce, body, head + _place(tenant))
        except (InvalidTag, ValueError):
            raise Unreadable(f"the keys of tenant {tenant} are not wrapped with this master key {id!r}") from None

    def destroy(self, tenant: int, /) -> None:
        """See `KeyService.destroy`. One master key wraps all: the wrapped ones are what has to go."""


def master_from_text(text: str, id: str = "environment") -> MasterKeys:
    """One master key in Base64. Raises `BadValue`, which never shows it."""
    return MasterKeys({id: _key(id, text)}, id)


def master_from_file(path: Path) -> MasterKeys:
    """The keys of a TOML file: `active = "id"`, and under `[keys]` an id and 32 bytes in Base64 each.

    Raises `BadValue` when it cannot be read, is open to others, or holds what is no key."""
    try:
        if os.name != "nt" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise BadValue(f"{path}: others may read the master keys; run: chmod 600 {path}")
        said = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), known(_File))
    except OSError as error:
        raise BadValue(f"{path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError):
        # The text of the error may hold a key.
        raise BadValue(f"{path}: not a file of master keys: active and a table keys are needed") from None
    return MasterKeys({id: _key(id, text) for id, text in said.keys.items()}, said.active)


def _key(id: str, text: str) -> bytes:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise BadValue(f"the master key {id!r} is not in Base64; make one with: openssl rand -base64 32") from None


def _place(tenant: int) -> bytes:
    return f"procession key of {tenant}".encode()
