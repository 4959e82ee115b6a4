"""Journeys as pages without JavaScript: start, pages, back, check, submit, waiting, the end; in languages."""

from __future__ import annotations

import re

from journey_rig import World, called, documents, model, play, task, work
from procession.web.player.statics import SCRIPT
from procession.web.playing import Bounds

TENANT = "<default>"


def test_a_journey_is_played_from_its_start_to_its_end() -> None:
    async def conversation(world: World) -> None:
        browser = world.browser()
        page = await browser.start()
        assert (page.status, page.kind) == (200, "page")
        assert page.url.path.endswith("/who")
        page = await browser.post(page, "next", {"name": "Ada", "email": "ada@example.com"})
        assert page.url.path.endswith("/what")
        page = await browser.post(page, "back", {"amount": "nonsense"})
        assert page.url.path.endswith("/who")
        assert page.fields["f:name"] == "Ada"
        page = await browser.post(page, "next")
        assert page.fields["f:amount"] == "nonsense", "Back judges nothing and loses nothing"
        page = await browser.post(page, "next", {"amount": "nonsense"})
        assert (page.status, page.kind) == (422, "page")
        page = await browser.post(page, "next", {"amount": "12"})
        assert page.kind == "check"
        assert "Ada" in page.html
        page = await browser.post(page, "submit")
        assert page.kind == "page"
        assert "f:signed" in page.fields
        page = await browser.post(page, "submit", {"signed": "Ada"})
        assert page.kind == "end"
        [instance] = world.engine.instances()
        assert instance.state == "completed"
        assert world.engine.reader().variables(TENANT, instance.key) == {
            "name": "Ada", "email": "ada@example.com", "amount": 12, "signed": "Ada",
        }  # fmt: skip
        assert world.engine.reader().records.listed(TENANT, "journey-draft") == [], "drafts go with what they were for"

    play(conversation)


def test_who_comes_back_is_at_the_same_page_with_the_same_answers() -> None:
    async def conversation(world: World) -> None:
        browser = world.browser()
        page = await browser.start()
        page = await browser.post(page, "next", {"name": "Ada"})
        saved = await browser.post(page, "save", {"amount": "7"})
        assert saved.kind == "later"
        assert "Until " in saved.html
        back = await browser.open("/".join(page.url.path.split("/")[:4]))
        assert back.url.path == page.url.path
        assert back.fields["f:amount"] == "7"
        # A page that is hidden, or is none, leads to one that is there.
        assert (await browser.open(page.url.path.replace("/what", "/nowhere"))).url.path.endswith("/who")

    play(conversation)


def test_submit_judges_pages_that_were_never_seen_and_drops_what_is_hidden() -> None:
    async def conversation(world: World) -> None:
        browser = world.browser()
        page = await browser.start()
        what = await browser.open(page.url.path.replace("/who", "/what"))
        refused = await browser.post(what, "submit", {"amount": "5000", "police": "seen"})
        assert (refused.status, refused.kind) == (422, "page")
        assert "f:name" in refused.fields, "the first page at which something is wrong"
        page = await browser.post(refused, "next", {"name": "Ada"})
        page = await browser.post(page, "submit", {"amount": "5"})
        assert page.kind == "page"
        [instance] = world.engine.instances()
        assert "police" not in world.engine.reader().variables(TENANT, instance.key)

    play(conversation)


def test_a_changed_answer_leads_back_to_the_check() -> None:
    async def conversation(world: World) -> None:
        browser = world.browser()
        page = await browser.post(await browser.start(), "next", {"name": "Ada"})
        check = await browser.post(page, "next", {"amount": "5"})
        assert check.kind == "check"
        change = await browser.open(check.url.path.replace("/check", "/who?from=check"))
        assert change.action.endswith("/who?from=check")
        assert (await browser.post(change, "next", {"name": "Grace"})).kind == "check"

    play(conversation)


def test_while_the_process_works_the_page_waits_and_goes_on() -> None:
    async def conversation(world: World) -> None:
        browser = world.browser()
        page = await browser.post(await browser.start(), "next", {"name": "Ada"})
        waiting = await browser.post(page, "submit", {"amount": "5"})
        assert waiting.kind == "wait"
        assert 'http-equiv="refresh"' in waiting.html, "without JavaScript it reloads itself"
        [job] = world.engine.activate_jobs("rate", 1)
        world.engine.complete_job(job.key, {"rated": True})
        assert (await browser.open(waiting.url.path)).kind == "page"

    nodes = (("ask", task("ask", "claim", "customer")), ("rate", work("rate", "rate")))
    play(conversation, *documents(model(*nodes, ("sign", task("sign", "sign", "customer")))))


