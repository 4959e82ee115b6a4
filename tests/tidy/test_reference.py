"""What is made under docs/ from the code is what the code says today, and leaves out nothing that is public."""

from __future__ import annotations

from typing import Final

import pytest
from tools.reference.pages import files
from tools.reference.scenarios import BODIES, TEXTS

import procession
from procession.compile.lower.activities import ACTIVITIES
from procession.feel.builtins import BUILTINS
from procession.testing.scenario import VERBS
from tidy.source_tree import ROOT
from unit.compile.test_compile_rules import RULES

DOCS: Final = ROOT / "docs"
FILES: Final = files()
PAGES: Final = {name.removeprefix("reference/"): text for name, text in FILES.items()}
REMEDY: Final = "run `make reference`"


@pytest.mark.parametrize("name", FILES)
def test_a_page_or_picture_is_up_to_date(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == FILES[name], REMEDY


def test_there_are_no_other_pages() -> None:
    found = [path for folder in ("reference", "images") for path in (DOCS / folder).iterdir()]
    assert sorted(str(path.relative_to(DOCS)) for path in found) == sorted(name for name in FILES if "/" in name)


def test_every_public_name_is_described() -> None:
    missing = [name for name in procession.__all__ if f"{name}`" not in PAGES["python.md"] and name != "__version__"]
    headings = PAGES["python.md"].splitlines()
    assert [name for name in missing if f"## {name}" not in headings and name not in {"dmn", "feel"}] == []


def test_every_step_element_and_function_is_listed() -> None:
    assert set(VERBS) == {*BODIES, *TEXTS}
    assert [tag for tag in ACTIVITIES if f"`{tag}`" not in PAGES["elements.md"]] == []
    assert [name for name in BUILTINS["camunda"] if f"`{name}`" not in PAGES["feel.md"]] == []


def test_every_rule_that_a_test_breaks_is_listed() -> None:
    assert [row[0] for row in RULES if f"\n## {row[0]}\n" not in PAGES["rules.md"]] == []
