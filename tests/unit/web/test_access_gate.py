"""The gate: what it takes, how often it looks, and what it tells to those whom it does not know."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import cast

import httpx
import pytest
from litestar.types import Scope

from access_rig import WHO, Reading, Ticks, bearer, known_site, make_key, said
from procession.hosts.embedded.engine import Engine
from procession.runtime import requests as q
from procession.services import keys
from procession.services.access import Caller, Forbidden, TooMany
from procession.web.identity.attempts import ADDRESSES_MAX, FAILURES_MAX, WINDOW_S, Attempts
from procession.web.identity.known import CALLERS_MAX, KEPT_S, Known, place_of
from procession.web.site import OpenGate, Site
from web_rig import client_of

Promise = Callable[[Site, httpx.AsyncClient], Awaitable[None]]


def run(promise: Promise, ticks: Ticks | None = None) -> None:
    async def told() -> None:
        with Engine() as engine:
            async with known_site(engine, ticks=ticks) as (site, client):
                await promise(site, client)

    asyncio.run(told())


# --- what is presented


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 401),
        ("", 401),
        ("Basic dXNlcjpwYXNz", 401),
        ("Bearer", 401),
        ("Bearer  ", 401),
        ("Bearer nonsense", 401),
        ("Bearer prc_", 401),
        ("Bearer ä", 401),
        ("Bearer " + "a" * 20_000, 401),
        ("Bearer prc_" + "Z" * 480, 401),
        ("Bearer a.b.c", 401),
        ("Bearer ' OR 1=1 --", 401),
    ],
)
def test_whoever_is_not_known_is_told_nothing(header: str | None, status: int) -> None:
    async def promise(site: Site, client: httpx.AsyncClient) -> None:
        headers = {} if header is None else {"Authorization": header.encode()}
        answer = await client.get("/v1/whoami", headers=headers)  # type: ignore[arg-type]
        assert answer.status_code == status
        assert answer.headers["www-authenticate"] == 'Bearer realm="procession"'
        assert not header or header[7:] not in answer.text or len(header) < 12

    run(promise)


@pytest.mark.parametrize("name", ["Authorization", "Procession-Tenant"])
def test_a_header_that_stands_there_twice_is_refused(name: str) -> None:
    async def promise(site: Site, client: httpx.AsyncClient) -> None:
        text = await make_key(site.backend, "acme", ["viewer"])
        both = {"Authorization": f"Bearer {text}", "Procession-Tenant": "acme"}
        headers = [*both.items(), (name, both[name])]
        assert (await client.get("/v1/whoami", headers=headers)).status_code == 400

    run(promise)


def test_all_that_fails_is_told_alike() -> None:
    async def promise(site: Site, client: httpx.AsyncClient) -> None:
        text = await make_key(site.backend, "acme", ["viewer"], id="0123456789ab")
        assert keys.parsed(text) is not None
        other = keys.text_of(keys.Key("acme", "0123456789ab", keys.new_secret()))
        no_key = keys.text_of(keys.Key("acme", "0123456789ac", keys.new_secret()))
        no_tenant = keys.text_of(keys.Key("nobody", "0123456789ab", keys.new_secret()))
        told = {
            (answer.status_code, said(answer))
            for each in (other, no_key, no_tenant, text[:-1] + "!", "nonsense")
            for answer in [await client.get("/v1/whoami", headers=bearer(each))]
        }
        assert len(told) == 1

    run(promise)


def test_a_key_that_is_there_and_one_that_is_not_cost_the_same_reads() -> None:
    async def told() -> None:
        reading = Reading()
        with Engine(store=reading.store) as engine:
            async with known_site(engine) as (site, client):
                await make_key(site.backend, "acme", ["viewer"], id="0123456789ab")
                asked: list[list[str]] = []
                for id in ("0123456789ab", "0123456789ab", "0123456789ac"):
                    text = keys.text_of(keys.Key("acme", id, keys.new_secret()))
                    reading.of.clear()
                    assert (await client.get("/v1/whoami", headers=bearer(text))).status_code == 401
                    asked.append([query for query in reading.of if query.startswith("record")])
                assert asked == [["record"]] * 3

    asyncio.run(told())


def test_what_fails_is_answered_no_sooner_than_a_floor() -> None:
    from procession.hosts.embedded.backend import EngineBackend
    from procession.web.identity.gate import KnownGate

    async def told() -> None:
        with Engine() as engine:
            backend = EngineBackend(engine)
            try:
                gate = KnownGate(backend, failed_after_s=0.02)
                site = Site(backend, gate, version="test")
                async with client_of(site) as client:
                    began = asyncio.get_running_loop().time()
                    assert (await client.get("/v1/whoami", headers=bearer("nonsense"))).status_code == 401
                    assert asyncio.get_running_loop().time() - began >= 0.019
            finally:
                await backend.close()

    asyncio.run(told())


# --- how often it looks


def test_a_caller_who_is_known_is_not_looked_for_at_each_request() -> None:
    async def told() -> None:
        reading, ticks = Reading(), Ticks()
        with Engine(store=reading.store) as engine:
            async with known_site(engine, ticks=ticks) as (site, client):
                headers = bearer(await make_key(site.backend, "acme", ["viewer"]))
                await client.get("/v1/whoami", headers=headers)
                await site.gate.settle()  # type: ignore[attr-defined]
                reading.of.clear()
                for _ in range(20):
                    await client.get("/v1/whoami", headers=headers)
                assert "record" not in reading.of
                ticks.now += KEPT_S
                await client.get("/v1/whoami", headers=headers)
                assert "record" in reading.of

    asyncio.run(told())


def test_what_another_process_revokes_holds_for_five_seconds_at_most() -> None:
    ticks = Ticks()

    async def promise(site: Site, client: httpx.AsyncClient) -> None:
        text = await make_key(site.backend, "acme", ["viewer"], id="0123456789ab")
        assert (await client.get("/v1/whoami", headers=bearer(text))).status_code == 200
        await site.backend.ask(q.DeleteRecord("acme", keys.KIND, "0123456789ab"), WHO)
        ticks.now += KEPT_S
        assert KEPT_S <= 5
        assert (await client.get("/v1/whoami", headers=bearer(text))).status_code == 401

    run(promise, ticks)


def test_what_was_read_before_a_right_was_taken_is_not_kept() -> None:
    known = Known(Ticks())
    changes = known.changes
    known.forget()
    known.keep(place_of("t", ""), Caller("acme", "key:k"), changes)
    assert known.find(place_of("t", "")) is None


def test_no_more_callers_are_kept_than_the_bound() -> None:
    known = Known(Ticks())
    for number in range(CALLERS_MAX + 10):
        known.keep(place_of(str(number), ""), Caller("acme", f"key:{number}"), 0)
    assert len(known) == CALLERS_MAX


# --- attempts


def test_an_address_that_fails_too_often_has_to_wait() -> None:
    ticks = Ticks()

    async def promise(site: Site, client: httpx.AsyncClient) -> None:
        text = await make_key(site.backend, "acme", ["viewer"])
        before = await client.get("/v1/whoami", headers=bearer(text))
        codes = [
            (await client.get("/v1/whoami", headers=bearer("nonsense"))).status_code for _ in range(FAILURES_MAX + 1)
        ]
        assert codes == [401] * FAILURES_MAX + [429]
        told = await client.get("/v1/whoami", headers=bearer("nonsense"))
        assert 0 < int(told.headers["retry-after"]) <= WINDOW_S + 1
        # Who is known at the moment goes on working.
        assert before.status_code == (await client.get("/v1/whoami", headers=bearer(text))).status_code == 200
        ticks.now += WINDOW_S
        assert (await client.get("/v1/whoami", headers=bearer("nonsense"))).status_code == 401

    run(promise, ticks)


def test_the_addresses_of_one_network_of_ipv6_count_as_one() -> None:
    attempts = Attempts(Ticks())
    for number in range(FAILURES_MAX):
        attempts.fail(f"2001:db8::{number:x}")
    with pytest.raises(TooMany):
        attempts.admit("2001:db8::ffff%eth0")
    attempts.admit("2001:db8:0:1::1")
    attempts.admit("192.0.2.1")


def test_no_more_addresses_are_kept_than_the_bound() -> None:
    attempts = Attempts(Ticks())
    for number in range(ADDRESSES_MAX + 100):
        attempts.fail(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(attempts) == ADDRESSES_MAX


# --- what is written down of it


def test_who_is_turned_away_is_counted_and_logged_without_what_they_presented(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def promise(site: Site, client: httpx.AsyncClient) -> None:
        viewer = await make_key(site.backend, "acme", ["viewer"])
        false = keys.text_of(keys.Key("acme", keys.new_id(), "CANARY".rjust(keys.SECRET_LENGTH, "0")))
        with caplog.at_level(logging.DEBUG):
            await client.get("/v1/whoami", headers=bearer(false))
            await client.get("/v1/keys", headers=bearer(viewer))
            scope = {"path": "/v1/keys/a\nFORGED", "client": ("192.0.2.1", 80)}
            await site.denials.note(Forbidden("no"), cast("Scope", scope))
        assert site.denials.counts == {"unauthorized": 1, "forbidden": 2}
        assert "CANARY" not in caplog.text
        assert viewer.split("_")[3] not in caplog.text
        assert not [line for line in caplog.text.splitlines() if line.startswith("FORGED")]

    run(promise)


def test_the_open_gate_lets_in_whoever_comes() -> None:
    async def told() -> None:
        caller = await OpenGate().caller({"procession-tenant": "acme"}, "127.0.0.1")
        assert (caller.tenant, caller.may("instances:read")) == ("acme", True)
        assert not caller.may("tenants:write")

    asyncio.run(told())
