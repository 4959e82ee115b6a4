"""Environments are tenants; what is deployed in one is promoted to another, and never over what nobody knows."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

import drawn as d
from procession import Engine
from procession.base.failure import BadValue, Conflict
from procession.runtime import codec
from procession.runtime.rows import AuditRow, RecordRow
from procession.services.backend import Who
from procession.services.tenancy.environments import Environment, add_environment, environments, parent_of
from procession.services.tenancy.promotion import KIND, Promotion, promote
from tenancy_rig import ADA, backend_of, model, numbers_of

TEST: Final = "acme:test"
PROD: Final = "acme"
RULES: Final = (
    "r.dmn",
    b"""<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="urn:t">
    <decision id="r" name="r"><variable name="r"/><literalExpression><text>1</text></literalExpression></decision>
    </definitions>""",
)

FORM: Final = ("ask.form", b'{"type": "default", "id": "ask", "components": []}')


def promoted(engine: Engine, *, dry_run: bool = False, force: bool = False, who: Who = ADA) -> Promotion:
    async def run() -> Promotion:
        async with backend_of(engine) as backend:
            return await promote(backend, TEST, PROD, who, dry_run=dry_run, force=force)

    return asyncio.run(run())


def states(promotion: Promotion) -> dict[str, str]:
    return {each.id: each.state for each in promotion.changes}


def versions(engine: Engine, tenant: str) -> dict[str, int]:
    return {each.process_id: each.version for each in engine.definitions(tenant=tenant)}


def test_a_promotion_deploys_what_is_current_and_a_dry_run_says_so_first() -> None:
    with Engine() as engine:
        engine.deploy(model("p"), RULES, FORM, tenant=TEST)
        engine.deploy(model("p", text="better"), tenant=TEST)
        planned = promoted(engine, dry_run=True)
        assert states(planned) == {"p": "new", "p-begun": "new", "r": "new", "ask": "new"}
        assert planned.deployments == ()
        assert versions(engine, PROD) == {}
        done = promoted(engine)
        assert (states(done), len(done.deployments)) == (states(planned), 2)
        assert engine.decide("r", tenant=PROD) == 1
        assert engine.reader().forms.chosen(PROD, "ask").version == 1
        assert engine.definitions(tenant=PROD)[-1].program == engine.definitions(tenant=TEST)[-1].program
        again = promoted(engine)
        assert set(states(again).values()) == {"same"}
        assert again.deployments == ()


def test_both_sides_know_of_a_promotion() -> None:
    with Engine() as engine:
        engine.deploy(model("p"), tenant=TEST)
        done = promoted(engine)
        numbers = numbers_of(engine)
        (record,) = engine.store.read("records", (numbers[TEST], KIND, "", 9), RecordRow)
        body = codec.decode_json(record.body)
        assert isinstance(body, dict)
        assert (record.id, body["to"]) == (done.deployments[0], PROD)
        for tenant, what in ((TEST, b"PutRecord"), (PROD, b"DeployResources")):
            (row,) = engine.store.read("audit_tenant", (numbers[tenant], 0, 0, 9), AuditRow)
            assert what in row.body


def test_a_target_that_somebody_else_changed_is_left_alone_unless_it_is_meant() -> None:
    with Engine() as engine:
        engine.deploy(model("p"), tenant=TEST)
        promoted(engine)
        engine.deploy(model("p", text="hotfix"), ("own.bpmn", d.document(_lone("own"))), tenant=PROD)
        engine.deploy(model("p", text="better"), tenant=TEST)
        planned = promoted(engine, dry_run=True)
        assert states(planned) == {"p": "unknown", "p-begun": "unknown"}
        assert planned.only_there == ("process own",)
        with pytest.raises(Conflict, match="process 'p' version 2"):
            promoted(engine)
        promoted(engine, force=True)
        assert versions(engine, PROD) == {"p": 3, "p-begun": 3, "own": 1}


def _lone(name: str) -> str:
    return d.process(name, "a -> b", f"{name}_", a=d.start(), b=d.end())


def test_a_promotion_that_is_repeated_deploys_nothing_more() -> None:
    with Engine() as engine:
        engine.deploy(model("p"), tenant=TEST)
        keyed = Who("user:ada", "", "once", b"digest")
        first = promoted(engine, who=keyed)
        assert promoted(engine, who=keyed).deployments == ()
        assert len(first.deployments) == 1


@pytest.mark.parametrize("tenants", [("acme", "acme"), ("acme:test", "bolt"), ("acme:test", "acmeter")])
def test_only_environments_of_one_tenant_are_promoted(tenants: tuple[str, str]) -> None:
    async def run(engine: Engine) -> None:
        async with backend_of(engine) as backend:
            await promote(backend, *tenants, ADA)

    with Engine() as engine, pytest.raises(BadValue, match="not two environments of one tenant"):
        asyncio.run(run(engine))


def test_an_environment_is_a_tenant_that_its_parent_names() -> None:
    async def run(engine: Engine) -> None:
        async with backend_of(engine) as backend:
            made = await add_environment(backend, "acme", "test", ADA)
            assert (made.name, made.tenant) == ("test", TEST)
            with pytest.raises(Conflict):
                await add_environment(backend, "acme", "test", ADA)
            for name in ("", "Test", "a:b", "-x", "x" * 41):
                with pytest.raises(BadValue):
                    await add_environment(backend, "acme", name, ADA)
            with pytest.raises(BadValue, match="an environment itself"):
                await add_environment(backend, TEST, "inner", ADA)
            found = await backend.read("acme", lambda reader: environments(reader, "acme"))
            assert found == [Environment("test", TEST, made.at)]
            assert await backend.read("nobody", lambda reader: environments(reader, "nobody")) == []

    with Engine() as engine:
        engine.deploy(model("p"), tenant="acme")
        asyncio.run(run(engine))
        assert TEST in numbers_of(engine)
    assert parent_of(TEST) == parent_of("acme") == "acme"
