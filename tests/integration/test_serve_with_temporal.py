"""A server whose instances are workflows: journeys and the API do the same as where they run in the store."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any, Final

import httpx

import needs
import temporal_rig
from journey_rig import World, documents, play
from procession import Engine, Temporal
from procession.testing.temporal import DevServer, dev_server
from server_rig import SECONDS_MAX, ServerProcess, soon
from temporal_rig import Engines
from unit.web.player.test_player_api import started

TENANT: Final = "<default>"

needs.require("server", "pip install 'procession[server]'")
needs.require("player", "pip install 'procession[player]'")


def test_a_journey_is_played_on_temporal_as_it_is_elsewhere(temporal_engines: Engines) -> None:
    async def conversation(world: World) -> None:
        program = await started(world.browser().client)
        shown = (await program.screen())["shown"]
        assert (shown["kind"], shown["page"]) == ("page", "who"), "the first screen is there with the start"
        await program.do("next", shown["task"], "who", name="Ada")
        twice = [program.do("submit", shown["task"], "what", amount=5) for _ in range(2)]
        done = [answer.json() for answer in await asyncio.gather(*twice)]
        assert {each["shown"]["view"]["id"] for each in done} == {"sign"}, "what comes twice is done once"
        after = (await program.screen())["shown"]
        ended = (await program.do("submit", after["task"], signed="Ada")).json()["shown"]
        assert ended["kind"] == "end"
        [instance] = world.engine.instances()
        assert (instance.state, instance.variables["amount"]) == ("completed", 5)
        log = (await world.browser().client.get("/v1/audit", params={"limit": 100})).json()["items"]
        assert [each["what"] for each in log].count("TaskEvent") == 2, "who completed a task is written down, once"

    engine = temporal_engines()
    play(conversation, *documents(), engine=engine)


def test_pages_play_it_too(temporal_engines: Engines) -> None:
    async def conversation(world: World) -> None:
        browser = world.browser()
        page = await browser.start()
        page = await browser.post(page, "next", {"name": "Ada"})
        page = await browser.post(page, "submit", {"amount": "5"})
        page = await browser.post(page, "submit", {"signed": "Ada"})
        assert page.kind == "end"

    play(conversation, *documents(), engine=temporal_engines())


def test_the_server_runs_instances_on_the_cluster_of_its_settings(
    temporal_server: DevServer, tmp_path: Path
) -> None:  # fmt: skip
    environment = {
        "PROCESSION_IDENTITY__OPEN": "true",
        "PROCESSION_GATEWAY__ENABLED": "off",
        "PROCESSION_TEMPORAL__ADDRESS": temporal_server.address,
        "PROCESSION_TEMPORAL__NAMESPACE": temporal_server.namespace,
        "PROCESSION_TEMPORAL__QUEUE": re.sub(r"\W", "-", tmp_path.name),
    }
    with ServerProcess(tmp_path, "serve", "--port", "0", "--db", str(tmp_path / "e.db"), **environment) as server:
        server.ready()
        with httpx.Client(base_url=server.url, timeout=SECONDS_MAX) as client:
            files = [("resources", each) for each in documents()]
            assert client.post("/v1/deployments", files=files).status_code == 201
            key = {"Idempotency-Key": "one"}
            body = {"process_id": "claim"}
            first = client.post("/v1/instances", json=body, headers=key).json()
            again = client.post("/v1/instances", json=body, headers=key).json()
            assert first["key"] == again["key"], "the same key starts once"
            tasks = _tasks(client, first["key"])
            url, given = f"/v1/tasks/{tasks[0]['key']}/complete", {"variables": {"amount": 7}}
            assert client.post(url, json=given, headers={"Idempotency-Key": "two"}).status_code in {200, 204}
            repeated = client.post(url, json=given, headers={"Idempotency-Key": "two"})
            assert repeated.status_code in {200, 204}, "asked again it is answered the same"
            assert client.post(url, json=given).status_code == 404
            soon(lambda: _tasks(client, first["key"])[:1] not in ([], tasks[:1]))
            variables = client.get(f"/v1/instances/{first['key']}/variables").json()["variables"]
            assert variables["amount"] == 7
        server.tell()
        assert server.ended() == 0


def _tasks(client: httpx.Client, instance: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/v1/tasks", params={"instance": instance}).json()["items"]
    return found


def test_while_the_cluster_is_away_it_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    temporal_rig.need("server")
    cluster = dev_server("server", db_filename=tmp_path / "temporal.db")
    asyncio.run(cluster.start())

    async def conversation(world: World) -> None:
        program = await started(world.browser().client)
        shown = (await program.screen())["shown"]
        await program.do("next", shown["task"], "who", name="Ada")
        cluster.kill()
        answer = await program.do("submit", shown["task"], "what", amount=5)
        assert answer.status_code == 503, answer.text
        assert (await program.screen())["shown"]["view"]["data"]["amount"] == 5, "what was answered is kept"
        begun = await started(world.browser().client)
        assert (await begun.screen())["shown"]["kind"] == "wait", "it is started, and goes on when the cluster is there"
        await asyncio.to_thread(asyncio.run, cluster.restart())
        done = await program.do("submit", shown["task"], "what", amount=5)
        while done.status_code == 503:
            # No sooner than the server says: it has a limit of requests.
            await asyncio.sleep(float(done.headers["retry-after"]))
            done = await program.do("submit", shown["task"], "what", amount=5)
        assert done.json()["shown"]["view"]["id"] == "sign"
        seen = 0
        while (await begun.screen())["shown"]["kind"] == "wait":
            seen = await world.site.backend.moved(TENANT, seen, 1)
        assert (await begun.screen())["shown"]["page"] == "who"

    try:
        with Engine(tmp_path / "e.db", host=Temporal(cluster.address, queue="away")) as engine:
            engine.deploy(*documents())
            engine.serve(2)
            play(conversation, *documents(), engine=engine)
    finally:
        cluster.kill()
        cluster.forget_log()
