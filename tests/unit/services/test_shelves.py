"""What every shelf of documents promises. Each test runs on each; a new one is a row of `SHELVES`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from obstore.store import MemoryStore

import postgres_rig
import volume_rig
from procession import Engine
from procession.base.failure import BadValue, ProcessionError, StoreError, Unreadable
from procession.runtime.requests import AddTenant
from procession.services.shelves.folder import FolderShelf
from procession.services.shelves.in_store import StoreShelf
from procession.services.shelves.objects import ObjectShelf, s3_store
from procession.services.shelves.opening import shelf_at
from procession.services.shelves.sealing import SealedShelf
from procession.services.shelves.shelf import Shelf, Whose, folder_of
from procession.services.tenancy.deleting import delete_tenant
from procession.services.tenancy.keys import sealed_by
from procession.store.keyring import TenantKeys
from procession.store.master import MasterKeys
from procession.store.sealed import SealedStore, Shredded
from procession.store.sqlite import SQLiteStore
from s3_rig import BUCKET, S3Server
from sealing import Cipher
from tenancy_rig import ADA, backend_of, bytes_in

CANARY: Final = b"CANARY-4711" * 50
PARTS: Final = "doc_0123456789abcdef0123456789abcdef.0123456789abcdef"
OTHER: Final = "doc_fedcba9876543210fedcba9876543210.0123456789abcdef"


@asynccontextmanager
async def in_store(folder: Path) -> AsyncIterator[Shelf]:
    """On the store of a server: SQLite, sealed."""
    with Engine(store=SealedStore(SQLiteStore(folder / "e.db"), Cipher())) as engine:
        async with backend_of(engine) as backend:
            for tenant in ("acme", "bolt"):
                await backend.ask(AddTenant(tenant), ADA)
            yield StoreShelf(backend)


@asynccontextmanager
async def in_postgresql(_: Path) -> AsyncIterator[Shelf]:
    postgres_rig.require()
    with Engine(store=SealedStore(postgres_rig.store(), Cipher())) as engine:
        async with backend_of(engine) as backend:
            for tenant in ("acme", "bolt"):
                await backend.ask(AddTenant(tenant), ADA)
            yield StoreShelf(backend)


async def seals(_: str) -> Cipher:
    return Cipher()


@asynccontextmanager
async def in_folder(folder: Path) -> AsyncIterator[Shelf]:
    (folder / "documents").mkdir()
    yield shelf_at(f"file://{folder}/documents", seals)


@asynccontextmanager
async def in_s3(folder: Path) -> AsyncIterator[Shelf]:
    with S3Server(folder) as server:
        yield shelf_at(server.url, seals)


SHELVES: Final[dict[str, Callable[[Path], Any]]] = {
    "store": in_store,
    "postgresql": in_postgresql,
    "folder": in_folder,
    "s3": in_s3,
}


@pytest.fixture(params=list(SHELVES))
def on(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[Shelf], Awaitable[None]]], None]:
    """Drives a test on a shelf."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    def run(test: Callable[[Shelf], Awaitable[None]]) -> None:
        async def driven() -> None:
            async with SHELVES[request.param](tmp_path) as shelf:
                await test(shelf)

        asyncio.run(driven())

    return run


async def whose(shelf: Shelf, tenant: str) -> Whose:
    """Numbers as the store has them; elsewhere any."""
    if isinstance(shelf, StoreShelf):
        return Whose(tenant, await shelf._backend.read(tenant, lambda reader: reader.views.tenant_number(tenant)))
    return Whose(tenant, {"acme": 1, "bolt": 2}[tenant])


def test_a_part_is_what_was_put_last(on: Any, tmp_path: Path) -> None:
    async def test(shelf: Shelf) -> None:
        acme = await whose(shelf, "acme")
        await shelf.put(acme, PARTS, 0, CANARY[:10])
        await shelf.put(acme, PARTS, 0, CANARY)
        await shelf.put(acme, PARTS, 1, b"")
        assert await shelf.get(acme, PARTS, 0) == CANARY
        assert await shelf.get(acme, PARTS, 1) == b""
        with pytest.raises(Unreadable):
            await shelf.get(acme, PARTS, 2)
        assert await shelf.trouble() == ""

    on(test)
    assert CANARY[:11] not in bytes_in(tmp_path), "it was not sealed"


def test_dropping_takes_the_parts_of_one_name(on: Any) -> None:
    async def test(shelf: Shelf) -> None:
        acme = await whose(shelf, "acme")
        for parts in (PARTS, OTHER):
            for number in range(3):
                await shelf.put(acme, parts, number, CANARY)
        for _ in range(2):
            await shelf.drop(acme, PARTS)
        for number in range(3):
            with pytest.raises(Unreadable):
                await shelf.get(acme, PARTS, number)
            assert await shelf.get(acme, OTHER, number) == CANARY

    on(test)


def test_tenants_have_places_of_their_own(on: Any) -> None:
    async def test(shelf: Shelf) -> None:
        acme, bolt = await whose(shelf, "acme"), await whose(shelf, "bolt")
        await shelf.put(acme, PARTS, 0, CANARY)
        with pytest.raises(Unreadable):
            await shelf.get(bolt, PARTS, 0)
        await shelf.put(bolt, PARTS, 0, b"bolt")
        await shelf.drop(bolt, PARTS)
        assert await shelf.get(acme, PARTS, 0) == CANARY
        for _ in range(2):
            await shelf.drop_tenant(bolt)
        assert await shelf.get(acme, PARTS, 0) == CANARY

    on(test)


