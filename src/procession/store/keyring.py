"""Keys of tenants: a cipher for each, made when something is sealed first, rotated, and destroyed with the tenant.

A blob is AES-256-GCM under the newest key, and its head names the key: older ones still open what they sealed. A text
is AES-SIV under a key that stays when the others rotate, because what is stored is found by it. Data keys are stored
wrapped (`KeyRows`), by whoever holds what wraps them (`KeyService`). A tenant that nobody works for has no key here.

A generation is one row: a key for blobs, and in the first one of a tenant the key for texts behind it. Where all are
destroyed a tenant that is used again begins anew, with the next generation.
"""

from __future__ import annotations

import base64
import binascii
import os
import struct
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, Protocol, final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV

from procession.base.failure import Conflict, Unreadable
from procession.runtime.rows_of_server import TenantKeyRow
from procession.store.sealed import NOBODY, Shredded

SEALED: Final = 0xE1
"""The first byte of a sealed blob: the number of its format, which no plain blob has."""
KEPT_MAX: Final = 1_000
"""Tenants whose keys are in memory, unwrapped; who was not asked for longest goes first."""
LIVES_S: Final = 60.0
"""How long keys are used before they are read again: another process may have rotated or destroyed them."""
_HEAD: Final = struct.Struct(">BqI")
_NONCE_BYTES: Final = 12
_BLOB_KEY_BYTES: Final = 32
_TEXT_KEY_BYTES: Final = 64


class KeyService(Protocol):
    """What wraps data keys: a master key, or a key management service that has one key a tenant."""

    def wrap(self, tenant: int, secret: bytes, /) -> bytes:
        """A data key as it may be stored. Raises `StoreError` when the service cannot be reached."""
        ...

    def unwrap(self, tenant: int, wrapped: bytes, /) -> bytes:
        """The data key. Raises `Unreadable` when it was not wrapped here for this tenant."""
        ...

    def destroy(self, tenant: int, /) -> None:
        """Destroys what wraps this tenant's keys, where that is a key of its own: then copies are worth nothing."""
        ...


class KeyRows(Protocol):
    """Where wrapped keys are kept."""

    def read(self, tenant: int, /) -> list[TenantKeyRow]:
        """All of a tenant, by generation."""
        ...

    def add(self, tenant: int, keys: Sequence[tuple[int, bytes]], /) -> None:
        """Stores (generation, wrapped), all or nothing; what is there already stays."""
        ...

    def replace(self, tenant: int, keys: Sequence[tuple[int, bytes]], /) -> None:
        """Writes (generation, wrapped) in the place of what is there."""
        ...

    def tenants(self, after: int, limit: int, /) -> list[int]:
        """Tenants that have keys, or had, by number."""
        ...


@final
class _Ring:
    """The keys of one tenant, unwrapped."""

    __slots__ = ("blobs", "destroyed", "newest", "read_s", "texts")

    def __init__(self, keys: dict[int, bytes], destroyed: frozenset[int], read_s: float) -> None:
        texts = [key[_BLOB_KEY_BYTES:] for _, key in sorted(keys.items()) if len(key) > _BLOB_KEY_BYTES]
        self.texts = AESSIV(texts[-1])
        self.blobs = {generation: AESGCM(key[:_BLOB_KEY_BYTES]) for generation, key in keys.items()}
        self.destroyed = destroyed
        self.newest = max(keys)
        self.read_s = read_s


