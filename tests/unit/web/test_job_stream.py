"""The stream of jobs, over a real connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx

from procession.hosts.embedded.engine import Engine
from served import Served, served
from web_rig import XML


@contextmanager
def server(instances: int = 0) -> Iterator[tuple[Engine, Served]]:
    with Engine() as engine:
        engine.deploy(("p.bpmn", XML.encode()))
        engine.start_many("p", [{"n": n} for n in range(instances)])
        with served(engine) as running:
            yield engine, running


@asynccontextmanager
async def streamed(client: httpx.AsyncClient, **params: Any) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """The jobs of a stream."""
    async with client.stream("GET", "/v1/jobs/stream", params={"type": "work", **params}) as answer:
        assert answer.status_code == 200

        async def jobs() -> AsyncIterator[dict[str, Any]]:
            async for line in answer.aiter_lines():
                if line:
                    yield json.loads(line)

        yield jobs()


async def finish(client: httpx.AsyncClient, *jobs: dict[str, Any]) -> None:
    items = [{"outcome": "complete", "key": job["key"], "token": job["token"]} for job in jobs]
    answer = await client.post("/v1/jobs/finish", json={"items": items})
    assert answer.json() == {"items": [{"key": job["key"]} for job in jobs]}


def test_a_stream_sends_jobs_as_they_come_and_no_more_than_its_credit() -> None:
    async def told(engine: Engine, url: str) -> None:
        async with (
            httpx.AsyncClient(base_url=url) as client,
            streamed(client, max_active=2, fetch_variables="n") as jobs,
        ):
            first, second = await anext(jobs), await anext(jobs)
            assert [first["variables"], second["variables"]] == [{"n": 0}, {"n": 1}]
            third = asyncio.ensure_future(anext(jobs))
            # Two are under way, so a poll may have the next one and the stream does not.
            polled = await client.post("/v1/jobs/activate", json={"types": ["work"], "max_jobs": 1})
            assert polled.json()["items"][0]["variables"] == {"n": 2}
            assert not third.done()
            await finish(client, first)
            assert (await third)["variables"] == {"n": 3}
            await finish(client, second)
            fifth = asyncio.ensure_future(anext(jobs))
            await asyncio.to_thread(engine.start, "p", {"n": 99})
            assert (await fifth)["variables"] == {"n": 99}

    with server(4) as (engine, running):
        asyncio.run(told(engine, running.url))


def test_what_was_finished_elsewhere_makes_room_too() -> None:
    async def told(engine: Engine, url: str) -> None:
        async with httpx.AsyncClient(base_url=url) as client, streamed(client, max_active=1) as jobs:
            first = await anext(jobs)
            await asyncio.to_thread(engine.complete_job, int(first["key"]))
            second = await anext(jobs)
            assert second["key"] != first["key"]

    with server(2) as (engine, running):
        asyncio.run(told(engine, running.url))


def test_two_streams_share_what_there_is() -> None:
    async def told(url: str) -> None:
        seen: list[str] = []
        async with httpx.AsyncClient(base_url=url) as client:

            async def work(count: int) -> None:
                async with streamed(client, max_active=4) as jobs:
                    for _ in range(count):
                        job = await anext(jobs)
                        seen.append(job["key"])
                        await finish(client, job)

            await asyncio.gather(work(10), work(10))
        assert len(set(seen)) == 20

    with server(40) as (_, running):
        asyncio.run(told(running.url))


def test_streams_end_when_the_server_does() -> None:
    async def told(running: Served) -> None:
        async with httpx.AsyncClient(base_url=running.url) as client, streamed(client) as jobs:
            waiting = asyncio.ensure_future(anext(jobs, None))
            running.stop()
            assert await waiting is None

    with server() as (_, running):
        asyncio.run(told(running))


def test_a_stream_of_no_type_is_refused() -> None:
    with server() as (_, running), httpx.Client(base_url=running.url) as client:
        assert client.get("/v1/jobs/stream").status_code == 400
        assert client.get("/v1/jobs/stream", params={"type": ""}).status_code == 400
        assert client.get("/v1/jobs/stream", params={"type": "a", "max_active": 0}).status_code == 400
