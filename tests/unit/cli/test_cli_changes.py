"""The command line changes instances under way, one and many."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from unit.cli.models import APPROVE, CHARGE, TASK, job, process, saved
from unit.cli.test_cli_commands import Shell, shell

TWO = process(("charge", job("charge", "charge-card")), ("ship", job("ship", "ship")))
RENAMED = process(("pay", job("pay", "charge-card")), ("ship", job("ship", "ship")))
__all__ = ["shell"]


def started(shell: Shell, text: str = TWO) -> str:
    shell.deployed(text)
    [record] = shell.json("start", "p", "--var", "x=1")
    return str(record["instance"])


def test_an_instance_is_modified(shell: Shell) -> None:
    key = started(shell)
    text = shell("modify", key, "--activate", "ship", "--terminate", "charge", "--var", "y=2")
    assert text == f"modified instance {key} of p version 1: active\ntokens at ship 1\n"
    [record] = shell.json("modify", key, "--move", "ship=charge")
    assert record == {"modified": key, "process_id": "p", "version": 1, "state": "active", "tokens": {"charge": 1}}
    [shown] = shell.json("show", key)
    [element] = {each["element"] for each in shown["jobs"]}
    assert "terminated" in shell("modify", key, "--terminate", element)
    assert "has ended" in shell("modify", key, "--activate", "ship", code=1)
    assert "write FROM=TO" in shell("modify", key, "--move", "ship", code=2)


def test_a_migration_is_planned_tried_and_done(shell: Shell) -> None:
    key = started(shell)
    shell.deployed(RENAMED)
    plan = json.loads(shell("plan", "p", "1"))
    assert plan["elements"] == {"start": "start", "ship": "ship", "end": "end"}
    assert plan["proposals"] == [
        {"source": "charge", "target": "pay", "why": "the same elements before it, the same elements behind it"}
    ]
    assert "'charge' (element instance" in shell("migrate", key, code=1)
    rows = shell("migrate", key, "--map", "charge=pay", "--dry-run").splitlines()
    assert [row.split()[1:4] for row in rows[2:]] == [["charge", "move", "pay"], ["charge", "keep-job", "pay"]]
    Path("plan.json").write_text(json.dumps({**plan, "elements": {**plan["elements"], "charge": "pay"}}))
    assert shell("migrate", key, "--plan", "plan.json", "--new", "charge:job") == (
        f"migrated instance {key} of p version 2: active\ntokens at pay 1\n"
    )
    Path("plan.json").write_text('{"element": {}}')
    assert "is no migration plan" in shell("migrate", key, "--plan", "plan.json", code=1)
    assert "write ID:job" in shell("migrate", key, "--to", "1", "--new", "pay:work", code=2)
    assert "migrated instance" in shell("migrate", key, "--to", "1", "--map", "pay=charge")


def test_instances_and_processes_are_suspended_and_resumed(shell: Shell) -> None:
    key = started(shell, process(("approve", TASK)))
    assert f"suspended instance {key}" in shell("suspend", key)
    [task] = shell.json("list", "tasks")
    assert "is suspended" in shell("complete", task["key"], code=1)
    assert f"resumed instance {key}" in shell("resume", key)
    assert shell("suspend", "--process", "p") == "suspended 1 version of p\n"
    assert "is suspended" in shell("start", "p", code=1)
    assert shell.json("resume", "--process", "p", "--version", "1") == [{"resumed": "p", "versions": 1}]
    for both in ((), (key, "--process", "p")):
        assert "one of the two" in shell("suspend", *both, code=2)


def test_an_instance_is_restarted(shell: Shell) -> None:
    key = started(shell)
    shell("cancel", key)
    [again] = shell.json("restart", key, "--at", "ship", "--var", "y=2")
    assert again["restarted"] != key
    assert again["tokens"] == {"ship": 1}
    assert shell.json("show", again["restarted"])[0]["variables"] == {"x": 1, "y": 2}
    assert "tokens at charge 1" in shell("restart", again["restarted"], "--at", "charge", "--in-place")
    assert "at least one element" in shell("restart", key, code=1)


def test_many_instances_are_changed_in_a_batch(shell: Shell) -> None:
    shell.deployed(TWO)
    keys = [shell.json("start", "p")[0]["instance"] for _ in range(3)]
    text = shell("batch", "start", "modify", "--process", "p", "--move", "charge=ship", "--instance", keys[0])
    assert "(modify): finished, 1 done, 0 failed" in text
    shell("batch", "start", "modify", "--move", "charge=ship", code=1)
    refused = shell("batch", "show", shell.json("batch", "list")[-1]["key"])
    assert "finished, 2 done, 1 failed" in refused
    assert f"instance {keys[0]}: no instance of element 'charge' is active" in refused
    shell.deployed(RENAMED)
    filters = ("--process", "p", "--version", "1", "--element", "ship")
    assert "3 done" in shell("batch", "start", "migrate", *filters, "--map", "charge=pay")
    for action in ("suspend", "resume", "resolve", "retry"):
        assert "0 done" in shell("batch", "start", action, "--process", "p", "--until", "2000-01-01T00:00:00Z")
    [record] = shell.json("batch", "start", "cancel", "--process", "p", "--reason", "cleared")
    assert (record["action"], record["state"], record["done"]) == ("cancel", "finished", 3)
    assert "is finished" in shell("batch", "pause", record["key"], code=1)


def test_a_batch_is_paused_continued_and_stopped(shell: Shell) -> None:
    started(shell)
    [record] = shell.json("batch", "start", "suspend", "--process", "p", "--no-wait")
    key = record["key"]
    assert "paused" in shell("batch", "pause", key)
    assert "finished, 1 done" in shell("batch", "continue", key)
    [record] = shell.json("batch", "start", "resume", "--no-wait")
    assert "cancelled" in shell("batch", "stop", record["key"])


WRONG_USE = [
    ("start", "explode"),
    ("start", "migrate", "--process", "p"),
    ("start", "cancel", "--state", "odd"),
    ("start", "cancel", "--from", "yesterday"),
]


@pytest.mark.parametrize("arguments", WRONG_USE)
def test_what_is_wrong_with_a_batch_is_told_with_a_remedy(arguments: tuple[str, ...], shell: Shell) -> None:
    shell.deployed(CHARGE)
    assert "procession: " in shell("batch", *arguments, code=2)


def test_plans_of_unknown_processes_are_told(shell: Shell) -> None:
    saved(shell.folder, APPROVE)
    assert "no store" in shell("plan", "p", "1", code=1)