def test_tasks_of_called_processes_are_part_of_the_journey() -> None:
    async def conversation(world: World) -> None:
        browser = world.browser()
        page = await browser.start()
        assert "f:signed" in page.fields
        assert (await browser.post(page, "submit", {"signed": "Ada"})).kind == "end"

    inner = model(("sign", task("sign", "sign", "customer")), id="inner", properties={})
    play(conversation, *documents(model(("call", called("call", "inner"))), inner=inner))


def test_a_task_without_a_form_says_so() -> None:
    async def conversation(world: World) -> None:
        page = await world.browser().start()
        assert (page.status, page.kind) == (422, "problem")
        assert "no form" in page.html

    play(conversation, *documents(model(("ask", task("ask", groups="customer")))))


def test_a_start_has_a_form_of_its_own() -> None:
    async def conversation(world: World) -> None:
        browser = world.browser()
        page = await browser.open("/play/-/start/claim")
        assert "f:name" in page.fields
        refused = await browser.post(page, "next", {"name": ""})
        assert refused.status == 422
        page = await browser.post(refused, "next", {"name": "Ada"})
        assert page.url.query == b"page=what"
        assert world.engine.instances() == []
        assert (await browser.open("/play/-/start/claim")).kind == "page"
        refused = await browser.post(page, "submit", {"amount": "0"})
        assert refused.status == 422
        page = await browser.post(refused, "submit", {"amount": "3"})
        assert page.kind == "page"
        [instance] = world.engine.instances()
        assert world.engine.reader().variables(TENANT, instance.key) == {"name": "Ada", "email": None, "amount": 3}

    play(conversation, *documents(model(("sign", task("sign", "sign", "customer")), start_form="claim")))


def test_a_language_is_chosen_by_the_browser_and_changed_by_a_link() -> None:
    async def conversation(world: World) -> None:
        browser = world.browser()
        begin = await browser.open("/play/-/start/claim", **{"accept-language": "fr, de;q=0.8, en;q=0.5"})
        assert 'lang="de"' in begin.html
        page = await browser.post(begin, "go")
        assert 'lang="de"' in page.html
        changed = await browser.open(f"{page.url.path}?lang=en")
        assert 'lang="en"' in changed.html
        assert 'lang="en"' in (await browser.open(page.url.path)).html, "it stays"
        other = await browser.open(f"{page.url.path}?lang=xx")
        assert 'lang="en"' in other.html, "one that the journey has not is its first"

    play(conversation)


def test_every_answer_carries_headers_that_keep_a_page_alone() -> None:
    async def conversation(world: World) -> None:
        browser = world.browser()
        page = await browser.start()
        for answer in (
            page.response,
            (await browser.open("/play/-/start/none")).response,
            await browser.client.get(f"{page.url.path}/nothing"),
        ):
            assert answer.headers["cache-control"] == "no-store"
        policy = page.response.headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert page.response.headers["referrer-policy"] == "same-origin"
        assert page.response.headers["x-frame-options"] == "DENY"
        cookie = page.response.history[0].headers.get_list("set-cookie")[0] if page.response.history else ""
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert f"Path={'/'.join(page.url.path.split('/')[:4])}" in cookie

    play(conversation)


def test_a_setting_lets_pages_of_others_show_journeys() -> None:
    async def conversation(world: World) -> None:
        answer = (await world.browser().open("/play/-/start/claim")).response
        assert "frame-ancestors https://www.example.com" in answer.headers["content-security-policy"]
        assert "x-frame-options" not in answer.headers

    play(conversation, bounds=Bounds(frame_ancestors=("https://www.example.com",)))


def test_what_people_type_is_text_on_every_page() -> None:
    async def conversation(world: World) -> None:
        browser = world.browser()
        evil = '"><script>alert(1)</script>'
        page = await browser.post(await browser.start(), "next", {"name": evil})
        check = await browser.post(page, "next", {"amount": "5"})
        for each in (check, await browser.open(page.url.path.replace("/what", "/who"))):
            # What a page loads itself, and its data, are all the scripts that there are.
            assert re.findall(r"<script[^>]*>", each.html) == [
                '<script type="module" src="' + SCRIPT + '">',
                '<script type="application/json" id="procession-screen">',
            ]

    play(conversation)
