"""User tasks over REST: who sees which, who may work them, and two who want the same one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import msgspec

import drawn as d
from procession.hosts.embedded.engine import Engine
from procession.services.access import Caller, Scope
from web_rig import client_of, running_site

TASK = (
    '<bpmn:userTask id="@"><bpmn:extensionElements><zeebe:userTask/>'
    '<zeebe:assignmentDefinition assignee="{a}" candidateGroups="{g}" candidateUsers="{u}"/>'
    '<zeebe:taskSchedule dueDate="{d}"/><zeebe:priorityDefinition priority="{p}"/></bpmn:extensionElements>~'
    "</bpmn:userTask>"
)


class Names:
    """A gate that knows people by a header: their permissions and groups stand in it."""

    def forget(self) -> None:
        """Keeps nothing."""

    async def caller(self, headers: Mapping[str, str], origin: str) -> Caller:
        user, _, rest = headers.get("who", "boss:*").partition(":")
        permissions, _, groups = rest.partition("/")
        return Caller(
            "<default>",
            f"user:{user}",
            origin,
            frozenset(permissions.replace("+", ":").split()),
            user,
            tuple(groups.split()),
        )


def as_(user: str, permissions: str = "tasks+read tasks+work", groups: str = "") -> dict[str, str]:
    return {"who": f"{user}:{permissions}/{groups}"}


def model(process: str = "p", **given: str) -> tuple[str, bytes]:
    text = TASK
    for letter in "agudp":
        text = text.replace(f"{{{letter}}}", given.get(letter, "50" if letter == "p" else ""))
    text = text.replace('<zeebe:taskSchedule dueDate=""/>', "")
    return f"{process}.bpmn", d.document(d.process(process, "s -> t, t -> e", s=d.start(), t=text, e=d.end()))


async def keys(client: httpx.AsyncClient, headers: dict[str, str] | None = None, **params: Any) -> list[str]:
    answer = await client.get("/v1/tasks", params=params, headers=headers or as_("boss", "*"))
    assert answer.status_code == 200, answer.text
    return [task["process_id"] for task in answer.json()["items"]]


def test_filters_leave_the_tasks_that_are_asked_for() -> None:
    async def told() -> None:
        with Engine() as engine:
            engine.deploy(model("mine", a="ann", p="10"))
            engine.deploy(model("theirs", g="sales,legal", p="90", d="2026-05-01T00:00:00Z"))
            engine.deploy(model("bobs", u="bob", d="2026-04-01T00:00:00Z"))
            for process in ("mine", "theirs", "bobs"):
                engine.start(process)
            async with running_site(engine, Names()) as site, client_of(site) as client:
                assert await keys(client) == ["mine", "theirs", "bobs"]
                assert await keys(client, order="-created") == ["bobs", "theirs", "mine"]
                assert await keys(client, order="-priority") == ["theirs", "bobs", "mine"]
                assert await keys(client, order="due") == ["bobs", "theirs", "mine"]
                assert await keys(client, assignee="ann") == ["mine"]
                assert await keys(client, unassigned="true") == ["theirs", "bobs"]
                assert await keys(client, candidate_group="legal") == ["theirs"]
                assert await keys(client, candidate_group=["none", "sales"]) == ["theirs"]
                assert await keys(client, candidate_user="bob") == ["bobs"]
                assert await keys(client, process_id="bobs", element_id="t") == ["bobs"]
                assert await keys(client, process_id="bobs", element_id="other") == []
                assert await keys(client, priority_from=50, priority_to=89) == ["bobs"]
                assert await keys(client, due_from="2026-04-15T00:00:00Z") == ["theirs"]
                assert await keys(client, due_to="2026-04-15T00:00:00Z") == ["bobs"]
                assert await keys(client, created_to="2020-01-01T00:00:00Z") == []
                instance = (await client.get("/v1/tasks?assignee=ann")).json()["items"][0]["instance"]
                assert await keys(client, instance=instance) == ["mine"]
                assert (await client.get("/v1/tasks?order=key")).status_code == 400
                assert (await client.get("/v1/tasks?due_to=2026-04-15T00:00:00")).status_code == 400
                assert (await client.get("/v1/tasks?instance=x")).status_code == 400

    asyncio.run(told())


def test_pages_of_every_order_follow_one_another() -> None:
    async def told() -> None:
        with Engine() as engine:
            engine.deploy(model("a", p="3"))
            engine.deploy(model("b", p="3", d="2026-05-01T00:00:00Z"))
            for n in range(10):
                engine.start("ab"[n % 2])
            async with running_site(engine, Names()) as site, client_of(site) as client:
                for order in ("created", "-created", "priority", "-priority", "due", "-due", "follow_up"):
                    whole = (await client.get(f"/v1/tasks?order={order}")).json()["items"]
                    found: list[Any] = []
                    following: str | None = ""
                    while following is not None:
                        after = f"&after={following}" if following else ""
                        page = (await client.get(f"/v1/tasks?order={order}&limit=3{after}")).json()
                        found += page["items"]
                        following = page["next"]
                    assert found == whole, order
                    assert len(found) == 10
                cursor = (await client.get("/v1/tasks?limit=3")).json()["next"]
                assert (await client.get(f"/v1/tasks?order=due&after={cursor}")).status_code == 400
                assert (await client.get("/v1/tasks?after=nonsense")).status_code == 400

    asyncio.run(told())


def test_people_see_what_is_theirs_and_what_they_may_take() -> None:
    async def told() -> None:
        with Engine() as engine:
            engine.deploy(model("mine", a="ann"))
            engine.deploy(model("theirs", g="sales"))
            engine.deploy(model("bobs", u="bob"))
            engine.deploy(model("all"))
            for process in ("mine", "theirs", "bobs", "all"):
                engine.start(process)
            async with running_site(engine, Names()) as site, client_of(site) as client:
                assert await keys(client, as_("ann")) == ["mine", "all"]
                assert await keys(client, as_("ann", groups="sales")) == ["mine", "theirs", "all"]
                assert await keys(client, as_("bob")) == ["bobs", "all"]
                assert await keys(client, as_("", groups="sales")) == ["theirs", "all"]
                assert await keys(client, as_("", groups="")) == ["all"]
                assert await keys(client, as_("ann", "tasks+read tasks+oversee")) == ["mine", "theirs", "bobs", "all"]
                assert await keys(client, as_("ann", groups="sales"), order="priority") == ["mine", "theirs", "all"]
                assert await keys(client, as_("ann", groups="sales"), assignee="ann") == ["mine"]
                assert (await client.get("/v1/tasks", headers=as_("ann", "jobs+read"))).status_code == 403
                theirs = (await client.get("/v1/tasks?process_id=theirs", headers=as_("boss", "*"))).json()["items"][0]
                url = f"/v1/tasks/{theirs['key']}"
                assert (await client.get(url, headers=as_("ann"))).status_code == 404
                assert (await client.post(f"{url}/complete", json={}, headers=as_("ann"))).status_code == 404
                keyed = {**as_("ann"), "Idempotency-Key": "k"}
                assert (await client.post(f"{url}/complete", json={}, headers=keyed)).status_code == 404
                assert (await client.get(url, headers=as_("ann", groups="sales"))).json() == theirs

    asyncio.run(told())


def test_a_task_is_claimed_by_one_person_given_back_and_completed_once() -> None:
    async def told() -> None:
        with Engine() as engine:
            engine.deploy(model("p", g="sales"))
            instance = engine.start("p")
            async with running_site(engine, Names()) as site, client_of(site) as client:
                ann, bob = as_("ann", groups="sales"), as_("bob", groups="sales")
                url = f"/v1/tasks/{(await client.get('/v1/tasks', headers=ann)).json()['items'][0]['key']}"
                claims = await asyncio.gather(*(client.post(f"{url}/claim", headers=who) for who in (ann, bob)))
                assert sorted(each.status_code for each in claims) == [204, 409]
                winner, loser = (ann, bob) if claims[0].status_code == 204 else (bob, ann)
                assert (await client.post(f"{url}/claim", headers=winner)).status_code == 204
                assert (await client.post(f"{url}/complete", json={}, headers=loser)).status_code == 403
                assert (await client.post(f"{url}/unclaim", headers=loser)).status_code == 403
                assert (await client.post(f"{url}/unclaim", headers=winner)).status_code == 204
                assert (await client.post(f"{url}/claim", headers=loser)).status_code == 204
                keyed = {**loser, "Idempotency-Key": "once"}
                for _ in range(2):
                    done = await client.post(f"{url}/complete", json={"variables": {"x": 1}}, headers=keyed)
                    assert done.status_code == 204, done.text
                assert (await client.post(f"{url}/complete", json={}, headers=loser)).status_code == 404
                assert instance.info.state == "completed"

    asyncio.run(told())


def test_a_change_of_an_older_version_of_a_task_is_refused() -> None:
    async def told() -> None:
        with Engine() as engine:
            engine.deploy(model("p", g="sales"))
            engine.start("p")
            async with running_site(engine, Names()) as site, client_of(site) as client:
                boss = as_("boss", "*")
                key = (await client.get("/v1/tasks", headers=boss)).json()["items"][0]["key"]
                first = await client.get(f"/v1/tasks/{key}", headers=boss)
                known = {**boss, "If-Match": first.headers["etag"]}
                changes: dict[str, Any] = {"assignee": "bob", "priority": 80, "candidate_groups": ["legal"]}
                changes["due"] = "2026-05-01T00:00:00Z"
                changed = await client.patch(f"/v1/tasks/{key}", json=changes, headers=known)
                assert changed.status_code == 200, changed.text
                assert changed.json() | {"due": "2026-05-01T00:00:00.000Z"} == {
                    **first.json(),
                    **changes,
                    "due": "2026-05-01T00:00:00.000Z",
                }
                assert changed.headers["etag"] != first.headers["etag"]
                assert (await client.patch(f"/v1/tasks/{key}", json={}, headers=known)).status_code == 412
                assert await keys(client, candidate_group="sales") == []
                assert await keys(client, candidate_group="legal", due_to="2026-05-02T00:00:00Z") == ["p"]
                wrong = await client.patch(f"/v1/tasks/{key}", json={"priority": 101}, headers=boss)
                assert wrong.status_code == 400
                worker = as_("bob")
                assert (await client.patch(f"/v1/tasks/{key}", json={}, headers=worker)).status_code == 403

    asyncio.run(told())


def test_a_gate_that_names_processes_hides_the_tasks_of_others() -> None:
    class Some:
        def forget(self) -> None:
            """Keeps nothing."""

        async def caller(self, headers: Mapping[str, str], origin: str) -> Caller:
            caller = await Names().caller(headers, origin)
            return msgspec.structs.replace(caller, processes=frozenset({"a"}))

    async def told() -> None:
        with Engine() as engine:
            engine.deploy(model("a"))
            engine.deploy(model("b"))
            engine.start("a")
            engine.start("b")
            async with running_site(engine, Some()) as site, client_of(site) as client:
                boss = as_("boss", "*")
                assert await keys(client, boss) == ["a"]
                found = (await client.get("/v1/instances", headers=boss)).json()["items"]
                assert [each["process_id"] for each in found] == ["a"]
                for task in engine.tasks():
                    status = (await client.get(f"/v1/tasks/{task.key}", headers=boss)).status_code
                    process = engine.instance(task.instance).info.process_id
                    assert status == (200 if process == "a" else 404)

    asyncio.run(told())


def test_who_oversees_some_processes_sees_all_of_those_and_their_own_of_others() -> None:
    class Scoped:
        def forget(self) -> None:
            """Keeps nothing."""

        async def caller(self, headers: Mapping[str, str], origin: str) -> Caller:
            reads = Scope(frozenset({"tasks:read", "tasks:work"}), None)
            oversees = Scope(frozenset({"tasks:oversee"}), frozenset({"a"}))
            held = frozenset({"tasks:read", "tasks:work", "tasks:oversee"})
            return Caller("<default>", "user:ann", origin, held, "ann", (), None, (reads, oversees))

    async def told() -> None:
        with Engine() as engine:
            engine.deploy(model("a", a="bob"))
            engine.deploy(model("b", a="bob"))
            engine.deploy(model("mine", a="ann"))
            for process in ("b", "mine", "a"):
                engine.start(process)
            async with running_site(engine, Scoped()) as site, client_of(site) as client:
                assert await keys(client) == ["mine", "a"]
                assert await keys(client, order="-created") == ["a", "mine"]
                assert await keys(client, assignee="bob") == ["a"]
                for task in engine.tasks():
                    process = engine.instance(task.instance).info.process_id
                    shown = await client.get(f"/v1/tasks/{task.key}")
                    assert shown.status_code == (404 if process == "b" else 200)
                    done = await client.post(f"/v1/tasks/{task.key}/complete", json={})
                    assert done.status_code == {"a": 403, "b": 404, "mine": 204}[process]

    asyncio.run(told())
