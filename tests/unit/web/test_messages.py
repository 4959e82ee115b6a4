"""Messages and signals over REST."""

from __future__ import annotations

import asyncio

import httpx

from procession.hosts.embedded.engine import Engine
from web_rig import XML, Knows, admin, client_of, running_site, talk


def test_who_is_held_to_some_processes_sends_to_none_of_the_others() -> None:
    async def conversation(_: Engine, client: httpx.AsyncClient) -> None:
        conditions = "/v1/conditions/evaluate"
        statuses = [
            (await client.post(path, json=body)).status_code
            for path, body in (
                ("/v1/messages", {"name": "m"}),
                ("/v1/signals", {"name": "s"}),
                (conditions, {"variables": {}}),
                (conditions, {"variables": {}, "process_id": "other"}),
                (conditions, {"variables": {}, "process_id": "p"}),
            )
        ]
        assert statuses == [403, 403, 403, 403, 200]

    talk(conversation, ("p.bpmn", XML), gate=Knows(lambda _: admin(processes=("p",))))


def test_a_signal_with_an_idempotency_key_is_broadcast_once() -> None:
    async def told() -> None:
        with Engine() as engine:
            engine.deploy(("p.bpmn", XML.encode()))
            async with running_site(engine) as site, client_of(site) as client:
                headers = {"Idempotency-Key": "one"}
                first = await client.post("/v1/signals", json={"name": "stop"}, headers=headers)
                again = await client.post("/v1/signals", json={"name": "stop"}, headers=headers)
                other = await client.post("/v1/signals", json={"name": "go"}, headers=headers)
                assert (first.status_code, first.json()) == (200, {"received": 0})
                assert again.json() == first.json()
                assert other.status_code == 409
                assert other.headers["content-type"].startswith("application/problem+json")

    asyncio.run(told())
