"""Models that break the standard are refused for what they break, and models that do not are not.

Which constraint a number stands for is known here alone: it is read off the models, and named by our rules.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from conformance.rejections import main
from procession import check_standard
from procession.compile.check.standard.table import RULES
from shared_data import shared_data

BETSY: Final = shared_data("data", "bpmn", "betsy")
MIWG: Final = shared_data("data", "bpmn", "miwg")

CONSTRAINTS: Final[dict[str, str]] = {
    "EXT002": "id-unique",
    "EXT003": "id-required",
    "EXT007": "sequence-flow-nodes",
    "EXT009": "message-flow-ends",
    "EXT010": "text-format",
    "EXT012": "expression-formal",
    "EXT013": "expression-empty",
    "EXT019": "gateway-direction",
    "EXT020": "item-collection",
    "EXT022": "event-sub-process-flows",
    "EXT024": "sequence-flow-immediate",
    "EXT025": "sequence-flow-conditional-alone",
    "EXT026": "default-flow-source",
    "EXT027": "choreography-ref",
    "EXT028": "sequence-flow-boundary",
    "EXT029": "participant-multiplicity",
    "EXT030": "participant-multiplicity",
    "EXT031": "message-flow-pools",
    "EXT032": "global-conversation-content",
    "EXT033": "message-flow-ends",
    "EXT035": "process-public-executable",
    "EXT036": "choreography-in-process",
    "EXT037": "activity-quantity",
    "EXT038": "activity-quantity",
    "EXT042": "service-task-data",
    "EXT043": "service-task-sets",
    "EXT047": "send-task-data",
    "EXT048": "send-task-data",
    "EXT050": "receive-task-data",
    "EXT051": "receive-task-data",
    "EXT052": "receive-task-data",
    "EXT053": "script-format",
    "EXT055": "schema-count",
    "EXT056": "choreography-in-process",
    "EXT058": "event-sub-process-start-event",
    "EXT060": "schema-value",
    "EXT061": "ad-hoc-activity",
    "EXT063": "call-activity-data",
    "EXT064": "interface-bindings",
    "EXT065": "io-binding-data",
    "EXT068": "multi-instance-data",
    "EXT069": "multi-instance-item",
    "EXT070": "multi-instance-item",
    "EXT071": "condition-boolean",
    "EXT072": "condition-boolean",
    "EXT076": "data-object-reference-name",
    "EXT078": "schema-element",
    "EXT079": "sub-process-data",
    "EXT080": "data-input-of-process",
    "EXT082": "data-output-of-process",
    "EXT084": "data-in-set",
    "EXT085": "data-set-subset",
    "EXT087": "data-set-mutual",
    "EXT088": "data-in-set",
    "EXT090": "data-set-subset",
    "EXT091": "data-association-item",
    "EXT093": "event-data-count",
    "EXT094": "event-data-item",
    "EXT096": "start-event-incoming",
    "EXT097": "start-event-missing",
    "EXT100": "sub-process-start-event",
    "EXT102": "message-flow-source",
    "EXT103": "message-flow-target",
    "EXT104": "end-event-outgoing",
    "EXT105": "end-event-missing",
    "EXT107": "sequence-flow-listed",
    "EXT111": "cancel-boundary-event",
    "EXT114": "compensation-event-flow",
    "EXT117": "link-event-flow",
    "EXT118": "link-event-mutual",
    "EXT120": "cancel-boundary-event",
    "EXT123": "expression-formal",
    "EXT125": "link-event-pair",
    "EXT126": "link-event-scope",
    "EXT128": "message-event-definition",
    "EXT129": "event-sub-process-trigger",
    "EXT131": "schema-count",
    "EXT132": "timer-format",
    "EXT133": "timer-format",
    "EXT135": "gateway-merges-or-splits",
    "EXT136": "event-gateway-outgoing",
    "EXT138": "event-gateway-target",
    "EXT140": "event-gateway-receive-task",
    "EXT141": "event-gateway-target-incoming",
    "EXT142": "event-gateway-instantiate",
    "EXT145": "text-format",
    "EXT147": "boundary-event-trigger",
    "EXT150": "flow-node-incoming",
    "EXT152": "sequence-flow-boundary",
}
"""The number of a constraint -> the rule that is the same."""

BREACHES: Final[dict[str, dict[str, str]]] = {
    "WCP10_ArbitraryCycles.bpmn": {"expression-formal": "conditions of an executable process without xsi:type"},
    "LoopTask_NegativeLoopMaximum.bpmn": {"loop-maximum": "-1 iterations, to see what an engine does"},
    "Token_CompletionQuantity_Zero.bpmn": {"activity-quantity": "0, to see what an engine does"},
    "Token_StartQuantity_Zero.bpmn": {"activity-quantity": "0, to see what an engine does"},
    "A.2.1.bpmn": {"expression-empty": "formal conditions without a body"},
    "C.1.0.bpmn": {"message-event-definition": "executable, and without operations"},
    "C.1.1.bpmn": {"import-location": "a schema that is not there"},
    "C.3.0.bpmn": {"message-event-definition": "executable, and without operations"},
    "C.5.0.bpmn": {"call-activity-data": "a call with an input of which its process knows nothing"},
    "C.7.0.bpmn": {
        "item-collection": "collections of an item that is said to be none",
        "data-association-item": "a text that flows into another item, untransformed",
    },
    "C.8.1.bpmn": {
        "data-association-item": "items that flow into others, untransformed",
        "reference-namespace": "a message of a namespace that is not imported",
        "reference-target": "the same message",
        "send-task-data": "four inputs for one message",
        "sequence-flow-immediate": 'isImmediate="false" in an executable process',
        "service-task-data": "two inputs for one message",
    },
    "C.9.0.bpmn": {
        "message-event-definition": "executable, and without messages and operations",
        "reference-target": "a process that is called by name, without an import",
    },
    "C.9.2.bpmn": {
        "message-event-definition": "executable, and without operations",
        "multi-instance-count": "a multi-instance whose items only an extension names",
        "reference-target": "a process of an import that is called without its prefix",
    },
}
"""A model that is meant to be valid -> the rules that it breaks all the same, and by what."""
EVERY_BETSY_MODEL: Final = "script-format"
"""Their scripts are words that each engine reads as it likes, so they name no format."""


REJECTED: Final = sorted((BETSY / "rejections").rglob("*.bpmn"))
MEANT_TO_BE_VALID: Final = [*sorted((BETSY / "models").glob("*.bpmn")), *sorted(MIWG.glob("*.bpmn"))]


def rules_of(path: Path) -> set[str]:
    return {each.rule for each in check_standard(path)}


@pytest.mark.parametrize("path", REJECTED, ids=lambda path: path.stem)
def test_a_model_is_refused_for_what_it_breaks(path: Path) -> None:
    wanted = CONSTRAINTS.get(path.parent.name)
    found = rules_of(path)
    assert found
    assert wanted is None or wanted in found


@pytest.mark.parametrize("path", MEANT_TO_BE_VALID, ids=lambda path: path.stem)
def test_a_valid_model_breaks_nothing_but_what_is_known(path: Path) -> None:
    known = set(BREACHES.get(path.name, ()))
    if path.parent.parent == BETSY:
        known.add(EVERY_BETSY_MODEL)
    assert rules_of(path) == known


def test_the_numbers_mean_rules_that_are_there() -> None:
    assert set(CONSTRAINTS.values()) <= {rule.name for rule in RULES}


def test_the_runner_prints_a_line_a_case_and_the_totals(capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(BETSY / "rejections")
    assert main([folder]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[-1] == f"{len(printed) - 1} of {len(printed) - 1} refused"
    assert main([folder, "--json"]) == 0
    shown = capsys.readouterr()
    assert all(line.startswith('{"case": ') for line in shown.out.splitlines())
    assert len(shown.out.splitlines()) == len(printed) - 1
    assert shown.err == f"{printed[-1]}\n"


def test_a_model_that_is_not_refused_fails_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "valid.bpmn").write_text((MIWG / "A.1.0.bpmn").read_text(encoding="utf-8"), encoding="utf-8")
    assert main([str(tmp_path)]) == 1
    assert capsys.readouterr().out.startswith("NOT REFUSED valid.bpmn")
    assert main([str(tmp_path / "none")]) == 2
