"""A cell's file and a real Temporal server: `plan` says what is so, `apply` makes it so, `drift` sees what changed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest
from click import unstyle
from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType, TaskQueueType
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.taskqueue.v1 import RateLimit
from temporalio.api.workflowservice.v1 import (
    GetSystemInfoRequest,
    RegisterNamespaceRequest,
    UpdateNamespaceRequest,
    UpdateTaskQueueConfigRequest,
)
from temporalio.client import Client, ScheduleUpdate, ScheduleUpdateInput
from temporalio.testing import WorkflowEnvironment
from typer.testing import CliRunner

from needs import require
from procession.cli.app import app
from procession.core.timers import date_time_ms, next_due
from procession.hosts.temporal.cells.apply import apply
from procession.hosts.temporal.cells.cell import Cell, CellError
from procession.hosts.temporal.cells.cell_reader import parse_cell
from procession.hosts.temporal.cells.cluster import connect
from procession.hosts.temporal.cells.plan import Change, plan
from procession.hosts.temporal.cells.state import read
from procession.hosts.temporal.cells.wanted import wanted
from procession.testing.temporal import find_server
from tidy import doc_blocks
from tidy.source_tree import ROOT

_T = TypeVar("_T")
_NUMBERS: Final = count(1)
OLDER: Final = (1, 30)
"""Servers before this keep no fairness weights of queues."""


@dataclass(frozen=True)
class Server:
    """A running server, and the loop that its client belongs to."""

    address: str
    client: Client
    runner: asyncio.Runner
    version: tuple[int, ...]

    def do(self, work: Awaitable[_T]) -> _T:
        async def awaited() -> _T:
            return await work

        return self.runner.run(awaited())


@pytest.fixture(scope="module")
def server() -> Generator[Server]:
    """The oldest server that is supported."""
    binary = str(find_server("cli", build=False) or "")
    if not binary:
        require("temporal", "set PROCESSION_TEMPORAL to the Temporal CLI, or put it on the PATH")
    with asyncio.Runner() as runner:
        environment = runner.run(
            WorkflowEnvironment.start_local(dev_server_existing_path=binary, dev_server_log_level="error")
        )
        try:
            client = environment.client
            info = runner.run(client.workflow_service.get_system_info(GetSystemInfoRequest()))
            version = tuple(int(part) for part in info.server_version.split(".")[:2])
            yield Server(client.service_client.config.target_host, client, runner, version)
        finally:
            runner.run(environment.shutdown())


@pytest.fixture
def cell(server: Server, tmp_path: Path) -> CellFile:
    """A cell's file of its own namespace, on the one server."""
    number = next(_NUMBERS)
    return CellFile(server, tmp_path / "cell.yaml", f"cell-{number}", f"bank-{number}")


@dataclass(frozen=True)
class CellFile:
    """A file, and the commands about it."""

    server: Server
    path: Path
    name: str
    namespace: str

    def write(self, text: str) -> CellFile:
        """Writes the file: what stands in its namespace, and after `---` what stands beside."""
        inside, _, beside = text.partition("---\n")
        body = "".join(f"    {line}\n" for line in inside.strip("\n").splitlines())
        self.path.write_text(
            f"cell: {self.name}\naddress: {self.server.address}\nnamespaces:\n  {self.namespace}:\n{body}"
            + beside.replace("NAMESPACE", self.namespace),
            encoding="utf-8",
        )
        return self

    @property
    def cell(self) -> Cell:
        """What stands in it."""
        return parse_cell(self.path.read_text(encoding="utf-8"), "cell.yaml")

    def run(self, *arguments: str, code: int = 0) -> str:
        """Runs a command as users do. What it prints, on stdout or else on stderr."""
        done = CliRunner().invoke(app, ["temporal", *arguments], env={"COLUMNS": "200"})
        assert done.exit_code == code, f"{arguments}: exit {done.exit_code}\n{done.output}\n{done.exception!r}"
        return unstyle(done.stdout or done.stderr)

    def command(self, name: str, *options: str, code: int = 0) -> str:
        return self.run(name, str(self.path), *options, code=code)

    def plan(self, **options: bool) -> list[Change]:
        """The plan, as the library makes it."""

        async def planned() -> list[Change]:
            things = wanted(self.cell)
            return plan(things, await read(await connect(self.cell), self.cell, things), **options)

        return self.server.do(planned())


