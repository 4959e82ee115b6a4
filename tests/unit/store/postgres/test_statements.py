"""Every named statement, on a migrated PostgreSQL: the server takes it, and lets those run it who have to."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from contextlib import closing
from typing import Final

import psycopg
import pytest
from psycopg.pq import ExecStatus

import postgres_rig
from procession.runtime.ports import TABLES
from procession.runtime.search import Condition, Search
from procession.store.postgres.arrays import Blobs, Longs, Texts
from procession.store.postgres.dialect import Statement, fragments, load
from procession.store.postgres.session import Connection, Sessions
from procession.store.search import statements_of
from procession.store.statements import statements

FILES: Final = ("reads.sql", "writes.sql", "shard.sql", "free.sql")
ONE: Final[dict[int, object]] = {
    20: 1,
    25: "1",
    17: b"1",
    1016: Longs([1]),
    1009: Texts(["1"]),
    1001: Blobs([b"1"]),
    3802: "[]",
}
"""Type of a parameter -> a value of the kind that the store sends for it."""
TYPED: Final[dict[str, tuple[int, ...]]] = {"inbox_tenants": (20,)}
"""Statements whose parameters the server can tell by their values only, as the store sends them with."""
NOT_FOR_TENANTS: Final = {
    "flags": "of the store",
    "blocks": "of the store",
    "unclaimed": "of the store",
    "instances_elsewhere": "of the store",
    "processes": "of the store",
    "shard_read": "of the store",
    "shards": "of the store",
    "shard_leased": "of the store",
}
"""Questions that the role of callers may not ask."""


COMPARED: Final = re.compile(r"(\w+) (?:=|<>|<=|>=|<|>|IN|NOT IN) (\(\?\*\)|\?)")
"""A column and its placeholder."""


@pytest.fixture(scope="module")
def url() -> str:
    return postgres_rig.server().database()


@pytest.fixture
def session(url: str) -> Iterator[Connection]:
    with closing(Sessions(url).plain()) as connection:
        connection.execute(b"BEGIN")
        yield connection


def types_of(connection: Connection, name: str, sql: bytes) -> list[int]:
    """The types of a statement's parameters, as the server understands it."""
    server = connection.pgconn
    prepared = server.prepare(name.encode(), sql, TYPED.get(name))
    assert prepared.status == ExecStatus.COMMAND_OK, (name, prepared.error_message.decode())
    described = server.describe_prepared(name.encode())
    return [described.param_type(number) for number in range(described.nparams)]


def tried(connection: Connection, name: str, statement: Statement) -> Exception | None:
    """What the server says to one execution, of which nothing stays."""
    args = [ONE[each] for each in types_of(connection, name, statement.sql)]
    connection.execute(b"SAVEPOINT before")
    try:
        connection.cursor(binary=True).execute(statement.sql, args)
    except psycopg.Error as error:
        return error
    finally:
        connection.execute(b"ROLLBACK TO before")
    return None


def become(connection: Connection, role: str, setting: str, value: str) -> None:
    connection.execute(
        b"SELECT set_config('role', $1, true), set_config($2, $3, true)", (f"procession_{role}", setting, value)
    )


@pytest.mark.parametrize("file", FILES)
def test_the_server_takes_every_statement_with_what_the_store_sends(session: Connection, file: str) -> None:
    for name, statement in load(file).items():
        types = types_of(session, name, statement.sql)
        assert set(types) <= set(ONE), (name, types)
        arrays = {Longs: 1016, Texts: 1009, Blobs: 1001}
        sent = [arrays[column] for column in statement.columns]
        assert not sent or types[: len(sent)] == sent, (name, types)


@pytest.mark.parametrize("file", FILES)
def test_both_databases_are_asked_with_the_same_values(session: Connection, file: str) -> None:
    neutral = statements(file)
    more = {"fact_append": 1}  # how many rows there have to be
    for name, statement in load(file).items():
        if name in neutral:
            count = len(types_of(session, name, statement.sql))
            assert count == neutral[name].count("?") + more.get(name, 0), name


def test_every_table_of_a_commit_has_an_insert_and_writes_all_of_its_rows_at_once_if_there_can_be_many() -> None:
    writes = load("writes.sql")
    one_by_one = {table for table in TABLES if not writes[f"{table}_insert"].columns}
    assert one_by_one == {"tenant", "batch", "weight", "flag"}


def test_the_server_takes_every_search(session: Connection) -> None:
    parts = fragments("search.sql")
    kinds = {"tasks": "task", "instances": "instance", "incidents": "incident"}
    orders = {
        "tasks": ("created", "priority", "due", "follow_up", "key"),
        "instances": ("started", "ended", "key"),
        "incidents": ("key",),
    }
    tried: set[str] = set()
    for kind, prefix in kinds.items():
        sources = [name for name in parts if name.startswith(f"from_{kind}")]
        conditions = [condition(name, parts[name]) for name in parts if name.startswith(f"{prefix}_")]
        afters: tuple[tuple[int, int] | tuple[()], ...] = ((), (5, 7))
        for source, order, after, descending in itertools.product(sources, orders[kind], afters, (False, True)):
            # What names the source `d` can be asked of those alone that have one.
            driven = "AS d" in parts[source] or " d " in parts[source]
            where = tuple(each for each in conditions if driven or each[0] != "instance_driven")
            for branches in (((),), tuple((each,) for each in where)):
                question = Search(
                    kind=kind,
                    source=source.removeprefix("from_"),
                    tenant=1,
                    where=where,
                    branches=branches,
                    order=order,
                    descending=descending,
                    after=after,
                    limit=3,
                )
                for sql, values in statements_of(question, parts):
                    session.cursor(binary=True).execute(Statement(sql).sql, values)
            tried |= {source, f"order_{order}", kind, *(name for name, _ in where)}
    assert tried == set(parts)


