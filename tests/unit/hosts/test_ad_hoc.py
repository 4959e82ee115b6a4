"""Ad-hoc sub-processes by way of the engine: triggers from Python and the command line, workers that choose."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from typer.testing import CliRunner

from host_rig import opened
from procession import AsyncEngine, BadValue, Choice, Conflict, NotFound
from procession.base.values import Json
from procession.cli.app import app

HEAD: Final = (
    '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="urn:t" '
    'xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"><process id="p" isExecutable="true">'
)
TASKS: Final = "".join(
    f'<serviceTask id="{id}" name="Do {id}"><documentation>What {id} does</documentation><extensionElements>'
    f'<zeebe:taskDefinition type="{id}"/><zeebe:properties><zeebe:property name="of" value="{id}"/></zeebe:properties>'
    "</extensionElements></serviceTask>"
    for id in ("a", "b")
)


def model(extension: str = "") -> tuple[str, bytes]:
    said = f"<extensionElements>{extension}</extensionElements>" if extension else ""
    body = f'<adHocSubProcess id="room">{said}{TASKS}</adHocSubProcess>'
    return "p.bpmn", f"{HEAD}{body}</process></definitions>".encode()


AGENT: Final = '<zeebe:taskDefinition type="agent" retries="2"/>'


def test_a_trigger_names_activities_or_the_sub_process_too() -> None:
    with opened() as engine:
        engine.deploy(model())
        instance = engine.start("p")
        instance.trigger("a", "b", variables={"x": 1})
        instance.trigger("a", element="room")
        engine.trigger(instance.key, "b", variables={"x": 2})
        jobs = instance.jobs
        assert [job.element_id for job in jobs] == ["a", "b", "a", "b"]
        leased = engine.activate_jobs("b", 2)
        assert [job.variables["x"] for job in leased] == [1, 2]
        for job in jobs:
            engine.complete_job(job.key)
        assert instance.state == "completed"
        with pytest.raises(NotFound):
            instance.trigger("a")


def test_a_trigger_that_cannot_be_is_refused() -> None:
    with opened() as engine:
        engine.deploy(model())
        instance = engine.start("p")
        for wrong in (("nothing",), (), ("a", "nothing")):
            with pytest.raises(NotFound):
                instance.trigger(*wrong)
        with pytest.raises(BadValue):
            instance.trigger("a", variables={"x": object()})
        assert instance.jobs == []


def test_a_trigger_from_async_code_and_from_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "e.db"

    async def run() -> int:
        async with AsyncEngine(path) as engine:
            await engine.deploy(model())
            instance = await engine.start("p")
            await instance.trigger("a")
            await engine.trigger(instance.key, "b", variables={"x": 1})
            assert len(await instance.jobs()) == 2
            return instance.key

    key = asyncio.run(run())
    done = CliRunner().invoke(
        app, ["trigger", str(key), "a", "b", "--element", "room", "--var", "x=2", "--db", str(path)]
    )
    assert done.exit_code == 0, done.output
    with opened(path) as engine:
        assert sorted(job.element_id for job in engine.jobs()) == ["a", "a", "b", "b"]


def test_a_worker_chooses_until_it_is_done() -> None:
    with opened() as engine:
        asked: list[Json] = []

        @engine.worker("agent")
        def agent(adHocSubProcessElements: list[dict[str, Json]], turn: int = 0) -> Choice:
            asked.append(adHocSubProcessElements[0])
            if turn == 5:
                return Choice(done=True)
            return Choice("a", ("b", {"own": 5}), variables={"turn": 1}) if turn == 0 else Choice()

        @engine.worker("a")
        def a() -> None: ...

        @engine.worker("b")
        def b(own: int) -> dict[str, int]:
            return {"turn": own}

        engine.deploy(model(AGENT))
        instance = engine.start("p", {"turn": 0})
        engine.run_until_idle()
        assert instance.state == "completed"
        assert instance.variables == {"turn": 5}
        assert asked[0] == {
            "elementId": "a",
            "elementName": "Do a",
            "documentation": "What a does",
            "properties": {"of": "a"},
        }


WRONG: Final[dict[str, tuple[Callable[[], Choice], type[Exception]]]] = {
    "an activity that is not there": (lambda: Choice("nothing"), NotFound),
    "no variables": (lambda: Choice(("a", {"x": object()})), BadValue),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_choice_that_cannot_be_is_refused_and_the_job_stays(what: str) -> None:
    make, error = WRONG[what]
    with opened() as engine:
        engine.deploy(model(AGENT))
        instance = engine.start("p")
        job = engine.activate_jobs("agent")[0]
        with pytest.raises(error):
            engine.complete_job(job, make())
        engine.complete_job(job, Choice("a"))
        assert [each.element_id for each in instance.jobs] == ["a"]


def test_a_choice_begins_activities_or_is_done() -> None:
    with pytest.raises(BadValue):
        Choice("a", done=True)


def test_a_choice_for_a_job_that_has_nothing_to_choose_is_a_failed_attempt() -> None:
    with opened() as engine:
        engine.deploy(model())
        instance = engine.start("p")
        instance.trigger("a")
        with pytest.raises(Conflict):
            engine.complete_job(instance.jobs[0].key, Choice("b"))

        @engine.worker("a", backoff=(0.0,))
        def a() -> Choice:
            return Choice("b")

        engine.run_until_idle()
        assert [incident.code for incident in instance.incidents] == ["job-no-retries"]


def test_an_answer_to_a_job_that_was_made_anew_is_refused() -> None:
    with opened() as engine:
        engine.deploy(model(AGENT))
        instance = engine.start("p")
        engine.complete_job(engine.activate_jobs("agent")[0], Choice("a", "b"))
        engine.complete_job(engine.activate_jobs("a")[0])
        old = engine.activate_jobs("agent")[0]
        engine.complete_job(engine.activate_jobs("b")[0])
        with pytest.raises(NotFound):
            engine.complete_job(old, Choice(done=True))
        engine.complete_job(engine.activate_jobs("agent")[0], Choice(done=True))
        assert instance.state == "completed"
