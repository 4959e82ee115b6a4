"""Deployments and what they bring: definitions and decisions, their documents and drawings."""

from __future__ import annotations

import base64
from typing import Any, Final

import httpx

from procession.hosts.embedded.engine import Engine
from web_models import DECISION, QUICK, XML_2
from web_rig import XML, Knows, admin, talk

P: Final = ("p.bpmn", XML)
D: Final = ("menu.dmn", DECISION)


def resources(*documents: tuple[str, str]) -> dict[str, Any]:
    return {"resources": [{"name": name, "text": text} for name, text in documents]}


def test_files_are_deployed_together_and_listed_the_newest_first() -> None:
    async def conversation(_: Engine, client: httpx.AsyncClient) -> None:
        files = [("resources", (name, text.encode())) for name, text in (P, D)]
        first = await client.post("/v1/deployments", files=files, data={"name": "the first"})
        assert first.status_code == 201
        assert [(p["process_id"], p["version"], p["new"]) for p in first.json()["processes"]] == [("p", 1, True)]
        assert [(d["decision_id"], d["version"]) for d in first.json()["decisions"]] == [("dish", 1)]
        again = await client.post("/v1/deployments", json=resources(P, D))
        assert (again.status_code, again.json()["key"]) == (200, None)
        second = await client.post("/v1/deployments", json=resources(("p.bpmn", XML_2)))
        assert second.json()["processes"][0]["version"] == 2

        page = (await client.get("/v1/deployments?limit=1")).json()
        rest = (await client.get("/v1/deployments", params={"limit": 1, "after": page["next"]})).json()
        assert [each["key"] for each in page["items"]] == [second.json()["key"]]
        assert [(each["key"], each["name"]) for each in rest["items"]] == [(first.json()["key"], "the first")]
        assert rest["next"] is None

    talk(conversation)


def test_a_document_comes_back_byte_for_byte_and_as_a_file() -> None:
    text = XML.replace('id="p"', 'id="p" name="Ä"')

    async def conversation(_: Engine, client: httpx.AsyncClient) -> None:
        name = 'a "b"\r\nSet-Cookie: x=1.bpmn'
        body = {"resources": [{"name": name, "base64": base64.b64encode(text.encode()).decode()}]}
        made = (await client.post("/v1/deployments", json=body)).json()
        shown = (await client.get(f"/v1/deployments/{made['key']}")).json()
        [resource] = shown["resources"]
        path = f"/v1/deployments/{made['key']}/resources/{resource['digest']}"
        answer = await client.get(path)
        assert (answer.content, answer.headers["content-type"]) == (text.encode(), "application/bpmn+xml")
        assert answer.headers["content-disposition"] == 'attachment; filename="a__b___Set-Cookie__x_1.bpmn"'
        assert "set-cookie" not in answer.headers
        assert (await client.get(path, headers={"if-none-match": answer.headers["etag"]})).status_code == 304
        assert (await client.get(path[:-1] + "z")).status_code == 400
        assert (await client.get(path[:-4] + "0000")).status_code == 404
        xml = await client.get(f"/v1/definitions/{shown['processes'][0]['key']}/xml")
        assert xml.content == text.encode()

    talk(conversation)


def test_a_dry_run_tells_everything_and_stores_nothing() -> None:
    async def conversation(engine: Engine, client: httpx.AsyncClient) -> None:
        tried = await client.post("/v1/deployments?dry_run=true", json=resources(("p.bpmn", XML_2), D))
        assert tried.status_code == 200
        assert tried.json()["dry_run"]
        assert [(p["key"], p["version"], p["new"]) for p in tried.json()["processes"]] == [(None, 2, True)]
        broken = XML.replace('targetRef="e"', 'targetRef="nowhere"')
        refused = await client.post("/v1/deployments?dry_run=true", json=resources(("p.bpmn", broken), ("x.dmn", "<")))
        assert refused.status_code == 422
        found = {(each["span"]["file"], each["severity"]) for each in refused.json()["diagnostics"]}
        assert {("p.bpmn", "error"), ("x.dmn", "error")} <= found
        assert [each.version for each in engine.definitions()] == [1]

    talk(conversation, P)