def condition(name: str, text: str) -> Condition:
    values: list[int | str] = []
    for column, what in COMPARED.findall(text):
        value = "x" if column in {"name", "assignee", "element_id", "process_id", "business_key", "code"} else 1
        values += [value] * (2 if what == "(?*)" else 1)
    return name, tuple(values)


def test_the_engine_of_a_shard_may_run_every_statement_of_a_commit_for_its_tenants(session: Connection) -> None:
    become(session, "engine", "procession.shards", "{0,1}")
    for name, statement in load("writes.sql").items():
        error = tried(session, name, statement)
        assert error is None or "not where its owner left it" in str(error), (name, error)


def test_a_process_may_run_every_statement_that_needs_no_shard_for_tenants_of_any(session: Connection) -> None:
    become(session, "engine", "procession.shards", "*")
    for name, statement in load("free.sql").items():
        assert tried(session, name, statement) is None, name
    # Each of them meets rows that are there, whoever's they are.
    session.execute(b"SELECT set_config('procession.shards', '{0}', true)")
    for table, row in (
        ("follower", "1, 'f', 'me', 9, 1"),
        ("delivery", "1, 'w', 'd', 't', 1, 1, 0, 0, 1, 0, '', ''"),
        ("journey_count", "1, 'p', 1, 1, '', '', '', '', 'left', '', 1, 5"),
        ("document", "1, 'd', 1"),
        ("document_part", "1, 'd', 1, ''"),
        ("record", "1, 'k', 'r', 1, 1, ''"),
    ):
        session.execute(f"INSERT INTO procession_{table} VALUES ({row})".encode())
    session.execute(b"SELECT set_config('procession.shards', '*', true)")
    free = load("free.sql")
    for name, args in (
        ("record_seen", (5, 1, "k", "r", 5)),
        ("follower_take", (1, "f", "me", 20, 0, 5)),
        ("follower_moved", (2, 1, "f", "me")),
        ("follower_leave", (1, "f", "me")),
        ("delivery_again", (1, "w", "d", "t", 1, 1, 1, b"")),
        ("delivery_tried", (0, 1, 2, 500, "x", 1, "w", "d")),
        ("deliveries_give_up", ("x", 1, "w")),
        ("delivery_retry", (9, 1, "w", "d")),
        ("deliveries_drop", (1, "w")),
        ("journey_count_add", (1, "p", 1, 1, "", "", "", "", "left", "", 2, 7)),
        ("journey_counts_sweep", (1, 2)),
        ("document_due", (9, 1, "d")),
        ("document_parts_drop", (1, "d")),
        ("document_drop", (1, "d")),
    ):
        assert session.execute(free[name].sql, args).rowcount == 1, name


def test_sessions_that_only_read_may_ask_every_question(session: Connection) -> None:
    become(session, "engine", "procession.shards", "*")
    for name, statement in load("reads.sql").items():
        assert tried(session, name, statement) is None, name


def test_for_a_caller_every_question_may_be_asked_that_is_not_named_here(session: Connection) -> None:
    become(session, "api", "procession.tenant", "<default>")
    denied = {name for name, statement in load("reads.sql").items() if tried(session, name, statement) is not None}
    assert denied == set(NOT_FOR_TENANTS) & set(load("reads.sql"))


WITHOUT_A_WALL: Final = {
    "procession_meta": "the version of the schema and the flags of the store; nothing of a tenant",
    "procession_shard": "the fences: every commit names its shard and epoch; nothing of a tenant",
    "procession_process": "who works on the store; nothing of a tenant",
}
NOT_SEEN_BY_TENANTS: Final = {"procession_tenant_key": "wrapped keys: engines alone open what is sealed"}


def test_every_table_has_policies_for_both_roles_or_is_named_here(url: str) -> None:
    found = postgres_rig.server().execute(
        "SELECT c.relname, coalesce(array_agg(r.rolname::text || ':' || p.polcmd::text) "
        "FILTER (WHERE p.oid IS NOT NULL), '{}') "
        "FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid LEFT JOIN pg_roles r ON r.oid = ANY (p.polroles) "
        "WHERE c.relname LIKE 'procession\\_%' AND c.relkind IN ('r', 'p') AND NOT c.relispartition GROUP BY 1",
        database=url.rpartition("/")[2],
    )
    for table, policies in found:
        if table in WITHOUT_A_WALL:
            assert policies == [], table
            continue
        engine = {each.partition(":")[2] for each in policies if each.startswith("procession_engine")}
        assert engine >= {"*"} or engine >= {"r", "a", "w", "d"}, table
        api = {each.partition(":")[2] for each in policies if each.startswith("procession_api")}
        assert api == (set() if table in NOT_SEEN_BY_TENANTS else {"r", "a"} if table == "procession_inbox" else {"r"})
