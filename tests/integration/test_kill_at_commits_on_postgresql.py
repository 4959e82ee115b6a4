"""kill -9 at commits to a PostgreSQL server, and in workers: nothing lost or doubled."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

import places
from integration.test_kill_at_commits import drive, finish

on_a_server = pytest.fixture(autouse=True)(places.on_a_server)


ALWAYS: Final = {"in-commit:4", "after-commit:4", "after:4"}
"""Where it is killed in each run of the tests; the others are for `make test-large`."""
PLACES: Final = [
    *(("PROCESSION_FAULT", f"before-commit:{number}") for number in (3, 6)),
    *(("PROCESSION_FAULT", f"in-commit:{number}") for number in (3, 4, 5, 7, 9)),
    *(("PROCESSION_FAULT", f"after-commit:{number}") for number in (3, 4, 6, 8)),
    ("FAULT_IN_WORKER", "before:2"),
    ("FAULT_IN_WORKER", "after:4"),
]


@pytest.mark.parametrize(
    ("variable", "fault"),
    [pytest.param(*place, marks=[] if place[1] in ALWAYS else [pytest.mark.large]) for place in PLACES],
)
def test_a_killed_process_loses_and_doubles_nothing(tmp_path: Path, variable: str, fault: str) -> None:
    run = drive(tmp_path / "run", 1, {variable: fault})
    assert run.killed
    finish(tmp_path / "run", run)
