"""`procession worker temporal` before it starts anything, and its functions without an engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pytest
from typer.testing import CliRunner

from needs import require
from procession.base.failure import NotFound
from procession.base.values import Json
from procession.cli import office
from procession.cli.app import app
from procession.cli.commands import worker
from procession.cli.console import Output
from procession.cli.functions import Functions
from procession.hosts.temporal.place import job_queue
from procession.runtime.requests import FailJob, FinishJob


def _job(type: str, **variables: Json) -> dict[str, Json]:
    return {
        "key": "7",
        "type": type,
        "instance": "1",
        "element": "2",
        "element_id": "task",
        "headers": {},
        "retries": 3,
        "attempt": 1,
        "idempotency_key": "2.1",
        "token": "0",
        "variables": variables,
    }


def test_without_the_sdk_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(name: str) -> object:
        return None if name == "temporalio" else find_spec(name)

    monkeypatch.setattr(worker, "find_spec", without)
    done = CliRunner().invoke(app, ["worker", "temporal"])
    assert done.exit_code == 1
    assert "pip install 'procession[temporal]'" in done.stderr


@pytest.mark.parametrize(("option", "value"), [("--processes", "many"), ("--processes", "-1"), ("--processes", "1001")])
def test_a_number_of_processes_is_auto_or_a_number(option: str, value: str) -> None:
    require("temporalio", "pip install 'procession[temporal]'")
    done = CliRunner().invoke(app, ["worker", "temporal", option, value])
    assert done.exit_code == 2
    assert f"{option} '{value}' is no number of processes" in done.stderr


CELL: Final = """
cell: town
address: temporal.example:7233
api_key_env: TOWN_KEY
default_namespace: shared
namespaces:
  shared: {tenants: {acme: {isolation: task_queue}}}
  own: {activity_task_queue: work, tenants: {bank: {isolation: namespace}}}
"""


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ([], ("temporal.example:7233", "shared", "procession", "procession-jobs-x")),
        (["--tenant", "other"], ("temporal.example:7233", "shared", "procession", "procession-jobs-x")),
        (["--tenant", "acme"], ("temporal.example:7233", "shared", "procession.acme", "procession.acme-jobs-x")),
        (["--tenant", "bank", "--address", "a:1"], ("a:1", "own", "procession", "work")),
    ],
)
def test_with_a_cell_it_works_where_a_tenant_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], place: tuple[str, ...]
) -> None:
    require("temporalio", "pip install 'procession[temporal]'")
    for name in ("TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "cell.yaml").write_text(CELL)
    plans: list[office.Plan] = []

    def run(plan: office.Plan, output: Output) -> bool:
        plans.append(plan)
        return True

    monkeypatch.setattr(office, "run", run)
    done = CliRunner().invoke(app, ["worker", "temporal", "--cell", str(tmp_path / "cell.yaml"), *options])
    assert done.exit_code == 0, done.output
    found = plans[0].place
    assert (found.address, found.namespace, found.queue, job_queue(found, "x")) == place
    assert found.cell == str(tmp_path / "cell.yaml")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--tenant", "acme"], "--tenant needs a cell"),
        (["--cell", "cell.yaml", "--namespace", "n"], "a cell says namespace and queue"),
        (["--cell", "cell.yaml", "--queue", "q"], "a cell says namespace and queue"),
    ],
)
def test_what_contradicts_a_cell_is_refused(options: list[str], text: str) -> None:
    require("temporalio", "pip install 'procession[temporal]'")
    done = CliRunner().invoke(app, ["worker", "temporal", *options])
    assert (done.exit_code, text in done.stderr) == (2, True)


def _plain(amount: int) -> dict[str, int]:
    return {"twice": amount * 2}


async def _later(amount: int) -> dict[str, int]:
    await asyncio.sleep(0)
    return {"twice": amount * 2}


@pytest.mark.parametrize("function", [_plain, _later])
def test_functions_are_called_without_an_engine(function: Callable[..., object]) -> None:
    functions = Functions()
    functions.worker("double", max_jobs=4)(function)
    assert functions.types == {"double": 4}
    done = functions.perform(_job("double", amount=21), "acme").result(10)
    assert isinstance(done, FinishJob)
    assert (done.tenant, done.job, done.variables) == ("acme", 7, {"twice": 42})
    failed = functions.perform(_job("double"), "acme").result(10)
    assert isinstance(failed, FailJob)
    with pytest.raises(NotFound, match="other"):
        functions.perform(_job("other"), "acme")
