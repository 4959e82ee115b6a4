"""The table of the DMN compatibility kit in docs/conformance.md: cases, and how many passed, by level.

The kit lies outside of the repository. Where it is not, the page keeps the table that it has.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
LEVELS: Final = ("compliance-level-2", "compliance-level-3", "non-compliant")
JAVA: Final = "0076-feel-external-java"
"""Functions written in Java, which FEEL calls by class and method: not applicable, and counted apart."""


def table() -> str | None:
    """The table as the code has it now; None without the kit."""
    sys.path.insert(0, str(ROOT / "tests"))
    from dmn_tck import folders, run_folder
    from shared_data import shared_folder

    kit = shared_folder("data", "dmn-tck")
    if kit is None:
        return None
    lines = [
        "| level | folders | results compared | passed | of values | of nulls | not applicable |",
        "|---|---|---|---|---|---|---|",
    ]
    failing: list[str] = []
    for level in LEVELS:
        found = {folder.name: run_folder(folder) for folder in folders(kit / level)}
        java = len(found.pop(JAVA, []))
        outcomes = [outcome for each in found.values() for outcome in each]
        values = [not outcome.error for outcome in outcomes if not outcome.wants_null]
        nulls = [not outcome.error for outcome in outcomes if outcome.wants_null]
        cells = [
            str(len(found)),
            str(len(outcomes)),
            _share([*values, *nulls]),
            _share(values),
            _share(nulls),
            str(java),
        ]
        lines.append(f"| {level} | {' | '.join(cells)} |")
        failing += [f"`{outcome.case.name}`" for outcome in outcomes if outcome.error]
    lines += ["", f"Not passed: {', '.join(failing) or 'none'}."]
    return "\n".join(lines)


def _share(passed: list[bool]) -> str:
    if not passed:
        return "-"
    percent = f"{100 * sum(passed) / len(passed):.1f}".removesuffix(".0")
    return f"{sum(passed)} of {len(passed)}, {percent} %"
