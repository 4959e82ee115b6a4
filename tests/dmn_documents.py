"""Small DMN documents for tests, written as a table is read: columns, then rules."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from procession import dmn, feel
from procession.base.diagnostics import Diagnostic
from procession.parse import parse_dmn

NAMESPACE = "https://www.omg.org/spec/DMN/20230324/MODEL/"


def document(body: str, attributes: str = "") -> bytes:
    """A DMN document around its elements."""
    return (
        f'<definitions xmlns="{NAMESPACE}" id="d" name="d" namespace="test" {attributes}>{body}</definitions>'.encode()
    )


def text(expression: str) -> str:
    """A literal expression."""
    return f"<literalExpression><text>{escape(expression)}</text></literalExpression>"


def decision(id: str, logic: str, requires: Sequence[str] = (), variable: str = "") -> str:
    """A decision. `requires` names ids: `in_…` are input data, `k_…` knowledge, the others decisions."""
    requirements = "".join(_requirement(required) for required in requires)
    return f'<decision id="{id}" name="{id}">{variable}{requirements}{logic}</decision>'


def _requirement(id: str) -> str:
    if id.startswith("k_"):
        return f'<knowledgeRequirement><requiredKnowledge href="#{id}"/></knowledgeRequirement>'
    tag = "requiredInput" if id.startswith("in_") else "requiredDecision"
    return f'<informationRequirement><{tag} href="#{id}"/></informationRequirement>'


def table(policy: str, columns: str, *rules: str, default: str = "", values: str = "") -> str:
    """A table. `columns` is `input | input || output | output`, an input may be `e: type`; rules have cells alike."""
    inputs, outputs = ([cell.strip() for cell in part.split("|") if cell.strip()] for part in columns.split("||"))
    drawn = "".join(_input(cell) for cell in inputs)
    drawn += "".join(_output(name, default, values) for name in outputs)
    for number, rule in enumerate(rules, 1):
        left, right = rule.split("||")
        tests = [cell.strip() for cell in left.split("|")] if inputs else []
        results = [cell.strip() for cell in right.split("|")]
        cells = "".join(f"<inputEntry><text>{escape(cell)}</text></inputEntry>" for cell in tests)
        cells += "".join(f"<outputEntry><text>{escape(cell)}</text></outputEntry>" for cell in results)
        drawn += f'<rule id="r{number}">{cells}</rule>'
    return f"<decisionTable {policy}>{drawn}</decisionTable>"


def _input(cell: str) -> str:
    expression, _, type = cell.partition(":")
    return (
        f"<input><inputExpression typeRef={quoteattr(type.strip())}><text>{expression}</text></inputExpression></input>"
    )


def _output(name: str, default: str, values: str) -> str:
    inner = f"<outputValues><text>{values}</text></outputValues>" if values else ""
    inner += f"<defaultOutputEntry><text>{default}</text></defaultOutputEntry>" if default else ""
    return f"<output name={quoteattr(name)}>{inner}</output>"


def compiled(body: str, attributes: str = "", dialect: feel.Dialect | None = None) -> dmn.CompiledDecisions:
    """The decisions of a document without errors."""
    model, found = findings(body, attributes, dialect)
    assert model is not None, "\n".join(map(str, found))
    return model


def findings(
    body: str, attributes: str = "", dialect: feel.Dialect | None = None, *, tolerant: bool = False
) -> tuple[dmn.CompiledDecisions | None, list[Diagnostic]]:
    """What compiling a document gives; it must parse."""
    parsed, found = parse_dmn(document(body, attributes), "t.dmn")
    assert parsed is not None
    assert not found, "\n".join(map(str, found))
    return dmn.compile_decisions(parsed, dialect=dialect, tolerant=tolerant)


def decide(body: str, id: str = "x", **variables: object) -> object:
    """The result of a decision as a process would get it."""
    return feel.to_json(compiled(body).evaluate(id, lookup(variables)))


def lookup(variables: dict[str, object]) -> feel.Lookup:
    """The lookup of plain variables."""
    return lambda name: variables.get(name, feel.MISSING)
