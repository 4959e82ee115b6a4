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
from procession.forms import Attached, Compiled, Setting, check_form, compile_form, read_form, submit

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
CONDITIONS: Final = st.none() | st.builds(
    "={} {}".format, st.sampled_from(KEYS), st.sampled_from(["= 1", "!= null", "= null", "> 1", "= 1 or k0 = 2"])
)
FIELDS: Final = st.lists(st.tuples(CONDITIONS, CONDITIONS, st.booleans()), min_size=5, max_size=5)


@settings(max_examples=300, deadline=None)
@given(FIELDS, st.dictionaries(st.sampled_from(KEYS), st.sampled_from([1, 2, None])))
def test_hidden_values_are_dropped_once_and_for_all(fields: list[Any], sent: dict[str, Any]) -> None:
    components = [
        {
            "type": "expression" if computed else "number",
            "key": key,
            "conditional": {"hide": hide or "=false"},
            **({"expression": other or "=1", "computeOn": "change"} if computed else {"readonly": other or False}),
        }
        for key, (hide, other, computed) in zip(KEYS, fields, strict=True)
    ]
    form = compiled(components)
    done = submit(form, sent)
    shown = {item.path for page in done.view.pages for item in page.walk() if item.visible}
    assert shown.issuperset(done.data)
    again = submit(form, done.data)
    assert again.data == done.data
