"""docs/journeys.md: the tests that it names are there, and so are its pictures, which are all that lie beside it."""

from __future__ import annotations

import re
from typing import Final

from tidy.source_tree import ROOT

PAGE: Final = (ROOT / "docs" / "journeys.md").read_text(encoding="utf-8")
LINES: Final = 16
"""Lines of the table: as many as there are things that a player has to do well."""


def test_the_tests_that_the_page_names_are_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", PAGE)
    assert len({name for _, name in named}) >= LINES
    missing = [
        f"{path}::{name}" for path, name in named if f"def {name}(" not in (ROOT / path).read_text(encoding="utf-8")
    ]
    assert missing == []


def test_every_line_of_the_table_names_a_test() -> None:
    table = PAGE.partition("| what | shown by |")[2]
    lines = [line for line in table.splitlines() if line.startswith("| ")]
    assert len(lines) == LINES
    assert [line for line in lines if "::test_" not in line] == []


def test_its_pictures_are_there_and_no_others() -> None:
    shown = re.findall(r"\]\((journeys/[\w.-]+\.png)\)", PAGE)
    lying = sorted(f"journeys/{each.name}" for each in (ROOT / "docs" / "journeys").glob("*"))
    assert sorted(shown) == lying
