"""The doctor on real servers: each fault is injected, and it names the cause and the remedy; remedies are tried out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import (
    PauseActivityRequest,
    PauseWorkflowExecutionRequest,
    UnpauseWorkflowExecutionRequest,
)
from temporalio.exceptions import ApplicationError

import temporal_rig
from doctor_rig import begun, codes, facts_of, follow, later, start, told
from fault_models import ONE, ORDER, catch, each, service, user
from procession.base.failure import StoreError
from procession.core import commands as c
from procession.hosts.temporal import house
from procession.hosts.temporal.doctor.diagnosis import diagnosed
from procession.hosts.temporal.doctor.facts import Facts
from procession.hosts.temporal.doctor.verdicts import judge, worst
from procession.hosts.temporal.payloads import DELIVER, JobOrder
from procession.hosts.temporal.programs import Programs
from procession.testing.temporal import DevServer, dev_server
from temporal_host import TENANT, Child, Host, eventually, model, timer
from temporal_jobs import done, never

LARGE: Final = "x" * (3 * 1024 * 1024)


@pytest.fixture(params=["cli", "server"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Host]:
    """A host on the oldest server that is supported, and on the newest."""
    name = {"cli": "temporal_floor", "server": "temporal_server"}[request.param]
    server: DevServer = request.getfixturevalue(name)
    with Host(server.address, server.namespace, tmp_path / "book.db") as host:
        yield host


@pytest.fixture
def host(temporal_server: DevServer, tmp_path: Path) -> Iterator[Host]:
    """A host on the newest server."""
    with Host(temporal_server.address, temporal_server.namespace, tmp_path / "book.db") as host:
        yield host


# --- workers


def test_no_worker_for_workflows(either: Host) -> None:
    instance = start(either, ORDER, number="N1", items=[])
    verdict = told(either, instance, "no-worker")
    assert verdict.severity == "stuck"
    assert either.queue in verdict.cause
    assert "its next step waits for one" in verdict.cause
    assert f"--task-queue {either.queue}" in verdict.remedy
    follow(verdict.remedy)
    either.workflows()
    assert told(either, instance, "waits-for-user-task").severity == "healthy"


def test_what_an_old_server_does_not_tell_is_noted(either: Host) -> None:
    either.workflows()
    instance = start(either, ORDER, number="N1", items=[])
    begun(either, instance, "approve")
    facts = facts_of(either, instance)
    assert any("heartbeats" in text for text in facts.unavailable) is facts.server.startswith("1.29")
    assert worst(judge(facts)) == "healthy"
    assert msgspec.json.decode(msgspec.json.encode(facts), type=Facts) == facts


def test_a_worker_that_is_gone_while_nothing_is_to_be_done(host: Host) -> None:
    host.workflows().stop()
    instance = start(host, ORDER, number="N1", items=[])
    eventually(lambda: facts_of(host, instance).task)
    # Who was stopped is remembered as somebody who polls; two minutes later he is not.
    assert "no-worker" in later(facts_of(host, instance), 120)


def test_workers_that_were_killed_are_silent(host: Host) -> None:
    with Child(host, workflows=True):
        instance = start(host, model("call", catch("called"), messages={"called": "number"}), number="N1")
        begun(host, instance, "called")
    host.publish("called", "N1")
    facts = eventually(lambda: facts_of(host, instance), lambda facts: facts.task is not None)
    verdict = later(facts, 15)["workers-silent"]
    assert verdict.severity == "stuck"
    assert host.queue in verdict.cause
    host.workflows()
    host.ends(instance)


# --- the workflow's task


def test_the_interpreter_raises(either: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(self: Programs, tenant: str, hash: str) -> object:
        raise KeyError("a bug: of ours")

    with monkeypatch.context() as patched:
        patched.setattr(Programs, "linked", raises)
        either.workflows()
        instance = start(either, ORDER, number="N1", items=[])
        verdict = told(either, instance, "interpreter-raised")
        assert "KeyError: 'a bug: of ours'" in verdict.cause
        assert verdict.severity == "stuck"
        # Later failures are not in the history; the attempts are counted all the same.
        told(either, instance, "interpreter-raised", holds=lambda verdict: "attempt 3" in verdict.cause)
    begun(either, instance, "approve")
    assert worst(judge(facts_of(either, instance))) == "healthy"


def test_a_program_that_the_store_lost(host: Host) -> None:
    instance = start(host, ORDER, number="N1", items=[])
    connection = host.store._writer
    kept = connection.execute("SELECT tenant, hash, data FROM procession_program").fetchall()
    connection.execute("DELETE FROM procession_program")
    host.workflows()
    verdict = told(host, instance, "program-lost")
    assert verdict.severity == "stuck"
    assert kept[0][1] in verdict.cause
    connection.executemany("INSERT INTO procession_program VALUES (?, ?, ?)", kept)
    begun(host, instance, "approve")


def test_a_store_that_cannot_be_used(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(self: Programs, tenant: str, hash: str) -> object:
        raise StoreError("book.db: disk I/O error")

    with monkeypatch.context() as patched:
        patched.setattr(Programs, "linked", raises)
        host.workflows()
        instance = start(host, ORDER, number="N1", items=[])
        assert "disk I/O error" in told(host, instance, "store-down").cause
    begun(host, instance, "approve")


def test_a_history_that_does_not_replay(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = host.workflows()
    instance = start(host, ONE)
    begun(host, instance, "work")
    honest.stop()
    with monkeypatch.context() as patched:
        # A release that forgot that a job is an activity.
        patched.setattr(house, "CARRY", dict(house.CARRY) | {c.CreateJob: lambda house, port, body, job: None})
        forgetful = host.workflows()
        host.jobs({"work": done})
        verdict = told(host, instance, "non-determinism")
        assert verdict.severity == "stuck"
        assert "--type LastWorkflowTask" in verdict.remedy
        forgetful.stop()
    host.workflows()
    host.ends(instance)


def test_a_step_that_takes_too_long(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    honest: Callable[..., Any] = vars(house)["step"]

    def slow(*args: Any, **named: Any) -> Any:
        time.sleep(2.5)
        return honest(*args, **named)

    with monkeypatch.context() as patched:
        patched.setattr(house, "step", slow)
        host.workflows()
        instance = start(host, ORDER, number="N1", items=[])
        assert "two seconds" in told(host, instance, "deadlock").cause
    begun(host, instance, "approve")


@pytest.mark.large
def test_a_worker_that_dies_with_a_task(host: Host) -> None:
    with Child(host, workflows=True, dies="read program", call=1) as child:
        instance = start(host, ORDER, number="N1", items=[])
        child.dies()
    assert told(host, instance, "task-timeouts").severity == "retrying"
    host.workflows()
    begun(host, instance, "approve")


def test_variables_that_are_too_large_for_a_job(host: Host) -> None:
    async def answers(order: JobOrder) -> dict[str, Any]:
        return {order.element_id: LARGE[: 1024 * 1024 + 500 * 1024]}

    host.workflows()
    host.jobs(dict.fromkeys(("first", "second", "third"), answers))
    instance = start(host, model("chain", service("first"), service("second"), service("third")))
    verdict = told(host, instance, "payload-too-large")
    assert verdict.severity == "stuck"
    assert "2 MiB" in verdict.cause


def test_a_result_that_is_too_large(host: Host) -> None:
    async def answers(order: JobOrder) -> dict[str, Any]:
        return {"scan": LARGE}

    host.workflows()
    host.jobs({"work": answers})
    instance = start(host, ONE)
    assert "'work'" in told(host, instance, "payload-too-large").cause
    told(host, instance, "incident")
    assert "'work'" in told(host, instance, "payload-too-large").cause


def test_a_start_that_is_too_large(host: Host) -> None:
    host.workflows()
    instance = start(host, ORDER, number=LARGE, items=[])
    verdict = eventually(
        lambda: later(facts_of(host, instance), 60), lambda found: "payload-too-large" in found
    )["payload-too-large"]  # fmt: skip
    assert "its start" in verdict.cause


def test_more_jobs_at_once_than_the_server_allows(tmp_path: Path) -> None:
    temporal_rig.need("server")

    async def scene() -> DevServer:
        server = dev_server("server", dynamic_config={"limit.numPendingActivities.error": 10})
        await server.start()
        return server

    server = asyncio.run(scene())
    try:
        with Host(server.address, "default", tmp_path / "book.db") as host:
            host.workflows()
            fan = model("fan", service("ship", loop=each("items", "item")))
            instance = start(host, fan, items=list(range(20)))
            verdict = told(host, instance, "pending-limit")
            assert verdict.severity == "stuck"
            assert "limit.numPendingActivities.error" in verdict.remedy
    finally:
        server.kill()
        server.forget_log()


def test_a_storm_of_signals_while_it_completes(host: Host) -> None:
    host.workflows()
    host.jobs({"work": done})
    host.deploy(ONE)

    async def storm(workflow: str) -> None:
        handle = host.client.get_workflow_handle(workflow)
        await asyncio.gather(*(handle.signal(DELIVER, []) for _ in range(200)), return_exceptions=True)

    instances = [host.start("one") for _ in range(5)]
    for instance in instances:
        eventually(partial(facts_of, host, instance), lambda facts: facts.execution)
        host.loop.run(storm(host.workflow(instance)))
    host.ends(*instances)
    assert {worst(judge(facts_of(host, instance))) for instance in instances} == {"healthy"}


# --- jobs


def test_a_job_that_fails_again_and_again(either: Host) -> None:
    async def fails(order: JobOrder) -> None:
        raise OSError("the warehouse does not answer")

    either.workflows()
    either.jobs({"work": fails})
    instance = start(either, model("one", service("work", retries="9")))
    verdict = told(either, instance, "job-retrying", holds=lambda verdict: "attempt 3 of 9" in verdict.cause)
    assert verdict.severity == "retrying"
    assert "the warehouse does not answer" in verdict.cause
    follow(verdict.remedy)


def test_a_job_without_retries_is_an_incident(host: Host) -> None:
    async def fails(order: JobOrder) -> None:
        raise ApplicationError("no such customer", non_retryable=True)

    host.workflows()
    host.jobs({"work": fails})
    instance = start(host, ONE)
    verdict = told(host, instance, "incident")
    assert verdict.severity == "stuck"
    assert "no such customer" in verdict.cause
    assert f"procession resolve {host.incidents(instance)[0].key}" in verdict.remedy


def test_no_worker_for_jobs(either: Host) -> None:
    either.workflows()
    instance = start(either, ONE)
    verdict = told(either, instance, "no-job-worker")
    assert verdict.severity == "stuck"
    assert either.settings.job_queue in verdict.cause
    either.jobs({"work": done})
    either.ends(instance)


def test_a_job_whose_worker_is_at_it(either: Host) -> None:
    either.workflows()
    either.jobs({"work": never})
    instance = start(either, ONE)
    verdict = told(either, instance, "job-running")
    assert verdict.severity == "waiting"
    assert "nobody else gets it before 20" in verdict.cause


def test_a_job_whose_worker_was_killed(temporal_server: DevServer, tmp_path: Path) -> None:
    with Host(temporal_server.address, temporal_server.namespace, tmp_path / "book.db") as host:
        host.workflows()
        instance = start(host, ONE)
        with Child(host, jobs=True, pause=600) as child:
            told(host, instance, "job-running", holds=lambda verdict: child.identity in verdict.cause)
            eventually(lambda: [each for each in facts_of(host, instance).workers if each.pause])
        verdict = told(host, instance, "job-worker-lost")
        assert verdict.severity == "retrying"
        assert child.identity in verdict.cause
        follow(verdict.remedy)
        assert "worker lost" in told(host, instance, "incident").cause


def test_a_job_that_was_paused(either: Host) -> None:
    either.workflows()
    instance = start(either, ONE)
    told(either, instance, "no-job-worker")
    activity = facts_of(either, instance).activities[0].id
    either.loop.run(_pause_activity(either, instance, activity))
    either.jobs({"work": done})
    verdict = told(either, instance, "job-paused")
    assert verdict.severity == "stuck"
    assert "ada" in verdict.cause
    assert "no-job-worker" not in codes(facts_of(either, instance))
    follow(verdict.remedy)
    either.ends(instance)


async def _pause_activity(host: Host, instance: int, activity: str) -> None:
    execution = WorkflowExecution(workflow_id=host.workflow(instance))
    await host.client.workflow_service.pause_activity(
        PauseActivityRequest(
            namespace=host.namespace, execution=execution, id=activity, identity="ada", reason="inventory"
        )
    )


def test_a_workflow_that_was_paused(host: Host) -> None:
    host.workflows()
    instance = start(host, ORDER, number="N1", items=[])
    begun(host, instance, "approve")
    service = host.client.workflow_service
    id = host.workflow(instance)
    host.loop.run(
        service.pause_workflow_execution(
            PauseWorkflowExecutionRequest(
                namespace=host.namespace, workflow_id=id, identity="ada", reason="audit", request_id="1"
            )
        )
    )
    verdict = told(host, instance, "workflow-paused")
    assert verdict.severity == "stuck"
    assert "by ada" in verdict.cause
    assert "(audit)" in verdict.cause
    host.loop.run(
        service.unpause_workflow_execution(
            UnpauseWorkflowExecutionRequest(namespace=host.namespace, workflow_id=id, identity="ada", request_id="2")
        )
    )
    told(host, instance, "waits-for-user-task")


# --- healthy


def test_what_it_waits_for_is_named(host: Host) -> None:
    host.workflows()
    slow = model("slow", timer("nap", "PT2H"))
    called = model("called", catch("paid"), messages={"paid": "number"})
    asks = model("asks", user("approve"))
    host.deploy(slow, called, asks)
    sleeper, buyer, asked = host.start("slow"), host.start("called", {"number": "N7"}), host.start("asks")
    begun(host, sleeper, "nap")
    begun(host, buyer, "paid")
    begun(host, asked, "approve")
    verdict = told(host, sleeper, "waits-for-timer")
    assert "1 h 59 min from now" in verdict.cause
    verdict = told(host, buyer, "waits-for-message")
    assert "correlation key 'N7'" in verdict.cause
    assert "procession message 'paid' --key 'N7' --db" in verdict.remedy
    verdict = told(host, asked, "waits-for-user-task")
    assert "procession complete" in verdict.remedy
    for instance in (sleeper, buyer, asked):
        assert {each.severity for each in judge(facts_of(host, instance))} == {"healthy"}


def test_without_a_store_the_cluster_alone_is_asked(host: Host) -> None:
    host.workflows()
    instance = start(host, model("slow", timer("nap", "PT2H")))
    begun(host, instance, "nap")
    found = diagnosed(host.address, host.namespace, "", TENANT, instance)
    assert {verdict.code for verdict in found.verdicts} == {"waits-at", "timer-runs"}
    assert "nap runs until" in found.verdicts[1].cause
    lost = diagnosed(host.address, host.namespace, "", TENANT, instance + 1)
    assert [verdict.code for verdict in lost.verdicts] == ["unknown-workflow"]
