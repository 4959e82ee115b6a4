"""Forms over REST: their versions and documents, and the form of a task and of a start."""

from __future__ import annotations

import json
from typing import Any, Final

import httpx

from procession.hosts.embedded.engine import Engine
from web_rig import talk

BPMN: Final = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t"
 xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"><process id="p" isExecutable="true">
 <extensionElements><zeebe:userTaskForm id="inner">{"type": "default", "components": []}</zeebe:userTaskForm>
 <zeebe:userTaskForm id="broken">{</zeebe:userTaskForm></extensionElements>
 <startEvent id="s"><extensionElements><zeebe:formDefinition formId="ask"/></extensionElements></startEvent>
 <sequenceFlow id="f" sourceRef="s" targetRef="ask"/>
 <userTask id="ask"><extensionElements><zeebe:userTask/><zeebe:formDefinition REF/></extensionElements></userTask>
 </process></definitions>"""
FORM: Final = '{"type": "default", "id": "ask", "components": [], "x-price": 0.10}'


def resources(reference: str, form: str = FORM) -> dict[str, Any]:
    documents = [("p.bpmn", BPMN.replace("REF", reference)), ("ask.form", form)]
    return {"resources": [{"name": name, "text": text} for name, text in documents]}


async def task_form(engine: Engine, client: httpx.AsyncClient) -> httpx.Response:
    engine.start("p")
    newest = max(engine.tasks(), key=lambda task: task.key)
    return await client.get(f"/v1/tasks/{newest.key}/form")


def test_forms_are_deployed_listed_and_come_back_byte_for_byte() -> None:
    async def conversation(_: Engine, client: httpx.AsyncClient) -> None:
        tried = (await client.post("/v1/deployments?dry_run=true", json=resources('formId="ask"'))).json()
        assert [(each["form_id"], each["version"], each["new"]) for each in tried["forms"]] == [("ask", 1, True)]
        made = (await client.post("/v1/deployments", json=resources('formId="ask"'))).json()
        assert [(each["form_id"], each["version"], each["new"]) for each in made["forms"]] == [("ask", 1, True)]
        changed = resources('formId="ask"', FORM.replace("[]", '[{"type": "separator"}]'))
        told = (await client.post("/v1/deployments/diff", json=changed)).json()
        assert [(each["id"], each["change"], each["version"]) for each in told["forms"]] == [("ask", "changed", 2)]
        await client.post("/v1/deployments", json=changed)

        page = (await client.get("/v1/forms?limit=1")).json()
        rest = (await client.get("/v1/forms", params={"limit": 1, "after": page["next"]})).json()
        assert [each["version"] for each in [*page["items"], *rest["items"]]] == [1, 2]
        latest = (await client.get("/v1/forms?form_id=ask&latest=true")).json()["items"]
        assert latest == rest["items"]
        first = page["items"][0]
        assert (await client.get(f"/v1/forms/{first['key']}")).json() == first
        answer = await client.get(f"/v1/forms/{first['key']}/document")
        assert (answer.text, answer.headers["content-type"]) == (FORM, "application/json")
        assert answer.headers["etag"] == f'"{first["digest"]}"'
        assert (await client.get("/v1/forms/5")).status_code == 404
        shown = (await client.get(f"/v1/deployments/{made['key']}")).json()
        assert [each["form_id"] for each in shown["forms"]] == ["ask"]

    talk(conversation)


def test_a_task_and_a_start_have_their_form() -> None:
    async def conversation(engine: Engine, client: httpx.AsyncClient) -> None:
        made = (await client.post("/v1/deployments", json=resources('formId="ask"'))).json()
        answer = await task_form(engine, client)
        found = answer.json()
        assert (found["form"]["version"], found["reference"]) == (1, None)
        assert json.loads(FORM) == found["document"]
        assert "0.10" in answer.text
        start = await client.get(f"/v1/definitions/{made['processes'][0]['key']}/form")
        assert start.json() == found

    talk(conversation)


def test_a_form_inside_the_process_or_of_somebody_else_is_told() -> None:
    async def conversation(engine: Engine, client: httpx.AsyncClient) -> None:
        for reference, status, document in (
            ('formKey="camunda-forms:bpmn:inner"', 200, {"type": "default", "components": []}),
            ('formKey="camunda-forms:bpmn:broken"', 404, None),
            ('formKey="mine"', 200, None),
            ('formId="none"', 404, None),
        ):
            assert (await client.post("/v1/deployments", json=resources(reference))).is_success
            answer = await task_form(engine, client)
            assert answer.status_code == status, answer.text
            if status == 200:
                assert answer.json()["form"] is None
                assert answer.json()["document"] == document
        assert (await client.get("/v1/tasks/5/form")).status_code == 404

    talk(conversation)


def test_a_wrong_form_is_refused_with_its_place() -> None:
    async def conversation(_: Engine, client: httpx.AsyncClient) -> None:
        answer = await client.post("/v1/deployments", json=resources('formId="ask"', '{"type": "default",\n "a": }'))
        assert answer.status_code == 422
        (found,) = [each for each in answer.json()["diagnostics"] if each["severity"] == "error"]
        assert (found["rule"], found["span"]["line"]) == ("form-json", 2)

    talk(conversation)
