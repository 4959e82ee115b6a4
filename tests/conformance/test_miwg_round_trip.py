"""The models of the interchange working group are imported and exported without a loss; so are all shared ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest

from conformance.miwg import canonical, main, problem_of
from procession.compile import compile_definitions
from procession.convert import convert
from procession.parse import parse_bpmn
from shared_data import shared_data

DATA: Final = shared_data("data", "bpmn")
MODELS: Final = sorted(DATA.rglob("*.bpmn"))


@pytest.mark.parametrize("path", MODELS, ids=lambda path: str(path.relative_to(DATA)))
def test_a_model_is_exported_as_it_was(path: Path) -> None:
    assert problem_of(path.read_bytes(), path.name) == ""


def test_the_runner_prints_a_line_for_each_model_and_the_totals(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(DATA / "miwg"), "--json"]) == 0
    *cases, totals = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert all(set(case) == {"case", "passed", "why"} and case["passed"] for case in cases)
    assert totals == {"cases": len(cases), "passed": len(cases), "failed": 0}


def test_a_loss_is_found() -> None:
    model = (DATA / "miwg" / "A.1.0.bpmn").read_bytes()
    assert canonical(model) == canonical(model.replace(b"\n", b"\n \n"))
    assert canonical(model) != canonical(model.replace(b'name="', b'name="x', 1))
    assert problem_of(b"<a>", "a").startswith("not read")


@pytest.mark.parametrize("path", sorted((DATA / "miwg").glob("*.bpmn")), ids=lambda path: path.name)
def test_a_converted_model_has_no_faults_that_it_had_not(path: Path) -> None:
    data = path.read_bytes()
    assert _errors(convert(data, path.name).data) <= _errors(data)


def _errors(data: bytes) -> int:
    definitions, found = parse_bpmn(data, "m")
    assert definitions is not None
    return sum(each.severity == "error" for each in [*found, *compile_definitions(definitions)[1]])
