"""Nothing that is stored depends on the process that wrote or reads it: not its zone, not its hashes (decision 9)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

CHILD: Final = Path(__file__).parents[1] / "determinism_child.py"
PLACES: Final = [("UTC", "0"), ("America/Los_Angeles", "1"), ("Asia/Kathmandu", "4242"), ("Pacific/Apia", "99")]


def child(what: str, database: Path, zone: str, seed: str) -> tuple[str, str]:
    """What the work left behind, and what the process was like."""
    found = subprocess.run(
        [sys.executable, str(CHILD), what, str(database)],
        env={**os.environ, "TZ": zone, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    digest, place = found.stdout.splitlines()
    return digest, place


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    database = tmp_path_factory.mktemp("determinism") / "e.db"
    return database, child("run", database, *PLACES[0])[0]


@pytest.mark.parametrize(("zone", "seed"), PLACES[1:])
def test_the_same_work_leaves_the_same_bytes_under_another_zone_and_hash_seed(
    tmp_path: Path, written: tuple[Path, str], zone: str, seed: str
) -> None:
    digest, place = child("run", tmp_path / "e.db", zone, seed)
    assert digest == written[1], place


@pytest.fixture(scope="module")
def replayed(written: tuple[Path, str]) -> list[tuple[str, str]]:
    """The digest, and what the process was like, in each place."""
    return [child("replay", written[0], *place) for place in PLACES]


def test_stored_facts_replay_to_the_same_states_under_another_zone_and_hash_seed(
    written: tuple[Path, str], replayed: list[tuple[str, str]]
) -> None:
    assert {digest for digest, _ in replayed} == {written[1]}, replayed


def test_scenarios_replay_to_the_same_states_under_another_zone_and_hash_seed(tmp_path: Path) -> None:
    digest = child("some", tmp_path / "e.db", *PLACES[0])[0]
    assert child("replay", tmp_path / "e.db", *PLACES[2])[0] == digest


@pytest.mark.large
def test_every_scenario_does_the_same_in_every_place(tmp_path: Path) -> None:
    database = tmp_path / "e.db"
    digest = child("scenarios", database, *PLACES[0])[0]
    for zone, seed in PLACES[1:]:
        assert child("replay", database, zone, seed)[0] == digest, (zone, seed)
    assert child("scenarios", tmp_path / "other.db", *PLACES[2])[0] == digest


def test_the_processes_of_this_test_do_differ(replayed: list[tuple[str, str]]) -> None:
    assert len({place for _, place in replayed}) == len(PLACES)
