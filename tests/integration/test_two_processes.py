"""Several processes on one file: engines, the command line; owners that die or sleep (decision 1)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from needs import require
from places import at_rest, place_of
from process_rig import Child, Killed, Refused, doubled, effects_of, until
from store_audit import audit, rows

WAITING: Final = "SELECT 1 FROM procession_inbox WHERE state = 0"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "engine.db"


@pytest.fixture
def effects(tmp_path: Path) -> Path:
    return tmp_path / "effects"


@pytest.fixture
def pair(database: Path, effects: Path) -> Iterator[tuple[Child, Child]]:
    """Two engines; the first one was there first, so it owns the store, and the processes are deployed."""
    with Child(database, effects) as owner:
        owner.ready()
        owner.ask("deploy")
        with Child(database, effects) as other:
            other.ready()
            assert [owner.ask("owner"), other.ask("owner")] == [True, False]
            yield owner, other


def completed(database: Path) -> int:
    return int(rows(database, "SELECT count(*) FROM procession_instance WHERE state = 1")[0][0])


def cli(database: Path, *words: str) -> dict[str, Any]:
    """A command in a process of its own; the first JSON document that it prints."""
    command = [sys.executable, "-m", "procession.cli.main", *words, "--db", place_of(database), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[0]))


@pytest.fixture
def short(database: Path, effects: Path) -> Iterator[tuple[Child, Child]]:
    """As `pair`, with leases that run out soon."""
    with Child(database, effects, LEASE_MS="400") as owner:
        owner.ready()
        owner.ask("deploy")
        with Child(database, effects, LEASE_MS="400") as other:
            other.ready()
            yield owner, other


def put_to_sleep(owner: Child, database: Path) -> None:
    """Stops a process, but outside of a transaction: within one, nobody else could write, whatever the lease says."""
    while True:
        owner.pause()
        if at_rest(database):
            return
        owner.wake()


def test_two_engines_share_the_work_and_nothing_is_done_twice(
    database: Path, effects: Path, pair: tuple[Child, Child]
) -> None:
    for child in pair:
        child.ask("serve", 2)
    for child in pair:
        child.tell("start_many", "chain", [{}] * 15)
    keys = [key for child in pair for key in child.answer()]
    for _ in range(5):
        keys += [child.ask("start", "chain") for child in pair]
    until(lambda: completed(database) == 40, "40 instances are completed")
    assert [child.end() for child in pair] == [0, 0]
    states = audit(database)
    assert sorted(states) == sorted(keys)
    found = effects_of(effects)
    assert len(found) == 120
    assert all(len(each) == 1 for each in found.values()), "a job was done twice though nothing failed"


def test_when_the_owner_is_killed_the_other_goes_on_within_seconds(
    database: Path, effects: Path, pair: tuple[Child, Child]
) -> None:
    owner, other = pair
    owner.ask("serve", 2)
    owner.ask("start_many", "chain", [{}] * 60)
    until(lambda: effects.exists() and len(effects.read_bytes()) > 1_000, "some jobs are done")
    owner.kill()
    other.ask("serve", 2)
    until(lambda: completed(database) == 60, "the other process completed everything", deadline_s=5)
    assert other.ask("owner")
    assert other.end() == 0
    audit(database)
    assert doubled(effects) == {}
    assert len(effects_of(effects)) == 180


def test_a_caller_does_not_notice_that_the_owner_is_killed(
    database: Path, effects: Path, pair: tuple[Child, Child]
) -> None:
    owner, other = pair
    owner.pause()
    other.tell("start", "one")
    until(lambda: bool(rows(database, WAITING)), "the request is in the inbox")
    owner.kill()
    key = other.answer(deadline_s=5)
    assert list(audit(database)) == [key]


def test_an_owner_that_slept_through_a_takeover_cannot_write(
    database: Path, effects: Path, short: tuple[Child, Child]
) -> None:
    sleeper, other = short
    key = sleeper.ask("start", "order", {"number": "A", "items": [1]})
    (task,) = rows(database, "SELECT key FROM procession_task")[0]
    put_to_sleep(sleeper, database)
    # What it will do first when it wakes up, still sure of being the owner.
    sleeper.tell("start", "one")
    sleeper.tell("complete_task", task, {"by": "the sleeper"})
    other.ask("complete_task", task, {"by": "the other"})
    assert other.ask("owner")
    other.ask("serve", 1)
    sleeper.wake()
    started = sleeper.answer()
    with pytest.raises(Refused, match="NotFound: user task"):
        sleeper.answer()
    assert not sleeper.ask("owner")
    until(lambda: completed(database) == 1, "the other process did the job of the sleeper's start")
    states = audit(database)
    assert sorted(states) == sorted([key, started])
    root = states[key].root
    assert root is not None
    assert (root.variables or {})["by"] == "the other"


def test_an_owner_that_slept_does_not_answer_from_its_old_memory(
    database: Path, effects: Path, short: tuple[Child, Child]
) -> None:
    sleeper, other = short
    # It knows now that nobody wants this message.
    sleeper.ask("publish", "notice", "A")
    put_to_sleep(sleeper, database)
    sleeper.tell("publish", "notice", "A")
    other.ask("deploy_notice")
    other.ask("serve", 1)
    sleeper.wake()
    sleeper.answer()
    until(lambda: completed(database) == 1, "the message, which is kept nowhere, started an instance")
    audit(database)


def test_owners_that_sleep_again_and_again_under_load_do_no_harm(
    database: Path, effects: Path, short: tuple[Child, Child]
) -> None:
    for child in short:
        child.ask("serve", 2)
    expected = 0
    for turn in range(4):
        sleeper, other = short[turn % 2], short[(turn + 1) % 2]
        for child in short:
            child.tell("start_many", "chain", [{}] * 10)
            expected += 10
        put_to_sleep(sleeper, database)
        assert len(other.answer()) == 10
        sleeper.wake()
        assert len(sleeper.answer()) == 10
    until(lambda: completed(database) == expected, f"{expected} instances are completed")
    assert [child.end() for child in short] == [0, 0]
    assert len(audit(database)) == expected
    assert doubled(effects) == {}
    assert len(effects_of(effects)) == 3 * expected


def test_a_request_of_a_killed_client_is_carried_out_once(
    database: Path, effects: Path, pair: tuple[Child, Child]
) -> None:
    owner, client = pair
    owner.pause()
    client.tell("start", "one")
    until(lambda: bool(rows(database, WAITING)), "the request is in the inbox")
    client.kill()
    owner.wake()
    owner.ask("serve", 1)
    until(lambda: completed(database) == 1, "the request was carried out")
    assert owner.end() == 0
    assert len(audit(database)) == 1
    assert len(effects_of(effects)) == 1


@pytest.mark.parametrize("commit", [4, *(pytest.param(number, marks=pytest.mark.large) for number in (3, 5))])
def test_a_request_is_carried_out_once_when_its_owner_dies_behind_the_commit(
    database: Path, effects: Path, commit: int
) -> None:
    with Child(database, effects, PROCESSION_FAULT=f"after-commit:{commit}") as owner:
        owner.ready()
        owner.ask("deploy")  # the second commit; the first one took the store
        with Child(database, effects) as client:
            client.ready()
            owner.ask("serve", 0)
            keys = {client.ask("start", "one") for _ in range(4)}
            with pytest.raises(Killed):
                owner.ask("owner")
            assert client.ask("owner")
            client.ask("run_until_idle")
            assert client.ask("counts") == {"completed": 4}
    assert set(audit(database)) == keys
    assert len(effects_of(effects)) == 4


def test_the_command_line_works_while_an_engine_serves(database: Path, effects: Path) -> None:
    require("cli", "pip install 'procession[cli]'")
    with Child(database, effects) as owner:
        owner.ready()
        owner.ask("deploy")
        owner.ask("serve", 2)
        started = cli(database, "start", "order", "-v", "number=A", "-v", "items:=[1]")
        assert owner.ask("owner"), "the command line took the store from a living owner"
        until(lambda: bool(rows(database, "SELECT 1 FROM procession_task")), "the task is open")
        (task,) = rows(database, "SELECT key FROM procession_task")[0]
        cli(database, "complete", str(task))
        cli(database, "message", "paid", "--key", "A", "--ttl", "PT1M")
        until(lambda: completed(database) == 1, "the order is completed")
        assert cli(database, "list", "instances")["key"] == started["instance"]
        assert cli(database, "show", started["instance"])["state"] == "completed"
        assert cli(database, "doctor")
    audit(database)
    assert doubled(effects) == {}
