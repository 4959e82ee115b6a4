"""Tenants are walls: with another tenant's name every key, name and id of this one means nothing (docs/design/0008).

The tenant `b` knows everything about the tenant `a`, and tries every call of the engine and every command. Nothing of
`a` is shown, and not one byte of it changes.
"""

from __future__ import annotations

import inspect
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from typer.main import get_command
from typer.testing import CliRunner

import drawn as d
from host_rig import opened
from procession import Engine, Filter, Instance, Job, MigrationPlan
from procession.base.failure import NotFound
from procession.cli.app import app
from procession.core.events import Cancel, SetVariables
from procession.runtime import requests as q
from procession.runtime.ports import TABLES

NOBODY: Final = "127.0.0.1:1"
"""Where no cluster answers, so that what the doctor tells is of the store alone."""
TABLE_DMN = Path(__file__).parents[2] / "scenarios" / "decisions" / "first.dmn"


@dataclass
class Known:
    """Everything that there is to know about the tenant `a`."""

    engine: Engine
    instance: int
    element: int
    job: int
    leased: Job
    task: int
    incident: int
    definition: int
    batch: int


def model() -> tuple[str, bytes]:
    drawn = d.process(
        "p",
        "a -> s, s -> w, s -> u, s -> m, s -> g, w -> b, u -> b, m -> b, g -> b",
        a=d.start(),
        s=d.parallel(),
        w=d.service("work"),
        u=d.user(),
        m=d.catch(d.on_message("news")),
        g=d.catch(d.on_signal("alarm")),
        b=d.end(),
    )
    started = d.process("q", "a -> t, t -> b", "q_", a=d.start(d.on_message("begin")), t=d.user(), b=d.end())
    roots = d.message("news", "news", "&quot;k&quot;") + d.message("begin", "begin") + d.signal("alarm", "alarm")
    return "p.bpmn", d.document(drawn, started, roots=roots)


@pytest.fixture
def known(tmp_path: Path) -> Iterator[Known]:
    with opened(tmp_path / "procession.db") as engine:
        engine.deploy(model(), TABLE_DMN, tenant="a")
        # The other one is no stranger here: he has a process of his own, so that his number is another.
        engine.deploy(d.one_task("mine"), tenant="b")
        instances = [engine.start("p", {"x": 1}, business_key="bk", tenant="a") for _ in range(3)]
        leased = engine.activate_jobs("work", tenant="a")[0]
        failed = instances[2].jobs[0]
        engine.fail_job(failed.key, "no", retries=0, tenant="a")
        engine.publish("later", "k", ttl=3_600, message_id="id", tenant="a")
        batch = engine.changes.suspend_each(Filter(business_key="nobody"), tenant="a")
        engine.run_until_idle()
        yield Known(
            engine,
            instances[1].key,
            instances[1].tasks[0].key,
            instances[1].jobs[0].key,
            leased,
            instances[1].tasks[0].key,
            instances[2].incidents[0].key,
            engine.definitions(tenant="a")[0].key,
            batch,
        )


