"""The table of the standard's rules as a whole, and what holds for all of them: places, names, hostile documents."""

from __future__ import annotations

import re
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession import check_standard
from procession.base.rules import RULES as DEPLOYMENT
from procession.compile.check.standard import grammar
from procession.compile.check.standard.checker import FINDINGS_MAX
from procession.compile.check.standard.table import RULES
from procession.compile.check.standard.validity import SHAPES
from unit.compile.standard.drawing import alone, broken_rules, document, line
from unit.compile.standard.test_standard_activities import LOOPS, TASKS
from unit.compile.standard.test_standard_collaborations import ROWS as COLLABORATIONS
from unit.compile.standard.test_standard_data import DATA
from unit.compile.standard.test_standard_documents import ROWS as DOCUMENTS
from unit.compile.standard.test_standard_events import ROWS as EVENTS
from unit.compile.standard.test_standard_flow import ROWS as FLOW

SHOWN: Final = frozenset(row.rule for row in (*LOOPS, *TASKS, *COLLABORATIONS, *DATA, *DOCUMENTS, *EVENTS, *FLOW))
FILES: Final = frozenset({"import-location", "import-namespace"})
"""Rules about what lies beside a document: tests of their own break them."""
SAME: Final = frozenset({"boundary-event-scope", "sequence-flow-immediate"})
"""Names that deployment uses too, for the same."""


def test_every_rule_is_shown_by_a_breach() -> None:
    assert {rule.name for rule in RULES} == SHOWN | FILES


def test_a_rule_has_a_name_of_its_own_a_clause_and_a_remedy() -> None:
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)
    assert {name for name in names if name in DEPLOYMENT} == SAME
    for rule in RULES:
        assert re.fullmatch(r"[a-z][a-z-]+", rule.name), rule.name
        assert re.fullmatch(r"\d+(\.\d+)*(, \d+(\.\d+)*)*", rule.clause), rule.name
        assert all((rule.breach, rule.remedy)), rule.name
        assert rule.tags == "*" or set(rule.tags.split()) <= SHAPES.keys() | grammar.EXPRESSIONS | grammar.FORMAL, rule


def test_a_breach_names_its_rule_element_place_clause_and_remedy() -> None:
    (found,) = check_standard(document(line('<task id="x" startQuantity="0"/>')).encode(), name="a.bpmn")
    assert (found.rule, found.element, found.severity) == ("activity-quantity", "x", "error")
    assert (found.span.file, found.span.line) == ("a.bpmn", 1)
    assert "10.3" in found.remedy
    assert "0" in found.message


def test_an_element_without_an_id_is_named_by_the_one_around_it() -> None:
    text = document(line('<task id="x"><standardLoopCharacteristics loopMaximum="0"/></task>'))
    assert [each.element for each in check_standard(text.encode())] == ["x"]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "xml"),
        ("<a", "xml"),
        ("<!DOCTYPE a><a/>", "xml-doctype"),
        ("<definitions/>", "namespace"),
        (f'<process xmlns="{grammar.BPMN}"/>', "namespace"),
    ],
)
def test_what_is_no_document_of_bpmn_is_refused(text: str, rule: str) -> None:
    assert broken_rules(text) == [rule]


def test_more_findings_than_are_shown_are_counted() -> None:
    found = check_standard(alone(*["<task/>"] * (FINDINGS_MAX + 5)).encode())
    assert len(found) == FINDINGS_MAX + 1
    assert found[-1].message.startswith("5 more")


NAMES: Final = st.sampled_from(
    [*sorted(SHAPES), *sorted(grammar.IDREF_TEXTS | grammar.QNAME_TEXTS), "conditionExpression"]
)
ATTRIBUTES: Final = st.dictionaries(
    st.sampled_from(sorted({name for row in grammar.ATTRIBUTES.values() for name in row})),
    st.sampled_from(["", "a", "b", "c", "true", "Complex", "None", "-1", "o:a", "zz:a", " a b "]),
    max_size=5,
)


@st.composite
def trees(draw: st.DrawFn, depth: int = 4) -> str:
    """Elements of BPMN in any order, with any attributes, that refer to each other at random."""
    name = draw(NAMES)
    attributes = "".join(f' {key}="{value}"' for key, value in draw(ATTRIBUTES).items())
    count = draw(st.integers(0, 3)) if depth else 0
    inside = draw(st.sampled_from(["", "a", "b", "o:c"])) + "".join(draw(trees(depth - 1)) for _ in range(count))
    return f"<{name}{attributes}>{inside}</{name}>"


@given(st.lists(trees(), max_size=4))
def test_whatever_stands_in_a_document_no_rule_fails(roots: list[str]) -> None:
    for each in check_standard(document(*roots).encode(), name="a.bpmn"):
        assert each.severity == "error"
        assert each.span.line == 1
        assert each.remedy
