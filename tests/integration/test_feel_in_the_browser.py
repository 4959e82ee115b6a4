"""FEEL in the browser: the runtime of the player gives what the engine gives, or asks; no difference is allowed."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Final
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import feel_grammar
from browser_cases import ASKED, CONTEXT, SECTIONS
from browser_rig import PACKAGE, Browser, Verdict, browser, bundle, server_verdict
from conformance.clauses import rows
from procession import feel
from procession.feel.javascript import subset
from procession.feel.javascript.functions import signatures
from procession.feel.library import names_of
from procession.feel.weight import weight
from shared_data import shared_data

GZIP_MAX: Final = 12 * 1024
SIZE_MAX: Final = 5_000
"""Shared lists may be exponentially larger to write than to make; such values are left out."""
BUDGET: Final = 20_000
POOL: Final[tuple[object, ...]] = (
    1, 2, -3, 0, "abc", "foobar", "", True, False, None, [1, 2, 3], ["a", "b"], {"a": 1, "b": "x"},
    [{"a": 1}, {"b": 2}], 10, 100, "2020-01-01", "10:30:00", "P1D", Decimal("1.50"), Decimal("-0.001"), 10**20,
    [None, True],
)  # fmt: skip
"""What the variables of other people's expressions are given."""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("browser")) as running:
        yield running


def verdicts(page: Browser, expression: feel.Expression, variables: dict[str, object]) -> tuple[str, str, str]:
    """How it went (`same`, `asked`, `outside` of the subset), and both texts; fails if they differ."""
    program = subset(expression)
    if isinstance(program, tuple):
        return "outside", "", program[0].construct
    value = expression.evaluate(variables, feel.Runtime(budget=BUDGET))
    if weight(value, SIZE_MAX) > SIZE_MAX:
        return "large", "", ""
    wanted = feel.string(value, quoted=True)
    found = page.run(program, variables)
    if found.kind == "ask":
        return "asked", wanted, found.text
    assert found.text == wanted, f"{expression.text}\nserver  {wanted}\nbrowser {found.text}\nwith {variables}"
    return "same", wanted, found.text


def test_both_sides_convert_arguments_alike(page: Browser) -> None:
    assert page.ask("signatures") == signatures()


@pytest.mark.parametrize("section", SECTIONS)
def test_the_browser_says_what_the_table_says(page: Browser, section: str) -> None:
    for case in SECTIONS[section]:
        program = subset(case.expression())
        assert not isinstance(program, tuple)
        found = page.run(program, CONTEXT)
        assert found[:2] == ("value", case.expected), case.text


@pytest.mark.parametrize("text", [text for text, reason in ASKED if reason is None])
def test_what_only_the_run_shows_is_asked(page: Browser, text: str) -> None:
    program = subset(feel.compile_expression(text))
    assert not isinstance(program, tuple)
    assert page.run(program, CONTEXT).kind == "ask"


# The process is the same for all examples on purpose: it keeps nothing from one to the next.
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.randoms(use_true_random=False), st.sampled_from((0.0, 0.02, 0.1)))
def test_drawn_expressions_have_one_verdict(page: Browser, random: Random, wrong: float) -> None:
    _drawn(page, feel_grammar.expression(random, depth=3, wrong=wrong))


@pytest.mark.parametrize("kind", [*feel_grammar.KINDS, "any"])
def test_drawn_expressions_of_every_kind_have_one_verdict(page: Browser, kind: str) -> None:
    seen = Counter(
        _drawn(page, feel_grammar.expression(Random(seed), kind, depth=2, wrong=0.02)) for seed in range(150)
    )
    assert seen["same"] > 50, seen