def test_a_difference_names_elements_that_come_go_and_change() -> None:
    renamed = XML_2.replace('"check"', '"inspect"')

    async def conversation(_: Engine, client: httpx.AsyncClient) -> None:
        async def compared(*documents: tuple[str, str]) -> dict[str, Any]:
            answer = await client.post("/v1/deployments/diff", json=resources(*documents))
            assert answer.status_code == 200, answer.text
            found: dict[str, Any] = answer.json()
            return found

        same = (await compared(P, D))["processes"][0]
        assert (same["change"], same["version"]) == ("same", 1)
        # Other places of the same words are no difference of an element.
        moved = (await compared(("p.bpmn", XML.replace("<serviceTask", "\n\n <serviceTask"))))["processes"][0]
        assert (moved["change"], moved["added"], moved["removed"], moved["changed"]) == ("changed", [], [], [])
        found = (await compared(("p.bpmn", XML_2), ("q.bpmn", QUICK)))["processes"]
        assert [(each["id"], each["change"], each["version"]) for each in found] == [
            ("p", "changed", 2),
            ("quick", "new", 1),
        ]
        assert (found[0]["added"], found[0]["removed"], found[0]["changed"]) == (["check", "h"], [], ["work", "g"])
        assert found[0]["unmapped"] == []
        await client.post("/v1/deployments", json=resources(("p.bpmn", XML_2)))
        later = (await compared(("p.bpmn", renamed)))["processes"][0]
        assert (later["added"], later["removed"], later["unmapped"]) == (["inspect"], ["check"], ["check"])
        assert [(each["source"], each["target"]) for each in later["proposals"]] == [("check", "inspect")]
        changed = (await compared(("menu.dmn", DECISION.replace("stew", "soup"))))["decisions"][0]
        assert (changed["change"], changed["version"], changed["changed"]) == ("changed", 2, ["dish"])

    talk(conversation, P, D)


def test_definitions_are_listed_in_pages_by_id_and_version() -> None:
    async def conversation(engine: Engine, client: httpx.AsyncClient) -> None:
        engine.deploy(("p.bpmn", XML_2.encode()), ("q.bpmn", QUICK.encode()))

        async def listed(**where: Any) -> list[tuple[str, int]]:
            found: list[tuple[str, int]] = []
            where = {"limit": 1, **where}
            while True:
                page = (await client.get("/v1/definitions", params=where)).json()
                found += [(each["process_id"], each["version"]) for each in page["items"]]
                if page["next"] is None:
                    return found
                where["after"] = page["next"]

        assert await listed() == [("p", 1), ("p", 2), ("quick", 1)]
        assert await listed(latest=True) == [("p", 2), ("quick", 1)]
        assert await listed(process_id="p") == [("p", 1), ("p", 2)]
        assert await listed(process_id="p", latest=True) == [("p", 2)]
        assert await listed(process_id="p", limit=2) == [("p", 1), ("p", 2)]
        assert await listed(version_tag="none") == []
        assert await listed(process_id="' OR 1=1 --") == []

    talk(conversation, P)


def test_a_definition_is_drawn_suspended_and_resumed() -> None:
    async def conversation(engine: Engine, client: httpx.AsyncClient) -> None:
        key = engine.definitions()[0].key
        drawn = await client.get(f"/v1/definitions/{key}/diagram")
        assert drawn.headers["content-type"].startswith("image/svg+xml")
        assert drawn.text.startswith("<svg")
        assert "sandbox" in drawn.headers["content-security-policy"]
        suspended = await client.post(f"/v1/definitions/{key}/suspend")
        assert suspended.json() == {"changed": 1}
        assert (await client.get(f"/v1/definitions/{key}")).json()["suspended"]
        refused = await client.post("/v1/instances", json={"process_id": "p"})
        assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
        resumed = await client.post(f"/v1/definitions/{key}/resume", json={"all_versions": True})
        assert resumed.json() == {"changed": 1}
        assert (await client.post("/v1/instances", json={"process_id": "p"})).status_code == 201

    talk(conversation, P)


