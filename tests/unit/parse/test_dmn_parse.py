"""DMN documents become the model, in every version; what is wrong is reported where it is."""

from __future__ import annotations

from typing import Final, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.base.diagnostics import Diagnostic, Span
from procession.model import dmn
from procession.parse import parse_dmn
from procession.parse.dmn_grammar import LOGIC_TAGS, VERSIONS

DMN: Final = "https://www.omg.org/spec/DMN/20230324/MODEL/"
_Box = TypeVar("_Box")


def document(content: str) -> tuple[dmn.Decisions, list[Diagnostic]]:
    text = f'<definitions xmlns="{DMN}" id="d" name="n" namespace="urn:n" xmlns:feel="urn:feel">{content}</definitions>'
    decisions, diagnostics = parse_dmn(text.encode(), "t.dmn")
    assert decisions is not None
    return decisions, diagnostics


def logic(xml: str, kind: type[_Box]) -> _Box:
    decisions, diagnostics = document(f'<decision id="x" name="X">{xml}</decision>')
    assert diagnostics == []
    found = decisions.decisions[0].logic
    assert isinstance(found, kind)
    return found


def text_in(found: object) -> str:
    assert isinstance(found, dmn.LiteralExpression)
    return found.text


def literal(text: str) -> str:
    return f"<literalExpression><text>{text}</text></literalExpression>"


@pytest.mark.parametrize(("namespace", "version"), VERSIONS.items())
def test_every_version_is_read(namespace: str, version: str) -> None:
    text = f'<d:definitions xmlns:d="{namespace}" name="n"><d:decision id="x" name="X"/></d:definitions>'
    decisions, diagnostics = parse_dmn(text.encode(), "t.dmn")
    assert diagnostics == []
    assert decisions is not None
    assert (decisions.version, decisions.decisions[0].name, decisions.source) == (version, "X", "t.dmn")
    assert len(decisions.digest) == 64


def test_the_graph_of_requirements_is_kept() -> None:
    decisions, diagnostics = document(
        '<inputData id="i" name="Age"><variable id="v" name="Age" typeRef="feel:number"/></inputData>'
        '<businessKnowledgeModel id="b" name="f"><encapsulatedLogic kind="FEEL">'
        f'<formalParameter name="x" typeRef="number"/>'
        f"{literal('x + 1')}</encapsulatedLogic></businessKnowledgeModel>"
        '<knowledgeSource id="k" name="Law"/>'
        '<decision id="a" name="A"><variable name="A" typeRef="string"/><question>Why?</question>'
        '<informationRequirement><requiredInput href="#i"/></informationRequirement>'
        '<informationRequirement><requiredDecision href="urn:n#c"/></informationRequirement>'
        '<knowledgeRequirement><requiredKnowledge href="urn:other#b"/></knowledgeRequirement>'
        '<authorityRequirement><requiredAuthority href="#k"/></authorityRequirement></decision>'
        '\n<decision id="c" name="C"/>'
        '<decisionService id="s" name="S"><outputDecision href="#a"/><encapsulatedDecision href="#c"/>'
        '<inputData href="#i"/></decisionService>'
    )
    assert diagnostics == []
    first, second = decisions.decisions
    assert first.required_inputs == (dmn.Href("i"),)
    assert first.required_decisions == (dmn.Href("c"),)
    assert first.required_knowledge == (dmn.Href("b", "urn:other"),)
    assert first.required_authorities == (dmn.Href("k"),)
    assert first.question == "Why?"
    assert second.span == Span("t.dmn", 2, 1)
    assert decisions.input_data[0].variable is not None
    assert decisions.input_data[0].variable.type_ref == "number"
    function = decisions.knowledge_models[0].function
    assert function is not None
    assert ([p.name for p in function.parameters], text_in(function.body)) == (["x"], "x + 1")
    service = decisions.services[0]
    assert (service.output_decisions, service.input_data) == ((dmn.Href("a"),), (dmn.Href("i"),))


