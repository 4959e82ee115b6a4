"""What must hold of a store at any time, whatever was done to the process that wrote it.

Read with plain SQL and the interpreter's own replay, not through an engine: facts and state are the same thing, and
every row that stands for something open is in the state, and the other way round.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from places import Asked, asking, place_of
from procession.base.values import encode
from procession.core import commands as c
from procession.core.facts import AnyFact, InstanceStarted
from procession.core.linked import Linked
from procession.core.pending import pending
from procession.core.snapshot import dump, load
from procession.core.state import State, Status
from procession.ir.program import Program, from_bytes
from procession.runtime import codec
from procession.runtime.link import link
from procession.runtime.replay import replay
from procession.runtime.rows import FactRow
from procession.store.opening import is_postgres

Facts = dict[tuple[int, int], bytes]
"""(instance, seq) -> the stored bytes."""

_KEYS: Final[dict[str, Callable[[State], list[int]]]] = {
    "job": lambda state: list(state.jobs),
    "timer": lambda state: [] if state.suspended else list(state.timers),
    "subscription": lambda state: [] if state.suspended else list(state.subscriptions),
    "incident": lambda state: list(state.incidents),
}


def facts_of(path: Path) -> Facts:
    """All facts in the file."""
    return {(row[0], row[1]): row[2] for row in rows(path, "SELECT instance, seq, data FROM procession_fact")}


def rows(path: Path | str, sql: str, *args: object) -> list[tuple[Any, ...]]:
    """The rows of a statement, through a connection of its own."""
    with asking(path) as connection:
        found: list[tuple[Any, ...]] = connection.execute(sql, args).fetchall()
        return found


def program_in(path: Path, hash: str) -> Program:
    """A stored program."""
    with asking(path) as connection:
        return _linked(connection, hash).program


def stored_facts(path: Path) -> list[tuple[Linked, list[AnyFact]]]:
    """The program and all facts of every instance, in the order of their keys."""
    found: list[tuple[Linked, list[AnyFact]]] = []
    with asking(path) as connection:
        for (key,) in connection.execute("SELECT key FROM procession_instance ORDER BY key").fetchall():
            steps = connection.execute("SELECT data FROM procession_fact WHERE instance = ? ORDER BY seq", (key,))
            facts = [fact for (data,) in steps.fetchall() for fact in codec.decode_facts(data)]
            assert isinstance(facts[0], InstanceStarted)
            found.append((_linked(connection, facts[0].program), facts))
    return found


def outcome(state: State) -> list[object]:
    """What became of an instance, in words that no later format changes."""
    variables = dict(state.root.variables or {}) if state.root is not None else {}
    waits = [len(each) for each in (state.elements, state.jobs, state.timers, state.subscriptions, state.incidents)]
    return [state.status.name, encode(variables).decode(), waits]


def audit(path: Path | str) -> dict[int, State]:
    """Instance -> its replayed state, after every check. Raises `AssertionError` naming what is wrong."""
    with asking(path) as connection:
        if not is_postgres(place_of(path)):
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        found: dict[int, State] = {}
        for key, status in connection.execute("SELECT key, state FROM procession_instance ORDER BY key").fetchall():
            state = found[key] = _audit_instance(connection, key)
            assert status == {Status.ACTIVE: 0, Status.COMPLETED: 1, Status.TERMINATED: 2}[state.status], key
        known = {row[0] for row in connection.execute("SELECT DISTINCT instance FROM procession_fact")}
        assert known == set(found), "facts without an instance, or an instance without facts"
    return found


def _audit_instance(connection: Asked, key: int) -> State:
    facts = [
        FactRow(*row)
        for row in connection.execute(
            "SELECT seq, at, data FROM procession_fact WHERE instance = ? ORDER BY seq", (key,)
        ).fetchall()
    ]
    assert facts, f"instance {key} has no facts"
    started = codec.decode_facts(facts[0].data)[0]
    assert isinstance(started, InstanceStarted)
    linked = _linked(connection, started.program)
    state = State()
    programs = partial(_linked, connection)
    linked = replay(linked, state, facts, programs)
    whole = dump(state)
    assert dump(load(whole)) == whole, f"instance {key}: its snapshot restores to something else"
    snapshot = connection.execute("SELECT seq, data FROM procession_snapshot WHERE instance = ?", (key,)).fetchone()
    if snapshot is not None:
        shortened = load(codec.unwrap(snapshot[1]))
        replay(programs(shortened.program), shortened, [row for row in facts if row.seq > snapshot[0]], programs)
        assert dump(shortened) == whole, f"instance {key}: snapshot and facts differ from all facts"
    alive = state.status is Status.ACTIVE
    for table, keys in _KEYS.items():
        stored = connection.execute(f"SELECT key FROM procession_{table} WHERE instance = ?", (key,)).fetchall()
        assert sorted(row[0] for row in stored) == (sorted(keys(state)) if alive else []), f"{table} of {key}"
    tasks = {each.element for each in pending(linked, state) if isinstance(each, c.OpenTask)}
    stored = connection.execute("SELECT key FROM procession_task WHERE instance = ?", (key,)).fetchall()
    assert {row[0] for row in stored} == tasks, f"tasks of {key}"
    return state


def _linked(connection: Asked, hash: str) -> Linked:
    row = connection.execute("SELECT data FROM procession_program WHERE hash = ?", (hash,)).fetchone()
    assert row is not None, f"the program {hash} is gone"
    return link(from_bytes(codec.unwrap(row[0])), hash)
