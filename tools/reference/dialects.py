"""docs/feel-dialects.md: where the two dialects of FEEL differ, each difference evaluated in both."""

from __future__ import annotations

from typing import Final

from tools.reference.text import line, table

from procession import feel
from procession.feel.builtins import BUILTINS
from procession.feel.builtins.camunda import CAMUNDA
from procession.feel.builtins.described import DESCRIBED_CAMUNDA

SAME: Final[tuple[tuple[str, dict[str, object], str], ...]] = (
    ("`first name` + 1", {"first name": 1}, "a name in back-ticks, in both dialects; needed where no one declares it"),
    (
        "first name + 1",
        {"first name": 1},
        "without them where the name is declared: variables of a decision, parameters",
    ),
    ("missing = null", {}, "a variable that is missing is null, with a note"),
    ("missing.name", {}, "and so is everything reached through null"),
    ("null < 1", {}, "null has no order: the comparison is null, and a condition that is null is an incident"),
    ('1 = "1"', {}, "values of different kinds are not comparable: null, not false"),
    ('"a" + 1', {}, "nothing is converted into text: write `string(1)`"),
    ("0.1 + 0.2 = 0.3", {}, "numbers are exact decimals of 34 digits, also in what is handed to workers"),
    ('1.5 * @"P4DT1H"', {}, "the fraction of a duration is kept"),
    ("5 in (1, [4..6])", {}, "`in` takes values, ranges, comparisons and lists; on strings it is no search"),
    ("5 in [1..10[", {}, "ranges open outwards, tests such as `!= 3`, types such as `list<number>`: the whole grammar"),
    ("if null then 1 else 2", {}, "`if` takes `else` for whatever is not true"),
)
"""(expression, variables, what it shows): these have one meaning, though implementations differ here."""
NOT_TAKEN: Final = (
    ("a comparison with null that is false", "test for null first: `x != null and x > 1`"),
    ("numbers with a fraction as binary floats", "nothing: they stay decimals"),
    (
        "functions of a host's own, found by Java's service loader",
        "`Runtime(functions={…})` in Python; in a process, a job",
    ),
)
"""(what Camunda's implementation has, or had, what to write instead)."""


def page() -> str:
    """The page without its title."""
    added = [name for name in CAMUNDA if name not in BUILTINS["feel"]]
    changed = [name for name in CAMUNDA if name in BUILTINS["feel"]]
    heads = ("function", "gives", "example", "in camunda", "in the standard")
    parts = [
        line(
            """Procession reads two dialects of FEEL: that of the specification, DMN 1.5, and that of Camunda's models.
            Grammar, operators and null are the specification's in both; the second has more functions. So a model that
            was drawn for Camunda runs, and a model that is standard can rely on what the standard says."""
        ),
        "## Which one is meant",
        table(
            ("text", "dialect"),
            (
                (
                    "a process whose document declares the namespace `zeebe`, or names the platform `Camunda Cloud`"
                    " (the profile `zeebe`)",
                    "`camunda`",
                ),
                ("any other process (the profile `standard`)", "`feel`"),
                (
                    "a DMN document that declares that namespace, names that platform, or was exported by `Camunda`,"
                    " `dmn-js` or `bpmn.io`",
                    "`camunda`",
                ),
                ("any other DMN document", "`feel`"),
                (
                    "`feel.evaluate(…)`, `feel.compile_expression(…)` and the like in Python, and"
                    " `procession feel` in a shell",
                    "`feel`, or what the argument `dialect` says",
                ),
            ),
        ),
        line(
            """A program records its profile and the number of its FEEL, so an instance keeps its dialect. A standard
            process that calls a function of the other dialect is told so at deployment."""
        ),
        "## Functions that only Camunda's dialect has",
        table(heads, [_row(name) for name in added]),
        "## Functions that it has otherwise",
        table(heads, [_row(name) for name in changed]),
        "## Decisions",
        line(
            """In a document of Camunda's dialect a value that is not of its column's type, or of its decision's, is
            kept with a note; in any other it is null with a note, as the specification says. Modelers set the type
            `string` without asking, and a decision must not break by it."""
        ),
        "## Assertions",
        line(
            """`assert(value, condition, cause)` is null and a note in Python. In a process and in a decision that a
            process calls, an assertion that does not hold is an incident with its cause."""
        ),
        "## What is the same in both",
        table(("expression", "value", ""), [_same(*row) for row in SAME]),
        "## What was not taken over",
        table(("Camunda", "write"), NOT_TAKEN),
    ]
    return "\n\n".join(parts)


def _row(name: str) -> tuple[str, ...]:
    what = DESCRIBED_CAMUNDA[name]
    found, standard = _value(what.example, "camunda"), _value(what.example, "feel")
    assert found == what.value, name
    assert found != standard, name
    return (
        f"`{name}`",
        f"{what.result}: {what.gives}",
        f"`{what.example}`",
        f"`{found}`",
        f"`{standard}`" if standard else "no FEEL",
    )


def _value(text: str, dialect: feel.Dialect) -> str:
    """The value; "" where the text is no FEEL in this dialect."""
    try:
        return feel.string(feel.evaluate(text, dialect=dialect))
    except feel.FeelSyntaxError:
        return ""


def _same(text: str, variables: dict[str, object], what: str) -> tuple[str, str, str]:
    values = [feel.string(feel.evaluate(text, variables, dialect=dialect)) for dialect in ("feel", "camunda")]
    assert values[0] == values[1], text
    quoted = f"`` {text} ``" if "`" in text else f"`{text}`"
    return quoted, f"`{values[0]}`", what