def test_a_decision_table_is_kept_whole() -> None:
    table = logic(
        '<decisionTable id="t" hitPolicy="COLLECT" aggregation="SUM" outputLabel="Price"><input id="i" label="Age">'
        "<inputExpression typeRef='number'><text>age</text></inputExpression><inputValues><text>[0..150]</text>"
        '</inputValues></input><output name="price" typeRef="number"><outputValues><text>1,2</text></outputValues>'
        "<defaultOutputEntry><text>0</text></defaultOutputEntry></output><annotation name='why'/>"
        "<rule id='r'><description>Old</description><inputEntry id='e'><text>&gt; 65</text></inputEntry>"
        "<outputEntry><text>5</text></outputEntry><annotationEntry><text>law</text></annotationEntry></rule>"
        "</decisionTable>",
        dmn.DecisionTable,
    )
    assert (table.hit_policy, table.aggregation, table.output_label, table.annotations) == (
        "COLLECT",
        "SUM",
        "Price",
        ("why",),
    )
    column, result, rule = table.inputs[0], table.outputs[0], table.rules[0]
    assert (column.label, column.expression.text, column.expression.type_ref) == ("Age", "age", "number")
    assert column.values is not None
    assert column.values.text == "[0..150]"
    assert result.default is not None
    assert (result.name, result.default.text) == ("price", "0")
    assert (rule.inputs[0].text, rule.outputs[0].text, rule.annotations, rule.description) == (
        "> 65",
        "5",
        ("law",),
        "Old",
    )


def test_the_hit_policy_is_unique_where_it_is_not_given() -> None:
    table = logic("<decisionTable><output/></decisionTable>", dmn.DecisionTable)
    assert (table.hit_policy, table.aggregation) == ("UNIQUE", "")


def test_boxed_expressions_are_kept() -> None:
    context = logic(
        f"<context><contextEntry><variable name='a'/>{literal('1')}</contextEntry><contextEntry>{literal('a')}"
        "</contextEntry></context>",
        dmn.Context,
    )
    assert [(e.variable.name if e.variable else None, text_in(e.value)) for e in context.entries] == [
        ("a", "1"),
        (None, "a"),
    ]
    invocation = logic(
        f"<invocation>{literal('f')}<binding><parameter name='x'/>{literal('2')}</binding></invocation>", dmn.Invocation
    )
    assert (text_in(invocation.function), invocation.bindings[0].parameter.name) == ("f", "x")
    assert text_in(invocation.bindings[0].value) == "2"
    assert [text_in(i) for i in logic(f"<list>{literal('1')}{literal('2')}</list>", dmn.ListExpression).items] == [
        "1",
        "2",
    ]
    relation = logic(f"<relation><column name='c'/><row>{literal('1')}</row></relation>", dmn.Relation)
    assert (relation.columns[0].name, text_in(relation.rows[0].cells[0])) == ("c", "1")
    function = logic(
        f"<functionDefinition kind='FEEL'><formalParameter name='x'/>{literal('x')}</functionDefinition>",
        dmn.FunctionDefinition,
    )
    assert (function.kind, function.parameters[0].name, text_in(function.body)) == ("FEEL", "x", "x")
    choice = logic(
        f"<conditional><if>{literal('a')}</if><then>{literal('b')}</then><else>{literal('c')}</else></conditional>",
        dmn.Conditional,
    )
    assert (text_in(choice.condition), text_in(choice.then), text_in(choice.otherwise)) == ("a", "b", "c")
    filtered = logic(f"<filter><in>{literal('xs')}</in><match>{literal('m')}</match></filter>", dmn.Filter)
    assert (text_in(filtered.collection), text_in(filtered.match)) == ("xs", "m")


@pytest.mark.parametrize(("kind", "body"), [("for", "return"), ("some", "satisfies"), ("every", "satisfies")])
def test_iterators_are_kept(kind: str, body: str) -> None:
    found = logic(
        f"<{kind} iteratorVariable='i'><in>{literal('xs')}</in><{body}>{literal('i')}</{body}></{kind}>", dmn.Iterator
    )
    assert (found.kind, found.variable, text_in(found.collection), text_in(found.body)) == (kind, "i", "xs", "i")


