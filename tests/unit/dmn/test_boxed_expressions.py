"""Boxed expressions, one row for each promise."""

from __future__ import annotations

import pytest

from dmn_documents import compiled, decide, decision, findings, lookup, text
from procession import feel


def entry(name: str, value: str, type: str = "") -> str:
    return f'<contextEntry><variable name="{name}" typeRef="{type}"/>{value}</contextEntry>'


def items(*values: str) -> str:
    return "<list>" + "".join(text(value) for value in values) + "</list>"


def part(tag: str, value: str) -> str:
    return f"<{tag}>{value}</{tag}>"


def row(*cells: str) -> str:
    return "<row>" + "".join(text(cell) for cell in cells) + "</row>"


RELATION = (
    '<relation><column name="name"/><column name="unit price"/>' + row('"a"', "1") + row('"b"', "3") + "</relation>"
)
ADD = (
    '<functionDefinition><formalParameter name="a" typeRef="number"/><formalParameter name="b"/>'
    f"{text('a + b')}</functionDefinition>"
)


def binding(name: str, value: str) -> str:
    return f'<binding><parameter name="{name}"/>{text(value)}</binding>'


def iterator(tag: str, collection: str, body: str) -> str:
    last = "return" if tag == "for" else "satisfies"
    return f'<{tag} iteratorVariable="each one">{part("in", text(collection))}{part(last, text(body))}</{tag}>'


def filtered(collection: str, match: str) -> str:
    return f"<filter>{part('in', collection)}{part('match', text(match))}</filter>"


def conditional(condition: str) -> str:
    branches = part("then", text('"yes"')) + part("else", text('"no"'))
    return f"<conditional>{part('if', text(condition))}{branches}</conditional>"


def context(*entries: str, result: str = "") -> str:
    last = f"<contextEntry>{text(result)}</contextEntry>" if result else ""
    return f"<context>{''.join(entries)}{last}</context>"


def invocation(*bindings: str) -> str:
    return f"<invocation>{ADD}{''.join(bindings)}</invocation>"


@pytest.mark.parametrize(
    ("logic", "result"),
    [
        (text("1 + 1"), 2),
        (text(""), None),
        (items("1", "x + 1", "null"), [1, 6, None]),
        (context(entry("a", text("1")), entry("b", text("a + x"))), {"a": 1, "b": 6}),
        (context(entry("my a", text("1")), result="my a * 2"), 2),
        (context(entry("a", text('"no"'), "number")), {"a": None}),
        (RELATION, [{"name": "a", "unit price": 1}, {"name": "b", "unit price": 3}]),
        (filtered(RELATION, "unit price > 2"), [{"name": "b", "unit price": 3}]),
        (filtered(items("1", "5"), "item > 2"), [5]),
        (iterator("for", "[1, 2]", "each one * x"), [5, 10]),
        (iterator("for", "[1..3]", "each one + count(partial)"), [1, 3, 5]),
        (iterator("for", "null", "1"), None),
        (iterator("some", "[1, 9]", "each one > 5"), True),
        (iterator("every", "[1, 9]", "each one > 5"), False),
        (iterator("every", "[]", "each one > 5"), True),
        (conditional("x > 3"), "yes"),
        (conditional("null"), "no"),
        (conditional('"?"'), None),
        (context(entry("f", ADD), result="f(1, x)"), 6),
        (context(entry("f", ADD), result="f(b: 1, a: 2)"), 3),
        (context(entry("f", ADD), result='f("1", "2")'), None),
        (context(entry("f", ADD), result="f(1)"), None),
        (invocation(binding("a", "x"), binding("b", "2")), 7),
        (invocation(binding("a", "x")), None),
    ],
)
def test_a_boxed_expression_gives(logic: str, result: object) -> None:
    assert decide(decision("x", logic), x=5) == result


def test_a_result_of_the_wrong_type_is_null_and_a_note() -> None:
    model = compiled(decision("x", '<literalExpression typeRef="number"><text>"a"</text></literalExpression>'))
    runtime = feel.Runtime()
    assert model.evaluate("x", lookup({}), runtime) is None
    assert [(note.code, note.message) for note in runtime.notes] == [
        ("type", 'decision `x`: the result must be of type number, not string "a"')
    ]


@pytest.mark.parametrize(
    ("logic", "rule"),
    [
        ('<functionDefinition kind="Java"/>', "dmn-element"),
        ('<functionDefinition kind="PMML"/>', "dmn-element"),
        ('<literalExpression expressionLanguage="javascript"><text>1</text></literalExpression>', "dmn-language"),
        (text("1 +"), "dmn-expression"),
        (text("(function(a) external {java: {class: a}})(1)"), "dmn-element"),
        ('<literalExpression><importedValues namespace="n"/></literalExpression>', "dmn-element"),
        ('<list typeRef="nothing"/>', "dmn-type"),
    ],
)
def test_what_has_no_meaning_here_is_refused_with_its_place_and_a_remedy(logic: str, rule: str) -> None:
    model, found = findings(decision("x", f"\n{logic}"))
    assert model is None
    assert [(d.rule, d.element, d.span.line) for d in found] == [(rule, "x", 2)]
    assert found[0].remedy


_IN_JAVA = text('function(a) external {java: {class: "C", method signature: "m(int)"}}')
_BOXED = """<functionDefinition kind="Java"><formalParameter name="a"/><context>
    <contextEntry><variable name="class"/><literalExpression><text>"C"</text></literalExpression></contextEntry>
    <contextEntry><variable name="method signature"/><literalExpression><text>"m(int)"</text></literalExpression>
    </contextEntry></context></functionDefinition>"""


@pytest.mark.parametrize("logic", [_IN_JAVA, _BOXED])
def test_a_function_in_java_is_the_same_boxed_and_as_text(logic: str) -> None:
    body = decision("f", logic) + decision("x", text("f(1)"), ["f"])
    assert findings(body)[0] is None
    model, found = findings(body, tolerant=True)
    assert model is not None
    assert [each.rule for each in found] == ["dmn-element"]
    assert found[0].remedy == "write it in FEEL, or call a job from the process"
    runtime = feel.Runtime()
    assert model.evaluate("x", lookup({}), runtime) is None
    [note] = runtime.notes
    assert note.code == "not-a-function"
    assert "is written in Java, which is not run: write it in FEEL, or call a job from the process" in note.message
