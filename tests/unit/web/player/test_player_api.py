"""The headless API of journeys: screens, drafts, verdicts, steps, and what is told while the process works."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx

from journey_rig import World, documents, model, play, task, work
from procession.services.journeys.drafts import Draft
from web_rig import served

TENANT = "<default>"


class Device:
    """A program that plays by bearer."""

    def __init__(self, client: httpx.AsyncClient, name: str, opened: dict[str, Any]) -> None:
        self.client = client
        self.name = name
        self.api = opened["api"]
        self.headers = {"authorization": f"Bearer {opened['token']}"}
        self.seq = 0

    async def screen(self, **query: str) -> dict[str, Any]:
        answer = await self.client.get(f"{self.api}/screen", params=query, headers=self.headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def put(self, task: str, base: int, sets: dict[str, Any], seq: int | None = None) -> dict[str, Any]:
        self.seq = self.seq + 1 if seq is None else seq
        body = {"task": task, "base": base, "sets": sets, "seq": self.seq, "device": self.name}
        answer = await self.client.put(f"{self.api}/draft", json=body, headers=self.headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def do(self, what: str, task: str, page: str = "", **sets: Any) -> httpx.Response:
        base = (await self.screen())["version"]
        body = {"task": task, "page": page, "sets": sets, "base": base}
        return await self.client.post(f"{self.api}/{what}", json=body, headers=self.headers)


async def started(client: httpx.AsyncClient, name: str = "a", **more: Any) -> Device:
    answer = await client.post("/play/-/api/start", json={"process_id": "claim", **more})
    assert answer.status_code == 201, answer.text
    return Device(client, name, answer.json())


def test_a_journey_is_played_by_a_program() -> None:
    async def conversation(world: World) -> None:
        device = await started(world.browser().client)
        shown = (await device.screen())["shown"]
        assert (shown["kind"], shown["page"], shown["first"], shown["of"]) == ("page", "who", True, 2)
        refused = await device.do("next", shown["task"], "who")
        assert refused.status_code == 422
        assert refused.headers["content-type"] == "application/problem+json"
        assert [fault["rule"] for fault in refused.json()["faults"]] == ["required"]
        following = await device.do("next", shown["task"], "who", name="Ada")
        assert following.json()["shown"]["page"] == "what"
        assert (await device.do("back", shown["task"], "what", amount="x")).json()["shown"]["page"] == "who"
        wrong = await device.do("submit", shown["task"], "what")
        assert (wrong.status_code, wrong.json()["shown"]["page"]) == (422, "what")
        done = await device.do("submit", shown["task"], "what", amount=12.5)
        assert done.json()["shown"]["view"]["id"] == "sign"
        last = await device.do("submit", done.json()["shown"]["task"], "", signed="Ada")
        assert last.json()["shown"]["kind"] == "end"

    play(conversation)


def test_the_last_write_to_arrive_wins_field_by_field_and_says_over_what() -> None:
    async def conversation(world: World) -> None:
        client = world.browser().client
        one = await started(client, "phone")
        two = Device(client, "laptop", {"api": one.api, "token": one.headers["authorization"].split()[1]})
        task = (await one.screen())["shown"]["task"]
        assert await one.put(task, 0, {"name": "Ada", "email": "a@x.de"}) == {"version": 1, "conflicts": []}
        other = await two.put(task, 0, {"name": "Grace"})
        assert other == {"version": 2, "conflicts": [{"path": "name", "theirs": "Ada", "mine": "Grace"}]}
        assert (await two.put(task, 2, {"name": "Grace H."}))["conflicts"] == [], "its own, and seen"
        data = (await one.screen())["shown"]["view"]["data"]
        assert (data["name"], data["email"]) == ("Grace H.", "a@x.de")
        # Sent again after the answer was lost, it is answered again and not done again.
        assert await two.put(task, 0, {"name": "Grace"}, seq=1) == {"version": 3, "conflicts": []}
        assert await two.put(task, 2, {"name": "Other"}, seq=2) == {"version": 3, "conflicts": []}
        assert (await one.screen())["shown"]["view"]["data"]["name"] == "Grace H."
        # What comes from both at once is all there.
        await asyncio.gather(
            *(one.put(task, 3, {"email": f"{n}@x.de"}, seq=10 + n) for n in range(5)), two.put(task, 3, {"name": "Z"})
        )
        assert (await one.screen())["shown"]["view"]["data"]["name"] == "Z"

    play(conversation)


def test_a_draft_holds_fields_of_the_form_and_nothing_else() -> None:
    async def conversation(world: World) -> None:
        device = await started(world.browser().client)
        task = (await device.screen())["shown"]["task"]
        told = await device.put(task, 0, {"admin": True, "name.first": "x", "name": "Ada"})
        record = world.engine.reader().records.one(TENANT, "journey-draft", task)
        assert list(record.read(Draft).entries) == ["name"]
        assert told["version"] == 1
        for sets in ({"": 1}, {"a[": 1}, {"[0]": 1}, {"x" * 600: 1}, {"a[99999]": 1}):
            body = {"task": task, "sets": sets}
            answer = await device.client.put(f"{device.api}/draft", json=body, headers=device.headers)
            assert answer.status_code == 400, sets
        large = {"task": task, "sets": {"name": "x" * 3_000_000}}
        answer = await device.client.put(f"{device.api}/draft", json=large, headers=device.headers)
        assert answer.status_code == 400

    play(conversation)


def test_a_verdict_keeps_nothing() -> None:
    async def conversation(world: World) -> None:
        device = await started(world.browser().client)
        task = (await device.screen())["shown"]["task"]
        judged = (await device.do("judge", task, "what", amount=5_000)).json()
        assert [(each["path"], each["rule"]) for each in judged["faults"]] == [("police", "required")]
        assert world.engine.reader().records.find(TENANT, "journey-draft", task) is None

    play(conversation)


def test_variables_that_no_field_shows_are_told_to_nobody() -> None:
    async def conversation(world: World) -> None:
        key = world.engine.start("claim", {"risk": "CANARY", "name": "Ada", "customer": {"score": "CANARY"}})
        answer = await world.browser().client.post(
            "/v1/journeys/links", json={"instance": str(getattr(key, "key", key)), "party": "customer"}
        )
        assert answer.status_code == 201, answer.text
        token = answer.json()["url"].rpartition("/")[2]
        client = world.browser().client
        opened = (await client.post("/play/-/api/open", json={"link": token})).json()
        device = Device(client, "a", opened)
        screen = await device.screen()
        assert screen["shown"]["view"]["data"]["name"] == "Ada"
        assert "CANARY" not in json.dumps(screen)

    play(conversation)


def test_a_stream_tells_when_there_is_something_to_play() -> None:
    async def conversation(world: World) -> None:
        async with served(world.site) as client:
            device = await started(client)
            async with client.stream("GET", f"{device.api}/events", headers=device.headers) as stream:
                lines = stream.aiter_lines()
                kinds: list[str] = []
                async for line in lines:
                    if line.startswith("data: "):
                        kinds.append(json.loads(line[6:])["kind"])
                        if kinds[-1] == "wait":
                            [job] = world.engine.activate_jobs("rate", 1)
                            world.engine.complete_job(job.key, {})
                        if kinds[-1] == "page":
                            task = world.engine.tasks()[0]
                            await device.do("submit", str(task.key), "", signed="Ada")
            assert kinds == ["wait", "page", "end"]

    nodes = (("rate", work("rate", "rate")), ("sign", task("sign", "sign", "customer")))
    play(conversation, *documents(model(*nodes)))


def test_what_is_no_request_is_refused() -> None:
    async def conversation(world: World) -> None:
        device = await started(world.browser().client)
        task = (await device.screen())["shown"]["task"]
        wrong: list[Any] = [
            {"task": "x"},
            {"task": task, "sets": []},
            {"task": task, "seq": -1},
            {"task": task, "more": 1},
        ]
        wrong.append([])
        for body in wrong:
            answer = await device.client.post(f"{device.api}/next", json=body, headers=device.headers)
            assert answer.status_code == 400, body
        assert (await device.client.get(f"{device.api}/screen")).status_code == 404
        answer = await device.client.get(f"{device.api}/screen", params={"task": "-1"}, headers=device.headers)
        assert answer.status_code == 400
        assert (await device.screen(task=task, page="what"))["shown"]["page"] == "what"

    play(conversation)
