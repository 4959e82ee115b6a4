"""What befalls Celery: workers and brokers that are killed, messages that are lost, doubled or rotten.

Nothing is lost, and no step is done twice; what a broker lost is found within the time that the host is told.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import pytest
import redis

import postgres_rig
from broker_rig import KINDS, Broker, Brokers, Kind
from celery_rig import Shop, Shops, model, shops
from procession import Engine, StoreError
from procession.hosts.celery import courier as courier_module

__all__ = ["shops"]

CHAIN: Final = ("pick", "slow", "pick", "slow", "pick")
"""Five jobs with an effect each."""


def client(broker: Broker) -> Any:
    """A client of Redis itself."""
    return redis.Redis(port=broker.port)


def start_all(shop: Shop, n: int) -> list[Any]:
    """Starts instances of a chain."""
    shop.engine.deploy(model("p", *CHAIN))
    return [shop.engine.start("p", {"total": number}) for number in range(n)]


def check(shop: Shop, started: list[Any]) -> None:
    """Every instance has ended, every effect was had, and every step was done once."""
    shop.ends(*started)
    keys = {line.split()[1] for line in shop.effects()}
    assert len(keys) == len(CHAIN) * len(started)
    for instance in started:
        done = [entry.element for entry in instance.history if entry.kind == "done"]
        assert len(done) == len(set(done)) == len(CHAIN) + 3


def _had(shop: Shop, wanted: int) -> bool:
    return sum(shop.effects().values()) >= wanted


@pytest.mark.parametrize(("kind", "seed"), [("redis", 1), ("rabbitmq", 2)])
def test_workers_are_killed_again_and_again(shops: Shops, brokers: Brokers, kind: Kind, seed: int) -> None:
    drawn = random.Random(seed)
    shop = shops(brokers(kind), lost="1")
    started = start_all(shop, 20)
    for _ in range(3):
        worker = shop.work("prefork", 2)
        wanted = min(sum(shop.effects().values()) + drawn.randrange(1, 20), 95)
        shop.until(partial(_had, shop, wanted))
        shop.kill(worker)
    shop.work("prefork", 2)
    check(shop, started)


def test_what_a_broker_forgot_is_found_within_the_stated_time(shops: Shops, brokers: Brokers) -> None:
    shop = shops(brokers("redis"), lost="1", sweep="0.5")
    shop.engine.deploy(model("p", "charge"))
    started = [shop.engine.start("p", {"total": 1}) for _ in range(5)]
    client(shop.broker).delete(shop.environment["SHOP_QUEUE"])
    shop.work("solo")
    shop.until(lambda: "ready." in shop.worker_log())
    begun = time.monotonic()
    shop.ends(*started)
    # Lost after 1 s, looked for every 0.5 s; the rest is what this machine takes.
    assert time.monotonic() - begun < 30


@pytest.mark.parametrize("kind", KINDS)
def test_a_broker_that_is_killed_and_comes_back(shops: Shops, own_brokers: Callable[..., Broker], kind: Kind) -> None:
    shop = shops(own_brokers(kind), lost="1")
    # On some losses of a connection to Redis Celery ends its worker by an error of its own.
    shop.supervised("prefork", 2)
    shop.until(lambda: "ready." in shop.worker_log())
    started = start_all(shop, 10)
    shop.until(lambda: len(shop.effects()) >= 5)
    shop.broker.kill()
    # What needs no broker goes on; what is meant for workers waits.
    started.append(shop.engine.start("p", {"total": 11}))
    shop.broker.start()
    check(shop, started)


GONE: Final = {"killed": (Broker.kill, Broker.start), "silent": (Broker.freeze, Broker.thaw)}


@pytest.mark.parametrize("kind", ["redis", pytest.param("rabbitmq", marks=pytest.mark.large)])
@pytest.mark.parametrize("gone", GONE)
def test_nobody_waits_for_a_broker_that_is_gone_and_what_it_did_not_take_is_sent_when_it_is_back(
    shops: Shops, own_brokers: Callable[..., Broker], kind: Kind, gone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier_module, "DOWN_TIMES", 1)  # not longer than has to be
    away, back = GONE[gone]
    shop = shops(own_brokers(kind), lost="3600")  # no sweeper finds it in time
    away(shop.broker)
    started = start_all(shop, 2)
    courier = shop.host.courier()
    assert (courier.sent, courier.unsent) == (0, 2)
    back(shop.broker)

    def sent() -> bool:
        courier.send([])
        return courier.sent == 2

    shop.until(sent)
    shop.work("solo")
    check(shop, started)


def test_a_broker_without_memory_and_then_without_what_it_had(shops: Shops, own_brokers: Callable[..., Broker]) -> None:
    shop = shops(own_brokers("redis", "--maxmemory-policy", "noeviction"), lost="1")
    connection = client(shop.broker)
    # Celery's own worker ends when Redis does not take what it acknowledges; whoever supervises it starts another.
    shop.supervised("prefork", 2)
    shop.until(lambda: "ready." in shop.worker_log())
    first = start_all(shop, 5)
    shop.until(lambda: len(shop.effects()) >= 2)
    connection.config_set("maxmemory", 1)
    second = [shop.engine.start("p", {"total": number}) for number in range(5)]
    shop.until(lambda: shop.host.courier().unsent > 0)
    # It has room again, for it evicted everything.
    connection.flushall()
    connection.config_set("maxmemory", 0)
    check(shop, first + second)


@pytest.mark.parametrize("skew", ["300", "-300"])
def test_clocks_that_are_minutes_apart(shops: Shops, brokers: Brokers, skew: str) -> None:
    postgres_rig.require()
    shop = shops(brokers("redis"), postgres_rig.server().database(), skew=skew, lost="30")
    shop.engine.deploy(model("p", "pick", "timer:PT1S", "pick", "timer:PT200S", "pick"))
    started = [shop.engine.start("p", {"total": n}) for n in range(3)]
    shop.work("threads", 2)
    shop.until(lambda: all(each.tokens == {"t4": 1} for each in started))
    for instance in started:
        at = {entry.element_id: entry.at for entry in instance.history if entry.kind == "done"}
        assert 1_000 <= at["t2"] - at["t1"] < 30_000
    assert sum(shop.effects().values()) == 6
    assert all(each.tokens == {"t4": 1} for each in started)


@pytest.mark.large
@pytest.mark.parametrize("kind", KINDS)
def test_a_broker_that_is_away_for_a_minute(shops: Shops, own_brokers: Callable[..., Broker], kind: Kind) -> None:
    shop = shops(own_brokers(kind), lost="2")
    shop.supervised("prefork", 2)
    shop.until(lambda: "ready." in shop.worker_log())
    started = start_all(shop, 20)
    shop.until(lambda: len(shop.effects()) >= 5)
    shop.broker.kill()
    over = time.monotonic() + 60
    while time.monotonic() < over:
        started.append(shop.engine.start("p", {"total": 1}))
        shop.engine.wait_until(lambda: False, 3)
    shop.broker.start()
    check(shop, started)


def test_every_message_comes_twice(shops: Shops, brokers: Brokers) -> None:
    shop = shops(brokers("redis"))
    queue, connection = shop.environment["SHOP_QUEUE"], client(shop.broker)
    over = threading.Event()

    def double() -> None:
        seen: set[bytes] = set()
        while not over.wait(0.001):
            for message in connection.lrange(queue, 0, -1):
                if message not in seen:
                    seen.add(message)
                    connection.lpush(queue, message)

    started = start_all(shop, 10)
    doubling = threading.Thread(target=double)
    doubling.start()
    try:
        shop.work("prefork", 2)
        shop.work("threads", 2)
        check(shop, started)
    finally:
        over.set()
        doubling.join()


def test_rotten_messages_are_thrown_away_and_hold_up_nobody(shops: Shops, brokers: Brokers) -> None:
    shop = shops(brokers("redis"))
    queue, connection = shop.environment["SHOP_QUEUE"], client(shop.broker)
    shop.app.send_task("charge", kwargs={"total": 1}, task_id="procession-0-1-1")
    shop.app.send_task("procession.wake", ("no shard",))
    shop.app.send_task("procession.wake", (99,))
    shop.app.send_task("procession.lost", ("procession-7-7-7", "?"))
    connection.lpush(queue, connection.lrange(queue, 0, 0)[0].replace(b'"body": "', b'"body": "!'))
    shop.work("solo", 1)
    check(shop, start_all(shop, 3))


def test_an_engine_that_takes_over_leaves_nothing_to_the_workers(shops: Shops, brokers: Brokers) -> None:
    shop = shops(brokers("redis"), lost="1")
    started = start_all(shop, 5)
    path = shop.environment["SHOP_STORE"]
    with Engine(path, call_timeout=0.2) as client_of_workers:
        assert not client_of_workers.owner
        with pytest.raises(StoreError, match="the workers of celery together"):
            client_of_workers.start("p", {"total": 1})
    with Engine(path, takeover=True) as owner:
        assert owner.owner
        worker = shop.work("solo", 1)
        shop.until(lambda: "ready." in shop.worker_log())
        # They ask the engine now, like everybody else.
        owner.serve(1)
        shop.until(lambda: len(shop.effects()) >= 1)
        shop.kill(worker)

        @owner.worker("pick")
        def pick() -> None:
            return None

        @owner.worker("slow")
        def slow() -> None:
            return None

        assert owner.wait_until(lambda: owner.counts() == {"completed": 6}, 60), owner.counts()
    assert all(each.state == "completed" for each in started)
