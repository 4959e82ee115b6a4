"""Going on at another device: a link and a code by a real mail server, or by a gateway for SMS over real HTTP."""

from __future__ import annotations

import base64
import re

from journey_rig import Browser, Page, World, documents, model, play, task
from mail_rig import mail_server
from procession.web.playing import Bounds
from procession.web.post.sending import Gateway, Mail, Sending
from procession.web.webhooks import signing
from webhook_rig import LOCAL, receiving, status

TENANT = "<default>"
SECRET = signing.new_secret()


async def handed(browser: Browser, page: Page, **body: str) -> tuple[int, dict[str, object]]:
    headers = {"authorization": f"Bearer {browser.session()}"}
    api = "/".join(page.url.path.split("/")[:4]) + "/api/handover"
    answer = await browser.client.post(api, json={"by": "email", **body}, headers=headers)
    return answer.status_code, answer.json()


async def opened(browser: Browser, text: str) -> tuple[Page, str]:
    """Opens the link of a message; the code stands in it."""
    found = re.search(r"http://test(/play/\S+)", text)
    code = re.search(r"\b\d{6}\b", text)
    assert found is not None
    assert code is not None
    return await browser.post(await browser.open(found[1]), "go"), code[0]


def mail(port: int) -> Sending:
    return Sending(Mail(host="127.0.0.1", port=port, sender="Claims <claims@example.com>", tls="none", seconds=5))


def test_a_journey_goes_on_at_another_device_by_a_link_and_a_code() -> None:
    async def conversation(world: World) -> None:
        phone, laptop = world.browser(), world.browser()
        page = await phone.start()
        page = await phone.post(page, "next", {"name": "Ada", "email": "ada@example.com"})
        assert await handed(phone, page, to="ada@example.com") == (200, {"sent_to": "a…@example.com"})
        [message] = inbox.messages
        assert message["To"] == "ada@example.com"
        assert message["From"] == "Claims <claims@example.com>"
        code_page, code = await opened(laptop, inbox.texts[0])
        assert code_page.kind == "code"
        wrong = await laptop.raw(code_page.action, {**code_page.fields, "code": "000000"})
        assert wrong.status_code in {422, 200}
        right = await laptop.raw(code_page.action, {**code_page.fields, "code": code, "action": "code"})
        assert right.url.path == page.url.path, "the same page"
        # The link is used up, whoever has the message.
        thief = world.browser()
        link = re.search(r"http://test(/play/\S+)", inbox.texts[0])
        assert link is not None
        assert (await thief.open(link[1])).status == 410

    with mail_server() as inbox:
        play(conversation, post=mail(inbox.port))


START = model(
    ("ask", task("ask", "sign", "customer")),
    properties={"journey.start": "public", "journey.identify": "email", "journey.contact": "email",
                "journey.party": "customer"},
    start_form="claim",
)  # fmt: skip


def test_who_starts_in_public_shows_by_a_code_that_the_address_is_theirs() -> None:
    async def conversation(world: World) -> None:
        browser = world.browser()
        begin = await browser.open("/play/-/start/claim")
        page = await browser.post(begin, "next", {"name": "Ada"})
        refused = await browser.post(page, "submit", {"amount": "5"})
        assert (refused.status, world.engine.instances()) == (422, []), "nobody could be written to"
        begin = await browser.open("/play/-/start/claim?page=who")
        page = await browser.post(begin, "next", {"email": "ada@example.com"})
        code = await browser.post(page, "submit", {"amount": "5"})
        assert code.kind == "code"
        home = "/".join(code.url.path.split("/")[:4])
        assert (await browser.open(home)).kind == "code", "nothing else is shown before"
        [sent] = inbox.texts
        found = re.search(r"\b\d{6}\b", sent)
        assert found is not None
        right = await browser.raw(code.action, {**code.fields, "code": found[0], "action": "code"})
        assert Page(right).kind == "page"
        assert "f:signed" in Page(right).fields

    with mail_server() as inbox:
        play(conversation, *documents(START), post=mail(inbox.port))


def test_a_program_that_starts_in_public_gives_the_code_too() -> None:
    async def conversation(world: World) -> None:
        client = world.browser().client
        body = {"process_id": "claim", "sets": {"name": "Ada", "amount": 1}}
        refused = await client.post("/play/-/api/start", json=body)
        assert [(each["path"], each["rule"]) for each in refused.json()["faults"]] == [("email", "required")]
        body["sets"] = {"name": "Ada", "amount": 1, "email": "ada@example.com"}
        opened = (await client.post("/play/-/api/start", json=body)).json()
        assert not opened["proven"]
        headers = {"authorization": f"Bearer {opened['token']}"}
        assert (await client.get(f"{opened['api']}/screen", headers=headers)).status_code == 401
        found = re.search(r"\b\d{6}\b", inbox.texts[0])
        assert found is not None
        assert (await client.post(f"{opened['api']}/code", json={"code": found[0]}, headers=headers)).status_code == 204
        assert (await client.get(f"{opened['api']}/screen", headers=headers)).status_code == 200

    with mail_server() as inbox:
        play(conversation, *documents(START), post=mail(inbox.port))


