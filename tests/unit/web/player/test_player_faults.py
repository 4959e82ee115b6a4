"""What somebody tries who means harm, or is unlucky: each is refused, or done once, and nothing is lost."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from journey_rig import World, documents, model, play, task
from procession.hosts.embedded.engine import Engine
from procession.runtime import requests as q
from procession.services.backend import Who
from procession.services.journeys import codes
from procession.services.journeys.kept import CODE, DRAFT, LINK, SESSION, Code, Link, body_of, place_of
from procession.services.journeys.ports import Letter, NotSent
from procession.services.journeys.sweeping import sweep
from procession.web.playing import Bounds, now_ms

TENANT = "<default>"
WHO = Who("user:test")
FAR = 1 << 50


class Kept:
    """A post that keeps letters."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []

    def ways(self) -> frozenset[str]:
        return frozenset({"email", "sms"})

    async def send(self, letter: Letter) -> None:
        self.letters.append(letter)


async def linked(world: World, **more: object) -> str:
    """The path of a personal link."""
    usual = Link("claim", 1, "user:test", FAR, party="customer")
    token = await world.site.playing.doors.make_link(TENANT, msgspec.structs.replace(usual, **more), WHO)
    return f"/play/-/l/{token}"


def test_a_link_that_nobody_made_leads_nowhere() -> None:
    async def conversation(world: World) -> None:
        browser = world.browser()
        for token in ("x", "0" * 43, "%00", "a" * 2_000):
            page = await browser.open(f"/play/-/l/{token}")
            assert page.status in {404, 400}, token
        api = await browser.client.post("/play/-/api/open", json={"link": "0" * 43})
        assert api.status_code == 404
        assert api.headers["content-type"] == "application/problem+json"

    play(conversation)


def test_looking_at_a_link_uses_nothing_up_and_opening_it_does() -> None:
    async def conversation(world: World) -> None:
        path, browser, other = await linked(world), world.browser(), world.browser()
        for _ in range(3):
            assert (await other.open(path)).kind == "open"
        assert world.engine.instances() == []
        page = await browser.post(await browser.open(path), "go")
        assert page.kind == "page"
        again = await browser.open(path)
        assert again.kind == "page", "who opened it goes on by the same link"
        late = await other.open(path)
        assert (late.status, late.kind) == (410, "problem")
        assert len(world.engine.instances()) == 1

    play(conversation)


def test_a_link_of_one_use_that_is_opened_at_the_same_time_opens_once() -> None:
    async def conversation(world: World) -> None:
        path = await linked(world)
        browsers = [world.browser() for _ in range(5)]
        pages = [await browser.open(path) for browser in browsers]
        opened = await asyncio.gather(
            *(browser.post(page, "go") for browser, page in zip(browsers, pages, strict=True))
        )
        assert sorted(page.status for page in opened) == [200, 410, 410, 410, 410]
        assert len(world.engine.instances()) == 1

    play(conversation)


def test_a_link_whose_time_is_over_opens_nothing() -> None:
    async def conversation(world: World) -> None:
        path, browser = await linked(world, expires=now_ms() - 1), world.browser()
        page = await browser.open(path)
        assert (page.status, page.kind) == (410, "problem")
        opened = await browser.client.post("/play/-/api/open", json={"link": path.rpartition("/")[2]})
        assert (opened.status_code, opened.json()["code"]) == (410, "over")

    play(conversation)


def test_a_session_is_of_its_tenant_and_journey_alone() -> None:
    async def conversation(world: World) -> None:
        await world.site.backend.ask(q.AddTenant("other"), WHO)
        await world.site.backend.ask(q.DeployResources("other", documents()), WHO)
        one, two = world.browser(), world.browser()
        mine, theirs = await one.start(), await two.start()
        token = one.session()
        bearer = {"authorization": f"Bearer {token}"}
        journey = mine.url.path.split("/")[3]
        assert (await one.client.get(f"/play/-/{journey}/api/screen", headers=bearer)).status_code == 200
        for path in (
            f"/play/-/{theirs.url.path.split('/')[3]}/api/screen",
            f"/play/other/{journey}/api/screen",
            f"/play/none/{journey}/api/screen",
            f"/play/-/{'x' * 22}/api/screen",
        ):
            answer = await one.client.get(path, headers=bearer)
            assert answer.status_code == 404, path
        assert (await world.browser().open(mine.url.path)).status == 404

    play(conversation)


