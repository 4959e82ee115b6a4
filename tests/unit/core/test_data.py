"""Data of the standard in the interpreter: waiting for inputs, data stores, conversations; checked after every step."""

from __future__ import annotations

from core_rig import Build, Rig
from procession.core import commands as c
from procession.core import events as e
from procession.core import facts as f
from procession.ir.kinds import Kind
from procession.ir.program import Correlation, Data, DataSet, JobSpec, MessageTrigger, Text, Transfer


def working(data: Data, build: Build) -> Rig:
    """A process of one job with data."""
    start, end = build.start(), build.node(Kind.END_EVENT, "end")
    work = build.node(Kind.JOB_TASK, "work", job=JobSpec(Text("t")), data=data)
    build.line(start, work, end)
    return Rig(build.program())


def copied(build: Build, source: str, target: str) -> Transfer:
    return Transfer(build.expr(source), (target,), (source,))


def names(rig: Rig) -> list[str]:
    return [type(fact).__name__ for fact in rig.facts]


def test_an_activity_waits_for_its_data_and_says_what_it_lacks() -> None:
    b = Build()
    data = Data(("x",), (copied(b, "a", "x"), copied(b, "b", "x")), (), (DataSet(("x",)),))
    rig = working(data, b)
    rig.start({"a": 1})
    assert [fact.names for fact in rig.facts if isinstance(fact, f.DataAwaited)] == [["b"]]
    assert not rig.state.jobs
    rig.send(e.SetVariables(0, {"c": 1}))
    assert not rig.state.jobs
    rig.send(e.SetVariables(0, {"b": 2}))
    (job,) = rig.state.jobs.values()
    assert rig.state.elements[job.element].variables == {"x": 2}
    assert rig.state.awaiting == {}


def test_what_waits_for_data_is_checked_only_where_a_variable_changed() -> None:
    b = Build()
    rig = working(Data((), (copied(b, "a", "x"),), (), (DataSet(("x",)),)), b)
    rig.start()
    assert list(rig.state.awaiting) == [key for key, element in rig.state.elements.items() if element.held]
    rig.send(e.Cancel("enough"))
    assert rig.state.awaiting == {}


def test_data_stores_are_read_before_the_inputs_and_written_with_their_fact() -> None:
    b = Build()
    reads, writes = (("stock", "stock"),), (("$store:stock", "stock"),)
    taken, given = Transfer(b.expr("stock"), ("x",)), Transfer(b.expr("x"), ("$store:stock",), ("x",))
    rig = working(Data(("x",), (taken,), (given,), reads=reads, writes=writes), b)
    outcome = rig.start()
    (asked,) = [each for each in outcome.commands if isinstance(each, c.ReadStores)]
    assert asked.stores == ["stock"]
    assert rig.send(e.StoresAnswered(asked.element, {"stock": 5})).rejected == ""
    (job,) = rig.state.jobs.values()
    assert rig.send(e.StoresAnswered(asked.element, {"stock": 6})).rejected == "conflict"
    outcome = rig.send(e.CompleteJob(job.key, {"x": 4}))
    assert [each for each in outcome.commands if isinstance(each, c.WriteStore)] == [c.WriteStore("stock", 4)]
    assert "StoreWritten" in names(rig)
    assert rig.state.root is not None
    assert rig.state.root.variables == {}


def test_a_missing_output_fails_before_anything_is_written() -> None:
    b = Build()
    rig = working(Data(("x",), (), (copied(b, "x", "y"),), (), (DataSet(("x",)),)), b)
    rig.start()
    (job,) = rig.state.jobs.values()
    rig.send(e.CompleteJob(job.key))
    (incident,) = rig.state.incidents.values()
    assert incident.code == "data-output"
    rig.send(e.SetVariables(job.element, {"x": 1}, True))
    rig.send(e.ResolveIncident(incident.key))
    assert rig.state.root is not None
    assert rig.state.root.variables == {"y": 1}


def test_a_message_of_the_conversation_alone_is_waited_for_once_it_has_begun() -> None:
    b = Build()
    trigger = MessageTrigger(Text("news"), correlation=Correlation("k", (b.expr("id"),)))
    start, end = b.start(), b.node(Kind.END_EVENT, "end")
    first = b.node(Kind.RECEIVE_TASK, "first", trigger=trigger)
    border = b.node(Kind.BOUNDARY_EVENT, "border", trigger=trigger, attached=first)
    second = b.node(Kind.RECEIVE_TASK, "second", trigger=trigger)
    b.catch(first, first)
    b.catch(first, border)
    b.catch(second, second)
    b.line(start, first, second, end)
    rig = Rig(b.program())
    rig.start()
    assert [each.correlation_key for each in rig.state.subscriptions.values()] == ["", ""]
    rig.send(e.OfferMessage(next(iter(rig.state.subscriptions)), 9, {"id": "A-1"}))
    assert rig.state.conversations == {"k": "A-1"}
    assert [each.correlation_key for each in rig.state.subscriptions.values()] == ["A-1"]
