"""Readers of DMN's boxed expressions (7.3, 8): one for each tag, in the table `LOGIC`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal, TypeVar

from procession.model.dmn import (
    Aggregation,
    Binding,
    Conditional,
    Context,
    ContextEntry,
    DecisionTable,
    Filter,
    FunctionDefinition,
    HitPolicy,
    ImportedValues,
    InformationItem,
    InputClause,
    Invocation,
    Iterator,
    ListExpression,
    LiteralExpression,
    Logic,
    OutputClause,
    Relation,
    RelationRow,
    Rule,
    UnaryTests,
)
from procession.model.xml import XmlElement
from procession.parse.dialects.zeebe import extension
from procession.parse.reading import Parts, Reading, attribute, first, parts_of, text_of, word

_HIT_POLICIES: Final[tuple[HitPolicy, ...]] = (
    "UNIQUE",
    "FIRST",
    "PRIORITY",
    "ANY",
    "COLLECT",
    "RULE ORDER",
    "OUTPUT ORDER",
)
_AGGREGATIONS: Final[tuple[Aggregation, ...]] = ("", "SUM", "COUNT", "MIN", "MAX")
_ITERATORS: Final[dict[str, tuple[Literal["for", "some", "every"], str]]] = {
    "for": ("for", "return"),
    "some": ("some", "satisfies"),
    "every": ("every", "satisfies"),
}
_Text = TypeVar("_Text")


def logic_in(reading: Reading, holder: XmlElement | None) -> Logic | None:
    """The boxed expression that an element holds; a second one is reported."""
    if holder is None:
        return None
    found = logics_in(reading, holder)
    if len(found) > 1:
        text = f"{holder.name} holds {len(found)} expressions; only the first would count"
        reading.report("boxed-expression", holder, text, "keep one expression")
    return found[0] if found else None


def logics_in(reading: Reading, holder: XmlElement) -> tuple[Logic, ...]:
    """All boxed expressions directly inside an element."""
    return tuple(
        [
            LOGIC[child.name](reading, child)
            for child in holder.children
            if child.name in LOGIC and child.namespace == holder.namespace
        ]
    )


def type_ref(element: XmlElement, name: str = "typeRef") -> str:
    """A type's name; a prefix, as DMN 1.1 writes it (`feel:string`), is removed."""
    return without_prefix(element, attribute(element, name))


def without_prefix(element: XmlElement, text: str) -> str:
    """A type's name without the prefix of a namespace that is declared."""
    prefix, colon, name = text.strip().partition(":")
    return name if colon and element.prefixes.namespace(prefix) else text.strip()


def information_item(reading: Reading, element: XmlElement | None) -> InformationItem | None:
    if element is None:
        return None
    return InformationItem(
        id=attribute(element, "id"),
        name=attribute(element, "name").strip(),
        type_ref=type_ref(element),
        span=reading.span(element),
    )


def information_items(reading: Reading, parts: Parts, name: str) -> tuple[InformationItem, ...]:
    """The items among the children whose tag is `name`."""
    items = [information_item(reading, child) for child in parts.get(name, ())]
    return tuple([item for item in items if item is not None])


def unary_tests(reading: Reading, element: XmlElement | None) -> UnaryTests | None:
    if element is None:
        return None
    return UnaryTests(
        id=attribute(element, "id"),
        text=text_of(parts_of(element), "text"),
        language=attribute(element, "expressionLanguage"),
        span=reading.span(element),
    )


def _literal(reading: Reading, element: XmlElement) -> LiteralExpression:
    parts = parts_of(element)
    return LiteralExpression(
        id=attribute(element, "id"),
        text=text_of(parts, "text"),
        language=attribute(element, "expressionLanguage"),
        type_ref=type_ref(element),
        imported=_imported(reading, first(parts, "importedValues")),
        span=reading.span(element),
    )


