"""docs/workflow-patterns.md holds each of the 43 control-flow patterns, with a scenario that is there."""

from __future__ import annotations

import re
from typing import Final

from tidy.source_tree import ROOT

PAGE: Final = ROOT / "docs" / "workflow-patterns.md"
FOLDER: Final = ROOT / "tests" / "scenarios" / "patterns"
COUNT: Final = 43
_ROW: Final = re.compile(
    r"^\| (?P<number>\d+) \| (?P<name>[^|]+) \| (?P<how>[^|]+) \| (?P<shown>[^|]*) \|$", re.MULTILINE
)
_LINK: Final = re.compile(r"\]\(\.\./tests/scenarios/patterns/(?P<file>[^)]+)\)")


def test_the_page_holds_each_pattern_once_with_its_scenario() -> None:
    rows = list(_ROW.finditer(PAGE.read_text(encoding="utf-8")))
    assert sorted(int(row["number"]) for row in rows) == list(range(1, COUNT + 1))
    for row in rows:
        link = _LINK.search(row["shown"])
        assert link, f"WCP-{row['number']}: no scenario"
        text = (FOLDER / link["file"]).read_text(encoding="utf-8")
        assert text.startswith(f"# WCP-{row['number']} {row['name']}: "), link["file"]


def test_no_scenario_is_missing_on_the_page() -> None:
    shown = {link["file"] for link in _LINK.finditer(PAGE.read_text(encoding="utf-8"))}
    assert shown == {path.name for path in FOLDER.glob("*.scenario.yaml")}
