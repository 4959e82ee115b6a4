"""Keys: who keeps them, which one seals, which ones still open. What must not live here: a cipher of payloads.

Every tenant has keys with ids of its own; one of them is active. A key that does not seal any more stays until nothing
that it sealed is left, then it is taken away.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol, final

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from procession.hosts.temporal.codec.errors import CodecError, KeyUnavailable
from procession.hosts.temporal.codec.files import parsed, private_bytes

KEY_BYTES: Final = 32
"""Length of a key, in bytes: AES-256."""
KEY_ID_CHARACTERS_MAX: Final = 100
"""Longest id of a key, in characters."""
DERIVED_MAX: Final = 10_000
"""Most derived keys that are kept in memory; more tenants than that derive theirs again."""
_KEY_ID: Final = re.compile(rf"[\w.:-]{{1,{KEY_ID_CHARACTERS_MAX}}}", re.ASCII)
_LOOK_AGAIN_SECONDS: Final = 1.0


@final
class Key:
    """One key. `secret` has 32 bytes and is never shown; `id` is written beside what the key sealed."""

    __slots__ = ("id", "secret")

    def __init__(self, id: str, secret: bytes) -> None:
        if not is_key_id(id):
            raise KeyUnavailable(f"{id!r:.120} is no id of a key: letters, digits and . : _ - only")
        if len(secret) != KEY_BYTES:
            raise KeyUnavailable(f"the key {id!r} has {len(secret)} bytes; a key has {KEY_BYTES}")
        self.id: Final = id
        self.secret: Final = secret

    def __repr__(self) -> str:
        return f"Key({self.id!r})"


class Keyring(Protocol):
    """Who keeps the keys. Both methods raise `KeyUnavailable` with what to do about it, and nothing else."""

    async def active(self, tenant: str, /) -> Key:
        """The key that seals for `tenant` now."""
        ...

    async def find(self, tenant: str, key_id: str, /) -> Key:
        """The key of `tenant` that has this id, to open with."""
        ...


class KeySet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keys of one tenant, or the master keys: id -> 32 bytes in Base64. `active` is the id of the one that seals."""

    active: str
    keys: dict[str, str]


class KeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a file of keys says.

    A tenant with keys of its own seals with them. Every other tenant gets keys derived from the master keys, if there
    are any, and so does a payload whose key id is not among its tenant's own.
    """

    tenants: dict[str, KeySet] = {}
    master: KeySet | None = None


def is_key_id(text: str) -> bool:
    """Whether `text` may be the id of a key: it stands in metadata, file names and messages."""
    return _KEY_ID.fullmatch(text) is not None


def derived(master: Key, tenant: str) -> Key:
    """The key of a tenant, made from a master key (HKDF-SHA256, RFC 5869). It has the master key's id."""
    info = b"procession codec key v1\0" + tenant.encode()
    return Key(master.id, HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(master.secret))


@final
class StaticKeyring:
    """A `Keyring` of keys that are all known. Safe to share between threads."""

    __slots__ = ("_derived", "_lock", "_master", "_source", "_tenants")

    def __init__(self, file: KeyFile, source: str = "the keyring") -> None:
        """`source` says in messages where the keys are. Raises `KeyUnavailable` for a key that is none."""
        self._source = source
        self._tenants = {tenant: _Keys(each, f"{source}: tenant {tenant!r}") for tenant, each in file.tenants.items()}
        self._master = _Keys(file.master, f"{source}: master") if file.master is not None else None
        self._derived: dict[tuple[str, str], Key] = {}
        self._lock = threading.Lock()

    async def active(self, tenant: str, /) -> Key:
        """See `Keyring.active`."""
        own = self._tenants.get(tenant)
        if own is not None:
            return own.active
        if self._master is not None:
            return self._derive(self._master.active, tenant)
        raise KeyUnavailable(f"{self._source}: tenant {tenant!r} has no key: add one, or a master key")

    async def find(self, tenant: str, key_id: str, /) -> Key:
        """See `Keyring.find`."""
        own = self._tenants.get(tenant)
        if own is not None and key_id in own.keys:
            return own.keys[key_id]
        if self._master is not None and key_id in self._master.keys:
            return self._derive(self._master.keys[key_id], tenant)
        raise KeyUnavailable(
            f"{self._source}: tenant {tenant!r} has no key {key_id!r}, and something was sealed with it: put it back, "
            "beside the active one"
        )

    def _derive(self, master: Key, tenant: str) -> Key:
        place = (tenant, master.id)
        found = self._derived.get(place)
        if found is None:
            found = derived(master, tenant)
            with self._lock:
                if len(self._derived) >= DERIVED_MAX:
                    del self._derived[next(iter(self._derived))]
                self._derived[place] = found
        return found


