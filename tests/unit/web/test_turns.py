"""Turns: nobody holds all slots while somebody else is there."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any, cast

import httpx
import pytest

from procession.hosts.embedded.engine import Engine
from procession.web.app import create_app
from procession.web.turns import LOOK_S, PART, PART_MIN, WAITING_MAX, Turn, Turns
from web_rig import XML, running_site

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Room:
    """An application whose requests last until they are let out."""

    def __init__(self) -> None:
        self.inside: list[str] = []
        self.doors: dict[str, asyncio.Event] = {}
        self.streams: set[str] = set()

    async def __call__(self, scope: dict[str, Any], receive: object, send: Send) -> None:
        name = scope["path"]
        self.inside.append(name)
        if name in self.streams:
            await send({"type": "http.response.body", "body": b"", "more_body": True})
        if name.startswith("/polls"):
            cast("Turn", scope["procession.turn"]).let_go()
        await self.doors.setdefault(name, asyncio.Event()).wait()
        self.inside.remove(name)


async def settle() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


class Crowd:
    """Requests of several callers at one `Turns`."""

    def __init__(self, slots: int) -> None:
        self.room = Room()
        self.later = self.used = 0.0
        self.turns = Turns(
            cast("Any", self.room), slots=slots, clock=lambda: time.monotonic() + self.later, used=lambda: self.used
        )
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.statuses: list[int] = []
        self.bodies: list[bytes] = []

    async def come(self, caller: str, *names: str) -> None:
        async def send(message: dict[str, Any]) -> None:
            if "status" in message:
                self.statuses.append(message["status"])
            self.bodies += [message["body"]] if "body" in message else []

        for name in names:
            scope = {"type": "http", "path": name, "headers": [(b"authorization", caller.encode())]}
            call = self.turns(cast("Any", scope), cast("Any", None), cast("Any", send))
            self.tasks[name] = asyncio.create_task(call)
        await settle()

    async def go(self, *names: str) -> None:
        for name in names:
            self.room.doors.setdefault(name, asyncio.Event()).set()
        await settle()

    async def end(self) -> None:
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)


def run(story: Callable[[Crowd], Awaitable[None]], slots: int = 8) -> None:
    async def told() -> None:
        crowd = Crowd(slots)
        try:
            await story(crowd)
        finally:
            await crowd.end()

    asyncio.run(told())


def test_who_is_alone_has_all_slots() -> None:
    async def story(crowd: Crowd) -> None:
        await crowd.come("a", *[f"/{n}" for n in range(10)])
        assert len(crowd.room.inside) == 8

    run(story)


def test_a_quiet_caller_is_next_however_many_of_the_loud_one_wait() -> None:
    async def story(crowd: Crowd) -> None:
        await crowd.come("loud", *[f"/{n}" for n in range(100)])
        await crowd.come("quiet", "/q")
        assert "/q" not in crowd.room.inside
        await crowd.go("/0")
        assert "/q" in crowd.room.inside

    run(story)


def test_while_others_are_there_a_part_is_the_most_that_one_holds() -> None:
    async def story(crowd: Crowd) -> None:
        await crowd.come("quiet", "/q")
        await crowd.come("loud", *[f"/{n}" for n in range(100)])
        assert len(crowd.room.inside) == 1 + 32 // PART
        await crowd.come("quiet", "/r")
        assert "/r" in crowd.room.inside

    run(story, slots=32)


@pytest.mark.parametrize(("used", "most"), [(0.9, PART_MIN), (0.5, 4)])
def test_the_part_of_a_caller_is_small_while_the_process_is_busy(used: float, most: int) -> None:
    async def story(crowd: Crowd) -> None:
        for turn in range(PART):
            crowd.later += LOOK_S
            crowd.used += LOOK_S * used
            await crowd.come("quiet", f"/q{turn}")
            await crowd.go(f"/q{turn}")
        await crowd.come("loud", *[f"/{n}" for n in range(100)])
        assert len(crowd.room.inside) == most
        await crowd.come("as loud", *[f"/as/{n}" for n in range(100)])
        await crowd.go("/0", "/as/0")
        assert len(crowd.room.inside) == 2 * max(most, 2)
        # And it has all of it again when the process has time.
        for turn in range(PART):
            crowd.later += LOOK_S
            await crowd.come("quiet", f"/r{turn}")
            await crowd.go(f"/r{turn}", f"/{turn + 1}")
        assert len(crowd.room.inside) == 2 * 4

    run(story, slots=32)


@pytest.mark.parametrize("kind", ["/polls", "/stream"])
def test_who_waits_for_something_or_streams_holds_no_slot(kind: str) -> None:
    async def story(crowd: Crowd) -> None:
        names = [f"{kind}{n}" for n in range(20)]
        crowd.room.streams.update(names if kind == "/stream" else ())
        await crowd.come("a", *names)
        assert sorted(crowd.room.inside) == sorted(names)

    run(story)


def test_whoever_goes_away_while_waiting_leaves_no_gap() -> None:
    async def story(crowd: Crowd) -> None:
        await crowd.come("a", *[f"/{n}" for n in range(10)])
        crowd.tasks["/8"].cancel()
        await settle()
        await crowd.go("/0")
        assert "/9" in crowd.room.inside

    run(story)


def test_who_lets_too_many_wait_is_told_to_come_again() -> None:
    async def story(crowd: Crowd) -> None:
        await crowd.come("a", *[f"/{n}" for n in range(1 + WAITING_MAX)])
        await crowd.come("a", "/more")
        assert crowd.statuses == [429]
        problem = json.loads(crowd.bodies[0])
        assert (problem["code"], problem["instance"]) == ("busy", "/more")

    run(story, slots=1)


def test_waits_for_ends_and_for_jobs_leave_room_for_the_worker_that_ends_them() -> None:
    async def told() -> None:
        with Engine() as engine:
            engine.deploy(("p.bpmn", XML.encode()))
            async with running_site(engine) as site:
                # One slot: a wait that kept it would keep out what it waits for.
                transport = httpx.ASGITransport(cast("Any", Turns(create_app(site), slots=1)))
                async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                    body = {"types": ["work"], "request_timeout_ms": 20_000}
                    polling = asyncio.ensure_future(client.post("/v1/jobs/activate", json=body))
                    await settle()
                    start = {"process_id": "p"}
                    waiting = asyncio.ensure_future(
                        client.post("/v1/instances", params={"wait_ms": 20_000}, json=start)
                    )
                    (job,) = (await polling).json()["items"]
                    path = f"/v1/jobs/{job['key']}/complete"
                    assert (await client.post(path, json={"token": job["token"]})).status_code == 200
                    assert (await waiting).json()["state"] == "completed"

    asyncio.run(told())
