"""Conditions and validations, row by row of `verdicts.json`: the same table is run in a browser, too."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from procession.base.failure import BadValue
from procession.feel import BudgetExceeded
from procession.forms import Attached, Compiled, Setting, check_form, compile_form, read_form, settling, submit

TABLE: Final[dict[str, list[dict[str, Any]]]] = json.loads(
    Path(__file__).with_name("verdicts.json").read_text(encoding="utf-8"), parse_float=Decimal
)


def compiled(components: list[dict[str, Any]], properties: dict[str, Any] | None = None) -> Compiled:
    raw = {"type": "default", "id": "f", "components": components, "properties": properties or {}}
    form, found = read_form(json.dumps(raw, default=float).encode(), "f.form")
    assert form is not None, found
    made, wrong = compile_form(form)
    assert not wrong
    return made


def setting(row: dict[str, Any]) -> Setting:
    given: dict[str, Any] = dict(row.get("setting", {}))
    if "files" in given:
        given["files"] = {id: Attached(each["name"], each["size"]) for id, each in given["files"].items()}
    return Setting(**given)


@pytest.mark.parametrize("row", TABLE["validations"], ids=lambda row: row["name"])
def test_a_field_takes_and_refuses(row: dict[str, Any]) -> None:
    form = compiled([row["field"]])
    for value in row["accept"]:
        assert submit(form, {"f": value}, {}, setting(row)).faults == (), value
    for rule, values in row["refuse"].items():
        for value in values:
            faults = submit(form, {"f": value}, {}, setting(row)).faults
            assert [fault.rule for fault in faults] == [rule], value
            assert faults[0].path == "f"
            assert faults[0].message


@pytest.mark.parametrize("row", TABLE["conditions"], ids=lambda row: row["name"])
def test_an_answer_becomes_data_or_faults(row: dict[str, Any]) -> None:
    form = compiled(row["components"], row.get("properties"))
    done = submit(form, row["sent"], row.get("held"), setting(row))
    assert done.data == row["data"]
    assert list(done.data) == list(row["data"])
    assert [[fault.path, fault.rule] for fault in done.faults] == row["faults"]
    if "pages" in row:
        assert [page.id for page in done.view.pages if page.visible] == row["pages"]
    # What came out goes in again, and nothing more is dropped.
    again = submit(form, done.data, row.get("held"), setting(row))
    assert again.data == done.data


@pytest.mark.parametrize("row", TABLE["conditions"], ids=lambda row: row["name"])
def test_no_form_of_the_table_is_refused_by_the_linter(row: dict[str, Any]) -> None:
    raw = {"type": "default", "id": "f", "components": row["components"], "properties": row.get("properties", {})}
    found = check_form(json.dumps(raw, default=float).encode())
    assert [each for each in found if each.severity == "error"] == []


def deep(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


def test_what_no_variable_may_hold_is_refused_before_anything_is_asked() -> None:
    form = compiled([{"type": "taglist", "key": "f", "label": "F", "values": [{"value": "x"}]}])
    with pytest.raises(BadValue, match="nested"):
        submit(form, {"f": deep(100_000)})
    assert [fault.rule for fault in submit(form, {"f": deep(150)}).faults] == ["option"]


KEYS: Final = [f"k{number}" for number in range(5)]
TESTS: Final = st.sampled_from(["= 1", "!= null", "= null", "> 1", "= 1 or k0 = 2"])
SENT: Final = st.dictionaries(st.sampled_from(KEYS), st.sampled_from([1, 2, None]))


def conditions(keys: list[str]) -> st.SearchStrategy[str]:
    """Conditions on some keys; one that names k0 beside another key only where k0 is among them."""
    if not keys:
        return st.sampled_from(["=false", "=variable = null"])
    return st.just("=false") | st.builds("={} {}".format, st.sampled_from(keys), TESTS)


def dropped_once(components: list[dict[str, Any]], sent: dict[str, Any]) -> None:
    form = compiled(components)
    done = submit(form, sent)
    shown = {item.path for page in done.view.pages for item in page.walk() if item.visible}
    assert shown.issuperset(done.data)
    assert submit(form, done.data).data == done.data


@settings(max_examples=100, deadline=None)
@given(st.tuples(*[st.tuples(conditions(KEYS), conditions(KEYS)) for _ in KEYS]), SENT)
def test_hidden_values_are_dropped_once_and_for_all(fields: Any, sent: dict[str, Any]) -> None:
    """Also where conditions contradict each other."""
    components = [
        {"type": "number", "key": key, "conditional": {"hide": hide}, "readonly": readonly}
        for key, (hide, readonly) in zip(KEYS, fields, strict=True)
    ]
    dropped_once(components, sent)


ORDERED: Final = st.tuples(
    *[st.tuples(conditions(KEYS[:at]), conditions(KEYS[:at]), st.booleans()) for at in range(len(KEYS))]
)


@settings(max_examples=100, deadline=None)
@given(ORDERED, SENT, st.permutations(range(5)))
def test_so_they_are_among_what_is_computed_in_any_order(fields: Any, sent: dict[str, Any], order: list[int]) -> None:
    components = [
        {
            "type": "expression" if computed else "number",
            "key": key,
            "conditional": {"hide": hide},
            **({"expression": other, "computeOn": "change"} if computed else {"readonly": other}),
        }
        for key, (hide, other, computed) in zip(KEYS, fields, strict=True)
    ]
    dropped_once(components, sent)
    form = compiled([components[number] for number in order])
    assert submit(form, sent).data == submit(compiled(components), sent).data


@pytest.mark.parametrize("backwards", [False, True])
def test_a_long_chain_of_conditions_has_its_end(backwards: bool) -> None:
    """Each field is hidden where the one before it has no value, and the first has none."""
    fields = [
        {"type": "textfield", "key": f"k{n}", "label": "A", "conditional": {"hide": f"=k{n - 1} = null"}}
        for n in range(1, 200)
    ]
    form = compiled(fields[::-1] if backwards else fields)
    sent = {f"k{n}": "x" for n in range(1, 200)}
    assert submit(form, sent).data == {}
    assert len(submit(form, sent, {"k0": "x"}).data) == 199


def test_values_that_are_computed_from_each_other_end(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = [
        {
            "type": "expression",
            "key": f"k{n}",
            "expression": f"=if k{(n + 1) % 30} = null then 1 else k{(n + 1) % 30} + 1",
            "computeOn": "change",
        }
        for n in range(30)
    ]
    form = compiled(fields)
    assert len(submit(form, {}).data) == 30
    monkeypatch.setattr(settling, "STEPS_MAX", 10_000)
    with pytest.raises(BudgetExceeded):
        submit(form, {})
    assert submit(compiled([{**fields[0], "expression": "=k0 + 1"}]), {}).data == {"k0": None}
