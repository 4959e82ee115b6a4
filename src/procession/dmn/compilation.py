"""What the compilation of one document shares: its types, its dialect, and what was found wrong with it.

Expressions, tests and types are compiled here, so that every finding names its element, line and remedy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, final

from procession.base.diagnostics import Diagnostic, Severity, Span
from procession.dmn.item_types import ANY, BUILT_IN_TYPES, ItemType, converted, refusal, values_as_they_are
from procession.dmn.scope import Evaluate, Names
from procession.feel import (
    Dialect,
    Expression,
    FeelSyntaxError,
    Lookup,
    Runtime,
    compile_expression,
    compile_unary_tests,
)
from procession.feel.analysis import foreign_languages
from procession.feel.functions import NOT_RUN
from procession.feel.nodes import Node
from procession.feel.types import NO_TYPES, Types
from procession.model.dmn import Decisions, LiteralExpression, UnaryTests

RULES: Final = {
    "dmn-element": "an element without a meaning here",
    "dmn-expression": "a text that is not FEEL",
    "dmn-language": "an expression language other than FEEL",
    "dmn-type": "a type that is not defined",
    "dmn-table": "a decision table that contradicts itself",
    "dmn-requirement": "a requirement that cannot be met",
    "dmn-import": "an import of a document that is not given, of one of several, in a circle, or of too much",
    "dmn-cycle": "decisions that require each other",
    "dmn-logic": "a decision without logic",
    "dmn-gap": "inputs for which a table has no rule",
    "dmn-overlap": "rules that match together, though the hit policy forbids it or they disagree",
    "dmn-unreachable": "a rule that never decides anything",
    "dmn-duplicate": "two rules that are the same",
    "dmn-cell": "an entry of a table that is not of its column's type, or none of its values",
    "dmn-unused": "an input that no rule looks at",
    "dmn-analysis": "a table that is not checked wholly",
}
"""The rules of this room, by name."""


@final
class Compilation:
    """The findings of one document. `lenient` keeps a column's value that is not of the column's type."""

    __slots__ = ("_language", "diagnostics", "dialect", "lenient", "owner", "trees", "type_refs", "types")

    def __init__(self, document: Decisions, dialect: Dialect) -> None:
        self.diagnostics: list[Diagnostic] = []
        self.dialect: Dialect = dialect
        # Modelers that set the type of a column to `string` without asking must not break the decision.
        self.lenient = dialect == "camunda"
        self.types: Mapping[str, ItemType] = {}
        self.type_refs: Types = NO_TYPES
        """The same for `instance of`, once all are defined."""
        self.owner = ""
        self.trees: dict[Evaluate, Node] = {}
        """What the functions were made of."""
        self._language = document.expression_language

    def report(self, rule: str, span: Span, message: str, remedy: str, severity: Severity = "error") -> None:
        """Adds a finding about the element under compilation. `rule` is one of `RULES`."""
        assert rule in RULES, rule
        found = Diagnostic(
            rule=rule, message=message, severity=severity, element=self.owner, span=span, remedy=remedy
        )  # fmt: skip
        self.diagnostics.append(found)

    def expression(self, logic: LiteralExpression, names: Names) -> Evaluate:
        """The function of a text; an empty one is null."""
        if logic.imported is not None:
            text = "its text lies in another document"
            self.report("dmn-element", logic.span, text, "write the expression here, or import a function")
            return null
        if not logic.text.strip() or not self._is_feel(logic.language, logic.span):
            return null
        return self._compiled(compile_expression, logic.text, names, logic.span)

    def tests(self, tests: UnaryTests, names: Names) -> Evaluate | None:
        """The function of an input entry; None if everything passes it."""
        if tests.text.strip() in {"", "-"} or not self._is_feel(tests.language, tests.span):
            return None
        return self._compiled(compile_unary_tests, tests.text, names, tests.span)

    def type_named(self, name: str, span: Span) -> ItemType:
        """A type by the name that a typeRef gives; `Any` for none."""
        if not name:
            return ANY
        found = self.types.get(name) or BUILT_IN_TYPES.get(name)
        if found is None:
            text = f"the type {name[:80]!r} is not defined"
            self.report("dmn-type", span, text, "define it as an item definition, or correct the typeRef")
            return ANY
        return found

    def _compiled(self, compile: Callable[..., Expression], text: str, names: Names, span: Span) -> Evaluate:
        try:
            expression = compile(text, names=names, dialect=self.dialect, types=self.type_refs)
        except FeelSyntaxError as error:
            self.report("dmn-expression", span, str(error), error.hint or "correct the expression")
            return null
        for language in foreign_languages(expression.node) if "external" in text else ():
            self.report("dmn-element", span, f"the expression defines a function in {language}", NOT_RUN)
        self.trees[expression.function] = expression.node
        return expression.function

    def _is_feel(self, language: str, span: Span) -> bool:
        used = language or self._language
        if not used or "feel" in used.lower():
            return True
        text = f"the expression language is {used[:80]!r}"
        self.report("dmn-language", span, text, "write the expression in FEEL")
        return False


def null(lookup: Lookup, rt: Runtime) -> None:
    """The logic that is not there."""
    del lookup, rt


def typed(evaluate: Evaluate, type: ItemType, place: str, *, lenient: bool = False) -> Evaluate:
    """The same, converted to a type; what does not conform is null and a note, or if lenient itself and a note."""
    if type.kind == "Any" and type.base is None and type.element is None and not type.fields and not type.tests:
        return evaluate

    as_it_is = values_as_they_are(type)

    def conformed(lookup: Lookup, rt: Runtime) -> object:
        given = evaluate(lookup, rt)
        if given.__class__ in as_it_is:
            return given
        value, fits = converted(given, type, rt)
        if fits:
            return value
        rt.note("type", refusal(value, type, place), 0)
        return value if lenient else None

    return conformed