def test_what_another_party_does_is_not_shown_and_not_done() -> None:
    async def conversation(world: World) -> None:
        customer, broker = world.browser(), world.browser()
        page = await customer.start()
        journey = page.url.path.split("/")[3]
        [instance] = world.engine.instances()
        path = await linked(world, journey=journey, party="broker")
        waiting = await broker.post(await broker.open(path), "go")
        assert waiting.kind == "wait"
        key = page.url.path.split("/")[4]
        assert (await broker.open(page.url.path)).kind == "wait"
        headers = {"authorization": f"Bearer {broker.session()}"}
        api = f"/play/-/{journey}/api"
        for operation in ("next", "back", "submit", "judge"):
            body = {"task": key, "page": "who", "sets": {"name": "Eve"}}
            assert (await broker.client.post(f"{api}/{operation}", json=body, headers=headers)).status_code == 404
        put = await broker.client.put(f"{api}/draft", json={"task": key, "sets": {"name": "Eve"}}, headers=headers)
        assert put.status_code == 404
        assert world.engine.reader().records.find(TENANT, DRAFT, key) is None
        page = await customer.post(page, "next", {"name": "Ada"})
        page = await customer.post(page, "submit", {"amount": "5"})
        assert page.kind == "wait", "it is the broker's now"
        assert (await broker.open(f"/play/-/{journey}")).kind == "page"
        assert instance.key == world.engine.instances()[0].key

    play(
        conversation,
        *documents(model(("ask", task("ask", "claim", "customer")), ("sign", task("sign", "sign", "broker")))),
    )


@pytest.mark.parametrize(
    ("change", "headers"),
    [
        ({"csrf": ""}, {}),
        ({"csrf": "0" * 64}, {}),
        ({}, {"origin": "https://evil.example"}),
        ({}, {"origin": "null"}),
        ({}, {"sec-fetch-site": "cross-site"}),
    ],
)
def test_a_form_that_another_site_posts_is_refused(change: dict[str, str], headers: dict[str, str]) -> None:
    async def conversation(world: World) -> None:
        browser = world.browser()
        begin = await browser.open("/play/-/start/claim")
        body = {**begin.fields, "action": "go"} | change
        refused = await browser.raw(begin.action, body, **headers)
        assert refused.status_code == 403
        assert world.engine.instances() == []
        page = await browser.start()
        body = {**page.fields, "f:name": "Eve", "action": "next"} | change
        refused = await browser.raw(page.action, body, **headers)
        assert refused.status_code == 403
        [task] = world.engine.tasks()
        assert world.engine.reader().records.find(TENANT, DRAFT, str(task.key)) is None
        api = page.url.path.rpartition(page.url.path.split("/")[4])[0] + "api/draft"
        json = {"task": str(task.key), "sets": {"name": "Eve"}}
        given = {"x-csrf-token": body.get("csrf", ""), "origin": "http://test", **headers}
        assert (await browser.client.put(api, json=json, headers=given)).status_code == 403

    play(conversation)


def test_a_start_that_is_posted_twice_starts_once() -> None:
    async def conversation(world: World) -> None:
        browser = world.browser()
        begin = await browser.open("/play/-/start/claim")
        cookies = {cookie.name: cookie.value or "" for cookie in browser.client.cookies.jar}
        twins = [world.browser() for _ in range(3)]
        for twin in twins:
            twin.client.cookies.update(cookies)
        pages = await asyncio.gather(*(twin.post(begin, "go") for twin in twins))
        assert {page.kind for page in pages} == {"page"}
        assert len({page.url.path for page in pages}) == 1
        assert len(world.engine.instances()) == 1

    play(conversation)


