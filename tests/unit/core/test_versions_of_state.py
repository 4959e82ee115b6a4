"""A build reads what the one before it and the one after it wrote: snapshots, facts, flags (decisions 12 and 18)."""

from __future__ import annotations

from typing import Any, cast

import msgspec
import pytest

from core_rig import Build, Rig
from procession.base.failure import StoreError
from procession.core import facts as f
from procession.core import snapshot
from procession.core.state import State
from procession.ir.kinds import Kind, TimerKind
from procession.ir.program import JobSpec, Loop, MessageTrigger, Text, TimerTrigger
from procession.runtime import codec


def waiting() -> State:
    """A state with one of everything: jobs, a timer, a subscription, an incident, a loop."""
    b = Build()
    start = b.start()
    fork = b.node(Kind.PARALLEL_GATEWAY, "fork")
    body = b.node(
        Kind.MULTI_INSTANCE,
        "items",
        loop=Loop(sequential=False, items=b.expr("[1, 2]"), item_name="item", output_name="out", output=b.expr("item")),
    )
    inner = b.node(Kind.JOB_TASK, "item_task", body, job=JobSpec(Text("t")))
    b.nodes[body]["inner"] = inner
    timer = b.node(Kind.INTERMEDIATE_CATCH_EVENT, "later", trigger=TimerTrigger(TimerKind.DURATION, Text("PT1H")))
    message = b.node(Kind.INTERMEDIATE_CATCH_EVENT, "news", trigger=MessageTrigger(Text("news"), b.expr("'k'")))
    for catching in (timer, message):
        b.catch(catching, catching)
    choice = b.node(Kind.EXCLUSIVE_GATEWAY, "choice")
    end = b.node(Kind.END_EVENT, "end")
    b.line(start, fork, body)
    b.flow(fork, timer)
    b.flow(fork, message)
    b.flow(fork, choice)
    b.flow(choice, end, "None")
    rig = Rig(b.program())
    rig.start({"a": 1})
    state = rig.state
    assert state.jobs
    assert state.timers
    assert state.subscriptions
    assert state.incidents
    assert any(element.loop is not None for element in state.elements.values())
    return state


def rows_of(state: State) -> list[Any]:
    return cast("list[Any]", msgspec.json.decode(snapshot.dump(state)))


def bytes_of(rows: list[Any]) -> bytes:
    return msgspec.json.encode(rows)


def test_a_snapshot_of_the_next_build_is_read_without_what_it_appended() -> None:
    state = waiting()
    rows = rows_of(state)
    rows[1].append("of the next build")
    for section in (2, 4, 5, 6, 7):
        for row in rows[section]:
            row.append(["of the next build"])
    for element in rows[2]:
        if element[10] is not None:
            element[10].append("of the next build")
    rows.append([["a section of the next build"]])
    assert snapshot.dump(snapshot.load(bytes_of(rows))) == snapshot.dump(state)


@pytest.mark.parametrize(("section", "fields"), [(4, "priority held"), (5, "cycle left"), (6, "signal"), (7, "job")])
def test_a_snapshot_of_an_earlier_build_lacks_fields_and_gets_what_is_new(section: int, fields: str) -> None:
    state = waiting()
    rows = rows_of(state)
    for row in rows[section]:
        del row[-len(fields.split()) :]
    loaded = snapshot.load(bytes_of(rows))
    assert snapshot.dump(loaded) == snapshot.dump(state)


def test_a_snapshot_of_another_format_is_refused_by_its_number() -> None:
    rows = rows_of(waiting())
    rows[0] = 99
    with pytest.raises(StoreError, match="format 99"):
        snapshot.load(bytes_of(rows))


def test_a_fact_of_the_next_build_is_read_without_what_it_appended() -> None:
    fact = f.JobCreated(5, 6, "t", 3, 0)
    longer = [*cast("list[object]", msgspec.to_builtins(fact)), {"of": "the next build"}]
    assert codec.decode_facts(codec.encode_json([longer])) == [fact]


def test_a_fact_of_an_earlier_build_gets_the_defaults_of_what_it_lacks() -> None:
    short = cast("list[object]", msgspec.to_builtins(f.JobCreated(5, 6, "t", 3, 0)))[:-2]
    assert codec.decode_facts(codec.encode_json([short])) == [f.JobCreated(5, 6, "t", 3, 0)]


def test_an_unknown_type_of_fact_is_refused_and_never_left_out() -> None:
    with pytest.raises(StoreError, match="cannot read"):
        codec.decode_facts(codec.encode_json([["of-the-next-build", 1]]))


FIELDS = {
    "started": "instance root tenant program version start_node business_key parent_instance parent_element "
    "root_instance zone tz_release seed epoch depth flags message variables",
    "completed": "",
    "terminated": "reason",
    "enter": "element node scope token",
    "item": "element node scope index",
    "completing": "element",
    "done": "element",
    "killed": "element",
    "terminating": "element",
    "interrupting": "element then",
    "flow": "flow scope",
    "merge": "scope node flows",
    "condition": "condition element node names",
    "condition-changed": "condition value",
    "part": "element node variables",
    "parts": "element event",
    "implicit": "element event handler",
    "activated": "scope node flows",
    "reset": "scope node flows",
    "interrupted": "scope",
    "closed": "wait",
    "set": "scope name value",
    "job": "job element type retries group listener priority",
    "job-done": "job",
    "job-denied": "job reason",
    "job-exhausted": "job attempts error",
    "job-retried": "job retries",
    "job-threw": "job code message",
    "job-reissued": "job again group",
    "timer": "timer element node due cycle left",
    "timer-fired": "timer",
    "timer-skipped": "timer skipped",
    "subscribe": "subscription element node name key signal",
    "correlated": "subscription message",
    "publish": "element message name key ttl message_id variables",
    "broadcast": "element name variables",
    "task": "element attributes",
    "task-changed": "element changes",
    "held": "element held",
    "loop": "element items count",
    "collect": "element index value",
    "collected": "element scope name",
    "resolved": "element hash version",
    "call": "element child",
    "error": "element code message handler",
    "escalate": "element code handler",
    "kept": "element",
    "undo-opened": "element node scope",
    "undo": "element entries",
    "undo-enter": "element node scope coordinator completed",
    "tx-cancelled": "element",
    "chosen": "element chosen",
    "activation": "element node scope",
    "activations-closed": "element",
    "output": "element name value",
    "incident": "incident element code message operation job",
    "incident-resolved": "incident",
    "warned": "element notes",
    "decided": "element decision evaluations left_out",
    "undecided": "element decision evaluations left_out failed code",
    "drew": "count",
    "yield": "agenda",
    "resume": "",
    "modified": "instructions",
    "token-taken": "flow scope",
    "restarted": "source epoch elements",
    "suspended": "reason",
    "resumed": "",
    "migrated": "source program version nodes flows plan",
    "data-awaited": "element names",
    "data-arrived": "element",
    "stores-read": "element values",
    "store-written": "element store value",
    "conversation": "key value",
}
"""The facts as they are stored for ever: tag -> fields in order. A row is only added to, at its end."""


def test_no_stored_fact_loses_its_tag_its_fields_or_their_order() -> None:
    known = {type_.__struct_config__.tag: type_.__struct_fields__ for type_ in f.Fact.__subclasses__()}
    for tag, fields in FIELDS.items():
        assert known[tag][: len(fields.split())] == tuple(fields.split()), tag
    assert set(known) == set(FIELDS), "a new type of fact: add its row here"
