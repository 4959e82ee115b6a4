"""`If-Match` that does not hold is 412, whatever is changed and whoever owns the store; without it it is a conflict."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

import drawn as d
from procession.hosts.embedded.engine import Engine
from web_rig import client_of, running_site

Answer = httpx.Response
Change = Callable[[httpx.AsyncClient, str, dict[str, str]], Awaitable[Answer]]
WAITS = "p.bpmn", d.document(d.process("p", "s -> t, t -> e", s=d.start(), t=d.user(), e=d.end()))


async def made(client: httpx.AsyncClient, kind: str) -> str:
    """Makes a member, a service account or a webhook; gives its path."""
    bodies = {
        "members": {"subject": "user:corp|ann", "roles": ["viewer"]},
        "services": {"name": "payments", "roles": ["worker"]},
        "webhooks": {"url": "https://example.com/hook", "types": ["instance.started"]},
    }
    if kind == "tasks":
        return f"/v1/tasks/{(await client.get('/v1/tasks')).json()['items'][0]['key']}"
    answer = await client.post(f"/v1/{kind}", json=bodies[kind])
    assert answer.status_code == 201, answer.text
    return f"/v1/{kind}/{answer.json()['name' if kind == 'services' else 'id']}"


async def changed(client: httpx.AsyncClient, path: str, value: str, headers: dict[str, str]) -> Answer:
    """Changes it to what it was not before."""
    kind = path.split("/")[2]
    if kind == "webhooks":
        return await client.patch(path, json={"description": value}, headers=headers)
    if kind == "tasks":
        return await client.patch(path, json={"candidate_users": [value]}, headers=headers)
    named = {"user": value} if kind == "members" else {"description": value}
    return await client.put(path, json={"roles": ["viewer"], **named}, headers=headers)


async def told(client: httpx.AsyncClient, kind: str) -> None:
    path = await made(client, kind)
    read = {"If-Match": (await client.get(path)).headers["etag"]}
    both = await asyncio.gather(*(changed(client, path, value, read) for value in ("one", "two")))
    assert sorted(each.status_code for each in both) == [200, 412], [each.text for each in both]
    late = max(both, key=lambda each: each.status_code)
    assert (late.json()["status"], late.json()["code"]) == (412, "precondition")
    if kind != "tasks":
        assert (await client.delete(path, headers=read)).status_code == 412
    # What is any version's, and what is this one's.
    assert (await changed(client, path, "three", {"If-Match": "*"})).status_code == 200
    now = {"If-Match": (await client.get(path)).headers["etag"]}
    assert (await changed(client, path, "four", now)).status_code == 200
    # The same request again is the same answer; another one under its key is no matter of versions.
    now = {"If-Match": (await client.get(path)).headers["etag"], "Idempotency-Key": f"{kind}-once"}
    twice = [await changed(client, path, "five", now) for _ in range(2)]
    assert [each.status_code for each in twice] == [200, 200], [each.text for each in twice]
    assert (await changed(client, path, "six", now)).status_code == 409


@pytest.mark.parametrize("kind", ["members", "services", "webhooks", "tasks"])
def test_a_version_that_was_changed_meanwhile_is_a_precondition_that_failed(kind: str) -> None:
    async def run() -> None:
        with Engine() as engine:
            engine.deploy(WAITS)
            engine.start("p")
            async with running_site(engine) as site, client_of(site) as client:
                await told(client, kind)

    asyncio.run(run())


@pytest.mark.parametrize("kind", ["members", "tasks"])
def test_it_is_the_same_where_another_engine_owns_the_store(kind: str, tmp_path: Path) -> None:
    async def run() -> None:
        with Engine(tmp_path / "e.db") as owner:
            owner.deploy(WAITS)
            owner.start("p")
            owner.serve(threads=1)
            with Engine(tmp_path / "e.db") as engine:
                assert not engine.owner
                async with running_site(engine) as site, client_of(site) as client:
                    await told(client, kind)

    asyncio.run(run())


def test_what_is_there_already_is_a_conflict_where_no_version_was_named() -> None:
    async def run() -> None:
        with Engine() as engine:
            async with running_site(engine) as site, client_of(site) as client:
                await made(client, "services")
                again = await client.post("/v1/services", json={"name": "payments", "roles": ["worker"]})
                assert (again.status_code, again.json()["code"]) == (409, "conflict")

    asyncio.run(run())
