"""The requirements graph: what a decision sees, in which order it is evaluated, and what is refused."""

from __future__ import annotations

import pytest

from dmn_documents import compiled, decide, decision, document, findings, lookup, table, text
from procession import dmn, feel
from procession.parse import parse_dmn


def data(id: str, name: str, type: str = "") -> str:
    return f'<inputData id="{id}" name="{name}"><variable name="{name}" typeRef="{type}"/></inputData>'


def knowledge(id: str, name: str, parameters: str, body: str, requires: str = "") -> str:
    formal = "".join(f'<formalParameter name="{each}"/>' for each in parameters.split())
    required = (
        f'<knowledgeRequirement><requiredKnowledge href="#{requires}"/></knowledgeRequirement>' if requires else ""
    )
    return (
        f'<businessKnowledgeModel id="{id}" name="{name}"><variable name="{name}"/>'
        f"<encapsulatedLogic>{formal}{text(body)}</encapsulatedLogic>{required}</businessKnowledgeModel>"
    )


def variable(name: str, type: str = "") -> str:
    return f'<variable name="{name}" typeRef="{type}"/>'


def test_a_decision_sees_its_requirements_by_their_variables() -> None:
    body = (
        data("in_a", "the amount", "number")
        + decision("base", text("the amount + 1"), ["in_a"], variable("the base"))
        + decision("x", text("the base * the amount - rate"), ["in_a", "base"])
    )
    assert compiled(body).evaluate("x", lookup({"the amount": 4, "rate": 1})) == 19


def test_a_decision_is_evaluated_once_however_many_require_it() -> None:
    body = (
        decision("r", text("random number()"))
        + decision("p", text("r"), ["r"])
        + decision("q", text("r"), ["r"])
        + decision("x", text("p = q and r = p"), ["p", "q", "r"])
    )
    runtime = feel.Runtime(seed=7)
    assert compiled(body, dialect="camunda").evaluate("x", lookup({}), runtime) is True
    assert runtime.random_used == 1


def test_a_long_chain_of_decisions_is_no_recursion() -> None:
    chain = [decision("d0", text("0"))]
    chain += [decision(f"d{n}", text(f"d{n - 1} + 1"), [f"d{n - 1}"]) for n in range(1, 3000)]
    model = compiled("".join(chain))
    assert model.evaluate("d2999", lookup({})) == 2999


def test_decisions_that_require_each_other_are_refused() -> None:
    body = decision("x", text("y"), ["y"]) + decision("y", text("z"), ["z"]) + decision("z", text("x"), ["x"])
    model, found = findings(body)
    assert model is None
    assert {d.rule for d in found} == {"dmn-cycle"}


def test_a_tolerant_model_of_a_cycle_still_ends() -> None:
    model, _ = findings(decision("x", text("y"), ["y"]) + decision("y", text("x"), ["x"]), tolerant=True)
    assert model is not None
    assert model.evaluate("x", lookup({})) is None


def test_a_missing_input_is_null_and_noted() -> None:
    runtime = feel.Runtime()
    model = compiled(data("in_a", "a", "number") + decision("x", text("a"), ["in_a"]))
    assert model.evaluate("x", lookup({}), runtime) is None
    assert [note.code for note in runtime.notes] == ["unknown-name"]


TREE = {"value": 1, "children": [{"value": 2, "children": []}]}


@pytest.mark.parametrize(
    ("type", "value", "result"),
    [
        ("number", 3, 3),
        ("number", "3", None),
        ("number", [3], 3),
        ("number", True, None),
        ("string", "a", "a"),
        ("date", "2026-01-31", "2026-01-31"),
        ("date", "tomorrow", None),
        ("dateTime", feel.Date(2026, 1, 31), "2026-01-31T00:00:00Z"),
        ("dayTimeDuration", "P1D", "P1D"),
        ("names", ["a"], ["a"]),
        ("names", "a", ["a"]),
        ("names", ["a", 1], None),
        ("grade", "B", "B"),
        ("grade", "Z", None),
        ("grades", ["A", "B"], ["A", "B"]),
        ("grades", ["A", "Z"], None),
        ("person", {"name": "Ada", "born": "1815-12-10"}, {"name": "Ada", "born": "1815-12-10"}),
        ("person", {"name": "Ada"}, None),
        ("person", {"name": 1, "born": None}, None),
        ("tree", TREE, TREE),
        ("tree", {"value": 1, "children": [{"value": "x", "children": []}]}, None),
    ],
)
def test_an_input_conforms_to_its_type_or_is_null(type: str, value: object, result: object) -> None:
    types = (
        '<itemDefinition name="names" isCollection="true"><typeRef>string</typeRef></itemDefinition>'
        '<itemDefinition name="grade"><typeRef>string</typeRef>'
        '<allowedValues><text>"A", "B"</text></allowedValues></itemDefinition>'
        '<itemDefinition name="grades" isCollection="true"><typeRef>grade</typeRef></itemDefinition>'
        '<itemDefinition name="person"><itemComponent name="name"><typeRef>string</typeRef></itemComponent>'
        '<itemComponent name="born"><typeRef>date</typeRef></itemComponent></itemDefinition>'
        '<itemDefinition name="tree"><itemComponent name="value"><typeRef>number</typeRef></itemComponent>'
        '<itemComponent name="children" isCollection="true"><typeRef>tree</typeRef></itemComponent></itemDefinition>'
    )
    assert decide(types + data("in_a", "a", type) + decision("x", text("a"), ["in_a"]), a=value) == result


