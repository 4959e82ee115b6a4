"""A tenant that is deleted is gone: from every table, from memory, from the file; and nobody else notices."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from host_rig import FakeClock, shard_of
from procession import Engine
from procession.base.failure import BadValue, Conflict, NotFound
from procession.runtime import requests as q
from procession.runtime.rows import AuditRow
from procession.services.audit import chained
from procession.services.backend import PLATFORM
from procession.services.tenancy.deleting import KIND, Deleted, Keys, delete_tenant
from procession.services.tenancy.keys import sealed_by
from procession.store.master import MasterKeys
from procession.store.sqlite import SQLiteStore
from procession.store.statements import statements
from tenancy_rig import ADA, CANARY, backend_of, bytes_in, furnish, rows

A: Final = "acme"
B: Final = "bolt"
KEPT: Final = {
    "procession_audit": "what was said is gone, that something was stays: the chain of hashes goes over it",
    "procession_tenant_key": "says that the keys were destroyed",
}
"""Tables in which rows with the number of a deleted tenant are left."""


OTHERWISE: Final = {
    "instance": "deleted one by one, with its history",
    "audit": "redacted row by row",
    "tenant_key": "destroyed by whoever keeps the keys",
}
"""Tables that no statement erases, and what happens to them instead."""


def delete(engine: Engine, tenant: str, keys: Keys | None = None) -> Deleted:
    async def deleted() -> Deleted:
        async with backend_of(engine) as backend:
            return await delete_tenant(backend, tenant, ADA, keys)

    return asyncio.run(deleted())


def tables(path: Path) -> list[str]:
    names = [row[0] for row in rows(path, "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'proc%'")]
    return [each for each in names if "tenant" in [row[1] for row in rows(path, f"PRAGMA table_info({each})")]]


def left(path: Path, number: int, name: str) -> dict[str, int]:
    counts = {
        table: rows(path, f"SELECT count(*) FROM {table} WHERE tenant IN (?, ?)", number, name)[0][0]
        for table in tables(path)
    }
    return {table: count for table, count in counts.items() if count}


def scrubbed(path: Path) -> bytes:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return bytes_in(path.parent)


def test_there_is_a_statement_for_every_table(tmp_path: Path) -> None:
    SQLiteStore(tmp_path / "e.db").close()
    there = {name.removeprefix("procession_") for name in tables(tmp_path / "e.db")}
    erased = {name.removesuffix("_erase") for name in statements("writes.sql") if name.endswith("_erase")}
    assert erased == there - set(OTHERWISE)
    counted = set(re.findall(r"SELECT '(\w+)'", statements("reads.sql")["tenant_left"]))
    assert counted == erased - {"inbox", "source"}, "those two are by name, and go last"


def test_the_forms_of_a_deleted_tenant_are_gone(tmp_path: Path) -> None:
    path = tmp_path / "e.db"
    form = f'{{"type": "default", "id": "{CANARY}", "components": []}}'.encode()
    with Engine(path) as engine:
        engine.deploy(("ask.form", form), tenant=A)
        assert left(path, shard_of(engine).catalog.tenants[A], A)["procession_form"] == 1
        number = shard_of(engine).catalog.tenants[A]
        delete(engine, A)
        assert set(left(path, number, A)) <= set(KEPT)


def test_nothing_of_a_deleted_tenant_is_left_and_its_neighbour_has_everything(tmp_path: Path) -> None:
    path = tmp_path / "e.db"
    clock = FakeClock()
    with Engine(path, clock=clock) as engine:
        furnish(engine, A)
        furnish(engine, B, "OTHER-4712")
        shard = shard_of(engine)
        number, other = shard.catalog.tenants[A], shard.catalog.tenants[B]
        before = left(path, other, B)
        assert left(path, number, A) == before
        deleted = delete(engine, A)
        assert deleted.rows > sum(before.values()) // 2
        assert not deleted.shredded
        assert set(left(path, number, A)) <= set(KEPT)
        assert left(path, other, B) == before
        assert engine.instances(tenant=A) == []
        assert engine.jobs(tenant=A) == []
        assert shard.board.take(f"work-{CANARY}", 10, clock.at, 1_000) == []
        assert {resident.tenant for _, resident in shard.residents.items()} <= {other}
        with pytest.raises(NotFound):
            engine.start("p", tenant=A)
        clock.pass_by(100_000)
        engine.run_until_idle()
        engine.worker("work-OTHER-4712")(lambda: {})
        engine.run_until_idle()
        assert len(engine.jobs(tenant=B)) == 1, "that of the instance which is suspended"
    assert CANARY.encode() not in scrubbed(path)
    assert b"OTHER-4712" in scrubbed(path)


def test_what_was_said_about_a_tenant_is_gone_and_the_chain_of_hashes_holds(tmp_path: Path) -> None:
    with Engine(tmp_path / "e.db") as engine:
        furnish(engine, A)
        furnish(engine, B)
        delete(engine, A)
        furnish(engine, A)
        chain = b""
        bodies: list[bytes] = []
        for row in engine.store.read("audit_shard", (0, 0, 100), AuditRow):
            chain = chained(chain, (row.tenant, row.shard, row.number, row.at), row.body)
            assert chain == row.chain
            bodies.append(row.body)
        assert any(b"ForgetTenant" in body and b"user:ada" in body for body in bodies)
        platform = shard_of(engine).catalog.tenants[PLATFORM]
        assert rows(tmp_path / "e.db", "SELECT id FROM procession_record WHERE tenant = ? AND kind = ?", platform, KIND)


def test_a_tenant_whose_keys_are_destroyed_cannot_be_read_in_any_copy(tmp_path: Path) -> None:
    (tmp_path / "copies").mkdir()
    inner = SQLiteStore(tmp_path / "e.db")
    master = MasterKeys({"m": b"m" * 32}, "m")
    store, keys = sealed_by(inner, master, tmp_path / "keys")
    with Engine(store=store, clock=FakeClock()) as engine:
        furnish(engine, A)
        key = engine.instances(tenant=A)[0].key
        engine.backup(tmp_path / "copies" / "copy.db")
        assert delete(engine, A, keys).shredded
        assert CANARY.encode() not in bytes_in(tmp_path)
        furnish(engine, A)
        assert len(engine.instances(tenant=A)) == 4, "who comes again begins anew"
    copy, _ = sealed_by(SQLiteStore(tmp_path / "copies" / "copy.db"), master, tmp_path / "keys")
    with Engine(store=copy) as engine, pytest.raises(Exception, match="destroyed"):
        engine.instance(key, tenant=A).variables  # noqa: B018 - reading it is the test


def test_from_the_first_portion_on_nothing_else_is_carried_out_also_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "e.db"
    with Engine(path) as engine:
        furnish(engine, A)
        engine.pump.call(q.ForgetTenant(A))
    with Engine(path) as engine:
        for request in (q.PublishMessage(A, "m", "", {}), q.PutRecord(A, "note", "x", {}), q.AddTenant(A)):
            with pytest.raises(Conflict, match="being deleted"):
                engine.pump.call(q.Asked(A, request, "user:ada"))
        delete(engine, A)
        assert delete(engine, A).rows > 0, "a repeated call is no error: it looks through the log again"
        engine.pump.call(q.Asked(A, q.PutRecord(A, "note", "x", {}), "user:ada"))


@pytest.mark.parametrize(("tenant", "error"), [("nobody", NotFound), ("<default>", BadValue), (PLATFORM, BadValue)])
def test_who_is_not_there_or_belongs_to_the_server_is_not_deleted(tenant: str, error: type[Exception]) -> None:
    with Engine() as engine, pytest.raises(error):
        delete(engine, tenant)
