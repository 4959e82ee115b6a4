"""The models of the DMN compatibility kit's level 2: tables, hit policies and simple FEEL."""

from __future__ import annotations

from typing import Final

import pytest

from dmn_tck import folders, run_folder
from shared_data import shared_data

FOLDERS: Final = folders(shared_data("data", "dmn-tck", "compliance-level-2"))


@pytest.mark.parametrize("folder", FOLDERS, ids=[folder.name for folder in FOLDERS])
def test_every_case_of_level_2_has_the_expected_result(folder) -> None:
    outcomes = run_folder(folder)
    failed = [f"{outcome.case.name}: {outcome.error}" for outcome in outcomes if outcome.error]
    assert outcomes
    assert not failed, "\n".join(failed)
