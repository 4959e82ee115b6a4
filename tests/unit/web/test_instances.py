"""Instances: started, waited for, looked at, changed."""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

import httpx
import pytest

from procession.base.job import Job
from procession.hosts.embedded.engine import Engine
from procession.services.access import Caller, Grant, granted
from procession.services.backend import Backend
from procession.web.site import Site
from web_models import HEARING, QUICK, XML_2
from web_rig import XML, Counted, Knows, admin, talk

P: Final = ("p.bpmn", XML)
Q: Final = ("q.bpmn", QUICK)
H: Final = ("h.bpmn", HEARING)


READER: Final = Caller(
    "<default>",
    "user:r",
    permissions=frozenset({"instances:read", "instances:start"}),
    processes=frozenset({"quick"}),
)
"""Who may look at the process `quick`, and start it."""


async def started(client: httpx.AsyncClient, **body: Any) -> str:
    answer = await client.post("/v1/instances", json={"process_id": "p", **body})
    assert answer.status_code == 201, answer.text
    key: str = answer.json()["key"]
    assert answer.headers["location"] == f"/v1/instances/{key}"
    return key


async def tokens(client: httpx.AsyncClient, key: str) -> list[str]:
    items = (await client.get(f"/v1/instances/{key}/elements")).json()["items"]
    return [each["element_id"] for each in items[1:]]


def test_who_waits_for_an_instance_that_ends_gets_its_variables() -> None:
    async def conversation(_: Engine, client: httpx.AsyncClient) -> None:
        body = {"process_id": "quick", "variables": {"a": 1, "b": 2, "c": 3}}
        for options in ({"params": {"wait_ms": 5_000}}, {"headers": {"prefer": "respond-async, wait=5"}}):
            answer = await client.post("/v1/instances", json=body, **options)
            assert (answer.status_code, answer.json()["state"]) == (200, "completed")
            assert answer.json()["variables"] == {"a": 1, "b": 2, "c": 3}
            assert answer.json()["ended"].endswith("Z")
            assert answer.headers.get("preference-applied") == ("wait=5" if "headers" in options else None)
        some = await client.post("/v1/instances?wait_ms=5000&fetch_variables=a,c&fetch_variables=x", json=body)
        assert some.json()["variables"] == {"a": 1, "c": 3}

    talk(conversation, Q)


def test_who_waits_is_answered_when_the_instance_ends_and_not_before() -> None:
    async def conversation(engine: Engine, client: httpx.AsyncClient) -> None:
        body = {"process_id": "p", "variables": {"a": 1}}
        waiting = asyncio.create_task(client.post("/v1/instances?wait_ms=30000", json=body))
        jobs: list[Job] = []
        while not jobs:
            await asyncio.sleep(0)
            jobs = await asyncio.to_thread(engine.activate_jobs, "work")
        assert not waiting.done()
        await asyncio.to_thread(engine.complete_job, jobs[0], {"b": 2})
        answer = await waiting
        assert (answer.status_code, answer.json()["variables"]) == (200, {"a": 1, "b": 2})

    talk(conversation, P)


def test_when_the_time_is_over_the_instance_goes_on() -> None:
    async def conversation(engine: Engine, client: httpx.AsyncClient) -> None:
        answer = await client.post("/v1/instances?wait_ms=1", json={"process_id": "p", "variables": {"a": 1}})
        told = answer.json()
        assert (answer.status_code, told["state"], told["ended"], told["variables"]) == (202, "active", None, {"a": 1})
        assert engine.instance(int(told["key"])).state == "active"

    talk(conversation, P)


def test_who_waits_does_not_ask_again_and_again() -> None:
    backends: list[Counted] = []

    def counting(site: Site) -> None:
        backends.append(Counted(site.backend))
        site.backend = cast("Backend", backends[0])

    async def conversation(engine: Engine, client: httpx.AsyncClient) -> None:
        answer = await client.post("/v1/instances?wait_ms=300", json={"process_id": "p"})
        assert answer.status_code == 202
        # While it runs in this process, memory tells so: what is read is what it is when the time is over.
        assert backends[0].reads == 1
        engine.pump.let_go(60_000)  # now only the store knows
        answer = await client.get(f"/v1/instances/{answer.json()['key']}")
        assert answer.json()["state"] == "active"

    talk(conversation, P, change=counting)


