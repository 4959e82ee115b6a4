"""What cannot be asked for is refused in words, and nothing of it happens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

import drawn as d
from host_rig import FakeClock, check_stored, opened
from procession import Engine, Refused
from procession.base.failure import BadValue, Conflict, ProcessionError, StoreError


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def engine(tmp_path: Path, clock: FakeClock) -> Iterator[Engine]:
    with opened(tmp_path / "e.db", clock) as opened_engine:
        yield opened_engine


# A call that asks for what there is not, the error, and a part of its text.
REFUSALS: list[tuple[str, Callable[[Engine], object], type[Exception], str]] = [
    ("state", lambda e: e.instances(state="odd"), BadValue, "no state 'odd'; there are active, completed"),
    ("duration", lambda e: e.publish("m", ttl="1h"), BadValue, "'1h' is no ISO 8601 duration"),
    ("variables", lambda e: e.start("p", cast("Any", "text")), BadValue, "variables are a mapping of names to values"),
    ("zone", lambda _: Engine(zone="Mars/Olympus"), ProcessionError, "there is no time zone 'Mars/Olympus'"),
    ("store", lambda _: Engine("mysql://host/name"), StoreError, "only SQLite files and PostgreSQL"),
    ("type", lambda e: e.worker("")(lambda: None), BadValue, "a worker needs the type of the jobs"),
    ("jobs", lambda e: e.worker("w", max_jobs=0)(lambda: None), BadValue, "it needs at least 1"),
    ("nothing", lambda e: e.deploy(), Refused, "error [no-process] no executable process"),
]


@pytest.mark.parametrize(("name", "call", "kind", "text"), REFUSALS, ids=[row[0] for row in REFUSALS])
def test_what_cannot_be_asked_for_is_refused_in_words(
    engine: Engine, name: str, call: Callable[[Engine], object], kind: type[Exception], text: str
) -> None:
    engine.deploy(d.one_task())
    with pytest.raises(kind, match=re.escape(text)):
        call(engine)


def test_a_closed_engine_says_so_and_serves_no_more(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "e.db")
    engine.close()
    for call in (engine.serve, engine.definitions, engine.run_until_idle):
        with pytest.raises(Conflict, match="closed"):
            call()


# What is changed of a user task, and the error that answers, "" for none.
CHANGES: list[tuple[dict[str, object], str]] = [
    ({"priority": 80, "candidate_groups": ["clerks"], "due": "2026-03-01T09:00:00Z"}, ""),
    ({"follow_up": None, "candidate_users": []}, ""),
    ({"prio": 80}, "a user task has no attribute 'prio' to change; there are candidate_groups"),
    ({"assignee": "ada"}, "a user task has no attribute 'assignee' to change"),
    ({"priority": 101}, "priority of a user task must be a whole number from 0 to 100"),
    ({"candidate_groups": "clerks"}, "candidate_groups of a user task must be a list of names"),
    ({"due": "tomorrow"}, "due of a user task must be an ISO 8601 date-time"),
]


@pytest.mark.parametrize(("changes", "error"), CHANGES, ids=[str(row[0]) for row in CHANGES])
def test_a_user_task_is_changed_by_known_attributes_and_grows_no_younger(
    engine: Engine, clock: FakeClock, changes: dict[str, object], error: str
) -> None:
    text = d.document(d.process("u", "begin -> ask, ask -> done", begin=d.start(), ask=d.user(), done=d.end()))
    engine.deploy(("u.bpmn", text))
    [task] = engine.start("u").tasks
    clock.pass_by(60)
    if error:
        with pytest.raises(Conflict, match=re.escape(error)):
            engine.update_task(task.key, changes)
        assert engine.tasks() == [task]
        return
    engine.update_task(task.key, changes)
    [changed] = engine.tasks()
    assert changed.created == task.created
    assert {name: changed.attributes.get(name) for name in changes} == changes
    check_stored(engine)
