"""Every production of the grammar, in the specification's dialect."""

from __future__ import annotations

import pytest
from tools.feel_grammar import EXPRESSIONS, TESTS, VARIABLES

from procession import feel


@pytest.mark.parametrize(("production", "text", "value"), EXPRESSIONS, ids=[row[0] for row in EXPRESSIONS])
def test_a_production_of_expressions_gives_its_value(production: str, text: str, value: str) -> None:
    runtime = feel.Runtime()
    assert feel.string(feel.evaluate(text, VARIABLES, runtime=runtime, dialect="feel")) == value, production
    assert runtime.notes == []


@pytest.mark.parametrize(("production", "text", "result"), TESTS, ids=[row[0] for row in TESTS])
def test_a_production_of_unary_tests_decides(production: str, text: str, result: bool) -> None:
    tests = feel.compile_unary_tests(text, names=VARIABLES, dialect="feel")
    assert tests.evaluate({"?": 5, **VARIABLES}) is result, production
