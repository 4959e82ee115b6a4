"""Messages and signals over REST."""

from __future__ import annotations

import asyncio

from procession.hosts.embedded.engine import Engine
from web_rig import XML, client_of, running_site


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
