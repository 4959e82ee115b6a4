"""Python to FEEL: what reckons is translated and gives the same, what does something is left to a worker."""

from __future__ import annotations

from typing import Any, Final

import pytest

from procession.convert.python_feel import DEPTH_MAX, TEXT_MAX, translate_assignments, translate_python
from procession.feel import evaluate

VARIABLES: Final[dict[str, Any]] = {
    "n": 7, "m": -3, "s": "Ada", "yes": True, "xs": [3, 1, 2], "d": {"k": {"l": 5}}, "nothing": None,
}  # fmt: skip
SAME: Final = [
    "n + 1",
    "n - m * 2",
    "-n",
    "n ** 2",
    "n % 4",
    "m % 4",
    "n // 2",
    "m // 2",
    "n / 2",
    "n > 5 and not yes",
    "n > 5 or yes",
    "1 < n <= 7",
    "n == 7",
    "s != 'Bo'",
    "s in ['Ada', 'Bo']",
    "s not in ['Ada', 'Bo']",
    "nothing is None",
    "nothing is not None",
    "len(xs)",
    "sum(xs) + max(xs) - min(xs)",
    "abs(m)",
    "xs[0]",
    "xs[-1]",
    "d['k']['l']",
    "s.upper()",
    "s.lower().startswith('a')",
    "'x' if n > 5 else 'y'",
    "[n, m]",
    "{'a': n, 'b': [s]}",
    "True",
    "None",
    "2.5",
    "(\n n\n + 1\n)",
]
LEFT: Final = [
    ("f(n)", "the Call at line 1"),
    ("n if", "this is no Python"),
    ("", "this is no expression of Python"),
    ("n = 1", "this is no Python"),
    ("[x for x in xs]", "the ListComp at line 1"),
    ("lambda: 1", "the Lambda at line 1"),
    ("__import__('os').system('x')", "the Call at line 1"),
    ("n & 1", "the BinOp at line 1"),
    ("xs[1:2]", "the Subscript at line 1"),
    ("x" * (TEXT_MAX + 1), "more than"),
    ("(" * 4_000 + "n" + ")" * 4_000, "this"),
    ("not " * (DEPTH_MAX + 5) + "n", f"nested deeper than {DEPTH_MAX}"),
    ("+".join(["n"] * 2_000), f"nested deeper than {DEPTH_MAX}"),
    ("f(" * 200 + "n" + ")" * 200, "this"),
]


@pytest.mark.parametrize("text", SAME)
def test_an_expression_gives_what_python_gives(text: str) -> None:
    done = translate_python(text)
    assert done.feel is not None, done
    # The texts are those above.
    wanted = eval(text, {}, dict(VARIABLES))
    assert evaluate(done.feel, VARIABLES, dialect="camunda") == wanted, done.feel


@pytest.mark.parametrize(("text", "note"), LEFT, ids=lambda text: text[:20])
def test_what_feel_has_no_words_for_is_left_to_a_worker(text: str, note: str) -> None:
    done = translate_python(text)
    assert (done.feel, done.outcome) == (None, "needs-work")
    assert note in done.note


@pytest.mark.parametrize(
    ("text", "feel"),
    [
        ("a = 1", "{a: 1}"),
        ("a = n\nb = a * 2\n", "{a: n, b: a * 2}"),
        ("a = {'k': s}", "{a: {k: s}}"),
    ],
)
def test_assignments_are_one_context(text: str, feel: str) -> None:
    found, done = translate_assignments(text)
    assert done.feel == feel
    inner: dict[str, Any] = dict(VARIABLES)
    exec(text, {}, inner)
    value = evaluate(feel, VARIABLES, dialect="camunda")
    assert value == {each.target: inner[each.target] for each in found}


@pytest.mark.parametrize("text", ["", "a += 1", "a, b = 1, 2", "a = b = 1", "a = 1\na = 2", "p(a)", "a.b = 1", "if"])
def test_a_script_that_does_more_than_assign_is_left_to_a_worker(text: str) -> None:
    found, done = translate_assignments(text)
    assert (found, done.outcome) == ((), "needs-work")
