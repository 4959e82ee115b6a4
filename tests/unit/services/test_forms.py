"""Forms that are deployed: versions, bindings, what is refused, and the form of a task or of a start."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from procession import Engine, Refused
from procession.base.failure import NotFound
from procession.runtime.tenants import DEFAULT_TENANT
from procession.services.deploy import compile_resources
from procession.services.deployed import Which
from procession.services.differences import differences
from procession.services.forms import FoundForm
from store_rig import STORES

BPMN: Final = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t"
 xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"><process id="p" isExecutable="true">
 <extensionElements><zeebe:userTaskForm id="inner">{inner}</zeebe:userTaskForm></extensionElements>
 <startEvent id="s">{start}</startEvent><sequenceFlow id="f" sourceRef="s" targetRef="ask"/>
 <userTask id="ask"><extensionElements><zeebe:userTask/>{task}</extensionElements></userTask>
 </process></definitions>"""
INNER: Final = '{"type": "default", "components": []}'


def form(label: str = "A", id: str = "ask", **more: Any) -> bytes:
    component = {"type": "textfield", "key": "a", "label": label}
    return json.dumps({"type": "default", "id": id, "components": [component], **more}).encode()


def linked(task: str = "", start: str = "") -> tuple[str, bytes]:
    tag = "<zeebe:formDefinition {}/>"
    started = f"<extensionElements>{tag.format(start)}</extensionElements>" if start else ""
    given = tag.format(task) if task else ""
    return "p.bpmn", BPMN.format(inner=INNER, start=started, task=given).encode()


def of_task(engine: Engine) -> FoundForm:
    engine.start("p")
    reader = engine.reader()
    key = engine.tasks()[-1].key
    task = reader.search.task(DEFAULT_TENANT, key)
    assert task is not None
    return reader.forms.of_task(DEFAULT_TENANT, task)


def of_start(engine: Engine) -> FoundForm:
    reader = engine.reader()
    return reader.forms.of_start(DEFAULT_TENANT, reader.deployed.version(DEFAULT_TENANT, "p", 0))


def test_a_form_gets_a_version_with_each_change_and_none_without_one() -> None:
    with Engine() as engine:
        made = [engine.deploy(("ask.form", data)).forms[0] for data in (form(), form(), form("B"), form())]
        assert [(each.form_id, each.version, each.new) for each in made] == [
            ("ask", 1, True), ("ask", 1, False), ("ask", 2, True), ("ask", 3, True),
        ]  # fmt: skip
        reader = engine.reader()
        rows = reader.forms.forms(DEFAULT_TENANT, Which())
        assert [row.version for row in rows] == [1, 2, 3]
        assert [row.version for row in reader.forms.forms(DEFAULT_TENANT, Which("ask", latest=True))] == [3]
        assert [row.version for row in reader.forms.forms(DEFAULT_TENANT, Which(latest=True))] == [3]
        assert [row.version for row in reader.forms.forms(DEFAULT_TENANT, Which("ask", after=("ask", 1)))] == [2, 3]
        assert reader.forms.source(DEFAULT_TENANT, rows[1]) == form("B")
        assert reader.forms.form(DEFAULT_TENANT, rows[1].key) == rows[1]
        with pytest.raises(NotFound, match="no form 5"):
            reader.forms.form(DEFAULT_TENANT, 5)


def test_a_version_is_chosen_by_number_or_tag() -> None:
    with Engine() as engine:
        engine.deploy(("ask.form", form("A", versionTag="old", properties={"procession.title": "Ask"})))
        engine.deploy(("ask.json", form("B")))
        forms = engine.reader().forms
        chosen = [forms.chosen(DEFAULT_TENANT, "ask", *which) for which in ((), (1,), (0, "old"))]
        assert [(row.version, row.name) for row in chosen] == [(2, ""), (1, "Ask"), (1, "Ask")]
        for which in (("ask", 3), ("ask", 0, "none"), ("none",)):
            with pytest.raises(NotFound, match="no form"):
                forms.chosen(DEFAULT_TENANT, *which)
        with pytest.raises(NotFound):
            forms.chosen("nobody", "ask")


@pytest.mark.parametrize("at", [of_task, of_start])
@pytest.mark.parametrize(
    ("given", "label"),
    [
        ('formId="ask"', "C"),
        ('formId="ask" bindingType="latest"', "C"),
        ('formId="ask" bindingType="deployment"', "B"),
        ('formId="ask" bindingType="versionTag" versionTag="old"', "A"),
    ],
)
def test_a_form_is_bound_as_a_decision_is(at: Callable[[Engine], FoundForm], given: str, label: str) -> None:
    with Engine() as engine:
        engine.deploy(("ask.form", form("A", versionTag="old")))
        engine.deploy(linked(given, given), ("ask.form", form("B")))
        engine.deploy(("ask.form", form("C")))
        found = at(engine)
        assert found.data == form(label, **({"versionTag": "old"} if label == "A" else {}))
        assert found.row is not None


