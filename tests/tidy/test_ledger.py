"""The ledger of decisions names tests, modules and bounds that exist (docs/design/0008)."""

from __future__ import annotations

import ast
import importlib
import re
from typing import Final

import pytest

from tidy.source_tree import ROOT

TEXT: Final = (ROOT / "docs" / "design" / "0008-decisions-ledger.md").read_text(encoding="utf-8")
_TEST: Final = re.compile(r"`(tests/[\w/]+\.py)?::(test_\w+)`")
_BOUND: Final = re.compile(r"`([a-z_.]+):([A-Z_]+)`")
_FILE: Final = re.compile(r"`([a-z_]+/(?:[a-z_]+/)*[\w]+\.(?:py|sql))`")


def named_tests() -> list[tuple[str, str]]:
    """(file, test); a name without a file is in the file named before it."""
    found: list[tuple[str, str]] = []
    file = ""
    for match in _TEST.finditer(TEXT):
        file = match[1] or file
        found.append((file, match[2]))
    return found


def sections() -> dict[str, str]:
    parts = re.split(r"^## (.+)$", TEXT, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize(("file", "name"), named_tests())
def test_a_named_test_exists(file: str, name: str) -> None:
    module = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in module.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(("module", "name"), sorted(set(_BOUND.findall(TEXT))))
def test_a_named_bound_exists(module: str, name: str) -> None:
    assert isinstance(getattr(importlib.import_module(f"procession.{module}"), name), int)


@pytest.mark.parametrize("file", sorted(set(_FILE.findall(TEXT))))
def test_a_named_file_exists(file: str) -> None:
    assert (ROOT / "src" / "procession" / file).exists() or (ROOT / file).exists()


def test_every_decision_has_its_place_its_tests_and_what_is_weaker() -> None:
    found = sections()
    numbers = [title.split(".")[0] for title in found if title[0].isdigit()]
    assert numbers == [str(number) for number in range(1, 19)]
    for title, text in found.items():
        assert "**Shown by**" in text, title
        assert "**Weaker**" in text, title
        assert _TEST.search(text), title
