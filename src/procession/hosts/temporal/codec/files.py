"""Files that say what is secret, and files of settings: read whole, checked, and never repeated in a message."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from procession.base.decoding import known
from procession.hosts.temporal.codec.errors import CodecError

FILE_BYTES_MAX: Final = 16 * 1024 * 1024
"""Largest file of keys or settings, in bytes."""
_OTHERS: Final = 0o007
_GROUP_WRITES: Final = 0o020
_Struct = TypeVar("_Struct", bound=msgspec.Struct)


def private_bytes(path: Path) -> bytes:
    """What a file of secrets holds. Raises `CodecError` if it cannot be read, or others may read or change it."""
    try:
        with path.open("rb") as file:
            if os.name == "posix" and os.fstat(file.fileno()).st_mode & (_OTHERS | _GROUP_WRITES):
                raise CodecError(f"{path}: others may read or change this file of secrets: chmod 600 {path}")
            data = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise CodecError(f"{path}: {error.strerror or error}") from None
    if len(data) > FILE_BYTES_MAX:
        raise CodecError(f"{path}: more than {FILE_BYTES_MAX} bytes")
    return data


def public_bytes(path: Path) -> bytes:
    """What a file holds that is no secret. Raises `CodecError` if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise CodecError(f"{path}: {error.strerror or error}") from None


def parsed(path: Path, data: bytes, kind: type[_Struct]) -> _Struct:
    """The struct that a file says, in TOML, or in JSON if its name ends in `.json`. Raises `CodecError` otherwise."""
    try:
        if path.suffix == ".json":
            return msgspec.json.decode(data, type=known(kind))
        return msgspec.convert(tomllib.loads(data.decode()), known(kind))
    except msgspec.ValidationError as error:
        # It names the place and the type, not the value.
        raise CodecError(f"{path}: {error}") from None
    except (msgspec.DecodeError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise CodecError(f"{path}: no {'JSON' if path.suffix == '.json' else 'TOML'}") from None