WHOLE: Final = """
retention: P7D
description: Loans
search_attributes: {Region: Keyword, BpmnBusinessKey: Keyword, Amount: Double}
task_queues:
  procession-jobs: {rps: 200.5, fairness_key_rps: 20}
tenants:
  acme: {priority: 1, weight: 2.5, isolation: task_queue}
schedules:
- {process: nightly, node: start, timer: 0 4 * * MON-FRI, zone: Europe/Berlin, tenant: acme, input: {rate: 1.5}}
- {process: month, node: start, timer: 0 4 L * *}
- {process: workday, node: start, timer: 0 9 LW * *}
- {process: thrice, node: start, timer: "R3/2100-01-01T00:00:00Z/PT90M"}
- {process: once, node: start, timer: "2099-05-01T09:00:00", zone: America/New_York}
- {process: months, node: start, timer: R/P3M, first_due: "2026-05-01T09:00:00Z", catch_up: true, paused: true}
---
nexus_endpoints:
  payments-NAMESPACE: {namespace: NAMESPACE, task_queue: procession}
  rates-NAMESPACE: {url: "https://rates.example/nexus"}
"""


def test_what_is_planned_is_applied_and_then_nothing_is_left(cell: CellFile) -> None:
    cell.write(WHOLE)
    first = cell.command("plan")
    for thing in (f"namespace {cell.namespace}", "search attribute BpmnState", "task queue procession-jobs"):
        assert thing in first
    for thing in (f"nexus endpoint payments-{cell.namespace}", "schedule procession/acme/nightly/start"):
        assert f"create {thing}" in first

    told = cell.command("apply")
    assert told.count("done: ") == first.count("create ") + first.count("change ")
    assert cell.plan(prune=True) == []
    assert "nothing to do" in cell.command("plan")
    assert "done: " not in cell.command("apply")
    assert "no drift" in cell.command("drift")


def test_a_change_by_hand_is_drift_and_is_named(cell: CellFile) -> None:
    cell.write(WHOLE).command("apply")
    client = cell.server.client
    config = NamespaceConfig(workflow_execution_retention_ttl=Duration(seconds=86_400))
    cell.server.do(
        client.workflow_service.update_namespace(UpdateNamespaceRequest(namespace=cell.namespace, config=config))
    )
    limit = UpdateTaskQueueConfigRequest(
        namespace=cell.namespace,
        identity="somebody",
        task_queue="procession-jobs",
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
        update_queue_rate_limit=UpdateTaskQueueConfigRequest.RateLimitUpdate(
            rate_limit=RateLimit(requests_per_second=1), reason="somebody"
        ),
    )
    cell.server.do(client.workflow_service.update_task_queue_config(limit))
    cell.server.do(_other_hour(cell, "procession/acme/nightly/start"))

    told = cell.command("drift", code=1)
    assert f"change namespace {cell.namespace}: retention 24 h → 168 h" in told
    assert "activity.rps 1.0 → 200.5" in told
    assert "change schedule procession/acme/nightly/start" in told
    records = [json.loads(line) for line in cell.command("drift", "--json", code=1).splitlines()]
    assert {record["field"] for record in records} == {"retention", "activity.rps", "when"}
    cell.command("apply")
    assert cell.plan() == []


async def _other_hour(cell: CellFile, schedule: str) -> None:
    client = Client(cell.server.client.service_client, namespace=cell.namespace)

    async def later(given: ScheduleUpdateInput) -> ScheduleUpdate:
        wanted = given.description.schedule
        wanted.spec.time_zone_name = "UTC"
        return ScheduleUpdate(wanted)

    await client.get_schedule_handle(schedule).update(later)


def test_what_the_file_no_longer_names_stays_until_it_is_pruned(cell: CellFile) -> None:
    cell.write(WHOLE).command("apply")
    cell.write("retention: P7D\n")
    assert cell.plan() == []
    assert "there and not in the file: " in cell.command("plan")
    assert "remove schedule procession/acme/nightly/start" in cell.command("drift", code=1)
    told = cell.command("apply", "--prune")
    assert f"remove nexus endpoint payments-{cell.namespace}" in told
    assert "remove search attribute Region" in told
    assert cell.plan(prune=True) == []


def test_what_others_made_is_not_the_cells_to_remove(cell: CellFile) -> None:
    server = cell.server
    foreign = f"foreign-{cell.namespace}"
    week = Duration(seconds=7 * 86_400)
    server.do(
        server.client.workflow_service.register_namespace(
            RegisterNamespaceRequest(namespace=foreign, workflow_execution_retention_period=week)
        )
    )
    cell.write("retention: P7D\n").command("apply")
    assert cell.plan(prune=True) == []


def test_an_attribute_of_another_type_is_made_anew_only_when_pruning(cell: CellFile) -> None:
    cell.write("search_attributes: {Region: Text}\n").command("apply")
    cell.write("search_attributes: {Region: Keyword}\n")
    assert "by hand" in cell.command("apply", code=1)
    assert "destructive" in cell.command("apply", "--prune")
    assert cell.plan() == []


