"""A form's own script: what it refuses and gives, at a page and when all is sent; what fails; which version it is."""

from __future__ import annotations

import json
import logging
from typing import Any, Final, final

import pytest

from journey_rig import FORM, World, documents, model, play, task
from procession.base.diagnostics import Refused
from procession.hosts.embedded.engine import Engine
from procession.scripts.trusted import Trusted
from procession.services.scripting import has_reader
from unit.web.player.test_player_api import Device, started

if not has_reader():
    pytest.skip("needs the extra js: pip install 'procession[js]'", allow_module_level=True)

TENANT: Final = "<default>"
CHECKS: Final = """
export default (answers: any, context: {page: string; language: string}) => {
  if (answers.name === "Mallory") return [{path: "name", message: {en: "Not you.", de: "Sie nicht."}}];
  if (context.page === "who") return {values: {email: `${answers.name.toLowerCase()}@example.com`, secret: 1}};
  const much = [{path: "amount", message: "Too much."}, {message: "Call us."}];
  if (context.page === "" && answers.amount > 500) return much;
  if (answers.amount === 13) throw new BpmnError("unlucky", "Not that number.");
  if (answers.amount === 14) undefined_name();
  if (answers.amount === 15) for (;;) ;
  if (answers.amount === 16) return "yes";
};
"""


def scripted(name: str = "checks", **more: str) -> list[tuple[str, bytes]]:
    form = {**FORM, "properties": {"procession.script": name}}
    found = dict(documents(**more))
    found["claim.form"] = json.dumps(form).encode()
    return list(found.items())


@final
class _Counting:
    """Scripts in this process, counted."""

    def __init__(self) -> None:
        self.inner = Trusted()
        self.calls = 0

    def evaluate(self, *args: Any) -> Any:
        self.calls += 1
        return self.inner.evaluate(*args)

    def close(self) -> None:
        self.inner.close()


def played(conversation: Any, *resources: tuple[str, bytes]) -> _Counting:
    runtime = _Counting()
    with Engine(scripts=runtime) as engine:
        play(conversation, *(resources or [*scripted(), ("checks.ts", CHECKS.encode())]), engine=engine)
    return runtime


async def begun(world: World) -> Device:
    return await started(world.browser().client)


async def step(program: Device, what: str, page: str, sets: dict[str, Any]) -> dict[str, Any]:
    task = (await program.screen())["shown"]["task"]
    found: dict[str, Any] = (await program.do(what, task, page, **sets)).json()
    return found


def test_a_page_is_left_when_the_script_has_nothing_against_it_and_what_it_gives_is_kept() -> None:
    async def conversation(world: World) -> None:
        program = await begun(world)
        empty = await step(program, "next", "who", {"name": ""})
        assert [each["rule"] for each in empty["faults"]] == ["required"]
        assert runtime_calls() == 0, "it is not asked about what is wrong anyway"
        refused = await step(program, "next", "who", {"name": "Mallory"})
        assert [(each["path"], each["message"]) for each in refused["faults"]] == [("name", "Not you.")]
        judged = await step(program, "judge", "who", {"name": "Mallory"})
        assert [each["message"] for each in judged["faults"]] == ["Not you."]
        await program.screen(language="de")
        refused = await step(program, "next", "who", {"name": "Mallory"})
        assert [each["message"] for each in refused["faults"]] == ["Sie nicht."]
        shown = (await step(program, "next", "who", {"name": "Ada"}))["shown"]
        assert shown["page"] == "what"
        back = (await step(program, "back", "what", {}))["shown"]
        assert back["view"]["data"]["email"] == "ada@example.com"
        assert "secret" not in back["view"]["data"], "a value is for a field of the form"

    counting = _Counting()

    def runtime_calls() -> int:
        return counting.calls

    with Engine(scripts=counting) as engine:
        play(conversation, *scripted(), ("checks.ts", CHECKS.encode()), engine=engine)


