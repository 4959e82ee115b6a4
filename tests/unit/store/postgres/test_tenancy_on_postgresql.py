"""Tenants on PostgreSQL: keys of their own, weights and quotas, and an end after which the log's chain still holds."""

from __future__ import annotations

import asyncio
import base64
import json

import pytest
from typer.testing import CliRunner

import drawn as d
import postgres_rig
from flag_rig import know
from host_rig import FakeClock
from procession import Engine, Flags
from procession.cli.app import app
from procession.runtime import requests as q
from procession.runtime.rows import AuditRow
from procession.services.audit import chained
from procession.services.tenancy.deleting import delete_tenant
from procession.services.tenancy.keys import sealed_by
from procession.services.tenancy.limits import KIND
from procession.services.tenancy.usage import usage_of
from procession.store.master import MasterKeys
from tenancy_rig import ADA, backend_of, furnish


def test_a_sealed_tenant_works_is_measured_and_is_deleted_and_the_chain_holds() -> None:
    store, keys = sealed_by(postgres_rig.store(), MasterKeys({"m": b"m" * 32}, "m"))

    async def told(engine: Engine) -> None:
        async with backend_of(engine) as backend:
            await backend.ask(q.PutRecord("acme", KIND, KIND, {"weight": 3, "active_instances": 9}), ADA)
            usage = await backend.read("acme", lambda reader: usage_of(reader, "acme"))
            assert (usage.active_instances, usage.limits.weight) == (4, 3)
            assert (await delete_tenant(backend, "acme", ADA, keys)).shredded

    with Engine(store=store, clock=FakeClock()) as engine:
        furnish(engine, "acme")
        furnish(engine, "bolt")
        asyncio.run(told(engine))
        assert engine.instances(tenant="acme") == []
        assert len(engine.instances(tenant="bolt")) == 4
        chain = b""
        for row in store.inner.read("audit_shard", (0, 0, 100), AuditRow):
            chain = chained(chain, (row.tenant, row.shard, row.number, row.at), row.body)
            assert chain == row.chain
        assert chain


def test_flags_of_the_cell_and_of_tenants_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    know(monkeypatch, 3)
    names = ("acme", "bolt", "<default>")

    def started(engine: Engine) -> list[int]:
        keys = [engine.start("p", tenant=name).key for name in names]
        views = engine.reader().views
        return [views.load(name, key).state.flags for name, key in zip(names, keys, strict=True)]

    url = postgres_rig.server().database()
    with Engine(url, clock=FakeClock()) as engine:
        for name in names:
            engine.deploy(d.one_task(), tenant=name)
        switch = Flags(engine)
        switch.on(3, tenant="acme")
        assert started(engine) == [8, 0, 0]
        switch.on(3)
        switch.off(3, tenant="acme")
    with Engine(url, clock=FakeClock()) as engine:
        assert started(engine) == [0, 8, 8]
        switch = Flags(engine)
        assert [(each.cell, each.ahead, each.back) for each in switch.list()] == [(True, [], ["acme"])]
        switch.follow(3, tenant="acme")
        assert started(engine) == [8, 8, 8]


def test_commands_open_a_sealed_database_with_the_keys_of_the_environment() -> None:
    url = postgres_rig.server().database()
    key = base64.b64encode(b"m" * 32).decode()

    def said(*arguments: str) -> list[dict[str, object]]:
        keys = {"PROCESSION_ENCRYPTION__MASTER_KEY": key}
        done = CliRunner().invoke(app, ["tenant", *arguments, "--db", url, "--json"], env=keys)
        assert done.exit_code == 0, done.output
        return [json.loads(line) for line in done.stdout.splitlines()]

    assert said("create", "acme") == [{"tenant": "acme"}]
    assert said("rotate-key", "acme") == [{"tenant": "acme", "generation": 2}]
    assert said("delete", "acme", "--yes")[0]["shredded"]