def test_a_submit_that_comes_twice_is_done_once_and_answered_the_same() -> None:
    async def conversation(world: World) -> None:
        browser = world.browser()
        page = await browser.start()
        page = await browser.post(page, "next", {"name": "Ada"})
        body = {**page.fields, "f:amount": "5", "action": "submit"}
        both = await asyncio.gather(*(browser.raw(page.action, body) for _ in range(3)))
        assert {each.status_code for each in both} == {200}
        assert len({each.url.path for each in both}) == 1
        third = await browser.raw(page.action, {**body, "f:amount": "999"})
        assert third.url.path == both[0].url.path
        [instance] = world.engine.instances()
        assert world.engine.reader().variables(TENANT, instance.key)["amount"] == 5
        assert len(world.engine.tasks()) == 1
        # Somebody else's session cannot claim to have sent it.
        headers = {"authorization": f"Bearer {browser.session()}"}
        answer = await browser.client.post(
            f"/play/-/{third.url.path.split('/')[3]}/api/submit", json={"task": "4711"}, headers=headers
        )
        assert answer.status_code == 404

    play(conversation)


def test_two_devices_see_what_the_other_one_changed() -> None:
    async def conversation(world: World) -> None:
        one, two = world.browser(), world.browser()
        mine = await one.start()
        path = await linked(world, journey=mine.url.path.split("/")[3])
        theirs = await two.post(await two.open(path), "go")
        assert theirs.url.path == mine.url.path
        await one.post(mine, "save", {"name": "Ada"})
        clash = await two.post(theirs, "next", {"name": "Grace"})
        assert (clash.status, clash.kind) == (409, "page"), "both are shown before anything goes on"
        assert clash.fields["f:name"] == "Grace", "the last write to arrive counts"
        assert (await two.post(clash, "next")).url.path.endswith("/what")

    play(conversation)


def test_what_was_answered_outlives_a_server_that_is_killed(tmp_path: Path) -> None:
    kept: dict[str, str] = {}

    async def first(world: World) -> None:
        browser = world.browser()
        page = await browser.start()
        page = await browser.post(page, "next", {"name": "Ada"})
        kept.update(path=page.url.path, token=browser.session())

    async def second(world: World) -> None:
        journey = kept["path"].split("/")[3]
        headers = {"authorization": f"Bearer {kept['token']}"}
        screen = (await world.browser().client.get(f"/play/-/{journey}/api/screen", headers=headers)).json()
        assert screen["shown"]["page"] == "what", "the same page"
        assert screen["shown"]["view"]["data"]["name"] == "Ada", "the same answers"

    # What is committed is in the file when it was answered: nothing is closed, as when a process is killed.
    engine = Engine(tmp_path / "store.db")
    play(first, engine=engine)
    engine.close()
    with Engine(tmp_path / "store.db") as again:
        play(second, engine=again)


def test_a_code_is_locked_after_its_attempts_even_when_they_come_together() -> None:
    post = Kept()

    async def conversation(world: World) -> None:
        path, browser = await linked(world, proof="email", contact="ada@example.com"), world.browser()
        page = await browser.post(await browser.open(path), "go")
        assert page.kind == "code"
        right = post.letters[0].code
        wrong = f"{(int(right) + 1) % 1_000_000:06d}"
        body = {**page.fields, "code": wrong, "action": "code"}
        tried = await asyncio.gather(*(browser.raw(page.action, body) for _ in range(8)))
        assert sorted(each.status_code for each in tried) == [422] * 4 + [429] * 4
        assert (await browser.raw(page.action, {**body, "code": right})).status_code == 429, "locked is locked"
        assert (await browser.raw(page.action, {**page.fields, "action": "resend"})).status_code == 429
        assert (await browser.open(page.url.path.replace("/code", ""))).kind == "code"
        headers = {"authorization": f"Bearer {browser.session()}"}
        screen = await browser.client.get(page.url.path.replace("code", "api/screen"), headers=headers)
        assert screen.status_code == 401

    play(conversation, post=post)


