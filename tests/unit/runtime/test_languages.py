"""What is evaluated inside a step is pure; any other code is a job (decision 11). Which FEEL it is says the profile."""

from __future__ import annotations

import msgspec
import pytest

from procession.base.diagnostics import Diagnostic
from procession.base.failure import Failure
from procession.compile import check_definitions
from procession.core.linked import Linked
from procession.feel import MISSING
from procession.ir.kinds import Kind
from procession.ir.program import FEEL_SEMANTICS, Program, feel_dialect
from procession.parse import parse_bpmn
from procession.runtime.link import LANGUAGES, link
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


_ZEEBE = 'xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"'
_PLATFORM = 'xmlns:m="http://camunda.org/schema/modeler/1.0" m:executionPlatform="Camunda Cloud"'


def _document(attributes: str, text: str) -> bytes:
    return f"""<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="t"
        {attributes}><process id="p" isExecutable="true"><startEvent id="a"/><exclusiveGateway id="g" default="n"/>
        <endEvent id="x"/><endEvent id="y"/><sequenceFlow id="f" sourceRef="a" targetRef="g"/>
        <sequenceFlow id="n" sourceRef="g" targetRef="x"/><sequenceFlow id="c" sourceRef="g" targetRef="y">
        <conditionExpression>{text}</conditionExpression></sequenceFlow></process></definitions>""".encode()


def _program(attributes: str, text: str = '=trim(name) = ""') -> Program:
    (draft,) = compile_resources([("p.bpmn", _document(attributes, text))]).processes
    return draft.program


def _evaluated(linked: Linked, variables: dict[str, object]) -> object:
    (evaluate,) = linked.expressions
    environment = linked.environment(0, "UTC", 0, 0)
    return evaluate(lambda name: variables.get(name, MISSING), environment)


@pytest.mark.parametrize(("attributes", "value"), [(_ZEEBE, True), (_PLATFORM, True), ("", False)])
def test_the_profile_says_which_feel_the_expressions_are_in(attributes: str, value: object) -> None:
    program = _program(attributes)
    assert feel_dialect(program) == ("camunda" if value else "feel")
    assert _evaluated(link(program, "h"), {"name": " "}) is value


def test_a_standard_program_of_an_older_compiler_keeps_the_feel_that_it_had() -> None:
    old = msgspec.structs.replace(_program(""), feel=1)
    assert _program("").feel == FEEL_SEMANTICS
    assert _evaluated(link(old, "h"), {"name": " "}) is True


def test_an_assertion_that_does_not_hold_is_a_failure() -> None:
    linked = link(_program(_ZEEBE, text='=assert(name, name != null, "nobody has a name") != null'), "h")
    assert _evaluated(linked, {"name": "Ada"}) is True
    with pytest.raises(Failure, match="nobody has a name"):
        _evaluated(linked, {})


@pytest.mark.parametrize(("text", "severity"), [
    ("=is blank(name)", "error"), ('=trim(name) = ""', "warning"), ("=and([name])", "error"),
])  # fmt: skip
def test_a_function_of_the_other_dialect_is_named_at_deployment(text: str, severity: str) -> None:
    found = _found("", text)
    assert [(each.rule, each.severity) for each in found] == [("feel", severity)]
    assert "declare the namespace `zeebe`" in found[0].remedy
    assert _found(_ZEEBE, text) == []


def test_a_keyword_before_a_bracket_is_no_function_of_the_other_dialect() -> None:
    assert _found("", '=(name = "a") or (name = "b") and (name != null)') == []


@pytest.mark.parametrize("attributes", ["", _ZEEBE])
def test_a_function_in_java_is_refused_at_deployment(attributes: str) -> None:
    [found] = _found(attributes, '=(function() external {java: {class: "C", method signature: "m()"}})() = name')
    assert (found.rule, found.severity) == ("feel", "error")
    assert "defines a function in Java" in found.message


def _found(attributes: str, text: str) -> list[Diagnostic]:
    definitions, _ = parse_bpmn(_document(attributes, text), "p.bpmn")
    assert definitions is not None
    return check_definitions(definitions)
