"""No text makes FEEL do anything but give a value, a syntax error or a spent budget, in bounded memory."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import feel_grammar
import feel_mutations
import needs
from procession import feel

TOOL = Path(__file__).resolve().parents[3] / "tools" / "fuzz_feel.py"
MEMORY_MAX = 1_000_000_000
"""Bytes of address space for the many seeds: Python, the engine and values within a budget need a fifth of it."""


@settings(max_examples=100)
@given(st.randoms(use_true_random=False))
def test_a_mutated_expression_has_an_outcome(random: Random) -> None:
    feel_mutations.run(feel_mutations.mutated(random, feel_grammar.expression(random, depth=3)))


@settings(max_examples=100)
@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_any_unicode_has_an_outcome(text: str) -> None:
    feel_mutations.run(text)
    feel_mutations.run(f'"{text}"')
    feel_mutations.run(f"`{text}`")
    feel_mutations.run(f'matches(s, "{text}")')
    feel_mutations.run(f'[date("{text}"), time("{text}"), duration("{text}"), number("{text}"), range("{text}")]')


@given(st.randoms(use_true_random=False), st.integers(1, 2000))
def test_a_budget_is_never_overspent_by_much(random: Random, budget: int) -> None:
    text = feel_grammar.expression(random, depth=4)
    runtime = feel.Runtime(budget=budget)
    try:
        feel.evaluate(text, feel_grammar.VARIABLES, runtime=runtime)
    except feel.FeelSyntaxError:
        return
    except feel.BudgetExceeded:
        return
    assert runtime.left >= 0


@pytest.mark.large
def test_many_seeds_stay_within_the_memory_of_a_small_process() -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))

    done = subprocess.run([sys.executable, TOOL, "--seeds", "20000"], preexec_fn=limit, capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.large
def test_coverage_guided_fuzzing_finds_nothing() -> None:
    needs.require("atheris", "pip install atheris")
    done = subprocess.run(
        [sys.executable, TOOL, "--atheris", "-runs=20000"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
