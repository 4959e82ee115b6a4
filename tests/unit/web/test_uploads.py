"""Documents that come piece by piece: what was cut goes on where it was cut, and nothing is believed unseen."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from procession.base.failure import QuotaExceeded
from procession.hosts.embedded.engine import Engine
from procession.runtime.rows import HELD
from procession.runtime.rows_of_server import DocumentRow
from procession.services.access import Caller
from procession.services.backend import Who
from procession.services.documents import PART_BYTES
from procession.services.shelves.folder import FolderShelf
from procession.services.shelves.shelf import Shelf, Whose
from procession.web import documents, uploads
from procession.web.documents import Archive, Arriving, Rules
from procession.web.site import Site
from procession.web.uploads import Held, Progress, Uploads, WrongOffset
from web_rig import Knows, client_of, running_site, served

PDF: Final = b"%PDF-1.7\n" + bytes(range(256)) * 3_000
TENANT: Final = "<default>"
PIECE: Final = {"tus-resumable": "1.0.0", "content-type": "application/offset+octet-stream"}
Talk = Callable[[Site, httpx.AsyncClient], Awaitable[None]]


def said(headers: Any) -> Caller:
    permissions = frozenset(headers.get("may", "*").split())
    return Caller(headers.get("tenant", TENANT), headers.get("who", "user:ann"), "", permissions)


def talk(talked: Talk, *, rules: Rules | None = None, elsewhere: Shelf | None = None, path: Path | None = None) -> None:
    """Drives a conversation with a site."""

    async def run() -> None:
        with Engine(path) if path else Engine() as engine:
            async with running_site(engine, Knows(said)) as site, client_of(site) as client:
                site.archive = Archive(site.backend, rules, elsewhere=elsewhere)
                await talked(site, client)

    asyncio.run(run())


def metadata(**values: str) -> str:
    return ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in values.items())


async def begin(client: httpx.AsyncClient, length: int, query: str = "", **more: str) -> httpx.Response:
    values = {"filename": "a.pdf", "filetype": "application/pdf", **{k: v for k, v in more.items() if k in METADATA}}
    headers = {"tus-resumable": "1.0.0", "upload-length": str(length), "upload-metadata": metadata(**values)}
    headers |= {name.replace("_", "-"): value for name, value in more.items() if name not in METADATA}
    return await client.post(f"/v1/uploads{query}", headers=headers)


METADATA: Final = ("filename", "filetype", "sha256")


async def send(client: httpx.AsyncClient, url: str, at: int, content: Any, **more: str) -> httpx.Response:
    return await client.patch(url, content=content, headers={**PIECE, "upload-offset": str(at), **more})


async def offset(client: httpx.AsyncClient, url: str) -> int:
    answer = await client.head(url, headers={"tus-resumable": "1.0.0"})
    assert answer.status_code == 200, answer.status_code
    assert answer.headers["cache-control"] == "no-store"
    return int(answer.headers["upload-offset"])


async def kept(site: Site) -> list[DocumentRow]:
    return await site.backend.read(TENANT, lambda reader: reader.documents.due(TENANT, HELD, 100))


@pytest.mark.parametrize("size", [1, 1_000, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 10_000_000])
def test_pieces_of_any_size_become_the_document(size: int, tmp_path: Path) -> None:
    async def talked(site: Site, client: httpx.AsyncClient) -> None:
        digest = hashlib.sha256(PDF).hexdigest()
        made = await begin(client, len(PDF), sha256=digest)
        assert (made.status_code, made.headers["upload-offset"]) == (201, "0")
        assert made.headers["upload-expires"].endswith("GMT")
        url, at = made.headers["location"], 0
        answer = made
        while at < len(PDF):
            assert "procession-document" not in answer.headers
            # After a first one that is small they are larger, or there would be too many.
            answer = await send(client, url, at, PDF[at : at + (max(size, 200_000) if at else size)])
            assert answer.status_code == 204, answer.text
            at = int(answer.headers["upload-offset"])
        id = answer.headers["procession-document"]
        assert id.removeprefix("doc_") == url.rpartition("upl_")[2]
        info = (await client.get(f"/v1/documents/{id}")).json()
        assert (info["name"], info["size"], info["sha256"]) == ("a.pdf", len(PDF), digest)
        assert (await client.get(f"/v1/documents/{id}/content")).content == PDF
        # It was told already: asked again it is told again.
        assert await offset(client, url) == len(PDF)
        again = await client.head(url, headers={"tus-resumable": "1.0.0"})
        assert again.headers["procession-document"] == id
        assert len(await kept(site)) == 1

    (tmp_path / "there").mkdir()
    talk(talked)
    talk(talked, elsewhere=FolderShelf(tmp_path / "there"))


def test_a_piece_may_come_with_the_beginning_and_nothing_is_a_document_too() -> None:
    async def talked(site: Site, client: httpx.AsyncClient) -> None:
        values = metadata(filename="a.txt", filetype="text/plain")
        headers = {**PIECE, "upload-length": "5", "upload-metadata": values}
        made = await client.post("/v1/uploads", headers=headers, content=b"hello")
        assert (made.status_code, made.headers["upload-offset"]) == (201, "5")
        empty = await begin(client, 0, filetype="text/plain", filename="e.txt")
        assert empty.status_code == 201
        for answer, content in ((made, b"hello"), (empty, b"")):
            id = answer.headers["procession-document"]
            assert (await client.get(f"/v1/documents/{id}/content")).content == content

    talk(talked)


def test_an_upload_that_is_cut_goes_on_where_the_server_says() -> None:
    async def run() -> None:
        with Engine() as engine:
            async with running_site(engine, Knows(said)) as site, served(site) as client:
                made = await begin(client, len(PDF))
                url = made.headers["location"]
                cut = PART_BYTES + 12_345
                head = f"PATCH {url} HTTP/1.1\r\nhost: x\r\ntus-resumable: 1.0.0\r\nupload-offset: 0\r\n"
                head += f"content-type: {PIECE['content-type']}\r\ncontent-length: {len(PDF)}\r\n\r\n"
                _, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
                writer.write(head.encode() + PDF[:cut])
                await writer.drain()
                async with asyncio.timeout(20):
                    while await offset(client, url) < PART_BYTES:
                        continue
                    writer.close()
                    while (at := await offset(client, url)) < cut:
                        continue
                assert at == cut, "what came was kept to the last byte"
                async with asyncio.timeout(20):
                    while (answer := await send(client, url, at, PDF[at:])).status_code == 423:
                        continue
                assert answer.status_code == 204, answer.text
                id = answer.headers["procession-document"]
                assert (await client.get(f"/v1/documents/{id}/content")).content == PDF

    asyncio.run(run())


def test_an_upload_goes_on_after_the_server_was_restarted(tmp_path: Path) -> None:
    urls: list[str] = []

    async def first(site: Site, client: httpx.AsyncClient) -> None:
        urls.append((await begin(client, len(PDF))).headers["location"])
        assert (await send(client, urls[0], 0, PDF[:300_000])).status_code == 204

    async def second(site: Site, client: httpx.AsyncClient) -> None:
        assert await offset(client, urls[0]) == 300_000
        answer = await send(client, urls[0], 300_000, PDF[300_000:])
        id = answer.headers["procession-document"]
        assert (await client.get(f"/v1/documents/{id}/content")).content == PDF

    talk(first, path=tmp_path / "e.db")
    talk(second, path=tmp_path / "e.db")


def test_a_piece_elsewhere_than_at_the_end_is_refused() -> None:
    async def talked(site: Site, client: httpx.AsyncClient) -> None:
        url = (await begin(client, len(PDF))).headers["location"]
        assert (await send(client, url, 0, PDF[:100])).status_code == 204
        for at in (0, 99, 101, len(PDF)):
            answer = await send(client, url, at, PDF[at : at + 10])
            assert (answer.status_code, answer.json()["code"]) == (409, "wrong-offset")
            assert "goes on at 100" in answer.json()["detail"]
        over = await send(client, url, 100, PDF[100:] + b"x")
        assert over.status_code == 400
        at = await offset(client, url)
        assert 100 <= at <= len(PDF)
        done = await send(client, url, at, PDF[at:])
        assert done.status_code == 204
        for header, status in (({"tus-resumable": "0.2.2"}, 412), ({"content-type": "text/plain"}, 415)):
            assert (await send(client, url, 0, b"x", **header)).status_code == status

    talk(talked)


def test_one_connection_at_a_time_sends_pieces() -> None:
    async def talked(site: Site, client: httpx.AsyncClient) -> None:
        held = Uploads(site.archive)
        begun = await held.begin(Arriving(TENANT, "doc_" + "1" * 32, "a", "text/plain", 10), Who("user:ann"))
        going, more = asyncio.Event(), asyncio.Event()

        async def slow() -> AsyncIterator[bytes]:
            yield b"01234"
            going.set()
            await more.wait()
            yield b"56789"

        async def once() -> AsyncIterator[bytes]:
            yield b"0123456789"

        first = asyncio.ensure_future(held.append(TENANT, begun.id, "user:ann", 0, slow()))
        await going.wait()
        with pytest.raises(Held):
            await held.append(TENANT, begun.id, "user:ann", 0, once())
        answer = await send(client, f"/v1/uploads/{begun.id}", 0, b"0")
        assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (423, "held", "1")
        more.set()
        assert (await first).document == "doc_" + "1" * 32
        with pytest.raises(WrongOffset):
            await held.append(TENANT, begun.id, "user:ann", 0, once())

    talk(talked)


@pytest.mark.parametrize(
    ("type", "content", "wanted", "status"),
    [
        ("application/pdf", b"MZ\x90\x00" * 10, "", 415),
        ("image/png", PDF[:40], "", 415),
        ("image/webp", b"RIFF\x00\x00\x00\x00AVI " * 3, "", 415),
        ("text/plain", b"a" * 20 + b"\xff", "", 415),
        ("text/plain", b"hello", hashlib.sha256(b"hallo").hexdigest(), 400),
    ],
)
def test_nothing_is_left_of_what_it_is_not_said_to_be(type: str, content: bytes, wanted: str, status: int) -> None:
    async def talked(site: Site, client: httpx.AsyncClient) -> None:
        more = {"sha256": wanted} if wanted else {}
        url = (await begin(client, len(content), filetype=type, **more)).headers["location"]
        answer = await send(client, url, 0, content)
        assert answer.status_code == status, answer.text
        assert await kept(site) == []
        assert (await client.head(url, headers=PIECE)).status_code == 404
        assert (await client.get("/v1/documents")).json()["items"] == []

    talk(talked)


@pytest.mark.parametrize(
    ("length", "query", "more", "status"),
    [
        (1_001, "", {}, 413),
        (501, "?bytes_max=500", {}, 413),
        (10, "", {"filetype": "text/html"}, 415),
        (10, "", {"filetype": "image/svg+xml"}, 415),
        (10, "?accept=image/png,image/jpeg", {}, 415),
        (10, "", {"filename": "../../etc/passwd"}, 400),
        (10, "", {"filename": "a\u202efdp.exe"}, 400),
        (10, "", {"filename": "\u2066a.pdf"}, 400),
        (10, "", {"filename": ""}, 400),
        (10, "", {"filename": "x" * 256}, 400),
        (10, "", {"sha256": "no"}, 400),
        (10, "", {"upload_metadata": "filename !!!"}, 400),
        (10, "", {"upload_length": "-1"}, 400),
        (10, "", {"upload_length": "many"}, 400),
        (10, "", {"tus_resumable": "2.0.0"}, 412),
        (10, "", {"may": "documents:read"}, 403),
    ],
)
def test_what_may_not_come_does_not_begin(length: int, query: str, more: dict[str, str], status: int) -> None:
    async def talked(site: Site, client: httpx.AsyncClient) -> None:
        answer = await begin(client, length, query, **more)
        assert answer.status_code == status, answer.text
        assert await kept(site) == []

    talk(talked, rules=Rules(bytes_max=1_000))


def test_a_tenant_has_so_many_under_way_and_they_end() -> None:
    async def talked(site: Site, client: httpx.AsyncClient) -> None:
        urls = [(await begin(client, 100)).headers["location"] for _ in range(2)]
        full = await begin(client, 100)
        assert (full.status_code, full.json()["code"]) == (429, "quota-exceeded")
        assert (await begin(client, 100, tenant="other")).status_code == 201
        assert (await client.delete(urls[0], headers=PIECE)).status_code == 204
        assert (await client.delete(urls[0], headers=PIECE)).status_code == 404
        assert (await begin(client, 100)).status_code == 201
        assert len(await kept(site)) == 2

    talk(talked, rules=Rules(uploads_max=2))


def test_the_quota_of_a_tenant_is_asked_and_told() -> None:
    asked: list[int] = []
    stored: list[int] = []

    async def admit(tenant: str, size: int) -> None:
        asked.append(size)
        if size > 100:
            raise QuotaExceeded("full")

    async def told(tenant: str, size: int) -> None:
        stored.append(size)

    async def talked(site: Site, client: httpx.AsyncClient) -> None:
        assert (await begin(client, 101)).status_code == 429
        url = (await begin(client, 100)).headers["location"]
        assert (await send(client, url, 0, PDF[:100])).status_code == 204
        assert (asked, stored) == ([101, 100, 100], [100])

    talk(talked, rules=Rules(admit=admit, stored=told))


def test_bytes_that_are_elsewhere_count_as_the_tenants(tmp_path: Path) -> None:
    async def talked(site: Site, client: httpx.AsyncClient) -> None:
        url = (await begin(client, len(PDF))).headers["location"]
        assert [row.bytes for row in await kept(site)] == [len(PDF)], "what is under way counts, too"
        answer = await send(client, url, 0, PDF)
        assert [row.bytes for row in await kept(site)] == [len(PDF)]
        usage = (await client.get("/v1/tenants/<default>/usage", headers={"tenant": "<platform>"})).json()
        assert usage["bytes_by_table"]["document"] == len(PDF)
        await client.delete(f"/v1/documents/{answer.headers['procession-document']}")
        assert await kept(site) == []

    talk(talked, elsewhere=FolderShelf(tmp_path))
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []


def test_what_is_not_finished_in_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    async def talked(site: Site, client: httpx.AsyncClient) -> None:
        url = (await begin(client, len(PDF))).headers["location"]
        assert (await send(client, url, 0, PDF[:300_000])).status_code == 204
        now = documents.now_ms
        for place in (documents, uploads):
            monkeypatch.setattr(place, "now_ms", lambda: now() + 60_001)
        assert (await client.head(url, headers=PIECE)).status_code == 404
        assert (await send(client, url, 300_000, PDF[300_000:])).status_code == 404
        assert await site.archive.sweep(TENANT) == 1
        assert await kept(site) == []
        assert await site.backend.read(TENANT, lambda reader: reader.documents.uploads(TENANT)) == 0

    talk(talked, rules=Rules(upload_ms=60_000))


def test_an_upload_is_nobody_elses() -> None:
    async def talked(site: Site, client: httpx.AsyncClient) -> None:
        url = (await begin(client, len(PDF))).headers["location"]
        for other in ({"who": "user:bob"}, {"tenant": "other"}):
            headers = {**PIECE, **other}
            assert (await client.head(url, headers=headers)).status_code == 404
            assert (await send(client, url, 0, PDF, **other)).status_code == 404
            assert (await client.delete(url, headers=headers)).status_code == 404
        assert await offset(client, url) == 0
        assert (await client.head("/v1/uploads/upl_x", headers=PIECE)).status_code == 400

    talk(talked)


def test_an_upload_under_a_key_is_one() -> None:
    async def talked(site: Site, client: httpx.AsyncClient) -> None:
        key = {"Idempotency_Key": "k"}
        first = await begin(client, len(PDF), **key)
        await send(client, first.headers["location"], 0, PDF[:10])
        again = await begin(client, len(PDF), **key)
        assert (again.headers["location"], again.headers["upload-offset"]) == (first.headers["location"], "10")
        assert (await begin(client, 5, **key)).status_code == 409
        await send(client, first.headers["location"], 10, PDF[10:])
        done = await begin(client, len(PDF), **key)
        assert done.headers["upload-offset"] == str(len(PDF))
        assert done.headers["procession-document"].startswith("doc_")
        assert len(await kept(site)) == 1

    talk(talked)


def test_who_had_everything_and_ended_is_finished_by_who_asks() -> None:
    async def talked(site: Site, client: httpx.AsyncClient) -> None:
        held = Uploads(site.archive)
        begun = await held.begin(Arriving(TENANT, "doc_" + "2" * 32, "a", "text/plain", 4), Who("user:ann"))
        await _all_but_the_end(site, begun, b"text")
        both = await asyncio.gather(*(held.progress(TENANT, begun.id, "user:ann") for _ in range(2)))
        assert {each.document for each in both} == {"doc_" + "2" * 32}
        assert (await client.get(f"/v1/documents/{both[0].document}/content")).content == b"text"
        assert len(await kept(site)) == 1

    talk(talked)


async def _all_but_the_end(site: Site, begun: Progress, content: bytes) -> None:
    """What a process leaves that is killed when it has everything."""
    (row,) = await kept(site)
    whose = Whose(TENANT, 0)
    await site.archive.shelf(elsewhere=False).put(whose, row.id, 0, content)
    await site.backend.write(TENANT, "follower_take", [(0, begun.id, "dead", 1, 0, 1)])
    await site.backend.write(TENANT, "follower_moved", [(len(content), 0, begun.id, "dead")])


def test_an_upload_outlives_a_shelf_that_is_away(tmp_path: Path) -> None:
    folder = tmp_path / "mounted"
    folder.mkdir()

    async def talked(site: Site, client: httpx.AsyncClient) -> None:
        url = (await begin(client, len(PDF))).headers["location"]
        assert (await send(client, url, 0, PDF[:300_000])).status_code == 204
        folder.rename(tmp_path / "away")
        away = await send(client, url, 300_000, PDF[300_000:])
        assert (away.status_code, away.json()["code"]) == (503, "unavailable")
        assert str(tmp_path) not in away.text
        assert await offset(client, url) == 300_000
        (tmp_path / "away").rename(folder)
        done = await send(client, url, 300_000, PDF[300_000:])
        assert done.status_code == 204
        id = done.headers["procession-document"]
        assert (await client.get(f"/v1/documents/{id}/content")).content == PDF

    talk(talked, elsewhere=FolderShelf(folder))