def test_what_is_bound_by_deployment_becomes_new_together() -> None:
    with Engine() as engine:
        engine.deploy(linked('formId="ask" bindingType="deployment"'), ("ask.form", form()))
        again = engine.deploy(linked('formId="ask" bindingType="deployment"'), ("ask.form", form()))
        assert (again.key, again.forms[0].new) == (0, False)
        other = linked('formId="ask" bindingType="deployment"', 'formId="ask"')
        assert engine.deploy(other, ("ask.form", form())).forms[0].version == 2


@pytest.mark.parametrize("at", [of_task, of_start])
def test_a_form_may_be_kept_inside_its_process_or_shown_by_somebody_else(at: Callable[[Engine], FoundForm]) -> None:
    cases = [
        ('formKey="camunda-forms:bpmn:inner"', INNER.encode()),
        ('formKey="mine"', b""),
        ('externalReference="x"', b""),
    ]
    for given, data in cases:
        with Engine() as engine:
            engine.deploy(linked(given, given))
            found = at(engine)
            assert (found.data, found.row) == (data, None)
            assert f'"{found.key}"' in given


@pytest.mark.parametrize("at", [of_task, of_start])
@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("", "has no form"),
        ('formKey="camunda-forms:bpmn:other"', "holds no form 'other'"),
        ('formId="none"', "no form 'none' is deployed"),
        ('formId="ask" bindingType="deployment"', "deployment of the caller"),
        ('formId="ask" bindingType="versionTag" versionTag="x"', "version tag 'x'"),
    ],
)
def test_a_form_that_is_not_there_is_said(at: Callable[[Engine], FoundForm], given: str, says: str) -> None:
    with Engine() as engine:
        engine.deploy(("ask.form", form()))
        engine.deploy(linked(given, given))
        with pytest.raises(NotFound, match=says):
            at(engine)


@pytest.mark.parametrize(
    ("resources", "rule"),
    [
        ([("a.form", b"{")], "form-json"),
        ([("a.form", form(id=""))], "form-id"),
        ([("a.form", form(components=[{"type": "slider"}]))], "form-component"),
        ([("a.form", form()), ("b.form", form("B"))], "form-id"),
        ([("a.json", b"[]")], "form-root"),
    ],
)
def test_a_deployment_with_a_wrong_form_is_refused_whole(resources: list[tuple[str, bytes]], rule: str) -> None:
    with Engine() as engine:
        with pytest.raises(Refused) as caught:
            engine.deploy(linked(), *resources)
        assert rule in {each.rule for each in caught.value.diagnostics}
        assert engine.definitions() == []


def test_warnings_of_a_form_are_told() -> None:
    with Engine() as engine:
        data = form(components=[{"type": "textfield", "key": "a"}])
        assert [each.rule for each in engine.deploy(("a.form", data)).diagnostics] == ["form-label"]


def test_a_form_that_should_have_come_with_its_process_is_missed() -> None:
    with Engine() as engine:
        (found,) = engine.deploy(linked('formId="ask" bindingType="deployment"')).diagnostics
        assert (found.rule, found.severity, found.element) == ("user-task-form", "warning", "ask")
        assert "'ask'" in found.message
        assert found.span.line > 1


def test_what_a_deployment_would_change_is_told() -> None:
    with Engine() as engine:
        engine.deploy(("ask.form", form()))
        for data, change, version in ((form(), "same", 1), (form("B"), "changed", 2), (form(id="x"), "new", 1)):
            compiled = compile_resources([("ask.form", data)])
            (found,) = differences(engine.reader(), DEFAULT_TENANT, compiled).forms
            assert (found.change, found.version) == (change, version)


@pytest.mark.parametrize("name", STORES)
def test_every_store_keeps_forms_and_what_they_are_bound_by(name: str, tmp_path: Path) -> None:
    with Engine(store=STORES[name](tmp_path)) as engine:
        engine.deploy(linked('formId="ask" bindingType="deployment"'), ("ask.form", form("B")))
        engine.deploy(("ask.form", form("C", versionTag="new")))
        assert of_task(engine).data == form("B")
        forms = engine.reader().forms
        assert forms.chosen(DEFAULT_TENANT, "ask", tag="new").version == 2
        for which in (Which(), Which(latest=True), Which("ask")):
            assert forms.forms(DEFAULT_TENANT, which)[-1].version == 2