def test_a_definition_is_started_by_its_key_in_its_own_version() -> None:
    async def conversation(engine: Engine, client: httpx.AsyncClient) -> None:
        old = engine.definitions()[0].key
        engine.deploy(("p.bpmn", XML_2.encode()))
        by_key = (await client.post("/v1/instances", json={"definition": str(old)})).json()["key"]
        latest = await started(client)
        first = await started(client, version=1)
        versions = [(await client.get(f"/v1/instances/{key}")).json()["version"] for key in (by_key, latest, first)]
        assert versions == [1, 2, 1]

    talk(conversation, P)


def test_many_are_started_at_once_and_each_is_told_of() -> None:
    async def conversation(engine: Engine, client: httpx.AsyncClient) -> None:
        many = [{"variables": {"n": n}, "business_key": f"b{n}"} for n in range(20)]
        answer = await client.post("/v1/instances/many", json={"process_id": "p", "instances": many})
        keys = [int(each["key"]) for each in answer.json()["items"]]
        assert [engine.instance(key).info.business_key for key in keys] == [f"b{n}" for n in range(20)]
        absent = await client.post("/v1/instances/many", json={"process_id": "none", "instances": [{}, {}]})
        assert [each["problem"]["code"] for each in absent.json()["items"]] == ["not-found"] * 2

    talk(conversation, P)


def test_an_instance_tells_where_it_is_and_what_happened() -> None:
    async def conversation(_: Engine, client: httpx.AsyncClient) -> None:
        key = await started(client, variables={"a": 1}, business_key="b")
        info = (await client.get(f"/v1/instances/{key}")).json()
        assert (info["key"], info["state"], info["business_key"], info["parent"]) == (key, "active", "b", None)
        items = (await client.get(f"/v1/instances/{key}/elements")).json()["items"]
        assert [(each["element_id"], each["type"]) for each in items] == [("p", "process"), ("work", "serviceTask")]
        assert items[1]["scope"] == items[0]["key"]
        history: list[dict[str, Any]] = []
        after: dict[str, str] = {}
        while True:
            page = (await client.get(f"/v1/instances/{key}/history", params={"limit": 2, **after})).json()
            history += page["items"]
            if page["next"] is None:
                break
            after = {"after": page["next"]}
        whole = (await client.get(f"/v1/instances/{key}/history")).json()["items"]
        assert history == whole
        assert whole[0]["kind"] == "started"
        assert whole[0]["fact"]["instance"] == key
        assert all(isinstance(each["element"], str | None) for each in whole)
        drawn = await client.get(f"/v1/instances/{key}/diagram")
        assert "1 active" in drawn.text
        was = (await client.get(f"/v1/instances/{key}/moments/1")).json()
        assert (was["tokens"], was["variables"]) == ({"work": 1}, {"a": 1})
        assert (await client.get(f"/v1/instances/{key}/moments/9")).status_code == 404

    talk(conversation, P)


def test_incidents_and_warnings_of_an_instance_are_listed() -> None:
    mapping = '<zeebe:ioMapping><zeebe:input source="=nobody + 1" target="x"/></zeebe:ioMapping>'
    failing = XML.replace('type="work"/>', f'type="work"/>{mapping}')

    async def conversation(engine: Engine, client: httpx.AsyncClient) -> None:
        key = await started(client)
        [job] = await asyncio.to_thread(engine.activate_jobs, "work")
        await asyncio.to_thread(lambda: engine.fail_job(job, "no paper", retries=0))
        [incident] = (await client.get(f"/v1/instances/{key}/incidents")).json()["items"]
        assert (incident["code"], incident["message"], incident["job"]) == ("job-no-retries", "no paper", str(job.key))
        assert (await client.get(f"/v1/instances/{key}")).json()["state"] == "incident"
        items = (await client.get(f"/v1/instances/{key}/warnings?limit=1")).json()["items"]
        assert [(each["element_id"], each["expression"]) for each in items] == [("work", "nobody + 1")]

    talk(conversation, ("p.bpmn", failing))


def test_variables_are_set_and_read_in_the_scope_that_is_meant() -> None:
    async def conversation(_: Engine, client: httpx.AsyncClient) -> None:
        key = await started(client, variables={"a": 1})
        path = f"/v1/instances/{key}/variables"
        assert (await client.patch(path, json={"variables": {"a": 2, "b": 1.50}})).status_code == 204
        local = {"variables": {"c": 3}, "element": "work", "local": True}
        assert (await client.patch(path, json=local)).status_code == 204
        assert (await client.get(path)).json() == {"variables": {"a": 2, "b": 1.5}}
        seen = await client.get(path, params={"element": "work", "names": "a,c"})
        assert seen.json() == {"variables": {"a": 2, "c": 3}}
        work = (await client.get(f"/v1/instances/{key}/elements")).json()["items"][1]["key"]
        assert (await client.get(path, params={"element": work})).json()["variables"]["c"] == 3
        assert (await client.get(path, params={"element": "nowhere"})).status_code == 404
        nowhere = {"variables": {"c": 3}, "element": "nowhere"}
        assert (await client.patch(path, json=nowhere)).status_code == 404

    talk(conversation, P)