def test_who_stops_for_now_has_a_link_sent_by_a_page() -> None:
    async def conversation(world: World) -> None:
        phone, laptop = world.browser(), world.browser()
        page = await phone.start()
        later = await phone.post(page, "save", {"name": "Ada"})
        assert (later.kind, later.fields["by"]) == ("later", "email")
        assert "by the same link" in later.html
        wrong = await phone.raw(later.action, {**later.fields, "to": "nobody"})
        assert wrong.status_code == 422
        assert "Enter an address that can be written to." in wrong.text
        inbox.answer = "451 not now"
        unsent = await phone.raw(later.action, {**later.fields, "to": "ada@example.com"})
        assert unsent.status_code == 503
        assert "could not be sent" in unsent.text
        inbox.answer = ""
        sent = await phone.raw(later.action, {**later.fields, "to": "ada@example.com"})
        assert sent.status_code == 200
        assert "A link and a code were sent to a…@example.com." in sent.text
        code_page, code = await opened(laptop, inbox.texts[-1])
        right = await laptop.raw(code_page.action, {**code_page.fields, "code": code, "action": "code"})
        assert right.url.path == page.url.path, "the same page"
        assert Page(right).fields["f:name"] == "Ada"
        # Where the process knows an address it goes there, and nowhere else.
        there = await phone.post(
            await phone.post(page, "next", {"name": "Ada", "email": "ada@example.com"}), "submit", {"amount": "5"}
        )
        known = await phone.post(there, "save")
        assert "a…@example.com" in known.html
        assert "to" not in known.fields
        # A page of another site posts nothing in this one's name.
        forged = await phone.raw(known.action, {**known.fields, "csrf": "0" * 64})
        assert forged.status_code == 403

    with mail_server() as inbox:
        play(conversation, post=mail(inbox.port))


def test_where_no_message_can_be_sent_who_stops_is_told_how_to_come_back() -> None:
    async def conversation(world: World) -> None:
        browser = world.browser()
        later = await browser.post(await browser.start(), "save", {"name": "Ada"})
        assert later.kind == "later"
        assert "by" not in later.fields
        answer = await browser.client.get(f"{later.url.path}?lang=de", follow_redirects=True)
        assert "Ihre Antworten sind gespeichert" in answer.text

    play(conversation)


def test_the_address_that_the_process_knows_goes_before_one_that_is_typed() -> None:
    async def conversation(world: World) -> None:
        browser = world.browser()
        page = await browser.post(await browser.start(), "next", {"name": "Ada", "email": "ada@example.com"})
        page = await browser.post(page, "submit", {"amount": "5"})
        assert await handed(browser, page, to="eve@example.com") == (200, {"sent_to": "a…@example.com"})
        assert [message["To"] for message in inbox.messages] == ["ada@example.com"]

    with mail_server() as inbox:
        play(conversation, post=mail(inbox.port))


def test_a_mail_server_that_is_down_or_refuses_is_said_and_it_is_tried_again() -> None:
    async def conversation(world: World) -> None:
        browser = world.browser()
        page = await browser.start()
        inbox.answer = "451 not now"
        code, problem = await handed(browser, page, to="ada@example.com")
        assert (code, problem["code"]) == (503, "not-sent")
        assert "try again" in str(problem["detail"])
        assert world.engine.reader().records.listed(TENANT, "journey-link") == [], "nothing is left of it"
        assert world.engine.reader().records.listed(TENANT, "journey-code") == []
        inbox.answer = ""
        assert (await handed(browser, page, to="ada@example.com"))[0] == 200
        world.site.playing.doors.post = mail(1)
        assert (await handed(browser, page, to="ada@example.com"))[0] == 503

    with mail_server() as inbox:
        play(conversation, post=mail(inbox.port))


def test_an_address_is_one_address_and_no_header() -> None:
    async def conversation(world: World) -> None:
        for to in ("", "ada", "a@x.de, b@x.de", "a@x.de\r\nBcc: b@x.de", "a@x.de\nSubject: x", '"a b"@x.de,c@x.de'):
            browser = world.browser()
            assert (await handed(browser, await browser.start(), to=to))[0] in {409, 503, 400}, to
        assert inbox.messages == []

    with mail_server() as inbox:
        play(conversation, post=mail(inbox.port))


def test_without_a_way_or_an_address_of_the_server_nothing_is_sent() -> None:
    async def nowhere(world: World) -> None:
        browser = world.browser()
        page = await browser.start()
        assert (await handed(browser, page, to="ada@example.com"))[0] == 409

    async def unknown(world: World) -> None:
        browser = world.browser()
        page = await browser.start()
        code, problem = await handed(browser, page, to="ada@example.com")
        assert (code, "player.url" in str(problem["detail"])) == (503, True)

    play(nowhere)
    with mail_server() as inbox:
        play(unknown, post=mail(inbox.port), bounds=Bounds())
        assert inbox.messages == []


