"""Jobs over REST: leases, outcomes, and what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast, final

import httpx
import pytest

from procession.base.failure import Busy
from procession.hosts.embedded.engine import Engine
from procession.hosts.embedded.tickets import Intake, Ticket
from procession.runtime import requests as q
from procession.services.access import Caller
from procession.services.backend import Backend, Who
from procession.web import desk
from procession.web.problems import problem_of
from procession.web.site import Gate
from web_rig import XML, Counted, client_of, running_site

REVIEW = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"
 targetNamespace="t"><process id="caught" isExecutable="true"><startEvent id="s"/>
 <sequenceFlow id="f" sourceRef="s" targetRef="work"/>
 <serviceTask id="work"><extensionElements><zeebe:taskDefinition type="work"/></extensionElements></serviceTask>
 <boundaryEvent id="no" attachedToRef="work"><errorEventDefinition errorRef="refused"/></boundaryEvent>
 <sequenceFlow id="h" sourceRef="no" targetRef="n"/><endEvent id="n"/>
 <sequenceFlow id="g" sourceRef="work" targetRef="e"/><endEvent id="e"/></process>
 <error id="refused" errorCode="refused"/></definitions>"""


async def leased(client: httpx.AsyncClient, **body: Any) -> list[dict[str, Any]]:
    answer = await client.post("/v1/jobs/activate", json={"types": ["work"], **body})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_a_leased_job_says_what_a_worker_needs_and_is_completed_under_its_lease() -> None:
    async def told() -> None:
        with Engine() as engine:
            engine.deploy(("p.bpmn", XML.encode()))
            instance = engine.start("p", {"amount": "0.10", "other": 1})
            async with running_site(engine) as site, client_of(site) as client:
                (job,) = await leased(client, worker="w", fetch_variables=["amount", "absent"])
                assert job["variables"] == {"amount": "0.10"}
                assert (job["type"], job["instance"], job["process_id"]) == ("work", str(instance.key), "p")
                assert (job["version"], job["retries"], job["attempt"], job["tenant"]) == (1, 3, 1, "<default>")
                assert job["deadline"].endswith("Z")
                assert job["idempotency_key"]
                assert await leased(client) == []
                path = f"/v1/jobs/{job['key']}/complete"
                late = await client.post(path, json={"token": "1"})
                assert late.status_code == 404
                done = await client.post(path, json={"token": job["token"], "variables": {"sum": 0.1}})
                assert (done.status_code, done.json()) == (200, {"key": job["key"]})
            assert instance.state == "completed"

    asyncio.run(told())


def test_fractions_come_and_go_exactly() -> None:
    text = "0.1234567890123456789012345"

    async def told() -> None:
        with Engine() as engine:
            engine.deploy(("p.bpmn", XML.encode()))
            instance = engine.start("p")
            async with running_site(engine) as site, client_of(site) as client:
                (job,) = await leased(client)
                body = f'{{"token": "{job["token"]}", "variables": {{"x": {text}}}}}'
                done = await client.post(f"/v1/jobs/{job['key']}/complete", content=body)
                assert done.status_code == 200, done.text
                assert str(instance.variables["x"]) == text
                engine.start("p", dict(instance.variables))
                again = await client.post("/v1/jobs/activate", json={"types": ["work"]})
                assert f'"x":{text}' in again.text

    asyncio.run(told())


def test_outcomes_of_a_batch_stand_alone() -> None:
    async def told() -> None:
        with Engine() as engine:
            engine.deploy(("p.bpmn", XML.encode()), ("c.bpmn", REVIEW.encode()))
            done, failed, back = engine.start("p"), engine.start("p"), engine.start("p")
            thrown = engine.start("caught")
            async with running_site(engine) as site, client_of(site) as client:
                jobs = {job["instance"]: job for job in await leased(client, max_jobs=10)}

                def place(instance: Any) -> dict[str, str]:
                    job = jobs[str(instance.key)]
                    return {"key": job["key"], "token": job["token"]}

                outcomes = [
                    {"outcome": "complete", **place(done), "variables": {"ok": True}},
                    {"outcome": "fail", **place(failed), "error": "no paper", "backoff_ms": 0},
                    {"outcome": "complete", "key": "77", "token": "1"},
                    {"outcome": "throw", **place(thrown), "code": "refused"},
                    {"outcome": "return", **place(back)},
                    {"outcome": "complete", "key": "9999999999999999999", "token": "1"},
                ]
                answer = await client.post("/v1/jobs/finish", json={"items": outcomes})
                items = answer.json()["items"]
                assert [each.get("problem", {}).get("status") for each in items] == [None, None, 404, None, None, 404]
                assert items[1]["retries"] == 2
                assert (done.state, thrown.state) == ("completed", "completed")
                again = {job["instance"]: job for job in await leased(client, max_jobs=10)}
                assert set(again) == {str(failed.key), str(back.key)}
                # What was given back was no attempt.
                assert again[str(back.key)]["attempt"] == 1
                assert again[str(failed.key)]["attempt"] == 2

    asyncio.run(told())


