"""Statements are given as many parameters as they take: what nobody's test runs may be wrong only here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from procession.store.statements import statements
from tidy.source_tree import place, python_files, tree

SPANS: Final = ("EVERYBODY", "span")
"""What a starred argument ends with that stands for two parameters."""
CALLS: Final = {"read": ("reads.sql", "shard.sql"), "change": ("writes.sql",)}
"""Method -> the files whose statements it names."""


@pytest.mark.parametrize("call", CALLS)
def test_statements_are_given_as_many_parameters_as_they_take(call: str) -> None:
    known = {name: sql for file in CALLS[call] for name, sql in statements(file).items()}
    naming = [path for path in python_files("src") if f".{call}(" in path.read_text(encoding="utf-8")]
    asked = [each for path in naming for each in _asked(path, call)]
    assert len(asked) > 20
    wrong = [
        f"{where}: {name} takes {known[name].count('?')} parameters and is given {given}"
        for where, name, given in asked
        if name in known and known[name].count("?") != given
    ]
    assert not wrong, "\n".join(wrong)


def _asked(path: Path, call: str) -> Iterator[tuple[str, str, int]]:
    """(place, statement, number of parameters) of each call that spells both out."""
    for node in ast.walk(tree(path)):
        match node:
            case ast.Call(
                func=ast.Attribute(attr=attr),
                args=[ast.Constant(value=str(name)), ast.Tuple(elts=cells), *_],
            ) if attr == call:
                given = _count(cells)
                if given is not None:
                    yield place(path, node.lineno), name, given


def _count(cells: list[ast.expr]) -> int | None:
    starred = [ast.unparse(cell.value) for cell in cells if isinstance(cell, ast.Starred)]
    if any(not text.endswith(SPANS) for text in starred):
        return None
    return len(cells) + len(starred)
