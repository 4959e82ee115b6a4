"""Models as people draw them on each platform: imported, deployed, run; nothing of the drawing is lost on the way."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from conformance.miwg import canonical
from procession.compile import check_definitions, compile_definitions
from procession.convert import OUTCOMES, Report, convert
from procession.convert.tables import DIALECTS
from procession.convert.tree import Element, read_document
from procession.parse import parse_bpmn
from procession.testing import run_scenario

MODELS: Final = sorted((Path(__file__).parents[2] / "convert_models").glob("*.bpmn*"))
SCENARIOS: Final = sorted((Path(__file__).parents[2] / "convert_models").glob("*.scenario.yaml"))
DIALECT_OF: Final = {
    "activiti_holiday": "activiti",
    "called_ordering": "flowable",
    "camunda7_order": "camunda",
    "camunda7_shipping": "operaton",
    "flowable_request": "flowable",
    "jbpm_evaluation": "jbpm",
    "spiff_report": "spiffworkflow",
}
DIAGRAM: Final = "http://www.omg.org/spec/BPMN/20100524/DI"


def _ids(path: Path) -> str:
    return path.name.partition(".")[0]


@pytest.mark.parametrize("path", MODELS, ids=_ids)
def test_a_converted_model_deploys(path: Path) -> None:
    conversion = convert(path.read_bytes(), path.name)
    assert conversion.report.dialects == (DIALECT_OF[_ids(path)],)
    definitions, found = parse_bpmn(conversion.data, path.name)
    assert definitions is not None
    programs, diagnostics = compile_definitions(definitions)
    assert len(programs) == 1
    said = [each for each in [*found, *diagnostics] if each.severity != "info"]
    # What is still of another platform is what the report says needs work.
    assert all(each.rule == "foreign-extension" for each in said), said
    assert not said or conversion.report.needs_work


@pytest.mark.parametrize("path", SCENARIOS, ids=_ids)
@pytest.mark.parametrize("restore", [False, True], ids=["plain", "restored"])
def test_a_converted_model_runs(path: Path, restore: bool, tmp_path: Path) -> None:
    for model in MODELS:
        data = convert(model.read_bytes(), model.name).data
        (tmp_path / f"{_ids(model)}.bpmn").write_bytes(data)
    (tmp_path / "discount.dmn").write_bytes((path.parent / "discount.dmn").read_bytes())
    (tmp_path / path.name).write_bytes(path.read_bytes())
    result = run_scenario(tmp_path / path.name, restore_every_step=restore)
    assert result.passed, result.error


@pytest.mark.parametrize("path", MODELS, ids=_ids)
def test_a_converted_model_keeps_the_diagram_and_what_belongs_to_other_tools(path: Path) -> None:
    before, after = (read_document(data, "m") for data in (path.read_bytes(), convert(path.read_bytes(), "m").data))
    assert _drawn(before.root) == _drawn(after.root)
    assert _foreign(before.root) == _foreign(after.root)
    assert [type(node).__name__ for node in before.before] == [type(node).__name__ for node in after.before]


def _drawn(root: Element) -> list[tuple[str, dict[str, str]]]:
    return [(e.tag, e.attributes) for e in root.walk() if e.namespace == DIAGRAM or "/DD/" in e.namespace]


def _foreign(root: Element) -> Counter[str]:
    owned = {each.namespace for each in DIALECTS}
    prefixes = ("http://www.omg.org/", "http://camunda.org/schema/zeebe", "http://procession.dev/")
    return Counter(
        f"{e.tag} {e.attributes} {e.text}"
        for e in root.walk()
        if e.namespace not in owned and not e.namespace.startswith(prefixes)
    )


@pytest.mark.parametrize("path", MODELS, ids=_ids)
def test_an_import_of_an_import_changes_nothing(path: Path) -> None:
    once = convert(path.read_bytes(), path.name)
    again = convert(once.data, path.name)
    assert canonical(again.data) == canonical(once.data)
    assert again.data == once.data
    # What is left is what still needs work.
    assert {entry.outcome for entry in again.report.entries} <= {"needs-work", "dropped"}


@pytest.mark.parametrize("path", MODELS, ids=_ids)
def test_every_attribute_of_the_dialect_has_its_entry(path: Path) -> None:
    report = convert(path.read_bytes(), path.name).report
    told = Counter((entry.line, entry.attribute.strip("<>").partition(" ")[0]) for entry in report.entries)
    namespaces = {each.namespace for each in DIALECTS}
    root = read_document(path.read_bytes(), "m").root
    for element in root.walk():
        for namespace in namespaces:
            for written, _, _ in element.in_namespace(namespace):
                assert told[element.line, written] == 1, (element.line, written)
        parent = element.parent
        if element.namespace in namespaces and parent is not None and parent.name == "extensionElements":
            inside = [(each.line, each.tag) for each in element.walk()]
            assert sum(told[place] for place in inside) >= 1, (element.line, element.tag)


@pytest.mark.parametrize("path", MODELS, ids=_ids)
def test_an_entry_names_its_place_and_what_to_do(path: Path) -> None:
    report = convert(path.read_bytes(), path.name).report
    lines = path.read_text(encoding="utf-8").splitlines()
    ids = {e.attributes["id"] for e in read_document(path.read_bytes(), "m").root.walk() if "id" in e.attributes}
    for entry in report.entries:
        assert entry.file == path.name
        assert 1 <= entry.line <= len(lines)
        assert entry.element in ids | {""}, entry
        assert entry.outcome in OUTCOMES
        assert entry.note or entry.outcome == "mapped", entry
        assert entry.target or entry.outcome != "mapped" or entry.note, entry


def test_a_report_is_json_of_a_stable_schema() -> None:
    from procession.cli.commands.importing import record

    report = Report(file="m", entries=convert(MODELS[0].read_bytes(), "m").report.entries[:1])
    told = json.loads(json.dumps(record(report)))
    assert set(told) == {"file", "dialects", "counts", "entries"}
    assert set(told["counts"]) == {"mapped", "changed", "dropped", "needs-work"}
    keys = {"file", "element", "line", "attribute", "value", "outcome", "target", "note"}
    assert set(told["entries"][0]) == keys


def test_a_native_model_comes_back_as_it_is() -> None:
    path = Path(__file__).parents[3] / "examples" / "order" / "order.bpmn"
    conversion = convert(path.read_bytes(), "order.bpmn")
    assert conversion.report.dialects == ("zeebe",)
    assert conversion.report.entries == ()
    assert canonical(conversion.data) == canonical(path.read_bytes())
    definitions, _ = parse_bpmn(conversion.data, "order.bpmn")
    assert definitions is not None
    assert not [each for each in check_definitions(definitions) if each.severity == "error"]
