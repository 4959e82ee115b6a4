"""Journeys from the outside: started by a caller, links made, listed and revoked, and how pages look."""

from __future__ import annotations

import json

import pytest

from journey_rig import World, documents, model, play, task
from mail_rig import mail_server
from procession.base.failure import BadValue
from procession.services.journeys.rules import DAY_MS, Rules, read_rules
from procession.web.post.sending import Mail, Sending

TENANT = "<default>"


def test_a_journey_that_is_started_has_a_link_for_one_person() -> None:
    async def conversation(world: World) -> None:
        client, browser = world.browser().client, world.browser()
        body = {"process_id": "claim", "party": "customer", "variables": {"name": "Ada"}, "language": "de"}
        answer = await client.post("/v1/journeys", json=body, headers={"idempotency-key": "one"})
        assert answer.status_code == 201, answer.text
        made = answer.json()
        assert made["url"].startswith("http://test/play/-/l/")
        assert (made["link"]["uses"], made["link"]["used"], made["link"]["identify"]) == (1, 0, "none")
        again = (await client.post("/v1/journeys", json=body, headers={"idempotency-key": "one"})).json()
        assert (again["journey"], again["instance"]) == (made["journey"], made["instance"])
        assert len(world.engine.instances()) == 1
        page = await browser.post(await browser.open(made["url"]), "go")
        assert page.fields["f:name"] == "Ada"
        assert 'lang="de"' in page.html
        [other, used] = sorted((await client.get("/v1/journeys/links")).json()["items"], key=lambda link: link["used"])
        assert (other["used"], used["used"], used["journey"]) == (0, 1, made["journey"])
        assert made["url"].rpartition("/")[2] not in str([other, used])

    play(conversation)


def test_a_personal_link_starts_when_it_is_opened_and_can_be_revoked() -> None:
    async def conversation(world: World) -> None:
        client, browser = world.browser().client, world.browser()
        body = {"process_id": "claim", "variables": {"name": "Ada"}}
        made = (await client.post("/v1/journeys/links", json=body)).json()
        assert world.engine.instances() == []
        page = await browser.post(await browser.open(made["url"]), "go")
        assert page.fields["f:name"] == "Ada"
        second = (await client.post("/v1/journeys/links", json=body)).json()
        assert (await client.delete(f"/v1/journeys/links/{second['link']['id']}")).status_code == 204
        assert (await browser.open(second["url"])).status == 404
        assert (await client.delete(f"/v1/journeys/links/{second['link']['id']}")).status_code == 404
        pages = await client.get("/v1/journeys/links", params={"limit": 1})
        assert len(pages.json()["items"]) == 1

    play(conversation)


def test_only_what_the_process_says_can_be_done() -> None:
    async def conversation(world: World) -> None:
        client = world.browser().client
        for path, body, status in (
            ("/v1/journeys", {"process_id": "claim"}, 409),
            ("/v1/journeys", {"process_id": "none"}, 404),
            ("/v1/journeys/links", {}, 400),
            ("/v1/journeys/links", {"process_id": "claim", "instance": "1"}, 400),
            ("/v1/journeys/links", {"instance": "1"}, 404),
            ("/v1/journeys/links", {"process_id": "claim", "expires": "2001-01-01T00:00:00Z"}, 400),
            ("/v1/journeys/links", {"process_id": "claim", "uses": -1}, 400),
        ):
            answer = await client.post(path, json=body)
            assert answer.status_code == status, (path, body, answer.text)

    play(conversation, *documents(model(("ask", task("ask", "claim")), properties={"journey.start": "personal"})))


def test_a_brand_is_on_the_pages_of_its_journeys() -> None:
    async def conversation(world: World) -> None:
        client = world.browser().client
        brand = {"name": "ACME", "variables": {"--accent": "#0055cc"}}
        assert (await client.post("/v1/journeys/brands", json={"id": "acme", "brand": brand})).status_code == 204
        pale = {"name": "ACME", "variables": {"--accent": "#8ab4f8", "--radius": "wide"}}
        refused = await client.post("/v1/journeys/brands", json={"id": "acme", "brand": pale})
        assert refused.status_code == 400
        assert "`--accent` on `--paper` has a contrast of 2.1:1" in refused.json()["detail"]
        assert "`--radius` must be a length" in refused.json()["detail"]
        assert (await client.get("/v1/journeys/brands/acme")).json() == brand
        started = (await client.post("/play/-/api/start", json={"process_id": "claim"})).json()
        headers = {"authorization": f"Bearer {started['token']}"}
        screen = (await client.get(f"{started['api']}/screen", headers=headers)).json()
        assert screen["shown"]["brand"] == brand

    properties = {"journey.start": "public", "journey.brand": "acme"}
    play(conversation, *documents(model(("ask", task("ask", "claim")), properties=properties)))


def test_callers_of_other_players_make_links_as_they_are_used_to() -> None:
    async def conversation(world: World) -> None:
        client, browser = world.browser().client, world.browser()
        model = {"name": "Ada", "email": "ada@example.com"}
        body = {"apiVersion": "1", "processId": "claim", "role": "customer", "serializedModel": json.dumps(model)}
        made = (await client.post("/player/api/generate-link", json=body)).json()
        assert (set(made), made["coBrowsing"]) == ({"link", "rid", "masterRid", "coBrowsing"}, {})
        page = await browser.post(await browser.open(made["link"]), "go")
        assert page.fields["f:name"] == "Ada"
        sent = await client.post("/player/api/send-link", json={**body, "serializedModel": model})
        assert sent.status_code == 200, sent.text
        assert [(message["To"], message["Subject"]) for message in inbox.messages] == [("ada@example.com", "Your link")]
        assert sent.json()["link"] in inbox.texts[0]
        for wrong in ({"apiKey": "k"}, {"serializedModel": "{"}, {"serializedModel": "[]"}):
            assert (await client.post("/player/api/generate-link", json={**body, **wrong})).status_code == 400, wrong
        nobody = await client.post("/player/api/send-link", json={**body, "serializedModel": {}})
        assert nobody.status_code == 409

    with mail_server() as inbox:
        sending = Sending(Mail(host="127.0.0.1", port=inbox.port, sender="claims@example.com", tls="none"))
        play(conversation, post=sending)


def test_rules_are_read_and_what_is_wrong_is_said() -> None:
    assert read_rules({"other": "x"}) == Rules()
    found = read_rules({"journey.start": "public, api", "journey.expires": "P1M", "journey.languages": "de, en"})
    assert (found.start, found.expires_ms, found.languages) == (frozenset({"public", "api"}), 30 * DAY_MS, ("de", "en"))
    for name, text in (
        ("start", "everybody"), ("expires", "soon"), ("expires", "PT0S"), ("expires", "P99Y"), ("attempts", "0"),
        ("attempts", "x"), ("attempts", "999"), ("identify", "dna"), ("identify", "email"),
    ):  # fmt: skip
        with pytest.raises(BadValue, match=f"journey.{name}"):
            read_rules({f"journey.{name}": text})
