"""Golden histories of Temporal: what earlier releases did is done again, event by event and fact by fact.

`record.py` writes the files; they are replayed without a server. And the proof that they hold something: a behaviour
that is changed on purpose turns them red, with the instance, the event, and the flag or the code.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec
import pytest
from temporalio import workflow

from flag_rig import know
from procession.core import facts as f
from procession.core.commands import CreateJob, MoveIncident
from procession.core.context import Context
from procession.core.facts import AnyFact
from procession.core.state import ElementInstance
from procession.core.tokens import leave
from procession.hosts.temporal import house
from procession.hosts.temporal.histories import Bundle, ByHash, Kept, of_bundle
from procession.hosts.temporal.house import Body
from procession.hosts.temporal.jobs import Jobs
from procession.hosts.temporal.payloads import Input
from procession.hosts.temporal.replaying import Replayed, replayed
from procession.ir.kinds import Kind
from procession.ir.program import Ref
from procession.runtime.elsewhere import Shown
from replay.golden import FILES, HISTORIES, golden, made_by
from replay.record import families

NOT_IN_SCENARIOS: Final = {f.JobDenied, f.JobReissued, f.TimerSkipped, f.Drew, MoveIncident}
"""No scenario makes these: a listener that denies, a move, a downtime, chance, the migration of an incident."""


def named(path: Path) -> str:
    return path.name.removesuffix(".json.zst")


def replay_all(path: Path, only: str = "") -> list[Replayed]:
    library, histories = golden(path)

    async def each() -> list[Replayed]:
        return [await replayed(kept, library) for kept in histories if kept.name.startswith(only)]

    return asyncio.run(each())


@pytest.mark.parametrize("path", FILES, ids=named)
def test_a_history_is_done_again_as_it_was_done_then(path: Path) -> None:
    results = replay_all(path)
    assert [each for each in results if each.status != "ok"] == []
    assert [each for each in results if each.compared != each.steps] == []


def test_every_family_has_its_histories_in_every_release() -> None:
    releases = [path for path in HISTORIES.iterdir() if path.is_dir()]
    assert [path.name for path in releases] == ["release-1"]
    assert sorted(named(path) for path in FILES) == sorted(families())


def test_every_kind_of_element_is_in_some_history() -> None:
    seen = {Kind.PROCESS}
    for program, fact in made_by():
        node = getattr(fact, "node", -1)
        if 0 <= node < len(program.nodes):
            seen.add(program.nodes[node].kind)
    assert set(Kind) - seen == set()


def test_every_fact_and_every_command_is_in_some_history() -> None:
    facts = {type(fact) for _, fact in made_by()}
    assert set(AnyFact.__args__) - facts - NOT_IN_SCENARIOS == set()
    histories = [kept for path in FILES for kept in golden(path)[1]]
    steps = [step for kept in histories for steps in (kept.facts or {}).values() for step in steps]
    assert set(Shown.__args__) - {type(command) for step in steps for command in step.commands} <= NOT_IN_SCENARIOS


def test_the_histories_stay_small() -> None:
    assert sum(path.stat().st_size for path in FILES) < 2_000_000


# --- a deliberate change


Change: TypeAlias = Callable[[pytest.MonkeyPatch], None]


def another_order_at_a_fork(patch: pytest.MonkeyPatch, wanted: Callable[[Context], bool] = lambda cx: True) -> None:
    def other(cx: Context, element: ElementInstance, flows: tuple[Ref, ...]) -> None:
        is_fork = cx.node_of(element).kind is Kind.PARALLEL_GATEWAY and wanted(cx)
        leave(cx, element, flows[::-1] if is_fork else flows)

    patch.setattr("procession.core.transitions.leave", other)


def otherwise(patch: pytest.MonkeyPatch, kind: type[AnyFact], change: Callable[[Any], AnyFact]) -> None:
    """Whenever a fact of that type is decided, it is another one."""
    write = Context.write

    def other(cx: Context, fact: AnyFact) -> None:
        write(cx, change(fact) if type(fact) is kind else fact)

    patch.setattr(Context, "write", other)


def a_timer_one_ms_later(patch: pytest.MonkeyPatch) -> None:
    otherwise(patch, f.TimerCreated, lambda fact: msgspec.structs.replace(fact, due=fact.due + 1))


def another_variable(patch: pytest.MonkeyPatch) -> None:
    def changed(fact: f.VariableSet) -> f.VariableSet:
        return msgspec.structs.replace(fact, value=[fact.value])

    otherwise(patch, f.VariableSet, changed)


def a_job_one_step_later(patch: pytest.MonkeyPatch) -> None:
    """The activity of a job is scheduled when the next event comes."""
    start, late = Jobs.start, list[tuple[Jobs, Body, CreateJob]]()
    take = house.House.take

    def started(jobs: Jobs, body: Body, job: CreateJob) -> None:
        late.append((jobs, body, job))

    async def taken(self: house.House, *args: Any) -> Any:
        while late:
            start(*late.pop())
        return await take(self, *args)

    patch.setattr(Jobs, "start", started)
    patch.setattr(house.House, "take", taken)


def another_type_of_activity(patch: pytest.MonkeyPatch) -> None:
    start = workflow.start_activity
    patch.setattr(workflow, "start_activity", lambda name, *args, **more: start(f"v2.{name}", *args, **more))


def less_is_durable(patch: pytest.MonkeyPatch) -> None:
    """A local activity that the history has is not asked for any more."""
    patch.setattr(house, "DURABLE", frozenset())


def a_command_that_is_not_told(patch: pytest.MonkeyPatch) -> None:
    """What the engine shows changes, and no fact."""
    patch.setattr(house, "SHOWN", house.SHOWN - {CreateJob})


def a_state_that_is_not_shown(patch: pytest.MonkeyPatch) -> None:
    """The search attribute of an instance's state stays what it was at the start."""
    patch.setattr("procession.hosts.temporal.searchable._state", lambda house: "active")