@pytest.mark.parametrize("stop_after", [1, 8])
def test_who_goes_on_after_a_kill_finishes_it(cell: CellFile, stop_after: int) -> None:
    cell.write(WHOLE)
    command = [sys.executable, "-m", "procession.cli.main", "temporal", "apply", str(cell.path)]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    with process, process.stdout:
        for _ in range(stop_after):
            assert process.stdout.readline().startswith("done: ")
        process.send_signal(signal.SIGKILL)
    cell.command("apply")
    assert cell.plan(prune=True) == []


def test_an_apply_that_fails_between_two_changes_can_be_repeated(cell: CellFile) -> None:
    cell.write(WHOLE)
    made: list[Change] = []

    def failing(change: Change) -> None:
        made.append(change)
        if change.kind == "schedule":
            raise KeyboardInterrupt

    async def applied(told: Callable[[Change], None]) -> None:
        await apply(await connect(cell.cell), cell.cell, told=told)

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(applied(failing))
    assert 0 < len(cell.plan()) < len(made)
    cell.command("apply")
    assert cell.plan() == []


def test_a_process_ends_with_the_commands_exit_code(cell: CellFile) -> None:
    """The SDK's threads must not abort an interpreter that ends (exit code 134)."""
    cell.write("retention: P7D\n")
    for name, code in (("drift", 1), ("apply", 0), ("plan", 0), ("drift", 0)):
        command = [sys.executable, "-m", "procession.cli.main", "temporal", name, str(cell.path)]
        assert subprocess.run(command, capture_output=True, check=False).returncode == code


def test_a_wrong_file_and_too_many_attributes_are_said_before_anything_is_done(cell: CellFile) -> None:
    cell.write("retenton: P7D\n")
    assert "cell.yaml:5: " in cell.command("apply", code=1)
    names = ", ".join(f"K{n}: Keyword" for n in range(7))
    cell.write(f"search_attributes: {{{names}}}\n")
    told = cell.command("plan", code=1)
    assert "would hold 11 search attributes of type Keyword, and this cluster's store has room for 10" in told
    assert json.loads(cell.command("apply", "--json", code=1))["error"].startswith(f"namespace {cell.namespace} would")
    assert len(cell.write("retention: P7D\n").plan()) == 6


def test_attributes_that_somebody_added_count_too(cell: CellFile) -> None:
    cell.write("retention: P7D\n").command("apply")
    keyword = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
    added = AddSearchAttributesRequest(
        namespace=cell.namespace, search_attributes={f"Own{n}": keyword for n in range(5)}
    )
    cell.server.do(cell.server.client.operator_service.add_search_attributes(added))
    cell.write("search_attributes: {Region: Keyword, Branch: Keyword}\n")
    assert "or remove what is there with --prune" in cell.command("plan", code=1)
    cell.command("apply", "--prune")
    assert cell.plan(prune=True) == []


def test_a_server_that_is_not_there_is_said(cell: CellFile) -> None:
    cell.write("retention: P7D\n")
    told = cell.command("plan", "--address", "localhost:1", code=1)
    assert told.startswith("procession: no Temporal server answers at localhost:1: ")
    assert told.count("\n") == 1


def test_what_an_older_server_cannot_hold_is_said_and_the_rest_is_done(cell: CellFile) -> None:
    cell.write("task_queues: {procession-jobs: {rps: 5, fairness_weights: {acme: 3, small: 0.1}}}\n")
    if cell.server.version < OLDER:
        told = cell.command("apply", code=1)
        assert "activity.fairness_weights.acme nothing → 3.0 [by hand: server 1.29" in told
        assert [change.by_hand != "" for change in cell.plan()] == [True] * 4
    else:
        cell.command("apply")
        assert cell.plan(prune=True) == []
        cell.write("task_queues: {procession-jobs: {fairness_weights: {acme: 4}}}\n")
        assert {change.action for change in cell.plan(prune=True)} == {"change", "remove"}
        cell.command("apply", "--prune")
        assert cell.plan(prune=True) == []


def test_config_that_no_api_sets_is_checked_where_it_shows(cell: CellFile) -> None:
    cell.write(
        "dynamic_config: {limit.blobSize.error: 12345}\n---\n"
        "dynamic_config: {matching.enableFairness: true, history.enableWorkflowTaskCompletionPagination: true}\n"
    )
    left = cell.command("apply", code=1)
    assert "history.enableWorkflowTaskCompletionPagination of namespace" in left
    assert "--dynamic-config" in left
    assert "matching.enableFairness" not in left
    assert "matching.enableFairness:\n- value: true" in cell.command("plan", "--dynamic-config")