def test_a_batch_with_an_idempotency_key_is_answered_as_the_first_time() -> None:
    async def told() -> None:
        with Engine() as engine:
            engine.deploy(("p.bpmn", XML.encode()))
            engine.start("p")
            async with running_site(engine) as site, client_of(site) as client:
                (job,) = await leased(client)
                body = {"items": [{"outcome": "complete", "key": job["key"], "token": job["token"]}]}
                headers = {"Idempotency-Key": "k"}
                first = await client.post("/v1/jobs/finish", json=body, headers=headers)
                again = await client.post("/v1/jobs/finish", json=body, headers=headers)
                bare = await client.post("/v1/jobs/finish", json=body)
                assert first.json() == again.json() == {"items": [{"key": job["key"]}]}
                assert bare.json()["items"][0]["problem"]["status"] == 404

    asyncio.run(told())


def test_a_long_poll_is_answered_by_the_job_that_comes() -> None:
    async def told() -> None:
        with Engine() as engine:
            engine.deploy(("p.bpmn", XML.encode()))
            async with running_site(engine) as site, client_of(site) as client:
                asking = asyncio.ensure_future(leased(client, request_timeout_ms=20_000))
                others = asyncio.ensure_future(leased(client, types=["other"], request_timeout_ms=1))
                assert await others == []
                instance = await asyncio.to_thread(engine.start, "p")
                (job,) = await asking
                assert job["instance"] == str(instance.key)

    asyncio.run(told())


def test_looking_for_jobs_in_vain_is_not_written_down() -> None:
    async def told() -> None:
        with Engine() as engine:
            engine.deploy(("p.bpmn", XML.encode()))
            async with running_site(engine) as site, client_of(site) as client:
                commits = engine.pump.bell.generation
                assert await leased(client) == []
                assert engine.pump.bell.generation == commits

    asyncio.run(told())


def test_an_extended_lease_ends_later_and_a_job_out_of_retries_gets_new_ones() -> None:
    async def told() -> None:
        now = [1_000_000]
        with Engine(clock=lambda: now[0]) as engine:
            engine.deploy(("p.bpmn", XML.encode()))
            engine.start("p")
            (job,) = engine.activate_jobs("work", timeout=10)
            engine.call(q.ExtendJob("<default>", job.key, 60_000, job.token))
            now[0] += 30_000
            assert engine.activate_jobs("work") == []
            now[0] += 30_001
            (job,) = engine.activate_jobs("work")
            assert job.attempt == 2
            async with running_site(engine) as site, client_of(site) as client:
                changed = await client.patch(f"/v1/jobs/{job.key}", json={"retries": 9})
                assert changed.status_code == 200
                nobody = await client.patch("/v1/jobs/77", json={"retries": 9})
                assert nobody.status_code == 404
            assert engine.jobs()[0].retries == 9

    asyncio.run(told())


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("activate", {"types": []}),
        ("activate", {"types": ["work"], "max_jobs": 0}),
        ("activate", {"types": ["work"], "sort": 1}),
        ("finish", {"items": [{"outcome": "forget", "key": "1"}]}),
        ("finish", {"items": [{"outcome": "complete", "key": "one"}]}),
        ("nokey/complete", {}),
        ("1/complete", {"token": "x"}),
        ("1/extend", {"timeout_ms": 0}),
    ],
)
def test_what_means_nothing_is_refused(path: str, body: dict[str, Any]) -> None:
    async def told() -> None:
        with Engine() as engine:
            async with running_site(engine) as site, client_of(site) as client:
                answer = await client.post(f"/v1/jobs/{path}", json=body)
                assert answer.status_code == 400, answer.text
                assert answer.headers["content-type"].startswith("application/problem+json")

    asyncio.run(told())


def test_too_many_leases_and_too_full_an_intake_are_told_as_429(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "LEASED_MAX", 1)

    async def told() -> None:
        with Engine() as engine:
            engine.deploy(("p.bpmn", XML.encode()))
            engine.start_many("p", [{}, {}])
            async with running_site(engine) as site, client_of(site) as client:
                (job,) = await leased(client, max_jobs=1)
                refused = await client.post("/v1/jobs/activate", json={"types": ["work"]})
                assert refused.status_code == 429
                assert refused.headers["retry-after"] == "1"
                await client.post(f"/v1/jobs/{job['key']}/complete", json={"token": job["token"]})
                assert len(await leased(client, max_jobs=1)) == 1

    asyncio.run(told())


def test_a_full_intake_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("procession.hosts.embedded.tickets.WAITING_MAX", 0)
    with pytest.raises(Busy) as caught:
        Intake().put([Ticket(q.AddTenant("t"))])
    assert problem_of(caught.value, "/v1/x").status == 429


