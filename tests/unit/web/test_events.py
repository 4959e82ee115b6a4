"""Streams of server-sent events: what they tell, from where they go on, and who may listen."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
from litestar.exceptions import HTTPException

import drawn as d
from procession.hosts.embedded.engine import Engine
from procession.services.access import Caller
from procession.web import streams
from web_rig import XML, client_of, running_site, served

WORK = "p.bpmn", XML.encode()


async def events(answer: httpx.Response) -> AsyncIterator[tuple[str, str, Any]]:
    """(id, kind, data) of each event."""
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if not line:
            if "data" in fields:
                yield fields["id"], fields["event"], json.loads(fields["data"])
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value


async def heard(
    client: httpx.AsyncClient, path: str, until: str, last: str = "", headers: Mapping[str, str] | None = None
) -> list[tuple[str, str, Any]]:
    """The events of a stream up to the first of a kind."""
    found: list[tuple[str, str, Any]] = []
    sent = {**(headers or {}), **({"Last-Event-ID": last} if last else {})}
    async with client.stream("GET", path, headers=sent) as answer:
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        async for each in events(answer):
            found.append(each)
            if each[1] == until:
                return found
    return found


def test_an_instance_is_told_from_its_start_to_its_end_and_from_any_event_on() -> None:
    async def told() -> None:
        with Engine() as engine:
            engine.deploy(WORK)
            instance = engine.start("p", {"x": 1})
            async with running_site(engine) as site, served(site) as client:
                path = f"/v1/instances/{instance.key}/events"
                listening = asyncio.ensure_future(heard(client, path, "end"))
                first = await heard(client, path, "job")
                (job,) = engine.jobs()
                await asyncio.to_thread(engine.complete_job, job.key)
                whole = await listening
                assert whole[: len(first)] == first
                assert [kind for _, kind, _ in whole[-2:]] == ["completed", "end"]
                told = [(each["seq"], each["kind"], each["element_id"]) for _, _, each in whole[:-1]]
                history = [(entry.seq, entry.kind, entry.element_id) for entry in instance.history]
                assert told == history
                for number, (last, _, _) in enumerate(whole[:-1]):
                    assert await heard(client, path, "end", last) == whole[number + 1 :]
                over = await client.get(path, headers={"Last-Event-ID": whole[-1][0]})
                assert over.status_code == 204
                jobs = await heard(client, f"{path}?type=job,job-done", "end")
                assert [kind for _, kind, _ in jobs] == ["job", "job-done", "end"]
                assert jobs[0][2]["fact"]["job"] == str(job.key)
                assert (await client.get("/v1/instances/1/events")).status_code == 404
                assert (await client.get(path, headers={"Last-Event-ID": "x"})).status_code == 400

    asyncio.run(told())


def test_a_tenant_is_told_all_that_happens_and_nothing_twice() -> None:
    async def told() -> None:
        with Engine() as engine:
            engine.deploy(WORK)
            engine.deploy(("q.bpmn", d.document(d.process("q", "s -> e", s=d.start(), e=d.end()))))
            async with running_site(engine) as site, served(site) as client:
                before = await asyncio.to_thread(engine.start, "p")
                first = await heard(client, "/v1/events", "job", last="0:0")
                assert {each["instance"] for _, _, each in first} == {str(before.key)}
                listening = asyncio.ensure_future(heard(client, "/v1/events", "job-done", first[-1][0]))
                only = asyncio.ensure_future(heard(client, "/v1/events?process_id=q", "completed", first[-1][0]))
                await asyncio.to_thread(engine.start, "q")
                await asyncio.to_thread(engine.complete_job, engine.jobs()[0].key)
                second = await listening
                whole = await heard(client, "/v1/events", "job-done", last="0:0")
                assert whole == first + second
                assert {each["process_id"] for _, _, each in await only} == {"q"}
                middle = second[len(second) // 2]
                again = await heard(client, "/v1/events", "job-done", middle[0])
                assert again == second[len(second) // 2 + 1 :]

    asyncio.run(told())


def test_a_stream_is_of_what_the_caller_may_see() -> None:
    class Some:
        def forget(self) -> None:
            """Keeps nothing."""

        async def caller(self, headers: Mapping[str, str], origin: str) -> Caller:
            permissions = frozenset(headers.get("may", "instances:read").split())
            return Caller("<default>", "user:a", origin, permissions, processes=frozenset({"q"}))

    async def told() -> None:
        with Engine() as engine:
            engine.deploy(WORK)
            engine.deploy(("q.bpmn", d.document(d.process("q", "s -> e", s=d.start(), e=d.end()))))
            async with running_site(engine, Some()) as site, served(site) as client:
                hidden = await asyncio.to_thread(engine.start, "p")
                await asyncio.to_thread(engine.start, "q")
                found = await heard(client, "/v1/events", "completed", last="0:0")
                assert {each["process_id"] for _, _, each in found} == {"q"}
                none = await heard(client, "/v1/events?process_id=p&process_id=q", "completed", last="0:0")
                assert none == found
                assert (await client.get(f"/v1/instances/{hidden.key}/events")).status_code == 404
                assert (await client.get("/v1/events", headers={"may": "jobs:read"})).status_code == 403

    asyncio.run(told())


def test_a_silent_stream_is_kept_alive_and_closes_its_source() -> None:
    async def told() -> None:
        closed: list[str] = []

        async def silent() -> AsyncIterator[bytes]:
            try:
                yield b"first"
                await asyncio.Event().wait()
            finally:
                closed.append("source")

        opened = streams.Streams()
        found = [each async for each in opened.kept("t", silent(), heartbeat=0.001, life=0.02)]
        assert found[:2] == [b"retry: 2000\n\n", b"first"]
        assert set(found[2:]) == {b": \n\n"}
        assert closed == ["source"]

    asyncio.run(told())


def test_a_tenant_has_only_so_many_streams() -> None:
    async def told() -> None:
        async def silent() -> AsyncIterator[bytes]:
            await asyncio.Event().wait()
            yield b""

        opened = streams.Streams()
        kept = [opened.kept("t", silent()) for _ in range(streams.STREAMS_MAX)]
        for each in kept:
            await anext(each)
        with pytest.raises(HTTPException) as refused:
            opened.admit("t")
        assert refused.value.status_code == 429
        opened.admit("another")
        for each in kept:
            await each.aclose()  # type: ignore[attr-defined]
        opened.admit("t")

    asyncio.run(told())


def test_an_unknown_place_in_a_stream_is_refused() -> None:
    async def told() -> None:
        with Engine() as engine:
            async with running_site(engine) as site, client_of(site) as client:
                for last in (
                    "x",
                    "1",
                    "1:",
                    ":1",
                    "-1:0",
                    "99999999999999999999:0",
                    "1:0:0",
                    "\xb2:0",
                ):
                    answer = await client.get("/v1/events", headers=[(b"last-event-id", last.encode("latin-1"))])
                    assert answer.status_code == 400, last

    asyncio.run(told())
