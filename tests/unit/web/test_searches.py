"""Instances, incidents, jobs and batches over REST: what filters leave, and what may be done to what is found."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

import drawn as d
from host_rig import FakeClock
from procession.hosts.embedded.engine import Engine
from procession.web.routes import open_jobs
from web_rig import XML, Knows, admin, client_of, running_site

BROKEN = "broken.bpmn", d.document(d.process("broken", "s -> x, x -> e", s=d.start(), x=d.call("nowhere"), e=d.end()))
CALLING = "calling.bpmn", d.document(d.process("calling", "s -> c, c -> e", s=d.start(), c=d.call("p"), e=d.end()))
WORK = "p.bpmn", XML.encode()
OTHER = d.one_task("other", "q")


async def found(client: httpx.AsyncClient, path: str, **params: Any) -> list[Any]:
    answer = await client.get(f"/v1/{path}", params=params)
    assert answer.status_code == 200, answer.text
    items: list[Any] = answer.json()["items"]
    return items


def test_filters_leave_the_instances_that_are_asked_for() -> None:
    async def told() -> None:
        clock = FakeClock()
        with Engine(clock=clock) as engine:
            engine.deploy(WORK, BROKEN, CALLING)
            names = {"parent": engine.start("calling").key}
            clock.pass_by(60)
            for name in ("first", "second"):
                names[name] = engine.start("p", business_key=name).key
                clock.pass_by(60)
            names["bad"] = engine.start("broken").key
            (job,) = [job for job in engine.jobs(type="work") if job.instance == names["first"]]
            engine.complete_job(job.key)
            clock.pass_by(60)
            engine.instance(names["second"]).cancel()
            names["child"] = next(each.key for each in engine.instances() if each.info.parent)
            back = {str(key): name for name, key in names.items()}
            async with running_site(engine) as site, client_of(site) as client:

                async def named(**params: Any) -> list[str]:
                    return [back[each["key"]] for each in await found(client, "instances", **params)]

                assert await named() == ["bad", "second", "first", "child", "parent"]
                assert await named(order="started") == ["parent", "child", "first", "second", "bad"]
                assert await named(process_id="p") == ["second", "first", "child"]
                assert await named(process_id="p", version=2) == []
                assert await named(state="active", order="started") == ["parent", "child", "bad"]
                assert await named(state="incident") == await named(has_incident="true") == ["bad"]
                assert await named(has_incident="false", process_id="broken") == []
                assert await named(state="completed") == ["first"]
                assert await named(state="terminated") == ["second"]
                assert await named(business_key="second") == ["second"]
                assert await named(business_key="second", state="active") == []
                assert await named(parent=names["parent"]) == await named(root=names["parent"]) == ["child"]
                assert await named(order="ended") == ["first", "second"]
                started = (await found(client, "instances", business_key="second"))[0]["started"]
                assert await named(started_from=started) == ["bad", "second"]
                assert await named(started_to=started, order="started") == ["parent", "child", "first"]
                ended = (await found(client, "instances", business_key="second"))[0]["ended"]
                assert await named(ended_from=ended) == ["second"]
                assert await named(ended_to=ended) == ["first"]
                assert await named(ended_to=ended, process_id="broken") == []
                assert await named(ended_from=started, state="active") == []
                assert (await client.get("/v1/instances?state=lost")).status_code == 400
                assert (await client.get("/v1/instances?order=key")).status_code == 400
                assert (await client.get("/v1/instances?parent=9999999999999999999")).status_code == 400

    asyncio.run(told())


def test_pages_of_instances_follow_one_another_over_versions_and_states() -> None:
    async def told() -> None:
        with Engine() as engine:
            for version in ("a", "b", "c"):
                engine.deploy(("p.bpmn", XML.replace('id="work"', f'id="work" name="{version}"').encode()))
                for _ in range(4):
                    engine.start("p")
            for job in engine.jobs()[::3]:
                engine.complete_job(job.key)
            async with running_site(engine) as site, client_of(site) as client:
                for params in ("process_id=p", "process_id=p&order=started", "order=-started", "order=ended"):
                    whole = (await client.get(f"/v1/instances?{params}")).json()["items"]
                    assert len(whole) == (4 if "ended" in params else 12)
                    pages: list[Any] = []
                    following: str | None = ""
                    while following is not None:
                        after = f"&after={following}" if following else ""
                        page = (await client.get(f"/v1/instances?limit=5&{params}{after}")).json()
                        pages += page["items"]
                        following = page["next"]
                    assert pages == whole

    asyncio.run(told())


def test_an_incident_is_found_and_resolved() -> None:
    async def told() -> None:
        with Engine() as engine:
            engine.deploy(WORK, BROKEN)
            engine.start("broken")
            engine.start("p")
            engine.fail_job(engine.jobs()[0].key, "no", retries=0)
            async with running_site(engine) as site, client_of(site) as client:
                by_job, by_code = {}, {}
                for each in await found(client, "incidents"):
                    by_job[bool(each["job"])] = each
                    by_code[each["code"]] = each
                assert len(by_job) == len(by_code) == 2
                for code, each in by_code.items():
                    assert await found(client, "incidents", code=code) == [each]
                    assert await found(client, "incidents", process_id=each["process_id"]) == [each]
                    assert await found(client, "incidents", instance=each["instance"]) == [each]
                    assert (await client.get(f"/v1/incidents/{each['key']}")).json() == each
                job = by_job[True]
                url = f"/v1/incidents/{job['key']}/resolve"
                for _ in range(2):
                    answer = await client.post(url, json={"retries": 4}, headers={"Idempotency-Key": "r"})
                    assert answer.status_code == 204, answer.text
                (open_job,) = await found(client, "jobs")
                assert (open_job["retries"], open_job["process_id"]) == (4, "p")
                assert (await client.get(f"/v1/jobs/{open_job['key']}")).json() == open_job
                assert await found(client, "jobs", instance=open_job["instance"]) == [open_job]
                assert await found(client, "jobs", job_type="other") == []
                assert (await client.get("/v1/jobs/1")).status_code == 404
                assert (await client.get(f"/v1/incidents/{job['key']}")).status_code == 404
                assert (await client.post(url, json={"retries": 1})).status_code == 404
                assert (await client.post(url, json={"retries": 0})).status_code == 400

    asyncio.run(told())


def test_jobs_behind_many_that_are_not_for_the_caller_are_found_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_jobs, "LOOKED_MAX", 2)

    async def told() -> None:
        with Engine() as engine:
            engine.deploy(WORK, OTHER)
            for process in ("p", "p", "p", "p", "p", "other", "p", "other"):
                engine.start(process)
            whole = [str(job.key) for job in engine.jobs() if job.type == "q"]
            gate = Knows(lambda _: admin(processes=("other",)))
            async with running_site(engine, gate) as site, client_of(site) as client:
                seen: list[str] = []
                following: str | None = ""
                while following is not None:
                    params = {"limit": "1", **({"after": following} if following else {})}
                    page = (await client.get("/v1/jobs", params=params)).json()
                    seen += [each["key"] for each in page["items"]]
                    following = page["next"]
                assert seen == sorted(whole, key=int)
                assert len(seen) == 2

    asyncio.run(told())


def test_a_batch_is_started_followed_and_told_what_it_could_not_do() -> None:
    async def told() -> None:
        with Engine() as engine:
            engine.deploy(WORK)
            for n in range(3):
                engine.start("p", business_key=f"b{n}")
            async with running_site(engine) as site, client_of(site) as client:
                body = {
                    "filter": {"process_id": "p", "business_key": "b1"},
                    "action": {"action": "cancel", "reason": "r"},
                }
                headers = {"Idempotency-Key": "b"}
                made = await client.post("/v1/batches", json=body, headers=headers)
                assert made.status_code == 201, made.text
                assert (await client.post("/v1/batches", json=body, headers=headers)).json() == made.json()
                engine.run_until_idle()
                key = made.json()["key"]
                batch = (await client.get(f"/v1/batches/{key}")).json()
                assert (batch["state"], batch["seen"], batch["done"]) == ("finished", 1, 1)
                assert batch["filter"] == body["filter"]
                assert batch["action"] == body["action"]
                assert await found(client, "batches") == [batch]
                assert await found(client, f"batches/{key}/errors") == []
                states = [each["state"] for each in await found(client, "instances", order="started")]
                assert states == ["active", "terminated", "active"]
                for verb in ("pause", "resume", "cancel"):
                    assert (await client.post(f"/v1/batches/{key}/{verb}")).status_code == 409
                    assert (await client.post(f"/v1/batches/1/{verb}")).status_code == 404
                # Nothing moved, and there is no host to move to.
                assert (await client.post(f"/v1/batches/{key}/revert")).status_code == 409
                moves = {"filter": {"host": "here"}, "action": {"action": "move", "to": "temporal"}}
                assert (await client.post("/v1/batches", json=moves)).status_code == 409
                wrong = {"filter": {"host": "mars"}, "action": {"action": "cancel"}}
                assert (await client.post("/v1/batches", json=wrong)).status_code == 400
                wrong = {"filter": {"process": "p"}, "action": {"action": "cancel"}}
                assert (await client.post("/v1/batches", json=wrong)).status_code == 400
                wrong = {"filter": {"process_id": "p"}, "action": {"action": "explode"}}
                assert (await client.post("/v1/batches", json=wrong)).status_code == 400

    asyncio.run(told())