def test_an_instance_is_suspended_resumed_and_cancelled() -> None:
    async def conversation(_: Engine, client: httpx.AsyncClient) -> None:
        key = await started(client)
        assert (await client.post(f"/v1/instances/{key}/suspend", json={"reason": "fraud"})).status_code == 204
        assert (await client.get(f"/v1/instances/{key}")).json()["suspended"]
        assert (await client.post(f"/v1/instances/{key}/resume")).status_code == 204
        assert not (await client.get(f"/v1/instances/{key}")).json()["suspended"]
        assert (await client.post(f"/v1/instances/{key}/cancel", json={"reason": "withdrawn"})).status_code == 204
        ended = (await client.get(f"/v1/instances/{key}")).json()
        assert (ended["state"], ended["ended"] is not None) == ("terminated", True)
        assert (await client.post(f"/v1/instances/{key}/cancel")).json()["code"] == "not-found"

    talk(conversation, P)


def test_an_instance_is_modified_all_or_nothing() -> None:
    async def conversation(engine: Engine, client: httpx.AsyncClient) -> None:
        engine.deploy(("p.bpmn", XML_2.encode()))
        key = await started(client)
        both = {"activate": [{"element": "check", "variables": {"x": 1}}], "move": [{"source": "none", "target": "e"}]}
        refused = await client.post(f"/v1/instances/{key}/modify", json=both)
        assert refused.status_code in {404, 409}
        assert await tokens(client, key) == ["work"]
        move = {"move": [{"source": "work", "target": "check"}], "variables": {"moved": True}}
        assert (await client.post(f"/v1/instances/{key}/modify", json=move)).status_code == 204
        assert await tokens(client, key) == ["check"]
        assert (await client.get(f"/v1/instances/{key}/variables")).json() == {"variables": {"moved": True}}
        assert (await client.post(f"/v1/instances/{key}/modify", json={})).json()["code"] == "bad-value"

    talk(conversation, P)


def test_an_instance_is_migrated_by_a_plan_after_a_dry_run() -> None:
    async def conversation(engine: Engine, client: httpx.AsyncClient) -> None:
        key = await started(client)
        engine.deploy(("p.bpmn", XML_2.encode()))
        path = f"/v1/instances/{key}/migrate"
        plan = (await client.post("/v1/migration-plans", json={"process_id": "p", "from_version": 1})).json()
        assert (plan["to_version"], plan["elements"]["work"]) == (2, "work")
        tried = (await client.post(f"{path}?dry_run=true", json={"plan": plan})).json()
        assert tried["version"] == 2
        assert ("work", "move") in [(each["element_id"], each["what"]) for each in tried["actions"]]
        assert (await client.get(f"/v1/instances/{key}")).json()["version"] == 1
        stranding = {**plan, "elements": {}}
        refused = await client.post(path, json={"plan": stranding})
        assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
        assert (await client.post(path, json={})).json()["version"] == 2
        assert (await client.get(f"/v1/instances/{key}")).json()["version"] == 2

    talk(conversation, P)


def test_an_instance_is_restarted_anew_or_in_place() -> None:
    async def conversation(_: Engine, client: httpx.AsyncClient) -> None:
        key = await started(client, variables={"a": 1})
        begin = {"begin": [{"element": "work"}], "variables": {"b": 2}}
        new = (await client.post(f"/v1/instances/{key}/restart", json=begin)).json()["key"]
        assert new != key
        assert (await client.get(f"/v1/instances/{new}/variables")).json() == {"variables": {"a": 1, "b": 2}}
        same = await client.post(f"/v1/instances/{key}/restart", json={**begin, "in_place": True})
        assert same.json() == {"key": key}
        both = await client.post(f"/v1/instances/{key}/restart", json={**begin, "in_place": True, "version": 1})
        assert both.status_code == 409

    talk(conversation, P)