@final
class FileKeyring:
    """A `Keyring` in a file, TOML or JSON (`KeyFile`). A file that changed is read again, so keys rotate while it runs.

    The file is looked at once a second at most, and at once when a key is missing. A file that cannot be read any more
    is an error for whoever needs a key that was not in it before; those that were known stay.
    """

    __slots__ = ("_clock", "_looked", "_path", "_ring", "_stamp")

    def __init__(self, path: str | os.PathLike[str], clock: Callable[[], float] = time.monotonic) -> None:
        """Reads the file. Raises `KeyUnavailable` if it cannot be read, is open to others, or holds what is no key."""
        self._path = Path(path)
        self._clock = clock
        self._looked = clock()
        self._stamp, self._ring = _read(self._path)

    async def active(self, tenant: str, /) -> Key:
        """See `Keyring.active`."""
        if self._clock() - self._looked >= _LOOK_AGAIN_SECONDS:
            self._look()
        try:
            return await self._ring.active(tenant)
        except KeyUnavailable:
            self._look(insist=True)
            return await self._ring.active(tenant)

    async def find(self, tenant: str, key_id: str, /) -> Key:
        """See `Keyring.find`."""
        if self._clock() - self._looked >= _LOOK_AGAIN_SECONDS:
            self._look()
        try:
            return await self._ring.find(tenant, key_id)
        except KeyUnavailable:
            self._look(insist=True)
            return await self._ring.find(tenant, key_id)

    def _look(self, *, insist: bool = False) -> None:
        """Reads the file if it is another one. With `insist` a file that cannot be read is an error."""
        self._looked = self._clock()
        try:
            if _stamp_of(self._path) != self._stamp:
                self._stamp, self._ring = _read(self._path)
        except KeyUnavailable:
            if insist:
                raise


@final
class _Keys:
    """The keys of a `KeySet`, decoded."""

    __slots__ = ("active", "keys")

    def __init__(self, said: KeySet, place: str) -> None:
        self.keys = {id: _key(id, text, place) for id, text in said.keys.items()}
        if said.active not in self.keys:
            raise KeyUnavailable(f"{place}: the active key {said.active!r} is not among its keys")
        self.active = self.keys[said.active]


def _key(id: str, text: str, place: str) -> Key:
    try:
        return Key(id, base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        # The text itself is a secret, or nearly one.
        raise KeyUnavailable(
            f"{place}: the key {id!r} is not in Base64; make one with: openssl rand -base64 {KEY_BYTES}"
        ) from None
    except KeyUnavailable as error:
        raise KeyUnavailable(f"{place}: {error}") from None


_Stamp = tuple[int, int, int]


def _stamp_of(path: Path) -> _Stamp:
    try:
        status = path.stat()
    except OSError as error:
        raise KeyUnavailable(f"{path}: {error.strerror or error}") from None
    return status.st_mtime_ns, status.st_ino, status.st_size


def _read(path: Path) -> tuple[_Stamp, StaticKeyring]:
    # The stamp first: a file that is replaced in between is then read once more, and never once too few.
    stamp = _stamp_of(path)
    try:
        return stamp, StaticKeyring(parsed(path, private_bytes(path), KeyFile), str(path))
    except KeyUnavailable:
        raise
    except CodecError as error:
        raise KeyUnavailable(str(error)) from None
