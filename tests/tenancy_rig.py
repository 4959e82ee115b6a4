"""What tests of tenants share: a backend on an engine, and tenants that have something everywhere."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, Final

import drawn as d
from procession.hosts.embedded.backend import EngineBackend
from procession.hosts.embedded.engine import Engine
from procession.runtime import requests as q
from procession.runtime.rows import NamedRow
from procession.runtime.tenants import EVERYBODY
from procession.services.backend import Who

ADA: Final = Who("user:ada", "here")
CANARY: Final = "CANARY-4711"


@asynccontextmanager
async def backend_of(engine: Engine) -> AsyncIterator[EngineBackend]:
    """A backend on an engine, as long as the block lasts."""
    backend = EngineBackend(engine)
    try:
        yield backend
    finally:
        await backend.close()


def model(name: str = "p", *, text: str = "work") -> tuple[str, bytes]:
    """A process `name` with a job, a task, a timer, a message and a signal, in which the word `text` stands."""
    user = '<bpmn:userTask id="@"><bpmn:extensionElements><zeebe:userTask/></bpmn:extensionElements>~</bpmn:userTask>'
    drawn = d.process(
        name,
        "a -> s, s -> w, s -> u, s -> m, s -> g, s -> x, s -> t, w -> b, u -> b, m -> b, g -> b, x -> b, t -> b",
        f"{name}_",
        a=d.start(),
        s=d.parallel(),
        w=d.service(text),
        u=user,
        m=d.catch(d.on_message("news")),
        g=d.catch(d.on_signal("alarm")),
        x=d.script("who", "n"),
        t=d.catch(d.on_timer("duration", "P1D")),
        b=d.end(),
    )
    begun = d.process(
        f"{name}-begun", "a -> t, t -> b", f"{name}_q_", a=d.start(d.on_message("begin")), t=d.user(), b=d.end()
    )
    roots = d.message("news", "news", "who") + d.message("begin", "begin") + d.signal("alarm", "alarm")
    return f"{name}.bpmn", d.document(drawn, begun, roots=roots)


def furnish(engine: Engine, tenant: str, word: str = CANARY) -> None:
    """Something of a tenant in every table that a request can reach, with a word in it."""
    engine.deploy(model(text=f"work-{word}"), name=f"deployment {word}", tenant=tenant)
    engine.start_many("p", [{"who": word, "n": number} for number in range(3)], tenant=tenant)
    engine.publish("begin", f"key-{word}", {"x": word}, tenant=tenant)
    engine.publish("begin", f"key-{word}", {"x": word}, ttl=3_600, message_id=f"id-{word}", tenant=tenant)
    engine.fail_job(engine.jobs(tenant=tenant)[0].key, f"because of {word}", retries=1, backoff=3_600, tenant=tenant)
    said = q.Asked(
        tenant, q.PutRecord(tenant, "note", "n", {"x": word}), f"user:{word}", "here", f"once-{tenant}", b"d"
    )
    engine.pump.call(said)
    engine.changes.suspend(engine.instances(tenant=tenant)[0].key, tenant=tenant)


def numbers_of(engine: Engine) -> dict[str, int]:
    """The numbers of the tenants of a store."""
    return {row.name: row.number for row in engine.store.read("tenants", EVERYBODY, NamedRow)}


def rows(path: Path, sql: str, *args: object) -> list[tuple[Any, ...]]:
    """What a connection of its own reads."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql, args).fetchall()


def bytes_in(folder: Path) -> bytes:
    """All that is in the files of a folder."""
    return b"".join(each.read_bytes() for each in sorted(folder.rglob("*")) if each.is_file())
