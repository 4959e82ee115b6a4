"""Documents of each version, DMN 1.1 to 1.5: namespaces, boxed expressions, tables, types and what is refused."""

from __future__ import annotations

from typing import Final

import pytest

from dmn_documents import lookup
from procession import dmn, feel
from procession.parse import parse_dmn
from procession.parse.dmn_grammar import VERSIONS

NAMESPACES: Final = {version: namespace for namespace, version in VERSIONS.items()}
FEEL: Final = {
    "1.1": "http://www.omg.org/spec/FEEL/20140401",
    "1.2": "http://www.omg.org/spec/DMN/20180521/FEEL/",
    "1.3": "https://www.omg.org/spec/DMN/20191111/FEEL/",
    "1.4": "https://www.omg.org/spec/DMN/20211108/FEEL/",
    "1.5": "https://www.omg.org/spec/DMN/20230324/FEEL/",
}


def read(version: str, body: str, attributes: str = "") -> dmn.CompiledDecisions:
    # DMN 1.1 names types with a prefix, the later ones without.
    text = body if version == "1.1" else body.replace("feel:", "")
    document = (
        f'<definitions xmlns="{NAMESPACES[version]}" xmlns:feel="{FEEL[version]}" id="d" name="d" namespace="t" '
        f'{attributes or f"""expressionLanguage="{FEEL[version]}" """}>{text}</definitions>'
    )
    parsed, found = parse_dmn(document.encode(), "t.dmn")
    assert parsed is not None, found
    assert parsed.version == version
    compiled, more = dmn.compile_decisions(parsed)
    assert compiled is not None, "\n".join(map(str, [*found, *more]))
    return compiled


def literal(text: str, type: str = "") -> str:
    return f'<literalExpression typeRef="{type}"><text>{text}</text></literalExpression>'


def entry(name: str, logic: str, type: str = "") -> str:
    return f'<contextEntry><variable name="{name}" typeRef="{type}"/>{logic}</contextEntry>'


def data(name: str, type: str = "") -> str:
    return f'<inputData id="in_{name}" name="{name}"><variable name="{name}" typeRef="{type}"/></inputData>'


def needs(*ids: str) -> str:
    return "".join(
        f'<knowledgeRequirement><requiredKnowledge href="#{id}"/></knowledgeRequirement>'
        if id.startswith("k_")
        else f"<informationRequirement><{'requiredInput' if id.startswith('in_') else 'requiredDecision'} "
        f'href="#{id}"/></informationRequirement>'
        for id in ids
    )


def decision(logic: str, *required: str, id: str = "x", type: str = "") -> str:
    return (
        f'<decision id="{id}" name="{id}"><variable name="{id}" typeRef="{type}"/>{needs(*required)}{logic}</decision>'
    )


def knowledge(name: str, parameters: str, body: str, type: str = "") -> str:
    formal = "".join(
        f'<formalParameter name="{one.partition(":")[0]}" typeRef="{one.partition(":")[2]}"/>'
        for one in parameters.split()
    )
    return (
        f'<businessKnowledgeModel id="k_{name}" name="{name}"><variable name="{name}" typeRef="{type}"/>'
        f"<encapsulatedLogic>{formal}{body}</encapsulatedLogic></businessKnowledgeModel>"
    )


def table(policy: str, outputs: str, *rules: str) -> str:
    """One input `a`. `outputs` are the elements; a rule is `test | output | output`."""
    rows = ""
    for number, rule in enumerate(rules):
        test, *results = [cell.strip() for cell in rule.split("|")]
        cells = "".join(f"<outputEntry><text>{cell}</text></outputEntry>" for cell in results)
        rows += f'<rule id="r{number}"><inputEntry><text>{test}</text></inputEntry>{cells}</rule>'
    column = "<input><inputExpression typeRef='feel:number'><text>a</text></inputExpression></input>"
    return f"<decisionTable {policy}>{column}{outputs}{rows}</decisionTable>"


ONE: Final = '<output name="o" typeRef="feel:number"/>'
RANKED: Final = (
    '<output name="o" typeRef="feel:string"><outputValues><text>"high", "mid", "low"</text></outputValues></output>'
)
DEFAULTED: Final = (
    '<output name="o" typeRef="feel:number"><defaultOutputEntry><text>-1</text></defaultOutputEntry></output>'
)
TWO: Final = '<output name="o" typeRef="feel:number"/><output name="the text" typeRef="feel:string"/>'