@pytest.mark.parametrize("seed", range(300))
def test_drawn_unary_tests_have_one_verdict(page: Browser, seed: int) -> None:
    random = Random(seed)
    variables = {**feel_grammar.VARIABLES, "?": random.choice((1, 2, Decimal("2.5"), None, "a", [1, 2], True))}
    try:
        expression = feel.compile_unary_tests(feel_grammar.unary_tests(random), names=variables)
        verdicts(page, expression, variables)
    except (feel.FeelSyntaxError, feel.BudgetExceeded):
        return


@pytest.mark.large
@pytest.mark.parametrize("part", range(8))
def test_drawn_expressions_have_one_verdict_for_many_seeds(page: Browser, part: int) -> None:
    for seed in range(part * 5000, (part + 1) * 5000):
        _drawn(page, feel_grammar.expression(Random(seed), depth=2 + seed % 3, wrong=0.01 * (seed % 4)))


def _drawn(page: Browser, text: str) -> str:
    try:
        expression = feel.compile_expression(text, names=feel_grammar.VARIABLES)
        return verdicts(page, expression, feel_grammar.VARIABLES)[0]
    except (feel.FeelSyntaxError, feel.BudgetExceeded):
        return "no verdict"


def test_numbers_have_the_same_last_digit(page: Browser) -> None:
    random = Random(20)
    seen: Counter[str] = Counter()
    operations = ["a + b", "a - b", "a * b", "a / b", "modulo(a, b)", "[a < b, a = b]", "sqrt(a)", "[-a, abs(b)]",
                  "[decimal(a, n), floor(a, n), ceiling(a, n), round up(a, n), round down(a, n)]",
                  "[round half up(a, n), round half down(a, n)]", "[odd(a), even(b)]", "mean(a, b, n)", "product(a, b)",
                  "median(a, b, n)", "sum(a, b, n)", "a ** n", "number(string(a))"]  # fmt: skip
    for text in operations:
        expression = feel.compile_expression(text)
        for _ in range(150):
            variables: dict[str, object] = {"a": _number(random), "b": _number(random), "n": random.randrange(-6, 12)}
            seen[verdicts(page, expression, variables)[0]] += 1
    assert seen["same"] > 0.95 * seen.total(), seen


def _number(random: Random) -> int | Decimal:
    digits = random.choice((1, 2, 3, 8, 16, 20, 33, 34, 36))
    coefficient = random.choice((random.randrange(10**digits), 10**digits - 1, 5 * 10 ** (digits - 1)))
    coefficient *= random.choice((1, -1))
    exponent = random.choice((0, 0, 0, -1, -2, -2, -5, -20, 3, random.randrange(-40, 40)))
    return (
        coefficient if exponent == 0 else Decimal((coefficient < 0, tuple(map(int, str(abs(coefficient)))), exponent))
    )


def test_dates_and_durations_are_the_same(page: Browser) -> None:
    random = Random(99)
    expressions = [
        "[date(a), time(a), date and time(a), duration(a), date and time(a).time offset, week of year(date(a))]",
        "[date(a) + duration(b), date and time(a) + duration(b), time(a) - duration(b), duration(a) - duration(b)]",
        "[date(a) - date(b), date and time(a) - date and time(b), time(a) - time(b), duration(a) / duration(b)]",
        "[date(a) < date(b), date and time(a) <= date and time(b), time(a) = time(b), is(time(a), time(b))]",
        "[duration(a).days, duration(a).hours, duration(a).seconds, duration(a).months, -duration(a), duration(a) / 7]",
        "years and months duration(date and time(a), date and time(b))",
    ]
    for text in expressions:
        expression = feel.compile_expression(text)
        for _ in range(400):
            variables: dict[str, object] = {"a": _temporal(random), "b": _temporal(random)}
            assert verdicts(page, expression, variables)[0] == "same"