def test_who_stops_waiting_gives_back_what_was_just_leased() -> None:
    async def told() -> None:
        with Engine() as engine:
            engine.deploy(("p.bpmn", XML.encode()))
            instance = engine.start("p")
            async with running_site(engine) as site:
                wanted = desk.Wanted("<default>", ("work",), "gone", 300_000)
                (pump,) = engine.pumps.all
                with pump.lock:
                    # The lease is asked for and cannot be carried out yet.
                    taking = asyncio.ensure_future(site.desk.take(wanted, Who("user:x"), 1, seconds=10))
                    await site.desk.asking.wait()
                    taking.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await taking
                other = desk.Wanted("<default>", ("work",), "there", 300_000)
                (job,) = await site.desk.take(other, Who("user:x"), 1, seconds=10)
                assert (job["instance"], job["attempt"]) == (str(instance.key), 1)

    asyncio.run(told())


def test_jobs_of_a_shard_that_another_process_owns_are_leased_and_finished_there(tmp_path: Path) -> None:
    async def told(engine: Engine, key: int) -> None:
        async with running_site(engine) as site, client_of(site) as client:
            (job,) = await leased(client, request_timeout_ms=20_000)
            assert job["instance"] == str(key)
            body = {"items": [{"outcome": "complete", "key": job["key"], "token": job["token"]}]}
            answer = await client.post("/v1/jobs/finish", json=body)
            assert answer.json() == {"items": [{"key": job["key"]}]}

    with Engine(tmp_path / "s.db") as owner:
        owner.deploy(("p.bpmn", XML.encode()))
        instance = owner.start("p")
        owner.serve(threads=1)
        with Engine(tmp_path / "s.db") as other:
            asyncio.run(told(other, instance.key))
        assert instance.state == "completed"


def test_a_caller_of_some_processes_gets_no_jobs() -> None:
    @final
    class Always:
        def __init__(self, caller: Caller) -> None:
            self._caller = caller

        async def caller(self, headers: Mapping[str, str], origin: str) -> Caller:
            return self._caller

        def forget(self) -> None:
            """Nothing is kept."""

    async def told(gate: Gate) -> None:
        with Engine() as engine:
            engine.deploy(("p.bpmn", XML.encode()))
            engine.start("p")
            async with running_site(engine, gate) as site, client_of(site) as client:
                asked = [
                    await client.post("/v1/jobs/activate", json={"types": ["work"]}),
                    await client.get("/v1/jobs/stream", params={"type": "work"}),
                    await client.post("/v1/jobs/finish", json={"items": []}),
                    *[await client.post(f"/v1/jobs/1/{verb}", json=body) for verb, body in VERBS.items()],
                    await client.patch("/v1/jobs/1", json={"retries": 1}),
                ]
                assert {answer.status_code for answer in asked} == {403}

    some = Caller("<default>", "key:k", permissions=frozenset({"jobs:work"}), processes=frozenset({"q"}))
    looking = Caller("<default>", "key:k", permissions=frozenset({"jobs:read"}))
    for caller in (some, looking):
        asyncio.run(told(Always(caller)))


VERBS: dict[str, dict[str, Any]] = {
    "complete": {},
    "fail": {},
    "throw": {"code": "c"},
    "deny": {},
    "extend": {"timeout_ms": 1},
}


@asynccontextmanager
async def waited_at() -> AsyncIterator[tuple[Engine, Counted, Callable[..., Awaitable[list[dict[str, Any]]]]]]:
    """An engine that serves and has one job, what counts its reads, and who takes a job at a desk before it."""
    with Engine() as engine:
        engine.serve(0)
        engine.deploy(("p.bpmn", XML.encode()))
        engine.start("p")
        async with running_site(engine) as site:
            backend = Counted(site.backend)
            at_desk = desk.Desk(cast("Backend", backend))

            async def take(worker: str, lease_ms: int, seconds: float = 10) -> list[dict[str, Any]]:
                wanted = desk.Wanted("<default>", ("work",), worker, lease_ms)
                return await at_desk.take(wanted, Who("user:test"), 1, seconds=seconds)

            yield engine, backend, take
            await at_desk.close()


def test_who_waits_for_jobs_asks_the_store_for_what_memory_does_not_know_alone() -> None:
    async def told() -> None:
        async with waited_at() as (engine, backend, take):
            assert len(await take("w", 60_000)) == 1
            known = backend.reads  # of a type that nobody here asked for yet, only the store knew
            for _ in range(5):
                waiting = asyncio.ensure_future(take("w", 60_000))
                await asyncio.to_thread(engine.start, "p")
                assert len(await waiting) == 1
            assert await take("w", 60_000, seconds=0.01) == []
            assert backend.reads == known

    asyncio.run(told())


def test_a_lease_that_ends_wakes_who_waits_though_nothing_is_committed() -> None:
    async def told() -> None:
        async with waited_at() as (_, backend, take):
            (lost,) = await take("a", 200)
            known = backend.reads
            (found,) = await take("b", 200)
            assert (found["key"], found["attempt"]) == (lost["key"], 2)
            assert backend.reads == known

    asyncio.run(told())