def test_a_component_with_spaces_in_its_name_is_reached_by_a_path() -> None:
    component = '<itemComponent name="last name"><typeRef>string</typeRef></itemComponent>'
    types = f'<itemDefinition name="t">{component}</itemDefinition>'
    body = types + data("in_a", "a", "t") + decision("x", text('a.last name + "!"'), ["in_a"])
    assert decide(body, a={"last name": "Hopper"}) == "Hopper!"


def test_a_type_that_is_only_itself_is_refused() -> None:
    body = "".join(
        f'<itemDefinition name="{a}"><typeRef>{b}</typeRef></itemDefinition>' for a, b in [("p", "q"), ("q", "p")]
    )
    model, found = findings(body)
    assert model is None
    assert found[0].rule == "dmn-cycle"


@pytest.mark.parametrize(
    ("call", "result"),
    [("square of(4)", 16), ("square of(n: 4)", 16), ("square of()", None), ("sum to(5)", 15), ("no such(1)", None)],
)
def test_knowledge_is_a_function(call: str, result: object) -> None:
    body = (
        knowledge("k_mul", "mul", "a b", "a * b")
        + knowledge("k_sq", "square of", "n", "mul(n, n)", "k_mul")
        + knowledge("k_sum", "sum to", "n", "if n = 0 then 0 else n + sum to(n - 1)")
        + decision("x", text(call.replace("no such", "nosuch")), ["k_sq", "k_sum"])
    )
    assert decide(body) == result


def test_endless_recursion_spends_the_budget_and_ends() -> None:
    body = knowledge("k_f", "f", "n", "f(n + 1)") + decision("x", text("f(0)"), ["k_f"])
    with pytest.raises(feel.BudgetExceeded):
        compiled(body).evaluate("x", lookup({}))


def test_a_violation_inside_of_a_function_is_an_error_of_the_decision() -> None:
    inner = table("", "n || out", "> 1 || 1", "> 2 || 2")
    model = (
        '<businessKnowledgeModel id="k_f" name="f"><encapsulatedLogic><formalParameter name="n"/>'
        f"{inner}</encapsulatedLogic></businessKnowledgeModel>"
    )
    with pytest.raises(dmn.DecisionError, match="r1, r2"):
        decide(model + decision("x", text("f(5)"), ["k_f"]))


SERVICE = (
    data("in_a", "a", "number")
    + decision("given", text('"own"'))
    + decision("out", text("string(a) + given"), ["in_a", "given"])
    + decision("other", text("a"), ["in_a"])
    + '<decisionService id="k_s" name="s"><variable name="s"/><outputDecision href="#out"/>'
    '<inputDecision href="#given"/><inputData href="#in_a"/></decisionService>'
    + '<decisionService id="k_two" name="two"><variable name="two"/><outputDecision href="#out"/>'
    '<outputDecision href="#other"/><inputData href="#in_a"/></decisionService>'
    + decision("x", text('s(1, "!")'), ["k_s"])
)


def test_a_service_is_a_function_and_can_be_decided() -> None:
    assert decide(SERVICE) == "1!"
    assert decide(SERVICE, "k_s", a=2, given="?") == "2?"
    assert decide(SERVICE, "two", a=3) == {"out": "3own", "other": 3}


def test_a_document_tells_what_it_defines() -> None:
    model = compiled(SERVICE)
    assert list(model.decisions) == ["given", "out", "other", "x"]
    assert model.decisions["out"].required_decisions == ("given",)
    assert model.decisions["out"].required_inputs == ("a",)
    assert model.services["k_s"].parameters == ("a", "given")
    assert len(model.digest) == 64


def test_an_unknown_decision_is_an_error_that_lists_the_known() -> None:
    with pytest.raises(dmn.DecisionError, match="it has: given, out"):
        compiled(SERVICE).evaluate("nope", lookup({}))


def test_an_imported_document_is_seen_under_its_name() -> None:
    library = compiled(
        '<itemDefinition name="small"><typeRef>number</typeRef><allowedValues><text>&lt; 10</text></allowedValues>'
        "</itemDefinition>" + knowledge("k_f", "double it", "n", "n * 2") + decision("seven", text("7"))
    )
    parsed, _ = parse_dmn(
        document(
            '<import namespace="test" name="lib" importType="https://www.omg.org/spec/DMN/20230324/MODEL/"/>'
            '<decision id="x" name="x"><variable name="x" typeRef="lib.small"/>'
            '<informationRequirement><requiredDecision href="test#seven"/></informationRequirement>'
            '<knowledgeRequirement><requiredKnowledge href="test#k_f"/></knowledgeRequirement>'
            + text("lib.seven + lib.double it(a)")
            + "</decision>"
        ).replace(b'namespace="test" >', b'namespace="importer">'),
        "i.dmn",
    )
    assert parsed is not None
    alone, found = dmn.compile_decisions(parsed)
    assert alone is None
    assert {d.rule for d in found} == {"dmn-import", "dmn-requirement", "dmn-type"}
    model, found = dmn.compile_decisions(parsed, imports=[library])
    assert model is not None, found
    assert model.evaluate("x", lookup({"a": 1})) == 9
    assert model.evaluate("x", lookup({"a": 2})) is None
