"""The shelf in a folder: `tenant/parts/number`. A part has its name when all of it is on the disk."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from pathlib import Path
from typing import final

from procession.base.failure import StoreError, Unreadable
from procession.services.shelves.shelf import Whose, checked, folder_of


@final
class FolderShelf:
    """See `Shelf`. The folder has to exist: where it is missing, a disk is not mounted, and its place stays empty."""

    __slots__ = ("_root",)

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, whose: Whose, parts: str, number: int, data: bytes, /) -> None:
        """See `Shelf.put`."""
        await asyncio.to_thread(self._write, self._folder(whose, parts), number, bytes(data))

    async def get(self, whose: Whose, parts: str, number: int, /) -> bytes:
        """See `Shelf.get`."""
        return await asyncio.to_thread(_read, self._folder(whose, parts) / _name(number))

    async def drop(self, whose: Whose, parts: str, /) -> None:
        """See `Shelf.drop`."""
        await asyncio.to_thread(self._remove, self._folder(whose, parts))

    async def drop_tenant(self, whose: Whose, /) -> None:
        """See `Shelf.drop_tenant`."""
        await asyncio.to_thread(self._remove, self._root / folder_of(whose.tenant))

    async def trouble(self) -> str:
        """See `Shelf.trouble`."""
        if await asyncio.to_thread(os.access, self._root, os.W_OK):
            return ""
        return "the folder of the documents cannot be written to"

    def _folder(self, whose: Whose, parts: str) -> Path:
        return self._root / folder_of(whose.tenant) / checked(parts)

    def _write(self, folder: Path, number: int, data: bytes) -> None:
        try:
            for each in (folder.parent, folder):
                each.mkdir(exist_ok=True, mode=0o700)
            descriptor, draft = tempfile.mkstemp(dir=folder, prefix=".draft-")
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                Path(draft).replace(folder / _name(number))
            except BaseException:
                Path(draft).unlink(missing_ok=True)
                raise
            for each in (folder, folder.parent, self._root):
                _sync(each)
        except OSError as error:
            raise _unusable(error) from error

    def _remove(self, folder: Path) -> None:
        try:
            if folder.exists():
                shutil.rmtree(folder)
        except OSError as error:
            raise _unusable(error) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise Unreadable(f"part {path.name} of a document is missing") from None
    except OSError as error:
        raise _unusable(error) from error


def _name(number: int) -> str:
    return f"{number:06d}"


def _sync(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unusable(error: OSError) -> StoreError:
    return StoreError(f"the folder of the documents cannot be used: {error}")
