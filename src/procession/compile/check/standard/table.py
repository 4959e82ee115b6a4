"""All rules of the standard, and those of each element."""

from __future__ import annotations

from typing import Final

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

RULES: Final[tuple[Rule, ...]] = (
    *validity.RULES,
    *references.RULES,
    *foundation.RULES,
    *flows.RULES,
    *gateways.RULES,
    *scopes.RULES,
    *events.RULES,
    *triggers.RULES,
    *activities.RULES,
    *data.RULES,
    *collaboration.RULES,
)
"""Every rule, by clause."""

EVERYWHERE: Final = tuple(rule for rule in RULES if rule.tags == "*")
"""What is asked of every element."""
BY_TAG: Final[dict[str, tuple[Rule, ...]]] = {
    tag: tuple(rule for rule in RULES if rule.tags == "*" or tag in rule.tags.split())
    for tag in sorted({tag for rule in RULES for tag in rule.tags.split()} - {"*"})
}
"""Element -> its rules, with those of every element; an element without a row has only these."""
