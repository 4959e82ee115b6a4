"""Patterns: the same answers as other engines, in bounded time, and what is refused."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from procession.forms import patterns
from procession.forms.patterns import PatternError, compile_pattern

ATOMS = st.sampled_from(["a", "b", "c", ".", "[ab]", "[^a]", r"\d", r"\w", "[a-c1-3]", "^", "$", r"\b", r"\B", "1"])
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,}", "{0,2}", "*?", "+?"])).map(
            lambda pair: f"({pair[0]}){pair[1]}"
        ),
        inner.map(lambda one: f"(?={one})"),
        inner.map(lambda one: f"(?!{one})"),
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(PATTERNS, st.text("abc12 \n", min_size=1, max_size=8))
def test_a_pattern_says_what_pythons_engine_says(pattern: str, text: str) -> None:
    # In Python `$` also holds before a last line end, and `\B` not in an empty text, which JavaScript has otherwise.
    other = re.compile(pattern.replace("$", r"\Z"), re.ASCII)
    assert compile_pattern(pattern).matches(text) is (other.search(text) is not None)


@pytest.mark.parametrize(
    "pattern",
    [
        "^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "(a*)*b", "^(([a-z])+.)+[A-Z]([a-z])+$", "(x+x+)+y", "^(a?){30}a{30}$",
        "^(?=(a+)+b)a*c$",
    ],
)  # fmt: skip
def test_what_takes_others_for_ever_takes_counted_steps(pattern: str) -> None:
    assert compile_pattern(pattern).matches("a" * 500 + "!") is False


def test_what_takes_too_many_steps_does_not_match(monkeypatch: pytest.MonkeyPatch) -> None:
    pattern = compile_pattern("a*$")
    assert pattern.matches("a" * 100)
    monkeypatch.setattr(patterns, "STEPS_MAX", 50)
    assert not pattern.matches("a" * 100)


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"^\u00e9\x41\u{1F600}$", "éA😀", True),
        (r"^[\]\-\\\d]+$", r"]-\7", True),
        (r"^[^]$", "\n", True),
        (r"[]", "a", False),
        (r"^.$", "\u2028", False),
        (r"^\s$", "\u00a0", True),
        (r"^\S\D\W$", "a.!", True),
        (r"^[\p{Lu}_]$", "É", True),
        (r"^\P{L}$", "1", True),
        (r"^(?<year>\d{4})$", "2026", True),
        (r"", "anything", True),
        (r"a|", "", True),
        (r"^\/\.$", "/.", True),
        (r"x(?!y)", "xy xz", True),
        ("^a.c$", "a😀c", True),
    ],
)
def test_a_production_is_matched(pattern: str, text: str, found: bool) -> None:
    assert compile_pattern(pattern).matches(text) is found


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        (r"(a)\1", "refers back"),
        (r"(?<n>a)\k<n>", "refers back"),
        (r"(?<=a)b", "looks behind"),
        (r"(?<!a)b", "looks behind"),
        ("(a", "not closed"),
        ("a)", "closes that was not opened"),
        ("[a", "not closed"),
        ("[a\\", "not closed"),
        ("[b-a]", "no order"),
        (r"[\d-z]", "no order"),
        ("*a", "nothing to repeat"),
        ("^*", "nothing to repeat"),
        ("a**", "is repeated"),
        ("a{2}{3}", "is repeated"),
        ("a{3,2}", "limits"),
        ("a{x}", "no repetition"),
        ("{", "nothing to repeat"),
        ("a{999999}", "limits"),
        ("(a{90}){90}", "too many"),
        ("\\", "ends with a backslash"),
        (r"\q", "no escape"),
        (r"\x0", "names no character"),
        (r"\u{110000}", "names no character"),
        (r"\p{Greek}", "none of the properties"),
        (r"\pL", "in braces"),
        ("(?a)", "not known"),
        ("(?<n", "does not end"),
        ("(" * 60 + ")" * 60, "nested deeper"),
        ("a" * 1_001, "the limit is"),
    ],
)
def test_what_is_no_pattern_is_refused_with_the_reason(pattern: str, says: str) -> None:
    with pytest.raises(PatternError, match=re.escape(says)):
        compile_pattern(pattern)


@given(st.text("ab(){}[]|*+?^$.\\-,0159dwsbpu<>=!:k", max_size=12))
def test_any_text_is_a_pattern_or_is_refused(text: str) -> None:
    with contextlib.suppress(PatternError):
        compile_pattern(text).matches("ab01")