def a_bug(patch: pytest.MonkeyPatch) -> None:
    def broken(cx: Context, element: ElementInstance, flows: tuple[Ref, ...]) -> None:
        raise KeyError("a bug of a test")

    patch.setattr("procession.core.transitions.leave", broken)


CHANGES: Final[tuple[tuple[Change, str, str, str, str], ...]] = (
    # change, a history that it must turn red, what is told: what, element, the type of the event
    (another_order_at_a_fork, "real_time/", "facts", "fork", "WorkflowTaskStarted"),
    (another_variable, "variables/decimals_are_exact", "facts", "p", "WorkflowTaskStarted"),
    (a_timer_one_ms_later, "timers/cron", "facts", "work", "WorkflowTaskStarted"),
    (a_job_one_step_later, "real_time/", "commands", "work", "ActivityTaskScheduled"),
    (another_type_of_activity, "real_time/", "commands", "work", "ActivityTaskScheduled"),
    (less_is_durable, "messages/buffered", "commands", "", "MarkerRecorded"),
    (a_command_that_is_not_told, "real_time/", "facts", "real_time", "WorkflowTaskStarted"),
    (a_state_that_is_not_shown, "searched/catch_in", "commands", "", "UpsertWorkflowSearchAttributes"),
    (a_bug, "real_time/", "error", "", "WorkflowTaskStarted"),
)


def of_family(name: str) -> Path:
    return next(path for path in FILES if named(path) == name.partition("/")[0])


