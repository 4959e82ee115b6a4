"""Webhooks: what is told, how it is signed, what becomes of it when it is not taken, and who tells it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import httpx
import msgspec
import pytest

import drawn as d
from procession.hosts.embedded.engine import Engine
from procession.services.access import Caller
from procession.web.webhooks import delivering
from procession.web.webhooks.delivering import Webhooks
from procession.web.webhooks.wall import Reach
from web_rig import XML, client_of
from webhook_rig import LOCAL, Message, receiving, status, telling

WORK = "p.bpmn", XML.encode()
QUICK = "q.bpmn", d.document(d.process("q", "s -> e", s=d.start(), e=d.end()))
USER = "u.bpmn", d.document(d.process("u", "s -> t, t -> e", s=d.start(), t=d.user(), e=d.end()))


async def subscribed(client: httpx.AsyncClient, url: str, **fields: Any) -> dict[str, Any]:
    made = await client.post("/v1/webhooks", json={"url": url, **fields})
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


async def log(client: httpx.AsyncClient, hook: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get(f"/v1/webhooks/{hook['id']}/deliveries")).json()["items"]
    return found


async def settled(client: httpx.AsyncClient, hook: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What was told, when nothing waits any more."""
    async with asyncio.timeout(20):
        while True:
            found = await log(client, hook)
            if found and all(each["state"] != "waiting" for each in found):
                return found


def is_signed(message: Message, secret: str) -> bool:
    """By the letter of Standard Webhooks, without our code."""
    signed = f"{message.id}.{message.headers['webhook-timestamp']}.".encode() + message.body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    wanted = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return wanted in message.headers["webhook-signature"].split(" ")


def test_what_happens_is_told_and_signed() -> None:
    async def told() -> None:
        with Engine() as engine:
            engine.deploy(WORK, USER)
            async with telling(engine) as site, client_of(site) as client, receiving() as receiver:
                await asyncio.to_thread(engine.start, "p")
                hook = await subscribed(client, receiver.url)
                instance = await asyncio.to_thread(engine.start, "u", {"secret": "x"})
                await receiver.until(lambda received: len(received) == 2)
                await asyncio.to_thread(engine.complete_task, engine.tasks()[0].key)
                types = await receiver.types(4)
                assert types == ["instance.completed", "instance.started", "task.completed", "task.created"]
                for message in receiver.received:
                    assert is_signed(message, hook["secret"])
                    assert message.path == "/hook?x=1"
                    assert message.content["data"]["instance"] == str(instance.key)
                    assert message.content["data"]["process_id"] == "u"
                    assert "secret" not in message.body.decode()
                (created,) = [each for each in receiver.received if each.type == "task.created"]
                assert created.content["data"]["element_id"] == "t"
                states = {each["state"] for each in await settled(client, hook)}
                assert states == {"delivered"}

    asyncio.run(told())


def test_a_webhook_is_told_of_the_types_and_processes_that_it_names() -> None:
    async def told() -> None:
        with Engine() as engine:
            engine.deploy(WORK, QUICK)
            async with telling(engine) as site, client_of(site) as client, receiving() as receiver:
                await subscribed(client, receiver.url, types=["instance.completed", "job.created"], processes=["q"])
                await asyncio.to_thread(engine.start, "p")
                await asyncio.to_thread(engine.start, "q")
                assert await receiver.types(1) == ["instance.completed"]
                assert [each.content["data"]["process_id"] for each in receiver.received] == ["q"]
                wrong = await client.post("/v1/webhooks", json={"url": receiver.url, "types": ["instance.gone"]})
                assert wrong.status_code == 400

    asyncio.run(told())


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(status(500), id="an error"),
        pytest.param(status(302, "location: http://127.0.0.1:9/"), id="a redirect"),
        pytest.param(b"", id="a closed connection"),
        pytest.param(b"SSH-2.0-x\r\n\r\n", id="no HTTP"),
        pytest.param(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000, id="a head without an end"),
        pytest.param(None, id="silence"),
    ],
)
def test_what_is_not_taken_is_told_again_under_the_same_id(answer: bytes | None) -> None:
    async def told() -> None:
        with Engine() as engine:
            engine.deploy(QUICK)
            async with telling(engine) as site, client_of(site) as client, receiving() as receiver:
                site.webhooks.reach = msgspec.structs.replace(site.webhooks.reach, answer_s=0.3)
                receiver.answer = lambda _: answer if len(receiver.received) < 3 else status(200)
                hook = await subscribed(client, receiver.url, types=["instance.started"])
                await asyncio.to_thread(engine.start, "q")
                await receiver.until(lambda received: len(received) == 3)
                assert len({each.id for each in receiver.received}) == 1
                (row,) = await settled(client, hook)
                assert (row["state"], row["attempts"], row["status"]) == ("delivered", 3, 200)

    asyncio.run(told())


