"""Searches: what is asked of a store with any combination of filters. Data only.

Conditions, sources and orders are names of store/sql/search.sql; values are bound, never part of a text. Who chooses
them is `services.searching`.
"""

from __future__ import annotations

from typing import Final, TypeAlias, final

import msgspec

Condition: TypeAlias = "tuple[str, tuple[int | str | bytes | None, ...]]"
"""(name, values)"""

ROWS_MAX: Final = 1_001
"""Rows of one search at most: a page, and one more that tells whether there is another."""


@final
class Search(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Rows of a kind (`tasks`, `instances`, `incidents`) of a tenant for which all of `where` holds, and all of one of
    the `branches`, in an `order`; those of one value are ordered by key. `after` is the (value, key) of the row
    before, empty for the first page."""

    kind: str
    source: str
    tenant: int
    where: tuple[Condition, ...] = ()
    branches: tuple[tuple[Condition, ...], ...] = ((),)
    order: str
    descending: bool = False
    after: tuple[int, int] | tuple[()] = ()
    limit: int