def _temporal(random: Random) -> str:
    """The text of a date, a time, both, or a duration; now and then a wrong one."""
    pick = random.choice
    day = f"{pick(('', '', '-'))}{random.randrange(3000):04}-{random.randrange(14):02}-{random.randrange(33):02}"
    clock = f"{random.randrange(26):02}:{random.randrange(61):02}:{random.randrange(61):02}"
    clock += pick(("", ".5", ".123456789123", ".")) + pick(("", "Z", "+05:30", "-18:00", "+18:01", "-00:30:15"))
    months = pick(("", f"{random.randrange(3000)}Y")) + pick(("", f"{random.randrange(99)}M"))
    days = pick(("", f"{random.randrange(999)}D")) + pick(("", f"T{random.randrange(99)}H", "T90M5.25S", "T", "T5.S"))
    sign = pick(("", "-"))
    return pick((day, day, clock, f"{day}T{clock}", f"{day}T{clock}", f"{sign}P{months}", f"{sign}P{days}"))


def test_texts_have_the_same_case_for_every_letter_that_is_not_asked(page: Browser) -> None:
    expression = feel.compile_expression("[upper case(s), lower case(s), upper case(t)]")
    asked = 0
    for code in range(1, 0x600):
        variables: dict[str, object] = {"s": chr(code), "t": f"a{chr(code)}Σ"}
        asked += verdicts(page, expression, variables)[0] == "asked"
    assert asked == 0x1F0 + 0xD0


def test_patterns_match_the_same_texts(page: Browser) -> None:
    random = Random(7)
    seen: Counter[str] = Counter()
    for _ in range(1500):
        pattern = "".join(random.choice(_PATTERN) for _ in range(random.randrange(1, 6)))
        function = random.choice(
            ('matches(s, "{}")', 'matches(s, "{}", "i")', 'split(s, "{}")', 'replace(s, "{}", "-")')
        )
        expression = feel.compile_expression(function.format(pattern))
        for _ in range(3):
            text = "".join(random.choice("abcABC1 -._é\n\tßı日") for _ in range(random.randrange(0, 9)))
            seen[verdicts(page, expression, {"s": text})[0]] += 1
    assert seen["same"] > 2000, seen


_PATTERN: Final = (
    "a", "b", "[ab]", "[^a]", "\\\\d", "\\\\w", "\\\\s", "\\\\W", ".", "(a|b)", "(?:ab)", "^", "$", "*", "+", "?",
    "{2}", "{1,}", "\\\\.", "[a-c-[b]]", "é", "\\\\p{Lu}", "-", "|", "[.\\\\-]", " ", "(", "]",
)  # fmt: skip


def test_the_clauses_have_one_verdict(page: Browser) -> None:
    """The tables of `tests/conformance/feel`; a value of `?` that is no JSON is left to the engine."""
    seen: Counter[str] = Counter()
    for row in rows():
        try:
            if row.mode == "expressions":
                expression = feel.compile_expression(row.source, names=names_of(row.variables))
                seen[verdicts(page, expression, row.variables)[0]] += 1
                continue
            given, _, tests = row.source.partition(" | ")
            value = feel.evaluate(given, row.variables)
            if feel.to_json(value) is value:
                scope = {**row.variables, "?": value}
                seen[verdicts(page, feel.compile_unary_tests(tests, names=names_of(scope)), scope)[0]] += 1
        except (feel.FeelSyntaxError, feel.BudgetExceeded):
            continue
    assert seen["same"] > 1000, seen


@pytest.mark.parametrize(
    ("element", "read", "outside"),
    [
        ("literalExpression", feel.compile_expression, 0.12),
        ("inputEntry", feel.compile_unary_tests, 0.03),
        ("outputEntry", feel.compile_expression, 0.03),
    ],
)
def test_the_kit_of_dmn_has_one_verdict(
    page: Browser, element: str, read: Callable[[str], feel.Expression], outside: float
) -> None:
    """Expressions of the compatibility kit, with what their variables are given here."""
    seen: Counter[str] = Counter()
    for text in sorted(_texts(shared_data("data", "dmn-tck"), element)):
        try:
            expression = read(text)
        except feel.FeelSyntaxError:
            continue
        names = sorted(expression.variables)
        for turn in range(4):
            random = Random(f"{text} {turn}")
            variables = {name: random.choice(POOL) for name in names} if turn else {}
            try:
                seen[verdicts(page, expression, variables)[0]] += 1
            except feel.BudgetExceeded:
                seen["no verdict"] += 1
    assert seen["outside"] <= outside * seen.total(), seen
    assert seen["same"] > 0.85 * seen.total(), seen