def test_types_are_kept() -> None:
    decisions, diagnostics = document(
        '<itemDefinition name="t" isCollection="true"><typeRef>feel:string</typeRef><allowedValues><text>"a"</text>'
        "</allowedValues></itemDefinition><itemDefinition name='p'><itemComponent name='age'><typeRef>number</typeRef>"
        "</itemComponent></itemDefinition><itemDefinition name='f'><functionItem outputTypeRef='number'>"
        "<parameters name='x' typeRef='number'/></functionItem></itemDefinition>"
        '<import namespace="urn:o" name="other" importType="x" locationURI="o.dmn"/>'
    )
    assert diagnostics == []
    first, second, third = decisions.item_definitions
    assert (first.type_ref, first.is_collection) == ("string", True)
    assert first.allowed_values is not None
    assert first.allowed_values.text == '"a"'
    assert [(c.name, c.type_ref) for c in second.components] == [("age", "number")]
    assert third.function is not None
    assert (third.function.output_type_ref, third.function.parameters[0].name) == ("number", "x")
    assert [(i.namespace, i.name) for i in decisions.imports] == [("urn:o", "other")]


@pytest.mark.parametrize(
    ("content", "rule", "severity"),
    [
        ('<decision id="a" name="A"/><decision id="a" name="B"/>', "duplicate-id", "error"),
        ('<decision name="A"/>', "missing-id", "warning"),
        ('<decision id="a"/>', "missing-name", "error"),
        (
            '<decision id="a" name="A"><informationRequirement><requiredDecision href="#zz"/></informationRequirement>'
            "</decision>",
            "dangling-reference",
            "error",
        ),
        (
            '<decision id="a" name="A"><informationRequirement><requiredInput href="#a"/></informationRequirement>'
            "</decision>",
            "dangling-reference",
            "error",
        ),
        (
            '<decision id="a" name="A"><decisionTable hitPolicy="BEST"><output/></decisionTable></decision>',
            "attribute",
            "error",
        ),
        ('<decision id="a" name="A"><decisionTable/></decision>', "decision-table", "error"),
        (
            '<decision id="a" name="A"><decisionTable><output/><rule><inputEntry><text>-</text></inputEntry>'
            "<outputEntry><text>1</text></outputEntry></rule></decisionTable></decision>",
            "decision-table",
            "error",
        ),
        ('<decision id="a" name="A"><list/><list/></decision>', "boxed-expression", "error"),
        (
            f'<decision id="a" name="A"><relation><row>{literal("1")}</row></relation></decision>',
            "boxed-expression",
            "error",
        ),
    ],
)
def test_a_fault_is_reported_at_its_place(content: str, rule: str, severity: str) -> None:
    _, diagnostics = document(content)
    assert [(d.rule, d.severity, d.span.line) for d in diagnostics] == [(rule, severity, 1)]
    assert diagnostics[0].remedy


@pytest.mark.parametrize(
    ("root", "says"),
    [
        ('<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"/>', "BPMN"),
        ("<definitions/>", "no namespace"),
        ('<definitions xmlns="urn:x"/>', "urn:x"),
        ("<html/>", "<html>"),
    ],
)
def test_a_document_of_another_kind_is_refused_by_name(root: str, says: str) -> None:
    decisions, diagnostics = parse_dmn(root.encode(), "t.dmn")
    assert decisions is None
    assert [d.rule for d in diagnostics] == ["namespace"]
    assert says in diagnostics[0].message


def test_unknown_elements_are_kept() -> None:
    decisions, _ = document('<decision id="a" name="A"><oracle id="o"/></decision><fancy/>')
    assert [(u.tag, u.id, u.owner) for u in decisions.unknown] == [("oracle", "o", "a"), ("fancy", "", "")]


_TAGS: Final = st.sampled_from(
    sorted(LOGIC_TAGS | {"decision", "contextEntry", "rule", "input", "row", "in", "if", "binding", "itemDefinition"})
)
_TREES: Final = st.recursive(
    _TAGS.map(lambda tag: f"<{tag} id='x' name='x'>x</{tag}>"),
    lambda inner: st.tuples(_TAGS, st.lists(inner, max_size=3)).map(lambda t: f"<{t[0]}>{''.join(t[1])}</{t[0]}>"),
    max_leaves=12,
)


@given(_TREES)
def test_no_tree_of_known_elements_raises(tree: str) -> None:
    document(f'<decision id="a" name="A">{tree}</decision>{tree}')
