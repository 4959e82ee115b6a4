"""The examples with their real workers, and the demo with its kill."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Final

import pytest

import needs
from procession import Engine

ROOT: Final = Path(__file__).resolve().parents[2]
RUNS: Final = [
    ("onboarding", {"applicationId": "A-1", "name": "Ada", "country": "DE"}, {"risk": "low"}),
    ("claim", {"policy": "4711", "damages": [{"part": "window"}]}, {"payout": Decimal("150.50")}),
    ("claim", {"policy": "lapsed", "damages": []}, {"reason": "lapsed"}),
    ("order", {"orderId": "O-1", "items": [{"sku": "unicorn", "n": 1}], "total": 5}, {"missing": ["unicorn"]}),
    (
        "loan",
        {"customer": "Ada", "amount": 3000, "months": 24, "monthlyIncome": 4000, "defaults": 0},
        {"suspicious": False},
    ),
]


@pytest.mark.parametrize(("name", "variables", "expected"), RUNS, ids=[f"{run[0]}-{n}" for n, run in enumerate(RUNS)])
def test_an_example_runs_with_its_workers(
    name: str, variables: dict[str, object], expected: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    folder = ROOT / "examples" / name
    with Engine(":memory:") as engine:
        engine.deploy(*sorted(folder.glob("*.bpmn")), *sorted(folder.glob("*.dmn")))
        import_module(f"examples.{name}.workers").register(engine)
        instance = engine.start(name, variables)
        engine.run_until_idle()
        assert instance.state == "completed", instance.incidents
        assert expected.items() <= instance.variables.items()


def test_the_demo_loses_and_doubles_nothing_when_its_engine_is_killed() -> None:
    needs.require("cli", "pip install 'procession[cli]'")
    command = [sys.executable, "-m", "examples.demo", "120"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=115, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "lost 0, doubled 0" in ran.stdout
