"""The token simulation's cases: every one passes, or is listed with its reason; and the runner itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest

from conformance.outcomes import expected_failures
from conformance.token_simulation import Case, cases, main, outcome_of
from shared_data import shared_data, shared_folder

LISTED_MAX: Final = 0
"""How many cases may be listed as failing: lowered with each that passes, never raised."""
FOLDER: Final = shared_folder("data", "bpmn", "token-simulation")
CASES: Final = [] if FOLDER is None else cases(FOLDER)
KNOWN: Final = expected_failures("token_simulation")


def suite() -> Path:
    """The suite; skips the test where it is absent."""
    return shared_data("data", "bpmn", "token-simulation")


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


MODEL: Final = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t"><process id="P">
<startEvent id="S"/><parallelGateway id="G"/><task id="A"/><task id="B"/><parallelGateway id="J"/><receiveTask id="R"/>
<sequenceFlow id="f" sourceRef="S" targetRef="G"/><sequenceFlow id="g" sourceRef="G" targetRef="A"/>
<sequenceFlow id="h" sourceRef="G" targetRef="B"/><sequenceFlow id="i" sourceRef="A" targetRef="J"/>
<sequenceFlow id="j" sourceRef="B" targetRef="J"/><sequenceFlow id="k" sourceRef="J" targetRef="R"/>
</process></definitions>"""
TRACE: Final = """createScope:P:null signal:P:B createScope:S:B signal:S:C exit:S:C createScope:f:B destroyScope:S:C
enter:f:B exit:f:D createScope:G:B destroyScope:f:D enter:G:B exit:G:E createScope:g:B createScope:h:B destroyScope:G:E
enter:g:B exit:g:F createScope:A:B destroyScope:g:F enter:A:B exit:A:H createScope:i:B destroyScope:A:H
enter:h:B exit:h:G createScope:B:B destroyScope:h:G enter:B:B exit:B:J createScope:j:B destroyScope:B:J
enter:i:B exit:i:I createScope:J:B destroyScope:i:I enter:J:B enter:j:B exit:j:K createScope:J:B destroyScope:j:K
enter:J:B destroyScope:J:L exit:J:M createScope:k:B destroyScope:J:M enter:k:B exit:k:N createScope:R:B destroyScope:k:N
enter:R:B"""
"""Of two branches the upper one is first here, which it need not be; the letter A is of no scope that is shown."""
REST: Final = ["signal:R:O", "exit:R:O", "destroyScope:R:O", "exit:P:B", "destroyScope:P:B"]


def write(folder: Path, trace: list[str], rest: list[str]) -> None:
    (folder / "models").mkdir(exist_ok=True)
    (folder / "models" / "m.bpmn").write_text(MODEL)
    ops = [
        {"op": "trigger", "ids": ["S"]},
        {"op": "expectTrace", "ids": [], "trace": trace},
        {"op": "trigger", "ids": ["R"]},
        {"op": "expectTrace", "ids": [], "trace": rest},
    ]
    rows = [
        {"name": "m", "model": "m.bpmn", "ops": ops},
        {"name": "n", "model": "m.bpmn", "ops": [], "not_applicable": "needs code"},
    ]
    (folder / "manifest.json").write_text(json.dumps(rows))


def lines(old: str = "", new: str = "") -> list[str]:
    """The lines of the trace, some of them replaced."""
    text = " ".join(TRACE.split())
    assert old in text
    return text.replace(old, new).split()


def test_the_runner_prints_one_object_a_case_and_the_totals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, lines(), REST)
    assert main([str(tmp_path), "--json"]) == 0
    printed = capsys.readouterr()
    assert [json.loads(line) for line in printed.out.splitlines()] == [{"case": "m", "passed": True, "why": ""}]
    assert printed.err == "1 of 1 passed\n"


def earlier(line: str) -> str:
    """A line with the letter before, as if the simulator had made no scope before the first that is shown."""
    return line if line.endswith(":null") else f"{line[:-1]}{chr(ord(line[-1]) - 1)}"


def swapped() -> list[str]:
    """The lower branch first, up to the join. Letters follow the order of creation."""
    found = lines()
    upper, lower, join = found.index("enter:g:B"), found.index("enter:h:B"), found.index("enter:i:B")
    moved = [*found[:upper], *found[lower:join], *found[upper:lower], *found[join:]]
    return [line[:-1] + line[-1].translate(str.maketrans("HIJK", "JKHI")) for line in moved]


@pytest.mark.parametrize(
    ("trace", "rest"),
    [
        pytest.param(lines(), REST, id="as it is"),
        pytest.param([earlier(each) for each in lines()], [earlier(each) for each in REST], id="other letters"),
        pytest.param(swapped(), REST, id="the lower branch first"),
    ],
)
def test_what_is_unrelated_may_have_another_order(
    trace: list[str], rest: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, trace, rest)
    assert main([str(tmp_path)]) == 0, capsys.readouterr().out


@pytest.mark.parametrize(
    ("trace", "rest", "why"),
    [
        pytest.param(lines("enter:A:B exit:A:H", "exit:A:H enter:A:B"), REST, "", id="left before it was entered"),
        pytest.param(lines("enter:A:B exit:A:H ", "enter:A:B "), REST, "exit:A", id="not left"),
        pytest.param(lines()[:-1], ["enter:R:B", *REST], "enter:R", id="later"),
        pytest.param(lines("destroyScope:J:L ", ""), REST, "exit:J", id="not joined"),
        pytest.param(lines("exit:B:J ", ""), ["exit:B:J", *REST], "exit:B", id="left later"),
        pytest.param(lines(), [REST[0], "exit:P:B", *REST[1:3], "destroyScope:P:B"], "exit:P", id="a scope left first"),
        pytest.param(lines(), REST[:-2], "exit:P", id="a process that goes on"),
        pytest.param(lines("createScope:A:B", "createScope:X:B"), REST, "", id="another element"),
    ],
)
def test_what_is_related_may_not(
    trace: list[str], rest: list[str], why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, trace, rest)
    assert main([str(tmp_path)]) == 1
    assert why in capsys.readouterr().out
