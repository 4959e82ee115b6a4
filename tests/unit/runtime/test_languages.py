"""What is evaluated inside a step is pure; any other code is a job (decision 11)."""

from __future__ import annotations

from procession.ir.kinds import Kind
from procession.runtime.link import LANGUAGES
from procession.services.deploy import compile_resources


def test_feel_alone_is_evaluated_inside_a_step() -> None:
    assert list(LANGUAGES) == ["feel"]


def test_a_script_in_another_language_is_a_job_with_its_result_as_a_fact() -> None:
    document = b"""<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="t"
        xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"><process id="p" isExecutable="true">
        <startEvent id="a"/><scriptTask id="x" scriptFormat="javascript"><extensionElements>
        <zeebe:taskDefinition type="javascript"/></extensionElements><script>1 + 1</script></scriptTask>
        <sequenceFlow id="f" sourceRef="a" targetRef="x"/></process></definitions>"""
    (draft,) = compile_resources([("p.bpmn", document)]).processes
    node = next(node for node in draft.program.nodes if node.id == "x")
    assert (node.kind, node.script) == (Kind.JOB_TASK, None)
    assert node.job is not None
    assert node.job.type.literal == "javascript"