def test_an_sms_is_sent_by_a_signed_request() -> None:
    async def conversation(world: World) -> None:
        async with receiving() as receiver:
            world.site.playing.doors.post = Sending(None, Gateway(url=receiver.url, secret=SECRET, reach=LOCAL))
            browser, other = world.browser(), world.browser()
            page = await browser.start()
            assert await handed(browser, page, by="sms", to="+4915112345678") == (200, {"sent_to": "…78"})
            [message] = receiver.received
            seconds = int(message.headers["webhook-timestamp"])
            good = signing.signature(SECRET, message.id, seconds, message.body)
            assert message.headers["webhook-signature"] == good
            assert message.content["to"] == "+4915112345678"
            code_page, code = await opened(other, message.content["text"])
            right = await other.raw(code_page.action, {**code_page.fields, "code": code, "action": "code"})
            assert right.url.path == page.url.path
            receiver.answer = lambda _: status(500)
            assert (await handed(browser, page, by="sms", to="+4915112345678"))[0] == 503
            assert (await handed(browser, page, by="sms", to="nobody"))[0] == 409

    play(conversation)
    assert len(base64.b64decode(SECRET.removeprefix("whsec_"))) == 32


def test_a_message_is_in_the_language_of_the_session() -> None:
    async def conversation(world: World) -> None:
        browser = world.browser()
        begin = await browser.open("/play/-/start/claim", **{"accept-language": "he"})
        page = await browser.post(begin, "go")
        assert (await handed(browser, page, to="ada@example.com"))[0] == 200
        assert "הקוד שלך" in inbox.texts[0]

    properties = {"journey.start": "public", "journey.languages": "he en"}
    with mail_server() as inbox:
        documented = documents(model(("ask", task("ask", "claim")), properties=properties))
        play(conversation, *documented, post=mail(inbox.port))


def test_a_process_that_wants_to_know_who_it_is_sends_a_code_to_the_address_it_has() -> None:
    async def conversation(world: World) -> None:
        client, browser = world.browser().client, world.browser()
        body = {"process_id": "claim", "variables": {"email": "ada@example.com"}, "language": "de"}
        made = (await client.post("/v1/journeys", json=body)).json()
        assert made["link"]["identify"] == "email"
        assert inbox.messages == [], "a link that nobody opened sends nothing"
        page = await browser.post(await browser.open(made["url"]), "go")
        assert page.kind == "code"
        assert (await browser.open(page.url.path.replace("/code", "/wait"))).kind == "code", "nothing else is there"
        [text] = inbox.texts
        assert "Ihr Code" in text
        code = re.search(r"\b\d{6}\b", text)
        assert code is not None
        done = await browser.raw(page.action, {**page.fields, "code": code[0], "action": "code"})
        assert done.url.path.endswith("/who")
        # A program is told what is missing.
        opened = await client.post("/play/-/api/open", json={"link": made["url"].rpartition("/")[2]})
        assert (opened.status_code, opened.json()["code"]) == (410, "over")

    properties = {"journey.start": "api", "journey.identify": "email", "journey.contact": "email"}
    with mail_server() as inbox:
        documented = documents(model(("ask", task("ask", "claim")), properties=properties))
        play(conversation, *documented, post=mail(inbox.port))


def test_a_program_gives_the_code_itself() -> None:
    async def conversation(world: World) -> None:
        client = world.browser().client
        body = {"process_id": "claim", "variables": {"email": "ada@example.com"}}
        made = (await client.post("/v1/journeys/links", json=body)).json()
        opened = (await client.post("/play/-/api/open", json={"link": made["url"].rpartition("/")[2]})).json()
        assert opened["proven"] is False
        headers = {"authorization": f"Bearer {opened['token']}"}
        assert (await client.get(f"{opened['api']}/screen", headers=headers)).status_code == 401
        code = re.search(r"\b\d{6}\b", inbox.texts[0])
        assert code is not None
        wrong = f"{(int(code[0]) + 1) % 1_000_000:06d}"
        tried = await client.post(f"{opened['api']}/code", json={"code": wrong}, headers=headers)
        assert (tried.status_code, tried.json()["code"]) == (400, "bad-value")
        assert (await client.post(f"{opened['api']}/code", json={"code": code[0]}, headers=headers)).status_code == 204
        assert (await client.get(f"{opened['api']}/screen", headers=headers)).status_code == 200

    properties = {"journey.start": "personal", "journey.identify": "email", "journey.contact": "email"}
    with mail_server() as inbox:
        documented = documents(model(("ask", task("ask", "claim")), properties=properties))
        play(conversation, *documented, post=mail(inbox.port))
