"""FEEL and DMN as libraries: values of Python in, values and explanations out."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from dmn_documents import decision, document, table, text
from procession import dmn, feel
from procession.base.diagnostics import Refused
from procession.base.failure import BadValue

ZONE = dt.timezone(dt.timedelta(hours=2))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.1, "0.1"),
        (Decimal("1.50"), "1.50"),
        ((1, [2.5]), "[1, [2.5]]"),
        ({"a b": {"c": 1}}, "{a b: {c: 1}}"),
        (dt.date(2026, 1, 31), "2026-01-31"),
        (dt.datetime(2026, 1, 31, 12, 30, tzinfo=ZONE), "2026-01-31T12:30:00+02:00"),
        (dt.time(9, 5), "09:05:00"),
        (dt.timedelta(days=-1, hours=1), "-PT23H"),
        (feel.YearsMonthsDuration(14), "P1Y2M"),
        (None, "null"),
    ],
)
def test_a_value_of_python_is_a_value_of_feel(value: object, shown: str) -> None:
    assert feel.string(feel.evaluate("v", {"v": value})) == shown


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_float_that_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(BadValue):
        feel.evaluate("v", {"v": [value]})


def test_names_with_spaces_are_known_at_any_depth() -> None:
    assert feel.evaluate("an order.first line.unit price", {"an order": {"first line": {"unit price": 2}}}) == 2


def test_evaluate_full_gives_the_reasons_and_compile_the_function() -> None:
    value, diagnostics = feel.evaluate_full("a + b", {"a": 1})
    assert value is None
    assert diagnostics[0].code == "unknown-name"
    assert feel.pointed("a + b", diagnostics[0]).splitlines()[1:] == ["  a + b", "      ^"]
    assert feel.compile("a + 1").evaluate({"a": 1}) == 2
    assert feel.compile("a + 1") is feel.compile("a + 1")


@pytest.mark.parametrize(
    ("tests", "value", "passes"),
    [("> 5, 3", 3, True), ("not(3)", 3, False), ("-", None, True), ("? > limit", 3, True), ("< 3", "x", None)],
)
def test_unary_tests_say_whether_a_value_passes(tests: str, value: object, passes: bool | None) -> None:
    assert feel.unary_tests(tests, value, {"limit": 2}).value is passes


TABLE = table('hitPolicy="COLLECT"', "n || out", "> 1 || 1", "> 2 || 2")
MODEL = document('<inputData id="in_n" name="n"/>' + decision("x", TABLE, ["in_n"]))


def test_a_model_is_loaded_from_a_file_or_bytes(tmp_path: Path) -> None:
    (tmp_path / "m.dmn").write_bytes(MODEL)
    for source in (tmp_path / "m.dmn", str(tmp_path / "m.dmn"), MODEL):
        assert dmn.load(source).names == ["x"]
        assert dmn.load(source).evaluate("x", {"n": 2.5}) == [1, 2]
    told = dmn.load(MODEL).evaluate("x", {"n": 2}, explain=True)
    assert told.value == [1]
    assert told.error == ""
    (evaluation,) = told.evaluations
    assert evaluation.inputs == {"n": 2}
    assert [rule.number for rule in evaluation.tables[0].rules] == [1]


def test_what_cannot_be_loaded_or_decided_is_said() -> None:
    with pytest.raises(Refused, match="dmn-expression"):
        dmn.load(document(decision("x", text("1 +"))))
    with pytest.raises(FileNotFoundError):
        dmn.load("none.dmn")
    for explain in (False, True):
        with pytest.raises(dmn.DecisionError, match="there is no decision 'y'"):
            dmn.load(MODEL).evaluate("y", explain=explain)


def test_a_spent_budget_is_told_in_an_explanation() -> None:
    model = dmn.load(document(decision("x", text("count(for i in 1..1000000 return i)"))))
    told = model.evaluate("x", explain=True, runtime=feel.Runtime(budget=100))
    assert "more steps" in told.error
    assert [(each.id, each.done) for each in told.evaluations] == [("x", False)]


def test_an_imported_model_decides_with() -> None:
    base = dmn.load(MODEL)
    other = MODEL.replace(b'namespace="test"', b'namespace="other"').replace(
        b'<inputData id="in_n" name="n"/>', b'<import namespace="test" name="base" importType="DMN"/>'
    ).replace(b'href="#in_n"', b'href="test#in_n"').replace(b">n<", b">base.n<")  # fmt: skip
    assert dmn.load(other, imports=[base]).evaluate("x", {"n": 2}) == [1]