A: Final = data("a", "feel:number")
SINCE_1_1 = [
    ("a literal", A + decision(literal("a + 1"), "in_a", type="feel:number"), 3),
    ("a result of another type", A + decision(literal("a"), "in_a", type="feel:string"), None),
    ("a list of one for a result", decision(literal("[5]"), type="feel:number"), 5),
    (
        "a context",
        A
        + decision(f"<context>{entry('two', literal('a'), 'feel:number')}{entry('b', literal('two * 2'))}</context>",
                   "in_a"),
        {"two": 2, "b": 4},
    ),
    (
        "a context with a result",
        decision(f"<context>{entry('k', literal('20'))}<contextEntry>{literal('k + 1')}</contextEntry></context>"),
        21,
    ),
    (
        "a relation",
        decision(
            '<relation><column name="n"/><column name="the m"/>'
            f"<row>{literal('1')}{literal('2')}</row><row>{literal('3')}{literal('4')}</row></relation>"
        ),
        [{"n": 1, "the m": 2}, {"n": 3, "the m": 4}],
    ),
    ("a list", decision(f"<list>{literal('1')}{literal('1 + 1')}</list>"), [1, 2]),
    (
        "an invocation",
        knowledge("double", "n:feel:number", literal("n * 2"))
        + decision(f'<invocation>{literal("double")}<binding><parameter name="n"/>{literal("21")}</binding>'
                   "</invocation>", "k_double"),
        42,
    ),
    (
        "an invocation that unwraps a list of one",
        knowledge("double", "n:feel:number", literal("n * 2"))
        + decision(f'<invocation>{literal("double")}<binding><parameter name="n"/>{literal("[21]")}</binding>'
                   "</invocation>", "k_double"),
        42,
    ),
    (
        "an invocation with an argument of another type",
        knowledge("double", "n:feel:number", literal("n"))
        + decision(f'<invocation>{literal("double")}<binding><parameter name="n"/>{literal(chr(34) + "x" + chr(34))}'
                   "</binding></invocation>", "k_double"),
        None,
    ),
    (
        "a function in a context",
        decision(
            "<context>"
            + entry("f", f'<functionDefinition><formalParameter name="n"/>{literal("n + 1")}</functionDefinition>')
            + f"<contextEntry>{literal('f(1)')}</contextEntry></context>"
        ),
        2,
    ),
    ("UNIQUE", A + decision(table("", ONE, "1 | 10", "2 | 20"), "in_a"), 20),
    ("UNIQUE without a match", A + decision(table("", ONE, "1 | 10"), "in_a"), None),
    ("a default", A + decision(table("", DEFAULTED, "1 | 10"), "in_a"), -1),
    ("two outputs", A + decision(table("", TWO, '2 | 20 | "b"'), "in_a"), {"o": 20, "the text": "b"}),
    ("ANY", A + decision(table('hitPolicy="ANY"', ONE, "2 | 10", "&gt; 1 | 10"), "in_a"), 10),
    ("FIRST", A + decision(table('hitPolicy="FIRST"', ONE, "&gt; 1 | 1", "2 | 2"), "in_a"), 1),
    (
        "PRIORITY",
        A + decision(table('hitPolicy="PRIORITY"', RANKED, '2 | "low"', '&gt; 0 | "high"', '- | "mid"'), "in_a"),
        "high",
    ),
    (
        "OUTPUT ORDER",
        A + decision(table('hitPolicy="OUTPUT ORDER"', RANKED, '2 | "low"', '&gt; 0 | "high"', '- | "mid"'), "in_a"),
        ["high", "mid", "low"],
    ),
    ("RULE ORDER", A + decision(table('hitPolicy="RULE ORDER"', ONE, "2 | 3", "1 | 2", "- | 1"), "in_a"), [3, 1]),
    ("COLLECT", A + decision(table('hitPolicy="COLLECT"', ONE, "2 | 3", "1 | 2", "- | 1"), "in_a"), [3, 1]),
    *[
        (
            f"COLLECT {aggregation}",
            A + decision(table(f'hitPolicy="COLLECT" aggregation="{aggregation}"', ONE, "2 | 3", "1 | 9", "- | 1"),
                         "in_a"),
            result,
        )
        for aggregation, result in (("SUM", 4), ("MIN", 1), ("MAX", 3), ("COUNT", 2))
    ],
    (
        "a decision that another requires",
        A + decision(literal("a * 10"), "in_a", id="base") + decision(literal("base + 1"), "base"),
        21,
    ),
    (
        "a type with components and allowed values",
        '<itemDefinition name="grade"><typeRef>feel:string</typeRef><allowedValues><text>"A", "B"</text>'
        '</allowedValues></itemDefinition><itemDefinition name="person"><itemComponent name="name"><typeRef>'
        'feel:string</typeRef></itemComponent><itemComponent name="grade"><typeRef>grade</typeRef></itemComponent>'
        "</itemDefinition>" + decision(literal('{name: "n", grade: "A"}'), type="person"),
        {"name": "n", "grade": "A"},
    ),
    (
        "a value that is not allowed",
        '<itemDefinition name="grade"><typeRef>feel:string</typeRef><allowedValues><text>"A", "B"</text>'
        "</allowedValues></itemDefinition>" + decision(literal('"C"'), type="grade"),
        None,
    ),
    (
        "a collection",
        '<itemDefinition name="numbers" isCollection="true"><typeRef>feel:number</typeRef></itemDefinition>'
        + decision(literal("5"), type="numbers"),
        [5],
    ),
]  # fmt: skip
SINCE_1_2 = [
    (
        "a decision service",
        A
        + decision(literal("a + 1"), "in_a", id="x")
        + '<decisionService id="s" name="s"><variable name="s"/><outputDecision href="#x"/><inputData href="#in_a"/>'
        "</decisionService>",
        3,
    ),
]
CALLS: Final = "[apply(function(n: number) n + 1, 1), apply(5, 1), (function(n: string) n) instance of op]"
SINCE_1_3 = [
    (
        "the type of a function",
        '<itemDefinition name="op"><functionItem outputTypeRef="feel:number"><parameters name="n" '
        'typeRef="feel:number"/></functionItem></itemDefinition>'
        + knowledge("apply", "f:op n:feel:number", literal("f(n)"))
        + decision(literal(CALLS), "k_apply"),
        [2, None, False],
    ),
]  # fmt: skip
ITEMS: Final = literal("[1, 2, 3]")
SINCE_1_4 = [
    (
        "a conditional",
        A
        + decision(
            f"<conditional><if>{literal('a &gt; 1')}</if><then>{literal('1')}</then><else>{literal('2')}</else>"
            "</conditional>",
            "in_a",
        ),
        1,
    ),
    ("a filter", decision(f"<filter><in>{ITEMS}</in><match>{literal('item &gt; 1')}</match></filter>"), [2, 3]),
    (
        "a for",
        decision(f'<for iteratorVariable="n"><in>{ITEMS}</in><return>{literal("n * count(partial)")}</return></for>'),
        [0, 2, 6],
    ),
    (
        "a some",
        decision(f'<some iteratorVariable="n"><in>{ITEMS}</in><satisfies>{literal("n = 3")}</satisfies></some>'),
        True,
    ),
    (
        "an every",
        decision(f'<every iteratorVariable="n"><in>{ITEMS}</in><satisfies>{literal("n = 3")}</satisfies></every>'),
        False,
    ),
    ("a date for a date and time", decision(literal('@"2026-01-02"'), type="feel:dateTime"), "2026-01-02T00:00:00Z"),
    (
        "a type constraint",
        '<itemDefinition name="pair" isCollection="true"><typeRef>feel:number</typeRef><typeConstraint><text>'
        "count(?) = 2</text></typeConstraint></itemDefinition>"
        + decision(literal("[1, 2]"), type="pair", id="good")
        + decision(literal("[1, 2, 3]"), type="pair", id="bad")
        + decision(literal("[good, bad]"), "good", "bad"),
        [[1, 2], None],
    ),
]
CASES = [
    pytest.param(version, body, result, id=f"{version} {name}")
    for since, rows in (("1.1", SINCE_1_1), ("1.2", SINCE_1_2), ("1.3", SINCE_1_3), ("1.4", SINCE_1_4))
    for name, body, result in rows
    for version in NAMESPACES
    if version >= since
]


