"""A DMN document (1.1 to 1.5), immutable: requirements, types and boxed expressions. Nothing here acts.

Texts of expressions are FEEL unless a `language` says otherwise, kept as written. A reference is a `Href`.
Elements of the DMN namespace that have no place here are `Unknown`, never dropped. Its drawing is not kept.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, final

import msgspec

from procession.base.diagnostics import Span
from procession.model.bpmn import Unknown
from procession.model.extension import NO_EXTENSION, NOWHERE, Extension

HitPolicy: TypeAlias = Literal["UNIQUE", "FIRST", "PRIORITY", "ANY", "COLLECT", "RULE ORDER", "OUTPUT ORDER"]
Aggregation: TypeAlias = Literal["", "SUM", "COUNT", "MIN", "MAX"]


@final
class Href(msgspec.Struct, frozen=True, gc=False):
    """What a requirement names: an id, and the namespace of its document or '' for this one."""

    id: str
    namespace: str = ""


@final
class InformationItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A variable, parameter or column: a name and a type."""

    id: str = ""
    name: str = ""
    type_ref: str = ""
    span: Span = NOWHERE


@final
class UnaryTests(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Tests of one value: an input entry, allowed values or a type constraint."""

    id: str = ""
    text: str = ""
    language: str = ""
    span: Span = NOWHERE


@final
class ImportedValues(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The text of a literal expression that lies in another document (7.3.3)."""

    namespace: str
    location: str = ""
    import_type: str = ""
    element: str = ""
    span: Span = NOWHERE


@final
class LiteralExpression(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A text in an expression language (7.3.2)."""

    id: str = ""
    text: str = ""
    language: str = ""
    type_ref: str = ""
    imported: ImportedValues | None = None
    span: Span = NOWHERE


@final
class InputClause(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An input column (8.3.2). Foreign attributes of `extension` may name a variable."""

    expression: LiteralExpression
    id: str = ""
    label: str = ""
    values: UnaryTests | None = None
    extension: Extension = NO_EXTENSION
    span: Span = NOWHERE


@final
class OutputClause(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An output column (8.3.3). `values` orders the outputs of the hit policies PRIORITY and OUTPUT ORDER."""

    id: str = ""
    name: str = ""
    label: str = ""
    type_ref: str = ""
    values: UnaryTests | None = None
    default: LiteralExpression | None = None
    span: Span = NOWHERE


@final
class Rule(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row: one test for each input, one expression for each output, texts for the annotations."""

    id: str = ""
    inputs: tuple[UnaryTests, ...] = ()
    outputs: tuple[LiteralExpression, ...] = ()
    annotations: tuple[str, ...] = ()
    description: str = ""
    span: Span = NOWHERE


@final
class DecisionTable(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A decision table (8)."""

    id: str = ""
    label: str = ""
    type_ref: str = ""
    hit_policy: HitPolicy = "UNIQUE"
    aggregation: Aggregation = ""
    output_label: str = ""
    inputs: tuple[InputClause, ...] = ()
    outputs: tuple[OutputClause, ...] = ()
    annotations: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    span: Span = NOWHERE


@final
class ContextEntry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An entry of a context; without a variable it is the context's result."""

    id: str = ""
    variable: InformationItem | None = None
    value: Logic | None = None
    span: Span = NOWHERE


@final
class Context(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A boxed context (7.3.4)."""

    id: str = ""
    type_ref: str = ""
    entries: tuple[ContextEntry, ...] = ()
    span: Span = NOWHERE


@final
class Binding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One argument of an invocation."""

    parameter: InformationItem
    value: Logic | None = None
    span: Span = NOWHERE


@final
class Invocation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A boxed invocation (7.3.6): a function and its arguments by name."""

    id: str = ""
    type_ref: str = ""
    function: Logic | None = None
    bindings: tuple[Binding, ...] = ()
    span: Span = NOWHERE


@final
class FunctionDefinition(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A boxed function (7.3.7). `kind` is FEEL, Java or PMML as written, '' for FEEL."""

    id: str = ""
    type_ref: str = ""
    kind: str = ""
    parameters: tuple[InformationItem, ...] = ()
    body: Logic | None = None
    span: Span = NOWHERE


@final
class ListExpression(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A boxed list (7.3.8)."""

    id: str = ""
    type_ref: str = ""
    items: tuple[Logic, ...] = ()
    span: Span = NOWHERE


@final
class RelationRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row of a relation: one cell for each column."""

    id: str = ""
    cells: tuple[Logic, ...] = ()
    span: Span = NOWHERE


@final
class Relation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A relation (7.3.9): a list of contexts written as a table."""

    id: str = ""
    type_ref: str = ""
    columns: tuple[InformationItem, ...] = ()
    rows: tuple[RelationRow, ...] = ()
    span: Span = NOWHERE


@final
class Conditional(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A boxed conditional: if, then, else."""

    id: str = ""
    type_ref: str = ""
    condition: Logic | None = None
    then: Logic | None = None
    otherwise: Logic | None = None
    span: Span = NOWHERE


@final
class Filter(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A boxed filter: a collection and the condition on `item`."""

    id: str = ""
    type_ref: str = ""
    collection: Logic | None = None
    match: Logic | None = None
    span: Span = NOWHERE


@final
class Iterator(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A boxed `for`, `some` or `every`: `body` is what it returns, or what must be satisfied."""

    kind: Literal["for", "some", "every"]
    id: str = ""
    type_ref: str = ""
    variable: str = ""
    collection: Logic | None = None
    body: Logic | None = None
    span: Span = NOWHERE


Logic: TypeAlias = (
    LiteralExpression
    | DecisionTable
    | Context
    | Invocation
    | FunctionDefinition
    | ListExpression
    | Relation
    | Conditional
    | Filter
    | Iterator
)
"""A boxed expression."""


@final
class Decision(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A decision (6.3.7). `logic` is None where the drawing gives none."""

    id: str
    name: str = ""
    label: str = ""
    variable: InformationItem | None = None
    logic: Logic | None = None
    required_inputs: tuple[Href, ...] = ()
    required_decisions: tuple[Href, ...] = ()
    required_knowledge: tuple[Href, ...] = ()
    required_authorities: tuple[Href, ...] = ()
    version_tag: str = ""
    question: str = ""
    allowed_answers: str = ""
    description: str = ""
    extension: Extension = NO_EXTENSION
    span: Span = NOWHERE


@final
class InputData(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Data that comes from outside (6.3.11)."""

    id: str
    name: str = ""
    variable: InformationItem | None = None
    span: Span = NOWHERE


@final
class BusinessKnowledgeModel(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A function that decisions share (6.3.9)."""

    id: str
    name: str = ""
    variable: InformationItem | None = None
    function: FunctionDefinition | None = None
    required_knowledge: tuple[Href, ...] = ()
    required_authorities: tuple[Href, ...] = ()
    description: str = ""
    span: Span = NOWHERE


@final
class DecisionService(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Decisions published as a function (6.3.10)."""

    id: str
    name: str = ""
    variable: InformationItem | None = None
    output_decisions: tuple[Href, ...] = ()
    encapsulated_decisions: tuple[Href, ...] = ()
    input_decisions: tuple[Href, ...] = ()
    input_data: tuple[Href, ...] = ()
    span: Span = NOWHERE


@final
class KnowledgeSource(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where knowledge comes from (6.3.12): drawn, without effect."""

    id: str
    name: str = ""
    type: str = ""
    location: str = ""
    span: Span = NOWHERE


@final
class FunctionItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The type of a function."""

    parameters: tuple[InformationItem, ...] = ()
    output_type_ref: str = ""
    span: Span = NOWHERE


@final
class ItemDefinition(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A type (7.3.1): another one, with allowed values; or components; or a function's type."""

    id: str = ""
    name: str = ""
    label: str = ""
    type_ref: str = ""
    is_collection: bool = False
    allowed_values: UnaryTests | None = None
    type_constraint: UnaryTests | None = None
    components: tuple[ItemDefinition, ...] = ()
    function: FunctionItem | None = None
    span: Span = NOWHERE


@final
class Import(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Another document whose elements are visible under `name`."""

    namespace: str
    name: str = ""
    location: str = ""
    import_type: str = ""
    span: Span = NOWHERE


@final
class Decisions(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A whole DMN document. `version` is 1.1 to 1.5; `digest` the SHA-256 of its bytes in hex."""

    id: str = ""
    name: str = ""
    namespace: str = ""
    version: str = ""
    expression_language: str = ""
    type_language: str = ""
    exporter: str = ""
    exporter_version: str = ""
    execution_platform: str = ""
    uses_zeebe: bool = False
    """Whether the document declares the namespace `zeebe`."""
    imports: tuple[Import, ...] = ()
    item_definitions: tuple[ItemDefinition, ...] = ()
    input_data: tuple[InputData, ...] = ()
    decisions: tuple[Decision, ...] = ()
    knowledge_models: tuple[BusinessKnowledgeModel, ...] = ()
    services: tuple[DecisionService, ...] = ()
    knowledge_sources: tuple[KnowledgeSource, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    description: str = ""
    extension: Extension = NO_EXTENSION
    source: str = ""
    digest: str = ""
    span: Span = NOWHERE
