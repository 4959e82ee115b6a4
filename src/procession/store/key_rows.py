"""Where wrapped keys of tenants are kept: in the store itself, or in a folder that copies of the store do not contain.

In the store they are part of every backup: a backup from before a tenant's deletion can be read by whoever has it and
the master key. In a folder of their own, with another round of backups, destroying them counts for all copies.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, final

import msgspec

from procession.base.decoding import known
from procession.base.failure import StoreError, Unreadable
from procession.runtime.ports import Store
from procession.runtime.rows import IntRow
from procession.runtime.rows_of_server import TenantKeyRow

_PAGE: Final = msgspec.json.Decoder(known(list[tuple[int, int, bytes]]))


def _now() -> int:
    return time.time_ns() // 1_000_000


@final
class StoreKeys:
    """`keyring.KeyRows` in a store, which must be the one behind the sealed one."""

    __slots__ = ("_store",)

    def __init__(self, store: Store) -> None:
        self._store = store

    def read(self, tenant: int, /) -> list[TenantKeyRow]:
        """See `KeyRows.read`."""
        return self._store.read("tenant_keys", (tenant,), TenantKeyRow)

    def add(self, tenant: int, keys: Sequence[tuple[int, bytes]], /) -> None:
        """See `KeyRows.add`."""
        at = _now()
        self._store.write("tenant_key_add", [(tenant, generation, at, wrapped) for generation, wrapped in keys])

    def replace(self, tenant: int, keys: Sequence[tuple[int, bytes]], /) -> None:
        """See `KeyRows.replace`."""
        at = _now()
        self._store.write("tenant_key_set", [(at, wrapped, tenant, generation) for generation, wrapped in keys])

    def tenants(self, after: int, limit: int, /) -> list[int]:
        """See `KeyRows.tenants`."""
        rows = self._store.read("tenants_with_keys", (after, limit), IntRow)
        return [row.value for row in rows if row.value is not None]


@final
class FolderKeys:
    """`keyring.KeyRows` in a folder, one file a tenant. One folder belongs to one store. Thread-safe, and safe between
    processes as far as the file system's links and renames are."""

    __slots__ = ("_folder", "_lock")

    def __init__(self, folder: Path) -> None:
        """Makes the folder if it is not there. Raises `StoreError` when it cannot."""
        self._folder = folder
        self._lock = threading.Lock()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{folder}: {error.strerror or error}") from error

    def read(self, tenant: int, /) -> list[TenantKeyRow]:
        """See `KeyRows.read`."""
        path = self._path(tenant)
        try:
            data = path.read_bytes()
            if not data.strip(b"\0"):
                # Whoever destroyed them was interrupted between overwriting and saying so.
                return [TenantKeyRow(0, 0, b"")]
            return [TenantKeyRow(*row) for row in _PAGE.decode(data)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror or error}") from error
        except msgspec.MsgspecError:
            raise Unreadable(f"{path}: not a file of keys") from None

    def add(self, tenant: int, keys: Sequence[tuple[int, bytes]], /) -> None:
        """See `KeyRows.add`."""
        at = _now()
        with self._lock:
            known = {row.generation: row for row in self.read(tenant)}
            fresh = {number: TenantKeyRow(number, at, wrapped) for number, wrapped in keys if number not in known}
            self._write(tenant, {**known, **fresh}, first=not known)

    def replace(self, tenant: int, keys: Sequence[tuple[int, bytes]], /) -> None:
        """See `KeyRows.replace`. The bytes of the file are overwritten first."""
        at = _now()
        path = self._path(tenant)
        with self._lock:
            known = {row.generation: row for row in self.read(tenant)}
            changed = {number: TenantKeyRow(number, at, wrapped) for number, wrapped in keys if number in known}
            if not changed:
                return
            if not any(wrapped for _, wrapped in keys):
                _overwrite(path)
            self._write(tenant, {**known, **changed}, first=False)

    def tenants(self, after: int, limit: int, /) -> list[int]:
        """See `KeyRows.tenants`."""
        try:
            numbers = [int(path.stem) for path in self._folder.glob("*.keys")]
        except OSError as error:
            raise StoreError(f"{self._folder}: {error.strerror or error}") from error
        return sorted(number for number in numbers if number > after)[:limit]

    def _path(self, tenant: int) -> Path:
        return self._folder / f"{tenant}.keys"

    def _write(self, tenant: int, rows: dict[int, TenantKeyRow], *, first: bool) -> None:
        path = self._path(tenant)
        part = path.with_suffix(f".{os.getpid()}.part")
        data = msgspec.json.encode([msgspec.structs.astuple(row) for _, row in sorted(rows.items())])
        try:
            with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if first:
                # Two processes make the first keys of a tenant: those that are linked first count.
                with suppress(FileExistsError):
                    os.link(part, path)
                part.unlink()
            else:
                part.replace(path)
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror or error}") from error


def _overwrite(path: Path) -> None:
    try:
        with path.open("r+b") as file:
            size = os.fstat(file.fileno()).st_size
            file.write(b"\0" * size)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}") from error
