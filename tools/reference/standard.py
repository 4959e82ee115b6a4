"""The rules of the standard, from their table."""

from __future__ import annotations

from typing import Final

from tools.reference.text import table

from procession.compile.check.standard import (
    activities,
    collaboration,
    data,
    events,
    flows,
    foundation,
    gateways,
    references,
    scopes,
    triggers,
    validity,
)
from procession.compile.check.standard.rule import Rule

_SECTIONS: Final[tuple[tuple[str, tuple[Rule, ...]], ...]] = (
    ("The form of the document", validity.RULES),
    ("References", references.RULES),
    ("Ids, imports, expressions, items, resources", foundation.RULES),
    ("Sequence flows", flows.RULES),
    ("Gateways", gateways.RULES),
    ("How processes and sub-processes begin and end", scopes.RULES),
    ("Events", events.RULES),
    ("What event definitions say", triggers.RULES),
    ("Activities", activities.RULES),
    ("Data", data.RULES),
    ("Pools, message flows, conversations, choreographies, lanes", collaboration.RULES),
)
_ABOUT_MANY: Final = 6


def page() -> str:
    """The whole page."""
    count = sum(len(rules) for _, rules in _SECTIONS)
    parts = [
        f"`procession check --standard MODEL…` applies the constraints of BPMN 2.0.2, {count} rules, and exits 1 on any"
        " breach; `procession.check_standard(path)` gives the same as a list. All of them are errors. They say nothing"
        " of what this engine executes: that is `procession check` without the option, and deployment, by"
        " [rules](rules.md) of their own. A model can break a constraint and run all the same, and keep to all of them"
        " and not run.",
        "Files that a model imports are looked for beside it, by relative locations inside its folder; what is said to"
        " be in an import that lies elsewhere is not checked.",
    ]
    for title, rules in _SECTIONS:
        parts.append(f"## {title}")
        rows = [(f"`{each.name}`", each.clause, _tags(each), each.breach, each.remedy) for each in rules]
        parts.append(table(("rule", "clause", "about", "broken by", "remedy"), rows))
    return "\n\n".join(parts)


def _tags(rule: Rule) -> str:
    tags = rule.tags.split()
    if tags == ["*"]:
        return "every element"
    shown = ", ".join(f"`{each}`" for each in tags[:_ABOUT_MANY])
    return f"{shown} and {len(tags) - _ABOUT_MANY} more" if len(tags) > _ABOUT_MANY else shown
