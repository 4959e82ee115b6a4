"""Parts of a server that need no process: what is forgotten, how a password reaches a driver, what a folder holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from procession import Engine
from procession.cli.serving import forget_old
from procession.cli.workers import register_found
from procession.hosts.embedded.opening import open_named, with_password
from web_rig import XML

DAY_MS = 86_400_000


def test_what_ended_long_ago_is_forgotten_for_every_tenant() -> None:
    now = [1_800_000_000_000]
    with Engine(clock=lambda: now[0]) as engine:
        for tenant in ("a", "b"):
            engine.deploy(("p.bpmn", XML.encode()), tenant=tenant)
            engine.start("p", tenant=tenant)
            engine.complete_job(engine.activate_jobs("work", tenant=tenant)[0])
            engine.start("p", tenant=tenant)
        forget_old(engine, 3, 3)
        assert len(engine.instances(tenant="a")) == 2
        now[0] += 4 * DAY_MS
        forget_old(engine, 3, 0)
        assert [each.state for each in engine.instances(tenant="b")] == ["completed", "active"]
        forget_old(engine, 0, 3)
        for tenant in ("a", "b"):
            assert [each.state for each in engine.instances(tenant=tenant)] == ["active"]


@pytest.mark.parametrize(
    ("url", "password", "whole"),
    [
        ("postgresql://me@db/x", "p:w/@%", "postgresql://me:p%3Aw%2F%40%25@db/x"),
        ("postgresql://me@db:5433/x?sslmode=require", "pw", "postgresql://me:pw@db:5433/x?sslmode=require"),
        ("postgresql://db/x", "pw", "postgresql://:pw@db/x"),
        ("postgresql://me@db/x", "", "postgresql://me@db/x"),
    ],
)
def test_a_password_is_put_into_the_url_for_the_driver_alone(url: str, password: str, whole: str) -> None:
    assert with_password(url, password) == whole


def test_a_store_is_named_by_a_path_or_a_url(tmp_path: Path) -> None:
    for place in (str(tmp_path / "a.db"), f"sqlite://{tmp_path / 'a.db'}", ":memory:"):
        with Engine(store=open_named(place)) as engine:
            assert engine.owner
    assert [path.name for path in tmp_path.glob("*.db")] == ["a.db"]
    with Engine(store=open_named(str(tmp_path / "b.db"), shards=3)) as engine:
        assert len(engine.pumps.all) == 3


def test_a_module_with_a_function_register_is_asked_and_its_other_functions_are_no_workers() -> None:
    import types

    module = types.ModuleType("workers")
    source = "def register(engine):\n    engine.worker('a')(one)\n\ndef one():\n    return None\n"
    exec(source, module.__dict__)
    with Engine() as engine:
        seen: list[str] = []

        class Registry:
            def worker(self, type: str, /):
                seen.append(type)
                return engine.worker(type)

        register_found(Registry(), "workers", module)
        assert seen == ["a"]
