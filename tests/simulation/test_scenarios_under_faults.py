"""Every scenario while the engine crashes and its disk refuses: what is written holds, whatever befell the process."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Final

import pytest

from procession.testing import run_scenario
from procession.testing.mishaps import Mishaps
from procession.testing.scenario_reader import load_scenario
from procession.testing.sim.faults import Fault

ROOT: Final = Path(__file__).resolve().parents[2]
EXCUSED: Final = {
    "signals_of_one_conversation": "a signal is kept for nobody: where both were stored for later, the second one "
    "may be there before the instance that the first one makes",
}
FILES: Final = sorted(
    path
    for folder in ("tests/scenarios", "examples")
    for path in (ROOT / folder).rglob("*.scenario.yaml")
    if path.name.split(".")[0] not in EXCUSED
)


def holds(path: Path, seed: int) -> None:
    result = run_scenario(path, seed=seed)
    name = path.relative_to(ROOT)
    assert result.passed, f"{result.error}\n--- again: procession test --seed {seed} {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_scenario_holds_whatever_befalls_the_engine(path: Path) -> None:
    holds(path, zlib.crc32(path.name.encode()) % 1_000_000)


@pytest.mark.large
@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_scenario_holds_for_a_thousand_seeds(path: Path) -> None:
    for seed in range(1_000):
        holds(path, seed)


def test_every_fault_befalls_some_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    fired: set[Fault] = set()
    befalls = Mishaps._befalls

    def seen(self: Mishaps, fault: Fault) -> bool:
        happens = befalls(self, fault)
        fired.update({fault} if happens else ())
        return happens

    monkeypatch.setattr(Mishaps, "_befalls", seen)
    for seed in range(40):
        holds(ROOT / "examples/order/paid_and_shipped.scenario.yaml", seed)
    assert fired == {"crash-before-commit", "crash-after-commit", "commit-fails", "read-fails"}


def test_an_excuse_is_needed_and_names_a_scenario() -> None:
    named = {path.name.split(".")[0]: path for path in (ROOT / "tests/scenarios").rglob("*.scenario.yaml")}
    for name in EXCUSED:
        assert load_scenario(named[name]).steps
        assert not all(run_scenario(named[name], seed=seed).passed for seed in range(40)), name


def test_a_seed_simulates_the_disk_and_takes_no_other(tmp_path: Path) -> None:
    path = ROOT / "examples/order/sold_out.scenario.yaml"
    assert "leave out the store" in run_scenario(path, seed=1, store=str(tmp_path / "s.db")).error
