"""Statements of one exchange: what is answered, what a failure leaves, and what is sent while a server answers."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Final

import psycopg
import pytest

import postgres_rig
from procession.store.postgres.arrays import Blobs, Longs, Texts
from procession.store.postgres.dialect import Statement
from procession.store.postgres.session import Connection, Sessions, usable

BEGIN: Final = Statement("BEGIN")
COMMIT: Final = Statement("COMMIT")
MAKE: Final = Statement("CREATE TEMPORARY TABLE t (n BIGINT PRIMARY KEY, x TEXT)")
ADD: Final = Statement("INSERT INTO t VALUES (?, ?)")
ALL: Final = Statement("SELECT n, x FROM t ORDER BY n")
FAULTY: Final[tuple[tuple[str, Statement, tuple[object, ...], str], ...]] = (
    ("in a value", ADD, (1, "twice"), "23505"),
    ("in the text of a statement", Statement("SELECT nothing FROM nowhere"), (), "42P01"),
    ("in the text of one that is not kept", Statement("SELECT nothing FROM nowhere", kept=False), (), "42P01"),
)
ECHOED: Final[tuple[tuple[str, object, object], ...]] = (
    ("bigint", -(1 << 63), -(1 << 63)),
    ("bigint", True, 1),
    ("bigint", None, None),
    ("text", "é\U0001f600", "é\U0001f600"),
    ("bytea", b"\0\xff", b"\0\xff"),
    ("bigint[]", Longs([1, None, -1]), [1, None, -1]),
    ("bigint[]", Longs([1, 2]), [1, 2]),
    ("text[]", Texts(["a", None, "\0"]), ["a", None, "\ufffd"]),
    ("bytea[]", Blobs([b"", None]), [b"", None]),
)


@pytest.fixture
def wire() -> Iterator[Connection]:
    with closing(Sessions(postgres_rig.server().database()).plain()) as found:
        found.exchange([(MAKE, ())])
        yield found


@pytest.mark.parametrize(
    ("kind", "sent", "given"), ECHOED, ids=[f"{kind}-{n}" for n, (kind, _, _) in enumerate(ECHOED)]
)
def test_values_come_back(wire: Connection, kind: str, sent: object, given: object) -> None:
    echo = Statement(f"SELECT ?::{kind}")
    for _ in range(2):  # prepared, and run again
        assert wire.exchange([(echo, (sent,))]) == [[(given,)]]


def test_each_statement_has_its_rows(wire: Connection) -> None:
    found = wire.exchange([(BEGIN, ()), (ADD, (1, "a")), (ADD, (2, None)), (ALL, ()), (COMMIT, ()), (ALL, ())])
    assert found == [[], [], [], [(1, "a"), (2, None)], [], [(1, "a"), (2, None)]]


@pytest.mark.parametrize(("statement", "args", "state"), [row[1:] for row in FAULTY], ids=[row[0] for row in FAULTY])
def test_nothing_is_stored_when_one_fails(
    wire: Connection, statement: Statement, args: tuple[object, ...], state: str
) -> None:
    never = Statement(f"SELECT {len(args)}, n FROM t")  # is to be prepared behind the one that fails
    for _ in range(2):
        with pytest.raises(psycopg.Error) as raised:
            wire.exchange([(BEGIN, ()), (ADD, (1, "once")), (statement, args), (never, ()), (COMMIT, ())])
        assert raised.value.sqlstate == state
        assert usable(wire)
        assert wire.exchange([(ALL, ()), (never, ())]) == [[], []]


def test_outside_of_a_transaction_statements_are_one(wire: Connection) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        wire.exchange([(ADD, (1, "a")), (ADD, (1, "b"))])
    assert wire.exchange([(ALL, ())]) == [[]]
    deferred = Statement("ALTER TABLE t ADD CONSTRAINT later UNIQUE (x) DEFERRABLE INITIALLY DEFERRED")
    wire.exchange([(deferred, ())])
    with pytest.raises(psycopg.errors.UniqueViolation):  # found only when the transaction ends
        wire.exchange([(ADD, (1, "a")), (ADD, (2, "a"))])
    assert wire.exchange([(ALL, ())]) == [[]]


@pytest.mark.parametrize(
    ("value", "raised"), [(1 << 63, OverflowError), ("\ud800", UnicodeEncodeError), (Longs([1 << 63]), OverflowError)]
)
def test_what_cannot_be_sent_is_refused_before_anything_is(
    wire: Connection, value: object, raised: type[Exception]
) -> None:
    with pytest.raises(raised):
        wire.exchange([(BEGIN, ()), (ADD, (1, "a")), (ADD, (value, "b")), (COMMIT, ())])
    assert wire.exchange([(ALL, ())]) == [[]]


def test_both_sides_send_much_at_once(wire: Connection) -> None:
    # More than the sockets between them hold: who only sends waits for ever for one who only sends.
    echo = Statement("SELECT ?::bytea")
    much = b"x" * 1_000_000
    found = wire.exchange([(echo, (much,)) for _ in range(32)])
    assert [rows[0][0] == much for rows in found] == [True] * 32


def test_a_server_that_goes_away_is_told(wire: Connection) -> None:
    server = postgres_rig.server()
    server.execute(f"SELECT pg_terminate_backend({wire.info.backend_pid})")
    with pytest.raises(psycopg.OperationalError):
        wire.exchange([(BEGIN, ()), (ALL, ()), (COMMIT, ())])
    assert wire.closed
    with pytest.raises(psycopg.OperationalError):
        wire.exchange([(ALL, ())])


def test_who_is_killed_in_the_middle_is_told(wire: Connection) -> None:
    server = postgres_rig.server()
    kill = Statement("SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(psycopg.OperationalError):
        wire.exchange([(BEGIN, ()), (ADD, (1, "a")), (kill, ()), (COMMIT, ())])
    assert server.execute("SELECT 1") == [(1,)]


def test_a_connection_that_was_interrupted_is_of_no_use(wire: Connection) -> None:
    # A worker of Celery that another test ran in this process takes interrupts for itself.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    asleep = Statement("SELECT pg_sleep(60)")
    waits = threading.Event()

    def interrupt() -> None:
        while not postgres_rig.server().execute(
            f"SELECT 1 FROM pg_stat_activity WHERE pid = {wire.info.backend_pid} AND wait_event = 'PgSleep'"
        ):
            waits.wait(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            wire.exchange([(asleep, ())])
    finally:
        signal.signal(signal.SIGINT, before)
    thread.join()
    assert wire.closed
