"""Imports of documents in documents: what a name means, and whose input data it is."""

from __future__ import annotations

import pytest

from dmn_documents import NAMESPACE, lookup
from procession import dmn, feel
from procession.parse import parse_dmn

A = (
    '<inputData id="in" name="Person name"><variable name="Person name" typeRef="string"/></inputData>'
    '<decision id="hello" name="Say hello"><variable name="Say hello" typeRef="string"/><informationRequirement>'
    '<requiredInput href="#in"/></informationRequirement><literalExpression><text>"Hello, " + Person name</text>'
    "</literalExpression></decision>"
)


def importing(namespace: str, name: str) -> str:
    return f'<import namespace="{namespace}" name="{name}" importType="{NAMESPACE}"/>'


def deciding(requires: str, text: str) -> str:
    needs = "".join(
        f'<informationRequirement><requiredDecision href="{each}"/></informationRequirement>'
        for each in requires.split()
    )
    return (
        f'<decision id="x" name="Evaluate hello"><variable name="Evaluate hello"/>{needs}'
        f"<literalExpression><text>{text}</text></literalExpression></decision>"
    )


def read(namespace: str, body: str, *imports: dmn.CompiledDecisions) -> dmn.CompiledDecisions:
    text = f'<definitions xmlns="{NAMESPACE}" id="{namespace}" name="{namespace}" namespace="{namespace}">{body}'
    parsed, found = parse_dmn(f"{text}</definitions>".encode(), "t.dmn")
    assert parsed is not None, found
    compiled, found = dmn.compile_decisions(parsed, imports=imports)
    assert compiled is not None, "\n".join(map(str, found))
    return compiled


def documents() -> dmn.CompiledDecisions:
    """C imports B and B2, which both import A."""
    a = read("A", A)
    b = read("B", importing("A", "model a") + deciding("A#hello", '"B: " + model a.Say hello'), a)
    b2 = read("B2", importing("A", "model a") + deciding("A#hello", '"B2: " + model a.Say hello'), a)
    body = importing("B", "model b") + importing("B2", "model b2")
    return read("C", body + deciding("B#x B2#x", 'model b.Evaluate hello + "; " + model b2.Evaluate hello'), b, b2)


@pytest.mark.parametrize(
    ("variables", "result"),
    [
        (
            {"model b": {"model a": {"Person name": "Ada"}}, "model b2": {"model a": {"Person name": "Bob"}}},
            "B: Hello, Ada; B2: Hello, Bob",
        ),
        ({"Person name": "Eve"}, "B: Hello, Eve; B2: Hello, Eve"),
        ({"Person name": "Eve", "model b2": {"model a": {"Person name": "Bob"}}}, "B: Hello, Eve; B2: Hello, Bob"),
        ({}, None),
    ],
)
def test_a_document_imported_twice_has_the_input_data_of_each_way(variables: dict[str, object], result: object) -> None:
    assert documents().evaluate("x", lookup(variables), feel.Runtime()) == result


def test_an_import_without_a_name_shows_its_elements_as_they_are() -> None:
    a = read("A", A)
    assert (
        read("B", importing("A", "") + deciding("A#hello", 'Say hello + "!"'), a).evaluate(
            "x", lookup({"Person name": "Ada"})
        )
        == "Hello, Ada!"
    )


def test_two_documents_that_use_one_id_do_not_meet() -> None:
    one = read("one", deciding("", "1"))
    two = read("two", importing("one", "first") + deciding("one#x", "first.Evaluate hello + 1"), one)
    assert two.evaluate("x", lookup({})) == 2


def test_types_of_an_import_are_named_with_its_name() -> None:
    types = (
        '<itemDefinition name="small number"><typeRef>number</typeRef><allowedValues><text>[0..9]</text>'
        '</allowedValues></itemDefinition><itemDefinition name="tree"><itemComponent name="value"><typeRef>number'
        '</typeRef></itemComponent><itemComponent name="parts" isCollection="true"><typeRef>tree</typeRef>'
        "</itemComponent></itemDefinition>"
    )
    library = read("types", types)
    expression = (
        "[{value: 1, parts: [{value: 2, parts: []}]} instance of lib.tree, "
        '{value: 1, parts: ["x"]} instance of lib.tree, 5 instance of lib.small number, "5" instance of '
        "lib.small number, [1] instance of list&lt;lib.small number&gt;]"
    )
    user = read("user", importing("types", "lib") + deciding("", expression), library)
    assert user.evaluate("x", lookup({})) == [True, False, True, False, True]
