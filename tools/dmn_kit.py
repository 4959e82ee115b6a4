"""The table of the DMN compatibility kit in docs/conformance.md: what `python -m tests.conformance.dmn_tck` counts.

The kit lies outside of the repository. Where it is not, the page keeps the table that it has.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]


def table() -> str | None:
    """The table as the code has it now; None without the kit."""
    sys.path.insert(0, str(ROOT / "tests"))
    from conformance.dmn_tck import folders, run_folder, totals
    from shared_data import shared_folder

    kit = shared_folder("data", "dmn-tck")
    if kit is None:
        return None
    header, *rows = totals(outcome for folder in folders(kit) for outcome in run_folder(folder))
    return "\n".join([f"| {header} |", "|" + "---|" * (header.count("|") + 1), *(f"| {row} |" for row in rows)])
