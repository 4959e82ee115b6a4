"""Reference models of the BPMN Model Interchange Working Group, run to their end as other people drew them.

C.8.1 (vacation request) and C.9.2 with C.9.1 (manual check with document requests), from the shared data.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from procession.testing import run_scenario
from shared_data import shared_data

SHARED: Final = shared_data("data", "bpmn", "miwg").parents[2]
FILES: Final = sorted((Path(__file__).parent / "miwg").glob("*.scenario.yaml"))


@pytest.mark.parametrize("restore", [False, True], ids=["plain", "restored"])
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.removesuffix(".scenario.yaml"))
def test_a_reference_model_runs_to_its_end(path: Path, restore: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROCESSION_SHARED", str(SHARED))
    result = run_scenario(path, restore_every_step=restore)
    assert result.passed, result.error
