"""The cases of the DMN compatibility kit: every one passes, or is listed with its reason; and the runner itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest

from conformance.dmn_tck import JAVA, folders, main, run_folder, totals
from conformance.outcomes import expected_failures
from shared_data import shared_data

LISTED_MAX: Final = 0
"""How many cases may be listed as failing: lowered with each that passes, never raised."""
NAMESPACE: Final = "https://www.omg.org/spec/DMN/20230324/MODEL/"


def kit() -> Path:
    return shared_data("data", "dmn-tck")


@pytest.mark.parametrize("level", ["compliance-level-2", "compliance-level-3", "non-compliant"])
def test_every_case_of_the_kit_passes_or_is_listed(level: str) -> None:
    known = expected_failures("dmn_tck")
    outcomes = [outcome for folder in folders(kit() / level) for outcome in run_folder(folder)]
    failed = {outcome.name: outcome.why for outcome in outcomes if not outcome.passed and outcome.why != JAVA}
    passed = {outcome.name for outcome in outcomes if outcome.passed}
    assert outcomes
    assert {name: why for name, why in failed.items() if name not in known} == {}
    assert not passed & known.keys(), "these pass: take their lines away"


def test_only_functions_in_java_are_not_applicable() -> None:
    outcomes = [outcome for folder in folders(kit()) for outcome in run_folder(folder)]
    assert {outcome.folder for outcome in outcomes if outcome.why == JAVA} == {"0076-feel-external-java"}


def test_every_case_that_asks_for_an_error_gets_a_diagnostic() -> None:
    outcomes = [outcome for folder in folders(kit()) for outcome in run_folder(folder)]
    assert [o.name for o in outcomes if o.wants_error and o.passed and not o.error_reported] == []


def test_the_list_of_expected_failures_only_shrinks() -> None:
    known = expected_failures("dmn_tck")
    assert len(known) <= LISTED_MAX
    assert all(reason.strip() for reason in known.values())


def test_the_documented_table_is_what_the_runner_prints() -> None:
    outcomes = [outcome for folder in folders(kit()) for outcome in run_folder(folder)]
    page = (Path(__file__).parents[2] / "docs" / "conformance.md").read_text()
    assert [line for line in totals(outcomes) if f"| {line} |" not in page] == []


def expectation(value: str, error: str = "") -> str:
    nil = "" if value else 'xsi:nil="true"'
    return (
        f'<testCase id="{value[:1] or "n"}"><inputNode name="a"><value>2</value></inputNode>'
        f'<resultNode name="x" {error}><expected><value xsi:type="xsd:decimal" {nil}>'
        f"{value}</value></expected></resultNode></testCase>"
    )


def write(folder: Path, expression: str, *cases: str) -> None:
    folder.mkdir(parents=True)
    (folder / "m.dmn").write_text(
        f'<definitions xmlns="{NAMESPACE}" id="d" name="d" namespace="t"><inputData id="i" name="a">'
        '<variable name="a" typeRef="number"/></inputData><decision id="x" name="x"><informationRequirement>'
        '<requiredInput href="#i"/></informationRequirement><literalExpression>'
        f"<text>{expression}</text></literalExpression></decision></definitions>"
    )
    (folder / "m-test-01.xml").write_text(
        '<testCases xmlns="http://www.omg.org/spec/DMN/20160719/testcase" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
        f"<modelName>m.dmn</modelName>{''.join(cases)}</testCases>"
    )


def test_the_runner_prints_one_object_a_case_and_the_totals(tmp_path: Path, capsys) -> None:
    write(tmp_path / "level-a" / "sum", "a + 1", expectation("3"), expectation("4"))
    write(tmp_path / "level-b" / "error", 'a + "x"', expectation("", 'errorResult="true"'))
    assert main([str(tmp_path), "--json"]) == 1
    printed = capsys.readouterr()
    rows = [json.loads(line) for line in printed.out.splitlines()]
    assert [(row["level"], row["folder"], row["case"], row["passed"], row["error_reported"]) for row in rows] == [
        ("level-a", "sum", "3", True, False),
        ("level-a", "sum", "4", False, False),
        ("level-b", "error", "n", True, True),
    ]
    assert rows[1]["why"] == "expected 4, got 3"
    assert set(rows[0]) == {"folder", "test", "case", "level", "passed", "error_reported", "why"}
    assert "level-a | 1 | 2 | 1/2 | 0/0 | 50.00 % | 0/0 | 0 | 0" in printed.err


def test_a_file_that_cannot_be_read_fails_its_cases_only(tmp_path: Path, capsys) -> None:
    write(tmp_path / "level" / "bad", "a", expectation("2"))
    (tmp_path / "level" / "bad" / "m.dmn").write_text("<definitions")
    write(tmp_path / "level" / "good", "a", expectation("2"))
    assert main([str(tmp_path)]) == 1
    assert "FAIL level/bad/m-test-01/2 the model cannot be read" in capsys.readouterr().out


def test_a_business_knowledge_model_is_called_with_the_inputs(tmp_path: Path, capsys) -> None:
    case = expectation("6").replace("<testCase ", '<testCase type="bkm" invocableName="triple" ')
    write(tmp_path / "level" / "bkm", "a", case)
    model = tmp_path / "level" / "bkm" / "m.dmn"
    function = (
        '<businessKnowledgeModel id="k" name="triple"><variable name="triple"/><encapsulatedLogic>'
        '<formalParameter name="a" typeRef="number"/><literalExpression><text>a * 3</text></literalExpression>'
        "</encapsulatedLogic></businessKnowledgeModel></definitions>"
    )
    model.write_text(model.read_text().replace("</definitions>", function))
    assert main([str(tmp_path)]) == 0
    assert "ok   level/bkm/m-test-01/6" in capsys.readouterr().out


def test_a_test_file_that_cannot_be_read_is_a_failure(tmp_path: Path, capsys) -> None:
    write(tmp_path / "level" / "bad", "a", expectation("2"))
    (tmp_path / "level" / "bad" / "m-test-02.xml").write_text("<testCases>")
    assert main([str(tmp_path)]) == 1
    assert "FAIL level/bad/m-test-02/ the file cannot be read" in capsys.readouterr().out


def test_a_wrong_call_is_told(capsys) -> None:
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err