@pytest.mark.parametrize("name", ["../../x", "doc_0/../../x.0", "", "doc_0.0/..", "doc_\n.0", "DOC_0.0"])
def test_a_name_is_no_path(name: str, tmp_path: Path) -> None:
    async def test() -> None:
        for shelf in (FolderShelf(tmp_path), ObjectShelf(MemoryStore())):
            with pytest.raises(BadValue):
                await shelf.put(Whose("acme", 1), name, 0, b"x")
            with pytest.raises(BadValue):
                await shelf.drop(Whose("acme", 1), name)

    asyncio.run(test())
    assert list(tmp_path.iterdir()) == []


def test_folders_of_tenants_are_never_the_same() -> None:
    names = ["acme", "ACME", "a/../c", "a\\c", "ä", "a-c", "a c", "x" * 200, "x" * 199, ".", "..", ""]
    folders = [folder_of(name) for name in names]
    assert len(set(folders)) == len(names)
    assert all(set(each) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") and len(each) < 70 for each in folders)


def test_a_tenant_that_is_deleted_leaves_nothing_and_its_copies_cannot_be_read(tmp_path: Path) -> None:
    async def test() -> None:
        (tmp_path / "documents").mkdir()
        store, keys = sealed_by(SQLiteStore(tmp_path / "e.db"), MasterKeys({"a": b"m" * 32}, "a"))

        async def keys_of(_: str) -> TenantKeys:
            return keys

        inner = FolderShelf(tmp_path / "documents")
        shelf = SealedShelf(inner, keys_of)
        with Engine(store=store) as engine:
            async with backend_of(engine) as backend:
                acme = Whose("acme", int(str(await backend.ask(AddTenant("acme"), ADA))))
                await shelf.put(acme, PARTS, 0, CANARY)
                copy = await inner.get(acme, PARTS, 0)
                assert await shelf.get(acme, PARTS, 0) == CANARY
                assert (await delete_tenant(backend, "acme", ADA, keys, shelf)).shredded
                assert list((tmp_path / "documents").iterdir()) == []
                await inner.put(acme, PARTS, 0, copy)
                with pytest.raises(Shredded):
                    await shelf.get(acme, PARTS, 0)

    asyncio.run(test())


def test_a_part_in_the_place_of_another_is_not_believed(tmp_path: Path) -> None:
    async def test() -> None:
        inner = FolderShelf(tmp_path)
        for shelf in (SealedShelf(inner, seals), SealedShelf(inner, none)):
            acme = Whose("acme", 1)
            await shelf.put(acme, PARTS, 0, b"one")
            await inner.put(acme, OTHER, 0, await inner.get(acme, PARTS, 0))
            with pytest.raises(Unreadable, match="not what was put"):
                await shelf.get(acme, OTHER, 0)

    asyncio.run(test())


async def none(_: str) -> None:
    """The store is not sealed."""


def test_a_full_disk_is_told_and_leaves_no_half(tmp_path: Path) -> None:
    if not volume_rig.mounts():
        pytest.skip("nothing may be mounted here")
    volume = volume_rig.volume(4)
    try:

        async def test() -> None:
            shelf, acme = FolderShelf(volume.folder), Whose("acme", 1)
            await shelf.put(acme, PARTS, 0, CANARY)
            volume.fill()
            with pytest.raises(StoreError, match="No space left"):
                await shelf.put(acme, PARTS, 1, CANARY * 100)
            assert await shelf.get(acme, PARTS, 0) == CANARY
            with pytest.raises(Unreadable):
                await shelf.get(acme, PARTS, 1)
            volume.free()
            await shelf.put(acme, PARTS, 1, CANARY)
            assert await shelf.get(acme, PARTS, 1) == CANARY

        asyncio.run(test())
    finally:
        volume.remove()


def test_a_folder_that_is_gone_is_told_and_not_made(tmp_path: Path) -> None:
    async def test() -> None:
        shelf = FolderShelf(tmp_path / "unmounted")
        with pytest.raises(StoreError):
            await shelf.put(Whose("acme", 1), PARTS, 0, b"x")
        assert "cannot be written" in await shelf.trouble()

    asyncio.run(test())
    assert not (tmp_path / "unmounted").exists()


def test_an_object_store_that_is_down_is_told_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")

    async def test(server: S3Server) -> None:
        options = {"endpoint": f"http://127.0.0.1:{server.port}", "region": "us-east-1"}
        shelf, acme = ObjectShelf(s3_store(BUCKET, "p", options, 4.0)), Whose("acme", 1)
        await shelf.put(acme, PARTS, 0, CANARY)
        server.stop()
        with pytest.raises(StoreError):
            await shelf.put(acme, PARTS, 1, CANARY)
        assert "does not answer" in await shelf.trouble()
        server.start()
        assert await shelf.get(acme, PARTS, 0) == CANARY
        assert await shelf.trouble() == ""

    with S3Server(tmp_path) as server:
        asyncio.run(test(server))


@pytest.mark.parametrize(
    "url", ["", "ftp://x/y", "file://host/x", "file:///", "s3://", "s3://user:secret@bucket", "s3://b/p?what=1"]
)
def test_an_address_that_is_none_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ProcessionError) as caught:
        shelf_at(url, seals)
    assert "secret" not in str(caught.value)
