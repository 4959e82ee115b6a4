"""What a database answered, as rows: the same of every store."""

from __future__ import annotations

from collections.abc import Mapping
from types import GenericAlias
from typing import Any, TypeVar, cast

import msgspec

from procession.base.decoding import known
from procession.base.failure import StoreError
from procession.runtime.ports import Cell

_Row = TypeVar("_Row")


def rows_of(found: list[tuple[Any, ...]], row: type[_Row], name: str, query: str) -> list[_Row]:
    """The rows that were found by a query in the store of this name. Raises `StoreError` for what are none."""
    try:
        return msgspec.convert(found, known(cast("type[list[_Row]]", GenericAlias(list, (row,))))) if found else []
    except msgspec.ValidationError as error:
        text = f"{name}: the database is damaged: {query} gave what no version of Procession wrote ({error})"
        raise StoreError(text) from error


def only_number(row: tuple[Cell, ...]) -> int:
    """The number that is all of a row. The application may have its rows made as it likes: tuples, or contexts by
    column."""
    cells = cast("Mapping[str, object]", row).values() if isinstance(row, Mapping) else row
    number = next(iter(cells))
    assert isinstance(number, int)
    return number