def test_a_message_goes_to_who_waits_for_it_or_is_kept() -> None:
    async def conversation(_: Engine, client: httpx.AsyncClient) -> None:
        body = {"name": "paid", "correlation_key": "7", "variables": {"amount": 12.5}, "ttl_ms": 60_000}
        kept = await client.post("/v1/messages", json={**body, "message_id": "one"})
        assert kept.status_code == 200
        again = await client.post("/v1/messages", json={**body, "message_id": "one"})
        assert again.json()["code"] == "conflict"
        start = {"process_id": "hearing", "variables": {"order": "7"}}
        answer = await client.post("/v1/instances?wait_ms=5000", json=start)
        assert (answer.status_code, answer.json()["variables"]["amount"]) == (200, 12.5)

    talk(conversation, H)


CHANGES: Final = [
    ("post", "/cancel", {}),
    ("post", "/suspend", {}),
    ("post", "/resume", None),
    ("post", "/modify", {"activate": [{"element": "work"}]}),
    ("post", "/migrate", {}),
    ("post", "/restart", {"begin": [{"element": "work"}]}),
    ("post", "/trigger", {"activities": ["a"]}),
    ("patch", "/variables", {"variables": {"a": 1}}),
]


def test_who_may_only_look_changes_nothing_and_sees_no_other_process() -> None:
    async def conversation(engine: Engine, client: httpx.AsyncClient) -> None:
        other, mine = engine.start("p").key, engine.start("quick").key
        for path in ("", "/variables", "/history", "/elements", "/incidents", "/warnings", "/diagram", "/moments/1"):
            assert (await client.get(f"/v1/instances/{mine}{path}")).status_code == 200
            hidden = await client.get(f"/v1/instances/{other}{path}")
            absent = await client.get(f"/v1/instances/{other + 1}{path}")
            told = [each.json()["detail"].replace(str(other + n), "N") for n, each in enumerate((hidden, absent))]
            assert (hidden.status_code, absent.status_code) == (404, 404)
            assert told[0] == told[1]
        for method, path, body in CHANGES:
            answer = await client.request(method, f"/v1/instances/{mine}{path}", json=body)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path
        assert (await client.post("/v1/instances", json={"process_id": "p"})).status_code == 403
        assert (await client.post("/v1/messages", json={"name": "m"})).status_code == 403

    talk(conversation, P, Q, gate=Knows(lambda _: READER))


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_an_operator_of_some_processes_cannot_touch_another(method: str, path: str, body: Any) -> None:
    async def conversation(engine: Engine, client: httpx.AsyncClient) -> None:
        other = engine.start("p").key
        answer = await client.request(method, f"/v1/instances/{other}{path}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
        assert len(engine.instance(other).history) == len(engine.start("p").history)

    talk(conversation, P, Q, gate=Knows(lambda _: admin(processes=("quick",))))


MIXED: Final = granted(
    Caller("<default>", "user:m"), [Grant(("operator", "deployer"), ("quick",)), Grant(("viewer",), ("p",))]
)
"""Who operates one process, and may look at another."""


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_who_operates_one_process_and_sees_another_changes_nothing_of_that(method: str, path: str, body: Any) -> None:
    async def conversation(engine: Engine, client: httpx.AsyncClient) -> None:
        other = engine.start("p").key
        assert (await client.get(f"/v1/instances/{other}")).status_code == 200
        answer = await client.request(method, f"/v1/instances/{other}{path}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
        assert len(engine.instance(other).history) == len(engine.start("p").history)

    talk(conversation, P, Q, gate=Knows(lambda _: MIXED))


def test_who_sees_a_definition_of_another_process_neither_starts_nor_suspends_it() -> None:
    async def conversation(engine: Engine, client: httpx.AsyncClient) -> None:
        found = (await client.get("/v1/definitions")).json()["items"]
        keys = {each["process_id"]: each["key"] for each in found}
        begun = [await client.post("/v1/instances", json={"definition": keys[each]}) for each in ("quick", "p")]
        assert [each.status_code for each in begun] == [201, 404]
        held = [await client.post(f"/v1/definitions/{keys[each]}/suspend", json={}) for each in ("quick", "p")]
        assert [each.status_code for each in held] == [200, 404]

    talk(conversation, P, Q, gate=Knows(lambda _: MIXED))


def test_who_works_for_one_process_gets_no_jobs_of_all_by_seeing_all() -> None:
    caller = granted(Caller("<default>", "user:m"), [Grant(("worker",), ("quick",)), Grant(("viewer",))])

    async def conversation(engine: Engine, client: httpx.AsyncClient) -> None:
        engine.start("p")
        answer = await client.post("/v1/jobs/activate", json={"types": ["work"]})
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")

    talk(conversation, P, Q, gate=Knows(lambda _: caller))
