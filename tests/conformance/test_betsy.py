"""betsy's cases: every one passes, or is listed with its reason; and the runner itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest

from conformance.betsy import Case, cases, main, outcome_of
from conformance.outcomes import expected_failures
from shared_data import shared_data, shared_folder

LISTED_MAX: Final = 2
"""How many cases may be listed as failing: lowered with each that passes, never raised."""
FOLDER: Final = shared_folder("data", "bpmn", "betsy")
CASES: Final = [] if FOLDER is None else cases(FOLDER)
KNOWN: Final = expected_failures("betsy")


def suite() -> Path:
    """The suite; skips the test where it is absent."""
    return shared_data("data", "bpmn", "betsy")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_passes_or_is_listed(case: Case) -> None:
    outcome = outcome_of(case)
    assert outcome.passed or outcome.case in KNOWN, outcome.why
    assert not (outcome.passed and outcome.case in KNOWN), "it passes: take its line away"


def test_the_list_of_expected_failures_only_shrinks() -> None:
    assert len(KNOWN) <= LISTED_MAX
    assert all(reason.strip() for reason in KNOWN.values())


def test_every_listed_case_is_one_of_the_suite() -> None:
    suite()
    assert KNOWN.keys() - {case.name for case in CASES} == set()


def test_a_wrong_call_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "DIR" in capsys.readouterr().err


MODEL: Final = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t">
<process id="Model" isExecutable="true"><startEvent id="s"/>
<scriptTask id="a"><script>SCRIPT_task1</script></scriptTask>
<scriptTask id="b"><script>{script}</script></scriptTask><sequenceFlow id="f" sourceRef="s" targetRef="a"/>
<sequenceFlow id="g" sourceRef="a" targetRef="b"><conditionExpression>test.contains("b")</conditionExpression>
</sequenceFlow></process></definitions>"""


def write(folder: Path, script: str, *traces: tuple[str, list[str]]) -> None:
    (folder / "models").mkdir()
    (folder / "models" / "Model.bpmn").write_text(MODEL.replace("{script}", script))
    given = [{"input": text, "trace": trace, "delay": 0, "parallel": False} for text, trace in traces]
    rows = [{"name": "Model", "file": "models/Model.bpmn", "cases": given}]
    (folder / "manifest.json").write_text(json.dumps(rows))


def test_the_runner_prints_one_object_a_case_and_the_totals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both = ["SCRIPT_task2", "SCRIPT_task1"]
    write(tmp_path, "SCRIPT_task2", ("ab", both), ("a", ["SCRIPT_task1", "ERROR_runtime"]), ("b", ["SCRIPT_task1"]))
    assert main([str(tmp_path), "--json"]) == 1
    printed = capsys.readouterr()
    rows = [json.loads(line) for line in printed.out.splitlines()]
    assert [(row["case"], row["passed"]) for row in rows] == [("Model/1", True), ("Model/2", True), ("Model/3", False)]
    assert rows[2]["why"] == "expected ['SCRIPT_task1'], got ['SCRIPT_task1', 'SCRIPT_task2']"
    assert printed.err == "2 of 3 passed\n"


def test_an_error_that_a_script_throws_is_the_case_s(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "THROW_ERROR", ("b", ["SCRIPT_task1", "ERROR_thrownErrorEvent"]))
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out == "passed Model/1 \n1 of 1 passed\n"
