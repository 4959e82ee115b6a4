"""Versions are told apart by their bytes, instances run programs by their hash (decision 7)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

import drawn as d
from host_rig import opened
from procession import Engine, Instance, Refused
from procession.base.failure import ProcessionError
from procession.core.facts import DefinitionResolved
from procession.hosts.embedded.tickets import Ticket
from procession.ir.program import DMN_SEMANTICS, FEEL_SEMANTICS, IR_VERSION, from_bytes, hash_of, to_bytes
from procession.runtime import codec
from procession.runtime.requests import StartProcess
from procession.store.statements import statements


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with opened(tmp_path / "e.db") as opened_engine:
        yield opened_engine


NAME, DATA = d.one_task()


def test_the_same_bytes_under_another_file_name_are_the_same_version(engine: Engine) -> None:
    first = engine.deploy((NAME, DATA))
    again = engine.deploy(("renamed.bpmn", DATA))
    assert (again.key, again.processes[0].new) == (0, False)
    assert again.processes[0].key == first.processes[0].key


def test_the_same_bytes_twice_in_one_deployment_are_one_document(engine: Engine) -> None:
    deployment = engine.deploy((NAME, DATA), ("copy.bpmn", DATA))
    assert [(each.process_id, each.version) for each in deployment.processes] == [("p", 1)]
    assert [(each.rule, each.severity) for each in deployment.diagnostics] == [("document-twice", "warning")]
    assert engine.source(deployment.processes[0].key) == DATA


def test_two_files_of_one_name_in_different_folders_are_deployed_together(tmp_path: Path, engine: Engine) -> None:
    paths = [tmp_path / folder / "process.bpmn" for folder in ("shop", "bank")]
    for path in paths:
        path.parent.mkdir()
        path.write_bytes(d.one_task(path.parent.name)[1])
    deployment = engine.deploy(*paths)
    assert [(each.process_id, each.new) for each in deployment.processes] == [("shop", True), ("bank", True)]
    assert [engine.source(each.key) for each in deployment.processes] == [path.read_bytes() for path in paths]
    paths[1].write_bytes(d.one_task("bank", type="other")[1])
    again = engine.deploy(*paths)
    assert [(each.version, each.new) for each in again.processes] == [(1, False), (2, True)]


def test_one_process_in_two_different_documents_of_one_name_is_refused(tmp_path: Path, engine: Engine) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "p.bpmn").write_bytes(d.one_task(type=folder)[1])
    with pytest.raises(Refused, match="process-id"):
        engine.deploy(tmp_path / "a" / "p.bpmn", tmp_path / "b" / "p.bpmn")
    assert engine.definitions() == []


def test_going_back_to_old_bytes_is_a_new_version_of_the_old_program(engine: Engine) -> None:
    programs = []
    for type in ("one", "two", "one"):
        engine.deploy(d.one_task(type=type))
        programs.append(engine.definitions()[-1].program)
    assert [each.version for each in engine.definitions()] == [1, 2, 3]
    assert programs[0] == programs[2] != programs[1]


def test_an_instance_keeps_the_program_that_it_was_started_with(engine: Engine) -> None:
    engine.deploy(d.one_task(type="one"))
    old = engine.start("p")
    engine.deploy(d.one_task(type="two"))
    new = engine.start("p")
    assert [each.jobs[0].type for each in (old, new)] == ["one", "two"]


def replace_program(path: Path, **changes: object) -> str:
    """Puts what another compiler would have made of the document in the place of the stored program."""
    with closing(sqlite3.connect(path)) as connection:
        ((data,),) = connection.execute("SELECT data FROM procession_program").fetchall()
        program = msgspec.structs.replace(from_bytes(codec.unwrap(data)), **changes)
        other = to_bytes(program)
        connection.execute("UPDATE procession_program SET hash = ?, data = ?", (hash_of(other), codec.wrap(other)))
        connection.execute("UPDATE procession_definition SET program = ?", (hash_of(other),))
        connection.commit()
    return hash_of(other)


def test_a_new_compiler_never_rewrites_what_an_old_one_made(tmp_path: Path) -> None:
    with opened(tmp_path / "e.db") as engine:
        engine.deploy(d.one_task())
    old = replace_program(tmp_path / "e.db", name="as an old compiler named it")
    with opened(tmp_path / "e.db") as engine:
        assert not engine.deploy(d.one_task()).processes[0].new
        assert [each.program for each in engine.definitions()] == [old]
        instance = engine.start("p")
        engine.complete_job(instance.jobs[0].key)
        assert instance.state == "completed"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ir_version": IR_VERSION + 1}, "IR version"),
        ({"feel": FEEL_SEMANTICS + 1}, "FEEL semantics"),
        ({"dmn": DMN_SEMANTICS + 1}, "DMN semantics"),
    ],
)
def test_a_program_of_a_newer_compiler_is_not_run_but_named(tmp_path: Path, change: dict[str, int], words: str) -> None:
    with opened(tmp_path / "e.db") as engine:
        engine.deploy(d.one_task())
    replace_program(tmp_path / "e.db", **change)
    with opened(tmp_path / "e.db") as engine:
        engine.deploy(d.one_task("q"))
        requests = [StartProcess("<default>", id, {}) for id in ("q", "p", "q")]
        tickets = [Ticket(request) for request in requests]
        engine.pump.submit(tickets)
        assert [ticket.error is None for ticket in tickets] == [True, False, True]
        with pytest.raises(ProcessionError, match=words):
            tickets[1].outcome()


def test_what_waits_in_a_program_that_cannot_be_read_is_listed_with_everything_else(tmp_path: Path) -> None:
    with opened(tmp_path / "e.db") as engine:
        engine.deploy(d.one_task())
        waiting = engine.start("p").key
    replace_program(tmp_path / "e.db", ir_version=IR_VERSION + 1)
    with opened(tmp_path / "e.db") as engine:
        engine.deploy(d.one_task("q"))
        other = engine.start("q").key
        assert [(job.instance, job.element_id) for job in engine.jobs()] == [(waiting, ""), (other, "work")]
        assert [each.key for each in engine.instances()] == [waiting, other]


def test_programs_record_their_profile_and_what_expressions_and_decisions_mean(engine: Engine) -> None:
    engine.deploy(d.one_task())
    program = engine.reader().views.catalog.linked(0, engine.definitions()[0].program).program
    numbers = (program.ir_version, program.feel, program.dmn, program.profile)
    assert numbers == (IR_VERSION, FEEL_SEMANTICS, DMN_SEMANTICS, "zeebe")


def resolved(instance: Instance) -> list[tuple[str, int]]:
    facts = [entry.fact for entry in instance.history]
    return [(fact.hash, fact.version) for fact in facts if isinstance(fact, DefinitionResolved)]


def test_what_a_call_means_is_resolved_once_as_a_fact_with_the_hash(engine: Engine) -> None:
    child = d.process("child", "a -> w, w -> b", "c_", a=d.start(), w=d.service("work"), b=d.end())
    parent = d.process("parent", "a -> c, c -> b", a=d.start(), c=d.call("child"), b=d.end())
    engine.deploy(("parent.bpmn", d.document(parent)))
    engine.deploy(("child.bpmn", d.document(child)))
    before = engine.start("parent")
    engine.deploy(("child.bpmn", d.document(child.replace('type="work"', 'type="other"'))))
    after = engine.start("parent")
    first, second = (each.program for each in engine.definitions() if each.process_id == "child")
    assert (resolved(before), resolved(after)) == ([(first, 1)], [(second, 2)])


def test_no_statement_removes_or_changes_a_program() -> None:
    touching = {name: sql for name, sql in statements("writes.sql").items() if "procession_program" in sql}
    assert list(touching) == ["program_insert", "program_erase"]
    assert touching["program_insert"].startswith("INSERT OR IGNORE")
    # With a tenant that is deleted its programs go, behind its last instance.
    assert touching["program_erase"].startswith("DELETE FROM procession_program WHERE tenant = ?")
