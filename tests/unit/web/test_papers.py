"""Papers over REST: what is made of documents is a document, and nobody makes anything of what is not theirs."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable, Mapping

import httpx
import pytest
from PIL import Image

from clamd_rig import clamd
from paper_rig import certificate, form, picture, plain_pdf, root, text_of
from procession.hosts.embedded.engine import Engine
from procession.services.access import Caller
from procession.services.papers.jail import Bounds, Jail
from procession.services.papers.orders import Certificate
from procession.web.documents import Archive
from procession.web.papers import Papers
from procession.web.scanning import Clamd
from procession.web.site import Site
from web_rig import Knows, client_of, running_site


def said(headers: Mapping[str, str]) -> Caller:
    permissions = frozenset(headers.get("may", "*").split())
    return Caller(headers.get("tenant", "<default>"), "user:ann", "203.0.113.7", permissions)


def talk(
    talked: Callable[[Site, httpx.AsyncClient], Awaitable[None]],
    seals: Certificate | None = None,
    seconds: float = 30.0,
) -> None:
    """Drives a conversation with a site."""

    async def run() -> None:
        with Engine() as engine:
            async with running_site(engine, Knows(said)) as site, client_of(site) as client:
                site.papers = Papers(site.archive, Jail(Bounds(seconds=seconds)), seals, [root()])
                await talked(site, client)

    asyncio.run(run())


async def put(client: httpx.AsyncClient, content: bytes, type: str = "application/pdf") -> str:
    answer = await client.post("/v1/documents?name=a", content=content, headers={"content-type": type})
    assert answer.status_code == 201, answer.text
    return f"/v1/documents/{answer.json()['id']}"


async def content(client: httpx.AsyncClient, made: httpx.Response) -> bytes:
    assert made.status_code == 201, made.text
    info = made.json()
    assert (info["content_type"], made.headers["location"]) == ("application/pdf", f"/v1/documents/{info['id']}")
    return (await client.get(f"{made.headers['location']}/content")).content


def test_a_picture_has_a_preview_and_so_has_a_pdf() -> None:
    async def talked(site: Site, client: httpx.AsyncClient) -> None:
        url = await put(client, picture("JPEG", (600, 400)), "image/jpeg")
        shown = await client.get(f"{url}/preview?width=90&height=90")
        assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
        assert shown.headers["x-content-type-options"] == "nosniff"
        assert Image.open(io.BytesIO(shown.content)).size == (90, 60)
        page = await client.get(f"{await put(client, plain_pdf())}/preview?width=60&height=60")
        assert (page.status_code, page.headers["content-type"]) == (200, "image/jpeg")
        assert max(Image.open(io.BytesIO(page.content)).size) == 60
        broken = await put(client, picture("PNG")[:70], "image/png")
        assert (await client.get(f"{broken}/preview")).status_code == 400
        for more in ({"tenant": "other"}, {"may": "jobs:read"}):
            assert (await client.get(f"{url}/preview", headers=more)).status_code in {403, 404}

    talk(talked)


def test_a_form_is_filled_signed_and_sealed() -> None:
    async def talked(site: Site, client: httpx.AsyncClient) -> None:
        url = await put(client, form())
        fields = (await client.get(f"{url}/fields")).json()
        assert fields[0] == {"name": "name", "kind": "text", "options": [], "required": False}
        body = {"name": "filled.pdf", "values": {"name": "Ann", "agreed": True}}
        filled = await client.post(f"{url}/fill", json=body)
        assert text_of(await content(client, filled)) is not None
        signature = {"signer": "Ann", "identified_by": "signed in", "typed": "Ann", "field": "signature"}
        signing = {"name": "signed.pdf", "signatures": [signature], "language": "de", "title": "Vertrag"}
        key = {"Idempotency-Key": "s"}
        signed = await client.post(f"{filled.headers['location']}/sign", json=signing, headers=key)
        record = text_of(await content(client, signed), 1)
        assert "Unterschriftenprotokoll" in record
        assert "203.0.113.7" in record
        again = await client.post(f"{filled.headers['location']}/sign", json=signing, headers=key)
        assert again.json() == signed.json()
        (seal,) = (await client.get(f"{signed.headers['location']}/seals")).json()
        assert (seal["intact"], seal["whole"], seal["trusted"]) == (True, True, True)
        assert (await client.get(f"{url}/seals")).json() == []
        wrong = await client.post(f"{url}/fill", json={"name": "x", "values": {"nothing": "x"}})
        assert (wrong.status_code, "no field 'nothing'" in wrong.text) == (400, True)
        assert (await client.post(f"{url}/sign", json=signing, headers={"tenant": "other"})).status_code == 404
        assert (await client.post(f"{url}/sign", json=signing, headers={"may": "documents:read"})).status_code == 403

    talk(talked, certificate())


def test_a_page_shows_what_is_attached() -> None:
    async def talked(site: Site, client: httpx.AsyncClient) -> None:
        photo = (await put(client, picture(), "image/png")).rpartition("/")[2]
        template = "<h1>{{ who }}</h1><img src='attachment:photo'>"
        body = {"name": "p.pdf", "template": template, "values": {"who": "<b>"}, "attachments": {"photo": photo}}
        made = await client.post("/v1/papers", json=body)
        assert "<b>" in text_of(await content(client, made))
        body["attachments"] = {"photo": "doc_" + "0" * 32}
        assert (await client.post("/v1/papers", json=body)).status_code == 404
        body = {"name": "../p.pdf", "template": "x"}
        assert (await client.post("/v1/papers", json=body)).status_code == 400

    talk(talked)


def test_what_takes_too_long_is_told_and_leaves_nothing() -> None:
    async def talked(site: Site, client: httpx.AsyncClient) -> None:
        endless = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
        answer = await client.post("/v1/papers", json={"name": "p.pdf", "template": endless})
        assert (answer.status_code, answer.json()["code"]) == (422, "too-much")
        assert (await client.get("/v1/documents")).json()["items"] == []

    talk(talked, seconds=1.0)


def test_nothing_is_made_of_what_was_not_found_clean_and_nothing_is_signed_without_a_certificate() -> None:
    async def talked(site: Site, client: httpx.AsyncClient) -> None:
        signature = {"signer": "Ann", "identified_by": "i", "typed": "Ann", "page": 1, "box": [0, 0, 100, 50]}
        body = {"name": "s.pdf", "signatures": [signature]}
        url = await put(client, plain_pdf())
        assert (await client.post(f"{url}/sign", json=body)).status_code == 409
        async with clamd() as scanner:
            address = scanner.address
        site.archive = Archive(site.backend, scanner=Clamd(address))
        site.papers = Papers(site.archive)
        waiting = await put(client, picture(), "image/png")
        assert (await client.get(f"{waiting}/preview")).status_code == 423
        await site.archive.close()

    talk(talked)


@pytest.mark.parametrize("body", [{}, {"name": "x"}, {"name": "x", "values": {"a": 1}}, {"name": "", "values": {}}])
def test_a_body_that_is_wrong_is_told(body: dict[str, object]) -> None:
    async def talked(site: Site, client: httpx.AsyncClient) -> None:
        url = await put(client, form())
        assert (await client.post(f"{url}/fill", json=body)).status_code == 400

    talk(talked)
