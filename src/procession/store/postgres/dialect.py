"""Statements as PostgreSQL takes them: the neutral ones, and those of sql/postgres/ in place of them by name.

`?` becomes `$1`, `$2`, … once. A statement over arrays (`?::bigint[]`) takes the columns of all rows at once. What must
not live here: SQL.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, final

from procession.runtime.ports import Cells
from procession.store.postgres.arrays import COLUMNS, Column
from procession.store.statements import has_statements, statements

_COLUMN: Final = re.compile(r"\?::(\w+)\[\]")


@final
class Statement:
    """One statement. `columns` are the kinds of its arrays, empty for a statement that takes one row at a time; one
    that is `kept` is prepared on each connection."""

    __slots__ = ("columns", "foreign", "kept", "sql")

    def __init__(self, neutral: str, *, kept: bool = True) -> None:
        self.kept = kept
        self.columns: tuple[Column, ...] = tuple(COLUMNS[name] for name in _COLUMN.findall(neutral))
        self.sql = _numbered(neutral).encode()
        self.foreign = neutral.replace("%", "%%").replace("?", "%s")
        """For a connection of the application."""

    def arrays(self, rows: Sequence[Cells]) -> list[object]:
        """The parameters for these rows."""
        return [kind(cells) for kind, cells in zip(self.columns, zip(*rows, strict=True), strict=True)]


def _numbered(neutral: str) -> str:
    first, *rest = neutral.split("?")
    return first + "".join(f"${number}{part}" for number, part in enumerate(rest, 1))


def fragments(file: str) -> dict[str, str]:
    """name -> text of one file, PostgreSQL's own in place of the neutral ones."""
    there = [each for each in (file, f"postgres/{file}") if has_statements(each)]
    return {name: sql for each in there for name, sql in statements(each).items()}


def load(file: str) -> dict[str, Statement]:
    """name -> statement of one file, PostgreSQL's own in place of the neutral ones."""
    return {name: Statement(sql) for name, sql in fragments(file).items()}
