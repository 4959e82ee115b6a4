"""Columns of rows as binary arrays: one statement writes all rows of a table, whatever their number.

psycopg makes arrays of anything, cell by cell; a commit needs three kinds, and they cost a fraction of it this way.
What must not live here: statements.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias, final

from psycopg import pq
from psycopg.adapt import AdaptersMap, Dumper

from procession.runtime.ports import Cell, Cells

_HEAD: Final = struct.Struct(">iiIii")
"""Dimensions, whether there are nulls, the type of the elements, how many, the first one's index."""
_LENGTH: Final = struct.Struct(">i")
_LONG: Final = struct.Struct(">iq")
_PLAIN: Final = struct.Struct(">q")
_NULL: Final = b"\xff\xff\xff\xff"
_INT8: Final = 20
_TEXT: Final = 25
_BYTEA: Final = 17
NUL: Final = "\ufffd"
"""Stands for U+0000 in columns of texts, which PostgreSQL cannot hold. Blobs, in which the facts are, keep it."""


@final
class Longs:
    """An array of bigint."""

    __slots__ = ("cells",)

    def __init__(self, cells: Sequence[Cell]) -> None:
        self.cells = cells


@final
class Texts:
    """An array of text."""

    __slots__ = ("cells",)

    def __init__(self, cells: Sequence[Cell]) -> None:
        self.cells = cells


@final
class Blobs:
    """An array of bytea."""

    __slots__ = ("cells",)

    def __init__(self, cells: Sequence[Cell]) -> None:
        self.cells = cells


Column: TypeAlias = "type[Longs] | type[Texts] | type[Blobs]"
COLUMNS: Final[dict[str, Column]] = {"bigint": Longs, "text": Texts, "bytea": Blobs}


def _longs(column: Longs) -> bytes:
    cells = column.cells
    count = len(cells)
    try:
        if None not in cells:
            flat: list[Cell] = [8] * (2 * count)
            flat[1::2] = cells
            return _HEAD.pack(1, 0, _INT8, count, 1) + struct.pack(f">{'iq' * count}", *flat)
        parts = [_NULL if cell is None else _LONG.pack(8, cell) for cell in cells]
    except struct.error as error:
        raise OverflowError(str(error)) from error
    return _HEAD.pack(1, 1, _INT8, count, 1) + b"".join(parts)


def _texts(column: Texts) -> bytes:
    return _of_bytes(_TEXT, [None if cell is None else str(cell).replace("\0", NUL).encode() for cell in column.cells])


def _blobs(column: Blobs) -> bytes:
    cells: list[bytes | None] = []
    for cell in column.cells:
        assert cell is None or isinstance(cell, bytes)
        cells.append(cell)
    return _of_bytes(_BYTEA, cells)


def _of_bytes(oid: int, cells: list[bytes | None]) -> bytes:
    parts = [_HEAD.pack(1, None in cells, oid, len(cells), 1)]
    for cell in cells:
        if cell is None:
            parts.append(_NULL)
        else:
            parts.append(_LENGTH.pack(len(cell)))
            parts.append(cell)
    return b"".join(parts)


def _long(cell: int) -> bytes:
    try:
        return _PLAIN.pack(cell)
    except struct.error as error:
        raise OverflowError(str(error)) from error


_KINDS: Final[dict[type, tuple[int, Callable[[Any], bytes | None]]]] = {
    int: (_INT8, _long),
    # No column is a boolean: where one is given it counts, as it does in Python.
    bool: (_INT8, _long),
    str: (_TEXT, str.encode),
    bytes: (_BYTEA, lambda cell: cell),
    Longs: (1016, _longs),
    Texts: (1009, _texts),
    Blobs: (1001, _blobs),
    type(None): (0, lambda cell: None),
}
"""Type -> that of PostgreSQL (0: as the statement says), and how a value of it is sent. One prepared statement serves
all values."""


def packed(value: object) -> tuple[int, bytes | None]:
    """The type of a parameter, and its bytes in binary. Raises `OverflowError`, `UnicodeEncodeError`."""
    oid, pack = _KINDS[type(value)]
    return oid, pack(value)


def plain(cells: Cells) -> Cells:
    """Cells as PostgreSQL can hold them."""
    for cell in cells:
        if isinstance(cell, str) and "\0" in cell:
            return tuple(each.replace("\0", NUL) if isinstance(each, str) else each for each in cells)
    return cells


def adapt(adapters: AdaptersMap) -> None:
    """Cursors of psycopg send values in the same way; what None is, they know."""
    for kind in _KINDS.keys() - {type(None)}:
        adapters.register_dumper(kind, _dumper(kind))


def _dumper(kind: type) -> type[Dumper]:
    number, pack = _KINDS[kind]

    class _OfKind(Dumper):
        format = pq.Format.BINARY
        oid = number

        def dump(self, obj: object) -> bytes | None:
            return pack(obj)

    return _OfKind
