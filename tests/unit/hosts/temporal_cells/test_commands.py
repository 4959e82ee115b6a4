"""The commands about cells, as far as they need no server."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click import unstyle
from typer.testing import CliRunner

from procession.cli.app import app

GOOD = "cell: eu\naddress: localhost:1\nnamespaces: {bank: {}}\ndynamic_config: {matching.enableFairness: true}\n"


def run(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["temporal", *arguments], env={"COLUMNS": "200"})
    assert done.exit_code == code, f"{arguments}: exit {done.exit_code}\n{done.output}"
    return unstyle(done.stdout or done.stderr)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cell.yaml"
    path.write_text(GOOD, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "arguments", [("plan", "FILE"), ("apply", "FILE"), ("drift", "FILE"), ("ramp", "d", "b", "10"), ("rollback", "d")]
)
def test_without_the_sdk_it_is_said_what_to_install(
    arguments: tuple[str, ...], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "temporalio", None)
    told = run(*(str(file) if each == "FILE" else each for each in arguments), code=1)
    assert told == 'procession: the Temporal SDK is not installed (pip install "procession[temporal]")\n'


def test_a_wrong_file_is_an_error_of_one_line_for_each_fault(file: Path) -> None:
    file.write_text("cell: eu\nnamespaces: {bank: {retenton: P7D}}\nadress: x\n", encoding="utf-8")
    told = run("plan", str(file), code=1)
    assert f"{file}:2: namespaces.bank.retenton: unknown key" in told
    assert f"{file}:3: adress: unknown key" in told
    assert "retenton" in json.loads(run("drift", str(file), "--json", code=1))["error"]


def test_dynamic_config_asks_no_server(file: Path) -> None:
    assert run("plan", str(file), "--dynamic-config").endswith("matching.enableFairness:\n- value: true\n")
    document = json.loads(run("plan", str(file), "--dynamic-config", "--json"))
    assert document["dynamic_config"].endswith("- value: true\n")


def test_a_key_that_is_not_in_the_environment_is_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CELL_KEY", raising=False)
    file.write_text(f"{GOOD}api_key_env: CELL_KEY\n", encoding="utf-8")
    assert "the variable CELL_KEY, which `api_key_env` names, is not set" in run("plan", str(file), code=1)
    monkeypatch.setenv("CELL_CA", "/nowhere/ca.pem")
    file.write_text(f"{GOOD}tls: {{ca_env: CELL_CA}}\n", encoding="utf-8")
    assert "$CELL_CA, which `tls.ca_env` names, is neither PEM nor a file" in run("plan", str(file), code=1)


@pytest.mark.parametrize("percent", ["-1", "101", "many"])
def test_a_percentage_is_one(percent: str) -> None:
    run("ramp", "d", "b", "--", percent, code=2)