def test_a_webhook_that_never_takes_anything_is_disabled_and_one_that_is_gone_at_once() -> None:
    async def told() -> None:
        with Engine() as engine:
            engine.deploy(QUICK)
            async with telling(engine) as site, client_of(site) as client, receiving() as receiver:
                for code, attempts in ((500, 4), (410, 1)):
                    receiver.received.clear()
                    receiver.answer = lambda _, code=code: status(code)  # type: ignore[misc]
                    hook = await subscribed(client, receiver.url, types=["instance.started"])
                    await asyncio.to_thread(engine.start, "q")
                    (row,) = await settled(client, hook)
                    assert (row["state"], row["attempts"], row["status"]) == ("given-up", attempts, code)
                    async with asyncio.timeout(20):
                        while not (shown := (await client.get(f"/v1/webhooks/{hook['id']}")).json())["disabled"]:
                            continue
                    assert str(code) in shown["reason"]
                    receiver.answer = lambda _: status(200)
                    enabled = await client.patch(f"/v1/webhooks/{hook['id']}", json={"disabled": False})
                    assert (enabled.json()["disabled"], enabled.json()["reason"]) == (False, "")
                    await asyncio.to_thread(engine.start, "q")
                    await receiver.until(lambda received: len(received) == attempts + 1)  # noqa: B023
                    assert (await client.delete(f"/v1/webhooks/{hook['id']}")).status_code == 204
                    assert (await client.get(f"/v1/webhooks/{hook['id']}")).status_code == 404

    asyncio.run(told())


def test_a_time_is_replayed_under_the_same_ids() -> None:
    async def told() -> None:
        with Engine() as engine:
            engine.deploy(QUICK)
            async with telling(engine) as site, client_of(site) as client, receiving() as receiver:
                await asyncio.to_thread(engine.start, "q")
                hook = await subscribed(client, receiver.url)
                await asyncio.to_thread(engine.start, "q")
                await receiver.until(lambda received: len(received) == 2)
                await settled(client, hook)
                first = {each.id for each in receiver.received}
                url = f"/v1/webhooks/{hook['id']}"
                replayed = await client.post(f"{url}/replay", json={"since": "2026-01-01T00:00:00Z"})
                assert replayed.json() == {"events": 4, "next": None}
                found = await receiver.until(lambda received: len(received) == 6)
                again = [each.id for each in found[2:]]
                assert len(set(again)) == 4
                assert first < set(again)
                await settled(client, hook)
                late = await client.post(f"{url}/replay", json={"since": "2999-01-01T00:00:00Z"})
                assert late.json() == {"events": 0, "next": None}
                one = (await log(client, hook))[0]
                retried = await client.post(f"{url}/deliveries/{one['id']}/retry")
                assert retried.status_code == 202
                await receiver.until(lambda received: len(received) == 7)
                assert receiver.received[-1].id == one["id"]
                assert (await client.post(f"{url}/deliveries/msg_1/retry")).status_code == 404
                assert (await client.post(f"{url}/replay", json={})).status_code == 400

    asyncio.run(told())


