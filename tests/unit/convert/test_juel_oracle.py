"""JUEL translated to FEEL means the same: drawn expressions, evaluated by an evaluator of JUEL and by FEEL."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from juel_oracle import VARIABLES, Undefined, drawn, text_of, value_of
from procession.convert.juel_feel import translate
from procession.feel import evaluate_full

KINDS = ("number", "string", "boolean", "any")


def compared(random: Random, kind: str) -> bool:
    """Compares one drawn expression; whether it is defined in both languages."""
    tree = drawn(random, kind, 4)
    text = "${" + text_of(tree) + "}"
    done = translate(text)
    assert "no JUEL" not in done.note, (text, done)
    if done.feel is None:
        return False
    try:
        wanted = value_of(tree)
    except Undefined:
        return False
    outcome = evaluate_full(done.feel, VARIABLES, dialect="camunda")
    if outcome.diagnostics or done.outcome == "changed":
        return False
    assert same(outcome.value, wanted), (text, done.feel, outcome.value, wanted)
    return True


def same(feel: Any, juel: Any) -> bool:
    """Whether two values are the same; numbers by their amount."""
    if isinstance(feel, bool) or isinstance(juel, bool):
        return feel is juel
    if isinstance(feel, int | Decimal) and isinstance(juel, int | float):
        return Decimal(feel) == Decimal(juel)
    if isinstance(feel, list) and isinstance(juel, list):
        return len(feel) == len(juel) and all(map(same, feel, juel))
    return bool(feel == juel)


@given(st.randoms(use_true_random=False), st.sampled_from(KINDS))
@settings(max_examples=150, deadline=None)
def test_a_translated_expression_gives_the_same_value(random: Random, kind: str) -> None:
    compared(random, kind)


def test_most_drawn_expressions_are_defined_in_both_languages() -> None:
    counted = [compared(Random(f"{kind} {seed}"), kind) for kind in KINDS for seed in range(400)]
    assert sum(counted) > 0.6 * len(counted), sum(counted) / len(counted)


@given(st.lists(st.tuples(st.booleans(), st.text(st.characters(exclude_characters="\\#$", codec="utf-8")))))
@settings(max_examples=100, deadline=None)
def test_a_template_gives_its_texts_in_their_order(parts: list[tuple[bool, str]]) -> None:
    template = "".join("${s}" if is_variable else text for is_variable, text in parts)
    wanted = "".join("Ada" if is_variable else text for is_variable, text in parts)
    done = translate(template)
    assert done.feel is not None
    assert evaluate_full(done.feel, VARIABLES, dialect="camunda").value == wanted
