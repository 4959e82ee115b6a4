"""Documents over REST: what comes back is what came in, and nothing is left of what may not be."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from procession.base.failure import ProcessionError
from procession.hosts.embedded.engine import Engine
from procession.runtime.rows import HELD
from procession.runtime.rows_of_server import DocumentRow
from procession.services.access import Caller
from procession.services.documents import PART_BYTES
from procession.web import documents
from procession.web.documents import Archive, Rules
from procession.web.site import Site
from web_rig import client_of, running_site, served

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 3_000
TENANT = "<default>"


class People:
    """A gate that believes what headers say."""

    def forget(self) -> None:
        """Keeps nothing."""

    async def caller(self, headers: Mapping[str, str], origin: str) -> Caller:
        permissions = frozenset(headers.get("may", "*").split())
        return Caller(headers.get("tenant", TENANT), headers.get("who", "user:ann"), origin, permissions)


async def put(
    client: httpx.AsyncClient, content: bytes, type: str = "application/pdf", name: str = "a.pdf", **headers: str
) -> httpx.Response:
    sent = {"content-type": type, **{key.replace("_", "-"): value for key, value in headers.items()}}
    return await client.post("/v1/documents", params={"name": name}, content=content, headers=sent)


async def stored(site: Site) -> list[DocumentRow]:
    """What is looked after."""
    return await site.backend.read(TENANT, lambda reader: reader.documents.due(TENANT, HELD, 100))


def test_a_document_comes_back_as_it_came_in_wholly_or_in_parts() -> None:
    async def told() -> None:
        with Engine() as engine:
            async with running_site(engine, People()) as site, client_of(site) as client:
                assert len(PDF) > 2 * PART_BYTES
                made = await put(client, PDF, name="Rechnung \u20ac 5.pdf")
                assert made.status_code == 201, made.text
                info = made.json()
                assert (info["size"], info["sha256"]) == (len(PDF), hashlib.sha256(PDF).hexdigest())
                reference = {"document": info["id"], "name": "Rechnung \u20ac 5.pdf", "content_type": "application/pdf"}
                assert info["reference"] == {**reference, "size": len(PDF)}
                url = f"/v1/documents/{info['id']}"
                assert (await client.get(url)).json() == info
                whole = await client.get(f"{url}/content")
                assert whole.content == PDF
                assert whole.headers["content-type"] == "application/pdf"
                assert whole.headers["content-disposition"] == (
                    "attachment; filename=\"Rechnung _ 5.pdf\"; filename*=UTF-8''Rechnung%20%E2%82%AC%205.pdf"
                )
                assert whole.headers["x-content-type-options"] == "nosniff"
                assert "sandbox" in whole.headers["content-security-policy"]
                size, edge = len(PDF), PART_BYTES
                for asked, first, last in (
                    ("bytes=0-0", 0, 0),
                    (f"bytes={edge - 1}-{edge}", edge - 1, edge),
                    (f"bytes={edge}-", edge, size - 1),
                    ("bytes=-5", size - 5, size - 1),
                    (f"bytes=10-{size * 2}", 10, size - 1),
                    (f"bytes=-{size * 2}", 0, size - 1),
                ):
                    part = await client.get(f"{url}/content", headers={"range": asked})
                    assert part.status_code == 206, asked
                    assert part.content == PDF[first : last + 1], asked
                    assert part.headers["content-range"] == f"bytes {first}-{last}/{size}"
                for asked in ("bytes=5-2", "bytes=", "bytes=-", "bytes=0-1,3-4", "lines=0-1", "bytes=a-b"):
                    assert (await client.get(f"{url}/content", headers={"range": asked})).content == PDF, asked
                beyond = await client.get(f"{url}/content", headers={"range": f"bytes={size}-"})
                assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{size}")
                etag = whole.headers["etag"]
                assert (await client.get(f"{url}/content", headers={"if-none-match": etag})).status_code == 304
                headers = {"range": "bytes=0-1", "if-range": '"other"'}
                assert (await client.get(f"{url}/content", headers=headers)).content == PDF
                looked = await client.head(f"{url}/content")
                assert (looked.headers["content-length"], looked.headers["etag"]) == (str(size), etag)
                assert looked.content == b""

    asyncio.run(told())


@pytest.mark.parametrize("size", [0, 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1])
def test_any_size_comes_back(size: int) -> None:
    async def told() -> None:
        with Engine() as engine:
            async with running_site(engine, People()) as site, client_of(site) as client:
                content = b"x" * size
                made = await put(client, content, "text/plain", "a.txt")
                found = await client.get(f"/v1/documents/{made.json()['id']}/content")
                assert (made.status_code, found.status_code, found.content) == (201, 200, content)

    asyncio.run(told())


@pytest.mark.parametrize(
    ("type", "content", "status"),
    [
        ("application/pdf", b"MZ\x90\x00 no pdf", 415),
        ("image/png", PDF[:5_000], 415),
        ("image/png", b"", 415),
        ("text/plain", b"\xff\xfe", 415),
        ("text/plain", b"a\0b", 415),
        ("text/plain", b"a" * PART_BYTES + b"\xe2\x82", 415),
        ("text/html", b"<script>", 415),
        ("image/svg+xml", b"<svg/>", 415),
        ("application/octet-stream", b"x", 415),
        ("no type", b"x", 415),
        ("text/plain; charset=utf-16", b"x", 415),
        ("text/plain", b"a" * (PART_BYTES * 2), 413),
    ],
)
def test_nothing_is_left_of_what_is_not_taken(type: str, content: bytes, status: int) -> None:
    async def told() -> None:
        with Engine() as engine:
            async with running_site(engine, People()) as site, client_of(site) as client:
                site.archive = Archive(site.backend, Rules(bytes_max=PART_BYTES + 100))
                answer = await put(client, content, type)
                assert answer.status_code == status, answer.text
                assert await stored(site) == []
                assert (await client.get("/v1/documents")).json() == {"items": [], "next": None}

    asyncio.run(told())


def test_a_stream_that_is_too_long_is_cut_off_before_it_ends() -> None:
    async def told() -> None:
        sent = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal sent
            while True:
                sent += 1
                assert sent < 1_000
                yield b"a" * 65_536

        with Engine() as engine:
            async with running_site(engine, People()) as site, client_of(site) as client:
                site.archive = Archive(site.backend, Rules(bytes_max=PART_BYTES * 2))
                headers = {"content-type": "text/plain"}
                answer = await client.post("/v1/documents?name=a", content=endless(), headers=headers)
                assert answer.status_code == 413
                assert await stored(site) == []

    asyncio.run(told())


def test_an_upload_that_breaks_off_leaves_nothing() -> None:
    async def told() -> None:
        with Engine() as engine:
            async with running_site(engine, People()) as site, served(site) as client:
                url = client.base_url
                reader, writer = await asyncio.open_connection(url.host, url.port)
                head = "POST /v1/documents?name=a HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\n"
                writer.write(f"{head}content-length: {PART_BYTES * 4}\r\n\r\n".encode() + b"a" * (PART_BYTES + 10))
                await writer.drain()
                async with asyncio.timeout(20):
                    while not await stored(site):
                        continue
                    writer.close()
                    while await stored(site):
                        continue
                assert (await client.get("/v1/documents")).json()["items"] == []
                assert reader is not None

    asyncio.run(told())


def test_an_upload_under_a_key_is_one_document() -> None:
    async def told() -> None:
        with Engine() as engine:
            async with running_site(engine, People()) as site, client_of(site) as client:
                first = await put(client, PDF, Idempotency_Key="k")
                again = await put(client, PDF, Idempotency_Key="k")
                other = await put(client, PDF + b"x", Idempotency_Key="k")
                assert (first.status_code, again.json(), other.status_code) == (201, first.json(), 409)
                assert len(await stored(site)) == 1
                both = await asyncio.gather(
                    put(client, PDF, Idempotency_Key="l"), put(client, PDF, Idempotency_Key="l")
                )
                made = [each for each in both if each.status_code == 201]
                assert made
                assert all(each.status_code in {201, 409} for each in both)
                assert len(await stored(site)) == 2

    asyncio.run(told())


def test_what_is_deleted_expired_or_never_finished_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def told() -> None:
        with Engine(tmp_path / "e.db") as engine:
            async with running_site(engine, People()) as site, client_of(site) as client:
                ids = [(await put(client, PDF, name=name)).json()["id"] for name in ("gone", "kept")]
                short = await client.post(
                    "/v1/documents?name=short&kept_s=60", content=PDF, headers={"content-type": "application/pdf"}
                )
                url = f"/v1/documents/{short.json()['id']}"
                # An upload whose process died.
                await site.backend.write("<default>", "document_begin", [(0, "doc_0.0", documents.now_ms() + 1_000, 0)])
                await site.backend.write("<default>", "document_part", [(0, "doc_0.0", 0, b"\x01x")])
                headers = {"Idempotency-Key": "d"}
                for _ in range(2):
                    assert (await client.delete(f"/v1/documents/{ids[0]}", headers=headers)).status_code == 204
                assert (await client.delete(f"/v1/documents/{ids[0]}")).status_code == 404
                assert (await client.get(f"/v1/documents/{ids[0]}/content")).status_code == 404
                assert (await client.get(url)).status_code == 200
                assert len(await stored(site)) == 3
                now = documents.now_ms
                monkeypatch.setattr(documents, "now_ms", lambda: now() + 61_000)
                monkeypatch.setattr("procession.web.routes.documents.now_ms", lambda: now() + 61_000)
                assert (await client.get(url)).status_code == 404
                listed = (await client.get("/v1/documents")).json()["items"]
                assert [each["name"] for each in listed] == ["kept"]
                assert await site.archive.sweep(TENANT) == 2
                (row,) = await stored(site)
                assert row.id.startswith(ids[1])
                assert await site.archive.sweep(TENANT) == 0
                assert (await client.get(f"/v1/documents/{ids[1]}/content")).content == PDF

    asyncio.run(told())


def test_documents_are_of_one_tenant_and_lists_of_who_may_see_them() -> None:
    async def told() -> None:
        with Engine() as engine:
            async with running_site(engine, People()) as site, client_of(site) as client:
                worker = {"may": "documents:read documents:write", "who": "user:bob"}
                anns = (await put(client, PDF)).json()
                bobs = (await put(client, PDF, **worker)).json()
                assert {each["id"] for each in (await client.get("/v1/documents")).json()["items"]} == {
                    anns["id"],
                    bobs["id"],
                }
                assert (await client.get("/v1/documents", headers=worker)).json()["items"] == [bobs]
                url = f"/v1/documents/{anns['id']}"
                assert (await client.get(f"{url}/content", headers=worker)).status_code == 200
                assert (await client.delete(url, headers=worker)).status_code == 403
                for path in (url, f"{url}/content"):
                    assert (await client.get(path, headers={"tenant": "other"})).status_code == 404
                    assert (await client.get(path, headers={"may": "jobs:read"})).status_code == 403
                assert (await client.get("/v1/documents/doc_x")).status_code == 400
                pages: list[Any] = []
                following: str | None = ""
                while following is not None:
                    page = (await client.get(f"/v1/documents?limit=1{following and '&after=' + following}")).json()
                    pages += page["items"]
                    following = page["next"]
                assert sorted(each["id"] for each in pages) == sorted([anns["id"], bobs["id"]])
                for name in ("", "a/b", "..", "a\\b", "a\nb", "x" * 256):
                    assert (await put(client, PDF, name=name)).status_code == 400, name

    asyncio.run(told())


def test_a_quota_is_asked_before_and_when_the_size_is_known() -> None:
    class Full(ProcessionError):
        pass

    async def told() -> None:
        asked: list[tuple[str, int]] = []

        async def admit(tenant: str, size: int) -> None:
            asked.append((tenant, size))
            if size > 100:
                raise Full("the storage of the tenant is full")

        async def unsized(content: bytes) -> AsyncIterator[bytes]:
            yield content

        with Engine() as engine:
            async with running_site(engine, People()) as site, client_of(site) as client:
                site.archive = Archive(site.backend, Rules(admit=admit))
                assert (await put(client, b"a" * 50, "text/plain")).status_code == 201
                assert (await put(client, PDF)).status_code == 400
                headers = {"content-type": "text/plain"}
                answer = await client.post("/v1/documents?name=a", content=unsized(b"a" * 200), headers=headers)
                assert answer.status_code == 400
                assert asked == [(TENANT, 50), (TENANT, 50), (TENANT, len(PDF)), (TENANT, 0), (TENANT, 200)]
                assert len(await stored(site)) == 1

    asyncio.run(told())