def _imported(reading: Reading, element: XmlElement | None) -> ImportedValues | None:
    if element is None:
        return None
    return ImportedValues(
        namespace=attribute(element, "namespace"),
        location=attribute(element, "locationURI"),
        import_type=attribute(element, "importType"),
        element=text_of(parts_of(element), "importedElement"),
        span=reading.span(element),
    )


def _decision_table(reading: Reading, element: XmlElement) -> DecisionTable:
    parts = parts_of(element)
    inputs = tuple([_input(reading, child) for child in parts.get("input", ())])
    outputs = tuple([_output(reading, child) for child in parts.get("output", ())])
    if not outputs:
        reading.report("decision-table", element, "the decision table has no output", "add an output column")
    return DecisionTable(
        id=attribute(element, "id"),
        label=attribute(element, "label"),
        type_ref=type_ref(element),
        hit_policy=word(reading, element, "hitPolicy", _HIT_POLICIES),
        aggregation=word(reading, element, "aggregation", _AGGREGATIONS),
        output_label=attribute(element, "outputLabel"),
        inputs=inputs,
        outputs=outputs,
        annotations=tuple([attribute(child, "name") for child in parts.get("annotation", ())]),
        rules=tuple([_rule(reading, child, len(inputs), len(outputs)) for child in parts.get("rule", ())]),
        span=reading.span(element),
    )


def _input(reading: Reading, element: XmlElement) -> InputClause:
    parts = parts_of(element)
    expression = first(parts, "inputExpression")
    if expression is None:
        text = "the input column has no expression, so there is nothing to test"
        reading.report("decision-table", element, text, "state the input's expression")
    return InputClause(
        id=attribute(element, "id"),
        label=attribute(element, "label"),
        expression=_literal(reading, expression)
        if expression is not None
        else LiteralExpression(span=reading.span(element)),
        values=unary_tests(reading, first(parts, "inputValues")),
        extension=extension(reading, element, parts),
        span=reading.span(element),
    )


def _output(reading: Reading, element: XmlElement) -> OutputClause:
    parts = parts_of(element)
    default = first(parts, "defaultOutputEntry")
    return OutputClause(
        id=attribute(element, "id"),
        name=attribute(element, "name").strip(),
        label=attribute(element, "label"),
        type_ref=type_ref(element),
        values=unary_tests(reading, first(parts, "outputValues")),
        default=_literal(reading, default) if default is not None else None,
        span=reading.span(element),
    )


def _rule(reading: Reading, element: XmlElement, inputs: int, outputs: int) -> Rule:
    parts = parts_of(element)
    tests = _all([unary_tests(reading, child) for child in parts.get("inputEntry", ())])
    results = tuple([_literal(reading, child) for child in parts.get("outputEntry", ())])
    if len(tests) != inputs or len(results) != outputs:
        text = (
            f"the rule has {len(tests)} input and {len(results)} output entries; "
            f"the table has {inputs} inputs and {outputs} outputs"
        )
        reading.report("decision-table", element, text, "give the rule one entry for each column")
    return Rule(
        id=attribute(element, "id"),
        inputs=tests,
        outputs=results,
        annotations=tuple([text_of(parts_of(child), "text") for child in parts.get("annotationEntry", ())]),
        description=text_of(parts, "description"),
        span=reading.span(element),
    )


def _all(values: Sequence[_Text | None]) -> tuple[_Text, ...]:
    return tuple([value for value in values if value is not None])


def _context(reading: Reading, element: XmlElement) -> Context:
    entries = parts_of(element).get("contextEntry", ())
    return Context(
        id=attribute(element, "id"),
        type_ref=type_ref(element),
        entries=tuple([_context_entry(reading, child) for child in entries]),
        span=reading.span(element),
    )


def _context_entry(reading: Reading, element: XmlElement) -> ContextEntry:
    return ContextEntry(
        id=attribute(element, "id"),
        variable=information_item(reading, first(parts_of(element), "variable")),
        value=logic_in(reading, element),
        span=reading.span(element),
    )


