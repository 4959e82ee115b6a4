"""The compiled evaluator gives what the slow one gives that was written from the specification."""

from __future__ import annotations

import os
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import feel_grammar
from feel_oracle.evaluate import TooLarge, evaluate
from feel_oracle.values import alike, seen
from procession import feel
from procession.feel.weight import weight

SEEN = {name: seen(value) for name, value in feel_grammar.VARIABLES.items()}
SIZE_MAX = 5_000
"""Shared lists may be exponentially larger to walk than to make; such values are left to the fuzzer."""
SEEDS = int(os.environ.get("PROCESSION_FEEL_SEEDS", "40000"))


def check(text: str) -> None:
    """Compares the two values of a text, unless it is no expression or costs too much."""
    variables = feel_grammar.VARIABLES
    try:
        expression = feel.compile_expression(text, names=variables, dialect="feel")
        value = expression.evaluate(variables, feel.Runtime(budget=20_000))
        wanted = evaluate(text, expression.node, SEEN)
    except (feel.FeelSyntaxError, feel.BudgetExceeded, TooLarge):
        return
    if weight(value, SIZE_MAX) <= SIZE_MAX:
        assert alike(seen(value), wanted), f"{text}\ncompiled {value!r}\noracle {wanted!r}"


@settings(max_examples=100)
@given(st.randoms(use_true_random=False), st.sampled_from((0.0, 0.02, 0.1)))
def test_the_compiler_and_the_oracle_agree(random: Random, wrong: float) -> None:
    check(feel_grammar.expression(random, depth=3, wrong=wrong))


@pytest.mark.parametrize("kind", [*feel_grammar.KINDS, "any"])
def test_the_compiler_and_the_oracle_agree_on_every_kind(kind: str) -> None:
    for seed in range(150):
        check(feel_grammar.expression(Random(seed), kind, depth=2, wrong=0.02))


@pytest.mark.large
@pytest.mark.parametrize("part", range(8))
def test_the_compiler_and_the_oracle_agree_for_many_seeds(part: int) -> None:
    for seed in range(part * SEEDS // 8, (part + 1) * SEEDS // 8):
        check(feel_grammar.expression(Random(seed), depth=2 + seed % 3, wrong=0.01 * (seed % 4)))


FOUND = [
    # each was a disagreement once; the compiled evaluator was wrong, and the specification says why
    pytest.param("even(12345678901234567890123456789012345)", "true", id="a number of 35 digits ends in zero"),
    pytest.param("odd(12345678901234567890123456789012345)", "false", id="and is not odd"),
    pytest.param("modulo(12345678901234567890123456789012345, 7)", "6", id="the remainder is exact"),
    pytest.param("modulo(1e6000, 7)", "1", id="the remainder is exact, however large the dividend"),
    pytest.param("modulo(-0.3, 0.2)", "0.1", id="the remainder has the sign of the divisor"),
    pytest.param("stddev([9999999999999999999999999999999999, 9999999999999999999999999999999999])", "0",
                 id="equal numbers do not deviate"),
    pytest.param('@"-44000-03-15T10:00:00@Europe/Berlin" + @"P1D"', "-44000-03-16T10:00:00@Europe/Berlin",
                 id="a zone is kept in years that have no time zones yet"),
    pytest.param('@"99999-06-30T10:00:00@Europe/Berlin" + @"P200D"', "100000-01-16T09:00:00@Europe/Berlin",
                 id="and in years so far away that summer time is a guess"),
    pytest.param("{if: 1, b: if true then 2 else 3}.b", "2", id="an entry called if takes no keyword away"),
    pytest.param('string join(["a", "b"], [null])', "null", id="a list of one null is no delimiter that is left out"),
    # here the oracle was: the value of a duration is a number of 34 digits, before it is cut to whole months
    pytest.param('@"-P2Y3M" * 99999999999999999.99999999999999999', "-P225000000000000000Y",
                 id="a duration times a number is a number of 34 digits"),
    pytest.param("time(5, 5, 0.000009999999999999999999999999999999999)", "05:05:00.000009999",
                 id="seconds are cut in FEEL's own precision"),
    pytest.param('{"-a": 1, a: 2, b: -a}.b', "-2", id="a key that begins with a sign takes no operator away"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), FOUND)
def test_what_was_found_stays_right(text: str, expected: str) -> None:
    assert feel.string(feel.evaluate(text, feel_grammar.VARIABLES, dialect="feel")) == expected
    check(text)