@pytest.mark.parametrize(("version", "body", "result"), CASES)
def test_a_document_of_each_version_decides(version: str, body: str, result: object) -> None:
    model = read(version, body)
    wanted = "s" if "s" in model.services else "x"
    assert feel.to_json(model.evaluate(wanted, lookup({"a": 2}), feel.Runtime())) == result


@pytest.mark.parametrize("version", NAMESPACES)
def test_a_wrong_expression_is_reported_with_its_element_and_line(version: str) -> None:
    text = f'<definitions xmlns="{NAMESPACES[version]}" id="d" name="d" namespace="t">\n{decision(literal("1 +"))}\n'
    parsed, _ = parse_dmn(f"{text}</definitions>".encode(), "t.dmn")
    assert parsed is not None
    compiled, found = dmn.compile_decisions(parsed)
    assert compiled is None
    assert [(d.rule, d.element, d.span.line) for d in found] == [("dmn-expression", "x", 2)]
    assert "ends too early" in found[0].message


def test_a_note_names_its_decision_and_the_place_in_its_text() -> None:
    runtime = feel.Runtime()
    read("1.5", decision(literal("1 + 2 * null"))).evaluate("x", lookup({}), runtime)
    assert [(note.code, note.start, note.end) for note in runtime.notes] == [("null", 4, 12), ("null", 0, 12)]
    assert runtime.notes[0].message.startswith("decision `x`: ")