def contents(path: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the tenant `a`; its number and its name are what tell it apart."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    with closing(sqlite3.connect(path)) as connection:
        for table in TABLES:
            rows = connection.execute(f"SELECT * FROM procession_{table} ORDER BY 1, 2").fetchall()
            found[table] = [row for row in rows if row[0] in (1, "a")]
        found["fact"] = connection.execute("SELECT * FROM procession_fact WHERE tenant = 1").fetchall()
    return found


def other(k: Known) -> Instance:
    """A handle that was made, not given."""
    return Instance(k.engine, "b", k.instance)


REFUSED: Final[dict[str, Callable[[Known], object]]] = {
    "start": lambda k: k.engine.start("p", tenant="b"),
    "start_many": lambda k: k.engine.start_many("p", [{}], tenant="b"),
    "instance": lambda k: k.engine.instance(k.instance, tenant="b"),
    "source": lambda k: k.engine.source(k.definition, tenant="b"),
    "task_of": lambda k: k.engine.task_of(k.instance, "u", "b"),
    "complete_task": lambda k: k.engine.complete_task(k.task, tenant="b"),
    "complete_tasks": lambda k: k.engine.complete_tasks([k.task], tenant="b"),
    "assign_task": lambda k: k.engine.assign_task(k.task, "me", tenant="b"),
    "update_task": lambda k: k.engine.update_task(k.task, {"priority": 1}, tenant="b"),
    "trigger": lambda k: k.engine.trigger(k.instance, "x", tenant="b"),
    "resolve_incident": lambda k: k.engine.resolve_incident(k.incident, tenant="b"),
    "complete_job": lambda k: k.engine.complete_job(k.job, tenant="b"),
    "fail_job": lambda k: k.engine.fail_job(k.job, "no", tenant="b"),
    "deny_job": lambda k: k.engine.deny_job(k.job, "no", tenant="b"),
    "throw_job_error": lambda k: k.engine.throw_job_error(k.job, "E", tenant="b"),
    "decide": lambda k: k.engine.decide("first", {"n": 1}, tenant="b"),
    "instance.state": lambda k: other(k).state,
    "instance.variables": lambda k: other(k).variables,
    "instance.variables_of": lambda k: k.engine.reader().variables("b", k.instance, k.element),
    "instance.tokens": lambda k: other(k).tokens,
    "instance.history": lambda k: other(k).history,
    "instance.jobs": lambda k: other(k).jobs,
    "instance.set_variables": lambda k: other(k).set_variables({"x": 2}),
    "instance.cancel": lambda k: other(k).cancel(),
    "instance.complete_task": lambda k: other(k).complete_task("u"),
    "instance.trigger": lambda k: other(k).trigger("x"),
    "instance.resolve_incident": lambda k: other(k).resolve_incident(k.incident),
    "changes.modify": lambda k: k.engine.changes.modify(k.instance, terminate=["w"], tenant="b"),
    "changes.migration_plan": lambda k: k.engine.changes.migration_plan("p", 1, tenant="b"),
    "changes.migration_actions": lambda k: k.engine.changes.migration_actions(k.instance, MigrationPlan(), tenant="b"),
    "changes.migrate": lambda k: k.engine.changes.migrate(k.instance, MigrationPlan(), tenant="b"),
    "changes.suspend": lambda k: k.engine.changes.suspend(k.instance, tenant="b"),
    "changes.resume": lambda k: k.engine.changes.resume(k.instance, tenant="b"),
    "changes.restart": lambda k: k.engine.changes.restart(k.instance, ["w"], tenant="b"),
    "changes.suspend_process": lambda k: k.engine.changes.suspend_process("p", tenant="b"),
    "changes.resume_process": lambda k: k.engine.changes.resume_process("p", tenant="b"),
    "changes.batch": lambda k: k.engine.changes.batch(k.batch, tenant="b"),
    "changes.batch_errors": lambda k: k.engine.changes.batch_errors(k.batch, tenant="b"),
    "changes.pause_batch": lambda k: k.engine.changes.pause_batch(k.batch, tenant="b"),
    "changes.continue_batch": lambda k: k.engine.changes.continue_batch(k.batch, tenant="b"),
    "changes.stop_batch": lambda k: k.engine.changes.stop_batch(k.batch, tenant="b"),
    "request: deliver": lambda k: k.engine.call(q.Deliver("b", k.instance, Cancel(""))),
    "request: set": lambda k: k.engine.call(q.Deliver("b", k.instance, SetVariables(0, {"x": 2}))),
    "request: start by definition": lambda k: k.engine.call(q.StartProcess("b", "p", {}, definition=k.definition)),
    "request: job with its lease": lambda k: k.engine.call(q.FinishJob("b", k.leased.key, {}, k.leased.token)),
}
"""Calls that find nothing."""

EMPTY: Final[dict[str, Callable[[Known], object]]] = {
    "instances": lambda k: k.engine.instances(tenant="b"),
    "instances by process": lambda k: k.engine.instances(process_id="p", tenant="b"),
    "instances by state": lambda k: k.engine.instances(process_id="p", state="active", tenant="b"),
    "instances by business key": lambda k: k.engine.instances(business_key="bk", tenant="b"),
    "instances by parent": lambda k: k.engine.instances(parent=k.instance, tenant="b"),
    "counts": lambda k: k.engine.counts(tenant="b"),
    "definitions": lambda k: [x for x in k.engine.definitions(tenant="b") if x.process_id != "mine"],
    "tasks": lambda k: k.engine.tasks(tenant="b"),
    "tasks of an instance": lambda k: k.engine.tasks(instance=k.instance, tenant="b"),
    "incidents": lambda k: k.engine.incidents(tenant="b"),
    "incidents of an instance": lambda k: k.engine.incidents(instance=k.instance, tenant="b"),
    "faults": lambda k: k.engine.faults(tenant="b"),
    "jobs": lambda k: k.engine.jobs(tenant="b"),
    "jobs by type": lambda k: k.engine.jobs(type="work", tenant="b"),
    "activate_jobs": lambda k: k.engine.activate_jobs("work", 10, tenant="b"),
    "broadcast": lambda k: k.engine.broadcast("alarm", tenant="b"),
    "changes.batches": lambda k: k.engine.changes.batches(tenant="b"),
    "evaluate_conditions": lambda k: k.engine.evaluate_conditions({"x": 1}, tenant="b"),
    "instance.tasks": lambda k: other(k).tasks,
    "instance.incidents": lambda k: other(k).incidents,
    "instance.children": lambda k: other(k).children,
    "request: deliver, tolerant": lambda k: k.engine.call(q.Deliver("b", k.instance, Cancel(""), True)),
}
"""Calls that give nothing."""

OWN: Final[dict[str, Callable[[Known], object]]] = {
    "deploy": lambda k: k.engine.deploy(model(), tenant="b"),
    "publish": lambda k: k.engine.publish("news", "k", {"x": 2}, tenant="b"),
    "publish a start": lambda k: k.engine.publish("begin", "k", tenant="b"),
    "publish an id that is buffered": lambda k: k.engine.publish("later", "k", ttl=60, message_id="id", tenant="b"),
    "publish_many": lambda k: k.engine.publish_many([("news", "k")], tenant="b"),
    "forget": lambda k: k.engine.forget(0, 0, tenant="b"),
    "changes.cancel_each": lambda k: k.engine.changes.cancel_each(Filter(), tenant="b"),
    "changes.modify_each": lambda k: k.engine.changes.modify_each(Filter(process_id="p"), terminate=["w"], tenant="b"),
    "changes.suspend_each": lambda k: k.engine.changes.suspend_each(Filter(instances=(k.instance,)), tenant="b"),
    "request: a key that is taken": lambda k: k.engine.call(q.StartProcess("b", "mine", {}, key=k.instance)),
}
"""Calls that do something, in the tenant `b` alone."""


@pytest.mark.parametrize("call", REFUSED)
def test_what_belongs_to_another_tenant_is_not_found(known: Known, call: str) -> None:
    before = contents(known.engine.store.name)
    with pytest.raises(NotFound):
        REFUSED[call](known)
    assert contents(known.engine.store.name) == before


@pytest.mark.parametrize("call", EMPTY)
def test_what_belongs_to_another_tenant_is_not_listed_and_not_reached(known: Known, call: str) -> None:
    before = contents(known.engine.store.name)
    assert not EMPTY[call](known)
    assert contents(known.engine.store.name) == before


@pytest.mark.parametrize("call", OWN)
def test_the_same_names_and_keys_of_two_tenants_are_two_things(known: Known, call: str) -> None:
    before = contents(known.engine.store.name)
    OWN[call](known)
    known.engine.run_until_idle()
    assert contents(known.engine.store.name) == before
    instance = known.engine.instance(known.instance, tenant="a")
    instance.set_variables({"still": "there"})
    assert instance.variables["still"] == "there"


def test_a_call_from_one_tenant_never_starts_a_process_of_another(known: Known) -> None:
    before = contents(known.engine.store.name)
    calling = d.process("c", "a -> x, x -> b", a=d.start(), x=d.call("p"), b=d.end())
    known.engine.deploy(("c.bpmn", d.document(calling)), tenant="b")
    instance = known.engine.start("c", tenant="b")
    assert [each.element_id for each in instance.incidents] == ["x"]
    assert contents(known.engine.store.name) == before


def test_every_call_that_names_a_tenant_is_tried() -> None:
    named = {
        name
        for name, member in inspect.getmembers(Engine, inspect.isfunction)
        if not name.startswith("_") and "tenant" in inspect.signature(member).parameters
    }
    tried = {name.split(" ")[0] for name in (*REFUSED, *EMPTY, *OWN)}
    assert named <= tried
    # What needs no tenant: it belongs to the engine of this process, or to the file.
    rest = {name for name, _ in inspect.getmembers(Engine, inspect.isfunction) if not name.startswith("_")} - named
    assert rest == {
        *("backup", "call", "close", "reader", "run_until_idle", "serve", "stop", "switch", "wait_until"),
        "worker",
    }


COMMANDS: Final[dict[str, Callable[[Known], list[str]]]] = {
    "show": lambda k: ["show", str(k.instance)],
    "list instances": lambda _: ["list"],
    "list tasks": lambda _: ["list", "tasks"],
    "list jobs": lambda _: ["list", "jobs"],
    "list incidents": lambda _: ["list", "incidents"],
    "list definitions": lambda _: ["list", "definitions"],
    "start": lambda _: ["start", "p"],
    "complete a job": lambda k: ["complete", str(k.job)],
    "complete a task": lambda k: ["complete", str(k.task)],
    "message": lambda _: ["message", "news", "--key", "k"],
    "signal": lambda _: ["signal", "alarm"],
    "cancel": lambda k: ["cancel", str(k.instance)],
    "trigger": lambda k: ["trigger", str(k.instance), "x"],
    "resolve": lambda k: ["resolve", str(k.incident)],
    "set": lambda k: ["set", str(k.instance), "--var", "x=2"],
    "deploy": lambda _: ["deploy", "p.bpmn"],
    "evaluate": lambda _: ["evaluate", "--var", "x=1"],
    "modify": lambda k: ["modify", str(k.instance), "--terminate", "w"],
    "migrate": lambda k: ["migrate", str(k.instance)],
    "plan": lambda _: ["plan", "p", "1"],
    "suspend": lambda k: ["suspend", str(k.instance)],
    "suspend a process": lambda _: ["suspend", "--process", "p"],
    "resume": lambda k: ["resume", str(k.instance)],
    "restart": lambda k: ["restart", str(k.instance), "--at", "w"],
    "move": lambda k: ["move", str(k.instance), "--to", "temporal", "--dry-run"],
    "impact of a type of jobs": lambda _: ["impact", "--job-type", "work"],
    "impact of a model": lambda _: ["impact", "--deploy", "p.bpmn"],
    "doctor": lambda k: ["doctor", str(k.instance), "--temporal", NOBODY],
}
"""Every command with --tenant."""


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_reaches_another_tenant(
    known: Known, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.bpmn").write_bytes(model()[1])
    known.engine.close()
    before = contents(known.engine.store.name)
    line = [*COMMANDS[command](known), "--db", "procession.db", "--tenant", "b"]
    done = CliRunner().invoke(app, line)
    assert done.exit_code in (0, 1), (line, done.output)
    told = done.stdout + done.stderr
    assert "No such" not in told, told
    if done.exit_code == 0 and command != "deploy":
        assert '"p"' not in told
        assert str(known.task) not in told
    assert contents(known.engine.store.name) == before


def test_every_command_with_a_tenant_is_tried() -> None:
    with_tenant = {
        name
        for name, command in get_command(app).commands.items()  # type: ignore[attr-defined]
        if any(parameter.name == "tenant" for parameter in command.params)
    }
    assert with_tenant == {command.split(" ")[0] for command in COMMANDS}
