"""How the owner of a shard hears that somebody asked for something: at once, and without asking all the time."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

import postgres_rig
from procession.runtime import codec
from procession.runtime.ports import Cells
from procession.store.postgres import watch
from procession.store.postgres.store import PostgresStore


@pytest.fixture
def url() -> str:
    return postgres_rig.server().database()


@pytest.fixture
def store(url: str) -> Iterator[PostgresStore]:
    with closing(PostgresStore(url)) as opened:
        yield opened


def told(store: PostgresStore) -> queue.Queue[int]:
    """The numbers of shards as they come; the first that comes says that somebody listens."""
    heard: queue.Queue[int] = queue.Queue()
    store.listen(heard.put, lambda shard, tenants: None)
    assert heard.get(timeout=10) == -1
    return heard


def request(number: int, shard: int = 0) -> Cells:
    return ("t", shard, "c:1", number, 5, codec.encode_json([]))


def test_a_request_of_another_process_is_heard_of_by_its_shard(url: str, store: PostgresStore) -> None:
    heard = told(store)
    with closing(PostgresStore(url)) as other:
        other.post([request(1, 3), request(2, 3)])
        assert heard.get(timeout=5) == 3


def test_changed_says_so_once_and_then_not_until_there_is_more(
    url: str, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LINGER_S", 0.0)
    assert store.changed()
    heard = told(store)
    assert store.changed()
    assert not store.changed()
    with closing(PostgresStore(url)) as other:
        other.post([request(1)])
        assert heard.get(timeout=5) == 0
        assert store.changed()


def test_a_request_whose_notification_is_lost_is_found(url: str, store: PostgresStore) -> None:
    heard = told(store)
    with psycopg.connect(url) as silent:
        silent.execute(
            "INSERT INTO procession_inbox (tenant, shard, source, source_number, at, state, body) "
            "VALUES ('t', 7, 'x', 1, 1, 0, '')"
        )
    assert heard.get(timeout=5) == 7


def test_a_request_of_an_application_is_heard_of_when_its_transaction_is_committed(
    url: str, store: PostgresStore
) -> None:
    heard = told(store)
    with psycopg.connect(url) as application:
        store.post([request(1)], application)
        application.rollback()
        store.post([request(2, 5)], application)
    assert heard.get(timeout=5) == 5


def test_what_was_held_is_heard_of_when_it_counts(url: str, store: PostgresStore) -> None:
    store.hold([request(1, 4)])
    heard = told(store)
    store.confirm([("t", "c:1", 1)])
    assert heard.get(timeout=5) == 4


def test_the_watch_listens_again_after_its_connection_was_lost(url: str, store: PostgresStore) -> None:
    heard = told(store)
    server = postgres_rig.server()
    name = url.rpartition("/")[2]
    server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    assert heard.get(timeout=10) == -1, "what came meanwhile may be for any shard"
    store.post([request(1, 2)])
    assert heard.get(timeout=5) == 2


def test_asking_often_whether_something_changed_sends_no_statement(url: str, store: PostgresStore) -> None:
    heard = told(store)
    server = postgres_rig.server()
    name = url.rpartition("/")[2]
    count = f"SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = '{name}'"
    before = store.watch.statements
    for _ in range(10_000):
        store.changed()
    assert store.watch.statements - before <= 1
    assert heard.empty()
    assert server.execute(count)


def test_two_requests_in_quick_succession_notify_once(url: str) -> None:
    with closing(PostgresStore(url)) as other, psycopg.connect(url, autocommit=True) as ear:
        ear.execute("LISTEN procession_inbox")
        other.post([request(1)])
        for number in range(2, 6):
            other.post([request(number)])
        ear.execute("NOTIFY procession_inbox, 'end'")
        heard = [note.payload for note in ear.notifies(timeout=5, stop_after=9) if note.payload]
        assert heard.index("end") < 5
