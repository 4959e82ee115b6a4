"""The command line rolls out: plans are read and told, applied, held, taken back. The way home needs no cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unit.cli.models import job, process
from unit.cli.test_cli_commands import Shell, shell

__all__ = ["shell"]

HOME = """
name: home
from: temporal
to: here
processes: [p]
steps: [{starts: 50}, {starts: 100}]
gates: {finished: 2}
"""


def saved(text: str, name: str = "home.yaml") -> str:
    Path(name).write_text(text, encoding="utf-8")
    return name


def deployed(shell: Shell) -> None:
    shell.deployed(process(("charge", job("charge", "charge-card"))))


def test_a_plan_is_told_and_changes_nothing(shell: Shell) -> None:
    deployed(shell)
    told = shell("rollout", "plan", saved(HOME)).splitlines()
    assert told[0] == "1. starts 50 %: so much of what starts then goes to here: 1 processes (p)"
    assert shell("rollout", "status") == "no rollouts\n"
    [record] = shell.json("rollout", "plan", "home.yaml")
    assert [each["step"] for each in record["steps"]] == ["starts 50 %", "starts 100 %"]


def test_what_cannot_be_read_is_told_with_its_place(shell: Shell) -> None:
    deployed(shell)
    assert "no such.yaml cannot be read" in shell("rollout", "plan", "no such.yaml", code=2)
    assert "bad.yaml:2: not YAML" in shell("rollout", "apply", saved("a: [", "bad.yaml"), code=2)
    shares = HOME.replace("{starts: 100}", "{starts: 1}")
    assert "step 2 has 1 % of the starts" in shell("rollout", "plan", saved(shares), code=1)
    assert "no rollout 'x'" in shell("rollout", "hold", "x", code=1)


def test_it_is_applied_held_and_taken_back(shell: Shell) -> None:
    deployed(shell)
    told = shell("rollout", "apply", saved(HOME))
    assert "begun: starts 50 %" in told
    assert "home: running, step 1 of 2: starts 50 %" in told
    assert "finished  waits  0 of 2 finished" in told
    assert shell("routes", "show").splitlines()[0] == "rollout home: all tenants, p"
    assert "home: held" in shell("rollout", "hold", "home", "--reason", "lunch")
    assert "home: held" in shell("rollout", "apply", "home.yaml", code=1)
    assert "home: running" in shell("rollout", "apply", "home.yaml", "--again")
    assert "home: rolled back" in shell("rollout", "rollback", "home", "--reason", "enough")
    [line] = [each for each in shell("rollout", "status").splitlines() if "home" in each]
    assert "rolled back" in line
    [shown] = shell.json("rollout", "status", "home")
    past: list[dict[str, Any]] = shown["rollout"]["past"]
    assert [(each["what"], each.get("why", "")) for each in past[1:]] == [
        ("held", "lunch"),
        ("resumed", ""),
        ("rolled back", "enough"),
    ]
    assert all(each["who"].startswith("user:") for each in past)
    assert "no such host" not in shell("routes", "show")
    assert "rolled back" in shell("rollout", "apply", "home.yaml", "--watch", code=1)
