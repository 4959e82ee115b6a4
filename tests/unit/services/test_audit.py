"""The audit log: that every write is in it, that nobody changes it unseen, and that destroyed keys do not break it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import httpx
import msgspec
import pytest
from click import unstyle
from typer.testing import CliRunner

from access_rig import bearer, known_site, make_key
from host_rig import FakeClock
from procession.base.failure import BadValue
from procession.cli.app import app
from procession.hosts.embedded.backend import EngineBackend
from procession.hosts.embedded.engine import Engine
from procession.runtime import requests as q
from procession.runtime.ports import Store
from procession.services.audit import Head, Verdict, Which, chained, exported, links, shards, verify
from procession.services.backend import Who
from procession.store.sealed import SealedStore
from procession.store.sqlite import SQLiteStore
from sealing import Cipher

ROWS: Final = 12


def written(store: Store, clock: FakeClock | None = None) -> None:
    """A log of `ROWS` rows: two tenants, two people, a second between each."""
    time = clock or FakeClock()

    async def told() -> None:
        with Engine(store=store, clock=time) as engine:
            backend = EngineBackend(engine)
            try:
                for number in range(ROWS):
                    tenant, who = ("acme", "user:ada") if number % 3 else ("other", "user:eve")
                    if number < 2:
                        await backend.ask(q.AddTenant(tenant), Who(who, "192.0.2.1"))
                    else:
                        await backend.ask(q.PutRecord(tenant, "note", f"n{number}", {"SECRET": 1}), Who(who))
                    time.pass_by(1)
            finally:
                await backend.close()

    asyncio.run(told())


def stored(path: Path) -> Path:
    written(SQLiteStore(path / "e.db"))
    return path / "e.db"


def checked(path: Path, known: Head | None = None) -> Verdict:
    with closing(SQLiteStore(path)) as store:
        assert shards(store) == [0]
        return verify(0, links(store, 0), known)


def tampered(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def test_every_write_of_somebody_is_in_the_log_and_no_content_of_theirs(tmp_path: Path) -> None:
    path = stored(tmp_path)
    with closing(SQLiteStore(path)) as store:
        found = list(links(store, 0))
    assert [link.number for link in found] == list(range(1, ROWS + 1))
    assert found[0].said == {"who": "user:eve", "from": "192.0.2.1", "what": "AddTenant", "on": {}}
    assert "SECRET" not in repr(found)
    assert checked(path).broken == ""


BLAMED: Final = "CAST(replace(CAST(body AS TEXT), 'ada', 'eve') AS BLOB)"
CHANGES: Final[dict[str, tuple[str, ...]]] = {
    "what was said": (f"UPDATE procession_audit SET body = {BLAMED} WHERE number = {{n}}",),
    "when": ("UPDATE procession_audit SET at = at + 1 WHERE number = {n}",),
    "whose": ("UPDATE procession_audit SET tenant = tenant + 7 WHERE number = {n}",),
    "the hash": ("UPDATE procession_audit SET chain = zeroblob(32) WHERE number = {n}",),
    "its place": (
        "UPDATE procession_audit SET number = 1000 WHERE number = {n}",
        "UPDATE procession_audit SET number = {n} WHERE number = {n} + 1",
        "UPDATE procession_audit SET number = {n} + 1 WHERE number = 1000",
    ),
    "that it is there": ("DELETE FROM procession_audit WHERE number = {n}",),
    "that it is there, and closing the gap": (
        "DELETE FROM procession_audit WHERE number = {n}",
        "UPDATE procession_audit SET number = -number WHERE number > {n}",
        "UPDATE procession_audit SET number = -number - 1 WHERE number < 0",
    ),
    "that nothing else was": (
        "UPDATE procession_audit SET number = -number WHERE number >= {n}",
        "UPDATE procession_audit SET number = 1 - number WHERE number < 0",
        "INSERT INTO procession_audit SELECT tenant, shard, {n}, at, body, chain "
        "FROM procession_audit WHERE number = 1",
    ),
}


@pytest.mark.parametrize("number", [1, 2, 6, ROWS - 1])
@pytest.mark.parametrize("what", CHANGES)
def test_a_row_that_is_changed_is_found(tmp_path: Path, what: str, number: int) -> None:
    path = stored(tmp_path)
    tampered(path, *(statement.format(n=number) for statement in CHANGES[what]))
    found = checked(path)
    if what == "what was said" and number % 3 == 1:
        # Eve's row says nothing of Ada: nothing was changed in it.
        assert not found.broken
        return
    if what == "that nothing else was" and number == 1:
        assert found.at == 2
        return
    assert found.broken
    assert found.at == (number + 1 if what.startswith("that it is there") and "closing" not in what else number)


def test_rows_that_are_cut_off_and_a_chain_made_anew_are_found_by_a_head_that_was_kept(tmp_path: Path) -> None:
    path = stored(tmp_path)
    kept = checked(path).head
    assert kept.number == ROWS
    assert not checked(path, kept).broken
    tampered(path, f"DELETE FROM procession_audit WHERE number = {ROWS}")
    assert not checked(path).broken
    assert "gone" in checked(path, kept).broken


def test_a_chain_made_anew_is_found_by_a_head_that_was_kept(tmp_path: Path) -> None:
    path = stored(tmp_path)
    kept = checked(path).head
    tampered(path, f"UPDATE procession_audit SET body = {BLAMED}")
    with closing(sqlite3.connect(path)) as connection, connection:
        chain = b""
        rows = connection.execute("SELECT tenant, shard, number, at, body FROM procession_audit ORDER BY number")
        for *cells, body in rows.fetchall():
            chain = chained(chain, (cells[0], cells[1], cells[2], cells[3]), body)
            connection.execute("UPDATE procession_audit SET chain = ? WHERE number = ?", (chain, cells[2]))
    assert not checked(path).broken
    assert "made anew" in checked(path, kept).broken


def test_a_log_goes_on_over_a_restart(tmp_path: Path) -> None:
    clock = FakeClock()
    written(SQLiteStore(tmp_path / "e.db"), clock)
    written(SQLiteStore(tmp_path / "e.db"), clock)
    assert checked(tmp_path / "e.db") == Verdict(0, 2 * ROWS, checked(tmp_path / "e.db").head)


def test_destroying_the_keys_destroys_what_was_said_and_not_the_chain(tmp_path: Path) -> None:
    path = tmp_path / "e.db"
    written(SealedStore(SQLiteStore(path), Cipher()))
    assert b"user:ada" not in path.read_bytes()
    # Nobody has the key any more: the store is read as it is.
    found = checked(path)
    assert (found.rows, found.broken) == (ROWS, "")
    with closing(SQLiteStore(path)) as store:
        assert all(link.said is None for link in links(store, 0))
    tampered(path, "UPDATE procession_audit SET body = zeroblob(40) WHERE number = 5")
    assert checked(path).at == 5


# --- reading


def test_entries_are_found_by_whom_what_and_when(tmp_path: Path) -> None:
    clock = FakeClock()
    began = clock()
    written(SQLiteStore(tmp_path / "e.db"), clock)

    async def told() -> None:
        with Engine(tmp_path / "e.db") as engine:
            backend = EngineBackend(engine)
            try:

                async def numbers(which: Which, after: int = 0, limit: int = 100) -> tuple[list[int], int | None]:
                    page = await backend.read("acme", lambda reader: reader.audit.listed("acme", which, after, limit))
                    return [entry.number for entry in page.entries], page.next

                mine = [number for number in range(1, ROWS + 1) if number % 3 != 1]
                assert await numbers(Which()) == (mine, None)
                assert await numbers(Which(subject="user:eve")) == ([], None)
                assert await numbers(Which(what="AddTenant")) == ([2], None)
                since = began + 5_000
                assert await numbers(Which(since=since)) == ([number for number in mine if number >= 6], None)
                assert await numbers(Which(until=since)) == ([number for number in mine if number < 6], None)
                assert await numbers(Which(), 0, 3) == (mine[:3], mine[2])
                assert await numbers(Which(), mine[2], 3) == (mine[3:6], mine[5])
                assert await numbers(Which(), mine[5], 2) == (mine[6:], None)
            finally:
                await backend.close()

    asyncio.run(told())


def test_a_tenant_reads_its_log_over_rest_in_pages_and_as_lines() -> None:
    async def told() -> None:
        with Engine() as engine:
            async with known_site(engine) as (site, client):
                admin = bearer(await make_key(site.backend, "acme", ["admin"], id="0123456789ab"))
                await make_key(site.backend, "other", ["admin"])
                for number in range(5):
                    body = {"name": f"s{number}", "roles": ["worker"]}
                    await client.post("/v1/services", json=body, headers=admin)
                await site.gate.settle()  # type: ignore[attr-defined]
                all_of_it = await _walked(client, admin)
                assert [each["what"] for each in all_of_it].count("PutRecord") == 7
                lines = await client.get("/v1/audit/export", headers=admin)
                assert lines.headers["content-type"].startswith("application/x-ndjson")
                assert [json.loads(line) for line in lines.text.splitlines()] == all_of_it
                mine = await client.get("/v1/audit", params={"subject": "key:0123456789ab"}, headers=admin)
                assert [each["on"]["id"] for each in mine.json()["items"] if each["on"]["kind"] == "service"] == [
                    f"s{number}" for number in range(5)
                ]
                wrong = await client.get("/v1/audit", params={"since": "yesterday"}, headers=admin)
                assert wrong.status_code == 400

    asyncio.run(told())


async def _walked(client: httpx.AsyncClient, headers: dict[str, str]) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    after: str | None = None
    while True:
        params = {"limit": "3", **({"after": after} if after else {})}
        page = (await client.get("/v1/audit", params=params, headers=headers)).json()
        found += page["items"]
        after = page["next"]
        if after is None:
            return found


# --- the commands


def run(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ("audit", *arguments), env={"COLUMNS": "200"})
    assert done.exit_code == code, f"{arguments}: exit {done.exit_code}\n{done.stdout}\n{done.stderr}"
    return unstyle(done.stdout if code == 0 else done.stdout + done.stderr)


def test_an_export_is_followed_without_the_store(tmp_path: Path) -> None:
    path, file = stored(tmp_path), tmp_path / "log.ndjson"
    assert f"wrote {ROWS} rows" in run("export", str(file), "--db", str(path))
    assert f"✓ shard 0: {ROWS} rows hold" in run("verify", "--export", str(file))
    assert run("export", "-", "--db", str(path)) == file.read_text(encoding="utf-8")
    lines = file.read_text(encoding="utf-8").splitlines()
    del lines[4]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert "row 5 is not there" in run("verify", "--export", str(file), code=1)
    assert "exists" in run("export", str(file), "--db", str(path), code=2)


def test_what_was_said_in_an_export_belongs_to_its_hash(tmp_path: Path) -> None:
    path = stored(tmp_path)
    with closing(SQLiteStore(path)) as store:
        for link in links(store, 0):
            body = b"\x01" + msgspec.json.encode(link.said)
            assert hashlib.sha256(body).hexdigest() == link.stored


def test_a_part_of_a_log_is_followed_from_the_head_before_it(tmp_path: Path) -> None:
    path, first, rest = stored(tmp_path), tmp_path / "1.ndjson", tmp_path / "2.ndjson"
    run("export", str(first), "--db", str(path))
    run("export", str(rest), "--db", str(path), "--after", "5")
    with first.open("rb") as lines:
        fifth = list(exported(lines))[4]
    head = f"5:{fifth.chain}"
    assert "7 rows hold" in run("verify", "--export", str(rest), "--head", head, "--shard", "0")
    assert "row 1 is not there" in run("verify", "--export", str(rest), code=1)
    assert "7 rows hold" not in run("verify", "--export", str(rest), "--head", f"5:{'0' * 64}", "--shard", "0", code=1)


def test_the_command_follows_the_store_and_exits_1_when_it_does_not_hold(tmp_path: Path) -> None:
    path = stored(tmp_path)
    verdict = json.loads(run("verify", "--db", str(path), "--json"))
    assert (verdict["rows"], verdict["broken"]) == (ROWS, "")
    head = f"{verdict['head']['number']}:{verdict['head']['chain']}"
    assert "hold" in run("verify", "--db", str(path), "--head", head, "--shard", "0")
    tampered(path, "UPDATE procession_audit SET at = 1 WHERE number = 3")
    assert "row 3 is not what was written" in run("verify", "--db", str(path), code=1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("verify", "--head", "1:zz", "--shard", "0"), "no head"),
        (("verify", "--head", f"1:{'0' * 64}"), "--shard"),
    ],
)
def test_a_head_that_is_none_is_refused(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    assert said in run(*arguments, "--db", str(stored(tmp_path)), code=2)


def test_a_line_that_is_no_row_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadValue, match="line 1"):
        list(exported([b"{}"]))
