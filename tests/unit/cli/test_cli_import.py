"""`procession import`: models of other platforms, the native ones, and reports in every format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest
from typer.testing import CliRunner

from procession.cli.app import app
from procession.cli.commands.importing import spelled
from procession.parse import parse_bpmn

MODELS: Final = Path(__file__).parents[2] / "convert_models"
ORDER: Final = MODELS / "camunda7_order.bpmn"
SHIPPING: Final = MODELS / "camunda7_shipping.bpmn"


def run(*arguments: str | Path, code: int = 0) -> str:
    """What a command prints; it must end with that code."""
    done = CliRunner().invoke(app, ["import", *map(str, arguments)], env={"COLUMNS": "140"})
    assert done.exit_code == code, done.output
    return done.output


def test_models_are_written_and_counted(tmp_path: Path) -> None:
    printed = run(ORDER, SHIPPING, MODELS / "jbpm_evaluation.bpmn2", "--to", tmp_path / "native")
    assert "camunda7_order.bpmn (camunda)" in printed
    written = sorted(path.name for path in (tmp_path / "native").iterdir())
    assert written == ["camunda7_order.bpmn", "camunda7_shipping.bpmn", "jbpm_evaluation.bpmn"]
    definitions, _ = parse_bpmn((tmp_path / "native" / "camunda7_order.bpmn").read_bytes(), "m")
    assert definitions is not None
    assert definitions.uses_zeebe


def test_the_report_is_a_table_on_the_terminal() -> None:
    printed = run(ORDER)
    assert "write a worker" in printed
    assert "needs-work" in printed
    assert "the engine says how long history is kept" in " ".join(printed.split())


@pytest.mark.parametrize("name", ["r.json", "r.html", "r.txt"])
def test_the_name_of_the_report_says_its_format(name: str, tmp_path: Path) -> None:
    run(ORDER, SHIPPING, "--report", tmp_path / name)
    text = (tmp_path / name).read_text(encoding="utf-8")
    assert "camunda:delegateExpression" in text
    if name == "r.json":
        reports = json.loads(text)
        assert [each["dialects"] for each in reports] == [["camunda"], ["operaton"]]
        assert reports[0]["entries"][0]["line"] > 0
    else:
        assert text.startswith("<!DOCTYPE html>") == (name == "r.html")


def test_json_is_one_document_a_model() -> None:
    lines = [json.loads(line) for line in run(ORDER, SHIPPING, "--json").splitlines()]
    assert [Path(each["file"]).name for each in lines] == [ORDER.name, SHIPPING.name]
    assert set(lines[0]["entries"][0]) == {
        "file", "element", "line", "attribute", "value", "outcome", "target", "note",
    }  # fmt: skip


def test_a_format_may_be_asked_for(tmp_path: Path) -> None:
    assert run(ORDER, "--report", "-", "--format", "html").startswith("<!DOCTYPE html>")
    run(ORDER, "--report", tmp_path / "report", "--format", "json")
    assert json.loads((tmp_path / "report").read_text(encoding="utf-8"))
    assert "no format 'pdf'" in run(ORDER, "--format", "pdf", code=2)


def test_strict_fails_where_something_needs_work(tmp_path: Path) -> None:
    run(ORDER, "--strict", code=1)
    run(SHIPPING, "--strict", "--to", tmp_path)
    assert (tmp_path / SHIPPING.name).exists()


def test_nothing_is_overwritten_that_was_given(tmp_path: Path) -> None:
    model = tmp_path / "a.bpmn"
    model.write_bytes(ORDER.read_bytes())
    assert "would be overwritten" in run(model, "--to", tmp_path, code=2)
    assert model.read_bytes() == ORDER.read_bytes()
    other = tmp_path / "b"
    other.mkdir()
    (other / "a.bpmn").write_bytes(ORDER.read_bytes())
    assert "two models" in run(model, other / "a.bpmn", "--to", tmp_path / "c", code=2)


def test_what_is_no_model_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    bad = tmp_path / "bad.bpmn"
    bad.write_text('<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><d>&x;</d>', encoding="utf-8")
    assert "xml-doctype" in run(ORDER, bad, "--to", tmp_path / "out", code=1)
    assert not (tmp_path / "out").exists()
    assert "No such file" in run(tmp_path / "none.bpmn", code=1)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["import", "a.bpmn", "--report"], ["import", "a.bpmn", "--report", "-"]),
        (["import", "--report", "a.bpmn"], ["import", "--report", "-", "a.bpmn"]),
        (["import", "a.bpmn", "--report", "--json"], ["import", "a.bpmn", "--report", "-", "--json"]),
        (["import", "a.bpmn", "--report", "r.html"], ["import", "a.bpmn", "--report", "r.html"]),
        (["import", "a.bpmn", "--report", "-"], ["import", "a.bpmn", "--report", "-"]),
    ],
)
def test_a_report_without_a_file_goes_to_the_terminal(given: list[str], meant: list[str]) -> None:
    assert spelled(given) == meant
