"""Processes on Celery, with real workers over real brokers: what a job is, and what becomes of it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Final, cast

import httpx
import pytest

import needs
import postgres_rig
from broker_rig import KINDS, Brokers, Kind, leash
from celery_rig import Shop, Shops, model, shops
from procession.testing.ports import free_port

__all__ = ["shops"]

CATCHES: Final = '<boundaryEvent id="b" attachedToRef="t1"><errorEventDefinition errorRef="none"/></boundaryEvent>'
ALWAYS: Final = {("redis", "prefork"), ("rabbitmq", "threads"), ("redis", "solo")}
"""Each broker and each pool; the other pairs are for `make test-large`."""
POOLS: Final = [
    pytest.param(kind, pool, marks=[] if (kind, pool) in ALWAYS else [pytest.mark.large])
    for kind in KINDS
    for pool in ("prefork", "threads", "solo")
]


@pytest.mark.parametrize(("kind", "pool"), POOLS)
def test_a_process_of_all_kinds_of_jobs_on_every_pool(shops: Shops, brokers: Brokers, kind: Kind, pool: str) -> None:
    shop = shops(brokers(kind))
    caught = f'{CATCHES}<sequenceFlow id="fb" sourceRef="b" targetRef="eb"/><endEvent id="eb"/>'
    shop.engine.deploy(
        model("p", "charge", "pick", "timer:PT0.3S", "count", "flaky", "slow", "message"),
        model("q", "refuses", more=caught),
    )
    shop.work(pool)
    started = [shop.engine.start("p", {"total": 40 + n, "goes_well_at": 2, "order": f"o{n}"}) for n in range(4)]
    other = shop.engine.start("q", {})
    shop.until(lambda: all(each.tokens == {"t7": 1} for each in started))
    for n in range(4):
        shop.engine.publish("paid", f"o{n}", {"paid": True})
    shop.ends(*started, other)
    assert [each.variables["charged"] for each in started] == [40, 41, 42, 43]
    assert [each.variables["result"] for each in started] == [41, 42, 43, 44]
    assert [each.variables["attempts"] for each in started] == [3] * 4
    assert {each.variables["paid"] for each in started} == {True}
    assert other.variables == {"left": 0}
    assert set(shop.effects().values()) == {1}


@pytest.mark.parametrize("kind", KINDS)
def test_several_workers_on_one_postgresql(shops: Shops, brokers: Brokers, kind: Kind) -> None:
    postgres_rig.require()
    shop = shops(brokers(kind), postgres_rig.server().database())
    for tenant in ("<default>", "acme", "globex"):
        shop.engine.deploy(model("p", "charge", "pick", "slow"), tenant=tenant)
    shop.work()
    shop.work("threads")
    tenants = ("<default>", "acme", "globex")
    started = [shop.engine.start("p", {"total": n}, tenant=tenant) for n in range(10) for tenant in tenants]
    shop.ends(*started)
    assert set(shop.effects().values()) == {1}
    assert len(shop.effects()) == 60


def test_attempts_are_counted_by_who_has_a_policy(shops: Shops, brokers: Brokers) -> None:
    shop = shops(brokers("redis"))
    shop.engine.deploy(model("own", "flaky:1"), model("models", "breaks:2"))
    shop.work("threads")
    own = shop.engine.start("own", {"goes_well_at": 9})
    models = shop.engine.start("models")
    shop.until(lambda: len(shop.engine.incidents()) == 2)
    found = {each.instance: each.message for each in shop.engine.incidents()}
    assert "attempt 2" in found[own.key]
    assert "no luck" in found[models.key]
    [incident] = [each for each in shop.engine.incidents() if each.instance == models.key]
    shop.engine.resolve_incident(incident.key)
    shop.until(lambda: any(each.key != incident.key for each in shop.engine.incidents(instance=models.key)))


def test_a_task_that_is_ended_from_outside_is_a_failed_attempt(shops: Shops, brokers: Brokers) -> None:
    shop = shops(brokers("redis"), lost="30")
    shop.engine.deploy(model("limit", "hangs:1"), model("lost", "dies"))
    shop.work()
    limit = shop.engine.start("limit")
    lost = shop.engine.start("lost", {"sign": str(shop.folder / "sign")})
    shop.ends(lost)
    shop.until(lambda: bool(shop.engine.incidents(instance=limit.key)))
    assert "TimeLimitExceeded" in shop.engine.incidents(instance=limit.key)[0].message


def test_a_task_that_nobody_knows_is_said(shops: Shops, brokers: Brokers) -> None:
    shop = shops(brokers("redis"))
    shop.engine.deploy(model("p", "nobody.knows:1"))
    shop.work("solo")
    instance = shop.engine.start("p")
    shop.until(lambda: bool(shop.engine.incidents(instance=instance.key)))
    assert "nobody.knows" in shop.engine.incidents(instance=instance.key)[0].message


def test_jobs_have_queues_by_tenant_process_and_type(shops: Shops, brokers: Brokers) -> None:
    shop = shops(brokers("redis"), queues="jobs.{tenant}.{process}.{type}")
    shop.engine.deploy(model("p", "charge", "pick"), tenant="acme")
    default = shop.environment["SHOP_QUEUE"]
    shop.work("solo", 1, "-Q", f"{default},jobs.acme.p.charge")
    instance = shop.engine.start("p", {"total": 1}, tenant="acme")
    shop.until(lambda: instance.tokens == {"t2": 1})
    shop.work("solo", 1, "-Q", "jobs.acme.p.pick")
    shop.ends(instance)


def test_flower_shows_jobs_as_tasks(shops: Shops, brokers: Brokers) -> None:
    needs.require("flower", "pip install flower")
    shop = shops(brokers("redis"))
    shop.engine.deploy(model("p", "charge", "pick"))
    shop.work("threads", 1, "-E")
    with flower(shop) as ask:
        shop.until(lambda: len(ask("workers?refresh=true")) == 1)
        shop.ends(*[shop.engine.start("p", {"total": 40 + n}) for n in range(3)])
        shop.until(lambda: Counter(each["state"] for each in ask("tasks").values())["SUCCESS"] >= 6)
        tasks = {id: each for id, each in ask("tasks").items() if each["name"] in {"charge", "pick"}}
    assert Counter(each["name"] for each in tasks.values()) == {"charge": 3, "pick": 3}
    assert {each["state"] for each in tasks.values()} == {"SUCCESS"}
    assert all(id.startswith("procession-") for id in tasks)


@contextmanager
def flower(shop: Shop) -> Generator[Callable[[str], dict[str, Any]]]:
    """Flower beside a shop's workers, and what its API says; nothing, before it answers."""
    port = free_port()
    command = ["-m", "celery", "-A", "celery_shop", "flower", "--address=127.0.0.1", f"--port={port}"]
    process = subprocess.Popen(
        [*leash(), sys.executable, *command],
        cwd=shop.folder,
        env={**shop.environment, "FLOWER_UNAUTHENTICATED_API": "true"},
        stdout=shop.log,
        stderr=shop.log,
    )

    def ask(what: str) -> dict[str, Any]:
        try:
            return cast("dict[str, Any]", httpx.get(f"http://127.0.0.1:{port}/api/{what}", timeout=30).json())
        except (httpx.HTTPError, ValueError):
            return {}

    try:
        yield ask
    finally:
        process.kill()
        process.wait()
