"""The form of a public start for programs: page by page, nothing kept, and what is refused."""

from __future__ import annotations

from typing import Any

import httpx

from journey_rig import World, documents, model, play, task

STARTED = model(("ask", task("ask", "sign", "customer")), start_form="claim")


async def begin(client: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    answer = await client.post("/play/-/api/begin", json={"process_id": "claim", **body})
    assert answer.status_code in {200, 422}, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_form_of_a_start_is_filled_in_page_by_page() -> None:
    async def conversation(world: World) -> None:
        client = world.browser().client
        first = await begin(client)
        assert (first["shown"]["kind"], first["shown"]["page"], first["shown"]["first"]) == ("page", "who", True)
        assert first["programs"] is not None
        refused = await begin(client, action="next", page="who")
        assert [(each["path"], each["rule"]) for each in refused["faults"]] == [("name", "required")]
        judged = await begin(client, action="judge", page="who", sets={"name": ""})
        assert [each["path"] for each in judged["shown"]["faults"]] == ["name"]
        after = await begin(client, action="next", page="who", sets={"name": "Ada"})
        assert (after["shown"]["page"], after["shown"]["last"]) == ("what", True)
        back = await begin(client, action="back", page="what", sets={"name": "Ada", "amount": "none"})
        assert back["shown"]["page"] == "who"
        assert back["shown"]["view"]["data"]["name"] == "Ada"
        assert (await begin(client, language="de"))["shown"]["language"] == "de"
        assert world.engine.instances() == [], "nothing has begun"
        started = await client.post(
            "/play/-/api/start", json={"process_id": "claim", "sets": {"name": "A", "amount": 1}}
        )
        assert started.status_code == 201

    play(conversation, *documents(STARTED))


def test_a_start_without_a_form_says_so_and_one_that_is_not_public_is_not_there() -> None:
    async def conversation(world: World) -> None:
        client = world.browser().client
        assert (await begin(client))["shown"]["kind"] == "begin"
        for body, status in (
            ({"process_id": "nobody"}, 404),
            ({"process_id": "claim", "action": "submit"}, 400),
            ({"process_id": "claim", "more": 1}, 400),
            ({}, 400),
        ):
            assert (await client.post("/play/-/api/begin", json=body)).status_code == status, body

    play(conversation)


def test_steps_of_a_start_are_counted_by_their_visit() -> None:
    async def conversation(world: World) -> None:
        client = world.browser().client
        visit = "v" * 24
        await begin(client, visit=visit)
        await begin(client, action="next", page="who", visit=visit)
        await begin(client, action="next", page="who", sets={"name": "Ada"}, visit=visit)
        await world.site.playing.funnel.flush()
        found = (await client.get("/v1/journeys/funnel", params={"process_id": "claim"})).json()
        pages = {each["page"]: each for each in found["total"]["pages"]}
        assert (pages["who"]["shown"], pages["who"]["left"]) == (1, 1)
        assert pages["who"]["faults"] == [{"field": "name", "rule": "required", "count": 1}]
        assert pages["what"]["shown"] == 1

    play(conversation, *documents(STARTED))
