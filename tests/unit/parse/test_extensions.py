"""Extensions: `zeebe` and `procession` become typed fields, all others are kept whole."""

from __future__ import annotations

import pytest

from procession.base.diagnostics import Diagnostic
from procession.model.bpmn import Activity, Definitions, MultiInstance
from procession.model.events import Event
from procession.model.extension import Extension
from procession.parse import parse_bpmn

HEAD = (
    '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:z="http://camunda.org/schema/zeebe/1.0" '
    'xmlns:procession="http://procession.dev/schema/1.0" xmlns:camunda="http://camunda.org/schema/1.0/bpmn">'
)


def parse(body: str) -> tuple[Definitions, list[Diagnostic]]:
    text = f'{HEAD}<process id="p" isExecutable="true">{body}</process></definitions>'
    definitions, diagnostics = parse_bpmn(text.encode(), "f.bpmn")
    assert definitions is not None
    return definitions, diagnostics


def extension(xml: str, attributes: str = "") -> Extension:
    definitions, diagnostics = parse(f'<task id="a" {attributes}><extensionElements>{xml}</extensionElements></task>')
    assert diagnostics == []
    return definitions.processes[0].scope.nodes[0].extension


@pytest.mark.parametrize(
    ("xml", "field", "values"),
    [
        ('<z:taskDefinition type="pay" retries="=n"/>', "task_definition", {"type": "pay", "retries": "=n"}),
        (
            '<z:calledDecision decisionId="d" resultVariable="r" bindingType="versionTag" versionTag="v1"/>',
            "called_decision",
            {"decision_id": "d", "result_variable": "r", "binding_type": "versionTag", "version_tag": "v1"},
        ),
        ('<z:script expression="=1" resultVariable="r"/>', "script", {"expression": "=1", "result_variable": "r"}),
        (
            '<z:publishMessage correlationKey="=k" messageId="1" timeToLive="PT1H"/>',
            "publish_message",
            {"correlation_key": "=k", "message_id": "1", "time_to_live": "PT1H"},
        ),
        (
            '<z:assignmentDefinition assignee="=a" candidateGroups="g" candidateUsers="u"/>',
            "assignment",
            {"assignee": "=a", "candidate_groups": "g", "candidate_users": "u"},
        ),
        ('<z:taskSchedule dueDate="d" followUpDate="f"/>', "schedule", {"due_date": "d", "follow_up_date": "f"}),
        (
            '<z:formDefinition formId="f" formKey="k" externalReference="e" bindingType="latest" versionTag="t"/>',
            "form",
            {"form_id": "f", "form_key": "k", "external_reference": "e", "binding_type": "latest", "version_tag": "t"},
        ),
        (
            '<z:adHoc activeElementsCollection="=a" outputCollection="o" outputElement="=e"/>',
            "ad_hoc",
            {"active_elements_collection": "=a", "output_collection": "o", "output_element": "=e"},
        ),
        (
            '<z:conditionalFilter variableNames="x, y" variableEvents="create"/>',
            "conditional_filter",
            {"variable_names": "x, y", "variable_events": "create"},
        ),
        ('<procession:retry cycle="R3/PT10S" backoff="PT1S"/>', "retry", {"cycle": "R3/PT10S", "backoff": "PT1S"}),
        (
            '<z:calledElement processId="c" propagateAllChildVariables="false" businessId="=b"/>',
            "called_element",
            {
                "process_id": "c",
                "propagate_all_child_variables": False,
                "propagate_all_parent_variables": True,
                "business_id": "=b",
                "binding_type": "",
            },
        ),
    ],
)
def test_an_extension_element_becomes_its_struct(xml: str, field: str, values: dict[str, object]) -> None:
    struct = getattr(extension(xml), field)
    assert {name: getattr(struct, name) for name in values} == values
    assert struct.span.line == 1
    assert struct.span.column > 1


