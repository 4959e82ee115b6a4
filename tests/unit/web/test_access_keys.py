"""API keys: what they are, who may make them, and when they hold no longer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from access_rig import NOW_S, Ticks, bearer, known_site, make_key, said
from procession.base.failure import BadValue
from procession.hosts.embedded.engine import Engine
from procession.services import keys
from procession.services.access import Grant
from procession.services.backend import PLATFORM
from procession.services.first_start import ensure_admin
from procession.web.site import Site

Promise = Callable[[Site, httpx.AsyncClient], Awaitable[None]]


def run(promise: Promise, ticks: Ticks | None = None) -> None:
    async def told() -> None:
        with Engine() as engine:
            async with known_site(engine, ticks=ticks) as (site, client):
                await promise(site, client)

    asyncio.run(told())


# --- the text


@given(st.text(min_size=1, max_size=60).filter(lambda name: len(name.encode("utf-8", "replace")) <= 250))
def test_a_key_is_read_as_it_was_written(tenant: str) -> None:
    try:
        tenant.encode()
    except UnicodeEncodeError:
        return
    key = keys.Key(tenant, keys.new_id(), keys.new_secret())
    text = keys.text_of(key)
    assert keys.parsed(text) == key
    assert re.fullmatch(r"prc_[0-9A-Za-z]+_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}", text)


@given(st.data())
def test_a_mistyped_key_is_none(data: st.DataObject) -> None:
    text = keys.text_of(keys.Key("acme", "0123456789ab", keys.new_secret()))
    place = data.draw(st.integers(4, len(text) - 1))
    letter = data.draw(st.sampled_from(keys.DIGITS))
    assert (keys.parsed(text[:place] + letter + text[place + 1 :]) is None) is (letter != text[place])


@given(st.text(max_size=200))
def test_no_text_disturbs_the_reader_of_keys(text: str) -> None:
    assert keys.parsed(text) is None
    assert keys.parsed(f"prc_{text}") is None


def test_a_secret_has_256_bits_and_is_kept_as_a_hash() -> None:
    secret = keys.new_secret()
    assert len(secret) == keys.SECRET_LENGTH
    assert 62**keys.SECRET_LENGTH >= 2**256
    assert secret not in keys.digest_of(secret)


def test_a_key_that_is_not_there_holds_for_nothing() -> None:
    assert not keys.holds(None, "", 0)
    assert not keys.holds(None, keys.new_secret(), 0)


# --- over REST


def test_a_key_is_shown_once_and_holds_until_it_is_revoked() -> None:
    async def promise(site: Site, client: httpx.AsyncClient) -> None:
        admin = bearer(await make_key(site.backend, "acme", ["admin"]))
        made = await client.post("/v1/keys", json={"name": "ci", "roles": ["deployer"]}, headers=admin)
        assert made.status_code == 201, made.text
        text, id = made.json()["secret"], made.json()["key"]["id"]
        mine = (await client.get("/v1/whoami", headers=bearer(text))).json()
        assert (mine["tenant"], mine["subject"], mine["roles"]) == ("acme", f"key:{id}", ["deployer"])
        shown = await client.get(f"/v1/keys/{id}", headers=admin)
        assert text.split("_")[3][:43] not in shown.text + (await client.get("/v1/keys", headers=admin)).text
        assert (await client.delete(f"/v1/keys/{id}", headers=admin)).status_code == 204
        assert (await client.get("/v1/whoami", headers=bearer(text))).status_code == 401

    run(promise)


def test_a_key_gives_no_more_than_its_maker_has() -> None:
    async def promise(site: Site, client: httpx.AsyncClient) -> None:
        admin = bearer(await make_key(site.backend, "acme", ["admin"], processes=["p"]))
        wide = await client.post("/v1/keys", json={"name": "k", "roles": ["viewer"]}, headers=admin)
        assert wide.status_code == 403
        all_of_it = bearer(await make_key(site.backend, "acme", ["admin"]))
        unknown = await client.post("/v1/keys", json={"name": "k", "roles": ["root"]}, headers=all_of_it)
        assert (unknown.status_code, "root" in unknown.text) == (400, True)

    run(promise)


def test_an_expired_key_holds_no_longer() -> None:
    ticks = Ticks()

    async def promise(site: Site, client: httpx.AsyncClient) -> None:
        text = await make_key(site.backend, "acme", ["viewer"], expires=int(NOW_S * 1000) + 2_000)
        assert (await client.get("/v1/whoami", headers=bearer(text))).status_code == 200
        # It is known for less than the five seconds for which a key without an end is.
        ticks.now += 2.1
        assert (await client.get("/v1/whoami", headers=bearer(text))).status_code == 401

    run(promise, ticks)


def test_a_rotated_key_has_two_secrets_for_some_time() -> None:
    async def promise(site: Site, client: httpx.AsyncClient) -> None:
        admin = bearer(await make_key(site.backend, "acme", ["admin"]))
        made = (await client.post("/v1/keys", json={"name": "ci", "roles": ["viewer"]}, headers=admin)).json()
        path = f"/v1/keys/{made['key']['id']}/rotate"
        second = (await client.post(path, json={"overlap_seconds": 86_400_0}, headers=admin)).json()["secret"]
        for text in (made["secret"], second):
            assert (await client.get("/v1/whoami", headers=bearer(text))).status_code == 200
        third = (await client.post(path, json={"overlap_seconds": 0}, headers=admin)).json()["secret"]
        codes = [
            (await client.get("/v1/whoami", headers=bearer(text))).status_code
            for text in (made["secret"], second, third)
        ]
        assert codes == [401, 401, 200]

    # The overlap is by the clock of the machine, which is behind the test's.
    import time

    run(promise, Ticks(time.time()))


def test_a_repeated_request_for_a_key_makes_one_key_and_does_not_show_it_again() -> None:
    async def promise(site: Site, client: httpx.AsyncClient) -> None:
        admin = {**bearer(await make_key(site.backend, "acme", ["admin"])), "Idempotency-Key": "one"}
        body = {"name": "ci", "roles": ["viewer"]}
        first = (await client.post("/v1/keys", json=body, headers=admin)).json()
        again = await client.post("/v1/keys", json=body, headers=admin)
        assert again.status_code == 201
        assert (again.json()["key"]["id"], again.json()["secret"]) == (first["key"]["id"], None)
        other = await client.post("/v1/keys", json={**body, "name": "other"}, headers=admin)
        assert other.status_code == 409

    run(promise)


def test_a_repeated_rotation_rotates_once_and_does_not_show_the_secret_again() -> None:
    async def promise(site: Site, client: httpx.AsyncClient) -> None:
        admin = bearer(await make_key(site.backend, "acme", ["admin"]))
        made = (await client.post("/v1/keys", json={"name": "ci", "roles": ["viewer"]}, headers=admin)).json()
        path, once = f"/v1/keys/{made['key']['id']}/rotate", {**admin, "Idempotency-Key": "r"}
        first = (await client.post(path, json={}, headers=once)).json()["secret"]
        assert (await client.post(path, json={}, headers=once)).json()["secret"] is None
        assert (await client.get("/v1/whoami", headers=bearer(first))).status_code == 200

    run(promise)


@pytest.mark.parametrize("name", ["acme\n", "<platform>", "", "a/b", "a" * 64, "é"])
def test_a_tenant_or_service_of_an_odd_name_is_not_made(name: str) -> None:
    async def promise(site: Site, client: httpx.AsyncClient) -> None:
        platform = bearer(await make_key(site.backend, PLATFORM, ["admin"]))
        assert (await client.post("/v1/tenants", json={"name": name}, headers=platform)).status_code == 400
        body = {"name": name, "roles": ["worker"]}
        assert (await client.post("/v1/services", json=body, headers=platform)).status_code == 400

    run(promise)


@pytest.mark.parametrize("path", ["keys/%00", "keys/0123456789ab%0a", "members/%00", "services/%00", "tenants/%00"])
def test_what_no_id_can_be_is_refused_at_the_door(path: str) -> None:
    async def promise(site: Site, client: httpx.AsyncClient) -> None:
        platform = bearer(await make_key(site.backend, PLATFORM, ["admin"]))
        assert (await client.get(f"/v1/{path}", headers=platform)).status_code == 400

    run(promise)


def test_when_a_key_was_used_last_is_known_to_a_minute() -> None:
    ticks = Ticks()

    async def promise(site: Site, client: httpx.AsyncClient) -> None:
        admin = bearer(await make_key(site.backend, "acme", ["admin"]))
        made = (await client.post("/v1/keys", json={"name": "ci", "roles": ["viewer"]}, headers=admin)).json()
        path = f"/v1/keys/{made['key']['id']}"
        assert made["key"]["last_used"] is None
        await client.get("/v1/whoami", headers=bearer(made["secret"]))
        await site.gate.settle()  # type: ignore[attr-defined]
        first = (await client.get(path, headers=admin)).json()["last_used"]
        assert first is not None
        for seconds in (30, 31):
            ticks.now += seconds
            await client.get("/v1/whoami", headers=bearer(made["secret"]))
            await site.gate.settle()  # type: ignore[attr-defined]
        # The clock of the test is ahead of the store's, so the second note is what the test's said.
        assert (await client.get(path, headers=admin)).json()["last_used"] == "2027-01-15T08:01:01.000Z"

    run(promise, ticks)


def test_a_key_of_a_service_account_does_no_more_than_the_account() -> None:
    async def promise(site: Site, client: httpx.AsyncClient) -> None:
        admin = bearer(await make_key(site.backend, "acme", ["admin"]))
        account = {"name": "robot", "roles": ["worker"], "processes": ["p"]}
        assert (await client.post("/v1/services", json=account, headers=admin)).status_code == 201
        body = {"name": "k", "roles": ["worker", "viewer"], "service": "robot"}
        made = (await client.post("/v1/keys", json=body, headers=admin)).json()
        mine = (await client.get("/v1/whoami", headers=bearer(made["secret"]))).json()
        assert mine["subject"] == f"service:robot/{made['key']['id']}"
        assert "jobs:work" in mine["permissions"]
        assert "instances:read" not in mine["permissions"]
        assert mine["processes"] == ["p"]
        change = {"roles": ["worker"], "disabled": True}
        assert (await client.put("/v1/services/robot", json=change, headers=admin)).status_code == 200
        assert (await client.get("/v1/whoami", headers=bearer(made["secret"]))).status_code == 401
        missing = await client.post("/v1/keys", json={**body, "service": "nobody"}, headers=admin)
        assert missing.status_code == 404

    run(promise)


def test_a_key_of_the_platform_enters_a_tenant_and_other_keys_do_not() -> None:
    async def promise(site: Site, client: httpx.AsyncClient) -> None:
        platform = await make_key(site.backend, PLATFORM, ["admin"])
        acme = await make_key(site.backend, "acme", ["admin"])
        inside = await client.get("/v1/whoami", headers=bearer(platform, tenant="acme"))
        assert inside.json()["tenant"] == "acme"
        assert inside.json()["subject"].startswith("key:<platform>/")
        assert not [each for each in inside.json()["permissions"] if each.startswith("tenants:")]
        assert (await client.get("/v1/whoami", headers=bearer(platform, tenant="none"))).status_code == 404
        foreign = [
            await client.get("/v1/whoami", headers=bearer(acme, tenant=tenant))
            for tenant in (PLATFORM, "none", "<default>")
        ]
        assert {each.status_code for each in foreign} == {403}
        assert len({said(each) for each in foreign}) == 1
        assert (await client.get("/v1/tenants", headers=bearer(acme))).status_code == 403

    run(promise)


# --- the first start


def test_the_first_start_makes_one_admin_key_and_tells_it_once() -> None:
    async def promise(site: Site, client: httpx.AsyncClient) -> None:
        made = [text for text in await asyncio.gather(*(ensure_admin(site.backend) for _ in range(5))) if text]
        assert len(made) == 1
        assert await ensure_admin(site.backend) is None
        mine = (await client.get("/v1/whoami", headers=bearer(made[0]))).json()
        assert (mine["tenant"], mine["roles"]) == (PLATFORM, ["admin"])
        named = await client.post("/v1/tenants", json={"name": "acme"}, headers=bearer(made[0]))
        assert named.status_code == 201
        listed = (await client.get("/v1/tenants", headers=bearer(made[0]))).json()["items"]
        assert [each["name"] for each in listed] == ["<default>", PLATFORM, "acme"]

    run(promise)


def test_the_admin_key_of_the_settings_is_taken_and_not_told() -> None:
    async def promise(site: Site, client: httpx.AsyncClient) -> None:
        given = keys.text_of(keys.Key(PLATFORM, keys.new_id(), keys.new_secret()))
        assert await ensure_admin(site.backend, given) is None
        assert (await client.get("/v1/whoami", headers=bearer(given))).status_code == 200

    run(promise)


def test_a_secret_that_is_no_admin_key_is_refused_without_being_repeated() -> None:
    async def promise(site: Site, client: httpx.AsyncClient) -> None:
        for text in ("hunter2", keys.text_of(keys.Key("acme", keys.new_id(), keys.new_secret()))):
            with pytest.raises(BadValue) as refused:
                await ensure_admin(site.backend, text)
            assert text not in str(refused.value)

    run(promise)


def test_a_grant_of_an_unknown_role_allows_nothing() -> None:
    from procession.services.access import Caller, granted

    caller = granted(Caller("acme", "key:k"), [Grant(("gone",))])
    assert not caller.permissions