def test_versions_of_a_deployment_are_ramped_and_rolled_back(cell: CellFile) -> None:
    cell.write('deployments: {loans: {current: "1"}}\n')
    assert "by hand: no worker of 1 has polled" in cell.command("apply", code=1)
    cell.command("apply", "--force")
    assert cell.plan() == []

    where = ("--cell", str(cell.path))
    assert "no worker of 2 has polled" in cell.run("ramp", "loans", "2", "10", *where, code=1)
    assert cell.run("ramp", "loans", "2", "12.5", "--force", *where) == "current 1, ramping 2 at 12.5 %\n"
    assert "change deployment loans" in cell.command("drift", code=1)
    assert cell.run("rollback", "loans", *where) == "current 1, ramping nothing\n"
    assert cell.plan() == []
    assert "no version before 1" in cell.run("rollback", "loans", *where, code=1)

    cell.run("ramp", "loans", "2", "10", "--force", *where)
    assert cell.run("ramp", "loans", "2", "100", "--force", *where) == "current 2, ramping nothing\n"
    rolled_back = json.loads(cell.run("rollback", "loans", "--force", "--json", *where))
    assert (rolled_back["current"], rolled_back["ramping"]) == ("1", "")
    cell.write('deployments: {loans: {current: "2", ramping: {build_id: "1", percent: 20}}}\n').command(
        "apply", "--force"
    )
    assert cell.plan() == []
    assert "is not there" in cell.run("rollback", "nobody", *where, code=1)


def test_a_schedule_fires_when_the_core_says(cell: CellFile) -> None:
    cell.write(WHOLE).command("apply")
    client = Client(cell.server.client.service_client, namespace=cell.namespace)
    for name, cycle, zone in (
        ("procession/acme/nightly/start", "0 4 * * MON-FRI", "Europe/Berlin"),
        ("procession/<default>/month/start", "0 4 L * *", "UTC"),
        ("procession/<default>/workday/start", "0 9 LW * *", "UTC"),
    ):
        info = cell.server.do(client.get_schedule_handle(name).describe()).info
        times = [int(each.timestamp()) * 1000 for each in info.next_action_times]
        assert len(times) >= 5
        assert times[1:] == [next_due(cycle, due, due, zone)[0] for due in times[:-1]]
    once = cell.server.do(client.get_schedule_handle("procession/<default>/once/start").describe()).info
    assert [int(each.timestamp()) * 1000 for each in once.next_action_times] == [
        date_time_ms("2099-05-01T13:00:00Z", "UTC")
    ]


def test_how_often_a_schedule_may_fire_yet_is_not_drift_and_survives_a_change(cell: CellFile) -> None:
    text = "retention: P7D\nschedules:\n- {process: p, node: n, timer: R5/2026-01-01T00:00:00Z/P1D, input: 1}\n"
    cell.write(text).command("apply")
    client = Client(cell.server.client.service_client, namespace=cell.namespace)
    handle = client.get_schedule_handle("procession/<default>/p/n")

    async def fired(given: ScheduleUpdateInput) -> ScheduleUpdate:
        schedule = given.description.schedule
        schedule.state.remaining_actions = 2
        schedule.state.paused = True
        return ScheduleUpdate(schedule)

    cell.server.do(handle.update(fired))
    assert cell.plan(prune=True) == []
    cell.write(text.replace("input: 1", "input: 2")).command("apply")
    state = cell.server.do(handle.describe()).schedule.state
    assert (state.remaining_actions, state.paused) == (2, True)
    cell.write(text.replace("R5", "R7")).command("apply")
    assert cell.server.do(handle.describe()).schedule.state.remaining_actions == 7


def test_a_change_that_is_not_seen_in_time_is_an_error(cell: CellFile) -> None:
    cell.write("retention: P7D\n")

    async def applied() -> Any:
        return await apply(await connect(cell.cell, patience_s=0), cell.cell)

    # A new namespace is unknown to other calls for a moment; who does not wait hears of it.
    with pytest.raises(CellError):
        cell.server.do(applied())
    cell.command("apply")
    assert cell.plan() == []


def test_the_page_shows_what_is_printed(server: Server, tmp_path: Path) -> None:
    page = ROOT / "docs" / "how-to" / "operate-a-temporal-cell.md"
    blocks = list(doc_blocks.blocks(page))
    file = tmp_path / "cell.yaml"
    file.write_text(next(block.text for block in blocks if block.file == "cell.yaml"), encoding="utf-8")
    shown = next(block.text for block in blocks if "temporal plan cell.yaml" in block.text)
    shell = CellFile(server, file, "eu-1", "bank")
    printed = shell.command("plan", "--address", server.address)
    assert printed.splitlines() == shown.splitlines()[1:]

    where = ("--cell", str(file), "--address", server.address)
    shell.command("apply", "--address", server.address)
    shell.run("ramp", "loans", "2.0", "100", "--force", *where)
    shown = next(block.text for block in blocks if "temporal ramp loans" in block.text)
    for command, line in zip(*[iter(shown.splitlines())] * 2, strict=True):
        words = command.removeprefix("$ procession temporal ").removesuffix(" --cell cell.yaml").split()
        assert shell.run(*words, "--force", *where) == f"{line}\n"