def test_the_right_code_opens_the_journey_and_is_spent() -> None:
    post = Kept()

    async def conversation(world: World) -> None:
        path, browser, other = (
            await linked(world, proof="email", contact="ada@example.com"),
            world.browser(),
            world.browser(),
        )
        page = await browser.post(await browser.open(path), "go")
        late = await other.post(await other.open(path), "go")
        assert late.kind == "code", "until somebody is proven the link is not used up"
        assert len(post.letters) == 1, "the code that was sent holds for both"
        code = post.letters[0].code
        shown = f"{code[:3]} {code[3:]}"
        page_body = {**page.fields, "code": shown, "action": "code"}
        assert (await browser.raw(page.action, page_body)).url.path.endswith("/who")
        spent = await other.raw(late.action, {**late.fields, "code": code, "action": "code"})
        assert spent.status_code in {410, 422}
        assert len(world.engine.instances()) == 1

    play(conversation, post=post)


def test_a_code_holds_ten_minutes_of_the_servers_clock() -> None:
    code = codes.kept("123456", None, 1_000, 5, FAR)
    assert codes.verdict(code, "123456", 1_000 + codes.LIVES_MS - 1) == "right"
    assert codes.verdict(code, "123456", 1_000 + codes.LIVES_MS) == "over"
    # A clock that was set back is the server's own; that of a device is never asked.
    assert codes.verdict(code, "123456", 0) == "right"
    assert codes.verdict(codes.tried(code), "000000", 1_000) == "wrong"
    assert codes.verdict(msgspec.structs.replace(code, left=1), "000000", 1_000) == "locked"
    assert codes.verdict(msgspec.structs.replace(code, left=0), "123456", 1_000) == "locked"
    assert "123456" not in str(code)
    sent = code
    for _ in range(codes.SENT_MAX - 1):
        assert codes.may_send(sent, 1_000)
        sent = codes.kept("1", sent, 1_000, 5, FAR)
    assert not codes.may_send(sent, 1_000)


def test_many_starts_from_one_address_are_held_up() -> None:
    async def conversation(world: World) -> None:
        statuses: list[int] = []
        for _ in range(5):
            statuses.append((await world.browser().start()).status)
        assert statuses == [200, 200, 200, 429, 429]
        assert len(world.engine.instances()) == 3
        headers = (await world.browser().client.post("/play/-/api/start", json={"process_id": "claim"})).headers
        assert int(headers["retry-after"]) > 0

    play(conversation, bounds=Bounds(starts_per_minute=3))


def test_nobody_starts_in_public_what_does_not_say_so() -> None:
    async def conversation(world: World) -> None:
        browser = world.browser()
        assert (await browser.open("/play/-/start/claim")).status == 404
        assert (await browser.open("/play/-/start/none")).status == 404
        assert (await browser.open("/play/nobody/start/claim")).status == 404
        assert (await browser.client.post("/play/-/api/start", json={"process_id": "claim"})).status_code == 404

    play(conversation, *documents(model(("ask", task("ask", "claim")), properties={"journey.start": "personal"})))


def test_what_is_over_is_forgotten() -> None:
    async def conversation(world: World) -> None:
        backend = world.site.backend
        now = now_ms()
        for kind, body in (
            (LINK, Link("claim", 1, "x", now - 1)),
            (SESSION, Link("claim", 1, "x", now - 1)),
            (CODE, Code("d", "s", 1, 1, 1, now - 1)),
            (DRAFT, Code("d", "s", 1, 1, 1, now + 60_000)),
        ):
            await backend.ask(q.PutRecord(TENANT, kind, place_of(kind), body_of(body)), WHO)
        assert await sweep(backend, TENANT, now) == 3
        records = world.engine.reader().records
        assert [records.find(TENANT, kind, place_of(kind)) is None for kind in (LINK, SESSION, CODE, DRAFT)] == [
            True, True, True, False,
        ]  # fmt: skip

    play(conversation)


def test_tokens_and_codes_are_nowhere_in_the_store(tmp_path: Path) -> None:
    post, secrets = Kept(), list[str]()

    async def conversation(world: World) -> None:
        path, browser = await linked(world, proof="sms", contact="+4915112345678"), world.browser()
        page = await browser.post(await browser.open(path), "go")
        secrets.extend([path.rpartition("/")[2], browser.session()])
        await browser.raw(page.action, {**page.fields, "code": post.letters[0].code, "action": "code"})

    with Engine(tmp_path / "store.db") as engine:
        play(conversation, engine=engine, post=post)
    data = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert all(secret and secret.encode() not in data for secret in secrets)


