"""Documents that a scanner looks at: nobody gets one that was not found clean, whatever happens to the scanner."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

import httpx
import pytest

from clamd_rig import EICAR, FakeClamd, clamd
from procession.base.failure import BadValue
from procession.hosts.embedded.engine import Engine
from procession.services.access import Caller, Unavailable
from procession.services.shelves.folder import FolderShelf
from procession.web import documents
from procession.web.documents import FAILED_MS, SCAN_MS, Archive
from procession.web.health import Health
from procession.web.scanning import Clamd, ScanRefused
from procession.web.site import Site
from web_rig import Knows, client_of, running_site

TENANT = "<default>"


def said(headers: Mapping[str, str]) -> Caller:
    return Caller(TENANT, "user:ann", "", frozenset({"*"}))


def talk(talked: Callable[[Site, httpx.AsyncClient, FakeClamd], Awaitable[None]], folder: Path | None = None) -> None:
    """Drives a conversation with a site that has a scanner."""

    async def run() -> None:
        with Engine() as engine:
            async with clamd() as scanner, running_site(engine, Knows(said)) as site, client_of(site) as client:
                shelf = FolderShelf(folder) if folder else None
                site.archive = Archive(site.backend, scanner=Clamd(scanner.address), elsewhere=shelf)
                await talked(site, client, scanner)
                await site.archive.close()

    asyncio.run(run())


async def put(client: httpx.AsyncClient, content: bytes) -> str:
    headers = {"content-type": "text/plain"}
    answer = await client.post("/v1/documents?name=a.txt", content=content, headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.json()["scan"] == "waiting"
    return f"/v1/documents/{answer.json()['id']}"


async def scan_of(client: httpx.AsyncClient, url: str) -> str:
    return str((await client.get(url)).json()["scan"])


def test_a_document_is_handed_out_when_it_was_found_clean() -> None:
    async def talked(site: Site, client: httpx.AsyncClient, scanner: FakeClamd) -> None:
        url = await put(client, b"hello" * 100_000)
        await site.archive.scanned()
        assert await scan_of(client, url) == "clean"
        assert (await client.get(f"{url}/content")).content == b"hello" * 100_000
        # Nobody looks at it once more.
        await site.archive.sweep(TENANT)
        await site.archive.scanned()
        assert scanner.scans == 1

    talk(talked)


def test_what_is_infected_is_deleted_and_that_is_written_down(tmp_path: Path) -> None:
    async def talked(site: Site, client: httpx.AsyncClient, scanner: FakeClamd) -> None:
        url = await put(client, b"x" * 300_000 + EICAR)
        await site.archive.scanned()
        info = (await client.get(url)).json()
        assert (info["scan"], info["found"]) == ("infected", "Eicar-Test-Signature")
        for answer in (await client.get(f"{url}/content"), await client.head(f"{url}/content")):
            assert answer.status_code == 409
        assert (await client.get(f"{url}/content")).json()["code"] == "infected"
        log = (await client.get("/v1/audit", params={"limit": 50})).json()["items"]
        assert any(row["who"] == "service:documents" for row in log), log
        assert (await client.delete(url)).status_code == 204

    talk(talked, tmp_path)
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []


def test_a_document_waits_for_a_scanner_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    async def talked(site: Site, client: httpx.AsyncClient, scanner: FakeClamd) -> None:
        health = Health({}, site.archive.troubles)
        assert (await health.ready()).degraded == {}
        await scanner.stop()
        url = await put(client, b"hello")
        await site.archive.scanned()
        answer = await client.get(f"{url}/content")
        assert (answer.status_code, answer.json()["code"]) == (423, "not-scanned")
        assert answer.headers["retry-after"] == "1"
        told = await Health({}, site.archive.troubles).ready()
        assert told.ready
        assert "does not answer" in told.degraded["scanner"]
        # Too early, nobody tries; later it is still away; then it is back.
        await later(site, monkeypatch, 0)
        assert await scan_of(client, url) == "waiting"
        await later(site, monkeypatch, SCAN_MS + 1)
        assert await scan_of(client, url) == "waiting"
        await scanner.start()
        await later(site, monkeypatch, SCAN_MS + 1)
        assert await scan_of(client, url) == "clean"
        assert (await client.get(f"{url}/content")).content == b"hello"

    talk(talked)


@pytest.mark.parametrize("mood", ["hangs up", "nonsense"])
def test_an_answer_that_is_none_lets_it_wait(mood: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def talked(site: Site, client: httpx.AsyncClient, scanner: FakeClamd) -> None:
        scanner.mood = mood  # type: ignore[assignment]
        url = await put(client, b"hello")
        await site.archive.scanned()
        assert await scan_of(client, url) == "waiting"
        scanner.mood = "well"
        await later(site, monkeypatch, SCAN_MS + 1)
        assert await scan_of(client, url) == "clean"

    talk(talked)


def test_what_the_scanner_refuses_is_not_handed_out_and_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def talked(site: Site, client: httpx.AsyncClient, scanner: FakeClamd) -> None:
        scanner.limit = 1_000
        url = await put(client, b"hello" * 1_000)
        await site.archive.scanned()
        info = (await client.get(url)).json()
        assert info["scan"] == "failed"
        assert "size limit" in info["found"]
        assert (await client.get(f"{url}/content")).status_code == 423
        scanner.limit = 1 << 30
        await later(site, monkeypatch, SCAN_MS + 1)
        assert await scan_of(client, url) == "failed"
        await later(site, monkeypatch, FAILED_MS + 1)
        assert await scan_of(client, url) == "clean"

    talk(talked)


def test_one_that_is_deleted_while_it_is_scanned_is_gone() -> None:
    async def talked(site: Site, client: httpx.AsyncClient, scanner: FakeClamd) -> None:
        url = await put(client, b"hello")
        assert (await client.delete(url)).status_code == 204
        await site.archive.scanned()
        assert (await client.get(url)).status_code == 404

    talk(talked)


async def later(site: Site, monkeypatch: pytest.MonkeyPatch, ms: int) -> None:
    """Sweeps when so many milliseconds more have gone by."""
    now = documents.now_ms
    monkeypatch.setattr(documents, "now_ms", lambda: now() + ms)
    await site.archive.sweep(TENANT)
    await site.archive.scanned()


async def pieces(*content: bytes) -> AsyncIterator[bytes]:
    for each in content:
        yield each


def test_the_client_speaks_over_a_socket_file_too(tmp_path: Path) -> None:
    async def run() -> None:
        async with clamd(tmp_path / "clamd.sock") as server:
            client = Clamd(server.address)
            assert await client.trouble() == ""
            assert await client.scan(pieces(b"good", b"", b"better")) == ""
            assert await client.scan(pieces(EICAR[:30], EICAR[30:])) == "Eicar-Test-Signature"
            assert await client.scan(pieces()) == ""
            server.mood = "error"
            with pytest.raises(ScanRefused, match="memory"):
                await client.scan(pieces(b"x"))
            # A scanner that has enough hangs up while we still send; what it said counts.
            server.mood, server.limit = "well", 10
            with pytest.raises(ScanRefused, match="size limit"):
                await client.scan(pieces(*[b"x" * 262_144] * 40))
        with pytest.raises(Unavailable):
            await client.scan(pieces(b"x"))

    asyncio.run(run())


@pytest.mark.parametrize("address", ["", "host", "host:", ":3310", "host:port", "relative/path"])
def test_an_address_that_is_none_is_told(address: str) -> None:
    with pytest.raises(BadValue, match="no address"):
        Clamd(address)
