"""`procession impact` and `procession flags`: what they print, and how they exit."""

from __future__ import annotations

import pytest

from flag_rig import know
from procession import Engine
from unit.cli.models import CHARGE, saved
from unit.cli.test_cli_commands import Shell, shell

__all__ = ["shell"]

CHANGED = CHARGE.replace("charge-card", "charge-card-2")


@pytest.fixture
def waiting(shell: Shell) -> int:
    """An instance that waits at its job."""
    shell.deployed(CHARGE)
    [started] = shell.json("start", "p", "--var", "amount=1")
    return int(started["instance"])


def test_the_impact_of_a_type_of_jobs_is_told_with_its_reason(shell: Shell, waiting: int) -> None:
    text = shell("impact", "--job-type", "charge-card")
    assert f"<default>/{waiting}  p version 1\n    charge: a job charge-card is open\n" in text
    assert text.endswith("1 running instances are touched\n")
    told, total = shell.json("impact", "--job-type", "charge-card")
    assert (told["instance"], told["reasons"][0]["what"], told["migration"]) == (str(waiting), "open-job", "")
    assert total == {
        "touched": 1,
        "migration": {},
        "totals": [{"process_id": "p", "version": 1, "element": "charge", "what": "open-job", "instances": 1}],
    }


@pytest.mark.parametrize(
    ("arguments", "touched"),
    [
        (("--job-type", "other", "--job-type", "charge-card", "--process", "q", "--process", "p"), 1),
        (("--connector", "charge-card", "--tenant", "<default>"), 1),
        (("--connector", "charge"), 0),
        (("--job-type", "charge-card", "--process", "q"), 0),
    ],
)
def test_fail_if_any_exits_1_where_one_is_touched(
    shell: Shell, waiting: int, arguments: tuple[str, ...], touched: int
) -> None:
    [total] = shell.json("impact", *arguments, "--totals")
    assert total["touched"] == touched
    shell("impact", *arguments, "--fail-if-any", code=touched)


def test_the_impact_of_a_model_says_who_could_be_migrated_and_deploys_nothing(shell: Shell, waiting: int) -> None:
    text = shell("impact", "--deploy", saved(shell.folder, CHANGED))
    assert "charge: it stands here, and this changes its job type (charge-card becomes charge-card-2)" in text
    assert "could be migrated" in text
    assert text.endswith("1 running instances are touched; a migration is possible for 1 of them\n")
    assert [each["version"] for each in shell.json("list", "definitions")] == [1]


def test_what_is_asked_must_be_one_thing(shell: Shell, waiting: int) -> None:
    for arguments in ((), ("--flag", "3", "--job-type", "x"), ("--deploy", "a.bpmn", "--connector", "x")):
        assert "one of --flag N, --deploy FILE" in shell("impact", *arguments, code=2)
    assert "knows no behaviour flag 3" in shell("impact", "--flag", "3", code=1)
    assert "no tenant 'nobody'" in shell("impact", "--job-type", "x", "--tenant", "nobody", code=1)


def test_flags_are_switched_for_the_cell_and_for_a_tenant(
    shell: Shell, waiting: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "this version knows no flag" in shell("flags", "list")
    know(monkeypatch, 3, "a fork takes its flows backwards", name="forks")
    assert "3  forks, since 9.0: off in the cell" in shell("flags", "list")
    with Engine("procession.db") as engine:
        engine.deploy(("p.bpmn", CHARGE.encode()), tenant="acme")
    assert shell("flags", "on", "3", "--tenant", "acme").startswith("flag 3 is on for what tenant acme starts")
    assert "ahead acme" in shell("flags", "list")
    shell("flags", "on", "3")
    shell("flags", "off", "3", "--tenant", "acme")
    [listed] = shell.json("flags", "list")
    assert (listed["number"], listed["cell"], listed["ahead"], listed["back"]) == (3, True, [], ["acme"])
    assert "as its cell has it" in shell("flags", "follow", "3", "--tenant", "acme")
    assert shell.json("flags", "off", "3") == [{"number": 3, "switched": "off", "tenant": None}]
    assert "knows no behaviour flag 4" in shell("flags", "on", "4", code=1)
    told, total = shell.json("impact", "--flag", "3")
    assert (told["instance"], told["reasons"][0]["what"]) == (str(waiting), "old-behaviour")
    assert total["touched"] == 1