def test_values_lists_and_listeners_are_read() -> None:
    found = extension(
        '<z:versionTag value="v2"/><z:priorityDefinition priority="=p"/><z:jobPriorityDefinition priority="7"/>'
        '<z:userTask/><z:taskHeaders><z:header key="a" value="1"/><z:header key="b" value="2"/></z:taskHeaders>'
        '<z:ioMapping><z:input source="=x" target="y"/><z:output source="=r" target="s"/></z:ioMapping>'
        '<z:properties><z:property name="n" value="v"/></z:properties>'
        '<z:linkedResources><z:linkedResource resourceId="r" resourceType="RPA" linkName="l"/></z:linkedResources>'
        '<z:executionListeners><z:executionListener eventType="start" type="t" retries="5"><z:taskHeaders>'
        '<z:header key="h" value="1"/></z:taskHeaders></z:executionListener></z:executionListeners>'
        '<z:taskListeners><z:taskListener eventType="completing" type="u"/></z:taskListeners>'
        '<z:userTaskForm id="f">{"components": []}</z:userTaskForm>',
        'z:modelerTemplate="tpl" z:modelerTemplateVersion="3" z:modelerTemplateIcon="data:x"',
    )
    assert (found.version_tag, found.priority, found.job_priority, found.user_task) == ("v2", "=p", "7", True)
    assert [(h.key, h.value) for h in found.headers] == [("a", "1"), ("b", "2")]
    assert [(m.source, m.target) for m in found.inputs + found.outputs] == [("=x", "y"), ("=r", "s")]
    assert [(p.name, p.value) for p in found.properties] == [("n", "v")]
    assert found.linked_resources[0].resource_type == "RPA"
    listener = found.execution_listeners[0]
    assert (listener.event_type, listener.type, listener.retries, listener.headers[0].key) == ("start", "t", "5", "h")
    assert found.task_listeners[0].event_type == "completing"
    assert (found.user_task_forms[0].id, found.user_task_forms[0].body) == ("f", '{"components": []}')
    assert found.template == "tpl"
    assert found.foreign == ()
    assert found.foreign_attributes == ()


def test_collections_of_a_multi_instance_are_with_the_loop() -> None:
    definitions, _ = parse(
        '<task id="a"><multiInstanceLoopCharacteristics><extensionElements>'
        '<z:loopCharacteristics inputCollection="=xs" '
        'inputElement="x" outputCollection="ys" outputElement="=y"/></extensionElements>'
        "</multiInstanceLoopCharacteristics></task>"
    )
    task = definitions.processes[0].scope.nodes[0]
    assert isinstance(task, Activity)
    assert isinstance(task.loop, MultiInstance)
    loop = task.loop.extension.loop
    assert loop is not None
    assert (loop.input_collection, loop.input_element) == ("=xs", "x")
    assert (loop.output_collection, loop.output_element) == ("ys", "=y")
    assert definitions.uses_zeebe


def test_a_timer_may_catch_up() -> None:
    definitions, diagnostics = parse(
        '<startEvent id="s"><timerEventDefinition procession:catchUp="all"><timeCycle>R/PT1H</timeCycle>'
        "</timerEventDefinition></startEvent>"
    )
    event = definitions.processes[0].scope.nodes[0]
    assert isinstance(event, Event)
    assert event.definitions[0].catch_up == "all"
    assert diagnostics == []


def test_what_no_table_knows_is_kept_whole() -> None:
    found = extension(
        '<camunda:inputOutput><camunda:inputParameter name="x">${y}</camunda:inputParameter></camunda:inputOutput>'
        '<z:notYetInvented level="9"/>',
        'camunda:topic="mail"',
    )
    mapping, novelty = found.foreign
    assert (mapping.namespace, mapping.name) == ("http://camunda.org/schema/1.0/bpmn", "inputOutput")
    assert (mapping.children[0].text, mapping.children[0].attributes[0].value) == ("${y}", "x")
    assert (novelty.name, novelty.attributes[0].name) == ("notYetInvented", "level")
    assert [(a.name, a.value) for a in found.foreign_attributes] == [("topic", "mail")]


def test_an_attribute_that_would_be_lost_is_reported() -> None:
    _, diagnostics = parse(
        '<task id="a"><extensionElements><z:taskDefinition type="x" retires="3"/></extensionElements></task>'
    )
    assert [(d.rule, d.severity) for d in diagnostics] == [("extension-attribute", "warning")]
    assert "'retires'" in diagnostics[0].message


def test_elements_without_extensions_share_one_value() -> None:
    definitions, _ = parse('<task id="a"/><task id="b"/>')
    first, second = definitions.processes[0].scope.nodes
    assert first.extension is second.extension
