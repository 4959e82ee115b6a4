"""A codec that encrypts can be plugged in: the engine works as before, and nothing that it holds can be read in the
file (decision 14)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest

import drawn as d
from host_rig import FakeClock
from procession import Engine
from procession.base.failure import ProcessionError
from procession.runtime.ports import TABLES, Store
from procession.store.sealed import CHANGES, DELETES, QUERIES, ROWS, SealedStore
from procession.store.sqlite import SQLiteStore
from procession.store.statements import statements
from sealing import Cipher

WORD: Final = "SECRET"
"""Part of everything that the test puts into a process: it must be nowhere in the file."""


def model() -> tuple[str, bytes]:
    """Values reach every table: message name and key, job type, assignee, a failing condition, a started instance."""
    task = (
        '<bpmn:userTask id="@"><bpmn:extensionElements><zeebe:userTask/>'
        '<zeebe:assignmentDefinition assignee="= who"/></bpmn:extensionElements>~</bpmn:userTask>'
    )
    drawn = d.process(
        "p",
        "a -> s, s -> w, s -> u, s -> m, s -> g, s -> x, w -> b, u -> b, m -> b, g -> b, x -> b",
        a=d.start(),
        s=d.parallel(),
        w=d.service("= &quot;work-&quot; + who"),
        u=task,
        m=d.catch(d.on_message("news")),
        g=d.catch(d.on_signal("alarm")),
        x=d.script("who", "n"),
        b=d.end(),
    )
    started = d.process("q", "a -> t, t -> b", "q_", a=d.start(d.on_message("begin")), t=d.user(), b=d.end())
    roots = (
        d.message("news", "= &quot;news-&quot; + who", "who") + d.message("begin", "begin") + d.signal("alarm", "alarm")
    )
    return "p.bpmn", d.document(drawn, started, roots=roots)


def stores(path: Path, sealed: bool) -> Store:
    return SealedStore(SQLiteStore(path), Cipher()) if sealed else SQLiteStore(path)


def everything(path: Path, *, sealed: bool) -> dict[str, Any]:
    """Everything that an engine shows of a run whose every value has the word in it; the engine is reopened midway."""
    clock = FakeClock()
    with Engine(store=stores(path, sealed), clock=clock) as engine:
        engine.deploy(model(), name=f"deployment {WORD}")
        engine.start("p", {"who": WORD, "more": [f"a {WORD}", {WORD: 1}]}, business_key=f"bk-{WORD}")
        engine.publish("begin", f"key-{WORD}", {"x": WORD})
        engine.publish("begin", f"key-{WORD}", {"x": WORD}, ttl=60, message_id=f"id-{WORD}")
        engine.publish("other", f"key-{WORD}", {"x": WORD}, ttl=3600, message_id=f"id-{WORD}")
        (job,) = engine.activate_jobs(f"work-{WORD}", worker="outside")
        engine.fail_job(job, f"failed because of {WORD}", retries=2, backoff=0)
    with Engine(store=stores(path, sealed), clock=clock) as engine:
        client = Engine(store=stores(path, sealed), clock=clock)
        assert not client.owner
        engine.serve(threads=1)
        client.start("p", {"who": f"{WORD}-2"}, business_key=f"bk-{WORD}")
        engine.stop()
        client.close()
        (second,) = engine.jobs(type=f"work-{WORD}-2")
        engine.fail_job(second.key, f"failed for good because of {WORD}", retries=0)
        shown: dict[str, Any] = {
            "by key": len(engine.instances(business_key=f"bk-{WORD}")),
            "keys": [each.info.business_key for each in engine.instances()],
            "variables": [each.variables for each in engine.instances()],
            "jobs": [(each.type, each.error) for each in engine.jobs()],
            "tasks": [(each.element_id, each.assignee) for each in engine.tasks()],
            "assigned": [each.element_id for each in engine.tasks(assignee=WORD)],
            "incidents": [(each.code, each.message, each.element_id) for each in engine.incidents()],
        }
        files = b"".join(each.read_bytes() for each in path.parent.iterdir() if each.name.startswith(path.name))
        done: list[Any] = []

        @engine.worker(f"work-{WORD}")
        def work(who: str) -> None:
            done.append(who)

        engine.run_until_idle()
        engine.publish(f"news-{WORD}", WORD, {"answer": WORD})
        engine.broadcast("alarm", {"x": WORD})
        for task in engine.tasks():
            engine.complete_task(task.key, {"x": WORD})
        clock.pass_by(120)
        engine.run_until_idle()
        shown["done"] = done
        shown["counts"] = engine.counts()
        shown["tokens"] = [each.tokens for each in engine.instances()]
    shown["readable"] = WORD.encode() in files + path.read_bytes()
    return shown


def test_everything_works_as_before_and_nothing_can_be_read_in_the_file(tmp_path: Path) -> None:
    plain = everything(tmp_path / "plain.db", sealed=False)
    sealed = everything(tmp_path / "sealed.db", sealed=True)
    assert (plain.pop("readable"), sealed.pop("readable")) == (True, False)
    assert sealed == plain
    assert plain["done"] == [WORD]
    assert plain["incidents"]
    assert plain["by key"] == 2


def test_without_the_cipher_or_with_another_one_the_store_says_that_it_cannot_read(tmp_path: Path) -> None:
    path = tmp_path / "e.db"
    everything(path, sealed=True)
    with pytest.raises(ProcessionError, match=r"format|read"), Engine(path) as engine:
        engine.start("p", {"who": "x"})
    with (
        pytest.raises(ProcessionError, match="another key"),
        Engine(store=SealedStore(SQLiteStore(path), Cipher(b"other"))) as engine,
    ):
        engine.start("p", {"who": "x"})


READABLE: Final = {
    "tenant.name": "the tenant's name",
    "shard.owner": "a process",
    "resource.digest": "a hash",
    "resource.name": "a file of the model",
    "program.hash": "a hash",
    "definition.process_id": "of the model",
    "definition.program": "a hash",
    "definition.digest": "a hash",
    "definition.name": "of the model",
    "definition.version_tag": "of the model",
    "decision.decision_id": "of the model",
    "decision.hash": "a hash",
    "decision.digest": "a hash",
    "decision.name": "of the model",
    "decision.version_tag": "of the model",
    "form.form_id": "of the model",
    "form.digest": "a hash",
    "form.name": "of the model",
    "form.version_tag": "of the model",
    "instance.host": "the name of a host",
    "job.idempotency_key": "numbers",
    "job.worker": "a process",
    "task.element_id": "of the model",
    "task.process_id": "of the model",
    "timer.cycle": "of the model: a start timer's, evaluated without variables",
    "subscription.process_id": "of the model",
    "start_subscription.process_id": "of the model",
    "start_lock.process_id": "of the model",
    "incident.element_id": "of the model",
    "inbox.tenant": "the tenant's name",
    "inbox.source": "a process or a number",
    "record.kind": "a word of the server",
    "record.id": "drawn by the server, or a name of its own",
    "answered.key": "a hash",
    "source.tenant": "the tenant's name",
    "source.name": "a process or a number",
    "meta.name": "the engine's own",
    "data_store.name": "a word of the model",
}
"""Text columns that are not sealed, and what they hold instead of values."""


def test_every_text_column_is_either_sealed_or_known_to_hold_no_value(tmp_path: Path) -> None:
    SQLiteStore(tmp_path / "e.db").close()
    open_columns: list[str] = []
    with closing(sqlite3.connect(tmp_path / "e.db")) as connection:
        for table in (*TABLES, "shard"):
            columns = connection.execute(f"PRAGMA table_info(procession_{table})").fetchall()
            for position, name, kind, *_ in columns:
                if kind == "TEXT" and position not in ROWS.get(table, ()):
                    open_columns.append(f"{table}.{name}")
    assert sorted(open_columns) == sorted(READABLE)


@pytest.mark.parametrize(("file", "known"), [("writes.sql", {*CHANGES}), ("reads.sql", {*QUERIES})])
def test_the_sealed_statements_exist(file: str, known: set[str]) -> None:
    assert known <= set(statements(file))
    assert set(DELETES) | set(ROWS) <= set(TABLES)
