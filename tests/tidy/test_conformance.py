"""docs/conformance.md is true: what it names exists, its tables are those of the code, no claim lacks its proof."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from procession.base.rules import RULES
from procession.dmn.compilation import RULES as DECISION_RULES
from procession.parse.grammar import ACTIVITIES, GATEWAYS
from procession.testing.scenario_reader import load_scenario
from tidy.source_tree import ROOT, functions

PAGE: Final = ROOT / "docs" / "conformance.md"
TEXT: Final = PAGE.read_text(encoding="utf-8")
_LINK: Final = re.compile(r"\[(?P<text>[^\]]+)\]\((?P<path>[^)]+)\)")
LINKS: Final = [
    (found["text"], found["path"])
    # An expression in a code span may look like a link.
    for found in _LINK.finditer(re.sub(r"`[^`\n]*`", "``", TEXT))
    if not found["path"].endswith(".md")
]
"""What shows something; links to other pages are looked after by test_docs.py."""
SCENARIOS: Final = sorted((ROOT / "tests" / "scenarios").rglob("*.scenario.yaml"))


@pytest.mark.parametrize("tool", ["conformance", "coverage"])
def test_the_generated_tables_are_those_of_the_code(tool: str) -> None:
    command = [sys.executable, "-m", f"tools.{tool}", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_everything_that_the_page_names_is_there() -> None:
    missing = [path for _, path in LINKS if not (PAGE.parent / path).resolve().is_file()]
    assert missing == []


def test_a_scenario_is_named_as_its_file_and_a_test_is_in_its_file() -> None:
    wrong: list[str] = []
    for text, path in LINKS:
        target = (PAGE.parent / path).resolve()
        if target.name.endswith(".scenario.yaml"):
            known = {target.name.removesuffix(".scenario.yaml")}
        else:
            known = {target.name, *(each.name for each in functions(target))}
        if text not in known:
            wrong.append(f"{text} ({path})")
    assert wrong == []


def test_every_claim_and_every_rule_has_its_proof() -> None:
    section = TEXT.partition("## The semantic contract")[2]
    rows = [
        line for line in section.splitlines() if line.startswith("| ") and not line.startswith(("| claim", "| rule"))
    ]
    assert len(rows) > 100
    assert [row for row in rows if not _LINK.search(row)] == []


def test_every_rule_of_the_code_is_on_the_page() -> None:
    assert [rule for rule in (*RULES, *DECISION_RULES) if f"| `{rule}` |" not in TEXT] == []


def test_every_activity_and_gateway_of_the_standard_is_on_the_page() -> None:
    assert [name for name in sorted(ACTIVITIES | GATEWAYS) if f"`{name}`" not in TEXT] == []


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.name.removesuffix(".scenario.yaml"))
def test_a_scenario_says_what_it_shows(path: Path) -> None:
    """Its first line is a sentence; what it expects is not nothing."""
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert re.fullmatch(r"# .+\.", first), first
    scenario = load_scenario(path)
    assert scenario.expect or scenario.rejected or any(step.waiting for step in scenario.steps)