def _texts(root: Path, element: str) -> set[str]:
    found: set[str] = set()
    for file in root.rglob("*.dmn"):
        try:
            tree = ET.parse(file)
        except ET.ParseError:
            continue
        for each in tree.iter():
            if each.tag.endswith("}" + element):
                found.update(child.text.strip() for child in each if child.tag.endswith("}text") and child.text)
    return found


def test_numbers_and_orders_of_variables_survive_the_way(page: Browser) -> None:
    variables: dict[str, object] = {
        "price": Decimal("1.10"), "long": 12345678901234567890123, "keys": {"2": "b", "1": "a", "": None},
        "text": 'q" \\ \n\u2028 🐎', "__proto__": {"a": 1},
    }  # fmt: skip
    for text in ("[price, long, keys, text]", "string(price)", "`__proto__`.a", "keys.constructor", "[1..2].toString"):
        expression = feel.compile_expression(text)
        assert verdicts(page, expression, variables)[0] == "same"


@pytest.mark.parametrize(
    ("text", "plain", "exact"),
    [
        ('{"a": ["x", null, true], "b": {}}', '{a: ["x", null, true], b: {}}', '{a: ["x", null, true], b: {}}'),
        ("[1.10, -0, 1e21, 0.1]", "[1.1, 0, 1000000000000000000000, 0.1]", "[1.10, 0, 1000000000000000000000, 0.1]"),
        ("12345678901234567890123", "12345678901234568000000", "12345678901234567890123"),
        ('{"2": 1, "1": 2}', "{1: 2, 2: 1}", "{2: 1, 1: 2}"),
        (' [ ] ', "[]", "[]"),
    ],
)  # fmt: skip
def test_plain_values_are_read_as_javascript_has_them_and_json_exactly(
    page: Browser, text: str, plain: str, exact: str
) -> None:
    assert page.ask(f"from {text}") == plain
    assert page.ask(f"read {text}") == exact


@pytest.mark.parametrize("text", ["", "[1,", "[1,]", "[1 2]", '{"a" 1}', "{1: 2}", "1 2", "nul", "1-2", "'a'", "]"])
def test_what_is_no_json_is_not_read(page: Browser, text: str) -> None:
    assert page.ask(f"read {text}")[:2] == ["failed", "SyntaxError"]


def test_the_moment_is_read_where_it_is_given(page: Browser) -> None:
    program = subset(feel.compile_expression("today()"), inputs=["today()"])
    assert not isinstance(program, tuple)
    assert page.run(program, {}).kind == "ask"
    assert page.run(program, {"today()": "2026-11-26"})[:2] == Verdict("value", '"2026-11-26"')[:2]


def test_the_runtime_is_small_and_makes_no_code(tmp_path: Path) -> None:
    bundle(PACKAGE / "src" / "feel" / "index.ts", tmp_path / "feel.js")
    text = (tmp_path / "feel.js").read_bytes()
    assert len(gzip.compress(text, 9)) <= GZIP_MAX
    assert b"eval(" not in text
    assert b"Function(" not in text


def test_the_engine_is_asked_the_same_way(page: Browser) -> None:
    """The rig itself: a difference would be seen."""
    expression = feel.compile_expression("a + 1")
    assert server_verdict(expression, {"a": 1}) == Verdict("value", "2")
    assert page.run(["+", ["v", "a"], 2], {"a": 1})[:2] == ("value", "3")