def test_a_caller_of_some_processes_sees_and_changes_no_others() -> None:
    async def conversation(engine: Engine, client: httpx.AsyncClient) -> None:
        mine, other = sorted(engine.definitions(), key=lambda each: each.process_id != "quick")
        listed = (await client.get("/v1/definitions", params={"limit": 1})).json()
        assert ([each["process_id"] for each in listed["items"]], listed["next"]) == (["quick"], None)
        assert (await client.get(f"/v1/definitions/{mine.key}")).status_code == 200
        for path in ("", "/xml", "/diagram"):
            assert (await client.get(f"/v1/definitions/{other.key}{path}")).status_code == 404
        assert (await client.post(f"/v1/definitions/{other.key}/suspend")).status_code == 404
        shown = (await client.get(f"/v1/deployments/{other.deployment}")).json()
        assert [each["process_id"] for each in shown["processes"]] == ["quick"]
        assert [each["name"] for each in shown["resources"]] == ["q.bpmn"]
        assert (await client.post("/v1/deployments", json=resources(("p.bpmn", XML_2)))).status_code == 403
        assert (await client.post("/v1/deployments/diff", json=resources(("p.bpmn", XML_2)))).status_code == 403

    talk(conversation, P, ("q.bpmn", QUICK), gate=Knows(lambda _: admin(processes=("quick",))))


def test_decisions_are_listed_and_decide_in_the_version_that_is_asked_for() -> None:
    async def conversation(engine: Engine, client: httpx.AsyncClient) -> None:
        winter = {"variables": {"season": "winter"}}
        first = await client.post("/v1/decisions/dish/evaluate", json=winter)
        assert (first.json()["result"], first.json()["decision"]["version"]) == ("stew", 1)
        engine.deploy(("menu.dmn", DECISION.replace("stew", "soup").encode()))
        second = await client.post("/v1/decisions/dish/evaluate", json=winter)
        assert (second.json()["result"], second.json()["decision"]["version"]) == ("soup", 2)
        old = await client.post("/v1/decisions/dish/evaluate", json={**winter, "version": 1})
        assert old.json()["result"] == "stew"
        missing = await client.post("/v1/decisions/dish/evaluate", json={**winter, "version_tag": "x"})
        assert missing.status_code == 404
        listed = (await client.get("/v1/decisions?latest=true")).json()["items"]
        assert [(each["decision_id"], each["version"]) for each in listed] == [("dish", 2)]
        key = listed[0]["key"]
        assert (await client.get(f"/v1/decisions/{key}")).json() == listed[0]
        assert b"soup" in (await client.get(f"/v1/decisions/{key}/xml")).content

    talk(conversation, D)


def test_a_decision_without_a_result_is_a_problem() -> None:
    table = (
        '<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="t" name="t" namespace="t">'
        '<decision id="one" name="one"><variable name="one"/><decisionTable hitPolicy="UNIQUE">'
        '<input id="i"><inputExpression><text>a</text></inputExpression></input><output id="o"/>'
        '<rule id="r1"><inputEntry id="e1"><text>&gt; 1</text></inputEntry>'
        '<outputEntry id="x1"><text>1</text></outputEntry></rule>'
        '<rule id="r2"><inputEntry id="e2"><text>&gt; 2</text></inputEntry>'
        '<outputEntry id="x2"><text>2</text></outputEntry></rule></decisionTable></decision></definitions>'
    )

    async def conversation(_: Engine, client: httpx.AsyncClient) -> None:
        one = await client.post("/v1/decisions/one/evaluate", json={"variables": {"a": 2}})
        assert (one.status_code, one.json()["result"]) == (200, 1)
        both = await client.post("/v1/decisions/one/evaluate", json={"variables": {"a": 3}})
        assert (both.status_code, both.json()["code"]) == (422, "no-result")

    talk(conversation, ("t.dmn", table))