@pytest.mark.parametrize(
    ("amount", "faults"),
    [
        (501, [("amount", "Too much."), ("", "Call us.")]),
        (13, [("", "Not that number.")]),
        (14, [("", "This could not be checked just now. Your answers are kept: try again in a moment.")]),
        (15, [("", "This could not be checked just now. Your answers are kept: try again in a moment.")]),
        (16, [("", "This could not be checked just now. Your answers are kept: try again in a moment.")]),
    ],
)
def test_a_submit_is_refused_and_the_answers_are_kept(
    amount: int, faults: list[tuple[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    async def conversation(world: World) -> None:
        program = await begun(world)
        await step(program, "next", "who", {"name": "Ada"})
        refused = await step(program, "submit", "what", {"amount": amount, "police": "P"})
        assert [(each["path"], each["message"]) for each in refused["faults"]] == faults
        assert refused["shown"]["page"] == "what"
        assert (await program.screen())["shown"]["view"]["data"]["amount"] == amount
        done = await step(program, "submit", "what", {"amount": 5})
        assert done["shown"]["view"]["id"] == "sign"
        [instance] = world.engine.instances()
        assert world.engine.reader().variables(TENANT, instance.key)["email"] == "ada@example.com"

    with caplog.at_level(logging.ERROR, "procession.scripts"):
        played(conversation)
    told = [record.getMessage() for record in caplog.records]
    assert bool(told) == (amount in {14, 15, 16}), "who wrote it finds it in the log"
    if amount == 14:
        assert "checks:8:" in told[0]


def test_pages_without_javascript_are_judged_the_same() -> None:
    async def conversation(world: World) -> None:
        browser = world.browser()
        page = await browser.post(await browser.start(), "next", {"name": "Mallory"})
        assert page.status == 422
        assert "Not you." in page.html
        page = await browser.post(page, "next", {"name": "Ada"})
        page = await browser.post(page, "submit", {"amount": "700", "police": "P"})
        assert page.status == 422
        assert "Call us." in page.html

    played(conversation)


def test_the_form_of_a_start_has_a_script_too() -> None:
    async def conversation(world: World) -> None:
        client = world.browser().client
        body = {"process_id": "claim", "sets": {"name": "Mallory", "amount": 1}}
        refused = await client.post("/play/-/api/start", json=body)
        assert refused.status_code == 422
        assert [each["message"] for each in refused.json()["faults"]] == ["Not you."]
        taken = await client.post("/play/-/api/start", json={**body, "sets": {"name": "Ada", "amount": 1}})
        assert taken.status_code == 201

    bpmn = model(("ask", task("ask", "sign", "customer")), start_form="claim")
    played(conversation, *scripted(bpmn=bpmn), ("checks.ts", CHECKS.encode()))


def test_a_form_keeps_the_module_that_was_there_when_it_was_deployed() -> None:
    async def conversation(world: World) -> None:
        later = CHECKS.replace("Not you.", "Never.")
        world.engine.deploy(("checks.ts", later.encode()))
        program = await begun(world)
        refused = await step(program, "next", "who", {"name": "Mallory"})
        assert [each["message"] for each in refused["faults"]] == ["Not you."]
        changed = {**FORM, "properties": {"procession.script": "checks", "procession.title": "Anew"}}
        world.engine.deploy(("claim.form", json.dumps(changed).encode()))
        program = await begun(world)
        refused = await step(program, "next", "who", {"name": "Mallory"})
        assert [each["message"] for each in refused["faults"]] == ["Never."]

    played(conversation)


@pytest.mark.parametrize(
    ("name", "source", "says"),
    [
        ("missing", "", "missing"),
        ("no name", "", "no name"),
        ("checks", "export const other = 1;", "default"),
    ],
)
def test_a_script_that_is_not_there_is_refused_at_deployment(name: str, source: str, says: str) -> None:
    modules = [("checks.ts", source.encode())] if source else []
    with Engine() as engine, pytest.raises(Refused) as refused:
        engine.deploy(*scripted(name), *modules)
    [found] = [each for each in refused.value.diagnostics if each.rule == "form-script"]
    assert says in found.message
    assert found.span is not None
    assert found.span.file == "claim.form"


def test_where_no_scripts_run_nothing_goes_on_unchecked(caplog: pytest.LogCaptureFixture) -> None:
    async def conversation(world: World) -> None:
        program = await begun(world)
        refused = await step(program, "next", "who", {"name": "Ada"})
        assert [each["rule"] for each in refused["faults"]] == ["script-failed"]

    with Engine(scripts=False) as engine:
        play(conversation, *scripted(), ("checks.ts", CHECKS.encode()), engine=engine)
    assert "runs no scripts" in caplog.text
