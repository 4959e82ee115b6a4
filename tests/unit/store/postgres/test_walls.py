"""The second wall: what the database itself refuses, whatever statement an engine or a server might send by mistake.

The attacks are raw SQL in sessions as the store opens them. Who may run any SQL as the user of the URL can become
either role (docs/design/0014); with a user of its own, what serves reads cannot.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any, Final

import msgspec
import psycopg
import pytest

import postgres_rig
from procession.runtime import codec
from procession.runtime.ports import TABLES, Batch, Fence
from procession.runtime.rows import FactRow, IncidentRow, InstanceRow, JobRow, NamedRow, RecordRow
from procession.runtime.rows_of_server import FoundInstanceRow, FoundTaskRow
from procession.runtime.search import Search
from procession.store.postgres.session import Connection, Sessions
from procession.store.postgres.store import PostgresStore

FAR: Final = 1 << 60
OURS: Final = 1
THEIRS: Final = 2
AWAY: Final = (1 << 32) + 1
"""A tenant of shard 1."""
FREE: Final = ("document", "document_part", "follower", "delivery", "journey_count", "tenant_key")
"""Tables that no shard has to own."""
DENIED: Final = psycopg.errors.InsufficientPrivilege


@pytest.fixture(scope="module")
def url() -> str:
    """A database with tenants of two shards, each with one of everything that matters here."""
    server = postgres_rig.server()
    url = server.database()
    server.execute("INSERT INTO procession_shard VALUES (1, '', 0, 0, 0, 0)", database=url.rpartition("/")[2])
    with closing(PostgresStore(url)) as store:
        for shard, tenants in ((0, {OURS: "ours", THEIRS: "theirs"}), (1, {AWAY: "away"})):
            assert store.take(shard, "me", 0, FAR)
            batch = Batch()
            for number, name in tenants.items():
                key = 100 + number
                batch["tenant"].insert(number, (number, name))
                batch.first.append((number, key, 1, 10, codec.encode_json([])))
                batch["instance"].insert(key, (number, key, 7, 0, 100, None, "bk", 0, key, 0, "", 0))
                batch["job"].insert(key, (number, key, key, 2, 3, "t", 3, 0, 0, 0, -1, "idem", 0, "", ""))
                batch["record"].insert(key, (number, "key", "k", 1, 5, b"{}"))
                none = (1 << 63) - 1
                batch["task"].insert(key, (number, key, key, 3, "t", 5, "", b"{}", "p", 50, none, none, 0))
                batch["incident"].insert(key, (number, key, key, 2, "t", "code", "text", 0, 5))
                batch["task_candidate"].insert(key, (number, 1, "g", key))
                batch["audit"].insert(key, (number, shard, number, 5, b"{}", b"chain"))
            store.commit(Fence(shard, 1, 0, FAR), batch)
            for number in tenants:
                store.write("document_begin", [(number, "d", 1, 0)])
                store.write("document_part", [(number, "d", 1, b"part")])
                store.write("follower_begin", [(number, "f", 1)])
                store.write("delivery_insert", [(number, "w", "d", "t", 1, 1, 1, b"{}")])
                store.write("journey_count_add", [(number, "p", 1, 1, "", "", "", "", "started", "", 1, 0)])
            store.post([(name, shard, "c:1", 1, 5, b"body") for name in tenants.values()])
    return url


@pytest.fixture
def engine(url: str) -> Iterator[Connection]:
    """A session that writes shard 0."""
    sessions = Sessions(url)
    sessions.roles = True
    with closing(sessions.engine("{0}")) as connection:
        yield connection


@pytest.fixture
def api(url: str) -> Iterator[Connection]:
    """A session in the transaction of a read for the tenant "ours"."""
    with closing(Sessions(url).plain()) as connection:
        connection.execute(b"BEGIN")
        connection.execute(b"SELECT set_config('role', 'procession_api', true)")
        connection.execute(b"SELECT set_config('procession.tenant', 'ours', true)")
        yield connection


def values(connection: Connection, sql: str) -> list[Any]:
    return sorted(row[0] for row in connection.execute(sql.encode()).fetchall())


def test_a_tenant_sees_its_own_rows_and_no_others(url: str) -> None:
    with closing(PostgresStore(url)) as store:
        seen = store.seen_by("ours")
        assert [row.key for row in seen.read("instances", (OURS, 0, 9), InstanceRow)] == [101]
        assert seen.read("instances", (THEIRS, 0, 9), InstanceRow) == []
        assert seen.read("facts", (AWAY, 100 + AWAY, 0), FactRow) == []
        assert seen.read("jobs", (THEIRS, 0, 9), JobRow) == []
        assert [row.name for row in seen.read("tenants", (0, FAR), NamedRow)] == ["ours"]
        assert store.seen_by("nobody").read("tenants", (0, FAR), NamedRow) == []
        assert store.seen_by("nobody").read("instances", (OURS, 0, 9), InstanceRow) == []
        # Afterwards the connection is the engine's again.
        assert len(store.read("tenants", (0, FAR), NamedRow)) == 4


@pytest.mark.parametrize(("tenant", "seen"), [("ours", [100 + OURS]), ("theirs", []), ("away", []), ("nobody", [])])
def test_a_search_finds_what_the_tenant_sees_whatever_number_it_asks_for(
    url: str, tenant: str, seen: list[int]
) -> None:
    members = ("task_candidate_groups", (OURS, "g"))
    with closing(PostgresStore(url)) as store:
        reads = store.seen_by(tenant)
        instances = Search(kind="instances", source="instances_state", tenant=OURS, order="started", limit=9)
        assert [row.key for row in reads.search(instances, FoundInstanceRow)] == seen
        tasks = Search(kind="tasks", source="tasks", tenant=OURS, order="created", limit=9)
        assert [row.key for row in reads.search(tasks, FoundTaskRow)] == seen
        either = msgspec.structs.replace(tasks, branches=((members,), (("task_unassigned", ()), members)))
        assert {row.key for row in reads.search(either, FoundTaskRow)} == set(seen)
        incidents = Search(kind="incidents", source="incidents", tenant=OURS, order="key", limit=9)
        assert [row.key for row in reads.search(incidents, IncidentRow)] == seen


@pytest.mark.parametrize(
    "table", [t for t in (*TABLES, *FREE, "fact") if t not in {"meta", "inbox", "source", "tenant"}]
)
def test_the_api_reads_no_table_beyond_its_tenant(api: Connection, table: str) -> None:
    assert set(values(api, f"SELECT tenant FROM procession_{table}")) <= {OURS}


@pytest.mark.parametrize("table", ["inbox", "source"])
def test_the_api_sees_its_own_requests(api: Connection, table: str) -> None:
    assert set(values(api, f"SELECT tenant FROM procession_{table}")) <= {"ours"}


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE procession_instance SET state = 1",
        "DELETE FROM procession_job",
        "INSERT INTO procession_record VALUES (1, 'key', 'mine', 1, 1, '')",
        "UPDATE procession_shard SET epoch = 99",
        "SELECT * FROM procession_shard",
        "SELECT * FROM procession_meta",
        "SELECT * FROM procession_fact_other",
        "TRUNCATE procession_instance",
        "DROP TABLE procession_instance",
        "ALTER TABLE procession_instance NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE procession_instance DISABLE ROW LEVEL SECURITY",
        "DROP POLICY api_sees ON procession_instance",
        "CREATE POLICY mine ON procession_instance TO procession_api USING (true)",
        "ALTER ROLE procession_api BYPASSRLS",
        "SELECT procession_make_partitions(0, 1)",
        "SELECT procession_drop_partitions(99)",
        "SELECT procession_fence(1, 1, 0, 1, 1)",
        "UPDATE procession_inbox SET state = 0",
        "INSERT INTO procession_inbox (tenant, shard, source, source_number, at, state, body) "
        "VALUES ('theirs', 0, 'x', 1, 1, 0, '')",
        "INSERT INTO procession_inbox (tenant, shard, source, source_number, at, state, body, result) "
        "VALUES ('ours', 0, 'x', 1, 1, 1, '', '')",
        "SET ROLE postgres",
    ],
)
def test_the_api_may_not(api: Connection, attack: str) -> None:
    with pytest.raises((DENIED, psycopg.errors.InvalidParameterValue)):
        api.execute(attack.encode())


def test_the_api_may_ask_for_something_for_its_own_tenant(api: Connection) -> None:
    api.execute(
        b"INSERT INTO procession_inbox (tenant, shard, source, source_number, at, state, body) "
        b"VALUES ('ours', 0, 'x', 1, 1, 0, '')"
    )
    assert values(api, "SELECT source FROM procession_inbox") == ["c:1", "x"]


def test_row_security_cannot_be_switched_off_to_see_more(api: Connection) -> None:
    api.execute(b"SELECT set_config('row_security', 'off', true)")
    with pytest.raises(DENIED):
        api.execute(b"SELECT * FROM procession_instance")


def test_an_engine_sees_only_the_tenants_of_its_shards(engine: Connection) -> None:
    assert values(engine, "SELECT tenant FROM procession_instance") == [OURS, THEIRS]
    assert values(engine, "SELECT tenant FROM procession_fact") == [OURS, THEIRS]
    assert values(engine, "SELECT tenant FROM procession_inbox") == ["ours", "theirs"]


@pytest.mark.parametrize(
    "attack",
    [
        f"INSERT INTO procession_record VALUES ({AWAY}, 'key', 'mine', 1, 1, '')",
        f"INSERT INTO procession_fact VALUES ({AWAY}, 5, 1, 1, '', 0)",
        f"INSERT INTO procession_tenant VALUES ({AWAY + 1}, 'mine')",
        f"UPDATE procession_instance SET tenant = {AWAY}",
        "UPDATE procession_fact SET data = ''",
        "UPDATE procession_audit SET body = ''",
        "DELETE FROM procession_audit",
        "TRUNCATE procession_fact",
        "DROP TABLE procession_instance",
        "ALTER TABLE procession_instance NO FORCE ROW LEVEL SECURITY",
        "DELETE FROM procession_fact_other",
        "ALTER FUNCTION procession_shards() RENAME TO x",
        "INSERT INTO procession_inbox (tenant, shard, source, source_number, at, state, body) "
        "VALUES ('away', 1, 'x', 1, 1, 1, '')",
    ],
)
def test_an_engine_may_not(engine: Connection, attack: str) -> None:
    with pytest.raises(DENIED):
        engine.execute(attack.encode())


@pytest.mark.parametrize(
    "attack",
    [
        f"UPDATE procession_instance SET state = 2 WHERE tenant = {AWAY}",
        f"DELETE FROM procession_job WHERE tenant = {AWAY}",
        f"DELETE FROM procession_fact WHERE tenant = {AWAY}",
        "DELETE FROM procession_inbox WHERE shard = 1",
        "UPDATE procession_inbox SET state = 1 WHERE shard = 1",
        f"UPDATE procession_tenant SET name = 'x' WHERE number = {AWAY}",
    ],
)
def test_what_an_engine_does_to_other_shards_meets_no_row(engine: Connection, attack: str) -> None:
    assert engine.execute(attack.encode()).rowcount == 0


def test_a_session_that_sees_all_shards_writes_in_none(url: str) -> None:
    sessions = Sessions(url)
    sessions.roles = True
    with closing(sessions.engine("*")) as desk:
        assert values(desk, "SELECT tenant FROM procession_instance") == [OURS, THEIRS, AWAY]
        assert desk.execute(b"UPDATE procession_instance SET state = 1").rowcount == 0
        assert desk.execute(b"DELETE FROM procession_job").rowcount == 0
        with pytest.raises(DENIED):
            desk.execute(b"INSERT INTO procession_record VALUES (1, 'key', 'mine', 1, 1, '')")
        # It marks when a document was used.
        assert desk.execute(b"UPDATE procession_record SET at = 9 WHERE tenant = 1 AND at < 9").rowcount == 1
    with closing(sessions.reader()) as reader, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        reader.execute(b"UPDATE procession_record SET at = 10")


def test_neither_role_owns_anything(url: str) -> None:
    owned = (
        "SELECT relname FROM pg_class WHERE relowner IN "
        "(SELECT oid FROM pg_roles WHERE rolname IN ('procession_engine', 'procession_api'))"
    )
    assert postgres_rig.server().execute(owned, database=url.rpartition("/")[2]) == []


def test_every_table_is_under_forced_row_security_or_named_here(url: str) -> None:
    free = (
        "SELECT relname FROM pg_class WHERE relname LIKE 'procession\\_%' AND relkind IN ('r', 'p') "
        "AND NOT relispartition AND NOT (relrowsecurity AND relforcerowsecurity) ORDER BY 1"
    )
    found = postgres_rig.server().execute(free, database=url.rpartition("/")[2])
    assert [name for (name,) in found] == ["procession_meta", "procession_process", "procession_shard"]


def test_a_user_of_its_own_for_reads_cannot_become_anybody_else(url: str) -> None:
    server = postgres_rig.server()
    if not server.execute("SELECT 1 FROM pg_roles WHERE rolname = 'reads'"):
        server.execute("CREATE ROLE reads LOGIN", "GRANT procession_api TO reads")
    name = url.rpartition("/")[2]
    api_url = server.url(name, "reads")
    with closing(PostgresStore(url, api_url=api_url)) as store:
        assert [row.key for row in store.seen_by("ours").read("instances", (OURS, 0, 9), InstanceRow)] == [101]
        assert store.seen_by("ours").read("records", (THEIRS, "key", "", 9), RecordRow) == []
        assert [row.name for row in store.seen_by("theirs").read("tenants", (0, FAR), NamedRow)] == ["theirs"]
    with closing(Sessions(api_url).api()) as session:
        for role in ("procession_engine", "app", "postgres"):
            with pytest.raises(DENIED):
                session.execute(f"SET ROLE {role}".encode())
        # Without a tenant there is nothing to see.
        assert values(session, "SELECT tenant FROM procession_instance") == []


def test_a_user_who_may_make_no_roles_still_has_a_store(caplog: pytest.LogCaptureFixture) -> None:
    server = postgres_rig.Server()
    try:
        server.execute(
            "DROP DATABASE template_app",
            "DROP OWNED BY procession_engine, procession_api",
            "DROP ROLE procession_engine, procession_api",
            "ALTER ROLE app NOCREATEROLE",
            "CREATE DATABASE plain OWNER app",
        )
        with closing(PostgresStore(server.url("plain"))) as store:
            assert store.seen_by("x") is store
            assert store.take(0, "me", 0, FAR)
            store.commit(Fence(0, 1, 0, FAR), Batch())
        assert "cannot be made by this user" in caplog.text
    finally:
        server.remove()
