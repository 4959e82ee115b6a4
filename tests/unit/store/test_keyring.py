"""Tenants have keys of their own: nobody else's open what they stored, they rotate, and destroying them is for good."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

import drawn as d
from host_rig import FakeClock
from procession import Engine
from procession.base.failure import BadValue, ProcessionError, Unreadable
from procession.runtime import requests as q
from procession.runtime.rows import AuditRow, ExpiredRow, FactRow
from procession.runtime.tenants import EVERYBODY
from procession.services.audit import chained
from procession.store.key_rows import FolderKeys, StoreKeys
from procession.store.keyring import KeyRows, TenantKeys
from procession.store.master import MasterKeys, master_from_file, master_from_text
from procession.store.sealed import NOBODY, SealedStore, Shredded
from procession.store.sqlite import SQLiteStore
from unit.store.test_sealed_store import WORD, model

OLD: Final = b"a" * 32
NEW: Final = b"b" * 32
A: Final = "acme"
B: Final = "bolt"


def master(*, active: str = "old") -> MasterKeys:
    return MasterKeys({"old": OLD, "new": NEW}, active)


def sealed(path: Path, keys: KeyRows | None = None) -> tuple[SealedStore, TenantKeys]:
    inner = SQLiteStore(path)
    cipher = TenantKeys(keys or StoreKeys(inner), master())
    return SealedStore(inner, cipher), cipher


def number_of(store: SealedStore, tenant: str) -> int:
    return store._tenant(tenant)


def run(engine: Engine, tenant: str) -> None:
    """Something in every table, all of it with the word."""
    engine.deploy(model(), tenant=tenant)
    engine.start("p", {"who": WORD}, business_key=f"bk-{WORD}", tenant=tenant)
    engine.publish("other", f"key-{WORD}", {"x": WORD}, ttl=3600, message_id=f"id-{WORD}", tenant=tenant)
    said = q.Asked(tenant, q.PutRecord(tenant, "note", "n", {"x": WORD}), "user:ada", "here", f"once-{tenant}", b"d")
    engine.pump.call(said)


def shown(engine: Engine, tenant: str) -> dict[str, Any]:
    return {
        "by key": len(engine.instances(business_key=f"bk-{WORD}", tenant=tenant)),
        "variables": [each.variables for each in engine.instances(tenant=tenant)],
        "jobs": [(each.type, each.error) for each in engine.jobs(tenant=tenant)],
        "assigned": [each.element_id for each in engine.tasks(assignee=WORD, tenant=tenant)],
        "incidents": [each.message for each in engine.incidents(tenant=tenant)],
    }


def bytes_of(folder: Path) -> bytes:
    return b"".join(each.read_bytes() for each in folder.iterdir() if each.name.startswith("e.db"))


def holds(store: SealedStore) -> bool:
    """Whether the chain of the log goes over what is stored."""
    chain = b""
    for row in store.inner.read("audit_shard", (0, 0, 1_000), AuditRow):
        chain = chained(chain, (row.tenant, row.shard, row.number, row.at), row.body)
        if chain != row.chain:
            return False
    return chain != b""


def test_two_tenants_work_side_by_side_with_keys_of_their_own(tmp_path: Path) -> None:
    clock = FakeClock()
    store, _ = sealed(tmp_path / "e.db")
    with Engine(store=store, clock=clock) as engine:
        run(engine, A)
        run(engine, B)
        assert WORD.encode() not in bytes_of(tmp_path)
    store, cipher = sealed(tmp_path / "e.db")
    with Engine(store=store, clock=clock) as engine:
        assert shown(engine, A) == shown(engine, B)
        assert shown(engine, A)["by key"] == 1
        done: list[str] = []

        @engine.worker(f"work-{WORD}")
        def work(who: str) -> None:
            done.append(who)

        engine.run_until_idle()
        assert done == [WORD, WORD]
        expired = store.read("messages_expired", (*EVERYBODY, 1 << 60, 10), ExpiredRow)
        assert {(row.name, row.correlation) for row in expired} == {("other", f"key-{WORD}")}
        texts = {row[0] for row in rows(tmp_path / "e.db", "SELECT correlation FROM procession_message")}
        assert len(texts) == 2, "the same text of two tenants is not the same in the store"
        assert len(cipher) == 3
        assert holds(store)


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def test_a_request_of_another_process_is_sealed_for_its_tenant_or_for_the_store_where_it_makes_it(
    tmp_path: Path,
) -> None:
    store, _ = sealed(tmp_path / "e.db")
    with Engine(store=store, clock=FakeClock()) as engine:
        other, _ = sealed(tmp_path / "e.db")
        client = Engine(store=other, clock=FakeClock())
        engine.serve(threads=1)
        client.deploy(d.one_task(), tenant=A)
        client.start("p", {"who": WORD}, tenant=A)
        engine.stop()
        heads = [row[0] for row in rows(tmp_path / "e.db", "SELECT result FROM procession_inbox ORDER BY number")]
        assert [int.from_bytes(head[1:9], "big", signed=True) for head in heads] == [NOBODY, number_of(store, A)]
        client.close()
        assert len(engine.instances(tenant=A)) == 1
    assert WORD.encode() not in bytes_of(tmp_path)


def test_a_value_in_the_place_of_another_tenant_is_refused(tmp_path: Path) -> None:
    store, cipher = sealed(tmp_path / "e.db")
    for data in (cipher.seal(1, b"x"), b"\x01plain", b"", cipher.seal(2, b"x")[:-1] + b"?"):
        with pytest.raises(Unreadable):
            cipher.open(2, data)
    with pytest.raises(Unreadable):
        cipher.open_text(2, cipher.seal_text(1, "x"))
    with pytest.raises(Unreadable):
        cipher.open_text(2, "no base64!")
    assert cipher.open(5, cipher.seal(NOBODY, b"x")) == b"x"
    store.close()


@given(st.lists(st.tuples(st.integers(0, 3), st.binary(max_size=40), st.booleans()), max_size=12))
def test_what_was_sealed_under_any_generation_is_opened(steps: list[tuple[int, bytes, bool]]) -> None:
    inner = SQLiteStore(":memory:")
    cipher = TenantKeys(StoreKeys(inner), master(), kept_max=2)
    stored: list[tuple[int, bytes, bytes]] = []
    for tenant, data, rotate in steps:
        stored.append((tenant, data, cipher.seal(tenant, data)))
        if rotate:
            text = cipher.seal_text(tenant, "t")
            assert cipher.rotate(tenant) > 1
            assert cipher.seal_text(tenant, "t") == text, "texts are found by what they are sealed as"
        assert len(cipher) <= 2
    for tenant, data, blob in stored:
        assert cipher.open(tenant, blob) == data
    inner.close()


def test_a_rotated_key_is_found_by_a_process_that_did_not_rotate_it(tmp_path: Path) -> None:
    one, here = sealed(tmp_path / "e.db")
    two, there = sealed(tmp_path / "e.db")
    there.open(3, here.seal(3, b"x"))
    here.rotate(3)
    assert there.open(3, here.seal(3, b"y")) == b"y"
    one.close()
    two.close()


def test_the_master_key_rotates_by_wrapping_anew_and_the_old_one_is_needed_no_more(tmp_path: Path) -> None:
    inner = SQLiteStore(tmp_path / "e.db")
    cipher = TenantKeys(StoreKeys(inner), master())
    blob = cipher.seal(7, b"x")
    assert TenantKeys(StoreKeys(inner), master(active="new")).rewrap_all(page=1) == 2
    assert TenantKeys(StoreKeys(inner), MasterKeys({"new": NEW}, "new")).open(7, blob) == b"x"
    with pytest.raises(Unreadable, match="which is not here"):
        TenantKeys(StoreKeys(inner), MasterKeys({"old": OLD}, "old"))
    inner.close()


@pytest.mark.parametrize("apart", [False, True])
def test_destroyed_keys_leave_a_tenant_unreadable_and_the_log_intact(tmp_path: Path, apart: bool) -> None:
    keys = FolderKeys(tmp_path / "keys") if apart else None
    store, cipher = sealed(tmp_path / "e.db", keys)
    with Engine(store=store, clock=FakeClock()) as engine:
        run(engine, A)
        run(engine, B)
        engine.backup(tmp_path / "copy.db")
        key = engine.instances(tenant=A)[0].info.key
        number = number_of(store, A)
        cipher.destroy(number)
        cipher.destroy(number)
        with pytest.raises(ProcessionError, match="destroyed"):
            engine.instances(tenant=A)
        assert [row.body for row in store.read("audit_tenant", (number, 0, 0, 10), AuditRow)] == [b""]
        assert holds(store)
        assert shown(engine, B)["by key"] == 1
        assert cipher.open(number, cipher.seal(number, b"x")) == b"x", "who comes again begins anew"
        with pytest.raises(Shredded):
            store.read("facts", (number, key, 0), FactRow)
    copy, _ = sealed(tmp_path / "copy.db", keys)
    with pytest.raises(Shredded) if apart else _nothing():
        assert copy.read("facts", (number, key, 0), FactRow)
    copy.close()


def _nothing() -> Any:
    from contextlib import nullcontext

    return nullcontext()


def test_keys_in_a_folder_survive_a_restart_and_an_interrupted_end(tmp_path: Path) -> None:
    folder = FolderKeys(tmp_path / "keys")
    blob = TenantKeys(folder, master()).seal(4, b"x")
    assert TenantKeys(FolderKeys(tmp_path / "keys"), master()).open(4, blob) == b"x"
    assert folder.tenants(NOBODY - 1, 10) == [NOBODY, 4]
    path = tmp_path / "keys" / "4.keys"
    assert path.stat().st_mode & 0o077 == 0
    path.write_bytes(b"\0" * path.stat().st_size)
    with pytest.raises(Shredded):
        TenantKeys(folder, master()).open(4, blob)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('active = "a"\n[keys]\na = "c2hvcnQ="', "has 5 bytes"),
        ('active = "b"\n[keys]\na = "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="', "not among"),
        ('active = "a"\n[keys]\na = "?"', "not in Base64"),
        ("nonsense", "not a file of master keys"),
    ],
)
def test_a_file_of_master_keys_says_what_is_wrong_and_never_shows_a_key(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "master.toml"
    path.write_text(text)
    with pytest.raises(BadValue, match="chmod 600"):
        master_from_file(path)
    path.chmod(0o600)
    with pytest.raises(BadValue, match=said) as caught:
        master_from_file(path)
    assert "YWFh" not in str(caught.value)


def test_master_keys_come_from_a_file_or_a_text(tmp_path: Path) -> None:
    path = tmp_path / "master.toml"
    text = "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="
    path.write_text(f'active = "environment"\n[keys]\nenvironment = "{text}"\n')
    path.chmod(0o600)
    wrapped = master_from_file(path).wrap(1, b"key")
    assert master_from_text(text).unwrap(1, wrapped) == b"key"
    with pytest.raises(Unreadable):
        master_from_text(text).unwrap(2, wrapped)