def _invocation(reading: Reading, element: XmlElement) -> Invocation:
    return Invocation(
        id=attribute(element, "id"),
        type_ref=type_ref(element),
        function=logic_in(reading, element),
        bindings=tuple([_binding(reading, child) for child in parts_of(element).get("binding", ())]),
        span=reading.span(element),
    )


def _binding(reading: Reading, element: XmlElement) -> Binding:
    parameter = information_item(reading, first(parts_of(element), "parameter"))
    if parameter is None:
        reading.report("boxed-expression", element, "the binding has no parameter", "name its parameter")
    return Binding(
        parameter=parameter or InformationItem(span=reading.span(element)),
        value=logic_in(reading, element),
        span=reading.span(element),
    )


def function_definition(reading: Reading, element: XmlElement) -> FunctionDefinition:
    """A function, boxed or encapsulated in a business knowledge model."""
    return FunctionDefinition(
        id=attribute(element, "id"),
        type_ref=type_ref(element),
        kind=attribute(element, "kind"),
        parameters=information_items(reading, parts_of(element), "formalParameter"),
        body=logic_in(reading, element),
        span=reading.span(element),
    )


def _list(reading: Reading, element: XmlElement) -> ListExpression:
    return ListExpression(
        id=attribute(element, "id"),
        type_ref=type_ref(element),
        items=logics_in(reading, element),
        span=reading.span(element),
    )


def _relation(reading: Reading, element: XmlElement) -> Relation:
    parts = parts_of(element)
    columns = information_items(reading, parts, "column")
    return Relation(
        id=attribute(element, "id"),
        type_ref=type_ref(element),
        columns=columns,
        rows=tuple([_row(reading, child, len(columns)) for child in parts.get("row", ())]),
        span=reading.span(element),
    )


def _row(reading: Reading, element: XmlElement, columns: int) -> RelationRow:
    cells = logics_in(reading, element)
    if len(cells) != columns:
        text = f"the row has {len(cells)} cells; the relation has {columns} columns"
        reading.report("boxed-expression", element, text, "give the row one cell for each column")
    return RelationRow(id=attribute(element, "id"), cells=cells, span=reading.span(element))


def _conditional(reading: Reading, element: XmlElement) -> Conditional:
    parts = parts_of(element)
    return Conditional(
        id=attribute(element, "id"),
        type_ref=type_ref(element),
        condition=logic_in(reading, first(parts, "if")),
        then=logic_in(reading, first(parts, "then")),
        otherwise=logic_in(reading, first(parts, "else")),
        span=reading.span(element),
    )


def _filter(reading: Reading, element: XmlElement) -> Filter:
    parts = parts_of(element)
    return Filter(
        id=attribute(element, "id"),
        type_ref=type_ref(element),
        collection=logic_in(reading, first(parts, "in")),
        match=logic_in(reading, first(parts, "match")),
        span=reading.span(element),
    )


def _iterator(reading: Reading, element: XmlElement) -> Iterator:
    parts = parts_of(element)
    kind, body = _ITERATORS[element.name]
    return Iterator(
        kind=kind,
        id=attribute(element, "id"),
        type_ref=type_ref(element),
        variable=attribute(element, "iteratorVariable").strip(),
        collection=logic_in(reading, first(parts, "in")),
        body=logic_in(reading, first(parts, body)),
        span=reading.span(element),
    )


LOGIC: Final[dict[str, Callable[[Reading, XmlElement], Logic]]] = {
    "literalExpression": _literal,
    "decisionTable": _decision_table,
    "context": _context,
    "invocation": _invocation,
    "functionDefinition": function_definition,
    "list": _list,
    "relation": _relation,
    "conditional": _conditional,
    "filter": _filter,
    "for": _iterator,
    "some": _iterator,
    "every": _iterator,
}
"""The reader of each boxed expression, by tag."""