def test_secrets_are_shown_once_and_overlap_when_they_change() -> None:
    async def told() -> None:
        with Engine() as engine:
            engine.deploy(QUICK)
            async with telling(engine) as site, client_of(site) as client, receiving() as receiver:
                headers = {"Idempotency-Key": "mine"}
                body = {"url": receiver.url, "types": ["instance.started"]}
                made = await client.post("/v1/webhooks", json=body, headers=headers)
                assert (await client.post("/v1/webhooks", json=body, headers=headers)).json() == made.json()
                hook = made.json()
                url = f"/v1/webhooks/{hook['id']}"
                shown = [await client.get(url), await client.get("/v1/webhooks"), await client.patch(url, json={})]
                assert all("whsec_" not in each.text for each in shown)
                second = (await client.post(f"{url}/rotate", json={"grace_s": 60})).json()["secret"]
                assert second != hook["secret"]
                await asyncio.to_thread(engine.start, "q")
                (message,) = await receiver.until(lambda received: len(received) == 1)
                assert is_signed(message, second)
                assert is_signed(message, hook["secret"])
                third = (await client.post(f"{url}/rotate", json={"grace_s": 0})).json()["secret"]
                tried = (await client.post(f"{url}/test")).json()
                assert (tried["delivered"], tried["status"], tried["error"]) == (True, 204, "")
                ping = receiver.received[-1]
                assert ping.type == "webhook.ping"
                assert is_signed(ping, third)
                assert not is_signed(ping, second)

    asyncio.run(told())


def test_one_process_tells_and_another_goes_on_where_it_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivering, "RENEW_S", 0.02)

    async def told() -> None:
        with Engine() as engine:
            engine.deploy(QUICK)
            async with telling(engine) as site, client_of(site) as client, receiving() as receiver:
                await subscribed(client, receiver.url, types=["instance.completed"])
                other = Webhooks(site.backend, LOCAL)
                other.watch("<default>")
                await asyncio.to_thread(engine.start, "q")
                await receiver.types(1)
                await site.webhooks.close()
                await asyncio.to_thread(engine.start, "q")
                await receiver.types(2)
                await other.close()
                await asyncio.to_thread(engine.start, "q")

                async def followed() -> list[str]:
                    return ["<default>"]

                third = Webhooks(site.backend, LOCAL, followed=followed)
                third.start()
                await receiver.types(3)
                await third.close()
                # Each stopped in peace: nothing was told twice.
                assert len(receiver.received) == 3

    asyncio.run(told())


def test_a_private_address_is_not_spoken_to() -> None:
    async def told() -> None:
        with Engine() as engine:
            engine.deploy(QUICK)
            async with telling(engine) as site, client_of(site) as client, receiving() as receiver:
                hook = await subscribed(client, receiver.url.replace("127.0.0.1", "localhost"))
                site.webhooks.reach = Reach(http=True)
                tried = (await client.post(f"/v1/webhooks/{hook['id']}/test")).json()
                assert tried["error"] == "the host has an address that is not public"
                assert not receiver.received
                for url in (receiver.url, "http://10.0.0.1/", "https://[::1]/", "ftp://example.com/", "https://a:b@c/"):
                    assert (await client.post("/v1/webhooks", json={"url": url})).status_code == 400, url

    asyncio.run(told())


def test_webhooks_are_of_one_tenant_and_of_those_who_may() -> None:
    class Some:
        def forget(self) -> None:
            """Keeps nothing."""

        async def caller(self, headers: Mapping[str, str], origin: str) -> Caller:
            processes = frozenset(headers["only"].split()) if "only" in headers else None
            permissions = frozenset(headers.get("may", "*").split())
            return Caller(headers.get("tenant", "<default>"), "user:a", origin, permissions, processes=processes)

    async def told() -> None:
        with Engine() as engine:
            async with telling(engine, Some()) as site, client_of(site) as client, receiving() as receiver:
                hook = await subscribed(client, receiver.url)
                url = f"/v1/webhooks/{hook['id']}"
                for headers, wanted in (
                    ({"tenant": "other"}, 404),
                    ({"may": "instances:read"}, 403),
                    ({"only": "p"}, 403),
                ):
                    for method, path in (
                        ("GET", url),
                        ("GET", f"{url}/deliveries"),
                        ("DELETE", url),
                        ("POST", f"{url}/test"),
                    ):
                        answer = await client.request(method, path, headers=headers)
                        assert answer.status_code == wanted, (method, path, headers)
                assert (await client.get("/v1/webhooks", headers={"tenant": "other"})).json()["items"] == []
                assert (await client.get(url)).status_code == 200

    asyncio.run(told())
