"""What a batch of moves would do, in numbers: element by element, with those that are called and those that work."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path

import pytest

from moving_rig import KINDS, MODELS
from procession import BadValue, Conflict, Engine, Filter
from procession.services.moving import Count
from unit.cli.test_cli_commands import Shell, shell

__all__ = ["shell"]


@pytest.fixture
def engine(tmp_path: Path) -> Generator[Engine]:
    with Engine(tmp_path / "e.db") as found:
        found.deploy(*MODELS)
        for n in range(12):
            found.start(KINDS[n % 6], {"k": f"k{n}", "wait": "PT1H"})
        found.run_until_idle()
        yield found


def test_all_is_counted_by_element(engine: Engine) -> None:
    moves = engine.changes.move_each_fates(Filter(), "temporal")
    assert (moves.instances, moves.there, moves.called, moves.refused) == (12, 0, 2, 0)
    found = "still found by it, without a gap"
    assert moves.counts == [
        Count("called", "b", "message go", found, 2),
        Count("job", "w", "job held", "done there, under its own key", 2),
        Count("many", "w", "job held", "done there, under its own key", 6),
        Count("message", "b", "message go", found, 2),
        Count("timer", "t", "timer", "due as before", 2),
        Count("undone", "paid", "job held", "done there, under its own key", 2),
    ]
    moves = engine.changes.move_each_fates(Filter(process_id="job"), "here")
    assert (moves.instances, moves.there, moves.counts) == (0, 2, [])


def test_those_at_work_would_be_tried_again(engine: Engine) -> None:
    [job] = engine.activate_jobs("held", 1)
    moves = engine.changes.move_each_fates(Filter(), "temporal", jobs="wait")
    assert (moves.instances, moves.refused) == (11, 1)
    [(instance, text)] = moves.refusals
    assert (instance, f"job {job.key} (held)" in text) == (job.instance, True)
    assert engine.changes.move_each_fates(Filter(), "temporal").refused == 0
    with pytest.raises(BadValue, match="carry, wait and reissue"):
        engine.changes.move_each_fates(Filter(), "temporal", jobs="drop")


def test_what_is_issued_anew_is_told(engine: Engine) -> None:
    moves = engine.changes.move_each_fates(Filter(process_id="job"), "temporal", jobs="reissue")
    assert moves.counts == [Count("job", "w", "job held", "done there, issued anew, under a new key", 2)]
    key = engine.instances(process_id="job", limit=1)[0].key
    [fate] = engine.changes.move_fates(key, "temporal", jobs="reissue")
    assert (fate.what, fate.becomes) == ("job held", "done there, issued anew, under a new key")
    [fate] = engine.changes.move_fates(key, "temporal")
    assert f"under the key {key}:" in fate.becomes
    with pytest.raises(BadValue, match="carry, wait and reissue"):
        engine.changes.move_fates(key, "temporal", jobs="drop")


def test_nothing_moves_without_the_host(engine: Engine) -> None:
    with pytest.raises(Conflict, match="no other host is beside this store"):
        engine.changes.move_each(Filter(), "temporal")


def test_the_command_line_tells_it(shell: Shell, engine: Engine, tmp_path: Path) -> None:
    db = ("--db", str(tmp_path / "e.db"))
    text = shell("move", "--process", "many", "--to", "temporal", "--dry-run", *db)
    assert "done there, under its own key" in text
    assert "2 would move to temporal, 0 are there" in text
    [found] = shell.json("move", "--host", "here", "--to", "temporal", "--dry-run", *db)
    assert (found["instances"], len(found["counts"])) == (12, 6), json.dumps(found)
    assert "one of the two" in shell("move", "--to", "temporal", *db, code=2)
    assert "one of the two" in shell("move", "1", "--process", "many", "--to", "temporal", *db, code=2)
    assert "here or temporal" in shell("move", "--host", "mars", "--to", "temporal", *db, code=2)
