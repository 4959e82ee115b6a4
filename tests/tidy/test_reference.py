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
# The names are those of what lies there: to make it takes seconds, which one process spends and not all that collect.
PLACES: Final = [DOCS / "feel-dialects.md", *(DOCS / "reference").iterdir(), *(DOCS / "images").iterdir()]
NAMES: Final = sorted(str(path.relative_to(DOCS)) for path in PLACES)
REMEDY: Final = "run `make reference`"


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    """Everything that is made from the code."""
    return files()


@pytest.fixture(scope="module")
def pages(made: dict[str, str]) -> dict[str, str]:
    """The pages of the reference."""
    return {name.removeprefix("reference/"): text for name, text in made.items()}


@pytest.mark.parametrize("name", NAMES)
def test_a_page_or_picture_is_up_to_date(name: str, made: dict[str, str]) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == made[name], REMEDY


def test_there_are_no_other_pages(made: dict[str, str]) -> None:
    assert sorted(made) == NAMES, REMEDY


def test_every_public_name_is_described(pages: dict[str, str]) -> None:
    missing = [name for name in procession.__all__ if f"{name}`" not in pages["python.md"] and name != "__version__"]
    headings = pages["python.md"].splitlines()
    assert [name for name in missing if f"## {name}" not in headings and name not in {"dmn", "feel"}] == []


def test_every_step_element_and_function_is_listed(pages: dict[str, str]) -> None:
    assert set(VERBS) == {*BODIES, *TEXTS}
    assert [tag for tag in ACTIVITIES if f"`{tag}`" not in pages["elements.md"]] == []
    assert [name for name in BUILTINS["camunda"] if f"`{name}`" not in pages["feel.md"]] == []


def test_every_rule_that_a_test_breaks_is_listed(pages: dict[str, str]) -> None:
    assert [row[0] for row in RULES if f"\n## {row[0]}\n" not in pages["rules.md"]] == []