@pytest.mark.parametrize(("change", "history", "what", "element", "event"), CHANGES)
def test_a_deliberate_change_turns_it_red(
    change: Change, history: str, what: str, element: str, event: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = of_family(history)
    assert {each.status for each in replay_all(path, history)} == {"ok"}
    change(monkeypatch)
    result = replay_all(path, history)[0]
    assert result.status == "diverged", "nobody would have noticed"
    assert result.divergence is not None
    found = result.divergence
    assert (found.what, found.element, found.event_type) == (what, element, event)
    kept = next(each for each in golden(path)[1] if each.name == result.name)
    events = json.loads(bytes(kept.history))["events"]
    assert any(int(each["eventId"]) == found.event for each in events)
    assert found.instance in (kept.facts or {})
    assert found.recorded != found.made


def test_the_code_that_decided_otherwise_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    another_order_at_a_fork(monkeypatch)
    found = replay_all(of_family("real_time"))[0].divergence
    assert found is not None
    assert found.code == "procession.core.elements.gateways.gateway_enter"
    assert found.recorded == "flow: flow 1"
    assert found.made == "flow: flow 2"
    assert "does not match" in found.commands


def test_a_run_that_goes_on_from_another_one_names_its_element_too(monkeypatch: pytest.MonkeyPatch) -> None:
    another_variable(monkeypatch)
    later = [each for each in replay_all(of_family("renewed")) if "/run-" in each.name and each.divergence]
    assert later
    assert all(each.divergence.element and each.divergence.code for each in later if each.divergence)


def test_the_line_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    a_bug(monkeypatch)
    found = replay_all(of_family("real_time"))[0].divergence
    assert found is not None
    assert found.made == "KeyError: 'a bug of a test'"
    assert found.code.startswith("core/transitions.py:")


# --- flags: a change behind one, in two phases

FLAG: Final = 3


def test_a_change_behind_a_flag_that_a_history_does_not_have_stays_green(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first phase: this version can do both, and what was started before goes on as before."""
    forks = [of_family(name) for name in ("real_time", "boundary", "gateways", "patterns", "quantities")]
    know(monkeypatch, FLAG, "a fork takes its flows from the last to the first")
    another_order_at_a_fork(monkeypatch, lambda cx: bool(cx.state.flags >> FLAG & 1))
    assert {each.status for path in forks for each in replay_all(path)} == {"ok"}


def test_a_flag_that_is_read_the_wrong_way_round_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, FLAG, "a fork takes its flows from the last to the first")
    know(monkeypatch, FLAG + 1, "something else")
    another_order_at_a_fork(monkeypatch, lambda cx: not cx.state.flags >> FLAG & 1)
    [result] = replay_all(of_family("real_time"))
    assert (result.status, result.explains) == ("diverged", [FLAG])


def test_a_history_with_a_flag_that_this_version_does_not_know_is_not_replayed() -> None:
    library, [kept] = golden(of_family("real_time"))
    result = asyncio.run(replayed(flagged(kept, 1 << FLAG), library))
    assert result.status == "unreadable"
    assert "newer version (behaviour flags 0x8)" in result.reason
    assert result.flags == [FLAG]


def flagged(kept: Kept, bits: int) -> Kept:
    """The history of an instance that was started with these flags."""
    history = json.loads(bytes(kept.history))
    payload = history["events"][0]["workflowExecutionStartedEventAttributes"]["input"]["payloads"][0]
    given = msgspec.json.decode(base64.b64decode(payload["data"]), type=Input)
    assert given.begin is not None
    start = msgspec.structs.replace(given.begin.start, flags=bits)
    given = msgspec.structs.replace(given, begin=msgspec.structs.replace(given.begin, start=start))
    payload["data"] = base64.b64encode(msgspec.json.encode(given)).decode()
    return msgspec.structs.replace(kept, history=msgspec.Raw(json.dumps(history).encode()))


def test_a_history_without_its_program_is_not_replayed() -> None:
    _, [kept] = golden(of_family("real_time"))
    result = asyncio.run(replayed(kept, ByHash(of_bundle(Bundle({}, [])))))
    assert result.status == "unreadable"
    assert "is not kept with the histories" in result.reason


# --- histories of instances that are under way


def test_a_history_that_is_cut_anywhere_replays_as_far_as_it_goes() -> None:
    library, [kept] = golden(of_family("real_time"))
    events = json.loads(bytes(kept.history))["events"]

    async def cut(upto: int) -> Replayed:
        part = msgspec.Raw(json.dumps({"events": events[:upto]}).encode())
        return await replayed(msgspec.structs.replace(kept, history=part, whole=False), library)

    results = [asyncio.run(cut(upto)) for upto in range(1, len(events))]
    assert {each.status for each in results} == {"ok"}
    assert [each.compared for each in results] == sorted(each.compared for each in results)
    assert results[0].reason == "no task of it was completed yet"
    assert results[-1].compared == sum(map(len, (kept.facts or {}).values()))
