"""The command `replay`: what it prints of histories and of a store, and how it exits."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from flag_rig import know
from procession.cli.app import app
from procession.core import facts as f
from procession.core.context import Context
from procession.core.facts import AnyFact
from procession.hosts.temporal.histories import Kept
from replay.golden import HISTORIES, facts_of, golden
from unit.cli.models import CHARGE
from unit.cli.test_cli_commands import Shell, shell

__all__ = ["shell"]

REAL_TIME = str(HISTORIES / "release-1" / "real_time.json.zst")


def later_timers(monkeypatch: pytest.MonkeyPatch) -> None:
    write = Context.write

    def other(cx: Context, fact: AnyFact) -> None:
        write(cx, msgspec.structs.replace(fact, due=fact.due + 1) if isinstance(fact, f.TimerCreated) else fact)

    monkeypatch.setattr(Context, "write", other)


def test_histories_that_are_done_again_exit_0(shell: Shell) -> None:
    assert shell("replay", "--histories", REAL_TIME).endswith("1 ok, 0 diverged, 0 unreadable\n")
    [record] = shell.json("replay", "--histories", REAL_TIME)
    assert record["status"] == "ok"
    assert record["compared"] == record["steps"] > 0


def test_a_divergence_exits_1_and_names_instance_event_code_and_flags(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    later_timers(monkeypatch)
    know(monkeypatch, 3, "a behaviour of a test")
    [record] = shell.json("replay", "--histories", REAL_TIME, code=1)
    assert record["status"] == "diverged"
    assert record["workflow"].endswith(f"/{record['instance']}")
    assert (record["event"], record["event_type"]) == (3, "WorkflowTaskStarted")
    assert record["code"] == "procession.core.elements.tasks.job_enter"
    assert (record["flags"], record["flags_known"]) == ([], {"3": "test-3: a behaviour of a test; without it, as ever"})


def test_a_divergence_is_told_to_people(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    later_timers(monkeypatch)
    done = CliRunner().invoke(app, ["replay", "--histories", REAL_TIME])
    assert done.exit_code == 1
    lines = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    told = {words[0]: words[1] for words in lines}
    assert told["where"].startswith("event 3 WorkflowTaskStarted, step 1, of instance ")
    assert told["where"].endswith(", at work")
    assert told["recorded"].startswith("timer: due ")
    assert told["recorded"] != told["now"]
    assert told["flags"] == "the instance has none; this version knows none"
    assert lines[-1] == ["0", "ok, 1 diverged, 0 unreadable"]


def test_a_store_is_read_again(shell: Shell) -> None:
    shell.deployed(CHARGE)
    [started] = shell.json("start", "p", "--var", "amount=1")
    key = started["instance"]
    text = shell("replay", "--db", "procession.db")
    assert text == f"✓ <default>/{key}: 1 steps, waits: 1 CreateJob\n1 ok, 0 diverged, 0 unreadable\n"
    [record] = shell.json("replay", "--db", "procession.db", "--sample", "5")
    assert (record["instance"], record["status"], record["redecided"]) == (key, "ok", 1)


def test_plain_histories_are_read_with_programs_beside_them(shell: Shell) -> None:
    library, [kept] = golden(HISTORIES / "release-1" / "real_time.json.zst")
    program = step_program(kept)
    folder = shell.folder / "histories"
    (folder / "programs").mkdir(parents=True)
    (folder / "one.json").write_bytes(bytes(kept.history))
    [record] = shell.json("replay", "--histories", "histories", code=1)
    assert record["status"] == "unreadable"
    assert record["reason"].endswith(f"is missing: no file histories/programs/{program}")
    (folder / "programs" / program).write_bytes(library.data(program))
    [record] = shell.json("replay", "--histories", "histories")
    assert (record["status"], record["compared"]) == ("ok", 0)


def step_program(kept: Kept) -> str:
    """The program that a history's instance was started with."""
    first = next(iter((kept.facts or {}).values()))[0]
    fact = facts_of(first)[0]
    assert isinstance(fact, f.InstanceStarted)
    return fact.program


@pytest.mark.parametrize(
    "arguments",
    [(), ("--histories", ".", "--temporal", "localhost:7233"), ("--temporal", "localhost:7233")],
)
def test_it_has_to_be_told_what_to_replay(arguments: tuple[str, ...], shell: Shell) -> None:
    assert "--db FILE" in shell("replay", *arguments, code=2)


def test_a_folder_without_histories_is_an_error(shell: Shell) -> None:
    assert "no histories at ." in shell("replay", "--histories", ".", code=1)


def test_kept_stores_are_read_again_beside_histories_and_stay_as_they_are(shell: Shell) -> None:
    kept = HISTORIES / "release-1" / "disturbed.db.zst"
    before = kept.read_bytes()
    found = shell.json("replay", "--histories", str(kept))
    assert [(each["status"], each["name"]) for each in found] == [("ok", "disturbed.db.zst")] * 4
    assert kept.read_bytes() == before
    folder = shell.folder / "kept"
    folder.mkdir()
    for path in (kept, Path(REAL_TIME)):
        (folder / path.name).write_bytes(path.read_bytes())
    assert shell("replay", "--histories", str(folder)).endswith("5 ok, 0 diverged, 0 unreadable\n")
    (folder / kept.name).write_bytes(b"no store")
    assert "cannot be unpacked" in shell("replay", "--histories", str(folder), code=1)
