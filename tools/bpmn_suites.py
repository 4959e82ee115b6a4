"""The table of the BPMN suites in docs/conformance.md: what the runners in `tests/conformance` count.

The suites lie outside of the repository. Where they are not, the page keeps the table that it has.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]


def table() -> str | None:
    """The table as the code has it now; None without the suites."""
    sys.path.insert(0, str(ROOT / "tests"))
    from conformance import betsy, token_simulation
    from shared_data import shared_folder

    folder = shared_folder("data", "bpmn")
    if folder is None:
        return None
    passed = {
        "betsy": [betsy.outcome_of(case).passed for case in betsy.cases(folder / "betsy")],
        "token_simulation": [
            token_simulation.outcome_of(case).passed for case in token_simulation.cases(folder / "token-simulation")
        ],
    }
    lines = ["| suite | passed | cases | command |", "|---|---|---|---|"]
    for name, results in passed.items():
        place = f"../shared/data/bpmn/{name.replace('_', '-')}"
        command = f"`python -m tests.conformance.{name} {place}`"
        lines.append(f"| {name.replace('_', ' ')} | {sum(results)} | {len(results)} | {command} |")
    return "\n".join(lines)