def test_no_log_names_a_link(caplog: pytest.LogCaptureFixture) -> None:
    async def conversation(world: World) -> None:
        path, browser = await linked(world), world.browser()
        assert (await browser.raw(path, {"csrf": "x"})).status_code == 403
        # The client that asks is the test's own, and logs what it likes.
        ours = [each.getMessage() for each in caplog.records if each.name.startswith("procession")]
        assert any("/play/{tenant" in each for each in ours)
        assert not any(path in each for each in ours)

    play(conversation)


def test_answers_that_are_more_than_a_page_bears_are_refused_and_not_ours() -> None:
    rows = {
        "type": "default",
        "id": "claim",
        "components": [
            {"type": "dynamiclist", "path": "rows", "components": [{"type": "textfield", "key": "a", "label": "A"}]}
        ],
    }

    async def conversation(world: World) -> None:
        client = world.browser().client
        started = (await client.post("/play/-/api/start", json={"process_id": "claim"})).json()
        headers, api = {"authorization": f"Bearer {started['token']}"}, started["api"]
        task = (await client.get(f"{api}/screen", headers=headers)).json()["shown"]["task"]
        values: tuple[Any, ...] = ([{}] * 1_001, "text", [[[]]], {"a": {}}, [{"a": ["x"]}] * 10, None)
        for value in values:
            body = {"task": task, "page": "", "sets": {"rows": value}}
            for operation in ("judge", "next", "submit"):
                answer = await client.post(f"{api}/{operation}", json=body, headers=headers)
                assert answer.status_code < 500, (value, operation, answer.text)
        screen = await client.get(f"{api}/screen", headers=headers)
        assert screen.status_code < 500

    nodes = (("ask", task("ask", "claim", "customer")), ("sign", task("sign", "sign", "customer")))
    bpmn, _, sign = documents(model(*nodes))
    play(conversation, bpmn, ("claim.form", json.dumps(rows).encode()), sign)


def test_one_session_sends_few_messages() -> None:
    post = Kept()

    async def conversation(world: World) -> None:
        browser = world.browser()
        page = await browser.start()
        api = "/".join(page.url.path.split("/")[:4]) + "/api/handover"
        headers = {"authorization": f"Bearer {browser.session()}"}
        body = {"by": "email", "to": "ada@example.com"}
        statuses = [(await browser.client.post(api, json=body, headers=headers)).status_code for _ in range(7)]
        assert statuses == [200] * 5 + [429] * 2
        assert len(post.letters) == 5

    play(conversation, post=post)


def test_who_has_no_session_does_not_look_for_one_all_the_time() -> None:
    async def conversation(world: World) -> None:
        client = world.browser().client
        statuses = [(await client.get(f"/play/-/{'x' * 22}/api/screen")).status_code for _ in range(5)]
        assert statuses == [404, 404, 404, 429, 429]

    play(conversation, bounds=Bounds(starts_per_minute=3))


def test_a_session_that_asks_all_the_time_is_held_up() -> None:
    async def conversation(world: World) -> None:
        browser = world.browser()
        page = await browser.start()
        answers = [await browser.client.get(page.url.path) for _ in range(4)]
        assert answers[-1].status_code == 429
        assert int(answers[-1].headers["retry-after"]) > 0
        assert 'class="kind-problem"' in answers[-1].text

    play(conversation, bounds=Bounds(requests_per_second=1))


class Down(Kept):
    """A post that cannot send."""

    async def send(self, letter: Letter) -> None:
        raise NotSent("the e-mail could not be sent: try again in a moment")


def test_where_no_message_can_be_sent_the_person_is_told_and_tries_again() -> None:
    async def conversation(world: World) -> None:
        path, browser = await linked(world, proof="email", contact="ada@example.com"), world.browser()
        page = await browser.post(await browser.open(path), "go")
        assert page.kind == "code"
        assert "could not be sent" in page.html
        again = await browser.raw(page.action, {**page.fields, "action": "resend"})
        assert again.status_code == 503
        post = Kept()
        world.site.playing.doors.post = post
        sent = await browser.raw(page.action, {**page.fields, "action": "resend"})
        assert sent.status_code == 200
        assert len(post.letters) == 1

    play(conversation, post=Down())
