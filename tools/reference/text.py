"""Markdown, and reading the source: tables, code in a cell, the syntax tree of a module."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final

SRC: Final = Path(__file__).resolve().parents[2] / "src" / "procession"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a bar inside a cell would end it, so it is escaped."""
    lines = [heads, ["---"] * len(heads), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def code(text: object) -> str:
    """Text as code; nothing stays nothing."""
    return f"`{text}`" if str(text) else ""


def line(text: str | None) -> str:
    """A docstring as one line of prose."""
    return " ".join((text or "").split())


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a module of the package."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def module_path(module: str) -> Path:
    """The file of a module by its dotted name under `procession`."""
    found = SRC.joinpath(*module.split("."))
    return found / "__init__.py" if found.is_dir() else found.with_suffix(".py")


def modules(*rooms: str) -> Iterator[Path]:
    """Every module of the rooms, sorted."""
    for room in rooms:
        yield from sorted((SRC / room).rglob("*.py"))


def class_of(module: str, name: str) -> ast.ClassDef:
    """A class of a module."""
    for node in tree(module_path(module)).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return node
    raise LookupError(f"{module} has no class {name}")


def documented(body: Sequence[ast.stmt]) -> Iterator[tuple[ast.stmt, str]]:
    """The statements of a body, each with the text that stands below it as its description."""
    for number, statement in enumerate(body):
        following = body[number + 1] if number + 1 < len(body) else None
        text = ""
        if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
            text = str(following.value.value)
        yield statement, line(text)
