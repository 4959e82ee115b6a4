"""Reading a store again: what it finds of a change, and that it finds none where nothing changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final, TypeAlias, cast

import msgspec
import pytest

from flag_rig import know
from procession.core import facts as f
from procession.core.context import Context
from procession.core.facts import AnyFact
from procession.core.snapshot import dump
from procession.core.state import ElementInstance, State
from procession.core.tokens import leave
from procession.ir.kinds import Kind
from procession.ir.program import Ref
from procession.runtime import codec
from procession.services.rereading import Reread, reread_file
from procession.testing import run_scenario

SCENARIOS: Final = Path(__file__).parents[2] / "scenarios"
CHOSEN: Final = (
    "timers/cron",
    "gateways/conditional_flows_leave_a_task",
    "messages/start_event",
    "call/incident_in_the_child",
    "data/data_store_outlives_the_instance",
    "multiple_events/",
    "changes/migrate_made_anew",
    "patterns/",
)
FLAG: Final = 3


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A file with the instances of some scenarios."""
    path = tmp_path / "e.db"
    for name in CHOSEN:
        folder, _, begins = name.partition("/")
        found = [p for p in sorted((SCENARIOS / folder).glob("*.scenario.yaml")) if p.name.startswith(begins)][:2]
        for each in found:
            assert run_scenario(each, store=str(path)).passed
    return path


def results(store: Path, sample: int = 0) -> list[Reread]:
    return list(reread_file(str(store), sample=sample))


def test_what_did_not_change_is_read_as_it_was(store: Path) -> None:
    found = results(store)
    assert len(found) > 10
    assert [each for each in found if each.status != "ok"] == []
    assert all(each.redecided >= 1 for each in found if each.steps)
    assert any(each.redecided > 1 for each in found)


def test_a_sample_is_spread_over_all(store: Path) -> None:
    everything, some = results(store), results(store, sample=4)
    assert 4 <= len(some) < len(everything)
    places = [everything.index(each) for each in some]
    assert places == list(range(0, len(everything), places[1] - places[0]))


Change: TypeAlias = Callable[[pytest.MonkeyPatch], None]


def another_order(patch: pytest.MonkeyPatch, wanted: Callable[[Context], bool] = lambda cx: True) -> None:
    def other(cx: Context, element: ElementInstance, flows: tuple[Ref, ...]) -> None:
        is_fork = cx.node_of(element).kind is Kind.PARALLEL_GATEWAY and wanted(cx)
        leave(cx, element, flows[::-1] if is_fork else flows)

    patch.setattr("procession.core.transitions.leave", other)


def later_timers(patch: pytest.MonkeyPatch) -> None:
    write = Context.write

    def other(cx: Context, fact: AnyFact) -> None:
        write(cx, msgspec.structs.replace(fact, due=fact.due + 1) if isinstance(fact, f.TimerCreated) else fact)

    patch.setattr(Context, "write", other)


@pytest.mark.parametrize(
    ("change", "event", "code"),
    [
        (another_order, "Start", "procession.core.elements.gateways.gateway_enter"),
        (later_timers, "Start", "procession.core.elements.tasks.job_enter"),
    ],
)
def test_another_decision_is_found(
    change: Change, event: str, code: str, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(monkeypatch)
    found = [each for each in results(store) if each.status == "diverged"]
    assert found
    assert found[0].recorded != found[0].made
    assert any((each.event, each.code) == (event, code) for each in found)


def test_the_flag_that_is_the_reason_is_named(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, FLAG, "a fork takes its flows from the last to the first")
    another_order(monkeypatch, lambda cx: not cx.state.flags >> FLAG & 1)
    found = [each for each in results(store) if each.status == "diverged"]
    assert found
    assert {tuple(each.explains) for each in found} == {(FLAG,)}


def test_a_change_behind_a_flag_that_is_not_on_is_no_change(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, FLAG, "a fork takes its flows from the last to the first")
    another_order(monkeypatch, lambda cx: bool(cx.state.flags >> FLAG & 1))
    assert [each for each in results(store) if each.status != "ok"] == []


def test_a_snapshot_that_its_facts_do_not_give_is_found(store: Path) -> None:
    with closing(sqlite3.connect(store)) as connection:
        query = "SELECT tenant, instance FROM procession_fact GROUP BY 1, 2 HAVING max(seq) = 1"
        tenant, instance = connection.execute(query).fetchone()
        data = connection.execute(
            "SELECT data FROM procession_fact WHERE tenant = ? AND instance = ?", (tenant, instance)
        ).fetchone()[0]
        hash = cast("f.InstanceStarted", codec.decode_facts(data)[0]).program
        other = State()
        other.instance, other.program, other.seq = instance, hash, 1
        row = (tenant, instance, 1, codec.wrap(dump(other)))
        connection.execute(
            "INSERT OR REPLACE INTO procession_snapshot (tenant, instance, seq, data) VALUES (?, ?, ?, ?)", row
        )
        connection.commit()
    [found] = [each for each in results(store) if each.status == "diverged"]
    assert (found.instance, found.event) == (instance, "snapshot")


def test_what_cannot_be_read_is_told_and_the_rest_goes_on(store: Path) -> None:
    with closing(sqlite3.connect(store)) as connection:
        tenant, hash = connection.execute("SELECT tenant, hash FROM procession_program LIMIT 1").fetchone()
        connection.execute("DELETE FROM procession_program WHERE tenant = ? AND hash = ?", (tenant, hash))
        connection.commit()
    found = results(store)
    assert {each.status for each in found} == {"ok", "unreadable"}
    assert all(f"the program {hash} is missing" in each.reason for each in found if each.status == "unreadable")