@final
class TenantKeys:
    """A `store.sealed.Cipher` with keys of its own for each tenant. Thread-safe."""

    __slots__ = ("_clock", "_kept_max", "_lives_s", "_lock", "_rings", "_rows", "_service")

    def __init__(
        self,
        rows: KeyRows,
        service: KeyService,
        *,
        kept_max: int = KEPT_MAX,
        lives_s: float = LIVES_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rows = rows
        self._service = service
        self._kept_max = kept_max
        self._lives_s = lives_s
        self._clock = clock
        self._lock = threading.Lock()
        self._rings: OrderedDict[int, _Ring] = OrderedDict()
        # Before a transaction of an application posts something: in there no other connection could write it.
        self._ring(NOBODY)

    def __len__(self) -> int:
        return len(self._rings)

    def seal(self, tenant: int, data: bytes, /) -> bytes:
        """See `Cipher.seal`."""
        ring = self._ring(tenant)
        head = _HEAD.pack(SEALED, tenant, ring.newest)
        nonce = os.urandom(_NONCE_BYTES)
        return head + nonce + ring.blobs[ring.newest].encrypt(nonce, data, head)

    def open(self, tenant: int, data: bytes, /) -> bytes:
        """See `Cipher.open`."""
        if len(data) < _HEAD.size + _NONCE_BYTES or data[0] != SEALED:
            raise Unreadable(f"tenant {tenant}: a value is not sealed, and this store holds sealed ones only")
        head = data[: _HEAD.size]
        _, whose, generation = _HEAD.unpack(head)
        if whose not in (tenant, NOBODY):
            raise Unreadable(f"a value in the place of tenant {tenant} was sealed for another one")
        key = self._opening(whose).blobs.get(generation)
        if key is None:
            # Another process rotated them meanwhile.
            ring = self._opening(whose, anew=True)
            key = ring.blobs.get(generation)
            if key is None and generation in ring.destroyed:
                raise _shredded(whose)
        if key is None:
            raise Unreadable(f"tenant {tenant}: a value was sealed with key {generation}, which is not there")
        body = _HEAD.size + _NONCE_BYTES
        try:
            return key.decrypt(data[_HEAD.size : body], data[body:], head)
        except InvalidTag:
            raise Unreadable(f"tenant {tenant}: a sealed value is damaged, or was sealed with another key") from None

    def seal_text(self, tenant: int, text: str, /) -> str:
        """See `Cipher.seal_text`."""
        sealed = self._ring(tenant).texts.encrypt(text.encode(), [_place(tenant)])
        return base64.urlsafe_b64encode(sealed).decode()

    def open_text(self, tenant: int, text: str, /) -> str:
        """See `Cipher.open_text`."""
        try:
            sealed = base64.b64decode(text, altchars=b"-_", validate=True)
            return self._opening(tenant).texts.decrypt(sealed, [_place(tenant)]).decode()
        except (InvalidTag, ValueError, binascii.Error):
            raise Unreadable(f"tenant {tenant}: a text is not sealed with this tenant's key") from None

    def rotate(self, tenant: int) -> int:
        """Gives a tenant a new key that seals blobs from now on; its generation.

        Other processes seal with the one before for up to `LIVES_S` seconds."""
        newest = self._ring(tenant, anew=True).newest
        self._rows.add(tenant, [(newest + 1, self._service.wrap(tenant, os.urandom(_BLOB_KEY_BYTES)))])
        return self._ring(tenant, anew=True).newest

    def rewrap(self, tenant: int) -> int:
        """Wraps a tenant's keys anew, after the master key was rotated; how many. None of a destroyed tenant."""
        found = [row for row in self._rows.read(tenant) if row.wrapped]
        keys = [(row.generation, self._service.unwrap(tenant, row.wrapped)) for row in found]
        self._rows.replace(tenant, [(generation, self._service.wrap(tenant, key)) for generation, key in keys])
        return len(keys)

    def rewrap_all(self, page: int = 100) -> int:
        """`rewrap` for every tenant; how many keys."""
        count, after = 0, NOBODY - 1
        while tenants := self._rows.tenants(after, page):
            count += sum(self.rewrap(tenant) for tenant in tenants)
            after = tenants[-1]
        return count

    def destroy(self, tenant: int) -> None:
        """Destroys the keys of a tenant, for good. Idempotent. What it stored cannot be read any more, in no copy of
        the store that was made without the keys.

        Other processes may still have them in memory for `LIVES_S` seconds."""
        if tenant == NOBODY:
            raise Conflict("these are the keys of the store itself")
        self._service.destroy(tenant)
        self._rows.replace(tenant, [(row.generation, b"") for row in self._rows.read(tenant)])
        with self._lock:
            self._rings.pop(tenant, None)

    def _ring(self, tenant: int, *, anew: bool = False) -> _Ring:
        """A tenant's keys, to seal with: made, where it has none."""
        ring = None if anew else self._kept(tenant)
        if ring is None:
            now = self._clock()
            ring = self._read(tenant, now)
            if ring is None:
                last = max((row.generation for row in self._rows.read(tenant)), default=0)
                made = os.urandom(_BLOB_KEY_BYTES + _TEXT_KEY_BYTES)
                self._rows.add(tenant, [(last + 1, self._service.wrap(tenant, made))])
                # Another process may have been faster: then its keys count.
                ring = self._read(tenant, now)
                assert ring is not None, "keys were destroyed as they were made"
        return ring

    def _opening(self, tenant: int, *, anew: bool = False) -> _Ring:
        """A tenant's keys, to open with. Raises `Shredded` where they are destroyed, `Unreadable` where none were."""
        ring = None if anew else self._kept(tenant)
        ring = ring or self._read(tenant, self._clock())
        if ring is None:
            if self._rows.read(tenant):
                raise _shredded(tenant)
            raise Unreadable(f"tenant {tenant} has no keys, and something of it is sealed")
        return ring

    def _kept(self, tenant: int) -> _Ring | None:
        now = self._clock()
        with self._lock:
            ring = self._rings.get(tenant)
            if ring is None or now - ring.read_s >= self._lives_s:
                return None
            self._rings.move_to_end(tenant)
            return ring

    def _read(self, tenant: int, now: float) -> _Ring | None:
        """The keys as they are stored; None where there are none, or none any more."""
        rows = self._rows.read(tenant)
        keys = {row.generation: self._service.unwrap(tenant, row.wrapped) for row in rows if row.wrapped}
        ring = _Ring(keys, frozenset(row.generation for row in rows if not row.wrapped), now) if keys else None
        with self._lock:
            self._rings.pop(tenant, None)
            if ring is not None:
                self._rings[tenant] = ring
            while len(self._rings) > self._kept_max:
                self._rings.popitem(last=False)
        return ring


def _shredded(tenant: int) -> Shredded:
    return Shredded(f"tenant {tenant} was deleted and its keys were destroyed")


def _place(tenant: int) -> bytes:
    return f"procession text of {tenant}".encode()
