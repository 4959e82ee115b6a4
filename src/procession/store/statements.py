"""Named SQL: reads the `.sql` files beside this module into tables of statements. No SQL text stands in Python."""

from __future__ import annotations

import re
import sqlite3
from functools import cache
from importlib.resources import files
from typing import Final

_NAME: Final = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
MIGRATION: Final = re.compile(r"(\d{4})_(pre|post)_\w+\.sql$")


@cache
def statements(file: str) -> dict[str, str]:
    """name -> SQL of one file under `sql/`. Comments before the first name belong to the file."""
    text = files("procession.store").joinpath("sql", file).read_text(encoding="utf-8")
    parts = _NAME.split(text)
    return {name: _statement(body) for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def has_statements(file: str) -> bool:
    """Whether there is such a file under `sql/`: a dialect has those that differ, and some of its own."""
    return files("procession.store").joinpath("sql", file).is_file()


def migrations() -> list[tuple[int, str]]:
    """(number, SQL) of every migration, in order. `pre` runs before the new code, `post` after the last old one."""
    found: list[tuple[int, str]] = []
    for each in files("procession.store").joinpath("migrations").iterdir():
        match = MIGRATION.match(each.name)
        if match is not None:
            found.append((int(match.group(1)), each.read_text(encoding="utf-8")))
    return sorted(found)


def split(script: str) -> list[str]:
    """The single statements of a script, so that all of them can run in one transaction."""
    found: list[str] = []
    current = ""
    for line in script.splitlines(keepends=True):
        if not current and not line.split("--")[0].strip():
            continue
        current += line
        if sqlite3.complete_statement(current):
            found.append(current)
            current = ""
    assert not current.strip(), f"an unfinished statement: {current}"
    return found


def _statement(body: str) -> str:
    # A comment above the next name belongs to that one.
    lines = [line for line in body.splitlines() if not line.startswith("--")]
    return "\n".join(lines).strip().rstrip(";")
