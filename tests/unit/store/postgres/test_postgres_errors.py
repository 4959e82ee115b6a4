"""What people read when PostgreSQL cannot be used: a sentence with a remedy, and never the password."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Final

import psycopg
import pytest
from psycopg import pq

import postgres_rig
from postgres_rig import Server
from procession import Engine
from procession.base.failure import StoreError
from procession.runtime.ports import Batch, Fence
from procession.runtime.rows import NamedRow, ShardRow
from procession.store.opening import open_store
from procession.store.postgres.errors import explained, lost
from procession.store.postgres.session import shown
from procession.store.postgres.store import PostgresStore

FAR: Final = 1 << 60


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ("08006", "the server runs"),
        ("53100", "disk of the database server is full: free space"),
        ("53200", "memory ran out"),
        ("53300", "raise its `max_connections`"),
        ("57P01", "shutting down"),
        ("57P03", "starting up"),
        ("57014", "statement_timeout"),
        ("25006", "a standby: name the primary"),
        ("42501", "needs the rights"),
        ("28P01", "the user and the password"),
        ("3D000", "createdb"),
        ("40001", "try again"),
        ("40P01", "try again"),
        ("55P03", "locked"),
        ("54000", "store a reference to it"),
        ("58030", "reported an error"),
        ("XX001", "damaged"),
    ],
)
def test_an_error_of_the_server_has_a_remedy(state: str, says: str) -> None:
    error = psycopg.errors.lookup(state)("what it said\nDETAIL: more")
    told = explained("postgresql://h/d", error)
    assert isinstance(told, StoreError)
    assert says in str(told)
    assert str(told).startswith("postgresql://h/d: ")
    assert str(told).endswith("(what it said)")


@pytest.mark.parametrize(("state", "gone"), [("08006", True), ("57P01", True), ("23505", False), ("53100", False)])
def test_a_lost_connection_is_told_from_a_refusal(state: str, gone: bool) -> None:
    assert lost(psycopg.errors.lookup(state)("x")) == gone


@pytest.mark.parametrize(("severity", "gone"), [("ERROR", False), ("FATAL", True), ("PANIC", True)])
@pytest.mark.parametrize("state", ["53100", "58030", "XX000"])
def test_the_last_words_of_a_server_leave_it_open_what_became_of_a_commit(
    state: str, severity: str, gone: bool
) -> None:
    said = {pq.DiagnosticField.SEVERITY_NONLOCALIZED: severity.encode()}
    assert lost(psycopg.errors.lookup(state)("what it said", info=said)) == gone  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("lines", "says", "shows"),
    [
        (["a failed: Connection refused", "b failed: session is read-only"], "promote one", "b failed: session"),
        (
            ["a failed: FATAL:  the database system is starting up", "b failed: session is read-only"],
            "starting up",
            "a",
        ),
        (["a failed: Connection refused", "b failed: Connection refused"], "check that the server runs", "a failed"),
        (["a failed: FATAL:  the database system is not yet accepting connections"], "recovers", "a failed"),
    ],
)
def test_of_several_hosts_the_one_is_shown_that_tells_what_is_wrong(lines: list[str], says: str, shows: str) -> None:
    told = explained("n", psycopg.OperationalError("\n\tIs it there?\n".join(lines)))
    assert isinstance(told, StoreError)
    assert says in told.why
    assert f"({shows}" in str(told)
    assert " failed" not in told.why


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://u:hush@h/d", "postgresql://u@h/d"),
        ("postgresql://u@h:1,g:2/d?target_session_attrs=read-write", "postgresql://u@h:1,g:2/d"),
        ("postgresql://u@h,g/d", "postgresql://u@h,g/d"),
        ("postgresql://u@/d?host=h,g&port=7", "postgresql://u@h:7,g:7/d"),
        ("postgresql://u@[::1]:1,[::2]:2/d", "postgresql://u@[::1]:1,[::2]:2/d"),
        ("postgresql:///d", "postgresql:///d"),
        ("postgresql://u@%2Frun%2Fa,%2Frun%2Fb/d", "postgresql://u@%2Frun%2Fa,%2Frun%2Fb/d"),
    ],
)
def test_a_url_is_shown_with_all_its_hosts_and_without_its_password(url: str, says: str) -> None:
    assert shown(url) == says
    assert shown(shown(url)) == says


def refused(url: str) -> str:
    with pytest.raises(StoreError) as told:
        PostgresStore(url)
    return str(told.value)


def test_a_server_that_is_not_there() -> None:
    said = refused("postgresql://app:s3cret@127.0.0.1:1/d")
    assert said.startswith("postgresql://app@127.0.0.1:1/d: the connection to the database was lost, or cannot be made")
    assert "s3cret" not in said


def test_a_database_that_is_not_there() -> None:
    assert "createdb" in refused(postgres_rig.server().url("nowhere"))


def test_a_user_that_is_not_there() -> None:
    assert "check the user and the password" in refused(postgres_rig.server().url("template_app", "nobody_at_all"))


def test_what_is_no_url() -> None:
    assert "cannot be read" in refused("postgresql://h/d?what=1")


def test_a_user_without_rights() -> None:
    server = postgres_rig.server()
    if not server.execute("SELECT 1 FROM pg_roles WHERE rolname = 'stranger'"):
        server.execute("CREATE ROLE stranger LOGIN")
    url = server.database(migrated=False)
    assert "needs the rights" in refused(server.url(url.rpartition("/")[2], "stranger"))


@pytest.fixture
def store() -> Iterator[tuple[PostgresStore, Server, str]]:
    server = postgres_rig.server()
    url = server.database()
    with closing(PostgresStore(url, patience_s=0.2)) as opened:
        assert opened.take(0, "me", 0, FAR)
        yield opened, server, url.rpartition("/")[2]


def test_a_server_that_became_a_standby(store: tuple[PostgresStore, Server, str]) -> None:
    opened, server, name = store
    server.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with pytest.raises(StoreError, match="read-only, probably a standby"):
        opened.commit(Fence(0, 1, 0, FAR), Batch())
    server.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")


def test_too_many_connections(store: tuple[PostgresStore, Server, str]) -> None:
    opened, server, name = store
    server.execute("ALTER ROLE app CONNECTION LIMIT 2")
    try:
        with ExitStack() as busy:
            for _ in range(10):
                try:
                    busy.enter_context(postgres_rig.session(server, name, "app"))
                except psycopg.OperationalError:
                    break
            with pytest.raises(StoreError, match="max_connections"):
                opened.commit(Fence(0, 1, 0, FAR), Batch())
    finally:
        server.execute("ALTER ROLE app CONNECTION LIMIT -1")
    # As soon as there is room it goes on by itself.
    opened.commit(Fence(0, 1, 0, FAR), Batch())
    assert opened.read("shard_read", (0,), ShardRow)[0].epoch == 1


def test_a_question_on_a_connection_that_died_is_asked_on_another_one(
    store: tuple[PostgresStore, Server, str],
) -> None:
    opened, server, name = store
    for _ in range(3):
        assert opened.read("tenants", (0, FAR), NamedRow)
        server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        opened.post([("t", 0, "c:1", 1, 5, b"one")])
        assert len(opened.read("tenants", (0, FAR), NamedRow)) == 1


def test_a_closed_store_says_so(store: tuple[PostgresStore, Server, str]) -> None:
    opened, _, _ = store
    opened.close()
    opened.close()
    with pytest.raises(StoreError, match="the store is closed"):
        opened.read("tenants", (0, FAR), NamedRow)
    with pytest.raises(StoreError, match="the store is closed"):
        opened.commit(Fence(0, 1, 0, FAR), Batch())


def test_without_psycopg_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("psycopg", "procession.store.postgres"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match=r"pip install procession\[postgres\]"):
        open_store("postgresql://h/d")
    with pytest.raises(StoreError, match=r"pip install procession\[postgres\]"):
        Engine("postgres://h/d")
