"""Files of journeys: piece by piece and with pages, their limits, whose they are, and what submitting makes of them."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final, cast

import httpx
import pytest

from clamd_rig import EICAR, FakeClamd
from journey_rig import PROPERTIES, Browser, Page, World, documents, model, play, task
from procession.services.documents import PART_BYTES, Document
from procession.services.journeys.sweeping import sweep
from procession.web.documents import Archive, Rules
from procession.web.playing import Bounds
from procession.web.scanning import Clamd
from web_rig import served

TENANT: Final = "<default>"
TUS: Final = {"tus-resumable": "1.0.0"}
PDF: Final = b"%PDF-1.7\n" + b"all of it " * 40_000
PNG: Final = b"\x89PNG\r\n\x1a\n" + b"\0" * 500
FORM: Final[dict[str, Any]] = {
    "type": "default",
    "id": "claim",
    "components": [
        {"type": "textfield", "key": "name", "label": "Name"},
        {
            "type": "filepicker",
            "key": "papers",
            "label": "Papers",
            "accept": ".pdf,image/*",
            "multiple": True,
            "validate": {"required": True},
            "properties": {"procession.maxSize": "1MB", "procession.maxFiles": "2"},
        },
        {"type": "filepicker", "key": "photo", "label": "Photo"},
    ],
}
Conversation = Callable[[World], Awaitable[None]]


def played(conversation: Conversation, *, bounds: Bounds | None = None) -> None:
    """A conversation about a claim with papers, that nobody else has a part in."""
    nodes = (("ask", task("ask", "claim", "customer")), ("sign", task("sign", "sign", "customer")))
    first, _, *others = documents(model(*nodes, properties=PROPERTIES))
    play(conversation, first, ("claim.form", json.dumps(FORM).encode()), *others, bounds=bounds)


class Program:
    """A program that plays by bearer, and sends files."""

    def __init__(self, client: httpx.AsyncClient, opened: Mapping[str, Any]) -> None:
        self.client = client
        self.api: str = opened["api"]
        self.journey: str = opened["journey"]
        self.headers = {"authorization": f"Bearer {opened['token']}"}
        self.task = ""

    @classmethod
    async def start(cls, world: World, client: httpx.AsyncClient | None = None) -> Program:
        client = client or world.browser().client
        answer = await client.post("/play/-/api/start", json={"process_id": "claim"})
        made = cls(client, answer.json())
        made.task = (await made.screen())["shown"]["task"]
        return made

    async def screen(self, **query: str) -> dict[str, Any]:
        answer = await self.client.get(f"{self.api}/screen", params=query, headers=self.headers)
        found: dict[str, Any] = answer.json()
        return found

    async def begin(self, size: int, name: str = "a.pdf", type: str = "application/pdf", **said: str) -> httpx.Response:
        given = {"filename": name, "filetype": type, "path": "papers", "task": self.task, **said}
        metadata = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in given.items())
        headers = {**TUS, **self.headers, "upload-length": str(size), "upload-metadata": metadata}
        return await self.client.post(f"{self.api}/files", headers=headers)

    async def piece(self, place: str, at: int, content: bytes | AsyncIterator[bytes]) -> httpx.Response:
        kind = {"content-type": "application/offset+octet-stream", "upload-offset": str(at)}
        return await self.client.patch(place, headers={**TUS, **self.headers, **kind}, content=content)

    async def offset(self, place: str) -> int:
        return int((await self.ask("HEAD", place)).headers["upload-offset"])

    async def ask(self, method: str, place: str) -> httpx.Response:
        return await self.client.request(method, place, headers={**TUS, **self.headers})

    async def send(self, content: bytes = PDF, name: str = "a.pdf", **said: str) -> dict[str, Any]:
        """Sends a file as the component does; gives the value of its field."""
        begun = await self.begin(len(content), name, **said)
        assert begun.status_code == 201, begun.text
        place = begun.headers["location"]
        done = await self.piece(place, 0, content)
        assert done.status_code == 204, done.text
        return {"id": httpx.URL(place).path.rpartition("/")[2], "name": name, "size": len(content), "type": ""}

    async def do(self, what: str, **sets: Any) -> httpx.Response:
        base = (await self.screen())["version"]
        body = {"task": self.task, "page": "", "sets": sets, "base": base}
        return await self.client.post(f"{self.api}/{what}", json=body, headers=self.headers)


def kept(world: World, id: str) -> Document | None:
    record = world.engine.reader().records.find(TENANT, "document", id)
    return record.read(Document) if record is not None else None


def rules(answer: httpx.Response) -> list[tuple[str, str]]:
    return [(each["path"], each["rule"]) for each in answer.json()["faults"]]


def test_a_file_becomes_an_answer_and_stays_when_the_journey_goes() -> None:
    async def conversation(world: World) -> None:
        program = await Program.start(world)
        sent, loose = await program.send(), await program.send(name="loose.pdf")
        held = kept(world, sent["id"])
        assert held is not None
        assert (held.by, held.expires > 0) == (f"journey:{program.journey}", True)
        lie = {"id": sent["id"], "name": "lie.exe", "size": 1, "type": "text/html", "more": "x"}
        answer = await program.do("submit", papers=[lie])
        assert answer.status_code == 200, answer.text
        [instance] = world.engine.instances()
        known = {"id": sent["id"], "name": "a.pdf", "size": len(PDF), "type": "application/pdf"}
        assert world.engine.reader().variables(TENANT, instance.key)["papers"] == [known]
        held, other = kept(world, sent["id"]), kept(world, loose["id"])
        assert held is not None
        assert other is not None
        assert (held.expires, other.expires > 0) == (0, True), "what was never submitted goes with the journey"
        assert world.engine.reader().records.listed(TENANT, "journey-files") == []

    played(conversation)


def test_a_cut_file_goes_on_where_it_was_cut() -> None:
    async def conversation(world: World) -> None:
        async with served(world.site) as client:
            await gone_on(await Program.start(world, client))

    async def gone_on(program: Program) -> None:
        place = (await program.begin(len(PDF))).headers["location"]
        kind = {"content-type": "application/offset+octet-stream", "upload-offset": "0", "host": "x"}
        head = "".join(f"{name}: {value}\r\n" for name, value in {**TUS, **program.headers, **kind}.items())
        url = program.client.base_url
        _, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(f"PATCH {place} HTTP/1.1\r\n{head}content-length: {len(PDF)}\r\n\r\n".encode() + PDF[:300_000])
        await writer.drain()
        async with asyncio.timeout(20):
            while await program.offset(place) < PART_BYTES:
                continue
            writer.close()
            while (at := await program.offset(place)) < 300_000:
                continue
        assert at == 300_000, "what came was kept to the last byte"
        assert (await program.piece(place, 0, PDF)).status_code == 409
        async with asyncio.timeout(20):
            while (done := await program.piece(place, at, PDF[at:])).status_code == 423:
                continue
        assert done.headers["upload-offset"] == str(len(PDF))
        assert (await program.ask("HEAD", place)).headers["procession-document"] in place
        assert (await program.ask("DELETE", place)).status_code == 204
        assert (await program.ask("HEAD", place)).status_code == 404

    played(conversation, bounds=Bounds(requests_per_second=100_000))


@pytest.mark.parametrize(
    ("size", "said", "status"),
    [
        (1_000_001, {}, 413),
        (10, {"name": "a.txt", "type": "text/plain"}, 415),
        (10, {"path": "name"}, 404),
        (10, {"path": "nowhere"}, 404),
        (10, {"path": "photo", "name": "a.exe", "type": "application/x-msdownload"}, 415),
        (10, {"task": "1"}, 404),
        (10, {"task": "one"}, 400),
        (10, {"sha256": "x"}, 400),
    ],
)
def test_what_a_field_does_not_take_is_refused_before_it_comes(size: int, said: dict[str, str], status: int) -> None:
    async def conversation(world: World) -> None:
        program = await Program.start(world)
        assert (await program.begin(size, **said)).status_code == status

    played(conversation)


def test_bytes_that_are_not_what_they_say_are_dropped() -> None:
    async def conversation(world: World) -> None:
        program = await Program.start(world)
        place = (await program.begin(20)).headers["location"]
        assert (await program.piece(place, 0, b"MZ" + b"\0" * 18)).status_code == 415
        assert (await program.ask("HEAD", place)).status_code == 404
        place = (await program.begin(20)).headers["location"]
        assert (await program.piece(place, 0, PDF)).status_code == 400, "more than was said"
        assert world.engine.reader().records.listed(TENANT, "document") == []

    played(conversation)


def test_the_type_is_known_by_the_name_where_a_browser_does_not_know_it() -> None:
    async def conversation(world: World) -> None:
        program = await Program.start(world)
        value = await program.send(type="application/octet-stream", name="..\\..\\a\u202efdp.pdf")
        document = kept(world, value["id"])
        assert document is not None
        assert (document.name, document.content_type) == ("afdp.pdf", "application/pdf")

    played(conversation)


def test_who_changes_their_mind_again_and_again_fills_no_disk() -> None:
    async def conversation(world: World) -> None:
        program = await Program.start(world)
        first = await program.send()
        await program.do("back", papers=[first])
        sent = [await program.send() for _ in range(3)]
        left = {record.id for record in world.engine.reader().records.listed(TENANT, "document")}
        assert left == {first["id"], sent[1]["id"], sent[2]["id"]}, "answers stay, of the others as many as fit"
        answer = await program.do("next", papers=[first, *sent[1:]])
        assert rules(answer) == [("papers", "maxFiles")]

    played(conversation)


def test_files_of_another_journey_are_nobodys() -> None:
    async def conversation(world: World) -> None:
        program, other = await Program.start(world), await Program.start(world)
        place = (await program.begin(len(PDF))).headers["location"]
        for foreign in (place, place.replace(program.journey, other.journey)):
            assert (await other.ask("HEAD", foreign)).status_code == 404
            assert (await other.piece(foreign, 0, PDF)).status_code == 404
            assert (await other.ask("DELETE", foreign)).status_code == 404
        assert (await program.piece(place, 0, PDF)).status_code == 204
        value = {"id": httpx.URL(place).path.rpartition("/")[2], "name": "a.pdf", "size": 5, "type": "application/pdf"}
        assert rules(await other.do("submit", papers=[value])) == [("papers", "file")]
        assert rules(await other.do("submit", papers=[f"doc_{secrets.token_hex(16)}"])) == [("papers", "file")]
        assert rules(await other.do("submit", papers=[])) == [("papers", "required")]
        assert (await program.do("submit", papers=[value])).status_code == 200
        assert (await program.ask("HEAD", place)).status_code == 404, "this page is not open any more"

    played(conversation)


def test_a_cookie_alone_sends_no_file() -> None:
    async def conversation(world: World) -> None:
        browser = world.browser()
        page = await browser.start()
        api = f"{'/'.join(page.url.path.split('/')[:4])}/api"
        said = {**TUS, "upload-length": "3", "upload-metadata": "filename YQ==,path cGFwZXJz"}
        assert (await browser.client.post(f"{api}/files", headers=said)).status_code == 403

    played(conversation)


def test_what_was_never_submitted_goes_with_the_journey() -> None:
    async def conversation(world: World) -> None:
        program = await Program.start(world)
        value = await program.send()
        document = kept(world, value["id"])
        assert document is not None
        assert await sweep(world.site.backend, TENANT, document.expires) > 0
        assert world.engine.reader().records.listed(TENANT, "journey-files") == []
        assert await sweep(world.site.backend, TENANT, document.expires) == 0

    played(conversation)


async def posted(browser: Browser, page: Page, action: str, files: list[tuple[str, tuple[str, bytes, str]]]) -> Page:
    """Posts a page with its files, as a browser without JavaScript does."""
    fields = {**page.fields, "action": action}
    answer = await browser.client.post(
        page.action, data=fields, files=files, headers={"origin": "http://test"}, follow_redirects=True
    )
    return Page(answer)


def paper(name: str = "a.pdf", content: bytes = PDF, type: str = "application/pdf") -> tuple[str, Any]:
    return "f:papers", (name, content, type)


def test_pages_take_files_without_javascript() -> None:
    async def conversation(world: World) -> None:
        browser = world.browser()
        page = await browser.start()
        page = await posted(browser, page, "keep", [paper(), ("f:photo", ("", b"", "application/octet-stream"))])
        assert "a.pdf" in page.html
        page = await posted(browser, page, "keep", [paper("b.png", PNG, "image/png")])
        assert "a.pdf" in page.html
        assert "b.png" in page.html
        records = world.engine.reader().records.listed(TENANT, "document")
        gone = next(each.id for each in records if each.read(Document).name == "a.pdf")
        answer = await browser.raw(page.action, {**page.fields, "f:papers:drop": gone, "action": "keep"})
        assert "a.pdf" not in answer.text
        check = await browser.post(Page(answer), "next")
        assert "b.png" in check.html
        await browser.post(check, "submit")
        [instance] = world.engine.instances()
        papers = cast("list[Any]", world.engine.reader().variables(TENANT, instance.key)["papers"])
        assert [(each["name"], each["size"]) for each in papers] == [("b.png", len(PNG))]

    played(conversation)


def test_a_field_of_one_file_has_the_last_one() -> None:
    async def conversation(world: World) -> None:
        browser = world.browser()
        page = await posted(browser, await browser.start(), "keep", [("f:photo", ("one.png", PNG, "image/png"))])
        page = await posted(browser, page, "keep", [("f:photo", ("two.png", PNG, "image/png"))])
        assert "one.png" not in page.html
        assert "two.png" in page.html

    played(conversation)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([paper("a.txt", b"text", "text/plain")], ".pdf,image/*"),
        ([paper("a.pdf", b"MZ" + b"\0" * 100)], ".pdf,image/*"),
        ([paper("big.pdf", PDF * 3)], "1,000,000 bytes"),
        ([paper(), paper(), paper()], "2"),
    ],
)
def test_a_page_says_which_file_it_does_not_take(files: list[Any], said: str) -> None:
    async def conversation(world: World) -> None:
        browser = world.browser()
        page = await browser.start()
        answer = await posted(browser, page, "next", files)
        assert (answer.status, answer.kind) == (422, "page")
        summary = answer.html.partition('id="errors"')[2].partition("</ul>")[0]
        assert said in summary
        left = len(world.engine.reader().records.listed(TENANT, "document"))
        assert left == (2 if len(files) == 3 else 0)

    played(conversation)


def test_a_file_before_the_token_of_the_form_is_not_taken() -> None:
    async def conversation(world: World) -> None:
        browser = world.browser()
        page = await browser.start()
        files = [paper(), ("csrf", (None, page.fields["csrf"], None))]
        headers = {"origin": "http://test"}
        answer = await browser.client.post(page.action, files=files, headers=headers)
        assert answer.status_code == 403
        assert world.engine.reader().records.listed(TENANT, "document") == []

    played(conversation)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x\r\n",
        b'--x\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n\xff\r\n--x--',
        b"--x\r\n" + b"A" * 9_000,
    ],
)
def test_bodies_that_are_no_form_are_refused(body: bytes) -> None:
    async def conversation(world: World) -> None:
        browser = world.browser()
        page = await browser.start()
        for kind in ("multipart/form-data; boundary=x", "multipart/form-data", "text/plain"):
            answer = await browser.client.post(page.action, content=body, headers={"content-type": kind})
            assert answer.status_code in {400, 403}

    played(conversation)


def test_a_body_without_end_is_cut() -> None:
    async def conversation(world: World) -> None:
        browser = world.browser()
        page = await browser.start()

        async def endless() -> AsyncIterator[bytes]:
            while True:
                yield b"a" * 1_000_000

        kind = {"content-type": "application/x-www-form-urlencoded"}
        answer = await browser.client.post(page.action, content=endless(), headers=kind)
        assert answer.status_code == 413

    played(conversation)


def test_a_file_that_waits_for_the_scanner_is_shown_and_not_submitted() -> None:
    async def conversation(world: World) -> None:
        clamd = FakeClamd()
        await clamd.start()
        await clamd.stop()
        world.site.archive = Archive(world.site.backend, Rules(), scanner=Clamd(clamd.address))
        browser = world.browser()
        page = await posted(browser, await browser.start(), "keep", [paper()])
        await world.site.archive.scanned()
        assert "a.pdf (being checked for viruses)" in page.html
        check = await browser.post(page, "next")
        assert check.kind == "check"
        refused = await browser.post(check, "submit")
        assert refused.status == 422
        assert "a.pdf is still being checked for viruses" in refused.html
        await clamd.start()
        page = await posted(browser, await browser.open(page.url.path), "keep", [paper("b.pdf", b"%PDF-1.7\n" + EICAR)])
        await world.site.archive.scanned()
        page = await browser.open(page.url.path)
        assert "b.pdf (a virus was found)" in page.html
        refused = await browser.post(page, "next")
        assert "A virus was found in b.pdf" in refused.html
        await clamd.stop()
        await world.site.archive.close()

    played(conversation)


def test_the_api_gives_screens_in_another_language_from_then_on() -> None:
    async def conversation(world: World) -> None:
        program = await Program.start(world)
        assert (await program.screen())["shown"]["language"] == "en"
        assert (await program.screen(language="de"))["shown"]["language"] == "de"
        assert (await program.screen())["shown"]["language"] == "de"
        assert (await program.screen(language="xx"))["shown"]["language"] == "en", "the first that the journey has"

    played(conversation)


def test_pages_name_the_origins_that_may_frame_them() -> None:
    async def conversation(world: World) -> None:
        page = await world.browser().start()
        assert 'data-embed-origins="https://a.example https://b.example"' in page.html

    played(conversation, bounds=Bounds(url="http://test", frame_ancestors=("https://a.example", "https://b.example")))
