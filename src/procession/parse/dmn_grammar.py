"""The grammar of DMN 1.1 to 1.5 as tables: namespaces, and which element may hold which. Data only."""

from __future__ import annotations

from typing import Final

VERSIONS: Final[dict[str, str]] = {
    "http://www.omg.org/spec/DMN/20151101/dmn.xsd": "1.1",
    "http://www.omg.org/spec/DMN/20180521/MODEL/": "1.2",
    "https://www.omg.org/spec/DMN/20191111/MODEL/": "1.3",
    "https://www.omg.org/spec/DMN/20211108/MODEL/": "1.4",
    "https://www.omg.org/spec/DMN/20230324/MODEL/": "1.5",
}

LOGIC_TAGS: Final = frozenset(
    "literalExpression decisionTable context invocation functionDefinition list relation conditional filter "
    "for some every".split()
)
LEAF: Final = frozenset({"description", "extensionElements"})
OPAQUE: Final = frozenset("description extensionElements text question allowedAnswers typeRef allowedAnswer".split())
_BOXED: Final = LEAF | LOGIC_TAGS
_FUNCTION: Final = _BOXED | {"formalParameter"}
_ITEM: Final = LEAF | frozenset("typeRef allowedValues typeConstraint itemComponent functionItem".split())

CHILDREN: Final[dict[str, frozenset[str]]] = {
    "definitions": LEAF
    | frozenset(
        "import itemDefinition decision businessKnowledgeModel decisionService inputData knowledgeSource "
        "textAnnotation association group elementCollection performanceIndicator organizationUnit".split()
    ),
    "decision": _BOXED
    | frozenset(
        "question allowedAnswers variable informationRequirement knowledgeRequirement authorityRequirement "
        "supportedObjective impactedPerformanceIndicator decisionMaker decisionOwner usingProcess usingTask".split()
    ),
    "inputData": LEAF | {"variable"},
    "businessKnowledgeModel": LEAF | {"encapsulatedLogic", "variable", "knowledgeRequirement", "authorityRequirement"},
    "encapsulatedLogic": _FUNCTION,
    "functionDefinition": _FUNCTION,
    "decisionService": LEAF | {"variable", "outputDecision", "encapsulatedDecision", "inputDecision", "inputData"},
    "knowledgeSource": LEAF | {"authorityRequirement", "type", "owner"},
    "informationRequirement": LEAF | {"requiredDecision", "requiredInput"},
    "knowledgeRequirement": LEAF | {"requiredKnowledge"},
    "authorityRequirement": LEAF | {"requiredDecision", "requiredInput", "requiredAuthority"},
    "itemDefinition": _ITEM,
    "itemComponent": _ITEM,
    "functionItem": LEAF | {"parameters"},
    "literalExpression": LEAF | {"text", "importedValues"},
    "importedValues": LEAF | {"importedElement"},
    "inputExpression": LEAF | {"text", "importedValues"},
    "outputEntry": LEAF | {"text", "importedValues"},
    "defaultOutputEntry": LEAF | {"text", "importedValues"},
    "inputEntry": LEAF | {"text"},
    "inputValues": LEAF | {"text"},
    "outputValues": LEAF | {"text"},
    "allowedValues": LEAF | {"text"},
    "typeConstraint": LEAF | {"text"},
    "annotationEntry": LEAF | {"text"},
    "textAnnotation": LEAF | {"text"},
    "decisionTable": LEAF | {"input", "output", "annotation", "rule"},
    "input": LEAF | {"inputExpression", "inputValues"},
    "output": LEAF | {"outputValues", "defaultOutputEntry"},
    "rule": LEAF | {"inputEntry", "outputEntry", "annotationEntry"},
    "context": LEAF | {"contextEntry"},
    "contextEntry": _BOXED | {"variable"},
    "invocation": _BOXED | {"binding"},
    "binding": _BOXED | {"parameter"},
    "list": _BOXED,
    "relation": LEAF | {"column", "row"},
    # A column may state an expression for its cells; no engine known to us gives it an effect.
    "column": LEAF,
    "row": _BOXED,
    "conditional": LEAF | {"if", "then", "else"},
    "filter": LEAF | {"in", "match"},
    "for": LEAF | {"in", "return"},
    "some": LEAF | {"in", "satisfies"},
    "every": LEAF | {"in", "satisfies"},
    **dict.fromkeys(("if", "then", "else", "in", "match", "return", "satisfies"), _BOXED),
}
"""Children by parent; a parent without a row may hold `LEAF`."""

REQUIREMENTS: Final[dict[str, frozenset[str]]] = {
    "requiredDecision": frozenset({"decision"}),
    "requiredInput": frozenset({"inputData"}),
    "requiredKnowledge": frozenset({"businessKnowledgeModel", "decisionService"}),
    "requiredAuthority": frozenset({"knowledgeSource"}),
    "outputDecision": frozenset({"decision"}),
    "encapsulatedDecision": frozenset({"decision"}),
    "inputDecision": frozenset({"decision"}),
    "inputData": frozenset({"inputData"}),
}
"""What an `href` must name, by the tag that holds it."""
NEEDS_NAME: Final = frozenset(
    "decision inputData businessKnowledgeModel decisionService itemDefinition itemComponent".split()
)
